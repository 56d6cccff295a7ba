"""Exercises of the chapter *Linear regression*."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, tensor

from . import Exercise


def _error(w: Tensor, b: Tensor, X: Tensor, y: Tensor) -> Tensor:
    """Prediction minus target: w (d,), b (), X (n, d), y (n,) -> (n,)."""
    return X @ w + b - y


def _gradient(w: Tensor, b: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes of the mean squared error: w (d,), b (), X (n, d), y (n,) -> (d,), ()."""
    e = _error(w, b, X, y)
    return 2 * X.T @ e / len(X), 2 * e.mean()


def _gradient_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    points = tensor([[1.0], [2.0], [3.0]]), tensor([3.0, 5.0, 6.0])  # the chapter's three
    yield tensor([0.0]), tensor(0.0), *points
    yield tensor([2.0]), tensor(1.0), *points  # errors 0, 0, 1
    yield tensor([1.0, 1.0]), tensor(0.5), tensor([[1.0, -2.0]]), tensor([1.0])  # error −1.5
    for n, d in ((3, 3), (5, 2), (8, 3), (4, 6)):
        w, X = torch.randn(d, generator=generator), torch.randn(n, d, generator=generator)
        yield w, torch.randn((), generator=generator), X, torch.randn(n, generator=generator)


_HALF = (
    "Your slopes are those of half the mean squared error, the loss of the chapter's text. Here "
    "the ½ is missing: what becomes of the exponent when you differentiate a square?"
)
_COLUMN = (
    "`X` times `e` pairs the errors with the columns of `X`, but each error belongs to a row. Turn "
    "`e` into a column, or use a matrix product."
)

