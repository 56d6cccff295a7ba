"""Exercises of the chapter *Deep convolutional networks*."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import torch

from d2lutil.exercises import Exercise

Layers = Sequence[tuple[int, int, int]]


def _seen(layers: Layers, i: int) -> tuple[int, int]:
    """The first and the last pixel that output i depends on, from the last layer backwards."""
    first = last = i
    for k, s, p in reversed(layers):
        first, last = first * s - p, last * s - p + k - 1
    return first, last


def _seen_cases(generator: torch.Generator) -> Iterator[tuple[list[tuple[int, int, int]], int]]:
    yield [(5, 1, 0)], 3
    yield [(3, 1, 0), (3, 1, 0)], 4
    yield [(3, 2, 1)], 5
    yield [(5, 3, 2), (3, 2, 0)], 4
    yield [(3, 1, 1), (3, 1, 1), (2, 2, 0), (3, 1, 1)], 6
    yield [(7, 2, 3), (4, 3, 1), (5, 1, 2)], 0  # begins in the frame of zeros
    for n in (2, 3, 4):
        k, s, p = (torch.randint(low, 6, (n,), generator=generator) for low in (2, 1, 0))
        i = int(torch.randint(2, 9, (), generator=generator))
        yield list(zip(k.tolist(), s.tolist(), p.tolist(), strict=True)), i


def _backwards(
    step: Callable[[int, int, int, int, int], tuple[int, int]],
) -> Callable[[Layers, int], tuple[int, int]]:
    """The same with another step from a layer's outputs to its inputs."""

    def wrong(layers: Layers, i: int) -> tuple[int, int]:
        first = last = i
        for k, s, p in reversed(layers):
            first, last = step(first, last, k, s, p)
        return first, last

    return wrong


def _from_the_first(layers: Layers, i: int) -> tuple[int, int]:
    """Begins with the first layer."""
    return _seen(list(reversed(layers)), i)


def _padding_not_scaled(layers: Layers, i: int) -> tuple[int, int]:
    """Every layer's padding counted in pixels of the image."""
    first, last = _seen([(k, s, 0) for k, s, _ in layers], i)
    frame = sum(p for _, _, p in layers)
    return first - frame, last - frame


def _kernels_not_scaled(layers: Layers, i: int) -> tuple[int, int]:
    """Every layer widens the field by k - 1 pixels of the image."""
    first, _ = _seen(layers, i)
    return first, first + sum(k - 1 for k, _, _ in layers)


def _in_the_frame(layers: Layers, i: int) -> tuple[int, int]:
    """Numbered from the first position of the frame."""
    first, last = _seen(layers, i)
    return first + layers[0][2], last + layers[0][2]


def _step_too_early(layers: Layers, i: int) -> tuple[int, int]:
    """From the image, with each layer's own stride in the distance of its inputs."""
    step, field, start = 1, 1, 0
    for k, s, p in layers:
        step *= s
        field, start = field + (k - 1) * step, start - p * step
    return start + i * step, start + i * step + field - 1


_ONE_TOO_MANY = (
    "Your last pixel is one too far, in each layer. A kernel of 3 that begins at pixel 4 ends at "
    "pixel 6."
)

