"""Exercises of the chapter *YOLO, version 1*."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, tensor
from torch.nn import functional

from d2lutil.exercises import Exercise


def _centre_cell(boxes: Tensor, size: int, S: int) -> Tensor:
    """Row and column (n, 2) of the cell that the centre of each of the boxes (n, 4) is in."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2  # (n, 2), x and y
    return (centres * S / size).long().clamp(max=S - 1).flip(1)


def _middles(boxes: Tensor) -> Tensor:
    """The centres (n, 2) of boxes (n, 4), as x and y."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _cells(points: Tensor, size: int, S: int, clamp: bool = True) -> Tensor:
    """Row and column (n, 2) of the cells that points (n, 2), as x and y, are in."""
    cells = (points * S / size).long().flip(1)  # (n, 2)
    return cells.clamp(max=S - 1) if clamp else cells


def _cell_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int, int]]:
    yield tensor([[50.0, 20.0, 62.0, 40.0]]), 96, 8
    yield tensor([[4.0, 34, 13, 57], [90, 84, 96, 96], [28, 12, 36, 20]]), 96, 6
    for size, S, n in ((96, 8, 3), (60, 5, 6), (448, 7, 4)):
        low = torch.rand(n, 2, generator=generator) * size * 0.6
        high = low + (0.1 + 0.3 * torch.rand(n, 2, generator=generator)) * size
        yield torch.cat([low, high], dim=1).round(), size, S
    yield tensor([[81.0, 82.0, 89.0, 90.0], [2.0, 20.0, 28.0, 24.0]]), 100, 7
    yield tensor([[10.0, 0.0, 19.0, 9.0], [10.5, 0.0, 18.5, 9.0]]), 100, 7  # half a pixel decides
    yield tensor([[-12.0, 12.0, 40.0, 30.0], [36.0, -12.0, 44.0, 24.0]]), 96, 8
    yield tensor([[84.0, 10.0, 108.0, 20.0], [20.0, 96.0, 30.0, 96.0]]), 96, 8
    yield tensor([[70.0, 10.0, 110.0, 20.0], [10.0, 70.0, 20.0, 112.0]]), 96, 8


def _units(boxes: Tensor, size: int, S: int) -> Tensor:
    """The centres' positions (n, 2) in units of cells, as y and x."""
    return (_middles(boxes) * S / size).flip(1)


