"""The device, the scale and the seed."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from d2lutil import runtime


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    monkeypatch.delenv("D2LUTIL_DEVICE", raising=False)
    monkeypatch.delenv("D2LUTIL_SCALE", raising=False)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_device_is_the_best_there_is(monkeypatch, cuda, mps, best):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch, "empty", lambda *shape, device: None)
    assert runtime.device() == torch.device(best)


def test_device_can_be_chosen(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("D2LUTIL_DEVICE", "cpu")
    assert runtime.device() == torch.device("cpu")
    monkeypatch.setenv("D2LUTIL_DEVICE", "toaster")
    assert runtime.device("cpu") == torch.device("cpu"), "the argument comes first"
    assert runtime.device(torch.device("cpu")) == torch.device("cpu")


def test_empty_variables_count_as_unset(monkeypatch):
    monkeypatch.setenv("D2LUTIL_DEVICE", "")
    monkeypatch.setenv("D2LUTIL_SCALE", "")
    assert runtime.device().type in ("cuda", "mps", "cpu")
    assert runtime.scale(1, 2) in (1, 2)


def test_device_that_is_not_here(monkeypatch):
    with pytest.raises(ValueError, match=r"device is 'toaster', which this machine does not have"):
        runtime.device("toaster")
    with pytest.raises(ValueError, match=r"device is 'cuda:99'.*its best is '\w+'"):
        runtime.device("cuda:99")
    monkeypatch.setenv("D2LUTIL_DEVICE", "toaster")
    with pytest.raises(ValueError, match=r"^D2LUTIL_DEVICE is 'toaster'"):
        runtime.device()
    with pytest.raises(TypeError, match=r"device must be a device or its name.*not 0"):
        runtime.device(0)


@pytest.mark.parametrize(("kind", "expected"), [("cuda", 20), ("mps", 4), ("cpu", 4)])
def test_scale_follows_the_device(monkeypatch, kind, expected):
    monkeypatch.setattr(runtime, "device", lambda: torch.device(kind))
    assert runtime.scale(small=4, full=20) == expected


def test_scale_can_be_set(monkeypatch):
    monkeypatch.setenv("D2LUTIL_SCALE", "full")
    assert runtime.scale(4, 20) == 20
    monkeypatch.setenv("D2LUTIL_SCALE", "small")
    assert runtime.scale(4, 20) == 4
    monkeypatch.setenv("D2LUTIL_SCALE", "Full")
    with pytest.raises(ValueError, match=r"D2LUTIL_SCALE must be 'small' or 'full', not 'Full'"):
        runtime.scale(4, 20)


def test_seed_repeats_all_three_generators():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    runtime.seed(3)
    first = draw()
    assert all(a != b for a, b in zip(first, draw(), strict=True))
    runtime.seed(3)
    assert draw() == first
    runtime.seed()
    assert all(a != b for a, b in zip(first, draw(), strict=True))


def test_seed_refuses_what_is_no_seed():
    with pytest.raises(TypeError, match=r"value must be a whole number, not 0\.5"):
        runtime.seed(0.5)
    with pytest.raises(TypeError, match="value must be a whole number, not True"):
        runtime.seed(True)
    with pytest.raises(ValueError, match="value must be from 0 to"):
        runtime.seed(-1)
