"""Every chapter has the parts that a chapter has, and its source is in good order."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT

from _ext.execute import read

TEMPLATE = ROOT / "chapters/template.md"
PAGES = sorted((ROOT / "chapters").glob("*/*.md"))
CHAPTERS = [*(page for page in PAGES if page.parent.name not in ("front", "back")), TEMPLATE]


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.relative_to(ROOT / "chapters").as_posix())
def chapter(request) -> Path:
    """Each chapter in turn, and the template."""
    return request.param


def code_cells(chapter: Path) -> list:
    return [cell for cell in read(chapter).cells if cell.cell_type == "code"]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def test_has_its_parts(chapter):
    text = chapter.read_text(encoding="utf-8")
    parts = {
        "a title": r"^# ",
        "what you will learn": r"\*\*You will\*\*",
        "a figure to play with": r"\bexplore\(",
        "the library way": r"^## The library way",
        "a claim check": r"^## Claim check",
        "quick questions": r"^## Quick questions",
        "exercises": r"^## Exercises",
        "a summary": r"^## Summary",
        "numbers that are glued in": r"\{glue:text\}",
        "a citation": r"\{cite:[pt]\}",
        "a term of the glossary": r"\*\*\{term\}",
    }
    missing = [name for name, pattern in parts.items() if not re.search(pattern, text, re.M)]
    assert missing == []
    assert 2 <= len(re.findall(r"^question\(", text, re.M)) <= 4
    summary = text[text.index("## Summary") :]
    assert 1 <= len(re.findall(r"^- ", summary, re.M)) <= 5


def test_exercises_are_whole(chapter):
    """Task, stub, solution and, for at least two of them, a check, in this order."""
    text = chapter.read_text(encoding="utf-8")
    labels = re.findall(r"\{exercise-start\}[^\n]*\n:label: ([\w-]+)", text)
    assert len(labels) >= 3
    assert re.findall(r"\{solution-start\} ([\w-]+)\n:class: dropdown", text) == labels
    assert text.count("{exercise-end}") == text.count("{solution-end}") == len(labels)
    stubs = [cell for cell in code_cells(chapter) if "skip-execution" in tags(cell)]
    assert len(stubs) == len(labels)
    assert all("TODO" in cell.source and "..." in cell.source for cell in stubs)
    checked = re.findall(r"^check\.(\w+)\((\w+)\)$", text, re.M)
    assert len(checked) >= 2
    for check, function in checked:
        assert check == function
        assert check.replace("_", "-") in labels
        label = check.replace("_", "-")
        order = [
            f":label: {label}",
            f"def {check}(",
            f"{{solution-start}} {label}",
            f"check.{check}(",
        ]
        assert sorted(order, key=text.index) == order


def test_cells_are_short(chapter):
    cells = [
        cell for cell in code_cells(chapter) if not {"remove-cell", "remove-input"} & {*tags(cell)}
    ]
    long = [cell.source for cell in cells if cell.source.count("\n") >= 35]
    assert long == []


def test_figures_have_a_caption_and_a_description(chapter):
    """Whatever is shown is described, and outside of solutions it has a caption and a name."""
    text = chapter.read_text(encoding="utf-8")
    text = re.sub(r"\{solution-start\}.*?\{solution-end\}", "", text, flags=re.S)
    outside = [cell for cell in code_cells(chapter) if cell.source in text]
    for cell in outside:
        calls = {
            node.func.id: node
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if calls.keys() & {"show", "explore"}:
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            assert {"caption", "name"} <= figure.keys(), cell.source
        if "explore" in calls:
            assert "alt" in [keyword.arg for keyword in calls["explore"].keywords]


def test_numbers_are_not_typed_as_results(chapter):
    """A percentage in prose is glued, unless it is one that the author chose (90 %, 100 %, 1 %)."""
    cells = [cell.source for cell in read(chapter).cells if cell.cell_type == "markdown"]
    prose = re.sub(r"\$[^$]*\$", "", "\n".join(cells))
    assert re.findall(r"\b\d+\.\d+ ?%", prose) == []


@pytest.mark.parametrize("tool", [["check"], ["format", "--check", "--diff"]], ids=lambda t: t[0])
def test_code_is_clean(tool, tmp_path):
    """Ruff has nothing to say about the package, the tests, the hooks, and the chapters' cells."""
    for path in [ROOT / "index.md", *CHAPTERS]:
        nbformat.write(read(path), tmp_path / f"{path.stem}.ipynb")
    ruff = [sys.executable, "-m", "ruff", *tool, "--no-cache", "--config", ROOT / "pyproject.toml"]
    sources = subprocess.run([*ruff, "."], cwd=ROOT, capture_output=True, text=True)
    assert sources.returncode == 0, sources.stdout
    narrow = ["--line-length", "80"]  # what fits beside the contents of a page
    command = [*ruff, *(narrow if "format" in tool else []), tmp_path]
    chapters = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert chapters.returncode == 0, chapters.stdout
