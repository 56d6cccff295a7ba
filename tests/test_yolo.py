"""The grid, the loss and the decoding of YOLO, against plain loops and hand-computed numbers."""

from __future__ import annotations

import doctest
from math import sqrt

import pytest
import torch
from hypothesis import given, settings, strategies as st

from d2lutil import data, detection, evaluate, predict, yolo

SIZE, CELLS, CLASSES = 64, 4, 3


def some_objects(generator, n=3, m=4):
    """Objects (n, m, 5), some of them in one cell, and rows that hold none."""
    low = torch.rand(n, m, 2, generator=generator) * SIZE * 0.7
    high = (low + 2 + torch.rand(n, m, 2, generator=generator) * SIZE / 2).clamp(max=SIZE)
    rows = torch.cat([torch.randint(CLASSES, (n, m, 1), generator=generator), low, high], 2)
    rows[torch.rand(n, m, generator=generator) < 0.3] = -1
    return rows


def by_loops(outputs, objects, boxes):
    """The five terms, an object at a time, in plain Python."""
    terms = [0.0] * 5
    for out, rows in zip(outputs.double().tolist(), objects.double().tolist(), strict=True):
        owned, taken = set(), set()
        for c, left, top, right, bottom in rows:
            u, v = (left + right) / 2 * CELLS / SIZE, (top + bottom) / 2 * CELLS / SIZE
            i, j = min(int(v), CELLS - 1), min(int(u), CELLS - 1)
            if c < 0 or (i, j) in taken:
                continue
            taken.add((i, j))
            overlaps = []
            for k in range(boxes):
                x, y, rw, rh, _ = out[i][j][5 * k : 5 * k + 5]
                a = [(j + x) / CELLS - rw**2 / 2, (i + y) / CELLS - rh**2 / 2]
                a += [(j + x) / CELLS + rw**2 / 2, (i + y) / CELLS + rh**2 / 2]
                b = [left / SIZE, top / SIZE, right / SIZE, bottom / SIZE]
                overlaps.append(detection.iou(torch.tensor([a]), torch.tensor([b])).item())
            k = overlaps.index(max(overlaps))
            owned.add((i, j, k))
            x, y, rw, rh, confidence = out[i][j][5 * k : 5 * k + 5]
            terms[0] += (x - (u - j)) ** 2 + (y - (v - i)) ** 2
            terms[1] += (rw - sqrt((right - left) / SIZE)) ** 2
            terms[1] += (rh - sqrt((bottom - top) / SIZE)) ** 2
            terms[2] += (confidence - overlaps[k]) ** 2
            said = out[i][j][5 * boxes :]
            terms[4] += sum((p - (q == c)) ** 2 for q, p in enumerate(said))
        for i in range(CELLS):
            for j in range(CELLS):
                for k in range(boxes):
                    if (i, j, k) not in owned:
                        terms[3] += out[i][j][5 * k + 4] ** 2
    return torch.tensor(terms) / len(outputs)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_the_loss_is_that_of_plain_loops(seed, boxes):
    generator = torch.Generator().manual_seed(seed)
    objects = some_objects(generator)
    outputs = torch.rand(3, CELLS, CELLS, 5 * boxes + CLASSES, generator=generator)
    wanted = yolo.targets(objects, SIZE, CELLS)
    terms = yolo.loss_terms(outputs, wanted, boxes)
    expected = by_loops(outputs, objects, boxes)
    assert torch.allclose(terms, expected, atol=1e-4)
    weighted = (torch.tensor([5, 5, 1, 0.5, 1]) * expected).sum()
    assert torch.allclose(yolo.loss(outputs, wanted, boxes), weighted, atol=1e-3)


def test_only_the_responsible_box_learns_its_place():
    wanted = yolo.targets(torch.tensor([[[1.0, 16, 16, 32, 48]]]), SIZE, CELLS)
    outputs = torch.rand(1, CELLS, CELLS, 10 + CLASSES, requires_grad=True)
    yolo.loss(outputs, wanted).backward()
    overlaps = yolo.overlaps_with(yolo.split(outputs)[0], wanted)  # (1, S, S, B)
    mine = yolo.responsible(overlaps, wanted)  # (1, S, S, B)
    assert mine.sum() == 1
    places = yolo.split(outputs.grad)[0].abs().sum(-1)  # (1, S, S, B)
    assert (places[mine] > 0).all()
    assert (places[~mine] == 0).all()


def test_the_iou_is_a_target_and_has_no_gradient():
    wanted = yolo.targets(torch.tensor([[[1.0, 16, 16, 32, 48]]]), SIZE, CELLS)
    outputs = torch.rand(1, CELLS, CELLS, 10 + CLASSES, requires_grad=True)
    yolo.loss_terms(outputs, wanted)[2].backward()
    assert (yolo.split(outputs.grad)[0] == 0).all()


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_a_perfect_answer_costs_nothing_and_finds_everything(seed):
    generator = torch.Generator().manual_seed(seed)
    objects = some_objects(generator)
    wanted = yolo.targets(objects, SIZE, CELLS)
    there = wanted[..., :1] >= 0
    box = torch.cat([wanted[..., 1:3], wanted[..., 3:].sqrt(), there], -1)
    spare = torch.zeros_like(box)
    label = torch.nn.functional.one_hot(wanted[..., 0].long().clamp(min=0), CLASSES)
    outputs = torch.cat([box * there, spare, label * there], -1)
    assert yolo.loss(outputs, wanted) < 1e-6
    kept = int(there.sum())
    found = yolo.decode(outputs, SIZE)
    assert sum(len(rows) for rows in found) == kept
    for rows, true in zip(found, objects, strict=True):
        if len(rows):
            overlaps = detection.iou(rows[:, 1:5], true[:, 1:]) * (rows[:, :1] == true[:, 0])
            assert (overlaps.amax(1) > 0.999).all()


