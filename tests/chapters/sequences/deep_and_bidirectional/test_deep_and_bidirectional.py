"""The chapter's stack is torch's, padding stays out of it, and its test finds who looks ahead."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

from d2lutil import Vocabulary

CHAPTER = defined_in("sequences/deep_and_bidirectional")
CHAPTER["K"] = 28
CHAPTER["vocabulary"] = Vocabulary("abcdefghijklmnopqrstuvwxyz ")
sizes = st.integers(1, 5)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, d=sizes, h=sizes, layers=st.integers(1, 3), seed=st.integers(0, 999))
def test_birnn_is_torchs_on_packed_sequences(n, t, d, h, layers, seed):
    torch.manual_seed(seed)
    layer = nn.RNN(d, h, layers, bidirectional=True, batch_first=True).double()
    X = torch.randn(n, t, d, dtype=torch.float64)
    lengths = torch.randint(1, t + 1, (n,))
    lengths[0] = t
    states = CHAPTER["birnn"](X, lengths, CHAPTER["weights_of"](layer))
    theirs, last = CHAPTER["packed"](layer, X, lengths)
    real = torch.arange(t) < lengths[:, None]
    assert torch.allclose(states[real], theirs[real])
    assert torch.allclose(states[torch.arange(n), lengths - 1, :h], last[-2])
    assert torch.allclose(states[:, 0, h:], last[-1])


def test_reverse_within_lengths():
    X = torch.arange(12.0).view(2, 6, 1)
    lengths = torch.tensor([6, 4])
    once = CHAPTER["reverse"](X, lengths)
    assert once[0, :, 0].tolist() == [5, 4, 3, 2, 1, 0]
    assert once[1, :, 0].tolist() == [9, 8, 7, 6, 10, 11]
    assert torch.equal(CHAPTER["reverse"](once, lengths), X)


def model(layer: nn.Module, outputs: int = 28) -> nn.Module:
    torch.manual_seed(0)
    return CHAPTER["SequenceModel"](layer, outputs).eval()


def test_only_a_second_direction_looks_ahead():
    X = torch.randint(28, (3, 9))
    forward = nn.LSTM(16, 5, 2, batch_first=True)
    both = nn.LSTM(16, 5, batch_first=True, bidirectional=True)
    residual = CHAPTER["ResidualLSTM"](16, 5, 3)
    assert CHAPTER["is_causal"](model(forward), X)
    assert CHAPTER["is_causal"](model(residual), X)
    assert not CHAPTER["is_causal"](model(both), X)
    assert CHAPTER["gradient_ahead"](model(forward), X, 4)[5:].max() == 0
    assert CHAPTER["gradient_ahead"](model(both), X, 4)[5] > 0


def test_residual_layers_add_their_input():
    net = CHAPTER["ResidualLSTM"](4, 5, 3)
    X = torch.randn(2, 6, 4)
    H, _ = net(X)
    for layer in net.layers[1:]:  # without states, the input goes through
        for p in layer.parameters():
            p.data.zero_()
    first, _ = net.layers[0](X)
    assert not torch.allclose(H, first)
    assert torch.allclose(net(X)[0], first)


def test_boundaries_give_the_words_back():
    text = "the value of an expression"
    ids, y = CHAPTER["boundaries"](text)
    letters = CHAPTER["vocabulary"].decode(ids)
    back = "".join(c + " " * end for c, end in zip(letters, y.tolist(), strict=True))
    assert back.strip() == text


def test_each_letter_is_labelled_once_and_late():
    ids, y = torch.arange(100), torch.arange(100)
    X, labels = CHAPTER["cut"](ids, y, steps=20, margin=4)
    kept = labels[labels >= 0]
    assert kept.tolist() == list(range(4, 4 + len(kept)))
    assert torch.equal(X[labels >= 0], kept)
    for k in (0, 1, 4):
        _, late = CHAPTER["delayed"]((X, labels), k)
        assert late.shape == X.shape
        assert late[late >= 0].tolist() == kept.tolist()
        rows, steps = (late >= 0).nonzero(as_tuple=True)
        assert torch.equal(X[rows, steps - k], late[rows, steps])


@pytest.mark.parametrize("runs", [[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
def test_standard_error_of_a_mean(runs):
    mean, error = CHAPTER["mean_and_error"](runs)
    variance = sum((x - mean) ** 2 for x in runs) / 2
    assert mean == pytest.approx(sum(runs) / 3)
    assert error == pytest.approx((variance / 3) ** 0.5)
