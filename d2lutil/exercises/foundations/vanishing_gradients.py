"""Exercises of the chapter *Vanishing gradients and initialisation*."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import then


def _std(c_in: int, c_out: int, k: int, groups: int) -> tuple[float, float]:
    """He's standard deviations for a grouped convolution, forward and backward."""
    fan_in = c_in // groups * k**2
    fan_out = c_out // groups * k**2
    return math.sqrt(2 / fan_in), math.sqrt(2 / fan_out)


def _std_cases(_: torch.Generator) -> Iterator[tuple[int, int, int, int]]:
    yield 8, 32, 3, 1
    yield 6, 10, 4, 1
    yield 20, 12, 1, 1
    yield 12, 24, 3, 4
    yield 32, 64, 5, 32
    yield 15, 10, 2, 5
    yield 1, 7, 3, 1
    yield 9, 9, 3, 9


def _fans(
    c_in: int, c_out: int, k: int, groups: int, inputs: int = 1, outputs: int = 1
) -> tuple[float, float]:
    """Fan-in and fan-out, with `groups` to the powers `inputs` and `outputs` below them."""
    return c_in / groups**inputs * k**2, c_out / groups**outputs * k**2


def _each(
    of: Callable[[float], float], inputs: int = 1, outputs: int = 1
) -> Callable[..., tuple[float, float]]:
    """An answer that is `of` the fan-in and `of` the fan-out."""

    def answer(c_in: int, c_out: int, k: int, groups: int) -> tuple[float, float]:
        fan_in, fan_out = _fans(c_in, c_out, k, groups, inputs, outputs)
        return of(fan_in), of(fan_out)

    return answer


def _he(fan: float) -> float:
    return math.sqrt(2 / fan)


def _glorot(c_in: int, c_out: int, k: int, groups: int) -> tuple[float, float]:
    std = math.sqrt(2 / sum(_fans(c_in, c_out, k, groups)))
    return std, std


_LINEAR = (
    "You count `k` numbers for each channel. A kernel of `k` by `k` has more of them, and each is "
    "a term of the sum."
)

