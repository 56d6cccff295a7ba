"""The chapter's Transformer is torch's, never looks ahead, and writes the same with a cache."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

from d2lutil import Vocabulary, translation

CHAPTER = defined_in("attention/transformer")
CHAPTER["PADDING"] = 1  # as the page has it
sizes = st.integers(1, 6)
numbers = st.integers(0, 999)


def small(seed: int, **options) -> nn.Module:
    torch.manual_seed(seed)
    return CHAPTER["Transformer"](9, 11, d=8, heads=2, h=12, **options).eval()


@settings(deadline=None, max_examples=30)
@given(n=sizes, t=sizes, s=sizes, heads=st.integers(1, 4), k=st.integers(1, 4), seed=numbers)
def test_attention_is_torchs_and_its_weights_too(n, t, s, heads, k, seed):
    torch.manual_seed(seed)
    d = heads * k
    ours = CHAPTER["MultiHeadAttention"](d, heads)
    theirs = nn.MultiheadAttention(d, heads, batch_first=True)
    theirs.load_state_dict(CHAPTER["attention_state"](ours))
    X, M = torch.randn(n, t, d), torch.randn(n, s, d)
    may = torch.rand(t, s) < 0.6
    may[:, 0] = True
    a = ours(X, *ours.keys_values(M), may)
    b, weights = theirs(X, M, M, attn_mask=~may, average_attn_weights=False)
    assert torch.allclose(a, b, atol=1e-5)
    assert torch.allclose(ours.weights, weights, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(n=sizes, t=sizes, d=st.integers(2, 9), seed=numbers)
def test_layer_norm_is_torchs(n, t, d, seed):
    torch.manual_seed(seed)
    norm = CHAPTER["LayerNorm"](d)
    nn.init.normal_(norm.gamma)
    nn.init.normal_(norm.beta)
    X = 3 * torch.randn(n, t, d) + 1
    theirs = nn.functional.layer_norm(X, (d,), norm.gamma, norm.beta)
    assert torch.allclose(norm(X), theirs, atol=1e-4)


@pytest.mark.parametrize("pre", [False, True])
@settings(deadline=None, max_examples=15)
@given(n=sizes, t=sizes, s=sizes, h=sizes, seed=numbers)
def test_layers_are_torchs(pre, n, t, s, h, seed):
    torch.manual_seed(seed)
    X, M, may = torch.randn(n, t, 8), torch.randn(n, s, 8), CHAPTER["causal_mask"](t)
    options = {"dropout": 0.0, "batch_first": True, "norm_first": pre}
    ours = CHAPTER["EncoderLayer"](8, 2, h, pre)
    theirs = nn.TransformerEncoderLayer(8, 2, h, **options)
    theirs.load_state_dict(CHAPTER["layer_state"](ours))
    assert torch.allclose(ours(X), theirs(X), atol=1e-5)
    ours = CHAPTER["DecoderLayer"](8, 2, h, pre)
    theirs = nn.TransformerDecoderLayer(8, 2, h, **options)
    theirs.load_state_dict(CHAPTER["layer_state"](ours))
    a, b = ours(X, ours.cross.keys_values(M), may), theirs(X, M, tgt_mask=~may)
    assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("pre", [False, True])
def test_the_whole_is_torchs(pre):
    ours = small(0, pre=pre)
    theirs = nn.Transformer(8, 2, 2, 2, 12, 0.0, norm_first=pre, batch_first=True).eval()
    state = {}
    for part in ("encoder", "decoder"):
        stack = getattr(ours, part)
        for i, layer in enumerate(stack.layers):
            for name, p in CHAPTER["layer_state"](layer).items():
                state[f"{part}.layers.{i}.{name}"] = p
        state |= {f"{part}.norm.weight": stack.norm.gamma, f"{part}.norm.bias": stack.norm.beta}
    theirs.load_state_dict(state)

    X, before = torch.randint(2, 9, (5, 6)), torch.randint(2, 11, (5, 4))
    X[0, 3:] = X[3, 5:] = 1
    padded = X.eq(1)
    Y = theirs(
        ours.encoder.embedding(X),
        ours.decoder.embedding(before),
        tgt_mask=~CHAPTER["causal_mask"](4),
        src_key_padding_mask=padded,
        memory_key_padding_mask=padded,
    )
    scores = ours.decoder.out(Y).transpose(1, 2)
    assert torch.allclose(ours(X, before), scores, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(place=st.integers(0, 5), pre=st.booleans(), seed=numbers)
def test_no_output_depends_on_a_later_word(place, pre, seed):
    net = small(seed, pre=pre)
    X, before = torch.randint(2, 9, (3, 5)), torch.randint(2, 11, (3, 6))
    changed = before.clone()
    changed[:, place] = 2 + (before[:, place] - 1) % 9
    with torch.no_grad():
        a, b = net(X, before), net(X, changed)
        assert torch.equal(a[:, :, :place], b[:, :, :place])
        assert not torch.allclose(a[:, :, place], b[:, :, place], atol=1e-6)
        net.decoder.ahead = 1
        a, b = net(X, before), net(X, changed)
    if place:
        assert not torch.allclose(a[:, :, place - 1], b[:, :, place - 1], atol=1e-6)


def test_padding_changes_nothing():
    net = small(1)
    X, before = torch.randint(2, 9, (3, 5)), torch.randint(2, 11, (3, 6))
    longer = torch.cat([X, torch.full((3, 2), 1)], dim=1)
    with torch.no_grad():
        assert torch.allclose(net(X, before), net(longer, before), atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(n=sizes, s=sizes, t=sizes, pre=st.booleans(), seed=numbers)
def test_the_cache_changes_no_score(n, s, t, pre, seed):
    net = small(seed, pre=pre)
    X, before = torch.randint(2, 9, (n, s)), torch.randint(2, 11, (n, t))
    with torch.no_grad():
        memory, mask = net.encode(X)
        caches = [[] for _ in net.decoder.layers]
        steps = [net.decoder(before[:, i : i + 1], memory, mask, i, caches) for i in range(t)]
        assert torch.allclose(torch.cat(steps, dim=2), net(X, before), atol=1e-5)
    assert all(K.shape == (n, 2, t, 4) for cache in caches for K in cache)


@settings(deadline=None, max_examples=15)
@given(past=st.integers(1, 4), t=st.integers(1, 4), seed=numbers)
def test_the_cache_takes_several_tokens(past, t, seed):
    net = small(seed)
    X, before = torch.randint(2, 9, (3, 5)), torch.randint(2, 11, (3, past + t))
    with torch.no_grad():
        memory, mask = net.encode(X)
        caches = [[] for _ in net.decoder.layers]
        net.decoder(before[:, :past], memory, mask, 0, caches)
        scores = net.decoder(before[:, past:], memory, mask, past, caches)
        assert torch.allclose(scores, net(X, before)[:, :, past:], atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_greedy_is_greedy_search(seed):
    net, X = small(seed), torch.randint(2, 9, (7, 5))
    words = Vocabulary("abcdefg", special=(translation.PAD, translation.START, translation.END))
    assert len(words) == 11
    greedy = translation.beam_search(net, X, words, longest=8)
    assert CHAPTER["greedy"](net, X, words, longest=8) == greedy


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize(("d", "h", "layers"), [(8, 12, 1), (16, 20, 3)])
def test_counted_parameters_are_there(d, h, layers):
    torch.manual_seed(0)
    theirs = nn.Transformer(d, 2, layers, layers, h)
    last_norms = 2 * 2 * d
    there = sum(p.numel() for p in theirs.parameters()) - last_norms
    assert CHAPTER["stack_parameters"](d, h, layers) == there
    layer = CHAPTER["DecoderLayer"](d, 2, h)
    assert CHAPTER["layer_parameters"](d, h, 2) == sum(p.numel() for p in layer.parameters())


def test_positions_by_hand():
    P = CHAPTER["sinusoids"](3, 4)
    place = torch.tensor([0.0, 1.0, 2.0])
    expected = [place.sin(), place.cos(), (place / 100).sin(), (place / 100).cos()]
    assert torch.allclose(P, torch.stack(expected, dim=1))


def test_a_decoder_only_model_predicts_from_the_past():
    torch.manual_seed(0)
    net = CHAPTER["DecoderOnly"](11, d=8, heads=2, h=12)
    before = torch.randint(0, 11, (3, 6))
    changed = before.clone()
    changed[:, 4] = (before[:, 4] + 1) % 11
    with torch.no_grad():
        a, b = net(before), net(changed)
    assert a.shape == (3, 11, 6)
    assert torch.equal(a[:, :, :4], b[:, :, :4])
    assert not torch.allclose(a[:, :, 4:], b[:, :, 4:], atol=1e-6)


def test_dropout_stands_on_each_sublayer_and_on_the_embeddings():
    net = small(0, dropout=0.1)
    drops = [m for m in net.modules() if isinstance(m, nn.Dropout)]
    assert len(drops) == 2 + 2 * 2 + 2 * 3
    assert {m.p for m in drops} == {0.1}
