"""Phrases as tensors, beam search against trying everything, and BLEU against torchmetrics."""

from __future__ import annotations

import doctest
from itertools import product

import pytest
import torch
from hypothesis import given, strategies as st
from torchmetrics.functional.text import bleu_score

from d2lutil import data, evaluate, fit, predict, translation
from d2lutil.translation import END, PAD, START

PHRASES = [(["four"], ["quatre"]), (["twenty", "one"], ["vingt", "et", "un"])]
ENGLISH, FRENCH = translation.vocabularies(PHRASES)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Shut down all kernels?", ["shut", "down", "all", "kernels", "?"]),
        ("L’état de l'envoi", ["l'", "état", "de", "l'", "envoi"]),
        ("无法获取 Git 暂存。", ["无", "法", "获", "取", "git", "暂", "存", "。"]),
        ("on GITHUB上的", ["on", "github", "上", "的"]),
        ("  'raw', 2-up…", ["'", "raw'", ",", "2", "-", "up", "…"]),
        ("", []),
    ],
)
def test_a_sentence_as_tokens(text, tokens):
    assert translation.words(text) == tokens


@given(st.text())
def test_tokens_joined_are_the_same_tokens(text):
    tokens = translation.words(text)
    assert translation.words(" ".join(tokens)) == tokens


def test_tokens_of_something_else():
    with pytest.raises(TypeError, match="text must be a string, not 5"):
        translation.words(5)


def test_phrases_as_tensors():
    (X, before), y = translation.tensors(PHRASES, ENGLISH, FRENCH)
    assert ENGLISH.decode(X[0]) == ["four", END, PAD]
    assert FRENCH.decode(before[0]) == [START, "quatre", PAD, PAD]
    assert FRENCH.decode(y[1]) == ["vingt", "et", "un", END]
    assert y[0].tolist() == [FRENCH["quatre"], FRENCH[END], -100, -100]


def test_every_number_comes_back():
    train, test = data.number_words(500, 100)
    english, french = translation.vocabularies(train)
    (X, before), y = translation.tensors(test, english, french)
    assert (X[:, 1:] != english[START]).all()
    assert (before[:, 0] == french[START]).all()
    for (_, words), row in zip(test, y, strict=True):
        kept = row[row != -100]
        assert [w for w in french.decode(kept) if w != "<unk>"] == [
            w for w in [*words, END] if w in french
        ]


class Table(torch.nn.Module):
    """A model whose scores depend on the source, the last word and how many there are."""

    def __init__(self, words, seed):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.scores = torch.nn.Parameter(2 * torch.randn(3, words, 9, words, generator=generator))

    def forward(self, X, before):
        at = torch.arange(before.shape[1])  # (t,)
        return self.scores[X[:, :1], before, at].transpose(1, 2)  # (n, v, t)


def probability(model, X, ids):
    scores = model(X, torch.tensor([[FRENCH[START], *ids[:-1]]]))  # (1, v, t)
    return scores.log_softmax(dim=1)[0, ids, range(len(ids))].sum().item()


class Stepping(Table):
    """The same, which remembers the source and where it is instead of reading all anew."""

    def encode(self, X):
        return torch.stack([X[:, 0], torch.zeros_like(X[:, 0])], dim=1)  # (n, 2)

    def step(self, state, word):
        source, at = state.T
        return self.scores[source, word, at], torch.stack([source, at + 1], dim=1)

    def forward(self, X, before):
        raise AssertionError("it has no need to")


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_a_model_that_goes_on_step_by_step_says_the_same(seed, width, alpha):
    X = torch.tensor([[0], [2], [1], [2]])
    models = [kind(len(FRENCH), seed) for kind in (Table, Stepping)]
    ours, theirs = (
        translation.beam_search(model, X, FRENCH, width=width, longest=8, alpha=alpha)
        for model in models
    )
    assert ours == theirs


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_wide_enough_finds_the_best_of_all(seed, alpha):
    model, longest, end = Table(len(FRENCH), seed), 3, FRENCH[END]
    others = [i for i in range(len(FRENCH)) if i != end]
    every = [[*ids, end] for t in range(longest) for ids in product(others, repeat=t)]
    every += [list(ids) for ids in product(others, repeat=longest)]
    X = torch.tensor([[0], [2]])
    found = translation.beam_search(
        model, X, FRENCH, width=len(FRENCH) ** 3, longest=longest, alpha=alpha
    )
    for source, words in zip(X, found, strict=True):
        best = max(every, key=lambda ids: probability(model, source[None], ids) / len(ids) ** alpha)
        assert words == FRENCH.decode([i for i in best if i != end])


