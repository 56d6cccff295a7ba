"""Exercises of the chapter *Optimisation*."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given

Three = tuple[Tensor, Tensor, Tensor]


def _adamw(w: Tensor, g: Tensor, m: Tensor, r: Tensor, t: int, eta: float, decay: float) -> Three:
    """Update number t: the new w, m and r, all of the shape of w."""
    m = 0.9 * m + 0.1 * g
    r = 0.999 * r + 0.001 * g**2
    m_hat, r_hat = m / (1 - 0.9**t), r / (1 - 0.999**t)
    w = (1 - eta * decay) * w - eta * m_hat / (r_hat.sqrt() + 1e-8)
    return w, m, r


def _adamw_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, int, float, float]]:
    for w, g, eta, decay in (
        ((1.0, -2.0), (0.5, 3.0), 0.1, 0.0),
        ((1.0, -2.0), (0.5, 3.0), 0.2, 0.5),
        ((2.0, 3.0), (1e-8, -3e-8), 0.3, 0.1),
    ):
        yield tensor(w), tensor(g), torch.zeros(2), torch.zeros(2), 1, eta, decay
    for shape, t, eta, decay in (((3,), 2, 0.2, 0.3), ((2, 1), 7, 0.4, 0.2), ((), 40, 0.05, 0.6)):
        w, g, m = torch.randn((3, *shape), generator=generator)
        r = 0.1 + torch.rand(shape, generator=generator)
        yield 3 * w, g, 0.5 * m, r, t, eta, decay


def _variant(
    w: Tensor,
    g: Tensor,
    m: Tensor,
    r: Tensor,
    t: int,
    eta: float,
    decay: float,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    shrink: Callable[[float, float], float] = lambda eta, decay: 1 - eta * decay,
    direction: Callable[[Tensor, Tensor], Tensor] = lambda m, r: m / (r.sqrt() + 1e-8),
    square: Callable[[Tensor], Tensor] = lambda g: g**2,
    corrected: tuple[bool, bool] = (True, True),
    late: bool = False,
) -> Three:
    """The same with parts that can be wrong."""
    (b1, b2), (first, second) = betas, corrected
    m, r = b1 * m + (1 - b1) * g, b2 * r + (1 - b2) * square(g)
    m_hat = m / (1 - b1**t) if first else m
    r_hat = r / (1 - b2**t) if second else r
    u = eta * direction(m_hat, r_hat)
    return (shrink(eta, decay) * (w - u) if late else shrink(eta, decay) * w - u), m, r


def _penalty_in_gradient(
    w: Tensor, g: Tensor, m: Tensor, r: Tensor, t: int, eta: float, decay: float
) -> Three:
    return _adamw(w, g + decay * w, m, r, t, eta, 0)


def _corrected_means(
    w: Tensor, g: Tensor, m: Tensor, r: Tensor, t: int, eta: float, decay: float
) -> Three:
    w, m, r = _adamw(w, g, m, r, t, eta, decay)
    return w, m / (1 - 0.9**t), r / (1 - 0.999**t)


def _exchanged_corrections(
    w: Tensor, g: Tensor, m: Tensor, r: Tensor, t: int, eta: float, decay: float
) -> Three:
    _, m, r = _adamw(w, g, m, r, t, eta, decay)
    m_hat, r_hat = m / (1 - 0.999**t), r / (1 - 0.9**t)
    return (1 - eta * decay) * w - eta * m_hat / (r_hat.sqrt() + 1e-8), m, r


def _with_means(
    means: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
) -> Callable[[Tensor, Tensor, Tensor, Tensor, int, float, float], Three]:
    """The same update with other means of g, m and r."""

    def wrong(
        w: Tensor, g: Tensor, m: Tensor, r: Tensor, t: int, eta: float, decay: float
    ) -> Three:
        m, r = means(g, m, r)
        m_hat, r_hat = m / (1 - 0.9**t), r / (1 - 0.999**t)
        return (1 - eta * decay) * w - eta * m_hat / (r_hat.sqrt() + 1e-8), m, r

    return wrong


def _old_means(
    w: Tensor, g: Tensor, m: Tensor, r: Tensor, t: int, eta: float, decay: float
) -> Three:
    return _adamw(w, g, m, r, t, eta, decay)[0], m, r


adamw_step = Exercise(
    reference=_adamw,
    cases=_adamw_cases,
    returns=["w", "m", "r"],
    mistakes=[
        (
            partial(_variant, corrected=(False, False)),
            "You do not correct the means. They began at zero, so in the first updates their "
            "weights add up to less than 1.",
        ),
        (
            partial(_variant, corrected=(True, False)),
            "You correct the mean of the gradient, but not that of its square, which began at zero "
            "as well.",
        ),
        (
            partial(_variant, corrected=(False, True)),
            "You correct the mean of the square, but not that of the gradient, which began at zero "
            "as well.",
        ),
        (
            _exchanged_corrections,
            "You correct each mean with the β of the other: 1 − 0.9ᵗ belongs to `m`.",
        ),
        (
            given(_adamw, t=lambda t: t + 1),
            "Your correction counts one update too many: the first has `t = 1`.",
        ),
        (
            _penalty_in_gradient,
            "You add the decay to the gradient, so it goes into both means and is divided by the "
            "size of the gradient. That is Adam with a penalty; in AdamW the decay stays apart.",
        ),
        (
            given(_adamw, decay=lambda decay: 0),
            "There is no weight decay in your update.",
        ),
        (
            partial(_variant, shrink=lambda eta, decay: 1 - decay),
            "You shrink the weights by `decay` alone. The rate multiplies the decay, too.",
        ),
        (
            partial(_variant, shrink=lambda eta, decay: 1 + eta * decay),
            "Your decay lets the weights grow. Look at its sign.",
        ),
        (
            partial(_variant, late=True),
            "You shrink the weights after the step, so the step is shrunk as well. The decay acts "
            "on the old weights.",
        ),
        (
            partial(_variant, direction=lambda m, r: m / (r + 1e-8).sqrt()),
            "You add ε before you take the root. Then it counts where gradients are small, since "
            "the root of 1e-8 is 1e-4.",
        ),
        (
            partial(_variant, direction=lambda m, r: m / (r + 1e-8)),
            "You divide by the mean of the square itself. Which power of it has the unit of a "
            "gradient?",
        ),
        (
            partial(_variant, direction=lambda m, r: -m / (r.sqrt() + 1e-8)),
            "Your step goes up the gradient. Look at its sign.",
        ),
        (
            partial(_variant, square=lambda g: g),
            "Your second mean is of the gradient. It should be of its square.",
        ),
        (
            partial(_variant, betas=(0.999, 0.9)),
            "You have exchanged the two β: the mean of the gradient has the shorter memory.",
        ),
        (
            partial(_variant, betas=(0.1, 0.001)),
            "Your means weigh the new value by β and the old mean by 1 − β. It is the other way "
            "round: they change slowly.",
        ),
        (
            _with_means(lambda g, m, r: (0.1 * m + 0.9 * g, 0.001 * r + 0.999 * g**2)),
            "Your means weigh the new value by β and the old mean by 1 − β. It is the other way "
            "round: they change slowly.",
        ),
        (
            _with_means(lambda g, m, r: (0.9 * m + g, 0.999 * r + g**2)),
            "You add the whole new value, as the velocity of momentum does. In a running mean it "
            "has the weight 1 − β.",
        ),
        (
            partial(_variant, direction=lambda m, r: m / r.sqrt()),
            "There is no ε in your quotient. It counts where gradients are tiny.",
        ),
        (
            partial(_variant, direction=lambda m, r: m / (r.sqrt() + 1e-10)),
            "Your ε is too small: the task says 1e-8.",
        ),
        (
            lambda w, g, m, r, t, eta, decay: _adamw(w, m, g, r, t, eta, decay),
            "You have exchanged `g` and `m` somewhere.",
        ),
        (
            _corrected_means,
            "Your weights are right. But the means that you return are the corrected ones: the "
            "next update would correct them again.",
        ),
        (
            _old_means,
            "Your weights are right, but you return the means from before this update.",
        ),
        (
            lambda w, g, m, r, t, eta, decay: (
                (1 - eta * decay) * w
                - eta * (m / (1 - 0.9**t)) / ((r / (1 - 0.999**t)).sqrt() + 1e-8),
                *_adamw(w, g, m, r, t, eta, decay)[1:],
            ),
            "Your step uses the means from before this update. Let this gradient into them first.",
        ),
    ],
)


def _schedule(t: int, warmup: int, total: int, peak: float) -> float:
    """The learning rate of update t."""
    if t < warmup:
        return peak * t / warmup
    s = (t - warmup) / (total - warmup)
    return peak * (1 + math.cos(math.pi * s)) / 2


def _schedule_cases(generator: torch.Generator) -> Iterator[tuple[int, int, int, float]]:
    for t in (0, 5, 10, 35, 60, 85, 110):
        yield t, 10, 110, 0.2
    for t in (0, 3, 12):
        yield t, 0, 12, 3.0
    yield 1, 1, 2, 5.0
    yield 2, 1, 2, 5.0
    for t in (4, 17, 29):
        yield t, 20, 30, 7.0


def _ramp(t: int, warmup: int) -> float:
    return t / warmup if t < warmup else 1.0


def _with_fall(
    fall: Callable[[float], float],
) -> Callable[[int, int, int, float], float]:
    """A warm-up, then a fall from 0 to 1 of the part that is left."""

    def wrong(t: int, warmup: int, total: int, peak: float) -> float:
        if t < warmup:
            return peak * t / warmup
        return peak * fall((t - warmup) / (total - warmup))

    return wrong


def _half(s: float) -> float:
    return (1 + math.cos(math.pi * s)) / 2


def _by_t_over_total(t: int, warmup: int, total: int, peak: float) -> float:
    return peak * t / warmup if t < warmup else peak * _half(t / total)


def _unshifted(t: int, warmup: int, total: int, peak: float) -> float:
    return peak * t / warmup if t < warmup else peak * _half(t / (total - warmup))


def _over_total(t: int, warmup: int, total: int, peak: float) -> float:
    return peak * t / warmup if t < warmup else peak * _half((t - warmup) / total)


def _early(t: int, warmup: int, total: int, peak: float) -> float:
    return peak * (t + 1) / warmup if t < warmup else _schedule(t, warmup, total, peak)


def _constant_warmup(t: int, warmup: int, total: int, peak: float) -> float:
    return peak if t < warmup else _schedule(t, warmup, total, peak)


warmup_cosine = Exercise(
    reference=_schedule,
    cases=_schedule_cases,
    mistakes=[
        (
            _by_t_over_total,
            "Your cosine has been running since update 0, so the rate jumps when the warm-up ends. "
            "It should begin there, from `peak`.",
        ),
        (
            _unshifted,
            "You divide by the updates that are left after the warm-up, but count from update 0. "
            "From where should the cosine count?",
        ),
        (
            _over_total,
            "Your rate is not 0 at the last update. How many updates does the fall take?",
        ),
        (
            lambda t, warmup, total, peak: peak * _ramp(t, warmup) * _half(t / total),
            "You multiply the warm-up by a cosine that runs from update 0. They should come one "
            "after the other.",
        ),
        (
            lambda t, warmup, total, peak: peak * _half(t / total),
            "There is no warm-up in your schedule.",
        ),
        (
            _constant_warmup,
            "Your rate is `peak` during the warm-up. It should grow from 0.",
        ),
        (
            _early,
            "Your warm-up is one update ahead: at `t = 0` the rate should be 0.",
        ),
        (
            lambda t, warmup, total, peak: peak * _ramp(t, warmup),
            "Your rate stays at `peak` after the warm-up. It should fall to 0.",
        ),
        (
            _with_fall(lambda s: 1 - s),
            "Your rate falls along a straight line. The task asks for half a cosine.",
        ),
        (
            _with_fall(lambda s: math.cos(math.pi / 2 * s)),
            "You take a quarter of a cosine, from 1 to 0. Half of one goes from 1 to −1; shift and "
            "scale it.",
        ),
        (
            _with_fall(lambda s: 1 + math.cos(math.pi * s)),
            "Behind the warm-up your rate is twice `peak`: the sum 1 + cos goes from 2 to 0.",
        ),
        (
            _with_fall(lambda s: math.cos(math.pi * s)),
            "Your rate becomes negative: a cosine over half a turn goes from 1 to −1. Shift and "
            "scale it.",
        ),
        (
            _with_fall(lambda s: (1 - math.cos(math.pi * s)) / 2),
            "After the warm-up your rate rises from 0 to `peak`. Look at the sign of the cosine.",
        ),
        (
            _with_fall(lambda s: (1 + math.cos(2 * math.pi * s)) / 2),
            "Your cosine makes a whole turn, so the rate comes back to `peak` at the end.",
        ),
        (
            lambda t, warmup, total, peak: (
                peak * t / max(warmup, 1) if t <= warmup else _schedule(t, warmup, total, peak)
            ),
            "With `warmup = 0` there is no warm-up: at `t = 0` the rate is already `peak`.",
        ),
        (
            lambda t, warmup, total, peak: (
                peak * t / warmup
                if t < warmup
                else peak * _half((t - warmup) / max(total - warmup - 1, 1))
            ),
            "Your rate is 0 one update too early. How many updates lie between `warmup` and "
            "`total`?",
        ),
        (
            lambda t, warmup, total, peak: _schedule(t, warmup, total, 1.0),
            "Your rate goes up to 1 instead of `peak`.",
        ),
    ],
)
