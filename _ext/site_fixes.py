"""The few things that the site needs and no extension gives."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from execute import ENVIRONMENT
from sphinx.application import Sphinx
from sphinx.config import Config


def add_addresses(app: Sphinx, config: Config) -> None:
    """Make the addresses on social cards and on the page for a wrong address from `baseurl`."""
    config.ogp_site_url = config.html_baseurl
    config.ogp_site_name = config.html_title
    config.notfound_urls_prefix = urlsplit(config.html_baseurl).path


def mend_markup(
    app: Sphinx, docname: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take back the role that docutils gives a bibliography: its entries are no list items."""
    if "body" in context:
        context["body"] = context["body"].replace('<div role="list" class="cit', '<div class="cit')


def setup(app: Sphinx) -> dict:
    """Mend pages; and have Sphinx, should it start a kernel, start it as `_ext.execute` does."""
    os.environ.update(ENVIRONMENT)
    app.connect("config-inited", add_addresses)
    app.connect("html-page-context", mend_markup)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
