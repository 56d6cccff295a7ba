"""The chapter on YOLO, version 1: its parts are those of `d2lutil.yolo` and of torchvision."""

from __future__ import annotations

import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F
from torchvision import ops

from d2lutil import predict, seed, yolo

CHAPTER = defined_in("detection/yolov1")
seeds = st.integers(0, 10**6)
SIZE, CELLS = 64, 4


def objects(generator, n=4, m=5):
    low = torch.rand(n, m, 2, generator=generator) * SIZE * 0.7
    high = (low + 2 + torch.rand(n, m, 2, generator=generator) * SIZE / 2).clamp(max=SIZE)
    rows = torch.cat([torch.randint(3, (n, m, 1), generator=generator), low, high], 2)
    rows[torch.rand(n, m, generator=generator) < 0.3] = -1
    return rows


@settings(deadline=None)
@given(seeds, st.sampled_from([2, 4, 7, 8]))
def test_targets(number, cells):
    rows = objects(torch.Generator().manual_seed(number))
    theirs = yolo.targets(rows, SIZE, cells)
    torch.testing.assert_close(CHAPTER["targets"](rows, SIZE, cells), theirs)


@settings(deadline=None)
@given(seeds, st.integers(1, 3))
def test_the_five_terms(number, boxes):
    generator = torch.Generator().manual_seed(number)
    wanted = yolo.targets(objects(generator), SIZE, CELLS)
    outputs = torch.rand(4, CELLS, CELLS, 5 * boxes + 3, generator=generator)
    torch.testing.assert_close(
        CHAPTER["loss_terms"](outputs, wanted, boxes), yolo.loss_terms(outputs, wanted, boxes)
    )


@settings(deadline=None)
@given(seeds)
def test_the_loss_and_its_gradient(number):
    generator = torch.Generator().manual_seed(number)
    wanted = yolo.targets(objects(generator), SIZE, CELLS)
    outputs = torch.rand(4, CELLS, CELLS, 13, generator=generator)
    ours, theirs = outputs.clone().requires_grad_(), outputs.clone().requires_grad_()
    loss, other = CHAPTER["loss"](ours, wanted), yolo.loss(theirs, wanted)
    torch.testing.assert_close(loss, other)
    loss.backward()
    other.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@settings(deadline=None)
@given(seeds)
def test_overlaps_are_torchvisions(number):
    generator = torch.Generator().manual_seed(number)
    rows = objects(generator, n=1, m=1).abs()
    wanted = yolo.targets(rows, SIZE, CELLS)
    four = torch.rand(1, CELLS, CELLS, 2, 4, generator=generator)
    overlaps = CHAPTER["overlaps_with"](four, wanted)[wanted[..., 0] >= 0]  # (1, 2)
    boxes = SIZE * CHAPTER["corners"](four)[wanted[..., 0] >= 0][0]
    expected = ops.box_iou(boxes, rows[0, :, 1:])[:, 0]
    torch.testing.assert_close(overlaps[0], expected, atol=1e-5, rtol=1e-4)


@settings(deadline=None)
@given(seeds)
def test_decoding(number):
    outputs = torch.rand(2, CELLS, CELLS, 13, generator=torch.Generator().manual_seed(number))
    ours, theirs = CHAPTER["decode"](outputs, SIZE), yolo.decode(outputs, SIZE)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


@settings(deadline=None)
@given(seeds)
def test_decoding_of_negative_numbers(number):
    outputs = torch.randn(2, CELLS, CELLS, 13, generator=torch.Generator().manual_seed(number))
    ours, theirs = CHAPTER["decode"](outputs, SIZE), yolo.decode(outputs, SIZE)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_the_network_is_that_of_the_package():
    X = torch.rand(2, 3, 96, 96)
    seed(0)
    ours = CHAPTER["network"]()
    seed(0)
    theirs = yolo.network()
    torch.testing.assert_close(predict(ours, X), predict(theirs, X))
    torch.testing.assert_close(ours.train()(X), theirs.train()(X))


def test_a_network_begins_with_one_answer():
    outputs = predict(CHAPTER["network"](), torch.rand(3, 3, 96, 96))
    four, confidence, _ = CHAPTER["split"](outputs)
    assert F.mse_loss(four, torch.full_like(four, 0.5)) < 0.05
    assert confidence.abs().mean() < 0.3


def test_a_round_object_in_a_wide_picture_comes_back_in_place():
    answer = torch.zeros(1, 8, 8, 20)
    answer[0, 2, 5, :5] = torch.tensor([0.5, 0.5, 0.5, 0.5, 1])
    answer[0, 2, 5, 13] = 1
    (rows,) = CHAPTER["decode"](answer, 96)
    middle = torch.tensor([5.5 * 12, 2.5 * 12])
    torch.testing.assert_close(
        rows, torch.tensor([[3, *(middle - 12).tolist(), *(middle + 12).tolist(), 1]])
    )


def test_each_type_of_error():
    true = torch.tensor([[7.0, 0, 0, 10, 10], [4, 30, 30, 40, 40], [4, 60, 60, 70, 70]])
    rows = torch.tensor(
        [
            [7.0, 0, 0, 10, 9, 0.9],
            [7, 0, 1, 10, 10, 0.8],
            [1, 0, 0, 10, 10, 0.5],
            [7, 6, 0, 16, 10, 0.4],
            [4, 36, 30, 46, 40, 0.4],
            [1, 36, 30, 46, 40, 0.4],
            [7, 80, 80, 90, 90, 0.3],
        ]
    )
    types = CHAPTER["error_types"](rows, true)  # correct, localisation, classification, background
    assert types.tolist() == [0, 1, 2, 1, 1, 2, 3]
    assert len(CHAPTER["error_types"](rows[:0], true)) == 0
