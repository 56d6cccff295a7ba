"""Network in network and GoogLeNet: layers, blocks and counts are what they are said to be."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torchvision
from chapter_code import code, defined_in
from conftest import ROOT
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F
from torchvision.models.googlenet import Inception

PAGE = defined_in("convolution/nin_and_googlenet")
for cell in code((ROOT / "chapters/convolution/nin_and_googlenet.md").read_text("utf-8")):
    if cell.startswith("TABLE = {"):
        exec(cell, PAGE)  # the widths, which googlenet() uses
sizes = st.integers(1, 5)


@settings(deadline=None, max_examples=40)
@given(n=sizes, c=sizes, out=sizes, h=sizes, w=sizes)
def test_pointwise_is_torchs(n, c, out, h, w):
    layer = nn.Conv2d(c, out, 1)
    X = torch.randn(n, c, h, w)
    ours = PAGE["pointwise"](X, layer.weight[:, :, 0, 0], layer.bias)
    torch.testing.assert_close(ours, layer(X), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("five", [5, 3])
def test_inception_from_scratch_is_the_block(five):
    block = PAGE["inception_block"](6, 3, (4, 5), (2, 7), 8, five=five)
    X = torch.randn(2, 6, 9, 7)
    ours = PAGE["inception"](X, list(block.parameters()))
    assert ours.shape == (2, 3 + 5 + 7 + 8, 9, 7)
    torch.testing.assert_close(ours, block(X), atol=1e-5, rtol=1e-4)


def test_inception_block_is_torchvisions():
    theirs = Inception(6, 3, 4, 5, 2, 7, 8)
    normed = partial(PAGE["conv"], norm=True)
    ours = PAGE["inception_block"](6, 3, (4, 5), (2, 7), 8, conv=normed, five=3)
    values = theirs.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    X = torch.randn(4, 6, 8, 8)
    torch.testing.assert_close(ours(X), theirs(X), atol=1e-5, rtol=1e-4)


def test_googlenet_has_its_parameters():
    with torch.device("meta"):
        paper = PAGE["googlenet"]()
        theirs = torchvision.models.googlenet(init_weights=False, aux_logits=False)
        ours = PAGE["googlenet"](conv=partial(PAGE["conv"], norm=True), five=3)
    size = PAGE["size"]
    assert size(paper) == 6_998_552
    assert size(ours) == size(theirs) == 6_624_904
    assert isinstance(ours[13], nn.MaxPool2d)
    assert isinstance(ours[18], nn.Dropout)
    X = torch.empty(1, 3, 224, 224, device="meta")
    shapes = {}
    for i, layer in enumerate(paper):
        X = layer(X)
        shapes[i] = tuple(X.shape[1:])
    assert shapes[0] == (64, 112, 112)
    assert shapes[4] == (192, 28, 28)
    assert [shapes[i] for i in (5, 6, 7)] == [(256, 28, 28), (480, 28, 28), (480, 14, 14)]
    assert [shapes[i][0] for i in range(8, 13)] == [512, 512, 512, 528, 832]
    assert [shapes[i] for i in (13, 14, 15)] == [(832, 7, 7), (832, 7, 7), (1024, 7, 7)]


def test_auxiliary_heads_are_counted_right():
    heads = [128 * (c + 1) + (128 * 16 + 1) * 1024 + 1025 * 1000 for c in (512, 528)]
    assert sum(heads) == 6_379_728
    assert 6_624_904 + sum(heads) + 2 * 128 == 13_004_888
    small = [128 * (c + 1) + 129 * 1024 + 1025 * 1000 for c in (512, 528)]
    assert sum(small) == 2_447_568


@pytest.mark.parametrize("kernel", [3, 5])
def test_cost_of_a_branch_is_what_is_counted(kernel):
    out = {3: 128, 5: 32}[kernel]
    conv, count = PAGE["conv"], PAGE["multiplications"]
    with torch.device("meta"):
        reduced = nn.Sequential(conv(192, 24, 1), conv(24, out, kernel))
        direct = conv(192, out, kernel)
    cost = PAGE["branch_cost"](24, kernel)
    assert cost == (count(reduced, 192, 6, 5) // 30, count(direct, 192, 6, 5) // 30)
    even = kernel**2 * 192 * out / (192 + kernel**2 * out)
    least, most = PAGE["branch_cost"](int(even), kernel), PAGE["branch_cost"](int(even) + 1, kernel)
    assert least[0] <= least[1]
    assert most[0] > most[1]


def test_fixed_sum_with_equal_weights_is_global_average_pooling():
    A = torch.randn(3, 4, 7, 7)
    expected = F.adaptive_avg_pool2d(A, 1).flatten(1)
    torch.testing.assert_close(PAGE["gap"]()(A), expected, atol=1e-5, rtol=1e-4)
    signs = PAGE["signs"]().weights
    assert torch.allclose(signs.abs(), torch.tensor(1 / 49))
    assert 0 < (signs > 0).sum() < 49


def test_shifted_moves_each_quarter_in_its_direction():
    X = torch.rand(8, 1, 9, 9) + 1
    moved = PAGE["shifted"](X, 2)
    assert torch.equal(PAGE["shifted"](X, 0), X)
    assert torch.equal(moved[0, 0, :, 2:], X[0, 0, :, :-2])
    assert torch.equal(moved[1, 0, :, :-2], X[1, 0, :, 2:])
    assert torch.equal(moved[6, 0, 2:], X[6, 0, :-2])
    assert torch.equal(moved[7, 0, :-2], X[7, 0, 2:])
    assert not moved[0, 0, :, :2].any()
    assert not moved[7, 0, -2:].any()


def test_circular_padding_makes_the_mean_blind_to_direction():
    X, directions = PAGE["in_four_directions"](torch.rand(3, 1, 28, 28))
    assert X.shape == (12, 1, 14, 14)
    assert directions.tolist() == sorted([0, 1, 2, 3] * 3)
    with torch.no_grad():
        outputs = PAGE["where_net"]("circular")(X).reshape(4, 3, 4)
        marked = PAGE["where_net"]("zeros")(X).reshape(4, 3, 4)
    torch.testing.assert_close(outputs, outputs[:1].expand(4, 3, 4), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(marked, marked[:1].expand(4, 3, 4), atol=1e-4)


def test_resized_digits_are_larger_or_smaller():
    X = torch.zeros(2, 1, 28, 28)
    X[:, :, 9:19, 9:19] = 1
    resized = PAGE["resized"]
    torch.testing.assert_close(resized(X, 1), X, atol=1e-4, rtol=1e-4)
    for s in (0.75, 1.25):
        assert resized(X, s).sum().item() == pytest.approx(X.sum().item() * s**2, rel=0.05)
