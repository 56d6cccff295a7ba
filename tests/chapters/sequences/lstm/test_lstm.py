"""The chapter's LSTM is torch's, its gates are gates, its memory's gradient is their product."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

CHAPTER = defined_in("sequences/lstm")
sizes = st.integers(1, 6)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, d=sizes, h=sizes, seed=st.integers(0, 999))
def test_lstm_is_torchs(n, t, d, h, seed):
    torch.manual_seed(seed)
    layer = nn.LSTM(d, h, batch_first=True).double()
    X = torch.randn(n, t, d, dtype=torch.float64)
    H, C = torch.randn(2, n, h, dtype=torch.float64)
    states, memory, gates = CHAPTER["lstm"](X, H, C, *CHAPTER["weights_of"](layer))
    theirs, (last, cell) = layer(X, (H[None], C[None]))
    assert torch.allclose(states, theirs)
    assert torch.allclose(states[:, -1], last[0])
    assert torch.allclose(memory, cell[0])
    assert gates.shape == (3, n, t, h)
    assert ((gates > 0) & (gates < 1)).all()


def test_gates_come_in_the_order_input_forget_output():
    """Biases of ±30 force one gate open and the others shut."""
    h = 2
    x, H, C = torch.zeros(1, 1), torch.zeros(1, h), torch.full((1, h), 0.5)
    W_x, W_h = torch.zeros(1, 4 * h), torch.zeros(h, 4 * h)
    for number, block in enumerate((0, 1, 3)):
        b = torch.full((4 * h,), -30.0)
        b[block * h : (block + 1) * h] = 30
        b[2 * h : 3 * h] = 0.4
        _, memory, gates = CHAPTER["lstm_step"](x, H, C, W_x, W_h, b)
        assert gates[:, 0, 0].round().tolist() == [float(g == number) for g in range(3)]
        expected = (torch.tanh(torch.tensor(0.4)).item(), 0.5, 0.0)[number]
        assert memory[0, 0].item() == pytest.approx(expected, abs=1e-6)


def test_example_by_hand():
    z = torch.tensor([3.0, 4, 2, 1, 5, 6])
    opened = torch.tensor([[1.0, 1, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1]])
    steps = CHAPTER["remember"](z, *opened, lambda s: s)
    assert [s[5] for s in steps] == [3, 7, 7, 7, 5, 0]
    assert [s[7] for s in steps] == [0, 0, 0, 7, 5, 0]


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_model_never_looks_ahead(kind):
    torch.manual_seed(0)
    net = CHAPTER["SequenceModel"](kind, 7, 4, 5, 7)
    X = torch.randint(7, (3, 6))
    changed = X.clone()
    changed[:, 4] = (X[:, 4] + 1) % 7
    with torch.no_grad():
        z, other = net(X), net(changed)
    assert z.shape == (3, 7, 6)
    assert torch.allclose(z[:, :, :4], other[:, :, :4], atol=1e-6)
    assert not torch.allclose(z[:, :, 4:], other[:, :, 4:], atol=1e-4)


def test_memory_gradient_is_the_product_of_forget_gates():
    torch.manual_seed(0)
    net = CHAPTER["SequenceModel"](nn.LSTM, 12, 4, 5, 4)
    gradient, gates = CHAPTER["through_memory"](net, torch.randint(12, (3, 9)))
    assert gradient.shape == (3, 5)
    assert torch.allclose(gradient, gates[1].prod(dim=1), atol=1e-6)


def test_keys_are_asked_for_once_at_the_end():
    torch.manual_seed(0)
    X, y = CHAPTER["keys"](500, 6)
    assert X.shape == y.shape == (500, 7)
    assert (y[:, :-1] == -100).all()
    assert torch.equal(y[:, -1], X[:, 0])
    assert set(X[:, 0].tolist()) == set(range(4))
    assert X[:, 1:].min() == 4
    assert X[:, 1:].max() == 11


def test_windows_are_one_step_apart():
    X, y = CHAPTER["windows"](torch.arange(23), 5)
    assert X.shape == y.shape == (4, 5)
    assert torch.equal(y, X + 1)
