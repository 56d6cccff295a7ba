"""Exercises of the chapter *LeNet*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _parameters(channels: int, height: int, width: int, classes: int) -> int:
    """LeNet's parameters: weights and biases, layer by layer."""
    rows, columns = ((side // 2 - 4) // 2 for side in (height, width))
    convolutions = 6 * (25 * channels + 1) + 16 * (25 * 6 + 1)
    dense = 120 * (16 * rows * columns + 1) + 84 * (120 + 1)
    return convolutions + dense + classes * (84 + 1)


def _halved(size: int) -> int:
    return size // 2


def _count(
    channels: int,
    height: int,
    width: int,
    classes: int,
    padding: int = 2,
    second_padding: int = 0,
    shrink: Callable[[int], int] = _halved,
    bias: int = 1,
    dense_bias: int = 1,
) -> int:
    """The same with some of its parts replaced."""

    def side(size: int) -> int:
        return shrink(shrink(size + 2 * padding - 4) + 2 * second_padding - 4)

    places = side(height) * side(width)
    convolutions = 6 * (25 * channels + bias) + 16 * (25 * 6 + bias)
    dense = 120 * (16 * places + dense_bias) + 84 * (120 + dense_bias)
    return convolutions + dense + classes * (84 + dense_bias)


def _parameters_cases(generator: torch.Generator) -> Iterator[tuple[int, int, int, int]]:
    yield 1, 28, 28, 10
    yield 3, 32, 32, 100
    yield 1, 28, 40, 26
    yield 2, 31, 45, 7
    yield 1, 12, 15, 2  # a single place is left
    for _ in range(3):
        channels, classes = torch.randint(2, 20, (2,), generator=generator).tolist()
        height, width = torch.randint(24, 70, (2,), generator=generator).tolist()
        yield channels, height, width, classes


def _rounded_at_the_end(channels: int, height: int, width: int, classes: int) -> int:
    """With fractions of a row until the end."""
    rows, columns = (height / 2 - 4) / 2, (width / 2 - 4) / 2
    right = _count(channels, height, width, classes)
    places = ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)
    return int(right + 120 * 16 * (rows * columns - places))


def _five_taken_off(channels: int, height: int, width: int, classes: int) -> int:
    """With a second convolution that takes off five rows and columns."""
    places = ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)
    fewer = ((height // 2 - 5) // 2) * ((width // 2 - 5) // 2)
    return _count(channels, height, width, classes) + 120 * 16 * (fewer - places)


def _pooled_once(channels: int, height: int, width: int, classes: int) -> int:
    """Without the second pooling."""
    right = _count(channels, height, width, classes)
    rows, columns = height // 2 - 4, width // 2 - 4
    return right + 120 * 16 * (rows * columns - (rows // 2) * (columns // 2))


_BIAS_FOR_EACH_INPUT = (
    "You count a bias for each kernel of 5 by 5. A channel that comes out adds up its kernels, and "
    "then has one bias."
)

lenet_parameters = Exercise(
    reference=_parameters,
    cases=_parameters_cases,
    mistakes=[
        (
            partial(_count, bias=0, dense_bias=0),
            "These are the weights alone. Every layer that has weights has biases, too.",
        ),
        (
            partial(_count, bias=0),
            "The biases of the convolutions are missing: one for each channel that comes out.",
        ),
        (
            partial(_count, dense_bias=0),
            "The biases of the fully connected layers are missing: one for each neuron.",
        ),
        (
            lambda channels, height, width, classes: _count(channels, 28, 28, classes),
            "You have 400 inputs to the first fully connected layer whatever the image. How many "
            "there are depends on `height` and `width`.",
        ),
        (
            lambda channels, height, width, classes: _count(1, height, width, classes),
            "Your first convolution has one input channel. It needs a kernel for each of the "
            "`channels`.",
        ),
        (
            lambda channels, height, width, classes: _count(channels, height, width, 10),
            "Your last layer has 10 outputs, whatever `classes` is.",
        ),
        (
            lambda channels, height, width, classes: _count(channels, height, height, classes),
            "Your images are squares of side `height`. What of `width`?",
        ),
        (
            lambda channels, height, width, classes: _count(channels, width, width, classes),
            "Your images are squares of side `width`. What of `height`?",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) - 5 - 15 - 119 - 83 - (classes - 1)
            ),
            "You count one bias for each layer. There is one for each channel or neuron that comes "
            "out of it.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) - 20 * (6 * channels + 16 * 6)
            ),
            "Your kernels have five weights. A kernel of 5×5 has more.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) - 84 * 121 + classes * (120 - 84)
            ),
            "A layer is missing: between the 120 units and the classes there are 84 units.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) - 5 - 15
            ),
            "You count one bias for each convolution. There is one for each channel that comes out "
            "of it.",
        ),
        (
            _five_taken_off,
            "A kernel of 5×5 takes 4 rows and 4 columns off, not 5: the first window already lies "
            "inside the image.",
        ),
        (
            _rounded_at_the_end,
            "You round at the end. Each pooling rounds by itself: half a row is no row.",
        ),
        (
            partial(_count, padding=0),
            "Your first convolution takes 4 rows and columns off. It is padded, so that it takes "
            "none.",
        ),
        (
            partial(_count, second_padding=2),
            "Your second convolution keeps the size. Only the first one is padded.",
        ),
        (
            partial(_count, padding=0, second_padding=2),
            "Your padding is in the wrong convolution. It is the first one that keeps the size.",
        ),
        (
            partial(_count, shrink=lambda size: size - 1),
            "Your pooling windows move by one pixel. With a stride of 2 they halve the size.",
        ),
        (
            partial(_count, shrink=lambda size: size),
            "The pooling layers have no parameters, but they change how many numbers come out. "
            "Yours leave the size as it was.",
        ),
        (
            _pooled_once,
            "You pool once. LeNet pools behind each of its two convolutions.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) - 85 * classes
            ),
            "Your last layer is missing, from 84 units to the classes.",
        ),
        (
            partial(_count, shrink=lambda size: -(-size // 2)),
            "You round up where the size is odd. A window that does not fit is left out.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) + 2 * (6 + 16)
            ),
            "You count a weight and a bias for each channel that is pooled. The paper's pooling "
            "has them, ours has nothing to learn.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) - 16 * 25 * 5
            ),
            "Your second convolution has one kernel for each channel that comes out. It needs one "
            "for each pair of a channel that goes in and one that comes out.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) + 6 * (channels - 1) + 16 * 5
            ),
            _BIAS_FOR_EACH_INPUT,
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes) + 16 * 5
            ),
            _BIAS_FOR_EACH_INPUT,
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes)
                + 6 * (height * width - 1)
                + 16 * ((height // 2 - 4) * (width // 2 - 4) - 1)
            ),
            "You count a bias for each position. A channel has one bias, the same at all "
            "positions, as its kernel is.",
        ),
        (
            lambda channels, height, width, classes: (
                _count(channels, height, width, classes)
                - 120 * 15 * ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)
            ),
            "Your first fully connected layer has one channel as input. `Flatten` passes on all "
            "16.",
        ),
    ],
)


