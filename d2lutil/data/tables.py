"""Points and tables: four synthetic sets with known truth, and one real table of cars."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TypeAlias

import torch
from torch import Tensor

from d2lutil._arguments import check_number

Part: TypeAlias = tuple[Tensor, Tensor]  # (X, y)
Split: TypeAlias = tuple[Part, ...]  # (train, test), or (train, validation, test)

VALIDATION = 2**31  # added to a seed, it gives one that no other part has

AUTOMPG_COLUMNS = (
    "cylinders",
    "displacement",
    "horsepower",
    "weight",
    "acceleration",
    "model year",
    "from Europe",
    "from Japan",
)
"""The columns of `autompg`'s ``X``, in order."""


def linear(
    w: Sequence[float] | Tensor,
    b: float,
    n: int = 1000,
    noise: float = 0.01,
    seed: int = 0,
    *,
    validation_size: int | None = None,
) -> Split:
    """Draw ``y = Xw + b + noise``: data whose true weights are known.

    ``X (n, d)`` is standard normal, for d the number of weights; ``y (n, 1)`` carries Gaussian
    noise of standard deviation `noise`. The test set is another `n` examples, the validation set,
    if asked for, `validation_size` others. All are float32, and the same for the same `seed`.
    Synthetic, after ``SyntheticRegressionData`` of *Dive into Deep Learning*, section 3.3.

    Raises ``ValueError`` where `w` is not a row of finite numbers, `b` is not finite, a size is
    below 1 or `noise` is negative; ``TypeError`` where one of these is no number at all.

    >>> (X, y), test = linear(w=[2, -3.4], b=4.2)
    >>> X.shape, y.shape
    (torch.Size([1000, 2]), torch.Size([1000, 1]))
    """
    try:
        weights = torch.as_tensor(w, dtype=torch.float32).detach()
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"w must be a sequence of numbers, not {w!r}") from None
    if weights.ndim != 1 or len(weights) == 0 or not weights.isfinite().all():
        raise ValueError(f"w must be one or more finite numbers in a row, not {w!r}")
    check_number("b", b)
    check_number("n", n, least=1, whole=True)
    check_number("noise", noise, least=0)
    check_validation_size(validation_size)

    def draw(m: int, seed: int) -> Part:
        generator = torch.Generator().manual_seed(seed)
        X = torch.randn(m, len(weights), generator=generator)  # (m, d)
        return X, X @ weights[:, None] + b + noise * torch.randn(m, 1, generator=generator)

    X, y = draw(2 * n, seed)
    validation = [draw(validation_size, VALIDATION + seed)] if validation_size else []
    return (X[:n], y[:n]), *validation, (X[n:], y[n:])