seen_pixels = Exercise(
    reference=_seen,
    cases=_seen_cases,
    returns=("first", "last"),
    mistakes=[
        (
            _from_the_first,
            "You begin with the first layer. Output `i` is an output of the last one: from it, go "
            "back to the image.",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first * s, last * s + k - 1)),
            "You leave out the padding. With a padding of `p`, the first window begins `p` pixels "
            "before the image.",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first * s + p, last * s + p + k - 1)),
            "Your padding moves the windows to the right. It lies before the first pixel, so they "
            "begin further to the left.",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first - p, last - p + k - 1)),
            "You leave out the stride. Where does window `i` begin if windows are `s` apart?",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first * s - p, last * s - p + k)),
            _ONE_TOO_MANY,
        ),
        (
            lambda layers, i: (_seen(layers, i)[0], _seen(layers, i)[1] + 1),
            "Your last pixel is one too far. If you return the end of a slice, subtract 1: it is "
            "the last pixel that is asked for.",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first * s - p, first * s - p + k - 1)),
            "Your last pixel is that of the first window only. In a deeper layer the output "
            "depends on several windows; follow the last one as well.",
        ),
        (
            _backwards(lambda first, last, k, s, p: ((first - p) * s, (last - p) * s + k - 1)),
            "You subtract the padding before you multiply by the stride. The padding counts "
            "positions of the layer's input.",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first * s - p, (last + k - 1) * s - p)),
            "You multiply the size of the kernel by the layer's own stride. The weights of one "
            "kernel lie on neighbouring positions, however far apart the windows are.",
        ),
        (
            _padding_not_scaled,
            "You add up the paddings of all layers. A position of a deep layer is several pixels "
            "of the image wide, and so is a position of its padding.",
        ),
        (
            _kernels_not_scaled,
            "You add up `k - 1` of all layers. Behind a layer with a stride, neighbouring "
            "positions are several pixels of the image apart.",
        ),
        (
            lambda layers, i: (max(_seen(layers, i)[0], 0), _seen(layers, i)[1]),
            "You cut off what lies before the image. The task counts the frame of zeros too, with "
            "negative numbers.",
        ),
        (
            lambda layers, i: (
                _seen(layers, i)[0],
                _seen(layers, i)[1] - _seen(layers, i)[0] + 1,
            ),
            "Your second number is how many pixels there are. The task asks for the last pixel.",
        ),
        (
            lambda layers, i: _seen(layers, i)[::-1],
            "Your two numbers are in the other order: the first pixel comes first.",
        ),
        (
            lambda layers, i: _seen(layers, i + 1),
            "You give the pixels of the next output. Outputs and pixels are counted from 0.",
        ),
        (
            lambda layers, i: _seen(layers, i - 1),
            "You give the pixels of the output before. Outputs and pixels are counted from 0.",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first * s - p, last * s + k - 1)),
            "You subtract the padding from the first pixel only. It moves the whole window to the "
            "left, with both ends.",
        ),
        (
            _backwards(lambda first, last, k, s, p: (first * s - p, last * s + p + k - 1)),
            "You widen the window by the padding. A window keeps its size `k`: the padding moves "
            "both ends to the left.",
        ),
        (
            _in_the_frame,
            "You number from the first position of the frame. Pixel 0 is the first of the image, "
            "and what lies before it has negative numbers.",
        ),
        (
            _step_too_early,
            "You multiply by a layer's stride before you use the distance. The inputs of a layer "
            "are as far apart as the layers before it have made them; its own stride counts for "
            "the next.",
        ),
        (
            lambda layers, i: _seen(layers, 0),
            "You give the pixels of output 0, whatever `i` is.",
        ),
    ],
)


def _vgg(counts: Sequence[int], channels: Sequence[int], size: int, classes: int) -> int:
    """VGG's parameters: weights and biases of its convolutions, then of its three dense layers."""
    total, c_in = 0, 3
    for n, c in zip(counts, channels, strict=True):
        total += 9 * c_in * c + c + (n - 1) * (9 * c * c + c)
        size, c_in = size // 2, c
    widths = (c_in * size * size, 4096, 4096, classes)
    return total + sum((a + 1) * b for a, b in pairwise(widths))


def _count(
    counts: Sequence[int],
    channels: Sequence[int],
    size: int,
    classes: int,
    weights: int = 9,
    bias: int = 1,
    dense_bias: int = 1,
    image: int = 3,
    hidden: tuple[int, ...] = (4096, 4096),
    first: Callable[[int, int], int] = lambda c_in, c: c_in,
    later: Callable[[int, int], int] = lambda c_in, c: c,
    flat: Callable[[int, int], int] = lambda c, side: c * side * side,
    pools: Callable[[int], int] = lambda blocks: blocks,
) -> int:
    """The same with some of its parts replaced."""
    total, c_in = 0, image
    for n, c in zip(counts, channels, strict=True):
        inputs = [first(c_in, c)] + [later(c_in, c)] * (n - 1)
        total += sum((weights * one + bias) * c for one in inputs)
        c_in = c
    side = size // 2 ** pools(len(counts))
    widths = (flat(c_in, side), *hidden, classes)
    return total + sum((a + dense_bias) * b for a, b in pairwise(widths))


def _vgg_cases(
    generator: torch.Generator,
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int, int]]:
    yield (1, 1), (4, 8), 16, 10
    yield (2, 3), (6, 10), 32, 7
    yield (1, 1, 2, 2, 2), (64, 128, 256, 512, 512), 224, 1000
    yield (2, 2, 3, 3, 3), (64, 128, 256, 512, 512), 224, 1000
    yield (3, 1, 2), (5, 5, 12), 50, 20  # a size that is not divisible by 8
    yield (2,), (7,), 9, 3
    for blocks in (2, 3, 4):
        counts = torch.randint(1, 5, (blocks,), generator=generator).tolist()
        channels = torch.randint(4, 40, (blocks,), generator=generator).tolist()
        size, classes = torch.randint(48, 99, (2,), generator=generator).tolist()
        yield tuple(counts), tuple(channels), size, classes


