"""The chapter's F1 is seqeval's, and its CRF agrees with enumeration."""

from __future__ import annotations

import random

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

CHAPTER = defined_in("sequences/slot_filling")
TAGS = ["O", "B-to", "I-to", "B-from", "I-from"]
requests = st.lists(st.lists(st.sampled_from(TAGS), min_size=1, max_size=8), min_size=1, max_size=5)


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=60)
@given(true=requests, seed=st.integers(0, 999))
def test_f1_is_the_strict_one_of_seqeval(true, seed):
    draw = random.Random(seed)
    predicted = [[draw.choice([tag, draw.choice(TAGS)]) for tag in y] for y in true]
    theirs = f1_score(true, predicted, mode="strict", scheme=IOB2)
    assert CHAPTER["span_f1"](true, predicted) == pytest.approx(theirs)


@settings(deadline=None, max_examples=40)
@given(T=st.integers(1, 4), K=st.integers(1, 4), seed=st.integers(0, 999))
def test_crf_agrees_with_enumeration(T, K, seed):
    generator = torch.Generator().manual_seed(seed)
    n = 3
    z = torch.randn(n, T, K, generator=generator, dtype=torch.float64)
    a = torch.randn(K, generator=generator, dtype=torch.float64)
    A = torch.randn(K, K, generator=generator, dtype=torch.float64)
    paths = torch.cartesian_prod(*[torch.arange(K)] * T).view(-1, T)
    for i in range(n):
        s = torch.stack(
            [
                a[p[0]]
                + sum(z[i, t, p[t]] for t in range(T))
                + sum(A[p[t - 1], p[t]] for t in range(1, T))
                for p in paths.tolist()
            ]
        )
        scores = CHAPTER["path_score"](z[i].expand(len(paths), T, K), paths, a, A)
        assert torch.allclose(scores, s)
        assert torch.allclose(CHAPTER["log_partition"](z, a, A)[i], s.logsumexp(0))
        assert torch.equal(CHAPTER["viterbi"](z, a, A)[i], paths[s.argmax()])
        p = s.softmax(0)
        marginals = torch.stack(
            [torch.stack([p[paths[:, t] == k].sum() for k in range(K)]) for t in range(T)]
        )
        assert torch.allclose(CHAPTER["forward_backward"](z, a, A)[i], marginals)


def test_viterbi_without_transitions_is_argmax():
    z = torch.randn(4, 6, 5)
    assert torch.equal(CHAPTER["viterbi"](z, torch.zeros(5), torch.zeros(5, 5)), z.argmax(2))


def test_error_kinds():
    true = ["B-to", "I-to", "O", "B-from", "O", "B-date", "I-date", "O", "O"]
    tags = ["B-to", "O", "O", "B-to", "O", "O", "O", "O", "B-to"]
    kinds = CHAPTER["error_kinds"](true, tags)
    assert kinds == {"wrong span": 1, "wrong type": 1, "missing": 1, "spurious": 1}
