"""The chapter's batch, loss, encoder, search and BLEU are those of torch, torchmetrics, d2lutil."""

from __future__ import annotations

import math

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F
from torchmetrics.functional.text import bleu_score

from d2lutil import data, translation
from d2lutil.translation import END, PAD, START

CHAPTER = defined_in("sequences/seq2seq")
TRAIN, TEST = data.number_words(300, 60)
ENGLISH, FRENCH = translation.vocabularies(TRAIN)
WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=9)


def translator(seed, hidden=6, sharpness=1.0):
    torch.manual_seed(seed)
    net = CHAPTER["Seq2Seq"](len(ENGLISH), len(FRENCH), hidden, ENGLISH[PAD])
    with torch.no_grad():
        net.decode.output.weight.mul_(sharpness)
    return net.eval()


def test_by_hand_counts_as_the_french_do():
    in_words = CHAPTER["in_words"]
    value = {in_words(n, "en")[0]: n for n in [*range(20), *range(20, 100, 10)]}
    sayable = {n: " ".join(in_words(n, "fr")) for n in [*range(20), 20, 30, 40, 50, 60]}
    sayable[80] = "quatre vingt"
    for n in range(100):
        assert CHAPTER["by_hand"](in_words(n, "en"), value, sayable) == in_words(n, "fr")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 299), min_size=1, max_size=6))
def test_tensors_are_those_of_translation(rows):
    phrases = [TRAIN[i] for i in rows]
    ours, y_ours = CHAPTER["tensors"](phrases, ENGLISH, FRENCH)
    theirs, y = translation.tensors(phrases, ENGLISH, FRENCH)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert torch.equal(y_ours, y)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(2, 6), st.integers(0, 999))
def test_masked_loss_is_torchs(n, t, v, seed):
    torch.manual_seed(seed)
    z, y = torch.randn(n, v, t, requires_grad=True), torch.randint(v, (n, t))
    y[torch.rand(n, t) < 0.4] = -100
    y[0, 0] = v - 1
    ours, theirs = CHAPTER["masked_loss"](z, y), F.cross_entropy(z, y)
    assert torch.allclose(ours, theirs)
    gradients = [torch.autograd.grad(loss, z)[0] for loss in (ours, theirs)]
    assert torch.allclose(*gradients, atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 299), min_size=1, max_size=6), st.integers(0, 99))
def test_padding_changes_nothing(rows, seed):
    net = translator(seed)
    (X, before), _ = translation.tensors([TRAIN[i] for i in rows], ENGLISH, FRENCH)
    lengths = (ENGLISH[PAD] != X).sum(dim=1)
    packed = nn.utils.rnn.pack_padded_sequence(
        net.encode.embed(X), lengths, batch_first=True, enforce_sorted=False
    )
    with torch.no_grad():
        assert torch.allclose(net.encode(X), net.encode.gru(packed)[1][0], atol=1e-6)
        z = net(X, before)
        for i, row in enumerate(rows):
            (x, one), _ = translation.tensors([TRAIN[row]], ENGLISH, FRENCH)
            alone = net(x, one)
            assert torch.allclose(alone[0], z[i, :, : one.shape[1]], atol=1e-5)


def test_decoder_never_looks_ahead():
    net = translator(0)
    (X, before), _ = translation.tensors(TRAIN[:20], ENGLISH, FRENCH)
    changed = before.clone()
    changed[:, 2] = FRENCH["mille"]
    with torch.no_grad():
        z, other = net(X, before), net(X, changed)
    assert z.shape == (20, len(FRENCH), before.shape[1])
    assert torch.allclose(z[:, :, :2], other[:, :, :2], atol=1e-6)
    assert not torch.allclose(z[:, :, 2:], other[:, :, 2:], atol=1e-3)


def test_steps_are_those_of_the_whole():
    net = translator(1)
    (X, before), _ = translation.tensors(TRAIN[:20], ENGLISH, FRENCH)
    with torch.no_grad():
        state, columns = net.encode(X), []
        for word in before.T:
            z, state = net.step(state, word)
            columns.append(z)
        assert torch.allclose(torch.stack(columns, dim=2), net(X, before), atol=1e-5)


