"""What holds under other seeds and on other code paths: runs, reports, records, ranges."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_execution import CHAPTER, book, change  # noqa: F401

from _ext import ranges
from _ext.chapter import Chapter
from _ext.robust import PATHS, proposed, variants, with_values

CODE = """
import os
from pathlib import Path

from myst_nb import glue

shift = int(os.environ.get("D2LUTIL_SEED_SHIFT", 0))
threads = int(os.environ["OMP_NUM_THREADS"])
with Path("runs").open("a") as file:
    file.write("x")
glue("a", 90 + shift / 1000 + threads / 10)
glue("same", 5)
glue("word", "many")
assert threads == 1
assert shift < 1000
"""
FRONT = "---\nmain: a\nmeasures:\n  a: [90, 90.5]\n  same: [5, 5]\n  b: [0, 1]\njupytext"


@pytest.fixture
def chapter(book) -> Path:  # noqa: F811
    """A chapter that depends on the seed, and on the threads."""
    page = book / "chapters/part/one.md"
    page.write_text(CHAPTER.replace("---\njupytext", FRONT, 1).replace("1 + 1", CODE))
    return page


def robust(page: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run `make robust` for a chapter in two seeds, of which one is the book's."""
    command = [sys.executable, "-m", "_ext.robust", *arguments, "part/one", "--seeds", "2"]
    return subprocess.run(command, cwd=page.parents[2], capture_output=True, text=True)


def test_what_does_not_hold_is_told_with_line_value_and_variant(chapter):
    done = robust(chapter)
    assert done.returncode == 1, done.stderr
    assert "1 chapters in 5 variants: 5 runs" in done.stdout
    assert "5 of 5   part/one" in done.stdout
    lines = chapter.read_text().splitlines()
    cell, bound = lines.index("```{code-cell} ipython3") + 1, lines.index("  a: [90, 90.5]") + 1
    where = "chapters/part/one.md"
    failed = [line.strip() for line in done.stdout.splitlines() if "FAILED chapters" in line]
    everywhere = ", ".join(variants(2))
    absent = lines.index("  b: [0, 1]") + 1
    assert sorted(failed) == sorted(
        [
            f"FAILED {where}:{cell}: AssertionError: assert shift < 1000, ' | '.join(map(repr, "
            "[(shift)])) [1000]  (seeds + 1000)",
            f"FAILED {where}:{cell}: AssertionError: assert threads == 1, ' | '.join(map(repr, "
            "[(threads)])) [2]  (two threads)",
            f"FAILED {where}:{bound}: a is 91.1; expected 90 to 90.5  (seeds + 1000)",
            f"FAILED {where}:{absent}: b was not measured; expected 0 to 1  ({everywhere})",
        ]
    )
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("  a ")]
    assert row == [
        "a",
        "90.1",
        "90.1",
        "91.1",
        "held",
        "to",
        "90",
        "…",
        "90.5;",
        "proposed",
        "89.6",
        "…",
        "91.6",
    ]


def test_what_was_run_is_not_run_again(chapter):
    def runs() -> int:
        return len((chapter.parent / "runs").read_text())

    robust(chapter)
    assert runs() == 5
    assert robust(chapter).returncode == 1
    assert runs() == 5
    change(chapter, "Prose.", "Other prose.")
    change(chapter, "a: [90, 90.5]", "a: [90, 92]")
    assert "a is 91.1" not in robust(chapter).stdout
    assert runs() == 5
    change(chapter, "90 +", "91 +")
    robust(chapter)
    assert runs() == 10


def test_record_is_written_when_asked_for(chapter):
    robust(chapter)
    record = chapter.with_suffix(".yml")
    assert not record.exists()
    robust(chapter, "--write")
    kept = yaml.safe_load(record.read_text())
    assert kept["numbers"] == {"a": [90.1, 90.1, 91.1], "same": [5, 5, 5]}
    assert kept["variants"] == list(variants(2))
    assert len(kept["code"]) == 16


def test_a_name_that_is_none_is_refused(chapter):
    done = robust(chapter, "part/three")
    assert done.returncode == 2
    assert "no such chapter: part/three" in done.stderr


def test_variants_are_the_book_its_seeds_and_the_code_paths():
    assert list(variants(5))[:2] == ["seeds + 0", "seeds + 1000"]
    assert len(variants(5)) == 8
    assert set(PATHS) <= set(variants(1))


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("assert a < b", "assert a < b, ' | '.join(map(repr, [(a), (b)]))"),
        ("assert 0 < f(é) < 1", "assert 0 < f(é) < 1, ' | '.join(map(repr, [(f(é))]))"),
        ("assert a == 1 and b", "assert a == 1 and b, ' | '.join(map(repr, [(a)]))"),
        ("assert a", "assert a"),
        ("assert a < b, 'so'", "assert a < b, 'so'"),
        ("%time\nassert a < b", "%time\nassert a < b"),
    ],
)
def test_asserts_are_made_to_say_what_they_compared(source, written):
    assert with_values(source) == written


@pytest.mark.parametrize(
    ("seen", "bounds"),
    [
        ((94, 96), (93, 97)),
        ((5, 5), (5, 5)),
        ((-1, 0), (-1.5, 0.5)),
        ((4.331, 4.336), (4.3285, 4.3385)),
    ],
)
def test_bounds_are_proposed_with_a_margin(seen, bounds):
    assert proposed(*seen) == pytest.approx(bounds)


# --- The role -------------------------------------------------------------------------------------


@pytest.fixture
def recorded(tmp_path, monkeypatch) -> Chapter:
    """A chapter with a record."""
    monkeypatch.setattr("_ext.chapter.ROOT", tmp_path)
    path = tmp_path / "chapters/part/one.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "variants: [x, y]\nnumbers:\n  a: [93.64, 94, 95.12]\n  same: [5, 5, 5]\n"
        "  near: [-0.4, 0, 0.1]\n"
    )
    return Chapter("part/one")


@pytest.mark.parametrize(
    ("content", "own", "text"),
    [
        ("a:.1f", "94.2", "93.6 to 95.1"),
        ("a:.0f", "94.2", "94 to 95"),
        ("a:.1f", "95.3", "93.6 to 95.3"),  # the page's own run is one of them
        ("a:.1f", "93.5", "93.5 to 95.1"),
        ("same:.0f", "5", "5"),
        ("near:.1f", "0.1", "-0.4 to 0.1"),
        ("near:.0f", "0.1", "0"),  # and not -0
    ],
)
def test_range_is_of_all_runs_and_the_page(recorded, content, own, text):
    assert ranges.span(recorded, {"a": own, "same": own, "near": own}, content) == text
    assert ranges.runs(recorded) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [("b:.1f", "'b' is not on record"), ("a b", "not name:format"), ("same:.0f", "was not glued")],
)
def test_range_without_a_record_says_so(recorded, content, said):
    with pytest.raises(KeyError, match=said):
        ranges.span(recorded, {"a": "94"}, content)


def test_a_chapter_without_a_record_has_no_runs():
    assert ranges.runs(Chapter("template")) == 0
