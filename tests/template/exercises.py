"""Exercises of the chapter *One number for many*."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _derivative(c: Tensor, y: Tensor) -> Tensor:
    """Derivative of the mean squared error: c (), y (n,) -> ()."""
    return 2 * (c - y).mean()


def _derivative_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield (
        tensor(0.0),
        tensor([1.0, 2.0, 6.0]),
    )  # simple ones first: it is the first wrong one that is shown
    yield tensor(4.0), tensor([1.0, 2.0, 6.0])
    for n in (1, 5, 20):
        yield torch.randn((), generator=generator), torch.randn(n, generator=generator)


squared_derivative = Exercise(
    reference=_derivative,
    cases=_derivative_cases,
    mistakes=[
        (
            lambda c, y: (c - y).mean(),
            "This is the derivative of half the squares. A square brings a factor 2.",
        ),
        (
            lambda c, y: 2 * (c - y).sum(),
            "This is the derivative of the sum. The error is a mean, and so is its derivative.",
        ),
        (
            lambda c, y: ((c - y) ** 2).mean(),
            "This is the error itself. Differentiate it by `c`.",
        ),
        (
            lambda c, y: 2 * (c - y).abs().mean(),
            "Errors above and below have opposite signs, which have to stay: leave out the `abs`.",
        ),
    ],
)


def _trimmed(y: Tensor, k: int) -> Tensor:
    """Mean without the k smallest and k largest: y (n,) -> ()."""
    return y.sort().values[k : len(y) - k].mean()


def _trimmed_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
    yield tensor([9.0, 1.0, 3.0, 2.0, 100.0]), 1
    yield tensor([4.0, 1.0, 10.0]), 0
    for n, k in ((7, 2), (10, 4), (21, 5)):
        yield torch.randn(n, generator=generator), k


trimmed_mean = Exercise(
    reference=_trimmed,
    cases=_trimmed_cases,
    mistakes=[
        (
            lambda y, k: y[k : len(y) - k].mean(),
            "You cut before you sort: it is the smallest and the largest numbers that go, not the "
            "first and the last.",
        ),
        (
            lambda y, k: y.sort().values[k:-k].mean(),
            "`y[k:-k]` is empty where `k` is 0. Count from the front: `len(y) - k`.",
        ),
        (
            lambda y, k: y.sort().values[: len(y) - k].mean(),
            "You leave out the largest only. The smallest go as well.",
        ),
        (
            lambda y, k: y.sort().values[k : len(y) - k].sum() / len(y),
            "Divide by how many numbers are left, not by how many there were.",
        ),
    ],
)
