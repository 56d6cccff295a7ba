"""Exercises of the chapter *Linear regression*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, tensor
from torch.nn import functional

from d2lutil.exercises import Exercise


def _from_error(gradients: Callable[[Tensor, Tensor], Any]) -> Callable[..., Any]:
    """An answer made of X (n, d) and the errors e (n,)."""
    return lambda w, b, X, y: gradients(X, X @ w + b - y)


def _gradient(w: Tensor, b: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient of the mean squared error: w (d,), b (), X (n, d), y (n,) -> (d,), ()."""
    e = X @ w + b - y  # (n,)
    return 2 * (X * e[:, None]).mean(dim=0), 2 * e.mean()


def _gradient_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    points = tensor([[1.0], [2.0], [3.0]]), tensor([3.0, 5.0, 6.0])  # the chapter's three
    yield tensor([0.0]), tensor(0.0), *points
    yield tensor([2.0]), tensor(1.0), *points  # errors 0, 0, 1
    yield tensor([1.0, 1.0]), tensor(0.5), tensor([[1.0, -2.0]]), tensor([1.0])  # error −1.5
    for n, d in ((3, 3), (5, 2), (8, 3), (4, 6)):
        w, X = torch.randn(d, generator=generator), torch.randn(n, d, generator=generator)
        yield w, torch.randn((), generator=generator), X, torch.randn(n, generator=generator)


def _error_table(w: Tensor, b: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    E = X @ w[:, None] + b - y  # (n, n)
    return 2 * X.T @ E / len(X), 2 * E.mean()


_COLUMN = (
    "`X` times `e`, entry by entry, lays the errors along the columns of `X`, but each error "
    "belongs to a row. Turn `e` into a column, or use a matrix product."
)

linear_gradient = Exercise(
    reference=_gradient,
    cases=_gradient_cases,
    returns=("dw", "db"),
    mistakes=[
        (
            _from_error(lambda X, e: (X.T @ e / len(X), e.mean())),
            "This is the gradient of half the mean squared error, the loss of the chapter's text. "
            "This one has no ½ in front: what does a square leave behind when you differentiate "
            "it?",
        ),
        (
            _from_error(lambda X, e: (X.T @ e / len(X) / 2, e.mean() / 2)),
            "You divide by 2. This loss has no ½ in front, and where there is one, something "
            "cancels it: what does a square leave behind when you differentiate it?",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e / len(X), e.mean())),
            "The gradient for `w` is right. The one for `b` has lost a factor on the way: both "
            "come from the same square.",
        ),
        (
            _from_error(lambda X, e: (X.T @ e / len(X), 2 * e.mean())),
            "The derivative for `b` is right. The one for `w` has lost a factor on the way: both "
            "come from the same square.",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e, 2 * e.sum())),
            "You add up over the examples. The loss is a mean: if every example were there twice, "
            "its gradient would stay as it is.",
        ),
        (
            _from_error(lambda X, e: (X.T @ e, e.sum())),
            "Two things. You add up over the examples, but the loss is a mean. And it has no ½ in "
            "front: what does a square leave behind when you differentiate it?",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e, 2 * e.mean())),
            "The derivative for `b` is right. In the one for `w`, the product with `X.T` is a sum "
            "over the examples; the loss is a mean.",
        ),
        (
            _from_error(lambda X, e: (X.T @ e, e.mean())),
            "Two things. The product with `X.T` is a sum over the examples, but the loss is a "
            "mean. And it has no ½ in front, so a factor is missing from both parts.",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e / len(X), 2 * e.sum())),
            "The gradient for `w` is right. The one for `b` is a sum over the examples; the loss "
            "is a mean.",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e / X.shape[1], 2 * e.mean())),
            "In the gradient for `w` you divide by the number of features. The mean is taken over "
            "the examples: how many are there?",
        ),
        (
            _from_error(lambda X, e: (-2 * X.T @ e / len(X), -2 * e.mean())),
            "Both signs are wrong. If every prediction is too high, raising `b` makes the loss "
            "larger, so its derivative is positive. Which way round did you subtract?",
        ),
        (
            _from_error(lambda X, e: (-X.T @ e / len(X), -e.mean())),
            "Two things. The error is the prediction minus the target; yours is the other way "
            "round. And this loss has no ½ in front: what does a square leave behind when you "
            "differentiate it?",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e / len(X), -2 * e.mean())),
            "The gradient for `w` is right, the one for `b` has the wrong sign. Use the same "
            "error in both.",
        ),
        (
            _from_error(lambda X, e: (-2 * X.T @ e / len(X), 2 * e.mean())),
            "The derivative for `b` is right, the one for `w` has the wrong sign. Use the same "
            "error in both.",
        ),
        (
            lambda w, b, X, y: _gradient(w, 0, X, y),
            "The bias is missing from your predictions.",
        ),
        (
            _error_table,
            "Your errors are a table of `(n, n)` numbers: a column minus a vector gives every "
            "prediction minus every target. Keep both as vectors of shape `(n,)`.",
        ),
        (
            _from_error(lambda X, e: (2 * X @ e / len(X), 2 * e.mean())),
            "`X @ e` adds up along the rows of `X`, over the features. You need a sum over the "
            "examples, one for each feature: turn `X` round.",
        ),
        (
            _from_error(lambda X, e: (2 * (X * e).mean(dim=0), 2 * e.mean())),
            _COLUMN,
        ),
        (
            _from_error(lambda X, e: (2 * (e * X).mean(dim=0), 2 * e.mean())),
            _COLUMN,
        ),
        (
            _from_error(lambda X, e: (2 * (X * e[:, None]).mean(dim=1), 2 * e.mean())),
            "Your gradient for `w` has a number for each example. Take the mean over the "
            "examples, so that one for each feature is left.",
        ),
        (
            _from_error(lambda X, e: (2 * (X * e[:, None]).mean(), 2 * e.mean())),
            "Your gradient for `w` is a single number, a mean over examples and features. Each "
            "weight has a derivative of its own.",
        ),
        (
            _from_error(lambda X, e: (2 * X.mean(dim=0) * e.mean(), 2 * e.mean())),
            "The mean of products is not the product of means. Multiply each example by its own "
            "error first.",
        ),
        (
            _from_error(lambda X, e: (2 * e.mean(), 2 * e.mean())),
            "Both of your parts are the derivative for `b`. When a weight grows by a little, how "
            "much does a prediction grow? The chain rule brings that in.",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e**2 / len(X), 2 * (e**2).mean())),
            "Your errors are still squared. The derivative of a square is no square.",
        ),
        (
            _from_error(lambda X, e: (2 * X.T @ e / len(X), (e**2).mean())),
            "The gradient for `w` is right. In place of the derivative for `b` you return the loss "
            "itself.",
        ),
        (
            _from_error(lambda X, e: (X.T @ e.sign() / len(X), e.sign().mean())),
            "This is the gradient of the mean *absolute* error. How large an error is counts, too.",
        ),
        (
            _from_error(lambda X, e: (e**2).mean()),
            "This is the loss itself. Return its gradient: how fast it grows with `w`, and how "
            "fast with `b`.",
        ),
        (
            lambda w, b, X, y: tuple(
                p - dp for p, dp in zip((w, b), _gradient(w, b, X, y), strict=True)
            ),
            "You return the weights and the bias after a step of descent. Only the gradient is "
            "asked for.",
        ),
        (
            lambda w, b, X, y: _gradient(w, b, X, y)[::-1],
            "Both parts are right, but in the wrong order: the one for `w` comes first.",
        ),
    ],
)


