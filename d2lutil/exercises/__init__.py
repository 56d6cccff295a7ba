"""The book's exercises: a module a chapter, each holding `Exercise`s under the names they go by.

A chapter's module stands where its page does: `<part>/<name>.py`. It is imported when one of its
exercises is asked for, and no sooner.
"""

from __future__ import annotations

import importlib
import inspect
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import ModuleType
from typing import Any

import numpy as np
import torch

_DEFINITION = re.compile(r"^(\w+) = Exercise\(", re.MULTILINE)


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
        strings, or tuples, lists and dicts of these. Of a dtype only its kind counts (True or
        False, whole, real, complex), and a tensor of shape () is a number, too.
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
        random.seed(0)
        np.random.seed(0)
        torch.default_generator.manual_seed(0)  # the CPU's alone: no GPU has to do with cases
        return self.call(function, *arguments) if self.call else function(*arguments)

    def parameters(self) -> list[str]:
        """The names of the arguments, as a reader is shown them."""
        if self.call:
            return list(inspect.signature(self.call).parameters)[1:]
        return list(inspect.signature(self.reference).parameters)


@lru_cache(maxsize=1)
def names() -> dict[str, list[str]]:
    """The exercises' names by chapter (`foundations/mlp`), read from the sources: none is imported.

    A name stands for one exercise of the whole book; one that two chapters have is a `ValueError`.
    """
    found: dict[str, list[str]] = {}
    for part in sorted(resources.files(__name__).iterdir(), key=lambda entry: entry.name):
        modules = part.iterdir() if part.is_dir() else ()
        for module in sorted(modules, key=lambda entry: entry.name):
            if module.name.endswith(".py") and not module.name.startswith("_"):
                chapter = f"{part.name}/{module.name.removesuffix('.py')}"
                found[chapter] = _DEFINITION.findall(module.read_text("utf-8"))
    where: dict[str, str] = {}
    for chapter, exercises in found.items():
        for name in exercises:
            if name in where:
                raise ValueError(f"{where[name]} and {chapter} both have an exercise {name!r}")
            where[name] = chapter
    return found


def find(name: str) -> Exercise:
    """The exercise of this name; only its chapter's module is imported. `KeyError` if none has it.

    >>> find("smallest_margin").parameters()
    ['w', 'b', 'X', 'y']
    """
    for chapter, exercises in names().items():
        if name in exercises:
            return getattr(_module(chapter), name)
    raise KeyError(name)


def chapters() -> dict[str, dict[str, Exercise]]:
    """All exercises by chapter and name. This imports every chapter's module: it is for tests."""
    return {
        chapter: {name: getattr(_module(chapter), name) for name in exercises}
        for chapter, exercises in names().items()
    }


def _module(chapter: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{chapter.replace('/', '.')}")
