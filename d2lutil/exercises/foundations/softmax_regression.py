"""Exercises of the chapter *Softmax regression*."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor
from torch.nn import functional

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then

# --- Log-softmax ----------------------------------------------------------------------------------


def _log_softmax(Z: Tensor) -> Tensor:
    """The logarithm of the softmax of each row: Z (n, K) -> (n, K)."""
    Z = Z - Z.max(dim=1, keepdim=True).values  # (n, K), at most 0
    return Z - Z.exp().sum(dim=1, keepdim=True).log()


def _plain_softmax(Z: Tensor) -> Tensor:
    return Z.exp() / Z.exp().sum(dim=1, keepdim=True)


def _log_softmax_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    yield (tensor([[2.0, 1.0, 0.0]]),)
    yield (tensor([[0.0, 0.5, 3.0], [-1.0, 2.0, 4.0]]),)
    for n, K in ((3, 5), (4, 2)):
        yield (2 * torch.randn(n, K, generator=generator) + 1,)
    yield (tensor([[1000.0, 0.0, -1000.0]]),)
    yield (tensor([[-1000.0, -1001.0, -1002.0], [-999.0, -1000.0, -1000.5]]),)
    yield (tensor([[1000.0, 1001.0, 999.0], [-1000.0, -998.0, -999.0]]),)


def _added(P: Tensor, small: float) -> Tensor:
    return P + small


def _at_least(P: Tensor, small: float) -> Tensor:
    return P.clamp(min=small)


_PROPS = [
    *(partial(_added, small=10.0**-k) for k in (6, 7, 8, 9, 10, 12)),
    *(partial(_at_least, small=10.0**-k) for k in (6, 7, 8, 9, 10, 12, 30)),
]


def _propped(prop: Callable[[Tensor], Tensor], Z: Tensor) -> Tensor:
    """Probabilities that are kept away from 0, and their logarithms."""
    return prop(Z.softmax(dim=1)).log()


def _largest(Z: Tensor) -> Tensor:
    return Z.max(dim=1, keepdim=True).values  # (n, 1)


def _without_keepdim(Z: Tensor) -> Tensor:
    Z = Z - Z.max(dim=1).values
    return Z - Z.exp().sum(dim=1).log()


_PLAIN = (
    "At a score of 1000 `exp` gives infinity, and where all scores are near −1000 all powers are "
    "0. What can you subtract from each row without changing its softmax?"
)
_TOO_LATE = (
    "You take the logarithm of a finished softmax. A probability that has been rounded to 0 has "
    "the logarithm −∞. The logarithm of a quotient is a difference: use that before you divide."
)
_CRUTCH = (
    "A small number that keeps the probabilities away from 0 keeps the result finite, but wrong: "
    "nothing can come out below its logarithm. Take the logarithm before you divide."
)
_WITHOUT_K = (
    "`F.one_hot(y)` makes as many columns as the largest label in `y` needs. Tell it the number "
    "of classes: `F.one_hot(y, K)`."
)

log_softmax = Exercise(
    reference=_log_softmax,
    cases=_log_softmax_cases,
    mistakes=[
        (lambda Z: _plain_softmax(Z).log(), _PLAIN),
        (lambda Z: Z - Z.exp().sum(dim=1, keepdim=True).log(), _PLAIN),
        (lambda Z: Z.softmax(dim=1).log(), _TOO_LATE),
        *((partial(_propped, prop), _CRUTCH) for prop in _PROPS),
        (
            lambda Z: Z.softmax(dim=1),
            "This is the softmax. Its logarithm is asked for.",
        ),
        (
            _plain_softmax,
            "This is the softmax, and it overflows. Its logarithm is asked for, computed from "
            "scores that have been made harmless.",
        ),
        (
            lambda Z: Z.log_softmax(dim=0),
            "Your columns add up to 1 (before the logarithm), and it should be the rows: each row "
            "is an example, and its classes lie along dimension 1.",
        ),
        (
            lambda Z: (S := Z - Z.max(dim=0).values) - S.exp().sum(dim=0).log(),
            "Your columns add up to 1 (before the logarithm), and it should be the rows: each row "
            "is an example, and its classes lie along dimension 1.",
        ),
        (
            lambda Z: (S := Z - Z.max()) - S.exp().sum(dim=1, keepdim=True).log(),
            "You subtract the largest score of the whole table. A row that lies far below it has "
            "nothing but zeros after `exp`. Each row needs its own largest score.",
        ),
        (
            lambda Z: (S := Z - _largest(Z)) - S.exp().sum().log(),
            "You add up the powers of all rows. Each example has a sum of its own.",
        ),
        (
            lambda Z: Z - (Z - _largest(Z)).exp().sum(dim=1, keepdim=True).log(),
            "You subtract the largest score inside `exp` only, so it is missing outside. Add it to "
            "the logarithm again, or subtract it from `Z`, too.",
        ),
        (
            lambda Z: Z - 2 * _largest(Z) - (Z - _largest(Z)).exp().sum(dim=1, keepdim=True).log(),
            "You subtract the largest score twice. It belongs either to `Z` or to the "
            "log-sum-exp, not to both.",
        ),
        (
            then(_log_softmax, lambda Y: Y / math.log(2)),
            "You use the logarithm to the base 2. `log` is the natural one, as everywhere here.",
        ),
        (
            then(_log_softmax, lambda Y: Y / math.log(10)),
            "You use the logarithm to the base 10. `log` is the natural one, as everywhere here.",
        ),
        (
            then(_log_softmax, torch.neg),
            "The sign is wrong. The logarithm of a probability is never positive; the minus "
            "belongs to the loss.",
        ),
        (
            lambda Z: (
                (S := Z - Z.abs().max(dim=1, keepdim=True).values)
                - S.exp().sum(dim=1, keepdim=True).log()
            ),
            "You subtract the largest *absolute* value. Where all scores are near −1000, that "
            "leaves scores near −2000, and all powers are 0. Subtract the largest score.",
        ),
        (
            lambda Z: (S := Z - _largest(Z)) + S.exp().sum(dim=1, keepdim=True).log(),
            "You add the logarithm of the sum. The logarithm of a quotient is a difference.",
        ),
        (
            lambda Z: Z - _largest(Z),
            "You subtract the largest score and nothing else. The logarithm of the sum is missing.",
        ),
        (
            lambda Z: (S := Z - _largest(Z)) - S.exp().mean(dim=1, keepdim=True).log(),
            "You take the mean of the powers. The softmax divides by their sum.",
        ),
        (
            lambda Z: (S := Z - _largest(Z)) - S.exp().sum(dim=1, keepdim=True),
            "You subtract the sum of the powers. Its logarithm belongs there.",
        ),
        (
            lambda Z: (
                (S := Z - Z.min(dim=1, keepdim=True).values)
                - S.exp().sum(dim=1, keepdim=True).log()
            ),
            "What you subtract leaves scores that are far above 0. What must be subtracted so that "
            "`exp` never sees a positive number?",
        ),
        *(
            (
                lambda Z, most=most: (S := Z.clamp(-most, most)) - S.logsumexp(dim=1, keepdim=True),
                "You cut large scores off, which changes their differences. Subtract the same "
                "number from a whole row instead: that changes no difference.",
            )
            for most in (20.0, 30.0, 50.0, 80.0, 85.0, 87.0, 88.0)
        ),
        (
            lambda Z: (S := Z - _largest(Z)) - S.exp().sum(dim=1, keepdim=True).log2(),
            "You use the logarithm to the base 2. `log` is the natural one, as everywhere here.",
        ),
        (
            lambda Z: (S := Z - _largest(Z)) / S.exp().sum(dim=1, keepdim=True).log(),
            "You divide by the logarithm of the sum. The logarithm of a quotient is a difference.",
        ),
        (
            lambda Z: Z - Z.max(dim=1, keepdim=True),
            "`max` along a dimension returns two things, the values and their indices. Take "
            "`.values`.",
        ),
        (
            lambda Z: Z.logsumexp(dim=1),
            "This is the log-sum-exp, one number for each row. Subtract it from the scores.",
        ),
        (
            _without_keepdim,
            "The largest scores have the shape `(n,)` and must stand beside `Z` as a column, "
            "`(n, 1)`. `keepdim=True` leaves them one; the sum needs it, too.",
        ),
    ],
)


# --- Cross-entropy with label smoothing -----------------------------------------------------------


def _smooth(Z: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """Mean smoothed cross-entropy: Z (n, K), y (n,) -> ()."""
    K = Z.shape[1]
    targets = (1 - epsilon) * functional.one_hot(y, K) + epsilon / K  # (n, K)
    return -(targets * Z.log_softmax(dim=1)).sum(dim=1).mean()


def _true(log_p: Tensor, y: Tensor) -> Tensor:
    """The entry of the true class in each row: (n, K), (n,) -> (n,)."""
    return log_p[torch.arange(len(y)), y]


def _per_example(log_p: Tensor, y: Tensor, epsilon: float) -> Tensor:
    return -((1 - epsilon) * _true(log_p, y) + epsilon * log_p.mean(dim=1))  # (n,)


def _smooth_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, float]]:
    yield tensor([[2.0, 1.0, 0.0]]), tensor([2]), 0.0  # the fox
    yield tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]]), tensor([0, 2]), 0.0
    yield tensor([[2.0, 1.0, 0.0]]), tensor([2]), 0.3
    for n, K, epsilon in ((4, 3, 0.1), (3, 5, 0.25)):
        Z = 2 * torch.randn(n, K, generator=generator)
        yield Z, torch.randint(K, (n,), generator=generator), epsilon
    yield tensor([[1000.0, 0.0, -1000.0], [-1000.0, -1001.0, -1002.0]]), tensor([2, 0]), 0.1
    yield tensor([[1000.0, 1001.0, 999.0]]), tensor([0]), 0.2


def _from_log_p(loss: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """An answer made of the right logarithms of the probabilities."""
    return lambda Z, y, epsilon: loss(Z.log_softmax(dim=1), y, epsilon)


def _with_log_p(
    log_p: Callable[[Tensor], Tensor], by_targets: bool = False
) -> Callable[[Tensor, Tensor, float], Tensor]:
    """An answer that takes log_p(Z) for the logarithms of the probabilities (n, K)."""

    def answer(Z: Tensor, y: Tensor, epsilon: float) -> Tensor:
        if by_targets:
            return -(_targets(y, Z.shape[1], epsilon) * log_p(Z)).sum(dim=1).mean()
        return _per_example(log_p(Z), y, epsilon).mean()

    return answer


def _narrow(log_p: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """Targets / n with as many columns as the largest label needs."""
    return ((1 - epsilon) * functional.one_hot(y) + epsilon / log_p.shape[1]) / len(y)


def _weighted(weights: Callable[[int, float], tuple[float, float]]) -> Callable[..., Tensor]:
    """An answer that weighs the true class and the sum over all classes by weights(K, epsilon)."""

    def loss(log_p: Tensor, y: Tensor, epsilon: float) -> Tensor:
        true, every = weights(log_p.shape[1], epsilon)
        return -(true * _true(log_p, y) + every * log_p.sum(dim=1)).mean()

    return _from_log_p(loss)


def _targets(y: Tensor, K: int, epsilon: float) -> Tensor:
    return (1 - epsilon) * functional.one_hot(y, K) + epsilon / K  # (n, K)


def _divergence(Z: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """The KL divergence of the targets and the softmax, NaN where a target is 0."""
    targets = _targets(y, Z.shape[1], epsilon)  # (n, K)
    return (targets * (targets.log() - Z.log_softmax(dim=1))).sum(dim=1).mean()


def _divergence_without_nan(Z: Tensor, y: Tensor, epsilon: float) -> Tensor:
    targets = _targets(y, Z.shape[1], epsilon)  # (n, K)
    return functional.kl_div(Z.log_softmax(dim=1), targets, reduction="batchmean")


def _divergence_of_quotients(Z: Tensor, y: Tensor, epsilon: float) -> Tensor:
    targets = _targets(y, Z.shape[1], epsilon)  # (n, K)
    return (targets * (targets / Z.softmax(dim=1)).log()).sum(dim=1).mean()


def _other_way_round(Z: Tensor, y: Tensor, epsilon: float) -> Tensor:
    return -(Z.softmax(dim=1) * _targets(y, Z.shape[1], epsilon).log()).sum(dim=1).mean()


_DIVERGENCE = (
    "You compute the KL divergence, which has log q in it: the entropy of q is subtracted, and "
    "at `epsilon = 0` you meet log 0. The cross-entropy is −Σ q log p, and has log p only."
)

smooth_cross_entropy = Exercise(
    reference=_smooth,
    cases=_smooth_cases,
    mistakes=[
        (
            _from_log_p(lambda log_p, y, epsilon: _per_example(log_p, y, epsilon).sum()),
            "You add the examples up. The loss is their mean, or a larger batch would mean a "
            "larger loss.",
        ),
        (
            _from_log_p(_per_example),
            "You return a loss for each example. The mean over them is missing.",
        ),
        (_divergence, _DIVERGENCE),
        (_divergence_without_nan, _DIVERGENCE),
        (_divergence_of_quotients, _DIVERGENCE),
        (
            lambda Z, y, epsilon: _smooth(Z, y, epsilon) / Z.shape[1],
            "Your mean runs over the examples *and* the classes, so your loss is K times too "
            "small. Add up over the classes first.",
        ),
        (
            _weighted(lambda K, epsilon: (1, 0)),
            "Your answer does not depend on `epsilon`: this is the cross-entropy as it was.",
        ),
        (
            _weighted(lambda K, epsilon: (1 - epsilon, 0)),
            "You take `epsilon` from the true class and give it to nobody. The targets of an "
            "example must add up to 1.",
        ),
        (
            _weighted(lambda K, epsilon: (1, epsilon / K)),
            "You give `epsilon` to all classes and take it from none. The true class keeps "
            "1 − epsilon only.",
        ),
        (
            _weighted(lambda K, epsilon: (1 - epsilon, epsilon)),
            "Each of your classes gets the whole `epsilon`. It has to be divided among them.",
        ),
        (
            _from_log_p(
                lambda log_p, y, epsilon: (
                    -((1 - epsilon) * _true(log_p, y) + epsilon / len(y) * log_p.sum(dim=1)).mean()
                )
            ),
            "You divide `epsilon` by the number of examples. It is divided among the `K` classes.",
        ),
        (
            _from_log_p(
                lambda log_p, y, epsilon: (
                    -((1 - epsilon) * _true(log_p, y) + epsilon * log_p.sum() / log_p.shape[1])
                ).mean()
            ),
            "In the part with `epsilon`, you add up over the classes *and* the examples. Each "
            "example has a sum of its own; the mean over the examples comes last.",
        ),
        (
            _from_log_p(lambda log_p, y, epsilon: -(_narrow(log_p, y, epsilon) * log_p).sum()),
            _WITHOUT_K,
        ),
        (
            _from_log_p(lambda log_p, y, epsilon: -(log_p * _narrow(log_p, y, epsilon)).sum()),
            _WITHOUT_K,
        ),
        (
            _weighted(lambda K, epsilon: (1 - epsilon - epsilon / (K - 1), epsilon / (K - 1))),
            "You divide `epsilon` among the false classes. Here it is divided among all classes, "
            "the true one included.",
        ),
        (
            _weighted(lambda K, epsilon: (1 - epsilon, epsilon / (K - 1))),
            "Your targets add up to more than 1: you divide `epsilon` by K − 1, and give a part "
            "to the true class as well. Divide it by K.",
        ),
        (
            _weighted(lambda K, epsilon: (1 - epsilon - epsilon / K, epsilon / K)),
            "Your true class gets no part of `epsilon`. All classes get epsilon/K, and the true "
            "one has 1 − epsilon on top.",
        ),
        (
            _weighted(lambda K, epsilon: (epsilon, (1 - epsilon) / K)),
            "You have `epsilon` and 1 − epsilon the wrong way round. With `epsilon = 0` only the "
            "true class should count.",
        ),
        (
            then(_smooth, torch.neg),
            "The sign is wrong. The logarithm of a probability is negative, and a loss is not.",
        ),
        (
            then(_smooth, lambda loss: loss / math.log(2)),
            "You use the logarithm to the base 2. `log` is the natural one, as everywhere here.",
        ),
        (
            _with_log_p(lambda Z: Z.log_softmax(dim=0)),
            "Your softmax runs down the columns, over the examples. The classes of an example lie "
            "in its row, along dimension 1.",
        ),
        (
            lambda Z, y, epsilon: _smooth(Z, Z.argmax(dim=1), epsilon),
            "You take the class that has the largest score. The loss asks for the true one, `y`.",
        ),
        (
            _from_log_p(lambda log_p, y, epsilon: _per_example(log_p, y - 1, epsilon).mean()),
            "You take the class beside the true one. Classes are counted from 0, as Python counts.",
        ),
        (
            _from_log_p(
                lambda log_p, y, epsilon: (
                    -((1 - epsilon) * log_p[:, y].mean() + epsilon * log_p.mean())
                )
            ),
            "`[:, y]` takes, for every example, the classes of all examples, a table of `(n, n)`. "
            "Each example has one true class: `[torch.arange(n), y]`.",
        ),
        (
            _other_way_round,
            "You have p and q the wrong way round. The targets **q** are the weights, and the "
            "logarithm is that of the probabilities **p**.",
        ),
        (
            _with_log_p(lambda Z: Z.softmax(dim=1)),
            "You weigh the probabilities. Their logarithms belong in the sum.",
        ),
        (
            _with_log_p(lambda Z: Z),
            "You weigh the scores themselves. Subtract the log-sum-exp from them first, and they "
            "become logarithms of probabilities.",
        ),
        (
            given(_smooth, Z=lambda Z: Z.softmax(dim=1)),
            "Your scores pass through two softmaxes. `F.cross_entropy`, `log_softmax` and "
            "`logsumexp` want scores, not probabilities.",
        ),
        (
            lambda Z, y, epsilon: (
                -((1 - epsilon) * _true(Z.softmax(dim=1), y) + epsilon / Z.shape[1]).log().mean()
            ),
            "You smooth the probabilities and then take the logarithm. It is the targets that are "
            "smoothed; the logarithms stay as they are and get weights.",
        ),
        (_with_log_p(lambda Z: _plain_softmax(Z).log()), _PLAIN),
        (_with_log_p(lambda Z: _plain_softmax(Z).log(), by_targets=True), _PLAIN),
        (_with_log_p(lambda Z: Z - Z.exp().sum(dim=1, keepdim=True).log()), _PLAIN),
        (_with_log_p(lambda Z: Z.softmax(dim=1).log()), _TOO_LATE),
        (_with_log_p(lambda Z: Z.softmax(dim=1).log(), by_targets=True), _TOO_LATE),
        *((_with_log_p(partial(_propped, prop)), _CRUTCH) for prop in _PROPS),
    ],
)


# --- The gradient of the squared error after a softmax --------------------------------------------


def _squared_error_gradient(Z: Tensor, y: Tensor) -> Tensor:
    """The gradient of the mean squared error of the softmax: Z (n, K), y (n,) -> (n, K)."""
    P = Z.softmax(dim=1)  # (n, K)
    G = 2 * (P - functional.one_hot(y, Z.shape[1]))  # (n, K)
    return P * (G - (P * G).sum(dim=1, keepdim=True)) / len(P)


def _gradient(
    Z: Tensor, y: Tensor, through: Callable[[Tensor, Tensor], Tensor], dim: int = 1
) -> Tensor:
    """What `through` makes of P (n, K) and the gradient G (n, K) in P, divided by n."""
    P = Z.softmax(dim=dim)  # (n, K)
    G = 2 * (P - functional.one_hot(y, Z.shape[1]))  # (n, K)
    return through(P, G) / len(y)


def _through_softmax(P: Tensor, G: Tensor) -> Tensor:
    return P * (G - (P * G).sum(dim=1, keepdim=True))


def _gradient_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[0.0, 0.0]]), tensor([0])
    yield tensor([[2.0, 1.0, 0.0]]), tensor([2])
    yield tensor([[2.0, 1.0, 0.0], [1.0, -1.0, 0.5]]), tensor([1, 2])
    for n, K in ((4, 3), (3, 5), (5, 2)):
        Z = torch.randn(n, K, generator=generator)
        yield Z, torch.randint(K, (n,), generator=generator)


def _with_labels(Z: Tensor, y: Tensor, Y: Tensor) -> Tensor:
    P = Z.softmax(dim=1)
    return _through_softmax(P, 2 * (P - Y)) / len(y)


def _numbers_for_labels(Z: Tensor, y: Tensor) -> Tensor:
    return _with_labels(Z, y, y[:, None])


def _without_keepdim_in_the_sum(Z: Tensor, y: Tensor) -> Tensor:
    return _gradient(Z, y, lambda P, G: P * (G - (P * G).sum(dim=1)))


squared_error_gradient = Exercise(
    reference=_squared_error_gradient,
    cases=_gradient_cases,
    mistakes=[
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: G / 2),
            "This is the gradient of the cross-entropy, `P − Y`. The squared error's has the "
            "softmax's own derivatives in it.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: G),
            "This is the gradient with respect to the probabilities. The scores stand before the "
            "softmax: the chain rule has one more factor.",
        ),
        (
            lambda Z, y: 2 * (Z - functional.one_hot(y, Z.shape[1])) / len(y),
            "You compare the scores with the labels. The squared error is that of the "
            "probabilities: take the softmax first.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: P * (1 - P) * G),
            "You let each probability depend on its own score only, as a sigmoid does. In a "
            "softmax every probability depends on every score.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: P * G),
            "In the bracket, the second term is missing, or it sums `G`, which adds up to 0. It "
            "sums `P * G`.",
        ),
        (
            # G is negative for the true class only.
            lambda Z, y: _gradient(Z, y, lambda P, G: _through_softmax(P, G.clamp(max=0))),
            "You differentiate the square of the true class only. The sum over k has K squares, "
            "and the probabilities of the false classes stand in the others.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: P * G - (P * G).sum(dim=1, keepdim=True)),
            "The factor in front belongs to both terms of the bracket, the sum, too.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: P * (G - (P * G).mean(dim=1, keepdim=True))),
            "In the bracket you take a mean over the classes. It is a sum.",
        ),
        (
            lambda Z, y: _with_labels(Z, y, functional.one_hot(y)),
            _WITHOUT_K,
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: G - (P * G).sum(dim=1, keepdim=True)),
            "The factor in front of the bracket is missing, which makes the gradient vanish.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: P * (G + (P * G).sum(dim=1, keepdim=True))),
            "A sign is wrong: when one score grows, the probabilities of the *other* classes "
            "shrink.",
        ),
        (
            then(_squared_error_gradient, lambda dZ: dZ / 2),
            "The factor 2 of the square's derivative is missing.",
        ),
        (
            then(_squared_error_gradient, lambda dZ: dZ * len(dZ)),
            "You do not divide by `n`. The loss is a mean over the examples.",
        ),
        (
            then(_squared_error_gradient, lambda dZ: dZ * len(dZ) / 2),
            "Two things. The square leaves a 2 behind, and the loss is a mean over the examples.",
        ),
        (
            then(_squared_error_gradient, lambda dZ: dZ / dZ.shape[1]),
            "You divide by the number of classes, too. The loss adds up over the classes and is a "
            "mean over the examples only.",
        ),
        (
            then(_squared_error_gradient, lambda dZ: dZ * len(dZ) / dZ.shape[1]),
            "You divide by the number of classes where the number of examples should be.",
        ),
        (
            then(_squared_error_gradient, torch.neg),
            "The sign is wrong. A gradient points uphill, so the derivative with respect to the "
            "true class's score is negative.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: P * (G - (P * G).sum(dim=0))),
            "You add up down the columns, over the examples. The sum runs over the classes of one "
            "example, dimension 1.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: P * (G - (P * G).sum())),
            "You add up over the whole table. The sum runs over the classes of one example.",
        ),
        (
            lambda Z, y: _gradient(Z, y, _through_softmax, dim=0),
            "Your softmax runs down the columns. Each row is an example, and its probabilities "
            "add up to 1.",
        ),
        (
            _numbers_for_labels,
            "You subtract the number of the class from every probability. The label has to be a "
            "one-hot vector first.",
        ),
        (
            lambda Z, y: functional.mse_loss(
                Z.softmax(dim=1), functional.one_hot(y, Z.shape[1]).float()
            ),
            "This is the loss, not its gradient.",
        ),
        (
            lambda Z, y: _gradient(Z, y, lambda P, G: G**2 / 4).sum(),
            "This is the loss, not its gradient.",
        ),
        (
            _without_keepdim_in_the_sum,
            "Your sum has the shape `(n,)` and must stand beside `(n, K)` as a column. "
            "`keepdim=True` leaves it one.",
        ),
    ],
)