def _ones_last(X: Tensor) -> Tensor:
    """X (n, d) -> (n, d + 1)."""
    return torch.cat([X, torch.ones(len(X), 1)], dim=1)


def _free_last(d: int) -> Tensor:
    """The matrix D: a penalty on all weights and none on the bias, shape (d + 1, d + 1)."""
    return torch.diag(tensor([1.0] * d + [0.0]))


def _free_first(d: int) -> Tensor:
    return torch.diag(tensor([0.0] + [1.0] * d))


def _solve(X1: Tensor, y: Tensor, penalty: Tensor | float) -> Tensor:
    """X1 (n, d + 1), y (n,) -> (d + 1,)."""
    return torch.linalg.solve(X1.T @ X1 + penalty, X1.T @ y)


def _with_penalty(penalty: Callable[[int, int, float], Tensor | float]) -> Callable[..., Any]:
    """An answer that adds penalty(n, d, alpha) to the matrix of the normal equation."""

    def answer(X: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
        w1 = _solve(_ones_last(X), y, penalty(*X.shape, alpha))  # (d + 1,)
        return w1[:-1], w1[-1]

    return answer


def _ridge(X: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """The normal equation with a penalty on all weights but the last: X (n, d) -> (d,), ()."""
    X1 = functional.pad(X, (0, 1), value=1.0)  # (n, d + 1)
    D = torch.eye(X1.shape[1])
    D[-1, -1] = 0  # no penalty on the bias
    w1 = torch.linalg.solve(X1.T @ X1 + len(X1) * alpha * D, X1.T @ y)  # (d + 1,)
    return w1[:-1], w1[-1]


def _ridge_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, float]]:
    points = tensor([[1.0], [2.0], [3.0]]), tensor([3.0, 5.0, 6.0])
    yield *points, 0.0  # no penalty: w = 1.5, b = 14 / 3 − 3
    yield *points, 1.0  # w = 0.6, b = 14 / 3 − 1.2
    yield points[0], -points[1], 0.0  # w = −1.5, b negative, too
    yield tensor([[2.0, 0], [0, 2], [2, 4], [4, 2]]), tensor([1.0, 3.0, 4.0, 8.0]), 0.5
    for n, d, alpha in ((6, 2, 0.1), (8, 3, 2.0), (12, 4, 0.3)):
        X = torch.randn(n, d, generator=generator) + 1
        yield X, 2 * torch.randn(n, generator=generator) + 3, alpha