def _max_pool_gradient(X: Tensor, G: Tensor, k: int, s: int) -> Tensor:
    """Each window's maximum gets its gradient: X (n, c, h, w), G (n, c, rows, columns)."""
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            here = (..., slice(i * s, i * s + k), slice(j * s, j * s + k))
            winner = X[here] == X[here].amax(dim=(2, 3), keepdim=True)  # (n, c, k, k)
            dX[here] += winner * G[:, :, i : i + 1, j : j + 1]
    return dX


def _windows(
    X: Tensor,
    G: Tensor,
    k: int,
    s: int,
    give: Callable[[Tensor, Tensor], Tensor],
    add: bool = True,
    size: int | None = None,
) -> Tensor:
    """Give `give(window, g)` back to each window: X (n, c, h, w), G (n, c, rows, columns)."""
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            here = (..., slice(i * s, i * s + (size or k)), slice(j * s, j * s + (size or k)))
            back = give(X[here], G[:, :, i : i + 1, j : j + 1])
            dX[here] = dX[here] + back if add else back
    return dX


def _won(window: Tensor) -> Tensor:
    return window == window.amax(dim=(2, 3), keepdim=True)


def _anywhere(X: Tensor, G: Tensor, k: int, s: int) -> Tensor:
    """Compares a window's largest number with all numbers of the image."""
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            window = X[:, :, i * s : i * s + k, j * s : j * s + k]
            dX += (window.amax(dim=(2, 3), keepdim=True) == X) * G[:, :, i : i + 1, j : j + 1]
    return dX


