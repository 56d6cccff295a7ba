"""What the chapters measured: as their front matter has it, and as their records have it."""

from __future__ import annotations

import pytest
from conftest import CHAPTERS

from _ext.chapter import Chapter
from _ext.execute import miss
from _ext.proofs import proof
from _ext.ranges import record


@pytest.mark.parametrize("name", CHAPTERS)
def test_measured(book, name):
    chapter = Chapter(name)
    known = proof(chapter)
    assert len(chapter.front["measures"]) >= 3
    assert chapter.main in chapter.front["measures"]
    assert miss(chapter, known["numbers"], known["took"]["scale"]) is None


@pytest.mark.parametrize("name", CHAPTERS)
def test_times_are_told_and_not_held(book, name):
    chapter = Chapter(name)
    assert set(chapter.times) <= set(proof(chapter)["numbers"])
    assert not set(chapter.times) & set(chapter.front["measures"])


@pytest.mark.parametrize("name", CHAPTERS)
def test_record_is_of_this_code_and_holds_this_run(book, name):
    """A run on yet another processor may lie outside, but by no more than the runs lie apart."""
    chapter = Chapter(name)
    kept, numbers = record(chapter), proof(chapter)["numbers"]
    assert kept["code"] == chapter.code(asserts=False), f"make robust CHAPTER={name} WRITE=1"
    assert len(kept["variants"]) >= 8  # five seeds, and other code paths
    outside = {}
    for key, (low, middle, high) in kept["numbers"].items():
        room = max(high - low, 1e-3 * abs(middle))
        if not low - room <= float(numbers[key]) <= high + room:
            outside[key] = (numbers[key], low, high)
    assert outside == {}


@pytest.mark.parametrize("name", CHAPTERS)
def test_bounds_hold_what_is_on_record(name):
    chapter = Chapter(name)
    seen = record(chapter)["numbers"]
    bounds = {key: pair for key, pair in chapter.front["measures"].items() if key in seen}
    assert bounds
    outside = {
        key: (seen[key], [low, high])
        for key, (low, high) in bounds.items()
        if not low <= seen[key][0] <= seen[key][2] <= high
    }
    assert outside == {}
