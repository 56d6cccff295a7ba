"""Figures to play with: `explore` joins sliders to figures that are all drawn beforehand."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from d2lutil.plotting import COLOURS
from d2lutil.svg import Page, check_alt, drawings, no_glyph_warnings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Every figure but the one in view waits, inert, in its template. As the attribute of an element,
# the script runs wherever that element is put, and needs no id. It has no double quotes.
_SCRIPT = """
let next = 0;
for (const slider of this.querySelectorAll('input')) {
  const texts = JSON.parse(slider.dataset.texts), text = texts[slider.value];
  next = next * texts.length + slider.valueAsNumber;
  slider.setAttribute('aria-valuetext', text);
  slider.nextElementSibling.value = text;
}
const [view, told] = this.children, waiting = this.querySelectorAll('template');
waiting[this.dataset.shown].content.append(view.firstElementChild);
view.append(waiting[next].content.firstElementChild);
this.dataset.shown = next;
const alt = view.firstElementChild.getAttribute('aria-label');
if (told.textContent !== alt) told.textContent = alt;
"""
_PAGE = """<div class="d2l-explore" role="group" aria-label="Figure with sliders: {names}" \
data-shown="{first}" oninput="{script}" \
style="position:relative;max-width:{width:g}px;margin:auto">\
<div>{view}</div>\
<div role="status" style="position:absolute;width:1px;height:1px;overflow:hidden;\
clip-path:inset(50%)"></div>\
<div style="display:grid;grid-template-columns:auto 1fr auto;align-items:center;gap:0 .8em;\
line-height:1.2;margin-top:.4em">{sliders}</div>\
<div style="text-align:right;font-size:.75em;line-height:1.5;opacity:.75">{weight}</div>\
{waiting}</div>"""
_SLIDER = """<label style="display:contents"><span>{name}</span>\
<input type="range" min="0" max="{last}" value="{at}" autocomplete="off" aria-valuetext="{text}" \
data-texts="{texts}" style="min-width:0;height:44px;margin:0;padding:0;cursor:pointer;\
accent-color:var(--pst-color-primary,light-dark({colour},#8ab8ff))">\
<output aria-hidden="true" style="min-width:{wide}ch;text-align:right;\
font-variant-numeric:tabular-nums">{text}</output></label>"""


def explore(
    draw: Callable[..., Any],
    *,
    alt: str | Callable[..., str],
    start: Mapping[str, Any] | None = None,
    limit: int = 1_000_000,
    **controls: Sequence[Any],
) -> None:
    """Display a figure with a slider for each of one or two controls.

    `draw` is called once for each value, or pair of values, and draws one figure with matplotlib,
    without `show`. So the sliders need no kernel: they work on a page as in a notebook. Let `draw`
    seed what is random in it, and set the same axis limits in each figure.

    `alt` describes the figure, or is called as `draw` is and describes that one. `start` gives the
    values to begin with, by default the first ones. `limit` is the most bytes that the figures may
    take together; more is a `ValueError`, and so are figures of different sizes.

    >>> def draw(rate):
    ...     curves({"loss": losses[rate]})
    >>> explore(draw, alt=lambda rate: f"Loss at a rate of {rate}.", rate=[0.01, 0.1, 1.0])
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not callable(draw):
        raise TypeError(f"draw must be a function that draws a figure, not {draw!r}")
    if not callable(alt):
        check_alt(alt)
    if len(controls) not in (1, 2):
        raise ValueError(f"explore needs one or two controls, as in rate=[0.1, 1]; got {controls}")
    choices = {name: _choices(name, values) for name, values in controls.items()}
    start = {name: values[0] for name, values in choices.items()} | dict(start or {})
    for name, value in start.items():
        if value not in choices.get(name, ()):
            raise ValueError(f"start has {name}={value!r}, but no control has that value")
    settings = [dict(zip(choices, c, strict=True)) for c in itertools.product(*choices.values())]
    if len(settings) * 1000 > limit:  # no figure is as small as that
        raise ValueError(f"{len(settings):,} figures would not fit into {limit:,} bytes (limit)")
    if plt.get_fignums():
        raise ValueError("a figure is open, which draw would draw into: show or close it first")

    figures = [_figure(draw, setting) for setting in settings]
    _align(figures)
    alts = [alt(**setting) if callable(alt) else alt for setting in settings]
    for text in alts:
        check_alt(text)
    frames, first = drawings(figures, alts), settings.index({name: start[name] for name in choices})
    size = sum(len(frame.encode()) for frame in frames)
    if size > limit:
        raise ValueError(
            f"the {len(frames)} figures take {size:,} bytes, over the limit of {limit:,}: give "
            "fewer values, draw less in each figure, or raise limit"
        )
    weight = f"{len(frames)} figures, {size / 1000:.0f} kB"
    page = _PAGE.format(
        names=" and ".join(choices).replace("_", " "),
        first=first,
        script=_SCRIPT,
        width=figures[0].get_figwidth() * 96,
        view=frames[first],
        sliders=_sliders(choices, start),
        weight=weight,
        waiting="".join(f"<template>{f * (i != first)}</template>" for i, f in enumerate(frames)),
    )
    display(Page(page, f"[{weight}, by {' and '.join(choices)}] {alts[first]}"))