def _single(counts: Sequence[int], channels: Sequence[int], size: int, classes: int) -> int:
    """With one convolution in each block."""
    return _vgg([1] * len(counts), channels, size, classes)


def _one_bias_each(counts: Sequence[int], channels: Sequence[int], size: int, classes: int) -> int:
    """With one bias for each layer."""
    weights = _count(counts, channels, size, classes, bias=0, dense_bias=0)
    return weights + sum(counts) + 3


def _five_poolings(counts: Sequence[int], channels: Sequence[int], size: int, classes: int) -> int:
    """With the five poolings of the paper's networks, whatever the number of blocks."""
    return _vgg(counts, channels, size // 32 * 2 ** len(counts), classes)


def _rounded_up(counts: Sequence[int], channels: Sequence[int], size: int, classes: int) -> int:
    """With poolings that round up."""
    for _ in counts:
        size = -(-size // 2)
    return _vgg(counts, channels, size * 2 ** len(counts), classes)


vgg_parameters = Exercise(
    reference=_vgg,
    cases=_vgg_cases,
    mistakes=[
        (
            partial(_count, bias=0, dense_bias=0),
            "These are the weights alone. Every layer that has weights has biases, too.",
        ),
        (
            partial(_count, bias=0),
            "The biases of the convolutions are missing: one for each output channel.",
        ),
        (
            partial(_count, dense_bias=0),
            "The biases of the fully connected layers are missing: one for each output.",
        ),
        (
            _one_bias_each,
            "You count one bias for each layer. There is one for each output channel, and one for "
            "each output of a fully connected layer.",
        ),
        (
            _single,
            "You count one convolution in each block. Block `j` has `counts[j]` of them.",
        ),
        (
            partial(_count, later=lambda c_in, c: c_in),
            "All convolutions of your block have the input channels of the first. What goes into "
            "the second one is what the first one puts out.",
        ),
        (
            partial(_count, first=lambda c_in, c: c),
            "All convolutions of your block have as many input as output channels. The first one "
            "gets what the block before puts out.",
        ),
        (
            partial(_count, image=1),
            "Your image has one channel. A colour image has three.",
        ),
        (
            partial(_count, weights=3),
            "Your kernels have three weights. How many has a kernel of 3×3?",
        ),
        (
            partial(_count, hidden=(4096,)),
            "A fully connected layer is missing: there are two of 4096 before the classes.",
        ),
        (
            partial(_count, flat=lambda c, side: side * side),
            "Your first fully connected layer has one channel as input. `Flatten` passes on all "
            "of them.",
        ),
        (
            partial(_count, flat=lambda c, side: c * side),
            "Your last map has one row. It has as many rows as columns.",
        ),
        (
            partial(_count, flat=lambda c, side: c * 7 * 7),
            "Your last map has 7×7 positions whatever `size` is. Each pooling halves the size, and "
            "there are as many poolings as blocks.",
        ),
        (
            partial(_count, pools=lambda blocks: 0),
            "Your last map is as large as the image. Pooling has no parameters, but it halves the "
            "size.",
        ),
        (
            partial(_count, pools=lambda blocks: blocks - 1),
            "One pooling is missing: there is one behind each block, the last one included.",
        ),
        (
            partial(_count, flat=lambda c, side: c),
            "Your first fully connected layer gets one number for each channel. `Flatten` keeps "
            "all positions.",
        ),
        (
            lambda counts, channels, size, classes: _vgg(counts, channels, size, 1000),
            "Your last layer has 1000 outputs, whatever `classes` is.",
        ),
        (
            lambda counts, channels, size, classes: (
                _vgg(counts, channels, size, classes) - 4097 * classes
            ),
            "Your last layer is missing, from 4096 to the classes.",
        ),
        (
            lambda counts, channels, size, classes: _vgg(counts, channels, size, classes) - classes,
            "The biases of your last layer are missing: one for each class.",
        ),
        (
            _five_poolings,
            "You halve the size five times. There is one pooling for each block.",
        ),
        (
            _rounded_up,
            "Your pooling rounds up. A window of 2×2 that does not fit is left out, so an odd size "
            "is halved and rounded down.",
        ),
    ],
)
