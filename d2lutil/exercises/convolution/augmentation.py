"""Exercises of the chapter *Data augmentation*."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, tensor
from torch.nn import functional

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then


def _shift_each(X: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Each image moved by its own distance: X (n, c, h, w), right and down (n,)."""
    moves = zip(X, right.tolist(), down.tolist(), strict=True)
    return torch.stack([functional.pad(x, (a, -a, b, -b)) for x, a, b in moves])


def _shift_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    def images(*shape: int) -> Tensor:
        return 1 + torch.rand(shape, generator=generator)

    yield tensor([[[[1.0, 2, 3], [4, 5, 6]]]]), tensor([1]), tensor([0])
    yield tensor([[[[1.0, 2, 3], [4, 5, 6]]]]), tensor([0]), tensor([1])
    yield tensor([[[[1.0, 2, 3], [4, 5, 6]]]]), tensor([-1]), tensor([-1])
    yield images(3, 2, 5, 7), tensor([2, 0, -3]), tensor([1, -2, 0])
    yield images(2, 1, 6, 6), tensor([4, -4]), tensor([-5, 5])  # almost all of it is lost
    yield images(2, 3, 4, 5).double(), tensor([0, 0]), tensor([0, 0])
    for n, c, h, w in ((5, 1, 8, 6), (4, 3, 5, 9)):
        side = min(h, w)  # so that exchanged distances are inside, too
        right = torch.randint(1 - side, side, (n,), generator=generator)
        down = torch.randint(1 - side, side, (n,), generator=generator)
        yield images(n, c, h, w), right, down


def _rolled(X: Tensor, right: Tensor, down: Tensor) -> Tensor:
    moves = zip(X, down.tolist(), right.tolist(), strict=True)
    return torch.stack([x.roll((b, a), dims=(1, 2)) for x, b, a in moves])


def _stretched(X: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """What is empty repeats the border."""
    h, w = X.shape[2:]
    rows = (torch.arange(h) - down[:, None]).clamp(0, h - 1)  # (n, h)
    columns = (torch.arange(w) - right[:, None]).clamp(0, w - 1)  # (n, w)
    n, c = X.shape[:2]
    i, j = torch.arange(n)[:, None, None, None], torch.arange(c)[:, None, None]
    return X[i, j, rows[:, None, :, None], columns[:, None, None, :]]


def _negative(a: Tensor) -> Tensor:
    return -a


def _first(a: Tensor) -> Tensor:
    return a[:1].expand(len(a))


shift_each = Exercise(
    reference=_shift_each,
    cases=_shift_cases,
    mistakes=[
        (
            lambda X, right, down: _shift_each(X, -right, -down),
            "Your images move the opposite way, to the left and up where the numbers are positive.",
        ),
        (
            lambda X, right, down: _square(X, down, right),
            "You move to the right by `down`, and down by `right`. The last dimension of `X` is "
            "the width.",
        ),
        (
            given(_shift_each, right=_negative),
            "Your images move to the left where `right` is positive.",
        ),
        (given(_shift_each, down=_negative), "Your images move up where `down` is positive."),
        (
            _rolled,
            "What leaves the image comes in again at the other side, as `roll` does it. It is to "
            "be lost.",
        ),
        (
            _stretched,
            "What is empty repeats the pixels at the border in your images. It is to be 0.",
        ),
        (
            lambda X, right, down: _shift_each(X, _first(right), _first(down)),
            "You move all images by the distances of the first one. Each has its own.",
        ),
        (
            given(_shift_each, down=torch.zeros_like),
            "Your images move to the right and left only. What of `down`?",
        ),
        (
            given(_shift_each, right=torch.zeros_like),
            "Your images move up and down only. What of `right`?",
        ),
        (
            lambda X, right, down: _shift_each(X, right.clamp(min=0), down.clamp(min=0)),
            "A negative distance does nothing in your answer. It moves to the left, or up.",
        ),
        (
            lambda X, right, down: _shift_each(X, right.abs(), down.abs()),
            "Your answer takes a negative distance for a positive one. It moves to the left, or "
            "up.",
        ),
        (
            lambda X, right, down: _lost_only(X, right, down),
            "You set to 0 what becomes empty, but the rest has stayed where it was.",
        ),
    ],
)


def _square(X: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """As the reference, for distances that may be larger than the image."""
    h, w = X.shape[2:]
    moved = _shift_each(X, right.clamp(1 - w, w - 1), down.clamp(1 - h, h - 1))
    return moved * ((right.abs() < w) & (down.abs() < h))[:, None, None, None]


def _lost_only(X: Tensor, right: Tensor, down: Tensor) -> Tensor:
    return X * (_shift_each(torch.ones_like(X), right, down) > 0)


Mixed = tuple[Tensor, Tensor]


def _cut_mix(
    X: Tensor, Y: Tensor, order: Tensor, top: int, left: int, height: int, width: int
) -> Mixed:
    """A rectangle of other images, labels by area: X (n, c, h, w), Y (n, K), order (n,)."""
    h, w = X.shape[2:]
    bottom, right = min(h, top + height), min(w, left + width)
    images = X.clone()
    images[:, :, top:bottom, left:right] = X[order, :, top:bottom, left:right]
    share = (bottom - top) * (right - left) / (h * w)
    return images, (1 - share) * Y + share * Y[order]


def _cut_mix_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor, int, int, int, int]]:
    def examples(n: int, c: int, h: int, w: int, K: int) -> Mixed:
        images = torch.rand(n, c, h, w, generator=generator)
        classes = torch.randint(K, (n,), generator=generator)
        classes[:2] = torch.arange(n)[:2] % K
        return images, torch.eye(K)[classes]

    X = torch.arange(1.0, 41).reshape(2, 1, 4, 5)
    yield X, torch.eye(2), tensor([1, 0]), 1, 2, 2, 3
    yield *examples(3, 2, 6, 7, 4), tensor([1, 2, 0]), 2, 1, 3, 2
    yield *examples(3, 1, 5, 8, 3), tensor([2, 0, 1]), 3, 1, 4, 3  # over the lower border
    yield *examples(4, 3, 6, 5, 5), tensor([3, 1, 0, 2]), 1, 3, 2, 7  # over the right one
    yield *examples(3, 1, 5, 4, 3), tensor([1, 2, 0]), 4, 2, 2, 3  # over both
    yield *examples(3, 2, 4, 6, 4), tensor([1, 2, 0]), 0, 0, 9, 9  # the whole image
    yield *examples(1, 1, 3, 4, 2), tensor([0]), 0, 1, 2, 1
    images, labels = examples(5, 2, 7, 9, 6)
    yield images.double(), labels.double(), tensor([2, 3, 4, 1, 0]), 0, 5, 1, 3
    for n, c, h, w, K in ((6, 1, 8, 10, 4), (5, 3, 9, 6, 7)):
        order = torch.randperm(n, generator=generator)
        top = int(torch.randint(h, (), generator=generator))
        left = int(torch.randint(w, (), generator=generator))
        height, width = torch.randint(2, h, (2,), generator=generator).tolist()
        yield *examples(n, c, h, w, K), order, top, left, height, width


