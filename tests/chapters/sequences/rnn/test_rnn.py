"""The chapter's recurrent layer is torch's, its gradients are autograd's, its n-grams add up."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

CHAPTER = defined_in("sequences/rnn")
sizes = st.integers(1, 6)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, d=sizes, h=sizes, seed=st.integers(0, 999))
def test_rnn_is_torchs_with_its_gradients(n, t, d, h, seed):
    torch.manual_seed(seed)
    layer = nn.RNN(d, h, batch_first=True).double()
    X = torch.randn(n, t, d, dtype=torch.float64)
    H = torch.randn(n, h, dtype=torch.float64)
    G = torch.randn(n, t, h, dtype=torch.float64)
    b = (layer.bias_ih_l0 + layer.bias_hh_l0).detach()
    W_xh, W_hh = layer.weight_ih_l0.detach().T, layer.weight_hh_l0.detach().T

    theirs, last = layer(X, H[None])
    states = CHAPTER["rnn"](X, H, W_xh, W_hh, b)
    assert torch.allclose(states, theirs)
    assert torch.allclose(states[:, -1], last[0])

    (theirs * G).sum().backward()
    dW_xh, dW_hh, db = CHAPTER["rnn_backward"](X, H, states, G, W_hh)
    assert torch.allclose(dW_xh, layer.weight_ih_l0.grad.T)
    assert torch.allclose(dW_hh, layer.weight_hh_l0.grad.T)
    assert torch.allclose(db, layer.bias_ih_l0.grad)


@pytest.mark.parametrize(
    ("remember", "outputs"),
    [("hidden", [[4, 4], [12, 12], [32, 32]]), ("output", [[4, 4], [20, 20], [88, 88]])],
)
def test_all_ones(remember, outputs):
    inputs = torch.tensor([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    assert CHAPTER["all_ones"](inputs, remember) == outputs


@settings(deadline=None, max_examples=40)
@given(
    train=st.lists(st.integers(0, 3), min_size=6, max_size=60),
    context=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    n=st.integers(1, 4),
)
def test_ngram_gives_probabilities(train, context, n):
    p = [
        CHAPTER["ngram"](torch.tensor(train), torch.tensor([*context, x]), n, 4)[-1]
        for x in range(4)
    ]
    assert min(p) > 0
    assert sum(p) == pytest.approx(1, abs=1e-5)


def test_bigram_by_hand():
    """After a came a once and b twice: (c + k · p) / (c + k), with k = 2 kinds."""
    a, b = 0, 1
    train, test = torch.tensor([a, a, b, a, b]), torch.tensor([a, b])
    one = (2 + 2 / 2) / (5 + 2)
    two = (2 + 2 * one) / (3 + 2)
    p = CHAPTER["ngram"](train, test, 2, 2)
    assert p.tolist() == pytest.approx([(3 + 2 / 2) / 7, two])


def test_windows_are_one_step_apart():
    X, y = CHAPTER["windows"](torch.arange(23), 5)
    assert X.shape == y.shape == (4, 5)
    assert torch.equal(y, X + 1)


def test_character_rnn_never_looks_ahead():
    torch.manual_seed(0)
    net = CHAPTER["CharacterRNN"](7, 4, 5)
    X = torch.randint(7, (3, 6))
    changed = X.clone()
    changed[:, 4] = (X[:, 4] + 1) % 7
    with torch.no_grad():
        z, other = net(X), net(changed)
    assert z.shape == (3, 7, 6)
    assert torch.equal(z[:, :, :4], other[:, :, :4])
    assert not torch.allclose(z[:, :, 4:], other[:, :, 4:])


def test_clipped_step_has_the_length_it_may_have():
    points, lengths = CHAPTER["descend"](0.5, rate=0.2, steps=3)
    steps = (points[1:] - points[:-1]).norm(dim=1)
    for step, length in zip(steps.tolist(), lengths, strict=True):
        assert step == pytest.approx(0.2 * min(length, 0.5))
