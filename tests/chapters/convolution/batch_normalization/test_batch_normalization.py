"""The chapter on batch normalisation: its functions are PyTorch's, and its formulas hold."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F

BN = defined_in("convolution/batch_normalization")


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(2, 5),
    c=st.integers(1, 4),
    h=st.integers(1, 4),
    momentum=st.sampled_from([0.01, 0.1, 0.5]),
    eps=st.sampled_from([1e-5, 0.1]),
)
def test_batch_norm_is_torchs_over_many_steps(n, c, h, momentum, eps):
    theirs = nn.BatchNorm2d(c, eps=eps, momentum=momentum).double()
    nn.init.normal_(theirs.weight)
    nn.init.normal_(theirs.bias)
    running = {"mean": torch.zeros(c).double(), "var": torch.ones(c).double()}
    for training in (True, True, False, True, False):
        X = 2 * torch.randn(n, c, h, h + 1).double() + 1
        ours = BN["batch_norm"](
            X, theirs.weight, theirs.bias, running, training, momentum=momentum, eps=eps
        )
        torch.testing.assert_close(ours, theirs.train(training)(X))
    torch.testing.assert_close(running["mean"], theirs.running_mean)
    torch.testing.assert_close(running["var"], theirs.running_var)


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_backward_is_autograds(eps):
    X = torch.randn(3, 4, 2, 5).double().requires_grad_()
    gamma, beta = torch.randn(2, 4).double()
    gamma.requires_grad_(), beta.requires_grad_()
    Y = F.batch_norm(X, None, None, gamma, beta, True, eps=eps)
    G = torch.randn_like(Y)
    theirs = torch.autograd.grad(Y, (X, gamma, beta), G)
    ours = BN["batch_norm_backward"](G, X, gamma, eps)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_backward_removes_the_mean_and_the_part_along_the_output():
    X, G = torch.randn(2, 3, 4, 2, 2).double()
    dX, _, _ = BN["batch_norm_backward"](G, X, torch.ones(4).double(), eps=0)
    X_hat = BN["normalise"](X, (0, 2, 3), eps=0)
    for sums in (dX.sum((0, 2, 3)), (dX * X_hat).sum((0, 2, 3))):
        torch.testing.assert_close(sums, torch.zeros(4).double(), atol=1e-9, rtol=0)


@pytest.mark.parametrize("b", [2, 3, 6])
def test_parts_are_normalised_by_themselves(b):
    X = torch.randn(6, 4, 3, 2)
    ours, theirs = BN["PartBatchNorm"](4, b), nn.BatchNorm2d(4, momentum=None)
    Y = torch.cat([F.batch_norm(part, None, None, training=True) for part in X.split(b)])
    torch.testing.assert_close(ours(X), Y)
    for part in X.split(b):
        theirs(part)  # the mean of the parts' statistics
    torch.testing.assert_close(ours.running_mean, 0.1 * theirs.running_mean)
    torch.testing.assert_close(ours.running_var, 0.9 + 0.1 * theirs.running_var)
    ours.eval()
    torch.testing.assert_close(ours(X), F.batch_norm(X, ours.running_mean, ours.running_var))


@pytest.mark.parametrize("strides", [(2, 1, 2, 1, 1, 1), (2, 1, 2, 1, 2, 2)])
def test_folded_network_computes_the_same(strides):
    net = BN["network"](nn.BatchNorm2d, strides=strides)
    X = torch.rand(8, 1, 14, 14)
    for _ in range(20):
        net(X)  # moves the running statistics
    folded = BN["folded"](net)
    assert not [layer for layer in folded if isinstance(layer, nn.BatchNorm2d)]
    torch.testing.assert_close(folded(X), net.eval()(X), atol=1e-4, rtol=1e-4)


def test_noise_moves_mean_and_deviation_within_its_bounds():
    X = torch.randn(50, 6, 4, 4)
    noise = BN["Noise"]()
    deviation, mean = torch.std_mean(X, (0, 2, 3))
    for _ in range(20):
        Y = noise(X)
        scale = Y.std((0, 2, 3)) / deviation
        shift = (Y.mean((0, 2, 3)) - scale * mean) / deviation
        assert (scale > 0.749).all()
        assert (scale < 1.251).all()
        assert (shift.abs() < 0.501).all()
    assert torch.equal(noise.eval()(X), X)
