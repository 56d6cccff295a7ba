"""Exercises of the chapter *YOLO, version 1*."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, tensor

from . import Exercise


def _middles(boxes: Tensor) -> Tensor:
    """The centres (n, 2) of boxes (n, 4), as x and y."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _cells(points: Tensor, size: int, S: int) -> Tensor:
    """Row and column (n, 2) of the cells that points (n, 2), as x and y, are in."""
    return (points / (size / S)).long().clamp(max=S - 1).flip(1)


def _cell_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int, int]]:
    yield tensor([[50.0, 20.0, 62.0, 40.0]]), 96, 8
    yield tensor([[4.0, 34.0, 13.0, 57.0], [90.0, 84.0, 96.0, 96.0]]), 96, 6
    for size, S, n in ((96, 8, 3), (60, 5, 6), (448, 7, 4)):
        low = torch.rand(n, 2, generator=generator) * size * 0.6
        high = low + (0.1 + 0.3 * torch.rand(n, 2, generator=generator)) * size
        yield torch.cat([low, high], dim=1).round(), size, S
    yield tensor([[84.0, 10.0, 108.0, 20.0], [20.0, 96.0, 30.0, 96.0]]), 96, 8


def _transposed(boxes: Tensor, size: int, S: int) -> Tensor:
    return _cells(_middles(boxes), size, S).flip(1)


def _not_clamped(boxes: Tensor, size: int, S: int) -> Tensor:
    return (_middles(boxes) / (size / S)).long().flip(1)


def _rounded(boxes: Tensor, size: int, S: int) -> Tensor:
    return (_middles(boxes) / (size / S)).round().long().clamp(max=S - 1).flip(1)


def _not_floored(boxes: Tensor, size: int, S: int) -> Tensor:
    return (_middles(boxes) / (size / S)).flip(1)


centre_cell = Exercise(
    reference=lambda boxes, size, S: _cells(_middles(boxes), size, S),
    cases=_cell_cases,
    mistakes=[
        (
            _transposed,
            "Column and row are exchanged. x runs along a row and gives the column; y, counted "
            "downwards, gives the row, and the row comes first.",
        ),
        (
            lambda boxes, size, S: _cells(boxes[:, :2], size, S),
            "These are the cells of the left upper corners. An object belongs to the cell that its "
            "centre is in.",
        ),
        (
            lambda boxes, size, S: _cells(boxes[:, 2:], size, S),
            "These are the cells of the right lower corners. An object belongs to the cell that "
            "its centre is in.",
        ),
        (
            lambda boxes, size, S: _cells(boxes[:, :2] + boxes[:, 2:] / 2, size, S),
            "You read the last two numbers as width and height. They are the right and the lower "
            "edge.",
        ),
        (
            _rounded,
            "You round to the nearest whole number. A centre 0.9 of the way through cell 2 is "
            "still in cell 2: cut off what comes after the point.",
        ),
        (
            _not_floored,
            "These are places in units of cells. The number of a cell is whole: cut off what comes "
            "after the point.",
        ),
        (
            _not_clamped,
            "A centre on the right or lower edge of the picture gets a cell that does not exist. "
            "The last one is `S - 1`.",
        ),
        (
            lambda boxes, size, S: (_middles(boxes) / S).long().clamp(max=S - 1).flip(1),
            "You divide by `S`, the number of cells. How many pixels wide is one of them?",
        ),
        (
            lambda boxes, size, S: _cells(_middles(boxes), size, S) + 1,
            "Your cells are counted from 1. Tensors count from 0.",
        ),
    ],
)


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
) -> float:
    """Both confidence terms; the options are ways to get them wrong."""
    best = (confidence if surest else overlap).argmax(dim=1)  # (n,)
    mine = torch.nn.functional.one_hot(best, confidence.shape[1]).bool()  # (n, B)
    mine = torch.ones_like(mine) if all_mine else mine
    mine = mine & there[:, None]
    rest = ~mine
    rest = rest & ~there[:, None] if not others else rest
    rest = rest & there[:, None] if not empty else rest
    goal = torch.ones_like(overlap) if ones else overlap
    one = ((confidence - goal).square() * mine).sum()
    return (one + weight * (confidence.square() * rest).sum()).item()


def _confidence_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    yield tensor([[0.7, 0.2]]), tensor([[0.6, 0.3]]), tensor([True])
    yield tensor([[0.3, 0.4]]), tensor([[0.0, 0.0]]), tensor([False])
    yield tensor([[0.2, 0.9]]), tensor([[0.7, 0.4]]), tensor([True])
    for n, B in ((4, 2), (7, 3), (9, 2)):
        there = torch.arange(n) % 3 != 1  # (n,)
        overlap = torch.rand(n, B, generator=generator) * there[:, None]
        yield torch.rand(n, B, generator=generator) + 0.05, overlap, there


def _wrong(**options: bool | float):
    return lambda confidence, overlap, there: _confidence(confidence, overlap, there, **options)


def _only_mine(confidence: Tensor, overlap: Tensor, there: Tensor) -> float:
    return _confidence(confidence, overlap, there, weight=0)


confidence_cost = Exercise(
    reference=lambda confidence, overlap, there: _confidence(confidence, overlap, there),
    cases=_confidence_cases,
    mistakes=[
        (
            _wrong(ones=True),
            "You ask the responsible box for a confidence of 1. Its target is its IoU with the "
            "object: it should know how good it is.",
        ),
        (
            _wrong(others=False),
            "In a cell with an object, the boxes that are not responsible are missing. They should "
            "say 0 like those of empty cells.",
        ),
        (
            _wrong(empty=False),
            "The boxes of the empty cells are missing. They should say 0.",
        ),
        (
            _only_mine,
            "The second term is missing: every box that is not responsible should say 0, with "
            "weight 0.5.",
        ),
        (
            _wrong(all_mine=True),
            "You make all boxes of a cell with an object responsible. It is only the one of the "
            "largest IoU; the others should say 0.",
        ),
        (
            _wrong(surest=True),
            "You make the surest box responsible. It is the one of the largest IoU, however sure "
            "it is.",
        ),
        (
            _wrong(weight=1.0),
            "The boxes that should say 0 count in full. There are so many of them that they get "
            "weight 0.5.",
        ),
        (
            _wrong(weight=5.0),
            "5 is the weight of the boxes' places. The boxes that should say 0 have weight 0.5.",
        ),
        (
            lambda confidence, overlap, there: _confidence(
                confidence, overlap, torch.ones_like(there)
            ),
            "You make a box responsible in empty cells as well. Where `there` is `False`, all "
            "boxes should say 0, with weight 0.5.",
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
    ],
)
