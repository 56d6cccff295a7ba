"""Checks a reader's function, says what is wrong in the reader's terms, and keeps the progress."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import difflib
import dis
import html
import inspect
import io
import json
import os
import random
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .exercises import Exercise, chapters
from .exercises._answers import Fault, difference, kind, same, show_named
from .questions import inline

WARM_UP = 30.0  # seconds that the first call may take: imports, compilation, a GPU that wakes up
SECONDS = 5.0  # and each call after it

_MARKS = {"passed": "✓", "not attempted": "○", "failed": "✗"}
_COLOURS = {"passed": "#2e8b57", "not attempted": "#808080", "failed": "#c8503c"}
_WORDS = {"passed": "done", "not attempted": "to do", "failed": "tried"}
_IN_PLACE = (
    "`w += …`, `w[0] = …`, methods whose names end in `_`, and `append` or `pop` of a list change "
    "what belongs to whoever called your function. Make a new one: `w = w + …`, or begin with "
    "`w.clone()`; of a list, `[*w]`."
)
_NO_HINT = "No usual mistake fits. Work this case by hand and compare it with your lines in turn."


def _box(colour: str, content: str) -> str:
    return (
        f'<div role="status" style="border-left:.25rem solid {colour};color:inherit;margin:.5rem 0;'
        f'padding:.5rem 1rem;background:color-mix(in srgb,{colour} 8%,transparent)">{content}</div>'
    )


@dataclass(frozen=True)
class Verdict:
    """What `check` found: true if the exercise is passed. It shows itself in a notebook.

    `status` is "passed", "not attempted" or "failed"; `rows` are pairs of a label and a text: the
    input, what came out, what was expected.
    """

    exercise: str
    status: str
    message: str
    rows: Sequence[tuple[str, str]] = ()
    hint: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        return self.status == "passed"

    def __repr__(self) -> str:
        rows = [*self.rows, ("Hint", self.hint), ("Note", self.note)]
        lines = [f"{_MARKS[self.status]} {self.exercise}: {self.message}"]
        for label, text in rows:
            lines += [f"  {label + ':':12}" + text.replace("\n", "\n" + " " * 14)] * bool(text)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        code = "font:.9em monospace;white-space:pre-wrap;overflow-wrap:anywhere"
        rows = [(label, code, html.escape(text)) for label, text in self.rows]
        rows += [("Hint", "", inline(self.hint)), ("Note", "", inline(self.note))]
        listed = "".join(
            f'<dt style="font-weight:600;margin:.3rem 0 0">{label}</dt>'
            f'<dd style="margin:0;{style}">{text}</dd>'
            for label, style, text in rows
            if text
        )
        title = f'<span aria-hidden="true">{_MARKS[self.status]}</span> {self.exercise}:'
        listed = f'<dl style="margin:0">{listed}</dl>' if listed else ""
        content = f"<strong>{title}</strong> {inline(self.message)}{listed}"
        return _box(_COLOURS[self.status], content)


class _Printed(io.TextIOBase):
    """Keeps the beginning of what is printed: an endless loop must not fill the memory."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text[: 300 - len(self.text)]
        return len(text)


@dataclass
class _Outcome:
    """What came of a call: a value or an error, with the reader's line; or why it did not end."""

    value: Any = None
    error: BaseException | None = None
    late: str = ""
    where: str = ""
    printed: str = ""
    changed: dict[str, Any] = field(default_factory=dict)  # inputs, as they are afterwards


