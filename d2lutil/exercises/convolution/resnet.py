"""Exercises of the chapter *Residual networks*."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, tensor
from torch.nn import functional as F

from d2lutil.exercises import Exercise


def _normalise(X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """X (n, c, h, w) with mean 0 and variance 1 in each channel, then gamma and beta (c,)."""
    rest = X - X.mean(dim=(0, 2, 3), keepdim=True)  # (n, c, h, w)
    var = rest.square().mean(dim=(0, 2, 3), keepdim=True)  # (1, c, 1, 1)
    return gamma[:, None, None] * rest / torch.sqrt(var + eps) + beta[:, None, None]


_ALL = (0, 2, 3)  # all dimensions but that of the channels


def _column(v: Tensor) -> Tensor:
    """A vector (c,) lined up with the channels: (c, 1, 1)."""
    return v[:, None, None]


def _batch(
    X: Tensor,
    gamma: Tensor,
    beta: Tensor,
    eps: float,
    dims: tuple[int, ...] = _ALL,
    unbiased: bool = False,
) -> Tensor:
    """The same with other dimensions or another variance."""
    mean = X.mean(dim=dims, keepdim=True)
    var = X.var(dim=dims, keepdim=True, unbiased=unbiased)
    return _column(gamma) * (X - mean) / torch.sqrt(var + eps) + _column(beta)


def _normalise_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
    X = tensor([1.0, 3.0, 5.0, 7.0]).reshape(2, 1, 1, 2)
    yield X, tensor([1.0]), tensor([0.0]), 1e-5
    yield X, tensor([3.0]), tensor([-2.0]), 0.5
    for n, c, h, w in ((3, 2, 2, 4), (2, 3, 3, 3), (4, 2, 1, 5), (2, 4, 4, 4)):
        X = 2 * torch.randn(n, c, h, w, generator=generator) + 1.5
        gamma = torch.randn(c, generator=generator) + 2
        yield X, gamma, torch.randn(c, generator=generator), 0.3


def _from_the_right(X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    mean, var = X.mean(_ALL, keepdim=True), X.var(_ALL, keepdim=True, unbiased=False)
    return gamma * (X - mean) / torch.sqrt(var + eps) + beta


def _times_gamma(X_hat: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return _column(gamma) * X_hat + _column(beta)


def _scaled_sum(X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """The squares are added up, and not divided by how many they are."""
    rest = X - X.mean(_ALL, keepdim=True)
    return _times_gamma(rest / torch.sqrt(rest.pow(2).sum(_ALL, keepdim=True) + eps), gamma, beta)


def _flat(
    X: Tensor, gamma: Tensor, beta: Tensor, eps: float, by_hand: bool, lined_up: bool
) -> Tensor:
    """`keepdim` is forgotten, so mean and variance lie along the width; gamma and beta may, too."""
    mean, var = X.mean(_ALL), X.var(_ALL, unbiased=False)
    if by_hand:
        var = (X - mean).pow(2).mean(_ALL)
    X_hat = (X - mean) / torch.sqrt(var + eps)
    return _times_gamma(X_hat, gamma, beta) if lined_up else gamma * X_hat + beta


def _rows(X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Both gamma and beta are made columns (c, 1), which lie along the height."""
    X_hat = _batch(X, torch.ones_like(gamma), torch.zeros_like(beta), eps)
    return gamma[:, None] * X_hat + beta[:, None]


