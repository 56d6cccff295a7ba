"""What a chapter is: a page, what stands at the same relative place elsewhere, its front matter.

Whatever else the machinery says of a chapter is made from this. A chapter's page is
`chapters/<name>.md`, and `<name>`, such as `foundations/mlp`, is its name everywhere.
"""

from __future__ import annotations

import ast
import hashlib
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent

PARSING = threading.Lock()  # Python 3.11 may fail where two threads parse at the same time

Bounds = dict[str, tuple[float, float]]  # of a number: the least and the most that it may be


@dataclass(frozen=True)
class Chapter:
    """A page with code, by its name."""

    name: str

    @property
    def docname(self) -> str:
        """What Sphinx calls the page."""
        return self.name if self.name == "index" else f"chapters/{self.name}"

    @property
    def page(self) -> Path:
        """The source of the page."""
        return ROOT / f"{self.docname}.md"

    @property
    def exercises(self) -> Path:
        """The module of its exercises' checks."""
        return ROOT / f"d2lutil/exercises/{self.name}.py"

    @property
    def tests(self) -> Path:
        """The folder of the answers to its exercises, and of what else it promises."""
        return ROOT / f"tests/chapters/{self.name}"

    @property
    def record(self) -> Path:
        """What its numbers were under other seeds and code paths, as `make robust` wrote it."""
        return ROOT / f"chapters/{self.name}.yml"

    @property
    def part(self) -> str:
        """The part of the book that it stands in, by its folder."""
        return self.name.partition("/")[0]

    @cached_property
    def front(self) -> dict[str, Any]:
        """The front matter."""
        match = re.match(r"---\n(.*?)^---$", self.text, re.M | re.S)
        return yaml.safe_load(match[1]) if match else {}

    @cached_property
    def text(self) -> str:
        """The page as it is written."""
        return self.page.read_text(encoding="utf-8")

    @property
    def builds_on(self) -> list[str]:
        """The names of the chapters that a reader needs first."""
        return self.front["builds_on"]

    @property
    def covers(self) -> list[str]:
        """The headings of the notes that it covers, each after the number of its note."""
        return self.front["covers"]

    @property
    def main(self) -> str:
        """The number that counts most."""
        return self.front["main"]

    @property
    def times(self) -> list[str]:
        """The numbers that tell of a time. No two runs agree on them, and nothing holds them."""
        return self.front.get("times", [])

    def bounds(self, scale: str | None = None) -> Bounds:
        """What its numbers may be at this scale, `small` if none is given.

        At full scale, where longer training moves many of them, only the main one counts, and
        those for which `full` gives other bounds.
        """
        small, full = (self.front.get(key, {}) for key in ("measures", "full"))
        if scale != "full":
            return small
        return {key: small[key] for key in small if key == self.main} | full

    @cached_property
    def notebook(self) -> Any:
        """The page as the notebook that Sphinx will look for in the cache."""
        from myst_nb.core.read import read_myst_markdown_notebook

        return read_myst_markdown_notebook(self.text, add_source_map=True, path=self.page)

    def code(self, asserts: bool = True) -> str:
        """A digest of all that the outputs depend on, or with `asserts=False` the numbers alone."""
        cells = [
            (meaning(cell.source, asserts), "skip-execution" in cell.metadata.get("tags", ()))
            for cell in self.notebook.cells
            if cell.cell_type == "code"
        ]
        return digest(repr(cells))


def chapters() -> list[Chapter]:
    """The pages of `_toc.yml` that hold code, in the book's order; the cover comes first."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]
    pages = [Chapter(file.removeprefix("chapters/")) for file in files]
    return [page for page in pages if "kernelspec" in page.front]


def parts() -> dict[str, str]:
    """The parts that hold chapters, in the book's order: folder → caption."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    folders = {chapter.part for chapter in chapters()}
    found = {part["chapters"][0]["file"].split("/")[1]: part["caption"] for part in toc["parts"]}
    return {folder: caption for folder, caption in found.items() if folder in folders}


def named(names: Sequence[str]) -> list[Chapter]:
    """The chapters of these names, or all of them; ValueError for a name that is none."""
    found = [chapter for chapter in chapters() if not names or chapter.name in names]
    unknown = set(names) - {chapter.name for chapter in found}
    if unknown:
        raise ValueError(f"no such chapter: {', '.join(sorted(unknown))}")
    return found


def meaning(source: str, asserts: bool = True) -> str:
    """Python code without what changes nothing: layout, comments, docstrings, perhaps asserts."""
    try:
        tree = parse(source)
    except SyntaxError:  # a magic
        return source
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                kept = [one for one in block if not _says_nothing(one, asserts)]
                setattr(node, field, kept or ([ast.Pass()] if block else []))
    return ast.dump(tree)


def parse(source: str) -> ast.Module:
    """Python code as a tree, in any thread."""
    with PARSING:
        return ast.parse(source)


def _says_nothing(statement: ast.stmt, asserts: bool) -> bool:
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return (is_text and isinstance(statement.value.value, str)) or (
        isinstance(statement, ast.Assert) and not asserts
    )


def digest(text: str) -> str:
    """A short number that stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
