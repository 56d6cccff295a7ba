"""`Vocabulary` and the text that a language model learns from."""

from __future__ import annotations

import doctest

import pytest
import torch
from hypothesis import given, strategies as st

from d2lutil import Vocabulary, data, text


def test_docs_are_split_once_and_for_all():
    train, test = data.python_docs()
    assert len(train) + len(test) > 300_000
    assert 0.09 < len(test) / (len(train) + len(test)) < 0.11
    assert (train, test) == data.python_docs()
    paragraphs = [{p.strip() for p in part.split("\n\n")} - {""} for part in (train, test)]
    assert len(paragraphs[1]) > 100
    assert not paragraphs[0] & paragraphs[1]


def test_numbers_in_words():
    train, test = data.number_words()
    assert (len(train), len(test)) == (4000, 1000)
    assert train[80] == (["eighty"], ["quatre", "vingts"])
    phrases = {" ".join(english) for english, _ in train}
    assert len(phrases) == len(train)
    assert not phrases & {" ".join(english) for english, _ in test}
    lengths = [len(english) for english, _ in test]
    assert min(lengths) <= 3
    assert max(lengths) >= 11
    assert {w for pair in test for side in pair for w in side} <= {
        w for pair in train for side in pair for w in side
    }


@given(st.text())
def test_what_is_encoded_comes_back(tokens):
    vocabulary = Vocabulary(tokens)
    ids = vocabulary.encode(tokens)
    assert (ids.dtype, ids.shape) == (torch.int64, (len(tokens),))
    assert "".join(vocabulary.decode(ids)) == tokens
    assert 0 not in ids


def test_order_of_the_tokens():
    words = ["b", "a", "a", "c", "<eos>", "c", "d"]
    vocabulary = Vocabulary(words, special=["<pad>", "<eos>"])
    assert vocabulary.tokens == ["<unk>", "<pad>", "<eos>", "a", "c", "b", "d"]
    assert Vocabulary(words, min_count=2).tokens == ["<unk>", "a", "c"]
    assert vocabulary["zebra"] == 0
    assert "zebra" not in vocabulary
    assert len(vocabulary) == 7


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Vocabulary([1]), TypeError, "tokens must be strings, not 1"),
        (lambda: Vocabulary("ab", special=["<unk>"]), ValueError, "special must be different"),
        (lambda: Vocabulary("ab").decode([3]), ValueError, "from 0 to 2; among them is 3"),
        (lambda: data.number_words(100), ValueError, "train_size must .* at least 101"),
        (lambda: data.number_words(test_size=0), ValueError, "test_size must .* at least 1"),
        (lambda: Vocabulary("ab").decode([-1]), ValueError, "among them is -1"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("module", [text, data.text])
def test_the_examples_in_the_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
