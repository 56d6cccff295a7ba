"""Two buttons at the top of each chapter: its notebook in Colab, and its notebook to download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from notebooks import name_of, repository
from sphinx.application import Sphinx
from sphinx.config import Config


def add_template(app: Sphinx, config: Config) -> None:
    """Put `launch.html` before the header's other buttons."""
    config.templates_path.append(str(Path(__file__).parent))
    config.html_theme_options["article_header_end"] = [
        "launch.html",
        "article-header-buttons.html",
    ]


def add_addresses(
    app: Sphinx, docname: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell `launch.html` where the notebook of this page is, if it has one."""
    name = name_of(app, docname)
    if name:
        place = f"{repository(app)[0]}/blob/{app.config.notebooks_branch}/{name}"
        context["colab_url"] = f"https://colab.research.google.com/github/{place}"
        context["notebook_url"] = context["pathto"](f"_notebooks/{name}", resource=True)


def setup(app: Sphinx) -> dict:
    """Add the buttons, and the name of the branch on which Colab finds the notebooks."""
    app.add_config_value("notebooks_branch", "notebooks", "html")
    app.connect("config-inited", add_template)
    app.connect("html-page-context", add_addresses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
