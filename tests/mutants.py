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
from d2lutil.exercises import Exercise, names

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = ROOT / "d2lutil" / "exercises"
SECONDS = 2.0  # that one call of a mutant may take

_OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.FloorDiv],
    ast.Pow: [ast.Mult],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.LtE, ast.GtE, ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
}
_PAIRS = [
    ("max", "min"),
    ("amax", "amin"),
    ("argmax", "argmin"),
    ("maximum", "minimum"),
    ("cummax", "cummin"),
    ("sum", "mean"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("floor", "ceil"),
    ("tril", "triu"),
    ("sin", "cos"),
    ("any", "all"),
    ("first", "last"),
]
_NAMES = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
_SYMMETRIC = ["max", "min", "maximum", "minimum", "transpose", "swapaxes", "flip"]
_BY_DIMENSION = ["flip", "sum", "mean", "amax", "argmax", "cumsum", "softmax", "squeeze"]
_CONVERSIONS = ["clone", "detach", "item", "tolist", "long", "float", "double", "bool", "to"]


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


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that may stand in the place of this one."""

    def like(**fields: Any) -> ast.AST:
        return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **fields}), node)

    match node:
        case ast.Constant(value=bool()):
            yield like(value=not node.value)
        case ast.Constant(value=int() | float() as value):
            yield like(value=value + 1)
            yield like(value=value - 1)
            if value not in (0, 1):
                yield like(value=0)
        case ast.BinOp(left=left, op=op, right=right):
            yield from (like(op=other()) for other in _OPERATORS.get(type(op), ()))
            yield left
            yield right
            if isinstance(op, ast.Sub | ast.Div | ast.MatMult):
                yield like(left=right, right=left)
        case ast.Compare(ops=[op]):
            yield from (like(ops=[other()]) for other in _OPERATORS.get(type(op), ()))
        case ast.BoolOp(op=op, values=values):
            yield like(op=_OPERATORS[type(op)][0]())
            yield from values
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            yield ast.copy_location(ast.Constant(value), node)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute) and func.attr not in _CONVERSIONS:
                yield func.value  # a method that is not called
            called = getattr(func, "attr", getattr(func, "id", ""))
            for i in range(len(args) - 1 if called not in _SYMMETRIC else 0):
                yield like(args=[*args[:i], args[i + 1], args[i], *args[i + 2 :]])
            for i, keyword in enumerate(keywords):
                if keyword.arg not in ("strict", "dtype"):
                    yield like(keywords=keywords[:i] + keywords[i + 1 :])
            if isinstance(func, ast.Name) and func.id == "range":
                for i, arg in enumerate(args):
                    if not isinstance(arg, ast.Constant):
                        less = ast.BinOp(arg, ast.Sub(), ast.Constant(1))
                        more = ast.BinOp(arg, ast.Add(), ast.Constant(1))
                        yield like(args=[*args[:i], less, *args[i + 1 :]])
                        yield like(args=[*args[:i], more, *args[i + 1 :]])
        case ast.Attribute(value=value, attr="T" | "mT" | "values" | "indices"):
            yield value
        case ast.Slice(lower=lower, upper=upper):
            if lower and upper:
                yield like(lower=None)
                yield like(upper=None)
        case ast.AugAssign(op=op, target=target, value=value):
            yield from (like(op=other()) for other in _OPERATORS.get(type(op), ()))
            yield ast.copy_location(ast.Assign([target], value), node)
        case ast.comprehension(ifs=[_, *_]):
            yield like(ifs=[])
        case ast.If():
            yield like(test=ast.Constant(True))
            yield like(test=ast.Constant(False))
    if isinstance(node, ast.Name | ast.Attribute):
        field = "id" if isinstance(node, ast.Name) else "attr"
        if (name := getattr(node, field)) in _NAMES and isinstance(node.ctx, ast.Load):
            yield like(**{field: _NAMES[name]})


def _exchanged(root: ast.AST) -> Iterator[tuple[int, str]]:
    """Read another parameter than the one that is meant; yields while the tree is changed."""
    for function in ast.walk(root):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            names = [arg.arg for arg in function.args.args]
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Name)
                    and node.id in names
                    and isinstance(node.ctx, ast.Load)
                ):
                    right = node.id
                    for name in names:
                        if name != right:
                            node.id = name
                            yield node.lineno, f"{right} → {name}"
                    node.id = right


def _places(root: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Where something may be changed: parent, field, index in a list, node."""
    for field, value in ast.iter_fields(root):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        if isinstance(root, ast.keyword) and root.arg in ("strict", "dtype"):
            continue
        for i, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST) and not isinstance(node, ast.Raise | ast.Assert):
                yield root, field, i if isinstance(value, list) else None, node
                yield from _places(node)


def _names_a_dimension(parent: ast.AST) -> bool:
    """Whether the numbers in a call are dimensions, of which -1 is often the last of two."""
    if isinstance(parent, ast.Call):
        return getattr(parent.func, "attr", "") in _BY_DIMENSION
    return isinstance(parent, ast.keyword) and parent.arg in ("dim", "dims")


def _changes(root: ast.AST) -> Iterator[tuple[int, str]]:
    """Change the tree in one place at a time; yields while it is changed."""
    yield from _exchanged(root)
    for parent, field, i, node in [*_places(root)]:
        if isinstance(parent, ast.Expr):
            continue  # a docstring
        for other in _replacements(node):
            negative = isinstance(other, ast.Constant) and not isinstance(other.value, str)
            if negative and other.value < 0 and _names_a_dimension(parent):
                continue
            if _shown(other) == _shown(node):
                continue  # two equal arguments that have changed places
            before = getattr(parent, field)
            after = other if i is None else [*before[:i], other, *before[i + 1 :]]
            setattr(parent, field, after)
            ast.fix_missing_locations(root)
            line = getattr(node, "lineno", getattr(parent, "lineno", 0))
            yield line, f"{_shown(node)} → {_shown(other)}"
            setattr(parent, field, before)


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
        for line, change in _changes(definition):
            try:
                exec(compile(ast.Module([definition], []), str(path), "exec"), vars(module))
                changed = answer()
            except Exception:
                continue  # no program at all
            yield Mutant(line, change, changed)
        setattr(module, name, before)
    holder = ast.Expression(expression)
    for line, change in _changes(holder):
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
    judge = Judge(exercises(chapter_modules()[chapter])[name][0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [m for m in all_mutants(chapter, name, answers) if judge.accepts(m.answer)]


def _without_hint(chapter: str, name: str) -> Iterator[tuple[Mutant, str]]:
    from d2lutil.checking import check

    for mutant in all_mutants(chapter, name):
        verdict = getattr(check, name)(mutant.answer)
        known = {hint for _, hint in exercises(chapter_modules()[chapter])[name][0].mistakes}
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
