"""The chapter on boxes: its overlap, suppression and average precision are the libraries'."""

from __future__ import annotations

import math

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torchvision import ops

from d2lutil import detection

BOXES = defined_in("detection/boxes")
seeds = st.integers(0, 10**6)


def boxes(n, generator, size=60.0):
    corner = torch.rand(n, 2, generator=generator) * size
    return torch.cat([corner, corner + 1 + torch.rand(n, 2, generator=generator) * size / 2], 1)


def detections(generator, scenes=4, classes=3):
    """Of each scene its objects, and detections of which some are near them."""
    found, true = [], []
    for _ in range(scenes):
        m = int(torch.randint(1, 7, (), generator=generator))
        kinds = torch.randint(classes, (m, 1), generator=generator)
        objects = torch.cat([kinds, boxes(m, generator)], 1)
        near = objects.repeat(2, 1)
        near[:, 3:] += 4 * torch.rand(near[:, 3:].shape, generator=generator)
        far = torch.cat(
            [torch.randint(classes, (4, 1), generator=generator), boxes(4, generator)], 1
        )
        rows = torch.cat([near, far])
        scores = torch.rand(len(rows), 1, generator=generator)
        found.append(torch.cat([rows, scores], 1))
        empty = torch.full((6 - m, 5), -1.0)
        true.append(torch.cat([objects, empty]))
    return found, torch.stack(true)


@given(seeds, st.integers(0, 9), st.integers(0, 9))
def test_overlap_is_torchvisions(seed, n, m):
    generator = torch.Generator().manual_seed(seed)
    A, B = boxes(n, generator), boxes(m, generator)
    torch.testing.assert_close(BOXES["iou"](A, B), ops.box_iou(A, B))
    torch.testing.assert_close(BOXES["iou"](A, B), detection.iou(A, B))


@given(seeds, st.integers(0, 9))
def test_formats_are_torchvisions(seed, n):
    A = boxes(n, torch.Generator().manual_seed(seed))
    centres = BOXES["to_centre"](A)
    torch.testing.assert_close(centres, ops.box_convert(A, "xyxy", "cxcywh"))
    torch.testing.assert_close(BOXES["to_corners"](centres), A)


@given(seeds, st.integers(0, 40), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_suppression_is_torchvisions(seed, n, threshold):
    generator = torch.Generator().manual_seed(seed)
    A, scores = boxes(n, generator), torch.rand(n, generator=generator)
    assert torch.equal(BOXES["nms"](A, scores, threshold), ops.nms(A, scores, threshold))


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([0.5, 0.75]))
def test_average_precision_is_that_of_the_package(seed, threshold):
    """Which is held to the COCO tool in tests/test_detection.py."""
    found, true = detections(torch.Generator().manual_seed(seed))
    ours = BOXES["average_precisions"](found, true, threshold)
    theirs = detection.average_precisions(found, true, threshold=threshold)
    assert ours == pytest.approx(theirs, abs=1e-6)


@given(seeds, st.integers(1, 9))
def test_offsets_lead_back(seed, n):
    generator = torch.Generator().manual_seed(seed)
    A, B = boxes(n, generator), boxes(n, generator)
    torch.testing.assert_close(BOXES["decode"](BOXES["encode"](B, A), A), B, atol=1e-3, rtol=1e-4)
    assert torch.equal(BOXES["encode"](A, A), torch.zeros(n, 4))


def test_anchors_stand_in_a_grid():
    grid = BOXES["make_anchors"](96, 8, [14, 40], [0.5, 1.0])
    assert grid.shape == (12 * 12 * 4, 4)
    centres = BOXES["to_centre"](grid)
    assert centres[:4, 2:].tolist() == [[7, 14], [14, 14], [20, 40], [40, 40]]
    assert centres[0, :2].tolist() == [4, 4]
    assert centres[4, :2].tolist() == [12, 4]
    assert centres[-1, :2].tolist() == [92, 92]


def test_matching_gives_each_object_its_best_anchor():
    anchors = torch.tensor(
        [[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 4.5], [30, 30, 40, 40], [70, 70, 80, 80]]
    )
    objects = torch.tensor([[0.0, 0, 10, 10], [36, 36, 46, 46]])
    assert BOXES["match"](anchors, objects).tolist() == [0, 0, -2, 1, -1]


@given(seeds)
def test_a_match_bounds_the_offsets(seed):
    """An IoU of 0.5 leaves a centre within half an anchor, and a size within a factor of two."""
    generator = torch.Generator().manual_seed(seed)
    A = boxes(40, generator, size=8.0)
    B = A + torch.randn(A.shape, generator=generator)
    good = BOXES["iou"](A, B).diagonal() >= 0.5
    offsets = BOXES["encode"](B[good], A[good]).abs()
    assert (offsets[:, :2] <= 0.5 + 1e-5).all()
    assert (offsets[:, 2:] <= math.log(2) + 1e-5).all()


@given(st.floats(1, 50), st.floats(0, 1), st.integers(0, 10**6))
def test_the_worst_anchor_of_a_grid(a, part, seed):
    """The chapter's exercise: never below 0.5 as long as s <= 2a(1 - sqrt(2/3))."""
    generator = torch.Generator().manual_seed(seed)
    s = part * 2 * a * (1 - math.sqrt(2 / 3))
    shift = (torch.rand(2, generator=generator, dtype=torch.float64) - 0.5) * s
    square = torch.tensor([[0.0, 0, a, a]], dtype=torch.float64)
    assert BOXES["iou"](square, square + shift.repeat(2)).item() >= 0.5 - 1e-9


@given(seeds, st.integers(0, 20))
def test_one_more_false_positive_never_raises_the_average_precision(seed, at):
    generator = torch.Generator().manual_seed(seed)
    correct = torch.rand(20, generator=generator) < 0.5
    more = torch.cat([correct[:at], torch.tensor([False]), correct[at:]])
    count = int(correct.sum()) + 2
    few, many = (
        BOXES["average_precision"](torch.linspace(1, 0, len(c)), c, count) for c in (correct, more)
    )
    assert many <= few + 1e-12


@given(seeds, st.floats(0, 0.6))
def test_the_loss_is_half_a_squared_error_for_small_ones(seed, largest):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(12, 15, generator=generator)
    t = torch.cat([torch.tensor([3.0, 10] * 6)[:, None], outputs[:, 11:]], 1)
    error = largest * (2 * torch.rand(12, 4, generator=generator) - 1)
    t[:, 1:] += error
    classes = torch.nn.functional.cross_entropy(outputs[:, :11], t[:, 0].long())
    boxes_loss = 0.5 * error[::2].square().sum() / 12  # of the windows with a digit
    got = BOXES["detection_loss"](outputs, t)
    torch.testing.assert_close(got, classes + 20 * boxes_loss, atol=1e-5, rtol=1e-5)
