"""Text: the documentation of the Python language, and numbers in English and French words."""

from __future__ import annotations

import random
import re
from typing import TypeAlias

from d2lutil._arguments import check_number
from d2lutil.data.tables import check_validation_size

Phrases: TypeAlias = list[tuple[list[str], list[str]]]  # words to translate, their translation


def python_docs(*, validation_size: int | None = None) -> tuple[str, ...]:
    """Return the documentation of the Python language as two texts: to train and to test on.

    With a `validation_size`, as three: to train, to choose, and to test on.

    Every topic of ``help()``, some 370,000 characters in all, in the words of the Python that
    runs. Topics repeat one another, so a paragraph is kept once, in the longest topic that has it:
    none is in two texts. Topics chosen at random, the same ones every time, make up the test text,
    a tenth of all; those of the validation text have at most `validation_size` characters and are
    taken from the others. Between topics stand three line breaks.

    Source: The Python Language Reference, ``pydoc_data.topics``, licence PSF-2.0.

    Raises ``ValueError`` where `validation_size` is not from 1,000 to 100,000, ``TypeError`` where
    it is no whole number.

    >>> train, test = python_docs()
    >>> len(train) > 5 * len(test)
    True
    """
    from pydoc_data.topics import topics

    check_validation_size(validation_size, least=1000, most=100_000)
    seen: set[str] = set()
    texts = []
    for topic in sorted(topics.values(), key=lambda topic: (-len(topic), topic)):
        found = {p.strip(): p for p in topic.strip().split("\n\n")}
        texts.append("\n\n".join(p for key, p in found.items() if key not in seen))
        seen |= found.keys()
    texts = [text for text in texts if text.strip()]
    random.Random(0).shuffle(texts)
    test, others = _take(texts, sum(map(len, texts)) / 10)
    if validation_size is None:
        return _join(others), _join(test)
    validation, train = _take(others, validation_size)
    return _join(train), _join(validation), _join(test)


def _take(texts: list[str], limit: float) -> tuple[list[str], list[str]]:
    """Take texts in turn, each that still fits into so many characters: those, and the others."""
    taken: list[str] = []
    others: list[str] = []
    for text in texts:
        fits = sum(map(len, taken)) + len(text) <= limit
        (taken if fits else others).append(text)
    return taken, others


def _join(texts: list[str]) -> str:
    return "\n\n\n".join(texts)


def number_words(
    train_size: int = 4000, test_size: int = 1000, *, validation_size: int | None = None
) -> tuple[Phrases, ...]:
    """Return numbers below a million in words, English and French: to train and to test on.

    With a `validation_size`, three parts: to train, to choose, and to test on.

    Each part is a list of pairs ``(english, french)`` of lists of words, without commas and with
    hyphens as spaces. The training part begins with all numbers below 100. The others, up to a
    million, are drawn at random, the same ones every time, and on average as many of three digits
    as of four, five and six, as long as there are any. No number is in two parts.

    Source: the rules of the package ``num2words``, https://github.com/savoirfairelinux/num2words.

    Raises ``ValueError`` where `train_size` is not from 101 to 50,000 or another size from 1 to
    50,000, ``TypeError`` where one of them is no whole number.

    >>> train, test = number_words(101, 1)
    >>> train[71]
    (['seventy', 'one'], ['soixante', 'et', 'onze'])
    """
    from num2words import num2words

    check_number("train_size", train_size, least=101, most=50_000, whole=True)
    check_number("test_size", test_size, least=1, most=50_000, whole=True)
    check_validation_size(validation_size, most=50_000)
    draw = random.Random(0)
    held_out = test_size + (validation_size or 0)
    drawn: dict[int, None] = {}  # in the order drawn, each once
    while len(drawn) < held_out + train_size - 100:
        drawn[int(10 ** draw.uniform(2, 6))] = None
    numbers = list(drawn)
    train = [*range(100), *numbers[held_out:]]
    validation = [numbers[test_size:held_out]] if validation_size else []

    def words(number: int, language: str) -> list[str]:
        return re.findall(r"\w+", num2words(number, lang=language))

    def phrases(numbers: list[int]) -> Phrases:
        return [(words(n, "en"), words(n, "fr")) for n in numbers]

    return tuple(phrases(part) for part in (train, *validation, numbers[:test_size]))
