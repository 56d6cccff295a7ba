"""The role `range`: what a number was in all runs on record, with other seeds and code paths.

``{range}`accuracy:.1f` `` becomes "93.6 to 95.1". The record is what `make robust WRITE=1` saw; the
page's own run counts as one more, so that the range always holds it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml
from docutils import nodes
from myst_nb.core.variables import format_plain_text
from myst_nb.ext.glue.crossref import read_glue_cache
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from _ext.chapter import Chapter

ROLE = re.compile(r"(?P<key>\w+)(?::(?P<form>[^:]*))?")


def record(chapter: Chapter) -> dict[str, Any]:
    """What is on record of a chapter; empty if nothing is."""
    if not chapter.record.exists():
        return {}
    return _parsed(chapter.record.read_text(encoding="utf-8"))


@cache  # a page asks for it at each of its ranges
def _parsed(text: str) -> dict[str, Any]:
    kept = yaml.safe_load(text)
    numbers = {key: [float(value) for value in seen] for key, seen in kept["numbers"].items()}
    return kept | {"numbers": numbers}  # 4e-10 is a word to YAML


def runs(chapter: Chapter) -> int:
    """How many runs of a chapter are on record."""
    return len(record(chapter).get("variants", ()))


def span(chapter: Chapter, own: dict[str, str], content: str) -> str:
    """The least and the greatest of a number, of the runs on record and the page's own.

    `content` is that of the role, `own` holds what the page has glued. KeyError names what is
    missing.
    """
    match = ROLE.fullmatch(content)
    if not match:
        raise KeyError(f"{content!r} is not name:format")
    key, form = match["key"], match["form"] or "s"
    numbers = record(chapter).get("numbers", {})
    if key not in numbers:
        raise KeyError(f"{key!r} is not on record: make robust CHAPTER={chapter.name} WRITE=1")
    if key not in own:
        raise KeyError(f"{key!r} was not glued")
    low, _, high = numbers[key]
    ends = (min(low, float(own[key])), max(high, float(own[key])))
    least, most = (re.sub(r"^-(?=[0.]*$)", "", format_plain_text(repr(e), form)) for e in ends)
    return least if least == most else f"{least} to {most}"


def glued(app: Sphinx, docname: str) -> dict[str, str]:
    """What a page has glued, as text."""
    values = read_glue_cache(str(app.env.mystnb_config.output_folder), docname)
    texts = {key: value["data"].get("text/plain", "") for key, value in values.items()}
    return {key: text.strip("'") for key, text in texts.items()}  # some are glued as they are told


class RangeNode(nodes.Inline, nodes.Element):
    """Where a range will stand, once the page's own numbers are known."""


class Range(SphinxRole):
    """What a number was in all runs."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave the place, and have the page made again when the record changes."""
        chapter = Chapter(self.env.docname.removeprefix("chapters/"))
        self.env.note_dependency(str(chapter.record))
        node = RangeNode(content=self.text)
        self.set_source_info(node)
        return [node], []


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the ranges of a page."""
    for node in list(doctree.findall(RangeNode)):
        chapter = Chapter(docname.removeprefix("chapters/"))
        try:
            text = span(chapter, glued(app, docname), node["content"])
        except (KeyError, ValueError) as problem:
            text = "?"
            logging.getLogger(__name__).warning("range: %s", problem.args[0], location=node)
        node.replace_self(nodes.inline("", text, classes=["range"]))


def setup(app: Sphinx) -> dict:
    """Add the role."""
    app.add_role("range", Range())
    app.add_node(RangeNode)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
