"""What the chapters measured: each number that the text leans on is as `results.yml` has it."""

from __future__ import annotations

import pytest

from _ext.execute import chapters, executed, expected, glued, name

CHAPTERS = {name(chapter): chapter for chapter in chapters() if name(chapter) != "index"}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_measured(book, chapter):
    found, bounds = glued(executed(CHAPTERS[chapter])), expected(CHAPTERS[chapter])
    assert len(bounds) >= 3
    for key, (low, high) in bounds.items():
        assert low <= float(found[key][0]) <= high, key
