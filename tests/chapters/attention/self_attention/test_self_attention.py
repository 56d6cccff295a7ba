"""The chapter's self-attention is torch's and d2l's, its table of positions d2l's."""

from __future__ import annotations

import math

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

CHAPTER = defined_in("attention/self_attention")
CHAPTER["PADDING"] = 0  # as the page has it
sizes = st.integers(1, 5)


@settings(deadline=None, max_examples=30)
@given(n=sizes, t=sizes, k=sizes, heads=sizes, kind=st.sampled_from(("none", "back", "padding")))
def test_multi_head_is_torchs(n, t, k, heads, kind):
    torch.manual_seed(n + t)
    layer = nn.MultiheadAttention(heads * k, heads, bias=False, batch_first=True).double()
    X = torch.randn(n, t, heads * k, dtype=torch.float64)
    words = torch.arange(t) < torch.randint(1, t + 1, (n, 1))
    back = torch.ones(t, t, dtype=torch.bool).tril()
    mask, masks = {
        "none": (None, {}),
        "back": (back, {"attn_mask": ~back}),
        "padding": (words[:, None], {"key_padding_mask": ~words}),
    }[kind]
    W = [M.T for M in (*layer.in_proj_weight.chunk(3), layer.out_proj.weight)]
    assert torch.allclose(CHAPTER["multi_head"](X, *W, heads, mask), layer(X, X, X, **masks)[0])


@settings(deadline=None, max_examples=30)
@given(t=st.integers(1, 9), d=sizes, seed=st.integers(0, 99))
def test_self_attention_is_equivariant(t, d, seed):
    torch.manual_seed(seed)
    X, W, order = torch.randn(t, d).double(), torch.randn(4, d, d).double(), torch.randperm(t)
    before, after = (CHAPTER["multi_head"](Z, *W, heads=1) for Z in (X, X[order]))
    assert torch.allclose(before[order], after)


@pytest.mark.parametrize(("t", "d"), [(1, 2), (7, 4), (60, 32)])
def test_sinusoids_are_d2ls(t, d):
    d2l = pytest.importorskip("d2l.torch")
    theirs = d2l.PositionalEncoding(d, 0, max_len=t).P[0]
    assert torch.allclose(CHAPTER["sinusoids"](t, d), theirs, atol=1e-5)


@pytest.mark.parametrize(("t", "w"), [(2, 1), (9, 1), (9, 3), (10, 4), (64, 8)])
def test_hops_through_windows(t, w):
    band, hops = CHAPTER["band"], CHAPTER["hops"]
    assert hops(band(t, w, w)) == math.ceil((t - 1) / w)
    assert hops(band(t, t, t)) == 1
    assert hops(band(t, 0, t)) == math.inf


@pytest.mark.parametrize(("t", "d"), [(5, 4), (40, 8)])
def test_costs_are_those_of_the_formulas(t, d):
    X = torch.randn(1, t, d)
    counted = [CHAPTER["multiplications"](f, X) for f in CHAPTER["three_layers"](d).values()]
    assert counted == [4 * t * d**2 + 2 * t**2 * d, 2 * t * d**2, 3 * t * d**2]


@pytest.mark.parametrize("positions", ["none", "sinusoidal", "learned"])
def test_classifier_ignores_padding_and_without_positions_the_order(positions):
    torch.manual_seed(0)
    net = CHAPTER["Classifier"](9, (10, 6), positions, longest=8, d=8).eval()
    X = torch.randint(1, 9, (4, 5))
    padded = torch.cat([X, torch.zeros(4, 3, dtype=torch.int64)], dim=1)
    with torch.no_grad():
        z, longer, turned = net(X), net(padded), net(X.flip(1))
    assert z.shape == (4, 10, 6)
    assert torch.allclose(z, longer, atol=1e-5)
    assert torch.allclose(z, turned, atol=1e-5) == (positions == "none")


def test_tasks_are_what_they_say():
    torch.manual_seed(0)
    X, y = CHAPTER["which_first"](200, 7)
    assert ((X == 1).sum(1) == 1).all()
    assert ((X == 2).sum(1) == 1).all()
    first = (X == 1).int().argmax(1) < (X == 2).int().argmax(1)
    assert torch.equal(first.long(), y)
    assert 60 < y.sum() < 140
    X, y = CHAPTER["occurs"](200, 7)
    assert y.tolist() == [int(1 in row) for row in X.tolist()]


def test_the_core_keeps_memory_that_is_linear_in_the_length():
    kept = CHAPTER["saved_megabytes"]
    attend, core = CHAPTER["attend"], nn.functional.scaled_dot_product_attention
    assert kept(lambda *M: attend(*M)[0], 1024) > 3.5 * kept(lambda *M: attend(*M)[0], 512)
    assert kept(core, 1024) < 2.1 * kept(core, 512)
