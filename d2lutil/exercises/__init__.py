"""The book's exercises: a module a chapter, each holding `Exercise`s under the names they go by."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from ..runtime import seed


@dataclass(frozen=True)
class Exercise:
    """What `check.<name>` needs to know about one exercise.

    Parameters
    ----------
    reference
        A right answer. Its parameters' names are the ones that a reader is shown.
    cases
        From a seeded generator, the arguments of each call, as tuples. Simple ones first: the
        first that a reader's function gets wrong is the one shown.
    mistakes
        Wrong answers that people give, each with a hint. A function that gives the same answers as
        one of these in every case gets its hint. Code in a hint stands in `backticks`.
    returns
        Names of the returned values, where there are several.
    call
        How to get an answer out of a reader's function (or class), if not `function(*arguments)`:
        `lambda reader, X, y: list(reader(X, y))` for a generator. Answers are tensors, numbers,
        strings, or tuples, lists and dicts of these.
    tolerance
        How far a floating-point number may be off, relative to its size; a tenth of it absolutely.

    Example
    -------
    >>> half = Exercise(
    ...     reference=lambda x: x / 2,
    ...     cases=lambda generator: [(torch.tensor(3.0),), (torch.randn(4, generator=generator),)],
    ...     mistakes=[(lambda x: x // 2, "`//` rounds down; `/` does not.")],
    ... )

    """

    reference: Callable[..., Any]
    cases: Callable[[torch.Generator], Iterable[tuple[Any, ...]]]
    mistakes: Sequence[tuple[Callable[..., Any], str]] = ()
    returns: Sequence[str] = ()
    call: Callable[..., Any] | None = None
    tolerance: float = 1e-4

    def answer(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """What a function answers, with the seeds set; it may change the arguments."""
        seed(0)
        return self.call(function, *arguments) if self.call else function(*arguments)

    def parameters(self) -> list[str]:
        """The names of the arguments, as a reader is shown them."""
        if self.call:
            return list(inspect.signature(self.call).parameters)[1:]
        return list(inspect.signature(self.reference).parameters)


@lru_cache(maxsize=1)
def chapters() -> dict[str, dict[str, Exercise]]:
    """All exercises by chapter and name. No name may stand for two exercises."""
    found: dict[str, dict[str, Exercise]] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        here = vars(importlib.import_module(f"{__name__}.{module.name}"))
        exercises = {name: value for name, value in here.items() if isinstance(value, Exercise)}
        for chapter, others in found.items():
            for name in exercises.keys() & others:
                raise ValueError(f"{chapter} and {module.name} both have an exercise {name!r}")
        found[module.name.replace("_", "-")] = exercises
    return found
