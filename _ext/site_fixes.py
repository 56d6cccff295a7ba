"""The few things that the site needs and no extension gives."""

from __future__ import annotations

import os
from typing import Any

from execute import ENVIRONMENT
from sphinx.application import Sphinx


def mend_markup(
    app: Sphinx, docname: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take back the role that docutils gives a bibliography: its entries are no list items."""
    if "body" in context:
        context["body"] = context["body"].replace('<div role="list" class="cit', '<div class="cit')


def setup(app: Sphinx) -> dict:
    """Mend pages; and have Sphinx, should it start a kernel, start it as `_ext.execute` does."""
    os.environ.update(ENVIRONMENT)
    app.connect("html-page-context", mend_markup)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
