"""Gives the kernels that Sphinx may start the same environment as `_ext.execute` gives its own."""

from __future__ import annotations

import os

from execute import ENVIRONMENT
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict:
    """Let Sphinx, should it find a chapter that is not in the cache, execute it in the same way."""
    os.environ.update(ENVIRONMENT)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