def _all_rows(X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    mean, var = X.mean(_ALL)[:, None], X.var(_ALL, unbiased=False)[:, None]
    return gamma[:, None] * (X - mean) / torch.sqrt(var + eps) + beta[:, None]


def _reshaped(X: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """The numbers are cut into c rows as they lie in memory, image after image."""
    rows = X.reshape(1, X.shape[1], -1, 1)
    return _batch(rows, gamma, beta, eps).reshape(X.shape)


_FLAT = (
    "The mean over three dimensions has the shape (c,), and that is lined up with the last "
    "dimension, the width. `keepdim=True` keeps it at (1, c, 1, 1)."
)
_ROWS = (
    "A vector with one `None`, `v[:, None]`, has the shape (c, 1) and is lined up with height and "
    "width. The channels come before both, so it takes two: (c, 1, 1)."
)
_EPS = (
    "`eps` stands where it should not. It is added to the variance, under the root, where it "
    "keeps a channel that never changes from dividing by zero."
)

normalise_batch = Exercise(
    reference=_normalise,
    cases=_normalise_cases,
    mistakes=[
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, eps, unbiased=True),
            "Your variance divides by m − 1. `X.var` does that unless told otherwise; a batch is "
            "normalised with the plain mean of the squares.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, eps, dims=(0,)),
            "You average over the images only, so every position has a mean of its own. A channel "
            "has one mean, over all images and all positions.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, eps, dims=(2, 3)),
            "You average over the positions of each image by itself, which is called instance "
            "normalisation. The images of a batch are taken together.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, eps, dims=(1, 2, 3)),
            "You give each image a mean of its own, over all its channels, which is called layer "
            "normalisation. Here each channel has its own, over all images.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, eps, dims=(0, 1, 2, 3)),
            "You use one mean for everything. Each channel has its own.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, eps, dims=(1,)),
            "You average over the channels. Each channel should have a mean of its own, taken over "
            "everything else.",
        ),
        (
            lambda X, gamma, beta, eps: (
                _column(gamma)
                * (X - X.mean(_ALL, keepdim=True))
                / (X.var(_ALL, keepdim=True, unbiased=False).sqrt() + eps)
                + _column(beta)
            ),
            _EPS,
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, eps**2),
            "You square `eps`. It is added to the variance as it is.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, beta, 0.0),
            "Your result does not depend on `eps`. Add the argument, whatever it is, to the "
            "variance, under the root.",
        ),
        (
            lambda X, gamma, beta, eps: _times_gamma(
                (X - X.mean(_ALL, keepdim=True)) / (X.std(_ALL, keepdim=True) + eps), gamma, beta
            ),
            f"{_EPS} And `X.std` divides by m − 1 unless told otherwise.",
        ),
        (
            _scaled_sum,
            "You divide by the root of the sum of the squares. The variance is their mean.",
        ),
        (partial(_flat, by_hand=False, lined_up=True), _FLAT),
        (partial(_flat, by_hand=False, lined_up=False), _FLAT),
        (partial(_flat, by_hand=True, lined_up=True), _FLAT),
        (partial(_flat, by_hand=True, lined_up=False), _FLAT),
        (_rows, _ROWS),
        (_all_rows, _ROWS),
        (
            lambda X, gamma, beta, eps: (
                _column(gamma)
                * (X - X.mean(_ALL, keepdim=True))
                / (X.var(_ALL, keepdim=True, unbiased=False) + eps)
                + _column(beta)
            ),
            "You divide by the variance. Its square root, the standard deviation, is what brings "
            "the deviation to 1.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, torch.ones_like(gamma), 0 * beta, eps),
            "The normalised values are right, but `gamma` and `beta` are not used: each channel "
            "is then scaled and shifted by its own.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, gamma, 0 * beta, eps),
            "`beta` is missing. It is added at the end.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, torch.ones_like(gamma), beta, eps),
            "`gamma` is missing. It multiplies what has been normalised.",
        ),
        (
            lambda X, gamma, beta, eps: _batch(X, beta, gamma, eps),
            "`gamma` and `beta` are exchanged: `gamma` multiplies, `beta` is added.",
        ),
        (
            lambda X, gamma, beta, eps: (
                _column(gamma) * (_batch(X, torch.ones_like(gamma), beta, eps))
            ),
            "You add `beta` before you multiply by `gamma`. Multiply first.",
        ),
        (
            lambda X, gamma, beta, eps: (
                _column(gamma) * X / torch.sqrt(X.var(_ALL, keepdim=True, unbiased=False) + eps)
                + _column(beta)
            ),
            "The mean is not subtracted. A channel's values should lie around zero before `gamma` "
            "and `beta` come.",
        ),
        (
            lambda X, gamma, beta, eps: (
                _column(gamma)
                * (X - X.mean(_ALL, keepdim=True))
                / torch.sqrt(X.pow(2).mean(_ALL, keepdim=True) + eps)
                + _column(beta)
            ),
            "You divide by the root of the mean square of `X` itself. The variance is that of what "
            "is left when the mean has been subtracted.",
        ),
        (
            _reshaped,
            "`reshape` keeps the numbers in their order, so your rows mix channels. First bring "
            "the channels to the front, with `transpose` or `permute`.",
        ),
        (
            _from_the_right,
            "`gamma` and `beta` are lined up with the last dimension, the width. They belong to "
            "the channels, dimension 1: what shape makes them broadcast there?",
        ),
    ],
)


def _layers(X: Tensor, W1: Tensor, W2: Tensor, stride: int) -> Tensor:
    """The output of the two convolutions for X (n, c, h, w), before the sum: (n, k, h', w')."""
    Y = torch.relu(F.conv2d(X, W1, stride=stride, padding=1))
    return F.conv2d(Y, W2, padding=1)


