"""Exercises of the chapter *Perceptron*."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _labels(generator: torch.Generator, *shape: int) -> Tensor:
    """Random labels -1. and +1."""
    return torch.randint(0, 2, shape, generator=generator) * 2.0 - 1


def _update(w: Tensor, b: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Rosenblatt's rule: w (d,), b (), x (d,), y () -> w (d,), b ()."""
    return (w + y * x, b + y) if y * (w @ x + b) <= 0 else (w, b)


def _update_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    yield tensor([0.0, 0.0]), tensor(0.0), tensor([2.0, 1.0]), tensor(1.0)  # the very first
    yield tensor([2.0, 1.0]), tensor(1.0), tensor([1.0, 1.0]), tensor(1.0)  # right already
    yield tensor([2.0, 1.0]), tensor(1.0), tensor([1.0, 2.0]), tensor(-1.0)  # wrong
    yield tensor([2.0, 1.0]), tensor(1.0), tensor([-1.0, -1.0]), tensor(-1.0)  # right already
    yield tensor([1.0, -1.0]), tensor(-1.0), tensor([3.0, 2.0]), tensor(-1.0)  # on the line
    yield tensor([1.0, 1.0]), tensor(-5.0), tensor([2.0, 1.0]), tensor(-1.0)  # right, thanks to b
    for d in (1, 2, 3, 3, 5, 5, 8, 8):
        w, x = torch.randn(2, d, generator=generator)
        b, y = torch.randn((), generator=generator), _labels(generator)
        yield w, b, x, y


_ZERO_SCORE = (
    "A score of exactly 0 is a mistake for `y` = −1 as well as for `y` = +1. Compare `y` times the "
    "score with 0, rather than a prediction with the label."
)
_WRONG_WAY_ROUND = (
    "Your condition is the wrong way round: you update where the example is right. `y` and "
    "the score have the same sign when it is."
)
_TWICE = (
    "Your step is twice as long as it should be. With labels ±1, label minus prediction is ±2; "
    "the rule adds `y * x`."
)


