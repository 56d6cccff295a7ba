"""Every exercise: its check against right answers, wrong answers and the chapter's own solution."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from chapter_code import code, definitions

from d2lutil.checking import check
from d2lutil.exercises import chapters

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = [(chapter, name) for chapter, found in chapters().items() for name in found]
MISTAKES = [
    pytest.param(name, wrong, hint, id=f"{name}-{i + 1}")
    for found in chapters().values()
    for name, exercise in found.items()
    for i, (wrong, hint) in enumerate(exercise.mistakes)
]


def answers(chapter: str) -> ModuleType | None:
    """The module tests/answers/<chapter>.py, if there is one."""
    path = ROOT / "tests" / "answers" / f"{chapter.replace('-', '_')}.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"answers_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWERS = {chapter: answers(chapter) for chapter in chapters()}
RIGHT = [
    pytest.param(name, answer, id=f"{name}-{answer.__name__}")
    for module in filter(None, ANSWERS.values())
    for name, right in module.RIGHT.items()
    for answer in right
]
WRONG = [
    pytest.param(name, answer, hint, id=f"{name}-{answer.__name__}")
    for module in filter(None, ANSWERS.values())
    for name, wrong in module.WRONG.items()
    for answer, hint in wrong
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
    assert module, f"tests/answers/{chapter.replace('-', '_')}.py is missing"
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


# --- The solution in the chapter ------------------------------------------------------------------

SOLUTION = r"\{{solution-start\}} *{label}\s*$.*?\{{solution-end\}}"


def solution(chapter: str, name: str) -> Any:
    """The function (or class) of this name in the solution that the chapter gives."""
    found = sorted((ROOT / "chapters").glob(f"*/{chapter}.md"))
    if not found:
        pytest.skip(f"the chapter {chapter} is not written yet")
    text = found[0].read_text("utf-8")
    label = name.replace("_", "-")
    part = re.search(SOLUTION.format(label=label), text, re.MULTILINE | re.DOTALL)
    assert part, f"{found[0].name} has no solution of the exercise {label}"
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
