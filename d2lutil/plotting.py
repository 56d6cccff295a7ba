"""Figures in one style, legible on light and dark pages, and `show`, which describes them too.

Importing this module puts the style in force for all of matplotlib, so that helpers and plain
matplotlib code look alike. `INK`, the colour of text and axes, and black become the page's own text
colour in what `show` displays.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import torch
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patches import Rectangle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#767b82"
# At least 3:1 on white and on near-black pages, and apart for every kind of colour vision.
COLOURS = ("#3380f2", "#bd5607", "#227d6c", "#d86cb5", "#7f55b5", "#99955a")
MARKERS = ("o", "^", "s", "D", "v")  # with six colours, thirty pairs
DASHES = ("-", "--", "-.", ":")  # with six colours, twelve pairs

mpl.rcParams.update(
    {
        "axes.axisbelow": True,
        "axes.edgecolor": INK + "b0",
        "axes.facecolor": "none",
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": "medium",
        **{f"axes3d.{axis}axis.panecolor": INK + "12" for axis in "xyz"},
        "figure.constrained_layout.use": True,
        "figure.dpi": 96,
        "figure.facecolor": "none",
        "figure.figsize": (5, 3),
        "font.size": 11,
        "grid.color": INK + "38",
        "hatch.color": INK,
        "image.interpolation": "none",
        "legend.fontsize": 10,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "lines.markersize": 5,
        "patch.edgecolor": INK,
        "text.color": INK,
        **{f"{axis}tick.color": INK + "b0" for axis in "xy"},
        **{f"{axis}tick.labelcolor": INK for axis in "xy"},
        **{f"{axis}tick.labelsize": 10 for axis in "xy"},
    }
)
# So faint that the page's text colour is legible on every shade, on a light and a dark page.
_NONE, _MORE, _LESS = COLOURS[0] + "00", COLOURS[0] + "9e", COLOURS[1] + "9e"
_POSITIVE = LinearSegmentedColormap.from_list("d2lutil", [_NONE, _MORE])
_SIGNED = LinearSegmentedColormap.from_list(
    "d2lutil signed", [(0, _LESS), (0.5, COLOURS[1] + "00"), (0.5, _NONE), (1, _MORE)]
)
for _colours in (_POSITIVE, _SIGNED):
    mpl.colormaps.register(_colours, force=True)  # as cmap="d2lutil" and cmap="d2lutil signed"
_HEAVY = 50_000  # bytes of a figure from which its lines and points may be lighter as pixels
_PIXELS = 192  # an inch, two for each of the page's


@dataclass(frozen=True)
class Page:
    """What a notebook or page displays as `html`, and a terminal as `text`."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


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
    there are none. The lines differ in dashes as well as in colour.

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

    Returns the axes; `ax.legend()` then names the classes.

    >>> points(X, y).legend()
    """
    X, y = _plane(X, y)
    ax = _axes(ax)
    for i, label in enumerate(np.unique(y)):
        style = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        ax.scatter(*X[y == label].T, label=label, s=22, alpha=0.85, linewidths=0, **style)
    return ax


def decision_regions(predict: Callable[[Any], Any], X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Colour the plane by the class that `predict` gives each place, with the points X, y on it.

    X is (n, 2), y (n,). `predict`, a model or any function of a float tensor (m, 2), returns the
    labels, integers (m,); or scores (m, classes), of which the largest decides; or one score (m,)
    or (m, 1), positive for the second of two classes. Returns the axes.

    >>> decision_regions(lambda X: X @ w + b, X, y)
    """
    X, y = _plane(X, y)
    low, high = X.min(0), X.max(0)
    edge = 0.12 * np.where(high > low, high - low, 1)
    (left, bottom), (right, top) = low - edge, high + edge
    grid = np.meshgrid(np.linspace(left, right, 301), np.linspace(bottom, top, 301))
    leads = _leads(predict, np.stack(grid, -1).reshape(-1, 2), np.unique(y))
    leads = leads.reshape(-1, 301, 301)  # (classes, 301, 301)
    shades = np.array([to_rgba(COLOURS[i % len(COLOURS)], 0.2) for i in range(len(leads))])
    ax = _axes(ax)
    extent = (left, right, bottom, top)
    ax.imshow(shades[leads.argmax(0)], extent=extent, origin="lower", aspect="auto")
    for lead in leads if len(leads) > 2 else leads[:1]:
        ax.contour(*grid, lead, levels=[0], colors=[INK], linewidths=1)
    return points(X, y, ax)


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
    (n, pixels). All share one scale: 0 to 1, 0 to 255 for integers, 0 to the largest value where
    that is more, and -largest to largest where some are negative. A figure that is not open yet is
    opened in the right size. `columns` is at most 8 by default.

    >>> images(X[:16], labels=y[:16].tolist())
    """
    tiles = _tiles(X, cmap)  # (n, h, w, 4)
    n, h, w, _ = tiles.shape
    if labels is not None and len(labels) != n:
        raise ValueError(f"labels must be one for each of the {n} images; there are {len(labels)}")
    columns = min(n, 8 if columns is None else columns)
    if columns < 1:
        raise ValueError(f"columns must be 1 or more, not {columns}")
    rows, gap = math.ceil(n / columns), math.ceil(0.08 * w)
    lines = [str(label).split("\n") for label in labels] if labels is not None else []
    longest = max((len(line) for label in lines for line in label), default=0)
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

    Zero has no colour, positive values are blue, negative ones orange. `rows` and `columns` label
    the cells. `numbers`, a format such as ".2f" or "d", writes each value into its cell; without
    it a bar shows the scale.

    >>> heatmap(confusion, numbers="d").set(xlabel="predicted", ylabel="true")
    """
    values = _array("matrix", matrix, 2)
    for name, texts, size in zip(("rows", "columns"), (rows, columns), values.shape, strict=True):
        if texts is not None and len(texts) != size:
            raise ValueError(f"{name} must hold {size} labels for this matrix, not {len(texts)}")
    signed, largest = bool((values < 0).any()), float(np.abs(values).max()) or 1.0
    ax = _axes(ax)
    image = ax.imshow(
        values, cmap=_SIGNED if signed else _POSITIVE, vmin=-largest * signed, vmax=largest
    )
    if numbers is None:
        ax.figure.colorbar(image, ax=ax, aspect=15).outline.set_visible(False)
    else:
        for (i, j), value in np.ndenumerate(values):
            text = format(value, numbers).replace("-", "−")
            ax.text(j, i, text, ha="center", va="center_baseline", fontsize=10)
    for axis, texts, size in zip((ax.yaxis, ax.xaxis), (rows, columns), values.shape, strict=True):
        if texts is not None or size <= 12:
            axis.set_ticks(range(size), map(str, range(size) if texts is None else texts))
    if columns is not None and sum(len(str(column)) for column in columns) > 40:
        ax.tick_params(axis="x", rotation=45)
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True, alpha=0.4)
    return ax