def _choices(name: str, values: Any) -> list[Any]:
    """The values of a control, those of an array as Python's numbers."""
    values = values.tolist() if hasattr(values, "tolist") else values
    listed = [] if isinstance(values, str) or not hasattr(values, "__iter__") else list(values)
    if len(listed) < 2:
        raise ValueError(f"{name} must be a sequence of two values or more, not {values!r}")
    return listed


def _text(value: Any) -> str:
    if isinstance(value, (int, float)):
        return (f"{value:.4g}" if isinstance(value, float) else str(value)).replace("-", "−")
    return getattr(value, "__name__", str(value))


def _sliders(choices: dict[str, list[Any]], start: dict[str, Any]) -> str:
    texts = {name: [_text(value) for value in values] for name, values in choices.items()}
    places = {name: values.index(start[name]) for name, values in choices.items()}
    return "".join(
        _SLIDER.format(
            name=name.replace("_", " "),
            wide=max(len(text) for row in texts.values() for text in row),
            last=len(row) - 1,
            at=places[name],
            text=escape(row[places[name]]),
            texts=escape(json.dumps(row, ensure_ascii=False)),
            colour=COLOURS[0],
        )
        for name, row in texts.items()
    )


def _figure(draw: Callable[..., Any], setting: dict[str, Any]) -> Figure:
    """The one figure that `draw` makes of these values, closed."""
    import matplotlib.pyplot as plt

    try:
        draw(**setting)
        if len(plt.get_fignums()) != 1:
            raise ValueError(
                f"draw must leave one figure open, without show(); with {setting} it left "
                f"{len(plt.get_fignums())}"
            )
        return plt.gcf()
    finally:
        plt.close("all")


def _align(figures: Sequence[Figure]) -> None:
    """Give the axes the same places in all figures, so that nothing jumps from one to the next."""
    sizes = sorted({tuple(map(float, figure.get_size_inches())) for figure in figures})
    if len(sizes) > 1:
        raise ValueError(f"draw must make figures of one size; theirs, in inches, are {sizes}")
    if len({len(figure.axes) for figure in figures}) > 1:
        return
    for figure in figures:
        if figure.get_layout_engine():
            with no_glyph_warnings():
                figure.get_layout_engine().execute(figure)
            figure.set_layout_engine("none")
    for same in zip(*(figure.axes for figure in figures), strict=True):
        corners = np.stack([ax.get_position(original=True).get_points() for ax in same])
        low, high = corners[:, 0].max(0), corners[:, 1].min(0)
        for ax in same if (low < high).all() else ():
            ax.set_position([*low, *(high - low)])
