"""The chapter's delay line is a causal convolution, and its standard error knows of blocks."""

from __future__ import annotations

import math

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F

CHAPTER = defined_in("sequences/memory")
sizes = st.integers(1, 6)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, d=sizes, h=sizes, K=sizes, seed=st.integers(0, 999))
def test_delay_layer_is_a_causal_convolution(n, t, d, h, K, seed):
    torch.manual_seed(seed)
    conv = nn.Conv1d(d, h, K).double()
    X = torch.randn(n, t, d, dtype=torch.float64)
    ours = CHAPTER["delay_layer"](X, conv.weight.flip(2).permute(2, 1, 0), conv.bias)
    theirs = conv(F.pad(X.transpose(1, 2), (K - 1, 0))).transpose(1, 2)
    assert ours.shape == (n, t, h)
    assert torch.allclose(ours, theirs)


def test_recurrent_cell_is_torchs():
    torch.manual_seed(0)
    cell = nn.RNNCell(3, 5)
    x, h = torch.randn(4, 3), torch.randn(4, 5)
    weights = cell.weight_ih.T, cell.weight_hh.T, cell.bias_ih + cell.bias_hh
    assert torch.allclose(CHAPTER["recurrent_cell"](x, h, *weights), cell(x, h), atol=1e-6)


def test_narx_by_hand():
    """y_t = x_t + 10 x_{t-1} + 100 y_{t-1} + 1000 y_{t-2}."""
    f = nn.Linear(4, 1, bias=False)
    f.weight.data = torch.tensor([[10.0, 1, 1000, 100]])
    X = torch.tensor([[[1.0], [2], [0]]])
    assert CHAPTER["narx"](f, X, 2, 2).tolist() == [[1, 112, 20 + 11200 + 1000]]


@pytest.mark.parametrize("K", [1, 3])
def test_teacher_forcing_with_its_own_outputs_is_free_running(K):
    torch.manual_seed(0)
    f = nn.Sequential(nn.Linear(3 * K, 4), nn.Tanh(), nn.Linear(4, 1))
    X = torch.randn(5, 7, 2)
    y = CHAPTER["narx"](f, X, K, K)
    assert torch.allclose(f(CHAPTER["forced"](X, y, K))[..., 0], y, atol=1e-6)


def test_bits_are_in_pairs():
    torch.manual_seed(0)
    for shown in (False, True):
        X, y = CHAPTER["bits"](6, 4, shown)
        assert X.shape == (12, 5, 2)
        assert torch.equal(X[:6, 1:], X[6:, 1:])
        assert torch.equal(X[:6, 0, 0], -X[6:, 0, 0])
        assert torch.equal(y[:, -1], X[:, 0, 0])
        assert (y[:, :-1] == (y[:, -1:] if shown else 0)).all()


def test_windows_end_before_what_they_forecast():
    Z = torch.arange(10.0)[:, None]
    X, y = CHAPTER["windows"](Z, 3, 2)
    assert X.shape == (6, 3, 1)
    assert torch.equal(X[:, -1] + torch.tensor([1.0, 2.0]), y)


def test_iterated_forecast_is_fed_back():
    later = torch.tensor([[[7.0], [8.0], [9.0]]])
    X = torch.tensor([[[1.0, 5.0], [2.0, 6.0]]])

    def model(X):  # the sum of the last two values, times the last known input
        return (X[:, -2:, 0].sum(dim=1) * X[:, -1, 1])[:, None]

    assert CHAPTER["iterate"](model, X, later).tolist() == [[18, 140, 158 * 8]]


def test_standard_error_of_independent_and_of_blocked_values():
    torch.manual_seed(0)
    d = torch.randn(400, dtype=torch.float64)
    assert CHAPTER["standard_error"](d) == pytest.approx(1 / math.sqrt(400), rel=0.5)
    blocked = d[:20].repeat_interleave(20)  # 20 pieces of news in 400 values
    naive = blocked.std().item() / math.sqrt(400)
    assert CHAPTER["standard_error"](blocked, block=40) > 2 * naive


def test_autoregression_finds_the_weights():
    torch.manual_seed(0)
    X = torch.randn(30, 2, dtype=torch.float64)
    w, b = CHAPTER["autoregression"](X, X @ torch.tensor([2.0, -1.0]).double() + 3)
    assert w.tolist() == pytest.approx([2, -1])
    assert b.item() == pytest.approx(3)