linear_gradient = Exercise(
    reference=_gradient,
    cases=_gradient_cases,
    returns=("dw", "db"),
    mistakes=[
        (
            lambda w, b, X, y: (X.T @ (e := _error(w, b, X, y)) / len(X), e.mean()),
            _HALF,
        ),
        (
            lambda w, b, X, y: (X.T @ (e := _error(w, b, X, y)) / len(X) / 2, e.mean() / 2),
            "You divide by 2. The ½ of the chapter's loss is gone here, and even there it "
            "cancelled against something. Differentiate the square of an error once more.",
        ),
        (
            lambda w, b, X, y: (2 * X.T @ (e := _error(w, b, X, y)) / len(X), e.mean()),
            "The slope in `w` is right. The one in `b` has lost a factor on the way: both come "
            "from the same square.",
        ),
        (
            lambda w, b, X, y: (X.T @ (e := _error(w, b, X, y)) / len(X), 2 * e.mean()),
            "The slope in `b` is right. The one in `w` has lost a factor on the way: both come "
            "from the same square.",
        ),
        (
            lambda w, b, X, y: (2 * X.T @ (e := _error(w, b, X, y)), 2 * e.sum()),
            "You add up over the examples. The loss is a mean, so its slopes must not grow when "
            "every example is there twice.",
        ),
        (
            lambda w, b, X, y: (X.T @ (e := _error(w, b, X, y)), e.sum()),
            "Two things. You add up over the examples, but the loss is a mean. And this loss has "
            "no ½ in front: what becomes of the exponent when you differentiate a square?",
        ),
        (
            lambda w, b, X, y: (2 * X.T @ (e := _error(w, b, X, y)), 2 * e.mean()),
            "The slope in `b` is right. In the one in `w`, the product with `X.T` adds up over the "
            "examples; a mean needs one step more.",
        ),
        (
            lambda w, b, X, y: (X.T @ (e := _error(w, b, X, y)), e.mean()),
            "Two things. The product with `X.T` adds up over the examples, but the loss is a mean. "
            "And this loss has no ½ in front, so neither slope is complete.",
        ),
        (
            lambda w, b, X, y: (2 * X.T @ (e := _error(w, b, X, y)) / len(X), 2 * e.sum()),
            "The slope in `w` is right. The one in `b` is a sum over the examples where a mean is "
            "asked for.",
        ),
        (
            lambda w, b, X, y: (2 * X.T @ (e := _error(w, b, X, y)) / len(w), 2 * e.mean()),
            "You divide by the number of features. The mean is taken over the examples: how many "
            "rows has `X`?",
        ),
        (
            lambda w, b, X, y: (-2 * X.T @ (e := _error(w, b, X, y)) / len(X), -2 * e.mean()),
            "Your slopes point downhill: the sign is wrong. If all predictions are too high, "
            "raising `b` makes the loss larger, so its slope is positive. Which way round did you "
            "subtract?",
        ),
        (
            lambda w, b, X, y: (-X.T @ (e := _error(w, b, X, y)) / len(X), -e.mean()),
            "Two things. The error is the prediction minus the target; yours is the other way "
            "round. And this loss has no ½ in front: what does the square leave behind?",
        ),
        (
            lambda w, b, X, y: (2 * X.T @ (e := _error(w, b, X, y)) / len(X), -2 * e.mean()),
            "The slope in `w` is right, the one in `b` has the wrong sign: raising `b` raises "
            "every prediction.",
        ),
        (
            lambda w, b, X, y: (-2 * X.T @ (e := _error(w, b, X, y)) / len(X), 2 * e.mean()),
            "The slope in `b` is right, the one in `w` has the wrong sign. Use the same error in "
            "both.",
        ),
        (
            lambda w, b, X, y: (2 * X.T @ (e := X @ w - y) / len(X), 2 * e.mean()),
            "The bias is missing from your predictions.",
        ),
        (
            lambda w, b, X, y: (2 * X @ (e := _error(w, b, X, y)) / len(X), 2 * e.mean()),
            "`X @ e` pairs the errors with the features of one example. You need a sum over the "
            "examples, one for each feature, shape `(d,)`: which way round must `X` stand?",
        ),
        (
            lambda w, b, X, y: (2 * (X * (e := _error(w, b, X, y))).mean(dim=0), 2 * e.mean()),
            _COLUMN,
        ),
        (
            lambda w, b, X, y: (2 * ((e := _error(w, b, X, y)) * X).mean(dim=0), 2 * e.mean()),
            _COLUMN,
        ),
        (
            lambda w, b, X, y: (
                2 * (X * (e := _error(w, b, X, y))[:, None]).mean(dim=1),
                2 * e.mean(),
            ),
            "You take the mean over the features, one number for each example. Take it over the "
            "examples: each weight has a slope of its own.",
        ),
        (
            lambda w, b, X, y: (2 * (X * (e := _error(w, b, X, y))[:, None]).mean(), 2 * e.mean()),
            "Your slope in `w` is a mean over the features, too: a single number. Each weight has "
            "a slope of its own.",
        ),
        (
            lambda w, b, X, y: (
                2 * X.mean(dim=0) * (e := _error(w, b, X, y)).mean(),
                2 * e.mean(),
            ),
            "The mean of the products is not the product of the means. Multiply each error by its "
            "own example first, then take the mean.",
        ),
        (
            lambda w, b, X, y: (2 * _error(w, b, X, y).mean(), 2 * _error(w, b, X, y).mean()),
            "Both of your slopes are the one in `b`. When a weight grows by a little, a prediction "
            "grows by that much times its feature: the chain rule brings `X` in.",
        ),
        (
            lambda w, b, X, y: (
                2 * X.T @ (e := _error(w, b, X, y)) ** 2 / len(X),
                2 * (e**2).mean(),
            ),
            "Your errors are still squared. The derivative of a square is not a square.",
        ),
        (
            lambda w, b, X, y: (_error(w, b, X, y) ** 2).mean(),
            "This is the loss. Its slopes are asked for: how it changes with each weight, and with "
            "the bias.",
        ),
        (
            lambda w, b, X, y: (
                w - 2 * X.T @ (e := _error(w, b, X, y)) / len(X),
                b - 2 * e.mean(),
            ),
            "You return the weights after a step of descent. Return the slopes alone; the step is "
            "somebody else's job.",
        ),
        (
            lambda w, b, X, y: _gradient(w, b, X, y)[::-1],
            "The two slopes are right, but the other way round: the one in `w` comes first.",
        ),
    ],
)


def _with_ones(X: Tensor) -> Tensor:
    """X (n, d) -> (n, d + 1)."""
    return torch.cat([X, torch.ones(len(X), 1)], dim=1)


