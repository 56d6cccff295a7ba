"""The code of a chapter as tests use it: its cells, and what they define."""

from __future__ import annotations

import ast
import re
from typing import Any

from conftest import ROOT

CELL = re.compile(r"^(```+|:::+)\{code-cell\}[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)


def code(text: str) -> list[str]:
    """The code of the cells in a piece of MyST, without their options and magic lines."""
    cells = (re.sub(r"\A---\n.*?^---\n", "", c, flags=re.M | re.S) for _, c in CELL.findall(text))
    return [re.sub(r"^(:[\w-]+:|[%!]).*\n", "", cell, flags=re.MULTILINE) for cell in cells]


def definitions(cell: str) -> str:
    """What a cell imports and defines, without what it computes."""
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    tree = ast.parse(cell)
    tree.body = [statement for statement in tree.body if isinstance(statement, kept)]
    return ast.unparse(tree)


def defined_in(chapter: str) -> dict[str, Any]:
    """The functions and classes of a chapter (`foundations/mlp`) before its exercises, by name."""
    text = (ROOT / f"chapters/{chapter}.md").read_text("utf-8").partition("\n## Exercises")[0]
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in code(text):
        exec(definitions(cell), names)
    return names
