"""Figures to play with: `explore` joins sliders to figures that are all drawn beforehand."""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from d2lutil.plotting import COLOURS, HEAVY, Page, check_alt, svg, transfer_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Each frame but the one on view waits, inert, in its template. The script is the attribute of an
# element, so it runs wherever that element is put; it has no double quotes.
_SCRIPT = """
let frame = 0;
for (const slider of this.querySelectorAll('input')) {
  const texts = JSON.parse(slider.dataset.texts), text = texts[slider.value];
  frame = frame * texts.length + slider.valueAsNumber;
  slider.setAttribute('aria-valuetext', text);
  slider.nextElementSibling.value = text;
}
const view = this.firstElementChild, told = view.nextElementSibling;
const waiting = this.querySelectorAll('template');
waiting[this.dataset.frame].content.append(view.firstElementChild);
view.append(waiting[frame].content.firstElementChild);
this.dataset.frame = frame;
const alt = view.firstElementChild.getAttribute('aria-label');
if (told.textContent !== alt) told.textContent = alt;
"""
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
_LABEL = "display:flex;align-items:center;gap:.8em;margin:0;line-height:1.2"
_SLIDER = (
    f"flex:1;min-width:0;height:44px;margin:0;padding:0;accent-color:{COLOURS[0]};cursor:pointer"
)


def explore(
    draw: Callable[..., Any],
    *,
    alt: str | Callable[..., str],
    start: Mapping[str, Any] | None = None,
    limit: int = 1_000_000,
    **controls: Sequence[Any],
) -> None:
    """Display a figure with a slider for each of one or two controls.

    `draw` is called once for every value, or pair of values, and draws one figure with matplotlib,
    with no `show` after it. All are drawn now, so the sliders work without a kernel, on a page as
    in a notebook. Whatever is random in `draw` should be seeded by it; limits of the axes that are
    the same in each figure make them easier to compare.

    `alt` describes the figure, or is called with the values, as `draw` is, and describes that one.
    `start` gives the values to begin with, the first ones by default. `limit` is the most bytes
    that the figures may take together. Too many bytes, figures of different sizes, or none are a
    `ValueError`.

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
        given = ", ".join(controls) or "none"
        raise ValueError(f"explore needs one or two controls, as in rate=[0.1, 1.0]; got {given}")
    choices = {name: _choices(name, values) for name, values in controls.items()}
    start = {name: values[0] for name, values in choices.items()} | dict(start or {})
    for name, value in start.items():
        if name not in choices or value not in choices[name]:
            raise ValueError(f"start has {name}={value!r}, which is no value of a control")
    settings = [dict(zip(choices, c, strict=True)) for c in itertools.product(*choices.values())]
    if len(settings) * 1000 > limit:
        raise ValueError(
            f"{len(settings):,} figures cannot fit into limit={limit:,} bytes; give fewer values"
        )
    if plt.get_fignums():
        raise ValueError("a figure is open that explore would draw into: show or close it first")

    figures = [_figure(draw, setting) for setting in settings]
    _align(figures)
    alts = [alt(**setting) if callable(alt) else alt for setting in settings]
    for text in alts:
        check_alt(text)
    frames = _frames(figures, alts)
    first = settings.index({name: start[name] for name in choices})
    page = _page(frames, first, choices, start, figures[0].get_figwidth() * 96)
    size = len(page.encode())
    if size > limit:
        raise ValueError(
            f"the {len(frames)} figures take {size:,} bytes, more than limit={limit:,}: give fewer "
            "values, draw less in each figure, or raise limit"
        )
    weight = f"{len(frames)} figures, {size / 1000:.0f} kB"
    display(
        Page(
            page.replace("WEIGHT", weight), f"[{weight}, by {' and '.join(choices)}] {alts[first]}"
        )
    )


def _choices(name: str, values: Any) -> list[Any]:
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, str) or not hasattr(values, "__iter__") or len(list(values)) < 2:
        raise ValueError(f"{name} must be a sequence of two values or more, not {values!r}")
    return list(values)


def _text(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else getattr(value, "__name__", str(value))
    return text.replace("-", "−") if isinstance(value, (int, float)) else text


def _figure(draw: Callable[..., Any], setting: dict[str, Any]) -> Figure:
    """The one figure that `draw` makes of these values."""
    import matplotlib.pyplot as plt

    try:
        draw(**setting)
        if len(plt.get_fignums()) != 1:
            raise ValueError(
                f"draw must leave one figure open, with no show() after it; with {setting} it left "
                f"{len(plt.get_fignums())}"
            )
        return plt.gcf()
    finally:
        plt.close("all")


def _align(figures: list[Figure]) -> None:
    """Give the axes the same places in all figures, so that nothing jumps between them."""
    sizes = {tuple(figure.get_size_inches()) for figure in figures}
    if len(sizes) > 1:
        raise ValueError(f"draw must make figures of one size; these are {sorted(sizes)} inches")
    if len({len(figure.axes) for figure in figures}) > 1:
        return
    for figure in figures:
        figure.get_layout_engine().execute(figure)
        figure.set_layout_engine("none")
    for twins in zip(*(figure.axes for figure in figures), strict=True):
        corners = np.stack([ax.get_position(original=True).get_points() for ax in twins])
        low, high = corners[:, 0].max(0), corners[:, 1].min(0)
        for ax in twins if (low < high).all() else ():
            ax.set_position([*low, *(high - low)])


def _frames(figures: list[Figure], alts: list[str]) -> list[str]:
    """All figures as SVG, with marks of the one kind, lines or pixels, that is lighter here."""
    frames = [svg(f, alt) for f, alt in zip(figures, alts, strict=True)]
    size, heaviest = max((len(frame), i) for i, frame in enumerate(frames))
    if size > HEAVY:
        pixels = svg(figures[heaviest], alts[heaviest], raster=True)
        if transfer_size(pixels) < transfer_size(frames[heaviest]):
            return [svg(f, alt, raster=True) for f, alt in zip(figures, alts, strict=True)]
    return frames


def _page(
    frames: list[str],
    first: int,
    controls: dict[str, list[Any]],
    start: dict[str, Any],
    width: float,
) -> str:
    names = {name: name.replace("_", " ") for name in controls}
    wide = max(map(len, names.values())) + 0.5
    rows = []
    for name, values in controls.items():
        texts, at = [_text(value) for value in values], values.index(start[name])
        rows.append(
            f'<label style="{_LABEL}"><span style="min-width:{wide}ch">{names[name]}</span>'
            f'<input type="range" min="0" max="{len(texts) - 1}" value="{at}" autocomplete="off" '
            f'aria-valuetext="{html.escape(texts[at])}" style="{_SLIDER}" '
            f'data-texts="{html.escape(json.dumps(texts, ensure_ascii=False))}">'
            f'<output aria-hidden="true" style="min-width:{max(map(len, texts))}ch;text-align:right;'
            f'font-variant-numeric:tabular-nums">{html.escape(texts[at])}</output></label>'
        )
    view, frames = frames[first], [f * (i != first) for i, f in enumerate(frames)]
    return (
        f'<div role="group" aria-label="Figure with sliders: {", ".join(names.values())}" '
        f'data-frame="{first}" oninput="{_SCRIPT}" '
        f'style="position:relative;max-width:{width:g}px;margin:auto"><div>{view}</div>'
        f'<div role="status" style="{_UNSEEN}"></div>{"".join(rows)}'
        f'<div style="text-align:right;font-size:.75em;opacity:.75">WEIGHT</div>'
        + "".join(f"<template>{frame}</template>" for frame in frames)
        + "</div>"
    )
