"""Which exercises a reader has done: kept in one file from kernel to kernel."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from d2lutil import exercises

from .verdict import MARKS, Verdict, box

_WORDS = {"passed": "done", "not attempted": "to do", "failed": "tried"}


def strict() -> bool:
    """Whether D2LUTIL_CHECK asks that a check that is not passed is an error."""
    value = os.environ.get("D2LUTIL_CHECK", "")
    if value not in ("", "strict"):
        raise ValueError(f"D2LUTIL_CHECK must be 'strict' or not set, not {value!r}")
    return value == "strict"


def _file() -> Path:
    home = os.environ.get("D2LUTIL_HOME") or "~/.d2lutil"
    return Path(home).expanduser() / "progress.json"


def _read() -> tuple[dict[str, str], str]:
    """The status of each exercise that was tried; and what is wrong with the file, if anything."""
    if strict():  # the book shows nobody's progress
        return {}, ""
    try:
        statuses = json.loads(_file().read_text("utf-8"))
        if not isinstance(statuses, dict) or not set(statuses.values()) <= set(MARKS):
            raise ValueError("it is not what was written there")
        return statuses, ""
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        return {}, f"Your progress could not be read ({error})."


def keep(verdict: Verdict) -> str:
    """Keep a verdict; return what went wrong with that, if anything."""
    statuses, trouble = _read()
    passed = statuses.get(verdict.exercise) == "passed"
    if strict() or passed or verdict.status == "not attempted":
        return trouble
    try:
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"progress-{os.getpid()}.part")
        part.write_text(json.dumps(statuses | {verdict.exercise: verdict.status}), "utf-8")
        part.replace(file)
    except (OSError, RuntimeError) as error:
        return f"Your progress could not be saved ({error})."
    return trouble and f"{trouble} It begins anew."


@dataclass(frozen=True)
class Progress:
    """The status of every exercise by chapter. It shows itself in a notebook."""

    chapters: dict[str, dict[str, str]]
    note: str = ""

    def _lines(self) -> Iterator[tuple[str, str]]:
        for chapter, statuses in self.chapters.items():
            done = sum(status == "passed" for status in statuses.values())
            each = (f"{MARKS[s]} {name} ({_WORDS[s]})" for name, s in statuses.items())
            yield f"{chapter}: {done} of {len(statuses)} done", ", ".join(each)

    def __repr__(self) -> str:
        lines = [f"{title}. {each}" for title, each in self._lines()]
        return "\n".join([*lines, self.note]).strip()

    def _repr_html_(self) -> str:
        items = "".join(
            f"<dt style='font-weight:600'>{html.escape(title)}</dt>"
            f"<dd style='margin:0 0 .3rem'>{html.escape(each)}</dd>"
            for title, each in self._lines()
        )
        return box("#3b7dd8", f"<dl style='margin:0'>{items}</dl>{html.escape(self.note)}")


def progress() -> Progress:
    """Which exercises of which chapters are done.

    This is kept in `progress.json` in the folder `.d2lutil` of your home, or in D2LUTIL_HOME.
    """
    tried, note = _read()
    found = {
        chapter: {name: tried.get(name, "not attempted") for name in names}
        for chapter, names in exercises.names().items()
    }
    return Progress(found, note)
