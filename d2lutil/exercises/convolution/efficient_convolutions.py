"""Exercises of the chapter *Efficient convolutions*."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, tensor
from torch.nn import functional as F

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given


def _multiplier(X: Tensor, K: Tensor, stride: int) -> Tensor:
    """Each channel of X (n, c, h, w) with its m kernels of K (c, m, k, k): (n, c m, h', w')."""
    c, m, k, _ = K.shape
    return F.conv2d(X, K.reshape(c * m, 1, k, k), stride=stride, groups=c)


def _by_kernel(X: Tensor, K: Tensor, stride: int) -> Tensor:
    """The same with the outputs in another order: all first kernels, then all second ones."""
    c, m = K.shape[:2]
    Y = _multiplier(X, K, stride)
    return Y.unflatten(1, (c, m)).transpose(1, 2).flatten(1, 2)


def _repeated(X: Tensor, K: Tensor, stride: int) -> Tensor:
    """The channels are repeated as a whole, 0 1 2 0 1 2, before the kernels come in order."""
    c, m, k, _ = K.shape
    kernels = K.reshape(c * m, 1, k, k)
    return F.conv2d(X.repeat(1, m, 1, 1), kernels, stride=stride, groups=c * m)


def _misread(X: Tensor, K: Tensor, stride: int) -> Tensor:
    """K is taken for (m, c, k, k)."""
    return _multiplier(X, K.transpose(0, 1).reshape(K.shape), stride)


def _first_kernels(X: Tensor, K: Tensor, stride: int) -> Tensor:
    """One kernel for each channel."""
    return _multiplier(X, K[:, :1], stride)


def _multiplier_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, int]]:
    X = tensor([[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 9.0]]]])
    yield X, tensor([[[[2.0]]], [[[10.0]]]]), 1
    yield X, tensor([[[[2.0]], [[3.0]]], [[[10.0]], [[20.0]]]]), 1
    shapes = ((2, 2, 3, 3, 1, 5), (3, 3, 2, 2, 2, 6), (1, 4, 3, 3, 2, 8), (2, 1, 4, 3, 3, 7))
    for n, c, m, k, stride, size in (*shapes, (2, 3, 1, 4, 1, 4)):
        X = torch.randn(n, c, size, size + 1, generator=generator)
        yield X, torch.randn(c, m, k, k, generator=generator), stride


channel_multiplier = Exercise(
    reference=_multiplier,
    cases=_multiplier_cases,
    mistakes=[
        (
            lambda X, K, stride: F.conv2d(
                X, K.flatten(0, 1).unsqueeze(1), stride=stride, groups=len(K.flatten(0, 1))
            ),
            "You ask for one group for each *output* channel. There is one for each input channel, "
            "and it has `m` output channels.",
        ),
        (
            _by_kernel,
            "Your output channels stand in another order: first all channels with their first "
            "kernel, then all with their second. Channel `i * m + j` belongs to input channel `i`.",
        ),
        (
            _repeated,
            "The kernels meet the wrong channels. Have you repeated the channels as 0, 1, 0, 1? "
            "`K[i, j]` belongs to input channel `i`, so the order has to be 0, 0, 1, 1.",
        ),
        (
            _misread,
            "You read `K` as if its first dimension were `m`. It is `c`: `K[i, j]` is kernel `j` "
            "of input channel `i`.",
        ),
        (
            lambda X, K, stride: F.conv2d(X, K.transpose(0, 1).contiguous(), stride=stride),
            "You sum over the input channels, as a standard convolution does. Here the channels "
            "stay apart.",
        ),
        (
            lambda X, K, stride: (
                _multiplier(X, K, stride).unflatten(1, tuple(K.shape[:2])).sum(dim=2)
            ),
            "You add up the `m` outputs of an input channel. Each is an output channel of its own.",
        ),
        (
            _first_kernels,
            "You use one kernel of each input channel. There are `m` of them.",
        ),
        (
            given(_multiplier, K=lambda K: K.flip(2, 3)),
            "Your kernels are flipped. Row 0 of a kernel meets the first row of a window.",
        ),
        (
            given(_multiplier, K=lambda K: K.transpose(2, 3)),
            "Your kernels are transposed: rows and columns have changed places.",
        ),
        (
            given(_multiplier, stride=lambda stride: 1),
            "You never use `stride`.",
        ),
        (
            lambda X, K, stride: F.conv2d(
                X,
                K.flatten(0, 1)[:, None],
                stride=stride,
                groups=K.shape[0],
                padding=K.shape[-1] // 2,
            ),
            "You have padded the images. There is no padding in this exercise.",
        ),
    ],
)


def _nearest(K: Tensor) -> Tensor:
    """The nearest kernel of rank 1 to each of K (c_out, c_in, k, k)."""
    U, S, Vt = torch.linalg.svd(K)
    return S[..., :1, None] * U[..., :, :1] * Vt[..., :1, :]


def _nearest_with_scale(K: Tensor, power: float) -> Tensor:
    """The same with another power of the singular value."""
    U, S, Vt = torch.linalg.svd(K)
    return S[..., :1, None] ** power * U[..., :, :1] * Vt[..., :1, :]


def _columns_of_vt(K: Tensor) -> Tensor:
    """The first column of Vt in place of its first row."""
    U, S, Vt = torch.linalg.svd(K)
    return S[..., :1, None] * U[..., :, :1] * Vt[..., :, :1].transpose(-2, -1)


def _rows_of_u(K: Tensor) -> Tensor:
    """The first row of U in place of its first column."""
    U, S, Vt = torch.linalg.svd(K)
    return S[..., :1, None] * U[..., :1, :].transpose(-2, -1) * Vt[..., :1, :]


def _least(K: Tensor) -> Tensor:
    """The last singular value."""
    U, S, Vt = torch.linalg.svd(K)
    return S[..., -1:, None] * U[..., :, -1:] * Vt[..., -1:, :]


def _unfolded(K: Tensor, rows: int) -> Tensor:
    """The nearest of rank 1 of one matrix, of which the first so many dimensions are the rows."""
    M = K.flatten(0, rows - 1).flatten(1) if rows > 1 else K.flatten(1)
    U, S, Vt = torch.linalg.svd(M, full_matrices=False)
    return (S[0] * U[:, :1] * Vt[:1]).reshape(K.shape)


def _interleaved(K: Tensor) -> Tensor:
    """The nearest of rank 1 of the matrix (c_in k, c_out k): Jaderberg's scheme."""
    c_out, c_in, k, _ = K.shape
    M = K.permute(1, 2, 0, 3).reshape(c_in * k, c_out * k)
    U, S, Vt = torch.linalg.svd(M, full_matrices=False)
    return (S[0] * U[:, :1] * Vt[:1]).reshape(c_in, k, c_out, k).permute(2, 0, 1, 3)


