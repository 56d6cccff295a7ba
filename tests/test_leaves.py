"""Drawn leaves: shapes, plants, and what the nuisances are."""

from __future__ import annotations

import pytest
import torch

from d2lutil import data

TRAIN, TEST = data.leaves(3, 2)
X, y, plant_of = TRAIN


def test_shapes_and_ranges():
    for part, count in ((TRAIN, 30), (TEST, 20)):
        images, labels, plants = part
        assert images.shape == (len(labels), 3, 32, 32)
        assert images.dtype == torch.float32
        assert labels.dtype == plants.dtype == torch.int64
        assert 0 <= images.min() < 0.2 < 0.8 < images.max() <= 1
        assert len(plants.unique()) == count
        assert set(labels.tolist()) == set(range(10))


def test_a_plant_has_one_species_and_four_to_six_leaves_side_by_side():
    sizes = plant_of.bincount()
    assert (sizes.min(), sizes.max()) == (4, 6)
    assert (plant_of.diff() >= 0).all()
    for plant in plant_of.unique():
        assert len(y[plant_of == plant].unique()) == 1
    assert [len(plant_of[y == species].unique()) for species in range(10)] == [3] * 10


def test_no_plant_is_in_both_parts():
    assert not set(plant_of.tolist()) & set(TEST[2].tolist())
    assert TEST[2].min() == plant_of.max() + 1


def test_the_same_every_time_and_more_plants_begin_with_fewer():
    again, test = data.leaves(5, 1)
    assert torch.equal(again[0][: len(X)], X)
    assert torch.equal(again[2][: len(X)], plant_of)
    assert torch.equal(test[0], TEST[0][: len(test[0])])


def test_another_draw_has_other_plants():
    other = data.leaves(3, 2, draw=1)
    assert other[0][0].shape != X.shape or not torch.allclose(other[0][0], X)
    assert not torch.allclose(TEST[0][:4], X[:4])


def test_without_nuisances_all_leaves_of_a_species_are_one():
    images, labels, _ = data.leaves(2, 1, nuisance=0)[0]
    for species in range(10):
        own = images[labels == species]
        assert (own - own[:1]).abs().max() < 1e-6
    firsts = torch.stack([images[labels == species][0] for species in range(10)]).flatten(1)
    assert torch.cdist(firsts, firsts)[~torch.eye(10, dtype=torch.bool)].min() > 1


def test_leaves_of_a_plant_share_their_colours():
    """Means of the colours differ less within a plant than between plants of a species."""
    colours = X.mean(dim=(2, 3))  # (n, 3)
    within = torch.stack([colours[plant_of == p].var(dim=0) for p in plant_of.unique()]).mean()
    means = torch.stack([colours[plant_of == p].mean(dim=0) for p in plant_of.unique()])
    assert means.reshape(3, 10, 3).var(dim=0).mean() > 2 * within


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"train_plants": 0}, ValueError, "train_plants must be a whole number, at least 1"),
        ({"test_plants": 1001}, ValueError, "test_plants must be a whole number"),
        ({"train_plants": 2.0}, TypeError, "train_plants must be a whole number"),
        ({"nuisance": -0.1}, ValueError, "nuisance must be a finite number"),
        ({"nuisance": "much"}, TypeError, "nuisance must be a finite number"),
        ({"draw": -1}, ValueError, "draw must be a whole number, at least 0"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        data.leaves(**arguments)