def test_the_first_of_two_objects_in_a_cell_stays():
    two = torch.tensor([[[2.0, 0, 0, 8, 8], [1, 2, 2, 10, 10]]])
    wanted = yolo.targets(two, SIZE, CELLS)
    assert (wanted[..., 0] >= 0).sum() == 1
    assert wanted[0, 0, 0].tolist() == [2, 0.25, 0.25, 0.125, 0.125]


def test_an_object_at_the_edge_has_a_cell():
    wanted = yolo.targets(torch.tensor([[[2.0, 64, 64, 64, 64]]]), SIZE, CELLS)
    assert wanted[0, 3, 3].tolist() == [2, 1, 1, 0, 0]


@pytest.mark.parametrize("centre", [(-1, 5), (5, -1), (65, 5), (5, 65), (float("nan"), 5)])
def test_a_centre_outside_the_picture_is_refused(centre):
    x, y = centre
    rows = torch.tensor([[-1.0] * 5, [2, x - 10, y - 10, x + 10, y + 10]])
    words = rf"that of objects\[1, 1\] is at \({x:g}, {y:g}\)"
    with pytest.raises(ValueError, match=words):
        yolo.targets(torch.stack([rows[:1].repeat(2, 1), rows]), SIZE, CELLS)


def test_a_box_may_reach_beyond_the_picture():
    wanted = yolo.targets(torch.tensor([[[2, -4, 8, 6, 80]]]), SIZE, CELLS)  # whole numbers
    assert wanted[0, 2, 0].tolist() == [2, 0.0625, 0.75, 0.15625, 1.125]


def test_two_negatives_are_no_detection():
    outputs = torch.zeros(1, 2, 2, 13)
    outputs[0, 0, 0, 4], outputs[0, 0, 0, 10:] = -0.9, torch.tensor([-1, 0.5, 0])
    outputs[0, 1, 1, 4], outputs[0, 1, 1, 10:] = 0.9, torch.tensor([-1, 0.5, 0])
    (rows,) = yolo.decode(outputs, 16)
    assert rows[:, [0, 5]].tolist() == [[1, pytest.approx(0.45)]]


def test_suppression_and_scores():
    outputs = torch.zeros(1, 2, 2, 13)
    outputs[0, 0, 1] = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.8, 0.5, 0.5, 0.5, 0.6, 0.5, 0.1, 1, 0])
    both = yolo.decode(outputs, 16, least=0.1)[0]
    assert both[:, 0].tolist() == [1, 1]
    (one,) = yolo.detect(outputs, 16, least=0.1)
    assert torch.allclose(one, torch.tensor([[1, 10, 2, 14, 6, 0.8]]))


def test_a_network_for_the_scenes():
    (X, y), _ = data.scenes(8, 2)
    net = yolo.network(B=3)
    wanted = yolo.targets(y, 96, 8)
    assert predict(net, X).shape == (8, 8, 8, 25)
    result = evaluate(net, (X, wanted), loss=lambda o, t: yolo.loss(o, t, B=3))
    assert result["loss"] > 0


@pytest.mark.parametrize("size", [48, 96])
def test_a_backbone_gives_three_maps_for_three_heads(size):
    net = yolo.Backbone().eval()
    maps = net(torch.rand(2, 3, size, size))
    for one, stride, width in zip(maps, net.strides, net.widths, strict=True):
        assert one.shape == (2, width, size // stride, size // stride)
        S = size // stride
        assert yolo.head(width, B=3, C=4)(one).shape == (2, S, S, 19)


def test_a_new_head_says_the_same_everywhere():
    said = yolo.head(C=4)(torch.zeros(1, 64, 2, 2))  # (1, 2, 2, 14)
    expected = torch.tensor([0.5, 0.5, 0.5, 0.5, 0] * 2 + [0.25] * 4)
    assert torch.allclose(said, expected.expand(1, 2, 2, 14))


def test_maps_are_those_of_the_backbone_in_evaluation_mode():
    X, net = torch.rand(5, 3, 48, 48), yolo.Backbone().train()
    kept = yolo.maps(net, X, batch_size=2)
    assert not net.training
    for one, other in zip(kept, net.cpu()(X), strict=True):
        assert not one.requires_grad
        assert torch.allclose(one, other, atol=1e-5)


def test_the_weights_of_the_backbone_travel_with_the_book():
    net, other = yolo.backbone(), yolo.Backbone()
    assert not net.training
    assert all(p.isfinite().all() for p in net.parameters())
    assert not torch.equal(net.coarse[1][0].weight, other.coarse[1][0].weight)
    assert torch.equal(net.coarse[1][0].weight, yolo.backbone().coarse[1][0].weight)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: yolo.targets(torch.zeros(2, 5), 96, 8), r"must be \(n, m, 5\), not \(2, 5\)"),
        (lambda: yolo.split(torch.zeros(1, 2, 2, 10)), r"5 \* 2 \+ classes\), not \(1, 2, 2, 10\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_examples_in_the_docstrings():
    found = doctest.testmod(yolo)
    assert found.attempted > 0
    assert found.failed == 0
