"""Figures in one style, legible on light and dark pages, and `show`, which describes them too.

Importing this module puts the style in force for all of matplotlib (`use_style`), so that helpers
and plain matplotlib code look alike. Importing `d2lutil` alone does not.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from d2lutil.diagrams import Diagram
from d2lutil.style import COLOURS, DASHES, INK, MARKERS, POSITIVE, SIGNED, use_style
from d2lutil.svg import Page, check_alt, drawings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "DASHES",
    "INK",
    "MARKERS",
    "Diagram",
    "Page",
    "boxes",
    "check_alt",
    "curves",
    "decision_regions",
    "drawings",
    "heatmap",
    "images",
    "points",
    "show",
    "use_style",
]

use_style()


def show(alt: str, fig: Figure | None = None) -> None:
    """Display the current figure, or `fig`, with a description for those who cannot see it.

    Takes the place of `plt.show()`: the figure appears as a drawing that takes on the page's text
    colour and font and fits its width, and is then closed. `alt` says what the figure shows; a
    blank one is a `ValueError`, and so is having no figure.

    >>> plt.plot([1, 4, 9])
    >>> show("A curve that gets steeper: 1, 4, 9.")
    """
    import matplotlib.pyplot as plt
    from IPython.display import display
    from matplotlib.figure import Figure

    check_alt(alt)
    if fig is None and not plt.get_fignums():
        raise ValueError("there is no figure to show: draw one first, with no plt.show() after it")
    fig = plt.gcf() if fig is None else fig
    if not isinstance(fig, Figure):
        raise TypeError(f"fig must be a matplotlib Figure, not {fig!r}")
    plt.close(fig)
    display(Page(*drawings([fig], [alt]), f"[figure] {alt}"))


def curves(
    series: Mapping[str, Any],
    x: Any = None,
    *,
    xlabel: str = "epoch",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each of the named series of numbers as a line; return the axes.

    `series` maps a label to its values, (n,); `x` holds the n places that they share, 1 to n if
    there are none. The lines differ in dashes as well as in colour. A value that is not finite
    leaves a gap.

    >>> curves({"training": [0.9, 0.4, 0.2], "test": [0.8, 0.5, 0.4]}, ylabel="loss")
    """
    from matplotlib.ticker import MaxNLocator

    if not isinstance(series, Mapping) or not series:
        raise TypeError(
            f"series must map labels to values, such as {{'loss': [...]}}; got {series!r}"
        )
    lines = {label: _array(f"series {label!r}", values, 1) for label, values in series.items()}
    shared = None if x is None else _array("x", x, 1)
    for label, values in lines.items():
        if shared is not None and len(values) != len(shared):
            raise ValueError(f"series {label!r} has {len(values)} values, but x has {len(shared)}")
    ax = _axes(ax)
    for label, values in lines.items():
        places = np.arange(1, len(values) + 1) if x is None else shared
        ax.plot(places, values, DASHES[len(ax.lines) % len(DASHES)], label=label)
    if x is None:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel=xlabel, ylabel=ylabel or (label if len(lines) == 1 else ""))
    ax.grid(axis="y")
    if len(lines) > 1:
        ax.legend(**{"loc": "upper left", "bbox_to_anchor": (1, 1)} if len(lines) > 4 else {})
    return ax


