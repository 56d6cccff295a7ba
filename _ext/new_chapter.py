"""Begins a chapter: copies the template to its places, and enters it in the table of contents.

    python -m _ext.new_chapter sequences/speech

A planned chapter takes over the headings of the notes that it is to cover.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from _ext.chapter import ROOT, Chapter, chapters
from _ext.contents import NOTES, planned

NAME = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")


def begin(name: str) -> list[Path]:
    """Write the files of a new chapter and return their paths; ValueError if that cannot be."""
    if not NAME.fullmatch(name):
        raise ValueError(f"NAME must be part/name, in small letters with _, not {name!r}")
    chapter, template = Chapter(name), Chapter("template")
    if chapter.page.exists():
        raise ValueError(f"there is a chapter {name} already")
    neighbours = [other for other in chapters() if other.part == chapter.part]
    if not neighbours:
        raise ValueError(f"_toc.yml has no part with chapters in {chapter.part}/: begin one there")
    covers = "".join(f"\n  - {_quoted(heading)}" for heading in planned().get(name, ())) or " []"
    copies = {
        template.page: chapter.page,
        ROOT / "tests/template/exercises.py": chapter.exercises,
        ROOT / "tests/template/answers.py": chapter.tests / "answers.py",
    }
    for source, target in copies.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    page = chapter.text.replace("covers: []", f"covers:{covers}", 1)
    chapter.page.write_text(page, encoding="utf-8")
    _forget_plan(name)
    toc, last = ROOT / "_toc.yml", f"- file: {neighbours[-1].docname}\n"
    entry = re.search(rf"^ *{re.escape(last)}", toc.read_text(encoding="utf-8"), re.M)[0]
    new = entry.replace(neighbours[-1].docname, chapter.docname)
    toc.write_text(toc.read_text(encoding="utf-8").replace(entry, entry + new), encoding="utf-8")
    return [*copies.values(), toc, NOTES]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _forget_plan(name: str) -> None:
    """Take a chapter out of the page's third column, which is for those that are not written."""
    text = NOTES.read_text(encoding="utf-8")
    text = re.sub(rf"(?<= \| ){name}, |, {name}(?=,|$)| \| {name}$", "", text, flags=re.M)
    NOTES.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Begin the chapter of this name, and say what to do next."""
    if len(arguments) != 1:
        print("make chapter NAME=part/name, such as sequences/speech", file=sys.stderr)
        return 1
    try:
        written = begin(arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        print(path.relative_to(ROOT).as_posix())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
