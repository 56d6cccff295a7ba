"""Figures that a reader can pull on: `explore` joins sliders to them, with no kernel behind."""

from __future__ import annotations


def explore(draw, *, alt, **controls):
    raise NotImplementedError