def test_width_one_takes_the_best_word_each_time():
    model, ids = Table(len(FRENCH), 3), [FRENCH[START]]
    X = torch.tensor([[1]])
    while ids[-1] != FRENCH[END] and len(ids) < 9:
        ids.append(model(X, torch.tensor([ids]))[0, :, -1].argmax().item())
    words = FRENCH.decode([i for i in ids[1:] if i != FRENCH[END]])
    assert translation.beam_search(model, X, FRENCH, longest=8) == [words]


def test_fit_counts_only_what_has_a_label():
    (X, before), y = translation.tensors(PHRASES, ENGLISH, FRENCH)
    model = Table(len(FRENCH), 0)
    X = X % 3
    log_p = predict(model, (X, before)).log_softmax(dim=1)  # (n, v, t)
    real = y != -100  # (n, t)
    chosen = log_p.gather(1, y.clamp(min=0)[:, None])[:, 0]  # (n, t)
    result = evaluate(model, ((X, before), y))
    assert result["loss"] == pytest.approx(-chosen[real].mean().item(), rel=1e-5)
    assert result["accuracy"] == pytest.approx((log_p.argmax(1) == y)[real].float().mean().item())
    history = fit(model, ((X, before), y), epochs=60, lr=5.0, batch_size=2)
    assert history["train accuracy"][-1] == 1.0
    assert translation.beam_search(model, X[1:], FRENCH) == [["vingt", "et", "un"]]


def test_no_label_at_all_is_named():
    (X, before), y = translation.tensors(PHRASES, ENGLISH, FRENCH)
    with pytest.raises(ValueError, match="train y has no label"):
        fit(Table(len(FRENCH), 0), ((X % 3, before), torch.full_like(y, -100)), epochs=1)
    with pytest.raises(ValueError, match="parts of train X must be as long"):
        fit(Table(len(FRENCH), 0), ((X, before[:1]), y), epochs=1)


WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=9)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.integers(1, 4))
def test_bleu_is_that_of_torchmetrics(pairs, n):
    ours, theirs = zip(*pairs, strict=True)
    want = bleu_score(
        [" ".join(words) for words in ours], [[" ".join(words)] for words in theirs], n_gram=n
    )
    assert translation.bleu(ours, theirs, n=n) == pytest.approx(want.item(), abs=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: translation.vocabularies([("a", "b")]), TypeError, "phrases must be pairs"),
        (lambda: translation.vocabularies([]), TypeError, "there is none"),
        (lambda: translation.bleu([["a"]], []), ValueError, "there are 1 and 0"),
        (lambda: translation.bleu(["a b"], ["a b"]), TypeError, "a list of words, not a string"),
        (
            lambda: translation.beam_search(Table(8, 0), torch.zeros(1, 1).long(), FRENCH, width=0),
            ValueError,
            "width must be a whole number, at least 1, not 0",
        ),
        (lambda: translation.beam_search(Table(8, 0), [1], FRENCH), TypeError, "X must be"),
        (
            lambda: translation.beam_search(
                Table(8, 0), torch.zeros(1, 1).long(), FRENCH, alpha=-1
            ),
            ValueError,
            "alpha must be a finite number, at least 0, not -1",
        ),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_the_examples_in_the_docstrings():
    found = doctest.testmod(translation)
    assert found.attempted > 0
    assert found.failed == 0
