"""The package by itself: light to import, and independent of the book around it."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

import d2lutil

SOURCES = sorted((ROOT / "d2lutil").rglob("*.py"))
HEAVY = [
    "matplotlib.pyplot",
    "sklearn",
    "mlxtend",
    "torchvision",
    "d2l",
    "ipywidgets",
    "pooch",
    "requests",
    "pandas",
]


def test_import_is_light():
    code = f"import sys, d2lutil; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_documented():
    assert all(getattr(d2lutil, name).__doc__ for name in d2lutil.__all__)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_source_reads_on_the_oldest_python_and_needs_no_part_of_the_book(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
    }
    assert not imported & {"sphinx", "docutils", "myst_nb", "tests", "_ext", "chapters"}
