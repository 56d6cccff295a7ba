"""The chapter's GRU is torch's, its limits are limits, a unit is a moving average."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

CHAPTER = defined_in("sequences/gru")
sizes = st.integers(1, 6)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, d=sizes, h=sizes, seed=st.integers(0, 999))
def test_gru_is_torchs_with_its_gradients(n, t, d, h, seed):
    torch.manual_seed(seed)
    layer = nn.GRU(d, h, batch_first=True).double()
    X = torch.randn(n, t, d, dtype=torch.float64, requires_grad=True)
    H, G = torch.randn(n, h, dtype=torch.float64), torch.randn(n, t, h, dtype=torch.float64)
    states, gates = CHAPTER["gru"](X, H, *CHAPTER["weights_of"](layer))
    theirs, _ = layer(X, H[None])
    assert torch.allclose(states, theirs)
    assert gates.shape == (n, t, h)
    assert ((gates > 0) & (gates < 1)).all()
    of = [X, *layer.parameters()]
    ours_back = torch.autograd.grad((states * G).sum(), of)
    theirs_back = torch.autograd.grad((theirs * G).sum(), of)
    assert all(torch.allclose(a, b) for a, b in zip(ours_back, theirs_back, strict=True))


def test_paper_resets_before_the_matrix():
    torch.manual_seed(0)
    layer = CHAPTER["PaperGRU"](3, 4, batch_first=True)
    X, H = torch.randn(2, 5, 3), torch.randn(2, 4)
    states, last = layer(X, H[None])
    for t in range(5):
        a = X[:, t] @ layer.weight_ih_l0.T + layer.bias_ih_l0
        gates = torch.sigmoid(a + H @ layer.weight_hh_l0.T + layer.bias_hh_l0)
        R, Z = gates[:, :4], gates[:, 4:8]
        memory = (R * H) @ layer.weight_hh_l0[8:].T + layer.bias_hh_l0[8:]
        H = Z * H + (1 - Z) * torch.tanh(a[:, 8:] + memory)
        assert torch.allclose(states[:, t], H, atol=1e-6)
    assert torch.equal(last[0], states[:, -1])
    assert not torch.allclose(states, nn.GRU.forward(layer, X)[0], atol=1e-3)


@pytest.mark.parametrize("before", [False, True])
def test_gates_at_their_ends(before):
    torch.manual_seed(1)
    x, H = torch.randn(2, 3), torch.rand(2, 4)
    W_x, W_h, b, c = torch.randn(3, 12), torch.randn(4, 12), torch.randn(12), torch.randn(12)

    def step(r, z):
        moved = b + torch.tensor([r, z, 0.0]).repeat_interleave(4)
        return CHAPTER["gru_step"](x, H, W_x, W_h, moved, c, before=before)

    new, Z = step(0, 60)
    assert torch.equal(new, H)
    assert torch.equal(Z, torch.ones(2, 4))
    plain = torch.tanh(x @ W_x[:, 8:] + b[8:] + H @ W_h[:, 8:] + c[8:])
    assert torch.allclose(step(60, -60)[0], plain, atol=1e-6)
    alone = x @ W_x[:, 8:] + b[8:] + (c[8:] if before else 0)
    assert torch.allclose(step(-60, -60)[0], torch.tanh(alone), atol=1e-6)


def test_leaky_integrator_is_a_moving_average_and_can_be_slowed():
    n, z = torch.randn(9), 0.7
    states = CHAPTER["leaky"](n, z)
    for t in range(9):
        powers = torch.tensor([z**k for k in range(t + 1)])
        assert torch.allclose(states[t], (1 - z) * (powers * n[: t + 1].flip(0)).sum(), atol=1e-6)
    slow = CHAPTER["leaky"](n.repeat_interleave(5), z ** (1 / 5))
    assert torch.allclose(slow[4::5], states, atol=1e-5)


def test_lstm_cell_is_torchs():
    torch.manual_seed(2)
    cell = nn.LSTMCell(3, 4)
    x, H, C = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)

    def ours(p):  # forget, candidate, output, input
        i, f, z, o = p.chunk(4)
        return torch.cat([f, z, o, i])

    W_x, W_h = ours(cell.weight_ih).T, ours(cell.weight_hh).T
    weights = W_x, W_h, ours(cell.bias_ih), ours(cell.bias_hh)
    new = CHAPTER["lstm_cell"](x, torch.cat([H, C], dim=1), *weights)
    assert torch.allclose(new, torch.cat(cell(x, (H, C)), dim=1), atol=1e-6)


def test_runs_are_independent_and_the_coupled_memory_is_bounded():
    torch.manual_seed(3)
    weights = [3 * torch.randn(5, *shape) for shape in ((2, 12), (4, 12), (1, 12), (1, 12))]
    S, alone = torch.zeros(5, 6, 8), torch.zeros(6, 8)
    for x in torch.randn(20, 6, 2):
        S = CHAPTER["lstm_cell"](x, S, *weights, lambda f: 1 - f)
        alone = CHAPTER["lstm_cell"](x, alone, *(w[3] for w in weights), lambda f: 1 - f)
    assert torch.allclose(S[3], alone, atol=1e-5)
    assert S.abs().max() <= 1


def test_strings_ask_from_the_last_a_to_the_last_b():
    X, y, asked = CHAPTER["strings"]([1, 3])
    assert X.shape == (2, 6, 2)
    assert X[1, :, 1].tolist() == [0, 0, 0, 1, 1, 1]
    assert asked.int().tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1]]
    assert y.tolist() == [[0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]


def test_keys_stand_first():
    X, y = CHAPTER["keys"](3, 50, 6)
    assert X.shape == (3, 50, 7, 12)
    assert torch.equal(X[:, :, 0].argmax(dim=-1), y)
    assert y.max() < 4 <= X[:, :, 1:].argmax(dim=-1).min()