def _diagonal(d: int, price: float = 1.0, bias_price: float = 0.0) -> Tensor:
    """The diagonal matrix of the prices of d weights and of the bias, shape (d + 1, d + 1)."""
    return torch.diag(tensor([price] * d + [bias_price]))


def _solve(X: Tensor, y: Tensor, penalty: Tensor | float) -> tuple[Tensor, Tensor]:
    """Solve the normal equation with something added to its matrix."""
    X1 = _with_ones(X)  # (n, d + 1)
    w1 = torch.linalg.solve(X1.T @ X1 + penalty, X1.T @ y)  # (d + 1,)
    return w1[:-1], w1[-1]


def _ridge(X: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Ridge regression: X (n, d), y (n,) -> w (d,), b ()."""
    return _solve(X, y, len(X) * alpha * _diagonal(X.shape[1]))


def _ridge_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, float]]:
    points = tensor([[1.0], [2.0], [3.0]]), tensor([3.0, 5.0, 6.0])
    yield *points, 0.0  # no price: w = 1.5, b = 5 / 3
    yield *points, 1.0  # w = 0.6, b = 14 / 3 − 1.2
    yield tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 4.0], [4.0, 2.0]]), tensor([1.0, 3, 4, 8]), 0.5
    for n, d, alpha in ((6, 2, 0.1), (8, 3, 2.0), (12, 4, 0.3)):
        X = torch.randn(n, d, generator=generator) + 1
        yield X, 2 * torch.randn(n, generator=generator) + 3, alpha


def _ridge_without_ones(X: Tensor, y: Tensor, alpha: float) -> Tensor:
    n, d = X.shape
    return torch.linalg.solve(X.T @ X + n * alpha * torch.eye(d), X.T @ y)


def _ridge_ones_first(
    X: Tensor, y: Tensor, alpha: float, bias_price: float, last_price: float
) -> Tensor:
    """The bias and the weights, shape (d + 1,)."""
    n, d = X.shape
    X1 = torch.cat([torch.ones(n, 1), X], dim=1)
    D = torch.diag(tensor([bias_price] + [1.0] * (d - 1) + [last_price]))
    return torch.linalg.solve(X1.T @ X1 + n * alpha * D, X1.T @ y)


_EVERY_ENTRY = (
    "Adding a number to a matrix adds it to every entry. The price belongs on the diagonal only: "
    "that is what the matrix `D` is for."
)
_NO_COLUMN = (
    "There is no column of ones in your equation, so its line goes through the origin, and putting "
    "the bias in afterwards comes too late: the weights are wrong already."
)

ridge = Exercise(
    reference=_ridge,
    cases=_ridge_cases,
    returns=("w", "b"),
    mistakes=[
        (
            lambda X, y, alpha: _solve(X, y, 0.0),
            "This is the normal equation without a price: `alpha` changes nothing. How large are "
            "the weights allowed to be for a very large `alpha`?",
        ),
        (
            lambda X, y, alpha: _solve(X, y, len(X) * alpha * torch.eye(X.shape[1] + 1)),
            "Your bias pays, too. It should be free: what must stand in its place on the diagonal?",
        ),
        (
            lambda X, y, alpha: _solve(X, y, alpha * _diagonal(X.shape[1])),
            "Your price is too small. The error is a mean over `n` examples; multiply the whole "
            "equation out, and `n` has to go somewhere.",
        ),
        (
            lambda X, y, alpha: _solve(X, y, alpha * torch.eye(X.shape[1] + 1)),
            "Two things. The bias should pay nothing, and yours does. And the error is a mean over "
            "`n` examples, which has to show in the price.",
        ),
        (
            lambda X, y, alpha: _solve(X, y, alpha / len(X) * _diagonal(X.shape[1])),
            "You divide the price by `n`. Set the gradient to nought and multiply both of its "
            "parts by `n`: which of them had a 1/n before?",
        ),
        (
            lambda X, y, alpha: _solve(X, y, X.shape[1] * alpha * _diagonal(X.shape[1])),
            "You multiply the price by the number of features. `n` is the number of examples.",
        ),
        (
            lambda X, y, alpha: _solve(X, y, 2 * len(X) * alpha * _diagonal(X.shape[1])),
            "Your price is twice what it should be. A square leaves a 2 behind when you "
            "differentiate it, but there are two squares here, and no ½ before either.",
        ),
        (
            lambda X, y, alpha: _solve(X, y, len(X) * alpha / 2 * _diagonal(X.shape[1])),
            "Your price is half of what it should be. A square leaves a 2 behind when you "
            "differentiate it, and there are two squares here.",
        ),
        (
            lambda X, y, alpha: _solve(X, y, -len(X) * alpha * _diagonal(X.shape[1])),
            "You subtract the price where it has to be added: with yours, large weights are "
            "rewarded.",
        ),
        (
            lambda X, y, alpha: _solve(X, y, len(X) * alpha * _diagonal(X.shape[1], 0.0, 1.0)),
            "The wrong one pays: your `D` makes the bias small and leaves the weights free.",
        ),
        (
            lambda X, y, alpha: _solve(
                X, y, len(X) * alpha * torch.diag(tensor([0.0] + [1.0] * X.shape[1]))
            ),
            "The nought in `D` stands for the first weight. Which place belongs to the bias when "
            "the column of ones is the last one?",
        ),
        (
            lambda X, y, alpha: (
                (w1 := _ridge_ones_first(X, y, alpha, 1.0, 0.0))[1:],
                w1[0],
            ),
            "Your column of ones comes first, but the nought in `D` comes last, where a weight "
            "is. They have to be in the same place.",
        ),
        (
            lambda X, y, alpha: (
                (w1 := _ridge_ones_first(X, y, alpha, 0.0, 1.0))[:-1],
                w1[-1],
            ),
            "Your equation is right, but you take the bias from the wrong end of its solution. Its "
            "place is that of the column of ones.",
        ),
        (
            lambda X, y, alpha: _solve(X, y, len(X) * alpha),
            _EVERY_ENTRY,
        ),
        (
            lambda X, y, alpha: _solve(X, y, alpha),
            _EVERY_ENTRY,
        ),
        (
            lambda X, y, alpha: (
                (
                    w1 := torch.linalg.solve(
                        (X1 := _with_ones(X)).T @ X1 / len(X) + alpha * _diagonal(X.shape[1]),
                        X1.T @ y,
                    )
                )[:-1],
                w1[-1],
            ),
            "You divide the left side of the equation by `n`, which is fine if you do the same to "
            "the right side.",
        ),
        (
            lambda X, y, alpha: (_ridge_without_ones(X, y, alpha), torch.zeros(())),
            "There is no bias in your equation: its line goes through the origin. The start given in the "
            "exercise says what to put at the end of `X`.",
        ),
        (
            lambda X, y, alpha: (_ridge_without_ones(X, y, alpha), y.mean()),
            _NO_COLUMN,
        ),
        (
            lambda X, y, alpha: (
                w := _ridge_without_ones(X, y, alpha),
                (y - X @ w).mean(),
            ),
            _NO_COLUMN,
        ),
        (
            lambda X, y, alpha: (_ridge(X, y, alpha)[0], y.mean()),
            "The weights are right. But the mean of `y` is the bias only where the features have "
            "mean nought.",
        ),
        (
            lambda X, y, alpha: torch.cat([*map(torch.atleast_1d, _ridge(X, y, alpha))]),
            "The numbers are right. Take the last one off: it is the bias, and is asked for by "
            "itself.",
        ),
        (
            lambda X, y, alpha: _ridge(X, y, alpha)[::-1],
            "Weights and bias are right, but the other way round: `w` comes first.",
        ),
        (
            lambda X, y, alpha: torch.cat([X, torch.ones(len(X))], dim=1),
            "A vector cannot stand beside a matrix. As a column, the ones have the shape `(n, 1)`.",
        ),
        (
            lambda X, y, alpha: (
                (X1 := _with_ones(X)) @ X1.T + len(X) * alpha * _diagonal(X.shape[1])
            ),
            "`X @ X.T` has a row for each example. The equation has one for each weight: the "
            "transpose stands on the other side.",
        ),
        (
            lambda X, y, alpha: torch.linalg.solve(
                (X1 := _with_ones(X)).T @ X1 + len(X) * alpha * _diagonal(X.shape[1]), y
            ),
            "The right side of the equation has one entry for each weight. You have put `y` there, "
            "which has one for each example.",
        ),
    ],
)
