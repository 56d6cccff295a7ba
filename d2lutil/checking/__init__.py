"""Checks a reader's function, says what is wrong in the reader's terms, and keeps the progress."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from d2lutil import exercises

from .judge import judge
from .record import Progress, keep, progress, strict
from .sandbox import randomness_kept
from .verdict import Verdict

__all__ = ["Progress", "Verdict", "check", "progress"]


class _Check:
    """`check.<exercise>(function)` tries your function and says what is wrong with it.

    It returns a `Verdict`, which shows itself in a notebook and is true if the exercise is passed.
    Where D2LUTIL_CHECK is `strict`, as when the book is built, any other is an `AssertionError`.
    """

    def __dir__(self) -> list[str]:
        return [name for found in exercises.names().values() for name in found]

    def __getattr__(self, name: str) -> Callable[..., Verdict]:
        if name.startswith("_"):  # a notebook looks for such names in every object
            raise AttributeError(name)
        names = dir(self)
        if name not in names:
            near = ", ".join(difflib.get_close_matches(name, names, cutoff=0.4) or names)
            raise AttributeError(f"no exercise is called {name!r}. Is it one of these? {near}")

        def check(function: Callable[..., Any] | None = None) -> Verdict:
            with randomness_kept():
                verdict = judge(name, exercises.find(name), function)
            if strict() and not verdict:
                raise AssertionError(str(verdict))
            return replace(verdict, note=f"{verdict.note} {keep(verdict)}".strip())

        check.__name__ = name
        check.__doc__ = f"Check your function for this exercise: `check.{name}({name})`."
        return check


check = _Check()