def blobs(
    n: int = 100, gap: float = 0.5, seed: int = 0, *, validation_size: int | None = None
) -> Split:
    """Draw two round clouds in the plane that a line through the origin separates.

    ``X (n, 2)`` float32; ``y (n,)`` float32, -1 and +1 in turn. With ``u = (0.6, 0.8)``, which has
    length 1, every point has ``y * (X @ u) >= gap / 2``: the line ``X @ u = 0`` leaves a strip of
    width `gap` free, and a training point lies on each of its edges. So Novikoff's theorem (1962)
    holds with margin ``γ = gap / 2``: a perceptron without bias makes at most ``(R / γ)²``
    mistakes, for R the largest length of a row of X; with a bias, at most ``(R² + 1) / γ²``. The
    test set is another `n` points, the validation set, if asked for, `validation_size` others.
    Synthetic; the same for the same `seed`.

    Raises ``ValueError`` where `n` is below 2, `validation_size` below 1 or `gap` below 0.001,
    ``TypeError`` where one of them is no number.

    >>> (X, y), test = blobs(gap=1.0)
    >>> bool((y * (X @ torch.tensor([0.6, 0.8])) >= 0.5).all())
    True
    """
    check_number("n", n, least=2, whole=True)
    check_number("gap", gap, least=0.001)
    check_validation_size(validation_size)
    m = 2 * n + (validation_size or 0)
    y = torch.tensor([-1.0, 1.0]).repeat((m + 1) // 2)[:m]  # (m,), the first n to train on
    seeds = (seed, VALIDATION + seed)
    generators = [torch.Generator().manual_seed(value) for value in seeds]
    along, away = torch.cat(
        [
            torch.randn(2, size, generator=generator, dtype=torch.float64)
            for size, generator in zip((2 * n, m - 2 * n), generators, strict=True)
        ],
        dim=1,
    )  # (m,) each
    for label in (-1, 1):
        cloud = y == label
        away[cloud] += gap / 2 - away[:n][cloud[:n]].min()  # its nearest point at gap / 2
    away = away.clamp(min=gap / 2)  # what the nearest other points may need
    away = y * (away + 1e-6 * (1 + away))  # a hair further, so that it holds in float32 too
    X = torch.stack([0.6 * away - 0.8 * along, 0.8 * away + 0.6 * along], dim=1).float()  # (m, 2)
    validation = [(X[2 * n :], y[2 * n :])] if validation_size else []
    return (X[:n], y[:n]), *validation, (X[n : 2 * n], y[n : 2 * n])


def xor() -> Split:
    """Return the four points of exclusive or, which no line separates.

    ``X (4, 2)`` float32 of zeros and ones; ``y (4,)`` int64, 1 where exactly one of the two is 1.
    There are no other points to test on, so the test set is the same four.

    >>> (X, y), test = xor()
    >>> X.tolist(), y.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])
    return (X, y), (X.clone(), y.clone())


def moons(
    n: int = 200, noise: float = 0.1, seed: int = 0, *, validation_size: int | None = None
) -> Split:
    """Draw two half circles in the plane that reach into each other.

    ``X (n, 2)`` float32, with Gaussian noise of standard deviation `noise` on both coordinates;
    ``y (n,)`` int64, 0 for the upper moon and 1 for the lower one. The test set is another `n`
    points, the validation set, if asked for, `validation_size` others. Synthetic, by
    ``sklearn.datasets.make_moons``; the same for the same `seed`.

    Raises ``ValueError`` where `n` is below 2, `validation_size` below 1 or `noise` is negative,
    ``TypeError`` where one of them is no number.

    >>> (X, y), test = moons()
    >>> X.shape, y.bincount().tolist()
    (torch.Size([200, 2]), [100, 100])
    """
    from sklearn.datasets import make_moons

    check_number("n", n, least=2, whole=True)
    check_number("noise", noise, least=0)
    check_validation_size(validation_size)

    def draw(m: int, state: int) -> Part:
        X, y = make_moons(m, noise=noise, random_state=state)  # (m, 2), (m,)
        return torch.from_numpy(X).float(), torch.from_numpy(y)

    validation = [draw(validation_size, VALIDATION + seed)] if validation_size else []
    return draw(n, 2 * seed), *validation, draw(n, 2 * seed + 1)


def autompg(*, validation_size: int | None = None) -> Split:
    """Return 392 cars of 1970 to 1982, to predict how far each goes on a gallon of petrol.

    ``X (n, 8)`` float32, its columns named by `AUTOMPG_COLUMNS`: displacement in cubic inches,
    weight in pounds, acceleration as the seconds from 0 to 60 miles an hour. The country of origin,
    a category, is two columns of 0 and 1, and a car with neither is from the USA. Each column then
    has the training part's mean subtracted and is divided by its standard deviation. ``y (n, 1)``
    float32 is in miles per gallon. A fixed random choice of 80 cars is the test set; the validation
    set, if asked for, takes `validation_size` of the other 312.

    Source: R. Quinlan, Auto MPG, UCI Machine Learning Repository, 1993,
    https://doi.org/10.24432/C5859H, licence CC BY 4.0, as ``mlxtend.data.autompg_data`` has it:
    without six cars of unknown horsepower.

    Raises ``ValueError`` where `validation_size` is not from 1 to 300, ``TypeError`` where it is no
    whole number.

    >>> (X, y), (X_test, y_test) = autompg()
    >>> X.shape, y_test.shape
    (torch.Size([312, 8]), torch.Size([80, 1]))
    """
    from mlxtend.data import autompg_data

    check_validation_size(validation_size, most=300)
    table, mpg = (torch.from_numpy(array) for array in autompg_data())  # (392, 8), (392,)
    origin = table[:, 6:7]  # 1 USA, 2 Europe, 3 Japan; the last column, car names, is all NaN
    X = torch.cat([table[:, :6], origin == 2, origin == 3], dim=1)  # (392, 8)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    test, validation, train = order.tensor_split([80, 80 + (validation_size or 0)])
    X = (X - X[train].mean(dim=0)) / X[train].std(dim=0)
    X, y = X.float(), mpg[:, None].float()
    parts = (train, validation, test) if validation_size else (train, test)
    return tuple((X[part], y[part]) for part in parts)


def check_validation_size(value: object, *, least: int = 1, most: float = inf) -> None:
    """Refuse a size that is neither None nor a whole number within the limits."""
    if value is not None:
        check_number("validation_size", value, least=least, most=most, whole=True)
