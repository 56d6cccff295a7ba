"""Overlap, suppression and average precision, against torchvision and the COCO evaluation."""

from __future__ import annotations

import contextlib
import doctest
import io
from math import inf, isnan

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision import ops

from d2lutil import detection


def boxes(n, generator, size=60.0):
    corner = torch.rand(n, 2, generator=generator) * size
    return torch.cat([corner, corner + 1 + torch.rand(n, 2, generator=generator) * size / 2], 1)


def scene(generator, objects=6, classes=3):
    """Objects, and detections of which some are near them."""
    true = torch.cat(
        [torch.randint(classes, (objects, 1), generator=generator), boxes(objects, generator)], 1
    )
    near = true.repeat(2, 1)
    near[:, 1:] += 4 * torch.randn(near[:, 1:].shape, generator=generator)
    near = near[(near[:, 3] > near[:, 1]) & (near[:, 4] > near[:, 2])]
    far = torch.cat([torch.randint(classes, (4, 1), generator=generator), boxes(4, generator)], 1)
    found = torch.cat([near, far])
    return torch.cat([found, torch.rand(len(found), 1, generator=generator)], 1), true


@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 12))
def test_iou_is_that_of_torchvision(seed, n, m):
    generator = torch.Generator().manual_seed(seed)
    a, b = boxes(n, generator), boxes(m, generator)
    assert torch.allclose(detection.iou(a, b), ops.box_iou(a, b), atol=1e-6)


@given(st.integers(0, 10**6), st.integers(0, 30), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_nms_is_that_of_torchvision(seed, n, threshold):
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(3, (n, 1), generator=generator)
    found = torch.cat([classes, boxes(n, generator), torch.rand(n, 1, generator=generator)], 1)
    kept = ops.batched_nms(found[:, 1:5], found[:, 5], classes[:, 0], threshold)
    assert torch.equal(detection.nms(found, threshold), found[kept])


def coco(scenes, threshold, areas):
    """The average precision of each class by the COCO evaluation tool."""
    truth, results = COCO(), []
    annotations = []
    for i, (found, true) in enumerate(scenes):
        for c, left, top, right, bottom in true.double().tolist():
            box = [left, top, right - left, bottom - top]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": i, "category_id": int(c), "bbox": box}
                | {"area": box[2] * box[3], "iscrowd": 0}
            )
        for c, left, top, right, bottom, score in found.double().tolist():
            box = [left, top, right - left, bottom - top]
            results.append({"image_id": i, "category_id": int(c), "bbox": box, "score": score})
    truth.dataset = {
        "info": {},
        "images": [{"id": i} for i in range(len(scenes))],
        "annotations": annotations,
        "categories": [{"id": c} for c in range(3)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        tool = COCOeval(truth, truth.loadRes(results), "bbox")
        tool.params.iouThrs = np.array([threshold])
        tool.params.areaRng, tool.params.areaRngLbl = [list(areas)], ["all"]
        tool.evaluate()
        tool.accumulate()
    precision = tool.eval["precision"][0, :, :, 0, -1]  # (101, classes)
    return {c: precision[:, c].mean() for c in range(3) if precision[0, c] >= 0}


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.5, 0.75]),
    st.sampled_from([(0, 1e10), (0, 200.0), (200.0, 1e10)]),
)
@example(156, 0.5, (0, 1e10))  # a recall of k/10, whose level is rounded
def test_average_precision_is_that_of_the_coco_tool(seed, threshold, areas):
    generator = torch.Generator().manual_seed(seed)
    scenes = [scene(generator) for _ in range(5)]
    ours = detection.average_precisions(
        [found for found, _ in scenes],
        torch.stack([true for _, true in scenes]),
        threshold=threshold,
        areas=areas,
    )
    assert ours == pytest.approx(coco(scenes, threshold, areas), abs=1e-6)


