"""Right and wrong answers to the exercises of the chapter *Deep convolutional networks*."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def seen_by_recursion(layers, i):
    if not layers:
        return i, i
    *before, (k, s, p) = layers
    start = i * s - p
    return seen_by_recursion(before, start)[0], seen_by_recursion(before, start + k - 1)[1]


def seen_by_steps(layers, i):
    step, field, start = 1, 1, 0
    for k, s, p in layers:
        field += (k - 1) * step
        start -= p * step
        step *= s
    first = start + i * step
    return first, first + field - 1


def seen_by_sets(layers, i):
    positions = {i}
    for k, s, p in layers[::-1]:
        positions = {j * s - p + u for j in positions for u in range(k)}
    return min(positions), max(positions)


def seen_as_list_of_numpy(layers, i):
    first, last = seen_by_steps(layers, i)
    return [np.int64(first), np.int64(last)]


def seen_from_the_image(layers, i):
    first = last = i
    for k, s, p in layers:
        first, last = first * s - p, last * s - p + k - 1
    return first, last


def seen_without_padding(layers, i):
    return seen_by_steps([(k, s, 0) for k, s, p in layers], i)


def seen_without_stride(layers, i):
    return seen_by_steps([(k, 1, p) for k, s, p in layers], i)


def seen_as_a_slice(layers, i):
    first, last = seen_by_sets(layers, i)
    return first, last + 1


def seen_k_too_far(layers, i):
    first = last = i
    for k, s, p in layers[::-1]:
        first = first * s - p
        last = last * s - p + k
    return first, last


def seen_first_window(layers, i):
    place = i
    for k, s, p in layers[::-1]:
        place = place * s - p
        end = place + k - 1
    return place, end


def seen_clipped(layers, i):
    first, last = seen_by_sets(layers, i)
    return (0 if first < 0 else first), last


def seen_with_sums(layers, i):
    first, _ = seen_by_sets(layers, i)
    return first, first + sum(k for k, s, p in layers) - len(layers)


def seen_with_paddings_added(layers, i):
    step, field = 1, 1
    for k, s, _ in layers:
        field += (k - 1) * step
        step *= s
    first = i * step - sum(p for _, _, p in layers)
    return first, first + field - 1


def seen_and_how_many(layers, i):
    first, last = seen_by_sets(layers, i)
    return first, len(range(first, last + 1))


def seen_last_first(layers, i):
    return tuple(reversed(seen_by_sets(layers, i)))


def seen_padded_to_the_right(layers, i):
    return seen_by_steps([(k, s, -p) for k, s, p in layers], i)


def seen_padding_times_stride(layers, i):
    positions = {i}
    for k, s, p in layers[::-1]:
        positions = {(j - p) * s + u for j in positions for u in range(k)}
    return min(positions), max(positions)


def seen_dilated(layers, i):
    positions = {i}
    for k, s, p in layers[::-1]:
        positions = {j * s - p + u * s for j in positions for u in range(k)}
    return min(positions), max(positions)


def seen_counted_from_one(layers, i):
    return seen_by_steps(layers, i - 1)


def seen_padding_at_first(layers, i):
    first = last = i
    for k, s, p in layers[::-1]:
        first = first * s - p
        last = last * s + k - 1
    return first, last


def seen_wider_by_padding(layers, i):
    first = last = i
    for k, s, p in layers[::-1]:
        first = first * s - p
        last = last * s + p + k - 1
    return first, last


def seen_in_the_frame(layers, i):
    frame = layers[0][-1]
    return tuple(pixel + frame for pixel in seen_by_sets(layers, i))


def seen_step_too_early(layers, i):
    step, first, field = 1, 0, 1
    for k, s, p in layers:
        step *= s
        first -= p * step
        field += (k - 1) * step
    first += i * step
    return first, first + field - 1


def seen_at_zero(layers, i):
    return seen_by_steps(layers, 0)


def vgg_by_network(counts, channels, size, classes):
    layers, c_in = [], 3
    for n, c in zip(counts, channels, strict=True):
        for _ in range(n):
            layers.append(nn.Conv2d(c_in, c, 3, padding=1))
            c_in = c
        layers.append(nn.MaxPool2d(2))
    with torch.device("meta"):
        X = nn.Sequential(*layers).to("meta")(torch.empty(1, 3, size, size))
        head = [nn.Linear(X.numel(), 4096), nn.Linear(4096, 4096), nn.Linear(4096, classes)]
    return sum(p.numel() for layer in layers + head for p in layer.parameters())


def vgg_by_lists(counts, channels, size, classes):
    outputs = [c for n, c in zip(counts, channels, strict=True) for _ in range(n)]
    inputs = [3, *outputs[:-1]]
    convolutions = sum(9 * a * b + b for a, b in zip(inputs, outputs, strict=True))
    side = size // 2 ** len(counts)
    dense = (outputs[-1] * side**2 + 1) * 4096 + 4097 * 4096 + 4097 * classes
    return convolutions + dense


def vgg_as_numpy(counts, channels, size, classes):
    return np.int64(vgg_by_lists(counts, channels, size, classes))


def vgg_weights(counts, channels, size, classes):
    biases = sum(n * c for n, c in zip(counts, channels, strict=True)) + 4096 + 4096 + classes
    return vgg_by_lists(counts, channels, size, classes) - biases


def vgg_without_convolution_biases(counts, channels, size, classes):
    biases = sum(n * c for n, c in zip(counts, channels, strict=True))
    return vgg_by_lists(counts, channels, size, classes) - biases


def vgg_without_dense_biases(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, size, classes) - 8192 - classes


def vgg_one_bias_a_layer(counts, channels, size, classes):
    return vgg_weights(counts, channels, size, classes) + sum(counts) + 3


def vgg_one_each(counts, channels, size, classes):
    return vgg_by_lists([1 for _ in counts], channels, size, classes)


def vgg_same_inputs(counts, channels, size, classes):
    total, c_in = 0, 3
    for n, c in zip(counts, channels, strict=True):
        total += n * (9 * c_in * c + c)
        c_in = c
    side = size // 2 ** len(counts)
    return total + (c * side**2 + 1) * 4096 + 4097 * 4096 + 4097 * classes


def vgg_equal_channels(counts, channels, size, classes):
    total = sum(n * (9 * c * c + c) for n, c in zip(counts, channels, strict=True))
    side = size // 2 ** len(counts)
    return total + (channels[-1] * side**2 + 1) * 4096 + 4097 * 4096 + 4097 * classes


def vgg_grey(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, size, classes) - 2 * 9 * channels[0]


def vgg_seven(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, 7 * 2 ** len(counts), classes)


def vgg_unpooled(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, size * 2 ** len(counts), classes)


def vgg_last_unpooled(counts, channels, size, classes):
    wrong = size // 2 ** (len(counts) - 1)
    return vgg_by_lists(counts, channels, wrong * 2 ** len(counts), classes)


def vgg_one_hidden(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, size, classes) - 4097 * 4096


def vgg_thousand(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, size, 1000)


def vgg_without_last_biases(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, size, classes) - classes


def vgg_of_five_blocks(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, (size // 32) << len(counts), classes)


def vgg_rounded_up(counts, channels, size, classes):
    side = size
    for _ in counts:
        side = (side + 1) // 2
    return vgg_by_lists(counts, channels, side * 2 ** len(counts), classes)


def vgg_averaged(counts, channels, size, classes):
    return vgg_by_lists(counts, channels, 2 ** len(counts), classes)


RIGHT = {
    "seen_pixels": [seen_by_recursion, seen_by_steps, seen_by_sets, seen_as_list_of_numpy],
    "vgg_parameters": [vgg_by_network, vgg_by_lists, vgg_as_numpy],
}
WRONG = {
    "seen_pixels": [
        (seen_from_the_image, "You begin with the first layer"),
        (seen_without_padding, "leave out the padding"),
        (seen_without_stride, "leave out the stride"),
        (seen_as_a_slice, "the end of a slice"),
        (seen_k_too_far, "one too far, in each layer"),
        (seen_first_window, "the first window only"),
        (seen_clipped, "before the image"),
        (seen_with_sums, "You add up `k - 1`"),
        (seen_with_paddings_added, "add up the paddings"),
        (seen_and_how_many, "how many pixels"),
        (seen_last_first, "other order"),
        (seen_padded_to_the_right, "to the right"),
        (seen_padding_times_stride, "before you multiply"),
        (seen_dilated, "own stride"),
        (seen_counted_from_one, "the output before"),
        (seen_at_zero, "output 0"),
        (seen_padding_at_first, "from the first pixel only"),
        (seen_wider_by_padding, "widen the window"),
        (seen_in_the_frame, "first position of the frame"),
        (seen_step_too_early, "before you use the distance"),
    ],
    "vgg_parameters": [
        (vgg_weights, "the weights alone"),
        (vgg_without_convolution_biases, "biases of the convolutions"),
        (vgg_without_dense_biases, "biases of the fully connected"),
        (vgg_one_bias_a_layer, "one bias for each layer"),
        (vgg_one_each, "one convolution in each block"),
        (vgg_same_inputs, "input channels of the first"),
        (vgg_equal_channels, "as many input as output channels"),
        (vgg_grey, "one channel"),
        (vgg_seven, "7×7 positions"),
        (vgg_unpooled, "as large as the image"),
        (vgg_last_unpooled, "One pooling is missing"),
        (vgg_one_hidden, "two of 4096"),
        (vgg_thousand, "1000 outputs"),
        (vgg_averaged, "one number for each channel"),
        (vgg_without_last_biases, "biases of your last layer"),
        (vgg_of_five_blocks, "halve the size five times"),
        (vgg_rounded_up, "rounds up"),
    ],
}
