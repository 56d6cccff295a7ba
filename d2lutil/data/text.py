"""Text: the documentation of the Python language, which every Python carries."""

from __future__ import annotations

import random


def python_docs() -> tuple[str, str]:
    """Return the documentation of the Python language as two texts: to train and to test on.

    Every topic of ``help()``, some 370,000 characters in all, in the words of the Python that
    runs. Topics repeat one another, so a paragraph is kept once, in the longest topic that has it:
    none is in both texts. Topics chosen at random, the same ones every time, make up the test text,
    a tenth of all. Between topics stand three line breaks.

    Source: The Python Language Reference, ``pydoc_data.topics``, licence PSF-2.0.

    >>> train, test = python_docs()
    >>> len(train) > 5 * len(test)
    True
    """
    from pydoc_data.topics import topics

    seen: set[str] = set()
    texts = []
    for topic in sorted(topics.values(), key=lambda topic: (-len(topic), topic)):
        found = {p.strip(): p for p in topic.strip().split("\n\n")}
        texts.append("\n\n".join(p for key, p in found.items() if key not in seen))
        seen |= found.keys()
    texts = [text for text in texts if text.strip()]
    random.Random(0).shuffle(texts)
    limit = sum(map(len, texts)) / 10
    train: list[str] = []
    test: list[str] = []
    for text in texts:
        fits = sum(map(len, test)) + len(text) <= limit
        (test if fits else train).append(text)
    return "\n\n\n".join(train), "\n\n\n".join(test)
