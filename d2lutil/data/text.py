"""Text: Python's documentation, numbers in two languages, and messages that people translated."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from d2lutil._arguments import check_choice, check_number
from d2lutil.data.tables import check_validation_size

Phrases: TypeAlias = list[tuple[list[str], list[str]]]  # words to translate, their translation
Sentences: TypeAlias = list[tuple[str, str]]  # the same as people write it

CATALOGUES = {  # the packages that carry messages in a language, and the folders that they are in
    "French": {"jupyterlab_language_pack_fr_FR": "fr_FR", "django": "fr"},
    "Chinese": {"jupyterlab_language_pack_zh_CN": "zh_CN", "django": "zh_Hans"},
}
NO_TEXT = re.compile(r"[%{}<>\\|=]|https?:|\.\w+\(|\$\w")  # placeholders, markup and code
BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-ÝŒ])|\s*\n\s*|(?<=[。！？])")


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


def messages(
    language: str = "French", test_size: int = 300, *, validation_size: int | None = None
) -> tuple[Sentences, ...]:
    """Return what programs say, in English and another language: to train and to test on.

    With a `validation_size`, three parts: to train, to choose, and to test on.

    Each part is a list of pairs ``(english, translation)`` of texts; `language` is ``"French"`` or
    ``"Chinese"`` (simplified). People translated them, for users of JupyterLab and of Django: some
    3,380 labels and sentences, five words long on average, two in three of them of three words or
    more. A message of several sentences is taken apart where its translation has as many. Messages
    with a placeholder or markup are left out, and so are those that are the same in both
    languages. Of messages that differ in case, spaces and punctuation only, the first is kept: no
    English one is in two parts. Validation and test messages have three words or more. They are
    chosen by their English text, as good as at random and the same ones every time, as long as the
    packages stay the same. Many are still much like another one: *Failed to delete branch*, *Failed
    to delete tag*.

    Source: the message catalogues of ``jupyterlab-language-pack-fr-FR`` and ``-zh-CN`` (Project
    Jupyter Contributors) and of ``django`` (Django Software Foundation and individual
    contributors), both licence BSD-3-Clause. They are read where they are installed.

    Raises ``ModuleNotFoundError`` where one of these packages is lacking, ``ValueError`` where
    `language` is another one or a size is not from 1 to 1,000, ``TypeError`` where a size is no
    whole number.

    >>> train, validation, test = messages("French", validation_size=200)
    >>> len(validation), len(test)
    (200, 300)
    """
    check_choice("language", language, *CATALOGUES)
    check_number("test_size", test_size, least=1, most=1000, whole=True)
    check_validation_size(validation_size, most=1000)
    found: dict[str, tuple[str, str]] = {}
    for source, target in _sentences(language):
        key, translated = (" ".join(re.findall(r"\w+", t.casefold())) for t in (source, target))
        foreign = language == "French" or re.search("[\u4e00-\u9fff]", target)
        if key and translated != key and foreign and not NO_TEXT.search(source + target):
            found.setdefault(key, (source, target))
    keys = sorted(found, key=lambda key: sha256(key.encode()).digest())
    held_out = [key for key in keys if key.count(" ") > 1][: test_size + (validation_size or 0)]
    test, validation = held_out[:test_size], held_out[test_size:]
    chosen = set(held_out)
    train = [key for key in keys if key not in chosen]
    parts = (train, validation, test) if validation_size else (train, test)
    return tuple([found[key] for key in part] for part in parts)


def _sentences(language: str) -> Iterator[tuple[str, str]]:
    """The messages of all catalogues in a language, sentence by sentence where that is possible."""
    for package, folder in CATALOGUES[language].items():
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(
                f"messages({language!r}) reads what the package {package!r} carries, and it is not "
                f"installed: pip install {package.replace('_', '-')}",
                name=package,
            )
        root = Path(spec.submodule_search_locations[0])
        for path in sorted(root.glob(f"**/locale/{folder}/LC_MESSAGES/*.mo")):
            for message, translation in _catalogue(path.read_bytes()):
                pair = [
                    [" ".join(part.split()) for part in BETWEEN_SENTENCES.split(text.strip())]
                    for text in (message, translation)
                ]
                pair = [list(filter(None, parts)) for parts in pair]
                if len(pair[0]) == len(pair[1]):
                    yield from zip(*pair, strict=True)
                else:
                    yield " ".join(pair[0]), " ".join(pair[1])


def _catalogue(content: bytes) -> Iterator[tuple[str, str]]:
    """The messages of a compiled catalogue of GNU gettext and their translations.

    The file has the number of messages and where two tables begin; a row of a table has a text's
    length and where it begins. The format: https://www.gnu.org/software/gettext/manual, MO Files.
    """
    order = "<" if content[:4] == b"\xde\x12\x04\x95" else ">"
    count, *tables = struct.unpack_from(f"{order}3I", content, 8)
    for i in range(count):
        rows = (struct.unpack_from(f"{order}2I", content, table + 8 * i) for table in tables)
        message, translation = (content[at : at + n].decode() for n, at in rows)
        _, _, message = message.rpartition("\x04")  # behind what tells two uses of a text apart
        if message:  # the first one is empty, and its translation says who translated
            singular, *_ = message.split("\0")
            yield singular, translation.split("\0")[0]
            if "\0" in message:
                yield message.split("\0")[1], translation.split("\0")[-1]
