"""Detection: how much boxes overlap, which of them to keep, and how good a detector is.

A box is ``(left, top, right, bottom)``. An object is a row ``(class, box)`` of five numbers, as
`data.scenes` has them, with -1 in rows that hold none; a detection is a row ``(class, box, score)``
of six.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor

# COCO's levels of recall, rounded as there: not by torch.linspace, whose 0.30 is beyond 3/10.
LEVELS = torch.arange(101, dtype=torch.float64) * 0.01


def iou(A: Tensor, B: Tensor) -> Tensor:
    """Intersection over union of each of the boxes A (n, 4) with each of B (m, 4): (n, m).

    Computed in float32 where boxes are whole numbers or of half precision, whose range ends at an
    area of 256 by 256 pixels. Boxes that share nothing, and empty ones, have an IoU of 0. Taught in
    the chapter *Boxes*.

    >>> iou(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2], [5, 5, 6, 6]]))
    tensor([[0.3333, 0.0000]])
    """
    for name, boxes in {"A": A, "B": B}.items():
        _check(name, boxes, 4)
    A, B = _precise(A)[:, None], _precise(B)[None]  # (n, 1, 4), (1, m, 4)
    corner = torch.minimum(A[..., 2:], B[..., 2:]) - torch.maximum(A[..., :2], B[..., :2])
    shared = corner.clamp(min=0).prod(dim=2)  # (n, m)
    both = _areas(A) + _areas(B) - shared  # (n, m)
    return shared / both.clamp(min=torch.finfo(both.dtype).tiny)


def nms(detections: Tensor, threshold: float = 0.5) -> Tensor:
    """The detections (n, 6) that non-maximum suppression keeps, the best first: (m, 6).

    Of two detections of one class whose boxes have an IoU greater than `threshold`, the one with
    the lower score goes, if the other stays; of equal scores, the first is the better one.
    Suppression within one class is taught in the chapter *Boxes*.

    >>> found = torch.tensor([[7, 0, 0, 10, 9, 0.7], [7, 0, 0, 10, 10, 0.8], [1, 0, 0, 9, 9, 0.6]])
    >>> nms(found)[:, 0]
    tensor([7., 1.])
    """
    from torchvision import ops

    _check("detections", detections, 6)
    _check_share("threshold", threshold)
    order = detections[:, 5].argsort(descending=True, stable=True)  # (n,)
    detections = detections[order]
    classes, boxes = detections[:, 0].cpu(), detections[:, 1:5].cpu()  # (n,), (n, 4)
    precise = _precise(boxes).dtype
    threshold = torch.tensor(float(threshold), dtype=precise).item()  # rounded like an IoU
    # Boxes of different classes are moved apart, so that they overlap no more. In double precision
    # that rounds nothing; torchvision's batched_nms does the same in the boxes' own precision.
    boxes = boxes.double()
    if len(boxes):
        which = classes.unique(return_inverse=True)[1]  # (n,)
        boxes = boxes + (which * (boxes.max() - boxes.min() + 1))[:, None]
    ranks = torch.arange(len(boxes), 0, -1, dtype=boxes.dtype)  # (n,) the first is the best
    return detections[ops.nms(boxes, ranks, threshold).to(detections.device)]


def true_positives(detections: Tensor, objects: Tensor, threshold: float = 0.5) -> Tensor:
    """Which of an image's detections (n, 6) are right about its objects (m, 5): bool (n,).

    The best detection first, each takes the object of its class that it overlaps most and that is
    still free, if their IoU is `threshold` or more.

    >>> digit = torch.tensor([[7.0, 0, 0, 10, 10]])
    >>> true_positives(torch.tensor([[7, 0, 0, 10, 9, 0.8], [7, 0, 0, 10, 10, 0.7]]), digit)
    tensor([ True, False])
    """
    _check("detections", detections, 6)
    _check("objects", objects, 5)
    _check_share("threshold", threshold)
    answer = torch.zeros(len(detections), dtype=torch.bool)  # (n,)
    for c in detections[:, 0].unique():
        mine, true = detections[:, 0] == c, objects[objects[:, 0] == c]
        all_count = torch.ones(len(true), dtype=torch.bool)  # (m,)
        answer[mine] = _match(detections[mine], true, all_count, threshold) >= 0
    return answer


def average_precisions(
    detections: Sequence[Tensor],
    objects: Sequence[Tensor],
    *,
    threshold: float = 0.5,
    areas: tuple[float, float] = (0, inf),
) -> dict[int, float]:
    """Each class's average precision, over all images, as the COCO evaluation computes it.

    Taught in the chapter *Boxes*.

    `detections` holds a tensor (k, 6) for each image and `objects` one (m, 5), or all of them
    (images, m, 5). Which detections are right is decided as in `true_positives`. The
    average precision is the mean, over 101 levels of recall from 0 to 1, of the best precision at
    that recall or a higher one. Only classes with an object are in the answer.

    `areas`: count only objects whose boxes have an area in this range, both ends included;
    detections of other objects, and unmatched ones of another size, count neither way.

    >>> objects = torch.tensor([[[7.0, 0, 0, 10, 10]]])
    >>> average_precisions([torch.tensor([[7, 0, 0, 10, 9, 0.8]])], objects)
    {7: 1.0}
    """
    if len(detections) != len(objects) or not len(objects):
        raise ValueError(
            "detections and objects must be of as many images, at least one; they are of "
            f"{len(detections)} and {len(objects)}"
        )
    for found, true in zip(detections, objects, strict=True):
        _check("detections", found, 6)
        _check("objects", true, 5)
    _check_share("threshold", threshold)
    classes = sorted({int(c) for true in objects for c in true[:, 0].tolist() if c >= 0})
    answer = {}
    for c in classes:
        verdicts, count = [torch.zeros(0, 2, dtype=torch.float64)], 0
        for found, true in zip(detections, objects, strict=True):
            found, true = found[found[:, 0] == c].cpu(), true[true[:, 0] == c].cpu()
            if len(found) + len(true) == 0:
                continue
            counted = _within(true[:, 1:5], areas)  # (m,)
            verdicts.append(_judge(found, true, counted, threshold, areas))
            count += int(counted.sum())
        if count:
            answer[c] = _average_precision(torch.cat(verdicts), count)
    return answer


def mean_average_precision(
    detections: Sequence[Tensor],
    objects: Sequence[Tensor],
    *,
    threshold: float = 0.5,
    areas: tuple[float, float] = (0, inf),
) -> float:
    """The mean of `average_precisions` over the classes; NaN if no object counts.

    >>> mean_average_precision([torch.zeros(0, 6)], torch.tensor([[[7.0, 0, 0, 10, 10]]]))
    0.0
    """
    each = average_precisions(detections, objects, threshold=threshold, areas=areas)
    return sum(each.values()) / len(each) if each else float("nan")


def _judge(
    found: Tensor, true: Tensor, counted: Tensor, threshold: float, areas: tuple[float, float]
) -> Tensor:
    """Score and verdict of each detection that counts, in one image and class: (k, 2)."""
    which = _match(found, true, counted, threshold)  # (n,)
    right = which >= 0
    right[right.clone()] = counted[which[right]]
    counts = right | ((which < 0) & _within(found[:, 1:5], areas))  # (n,)
    return torch.stack([found[counts, 5].double(), right[counts].double()], dim=1)


def _match(found: Tensor, true: Tensor, counted: Tensor, threshold: float) -> Tensor:
    """The index of each detection's object, -1 where it has none, in one image and class: (n,)."""
    overlaps = iou(found[:, 1:5].double(), true[:, 1:5].double())  # (n, m)
    near = overlaps >= min(threshold, 1 - 1e-10)  # (n, m)
    which = torch.full((len(found),), -1)  # (n,)
    if not near.any():
        return which
    free = torch.ones(len(true), dtype=torch.bool)  # (m,)
    order = found[:, 5].argsort(descending=True, stable=True)  # (n,)
    for i in order[near[order].any(dim=1)].tolist():
        for kind in (counted, ~counted):  # objects that count are taken first
            able = near[i] & free & kind  # (m,)
            if able.any():
                which[i] = torch.where(able, overlaps[i], -1.0).argmax()
                free[which[i]] = False
                break
    return which


