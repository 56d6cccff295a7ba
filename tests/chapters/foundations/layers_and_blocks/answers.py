"""Right and wrong answers to the exercises of the chapter *Layers and blocks*."""

from __future__ import annotations

import math

import torch
from torch import nn


def count_by_torch(image, layers):
    c, h, w = image
    X, total = torch.empty(1, c, h, w, device="meta"), 0
    for kind, *sizes in layers:
        if kind == "conv":
            layer = nn.Conv2d(X.shape[1], sizes[0], sizes[1], device="meta")
        elif kind == "pool":
            layer = nn.MaxPool2d(sizes[0])
        else:
            X = X.flatten(1)
            layer = nn.Linear(X.shape[1], sizes[0], device="meta")
        X = layer(X)
        total += sum(p.numel() for p in layer.parameters())
    return total


def count_by_shapes(image, layers):
    shape, sizes = tuple(image), []
    for layer in layers:
        if layer[0] == "conv":
            _, channels, k = layer
            sizes.append(channels * shape[0] * k**2 + channels)
            shape = (channels, shape[1] - (k - 1), shape[2] - (k - 1))
        elif layer[0] == "pool":
            shape = (shape[0], shape[1] // layer[1], shape[2] // layer[1])
        else:
            sizes.append(math.prod(shape) * layer[1] + layer[1])
            shape = (layer[1],)
            shape = (*shape, 1, 1)
    return sum(sizes)


def _count(image, layers, conv, dense, side=lambda n, k: n - k + 1, pooled=lambda n, k: n // k):
    """What count_by_shapes does, with parts that can be wrong."""
    (c, h, w), n = image, 0
    for kind, size, *kernel in layers:
        if kind == "conv":
            n += conv(c, size, kernel[0])
            c, h, w = size, side(h, kernel[0]), side(w, kernel[0])
        elif kind == "pool":
            h, w = pooled(h, size), pooled(w, size)
        else:
            n += dense(c * h * w, size)
            c, h, w = size, 1, 1
    return n


def _conv(c, channels, k):
    return channels * (c * k**2 + 1)


def _dense(inputs, outputs):
    return (inputs + 1) * outputs


def count_no_biases(image, layers):
    return _count(image, layers, lambda c, m, k: c * m * k**2, lambda d, m: d * m)


def count_one_channel(image, layers):
    return _count(image, layers, lambda c, m, k: m * (k**2 + 1), _dense)


def count_same_padding(image, layers):
    return _count(image, layers, _conv, _dense, side=lambda n, k: n)


def count_off_by_one(image, layers):
    return _count(image, layers, _conv, _dense, side=lambda n, k: n - k)


def count_without_pooling(image, layers):
    return _count(image, layers, _conv, _dense, pooled=lambda n, k: n)


def rename_by_loop(state, old, new):
    renamed = {}
    for key, tensor in state.items():
        parts, n = key.split("."), len(old.split("."))
        if len(parts) > n and ".".join(parts[:n]) == old:
            key = ".".join([new, *parts[n:]])
        renamed[key] = tensor
    return renamed


def rename_by_prefix(state, old, new):
    return {
        (f"{new}.{key.removeprefix(old + '.')}" if key.startswith(f"{old}.") else key): tensor
        for key, tensor in state.items()
    }


def rename_everywhere(state, old, new):
    renamed = {}
    for key in state:
        renamed[key.replace(old, new)] = state[key]
    return renamed


def rename_longer_names(state, old, new):
    renamed = {}
    for key in state:
        name = new + key.removeprefix(old) if key.startswith(old) else key
        renamed[name] = state[key]
    return renamed


def rename_each_part(state, old, new):
    return {
        ".".join([new if part == old else part for part in key.split(".")]): tensor
        for key, tensor in state.items()
    }


def rename_and_keep(state, old, new):
    renamed = dict(state)
    for key in state:
        if key.startswith(old + "."):
            renamed[new + key[len(old) :]] = state[key]
    return renamed


def rename_and_drop(state, old, new):
    renamed = {}
    for key in state:
        if key.startswith(old + "."):
            renamed[new + key[len(old) :]] = state[key]
    return renamed


RIGHT = {
    "count_network": [count_by_torch, count_by_shapes],
    "rename_keys": [rename_by_loop, rename_by_prefix],
}
WRONG = {
    "count_network": [
        (count_no_biases, "The biases are missing"),
        (count_one_channel, "Your kernels have one channel"),
        (count_same_padding, "leave height and width as they are"),
        (count_off_by_one, "off by one"),
        (count_without_pooling, "Your pooling changes nothing"),
    ],
    "rename_keys": [
        (rename_everywhere, "wherever it stands"),
        (rename_longer_names, "longer names that begin like"),
        (rename_each_part, "every part of a path"),
        (rename_and_keep, "the old ones as well"),
        (rename_and_drop, "Only the changed keys are left"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "count_network": {
        "kind == 'conv' → kind <= 'conv'": "there are three kinds, and the others come later",
        "kind == 'pool' → kind >= 'pool'": "of the two kinds that are left, the other comes before",
    },
}
