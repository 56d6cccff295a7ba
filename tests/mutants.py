"""Slightly wrong versions of right answers, and which of them an exercise's cases accept.

    python -m tests.mutants                          # all exercises: the mutants that pass
    python -m tests.mutants boxes beam_step          # of a chapter, of an exercise
    python -m tests.mutants boxes --answers          # and of the right answers in answers.py
    python -m tests.mutants boxes --hints            # the rejected ones without a hint of their own

mutmut and cosmic-ray run a test suite on mutants of a package. Here a check that is called a
thousand times has to judge functions, lambdas and functions that make functions.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.util
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from d2lutil.checking.comparison import difference, same
from d2lutil.checking.judge import judge
from d2lutil.exercises import Exercise, find, names
from tests.mutation import changes

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ROOT / "d2lutil" / "exercises"
SECONDS = 2.0  # that one call of a mutant may take


def chapter_modules() -> dict[str, Path]:
    """The module of each chapter's exercises, by `<part>/<name>`."""
    return {chapter: EXERCISES / f"{chapter}.py" for chapter in names()}


def load(path: Path) -> ModuleType:
    """A module of its own, which may be changed, from a file."""
    spec = importlib.util.spec_from_file_location(f"_mutants_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Mutant:
    """A changed answer: where it was changed, and how."""

    line: int
    change: str
    answer: Callable[..., Any]


def _definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """What a module defines at its top level, by name."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node
    return found


def mutants(path: Path, expression: ast.expr) -> Iterator[Mutant]:
    """Mutants of the answer that an expression gives in a module, or what it calls there."""
    module, tree = load(path), ast.parse(path.read_text("utf-8"))
    defined = _definitions(tree)
    reached, waiting = {}, [expression]
    while waiting:
        found = [node for node in ast.walk(waiting.pop()) if isinstance(node, ast.Name)]
        local = {node.id for node in found if isinstance(node.ctx, ast.Store)}
        for name in sorted({node.id for node in found} & {*defined} - {*reached} - local):
            reached[name] = defined[name]
            waiting.append(getattr(defined[name], "value", defined[name]))

    def answer() -> Callable[..., Any]:
        return eval(compile(ast.Expression(expression), str(path), "eval"), vars(module))

    for name, definition in reached.items():
        before = getattr(module, name)
        for line, change in changes(definition):
            try:
                exec(compile(ast.Module([definition], []), str(path), "exec"), vars(module))
                changed = answer()
            except Exception:
                continue  # no program at all
            yield Mutant(line, change, changed)
        setattr(module, name, before)
    holder = ast.Expression(expression)
    for line, change in changes(holder):
        try:
            changed = eval(compile(holder, str(path), "eval"), vars(module))
        except Exception:
            continue
        yield Mutant(line, change, changed)


def _never_read(answer: Callable[..., Any], names: list[str]) -> Iterator[Mutant]:
    """Answers that take one argument from their first call, whatever they are given later."""

    def with_first(i: int) -> Callable[..., Any]:
        first: list[Any] = []

        def lazy(*arguments: Any) -> Any:
            first[:] = first or [copy.deepcopy(arguments[i])]
            return answer(*arguments[:i], copy.deepcopy(first[0]), *arguments[i + 1 :])

        return lazy

    for i, name in enumerate(names):
        yield Mutant(0, f"{name} is always the first case's", with_first(i))


def _squeezed(answer: Callable[..., Any]) -> Iterator[Mutant]:
    """An answer whose tensors have lost their dimensions of size 1."""

    def squeezed(*arguments: Any) -> Any:
        value = answer(*arguments)
        if isinstance(value, tuple):
            return tuple(part.squeeze() for part in value)
        return value.squeeze()

    yield Mutant(0, "the answer is squeezed", squeezed)


class Judge:
    """Says whether an exercise accepts an answer, as `check` would, but quickly."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.cases = list(exercise.cases(torch.Generator().manual_seed(0)))
        self.wanted = [exercise.answer(exercise.reference, copy.deepcopy(c)) for c in self.cases]

    def accepts(self, answer: Callable[..., Any]) -> bool:
        """Whether the answer is right in every case, in time, and leaves its arguments alone."""

        def late(*_: Any) -> None:
            raise TimeoutError

        signal.signal(signal.SIGALRM, late)
        for case, want in zip(self.cases, self.wanted, strict=True):
            given = copy.deepcopy(case)
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                got = self.exercise.answer(answer, given)
            except Exception:
                return False
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if got is None or difference(got, want, self.exercise.tolerance):
                return False
            if not all(same(g, c) for g, c in zip(given, case, strict=True)):
                return False
        return True


def exercises(path: Path) -> dict[str, tuple[Exercise, ast.expr]]:
    """The exercises of a module by name, each with the expression of its reference."""
    module, defined = load(path), _definitions(ast.parse(path.read_text("utf-8")))
    return {
        name: (
            value,
            next(k.value for k in defined[name].value.keywords if k.arg == "reference"),
        )
        for name, value in vars(module).items()
        if isinstance(value, Exercise)
    }


def all_mutants(chapter: str, name: str, answers: bool = False) -> Iterator[Mutant]:
    """Mutants of an exercise's reference, and of the right answers in the tests."""
    path = chapter_modules()[chapter]
    exercise, expression = exercises(path)[name]
    yield from mutants(path, expression)
    yield from _never_read(exercise.reference, exercise.parameters())
    wanted = Judge(exercise).wanted[0]
    parts = wanted if isinstance(wanted, tuple) else [wanted]
    if any(isinstance(part, torch.Tensor) and part.ndim for part in parts):
        yield from _squeezed(exercise.reference)
    if answers:
        path = ROOT / "tests" / "chapters" / chapter / "answers.py"
        for right in load(path).RIGHT[name]:
            for mutant in mutants(path, ast.parse(right.__name__, mode="eval").body):
                yield Mutant(mutant.line, f"{right.__name__}: {mutant.change}", mutant.answer)


def survivors(chapter: str, name: str, answers: bool = False) -> list[Mutant]:
    """The mutants of an exercise that its cases accept."""
    cases = Judge(exercises(chapter_modules()[chapter])[name][0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [m for m in all_mutants(chapter, name, answers) if cases.accepts(m.answer)]


def _without_hint(chapter: str, name: str) -> Iterator[tuple[Mutant, str]]:
    exercise = find(name)
    known = {hint for _, hint in exercise.mistakes}
    for mutant in all_mutants(chapter, name):
        verdict = judge(name, exercise, mutant.answer)
        if verdict.status == "failed" and verdict.hint not in known:
            yield mutant, verdict.hint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="chapters or exercises; all if there is none")
    parser.add_argument("--answers", action="store_true", help="mutate the right answers as well")
    parser.add_argument("--hints", action="store_true", help="rejected mutants with a general hint")
    given = parser.parse_args()
    for chapter, path in chapter_modules().items():
        for name in exercises(path):
            if given.names and not {chapter, Path(chapter).name, name} & {*given.names}:
                continue
            if given.hints:
                found = [(m, f"  {hint}") for m, hint in _without_hint(chapter, name)]
            else:
                found = [(m, "") for m in survivors(chapter, name, given.answers)]
            print(f"{chapter}: {name}: {len(found)}", flush=True)
            for mutant, hint in found:
                print(f"    {mutant.line}: {mutant.change}{hint}")


if __name__ == "__main__":
    main()