def test_true_positives_are_the_right_ones():
    true = torch.tensor([[2.0, 0, 0, 9, 9], [3, 0, 0, 9, 9], [-1, -1, -1, -1, -1]])
    found = torch.tensor(
        [
            [2.0, 0, 0, 9, 8, 0.7],  # a second answer for the object
            [3, 0, 0, 9, 4, 0.9],  # too small
            [2, 0, 0, 9, 9, 0.8],  # right
            [4, 0, 0, 9, 9, 0.9],  # another class
        ]
    )
    assert detection.true_positives(found, true).tolist() == [False, False, True, False]
    assert detection.true_positives(found, true, 0.4).tolist() == [False, True, True, False]
    assert detection.true_positives(found[:0], true).shape == (0,)


def test_empty_rows_are_no_objects():
    true = torch.tensor([[2.0, 0, 0, 9, 9], [-1, -1, -1, -1, -1]])
    found = torch.tensor([[2.0, 0, 0, 9, 9, 0.9], [2, 0, 0, 9, 9, 0.8]])
    assert detection.average_precisions([found], [true]) == {2: 1.0}
    assert detection.mean_average_precision([found], [true], areas=(81, inf)) == 1
    assert isnan(detection.mean_average_precision([found], [true], areas=(100, inf)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int32, torch.uint8])
def test_numbers_of_every_kind_are_compared_exactly(dtype):
    """An area of 300 by 300 is beyond half precision, 16 by 20 beyond a byte."""
    side = 16 if dtype is torch.uint8 else 320
    A = torch.tensor([[0, 0, side, side], [side // 2, 0, side, side]], dtype=dtype)
    want = torch.tensor([[1, 0.5], [0.5, 1]])
    assert torch.equal(detection.iou(A, A), want)
    assert torch.equal(detection.iou(A, A.double()), want.double())
    found = torch.cat([torch.ones(2, 1, dtype=dtype), A, torch.ones(2, 1, dtype=dtype)], 1)
    assert torch.equal(detection.nms(found, 0.4), found[:1])
    assert torch.equal(detection.nms(found, 0.5), found)
    large = (0.6 * side**2, inf)
    assert detection.average_precisions([found], [found[:, :5]], areas=large) == {1: 1.0}


@given(
    st.lists(
        st.tuples(*[st.integers(0, 2)] * 3, *[st.integers(0, 4)] * 2, st.integers(0, 3)),
        max_size=12,
    ),
    st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.6, 1.0]),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_nms_decides_ties_and_thresholds_as_it_says(rows, threshold, dtype):
    """Equal scores, equal boxes, empty ones, and IoUs that are the threshold."""
    rows = [[c, x, y, x + w, y + h, score / 3] for c, x, y, w, h, score in rows]
    found = torch.tensor(rows, dtype=dtype).reshape(-1, 6)
    order = found[:, 5].argsort(descending=True, stable=True)
    kept: list[int] = []
    for i in order.tolist():
        rivals = found[[j for j in kept if found[j, 0] == found[i, 0]]]
        if not (detection.iou(found[i : i + 1, 1:5], rivals[:, 1:5]) > threshold).any():
            kept.append(i)
    assert torch.equal(detection.nms(found, threshold), found[kept])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: detection.iou(torch.zeros(3, 5), torch.zeros(1, 4)), r"A must be .* not \(3, 5\)"),
        (lambda: detection.nms([1]), "detections must be a tensor"),
        (lambda: detection.nms(torch.zeros(1, 6), 1.5), "threshold must be from 0 to 1, not 1.5"),
        (lambda: detection.true_positives([1], torch.zeros(1, 5)), "detections must be a tensor"),
        (
            lambda: detection.true_positives(torch.zeros(1, 6), torch.zeros(1, 4)),
            "objects must be a tensor",
        ),
        (lambda: detection.average_precisions([], []), "they are of 0 and 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_what_has_no_size_is_refused():
    with pytest.raises(TypeError, match=r"A must hold real numbers, not torch\.bool"):
        detection.iou(torch.zeros(1, 4, dtype=torch.bool), torch.zeros(1, 4))
    with pytest.raises(ValueError, match="threshold must be from 0 to 1, not 'a'"):
        detection.nms(torch.zeros(1, 6), "a")


def test_the_examples_in_the_docstrings():
    found = doctest.testmod(detection)
    assert found.attempted > 0
    assert found.failed == 0
