"""Exercises of the chapter *Residual networks*."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, tensor
from torch.nn import functional as F

from d2lutil.exercises import Exercise


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


def _dense(X: Tensor, kernels: list[Tensor]) -> Tensor:
    """X (n, c, h, w) and the outputs of all layers, each concatenated to what it got."""
    for W in kernels:
        X = torch.cat([X, F.conv2d(torch.relu(X), W, padding=1)], dim=1)
    return X


def _dense_with(layer: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The same with another layer."""

    def block(X: Tensor, kernels: list[Tensor]) -> Tensor:
        for W in kernels:
            X = torch.cat([X, layer(X, W)], dim=1)
        return X

    return block


def _dense_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, list[Tensor]]]:
    copy = torch.zeros(1, 1, 3, 3)
    copy[..., 1, 1] = 1.0
    yield tensor([[[[2.0, -1.0, 3.0]]]]), [2 * copy]
    yield tensor([[[[2.0, -1.0, 3.0]]]]), [-2 * copy, torch.cat([copy, 3 * copy], dim=1)]
    shapes = ((2, 3, 2, 3, 4, 5), (3, 2, 3, 2, 3, 3), (1, 4, 1, 4, 2, 5), (2, 2, 2, 0, 3, 4))
    for n, c, k, layers, h, w in shapes:
        X = torch.randn(n, c, h, w, generator=generator)
        widths = range(c, c + layers * k, k)
        yield X, [torch.randn(k, width, 3, 3, generator=generator) / 3 for width in widths]


def _own_outputs(X: Tensor, kernels: list[Tensor]) -> Tensor:
    """Without the block's input."""
    return _dense(X, kernels)[:, X.shape[1] :]


def _last_output(X: Tensor, kernels: list[Tensor]) -> Tensor:
    """Of the last layer alone."""
    *first, last = kernels
    return F.conv2d(_dense(X, first).relu(), last, padding=1)


def _rectified(X: Tensor, kernels: list[Tensor]) -> Tensor:
    """The ReLU's result is kept as the channels so far."""
    for W in kernels:
        X = X.relu()
        X = torch.cat([X, F.conv2d(X, W, padding=1)], dim=1)
    return X


def _in_front(X: Tensor, kernels: list[Tensor]) -> Tensor:
    """Each layer's output comes first."""
    for W in kernels:
        X = torch.cat([F.conv2d(X.relu(), W, padding=1), X], dim=1)
    return X


def _handed_on(
    join: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Tensor, list[Tensor]], Tensor]:
    """With something else in the place of the concatenation along the channels."""

    def block(X: Tensor, kernels: list[Tensor]) -> Tensor:
        for W in kernels:
            X = join(X, F.conv2d(X.relu(), W, padding=1))
        return X

    return block


dense_forward = Exercise(
    reference=_dense,
    cases=_dense_cases,
    mistakes=[
        (
            _in_front,
            "A layer's output comes behind the channels that it got. Yours comes in front of them.",
        ),
        (
            _dense_with(lambda X, W: F.conv2d(X, W, padding=1)),
            "There is no ReLU. Without it, the whole block is one linear function of its input.",
        ),
        (
            _dense_with(lambda X, W: F.conv2d(X, W, padding=1).relu()),
            "You apply ReLU to the output of the convolution. Here it comes before the "
            "convolution, so that the channels which a layer adds may be negative.",
        ),
        (
            _dense_with(lambda X, W: F.conv2d(X.relu(), W, padding=1).relu()),
            "You apply ReLU twice, before the convolution and after it. Leave out the second.",
        ),
        (
            _rectified,
            "You keep the channels after the ReLU, so the negative values of the block's input are "
            "lost. Only the convolution gets them through the ReLU.",
        ),
        (
            lambda X, kernels: _dense(X, kernels).relu(),
            "You apply ReLU to the result. The channels are returned as they are.",
        ),
        (
            _own_outputs,
            "You return what the layers have added. The block's input belongs to the result, too, "
            "as the first `c` channels.",
        ),
        (
            lambda X, kernels: _last_output(X, kernels) if kernels else X,
            "You return the output of the last layer alone. The result holds the block's input and "
            "the outputs of all layers.",
        ),
        (
            lambda X, kernels: _dense(X, kernels[:1]),
            "Only your first layer is used. Is a `return` inside the loop?",
        ),
        (
            _dense_with(lambda X, W: F.conv2d(X.relu(), W)),
            "A 3×3 kernel without padding makes the maps smaller, and they can no longer be "
            "concatenated. The convolutions need `padding=1`.",
        ),
        (
            _handed_on(lambda X, Y: torch.cat([X, Y])),
            "You concatenate along dimension 0, that of the images: `torch.cat` does so if you "
            "give no `dim`. The channels are dimension 1.",
        ),
        (
            _handed_on(lambda X, Y: X + Y),
            "You add a layer's output to its input, as a residual block does. A dense block "
            "concatenates them.",
        ),
        (
            _handed_on(lambda X, Y: Y),
            "Your next layer gets the last output alone. It needs the channels that came before "
            "as well.",
        ),
    ],
)
