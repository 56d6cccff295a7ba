"""Exercises of the chapter *Layers and blocks*."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given

Image = tuple[int, int, int]
Layers = list[tuple[Any, ...]]
State = dict[str, Tensor]


def _network(
    conv: Callable[[int, int, int], int] = lambda c, channels, k: channels * (c * k * k + 1),
    dense: Callable[[int, int], int] = lambda d, outputs: outputs * (d + 1),
    shrink: Callable[[int, int], int] = lambda side, k: side - k + 1,
    pool: Callable[[int, int], int] = lambda side, k: side // k,
    vector: Callable[[int, int, int], int] = lambda c, h, w: c * h * w,
    behind: Callable[[int, int], int] = lambda c, channels: channels,
) -> Callable[[Image, Layers], int]:
    """An answer: the parameters of a network, from what is counted and how shapes change."""

    def answer(image: Image, layers: Layers) -> int:
        (c, h, w), total = image, 0
        for kind, *sizes in layers:
            if kind == "conv":
                channels, k = sizes
                total += conv(c, channels, k)
                c, h, w = behind(c, channels), shrink(h, k), shrink(w, k)
            elif kind == "pool":
                h, w = pool(h, sizes[0]), pool(w, sizes[0])
            else:
                total += dense(vector(c, h, w), sizes[0])
                c, h, w = sizes[0], 1, 1
        return total

    return answer


def _count(image: Image, layers: Layers) -> int:
    """The parameters of a network for images (c, h, w), whose shape is followed to the end."""
    (c, h, w), total = image, 0
    for kind, size, *kernel in layers:
        if kind == "conv":
            (k,) = kernel
            total += size * (c * k * k + 1)
            c, h, w = size, h - k + 1, w - k + 1
        elif kind == "pool":
            h, w = h // size, w // size
        else:
            total += size * (c * h * w + 1)
            c, h, w = size, 1, 1
    return total


def _count_cases(generator: torch.Generator) -> Iterator[tuple[Image, Layers]]:
    yield (3, 5, 7), [("dense", 4)]
    yield (3, 9, 12), [("conv", 5, 2)]
    yield (2, 9, 12), [("conv", 5, 3), ("conv", 4, 2)]
    yield (2, 9, 12), [("dense", 6), ("dense", 5)]
    yield (2, 9, 12), [("conv", 5, 4), ("dense", 7)]
    yield (3, 11, 14), [("pool", 3), ("dense", 5)]
    yield (3, 11, 14), [("conv", 4, 3), ("pool", 2), ("conv", 6, 2), ("dense", 9), ("dense", 5)]
    yield (
        (1, 28, 28),
        [
            ("conv", 6, 5),
            ("pool", 2),
            ("conv", 16, 5),
            ("pool", 2),
            ("dense", 120),
            ("dense", 84),
            ("dense", 10),
        ],
    )
    yield (3, 9, 12), []


def _at_every_position(image: Image, layers: Layers) -> int:
    (c, h, w), total = image, 0
    for kind, *sizes in layers:
        if kind == "conv":
            channels, k = sizes
            h, w = h - k + 1, w - k + 1
            total += channels * (c * k * k + 1) * h * w
            c = channels
        elif kind == "pool":
            h, w = h // sizes[0], w // sizes[0]
        else:
            total += sizes[0] * (c * h * w + 1)
            c, h, w = sizes[0], 1, 1
    return total


def _shape_of_the_image(image: Image, layers: Layers) -> int:
    c, h, w = image
    total = 0
    for kind, *sizes in layers:
        if kind == "conv":
            total += sizes[0] * (c * sizes[1] ** 2 + 1)
        elif kind == "dense":
            total += sizes[0] * (c * h * w + 1)
    return total


def _dense_keeps_shape(image: Image, layers: Layers) -> int:
    (c, h, w), total = image, 0
    for kind, *sizes in layers:
        if kind == "conv":
            channels, k = sizes
            total += channels * (c * k * k + 1)
            c, h, w = channels, h - k + 1, w - k + 1
        elif kind == "pool":
            h, w = h // sizes[0], w // sizes[0]
        else:
            total += sizes[0] * (c * h * w + 1)
            c = sizes[0]
    return total


def _without_conv_bias(c: int, channels: int, k: int) -> int:
    return channels * c * k * k


def _without_dense_bias(d: int, outputs: int) -> int:
    return d * outputs


count_network = Exercise(
    reference=_count,
    cases=_count_cases,
    mistakes=[
        (
            _network(behind=lambda c, channels: c),
            "After a convolution the image has as many channels as the convolution has output "
            "channels. You keep those of the input.",
        ),
        (
            _network(pool=lambda side, k: (side - k) // k),
            "Your pooling has one window too few. A window as large as the image fits once.",
        ),
        (
            _network(pool=lambda side, k: side // (k * k)),
            "You divide each side by the number of pixels in a window. Height and width shrink by "
            "`k` each.",
        ),
        (
            _network(conv=_without_conv_bias, dense=_without_dense_bias),
            "The biases are missing: one for each output of a dense layer, and one for each output "
            "channel of a convolution.",
        ),
        (
            _network(dense=_without_dense_bias),
            "The biases of the dense layers are missing: one for each output.",
        ),
        (
            _network(conv=_without_conv_bias),
            "The biases of the convolutions are missing: one for each output channel.",
        ),
        (
            _network(dense=lambda d, outputs: outputs * d + 1),
            "You give each dense layer a single bias. It has one for each output.",
        ),
        (
            _network(conv=lambda c, channels, k: channels * c * k * k + 1),
            "You give each convolution a single bias. It has one for each output channel.",
        ),
        (
            _network(dense=lambda d, outputs: (outputs + 1) * d),
            "You give a dense layer a bias for each input. It has one for each output.",
        ),
        (
            _network(conv=lambda c, channels, k: channels * (k * k + 1)),
            "Your kernels have one channel. Each output channel's kernel goes over all input "
            "channels.",
        ),
        (
            _network(conv=lambda c, channels, k: channels * c * (k * k + 1)),
            "You count a bias for each pair of an input and an output channel. There is one for "
            "each output channel, added after the sum over the input channels.",
        ),
        (
            _network(conv=lambda c, channels, k: c * (channels * k * k + 1)),
            "You count a bias for each input channel of a convolution. It has one for each output "
            "channel.",
        ),
        (
            _network(conv=lambda c, channels, k: channels * (c * k + 1)),
            "Your kernels are of `k` weights. They are squares, `k` by `k`.",
        ),
        (
            _at_every_position,
            "You count the weights of a convolution once for each position. They are the same at "
            "every position; what you have counted is nearer to its work.",
        ),
        (
            _network(shrink=lambda side, k: side),
            "Your convolutions leave height and width as they are. Without padding, a kernel fits "
            "at fewer positions than there are pixels.",
        ),
        (
            _network(shrink=lambda side, k: side - k),
            "Height and width are off by one after a convolution. A kernel as large as the image "
            "fits once, and not zero times.",
        ),
        (
            _network(shrink=lambda side, k: side - 2 * (k // 2)),
            "For an odd `k` your shapes are right. For an even one, height and width shrink by "
            "k − 1 as well.",
        ),
        (
            _network(pool=lambda side, k: side),
            "Your pooling changes nothing. It leaves one number of each window of `k` by `k`.",
        ),
        (
            _network(pool=lambda side, k: side - k + 1),
            "You let the windows of the pooling overlap. They stand side by side, so there are "
            "about k times fewer of them in each direction.",
        ),
        (
            _network(pool=lambda side, k: -(-side // k)),
            "Your pooling rounds up. What does not fill a window is dropped.",
        ),
        (
            _network(vector=lambda c, h, w: c),
            "The first dense layer takes all numbers of the map, not one for each channel.",
        ),
        (
            _network(vector=lambda c, h, w: h * w),
            "The first dense layer takes all numbers of the map: you have left out its channels.",
        ),
        (
            _shape_of_the_image,
            "Every layer of yours takes the image. Each one takes what the layer before it puts "
            "out: follow the shape.",
        ),
        (
            _dense_keeps_shape,
            "After a dense layer there is a vector: height and width are gone.",
        ),
    ],
)


def _rename(state: State, old: str, new: str) -> State:
    """The same tensors; what belongs to the layer `old` belongs to `new`."""
    start = old + "."
    return {new + key[len(old) :] if key.startswith(start) else key: t for key, t in state.items()}


def _state(*keys: str) -> State:
    return {key: torch.arange(2.0) + 10 * i for i, key in enumerate(keys)}


def _rename_cases(_: torch.Generator) -> Iterator[tuple[State, str, str]]:
    yield _state("stem.weight", "stem.bias", "head.weight", "head.bias"), "head", "output"
    yield _state("head.weight", "header.weight", "head2.bias"), "head", "output"
    yield _state("body.0.head.weight", "head.weight"), "head", "output"
    yield _state("a.a.weight", "a.weight"), "a", "b"
    yield (
        _state("body.1.weight", "body.10.weight", "body.2.weight", "body_1.weight"),
        "body.1",
        "blocks.first",
    )
    yield _state("net.stem.weight", "net.head.bias", "scale"), "net", "model.net"
    yield _state("stem.weight"), "head", "output"
    yield _state("heads.weight", "headxweight"), "head", "output"
    yield _state("body.0.weight", "body.0.out.weight"), "body.0", "x"


def _keys(change: Callable[[str, str, str], str]) -> Callable[[State, str, str], State]:
    """An answer that changes each key by change(key, old, new)."""
    return lambda state, old, new: {change(key, old, new): t for key, t in state.items()}


def _parts(key: str, old: str, new: str) -> str:
    return ".".join(new if part == old else part for part in key.split("."))


def _both(state: State, old: str, new: str) -> State:
    return state | _rename(state, old, new)


def _only_those(state: State, old: str, new: str) -> State:
    return {key: t for key, t in _rename(state, old, new).items() if key not in state}


rename_keys = Exercise(
    reference=_rename,
    cases=_rename_cases,
    mistakes=[
        (
            _keys(lambda key, old, new: key.replace(old, new)),
            "`replace` changes `old` wherever it stands: in the middle of a path, and in longer "
            "names. Only the beginning of a path counts, up to a dot.",
        ),
        (
            _keys(lambda key, old, new: re.sub(rf"^{old}\.", f"{new}.", key)),
            "In a regular expression a dot stands for any character: use `re.escape(old)`.",
        ),
        (
            _keys(lambda key, old, new: key.replace(old, new, 1)),
            "You replace the first `old` that you find, wherever it stands. Only the beginning of "
            "a path counts, up to a dot.",
        ),
        (
            _keys(lambda key, old, new: key.replace(old + ".", new + ".")),
            "`replace` changes `old` in the middle of a path and at the end of longer names, too. "
            "It counts at the beginning of the key only.",
        ),
        (
            _keys(lambda key, old, new: key.replace(old + ".", new + ".", 1)),
            "You replace `old` with its dot wherever it stands first. It counts at the beginning "
            "of the key only.",
        ),
        (
            _keys(lambda key, old, new: new + key[len(old) :] if key.startswith(old) else key),
            "You change longer names that begin like `old`, such as `header` for `head`. Where "
            "does the name of the layer end?",
        ),
        (
            _keys(
                lambda key, old, new: key.replace(old, new) if key.startswith(old + ".") else key
            ),
            "You find the right keys, but then change every `old` in them. Only the first one is "
            "the layer's.",
        ),
        (
            _keys(_parts),
            "You change every part of a path that is called `old`. A path counts from the root: "
            "only its beginning may change. And `old` may itself be a path, with dots.",
        ),
        (
            _keys(
                lambda key, old, new: (
                    ".".join([new, *key.split(".")[1:]]) if key.split(".")[0] == old else key
                )
            ),
            "You compare `old` with the first part of a key. `old` may have several parts, such as "
            "`body.1`.",
        ),
        (
            _keys(
                lambda key, old, new: (
                    f"{new}.{key.split('.')[-1]}" if key.startswith(old + ".") else key
                )
            ),
            "You keep only the last part of each key. What stands between the layer's name and the "
            "last part has to stay.",
        ),
        (
            _keys(lambda key, old, new: new if key.startswith(old + ".") else key),
            "What comes after the layer's name is lost: `head.weight` becomes `output` and not "
            "`output.weight`.",
        ),
        (
            _keys(
                lambda key, old, new: (
                    new + key[len(old) + 1 :] if key.startswith(old + ".") else key
                )
            ),
            "The dot behind the name is lost.",
        ),
        (
            _both,
            "The new keys are there, and the old ones as well. A strict `load_state_dict` takes no "
            "key too many.",
        ),
        (
            _only_those,
            "Only the changed keys are left. All other keys stay as they are.",
        ),
        (
            given(_rename, state=lambda state: dict(sorted(state.items())[:1])),
            "You return after the first key. Is your `return` inside the loop?",
        ),
        (
            lambda state, old, new: _rename(state, new, old),
            "You rename in the other direction: from `new` to `old`.",
        ),
    ],
)