def boxes(
    rows: Any,
    image: Any = None,
    *,
    labels: Sequence[object] | None = None,
    hits: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw boxes, on `image` (3, height, width) if one is given; return the axes.

    rows holds boxes (n, 4), ``(left, top, right, bottom)`` in pixels; objects (n, 5), ``(class,
    left, top, right, bottom)``, of which class -1 is left out; or detections (n, 6), ``(class,
    left, top, right, bottom, score)``. Boxes without class or label are thin and dashed. The
    others are solid, with their class, or their entry in `labels`, at the upper left corner.
    Where `hits` (n,) is false, they are dashed, in the second colour.

    >>> boxes(y[0], X[0])
    """
    rows = _array("rows", rows, 2) if len(rows) else np.zeros((0, 6))
    n, columns = rows.shape
    if columns not in (4, 5, 6):
        raise ValueError(f"rows must be (n, 4), (n, 5) or (n, 6), not {rows.shape}")
    for name, values in {"labels": labels, "hits": hits}.items():
        if values is not None and len(values) != n:
            raise ValueError(f"{name} must be one for each of the {n} rows; it has {len(values)}")
    plain = columns == 4 and labels is None
    if labels is None and not plain:
        labels = [f"{c:.0f}" for c in rows[:, 0]]
    corners = (rows if columns == 4 else rows[:, 1:5]) - 0.5  # pixels are drawn round their index
    ax = _axes(ax, (3.6, 3.6)) if image is None else images(image[None], ax=ax)
    for i, (left, top, right, bottom) in enumerate(corners):
        if columns > 4 and rows[i, 0] < 0:
            continue
        wrong = hits is not None and not hits[i]
        colour = COLOURS[plain or wrong]
        style = {"lw": 1 if plain else 2, "ls": "--" if plain or wrong else "-"}
        box = Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, **style)
        ax.add_patch(box)
        if not plain:
            tag = {"fc": colour, "ec": "none", "pad": 1}
            ax.text(left, top, str(labels[i]), color="white", fontsize=9, bbox=tag)
    return ax


def check_alt(alt: object) -> None:
    """Raise a `ValueError` unless `alt` is a text."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must be a text that says what the figure shows, not {alt!r}")


