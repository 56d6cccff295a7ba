"""Scenes of digits on photographs: what stands in them is where their boxes say."""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
import pytest
import torch

from d2lutil import data
from d2lutil.data.digit_scenes import _covered, _ink

module = sys.modules[_ink.__module__]  # `data.scenes` itself is the function
(X, Y), (X_TEST, Y_TEST) = data.scenes(120, 60)
ROWS = torch.cat([Y, Y_TEST]).flatten(0, 1)  # (n · 6, 5)
FOUND = ROWS[ROWS[:, 0] >= 0]  # (m, 5)


def test_shapes_and_ranges():
    assert X.shape == (120, 3, 96, 96)
    assert (X_TEST.shape, Y_TEST.shape) == ((60, 3, 96, 96), (60, 6, 5))
    assert X.dtype == Y.dtype == torch.float32
    assert 0 <= X.min() < 0.1 < 0.9 < X.max() <= 1
    assert set(FOUND[:, 0].tolist()) == set(range(10))
    assert ((ROWS == -1).all(dim=1) | (ROWS >= 0).all(dim=1)).all()


def test_each_scene_has_one_to_six_digits_first_in_its_rows():
    there = Y[..., 0] >= 0  # (n, 6)
    assert set(there.sum(dim=1).tolist()) == {1, 2, 3, 4, 5, 6}
    assert (there.int().diff(dim=1) <= 0).all()


def test_boxes_lie_in_the_scene_and_are_as_high_as_promised():
    wide, tall = (FOUND[:, 3:] - FOUND[:, 1:3]).T  # (m,), (m,)
    assert FOUND[:, 1:].min() >= 0
    assert FOUND[:, 1:].max() <= 96
    assert (tall.min(), tall.max()) == (12, 48)
    assert 3 <= wide.min() < wide.max() <= 48


def test_boxes_overlap_only_a_little():
    shares = [
        _covered(a[1:].tolist(), b[1:].tolist())
        for boxes in Y
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a[0] >= 0
    ]
    assert max(shares) <= 0.2
    assert max(shares) > 0.1


def test_a_box_goes_round_the_ink():
    """The ink of a digit touches all four sides of its box."""
    image = torch.zeros(28, 28)
    image[5:20, 9:16] = 1
    ink = _ink(image.numpy(), 30)
    assert ink.shape == (30, 14)
    assert min(ink[0].max(), ink[-1].max(), ink[:, 0].max(), ink[:, -1].max()) > 0.9


def test_no_digit_and_no_place_is_in_two_parts(monkeypatch):
    places = np.arange(2 * 3 * 427 * 640, dtype=np.float64).reshape(2, 3, 427, 640)
    monkeypatch.setattr(module, "_photographs", lambda: places)
    seen = []

    def watched(n, size, X, y, photographs, draw, crowded):
        seen.append(({x.numpy().tobytes() for x in X}, photographs))
        return torch.zeros(n, 3, size, size), torch.zeros(n, 6, 5)

    monkeypatch.setattr(module, "_scenes", watched)
    data.scenes(1, 1, validation_size=1)
    assert [len(digits) for digits, _ in seen] == [3500, 500, 1000]
    for (digits, photos), (others, other_photos) in combinations(seen, 2):
        assert not digits & others
        assert not np.intersect1d(photos, other_photos).size
    for _, photos in seen:
        assert min(photos.shape[2:]) >= 192, "room for the scenes of full scale"


def test_the_same_scenes_at_every_call():
    again = data.scenes(120, 60)
    assert torch.equal(again[0][0], X)
    assert torch.equal(again[1][1], Y_TEST)


@pytest.mark.parametrize("sizes", [(30, 60, None), (130, 20, None), (30, 20, 10)])
def test_no_part_depends_on_the_size_of_another(sizes):
    *most, validation = sizes
    train, *validated, test = data.scenes(*most, validation_size=validation)
    for part, (all_X, all_Y) in ((train, (X, Y)), (test, (X_TEST, Y_TEST))):
        n = min(len(part[0]), len(all_X))
        assert torch.equal(part[0][:n], all_X[:n])
        assert torch.equal(part[1][:n], all_Y[:n])
    assert [len(part[0]) for part in validated] == ([10] if validation else [])


def test_a_validation_set_is_scenes_of_its_own():
    _, (X_val, Y_val), (X_all, _) = data.scenes(1, 60, validation_size=20)
    assert (X_val.shape, Y_val.shape) == ((20, 3, 96, 96), (20, 6, 5))
    assert not any(torch.equal(x, other) for x in X_val for other in X_all)


def test_a_crowd_is_rows_of_small_digits_beside_others():
    (X, y), (_, y_test) = data.scenes(200, 60, crowded=True)
    assert (X.shape, y.shape, y_test.shape) == ((200, 3, 96, 96), (200, 12, 5), (60, 12, 5))
    there = y[..., 0] >= 0  # (n, 12)
    assert (there.int().diff(dim=1) <= 0).all()
    found = y[there]  # (m, 5)
    wide, tall = (found[:, 3:] - found[:, 1:3]).T  # (m,), (m,)
    assert found[:, 1:].min() >= 0
    assert found[:, 1:].max() <= 96
    assert tall.min() == 10
    assert 40 < tall.max() <= 48
    assert ((wide * tall) < 256).float().mean() > 0.7
    neighbours = y[:, 1:, 1] - y[:, :-1, 3]  # (n, 11), from one digit to the next
    beside = (y[:, 1:, 2] == y[:, :-1, 2]) & (neighbours >= 1) & (neighbours <= 3) & there[:, 1:]
    assert beside.float().sum(dim=1).mean() > 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: data.scenes(1, 1, crowded=1), TypeError, "crowded must be"),
        (lambda: data.scenes(0), ValueError, "train_size must .* at least 1"),
        (lambda: data.scenes(test_size=1.5), TypeError, "test_size must be a whole number"),
        (lambda: data.scenes(1, 1, validation_size=0), ValueError, "validation_size .* at least 1"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
