"""Two lists that are made of the chapters' front matter.

The directive `chapters`, on the home page: each chapter with its `lead`, by part. Its body says of
each part what it is about: `foundations: from one neuron to …`.

The directive `headings`, on the page *From the notes to the chapters*: of one note, each heading
with the chapters that cover it. Its body has them as `heading | in English`, and a third column
with what the chapters that are not written yet are going to cover, or a page that is no chapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from _ext.chapter import ROOT, Chapter, chapters, parts

NOTES = ROOT / "chapters/front/from_the_notes.md"


class Heading(NamedTuple):
    """A row of `headings`: of which note, the heading, in English, the pages in its last column."""

    note: str
    text: str
    english: str
    others: list[str]


def rows(note: str, body: str) -> Iterator[Heading]:
    """The rows of the directive's body."""
    for line in body.splitlines():
        text, english, *others = (cell.strip() for cell in line.split(" | "))
        yield Heading(note, text, english, re.findall(r"[\w/-]+", " ".join(others)))


def headings() -> list[Heading]:
    """All headings of the notes, as the page has them."""
    blocks = re.findall(
        r"^```\{headings\} (\d+)\n(.*?)\n```$", NOTES.read_text("utf-8"), re.M | re.S
    )
    return [row for note, body in blocks for row in rows(note, body)]


def planned() -> dict[str, list[str]]:
    """The chapters that are not written yet: name → the headings that they are to cover."""
    found: dict[str, list[str]] = {}
    for row in headings():
        for other in row.others:
            if not (ROOT / f"chapters/{other}.md").exists():
                found.setdefault(other, []).append(f"{row.note} {row.text}")
    return found


class Headings(SphinxDirective):
    """A table of one note's headings."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Have a Markdown table parsed, so that the chapters' titles and links are Sphinx's."""
        covering: dict[str, list[Chapter]] = {}
        for chapter in _noted(self):
            for heading in chapter.covers:
                covering.setdefault(heading, []).append(chapter)
        lines = ["| Heading in the notes | Chapter |", "| --- | --- |"]
        for row in rows(self.arguments[0], "\n".join(self.content)):
            cells = [f"[](/{c.docname}.md)" for c in covering.get(f"{row.note} {row.text}", ())]
            written = [o for o in row.others if (ROOT / f"chapters/{o}.md").exists()]
            cells += [f"[](/chapters/{other}.md)" for other in written]
            later = [
                f"*{o.split('/')[1].replace('_', ' ')}*" for o in row.others if o not in written
            ]
            if later:
                cells.append(f"planned: {', '.join(later)}")
            text = re.sub(r"([*_<\[])", r"\\\1", row.text)
            lines.append(f"| {text}<br>{row.english} | {', '.join(cells)} |")
        return self.parse_text_to_nodes("\n".join(lines))


class Chapters(SphinxDirective):
    """A list of all chapters, by part."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Have Markdown lists parsed."""
        about = dict(line.split(": ", 1) for line in self.content)
        lines, found = [], _noted(self)
        for part, caption in parts().items():
            lines += [f"**{caption}**, {about[part]}" if part in about else f"**{caption}**", ""]
            lines += [
                f"- **[](/{chapter.docname}.md).** {chapter.front['lead']}"
                for chapter in found
                if chapter.part == part
            ]
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines))


def _noted(directive: SphinxDirective) -> list[Chapter]:
    """The chapters; the page is made again when one of them changes, or the order."""
    found = [chapter for chapter in chapters() if chapter.name != "index"]
    for path in (ROOT / "_toc.yml", *(chapter.page for chapter in found)):
        directive.env.note_dependency(str(path))
    return found


def setup(app: Sphinx) -> dict:
    """Add the directives."""
    app.add_directive("headings", Headings)
    app.add_directive("chapters", Chapters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
