"""Exercises of the chapter *Batch normalisation*."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given

Features = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, float, float]


def _features(
    X: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation of X (n, d) in training, and the new running statistics (d,)."""
    n = len(X)
    mean = X.mean(dim=0)  # (d,)
    var = ((X - mean) ** 2).mean(dim=0)  # (d,)
    Y = gamma * (X - mean) / (var + eps).sqrt() + beta  # (n, d)
    new_mean = (1 - momentum) * running_mean + momentum * mean  # (d,)
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)  # (d,)
    return Y, new_mean, new_var


def _features_wrong(
    X: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
    eps: float,
    wrong: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """The same with one thing wrong."""
    dim = {"rows": 1, "all": (0, 1)}.get(wrong, 0)
    m = len(X)
    mean = X.mean(dim=dim, keepdim=True)
    biased = X.var(dim=dim, correction=0, keepdim=True)
    var = biased * m / (m - 1) if wrong in ("unbiased", "interchanged") else biased
    root = {
        "no root": var + eps,
        "no eps": var.sqrt(),
        "eps outside": var.sqrt() + eps,
    }.get(wrong, (var + eps).sqrt())
    keep, take = {"swapped": (momentum, 1 - momentum), "sum": (1, momentum)}.get(
        wrong, (1 - momentum, momentum)
    )
    mean_seen, seen = X.mean(dim=0), X.var(dim=0)  # (d,), (d,)
    if wrong == "all":
        mean_seen, seen = X.mean(), X.var()
    seen = {
        "biased": biased[0],
        "interchanged": biased[0],
        "deviation": seen.sqrt(),
    }.get(wrong, seen)
    new_mean = keep * running_mean + take * mean_seen
    new_var = keep * running_var + take * seen
    if wrong == "evaluation":
        mean, root = running_mean, (running_var + eps).sqrt()
    if wrong == "updated":
        mean, root = new_mean, (new_var + eps).sqrt()
    normal = (X - mean) / root
    Y = gamma * (normal + beta) if wrong == "shift first" else gamma * normal + beta
    return Y, new_mean, new_var


def _features_cases(generator: torch.Generator) -> Iterator[Features]:
    X = torch.tensor([[1.0, 8.0], [1.0, -2.0], [5.0, 2.0], [5.0, 0.0]])
    gamma, beta = torch.tensor([3.0, 0.5]), torch.tensor([10.0, -1.0])
    mean, var = torch.tensor([2.0, -3.0]), torch.tensor([4.0, 0.7])
    yield X, gamma, beta, mean, var, 0.1, 0.5
    for n, d, momentum, eps in ((5, 3, 0.3, 0.2), (2, 4, 0.25, 0.1), (7, 1, 0.4, 1e-3)):
        X = 3 * torch.randn(n, d, generator=generator) + 2  # (n, d)
        gamma, beta, mean = torch.randn(3, d, generator=generator) + 0.3  # (d,) each
        var = torch.rand(d, generator=generator) + 0.5  # (d,)
        yield X, gamma, beta, mean, var, momentum, eps


batch_norm_features = Exercise(
    reference=_features,
    cases=_features_cases,
    returns=("Y", "the new running mean", "the new running variance"),
    mistakes=[
        (
            partial(_features_wrong, wrong="unbiased"),
            "You normalise with the variance that divides by n − 1 (the default of `var`). In "
            "training the minibatch is normalised with the one that divides by n.",
        ),
        (
            partial(_features_wrong, wrong="biased"),
            "Your running variance takes in the variance that divides by n. Which one estimates "
            "the variance of all data without a bias?",
        ),
        (
            partial(_features_wrong, wrong="interchanged"),
            "You have the two variances the wrong way round. Normalising divides by n; the running "
            "variance takes in the one that divides by n − 1.",
        ),
        (
            lambda X, gamma, beta, mean, var, momentum, eps: (
                _features(X, gamma, beta, mean, var, momentum, eps)[0],
                X.mean(dim=0),
                X.var(dim=0),
            ),
            "You return the statistics of this minibatch. The running ones move only a part of the "
            "way towards them.",
        ),
        (
            partial(_features_wrong, wrong="deviation"),
            "Your running variance takes in the standard deviation. It is a mean of variances.",
        ),
        (
            partial(_features_wrong, wrong="swapped"),
            "You keep `momentum` of the old running numbers. In PyTorch `momentum` is the share of "
            "the new ones.",
        ),
        (
            partial(_features_wrong, wrong="sum"),
            "You add the new numbers and keep all of the old ones. Which share of the old ones "
            "makes it a weighted mean?",
        ),
        (
            lambda X, gamma, beta, mean, var, momentum, eps: (
                _features(X, gamma, beta, mean, var, momentum, eps)[0],
                mean,
                var,
            ),
            "You return the running numbers as they came. A training step moves them.",
        ),
        (
            partial(_features_wrong, wrong="evaluation"),
            "You normalise with the running mean and variance. That is evaluation mode; in "
            "training the minibatch has its own.",
        ),
        (
            partial(_features_wrong, wrong="updated"),
            "You normalise with the running numbers after their update. In training the minibatch "
            "is normalised with its own.",
        ),
        (
            partial(_features_wrong, wrong="rows"),
            "You take the mean of each example over its features. Batch normalisation takes the "
            "mean of each feature over the examples.",
        ),
        (
            partial(_features_wrong, wrong="all"),
            "You take one mean and one variance of all numbers. Each feature has its own.",
        ),
        (
            partial(_features_wrong, wrong="no root"),
            "You divide by the variance. What has the same unit as `X`?",
        ),
        (
            partial(_features_wrong, wrong="no eps"),
            "You leave `eps` out. Without it, a feature that is the same in all examples is 0 / 0.",
        ),
        (
            partial(_features_wrong, wrong="eps outside"),
            "You add `eps` to the standard deviation. It belongs to the variance, under the root.",
        ),
        (
            given(_features, gamma=torch.ones_like, beta=torch.zeros_like),
            "You stop at the normalised numbers. `gamma` and `beta` come after them.",
        ),
        (
            partial(_features_wrong, wrong="shift first"),
            "You add `beta` before you multiply by `gamma`. The shift comes last.",
        ),
        (
            lambda X, gamma, beta, mean, var, momentum, eps: _features(
                X, beta, gamma, mean, var, momentum, eps
            ),
            "You multiply by `beta` and add `gamma`. Which is the scale?",
        ),
    ],
)

Folded = tuple[Tensor, Tensor]
Folding = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, float]


