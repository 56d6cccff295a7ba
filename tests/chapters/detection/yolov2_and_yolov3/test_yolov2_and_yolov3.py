"""Versions 2 and 3 of YOLO: anchors, places, responsibility and the networks' shapes."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from torch.nn import functional as F
from torchvision import ops

from d2lutil import yolo

YOLO = defined_in("detection/yolov2_and_yolov3")
ANCHORS = torch.tensor([[12.0, 16.0], [20.0, 27.0], [32.0, 40.0]])
seeds = st.integers(0, 10**6)


def in_corner(shapes):
    return torch.cat([torch.zeros_like(shapes), shapes], 1)


YOLO["h"] = 4


def detector(three=False, anchors=ANCHORS, **switches):
    backbone = YOLO["Backbone"](residual=three)
    body = YOLO["ThreeGrids"](backbone) if three else YOLO["OneGrid"](backbone, True)
    return YOLO["Detector"](body, anchors, **switches)


@given(seeds, st.integers(1, 9), st.integers(1, 5))
def test_shapes_overlap_as_boxes_in_one_corner(seed, n, k):
    generator = torch.Generator().manual_seed(seed)
    A, B = (1 + 40 * torch.rand(m, 2, generator=generator) for m in (n, k))
    ours = YOLO["shape_iou"](A, B)
    torch.testing.assert_close(ours, ops.box_iou(in_corner(A), in_corner(B)))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_k_means_by_the_usual_distance_is_scikit_learns(k):
    shapes = 5 + 40 * torch.rand(200, 2, generator=torch.Generator().manual_seed(k))
    ours = YOLO["k_means"](shapes, shapes[:k], torch.cdist)
    theirs = KMeans(k, init=shapes[:k].numpy(), n_init=1, max_iter=20, tol=0).fit(shapes.numpy())
    theirs = torch.from_numpy(theirs.cluster_centers_)
    torch.testing.assert_close(ours, theirs[theirs.prod(1).argsort()], atol=1e-3, rtol=1e-3)


def test_k_means_leaves_its_first_guesses_alone_and_finds_what_is_there():
    groups = torch.tensor([[10.0, 15.0], [30.0, 40.0]])
    shapes = groups.repeat(50, 1) + torch.rand(100, 2, generator=torch.Generator().manual_seed(0))
    first = shapes[:2].clone()
    found = YOLO["k_means"](shapes, first)
    assert torch.equal(first, shapes[:2])
    assert (found - groups - 0.5).abs().max() < 0.3


@given(seeds, st.booleans())
def test_boxes_lie_where_the_formulas_say(seed, direct):
    generator = torch.Generator().manual_seed(seed)
    P = YOLO["grid_places"](96, 12, ANCHORS)
    t = torch.randn(len(P), 4, generator=generator).clamp(-3, 3)
    boxes = ops.box_convert(YOLO["boxes_at"](t, P, direct), "xyxy", "cxcywh")
    inside = ((boxes[:, :2] >= P[:, :2] - 1e-3) & (boxes[:, :2] <= P[:, :2] + 12 + 1e-3)).all()
    assert inside == direct
    torch.testing.assert_close(boxes[:, 2:], P[:, 3:] * t[:, 2:].exp(), atol=1e-3, rtol=1e-3)
    middle = YOLO["boxes_at"](torch.zeros(4), P, direct)
    middle = ops.box_convert(middle, "xyxy", "cxcywh")
    torch.testing.assert_close(middle, torch.cat([P[:, :2] + 6, P[:, 3:]], 1))


@given(seeds, st.booleans())
def test_an_object_belongs_to_its_cell_and_the_nearest_shape(seed, three):
    generator = torch.Generator().manual_seed(seed)
    size = 5 + 40 * torch.rand(6, 2, generator=generator)
    middle = 96 * torch.rand(6, 2, generator=generator)
    objects = torch.cat([torch.zeros(6, 1), middle - size / 2, middle + size / 2], 1)
    P = detector(three).places(96)
    chosen = P[YOLO["assign"](objects, P)]
    for (x, y), shape, (left, top, side, *anchor) in zip(
        middle.tolist(), size, chosen.tolist(), strict=True
    ):
        assert left - 1e-3 <= x <= left + side + 1e-3
        assert top - 1e-3 <= y <= top + side + 1e-3
        best = ops.box_iou(in_corner(shape[None]), in_corner(ANCHORS)).argmax()
        assert anchor == ANCHORS[best].tolist()
        assert side == ((6, 12, 24)[best] if three else 12)


@pytest.mark.parametrize("size", [72, 96, 120])
@pytest.mark.parametrize("three", [False, True])
def test_a_detector_has_an_answer_for_each_place(size, three):
    net = detector(three).eval()
    cells = [size // stride for stride in ((6, 12, 24) if three else (12, 12, 12))]
    places = sum(cell**2 for cell in cells)
    assert net(torch.rand(2, 3, size, size)).shape == (2, places, 15)
    assert net.places(size).shape == (places, 5)


def test_an_answer_comes_from_the_place_it_is_listed_at():
    """A change in one corner of the picture changes most what is said of that corner."""
    torch.manual_seed(0)
    net, X = detector().eval(), torch.rand(1, 3, 96, 96)
    changed = X.clone()
    changed[..., :12, 84:] += 1  # rows from the top, columns on the right
    change = (net(changed) - net(X))[0].abs().sum(dim=1)  # (a,)
    left, top = net.places(96)[change.argmax(), :2].tolist()
    assert left >= 60
    assert top <= 24


def test_a_new_residual_block_changes_nothing():
    block, X = YOLO["Residual"](8).train(), torch.randn(3, 8, 5, 5)
    assert torch.equal(block(X), X)
    sum_of_gradients = torch.autograd.grad(block(X).square().sum(), block.change[1][1].weight)[0]
    assert sum_of_gradients.abs().sum() > 0  # and yet it learns


@pytest.mark.parametrize("classes", ["squares", "softmax", "logistic"])
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("three", [False, True])
def test_the_loss_is_its_formula(direct, classes, three):
    torch.manual_seed(0)
    net = detector(three, direct=direct, classes=classes).eval()
    X, y = torch.rand(2, 3, 96, 96), torch.full((2, 6, 5), -1.0)
    y[0, 0] = torch.tensor([3.0, 10, 20, 30, 50])
    y[0, 1] = torch.tensor([5.0, 60, 60, 70, 78])
    y[1, 0] = torch.tensor([0.0, 40, 10, 75, 50])
    outputs, P = net(X) + 0.3 * torch.randn(2, len(net.places(96)), 15), net.places(96)
    want = [0.0] * 5
    for o, rows in zip(outputs, y, strict=True):
        boxes = YOLO["boxes_at"](o, P, direct)
        objects = rows[rows[:, 0] >= 0]
        mine = YOLO["assign"](objects, P).tolist()
        for a, (c, *box) in zip(mine, objects.tolist(), strict=True):
            true, side, z = torch.tensor(box), P[a, 2], o[a, 5:]
            said = ops.box_convert(boxes[a], "xyxy", "cxcywh")
            real = ops.box_convert(true, "xyxy", "cxcywh")
            want[0] += (((said - real)[:2] / side) ** 2).sum()
            want[1] += (((said[2:] / 96) ** 0.5 - (real[2:] / 96) ** 0.5) ** 2).sum()
            want[2] += (o[a, 4] - ops.box_iou(boxes[a : a + 1], true[None])[0, 0]) ** 2
            label = torch.tensor(int(c))
            if classes == "softmax":
                want[4] -= 0.5 * z.log_softmax(0)[label]
            elif classes == "squares":
                want[4] += (z - F.one_hot(label, 10)).square().sum()
            else:
                want[4] -= 0.5 * F.logsigmoid((2 * F.one_hot(label, 10) - 1) * z).sum()
        want[3] += sum(o[a, 4] ** 2 for a in range(len(P)) if a not in mine)
    terms = YOLO["five_terms"](net, outputs, y, 96)
    torch.testing.assert_close(terms, torch.stack(want), rtol=1e-4, atol=1e-4)
    loss = net.loss(outputs, y, 96)
    torch.testing.assert_close(loss, terms @ torch.tensor(yolo.WEIGHTS) / 2, rtol=1e-4, atol=1e-4)


def test_its_version_one_is_that_of_the_package():
    torch.manual_seed(0)
    net, theirs = YOLO["VersionOne"](YOLO["Backbone"]()), yolo.network(4)[1:]
    weights = [value for name, value in net.state_dict().items()]
    theirs.load_state_dict(dict(zip(theirs.state_dict(), weights, strict=True)))
    X, y = torch.rand(2, 3, 96, 96), torch.full((2, 6, 5), -1.0)
    y[0, 0], y[1, 0] = torch.tensor([3.0, 10, 20, 30, 50]), torch.tensor([5.0, 60, 60, 70, 78])
    outputs = net.eval()(X)
    assert torch.equal(outputs, theirs.eval()(X))
    assert torch.equal(net.loss(outputs, y, 96), yolo.loss(outputs, yolo.targets(y, 96, 8)))
    boxes, objects = net.mine(outputs, y, 96)
    torch.testing.assert_close(objects, y[:, 0, 1:])
    middle = ops.box_convert(boxes, "xyxy", "cxcywh")[:, :2]
    assert (middle - torch.tensor([[20.0, 35], [65, 69]])).abs().max() < 12  # begins near its cell


def test_without_its_normalisation_it_does_not_look_at_the_batch():
    torch.manual_seed(0)
    frozen = YOLO["without_norm"](YOLO["VersionOne"](YOLO["Backbone"]())).train()
    X = torch.rand(4, 3, 96, 96)
    torch.testing.assert_close(frozen(X)[:1], frozen(X[:1]))
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in frozen.modules())


@pytest.mark.parametrize("three", [False, True])
def test_detections_come_from_their_grid(three):
    torch.manual_seed(0)
    net = detector(three).eval()
    outputs = torch.rand(2, len(net.places(96)), 15)
    every = [len(rows) for rows in net.decode(outputs, 96, 0.5)]
    each = [[len(r) for r in net.decode(outputs, 96, 0.5, s)] for s in net.body.strides]
    assert [sum(counts) for counts in zip(*each, strict=True)] == every
    assert min(every) > 0
