"""The fine-tuning chapter: copies are copies, frozen is frozen, rates are as they are said."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from torch import nn
from torch.nn import functional as F

CHAPTER = defined_in("convolution/fine_tuning")


def data(n=30, classes=10):
    torch.manual_seed(0)
    return torch.rand(n, 1, 14, 14), torch.randint(classes, (n,))


def test_step_is_sgd_with_parameter_groups():
    nets = []
    for _ in range(2):
        torch.manual_seed(0)
        nets.append(nn.Sequential(nn.Linear(5, 7), nn.Sequential(nn.Tanh(), nn.Linear(7, 3))))
    ours, theirs = nets
    X, y = torch.randn(9, 5), torch.randint(3, (9,))
    groups = [{"params": theirs[i].parameters(), "lr": lr} for i, lr in enumerate((0.2, 0.7))]
    optimizer = torch.optim.SGD(groups)
    for _ in range(5):
        CHAPTER["step"](ours, (0.2, 0.7), X, y)
        optimizer.zero_grad()
        F.cross_entropy(theirs(X), y).backward()
        optimizer.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_warp_keeps_what_it_is_told_to_keep(monkeypatch):
    X, _ = data()
    moved = CHAPTER["warp"](X)
    assert moved.shape == X.shape
    assert not torch.allclose(moved, X, atol=0.01)
    monkeypatch.setattr(torch, "rand", lambda *size: torch.full(size, 0.5))  # no movement
    torch.testing.assert_close(CHAPTER["warp"](X), X, atol=1e-4, rtol=0)


@pytest.mark.parametrize("copied", range(4))
def test_body_is_copied_up_to_a_layer(copied):
    source, (X, y) = CHAPTER["make_net"](26), data()
    CHAPTER["train"](source, X, y, 0.01, updates=3)
    net = CHAPTER["with_body_of"](source, copied)
    for i in range(3):
        same = all(
            torch.equal(a, b)
            for a, b in zip(
                net[i].state_dict().values(), source[i].state_dict().values(), strict=True
            )
        )
        assert same == (i < copied)
    assert net[3][1].out_features == 10
    net[0][0].weight.data.zero_()
    assert source[0][0].weight.any(), "a copy is no alias"


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("frozen", [0, 2, 3])
def test_frozen_layers_keep_their_weights_and_statistics_only_in_evaluation_mode(frozen, moving):
    net, (X, y) = CHAPTER["make_net"](10), data()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    CHAPTER["train"](net, X, y, 0.01, updates=3, frozen=frozen, moving=moving)
    parameters = {name for name, _ in net.named_parameters()}
    for name, value in net.state_dict().items():
        still = int(name[0]) < frozen and (name in parameters or not moving)
        assert torch.equal(value, before[name]) == still, name
    assert not net.training


def test_rates_fall_from_the_head():
    """Adam's first step is as long as the rate, whatever the gradient."""
    net, (X, y) = CHAPTER["make_net"](10), data()
    before = [part[0 if i < 3 else 1].weight.clone() for i, part in enumerate(net)]
    CHAPTER["train"](net, X, y, 0.01, updates=1, q=0.5, augment=False)
    after = [part[0 if i < 3 else 1].weight for i, part in enumerate(net)]
    moved = [(a - b).abs().max().item() for a, b in zip(after, before, strict=True)]
    assert moved == pytest.approx([0.01 * 0.5**k for k in (3, 2, 1, 0)], rel=0.02)


def test_parameters_are_those_of_the_exercise():
    sizes = [sum(p.numel() for p in part.parameters()) for part in CHAPTER["make_net"](10)]
    assert sizes == [88, 1184, 4672, 5130]