def _where(frames: traceback.StackSummary) -> str:
    """The innermost line that the reader wrote, which is the first outside all libraries."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [os.path.dirname(__file__), os.path.dirname(os.path.dirname(torch.__file__))]
    libraries = tuple(os.path.normcase(folder) + os.sep for folder in folders)
    for frame in reversed(frames):
        if frame.line and not os.path.normcase(frame.filename).startswith(libraries):
            return f", in line {frame.lineno}: `{frame.line}`"
    return ""


def _run(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> _Outcome:
    """Call a function in a thread of its own, and stop it if it does not end in time."""
    outcome, late, done = _Outcome(), _Outcome(), threading.Event()

    def work() -> None:
        try:
            outcome.value = function(*arguments)
        except BaseException as error:
            outcome.error = error
        finally:
            done.set()

    thread, printed = threading.Thread(target=work, daemon=True), _Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(_Printed()):
        end = time.monotonic() + seconds
        try:
            thread.start()
            while not done.wait(0.1) and time.monotonic() < end:
                pass  # in short turns, since Windows lets no interrupt through a long one
            late.late = f"it was still running after {seconds:g} seconds"
        except KeyboardInterrupt:
            late.late = "you interrupted it"
        if done.is_set():
            late = None
        elif frame := sys._current_frames().get(thread.ident):
            late.where = _where(traceback.extract_stack(frame))
        for _ in range(20):  # again and again: an `except:` inside a loop may catch it
            if done.is_set():
                break
            ident, stop = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, stop)  # a thread dies of it quietly
            done.wait(0.1)
        else:
            late.late += " and cannot be stopped (restart the kernel to be rid of it)"
    if not late and outcome.error:
        outcome.where = _where(traceback.extract_tb(outcome.error.__traceback__))
    return replace(late or outcome, printed=printed.text)


@contextlib.contextmanager
def _randomness_kept() -> Iterator[None]:
    """Leave the reader's random numbers as they were, and a default device out of the cases."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        with torch.device("cpu"):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def _not_attempted(function: Any, outcome: _Outcome) -> bool:
    """Whether a stub is still (in part) a stub: `...`, `pass` or `raise NotImplementedError`."""

    def unfinished(value: Any) -> bool:
        return value is ... or (isinstance(value, tuple | list) and any(map(unfinished, value)))

    def empty(function: Any) -> bool:
        idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
        return inspect.isfunction(function) and all(
            step.opname in idle and ("CONST" not in step.opname or step.argval in (None, ...))
            for step in dis.get_instructions(function)
        )

    parts = vars(function).values() if inspect.isclass(function) else [function]
    raised = isinstance(outcome.error, NotImplementedError)  # torch raises it, too: bool - bool
    raised &= not outcome.where or "raise" in outcome.where
    error = raised or "ellipsis" in repr(outcome.error)
    return error or unfinished(outcome.value) or any(map(empty, parts))


def _signature_fault(function: Callable[..., Any], names: Sequence[str]) -> str:
    with contextlib.suppress(ValueError):  # some functions written in C have none to show
        signature = inspect.signature(function)
        own = list(signature.parameters)
        wrong = own != [*names] and sorted(own) == sorted(names)  # called by position, not name
        try:
            signature.bind(*names)
        except TypeError:
            wrong = True
        if wrong:
            return f"its parameters are `{signature}`; the check gives it `({', '.join(names)})`."
    return ""


def _fault(outcome: _Outcome, want: Any, exercise: Exercise) -> Fault | None:
    """What is wrong with the outcome of a call; None if it is right."""
    if outcome.late:
        return f"{outcome.late}{outcome.where}.", "Look for a loop whose condition stays true."
    if outcome.error:
        text = str(outcome.error).strip().partition("\n")[0][:300]
        text = f"{type(outcome.error).__name__}{': ' if text else ''}{text}"
        return f"it raised {text}{outcome.where}.", "Call it yourself with the input above."
    if outcome.changed:
        return f"it changed its input `{next(iter(outcome.changed))}`.", _IN_PLACE
    if outcome.value is None and want is not None:
        return "it returned nothing.", "Is a `return` missing, at the end or in some branch?"
    return difference(outcome.value, want, exercise.tolerance, names=exercise.returns)


def _in_any_order(error: BaseException | None) -> list[str]:
    """The words of an error: `a * b` and `b * a` name the same sizes, in another order."""
    return sorted(repr(error).split())


