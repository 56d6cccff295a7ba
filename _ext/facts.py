"""What to know before a chapter: a line under its title, and the map of the book on the home page.

A chapter names those that it builds on in its front matter: `builds_on: [mlp, convolution]`.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import PurePosixPath
from typing import Any

from docutils import nodes
from execute import BENCHMARKS, ROOT
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

WORDS_A_MINUTE = 100  # of a second language, with formulas between them
NOTES = ROOT / "chapters/front/from_the_notes.md"

STEP, LEFT, TOP = 34, 130, 20  # of the map, in its own units: between stations, of the line, above
PARTS = {  # the map's lines take their colours from the page's accents
    "foundations": "#3380f2",
    "convolution": "#bd5607",
    "sequences": "#227d6c",
    "attention": "#d86cb5",
    "detection": "#7f55b5",
}


def chapters(env: BuildEnvironment) -> dict[str, str]:
    """The chapters in the book's order: name → docname."""
    found = {}
    for docname in env.toctree_includes.get(env.config.root_doc, ()):
        if "builds_on" in env.metadata[docname]:
            found[PurePosixPath(docname).name] = docname
    return found


def builds_on(env: BuildEnvironment, docname: str) -> list[str]:
    """The names of the chapters that this one builds on."""
    return json.loads(env.metadata[docname]["builds_on"])


def minutes(doctree: nodes.document) -> int:
    """To read the chapter's sentences, without its code, to the next five."""
    words = sum(len(p.astext().split()) for p in doctree.findall(nodes.paragraph))
    return max(5, 5 * round(words / WORDS_A_MINUTE / 5))


def headings(name: str) -> int:
    """How many headings of the notes the chapter covers."""
    rows = re.findall(r"^\| .+?<br>.+? \| (.*) \|$", NOTES.read_text(encoding="utf-8"), re.M)
    return sum(f"/{name}.md)" in links for links in rows)


def add_facts(
    app: Sphinx, docname: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Write the line under the title of a chapter."""
    known, name = chapters(app.env), PurePosixPath(docname).name
    if known.get(name) != docname:
        return
    facts = [f"{minutes(doctree)} minutes to read"]
    if BENCHMARKS.exists():
        took = json.loads(BENCHMARKS.read_text())["chapters"].get(docname.removeprefix("chapters/"))
        if took:
            where = "on a GPU" if "gpu" in took else "on one processor core"
            facts.append(f"{took['seconds']:.0f} seconds to run {where}")
    before = [
        f'<a href="{app.builder.get_relative_uri(docname, known[other])}">'
        f"{escape(app.env.titles[known[other]].astext())}</a>"
        for other in builds_on(app.env, docname)
    ]
    if before:
        facts.append(f"builds on {', '.join(before)}")
    covered = headings(name)
    if covered:
        page = app.builder.get_relative_uri(
            docname, NOTES.relative_to(ROOT).with_suffix("").as_posix()
        )
        facts.append(f'covers <a href="{page}">{covered} headings of the notes</a>')
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
    known = chapters(app.env)
    at = {name: TOP + STEP * row for row, name in enumerate(known)}
    arcs, stations = [], []
    for name, where in known.items():
        colour = PARTS[PurePosixPath(where).parent.name]
        y = at[name]
        for other in builds_on(app.env, where):
            bend = LEFT - min(LEFT - 8, 12 + 0.28 * (y - at[other]))
            path = f"M{LEFT} {at[other]}C{bend:.0f} {at[other]} {bend:.0f} {y} {LEFT} {y}"
            arcs.append(f'<path d="{path}" stroke="{colour}"/>')
        title = escape(app.env.titles[where].astext())
        stations.append(
            f'<a href="{app.builder.get_relative_uri(docname, where)}">'
            f'<circle cx="{LEFT}" cy="{y}" r="7" stroke="{colour}"/>'
            f'<text x="{LEFT + 18}" y="{y + 5}">{title}</text></a>'
        )
    height = 2 * TOP + STEP * (len(known) - 1)
    return (
        f'<svg class="map" viewBox="0 0 360 {height}" role="group" '
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
