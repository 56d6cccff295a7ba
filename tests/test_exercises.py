"""Every exercise: its check against right answers, wrong answers and the chapter's own solution."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from chapter_code import code, definitions
from conftest import ROOT

from d2lutil.checking import check
from d2lutil.exercises import _mistakes, chapters


def answers(chapter: str) -> ModuleType | None:
    """The module tests/chapters/<part>/<name>/answers.py, if there is one."""
    path = ROOT / f"tests/chapters/{chapter}/answers.py"
    if not path.exists():
        return None
    name = f"answers_{chapter.replace('/', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWERS = {chapter: answers(chapter) for chapter in chapters()}


def param(chapter: str, *values: Any, id: str) -> Any:
    """A test's parameters, with the chapter in its name."""
    return pytest.param(*values, id=f"{chapter}-{id}")


def given(kind: str) -> list[tuple[str, str, Any]]:
    """Chapter, exercise and answer for each answer that is RIGHT, or WRONG, in the modules."""
    return [
        (chapter, name, answer)
        for chapter, module in ANSWERS.items()
        for name, several in getattr(module, kind, {}).items()
        for answer in several
    ]


EXERCISES = [
    param(chapter, chapter, name, id=name)
    for chapter, found in chapters().items()
    for name in found
]
MISTAKES = [
    param(chapter, name, wrong, hint, id=f"{name}-{i + 1}")
    for chapter, found in chapters().items()
    for name, exercise in found.items()
    for i, (wrong, hint) in enumerate(exercise.mistakes)
]
RIGHT = [
    param(chapter, name, answer, id=f"{name}-{answer.__name__}")
    for chapter, name, answer in given("RIGHT")
]
WRONG = [
    param(chapter, name, answer, hint, id=f"{name}-{answer.__name__}")
    for chapter, name, (answer, hint) in given("WRONG")
]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D2LUTIL_HOME", str(tmp_path))
    monkeypatch.delenv("D2LUTIL_CHECK", raising=False)


def different(functions: list[Any]) -> int:
    """How many of these are written differently."""
    codes = [function.__code__ for function in functions]
    return len({(code.co_code, code.co_names, str(code.co_consts)) for code in codes})


@pytest.mark.parametrize(("chapter", "name"), EXERCISES)
def test_exercise_has_answers(chapter: str, name: str) -> None:
    module = ANSWERS[chapter]
    assert module, f"tests/chapters/{chapter}/answers.py is missing"
    right, wrong = module.RIGHT.get(name, []), module.WRONG.get(name, [])
    assert different(right) >= 2, f"{name}: two right answers or more, written differently"
    assert different([function for function, _ in wrong]) >= 4, f"{name}: four wrong ones or more"


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answer_passes(name: str, answer: Any) -> None:
    verdict = getattr(check, name)(answer)
    assert verdict, verdict


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_wrong_answer_gets_its_hint(name: str, answer: Any, hint: str) -> None:
    verdict = getattr(check, name)(answer)
    assert verdict.status == "failed", verdict
    assert hint in verdict.hint, verdict


@pytest.mark.parametrize(("name", "wrong", "hint"), MISTAKES)
def test_known_mistake_is_told_from_the_others(name: str, wrong: Any, hint: str) -> None:
    verdict = getattr(check, name)(wrong)
    assert (verdict.status, verdict.hint) == ("failed", hint), verdict


@pytest.mark.parametrize(("chapter", "name"), EXERCISES)
def test_hints_are_plain(chapter: str, name: str) -> None:
    """Nothing typesets a formula in a hint: no dollar signs, no commands of LaTeX."""
    hints = [hint for _, hint in chapters()[chapter][name].mistakes]
    assert [hint for hint in hints if re.search(r"\$|\\[A-Za-z]", hint)] == []


# --- The solution in the chapter ------------------------------------------------------------------

SOLUTION = r"\{{solution-start\}} *{label}\s*$.*?\{{solution-end\}}"


def solution(chapter: str, name: str) -> Any:
    """The function (or class) of this name in the solution that the chapter gives."""
    page = ROOT / f"chapters/{chapter}.md"
    if not page.exists():
        pytest.skip(f"the chapter {chapter} is not written yet")
    text = page.read_text("utf-8")
    label = name.replace("_", "-")
    part = re.search(SOLUTION.format(label=label), text, re.MULTILINE | re.DOTALL)
    assert part, f"{page.name} has no solution of the exercise {label}"
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in code(text[: part.start()]):
        exec(definitions(cell), names)
    for cell in code(part.group()):
        exec(cell, names)
    return names[name]


@pytest.mark.parametrize(("chapter", "name"), EXERCISES)
def test_solution_in_the_chapter_passes(chapter: str, name: str) -> None:
    verdict = getattr(check, name)(solution(chapter, name))
    assert verdict, verdict


def test_makers_of_mistakes_do_what_they_say():
    found = doctest.testmod(_mistakes)
    assert found.failed == 0 < found.attempted