# Each with the last cell for a centre on the edge, and without.
_SLIPS = [
    (
        lambda boxes, size, S, clamp: _cells(_middles(boxes), size, S, clamp).flip(1),
        "Column and row are exchanged. x runs along a row and gives the column; y, counted "
        "downwards, gives the row, and the row comes first.",
    ),
    (
        lambda boxes, size, S, clamp: _cells(boxes[:, :2], size, S, clamp),
        "These are the cells of the left upper corners. An object belongs to the cell that its "
        "centre is in.",
    ),
    (
        lambda boxes, size, S, clamp: _cells(boxes[:, 2:], size, S, clamp),
        "These are the cells of the right lower corners. An object belongs to the cell that "
        "its centre is in.",
    ),
    (
        lambda boxes, size, S, clamp: _cells(boxes[:, :2] + boxes[:, 2:] / 2, size, S, clamp),
        "You take the last two numbers for width and height. They are the right and lower edges.",
    ),
    (
        lambda boxes, size, S, clamp: _cells(
            (_middles(boxes) * S / size).round() * size / S + 1e-3, size, S, clamp
        ),
        "You round to the nearest whole number. A centre 0.9 of the way through cell 2 is "
        "still in cell 2: cut off what comes after the point.",
    ),
    (
        lambda boxes, size, S, clamp: _cells(
            (_middles(boxes) * S / size).ceil() * size / S + 1e-3, size, S, clamp
        ),
        "You round up. A centre in the middle of the first cell is in cell 0: cut off what comes "
        "after the point.",
    ),
    (
        lambda boxes, size, S, clamp: _cells(_middles(boxes), S * S, S, clamp),
        "You divide by `S`, the number of cells. How many pixels wide is one of them?",
    ),
    (
        lambda boxes, size, S, clamp: _cells(_middles(boxes) / S, size, S, clamp),
        "You divide by `size`, which gives fractions of the image. How many cells are that?",
    ),
    (
        lambda boxes, size, S, clamp: _cells(_middles(boxes), size // S * S, S, clamp),
        "`size // S` cuts a cell down to whole pixels. The cells of an image of 100 pixels may be "
        "7 in number.",
    ),
    (
        lambda boxes, size, S, clamp: _cells(
            (boxes[:, [0, 2]] + boxes[:, [1, 3]]) / 2, size, S, clamp
        ),
        "You take the mean of a left and an upper edge. The centre's x is halfway from left to "
        "right, its y from top to bottom.",
    ),
    (
        lambda boxes, size, S, clamp: _cells((boxes[:, 2:] - boxes[:, :2]) / 2, size, S, clamp),
        "This is half of the width and height. The centre is halfway between the edges: add them.",
    ),
    *(
        (
            cut,
            "You cut down to whole pixels first, and half a pixel may decide. Cut off what comes "
            "after the point once, at the end.",
        )
        for cut in (
            lambda boxes, size, S, clamp: _cells(_middles(boxes).floor(), size, S, clamp),
            lambda boxes, size, S, clamp: _cells(_middles(boxes.floor()), size, S, clamp),
        )
    ),
    (
        lambda boxes, size, S, clamp: _cells(_middles(boxes) * (S - 1) / S, size, S, clamp),
        "You divide the image into `S - 1` parts. There are `S` cells, numbered from 0 to `S - 1`.",
    ),
]


centre_cell = Exercise(
    reference=_centre_cell,
    cases=_cell_cases,
    mistakes=[
        *((partial(slip, clamp=clamp), hint) for slip, hint in _SLIPS for clamp in (True, False)),
        (
            lambda boxes, size, S: _cells(_middles(boxes.clamp(0, size)), size, S),
            "You cut the boxes off at the image's edge first, which moves their centres.",
        ),
        (
            lambda boxes, size, S: _cells(_middles(boxes.clamp(0, size - 1)), size, S),
            "You cut the boxes off at the image's edge first, which moves their centres.",
        ),
        *(
            (
                lambda boxes, size, S, corner=corner: _cells(corner(boxes).clamp(min=0), size, S),
                "These are the cells of the left upper corners. An object belongs to the cell that "
                "its centre is in.",
            )
            for corner in (lambda boxes: boxes[:, :2], lambda boxes: boxes[:, [1, 0]])
        ),
        *(
            (
                lambda boxes, size, S, clamp=clamp: _cells(2 * _middles(boxes), size, S, clamp),
                "You add the two edges. The centre is halfway between them: take half of the sum.",
            )
            for clamp in (True, False)
        ),
        (
            _units,
            "These are positions in units of cells. The number of a cell is whole: cut off what "
            "comes after the point.",
        ),
        (
            lambda boxes, size, S: _cells(_middles(boxes), size, S, clamp=False),
            "A centre on the right or lower edge of the image gets a cell that does not exist. "
            "The last one is `S - 1`.",
        ),
        (
            lambda boxes, size, S: _units(boxes, size, S) % 1,
            "These are positions within the cells. The number of a cell is what you cut off.",
        ),
        (
            lambda boxes, size, S: _cells(_middles(boxes), size, S).T,
            "Each box should have a row of the answer, with its row and column of the grid: "
            "`stack` the two with `dim=1`.",
        ),
        (
            lambda boxes, size, S: _middles(boxes).flip(1).long(),
            "These are pixels. How many pixels wide is a cell?",
        ),
        (
            lambda boxes, size, S: _cells(_middles(boxes), size, S) + 1,
            "Your cells are counted from 1. Tensors count from 0.",
        ),
    ],
)


def _confidence_cost(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    """Both confidence terms, of confidence and overlap (n, B) and there (n,)."""
    mine = torch.zeros_like(there)[:, None].repeat(1, overlap.shape[1])  # (n, B)
    mine[torch.arange(len(mine)), overlap.argmax(dim=1)] = there
    one = functional.mse_loss(confidence[mine], overlap[mine], reduction="sum")
    return (one + 0.5 * confidence[~mine].square().sum()).item()


def _confidence(
    confidence: Tensor,
    overlap: Tensor,
    there: Tensor,
    *,
    weight: float = 0.5,
    ones: bool = False,
    others: bool = True,
    empty: bool = True,
    all_mine: bool = False,
    surest: bool = False,
    worst: bool = False,
    first: float = 1.0,
    own: bool = False,
    twice: bool = False,
    power: int = 2,
) -> float:
    """The same with some of its parts replaced."""
    best = (confidence if surest else -overlap if worst else overlap).argmax(dim=1)  # (n,)
    mine = functional.one_hot(best, confidence.shape[1]).bool()  # (n, B)
    mine = torch.ones_like(mine) if all_mine else mine
    mine = mine & there[:, None]
    rest = torch.ones_like(mine) if twice else ~mine
    rest = rest & ~there[:, None] if not others else rest
    rest = rest & there[:, None] if not empty else rest
    goal = torch.ones_like(overlap) if ones else overlap
    one = ((confidence - goal).abs() ** power * mine).sum()
    silent = (confidence - overlap if own else confidence).abs() ** power
    return (first * one + weight * (silent * rest).sum()).item()


def _confidence_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    yield tensor([[0.7, 0.2]]), tensor([[0.6, 0.3]]), tensor([True])
    yield tensor([[0.3, 0.4]]), tensor([[0.0, 0.0]]), tensor([False])
    yield tensor([[0.2, 0.9]]), tensor([[0.7, 0.4]]), tensor([True])
    yield tensor([[0.4, 0.4]]), tensor([[0.0, 0.0]]), tensor([True])  # none of them overlaps it
    yield tensor([[0.9, 0.1]]), tensor([[0.5, 0.5]]), tensor([True])  # both overlap it alike
    yield tensor([[0.4], [0.3]]), tensor([[0.8], [0.0]]), tensor([True, False])  # B = 1
    for n, B in ((4, 2), (7, 3), (9, 2)):
        there = torch.arange(n) % 3 != 1  # (n,)
        overlap = torch.rand(n, B, generator=generator) * there[:, None]
        yield torch.rand(n, B, generator=generator) + 0.05, overlap, there


def _wrong(**options: bool | float):
    return lambda confidence, overlap, there: _confidence(confidence, overlap, there, **options)


def _only_mine(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    return _confidence(confidence, overlap, there, weight=0)


def _square_of_sums(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    best = functional.one_hot(overlap.argmax(dim=1), overlap.shape[1]).bool()  # (n, B)
    mine = best & there[:, None]
    one, silent = (confidence - overlap)[mine].sum(), confidence[~mine].sum()
    return (one**2 + 0.5 * silent**2).item()


def _means(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    """The mean of each term; a term without a box is NaN."""
    best = functional.one_hot(overlap.argmax(dim=1), overlap.shape[1]).bool()  # (n, B)
    mine = best & there[:, None]
    one, silent = (confidence - overlap)[mine].square(), confidence[~mine].square()
    return (one.mean() + 0.5 * silent.mean()).item()


def _best_of_columns(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    mine = torch.zeros_like(overlap, dtype=torch.bool)  # (n, B)
    mine[overlap.argmax(dim=0), torch.arange(overlap.shape[1])] = True
    mine = mine & there[:, None]
    one, silent = (confidence - overlap)[mine].square(), confidence[~mine].square()
    return (one.sum() + 0.5 * silent.sum()).item()


def _by_overlap(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    return _confidence(confidence, overlap, (overlap > 0).any(dim=1))


def _last_best(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    return _confidence(confidence.flip(1), overlap.flip(1), there)


def _all_best(
    confidence: Tensor, overlap: Tensor, there: Tensor, *, meets: bool = False, asks: bool = False
) -> float:
    """Every box of the largest IoU is responsible: in cells that `there` names, if it is asked."""
    mine = overlap == overlap.amax(dim=1, keepdim=True)  # (n, B)
    mine = mine & (overlap > 0) if meets else mine
    mine = mine & there[:, None] if asks else mine
    one, silent = (confidence - overlap)[mine].square(), confidence[~mine].square()
    return (one.sum() + 0.5 * silent.sum()).item()


confidence_cost = Exercise(
    reference=_confidence_cost,
    cases=_confidence_cases,
    mistakes=[
        (
            _wrong(ones=True),
            "You ask the responsible box for a confidence of 1. Its target is its IoU with the "
            "object: it should predict how good it is.",
        ),
        (
            _wrong(others=False),
            "In a cell with an object, the boxes that are not responsible are missing. They should "
            "predict 0, like those of empty cells.",
        ),
        (
            _wrong(empty=False),
            "The boxes of the empty cells are missing. Their target is 0.",
        ),
        (
            _only_mine,
            "The second term is missing: every box that is not responsible has the target 0, with "
            "weight 0.5.",
        ),
        (
            _wrong(all_mine=True),
            "You make all boxes of a cell with an object responsible. It is only the one of the "
            "largest IoU; the others have the target 0.",
        ),
        (
            _wrong(surest=True),
            "You make the most confident box responsible. It is the one of the largest IoU, "
            "whatever its confidence.",
        ),
        (
            _wrong(worst=True),
            "You make the box of the smallest IoU responsible. It is the one of the largest.",
        ),
        (
            _wrong(own=True),
            "The other boxes have their own IoU as target as well. Only the responsible box is to "
            "predict how good it is; all others have the target 0.",
        ),
        (
            _wrong(first=0.5, weight=1.0),
            "The weights are exchanged. The responsible boxes count in full, the others half.",
        ),
        (
            _wrong(first=0.0),
            "The first term is missing: the target of a responsible box is its IoU.",
        ),
        (
            _wrong(weight=1.0),
            "The boxes with the target 0 count in full. There are so many of them that they get "
            "weight 0.5.",
        ),
        (
            _wrong(weight=5.0),
            "5 is the weight of centres and sizes. The boxes with the target 0 have weight 0.5.",
        ),
        (
            lambda confidence, overlap, there: _confidence(
                confidence, overlap, torch.ones_like(there)
            ),
            "You make a box responsible in empty cells as well. Where `there` is `False`, all "
            "boxes have the target 0, with weight 0.5.",
        ),
        (
            lambda confidence, overlap, there: (
                _confidence(confidence, overlap, there) / confidence.numel()
            ),
            "You take the mean. The loss is a sum over cells and boxes.",
        ),
        (
            lambda confidence, overlap, there: (
                _confidence(confidence, overlap, there) / len(confidence)
            ),
            "You divide by the number of cells. The loss is a sum over cells and boxes.",
        ),
        (
            _means,
            "You take the mean of each term. The loss is a sum over cells and boxes, and a mean "
            "over no box at all is NaN.",
        ),
        (
            _best_of_columns,
            "You look for the best cell of each box number: `dim=0` runs over the cells. The "
            "responsible box is the best of its own cell.",
        ),
        (
            _wrong(twice=True),
            "The responsible box has the target 0 as well. It counts in the first term only.",
        ),
        (
            _wrong(first=0.5),
            "The responsible boxes count half. Their weight is 1; the others have 0.5.",
        ),
        (
            _wrong(weight=0.25),
            "You square the weight along with the confidence. Square first, then take half.",
        ),
        (
            _wrong(power=1),
            "You sum the differences. The loss sums their squares.",
        ),
        (
            _square_of_sums,
            "You square the sums. Square each difference first, then sum.",
        ),
        *(
            (
                answer,
                "You do not use `there`, and take a cell without overlap for an empty one. A cell "
                "may have an object that none of its boxes overlaps; one of them is responsible "
                "all the same.",
            )
            for answer in (_by_overlap, partial(_all_best, meets=True))
        ),
        (
            partial(_all_best, asks=True),
            "Of several boxes with the largest IoU, you make all responsible. It is the first of "
            "them alone: `argmax` finds it.",
        ),
        (
            _last_best,
            "Of several boxes with the largest IoU, you make the last responsible. It is the first "
            "of them, as `argmax` finds it.",
        ),
        (
            _all_best,
            "In an empty cell every box has the largest IoU, 0, and you count them all as "
            "responsible. None of them is: `there` says so.",
        ),
    ],
)