def _without_ones(X: Tensor, y: Tensor, alpha: float) -> Tensor:
    """The weights of a line through the origin, shape (d,)."""
    return _solve(X, y, len(X) * alpha * torch.eye(X.shape[1]))


def _mixed_up(ones: int, free: int, bias: int) -> Callable[..., Any]:
    """An answer with the ones, the zero of D and the bias at ends of their own: 0 or -1."""

    def answer(X: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
        X1 = _ones_last(X) if ones else _ones_last(X).roll(1, 1)
        D = (_free_last if free else _free_first)(X.shape[1])
        w1 = _solve(X1, y, len(X) * alpha * D)
        return (w1[:-1], w1[-1]) if bias else (w1[1:], w1[0])

    return answer


def _left_side_over_n(X: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    w, b = _ridge(X, y, alpha)
    return len(X) * w, len(X) * b


def _targets_on_the_right(X: Tensor, y: Tensor, alpha: float) -> Tensor:
    X1, penalty = _ones_last(X), len(X) * alpha * _free_last(X.shape[1])
    return torch.linalg.solve(X1.T @ X1 + penalty, y)


_EVERY_ENTRY = (
    "A number plus a matrix adds the number to every entry. Only the diagonal should change: that "
    "is what the matrix `D` is for."
)
_ORIGIN = (
    "There is no column of ones in your equation, so it finds the best line through the origin. "
    "To add the bias afterwards is too late: the weights have already made up for it."
)

ridge = Exercise(
    reference=_ridge,
    cases=_ridge_cases,
    returns=("w", "b"),
    mistakes=[
        (
            _with_penalty(lambda n, d, alpha: 0.0),
            "Your answer does not depend on `alpha`: this is the normal equation, where large "
            "weights have no penalty.",
        ),
        (
            _with_penalty(lambda n, d, alpha: n * alpha * torch.eye(d + 1)),
            "Your penalty is on the bias, too, and should not be. Which entry on the diagonal is "
            "its?",
        ),
        (
            _with_penalty(lambda n, d, alpha: alpha * _free_last(d)),
            "Your penalty is too small. The squared errors are divided by `n`, the squared "
            "weights are not. What becomes of the penalty when you multiply the equation by `n`?",
        ),
        (
            _with_penalty(lambda n, d, alpha: n * n * alpha * _free_last(d)),
            "Your penalty is `n` times too large. Either the squared errors are divided by `n`, or "
            "the penalty is multiplied by `n`: not both.",
        ),
        (
            _with_penalty(lambda n, d, alpha: alpha * torch.eye(d + 1)),
            "Two things. Your penalty is on the bias, too. And it is too small: the squared "
            "errors are divided by `n`, the squared weights are not.",
        ),
        (
            _with_penalty(lambda n, d, alpha: alpha / n * _free_last(d)),
            "You divide the penalty by `n`. It is the squared errors that are divided by `n`. What "
            "becomes of the penalty when you multiply the equation by `n`?",
        ),
        (
            _with_penalty(lambda n, d, alpha: d * alpha * _free_last(d)),
            "You multiply the penalty by the number of features. `n` is the number of examples.",
        ),
        (
            _with_penalty(lambda n, d, alpha: (d + 1) * alpha * _free_last(d)),
            "You multiply the penalty by the number of columns. `n` is the number of examples.",
        ),
        (
            _with_penalty(lambda n, d, alpha: 2 * n * alpha * _free_last(d)),
            "Your penalty is twice as large as it should be. The square of the weights leaves a 2 "
            "behind, but so does the square of the errors.",
        ),
        (
            _with_penalty(lambda n, d, alpha: n * alpha / 2 * _free_last(d)),
            "Your penalty is half of what it should be. The square of the errors leaves a 2 "
            "behind, but so does the square of the weights.",
        ),
        (
            _with_penalty(lambda n, d, alpha: -n * alpha * _free_last(d)),
            "You subtract the penalty, so large weights make the loss smaller. They should make "
            "it larger.",
        ),
        (
            _with_penalty(lambda n, d, alpha: n * alpha * (torch.eye(d + 1) - _free_last(d))),
            "Your `D` is the wrong way round: the penalty is on the bias and not on the weights.",
        ),
        (
            _with_penalty(lambda n, d, alpha: n * alpha * _free_first(d)),
            "Your `D` puts no penalty on the first weight. The ones are the last column of `X`: "
            "which entry of `D` belongs to the bias?",
        ),
        (
            _mixed_up(ones=0, free=-1, bias=0),
            "Your ones are the first column, but your `D` has its zero for the last one. They must "
            "be in the same column.",
        ),
        *(
            (
                _mixed_up(ones=end, free=end, bias=other),
                "The numbers are right, but you take the bias from the wrong end. It is where the "
                "column of ones is.",
            )
            for end, other in ((0, -1), (-1, 0))
        ),
        (
            _mixed_up(ones=0, free=-1, bias=-1),
            "Your ones are the first column, but you treat the last one as the bias, in `D` and "
            "in what you return. The bias is where your column of ones is.",
        ),
        (
            _mixed_up(ones=-1, free=0, bias=0),
            "Your ones are the last column, but you treat the first one as the bias, in `D` and "
            "in what you return. The bias is where your column of ones is.",
        ),
        (
            _with_penalty(lambda n, d, alpha: n * alpha),
            _EVERY_ENTRY,
        ),
        (
            _with_penalty(lambda n, d, alpha: alpha),
            _EVERY_ENTRY,
        ),
        (
            lambda X, y, alpha: tuple(part / len(X) for part in _ridge(X, y, alpha)),
            "Your answer is `n` times too small: you divide the right side of the equation by "
            "`n`, and not the left one.",
        ),
        (
            _with_penalty(lambda n, d, alpha: n * alpha**2 * _free_last(d)),
            "You square `alpha`. The penalty is `alpha` times the squared length of `w`.",
        ),
        (
            _left_side_over_n,
            "Your answer is `n` times too large: you divide the left side of the equation by `n`, "
            "and not the right one.",
        ),
        (
            lambda X, y, alpha: (_without_ones(X, y, alpha), torch.zeros(())),
            "There is no bias in your equation, so it finds the best line through the origin. "
            "Begin as the exercise says, with a column of ones.",
        ),
        (
            lambda X, y, alpha: (_without_ones(X, y, alpha), y.mean()),
            _ORIGIN,
        ),
        (
            lambda X, y, alpha: (w := _without_ones(X, y, alpha), (y - X @ w).mean()),
            _ORIGIN,
        ),
        (
            lambda X, y, alpha: (_ridge(X, y, alpha)[0], torch.zeros(())),
            "The weights are right, and the bias is missing.",
        ),
        (
            lambda X, y, alpha: (_ridge(X, y, alpha)[0], y.mean()),
            "The weights are right. But the bias is the mean of `y` only where each feature has "
            "the mean 0.",
        ),
        (
            lambda X, y, alpha: _solve(_ones_last(X), y, len(X) * alpha * _free_last(X.shape[1])),
            "The numbers are right. Take them apart: the weights, and the bias by itself.",
        ),
        (
            lambda X, y, alpha: _ridge(X, y, alpha)[::-1],
            "Weights and bias are right, but in the wrong order: `w` comes first.",
        ),
        (
            lambda X, y, alpha: torch.cat([X, torch.ones(len(X))], dim=1),
            "A vector cannot stand beside a matrix. Give the ones the shape of a column, `(n, 1)`.",
        ),
        (
            lambda X, y, alpha: (
                (X1 := _ones_last(X)) @ X1.T + len(X) * alpha * _free_last(X.shape[1])
            ),
            "`X @ X.T` has a row and a column for each example. The equation has one for each "
            "weight: the transpose belongs on the left.",
        ),
        (
            _targets_on_the_right,
            "Your right side is `y`, with a number for each example. The equation has one for each "
            "weight: look at what stands before `y` in it.",
        ),
    ],
)