def _means(K: Tensor) -> Tensor:
    """The means of the rows times those of the columns, over the mean of all."""
    return K.mean(3, keepdim=True) * K.mean(2, keepdim=True) / K.mean((2, 3), keepdim=True)


def _nearest_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    yield (tensor([[[[3.0, 0.0], [0.0, 2.0]]]]),)
    yield (tensor([[[[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]]]),)
    for shape in ((2, 3, 3, 3), (4, 2, 5, 5), (3, 1, 2, 2), (1, 2, 4, 4)):
        yield (torch.randn(shape, generator=generator),)


_ONE_BY_ONE = (
    "You approximate one large matrix made of all kernels. Each kernel, `K[o, i]`, is a matrix of "
    "its own and gets its own decomposition."
)

nearest_separable = Exercise(
    reference=_nearest,
    cases=_nearest_cases,
    mistakes=[
        (
            _columns_of_vt,
            "You take a column of the third matrix. `torch.linalg.svd` returns it transposed, so "
            "the vector that belongs to the first singular value is a row. (The older "
            "`torch.svd` returns it the other way round.)",
        ),
        (
            _rows_of_u,
            "You take a row of the first matrix. The vectors in it are its columns.",
        ),
        (
            lambda K: _nearest_with_scale(K, 0),
            "The directions are right, but the singular value is missing: every kernel of yours "
            "has norm 1.",
        ),
        (
            lambda K: _nearest_with_scale(K, 0.5),
            "Your kernels have the root of the singular value. If column and row get the root "
            "each, their product has all of it.",
        ),
        (
            lambda K: _nearest_with_scale(K, 2),
            "The singular value is in your product twice.",
        ),
        (
            lambda K: -_nearest(K),
            "The sign is wrong: yours is the negative of the nearest kernel.",
        ),
        (
            _least,
            "You keep the smallest singular value. They are in descending order, and the largest "
            "leaves out least.",
        ),
        (
            lambda K: _nearest(K).transpose(-2, -1),
            "Your kernels are transposed: rows and columns have changed places.",
        ),
        (
            lambda K: K - _nearest(K),
            "This is what the nearest kernel leaves out.",
        ),
        (lambda K: _unfolded(K, 1), _ONE_BY_ONE),
        (lambda K: _unfolded(K, 2), _ONE_BY_ONE),
        (lambda K: _unfolded(K, 3), _ONE_BY_ONE),
        (_interleaved, _ONE_BY_ONE),
        (
            _means,
            "You take the means of rows and columns. Their product has rank 1, but it is not the "
            "nearest such kernel.",
        ),
        (
            lambda K: K.clone(),
            "These are the kernels themselves: you have kept all terms of the decomposition.",
        ),
    ],
)


def _cost(
    c_in: int,
    c_out: int,
    t: int,
    stride: int,
    h: int,
    w: int,
) -> int:
    wide = t * c_in
    after = ((h - 1) // stride + 1) * ((w - 1) // stride + 1)
    expand = h * w * c_in * wide if t > 1 else 0
    return expand + after * (9 * wide + wide * c_out)


def _parts(c_in: int, t: int, stride: int, h: int, w: int) -> tuple[int, int, int]:
    """The wide channels, and the positions before and after the stride."""
    after = math.ceil(h / stride) * math.ceil(w / stride)
    return t * c_in, h * w, after


def _cost_with(form: str) -> Callable[..., int]:
    """The cost by another formula, of the widths and the positions before and after the stride."""

    def cost(c_in: int, c_out: int, t: int, stride: int, h: int, w: int) -> int:
        wide, before, after = _parts(c_in, t, stride, h, w)
        expand = c_in * wide if t > 1 else 0
        return {
            "expanded late": after * (expand + 9 * wide + wide * c_out),
            "strided late": before * (expand + 9 * wide) + after * wide * c_out,
            "never strided": before * (expand + 9 * wide + wide * c_out),
            "dense": before * expand + after * (9 * wide * wide + wide * c_out),
            "always expanded": before * c_in * wide + after * (9 * wide + wide * c_out),
            "one kernel": before * expand + after * (9 + wide * c_out),
            "no kernels": before * expand + after * (wide + wide * c_out),
            "no space": before * expand + after * wide * c_out,
            "no projection": before * expand + after * 9 * wide,
            "no expansion": after * (9 * wide + wide * c_out),
            "narrow": before * expand + after * (9 * c_in + wide * c_out),
            "weights": expand + 9 * wide + wide * c_out,
            "twice": 2 * (before * expand + after * (9 * wide + wide * c_out)),
            "with sum": before * expand
            + after * (9 * wide + wide * c_out)
            + (before * c_in if stride == 1 and c_in == c_out else 0),
        }[form]

    return cost


def _rounded_down(c_in: int, c_out: int, t: int, stride: int, h: int, w: int) -> int:
    wide, after = t * c_in, (h // stride) * (w // stride)
    return h * w * (c_in * wide if t > 1 else 0) + after * (9 * wide + wide * c_out)


def _unpadded(c_in: int, c_out: int, t: int, stride: int, h: int, w: int) -> int:
    wide, after = t * c_in, ((h - 3) // stride + 1) * ((w - 3) // stride + 1)
    return h * w * (c_in * wide if t > 1 else 0) + after * (9 * wide + wide * c_out)


def _expanded_output(c_in: int, c_out: int, t: int, stride: int, h: int, w: int) -> int:
    """The wide part has t c_out channels."""
    wide, (_, before, after) = t * c_out, _parts(c_in, t, stride, h, w)
    return before * (c_in * wide if t > 1 else 0) + after * (9 * wide + wide * c_out)


def _cost_cases(generator: torch.Generator) -> Iterator[tuple[int, int, int, int, int, int]]:
    yield 2, 3, 4, 1, 5, 7
    yield 2, 3, 4, 2, 6, 8
    yield 2, 3, 4, 2, 5, 7
    yield 4, 4, 6, 1, 5, 3
    yield 5, 3, 1, 1, 4, 6
    yield 5, 5, 1, 2, 7, 6
    yield 3, 5, 2, 1, 4, 7
    for _ in range(4):
        c_in, c_out, t, stride, h, w = (
            int(torch.randint(low, high, (), generator=generator))
            for low, high in ((2, 40), (2, 40), (2, 7), (2, 4), (5, 30), (5, 30))
        )
        yield c_in, c_out, t, stride, h, w


inverted_residual_cost = Exercise(
    reference=_cost,
    cases=_cost_cases,
    mistakes=[
        (
            _cost_with("expanded late"),
            "You count the expansion at the size behind the stride. It comes before the depthwise "
            "convolution, which has the stride, so it works on all `h * w` positions.",
        ),
        (
            _cost_with("strided late"),
            "You count the depthwise convolution at all `h * w` positions. It has the stride, so "
            "it computes only the outputs that the stride leaves.",
        ),
        (
            _cost_with("never strided"),
            "You never use `stride`: two of the three convolutions work at a smaller size.",
        ),
        (
            _rounded_down,
            "You round the size down. A 3×3 kernel with padding 1 and stride 2 makes 3 rows of 5.",
        ),
        (
            _unpadded,
            "The size behind the depthwise convolution is that without padding. It has padding 1.",
        ),
        (
            _cost_with("dense"),
            "You count the 3×3 convolution as a standard one. It is depthwise: each output channel "
            "sees one input channel.",
        ),
        (
            _cost_with("always expanded"),
            "You count a first convolution for `t = 1`, where the block has none.",
        ),
        (
            _cost_with("one kernel"),
            "You count the depthwise convolution for a single channel.",
        ),
        (
            _cost_with("no kernels"),
            "You count one multiplication for each output of the depthwise convolution. Its "
            "kernels are 3×3.",
        ),
        (_cost_with("no space"), "The depthwise convolution is missing in your sum."),
        (_cost_with("no projection"), "The last 1×1 convolution is missing in your sum."),
        (_cost_with("no expansion"), "The first 1×1 convolution is missing in your sum."),
        (
            _cost_with("narrow"),
            "You count the depthwise convolution with `c_in` channels. It works on the expanded "
            "ones.",
        ),
        (
            _expanded_output,
            "You expand to `t` times `c_out` channels. The block expands its input.",
        ),
        (
            _cost_with("weights"),
            "These are the weights. Each is used at many positions.",
        ),
        (
            _cost_with("twice"),
            "You count a multiplication and its addition as two. Together they are one "
            "multiply-add.",
        ),
        (
            _cost_with("with sum"),
            "You count the sum of the residual connection. Only the convolutions count here.",
        ),
    ],
)
