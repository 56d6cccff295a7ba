"""Weights that travel with the book: written by one command, loaded everywhere else."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from d2lutil import weights
from d2lutil.weights import trained


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in place of the package's own."""
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    return tmp_path


def model(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, outputs), nn.BatchNorm1d(outputs))


def refuse():
    raise AssertionError("not to be trained")


def test_what_was_trained_is_loaded(folder, monkeypatch):
    first = model()

    def train():
        with torch.no_grad():
            first[0].weight.fill_(1.2345678)
        first(torch.randn(8, 2))  # moves the running mean
        return {"accuracy": 0.5}

    monkeypatch.setenv("D2LUTIL_WEIGHTS", "train")
    record = trained("part/name", first, train)
    monkeypatch.delenv("D2LUTIL_WEIGHTS")
    assert record["numbers"] == {"accuracy": 0.5}
    assert {"device", "scale", "seconds", "torch"} <= record.keys()
    second = model()
    assert trained("part/name", second, refuse) == record
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value)
    assert second[0].weight[0, 0].item() == torch.tensor(1.2345678).half().item()


def test_without_training_they_are_only_loaded(folder, monkeypatch):
    monkeypatch.setenv("D2LUTIL_WEIGHTS", "train")
    record = trained("name", model(), lambda: {"accuracy": 0.5})
    second = model()
    assert trained("name", second) == record
    with pytest.raises(FileNotFoundError, match="no weights called 'other'"):
        trained("other", model())


def test_one_of_several_can_be_trained_alone(folder, monkeypatch):
    monkeypatch.setenv("D2LUTIL_WEIGHTS", "train")
    trained("part/kept", model(), lambda: {"accuracy": 0.5})
    monkeypatch.setenv("D2LUTIL_WEIGHTS", "part/new")
    trained("part/kept", model(), refuse)
    assert trained("part/new", model(), lambda: {"accuracy": 0.6})["numbers"] == {"accuracy": 0.6}


def test_weights_of_another_model_are_refused(folder, monkeypatch):
    monkeypatch.setenv("D2LUTIL_WEIGHTS", "train")
    trained("name", model(), dict)
    monkeypatch.delenv("D2LUTIL_WEIGHTS")
    other = model(4)
    before = other[0].weight.clone()
    with pytest.raises(ValueError, match=r"weights of another model: see '0\.bias'"):
        trained("name", other, refuse)
    assert torch.equal(other[0].weight, before)


def test_nothing_is_found_under_another_name(folder):
    with pytest.raises(FileNotFoundError, match="no weights called 'name'"):
        trained("name", model(), refuse)


def test_what_is_too_large_is_not_written(folder, monkeypatch):
    monkeypatch.setenv("D2LUTIL_WEIGHTS", "train")
    with pytest.raises(ValueError, match=r"the weights take 5.*has 500,000 at most"):
        trained("name", nn.Linear(500, 500), dict)
    assert list(folder.iterdir()) == []


def test_a_model_is_asked_for():
    with pytest.raises(TypeError, match=r"model must be an nn\.Module, not 3"):
        trained("name", 3, dict)


def test_what_travels_is_small_and_has_a_record():
    found = list(weights.FOLDER.rglob("*.safetensors"))
    assert all(path.stat().st_size <= weights.LARGEST for path in found)
    assert sum(path.stat().st_size for path in found) <= 4_000_000
    for path in found:
        assert json.loads(path.with_suffix(".json").read_text())["numbers"]