he_std = Exercise(
    reference=_std,
    cases=_std_cases,
    returns=("forward", "backward"),
    mistakes=[
        (
            _each(lambda fan: 2 / fan),
            "These are the variances. The standard deviation is asked for.",
        ),
        (
            then(_std, lambda forward, backward: (backward, forward)),
            "The two are in the wrong order: the first one is to keep the values, the second one "
            "the gradient. Which of the fans belongs to which?",
        ),
        (
            _each(lambda fan: math.sqrt(1 / fan)),
            "This would keep the mean square if there were no ReLU. ReLU sets a part of it to 0.",
        ),
        (
            _each(lambda fan: math.sqrt(1 / (3 * fan))),
            "These are the weights that PyTorch's layers start with. They keep nothing.",
        ),
        (
            _each(lambda fan: math.sqrt(6 / fan)),
            "This is the bound of a uniform distribution. Its standard deviation is smaller.",
        ),
        (
            _each(lambda fan: math.sqrt(2) / fan),
            "You take the root of the 2, but not of the fan.",
        ),
        (
            _each(lambda fan: math.sqrt(fan / 2)),
            "The fraction is upside down: the more terms a sum has, the smaller each must be.",
        ),
        (
            _glorot,
            "This is Glorot's compromise for both directions, and without the gain for ReLU. Each "
            "of the two numbers is to keep one direction.",
        ),
        (
            then(_glorot, lambda std, _: (math.sqrt(2) * std, math.sqrt(2) * std)),
            "This is Glorot's compromise for both directions, with the gain for ReLU. Each of the "
            "two numbers is to keep one direction.",
        ),
        (
            _each(_he, inputs=0, outputs=0),
            "You have left out the groups. How many channels does one output channel use, and how "
            "many output channels use one input channel?",
        ),
        (
            _each(_he, outputs=0),
            "Forward, you are right. Backward, you have left out the groups: not every output "
            "channel uses a given input channel. (`nn.init` makes the same mistake.)",
        ),
        (
            _each(_he, inputs=0),
            "Backward, you are right. Forward, you have left out the groups: an output channel "
            "does not use every input channel.",
        ),
        (
            _each(_he, inputs=-1, outputs=-1),
            "With more groups a sum has fewer terms, and not more.",
        ),
        (
            _each(_he, inputs=2, outputs=2),
            "You divide by the number of groups twice. Divide the channels by it once.",
        ),
        (
            lambda c_in, c_out, k, groups: (
                _he(c_in // groups * k),
                _he(c_out // groups * k),
            ),
            _LINEAR,
        ),
        (
            lambda c_in, c_out, k, groups: (_he(c_in // groups), _he(c_out // groups)),
            "You have left out the kernel: each output number is a sum over `k` by `k` positions "
            "as well.",
        ),
        (
            lambda c_in, c_out, k, groups: (_he(k * k), _he(k * k)),
            "You have left out the channels: a sum goes over several of them.",
        ),
        (
            then(_std, lambda forward, backward: (forward, backward / math.sqrt(2))),
            "Forward, you are right. Backward, ReLU has a part, too: its derivative is 0 where the "
            "value is negative.",
        ),
        (
            then(_std, lambda forward, backward: (forward, forward)),
            "Forward, you are right. Backward, the sum goes over output channels.",
        ),
    ],
)


def _orthogonal(A: Tensor) -> Tensor:
    """The orthogonal factor, with the diagonal of R positive: A (n, m) -> (n, m)."""
    n, m = A.shape
    if n < m:
        return _orthogonal(A.T).T
    Q, R = torch.linalg.qr(A)
    return Q * R.diagonal().sign()


def _orthogonal_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    yield (tensor([[3.0, 1.0], [4.0, 2.0]]),)
    yield (tensor([[-3.0, 1.0], [4.0, -2.0]]),)
    yield (tensor([[2.0], [-1.0], [2.0]]),)
    yield (tensor([[1.0, 2.0, -2.0]]),)
    yield (tensor([[-2.0]]),)
    for shape in ((3, 3), (4, 2), (2, 5), (5, 4), (3, 4), (6, 6)):
        yield (torch.randn(shape, generator=generator),)
    yield (torch.randn(4, 3, generator=generator, dtype=torch.double),)


def _tall(of: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """An answer that is `of` the tall matrix, transposed back where A is wide."""
    return lambda A: of(A) if A.shape[0] >= A.shape[1] else of(A.T).T


def _signs(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """An answer whose signs are changed ones of R's diagonal."""

    def of(A: Tensor) -> Tensor:
        Q, R = torch.linalg.qr(A)
        return Q * change(R.diagonal().sign())

    return _tall(of)


def _as_it_is(A: Tensor) -> Tensor:
    Q, R = torch.linalg.qr(A)
    return Q * R.diagonal().sign()


def _not_back(A: Tensor) -> Tensor:
    return _as_it_is(A if A.shape[0] >= A.shape[1] else A.T)


def _by_rows(A: Tensor) -> Tensor:
    Q, R = torch.linalg.qr(A)
    return R.diagonal().sign()[:, None] * Q


def _complete(A: Tensor) -> Tensor:
    Q, R = torch.linalg.qr(A, mode="complete")
    signs = torch.ones(len(Q), dtype=A.dtype)
    signs[: A.shape[1]] = R.diagonal().sign()
    return Q * signs


def _polar(A: Tensor) -> Tensor:
    U, _, Vt = torch.linalg.svd(A, full_matrices=False)
    return U @ Vt


def _sign_of_first(A: Tensor) -> Tensor:
    Q = torch.linalg.qr(A).Q
    return Q * Q[0].sign()


def _sign_of_own(A: Tensor) -> Tensor:
    Q = torch.linalg.qr(A).Q
    return Q * Q.diagonal().sign()


def _upper(A: Tensor) -> Tensor:
    R = torch.linalg.qr(A).R
    return R * R.diagonal().sign()[:, None]


def _with_lengths(A: Tensor) -> Tensor:
    Q, R = torch.linalg.qr(A)
    return Q * R.diagonal()


orthogonal = Exercise(
    reference=_orthogonal,
    cases=_orthogonal_cases,
    mistakes=[
        (
            _tall(lambda A: torch.linalg.qr(A).Q),
            "Your matrix is orthogonal, but its signs are those that the library happens to "
            "choose. The diagonal of `R` is to be positive: which sign of `Q` goes with which sign "
            "of `R`?",
        ),
        (
            _signs(lambda signs: -signs),
            "All your signs are the other way round: the diagonal of `R` would be negative.",
        ),
        (
            _tall(_by_rows),
            "You change the signs of the rows of `Q`. The product Q R stays the same if a column "
            "of `Q` and a row of `R` change together.",
        ),
        (
            _tall(_sign_of_first),
            "You make the first row of `Q` positive. It is the diagonal of `R` that decides.",
        ),
        (
            _tall(lambda A: torch.linalg.qr(A).Q * A.diagonal().sign()),
            "You take the signs from the diagonal of `A`. It is the diagonal of `R` that decides.",
        ),
        (
            _tall(_sign_of_own),
            "You take the signs from the diagonal of `Q`. It is the diagonal of `R` that decides.",
        ),
        (
            _tall(lambda A: torch.linalg.qr(A).Q.abs()),
            "You make all entries of `Q` positive. Then its columns are no longer orthogonal.",
        ),
        (
            _tall(_with_lengths),
            "You multiply by the diagonal of `R`, so your columns are not of length 1. Only its "
            "signs are needed.",
        ),
        (
            _as_it_is,
            "Where `A` has more columns than rows, the `Q` of its own decomposition is too small. "
            "What does the task say of that case?",
        ),
        (
            lambda A: torch.linalg.qr(A).Q,
            "Two things. Where `A` has more columns than rows, the `Q` of its own decomposition is "
            "too small. And the signs are those that the library happens to choose.",
        ),
        (
            _not_back,
            "Where `A` has more columns than rows, your answer has the shape of its transpose.",
        ),
        (
            lambda A: _as_it_is(A.T).T,
            "You transpose every matrix. One with at least as many rows as columns is decomposed "
            "as it is.",
        ),
        (
            _tall(_complete),
            "You use the complete decomposition, whose `Q` is square. It is to have the shape of "
            "the matrix that you decompose.",
        ),
        (
            _tall(_upper),
            "This is `R`. The orthogonal factor is the other one.",
        ),
        (
            _tall(lambda A: A / A.norm(dim=0)),
            "You divide each column by its length. The columns also have to be orthogonal to each "
            "other.",
        ),
        (
            lambda A: A / A.norm(dim=0),
            "You divide each column by its length, also where it is the rows that are to be "
            "orthonormal. The columns (or rows) also have to be orthogonal to each other.",
        ),
        (
            _polar,
            "Your matrix is orthogonal, but another one: from the singular value decomposition "
            "one gets the orthogonal matrix that is nearest to `A`.",
        ),
        (
            lambda A: nn.init.orthogonal_(torch.empty_like(A)),
            "You draw new random numbers. Make an orthogonal matrix of `A`.",
        ),
    ],
)
