"""Exercises of the chapter *Boxes*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _corners(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The lower and the higher corners (n, 2) of boxes (n, 4) given as centre and size."""
    return boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2


def _areas(boxes: Tensor) -> Tensor:
    return boxes[:, 2:].prod(dim=1)


def _intersection(A: Tensor, B: Tensor, least: float | None = 0) -> Tensor:
    """The area (n,) of the intersections of the boxes of A (n, 4) with those of B (n, 4)."""
    (low_a, high_a), (low_b, high_b) = _corners(A), _corners(B)
    sides = torch.minimum(high_a, high_b) - torch.maximum(low_a, low_b)
    return (sides if least is None else sides.clamp(min=least)).prod(dim=1)


def _iou(A: Tensor, B: Tensor) -> Tensor:
    """The IoU (n,) of boxes A (n, 4) and B (n, 4), given as centre and size."""
    low = torch.maximum(A[:, :2] - A[:, 2:] / 2, B[:, :2] - B[:, 2:] / 2)  # (n, 2)
    high = torch.minimum(A[:, :2] + A[:, 2:] / 2, B[:, :2] + B[:, 2:] / 2)  # (n, 2)
    intersection = (high - low).clamp(min=0).prod(dim=1)  # (n,)
    return intersection / (A[:, 2:].prod(dim=1) + B[:, 2:].prod(dim=1) - intersection)


def _iou_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[4.0, 3.0, 4.0, 4.0]]), tensor([[6.5, 3.0, 5.0, 2.0]])
    yield tensor([[10.0, 10.0, 4.0, 6.0]]), tensor([[10.0, 10.0, 4.0, 6.0]])
    yield tensor([[10.0, 10.0, 4.0, 6.0]]), tensor([[30.0, 12.0, 5.0, 3.0]])
    yield tensor([[10.0, 10.0, 4.0, 6.0]]), tensor([[30.0, 40.0, 5.0, 3.0]])
    yield tensor([[10.0, 10.0, 4.0, 6.0]]), tensor([[11.0, 30.0, 5.0, 3.0]])
    yield tensor([[10.0, 10.0, 4.0, 6.0]]), tensor([[13.5, 15.5, 4.0, 6.0]])  # half a pixel
    yield tensor([[10.0, 10.0, 4.0, 6.0]]), tensor([[10.5, 11.0, 2.0, 3.0]])  # one in the other
    for n in (2, 3, 6):
        A, B = (
            torch.cat(
                [
                    20 + 4 * torch.randn(n, 2, generator=generator),
                    5 + 8 * torch.rand(n, 2, generator=generator),
                ],
                dim=1,
            )
            for _ in range(2)
        )
        yield A, B


