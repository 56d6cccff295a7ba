"""Prints the test files that need neither the book nor what builds it: d2lutil's own.

python -m pytest $(python tests/of_package.py)
"""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parent
# A test that imports or takes one of these needs the book, or what builds it.
BOOK = {"_ext", "book", "site", "jupyter_cache", "myst_nb", "pybtex", "sphinx", "yaml"}
BOOK |= {path.stem for path in (TESTS.parent / "_ext").glob("*.py")}


def needs_book(source: str) -> bool:
    """Whether a test file has use for the book, or for what builds it."""
    used = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg):
            used.add(node.arg)
        elif isinstance(node, ast.Import):
            used |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used.add(node.module.partition(".")[0])
    return bool(used & BOOK)


def of_package() -> list[str]:
    """The files, as `tests/test_data.py`."""
    files = sorted(TESTS.glob("test_*.py"))
    return [f"tests/{file.name}" for file in files if not needs_book(file.read_text("utf-8"))]


if __name__ == "__main__":
    print(*of_package())
