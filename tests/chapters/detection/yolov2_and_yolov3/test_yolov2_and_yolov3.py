"""Versions 2 and 3 of YOLO: anchors, predictors, responsibility, the losses and the heads."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F
from torchvision import ops

from d2lutil import detection

YOLO = defined_in("detection/yolov2_and_yolov3")
YOLO["size"] = 96
ANCHORS = torch.tensor([[12.0, 16.0], [20.0, 27.0], [32.0, 40.0]])
NINE = torch.cat([ANCHORS / 2, ANCHORS * 0.8, ANCHORS * 1.1])
seeds = st.integers(0, 10**6)


def in_corner(shapes):
    return torch.cat([torch.zeros_like(shapes), shapes], 1)


def maps(n=2):
    return torch.randn(n, 48, 16, 16), torch.randn(n, 64, 8, 8), torch.randn(n, 64, 4, 4)


def some_scenes():
    y = torch.full((2, 12, 5), -1.0)
    y[0, 0] = torch.tensor([3.0, 10, 20, 30, 50])
    y[0, 1] = torch.tensor([5.0, 60, 60, 70, 78])
    y[1, 0] = torch.tensor([0.0, 40, 10, 75, 50])
    return y


@settings(deadline=None)
@given(seeds, st.integers(1, 9), st.integers(1, 5))
def test_shapes_overlap_as_boxes_in_one_corner(seed, n, k):
    generator = torch.Generator().manual_seed(seed)
    A, B = (1 + 40 * torch.rand(m, 2, generator=generator) for m in (n, k))
    ours = YOLO["shape_iou"](A, B)
    torch.testing.assert_close(ours, ops.box_iou(in_corner(A), in_corner(B)))


def test_k_means_finds_what_is_there_and_leaves_the_shapes_alone():
    torch.manual_seed(0)
    groups = torch.tensor([[10.0, 15.0], [30.0, 40.0]])
    shapes = groups.repeat(50, 1) + torch.rand(100, 2)
    before = shapes.clone()
    found = YOLO["k_means"](shapes, 2)
    assert torch.equal(shapes, before)
    assert (found - groups - 0.5).abs().max() < 0.3


@settings(deadline=None)
@given(seeds, st.booleans())
def test_boxes_lie_where_the_formulas_say(seed, direct):
    generator = torch.Generator().manual_seed(seed)
    P = YOLO["predictors"](12, ANCHORS)
    t = torch.randn(len(P), 4, generator=generator).clamp(-3, 3)
    corners = YOLO["boxes_at"](t, P, direct)
    boxes = ops.box_convert(corners, "xyxy", "cxcywh")
    inside = ((boxes[:, :2] >= P[:, :2] - 1e-3) & (boxes[:, :2] <= P[:, :2] + 12 + 1e-3)).all()
    assert inside == direct
    torch.testing.assert_close(boxes[:, 2:], P[:, 3:] * t[:, 2:].exp(), atol=1e-3, rtol=1e-3)
    goal = YOLO["encode"](corners, P, direct)
    at = t[:, :2].sigmoid() if direct else t[:, :2]
    torch.testing.assert_close(goal, torch.cat([at, t[:, 2:]], 1), atol=1e-3, rtol=1e-3)


@settings(deadline=None)
@given(seeds, st.booleans())
def test_an_object_belongs_to_its_cell_and_the_nearest_shape(seed, three):
    generator = torch.Generator().manual_seed(seed)
    anchors = NINE if three else ANCHORS
    size = 5 + 40 * torch.rand(6, 2, generator=generator)
    middle = 96 * torch.rand(6, 2, generator=generator)
    objects = torch.cat([torch.zeros(6, 1), middle - size / 2, middle + size / 2], 1)
    P = YOLO["on_three_grids"](NINE) if three else YOLO["predictors"](12, ANCHORS)
    chosen = P[YOLO["assign"](objects, P)]
    for (x, y), shape, (left, top, side, *anchor) in zip(
        middle.tolist(), size, chosen.tolist(), strict=True
    ):
        assert left - 1e-3 <= x <= left + side + 1e-3
        assert top - 1e-3 <= y <= top + side + 1e-3
        best = ops.box_iou(in_corner(shape[None]), in_corner(anchors)).argmax()
        assert anchor == pytest.approx(anchors[best].tolist())
        assert side == ((6, 12, 24)[best // 3] if three else 12)


def test_what_overlaps_an_object_is_ignored_and_what_is_responsible_is_not():
    y, P = some_scenes(), YOLO["on_three_grids"](NINE)
    said = torch.zeros(2, len(P), 15)
    boxes = YOLO["boxes_at"](said, P)
    i, a, objects, iou, negative = YOLO["match"](said, y, P, 0.5)
    assert i.tolist() == [0, 0, 1]
    assert objects[:, 0].tolist() == [3, 5, 0]
    expected = [
        ops.box_iou(boxes[n, k][None], o[None, 1:])[0, 0]
        for n, k, o in zip(i, a, objects, strict=True)
    ]
    torch.testing.assert_close(iou, torch.stack(expected))
    assert not negative[i, a].any()
    for n in (0, 1):
        best = ops.box_iou(boxes[n], objects[i == n, 1:]).amax(1)
        mine = torch.isin(torch.arange(len(P)), a[i == n])
        assert torch.equal(negative[n], (best <= 0.5) & ~mine)
    assert (~negative).sum() > 3  # some are ignored


@pytest.mark.parametrize("direct", [True, False])
def test_the_loss_of_version_2_is_its_formula(direct):
    torch.manual_seed(0)
    y, P = some_scenes(), YOLO["predictors"](12, ANCHORS)
    said = 0.5 * torch.randn(2, len(P), 15)
    want = 0.0
    for o, rows in zip(said, y, strict=True):
        boxes, objects = YOLO["boxes_at"](o, P, direct), rows[rows[:, 0] >= 0]
        mine = YOLO["assign"](objects, P)
        best = ops.box_iou(boxes, objects[:, 1:]).amax(1)
        c = o[:, 4].sigmoid()
        want += sum(c[k] ** 2 / 2 for k in range(len(P)) if k not in mine and best[k] <= 0.6)
        for k, (label, *box) in zip(mine.tolist(), objects.tolist(), strict=True):
            x, y_, w, h = ops.box_convert(torch.tensor(box), "xyxy", "cxcywh")
            left, top, side, wide, high = P[k]
            sigma = o[k, :2].sigmoid()
            if direct:
                off = (sigma[0] - (x - left) / side) ** 2 + (sigma[1] - (y_ - top) / side) ** 2
            else:
                off = (o[k, 0] - (x - left - side / 2) / wide) ** 2
                off = off + (o[k, 1] - (y_ - top - side / 2) / high) ** 2
            off = off + (o[k, 2] - (w / wide).log()) ** 2 + (o[k, 3] - (h / high).log()) ** 2
            iou = ops.box_iou(boxes[k][None], torch.tensor([box]))[0, 0]
            want += (2 - w * h / 96**2) / 2 * off + 2.5 * (c[k] - iou) ** 2
            want -= o[k, 5:].log_softmax(0)[int(label)]
    torch.testing.assert_close(YOLO["loss_2"](said, y, P, direct=direct), want / 2)


def test_the_loss_of_version_3_is_its_formula():
    torch.manual_seed(0)
    y, P = some_scenes(), YOLO["on_three_grids"](NINE)
    said = 0.5 * torch.randn(2, len(P), 15)

    def bce(t, u):
        return -u * F.logsigmoid(t) - (1 - u) * F.logsigmoid(-t)

    want = 0.0
    for o, rows in zip(said, y, strict=True):
        boxes, objects = YOLO["boxes_at"](o, P), rows[rows[:, 0] >= 0]
        mine = YOLO["assign"](objects, P)
        best = ops.box_iou(boxes, objects[:, 1:]).amax(1)
        want += sum(bce(o[k, 4], 0) for k in range(len(P)) if k not in mine and best[k] <= 0.5)
        for k, (label, *box) in zip(mine.tolist(), objects.tolist(), strict=True):
            x, y_, w, h = ops.box_convert(torch.tensor(box), "xyxy", "cxcywh")
            left, top, side, wide, high = P[k]
            off = bce(o[k, 0], (x - left) / side) + bce(o[k, 1], (y_ - top) / side)
            off = off + (o[k, 2] - (w / wide).log()) ** 2 / 2
            off = off + (o[k, 3] - (h / high).log()) ** 2 / 2
            want += (2 - w * h / 96**2) * off + bce(o[k, 4], 1)
            want += sum(bce(o[k, 5 + j], float(j == label)) for j in range(10))
    torch.testing.assert_close(YOLO["loss_3"](said, y, P), want / 2)


@pytest.mark.parametrize("name", ["loss_2", "loss_3"])
def test_neither_the_iou_nor_what_is_ignored_has_a_gradient(name):
    y, P = some_scenes(), YOLO["predictors"](12, ANCHORS)
    said = torch.zeros(2, len(P), 15, requires_grad=True)
    YOLO[name](said, y, P).backward()
    i, a, _, _, negative = YOLO["match"](said, y, P, 0.6 if name == "loss_2" else 0.5)
    mine = torch.zeros_like(negative)
    mine[i, a] = True
    assert (said.grad[mine].abs().sum(1) > 0).all()
    assert (said.grad[negative][:, 4] != 0).all()
    assert (said.grad[~mine][:, [*range(4), *range(5, 15)]] == 0).all()
    assert (said.grad[~mine & ~negative] == 0).all()


def test_each_head_has_a_row_for_each_predictor():
    assert YOLO["OneGrid"]()(*maps()).shape == (2, len(YOLO["predictors"](12, NINE[:5])), 15)
    assert YOLO["ThreeGrids"]()(*maps()).shape == (2, len(YOLO["on_three_grids"](NINE)), 15)


@pytest.mark.parametrize(("head", "grid"), [("OneGrid", 1), ("ThreeGrids", 0), ("ThreeGrids", 2)])
def test_an_output_comes_from_the_cell_it_is_listed_at(head, grid):
    """A change in one cell of a map changes most what is said of that cell."""
    torch.manual_seed(0)
    net, X = YOLO[head]().eval(), maps(1)
    P = YOLO["predictors"](12, NINE[:5]) if head == "OneGrid" else YOLO["on_three_grids"](NINE)
    changed = [M.clone() for M in X]
    changed[grid][0, :, 0, -1] += 9  # first row, last column
    change = (net(*changed) - net(*X))[0].abs().sum(dim=1)  # (a,)
    left, top = P[change.argmax(), :2].tolist()
    assert left >= 60
    assert top <= 24


def test_detections_have_the_scores_and_boxes_of_their_predictors():
    P = YOLO["predictors"](12, ANCHORS)
    said = torch.full((1, len(P), 15), -9.0)
    said[..., :4] = 0
    said[0, 7, 4], said[0, 7, 5 + 3] = 2.0, 1.0
    (rows,) = YOLO["detections"](said, P, torch.sigmoid)
    score = torch.tensor(2.0).sigmoid() * torch.tensor(1.0).sigmoid()
    box = YOLO["boxes_at"](said[0, 7], P[7]).clamp(0, 96)
    assert rows.shape == (1, 6)
    assert rows[0, 0] == 3
    torch.testing.assert_close(rows[0, 1:], torch.cat([box, score[None]]))


def test_recall_counts_boxes_of_any_class_and_so_many_only():
    y, best, recall = some_scenes(), YOLO["best_boxes"], YOLO["recall"]
    right = [torch.cat([rows[:, :1] + 1, rows[:, 1:], torch.ones(12, 1)], 1) for rows in y]
    right = [rows[rows[:, 0] > 0] for rows in right]
    assert recall(best(right), y) == 100
    assert recall(best(right, most=1), y) == pytest.approx(200 / 3)
    assert recall(best(right), y, areas=(0, 400)) == 100
    assert recall(best([right[0][:1], right[1]]), y, areas=(0, 400)) == 0
    assert recall(best([torch.zeros(0, 6)] * 2), y) == 0


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_scores_of_scenes_side_by_side_are_those_of_scenes(seed):
    generator = torch.Generator().manual_seed(seed)
    y, found = torch.full((25, 12, 5), -1.0), []
    low = 70 * torch.rand(25, 6, 2, generator=generator)
    size = 6 + 20 * torch.rand(25, 6, 2, generator=generator)
    classes = torch.randint(3, (25, 6, 1), generator=generator)
    y[:, :6] = torch.cat([classes, low, low + size], 2)
    for rows in y[:, :6]:
        moved = rows[:, 1:] + 3 * torch.randn(6, 4, generator=generator)
        found.append(torch.cat([rows[:, :1], moved, torch.rand(6, 1, generator=generator)], 1))
    y, found = y.double(), [rows.double() for rows in found]  # a shift rounds areas in single
    sides = YOLO["side_by_side"](found), YOLO["side_by_side"](y)
    for options in ({}, {"threshold": 0.75}, {"areas": (0, 200)}):
        one = detection.mean_average_precision(found, y, **options)
        assert detection.mean_average_precision(*sides, **options) == pytest.approx(one, abs=1e-6)


def test_two_objects_of_one_predictor_leave_one_without():
    y = some_scenes()
    P = YOLO["predictors"](12, ANCHORS)
    assert YOLO["without_predictor"](y, P) == 0
    y[0, 2] = y[0, 0] + torch.tensor([1.0, 1, 0, 1, 0])
    assert YOLO["without_predictor"](y, P) == pytest.approx(25)
