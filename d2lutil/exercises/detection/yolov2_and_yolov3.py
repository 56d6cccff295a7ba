"""Exercises of the chapter *YOLO, versions 2 and 3*."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _overlaps(shapes: Tensor, anchors: Tensor) -> Tensor:
    """The IoU (n, k) of shapes (n, 2) and anchors (k, 2) with one centre."""
    shared = torch.minimum(shapes[:, None], anchors).prod(dim=2)
    return shared / (shapes.prod(dim=1)[:, None] + anchors.prod(dim=1) - shared)


def _shared(shapes: Tensor, anchors: Tensor) -> Tensor:
    return torch.minimum(shapes[:, None], anchors).prod(dim=2)


def _enclosing(shapes: Tensor, anchors: Tensor) -> Tensor:
    """Minimum and maximum exchanged: (n, k)."""
    around = torch.maximum(shapes[:, None], anchors).prod(dim=2)
    return around / (_areas(shapes, anchors) - around)


def _areas(shapes: Tensor, anchors: Tensor) -> Tensor:
    return shapes.prod(dim=1)[:, None] + anchors.prod(dim=1)


def _areas_alone(shapes: Tensor, anchors: Tensor) -> Tensor:
    """The smaller of two areas as a share of the larger: (n, k)."""
    a, b = shapes.prod(dim=1)[:, None], anchors.prod(dim=1)  # (n, 1), (k,)
    return torch.minimum(a, b) / torch.maximum(a, b)


def _fit_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[10.0, 20.0]]), tensor([[12.0, 16.0]])
    yield tensor([[10.0, 20.0], [30.0, 42.0]]), tensor([[12.0, 16.0], [33.0, 40.0]])
    yield tensor([[8.0, 20.0], [21.0, 20.0], [30.0, 18.0]]), tensor([[12.0, 12.0], [24.0, 45.0]])
    for n, k in ((5, 3), (9, 4), (4, 6)):
        shapes = 5 + 40 * torch.rand(n, 2, generator=generator)
        yield shapes, 5 + 40 * torch.rand(k, 2, generator=generator)


def _by_distance(shapes: Tensor, anchors: Tensor) -> float:
    nearest = torch.cdist(shapes, anchors).argmin(dim=1)  # (n,)
    return _overlaps(shapes, anchors)[torch.arange(len(shapes)), nearest].mean().item()


def _by_shared(shapes: Tensor, anchors: Tensor) -> float:
    """The anchor with the largest shared area, not IoU."""
    most = _shared(shapes, anchors).argmax(dim=1)  # (n,)
    return _overlaps(shapes, anchors)[torch.arange(len(shapes)), most].mean().item()


def _by_cluster(shapes: Tensor, anchors: Tensor) -> float:
    """The mean over the anchors of their clusters' means."""
    best, which = _overlaps(shapes, anchors).max(dim=1)  # (n,), (n,)
    return torch.stack([best[which == j].mean() for j in which.unique()]).mean().item()


anchor_fit = Exercise(
    reference=lambda shapes, anchors: _overlaps(shapes, anchors).amax(dim=1).mean().item(),
    cases=_fit_cases,
    mistakes=[
        (
            lambda shapes, anchors: _overlaps(shapes, anchors).amax(dim=1),
            "These are the best overlaps, one for each shape. Take their mean.",
        ),
        (
            lambda shapes, anchors: _overlaps(shapes, anchors).amin(dim=1).mean().item(),
            "You take the anchor that each shape overlaps least. Take the largest IoU.",
        ),
        (
            lambda shapes, anchors: _areas_alone(shapes, anchors).amax(dim=1).mean().item(),
            "You compare areas only. A thin and a wide box of the same area may share little.",
        ),
        (
            lambda shapes, anchors: _enclosing(shapes, anchors).amax(dim=1).mean().item(),
            "You take the larger of the two widths and heights. What two boxes with one centre "
            "share is as wide as the narrower one and as high as the lower one.",
        ),
        (
            lambda shapes, anchors: _overlaps(shapes, anchors).mean().item(),
            "This is the mean over all pairs. Each shape takes only the anchor that it overlaps "
            "most.",
        ),
        (
            lambda shapes, anchors: _overlaps(shapes, anchors).amax(dim=0).mean().item(),
            "You take the best shape for each anchor. Asked for is the best anchor for each shape.",
        ),
        (
            lambda shapes, anchors: 1 - _overlaps(shapes, anchors).amax(dim=1).mean().item(),
            "This is the mean distance, 1 minus the IoU. Equal shapes have an IoU of 1.",
        ),
        (
            lambda shapes, anchors: _overlaps(shapes, anchors).amax(dim=1).sum().item(),
            "You add up the best overlaps. Divide by the number of shapes.",
        ),
        (
            lambda shapes, anchors: _overlaps(shapes, anchors).max().item(),
            "This is the best overlap of all. Take the best for each shape, and then the mean.",
        ),
        (
            lambda shapes, anchors: (
                (_shared(shapes, anchors) / _areas(shapes, anchors)).amax(dim=1).mean().item()
            ),
            "You divide by the sum of both areas. What they share is counted twice in there; two "
            "equal shapes would have 1/2.",
        ),
        (
            lambda shapes, anchors: (
                (_shared(shapes, anchors) / shapes.prod(dim=1)[:, None]).amax(dim=1).mean().item()
            ),
            "You divide by the area of the shape alone. A huge anchor would fit every shape.",
        ),
        (
            lambda shapes, anchors: (
                (_shared(shapes, anchors) / anchors.prod(dim=1)).amax(dim=1).mean().item()
            ),
            "You divide by the area of the anchor alone. A tiny anchor would fit every shape.",
        ),
        (
            lambda shapes, anchors: (
                (_shared(shapes, anchors) / (_areas(shapes, anchors) + _shared(shapes, anchors)))
                .amax(dim=1)
                .mean()
                .item()
            ),
            "You add what they share to the two areas. It is in both of them already: subtract it "
            "once.",
        ),
        (
            lambda shapes, anchors: _overlaps(shapes, anchors.flip(1)).amax(dim=1).mean().item(),
            "You compare widths with heights. The first number is the width in both.",
        ),
        (
            _by_shared,
            "You choose the anchor by the area that is shared. A huge anchor shares most with "
            "every shape: choose by the IoU.",
        ),
        (
            _by_cluster,
            "You take the mean for each anchor first. Asked for is the mean over the shapes: an "
            "anchor with many of them counts more.",
        ),
        (
            _by_distance,
            "You choose the anchor by the Euclidean distance of widths and heights. The one with "
            "the largest overlap may be another.",
        ),
    ],
)


