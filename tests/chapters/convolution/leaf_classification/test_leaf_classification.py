"""The competition's folds, standard errors and checks are what they are said to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from chapter_code import defined_in

LEAVES = defined_in("convolution/leaf_classification")
PLANTS = torch.arange(40).repeat_interleave(torch.randint(4, 7, (40,)))  # (n,)
SPECIES = PLANTS % 10


def test_folds_keep_plants_together_and_have_all_species():
    fold = LEAVES["folds_by_plant"](SPECIES, PLANTS, 4)
    for plant in range(40):
        assert len(fold[plant == PLANTS].unique()) == 1
    for k in range(4):
        assert len(PLANTS[fold == k].unique()) == 10
        assert len(SPECIES[fold == k].unique()) == 10


def test_clustered_error_of_groups_of_one_is_the_ordinary_one():
    d = torch.randn(200)
    error = LEAVES["clustered_error"](d, torch.randperm(200))
    assert error == pytest.approx(d.std(correction=0).item() / 200**0.5, rel=1e-4)


def test_clustered_error_by_hand():
    """Means 1 and 3 in two groups: deviations add up to -2 and 2, n is 4."""
    d = torch.tensor([1.0, 3.0, 1.0, 3.0])
    error = LEAVES["clustered_error"](d, torch.tensor([7, 2, 7, 2]))
    assert error == pytest.approx(8**0.5 / 4)


def test_clustered_error_of_copies_is_that_of_the_groups():
    d = torch.randn(60)
    groups = torch.arange(60).repeat_interleave(5)
    error = LEAVES["clustered_error"](d.repeat_interleave(5), groups)
    assert error == pytest.approx(d.std(correction=0).item() / 60**0.5, rel=1e-4)


def test_bootstrap_agrees_with_the_formula():
    torch.manual_seed(0)
    groups = torch.arange(200).repeat_interleave(4)
    d = (torch.randn(200).repeat_interleave(4) + torch.randn(800)).double()
    ours = LEAVES["bootstrap_error"](d, groups, draws=4000)
    assert ours == pytest.approx(LEAVES["clustered_error"](d, groups), rel=0.1)


def test_the_first_view_is_the_image_and_the_second_its_mirror():
    X = torch.rand(3, 3, 32, 32)
    V = LEAVES["views"](X)
    torch.testing.assert_close(V[0], X, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(V[1], X.flip(3), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(V[2], X, atol=0.1)


def test_augmentation_acts_in_training_only():
    layer, X = LEAVES["Augment"](), torch.rand(5, 3, 32, 32)
    assert torch.equal(layer.eval()(X), X)
    assert not torch.allclose(layer.train()(X), X, atol=0.1)


def test_best_temperature_undoes_a_factor():
    torch.manual_seed(0)
    Z = 2 * torch.randn(20_000, 10)
    y = torch.multinomial(Z.softmax(dim=1), 1)[:, 0]
    P = (1.5 * Z).softmax(dim=1)
    assert LEAVES["best_temperature"](P, y) == pytest.approx(1.5, abs=0.06)
    torch.testing.assert_close(LEAVES["tempered"](P, 1), P)


def submission(n=4, classes=3):
    table = pd.DataFrame(np.full((n, classes), 1 / classes))
    table.columns = [f"species_{k}" for k in range(classes)]
    table.insert(0, "id", [f"leaf_{k}" for k in range(n)])
    return table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.rename(columns={"species_0": "a"}), "columns must be"),
        (lambda table: table.iloc[1:], "1 ids missing, such as leaf_0"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "5 rows instead of 4"),
        (lambda table: table.iloc[::-1], "not in the order"),
        (lambda table: table.assign(species_1=[0.5, 1.5, 0.1, 0.1]), "leaf_1: a probability"),
        (lambda table: table.assign(species_1=np.nan), "leaf_0: a probability"),
        (lambda table: table.assign(species_1=0.2), "leaf_0: the sum"),
    ],
)
def test_a_wrong_submission_is_refused(change, message):
    check, ids = LEAVES["check_submission"], list(submission()["id"])
    assert check(submission(), ids, 3).shape == (4, 3)
    with pytest.raises(ValueError, match=message):
        check(change(submission()), ids, 3)


def test_the_organiser_opens_the_sealed_file_once(tmp_path):
    y, plants = torch.arange(20) % 10, torch.arange(20)
    organiser = LEAVES["Organiser"](y, plants)
    assert organiser.public.sum() == 6
    path = tmp_path / "submission.csv"
    path.write_text("a")
    organiser.seal(path)
    path.write_text("b")
    with pytest.raises(ValueError, match="not the sealed file"):
        organiser.open(path)
    path.write_text("a")
    assert torch.equal(organiser.open(path), y)
    with pytest.raises(ValueError, match="not the sealed file"):
        organiser.open(path)