def test_own_words_are_greedy_search():
    torch.manual_seed(0)
    net = CHAPTER["OwnWords"](len(ENGLISH), len(FRENCH), 6, ENGLISH[PAD])
    (X, before), _ = translation.tensors(TRAIN[:20], ENGLISH, FRENCH)
    with torch.no_grad():
        written = net.train()(X, before).argmax(dim=1)  # (n, t)
        own = torch.cat([before[:, :1], written[:, :-1]], dim=1)
        again = net.eval()(X, own).argmax(dim=1)
        zero = torch.zeros(len(X), dtype=torch.long)
        assert torch.equal(CHAPTER["go_on"](net, X, before, zero), written)
        end = torch.full_like(zero, before.shape[1])
        taught = net(X, before).argmax(dim=1)
        assert torch.equal(CHAPTER["go_on"](net, X, before, end), taught)
    assert torch.equal(written, again)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_beam_is_that_of_translation(width, seed, alpha):
    net, (start, end) = translator(seed, sharpness=12), (FRENCH[START], FRENCH[END])
    for words, _ in TEST[:5]:
        x = ENGLISH.encode([*words, END])[None]
        steps = CHAPTER["beam"](net, x, start, end, width, longest=8, alpha=alpha)
        score, total, ids, _ = steps[-1][0]
        said = [i for i in ids[1:] if i != end]
        theirs = translation.beam_search(net, x, FRENCH, width=width, longest=8, alpha=alpha)
        assert FRENCH.decode(said) == theirs[0]
        with torch.no_grad():
            log_p = net(x, torch.tensor([ids[:-1]]))[0].log_softmax(dim=0)
        chosen = [log_p[w, t].item() for t, w in enumerate(ids[1:])]
        assert total == pytest.approx(sum(chosen), abs=1e-3)
        assert score == pytest.approx(total / len(ids[1:]) ** alpha)
        if width == 1:
            assert CHAPTER["greedy"](net, x, start, end, longest=8) == ids[1:]


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.integers(1, 4))
def test_bleu_is_that_of_torchmetrics(pairs, n):
    ours, theirs = zip(*pairs, strict=True)
    want = bleu_score(
        [" ".join(words) for words in ours], [[" ".join(words)] for words in theirs], n_gram=n
    )
    assert CHAPTER["bleu"](ours, theirs, n=n) == pytest.approx(want.item(), abs=1e-5)


def test_scores_are_from_0_to_100():
    ours, theirs = [["deux", "cent", "six", "mille", "un"]] * 2, [["deux", "cent", "six"]] * 2
    assert CHAPTER["scores"](theirs, theirs)[1] == pytest.approx(100)
    assert CHAPTER["scores"](ours, ours) == pytest.approx((100, 100))


def test_lookup_finds_the_most_alike():
    lookup = CHAPTER["lookup"]
    lookup.__globals__["parts"] = [[(["a", "b"], ["x"]), (["a", "c", "d"], ["y"])]]
    assert lookup(["c", "a"]) == ["y"]
    assert lookup(["b"]) == ["x"]


def test_bleu_by_hand():
    """Three of four words and two of three pairs, and four words where there should be five."""
    ours, theirs = ["deux", "cent", "six", "mille"], ["deux", "cent", "six", "cent", "dix"]
    want = math.exp(1 - 5 / 4) * math.sqrt(3 / 4 * 2 / 3)
    assert CHAPTER["bleu"]([ours], [theirs], n=2) == pytest.approx(want)


@pytest.mark.parametrize("n", [0, 1, 80, 100, 200, 1000, 1001, 80_000, 200_000, 372_871, 999_999])
def test_french_is_read_back(n):
    in_words = CHAPTER["in_words"]
    heads = {tuple(in_words(1000 * k, "fr")[:-1]): k for k in range(1, 1000)}
    tails = {tuple(in_words(k, "fr")): k for k in range(1000)} | {(): 0}
    read = CHAPTER["read_french"]
    assert read(in_words(n, "fr"), heads, tails) == n
    assert read(["vingt", "cent"], heads, tails) is None
    assert read(["deux", "cents", "mille"], heads, tails) is None