def _padded(
    X: Tensor,
    W1: Tensor,
    W2: Tensor,
    W3: Tensor,
    stride: int,
    padding: tuple[int, int, int] = (1, 1, 0),
    strides: tuple[bool, bool, bool] = (True, False, True),
) -> Tensor:
    """The block with the padding and the stride (or none) of each convolution."""
    at = [stride if strided else 1 for strided in strides]
    Y = torch.relu(F.conv2d(X, W1, stride=at[0], padding=padding[0]))
    Y = F.conv2d(Y, W2, stride=at[1], padding=padding[1])
    return torch.relu(Y + F.conv2d(X, W3, stride=at[2], padding=padding[2]))


def _maybe_projected(Y: Tensor, X: Tensor, W3: Tensor, stride: int, needed: bool) -> Tensor:
    """W3 is used only where it is needed."""
    return torch.relu(Y + (F.conv2d(X, W3, stride=stride) if needed else X))


def _normed(X: Tensor, W1: Tensor, W2: Tensor, W3: Tensor, stride: int) -> Tensor:
    """The chapter's block, with batch normalisation after either convolution."""
    Y = torch.relu(F.batch_norm(F.conv2d(X, W1, None, stride, 1), None, None, training=True))
    Y = F.batch_norm(F.conv2d(Y, W2, padding=1), None, None, training=True)
    return torch.relu(Y + F.conv2d(X, W3, stride=stride))


_PADDING = (
    "A 3×3 kernel without padding makes the image smaller by two in height and width. Both 3×3 "
    "convolutions need `padding=1`."
)
_ALWAYS = (
    "You leave `W3` out in some cases. The chapter's block does, too; this exercise gives you a "
    "`W3` each time, and `X` always goes through it."
)


def _residual(X: Tensor, W1: Tensor, W2: Tensor, W3: Tensor, stride: int) -> Tensor:
    return torch.relu(_layers(X, W1, W2, stride) + F.conv2d(X, W3, stride=stride))


def _residual_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, int]]:
    W = torch.zeros(1, 1, 3, 3)
    W[..., 1, 1] = 1.0  # copies
    yield tensor([[[[2.0, -1.0], [0.5, -3.0]]]]), 2 * W, 1.5 * W, tensor([[[[1.0]]]]), 1
    yield tensor([[[[2.0, -1.0], [0.5, -3.0]]]]), 2 * W, -1.5 * W, tensor([[[[4.0]]]]), 1
    shapes = ((2, 2, 2, 4, 1), (2, 2, 3, 4, 1), (3, 1, 2, 5, 2), (2, 3, 3, 4, 2), (1, 2, 4, 7, 3))
    for n, c, k, size, stride in shapes:
        X = torch.randn(n, c, size, size + 1, generator=generator)
        W1 = torch.randn(k, c, 3, 3, generator=generator) / 2
        W2 = torch.randn(k, k, 3, 3, generator=generator) / 2
        yield X, W1, W2, torch.randn(k, c, 1, 1, generator=generator), stride


