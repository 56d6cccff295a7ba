"""Exercises of the chapter *Network in network and GoogLeNet*."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then

Pair = tuple[int, int]


def _cost(h: int, w: int, c: int, c1: int, c3: Pair, c5: Pair, c_pool: int) -> int:
    """The multiplications of the six convolutions of an inception block."""
    one = c * c1
    three = c * c3[0] + 9 * c3[0] * c3[1]
    five = c * c5[0] + 25 * c5[0] * c5[1]
    pooled = c * c_pool
    return h * w * (one + three + five + pooled)


def _cost_with(
    h: int,
    w: int,
    c: int,
    c1: int,
    c3: Pair,
    c5: Pair,
    c_pool: int,
    parts: tuple[int, int, int, int] = (1, 1, 1, 1),
    window: Pair = (9, 25),
    reduction: int = 1,
    pooling: int = 0,
    bias: int = 0,
) -> int:
    """The same with some of its parts replaced."""
    one = (c + bias) * c1
    three = (reduction * c + bias) * c3[0] + (window[0] * c3[0] + bias) * c3[1]
    five = (reduction * c + bias) * c5[0] + (window[1] * c5[0] + bias) * c5[1]
    pooled = (c + bias) * c_pool + pooling * c
    branches = zip(parts, (one, three, five, pooled), strict=True)
    return h * w * sum(part * branch for part, branch in branches)


def _direct(h: int, w: int, c: int, c1: int, c3: Pair, c5: Pair, c_pool: int) -> int:
    """Without bottlenecks."""
    return h * w * c * (c1 + 9 * c3[1] + 25 * c5[1] + c_pool)


def _all_inputs(h: int, w: int, c: int, c1: int, c3: Pair, c5: Pair, c_pool: int) -> int:
    """With 3×3 and 5×5 that still see all c channels."""
    reduced = c3[0] + c5[0]
    return h * w * c * (c1 + reduced + 9 * c3[1] + 25 * c5[1] + c_pool)


def _projected_by_window(h: int, w: int, c: int, c1: int, c3: Pair, c5: Pair, c_pool: int) -> int:
    """With a 3×3 convolution behind the pooling."""
    return _cost(h, w, c, c1, c3, c5, c_pool) + 8 * h * w * c * c_pool


def _one_behind_the_other(h: int, w: int, c: int, c1: int, c3: Pair, c5: Pair, c_pool: int) -> int:
    """With the four branches in a row."""
    one = c * c1
    three = c1 * c3[0] + 9 * c3[0] * c3[1]
    five = c3[1] * c5[0] + 25 * c5[0] * c5[1]
    return h * w * (one + three + five + c5[1] * c_pool)


def _large_reductions(h: int, w: int, c: int, c1: int, c3: Pair, c5: Pair, c_pool: int) -> int:
    """With reductions by kernels of 3×3 and 5×5."""
    more = 8 * c * c3[0] + 24 * c * c5[0]
    return _cost(h, w, c, c1, c3, c5, c_pool) + h * w * more


def _unpadded(h: int, w: int, c: int, c1: int, c3: Pair, c5: Pair, c_pool: int) -> int:
    """With 3×3 and 5×5 without padding."""
    small = c * (c1 + c3[0] + c5[0] + c_pool)
    three = max(h - 2, 0) * max(w - 2, 0) * 9 * c3[0] * c3[1]
    five = max(h - 4, 0) * max(w - 4, 0) * 25 * c5[0] * c5[1]
    return h * w * small + three + five


def _cost_cases(
    generator: torch.Generator,
) -> Iterator[tuple[int, int, int, int, Pair, Pair, int]]:
    yield 28, 28, 192, 64, (96, 128), (16, 32), 32
    yield 7, 9, 10, 2, (3, 5), (4, 6), 8
    yield 6, 5, 5, 3, (2, 4), (6, 7), 8
    for _ in range(3):
        h, w = torch.randint(5, 40, (2,), generator=generator).tolist()
        c, c1, r3, c3, r5, c5, c_pool = torch.randint(2, 300, (7,), generator=generator).tolist()
        yield h, w, c, c1, (r3, c3), (r5, c5), c_pool


def _turned(pair: Pair) -> Pair:
    return pair[1], pair[0]


inception_cost = Exercise(
    reference=_cost,
    cases=_cost_cases,
    mistakes=[
        (
            given(_cost, h=lambda h: 1, w=lambda w: 1),
            "You count one position. Each weight is used once at each of the `h` times `w` "
            "positions.",
        ),
        (
            partial(_cost_with, bias=1),
            "You count the biases. They are added, not multiplied.",
        ),
        (
            given(partial(_cost_with, bias=1), h=lambda h: 1, w=lambda w: 1),
            "These are the parameters. The question is how often a number is multiplied.",
        ),
        (
            then(_cost, lambda cost: 2 * cost),
            "You count the additions, too. Here only multiplications count.",
        ),
        (
            _direct,
            "Your 3×3 and 5×5 convolutions take all `c` channels. In the block each has a 1×1 "
            "convolution before it, whose channels are the first number of the pair.",
        ),
        (
            _all_inputs,
            "You count the 1×1 convolutions, but the 3×3 and 5×5 behind them still have `c` input "
            "channels. How many channels arrive there?",
        ),
        (
            partial(_cost_with, reduction=0),
            "The 1×1 convolutions before the 3×3 and the 5×5 cost something, too. Yours are free.",
        ),
        (
            partial(_cost_with, window=(3, 5)),
            "Your kernels have 3 and 5 weights. A kernel of 3×3 has more.",
        ),
        (
            partial(_cost_with, window=(1, 1)),
            "You count all convolutions as 1×1.",
        ),
        (
            partial(_cost_with, window=(9, 9)),
            "Your third branch has a kernel of 3×3. The paper's has 5×5.",
        ),
        (
            partial(_cost_with, window=(25, 9)),
            "You have exchanged the kernel sizes of the second and the third branch.",
        ),
        (
            given(_cost, c3=_turned, c5=_turned),
            "In your pairs the output channels come first. The first number is what the 1×1 "
            "convolution reduces to.",
        ),
        (
            partial(_cost_with, pooling=9),
            "You count multiplications in the max pooling. A maximum compares, and multiplies "
            "nothing.",
        ),
        (
            partial(_cost_with, parts=(1, 1, 1, 0)),
            "The branch with the pooling is missing. Behind the pooling it has a convolution.",
        ),
        (
            partial(_cost_with, parts=(0, 1, 1, 1)),
            "The first branch is missing, the 1×1 convolution to `c1` channels.",
        ),
        (
            _projected_by_window,
            "The convolution behind the pooling has a kernel of 1×1. Yours is 3×3, as the pooling "
            "window is.",
        ),
        (
            _one_behind_the_other,
            "Your branches stand one behind the other. They stand side by side: each gets the `c` "
            "channels of the input.",
        ),
        (
            _large_reductions,
            "The convolutions that reduce the channels have a kernel of 1×1, whatever follows.",
        ),
        (
            _unpadded,
            "You count fewer positions for the large kernels. They are padded, so that all "
            "branches keep `h` and `w`.",
        ),
        (
            given(_cost, w=lambda w: 1),
            "You multiply by the height alone. How many positions has a map of `h` by `w`?",
        ),
        (
            lambda h, w, c, c1, c3, c5, c_pool: _cost(h, h, c, c1, c3, c5, c_pool),
            "Your maps are squares of side `h`. What of `w`?",
        ),
        (
            lambda h, w, c, c1, c3, c5, c_pool: _cost(w, w, c, c1, c3, c5, c_pool),
            "Your maps are squares of side `w`. What of `h`?",
        ),
    ],
)


def _maps(A: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """The class maps (n, m, h, w) of maps A (n, c, h, w): their means are the outputs."""
    return torch.einsum("mc,nchw->nmhw", W, A) + b[:, None, None]


def _maps_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    A = tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.5, 0.0], [2.0, 1.5]]]])  # (1, 2, 2, 2)
    W = tensor([[2.0, -1.0], [0.5, 3.0], [-2.0, 4.0]])  # (3, 2)
    yield A, W, tensor([0.5, -1.0, 2.0])
    for n, c, h, w, m in ((2, 3, 4, 5, 6), (3, 5, 2, 3, 4), (2, 4, 1, 1, 3), (1, 1, 3, 2, 2)):
        A = torch.randn(n, c, h, w, generator=generator)
        W = torch.randn(m, c, generator=generator)
        yield A, W, torch.randn(m, generator=generator)


def _without_bias(A: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return _maps(A, W, torch.zeros_like(b))


def _weights_averaged(A: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return _without_bias(A, W, b) / A.shape[1] + b[:, None, None]


def _spread(A: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return _maps(A, W, b) / (A.shape[2] * A.shape[3])


def _sum_of_maps(A: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """With a bias that is spread over the positions, and maps that are not."""
    return _maps(A, W, b / (A.shape[2] * A.shape[3]))


def _whole_outputs(A: Tensor, W: Tensor, b: Tensor) -> Tensor:
    outputs = A.mean(dim=(2, 3)) @ W.T + b  # (n, m)
    return outputs[:, :, None, None].expand(-1, -1, *A.shape[2:])


def _added_outputs(A: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return _without_bias(A, W, b) + _whole_outputs(A, W, b)


class_maps = Exercise(
    reference=_maps,
    cases=_maps_cases,
    mistakes=[
        (
            _without_bias,
            "The mean of your maps is the output without its bias. Where can the bias go, so that "
            "the mean contains it once?",
        ),
        (
            _sum_of_maps,
            "You divide the bias by the number of positions. But the maps are averaged, not added "
            "up: the mean of a constant is the constant.",
        ),
        (
            _spread,
            "You divide by the number of positions. Then the *sum* of a map is the output; it "
            "should be the mean.",
        ),
        (
            lambda A, W, b: _maps(A, W / (A.shape[2] * A.shape[3]), b),
            "You divide the weighted sum of the channels by the number of positions. The mean of "
            "the map does that.",
        ),
        (
            lambda A, W, b: _maps(A, W, b) * (A.shape[2] * A.shape[3]),
            "You multiply by the number of positions. The mean of a map should be the output.",
        ),
        (
            lambda A, W, b: _maps(A, W, b * (A.shape[2] * A.shape[3])),
            "You multiply the bias by the number of positions. The mean of a constant is the "
            "constant.",
        ),
        (
            lambda A, W, b: _maps(A, W, -b),
            "You subtract the bias. It is added.",
        ),
        (
            then(_maps, torch.relu),
            "Your maps have no negative numbers. What speaks against a class belongs to its map, "
            "too.",
        ),
        (
            then(_maps, lambda M: M.softmax(dim=1)),
            "You return probabilities at each position. The mean of a map should be the output "
            "before softmax.",
        ),
        (
            _weights_averaged,
            "You take the mean over the channels. A linear layer adds them up.",
        ),
        (
            _whole_outputs,
            "Your maps have the same number at every position. Take the weighted sum of the "
            "channels at each position, before any mean.",
        ),
        (
            _added_outputs,
            "You add the whole output to each position. Then the mean contains the weighted sum "
            "twice.",
        ),
        (
            then(_maps, lambda M: M - M.amin(dim=(2, 3), keepdim=True)),
            "Your maps begin at 0: you subtract the smallest number of each. Then their means are "
            "not the outputs.",
        ),
        (
            then(_maps, lambda M: M.transpose(2, 3).reshape(M.shape)),
            "Your rows and columns are mixed up. A `reshape` keeps the order of the numbers; it "
            "does not exchange dimensions.",
        ),
        (
            then(_maps, lambda M: M.movedim(1, -1).reshape(M.shape)),
            "The classes are mixed up with the positions. A `reshape` keeps the order of the "
            "numbers; `movedim` or `permute` moves a dimension.",
        ),
    ],
)
