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


def loaded_by(line: str) -> set[str]:
    """The modules that a fresh Python has after a line of code."""
    code = f"{line}\nimport sys; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def ours(line: str) -> set[str]:
    """The modules of d2lutil among them, by their names within it."""
    loaded = (name.partition("d2lutil.")[2] for name in loaded_by(line))
    return {name for name in loaded if name}


def test_import_is_light():
    everything = "import d2lutil; [getattr(d2lutil, name) for name in d2lutil.__all__]"
    assert not loaded_by(everything) & set(HEAVY)
    assert "torch" not in loaded_by("import d2lutil")


@pytest.mark.parametrize(
    ("names", "modules"),
    [
        ("seed, scale", {"runtime"}),
        ("question", {"questions"}),
        ("Vocabulary", {"text"}),
        ("data", {"data"}),
        ("show, plotting", {"diagrams", "plotting", "style", "svg"}),
        ("explore", {"diagrams", "interactive", "plotting", "style", "svg"}),
    ],
)
def test_only_what_is_asked_for_is_loaded(names, modules):
    assert ours(f"from d2lutil import {names}") == modules


def test_data_sets_are_loaded_one_kind_at_a_time():
    loaded = ours("from d2lutil import data; data.xor")
    assert "data.tables" in loaded
    assert not loaded & {"data.images", "data.text", "data.digit_scenes"}


@pytest.mark.parametrize("names", ["fit, evaluate, data", "yolo, detection", "check, progress"])
def test_no_exercise_is_loaded_before_it_is_checked(names):
    parts = [path.name for path in (ROOT / "d2lutil/exercises").iterdir() if path.is_dir()]
    loaded = ours(f"from d2lutil import {names}")
    assert not [name for name in loaded if name.startswith(tuple(f"exercises.{p}" for p in parts))]
    if "check" not in names:
        assert "exercises" not in loaded


@pytest.mark.parametrize("package", ["d2lutil", "d2lutil.data"])
def test_names_are_there_however_they_are_asked_for(package):
    code = (
        f"import {package} as p; names = p.__all__; assert set(names) <= set(dir(p));"
        f"exec('from {package} import *'); assert set(names) <= set(globals());"
        "assert not hasattr(p, 'nothing') and not hasattr(p, '_nothing')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_file_is_read_in_one_sitting_and_a_function_on_one_screen(path):
    text = path.read_text(encoding="utf-8")
    if path.parent.parent.name != "exercises":
        assert len(text.splitlines()) <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1
            assert lines <= (80 if node.name == "fit" else 50), node.name