residual_forward = Exercise(
    reference=_residual,
    cases=_residual_cases,
    mistakes=[
        (
            lambda X, W1, W2, W3, stride: torch.relu(_layers(X, W1, W2, stride)),
            "The residual connection is missing. This is a plain pair of layers.",
        ),
        (
            lambda X, W1, W2, W3, stride: (
                torch.relu(_layers(X, W1, W2, stride)) + F.conv2d(X, W3, stride=stride)
            ),
            "Your last ReLU comes before the sum. It belongs after it.",
        ),
        (
            lambda X, W1, W2, W3, stride: (
                torch.relu(_layers(X, W1, W2, stride)) + torch.relu(F.conv2d(X, W3, stride=stride))
            ),
            "You apply ReLU to both terms and then add them. Add first; ReLU follows the sum.",
        ),
        (
            lambda X, W1, W2, W3, stride: (
                _layers(X, W1, W2, stride) + F.conv2d(X, W3, stride=stride)
            ),
            "The last ReLU is missing, the one after the sum.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                _layers(X, W1, W2, stride) * F.conv2d(X, W3, stride=stride)
            ),
            "You multiply the two terms. In a residual block they are added.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                F.conv2d(X, W3, stride=stride) - _layers(X, W1, W2, stride)
            ),
            "You subtract the output of the layers. Add it.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                F.conv2d(F.conv2d(X, W1, stride=stride, padding=1), W2, padding=1)
                + F.conv2d(X, W3, stride=stride)
            ),
            "There is no ReLU between your two convolutions. Without it they are no more than one.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                torch.relu(_layers(X, W1, W2, stride)) + F.conv2d(X, W3, stride=stride)
            ),
            "There is a ReLU too many, after the second convolution: then a block can only add, "
            "never take away.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                _layers(X, W1, W2, stride) + torch.relu(F.conv2d(X, W3, stride=stride))
            ),
            "There is a ReLU on your projection shortcut. It is linear: only `W3`, no activation.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                _layers(X, W1, W2, stride) + F.conv2d(torch.relu(X), W3, stride=stride)
            ),
            "Your projection shortcut begins with a ReLU. Apply `W3` to `X` as it is.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                _layers(torch.relu(X), W1, W2, stride) + F.conv2d(X, W3, stride=stride)
            ),
            "The first convolution takes `X` as it is; you apply ReLU to it before.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                _layers(X, W1, W2, stride) + torch.relu(F.conv2d(X, W1, stride=stride, padding=1))
            ),
            "Your residual connection starts after the first layer. It should carry the block's "
            "input, `X`, through `W3`. Have you given two things one name?",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(2 * _layers(X, W1, W2, stride)),
            "You add the output of the layers to itself. Keep `X` under a name of its own, and "
            "apply `W3` to it.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(F.conv2d(X, W3, stride=stride)),
            "This is the projection shortcut alone. The output of the two convolutions is added to "
            "it.",
        ),
        (
            lambda X, W1, W2, W3, stride: _layers(X, W1, W2, stride),
            "This is the output of the layers. The projection of `X` is still to be added, and "
            "ReLU follows the sum.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                F.conv2d(torch.relu(F.conv2d(X, W1, padding=1)), W2, stride=stride, padding=1)
                + F.conv2d(X, W3, stride=stride)
            ),
            "Your second convolution has the stride. It is the first one that has it.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(_layers(X, W1, W2, stride) + F.conv2d(X, W3)),
            "One term of your sum is reduced by the stride, the other keeps the size of `X`. The "
            "first 3×3 convolution and the projection both have the stride.",
        ),
        (lambda *arguments: _padded(*arguments, padding=(0, 0, 0)), _PADDING),
        (lambda *arguments: _padded(*arguments, padding=(0, 1, 0)), _PADDING),
        (lambda *arguments: _padded(*arguments, padding=(1, 0, 0)), _PADDING),
        (
            lambda *arguments: _padded(*arguments, padding=(1, 1, 1)),
            "The 1×1 convolution has padding, which makes the image larger. A 1×1 kernel fits at "
            "every position as it is.",
        ),
        (
            lambda *arguments: _padded(*arguments, strides=(True, True, True)),
            "Both of your 3×3 convolutions have the stride, so the image becomes smaller twice. "
            "Only the first has it.",
        ),
        (
            lambda *arguments: _padded(*arguments, strides=(False, False, False)),
            "You never use `stride`. The first convolution has it, and so has the projection.",
        ),
        (
            lambda X, W1, W2, W3, stride: _residual(X, W1, W2, W3, 2),
            "Your stride is always 2. Use the argument `stride`.",
        ),
        (
            lambda X, W1, W2, W3, stride: _maybe_projected(
                _layers(X, W1, W2, stride), X, W3, stride, False
            ),
            "You add `X` as it is. Here it goes through the projection `W3`, with the stride.",
        ),
        (
            lambda X, W1, W2, W3, stride: _maybe_projected(
                _layers(X, W1, W2, stride), X, W3, stride, needed=stride != 1
            ),
            _ALWAYS,
        ),
        (
            lambda X, W1, W2, W3, stride: _maybe_projected(
                Y := _layers(X, W1, W2, stride), X, W3, stride, needed=X.shape != Y.shape
            ),
            _ALWAYS,
        ),
        (
            lambda X, W1, W2, W3, stride: (
                _layers(torch.relu(X), W1, W2, stride) + F.conv2d(X, W3, stride=stride)
            ),
            "You apply ReLU before each convolution, as in *Identity mappings*. In this exercise "
            "it follows the first convolution and the sum.",
        ),
        (
            _normed,
            "You normalise the batch. The block of this exercise has its convolutions, its ReLUs "
            "and the sum, and nothing else.",
        ),
        (
            lambda X, W1, W2, W3, stride: torch.relu(
                torch.cat((_layers(X, W1, W2, stride), F.conv2d(X, W3, stride=stride)), dim=1)
            ),
            "You concatenate the two terms. They are added.",
        ),
    ],
)