def drawings(figures: Sequence[Figure], alts: Sequence[str]) -> list[str]:
    """Each figure as an `<svg>` element for a web page, the same bytes every time.

    Text stays text, in the page's font, and formulas become outlines. Lines and points become
    pixels, in all figures, where they are so many that this is less to send.
    """
    pairs = list(zip(figures, alts, strict=True))
    drawn = [_svg(*pair) for pair in pairs]
    size, heaviest = max((len(drawing), i) for i, drawing in enumerate(drawn))
    if size > _HEAVY:
        versions = drawn[heaviest], _svg(*pairs[heaviest], raster=True)
        vector, raster = (len(zlib.compress(version.encode())) for version in versions)
        if raster < vector:
            return [_svg(*pair, raster=True) for pair in pairs]
    return drawn


def _axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """`ax`, else the current axes, in a new figure of this size in inches where there is none."""
    import matplotlib.pyplot as plt

    if ax is not None:
        return ax
    return plt.gca() if plt.get_fignums() else plt.figure(figsize=size).add_subplot()


def _array(name: str, values: Any, ndim: int | None = None) -> np.ndarray:
    """`values` as an array of numbers, with as many dimensions as are asked for."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = values.float() if values.dtype is torch.bfloat16 else values
    array = np.asarray(values)
    if array.dtype.kind not in "buif" or not array.size:
        raise TypeError(f"{name} must hold numbers, not {values!r}")
    if ndim not in (None, array.ndim):
        raise ValueError(f"{name} must have {ndim} dimensions (not shape {array.shape})")
    return array


def _plane(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """X (n, 2) as floats and y (n,), or (n, 1), as labels."""
    X, y = _array("X", X, 2).astype(float), _array("y", y)
    if X.shape[1] != 2 or y.shape not in ((len(X),), (len(X), 1)):
        raise ValueError(f"X must be (n, 2) and y (n,); they are {X.shape} and {y.shape}")
    return X, y.reshape(-1)


def _leads(predict: Callable[[Any], Any], places: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """By how much each class leads the best other one at each of m places: (classes, m)."""
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
    if len(scores) != len(X) or scores.ndim > 2 or scores.shape[1:] == (0,):
        raise ValueError(
            "predict must return (m,), (m, 1) or (m, classes) for an X of (m, 2); with "
            f"m = {len(X)} it returned {tuple(scores.shape)}"
        )
    if scores.ndim == 1 and scores.is_floating_point():
        scores = torch.stack([-scores, scores], 1)  # (m, 2)
    elif scores.ndim == 1:
        scores = scores[:, None] == torch.tensor(classes)  # (m, classes)
    scores = scores.double()
    first, second = scores.topk(2).values.split(1, 1)  # two of (m, 1)
    return (scores - torch.where(scores == first, second, first)).T.numpy()


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
    low, high = np.nanmin(X), np.nanmax(X)
    high = max(abs(low), high) if low < 0 else max(high, 255 if X.dtype == np.uint8 else 1)
    low = -high if low < 0 else 0
    X = (X.astype(float) - low) / (high - low)
    if X.ndim == 3:
        X = mpl.colormaps[cmap](X)  # (n, h, w, 4)
    X = np.concatenate([X, np.ones_like(X[..., :1])], -1)[..., :4]
    enlarged = math.ceil(24 / X.shape[2])  # so that a gap can be a fraction of a small filter
    return np.rint(255 * X).astype(np.uint8).repeat(enlarged, 1).repeat(enlarged, 2)


def _svg(fig: Figure, alt: str, raster: bool = False) -> str:
    """The figure as SVG, its lines and points as one image if `raster`."""
    from matplotlib.backends.backend_mixed import MixedModeRenderer
    from matplotlib.backends.backend_svg import RendererSVG

    class Renderer(RendererSVG):
        def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
            mpl.rcParams["svg.fonttype"] = "path" if ismath else "none"
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)

    marks = [a for ax in fig.axes for a in (*ax.lines, *ax.collections) if not a.get_rasterized()]
    for artist in marks:
        artist.set_rasterized(raster)
    (width, height), dpi, source = fig.get_size_inches(), fig.dpi, io.StringIO()
    fig.dpi = 72  # an SVG's unit is a point
    with mpl.rc_context():
        vector = Renderer(width * 72, height * 72, source, image_dpi=_PIXELS)
        renderer = MixedModeRenderer(fig, width, height, _PIXELS, vector)
        fig.draw(renderer)
        renderer.finalize()
    fig.dpi = dpi
    for artist in marks:
        artist.set_rasterized(False)
    return _compact(source.getvalue(), alt, width * 96)


def _compact(source: str, alt: str, width: float) -> str:
    """Matplotlib's SVG without what a page has no use for, safe beside any other on that page."""
    root = ElementTree.fromstring(source)
    referred = dict.fromkeys(re.findall(r'(?:href="|url\()#([\w-]+)', source))
    names = {name: f"\ue000{n}" for n, name in enumerate(referred)}
    for element in reversed(list(root.iter())):  # children before their parents
        element.tag = element.tag.partition("}")[2]
        element.tail = None
        if element.tag not in ("text", "tspan"):
            element.text = None
        element[:] = [
            kept
            for child in element
            if child.tag not in ("metadata", "style")
            for kept in (child if child.tag == "g" and not child.attrib else [child])
        ]
        old = {name.partition("}")[2] or name: value for name, value in element.items()}
        new = {name: _attribute(name, value, names) for name, value in old.items()}
        element.attrib = {name: value for name, value in new.items() if value}
        scale = re.match(r"matrix\((\S+)", element.get("transform", ""))
        if element.tag == "image" and scale and float(scale[1]) < 1.1:  # points for a pixel
            element.attrib.pop("style", None)  # a photograph, to be smoothed
        kinds = {(child.tag, child.get("style", "")) for child in element}
        tag, style = kinds.pop() if len(kinds) == 1 else ("", "")
        if tag == "use" and style and "style" not in element.attrib:  # markers, often thousands
            element.set("style", style)
            for child in element:
                del child.attrib["style"]
    root.attrib = {
        "viewBox": root.get("viewBox"),
        "role": "img",
        "aria-label": alt,
        "fill": "currentColor",
        "style": "display:block;width:100%;height:auto;margin:auto;overflow:visible;"
        f"max-width:{width:g}px;stroke-linejoin:round;stroke-linecap:butt",
    }
    drawing = ElementTree.tostring(root, encoding="unicode")
    return drawing.replace("\ue000", f"f{hashlib.sha256(drawing.encode()).hexdigest()[:8]}-")