def _labelled(
    labels: Callable[[Tensor, Tensor, float, float], Tensor],
) -> Callable[..., Mixed]:
    """An answer with the right images and labels(Y, Y[order], share, share of the whole one)."""

    def wrong(
        X: Tensor, Y: Tensor, order: Tensor, top: int, left: int, height: int, width: int
    ) -> Mixed:
        images, _ = _cut_mix(X, Y, order, top, left, height, width)
        h, w = X.shape[2:]
        area = min(height, h - top) * min(width, w - left)
        return images, labels(Y, Y[order], area / (h * w), height * width / (h * w))

    return wrong


def _pasted(
    change: Callable[[Tensor, Tensor, tuple], Tensor],
) -> Callable[..., Mixed]:
    """An answer with the right labels and the images change(X, X[order], part)."""

    def wrong(
        X: Tensor, Y: Tensor, order: Tensor, top: int, left: int, height: int, width: int
    ) -> Mixed:
        part = (..., slice(top, top + height), slice(left, left + width))
        _, labels = _cut_mix(X, Y, order, top, left, height, width)
        return change(X.clone(), X[order], part), labels

    return wrong


def _filled(images: Tensor, part: tuple, values: Tensor | float) -> Tensor:
    images[part] = values
    return images


def _other_way(X: Tensor, others: Tensor, part: tuple) -> Tensor:
    return _filled(others, part, X[part])


def _transposed(
    X: Tensor, Y: Tensor, order: Tensor, top: int, left: int, height: int, width: int
) -> Mixed:
    """Rows and columns exchanged; where nothing is left, nothing is pasted."""
    part = (..., slice(left, left + width), slice(top, top + height))
    share = X[0, 0][part].numel() / X[0, 0].numel()
    return _filled(X.clone(), part, X[order][part]), (1 - share) * Y + share * Y[order]


