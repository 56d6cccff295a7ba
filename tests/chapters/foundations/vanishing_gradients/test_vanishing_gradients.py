"""What a reader of *Vanishing gradients* relies on: the code against PyTorch's and the theory."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

HERE = defined_in("foundations/vanishing_gradients")
sizes = st.integers(1, 40)


@settings(deadline=None)
@given(n_in=sizes, n_out=sizes, seed=st.integers(0, 1000))
def test_from_scratch_is_what_torch_draws(n_in, n_out, seed):
    theirs = {"Glorot": nn.init.xavier_normal_, "He": nn.init.kaiming_normal_}
    for name, fill in theirs.items():
        torch.manual_seed(seed)
        ours = HERE["init"](name, n_in, n_out, gain=1.0)
        torch.manual_seed(seed)
        torch.testing.assert_close(ours, fill(torch.empty(n_out, n_in)))


def test_the_default_has_the_variance_of_a_linear_layer():
    torch.manual_seed(0)
    W = nn.Linear(300, 2000).weight
    assert W.var().item() == pytest.approx(HERE["variance"]("PyTorch", 300, 2000), rel=0.01)


@pytest.mark.parametrize(("depth", "width"), [(1, 5), (2, 8), (10, 64)])
def test_a_network_of_sigmoids_is_the_network_of_tanh(depth, width):
    """The same outputs; and of each hidden score half the gradient, since it is twice the score."""
    torch.manual_seed(0)
    tanh = HERE["deep"](nn.Tanh, 1, depth, width)
    sigmoids = HERE["as_sigmoids"](tanh)
    gradients, outputs = [], []
    for net in (tanh, sigmoids):
        H, scores = torch.rand(6, 784, generator=torch.Generator().manual_seed(1)).double(), []
        for layer in net.double():
            H = layer(H)
            if isinstance(layer, nn.Linear):
                scores.append(H)
        outputs.append(H)
        gradients.append(torch.autograd.grad(H.square().sum(), scores[:-1]))
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    for of_tanh, of_sigmoid in zip(*gradients, strict=True):
        torch.testing.assert_close(of_tanh, 2 * of_sigmoid, rtol=1e-4, atol=1e-5)


def test_a_layer_multiplies_the_mean_square_as_derived():
    """Exactly so for any input, as the mean over weights; half of it with ReLU."""
    torch.manual_seed(0)
    h = torch.rand(30) + 1.0  # far from mean 0
    draws = torch.stack([HERE["init"]("Glorot", 30, 20) @ h for _ in range(4000)])
    expected = 30 * HERE["variance"]("Glorot", 30, 20) * h.square().mean().item()
    assert draws.square().mean().item() == pytest.approx(expected, rel=0.03)
    assert draws.relu().square().mean().item() == pytest.approx(expected / 2, rel=0.03)


def test_products_of_orthogonal_matrices_keep_every_length():
    torch.manual_seed(0)
    kept = HERE["product_values"](nn.init.orthogonal_, depth=30, width=20)
    torch.testing.assert_close(kept, torch.ones(20, dtype=torch.double))
    lost = HERE["product_values"](nn.init.xavier_normal_, depth=30, width=20)
    assert lost[10] < 1e-3


def test_a_layer_with_one_factor_drifts_by_its_logarithm():
    for factor in (0.5, 1.0, 2.0):
        drift = HERE["drift"](lambda W, x, factor=factor: factor * x, depth=7, draws=3, width=5)
        logarithm = torch.tensor(factor).log10().item()
        assert drift == pytest.approx(7 * logarithm, abs=1e-4)


def test_a_residual_layer_adds_its_input_and_a_plain_one_does_not():
    torch.manual_seed(0)
    X = torch.randn(4, 6)
    layer = HERE["Layer"](6, norm=False, residual=True, scale=0.5)
    inner = layer.linear(X.relu())
    torch.testing.assert_close(layer(X), X + 0.5 * inner)
    layer.residual, layer.scale = False, 1.0
    torch.testing.assert_close(layer(X), inner)