def _until_right(w: Tensor, b: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    while y * (w @ x + b) <= 0:
        w, b = w + y * x, b + y
    return w, b


perceptron_update = Exercise(
    reference=_update,
    cases=_update_cases,
    returns=("w", "b"),
    mistakes=[
        (
            lambda w, b, x, y: (w + y * x, b + y),
            "You update after every example. The rule learns from its mistakes only: first test "
            "whether this example is on the wrong side.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if y * (w @ x + b) < 0 else (w, b),
            "An example that lies on the line, with a score of 0, counts as a mistake too: use "
            "`<=`. With `<`, weights that start at zero stay there for ever.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if y * (w @ x + b) < 1 else (w, b),
            "You also update where the example is right, but by less than 1. That is the rule of "
            "the hinge loss. The perceptron compares with 0.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if (w @ x + b > 0) != (y > 0) else (w, b),
            _ZERO_SCORE,
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if (w @ x + b >= 0) != (y > 0) else (w, b),
            _ZERO_SCORE,
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if y * (w @ x + b) > 0 else (w, b),
            _WRONG_WAY_ROUND,
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if y * (w @ x + b) >= 0 else (w, b),
            _WRONG_WAY_ROUND,
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if y * (w @ x) + b <= 0 else (w, b),
            "The label multiplies the whole score, the bias included: `y * (w @ x + b)`.",
        ),
        *(
            (
                lambda w, b, x, y, eta=eta: (
                    (w + eta * y * x, b + eta * y) if y * (w @ x + b) <= 0 else (w, b)
                ),
                "Your step is shorter than the rule's. It adds the whole `y * x`, and `y` to the "
                "bias, with no learning rate.",
            )
            for eta in (0.5, 0.1, 0.01, 0.001)
        ),
        (
            _until_right,
            "You repeat the step until the example is right. The rule takes one step for a "
            "mistake.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b - y) if y * (w @ x + b) <= 0 else (w, b),
            "The bias moves the wrong way. It adds `y`, as the weights add `y * x`.",
        ),
        (
            lambda w, b, x, y: (w - y * x, b + y) if y * (w @ x + b) <= 0 else (w, b),
            "The weights move the wrong way. They add `y * x`, as the bias adds `y`.",
        ),
        *(
            (
                lambda w, b, x, y, step=step: (
                    (w + y * x, b + y * step(x)) if y * (w @ x + b) <= 0 else (w, b)
                ),
                "The input of the bias is always 1, and not `x`: it moves by `y` alone.",
            )
            for step in (torch.sum, lambda x: x)
        ),
        (
            lambda w, b, x, y: (
                (w + (y - w @ x - b) * x, b + y - w @ x - b) if y * (w @ x + b) <= 0 else (w, b)
            ),
            "Your step is label minus *score*, the one of linear regression. The rule adds "
            "`y * x`, however wrong the score is.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if y * (w @ x) <= 0 else (w, b),
            "The bias belongs to the score: test `w @ x + b`, not `w @ x`.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b + y) if w @ x + b <= 0 else (w, b),
            "You test the score alone. A negative score is right where the label is −1: test "
            "`y` times the score.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b) if y * (w @ x + b) <= 0 else (w, b),
            "The weights move but the bias does not. It is a weight too, one whose input is "
            "always 1.",
        ),
        (
            lambda w, b, x, y: (w + x, b + 1) if y * (w @ x + b) <= 0 else (w, b),
            "You add the example whatever its label. An example with `y` = −1 has to be "
            "subtracted: multiply the step by `y`.",
        ),
        (
            lambda w, b, x, y: (w + x, b + y) if y * (w @ x + b) <= 0 else (w, b),
            "You add `x` to the weights whatever its label. Multiply `x` by `y`, as you do for the "
            "bias.",
        ),
        (
            lambda w, b, x, y: (w + y * x, b + 1) if y * (w @ x + b) <= 0 else (w, b),
            "The bias moves by the label `y`, down for an example of class −1; yours always goes "
            "up by 1.",
        ),
        (
            lambda w, b, x, y: (w - y * x, b - y) if y * (w @ x + b) <= 0 else (w, b),
            "You subtract where the rule adds. Your step makes the mistake larger: after it, `y` "
            "times the score should be greater than before.",
        ),
        (
            lambda w, b, x, y: (w + 2 * y * x, b + 2 * y) if y * (w @ x + b) <= 0 else (w, b),
            _TWICE,
        ),
        *(
            (
                lambda w, b, x, y, predict=predict: tuple(
                    old + (y - predict(w @ x + b)) * by for old, by in ((w, x), (b, 1))
                ),
                _TWICE,
            )
            for predict in (
                torch.sign,
                lambda z: (z > 0) * 2.0 - 1,
                lambda z: (z >= 0) * 2.0 - 1,
            )
        ),
        (
            lambda w, b, x, y: (
                w + (y - (w @ x + b > 0).float()) * x,
                b + (y - (w @ x + b > 0).float()),
            ),
            "Your rule is the one for labels 0 and 1: it takes the prediction to be 0 or 1. Here "
            "the labels are −1 and +1.",
        ),
    ],
)


def _margin(w: Tensor, b: Tensor, X: Tensor, y: Tensor) -> Tensor:
    """Smallest signed distance: w (d,), b (), X (n, d), y (n,) -> ()."""
    return (y * (X @ w + b)).min() / w.norm()


def _margin_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    line = tensor([3.0, 4.0]), tensor(-5.0)
    X = tensor([[3.0, 4.0], [1.0, 3.0], [0.0, 0.0]])
    yield *line, X, tensor([1.0, 1.0, -1.0])  # distances 4, 2, 1
    yield *line, X, tensor([1.0, -1.0, -1.0])  # the second is on the wrong side, by 2
    yield *line, X[:1], tensor([-1.0])  # a single point, wrong by 4
    yield *line, 2 * X[:1], tensor([1.0])  # a single point, right by 9
    for n, d in ((4, 2), (6, 3), (10, 5)):
        w, X = torch.randn(d, generator=generator), torch.randn(n, d, generator=generator)
        yield w, torch.randn((), generator=generator), X, _labels(generator, n)


smallest_margin = Exercise(
    reference=_margin,
    cases=_margin_cases,
    mistakes=[
        (
            lambda w, b, X, y: (y * (X @ w + b)).min(),
            "This is the smallest score, not a distance: with `w` and `b` doubled it doubles, and "
            "the line stays where it is. Divide by the length of `w`.",
        ),
        (
            lambda w, b, X, y: (X @ w + b).abs().min() / w.norm(),
            "You take the distance without its sign, so a point on the wrong side counts like one "
            "on the right side. Multiply by `y` instead of taking `abs`.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).min().abs() / w.norm(),
            "You take the absolute value of the smallest distance. It is negative where a point is "
            "on the wrong side, and has to stay so.",
        ),
        (
            lambda w, b, X, y: (X @ w + b).min() / w.norm(),
            "The labels are missing. A point of class −1 is right where its score is negative: "
            "multiply each score by its `y` before you take the smallest.",
        ),
        *(
            (
                lambda w, b, X, y, first=first: _margin(w, b, X, y).clamp(max=first),
                "Your smallest distance is never above a number with which you begin. Begin with "
                "that of the first point, or with infinity.",
            )
            for first in (0.0, 1.0)
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).argmin(),
            "This is the number of the closest point, an index. `.min()` gives its distance.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).argmin() / w.norm(),
            "`argmin` gives the number of the closest point, an index. `.min()` gives its score.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).min(dim=0) / w.norm(),
            "`min(dim=0)` returns two things, the values and their indices. `.min()` returns the "
            "smallest number alone.",
        ),
        *(
            (wrong, "The length of `w` divides the whole score, the bias included.")
            for wrong in (
                lambda w, b, X, y: (y * (X @ w)).min() / w.norm() + b,
                lambda w, b, X, y: (y * (X @ w / w.norm() + b)).min(),
            )
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b) / X.norm(dim=1)).min() / w.norm(),
            "You divide by the length of the points, too. The distance of a point from the line "
            "is its score divided by the length of `w` alone.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).mean() / w.norm(),
            "This is the mean distance. The margin is the smallest of the distances.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).max() / w.norm(),
            "This is the largest distance; the margin is the smallest.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).min() / (w @ w),
            "You divide by the squared length of `w`. Take its square root, or use `w.norm()`.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).min() / w.abs().sum(),
            "You divide by the sum of the absolute weights. The distance to a line has the "
            "Euclidean length: the root of the sum of squares, `w.norm()`.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).min() / torch.cat([w, b.reshape(1)]).norm(),
            "The bias does not belong to the length: it moves the line and does not turn it. "
            "Divide by the length of `w` alone.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w)).min() / w.norm(),
            "The bias is missing: this is the distance to a line through the origin.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w) + b).min() / w.norm(),
            "The label multiplies the whole score, the bias included: `y * (X @ w + b)`.",
        ),
        (
            lambda w, b, X, y: (y * (X @ w + b)).min() / w.norm() / len(X),
            "A minimum is not divided by the number of points; a mean would be.",
        ),
        (
            lambda w, b, X, y: y * (X @ w + b) / w.norm(),
            "These are the signed distances of all points. The margin is the smallest of them.",
        ),
    ],
)