def _direct_boxes(t: Tensor, cells: Tensor, stride: float, anchors: Tensor) -> Tensor:
    """Corners (n, 4) of what t (n, 4) says in cells (n, 2) with anchors (n, 2)."""
    centre = stride * (cells + torch.sigmoid(t[:, :2]))  # (n, 2)
    half = anchors * torch.exp(t[:, 2:]) / 2  # (n, 2)
    return torch.cat([centre - half, centre + half], dim=1)


def _boxes(
    sigmoid: Callable[[Tensor], Tensor] = torch.sigmoid,
    exp: Callable[[Tensor], Tensor] = torch.exp,
    half: float | None = 0.5,
    place: Callable[[Tensor, Tensor, Tensor, float], Tensor] | None = None,
    turn: bool = False,
) -> Callable[[Tensor, Tensor, float, Tensor], Tensor]:
    """Direct location with some of its parts replaced."""

    def boxes(t: Tensor, cells: Tensor, stride: float, anchors: Tensor) -> Tensor:
        where = sigmoid(t[:, :2])
        centre = stride * (cells + where) if place is None else place(where, cells, anchors, stride)
        side = (stride / 2 if half is None else half) * anchors * exp(t[:, 2:])
        side = side.flip(1) if turn else side
        return torch.cat([centre - side, centre + side], dim=1)

    return boxes


def _centre_and_size(t: Tensor, cells: Tensor, stride: float, anchors: Tensor) -> Tensor:
    centre = stride * (cells + torch.sigmoid(t[:, :2]))
    return torch.cat([centre, anchors * torch.exp(t[:, 2:])], dim=1)


def _corner_and_size(t: Tensor, cells: Tensor, stride: float, anchors: Tensor) -> Tensor:
    boxes = _boxes()(t, cells, stride, anchors)
    return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)


def _from_corner(t: Tensor, cells: Tensor, stride: float, anchors: Tensor) -> Tensor:
    low = stride * (cells + torch.sigmoid(t[:, :2]))
    return torch.cat([low, low + anchors * torch.exp(t[:, 2:])], dim=1)


def _box_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, float, Tensor]]:
    yield tensor([[0.4, -0.4, 0.1, -0.2]]), tensor([[3.0, 4.0]]), 12.0, tensor([[20.0, 27.0]])
    for n, stride in ((2, 6.0), (3, 24.0), (5, 12.0)):
        t = torch.randn(n, 4, generator=generator)
        cells = torch.randint(2, 9, (n, 2), generator=generator).float()
        yield t, cells, stride, 8 + 30 * torch.rand(n, 2, generator=generator)