def _known_mistake(
    exercise: Exercise, cases: Sequence[tuple[Any, ...]], outcomes: Sequence[_Outcome]
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


def _judge(name: str, exercise: Exercise, function: Any) -> Verdict:
    """Run a reader's function on all cases, and put into words what came of it."""
    names = exercise.parameters()
    if not callable(function):
        message = f"the check was given {kind(function)}, not a function."
        hint = f"Give it the function itself, without calling it: `check.{name}({name})`."
        return Verdict(name, "failed", message, hint=hint)
    if not exercise.call and (message := _signature_fault(function, names)):
        hint = f"Begin with `def {name}({', '.join(names)}):`."
        return Verdict(name, "failed", message, hint=hint)

    cases = list(exercise.cases(torch.Generator().manual_seed(0)))
    outcomes, first = [], None
    for case in cases:
        ours, theirs = copy.deepcopy(case), copy.deepcopy(case)
        want = exercise.answer(exercise.reference, ours)
        outcome = _run(exercise.answer, (function, theirs), SECONDS if outcomes else WARM_UP)
        compared = zip(names, case, theirs, ours, strict=True)
        outcome.changed = {n: t for n, c, t, o in compared if not same(t, c) and same(o, c)}
        outcomes.append(outcome)
        fault = _fault(outcome, want, exercise)
        first = first or (fault and (len(outcomes), case, outcome, want, fault))
        if outcome.late:
            break
    if not first:
        printed = any(outcome.printed for outcome in outcomes)
        note = "It printed something, which does not matter here." if printed else ""
        return Verdict(name, "passed", f"passed, all {len(cases)} cases.", note=note)
    number, case, outcome, want, (message, hint) = first
    if _not_attempted(function, outcome):
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
    if hint is not _IN_PLACE:
        hint = _known_mistake(exercise, cases, outcomes) or hint or _NO_HINT
    return Verdict(name, "failed", f"{message} (Case {number} of {len(cases)}.)", rows, hint)


class _Check:
    """`check.<exercise>(function)` tries your function and says what is wrong with it.

    It returns a `Verdict`, which shows itself in a notebook and is true if the exercise is passed.
    Where D2LUTIL_CHECK is `strict`, as when the book is built, any other is an `AssertionError`.
    """

    def __dir__(self) -> list[str]:
        return [name for exercises in chapters().values() for name in exercises]

    def __getattr__(self, name: str) -> Callable[..., Verdict]:
        if name.startswith("_"):  # a notebook looks for such names in every object
            raise AttributeError(name)
        found = {n: exercise for some in chapters().values() for n, exercise in some.items()}
        if name not in found:
            near = ", ".join(difflib.get_close_matches(name, found, cutoff=0.4) or found)
            raise AttributeError(f"no exercise is called {name!r}. Is it one of these? {near}")

        def check(function: Callable[..., Any] | None = None) -> Verdict:
            with _randomness_kept():
                verdict = _judge(name, found[name], function)
            if _strict() and not verdict:
                raise AssertionError(str(verdict))
            return replace(verdict, note=f"{verdict.note} {_record(verdict)}".strip())

        check.__name__ = name
        check.__doc__ = f"Check your function for this exercise: `check.{name}({name})`."
        return check


check = _Check()


def _strict() -> bool:
    value = os.environ.get("D2LUTIL_CHECK", "")
    if value not in ("", "strict"):
        raise ValueError(f"D2LUTIL_CHECK must be 'strict' or not set, not {value!r}")
    return value == "strict"


def _progress_file() -> Path:
    return Path(os.environ.get("D2LUTIL_HOME") or Path.home() / ".d2lutil") / "progress.json"


def _read_progress() -> tuple[dict[str, str], str]:
    """The status of each exercise that was tried; and what is wrong with the file, if anything."""
    if _strict():  # the book shows nobody's progress
        return {}, ""
    try:
        statuses = json.loads(_progress_file().read_text("utf-8"))
        if not isinstance(statuses, dict) or not set(statuses.values()) <= set(_MARKS):
            raise ValueError("it is not what was written there")
        return statuses, ""
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        return {}, f"Your progress could not be read ({error})."


def _record(verdict: Verdict) -> str:
    """Keep a verdict; return what went wrong with that, if anything."""
    statuses, trouble = _read_progress()
    passed = statuses.get(verdict.exercise) == "passed"
    if _strict() or passed or verdict.status == "not attempted":
        return trouble
    try:
        file = _progress_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"progress-{os.getpid()}.part")
        part.write_text(json.dumps(statuses | {verdict.exercise: verdict.status}), "utf-8")
        part.replace(file)
    except (OSError, RuntimeError) as error:
        return f"Your progress could not be saved ({error})."
    return trouble and f"{trouble} It begins anew."


@dataclass(frozen=True)
class Progress:
    """The status of every exercise by chapter. It shows itself in a notebook."""

    chapters: dict[str, dict[str, str]]
    note: str = ""

    def _lines(self) -> Iterator[tuple[str, str]]:
        for chapter, statuses in self.chapters.items():
            done = sum(status == "passed" for status in statuses.values())
            each = (f"{_MARKS[s]} {name} ({_WORDS[s]})" for name, s in statuses.items())
            yield f"{chapter}: {done} of {len(statuses)} done", ", ".join(each)

    def __repr__(self) -> str:
        lines = [f"{title}. {each}" for title, each in self._lines()]
        return "\n".join([*lines, self.note]).strip()

    def _repr_html_(self) -> str:
        items = "".join(
            f"<dt style='font-weight:600'>{html.escape(title)}</dt>"
            f"<dd style='margin:0 0 .3rem'>{html.escape(each)}</dd>"
            for title, each in self._lines()
        )
        return _box("#3b7dd8", f"<dl style='margin:0'>{items}</dl>{html.escape(self.note)}")


def progress() -> Progress:
    """Which exercises of which chapters are done.

    This is kept in `progress.json` in the folder `.d2lutil` of your home, or in D2LUTIL_HOME.
    """
    tried, note = _read_progress()
    found = {
        chapter: {name: tried.get(name, "not attempted") for name in exercises}
        for chapter, exercises in chapters().items()
    }
    return Progress(found, note)
