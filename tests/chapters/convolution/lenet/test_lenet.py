"""The LeNet chapter: its pooling, its network and its shifts are what they are said to be."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from d2l import torch as d2l
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F

LENET = defined_in("convolution/lenet")
sizes = st.integers(1, 4)


@settings(deadline=None, max_examples=60)
@given(n=sizes, c=sizes, k=sizes, s=sizes, rows=st.integers(0, 6), columns=st.integers(0, 6))
def test_pooling_is_torchs(n, c, k, s, rows, columns):
    X = torch.randn(n, c, k + rows, k + columns)
    largest, mean = LENET["pool2d"](X, k, s), LENET["pool2d"](X, k, s, torch.mean)
    assert torch.equal(largest, F.max_pool2d(X, k, s))
    torch.testing.assert_close(mean, F.avg_pool2d(X, k, s))


def test_pooling_passes_gradients_as_torchs_does():
    X = torch.randn(2, 3, 7, 8, requires_grad=True)
    for ours, theirs in (
        (LENET["pool2d"](X, 3, 2), F.max_pool2d(X, 3, 2)),
        (LENET["pool2d"](X, 3, 2, torch.mean), F.avg_pool2d(X, 3, 2)),
    ):
        G = torch.randn_like(theirs)
        torch.testing.assert_close(
            torch.autograd.grad(ours, X, G)[0], torch.autograd.grad(theirs, X, G)[0]
        )


@pytest.mark.parametrize(
    ("modules", "functions"),
    [((), ()), ((nn.Tanh, nn.AvgPool2d), (torch.tanh, torch.mean))],
    ids=["relu and maximum", "tanh and mean"],
)
def test_network_from_scratch_is_the_librarys(modules, functions):
    net = LENET["make_lenet"](*modules)
    X = torch.rand(4, 1, 28, 28)
    ours = LENET["lenet"](X, LENET["parameters_of"](net), *functions)
    torch.testing.assert_close(ours, net(X), atol=1e-5, rtol=1e-4)


def test_network_from_scratch_is_d2ls():
    theirs = d2l.LeNet().net
    X = torch.rand(4, 1, 28, 28)
    outputs = theirs(X)  # which gives the lazy layers their shapes
    ours = LENET["lenet"](X, LENET["parameters_of"](theirs), torch.sigmoid, torch.mean)
    torch.testing.assert_close(ours, outputs, atol=1e-5, rtol=1e-4)


def test_multiplications_are_those_of_the_formula():
    count = LENET["multiplications"]
    X = torch.rand(3, 4, 9, 11)
    assert count(nn.Conv2d(4, 5, 3, stride=2), X) == 4 * 5 * (5 * 4 * 9)
    assert count(nn.Sequential(nn.Flatten(), nn.Linear(396, 7)), X) == 396 * 7
    assert count(nn.MaxPool2d(2), X) == 0


def test_original_has_the_parameters_and_connections_of_the_paper():
    """Table I and section II-B: each layer's parameters, and what each output number is made of."""
    table = [[(i + j) % 6 for j in range(k)] for k in (3, 4) for i in range(6)]
    table += [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]]
    rows = ["0 4 5 6 9 10 11 12 14 15", "0 1 5 6 7 10 11 12 13 15", "0 1 2 6 7 8 11 13 14 15"]
    rows += ["1 2 3 6 7 8 9 12 14 15", "2 3 4 7 8 9 10 12 13 15", "3 4 5 8 9 10 11 13 14 15"]
    for channel, row in enumerate(rows):
        assert [o for o, inputs in enumerate(table) if channel in inputs] == [
            *map(int, row.split())
        ]
    c3 = LENET["TableConvolution"](table)
    X = torch.rand(2, 6, 14, 14)
    full = nn.Conv2d(6, 16, 5)
    with torch.no_grad():
        full.weight.zero_()
        for o, inputs in enumerate(table):
            full.weight[o, inputs] = c3.maps[o].weight[0]
            full.bias[o] = c3.maps[o].bias[0]
    torch.testing.assert_close(c3(X), full(X), atol=1e-5, rtol=1e-4)
    assert LENET["size"](c3) == 1516
    s2 = LENET["Subsampling"](6)
    with torch.no_grad():
        s2.weight.normal_()
        s2.bias.normal_()
    P = s2(X)
    assert P.shape == (2, 6, 7, 7)
    sums = X[:, :, 4:6, 2:4].sum(dim=(2, 3)) * s2.weight[:, 0, 0] + s2.bias[:, 0, 0]
    torch.testing.assert_close(P[:, :, 2, 1], sums)
    assert LENET["size"](s2) == 12
    connections = 28**2 * 156 + 14**2 * 6 * 5 + 10**2 * 1516 + 5**2 * 16 * 5 + 48_120 + 10_164 + 840
    assert connections == 340_908


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, 0), (-3, 1), (0, -4)])
def test_shift_moves_and_fills_with_paper(right, down):
    X = torch.rand(2, 1, 9, 8) + 1
    moved = LENET["shift"](X, right, down)
    assert moved.shape == X.shape
    for i in range(9):
        for j in range(8):
            inside = 0 <= i - down < 9 and 0 <= j - right < 8
            expected = X[:, 0, i - down, j - right] if inside else torch.zeros(2)
            assert torch.equal(moved[:, 0, i, j], expected)


@pytest.mark.parametrize("way", ["pooling", "stride"])
def test_small_nets_shrink_alike(way):
    net = LENET["small_net"](4, 9, way)
    assert net[:-1](torch.rand(2, 1, 20, 20)).shape == (2, 9 * 3 * 3)
    assert LENET["small_net"](4, 9, "neither")[:-1](torch.rand(2, 1, 20, 20)).shape[1] == 9 * 256
