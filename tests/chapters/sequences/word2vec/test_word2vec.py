"""The chapter's gradients are autograd's, its windows keep to their paragraph, its counts agree."""

from __future__ import annotations

import math

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F

CHAPTER = defined_in("sequences/word2vec")
sizes = st.integers(1, 5)


def test_ppmi_by_hand():
    N = torch.tensor([[3.0, 1, 0], [2, 2, 0], [0, 1, 3]])
    X = CHAPTER["ppmi"](N)
    expected = [[math.log(1.8), 0, 0], [math.log(1.2), math.log(1.5), 0], [0, 0, math.log(3)]]
    assert torch.allclose(X, torch.tensor(expected), atol=1e-5)
    shifted = CHAPTER["ppmi"](N, shift=0.2)
    assert torch.allclose(shifted, (X - 0.2).clamp(min=0), atol=1e-5)


def test_ppmi_of_words_that_never_occur_is_zero():
    N = torch.zeros(3, 3)
    N[0, 1] = N[1, 0] = 2.0
    X = CHAPTER["ppmi"](N, power=0.75)
    assert torch.isfinite(X).all()
    assert (X[2] == 0).all()
    assert (X[:, 2] == 0).all()


@settings(deadline=None, max_examples=40)
@given(n=sizes, m=sizes, k=sizes, d=sizes, seed=st.integers(0, 999))
def test_gradients_are_autograds(n, m, k, d, seed):
    torch.manual_seed(seed)
    K = 7
    U = torch.randn(K, d, dtype=torch.float64, requires_grad=True)
    V = torch.randn(K, d, dtype=torch.float64, requires_grad=True)
    bags, targets = torch.randint(1, K, (n, m)), torch.randint(1, K, (n, 1 + k))
    bags[: n // 2, 1:] = 0
    h = torch.stack([U[bag[bag > 0]].mean(dim=0) for bag in bags])
    z = torch.einsum("nd,nkd->nk", h, V[targets])
    losses = -F.logsigmoid(z[:, 0]) - F.logsigmoid(-z[:, 1:]).sum(dim=1)
    losses.sum().backward()
    ours, dU, dV = CHAPTER["loss_and_gradients"](U.detach(), V.detach(), bags, targets)
    assert torch.allclose(ours, losses.detach())
    for gradient, rows, wanted in ((dU, bags, U.grad), (dV, targets, V.grad)):
        total = torch.zeros(K, d, dtype=torch.float64)
        total.index_add_(0, rows.flatten(), gradient.flatten(0, 1).double())
        assert torch.allclose(total, wanted, atol=1e-6)


def test_windows_stay_in_their_paragraph():
    torch.manual_seed(0)
    numbers = torch.arange(40) // 8
    ids = torch.arange(1, 41)
    centres, contexts = CHAPTER["windows"](ids, numbers, 3, torch.ones(41))
    assert torch.equal(centres, ids)
    assert contexts.shape == (40, 6)
    i, j = contexts.nonzero(as_tuple=True)
    distance = (contexts[i, j] - centres[i]).abs()
    assert distance.min() == 1
    assert distance.max() == 3
    assert torch.equal(numbers[contexts[i, j] - 1], numbers[i])


def test_windows_leave_out_what_is_not_kept():
    torch.manual_seed(0)
    keep = torch.ones(5)
    keep[2] = 0
    ids = torch.tensor([1, 2, 3, 2, 4])
    centres, contexts = CHAPTER["windows"](ids, torch.zeros(5), 1, keep)
    assert centres.tolist() == [1, 3, 4]
    assert contexts.tolist() == [[0, 3], [1, 4], [3, 0]]


def test_counts_are_what_windows_give_on_average(monkeypatch):
    monkeypatch.setitem(CHAPTER, "K", 5)
    torch.manual_seed(0)
    ids, numbers = torch.randint(1, 5, (12,)), torch.arange(12) // 6
    N, drawn = CHAPTER["count"](ids, numbers, 3), torch.zeros(5, 5)
    for _ in range(2000):
        centres, contexts = CHAPTER["windows"](ids, numbers, 3, torch.ones(5))
        i, j = contexts.nonzero(as_tuple=True)
        drawn += torch.bincount(centres[i] * 5 + contexts[i, j], minlength=25).view(5, 5)
    assert torch.equal(N, N.T)
    assert drawn.div(2000).numpy() == pytest.approx(N.numpy(), abs=0.25)


def test_analogy_is_answered_from_cosines():
    """Two columns and two rows of a grid; the fifth word stands in their corner."""
    E = torch.tensor([[0.1, 0.1, 0.1], [1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1.0]])
    C = CHAPTER["cosines"](E)
    Q = torch.tensor([[[1, 2, 3, 4]]])
    monkey = {"b - a + c": (-1, 1, 1), "c": (0, 0, 1)}
    CHAPTER["RULES"] = monkey
    right, answers = CHAPTER["analogies"](C, [Q])
    assert right.tolist() == [1]
    assert answers.tolist() == [[1, 2, 3, 4, 4]]
    free, answers = CHAPTER["analogies"](C, [Q], rule="c", excluded=False)
    assert free.tolist() == [0]
    assert answers[0, -1] == 3