def _average_precision(verdicts: Tensor, count: int) -> float:
    """From scores and verdicts (k, 2) of all images, and how many objects there are."""
    right = verdicts[verdicts[:, 0].argsort(descending=True, stable=True), 1]  # (k,)
    correct = right.cumsum(0)
    recall = correct / count
    precision = correct / torch.arange(1, len(right) + 1)
    best = precision.flip(0).cummax(0).values.flip(0)  # at this recall or a higher one
    at = torch.searchsorted(recall, LEVELS)
    return torch.cat([best, best.new_zeros(1)])[at].mean().item()


def _within(boxes: Tensor, areas: tuple[float, float]) -> Tensor:
    sizes = _areas(_precise(boxes))  # (n,)
    return (sizes >= areas[0]) & (sizes <= areas[1])


def _precise(numbers: Tensor) -> Tensor:
    """In float32 unless they are more precise than that."""
    return numbers.to(torch.promote_types(numbers.dtype, torch.float32))


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1)


def _check(name: str, rows: Tensor, columns: int) -> None:
    if not isinstance(rows, Tensor) or rows.ndim != 2 or rows.shape[1] != columns:
        got = tuple(rows.shape) if isinstance(rows, Tensor) else f"a {type(rows).__name__}"
        raise ValueError(f"{name} must be a tensor (n, {columns}), not {got}")
    if rows.is_complex() or rows.dtype is torch.bool:
        raise TypeError(f"{name} must hold real numbers, not {rows.dtype}")


def _check_share(name: str, value: float) -> None:
    if isinstance(value, str) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be from 0 to 1, not {value!r}")