def _fold(
    W: Tensor, b: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, eps: float
) -> Folded:
    """The convolution that does what W (c', c, k, k), b (c',) and a norm behind it do."""
    scale = gamma / (var + eps).sqrt()  # (c',)
    return W * scale[:, None, None, None], (b - mean) * scale + beta


def _fold_with(
    W: Tensor,
    b: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    var: Tensor,
    eps: float,
    wrong: str,
) -> Folded:
    """The same with another scale, or another bias."""
    scale = {
        "no root": gamma / (var + eps),
        "no eps": gamma / var.sqrt(),
        "eps outside": gamma / (var.sqrt() + eps),
        "times": gamma * (var + eps).sqrt(),
        "gamma alone": gamma,
        "no gamma": 1 / (var + eps).sqrt(),
    }.get(wrong, gamma / (var + eps).sqrt())  # (c',)
    bias = {
        "b unscaled": b - mean * scale + beta,
        "mean unscaled": b * scale - mean + beta,
        "both unscaled": b - mean + beta,
        "no b": beta - mean * scale,
        "no mean": b * scale + beta,
        "plus": (b + mean) * scale + beta,
        "no beta": (b - mean) * scale,
        "beta inside": (b - mean + beta) * scale,
        "b kept": b,
    }.get(wrong, (b - mean) * scale + beta)  # (c',)
    if wrong == "last dimension":
        return W * scale, bias
    weight = W if wrong == "W kept" else W * scale[:, None, None, None]
    return weight, bias


def _fold_cases(generator: torch.Generator) -> Iterator[Folding]:
    for c_out, c_in, k, eps in ((1, 2, 1, 0.5), (3, 2, 3, 0.2), (2, 4, 3, 1e-3), (5, 1, 2, 0.1)):
        W = torch.randn(c_out, c_in, k, k, generator=generator)  # (c', c, k, k)
        b, gamma, beta, mean = torch.randn(4, c_out, generator=generator) + 0.4  # (c',) each
        yield W, b, gamma, beta, mean, torch.rand(c_out, generator=generator) + 0.3, eps


_MISSING = {
    "b unscaled": "You do not scale `b`. It is in the convolution's output, which is normalised.",
    "mean unscaled": "You subtract `mean` after the scaling. It is subtracted before it.",
    "both unscaled": "You scale the weights and not the bias. What happens to `b − mean`?",
    "no b": "The convolution's own bias `b` is missing.",
    "no mean": "You do not subtract `mean`.",
    "plus": "You add `mean`. Normalising subtracts it.",
    "no beta": "`beta` is missing in your bias.",
    "beta inside": "You scale `beta`, too. It is added after the scaling.",
    "b kept": "You return the bias as it was.",
    "W kept": "You return the weights as they were. They take part in the scaling.",
    "no root": "You divide by the variance, without a root.",
    "no eps": "You leave `eps` out.",
    "eps outside": "You add `eps` to the standard deviation. It belongs under the root.",
    "times": "You multiply by the standard deviation. Normalising divides by it.",
    "gamma alone": "You scale by `gamma` alone. What does normalising divide by?",
    "no gamma": "You leave `gamma` out.",
    "last dimension": "You multiply `W` by a vector, which lines up with the last dimension, the "
    "kernel's columns. The output channels are dimension 0.",
}

fold_batch_norm = Exercise(
    reference=_fold,
    cases=_fold_cases,
    returns=("the weights", "the bias"),
    mistakes=[(partial(_fold_with, wrong=wrong), hint) for wrong, hint in _MISSING.items()],
)

