"""Judges a reader's function: runs it on all cases, and puts into words what came of it."""

from __future__ import annotations

import contextlib
import copy
import dis
import inspect
import re
from collections.abc import Sequence
from typing import Any

import torch

from d2lutil.exercises import Exercise

from . import sandbox
from .comparison import Fault, difference, part_of, same
from .hints import common_hint, order_hint, pair, wrapper_hint
from .sandbox import Outcome, Sandbox
from .values import kind, show_named
from .verdict import Verdict

_IN_PLACE = (  # with the name of the argument
    "`{0} += …`, `{0}[0] = …`, `del {0}[0]`, methods whose names end in `_`, and `append` or `pop` "
    "change what belongs to whoever called your function. Make a new one: `{0} = {0} + …`, or "
    "begin with `{0}.clone()`; of a list or dictionary, with `copy.deepcopy({0})`."
)
_ERRORS = {  # words of an error, and what helps
    "'ellipsis'": "A `...` still stands where your code belongs.",
    "unhashable type: 'list'": (
        "A list cannot be counted by `Counter`, nor be in a set or a key of a dictionary. A tuple "
        "can: `tuple(…)`."
    ),
    "expected sequence of length": (
        "`torch.tensor` needs rows of equal lengths. Fill the shorter ones up first."
    ),
    "Boolean value of Tensor": (
        "An `if` needs one number, and this tensor has several. Is `@`, the dot product, meant "
        "instead of `*`? To choose entry by entry, there is `torch.where`."
    ),
    "shapes cannot be multiplied": (
        "In `A @ B`, `A` has as many columns as `B` has rows. Write both shapes down: is one of "
        "the two on the wrong side, or does it need a `.T`?"
    ),
    "can be converted to Python scalars": (
        "One number is needed here, as by `float` and by all functions of `math`, and this tensor "
        "has several. `torch.exp` and its like work entry by entry."
    ),
    "cannot be converted to Scalar": (
        "`item()` and indices need one number, and this tensor has several. Is a sum, a mean or an "
        "index missing before?"
    ),
    "torch.return_types.": (
        "With `dim=`, `max`, `min`, `sort` and their like return two tensors: values and indices. "
        "Take `.values`; `amax` and `amin` return these alone."
    ),
    "must be Tensor, not": (
        "A function of `torch` takes a tensor. For one number there are the functions of `math`, "
        "and an object of your own needs its own method."
    ),
    "could not infer output dtype": (
        "Whole numbers and truth values have no mean. Make them decimals first, by `.float()`."
    ),
    "same dtype": ("Both sides of `@` need one dtype. `.float()` makes decimals of whole numbers."),
    "the `-` operator": (
        "Truth values cannot be subtracted. `~mask` is their opposite; `.float()` makes zeros and "
        "ones of them."
    ),
    "must match the size of tensor": (
        "Sizes are compared from the last dimension backwards; they must be equal, or one of them "
        "1. Write both shapes down: is a `[:, None]` or a `keepdim=True` missing?"
    ),
    "is not defined": (
        "Is the name spelt as in the parameters, and made before it is used? A cell with imports "
        "has to run first."
    ),
    "maximum recursion depth": (
        "Your function calls itself without end, or too often for Python. Where does it stop? A "
        "loop has no such limit."
    ),
}
_NO_HINT = "No usual mistake fits. Work this case by hand and compare it with your lines in turn."


def judge(name: str, exercise: Exercise, function: Any) -> Verdict:
    """Run a reader's function on all cases, and say what is wrong in the first wrong one."""
    names = exercise.parameters()
    if fault := _call_fault(name, exercise, function):
        return Verdict(name, "failed", fault.message, hint=fault.hint)

    cases = list(exercise.cases(torch.Generator().manual_seed(0)))
    box, outcomes, wants, first = Sandbox(sandbox.SECONDS), [], [], None
    for case in cases:
        ours, theirs = copy.deepcopy(case), copy.deepcopy(case)
        want = exercise.answer(exercise.reference, ours)
        outcome = box.run(exercise.answer, function, theirs)
        compared = zip(names, case, theirs, ours, strict=True)
        outcome.changed = {n: t for n, c, t, o in compared if not same(t, c) and same(o, c)}
        outcomes.append(outcome)
        wants.append(want)
        fault = _fault(outcome, want, exercise)
        first = first or (fault and (len(outcomes), case, outcome, want, fault))
        if outcome.late:
            break
    if not first:
        printed = any(outcome.printed for outcome in outcomes)
        note = "It printed something, which does not matter here." if printed else ""
        return Verdict(name, "passed", f"passed, all {len(cases)} cases.", note=note)
    number, case, outcome, want, fault = first
    if _untouched(function, outcome.value is ...):
        message = "not attempted yet. Write your code, run its cell, and then this one again."
        return Verdict(name, "not attempted", message)

    rows = [("Input", show_named(names, case))]
    if outcome.changed:
        rows.append(("Afterwards", show_named([*outcome.changed], [*outcome.changed.values()])))
    elif not (outcome.error or outcome.late):
        for digits in (4, 8):  # more of them where the first ones are the same
            got, expected = (show_named(exercise.returns, v, digits) for v in (outcome.value, want))
            if got != expected:
                break
        rows += [("Came out", got), ("Expected", expected)]
    rows.append(("Printed", outcome.printed.strip()))
    hint = fault.hint
    if not outcome.changed:
        known = _known_mistake(exercise, cases, outcomes)
        hint = known or _usual_hint(exercise, outcomes, wants, fault, number - 1) or _NO_HINT
    return Verdict(name, "failed", f"{fault.message} (Case {number} of {len(cases)}.)", rows, hint)