def _to_edges(
    X: Tensor, Y: Tensor, order: Tensor, top: int, left: int, height: int, width: int
) -> Mixed:
    """With height and width as the last row and column."""
    part = (..., slice(top, height), slice(left, width))
    share = X[0, 0][part].numel() / X[0, 0].numel()
    return _filled(X.clone(), part, X[order][part]), (1 - share) * Y + share * Y[order]


def _longer(
    X: Tensor, Y: Tensor, order: Tensor, top: int, left: int, height: int, width: int
) -> Mixed:
    return _cut_mix(X, Y, order, top, left, height + 1, width + 1)


def _pushed(
    X: Tensor, Y: Tensor, order: Tensor, top: int, left: int, height: int, width: int
) -> Mixed:
    """The rectangle moved until it is inside."""
    h, w = X.shape[2:]
    top, left = max(0, min(top, h - height)), max(0, min(left, w - width))
    return _cut_mix(X, Y, order, top, left, height, width)


cut_mix = Exercise(
    reference=_cut_mix,
    cases=_cut_mix_cases,
    returns=("images", "labels"),
    mistakes=[
        (
            _labelled(lambda Y, others, share, whole: (1 - whole) * Y + whole * others),
            "Your labels count the whole rectangle, `height` times `width`. Where it reaches over "
            "the border, only a part of it is pasted.",
        ),
        (
            _labelled(
                lambda Y, others, share, whole: (1 - min(whole, 1)) * Y + min(whole, 1) * others
            ),
            "Your labels count the whole rectangle, `height` times `width`. Where it reaches over "
            "the border, only a part of it is pasted.",
        ),
        (
            _labelled(lambda Y, others, share, whole: share * Y + (1 - share) * others),
            "The weights of the two labels are exchanged: a small rectangle of the other image "
            "should change the label a little.",
        ),
        (
            _labelled(lambda Y, others, share, whole: Y.clone()),
            "Your images have two parts, but your labels are those of the first image alone.",
        ),
        (
            _labelled(lambda Y, others, share, whole: others),
            "Your labels are those of the other image alone.",
        ),
        (
            _labelled(lambda Y, others, share, whole: (Y + others) / 2),
            "Both labels have the weight ½ in your answer. Count pixels.",
        ),
        (
            _labelled(lambda Y, others, share, whole: Y + share * others),
            "Your labels do not sum to 1: what the other image has covered is missing from the "
            "first.",
        ),
        (
            then(_cut_mix, lambda images, labels: (labels, images)),
            "The two are the wrong way round: first the images, then the labels.",
        ),
        (
            _pasted(_other_way),
            "You paste image i into image `order[i]`. The rectangle alone is to come from "
            "`order[i]`.",
        ),
        (
            _pasted(lambda X, others, part: _filled(X, part, 0.0)),
            "Your rectangle is 0, as in cutout. It should hold the pixels of image `order[i]`.",
        ),
        (
            _pasted(lambda X, others, part: X),
            "Your labels are mixed, but your images are as they were.",
        ),
        (
            _pasted(lambda X, others, part: _filled(X, part, (X[part] + others[part]) / 2)),
            "Inside the rectangle you average the two images. It should hold the pixels of image "
            "`order[i]` alone.",
        ),
        (
            given(_cut_mix, order=lambda order: order.argsort()),
            "Your image i goes to `order[i]`. It should be the other way round: the rectangle "
            "comes from `order[i]`.",
        ),
        (
            given(_cut_mix, order=lambda order: order.roll(1)),
            "You take the pixels and labels of another example than `order[i]`.",
        ),
        (
            given(_cut_mix, order=lambda order: (torch.arange(len(order)) - 1) % len(order)),
            "You mix each example with the one before it, as the chapter's `mixup` does. The "
            "other one is `order[i]`.",
        ),
        (
            given(_cut_mix, order=lambda order: torch.arange(len(order)).flip(0)),
            "You take the examples in reverse order. The other one of i is `order[i]`.",
        ),
        (
            _transposed,
            "Rows and columns are exchanged: `top` and `height` belong to the rows, dimension 2.",
        ),
        (
            lambda X, Y, order, top, left, height, width: _cut_mix(
                X, Y, order, top, left, width, height
            ),
            "`height` and `width` are exchanged: `height` counts rows, dimension 2.",
        ),
        (
            _to_edges,
            "You cut at row `height` and column `width`. These are the size of the rectangle; it "
            "begins at `top` and `left`.",
        ),
        (
            _longer,
            "Your rectangle has a row and a column too many: the last row is "
            "`top + height - 1`, and a slice ends before its second number.",
        ),
        (
            _pushed,
            "You move the rectangle into the image where it reaches over the border. It is to be "
            "cut off there.",
        ),
    ],
)
