"""Scenes to find things in: handwritten digits of many sizes on crops of photographs."""

from __future__ import annotations

import functools

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from d2lutil._arguments import check_flag, check_number
from d2lutil.data.images import digits
from d2lutil.data.tables import Part, Split, check_validation_size
from d2lutil.runtime import scale

MOST_DIGITS = 6  # in a scene
MOST_IN_A_CROWD = 12

Box = tuple[int, int, int, int]  # left, top, right, bottom


def scenes(
    train_size: int | None = None,
    test_size: int | None = None,
    *,
    validation_size: int | None = None,
    crowded: bool = False,
) -> Split:
    """Return scenes of one to six handwritten digits, and where each digit is.

    ``X (n, 3, 96, 96)`` float32 from 0 to 1. ``y (n, 6, 5)`` float32: for each digit its class and
    the corners of its box, ``(class, left, top, right, bottom)``, in pixels; rows that are left
    over hold -1. A box goes round the ink and is 12 to 48 pixels high. Boxes overlap a little: at
    most a fifth of the smaller one is covered. At small scale 1,000 scenes to train on and 300 to
    test on; at full scale 10,000 and 1,000, of 192 pixels, with digits as large as before.

    With `crowded`, most digits are small: half of what is in a scene are rows of two to four digits
    of 10 to 16 pixels, side by side, and the heights of the others are spread evenly over the
    logarithms from 10 to 48. There are up to twelve, so ``y (n, 12, 5)``.

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
    check_flag("crowded", crowded)
    size = scale(small=96, full=192)
    sources = digits(validation_size=500)
    sizes = (train_size, validation_size, test_size)
    return tuple(
        _scenes(n, size, *source, photographs, np.random.default_rng(k), crowded)
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
    n: int,
    size: int,
    X: Tensor,
    y: Tensor,
    photographs: np.ndarray,
    draw: np.random.Generator,
    crowded: bool,
) -> Part:
    """Scenes (n, 3, size, size) of digits X (m, 1, 28, 28), y (m,); their boxes (n, 6 or 12, 5)."""
    images, classes = X[:, 0].numpy(), y.tolist()  # (m, 28, 28)
    count, _, height, width = photographs.shape
    most = MOST_IN_A_CROWD if crowded else MOST_DIGITS
    scenes = np.empty((n, 3, size, size), np.float32)
    found = np.full((n, most, 5), -1, np.float32)
    for scene, rows in zip(scenes, found, strict=True):
        a, b = _whole(draw, 0, height - size), _whole(draw, 0, width - size)
        scene[:] = photographs[_whole(draw, 0, count - 1), :, a : a + size, b : b + size]
        taken: list[Box] = []
        digit = 0
        for _ in range(_whole(draw, *((2, 4) if crowded else (1, MOST_DIGITS)))):
            inks, gap = _row(images, classes, draw, crowded)
            tall = inks[0][1].shape[0]
            wide = sum(ink.shape[1] for _, ink in inks) + gap * (len(inks) - 1)
            if wide > size or digit + len(inks) > most:
                continue
            for _ in range(10):  # places, until one is free enough
                left, top = _whole(draw, 0, size - wide), _whole(draw, 0, size - tall)
                box = (left, top, left + wide, top + tall)
                if all(_covered(box, other) <= 0.2 for other in taken):
                    taken.append(box)
                    patch = scene[:, top : top + tall, left : left + wide]  # (3, tall, wide)
                    tint = draw.random((3, 1, 1), np.float32) / 4
                    colour = 1 - tint if patch.mean() < 0.5 else tint  # light on dark, or reverse
                    for label, ink in inks:
                        right = left + ink.shape[1]
                        patch = scene[:, top : top + tall, left:right]
                        patch += ink * (colour - patch)
                        rows[digit] = (label, left, top, right, top + tall)
                        left, digit = right + gap, digit + 1
                    break
    return torch.from_numpy(scenes), torch.from_numpy(found)


def _row(
    images: np.ndarray, classes: list[int], draw: np.random.Generator, crowded: bool
) -> tuple[list[tuple[int, np.ndarray]], int]:
    """One digit, or in a crowd perhaps several: each one's class and ink, and the gap between."""
    count, tall = 1, None
    if crowded and draw.random() < 0.5:
        count, tall = _whole(draw, 2, 4), _whole(draw, 10, 16)
    elif crowded:
        tall = round(10 * 4.8 ** draw.random())
    inks = []
    for _ in range(count):
        which = _whole(draw, 0, len(classes) - 1)
        tall = tall or _whole(draw, 12, 48)
        inks.append((classes[which], _ink(images[which], tall)))
    return inks, _whole(draw, 1, 3) if count > 1 else 0


def _whole(draw: np.random.Generator, low: int, high: int) -> int:
    """A random whole number from low to high, both included."""
    return low + int(draw.random() * (high + 1 - low))


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