def _max_pool_gradient_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, int, int]]:
    X = tensor([[[[0.5, 2.0, 1.5, -1.0], [3.0, 5.0, -2.0, 2.5]]]])
    yield X, tensor([[[[10.0, 20.0]]]]), 2, 2
    X = tensor([[[[1.0, 5.0, 5.0, 2.0], [3.0, 2.0, 1.0, 4.0]]]])  # two windows, equal maxima
    yield X, tensor([[[[10.0, 20.0]]]]), 2, 2
    yield X - 6, tensor([[[[10.0, 20.0]]]]), 2, 2  # negative numbers only
    for n, c, h, w, k, s in (
        (1, 2, 4, 6, 2, 2),
        (1, 1, 5, 5, 3, 2),
        (2, 3, 6, 5, 3, 1),
        (2, 2, 7, 8, 2, 3),
    ):
        shape = (n, c, (h - k) // s + 1, (w - k) // s + 1)
        X = torch.randn(n, c, h, w, generator=generator)
        yield X, torch.randn(shape, generator=generator), k, s


def _only_the_winner(X: Tensor, G: Tensor, k: int, s: int) -> Tensor:
    """What comes last replaces what a maximum already had."""
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            here = (..., slice(i * s, i * s + k), slice(j * s, j * s + k))
            won = _won(X[here])
            dX[here] = torch.where(won, G[:, :, i : i + 1, j : j + 1], dX[here])
    return dX


max_pool_gradient = Exercise(
    reference=_max_pool_gradient,
    cases=_max_pool_gradient_cases,
    mistakes=[
        (
            lambda X, G, k, s: _windows(X, G, k, s, lambda window, g: g.expand_as(window) / k**2),
            "You divide the gradient evenly. That is the backward pass of average pooling; what "
            "happens to the output when a number that is not the largest changes a little?",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, s, lambda window, g: g.expand_as(window)),
            "Every number in a window gets the whole gradient. Only one of them made the output.",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, s, lambda window, g: _won(window) * g, add=False),
            "Where windows overlap, you overwrite what an earlier window has given. A number may "
            "be the largest in several windows.",
        ),
        (
            _anywhere,
            "You search the whole image for a window's largest number, and the same number may "
            "stand in other windows. Compare it with the numbers of its own window.",
        ),
        (
            _only_the_winner,
            "Where windows overlap, a number may be the largest in several. You keep the gradient "
            "of the last window only.",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, s, lambda window, g: _won(window) * window),
            "You give back the largest number itself. What comes back is its gradient, from `G`.",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, s, lambda window, g: _won(window) * g * window),
            "You multiply by the largest number. The derivative of the maximum with respect to it "
            "is 1, however large it is.",
        ),
        (
            lambda X, G, k, s: _windows(
                X, G, k, s, lambda window, g: _won(window) * torch.ones_like(g)
            ),
            "You find the largest numbers, and leave out their gradient: `G`.",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, s, lambda window, g: _won(-window) * g),
            "The smallest number of each window gets your gradient.",
        ),
        (
            lambda X, G, k, s: _windows(
                X,
                G,
                k,
                s,
                lambda window, g: (window == window.amax(dim=(1, 2, 3), keepdim=True)) * g,
            ),
            "You take one maximum over all channels. Each channel is pooled by itself.",
        ),
        (
            lambda X, G, k, s: _windows(
                X,
                G,
                k,
                s,
                lambda window, g: (window == window.amax(dim=(0, 1, 2, 3), keepdim=True)) * g,
            ),
            "You take one maximum over all images and channels. Name the dimensions over which "
            "the maximum is taken.",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, s, lambda window, g: _won(window) * g, size=s),
            "Your windows are `s` wide. They are `k` wide, and begin `s` apart.",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, 1, lambda window, g: _won(window) * g),
            "Your windows begin one pixel apart. They begin `s` apart: the window of `G[i, j]` "
            "begins at row `i * s`.",
        ),
        (
            lambda X, G, k, s: _windows(X, G, k, k, lambda window, g: _won(window) * g),
            "Your windows begin `k` apart, side by side. They begin `s` apart.",
        ),
        (
            lambda X, G, k, s: _windows(
                X, G, k, s, lambda window, g: (window == window.amax(dim=3, keepdim=True)) * g
            ),
            "You take a maximum in each row of a window. There is one in each window.",
        ),
        (
            lambda X, G, k, s: _windows(
                X, G, k, s, lambda window, g: (window == window.amax(dim=2, keepdim=True)) * g
            ),
            "You take a maximum in each column of a window. There is one in each window.",
        ),
    ],
)