direct_boxes = Exercise(
    reference=_direct_boxes,
    cases=_box_cases,
    mistakes=[
        (
            _boxes(sigmoid=lambda t: t),
            "The centre leaves its cell: the sigmoid of `t[:, :2]` is missing.",
        ),
        (
            _boxes(exp=lambda t: t),
            "You multiply the anchor by `t` itself. A `t` of 0 would give a box of no size: take "
            "`exp` first.",
        ),
        (
            _boxes(exp=torch.sigmoid),
            "You take the sigmoid of `t[:, 2:]`, too. No box could be larger than its anchor: take "
            "`exp` there.",
        ),
        (
            lambda t, cells, stride, anchors: _boxes()(
                torch.cat([t[:, :2], 0 * t[:, 2:]], dim=1),
                cells,
                stride,
                anchors + torch.exp(t[:, 2:]),
            ),
            "You add `exp(t)` to the anchor. It is a factor: multiply.",
        ),
        (
            lambda t, cells, stride, anchors: _boxes()(
                torch.cat([t[:, :2], 0 * t[:, 2:]], dim=1), cells, stride, anchors + t[:, 2:]
            ),
            "You add `t` to the anchor. Multiply the anchor by `exp(t)`.",
        ),
        (
            _boxes(exp=lambda t: 1 + t),
            "You multiply the anchor by `1 + t`, which is near `exp(t)` for a small `t` only. A "
            "`t` of -2 would give a negative size.",
        ),
        (
            _boxes(sigmoid=torch.exp),
            "You take `exp` for the centre as well. It may leave the cell: take the sigmoid of "
            "`t[:, :2]`.",
        ),
        (
            _boxes(sigmoid=lambda t: t + 0.5),
            "You add `t` to the cell's middle. The centre may leave the cell: take the sigmoid of "
            "`t[:, :2]`, from the corner.",
        ),
        (
            lambda t, cells, stride, anchors: _boxes()(t, cells, stride, anchors).clamp(min=0),
            "You cut the boxes off at the image's edge. Asked for are the boxes as predicted.",
        ),
        (
            _boxes(half=1.0),
            "Your boxes are twice as wide and high as they should be. A corner is half a size away "
            "from the centre.",
        ),
        (
            _boxes(place=lambda where, cells, anchors, stride: stride * cells + where),
            "You add the sigmoid in pixels. It is in cells: multiply it by `stride`, too.",
        ),
        (
            _boxes(place=lambda where, cells, anchors, stride: cells + stride * where),
            "You do not multiply the cell's column and row by `stride`. They count cells.",
        ),
        (
            _boxes(place=lambda where, cells, anchors, stride: cells + where),
            "Your centres are in cells. Multiply them by `stride` to get pixels.",
        ),
        (
            _boxes(place=lambda where, cells, anchors, stride: stride * where),
            "All your boxes are in the first cell: `cells` is not used.",
        ),
        (
            _boxes(place=lambda where, cells, anchors, stride: stride * cells + anchors * where),
            "You measure the position in widths of the anchor, as free offsets do. Direct location "
            "measures it in cells.",
        ),
        (
            _boxes(
                sigmoid=lambda t: t,
                place=lambda where, cells, anchors, stride: (
                    stride * (cells + 0.5) + anchors * where
                ),
            ),
            "These are free offsets, from the cell's middle and in widths of the anchor. Direct "
            "location goes from the corner, in cells, through a sigmoid.",
        ),
        (
            _boxes(
                place=lambda where, cells, anchors, stride: stride * (cells.flip(1) + where),
            ),
            "You take the row for x and the column for y. `cells` holds the column first.",
        ),
        (
            _boxes(sigmoid=lambda t: torch.sigmoid(t) - 0.5),
            "You count from the cell's middle. `cells` gives its corner, and the sigmoid is the "
            "position from there, from 0 to 1.",
        ),
        (
            _boxes(place=lambda where, cells, anchors, stride: stride * (cells + 0.5 + where)),
            "You count from the cell's middle. `cells` gives its corner, and the sigmoid is the "
            "position from there, from 0 to 1: nothing is added.",
        ),
        (
            lambda t, cells, stride, anchors: _boxes()(t, cells, stride, anchors.flip(1)),
            "You take the anchors as height and width. The width comes first, as x does.",
        ),
        (
            _boxes(turn=True),
            "You exchange width and height: `t[:, 2]` and the anchor's first number belong to x.",
        ),
        (
            _boxes(half=None),
            "You multiply the anchors by `stride`. They are in pixels already.",
        ),
        (
            lambda t, cells, stride, anchors: _boxes()(
                t, cells, stride, torch.full((1, 2), stride)
            ),
            "The anchors are not used: your boxes begin as large as a cell.",
        ),
        (
            lambda t, cells, stride, anchors: _boxes()(t, cells, stride, anchors) / stride,
            "Your boxes are in cells. Asked for are pixels, and the anchors are in pixels already.",
        ),
        (
            _corner_and_size,
            "This is the left upper corner and the size. Asked for are both corners.",
        ),
        (
            _centre_and_size,
            "This is the centre and the size. Asked for are the corners.",
        ),
        (
            _from_corner,
            "You take the centre for the left upper corner. Half of the box lies to its left.",
        ),
    ],
)
