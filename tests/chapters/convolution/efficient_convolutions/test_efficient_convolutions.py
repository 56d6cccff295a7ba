"""The chapter on efficient convolutions: its splits and its network are what it says they are."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.mobilenetv2 import InvertedResidual

from d2lutil.exercises import find

OURS = defined_in("convolution/efficient_convolutions")
sizes = st.integers(1, 4)


@settings(deadline=None, max_examples=40)
@given(n=sizes, c=sizes, c_out=sizes, k=st.sampled_from([1, 3, 5]), h=sizes, w=sizes)
def test_a_depthwise_separable_convolution_is_torchs(n, c, c_out, k, h, w):
    X, D, P = torch.randn(n, c, h, w), torch.randn(c, k, k), torch.randn(c_out, c)
    ours = OURS["pointwise"](OURS["depthwise"](X, D), P)
    grouped = F.conv2d(X, D[:, None], padding=k // 2, groups=c)
    torch.testing.assert_close(ours, F.conv2d(grouped, P[:, :, None, None]), atol=1e-4, rtol=1e-4)
    full = F.conv2d(X, P[:, :, None, None] * D, padding=k // 2)
    torch.testing.assert_close(ours, full, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("k", [2, 3, 5, 15])
def test_what_can_be_separated_is(k):
    a, b = torch.randn(k, 1), torch.randn(1, k)
    column, row = OURS["separate"](a @ b)
    torch.testing.assert_close(column @ row, a @ b, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="rank 2"):
        OURS["separate"](torch.eye(k))


@pytest.mark.parametrize("scheme", ["rows_and_columns", "fewer_kernels"])
@pytest.mark.parametrize(("c", "c_out", "k"), [(3, 4, 5), (4, 2, 3), (1, 6, 3)])
def test_at_full_rank_a_compressed_layer_is_the_layer(scheme, c, c_out, k):
    W, X = torch.randn(c_out, c, k, k), torch.randn(2, c, 7, 6)
    full = min(c * k, c_out * k) if scheme == "rows_and_columns" else min(c_out, c * k * k)
    layers = OURS[scheme](W, full)
    whole = F.conv2d(X, W, padding=k // 2)
    torch.testing.assert_close(layers(X), whole, atol=1e-4, rtol=1e-4)
    if full > 1:
        off = [(OURS[scheme](W, R)(X) - whole).norm().item() for R in range(1, full + 1)]
        assert off[0] > off[-1]


def test_mobilenet_has_torchvisions_parameters_and_blocks():
    with torch.device("meta"):
        ours, theirs = OURS["mobilenet_v2"](), models.mobilenet_v2()
    shapes = [[p.shape for p in net.parameters()] for net in (ours, theirs)]
    assert shapes[0] == shapes[1]
    assert sum(p.numel() for p in ours.parameters()) == 3_504_872


@pytest.mark.parametrize(("c_in", "c", "stride", "t"), [(4, 4, 1, 6), (4, 6, 2, 6), (4, 4, 1, 1)])
def test_the_block_is_torchvisions(c_in, c, stride, t):
    ours, theirs = (
        OURS["InvertedResidual"](c_in, c, stride, t),
        InvertedResidual(c_in, c, stride, t),
    )
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    X = torch.randn(2, c_in, 7, 8)
    for training in (True, False):
        torch.testing.assert_close(ours.train(training)(X), theirs.train(training)(X))
    cost = find("inverted_residual_cost").reference(c_in, c, t, stride, 7, 8)
    assert cost == OURS["multiply_adds"](ours, X[:1])


def test_the_formula_counts_what_torch_counts():
    for c, c_out, k in ((32, 64, 3), (5, 7, 5)):
        X = torch.zeros(1, c, 9, 8)
        full = nn.Conv2d(c, c_out, k, padding=k // 2, bias=False)
        space = nn.Conv2d(c, c, k, padding=k // 2, groups=c, bias=False)
        split = nn.Sequential(space, nn.Conv2d(c, c_out, 1, bias=False))
        ratio = OURS["multiply_adds"](split, X) / OURS["multiply_adds"](full, X)
        assert abs(ratio - (1 / c_out + 1 / k**2)) < 1e-12
