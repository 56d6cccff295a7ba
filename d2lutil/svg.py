"""A figure as a small SVG element that takes on the text colour and font of the page it is on."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import matplotlib as mpl

from d2lutil.style import INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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


def check_alt(alt: object) -> None:
    """Raise a `ValueError` unless `alt` is a text."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must be a text that says what the figure shows, not {alt!r}")


@contextmanager
def no_glyph_warnings() -> Iterator[None]:
    """Without warnings of characters that matplotlib's font lacks: the page's fonts have them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)
        yield


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
    with mpl.rc_context(), no_glyph_warnings():
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
