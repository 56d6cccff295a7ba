"""Words that isolate a reader from the field stay out: what papers call it is what we call it."""

from __future__ import annotations

import re

import pytest
from conftest import CHAPTERS, ROOT

from _ext.chapter import Chapter

# What is not to come back, and what the field says.
INSTEAD = {
    r"(?<!From )\bthe notes\b": "a common claim",
    r"\bbends?\b(?! (?:the|a|your) )": "nonlinearity, activation function",
    r"\bposition encodings?\b": "positional encoding",
    r"(?<!projection )(?<!identity )\bshortcuts?\b(?! connection)": "residual connection",
    r"\bwires?\b": "residual connection",
    r"\bsurprises?\b": "surprisal",
    r"\bruns of (?:\w+ )?words\b": "n-grams",
    r"\bhalf the sum of the absolute\b": "total variation distance",
    r"\b(?:weighted )?mixtures? of (?:the )?values\b": "weighted sum",
    r"\bsimply\b|\bobviously\b|\bit is easy to see\b": "nothing",
}


def prose(chapter: Chapter) -> str:
    """The text of a page, with its captions and questions, and the hints of its exercises."""
    front = re.sub(r"\A---\n.*?\n---\n", "", chapter.text, flags=re.S)
    hints = chapter.exercises.read_text(encoding="utf-8") if chapter.exercises.exists() else ""
    return front + hints


@pytest.mark.parametrize("name", [*CHAPTERS, "template"])
def test_a_chapter_speaks_as_the_field_does(name):
    text = prose(Chapter(name))
    found = {
        f"{match[0]!r} (line {text.count(chr(10), 0, match.start()) + 1} of the text)": better
        for pattern, better in INSTEAD.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    }
    assert found == {}


def test_the_glossary_speaks_as_the_field_does():
    text = (ROOT / "chapters/back/glossary.md").read_text(encoding="utf-8")
    found = [pattern for pattern in INSTEAD if re.search(pattern, text, re.IGNORECASE)]
    assert found == []
