"""Exercises of the chapter *Convolution*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor
from torch.nn import functional

from d2lutil.exercises import Exercise


def _input_size(m: int, k: int, p: int, s: int, d: int) -> int:
    """The fewest pixels into which m windows fit."""
    return s * (m - 1) + d * (k - 1) + 1 - 2 * p


def _input_size_cases(generator: torch.Generator) -> Iterator[tuple[int, ...]]:
    yield 4, 3, 0, 1, 1
    yield 6, 3, 1, 1, 1
    yield 5, 3, 0, 2, 1
    yield 5, 4, 0, 1, 3
    yield 1, 5, 0, 3, 2
    yield 1, 3, 1, 2, 1  # a single pixel
    yield 1, 5, 1, 1, 1  # fewer pixels than the kernel has
    yield 40, 7, 2, 3, 2  # more than a hundred
    yield 500, 3, 1, 3, 1  # more than a thousand
    for _ in range(6):
        m, k, p, s, d = (
            int(torch.randint(low, high, (), generator=generator))
            for low, high in ((5, 12), (3, 8), (1, 4), (2, 5), (2, 5))
        )
        yield m, k, p, s, d


def _search_below(end: int) -> Callable[[int, int, int, int, int], int | None]:
    """Tries sizes one after the other, up to a number that is too small."""

    def answer(m: int, k: int, p: int, s: int, d: int) -> int | None:
        size = _input_size(m, k, p, s, d)
        return size if size < end else None

    return answer


_SEARCH = (
    "You try sizes one after the other, and stop too soon: here the answer is larger than the last "
    "one that you try. Solve for the size instead."
)

conv_input_size = Exercise(
    reference=_input_size,
    cases=_input_size_cases,
    mistakes=[
        (
            lambda m, k, p, s, d: s * (m - 1) + d * (k - 1) + 1 + 2 * p,
            "You add the padding. It is part of what the windows need, and you need not bring it.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + d * (k - 1) + 1 - p,
            "You take off the padding once. How many sides does an image have in a row?",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + d * (k - 1) + 1,
            "The padding does not occur in your answer. Its zeros are as good as pixels.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + k,
            "Padding and dilation do not occur in your answer. The zeros of the padding are as "
            "good as pixels, and a window spans more than `k` pixels where `d` is more than 1.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + k - 2 * p,
            "The dilation does not occur in your answer. How many pixels does a window span when "
            "the pixels under its weights are `d` apart?",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + d * k - 2 * p,
            "Your windows are too wide: between `k` weights there are fewer than `k` gaps of `d`.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + d * (k - 1) - 2 * p,
            "You are one short. How many pixels does a window of a single weight span?",
        ),
        (
            lambda m, k, p, s, d: s * m + d * (k - 1) + 1 - 2 * p,
            "You take a stride too many. How many steps are there from the first window to window "
            "`m`?",
        ),
        (
            lambda m, k, p, s, d: s * m + d * (k - 1) - 2 * p,
            "This is the largest size that gives `m` outputs: it has pixels at the end that no "
            "window reaches. The smallest is asked for.",
        ),
        (
            lambda m, k, p, s, d: (m - 1) + d * (k - 1) + 1 - 2 * p,
            "The stride does not occur in your answer. How far apart are the first pixels of two "
            "neighbouring windows?",
        ),
        (
            lambda m, k, p, s, d: (m + 2 * p - d * (k - 1) - 1) // s + 1,
            "This is how many outputs `m` pixels give. Here `m` is the number of outputs; solve "
            "for the other one.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + 2 * p - d * (k - 1) - 1,
            "You solve for the size, but the signs stay as they were. What is subtracted from the "
            "size on one side is added on the other.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + d * (k - 1) - 1 - 2 * p,
            "You are two short: the 1 behind the dilation has the wrong sign. How many pixels does "
            "a window of a single weight span?",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1 + d * (k - 1)) + 1 - 2 * p,
            "You stretch the window by the stride, too. The stride moves a window, the dilation "
            "stretches it.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + d * k + 1 - 2 * p,
            "Your windows are too wide: between `k` weights there are fewer than `k` gaps of `d`.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + (d + 1) * (k - 1) + 1 - 2 * p,
            "Your windows are too wide. The pixels under neighbouring weights are `d` apart: at "
            "`d = 1` they are neighbours, with nothing in between.",
        ),
        (
            lambda m, k, p, s, d: s * (m - 1) + k + d - 1 - 2 * p,
            "You count the dilation once. It widens every gap between neighbouring weights; how "
            "many gaps are there?",
        ),
        (
            lambda m, k, p, s, d: max(_input_size(m, k, p, s, d), k),
            "The image itself may be smaller than the kernel, as long as it is large enough with "
            "its padding.",
        ),
        (_search_below(101), _SEARCH),
        (_search_below(1_001), _SEARCH),
        (
            lambda m, k, p, s, d: float(_input_size(m, k, p, s, d)),
            "Your numbers are right, but a count of pixels is a whole number: use `//` instead of "
            "`/`, or `int`.",
        ),
    ],
)


def _correlate(X: Tensor, K: Tensor, b: Tensor, s: int) -> Tensor:
    """X (c_in, h, w), K (c_out, c_in, k, k), b (c_out,) -> (c_out, h_out, w_out)."""
    return functional.conv2d(X, K, b, stride=s)


def _correlate_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor, int]]:
    X = tensor([[[1.0, 0.0, 2.0], [3.0, 1.0, 0.0], [2.0, 4.0, 1.0]]])  # that of the chapter
    yield X, tensor([[[[2.0, -1.0], [1.0, 3.0]]]]), tensor([0.0]), 1
    yield X, tensor([[[[2.0, -1.0], [1.0, 3.0]]]]), tensor([0.5]), 1
    for c_in, c_out, h, w, k, s in (
        (2, 1, 3, 3, 2, 1),
        (1, 3, 4, 5, 2, 1),
        (1, 1, 6, 6, 2, 2),
        (3, 2, 8, 6, 3, 2),
        (2, 3, 7, 7, 3, 2),
        (2, 2, 9, 8, 2, 3),
    ):
        X = torch.randn(c_in, h, w, generator=generator)
        K = torch.randn(c_out, c_in, k, k, generator=generator)
        yield X, K, torch.randn(c_out, generator=generator), s


def _by_window(
    X: Tensor,
    K: Tensor,
    b: Tensor,
    s: int,
    value: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda window, K, b: (
        (window * K).sum(dim=(1, 2, 3)) + b
    ),
    rows: int | None = None,
    columns: int | None = None,
    inside: int = 1,
    square: bool = False,
) -> Tensor:
    """The reference with another `value` (c_out,) of a window, or other windows and positions."""
    k = K.shape[-1]
    h_out, w_out = (X.shape[1] - k) // s + 1, (X.shape[2] - k) // s + 1
    w_out = h_out if square else w_out
    rows, columns = s if rows is None else rows, s if columns is None else columns
    Y = X.new_zeros(len(K), h_out, w_out)
    for i in range(h_out):
        for j in range(w_out):
            y, x = rows * i, columns * j
            window = X[:, y : y + k * inside : inside, x : x + k * inside : inside]  # (c_in, k, k)
            Y[:, i, j] = value(window, K, b)
    return Y


def _short(X: Tensor, K: Tensor, b: Tensor, s: int) -> Tensor:
    """Without the last position, where their number is not a multiple of s."""
    h_out, w_out = ((side - K.shape[-1] + 1) // s for side in X.shape[1:])
    return _correlate(X, K, b, s)[:, :h_out, :w_out]


def _dilated(X: Tensor, K: Tensor, b: Tensor, s: int) -> Tensor:
    return functional.conv2d(X[None], K, b, dilation=s)[0]


_STRIDE_INSIDE = (
    "You take every `s`-th pixel inside the window: this is a dilation. A stride leaves the window "
    "whole and moves it further."
)

correlate_channels = Exercise(
    reference=_correlate,
    cases=_correlate_cases,
    mistakes=[
        (
            lambda X, K, b, s: _correlate(X, K.flip(2, 3), b, s),
            "You turn the kernel. That is a convolution as mathematicians have it; the layer does "
            "not turn it.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K.transpose(2, 3), b, s),
            "Your kernel is transposed: its rows lie along the columns of the image.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K, torch.zeros_like(b), s),
            "The bias is missing. Each output channel has one.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K, b * len(X), s),
            "You add the bias once for each input channel. There is one for each output channel.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K, b * K[0].numel(), s),
            "You add the bias inside the sum, so that it counts once for every weight.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K, torch.zeros_like(b), s) + b,
            "You add `b`, shape `(c_out,)`, to all the maps at once, and broadcasting lines it up "
            "with the width. In the shape `(c_out, 1, 1)` it is lined up with the channels.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K / len(X), b, s),
            "You average over the input channels. The layer adds them up.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K / K[0].numel(), b, s),
            "You take the mean over the window where a sum belongs.",
        ),
        (
            lambda X, K, b, s: _correlate(X[:1], K[:, :1], b, s),
            "Only the first input channel counts in your answer. All of them are added up.",
        ),
        (
            lambda X, K, b, s: _correlate(X[-1:], K[:, -1:], b, s),
            "Only the last input channel counts in your answer. Is there an `=` in a loop, where "
            "`+=` belongs?",
        ),
        (
            lambda X, K, b, s: _correlate(X, K[:1].expand_as(K), b, s),
            "All your maps come from the first kernel. Each output channel has its own, `K[o]`.",
        ),
        (
            lambda X, K, b, s: _correlate(X, K, b, 1),
            "The stride does not occur in your answer. It says by how many pixels the window "
            "moves.",
        ),
        (
            lambda X, K, b, s: _by_window(X, K, b, s, rows=1, columns=1),
            "You have as many outputs as the stride asks for, but your window moves by one pixel "
            "at a time.",
        ),
        (
            lambda X, K, b, s: _by_window(X, K, b, s, columns=1),
            "The stride holds for your rows only. The window moves by it in both directions.",
        ),
        (
            lambda X, K, b, s: _by_window(X, K, b, s, rows=1),
            "The stride holds for your columns only. The window moves by it in both directions.",
        ),
        (
            _dilated,
            _STRIDE_INSIDE,
        ),
        (
            lambda X, K, b, s: _by_window(X, K, b, s, rows=1, columns=1, inside=s),
            _STRIDE_INSIDE,
        ),
        (
            _short,
            "You lose a position: the `+ 1` comes after the division by the stride, not before it.",
        ),
        (
            lambda X, K, b, s: _by_window(X, K, b, s, square=True),
            "You make the output as wide as it is high. An image need not be square; the width "
            "has its own number of positions.",
        ),
        (
            lambda X, K, b, s: _by_window(
                X, K, b, s, lambda window, K, b: (window * K).sum(dim=(2, 3)) + b
            ),
            "Your sum runs over the window, but not over the input channels: `window * K` has the "
            "shape `(c_out, c_in, k, k)`.",
        ),
        (
            lambda X, K, b, s: _by_window(
                X, K, b, s, lambda window, K, b: (window * K).sum(dim=(2, 3))
            ),
            "Your sum runs over the window, but not over the input channels: `window * K` has the "
            "shape `(c_out, c_in, k, k)`. And the bias is missing.",
        ),
        (
            lambda X, K, b, s: _by_window(X, K, b, s, lambda window, K, b: (window * K).sum() + b),
            "You add up everything, over the output channels as well. Each of them has its own "
            "sum.",
        ),
        (
            lambda X, K, b, s: _by_window(
                X, K, b, s, lambda window, K, b: (window.sum(0) * K.sum(1)).sum((1, 2)) + b
            ),
            "You add up the channels before you multiply. Each channel has weights of its own.",
        ),
    ],
)


def _full(X: Tensor, K: Tensor) -> Tensor:
    """X (h, w), K (k, k) -> (h + k - 1, w + k - 1)."""
    return functional.conv2d(X[None], K.flip(0, 1)[None, None], padding=len(K) - 1).squeeze(0)


def _padded(X: Tensor, K: Tensor, p: int | None = None) -> Tensor:
    """The cross-correlation of X (h, w) with K (k, k), with a padding of k - 1 or p."""
    p = len(K) - 1 if p is None else p
    return functional.conv2d(X[None, None], K[None, None], padding=p)[0, 0]


def _short_of_dimensions(missing: int, X: Tensor, K: Tensor) -> Tensor:
    front = (None,) * (2 - missing)
    return functional.conv2d(X[front], K.flip(0, 1)[front], padding=len(K) - 1)


def _full_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    X = tensor([[1.0, 0.0, 2.0], [3.0, 1.0, 0.0], [2.0, 4.0, 1.0]])
    yield X, tensor([[2.0, -1.0], [1.0, 3.0]])
    yield tensor([[1.0]]), tensor([[1.0, 2.0], [3.0, 4.0]])
    for h, w, k in ((4, 5, 3), (6, 4, 3), (3, 3, 4), (5, 5, 1), (1, 5, 1), (4, 1, 1), (1, 4, 2)):
        X = torch.randn(h, w, generator=generator)
        yield X, torch.randn(k, k, generator=generator)


def _cut_by_minus(X: Tensor, K: Tensor) -> Tensor:
    """The image in a frame of zeros, and a result that is cut by [p:-p]."""
    return _full(X, K) if len(K) > 1 else X[:0, :0]


_NOT_ENOUGH = (
    "Your window stays inside the image, or nearly so. In full, it may reach over the border until "
    "a single pixel is left: how much padding is that?"
)

full_convolution = Exercise(
    reference=_full,
    cases=_full_cases,
    mistakes=[
        (
            lambda X, K: _padded(X, K),
            "This is a cross-correlation. If you slide a window, turn the kernel first; if each "
            "pixel leaves a copy of the kernel, do not turn it.",
        ),
        (
            lambda X, K: _padded(X, K.flip(0)),
            "You turn the kernel upside down, but not left to right.",
        ),
        (
            lambda X, K: _padded(X, K.flip(1)),
            "You turn the kernel left to right, but not upside down.",
        ),
        (
            lambda X, K: _padded(X, K[::-1]),
            "A tensor has no negative steps, so `K[::-1]` fails. `K.flip(0)` turns it upside down.",
        ),
        *(
            (
                partial(_short_of_dimensions, missing),
                "`F.conv2d` takes images `(n, c, h, w)` and kernels `(c_out, c_in, k, k)`. Put the "
                "missing dimensions in front with `[None, None]`, and take them off the result.",
            )
            for missing in (1, 2)
        ),
        (
            lambda X, K: _padded(X, K.T),
            "You transpose the kernel. To turn it means to reverse its rows and its columns.",
        ),
        (
            lambda X, K: _padded(X, K.T.flip(0, 1)),
            "You transpose the kernel, too. Reverse its rows and its columns, and no more.",
        ),
        (
            lambda X, K: _padded(X, K.rot90()),
            "You turn the kernel by a quarter of a circle. It takes half a circle.",
        ),
        (
            lambda X, K: _padded(X.flip(0, 1), K),
            "You turn the image and not the kernel, so your answer comes out turned as well.",
        ),
        (
            lambda X, K: _padded(X, K.flip(0, 1), 0),
            _NOT_ENOUGH,
        ),
        (
            lambda X, K: _padded(X, K.flip(0, 1), len(K) // 2),
            _NOT_ENOUGH,
        ),
        (
            lambda X, K: _padded(X, K.flip(0, 1), len(K)),
            "You pad too much: your outermost windows cover no pixel of the image.",
        ),
        (
            lambda X, K: _full(X, K).squeeze(),
            "`squeeze()` removes every dimension of size 1, those of a narrow image, too. Tell it "
            "which ones, or index: `Y[0, 0]`.",
        ),
        (
            _cut_by_minus,
            "`Y[p:-p]` is empty where p is 0: `-0` is the beginning. Write the end as "
            "`len(Y) - p`.",
        ),
        (
            lambda X, K: _padded(X, K, 0),
            "Two things. You do not turn the kernel, and you do not pad the image.",
        ),
    ],
)