def points(X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Draw points of the plane, X (n, 2), with a colour and a marker for each class in y (n,).

    Returns the axes; `ax.legend()` then names the classes. Numbers that are not finite are a
    `ValueError`.

    >>> points(X, y).legend()
    """
    X, y = _plane(X, y)
    return _scatter(_axes(ax), X, y, np.unique(y))


def decision_regions(predict: Callable[[Any], Any], X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Colour the plane by the class that `predict` gives each place, with the points X, y on it.

    X is (n, 2), y (n,). `predict`, a model or any function of a float tensor (m, 2), returns the
    labels, integers (m,); or scores (m, classes), of which the largest decides; or one score (m,)
    or (m, 1), positive for the second of two classes. Classes that have no point in y, or no place
    in the plane, keep their colours. Returns the axes.

    >>> decision_regions(lambda X: X @ w + b, X, y)
    """
    X, y = _plane(X, y)
    low, high = X.min(0), X.max(0)
    edge = 0.12 * np.where(high > low, high - low, 1)
    (left, bottom), (right, top) = low - edge, high + edge
    grid = np.meshgrid(np.linspace(left, right, 301), np.linspace(bottom, top, 301))
    places = np.stack(grid, -1).reshape(-1, 2)  # (301 * 301, 2)
    leads, classes = _leads(_predictions(predict, places), np.unique(y))
    leads = leads.reshape(-1, 301, 301)  # (classes, 301, 301)
    shades = np.array([to_rgba(COLOURS[i % len(COLOURS)], 0.2) for i in range(len(leads))])
    ax = _axes(ax)
    extent = (left, right, bottom, top)
    ax.imshow(shades[leads.argmax(0)], extent=extent, origin="lower", aspect="auto")
    for lead in leads if len(leads) > 2 else leads[:1]:
        ax.contour(*grid, lead, levels=[0], colors=[INK], linewidths=1)
    return _scatter(ax, X, y, classes)


def images(
    X: Any,
    labels: Sequence[object] | None = None,
    *,
    columns: int | None = None,
    cmap: str = "gray",
    ax: Axes | None = None,
) -> Axes:
    """Draw images in a grid, each with its label above it; return the axes.

    X is (n, height, width) or (n, 1, height, width), shown in the colours of `cmap`;
    (n, 3, height, width) or (n, height, width, 3), red, green, blue; or flat square images,
    (n, pixels). All share one scale: 0 to 1, 0 to 255 for bytes (uint8), 0 to the largest finite
    value where that is more, and -largest to largest where some are negative. Pixels that are NaN
    are left out. A figure that is not open yet is opened in the right size. `columns` is at most 8
    by default.

    >>> images(X[:16], labels=y[:16].tolist())
    """
    tiles = _tiles(X, cmap)  # (n, h, w, 4)
    n, h, w, _ = tiles.shape
    if labels is not None and len(labels) != n:
        raise ValueError(f"labels must be one for each of the {n} images; there are {len(labels)}")
    columns = 8 if columns is None else columns
    if not isinstance(columns, Integral) or columns < 1:
        raise ValueError(f"columns must be a whole number, 1 or more, not {columns!r}")
    columns = min(n, columns)
    rows, gap = math.ceil(n / columns), math.ceil(0.08 * w)
    lines = [str(label).split("\n") for label in labels] if labels is not None else []
    longest = max((_width(line) for label in lines for line in label), default=0)
    inches = min(5 / columns, max(0.9, w / 96, 0.085 * longest)) / (w + gap)  # of a pixel
    room = math.ceil(max(map(len, lines), default=0) * 14 / 72 / inches)  # for a label, in pixels
    sheet = np.zeros((rows * (h + gap + room) - gap, columns * (w + gap) - gap, 4), np.uint8)
    height, width, _ = sheet.shape
    ax = _axes(ax, (width * inches, height * inches))
    for i, tile in enumerate(tiles):
        top, left = i // columns * (h + gap + room) + room, i % columns * (w + gap)
        sheet[top : top + h, left : left + w] = tile
        if labels is not None:
            x, y = left + w / 2 - 0.5, top - 0.5 - 3 / 72 / inches
            ax.text(x, y, str(labels[i]), ha="center", va="bottom", fontsize=10)
    ax.imshow(sheet)
    ax.axis("off")
    return ax


def heatmap(
    matrix: Any,
    *,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    numbers: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a matrix (r, c) as cells, the stronger in colour the larger the value; return the axes.

    Zero has no colour, positive values are blue, negative ones orange. Values that are not finite,
    such as masked scores of -inf, are grey and do not count for the scale. `rows` and `columns`
    label the cells. `numbers`, a format such as ".2f" or "d", writes each value into its cell;
    without it a bar shows the scale.

    >>> heatmap(confusion, numbers="d").set(xlabel="predicted", ylabel="true")
    """
    values = _array("matrix", matrix, 2)
    for name, texts, size in zip(("rows", "columns"), (rows, columns), values.shape, strict=True):
        if texts is not None and len(texts) != size:
            raise ValueError(f"{name} must hold {size} labels for this matrix, not {len(texts)}")
    texts = None if numbers is None else [_formatted(value, numbers) for value in values.flat]
    if values.dtype.kind != "f" or values.itemsize < 4:
        values = values.astype(np.float32 if values.dtype.kind == "f" else float)
    cells = np.ma.masked_invalid(values)  # (r, c)
    finite = cells.compressed()
    signed, largest = bool((finite < 0).any()), float(np.abs(finite).max(initial=0)) or 1.0
    colours = (SIGNED if signed else POSITIVE).with_extremes(bad=INK + "60")
    ax = _axes(ax)
    image = ax.imshow(cells, cmap=colours, vmin=-largest * signed, vmax=largest)
    if texts is None:
        ax.figure.colorbar(image, ax=ax, aspect=15).outline.set_visible(False)
    else:
        for (i, j), text in zip(np.ndindex(values.shape), texts, strict=True):
            ax.text(j, i, text, ha="center", va="center_baseline", fontsize=10)
    for axis, labels, size in zip((ax.yaxis, ax.xaxis), (rows, columns), values.shape, strict=True):
        if labels is not None or size <= 12:
            axis.set_ticks(range(size), map(str, range(size) if labels is None else labels))
    if columns is not None and sum(_width(str(column)) for column in columns) > 40:
        ax.tick_params(axis="x", rotation=45)
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True, alpha=0.4)
    return ax


def boxes(
    rows: Any,
    image: Any = None,
    *,
    labels: Sequence[object] | None = None,
    true_positives: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw boxes, on `image` (3, height, width) if one is given; return the axes.

    rows holds boxes (n, 4), ``(left, top, right, bottom)`` in pixels; objects (n, 5), ``(class,
    left, top, right, bottom)``, of which class -1 is left out; or detections (n, 6), ``(class,
    left, top, right, bottom, score)``. Boxes without class or label are thin and dashed. The
    others are solid, with their class, or their entry in `labels`, at the upper left corner.
    Where `true_positives` (n,) is false, they are dashed, in the second colour. On axes without an
    image, rows of pixels go down, as in one.

    >>> boxes(y[0], X[0])
    """
    rows = _array("rows", rows, 2) if len(rows) else np.zeros((0, 6))
    n, columns = rows.shape
    if columns not in (4, 5, 6):
        raise ValueError(f"rows must be (n, 4), (n, 5) or (n, 6), not {rows.shape}")
    for name, values in {"labels": labels, "true_positives": true_positives}.items():
        if values is not None and len(values) != n:
            raise ValueError(f"{name} must be one for each of the {n} rows; it has {len(values)}")
    plain = columns == 4 and labels is None
    if labels is None and not plain:
        labels = [f"{c:.0f}" for c in rows[:, 0]]
    corners = (rows if columns == 4 else rows[:, 1:5]) - 0.5  # pixels are drawn round their index
    if not np.isfinite(corners).all():
        raise ValueError("rows must hold finite corners of boxes, not NaN or infinity")
    ax = _axes(ax, (3.6, 3.6)) if image is None else images(image[None], ax=ax)
    for i, (left, top, right, bottom) in enumerate(corners):
        if columns > 4 and rows[i, 0] < 0:
            continue
        wrong = true_positives is not None and not true_positives[i]
        colour = COLOURS[plain or wrong]
        style = {"lw": 1 if plain else 2, "ls": "--" if plain or wrong else "-"}
        box = Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, **style)
        ax.add_patch(box)
        if not plain:
            tag = {"fc": colour, "ec": "none", "pad": 1}
            ax.text(left, top, str(labels[i]), color="white", fontsize=9, bbox=tag)
    if not ax.images and ax.get_autoscaley_on():
        ax.autoscale_view()
        ax.set_aspect("equal")
        ax.yaxis.set_inverted(True)
    return ax


def _axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """`ax`, else the current axes, in a new figure of this size in inches where there is none."""
    import matplotlib.pyplot as plt

    if ax is not None:
        return ax
    return plt.gca() if plt.get_fignums() else plt.figure(figsize=size).add_subplot()


def _width(text: str) -> int:
    """How wide a line of text is, in letters; a Chinese character is as wide as two."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def _formatted(value: np.number, numbers: str) -> str:
    """A value as a heat map shows it."""
    if not np.isfinite(value):
        return {np.inf: "∞", -np.inf: "−∞"}.get(value, "NaN")
    try:
        value = int(value) if value.dtype.kind == "b" else value
        return format(value, numbers).replace("-", "−")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"numbers must be a format for the values, such as '.2f', not {numbers!r}: {error}"
        ) from error


def _plain(values: Any) -> Any:
    """`values` without gradients and on the CPU, also those in a list."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype is torch.bfloat16 else values).numpy()
    return [_plain(value) for value in values] if isinstance(values, list | tuple) else values


def _array(name: str, values: Any, ndim: int | None = None) -> np.ndarray:
    """`values` as an array of numbers, with as many dimensions as are asked for."""
    try:
        array = np.asarray(_plain(values))
    except ValueError as error:
        raise ValueError(f"{name} must hold rows of one length: {error}") from error
    if not array.size:
        raise ValueError(f"{name} must not be empty (shape {array.shape})")
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold numbers, not {values!r}")
    if ndim not in (None, array.ndim):
        s = "s" * (ndim > 1)
        raise ValueError(f"{name} must have {ndim} dimension{s} (not shape {array.shape})")
    return array


def _plane(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """X (n, 2) as floats and y (n,), or (n, 1), as labels."""
    X, y = _array("X", X, 2).astype(float), _array("y", y)
    if X.shape[1] != 2 or y.shape not in ((len(X),), (len(X), 1)):
        raise ValueError(f"X must be (n, 2) and y (n,); they are {X.shape} and {y.shape}")
    for name, values in {"X": X, "y": y}.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must hold finite numbers, not NaN or infinity")
    return X, y.reshape(-1)


def _scatter(ax: Axes, X: np.ndarray, y: np.ndarray, classes: np.ndarray) -> Axes:
    """Draw the points of each of the classes that has some."""
    for i, label in enumerate(classes):
        if (y == label).any():
            style = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
            style |= {"edgecolors": INK, "linewidths": 0.5}  # its own region has its colour
            ax.scatter(*X[y == label].T, label=label, s=22, alpha=0.85, **style)
    return ax


def _predictions(predict: Callable[[Any], Any], places: np.ndarray) -> torch.Tensor:
    """What `predict` returns in evaluation mode at m places, (m,) or (m, classes)."""
    X = torch.tensor(places, dtype=torch.get_default_dtype())  # (m, 2)
    training = [m for m in getattr(predict, "modules", list)() if m.training]
    try:
        for module in training:
            module.training = False
        with torch.no_grad():
            scores = predict(X.to(next(iter(getattr(predict, "parameters", list)()), X)))
    finally:
        for module in training:
            module.training = True
    scores = torch.as_tensor(scores).cpu()
    if scores.shape[1:] == (1,):
        scores = scores[:, 0]
    if scores.shape[:1] != (len(X),) or scores.ndim > 2 or scores.shape[1:] == (0,):
        raise ValueError(
            "predict must return (m,), (m, 1) or (m, classes) for an X of (m, 2); with "
            f"m = {len(X)} it returned {tuple(scores.shape)}"
        )
    if scores.isnan().any():
        raise ValueError(f"predict returned NaN at {int(scores.isnan().sum())} places")
    return scores


def _leads(scores: torch.Tensor, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much each class leads the best other one, (classes, m), and the classes' labels.

    `scores` are what `_predictions` returns, `found` the labels that points have.
    """
    if scores.ndim == 1 and not scores.is_floating_point():
        classes = np.concatenate([found, np.setdiff1d(scores.unique().numpy(), found)])
        if len(classes) > len(found) + 30:
            raise ValueError(f"predict returned {len(classes)} labels; for scores, return floats")
        scores = scores[:, None] == torch.tensor(classes)  # (m, classes)
    else:
        if scores.ndim == 1:
            scores = torch.stack([-scores, scores], 1)  # (m, 2)
        usual = [np.arange(scores.shape[1])] + [np.array([-1, 1])] * (scores.shape[1] == 2)
        usual = [found] * (len(found) == scores.shape[1]) + usual
        classes = next((labels for labels in usual if np.isin(found, labels).all()), None)
        if classes is None:
            raise ValueError(
                f"predict returned scores for {scores.shape[1]} classes, but the labels in y are "
                f"{found.tolist()}"
            )
    scores = scores.double().clamp(-1e300, 1e300)
    if len(classes) == 1:
        return np.ones((1, len(scores))), classes
    first, second = scores.topk(2).values.split(1, 1)  # two of (m, 1)
    return (scores - torch.where(scores == first, second, first)).T.numpy(), classes


def _tiles(X: Any, cmap: str) -> np.ndarray:
    """The images as colours with alpha: (n, h, w, 4), bytes."""
    X = _array("X", X)
    shape = X.shape
    if X.ndim == 2 and math.isqrt(shape[1]) ** 2 == shape[1]:
        X = X.reshape(len(X), math.isqrt(shape[1]), -1)  # (n, h, w)
    if X.ndim == 4 and shape[1] in (1, 3):
        X = np.moveaxis(X, 1, -1)  # (n, h, w, 1 or 3)
    if X.ndim == 4 and X.shape[-1] == 1:
        X = X[..., 0]  # (n, h, w)
    photograph = len(shape) == 3 and shape[-1] == 3 != shape[1]
    if photograph or not (X.ndim == 3 or (X.ndim == 4 and X.shape[-1] == 3)):
        raise ValueError(
            "X must be images (n, height, width), (n, 1 or 3, height, width), "
            "(n, height, width, 3) or flat and square (n, pixels); for one image give X[None]. "
            f"Its shape is {shape}"
        )
    most = 255 if X.dtype == np.uint8 else 1
    X = X.astype(float)
    finite = X[np.isfinite(X)]
    low, high = finite.min(initial=0), finite.max(initial=0)
    high = max(-low, high) if low < 0 else max(high, most)
    low = -high if low < 0 else 0
    X = ((X - low) / (high - low)).clip(0, 1)
    if X.ndim == 3:
        X = mpl.colormaps[cmap](X)  # (n, h, w, 4)
    X = np.concatenate([X, ~np.isnan(X).any(-1, keepdims=True)], -1)[..., :4]
    X[np.isnan(X)] = 0
    enlarged = math.ceil(24 / X.shape[2])  # so that a gap can be a fraction of a small filter
    return np.rint(255 * X).astype(np.uint8).repeat(enlarged, 1).repeat(enlarged, 2)
