"""Slightly wrong versions of right answers are rejected, but for those that are listed as equal."""

from __future__ import annotations

import ast

import pytest

from tests import mutants, mutation

MODULES = mutants.chapter_modules()
EXERCISES = [
    pytest.param(chapter, name, id=f"{chapter}-{name}")
    for chapter, path in MODULES.items()
    for name in mutants.exercises(path)
]


@pytest.mark.parametrize(("chapter", "name"), EXERCISES)
def test_only_equivalent_mutants_are_accepted(chapter: str, name: str) -> None:
    answers = mutants.load(mutants.ROOT / "tests" / "chapters" / chapter / "answers.py")
    listed = getattr(answers, "EQUIVALENT", {}).get(name, {})
    found = {mutant.change: mutant for mutant in mutants.survivors(chapter, name)}
    new = [f"line {m.line}: {change}" for change, m in found.items() if change not in listed]
    assert not new, f"{name} accepts wrong answers; add a case, or list it in EQUIVALENT: {new}"
    assert {*listed} <= {*found}, f"{name}: rejected by now, so take it out of EQUIVALENT"


def test_changes_are_of_every_kind() -> None:
    source = "def f(a, b):\n    return max(a[1:], b).sum(dim=1) if a < 2 else -b // a.T"
    tree = ast.parse(source)
    changes = {change for _, change in mutation.changes(tree)}
    assert {
        "a → b",
        "a < 2 → a <= 2",
        "max → min",
        "max(a[1:], b).sum(dim=1) → max(a[1:], b).sum()",
        "max(a[1:], b).sum → max(a[1:], b).mean",
        "1 → 0",
        "-b // a.T → -b / a.T",
        "-b → b",
        "a.T → a",
    } <= changes
    assert ast.unparse(tree) == ast.unparse(ast.parse(source)), "changed back"