def _attribute(name: str, value: str, names: Mapping[str, str]) -> str:
    """The value of an attribute, shortened; `names` has the new names of the ids in use."""
    if name == "id":
        return names.get(value, "")
    if name in ("x", "y"):
        return re.sub(r"(\.\d)\d+", r"\1", value)
    if name == "d":
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", re.sub(r"(\.\d\d)\d+", r"\1", value.strip()))
    if name == "style":
        value = re.sub(f"{INK}|#000000", "currentColor", value)
        value = re.sub(r"font-family:[^;]*;?", "", value)
        value = re.sub(r"font:[^;]*?([\d.]+px)[^;]*", r"font-size:\1", value)  # matplotlib < 3.10
        value = re.sub(r"(?<=[:;])\s+", "", value)
    if value.startswith("data:"):
        return _webp(value)
    if value.startswith("rotate(-0 "):
        return ""
    return re.sub(r"(?<=#)[\w-]+", lambda match: names.get(match[0], match[0]), value)


def _webp(uri: str) -> str:
    """The PNG image in a data URI as WebP, without loss unless that is large."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        for options in ({"lossless": True}, {"quality": 85}):
            webp = io.BytesIO()
            image.save(webp, "webp", **options)
            if webp.tell() < 30_000:
                break
    return f"data:image/webp;base64,{base64.b64encode(webp.getvalue()).decode()}"
