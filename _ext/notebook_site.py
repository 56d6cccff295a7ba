"""What a student's notebook asks of Sphinx: numbers, titles and absolute addresses of the site."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, urljoin

from docutils import nodes
from myst_nb.core.variables import format_plain_text
from myst_nb.ext.glue.crossref import read_glue_cache
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

from _ext import ranges
from _ext.chapter import Chapter

GLUED = re.compile(r"(?:(?P<page>.+)::)?(?P<key>[^:]+)(?::(?P<form>[^:]*))?")
DOMAINS = {"doc": "std", "eq": "math", "numref": "std", "ref": "std", "term": "std"}


class UnknownError(Exception):
    """Something in a chapter that cannot be written in a notebook."""


class Site:
    """What Sphinx knows about the site, seen from one of its pages."""

    def __init__(self, app: Sphinx, docname: str) -> None:
        self.app, self.env, self.docname = app, app.env, docname
        self.base = app.config.html_baseurl.rstrip("/") + "/"

    def address(self, docname: str | None = None, anchor: str = "") -> str:
        """The absolute address of a page, or of a place on it."""
        page = self.base + self.app.builder.get_target_uri(docname or self.docname)
        return f"{page}#{anchor}" if anchor else page

    def image(self, source: str) -> str:
        """The absolute address of an image that the chapter shows."""
        if "://" in source:
            return source
        path = self.env.relfn2path(source, self.docname)[0]
        if path not in self.env.images:
            raise UnknownError(f"no page or image {source!r}")
        return f"{self.base}_images/{quote(self.env.images[path][1])}"

    def link(self, target: str) -> tuple[str, str]:
        """The absolute address that a Markdown link leads to, and a title for it."""
        if re.match(r"(https?|mailto):", target):
            return target, target
        path, _, anchor = target.partition("#")
        docname = (
            self.env.path2doc(self.env.relfn2path(path, self.docname)[1]) if path else self.docname
        )
        if docname not in self.env.found_docs:
            return self.image(target), Path(target).name
        if not anchor:
            return self.address(docname), self.env.titles[docname].astext()
        domain, slugs = self.env.get_domain("std"), self.env.metadata[docname].get("myst_slugs", {})
        if anchor in slugs:
            _, place, title = slugs[anchor]
            return self.address(docname, place), title
        if anchor not in domain.anonlabels:
            raise UnknownError(f"nothing is called {target!r}")
        return self.address(*domain.anonlabels[anchor]), domain.labels.get(anchor, [anchor])[-1]

    def reference(self, role: str, target: str, title: str = "") -> nodes.Node:
        """What Sphinx puts in place of a role that refers to something."""
        domain, _, kind = role.rpartition(":")
        target = target.lower() if kind in ("ref", "numref") else target
        if kind == "ref" and target in getattr(self.env, "sphinx_exercise_registry", {}):
            kind = "numref"
        shown = nodes.inline("", title or target)
        reference = pending_xref(
            "", shown, refdoc=self.docname, reftype=kind, reftarget=target, refexplicit=bool(title)
        )
        found = self.env.get_domain(domain or DOMAINS[kind]).resolve_xref(
            self.env, self.docname, self.app.builder, kind, target, reference, shown
        )
        if found is None or not list(found.findall(nodes.reference)):  # it shows what was asked for
            raise UnknownError(f"{{{role}}} finds nothing called {target!r}")
        return found

    def number(self, label: str, role: str = "numref") -> str:
        """`Figure 3` for the label of the book's third figure; `2` for that of an equation."""
        return self.reference(role, label).astext().strip("()")

    def glued(self, text: str) -> str:
        """A computed value, `[page::]key[:format]`, as text."""
        match = GLUED.fullmatch(text)
        docname, key = self.docname, match and match["key"]
        if match and match["page"]:
            docname = self.env.path2doc(self.env.relfn2path(match["page"], self.docname)[1])
        values = read_glue_cache(str(self.env.mystnb_config.output_folder), docname)
        if key not in values:
            raise UnknownError(f"no value {text!r} was glued")
        return format_plain_text(values[key]["data"]["text/plain"], match["form"] or "s")

    def range(self, content: str) -> str:
        """What a number was in all runs on record: see `ranges.py`."""
        chapter = Chapter(self.docname.removeprefix("chapters/"))
        try:
            return ranges.span(chapter, ranges.glued(self.app, self.docname), content)
        except KeyError as problem:
            raise UnknownError(problem.args[0]) from None

    def markdown(self, node: nodes.Node) -> str:
        """Sphinx's nodes as Markdown, with absolute links; `[1958]` becomes `(1958)`."""
        if isinstance(node, nodes.Text):
            return node.astext().replace("[", "(").replace("]", ")")
        text = "".join(map(self.markdown, node.children))
        if not isinstance(node, nodes.reference):
            return text
        uri = node["refuri"] if "refuri" in node else f"#{node['refid']}"
        return f"[{text}]({urljoin(self.address(), uri)})"
