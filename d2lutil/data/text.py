"""Text: the documentation of the Python language, which every Python carries."""

from __future__ import annotations

import random
from itertools import accumulate


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
        new = [p for p in topic.strip().split("\n\n") if p not in seen]
        seen.update(new)
        texts.append("\n\n".join(new))
    texts = [text for text in texts if text]
    random.Random(0).shuffle(texts)
    sizes = list(accumulate(map(len, texts)))
    held_out = next(i for i, size in enumerate(sizes, start=1) if size >= sizes[-1] / 10)
    return "\n\n\n".join(texts[held_out:]), "\n\n\n".join(texts[:held_out])
