"""The chapter's scores and masks are torch's and d2l's, and its translator minds its padding."""

from __future__ import annotations

import math

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F

from d2lutil import translation

CHAPTER = defined_in("attention/attention")
sizes = st.integers(1, 6)
PHRASES = [
    (["seventy", "one"], ["soixante", "et", "onze"]),
    (["one", "hundred", "and", "seventy", "one"], ["cent", "soixante", "et", "onze"]),
    (["four"], ["quatre"]),
]


def lengths_of(n: int, s: int) -> torch.Tensor:
    return torch.randint(1, s + 1, (n,))


def mask_of(lengths: torch.Tensor, s: int) -> torch.Tensor:
    return (torch.arange(s) < lengths[:, None])[:, None]  # (n, 1, s)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, s=sizes, size=st.sampled_from([1.0, 1e4]), seed=st.integers(0, 999))
def test_masked_softmax_is_torchs_and_so_is_its_gradient(n, t, s, size, seed):
    torch.manual_seed(seed)
    scores = (size * torch.randn(n, t, s, dtype=torch.float64)).requires_grad_()
    G = torch.randn(n, t, s, dtype=torch.float64)
    mask = mask_of(lengths_of(n, s), s)
    ours = CHAPTER["masked_softmax"](scores, mask)
    theirs = scores.masked_fill(~mask, -torch.inf).softmax(-1)
    assert torch.allclose(ours, theirs)
    assert (ours.masked_select(~mask) == 0).all()
    for a, b in zip(
        torch.autograd.grad((ours * G).sum(), scores),
        torch.autograd.grad((theirs * G).sum(), scores),
        strict=True,
    ):
        assert torch.allclose(a, b, atol=1e-8)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, s=sizes, d=sizes, v=sizes, seed=st.integers(0, 999))
def test_dot_product_attention_is_torchs(n, t, s, d, v, seed):
    torch.manual_seed(seed)
    Q, K, V = torch.randn(n, t, d), torch.randn(n, s, d), torch.randn(n, s, v)
    mask = mask_of(lengths_of(n, s), s)
    ours, alpha = CHAPTER["attend"](CHAPTER["dot_product_score"](Q, K), V, mask)
    theirs = F.scaled_dot_product_attention(Q, K, V, attn_mask=mask)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert torch.allclose(alpha.sum(-1), torch.ones(n, t))


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_d2ls(seed):
    d2l = pytest.importorskip("d2l.torch")
    torch.manual_seed(seed)
    n, t, s, d_q, d_k, h, v = 3, 4, 5, 2, 6, 7, 3
    V, lengths = torch.randn(n, s, v), lengths_of(n, s)
    mask = mask_of(lengths, s)

    scores = torch.randn(n, t, s)
    theirs = d2l.masked_softmax(scores.clone(), lengths)
    assert torch.allclose(CHAPTER["masked_softmax"](scores, mask), theirs, atol=1e-6)

    Q, K = torch.randn(n, t, d_q), torch.randn(n, s, d_k)
    additive = d2l.AdditiveAttention(h, dropout=0).eval()
    theirs = additive(Q, K, V, lengths)
    score = CHAPTER["AdditiveScore"](d_q, d_k, h)
    for ours, layer in ((score.W_q, additive.W_q), (score.W_k, additive.W_k)):
        ours.weight.data.copy_(layer.weight)
    score.u.weight.data.copy_(additive.w_v.weight)
    assert score(Q, K).shape == (n, t, s)
    ours, alpha = CHAPTER["attend"](score(Q, K), V, mask)
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert torch.allclose(alpha, additive.attention_weights, atol=1e-6)

    Q, K = torch.randn(n, t, h), torch.randn(n, s, h)
    theirs = d2l.DotProductAttention(dropout=0).eval()(Q, K, V, lengths)
    ours, _ = CHAPTER["attend"](CHAPTER["dot_product_score"](Q, K), V, mask)
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_gaussian_weights_by_hand():
    keys = torch.tensor([1.0, 2.0, 4.0])
    alpha = CHAPTER["gaussian_weights"](torch.tensor([2.0]), keys, width=2.0)
    e = [math.exp(-1 / 8), 1, math.exp(-1 / 2)]
    assert alpha[0].tolist() == pytest.approx([x / sum(e) for x in e])
    far = CHAPTER["gaussian_weights"](torch.tensor([1e4]), keys, width=0.1)
    assert far.tolist() == [[0, 0, 1]]  # and not nan


@pytest.fixture(params=["masked_softmax", "relu_weights", None])
def net(request):
    torch.manual_seed(0)
    source, target = translation.vocabularies(PHRASES)
    weigh = CHAPTER[request.param] if request.param else None
    return CHAPTER["Translator"](source, target, h=8, weigh=weigh), source, target


def test_translator_gives_the_same_alone_and_filled_up(net):
    net, source, target = net
    (X, before), _ = translation.tensors(PHRASES, source, target)
    wide = torch.nn.functional.pad(X, (0, 5), value=source["<pad>"])
    together = net(wide, before)
    assert together.shape == (3, len(target), before.shape[1])
    for i, pair in enumerate(PHRASES):
        (x, b), _ = translation.tensors([pair], source, target)
        alone = net(x, b)
        assert torch.allclose(alone[0], together[i, :, : b.shape[1]], atol=1e-6)


def test_translator_never_looks_ahead(net):
    net, source, target = net
    (X, before), _ = translation.tensors(PHRASES, source, target)
    changed = before.clone()
    changed[:, 2] = (before[:, 2] + 1) % len(target)
    z, other = net(X, before), net(X, changed)
    assert torch.equal(z[:, :, :2], other[:, :, :2])
    assert not torch.allclose(z[:, :, 2:], other[:, :, 2:])


def test_without_a_vector_handed_over_only_attention_knows_the_source():
    source, target = translation.vocabularies(PHRASES)
    (X, before), _ = translation.tensors(PHRASES, source, target)
    before = before[:1].expand(3, -1)
    for weigh, tells in ((None, False), (CHAPTER["masked_softmax"], True)):
        torch.manual_seed(0)
        net = CHAPTER["Translator"](source, target, h=8, weigh=weigh, hand_over=False)
        z = net(X, before)
        assert torch.allclose(z[0], z[1], atol=1e-6) != tells


@pytest.mark.parametrize(("position", "banned"), [(-1, [1, 3]), (-2, [0, 2]), (0, [0, 0])])
def test_one_key_of_each_phrase_can_be_forbidden(position, banned):
    torch.manual_seed(0)
    mask = mask_of(torch.tensor([2, 4]), 5)  # (2, 1, 5)
    alpha = CHAPTER["forbidding"](position)(torch.randn(2, 3, 5), mask)  # (2, 3, 5)
    assert torch.allclose(alpha.sum(-1), torch.ones(2, 3))
    for weights, allowed, at in zip(alpha, mask, banned, strict=True):
        expected = [bool(ok) and i != at for i, ok in enumerate(allowed[0])]
        assert [bool(w) for w in (weights > 0).all(dim=0)] == expected


def test_words_of_are_those_of_the_data():
    from d2lutil import data

    train, _ = data.number_words(101, 1)
    assert [CHAPTER["words_of"](n) for n in range(100)] == train[:100]