Grouped = tuple[Tensor, int, Tensor, Tensor, float]


def _group_norm(X: Tensor, groups: int, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Normalise each example's groups of neighbouring channels: X (n, c, h, w)."""
    parts = X.reshape(X.shape[0], groups, -1)  # (n, g, c/g * h * w)
    mean = parts.mean(dim=2, keepdim=True)  # (n, g, 1)
    var = ((parts - mean) ** 2).mean(dim=2, keepdim=True)  # (n, g, 1)
    normal = ((parts - mean) / (var + eps).sqrt()).reshape(X.shape)  # (n, c, h, w)
    return gamma[:, None, None] * normal + beta[:, None, None]


def _grouped(X: Tensor, groups: int, gamma: Tensor, beta: Tensor, eps: float, wrong: str) -> Tensor:
    """The same with one thing wrong."""
    n, c, h, w = X.shape
    if wrong == "size":
        groups = c // groups
    size = c // groups
    parts = X.reshape(n, groups, size, h, w)
    if wrong == "apart":
        parts = X.reshape(n, size, groups, h, w).transpose(1, 2)
    dims = {
        "batch": (0, 3, 4),
        "too many": (0, 2, 3, 4),
        "all of it": (1, 2, 3, 4),
        "channels": (3, 4),
        "positions": (2,),
    }.get(wrong, (2, 3, 4))
    mean = parts.mean(dim=dims, keepdim=True)
    var = parts.var(dim=dims, correction=int(wrong == "unbiased"), keepdim=True)
    root = {"no eps": var.sqrt(), "eps outside": var.sqrt() + eps, "no root": var + eps}.get(
        wrong, (var + eps).sqrt()
    )
    normal = (parts - mean) / root
    if wrong == "apart":
        normal = normal.transpose(1, 2)
    return gamma[:, None, None] * normal.reshape(X.shape) + beta[:, None, None]


def _group_norm_cases(generator: torch.Generator) -> Iterator[Grouped]:
    for n, c, h, w, groups, eps in (
        (1, 4, 2, 3, 2, 0.5),
        (3, 6, 2, 2, 2, 0.1),
        (2, 6, 3, 1, 3, 1e-3),
        (2, 5, 2, 3, 1, 0.2),
        (3, 8, 1, 2, 2, 0.3),
    ):
        X = 2 * torch.randn(n, c, h, w, generator=generator) + 1  # (n, c, h, w)
        X = X * (1 + torch.arange(c)[:, None, None])  # channels of different sizes
        gamma, beta = torch.randn(2, c, generator=generator) + 0.3  # (c,) each
        yield X, groups, gamma, beta, eps


group_norm = Exercise(
    reference=_group_norm,
    cases=_group_norm_cases,
    mistakes=[
        (
            partial(_grouped, wrong="apart"),
            "Your groups hold channels that lie apart, such as every second one. A group is a run "
            "of neighbouring channels: look at the order of your `reshape`.",
        ),
        (
            partial(_grouped, wrong="size"),
            "You take `groups` for the number of channels in a group. It is how many groups there "
            "are.",
        ),
        (
            partial(_grouped, wrong="batch"),
            "You take the mean of each channel over the batch. That is batch normalisation.",
        ),
        (
            partial(_grouped, wrong="too many"),
            "Your means go over the examples, too. Each example is normalised by itself.",
        ),
        (
            partial(_grouped, wrong="all of it"),
            "You take one mean of all channels of an example. That is one group, whatever `groups` "
            "says.",
        ),
        (
            partial(_grouped, wrong="channels"),
            "You normalise each channel by itself. A group holds `c / groups` channels, which "
            "share their mean and variance.",
        ),
        (
            partial(_grouped, wrong="positions"),
            "You normalise each position by itself. The mean of a group goes over its rows and "
            "columns, too.",
        ),
        (
            partial(_grouped, wrong="unbiased"),
            "Your variance divides by one less than the number of values (the default of `var`). "
            "Normalising divides by their number.",
        ),
        (
            partial(_grouped, wrong="no root"),
            "You divide by the variance, without a root.",
        ),
        (
            partial(_grouped, wrong="no eps"),
            "You leave `eps` out.",
        ),
        (
            partial(_grouped, wrong="eps outside"),
            "You add `eps` to the standard deviation. It belongs under the root.",
        ),
        (
            given(_group_norm, gamma=torch.ones_like, beta=torch.zeros_like),
            "You stop at the normalised numbers. `gamma` and `beta` come after them, one of each "
            "for a channel.",
        ),
        (
            lambda X, groups, gamma, beta, eps: _group_norm(
                gamma[:, None, None] * X + beta[:, None, None],
                groups,
                torch.ones_like(gamma),
                torch.zeros_like(beta),
                eps,
            ),
            "You scale and shift before you normalise. `gamma` and `beta` come after.",
        ),
        (
            lambda X, groups, gamma, beta, eps: _group_norm(X, groups, beta, gamma, eps),
            "You multiply by `beta` and add `gamma`. Which is the scale?",
        ),
    ],
)
