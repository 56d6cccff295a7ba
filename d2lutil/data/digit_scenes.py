"""Scenes to find things in: handwritten digits of many sizes on crops of photographs."""

from __future__ import annotations

import functools

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from d2lutil._arguments import check_number
from d2lutil.data.images import digits
from d2lutil.data.tables import Part, Split, check_validation_size
from d2lutil.runtime import scale

MOST_DIGITS = 6  # in a scene

Box = tuple[int, int, int, int]  # left, top, right, bottom


def scenes(
    train_size: int | None = None,
    test_size: int | None = None,
    *,
    validation_size: int | None = None,
) -> Split:
    """Return scenes of one to six handwritten digits, and where each digit is.

    ``X (n, 3, 96, 96)`` float32 from 0 to 1. ``y (n, 6, 5)`` float32: for each digit its class and
    the corners of its box, ``(class, left, top, right, bottom)``, in pixels; rows that are left
    over hold -1. A box goes round the ink and is 12 to 48 pixels high. Boxes overlap a little: at
    most a fifth of the smaller one is covered. At small scale 1,000 scenes to train on and 300 to
    test on; at full scale 10,000 and 1,000, of 192 pixels, with digits as large as before.

    With a `validation_size`, a part of its own between the two others. No digit, and no place in a
    photograph, is in two parts. Each part is the same at every call, whatever the sizes of the
    others: more scenes of a part begin with those that fewer have.

    Source: the digits of `digits`; the photographs ``china.jpg`` by danielbuechele and
    ``flower.jpg`` by dany13, both CC BY 2.0, from ``sklearn.datasets``.

    Raises ``ValueError`` where a size is not from 1 to 50,000, ``TypeError`` where it is not a
    whole number.

    >>> (X, y), (X_test, y_test) = scenes(100, 10)
    >>> X.shape, y_test.shape
    (torch.Size([100, 3, 96, 96]), torch.Size([10, 6, 5]))
    """
    train_size = scale(small=1000, full=10_000) if train_size is None else train_size
    test_size = scale(small=300, full=1000) if test_size is None else test_size
    check_number("train_size", train_size, least=1, most=50_000, whole=True)
    check_number("test_size", test_size, least=1, most=50_000, whole=True)
    check_validation_size(validation_size, most=50_000)
    size = scale(small=96, full=192)
    sources = digits(validation_size=500)
    sizes = (train_size, validation_size, test_size)
    return tuple(
        _scenes(n, size, *source, photographs, np.random.default_rng(k))
        for k, (n, source, photographs) in enumerate(zip(sizes, sources, _regions(), strict=True))
        if n is not None
    )


@functools.cache
def _photographs() -> np.ndarray:
    """Two photographs (2, 3, 427, 640), from 0 to 1."""
    from sklearn.datasets import load_sample_image

    images = np.stack([load_sample_image(name) for name in ("china.jpg", "flower.jpg")])
    return images.transpose(0, 3, 1, 2).astype(np.float32) / 255


def _regions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each photograph, what is seen in training, in validation and in testing.

    The left two thirds are for training. Of the rest, validation has the upper half of one
    photograph and the lower half of the other, and testing what remains, so that they are alike.
    """
    photographs = _photographs()
    edge, middle = 2 * photographs.shape[-1] // 3, photographs.shape[-2] // 2
    rest = photographs[..., edge:]  # (2, 3, 427, 214)
    upper, lower = rest[..., :middle, :], rest[..., -middle:, :]  # (2, 3, 213, 214) each
    validation, test = (np.stack(halves) for halves in ((upper[0], lower[1]), (lower[0], upper[1])))
    return photographs[..., :edge], validation, test


def _scenes(
    n: int, size: int, X: Tensor, y: Tensor, photographs: np.ndarray, draw: np.random.Generator
) -> Part:
    """Scenes (n, 3, size, size) of digits X (m, 1, 28, 28), y (m,); their boxes (n, 6, 5)."""

    def whole(low: int, high: int) -> int:
        """A random whole number from low to high, both included."""
        return low + int(draw.random() * (high + 1 - low))

    images, classes = X[:, 0].numpy(), y.tolist()  # (m, 28, 28)
    count, _, height, width = photographs.shape
    scenes = np.empty((n, 3, size, size), np.float32)
    found = np.full((n, MOST_DIGITS, 5), -1, np.float32)
    for scene, rows in zip(scenes, found, strict=True):
        a, b = whole(0, height - size), whole(0, width - size)
        scene[:] = photographs[whole(0, count - 1), :, a : a + size, b : b + size]
        boxes: list[Box] = []
        for _ in range(whole(1, MOST_DIGITS)):
            which, tall = whole(0, len(classes) - 1), whole(12, 48)
            ink = _ink(images[which], tall)  # (tall, wide)
            wide = ink.shape[1]
            for _ in range(10):  # places, until one is free enough
                left, top = whole(0, size - wide), whole(0, size - tall)
                box = (left, top, left + wide, top + tall)
                if all(_covered(box, other) <= 0.2 for other in boxes):
                    patch = scene[:, top : top + tall, left : left + wide]  # (3, tall, wide)
                    tint = draw.random((3, 1, 1), np.float32) / 4
                    colour = 1 - tint if patch.mean() < 0.5 else tint  # light on dark, or reverse
                    patch += ink * (colour - patch)
                    rows[len(boxes)] = (classes[which], *box)
                    boxes.append(box)
                    break
    return torch.from_numpy(scenes), torch.from_numpy(found)


def _ink(image: np.ndarray, tall: int) -> np.ndarray:
    """The ink of a digit (28, 28) without its margin, made `tall` pixels high: (tall, wide)."""
    dark = image > 0.3
    rows, columns = (np.flatnonzero(dark.any(axis=axis)) for axis in (1, 0))
    image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]  # (h, w)
    wide = min(48, max(3, round(tall * image.shape[1] / image.shape[0])))
    return np.asarray(Image.fromarray(image).resize((wide, tall), Image.Resampling.BILINEAR))


def _covered(a: Box, b: Box) -> float:
    """The share of the smaller box that both have."""
    wide, tall = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return max(wide, 0) * max(tall, 0) / min(areas)
