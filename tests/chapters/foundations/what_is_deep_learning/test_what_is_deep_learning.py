"""What a reader of *What is deep learning?* relies on: HOG by loops and by layers, neighbours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from chapter_code import defined_in

HERE = defined_in("foundations/what_is_deep_learning")


def test_hog_by_loops_is_hog_by_layers():
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(3, 1, 28, 28, generator=generator, dtype=torch.float64)
    X[1, 0, :, 14:] = 0.0  # half of it has no gradient at all
    X[2] = 0.0
    layers = HERE["hog_layers"](X)
    assert layers.shape == (3, 1296)
    loops = np.stack([HERE["hog"](image.numpy()) for image in X[:, 0]])
    np.testing.assert_allclose(layers.numpy(), loops, atol=1e-12)


@pytest.mark.parametrize("degrees", [5, 45, 95, 170])
def test_hog_puts_a_ramp_into_the_bin_of_its_direction(degrees):
    angle = np.radians(degrees)
    row, column = np.mgrid[:28, :28]
    image = 0.01 * (np.cos(angle) * column + np.sin(angle) * row)
    blocks = HERE["hog"](image).reshape(6, 6, 4, 9)
    inner = blocks[1:5, 1:5]  # away from the border
    assert (inner.sum(axis=2).argmax(axis=2) == degrees // 20).all()


def test_no_line_separates_the_strokes():
    """The two sums of images are one, at every size."""
    for h in range(2, 6):
        vertical = [np.eye(h)[k] * np.ones((h, 1)) for k in range(h)]
        assert (sum(vertical) == sum(image.T for image in vertical)).all()
        pairs = itertools.combinations(vertical, 2)
        same = {round(float(((a - b) ** 2).sum())) for a, b in pairs}
        other = {round(float(((a - b.T) ** 2).sum())) for a in vertical for b in vertical}
        assert same == {2 * h}
        assert other == {2 * h - 2}
        assert {HERE["count_pairs"](image) for image in vertical} == {h - 1}
        assert {HERE["count_pairs"](image.T) for image in vertical} == {0}


def test_agreement_counts_neighbours_of_the_same_label():
    H = torch.tensor([[0.0], [1.0], [3.0], [10.0], [12.0], [15.0]])
    y = torch.tensor([0, 0, 1, 1, 1, 1])
    assert HERE["agreement"](H, y, k=1).tolist() == [1, 1, 0, 1, 1, 1]
    assert HERE["agreement"](H, y, k=2).tolist() == [0.5, 0.5, 0, 1, 1, 1]


def test_the_two_networks_begin_alike():
    """The same seed gives the random and the learned network the same initial weights."""
    torch.manual_seed(3)
    first = HERE["network"]()
    torch.manual_seed(3)
    second = HERE["network"]()
    X = torch.rand(2, 1, 28, 28)
    assert torch.equal(first(X), second(X))
    assert first(X).shape == (2, 10)