def _call_fault(name: str, exercise: Exercise, function: Any) -> Fault | None:
    """Why a function cannot be called as the exercise does, if it cannot."""
    if not callable(function):
        hint = f"Give it the function itself, without calling it: `check.{name}({name})`."
        return Fault(f"the check was given {kind(function)}, not a function.", hint)
    names = exercise.parameters()
    if exercise.call:
        return None
    with contextlib.suppress(ValueError):  # some functions written in C have none to show
        signature = inspect.signature(function)
        own = list(signature.parameters)
        wrong = own != names and sorted(own) == sorted(names)  # called by position, not name
        try:
            signature.bind(*names)
        except TypeError:
            wrong = True
        if wrong:
            given = ", ".join(names)
            message = f"its parameters are `{signature}`; the check gives it `({given})`."
            return Fault(message, f"Begin with `def {name}({given}):`.")
    return None


def _untouched(function: Any, ellipsis: bool) -> bool:
    """Whether this is a stub: nothing but `...`, `pass` or `return`; of a class, all its methods.

    The code decides, and never an error: `NotImplementedError` or a message with the word
    "ellipsis" can come of an attempt, and so can a `...` at the end of one. Where `...` came out,
    it may have had a name before.
    """

    def empty(function: Any) -> bool:
        idle = ("RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE")
        idle += ("LOAD_FAST", "STORE_FAST") * ellipsis  # and what begins like these
        steps = list(dis.get_instructions(function))
        constants = [step.argval for step in steps if "CONST" in step.opname]
        return all(step.opname.startswith(idle) for step in steps) and all(
            value in (None, ...) for value in constants
        )

    if not inspect.isclass(function):
        return inspect.isfunction(function) and empty(function)
    methods = {n: value for n, value in vars(function).items() if inspect.isfunction(value)}
    if len(methods) > 1:
        methods.pop("__init__", None)
    return all(map(empty, methods.values()))


def _fault(outcome: Outcome, want: Any, exercise: Exercise) -> Fault | None:
    """What is wrong with the outcome of a call; None if it is right."""
    if outcome.late:
        hint = "Look for a loop whose condition stays true."
        return Fault(f"{outcome.late}{outcome.where}.", hint)
    if outcome.error:
        text = str(outcome.error).strip().partition("\n")[0][:300]
        text = f"{type(outcome.error).__name__}{': ' if text else ''}{text}"
        hint = "Call it yourself with the input above."
        hint = next((advice for words, advice in _ERRORS.items() if words in text), hint)
        return Fault(f"it raised {text}{outcome.where}.", hint)
    if outcome.changed:
        name = next(iter(outcome.changed))
        return Fault(f"it changed its input `{name}`.", _IN_PLACE.format(name))
    if outcome.value is None and want is not None:
        hint = "Is a `return` missing, at the end or in some branch?"
        return Fault("it returned nothing.", hint)
    return difference(outcome.value, want, exercise.tolerance, names=exercise.returns)


def _usual_hint(
    exercise: Exercise, outcomes: Sequence[Outcome], wants: Sequence[Any], fault: Fault, shown: int
) -> str:
    """The hint of the first fault, with what all cases together say of the part that is wrong."""
    values = [None if outcome.error or outcome.late else outcome.value for outcome in outcomes]
    if hint := order_hint(values, wants, exercise.returns, exercise.tolerance):
        return hint
    gots, parts = ([part_of(value, fault.part) for value in each] for each in (values, wants))
    pairs = [pair(got, want) for got, want in zip(gots, parts, strict=True)]
    common = common_hint(pairs, exercise.tolerance, shown) or wrapper_hint(
        gots, parts, exercise.tolerance
    )
    return " ".join(filter(None, (common, fault.hint)))


def _known_mistake(
    exercise: Exercise, cases: Sequence[tuple[Any, ...]], outcomes: Sequence[Outcome]
) -> str:
    """The hint for the mistake that has these outcomes in all cases, if there is one."""
    for wrong, hint in exercise.mistakes:
        for case, outcome in zip(cases, outcomes, strict=False):
            value = error = None
            try:
                value = exercise.answer(wrong, copy.deepcopy(case))
            except Exception as raised:
                error = raised
            if outcome.late or _in_any_order(outcome.error) != _in_any_order(error):
                break
            if not error and difference(outcome.value, value, exercise.tolerance):
                break
        else:
            return hint
    return ""


def _in_any_order(error: BaseException | None) -> list[str]:
    """The words of an error: `a * b` and `b * a` name the same sizes, in another order.

    In which dimension sizes differ depends on how many a reader's tensors have.
    """
    return sorted(re.sub(r"dimension \d+", "dimension", repr(error)).split())
