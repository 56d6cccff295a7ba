"""Every chapter has the parts that a chapter has, and its source is in good order."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter

import nbformat
import pytest
from conftest import CHAPTERS, ROOT

from _ext.chapter import Chapter


@pytest.fixture(params=[*CHAPTERS, "template"])
def chapter(request) -> Chapter:
    """Each chapter in turn, and the template."""
    return Chapter(request.param)


def code_cells(chapter: Chapter) -> list:
    return [cell for cell in chapter.notebook.cells if cell.cell_type == "code"]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def test_has_its_parts(chapter):
    text = chapter.text
    parts = {
        "a title": r"^# ",
        "what you will learn": r"\*\*You will\*\*",
        "a figure to play with": r"\bexplore\(",
        "the library way": r"^## The library way",
        "a claim check": r"^## Claim check",
        "quick questions": r"^## Quick questions",
        "exercises": r"^## Exercises",
        "a bridge to d2l, before a summary": r"^## In d2l\n(?:(?!## ).*\n)*## Summary",
        "numbers that are glued in": r"\{glue:text\}",
        "a citation": r"\{cite:[pt]\}",
        "a term of the glossary": r"\*\*\{term\}",
    }
    missing = [name for name, pattern in parts.items() if not re.search(pattern, text, re.M)]
    assert missing == []
    assert 2 <= len(re.findall(r"^question\(", text, re.M)) <= 4
    summary = text[text.index("## Summary") :]
    assert 1 <= len(re.findall(r"^- ", summary, re.M)) <= 5


def test_front_matter_says_what_is_known_of_it(chapter):
    front = chapter.front
    assert {"builds_on", "covers", "lead", "main", "measures"} <= front.keys()
    assert isinstance(front["lead"], str)
    assert front["lead"].endswith(".")
    for bounds in (front["measures"], front.get("full", {})):
        assert all(low <= high for low, high in bounds.values())
        assert set(bounds) <= set(front["measures"])
    assert front["main"] in front["measures"]
    known = [*CHAPTERS, "template"]
    earlier = known[: known.index(chapter.name)]
    assert set(front["builds_on"]) <= set(earlier)


def test_a_bound_stands_once(chapter):
    """An assert may relate numbers; what a single number may be, the front matter says."""
    measured = chapter.front["measures"]
    glued = r'glue\(\s*"(\w+)",\s*([\w.\[\]()"* ]+?),\s*display=False\s*\)'
    names = {value: key for key, value in re.findall(glued, chapter.text) if key in measured}
    twice = []
    for cell in code_cells(chapter):
        for node in ast.walk(ast.parse(cell.source)) if "assert" in cell.source else ():
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
                sides = [node.test.left, *node.test.comparators]
                told = [side for side in sides if not isinstance(side, ast.Constant)]
                if len(told) == 1 and ast.unparse(told[0]) in names:
                    twice.append(ast.unparse(node))
    assert twice == []


def test_exercises_are_whole(chapter):
    """Task, stub, solution and, for at least two of them, a check, in this order.

    An exercise on paper has a task and a solution; at least two of the five or more are such.
    """
    text = chapter.text
    labels = re.findall(r"\{exercise-start\}[^\n]*\n:label: ([\w-]+)", text)
    assert len(labels) >= 5
    assert re.findall(r"\{solution-start\} ([\w-]+)\n:class: dropdown", text) == labels
    assert text.count("{exercise-end}") == text.count("{solution-end}") == len(labels)
    on_paper = re.findall(r":label: ([\w-]+)\n:class: on-paper", text)
    assert set(on_paper) <= set(labels)
    assert len(on_paper) >= 2
    stubs = [cell for cell in code_cells(chapter) if "skip-execution" in tags(cell)]
    assert len(stubs) == len(labels) - len(on_paper)
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


def test_a_label_stands_for_one_thing():
    """The labels of exercises, figures and formulas are those of the whole book."""
    label = re.compile(r"^(?::label: | +name: |\$\$ \()([a-z][\w-]+)\)?$", re.M)
    found = [name for page in CHAPTERS for name in label.findall(_body(Chapter(page).text))]
    assert len(found) > 500
    assert sorted(name for name, times in Counter(found).items() if times > 1) == []


def _body(text: str) -> str:
    """A page without its front matter."""
    return text.split("\n---\n", 1)[1]


def test_cells_are_short(chapter):
    cells = [
        cell for cell in code_cells(chapter) if not {"remove-cell", "remove-input"} & {*tags(cell)}
    ]
    most = {True: 34, False: 30}  # lines of a folded cell, and of one that is read
    long = [
        cell.source
        for cell in cells
        if len(cell.source.splitlines()) > most["hide-input" in tags(cell)]
    ]
    assert long == []


def test_figures_have_a_caption_and_a_description(chapter):
    """Whatever is shown is described, and outside of solutions it has a caption and a name."""
    text = chapter.text
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


def test_a_student_has_every_name(chapter, tmp_path):
    """What a student's notebook uses is not defined in what only the site's page has."""
    cells, solution = [], False
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown":
            gates = re.findall(r"\{solution-(start|end)\}", cell.source)
            solution = gates[-1] == "start" if gates else solution
        elif not solution and "remove-cell" not in tags(cell):
            cells.append(cell.source)
    path = tmp_path / "notebook.py"
    path.write_text("\n\n".join(cells), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", path]
    ruff = subprocess.run(command, capture_output=True, text=True)
    assert ruff.returncode == 0, ruff.stdout


def test_numbers_are_not_typed_as_results(chapter):
    """A percentage in prose is glued, unless it is one that the author chose (90 %, 100 %, 1 %)."""
    cells = [cell.source for cell in chapter.notebook.cells if cell.cell_type == "markdown"]
    prose = re.sub(r"\$[^$]*\$", "", "\n".join(cells))
    assert re.findall(r"\b\d+\.\d+ ?%", prose) == []


@pytest.mark.parametrize("tool", [["check"], ["format", "--check", "--diff"]], ids=lambda t: t[0])
def test_code_is_clean(tool, tmp_path):
    """Ruff has nothing to say about the package, the tests, the hooks, and the chapters' cells."""
    for page in map(Chapter, ["index", "template", *CHAPTERS]):
        nbformat.write(page.notebook, tmp_path / f"{page.name.replace('/', '-')}.ipynb")
    ruff = [sys.executable, "-m", "ruff", *tool, "--no-cache", "--config", ROOT / "pyproject.toml"]
    sources = subprocess.run([*ruff, "."], cwd=ROOT, capture_output=True, text=True)
    assert sources.returncode == 0, sources.stdout
    narrow = ["--line-length", "80"]  # what fits beside the contents of a page
    command = [*ruff, *(narrow if "format" in tool else []), tmp_path]
    chapters = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert chapters.returncode == 0, chapters.stdout