def _as(low_high: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Callable[[Tensor, Tensor], Tensor]:
    """The IoU (n,) if the corners of the boxes (n, 4) were these."""

    def iou(A: Tensor, B: Tensor) -> Tensor:
        (low_a, high_a), (low_b, high_b) = low_high(A), low_high(B)
        sides = (torch.minimum(high_a, high_b) - torch.maximum(low_a, low_b)).clamp(min=0)
        intersection = sides.prod(dim=1)
        areas = (high_a - low_a).prod(dim=1) + (high_b - low_b).prod(dim=1)
        return intersection / (areas - intersection)

    return iou


def _not_clamped(A: Tensor, B: Tensor) -> Tensor:
    intersection = _intersection(A, B, least=None)
    return intersection / (_areas(A) + _areas(B) - intersection)


def _clamped_late(A: Tensor, B: Tensor) -> Tensor:
    intersection = _intersection(A, B, least=None).clamp(min=0)
    return intersection / (_areas(A) + _areas(B) - intersection)


def _sides(A: Tensor, B: Tensor) -> Tensor:
    """Width and height (n, 2) of the intersections, negative where boxes are apart."""
    (low_a, high_a), (low_b, high_b) = _corners(A), _corners(B)
    return torch.minimum(high_a, high_b) - torch.maximum(low_a, low_b)


def _full_sides(A: Tensor, B: Tensor) -> Tensor:
    """The same of boxes twice as wide and high."""
    high = torch.minimum(A[:, :2] + A[:, 2:], B[:, :2] + B[:, 2:])
    return high - torch.maximum(A[:, :2] - A[:, 2:], B[:, :2] - B[:, 2:])


def _with_sides(A: Tensor, B: Tensor, sides: Tensor) -> Tensor:
    intersection = sides.prod(dim=1)
    return intersection / (_areas(A) + _areas(B) - intersection)


def _clamped_once(dim: int) -> Callable[[Tensor, Tensor], Tensor]:
    def iou(A: Tensor, B: Tensor) -> Tensor:
        sides = _sides(A, B)
        sides[:, dim].clamp_(min=0)
        return _with_sides(A, B, sides)

    return iou


def _by_distance(A: Tensor, B: Tensor) -> Tensor:
    """Half the sum of the sizes minus the distance, also where one box lies within the other."""
    sides = (A[:, 2:] + B[:, 2:]) / 2 - (A[:, :2] - B[:, :2]).abs()
    return _with_sides(A, B, sides.clamp(min=0))


def _areas_of_corners(A: Tensor, B: Tensor) -> Tensor:
    intersection = _intersection(A, B)
    areas = sum((boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (A, B))
    return intersection / (areas - intersection)


def _overwritten(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Corners where the lower ones take the centre's place before the higher are computed."""
    low = boxes[:, :2] - boxes[:, 2:] / 2
    return low, low + boxes[:, 2:] / 2


def _enclosing(A: Tensor, B: Tensor) -> Tensor:
    """Minimum and maximum exchanged: the smallest box round both."""
    (low_a, high_a), (low_b, high_b) = _corners(A), _corners(B)
    around = (torch.maximum(high_a, high_b) - torch.minimum(low_a, low_b)).prod(dim=1)
    return around / (_areas(A) + _areas(B) - around)


centre_iou = Exercise(
    reference=_iou,
    cases=_iou_cases,
    mistakes=[
        (
            lambda A, B: _intersection(A, B) / (_areas(A) + _areas(B)),
            "You divide by the sum of both areas. The intersection is counted twice in there; two "
            "equal boxes would have an IoU of 1/2.",
        ),
        (
            _areas_of_corners,
            "Your intersection is right. But `[:, 2:] - [:, :2]` is the size of a box given by its "
            "corners; here the last two numbers are the size.",
        ),
        (
            _as(lambda boxes: (boxes[:, :2], boxes[:, 2:])),
            "You read the boxes as corners. The last two numbers of each are its width and height.",
        ),
        (
            _as(lambda boxes: (boxes[:, :2], boxes[:, :2] + boxes[:, 2:])),
            "You read the first two numbers as the left upper corner. They are the centre: half of "
            "the box lies to its left.",
        ),
        (
            _as(lambda boxes: (boxes[:, :2] - boxes[:, 2:], boxes[:, :2] + boxes[:, 2:])),
            "Your boxes are twice as wide and high as they should be. An edge is half a size away "
            "from the centre.",
        ),
        (
            lambda A, B: _with_sides(A, B, _full_sides(A, B).clamp(min=0)),
            "Your edges are a full size away from the centre. It is half a size to each side.",
        ),
        (
            _as(_overwritten),
            "Your right and lower edges end in the centre. Did you overwrite it with the left and "
            "upper edge before you used it?",
        ),
        (
            _enclosing,
            "You have `minimum` and `maximum` the wrong way round: this is the box round both. "
            "The intersection begins at the larger of the two left edges.",
        ),
        (
            lambda A, B: _intersection(A, B) / (_areas(A) + _areas(B) + _intersection(A, B)),
            "You add the intersection to the two areas. It is in both of them already: subtract "
            "it once.",
        ),
        *(
            (
                _clamped_once(dim),
                "You cut off one of the two sides at 0. Boxes may be apart in x, in y, or in both: "
                "cut off each side.",
            )
            for dim in (0, 1)
        ),
        (
            lambda A, B: _with_sides(A, B, _sides(A, B).abs()),
            "You take the absolute value of a negative side. Boxes that are apart share nothing: "
            "cut off at 0.",
        ),
        (
            _by_distance,
            "Half of both sizes minus the distance of the centres is too much where one box lies "
            "within the other: what they share is no wider than the narrower one.",
        ),
        (
            _as(
                lambda boxes: (
                    boxes[:, :2] - boxes[:, [3, 2]] / 2,
                    boxes[:, :2] + boxes[:, [3, 2]] / 2,
                )
            ),
            "You exchange width and height. The third number is the width and belongs to x.",
        ),
        (
            _as(lambda boxes: (boxes[:, :2] - boxes[:, 2:] // 2, boxes[:, :2] + boxes[:, 2:] // 2)),
            "`//` cuts half a size down to whole pixels. Half a pixel counts: divide by `/`.",
        ),
        (
            _not_clamped,
            "Boxes that are apart get an overlap from you. The width and height of their "
            "intersection are negative, and the product of two negative numbers is positive.",
        ),
        (
            _clamped_late,
            "You cut off negative areas, which comes too late: where both width and height are "
            "negative, their product is positive. Cut off each of them.",
        ),
        (
            _intersection,
            "This is the area of the intersection. Divide it by the area of the union.",
        ),
        (
            lambda A, B: _intersection(A, B) / _areas(A),
            "You divide by the area of `A` alone. A huge box of `B` round a small one of `A` would "
            "have an IoU of 1.",
        ),
        (
            lambda A, B: _intersection(A, B) / _areas(B),
            "You divide by the area of `B` alone. A huge box of `A` round a small one of `B` would "
            "have an IoU of 1.",
        ),
        (
            lambda A, B: _intersection(A, B) / torch.minimum(_areas(A), _areas(B)),
            "You divide by the smaller area. A small box inside a large one would have an IoU of "
            "1, however large the other is.",
        ),
        (
            lambda A, B: _intersection(A, B) / torch.maximum(_areas(A), _areas(B)),
            "You divide by the larger area. The union is larger still, unless one box lies within "
            "the other.",
        ),
        (
            lambda A, B: 1 - _iou(A, B),
            "This is 1 minus the IoU, a distance. Equal boxes have an IoU of 1.",
        ),
    ],
)


def _precisions(correct: Tensor) -> Tensor:
    return correct.double().cumsum(dim=0) / torch.arange(1, len(correct) + 1)


def _best(P: Tensor) -> Tensor:
    """At each index the best number here or later: (k,) -> (k,)."""
    return P.flip(0).cummax(dim=0).values.flip(0)


def _area(correct: Tensor, count: int) -> float:
    return (_best(_precisions(correct))[correct].sum() / count).item()


def _area_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
    yield tensor([True, True, False, True, False]), 4
    yield tensor([False, True, True]), 3
    yield tensor([True, False, False, True, True, False]), 7
    for k, count in ((8, 9), (15, 12), (30, 21)):
        yield torch.rand(k, generator=generator) < 0.5, count
    yield tensor([False, False]), 3


def _mean_height(P: Tensor, correct: Tensor) -> float:
    return P[correct].mean().item()


def _not_turned_back(P: Tensor) -> Tensor:
    return P.flip(0).cummax(dim=0).values


def _at_levels(correct: Tensor, count: int) -> float:
    P, R = _precisions(correct), correct.double().cumsum(dim=0) / count
    levels = torch.arange(101, dtype=torch.float64) / 100
    return torch.where(levels[:, None] - 1e-12 <= R, P, 0.0).amax(dim=1).mean().item()


def _trapezia(P: Tensor, correct: Tensor, count: int) -> float:
    return torch.trapezoid(P, correct.double().cumsum(dim=0) / count).item()


def _later_alone(correct: Tensor, count: int) -> float:
    """Without the precision at the true positive itself."""
    P = torch.cat([_precisions(correct)[1:], torch.zeros(1, dtype=torch.float64)])
    return (_best(P)[correct].sum() / count).item()


def _from_zero(correct: Tensor, count: int, least: int = 1) -> float:
    P = correct.double().cumsum(dim=0) / torch.arange(len(correct)).clamp(min=least)
    return (_best(P)[correct].sum() / count).item()


def _without_the_first_step(correct: Tensor, count: int) -> float:
    steps = correct.double().clone()
    steps[0] = 0
    return ((_best(_precisions(correct)) * steps).sum() / count).item()


TRAPEZIA = (
    "You join the points by straight lines, as `trapezoid` does. Here the area is made of steps: "
    "each is `1 / count` wide and as high as the best precision from there on."
)
DIVIDED_BY_FOUND = (
    "You divide by the number of true positives. Objects that were never found count as well: "
    "divide by `count`."
)
TWO_THINGS = (
    "Two things. Divide by `count`, since objects that were never found count as well. And take "
    "the best precision at each true positive or later."
)

area_precision = Exercise(
    reference=_area,
    cases=_area_cases,
    mistakes=[
        (
            lambda correct, count: (_precisions(correct)[correct].sum() / count).item(),
            "You take the precision at each true positive. Asked for is the best one at this "
            "detection or a later one, so that the curve never rises.",
        ),
        (
            lambda correct, count: _mean_height(_best(_precisions(correct)), correct),
            DIVIDED_BY_FOUND,
        ),
        (
            lambda correct, count: (
                _best(_precisions(correct))[correct].sum() / max(int(correct.sum()), 1)
            ).item(),
            DIVIDED_BY_FOUND,
        ),
        (
            lambda correct, count: (_best(_precisions(correct))[correct].sum()).item(),
            "You add up the heights of the steps. Each step is `1 / count` wide.",
        ),
        (
            lambda correct, count: (
                _not_turned_back(_precisions(correct))[correct].sum() / count
            ).item(),
            "You turn the list round for the running maximum and leave it so. Turn it back before "
            "you pick the true positives.",
        ),
        (
            lambda correct, count: _mean_height(_precisions(correct), correct),
            TWO_THINGS,
        ),
        (
            lambda correct, count: (
                _precisions(correct)[correct].sum() / max(int(correct.sum()), 1)
            ).item(),
            TWO_THINGS,
        ),
        (
            lambda correct, count: _best(_precisions(correct)).mean().item(),
            "You take the mean over all detections. Only a true positive raises the recall, so "
            "only a true positive adds a step to the area.",
        ),
        (
            lambda correct, count: _precisions(correct).mean().item(),
            "This is the mean precision over all detections. Only a true positive adds a step to "
            "the area, and its height is the best precision from there on.",
        ),
        (
            lambda correct, count: (_best(_precisions(correct)).sum() / count).item(),
            "Your false positives add steps, too. Only a true positive raises the recall.",
        ),
        (
            lambda correct, count: (
                _precisions(correct).cummax(dim=0).values[correct].sum() / count
            ).item(),
            "You take the best precision so far. It is the best one *from here on* that counts: "
            "the maximum has to run from the end of the list.",
        ),
        (
            lambda correct, count: _trapezia(_precisions(correct), correct, count),
            TRAPEZIA,
        ),
        (
            _later_alone,
            "You take the best precision after each true positive. Its own precision counts as "
            "well.",
        ),
        *(
            (
                partial(_from_zero, least=least),
                "You divide by the number of detections *before* each one. After the first "
                "detection there is one: count from 1.",
            )
            for least in (0, 1)
        ),
        (
            _without_the_first_step,
            "The first step is missing, as differences and `trapezoid` leave it out. Where the "
            "first detection is a true positive, the recall rises from 0 to `1 / count`.",
        ),
        (
            lambda correct, count: (
                (correct.double().cumsum(dim=0) / count)[correct].sum() / count
            ).item(),
            "You add up recalls. A precision is the true positives so far, divided by the "
            "detections so far.",
        ),
        (
            lambda correct, count: (
                _best(_precisions(correct))[correct].sum() / len(correct)
            ).item(),
            "You divide by the number of detections. Each step of the recall is `1 / count` wide.",
        ),
        (
            _at_levels,
            "You take the mean at 101 levels of recall, as COCO does. Here the whole area is asked "
            "for, without levels.",
        ),
        (
            lambda correct, count: _precisions(correct)[-1].item(),
            "This is the precision of the whole list. The area is made of a step for each true "
            "positive.",
        ),
        (
            lambda correct, count: (correct.sum() / count).item(),
            "This is the recall of the whole list. Each step of the area has a height, the best "
            "precision from there on.",
        ),
        (
            lambda correct, count: _area(correct.flip(0), count),
            "You go through the list from its end. The detection of the highest confidence comes "
            "first.",
        ),
    ],
)
