"""The few things that the site needs and no extension gives."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.search.en import SearchEnglish

from _ext.kernel import ENVIRONMENT


class SearchTwoLanguages(SearchEnglish):
    """English, and Chinese by its characters and pairs of them, since it has no spaces.

    >>> SearchTwoLanguages({}).split("perceptron 感知机")
    ['perceptron', '感', '知', '机', '感知', '知机']
    """

    # The same for what is searched for, but a single character where it stands alone.
    js_splitter_code = r"""
var splitQuery = (query) => [
  /((?![\u3400-\u9fff])[\p{Letter}\p{Number}_\p{Emoji_Presentation}])+/gu,
  /(?=([\u3400-\u9fff]{2}))/g,
  /(?<![\u3400-\u9fff])[\u3400-\u9fff](?![\u3400-\u9fff])/g,
].flatMap((words) => [...query.matchAll(words)].map(([word, pair]) => word || pair));
"""

    def split(self, input: str) -> list[str]:
        """The words of a text, with each Chinese character and each pair of them as a word."""
        words = re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", input)
        return words + re.findall(r"(?=([\u3400-\u9fff]{2}))", input)


def add_addresses(app: Sphinx, config: Config) -> None:
    """Make the addresses on social cards and on the page for a wrong address from `baseurl`."""
    config.ogp_site_url = config.html_baseurl
    config.ogp_site_name = config.html_title
    config.notfound_urls_prefix = urlsplit(config.html_baseurl).path


def write_minus(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the numbers that a page computes a minus, where Python writes a hyphen."""
    for node in doctree.findall(nodes.inline):
        if {"pasted-text", "range"} & set(node["classes"]):
            text = re.sub(r"(?<![\w-])-(?=[\d.])", "\u2212", node.astext())
            node.clear()
            node += nodes.Text(text)


CLOSING = re.compile(r"\s?%|[.,:;?!)\]\u2019\u201d]+")  # the last two are quotation marks
PER_CENT = re.compile(r"(^|(?<=\d)) (?=%)")
CODE = (nodes.literal, nodes.FixedTextElement)


def keep_together(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Leave a formula and the mark that follows it on one line, and a number and its per cent."""
    if app.builder.format != "html":
        return
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        mark = CLOSING.match(after) if isinstance(after, nodes.Text) else None
        if mark:
            both = [formula.deepcopy(), nodes.Text(mark[0])]
            rest, place = nodes.Text(after[mark.end() :]), formula.parent.index(formula)
            kept = nodes.inline("", "", *both, classes=["together"])
            formula.parent[place : place + 2] = [kept, rest]
    for text in list(doctree.findall(nodes.Text)):
        if PER_CENT.search(text) and not isinstance(text.parent, CODE):
            text.parent.replace(text, nodes.Text(PER_CENT.sub("\N{NO-BREAK SPACE}", text)))


SCRIPTED = re.compile(r'class="(math |d2l-)')  # formulas, sliders, questions
NOTICE = "<noscript><p>Formulas, sliders, questions and the search need JavaScript.</p></noscript>"


def mend_markup(
    app: Sphinx, docname: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take back labels that are not true, and say what a page lacks where no scripts run."""
    if "body" in context:
        body = context["body"]
        body = body.replace('<div role="list" class="cit', '<div class="cit')  # has no list items
        body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
        context["body"] = f"{NOTICE}\n{body}" if SCRIPTED.search(body) else body


# The theme brings its icons twice, as a font and as half a megabyte of script.
ICON_SCRIPT = re.compile(r'<script src="[^"]*fontawesome[^"]*"></script>\s*')


def drop_icon_script(app: Sphinx, error: Exception | None) -> None:
    """Leave the icons to the font."""
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if ICON_SCRIPT.search(text):
            page.write_text(ICON_SCRIPT.sub("", text), encoding="utf-8")


def write_sitemap(app: Sphinx, error: Exception | None) -> None:
    """List every page for search engines; not only those that this build has written anew."""
    pages = sorted(app.builder.get_target_uri(name) for name in app.env.found_docs)
    urls = "".join(f"<url><loc>{app.config.html_baseurl}{page}</loc></url>\n" for page in pages)
    schema = "http://www.sitemaps.org/schemas/sitemap/0.9"
    Path(app.outdir, "sitemap.xml").write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="{schema}">\n{urls}</urlset>\n'
    )


def setup(app: Sphinx) -> dict:
    """Mend pages; and have Sphinx, should it start a kernel, start it as `_ext.execute` does."""
    os.environ.update(ENVIRONMENT)
    app.add_search_language(SearchTwoLanguages)
    app.connect("config-inited", add_addresses)
    app.connect("doctree-resolved", write_minus, priority=900)  # when the ranges are known
    app.connect("doctree-resolved", keep_together, priority=900)
    app.connect("html-page-context", mend_markup)
    app.connect("build-finished", drop_icon_script)
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
