"""What to know before a chapter: a line under its title; and the map of the book on the cover."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from _ext.chapter import Chapter, chapters, parts
from _ext.execute import BENCHMARKS
from _ext.ranges import runs

WORDS_A_MINUTE = 100  # of a second language, with formulas between them
NOTES = "chapters/front/from_the_notes"

STEP, LEFT, TOP = 34, 130, 20  # of the map, in its own units: between stations, of the line, above
COLOURS = (  # of the parts, in turn
    *("#3380f2", "#bd5607", "#227d6c", "#d86cb5", "#7f55b5"),
    *("#8a6d00", "#c8503c", "#2e7d9a"),
)


def minutes(doctree: nodes.document) -> int:
    """To read the chapter's sentences, without its code, to the next five."""
    words = sum(len(p.astext().split()) for p in doctree.findall(nodes.paragraph))
    return max(5, 5 * round(words / WORDS_A_MINUTE / 5))


def add_facts(
    app: Sphinx, docname: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Write the line under the title of a chapter."""
    chapter = Chapter(docname.removeprefix("chapters/"))
    if "builds_on" not in app.env.metadata.get(docname, {}):
        return

    def link(target: str, text: str) -> str:
        return f'<a href="{app.builder.get_relative_uri(docname, target)}">{escape(text)}</a>'

    facts = [f"{minutes(doctree)} minutes to read"]
    if BENCHMARKS.exists():
        took = json.loads(BENCHMARKS.read_text())["chapters"].get(chapter.name)
        if took:
            where = "on a GPU" if "gpu" in took else "of one processor core"
            facts.append(f"{took['seconds']:.0f} seconds {where} to run")
    before = [Chapter(name).docname for name in chapter.builds_on]
    if before:
        links = ", ".join(link(other, app.env.titles[other].astext()) for other in before)
        facts.append(f"builds on {links}")
    if chapter.covers:
        noun = "heading" if len(chapter.covers) == 1 else "headings"
        facts.append(f"covers {link(NOTES, f'{len(chapter.covers)} {noun} of the notes')}")
    if runs(chapter):
        facts.append(f"ranges over {runs(chapter)} runs")
    line = f'<p class="facts">{" · ".join(facts)}</p>'
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{line}", 1)


class MapNode(nodes.General, nodes.Element):
    """Where the map will stand, once all titles are known."""


class Map(SphinxDirective):
    """The chapters as stations of a line; arcs lead back to what each builds on."""

    def run(self) -> list[nodes.Node]:
        return [MapNode()]


def draw_map(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the picture in its place."""
    for node in doctree.findall(MapNode):
        node.replace_self(nodes.raw("", _map(app, docname), format="html"))


def _map(app: Sphinx, docname: str) -> str:
    stops = [chapter for chapter in chapters() if chapter.name != "index"]
    at = {chapter.name: TOP + STEP * row for row, chapter in enumerate(stops)}
    colours = dict(zip(parts(), COLOURS, strict=False))
    arcs, stations = [], []
    for chapter in stops:
        colour, y = colours[chapter.part], at[chapter.name]
        for other in chapter.builds_on:
            bend = LEFT - min(LEFT - 8, 12 + 0.28 * (y - at[other]))
            path = f"M{LEFT} {at[other]}C{bend:.0f} {at[other]} {bend:.0f} {y} {LEFT} {y}"
            arcs.append(f'<path d="{path}" stroke="{colour}"/>')
        title = escape(app.env.titles[chapter.docname].astext())
        stations.append(
            f'<a href="{app.builder.get_relative_uri(docname, chapter.docname)}">'
            f'<circle cx="{LEFT}" cy="{y}" r="7" stroke="{colour}"/>'
            f'<text x="{LEFT + 18}" y="{y + 5}">{title}</text></a>'
        )
    height = 2 * TOP + STEP * (len(stops) - 1)
    return (
        f'<svg class="map" viewBox="0 0 440 {height}" role="group" '
        f'aria-label="Map of the book: its chapters, and what each builds on">'
        f'<g fill="none" stroke-width="2" opacity="0.7">{"".join(arcs)}</g>'
        f"{''.join(stations)}</svg>"
    )


def setup(app: Sphinx) -> dict:
    """Add the line under the titles, and the directive `map`."""
    app.add_directive("map", Map)
    app.add_node(MapNode)
    app.connect("doctree-resolved", draw_map)
    app.connect("html-page-context", add_facts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
