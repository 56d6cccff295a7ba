"""What the chapters measured: as `results.yml` has it, and the same each time."""

from __future__ import annotations

import pytest
import yaml
from conftest import ROOT

from _ext.execute import chapters, execute, executed, expected, glued, miss, name
from d2lutil.runtime import scale

CHAPTERS = {name(chapter): chapter for chapter in chapters() if name(chapter) != "index"}
# Of the moment: no two runs agree on them, and no bound holds them.
TIMES = {"cache_seconds", "clock_ratio", "nms_speedup", "rate", "step_ratio"}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_measured(book, chapter):
    assert len(expected(CHAPTERS[chapter])) >= 3
    found = executed(CHAPTERS[chapter])
    assert miss(CHAPTERS[chapter], found, scale(small="small", full="full")) is None


@pytest.mark.long
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_run_again_a_chapter_gives_the_same_numbers(book, chapter):
    again, _ = execute(CHAPTERS[chapter], timeout=300)
    first, second = (
        {k: v for k, (v, _) in glued(notebook).items() if not (k in TIMES or k.startswith("fast_"))}
        for notebook in (executed(CHAPTERS[chapter]), again)
    )
    assert len(first) >= 3
    assert second == first


def test_every_chapter_has_expectations():
    assert list(yaml.safe_load((ROOT / "chapters/results.yml").read_text())) == list(CHAPTERS)
