"""Diagrams of architectures: boxes, arrows, sums and labels, placed in inches by a few lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from d2lutil.style import COLOURS, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST = 5.2  # inches: a telephone of 390 pixels shows them with letters of 10 pixels
_SIZE = 11  # points of a letter; labels of arrows and frames are a point smaller
_LINE, _PAD = 0.2, 0.1  # inches: the height of a line, the air around a text
_EDGE = 0.06  # inches of margin


@dataclass(frozen=True)
class Part:
    """A box, circle or text of a diagram, with its centre and its size in inches."""

    x: float
    y: float
    width: float
    height: float
    round: bool = False

    def border(self, x: float, y: float) -> tuple[float, float]:
        """Where the way from the centre to the place (x, y) leaves this part."""
        dx, dy = x - self.x, y - self.y
        if self.round:
            reach = self.width / 2 / max((dx**2 + dy**2) ** 0.5, 1e-9)
        else:
            reach = min(self.width / 2 / max(abs(dx), 1e-9), self.height / 2 / max(abs(dy), 1e-9))
        return self.x + dx * min(reach, 1), self.y + dy * min(reach, 1)


class Diagram:
    """A drawing of boxes, circles and texts that arrows join; `show` displays it.

    Places are in inches, x to the right and y upwards; a part is placed by its centre. A part
    that has weights to learn is tinted (`learned=True`), so that a reader sees at once where the
    parameters are. More than 5.2 inches across is a `ValueError`: a telephone shows no more.

    >>> d = Diagram()
    >>> x, layer = d.text(0, 0, "x"), d.box(1, 0, "linear", learned=True)
    >>> add, o = d.circle(2, 0), d.text(3, 0, "o")
    >>> d.arrows(x, layer, add, o)
    >>> d.arrow(x, add, over=0.6)
    >>> show("A linear layer with a residual connection around it: x is added to what it gives.")
    """

    def __init__(self) -> None:
        import matplotlib.pyplot as plt

        fig = plt.figure(layout="none")
        self.ax: Axes = fig.add_axes((0, 0, 1, 1))
        self.ax.axis("off")
        self._extent: list[float] = []

    def box(
        self,
        x: float,
        y: float,
        text: str,
        *,
        learned: bool = False,
        width: float | None = None,
        height: float | None = None,
    ) -> Part:
        """A box with a text of one or more lines, as wide as that needs unless told."""
        part = self._part(x, y, text, width, height)
        w, h = part.width, part.height
        self._shape(
            FancyBboxPatch((x - w / 2, y - h / 2), w, h, boxstyle="round,pad=0,rounding_size=0.07"),
            learned,
        )
        return self._write(part, text)

    def circle(self, x: float, y: float, text: str = "+", *, learned: bool = False) -> Part:
        """A circle with a sign in it: a sum, unless told; or a unit of a network."""
        size = max(0.28, self._part(x, y, text).width)
        self._shape(Circle((x, y), size / 2), learned)
        return self._write(Part(x, y, size, size, round=True), text)

    def text(self, x: float, y: float, text: str) -> Part:
        """A text without a border: an input, an output, a shape."""
        part = self._part(x, y, text)
        return self._write(replace(part, width=part.width - _PAD), text)

    def arrow(
        self,
        start: Part,
        end: Part,
        label: str = "",
        *,
        over: float | None = None,
        beside: float | None = None,
    ) -> None:
        """An arrow from one part to another, straight, or by way of a line.

        `over` is the height y of that line (the arrow leaves and arrives vertically), `beside` its
        x (it leaves and arrives horizontally). The label stands on the middle of the way.
        """
        if over is not None and beside is not None:
            raise ValueError(f"give over or beside, not both; got {over} and {beside}")
        if over is not None:
            corners = [(start.x, over), (end.x, over)]
        elif beside is not None:
            corners = [(beside, start.y), (beside, end.y)]
        else:
            corners = []
        first = corners[0] if corners else (end.x, end.y)
        last = corners[-1] if corners else (start.x, start.y)
        way = [start.border(*first), *corners, end.border(*last)]
        for (x0, y0), (x1, y1) in pairwise(way[:-1]):
            self.ax.plot([x0, x1], [y0, y1], color=INK, lw=1, solid_capstyle="round")
        self.ax.add_patch(
            FancyArrowPatch(
                *way[-2:], arrowstyle="-|>", mutation_scale=9, color=INK, lw=1, shrinkA=0, shrinkB=0
            )
        )
        for x, y in corners:
            self._stretch(x, y, 0, 0)
        if label:
            middle = len(way) // 2
            (x0, y0), (x1, y1) = way[middle - 1], way[middle]
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            part = self._part(x, y, label)
            if abs(x1 - x0) >= abs(y1 - y0):
                part = replace(part, y=y + part.height / 2)
            else:
                part = replace(part, x=x + part.width / 2)
            self._write(part, label, size=_SIZE - 1)

    def arrows(self, *parts: Part) -> None:
        """Straight arrows from each part to the next."""
        for start, end in pairwise(parts):
            self.arrow(start, end)

    def frame(self, parts: Iterable[Part], label: str = "") -> Part:
        """A dashed frame around parts, with a label above it; itself a part."""
        parts = list(parts)
        if not parts:
            raise ValueError("parts must hold one part or more; got none")
        left = min(p.x - p.width / 2 for p in parts) - _PAD
        right = max(p.x + p.width / 2 for p in parts) + _PAD
        low = min(p.y - p.height / 2 for p in parts) - _PAD
        high = max(p.y + p.height / 2 for p in parts) + _PAD
        patch = FancyBboxPatch(
            (left, low), right - left, high - low, boxstyle="round,pad=0,rounding_size=0.1"
        )
        patch.set(facecolor="none", edgecolor=INK + "b0", linestyle="--", linewidth=1, zorder=0)
        self.ax.add_patch(patch)
        frame = Part((left + right) / 2, (low + high) / 2, right - left, high - low)
        self._stretch(frame.x, frame.y, frame.width, frame.height)
        if label:
            above = self._part(frame.x, high + _LINE / 2 + 0.02, label)
            self._write(above, label, size=_SIZE - 1)
        return frame

    def _part(
        self, x: float, y: float, text: str, width: float | None = None, height: float | None = None
    ) -> Part:
        """The place of a text, as large as it is unless told."""
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {text!r}")
        lines = text.split("\n")
        longest = max(map(self._length, lines))
        return Part(x, y, width or longest + 2 * _PAD, height or len(lines) * _LINE + _PAD)

    def _length(self, line: str) -> float:
        """How long a line of text is, in inches; formulas as they are drawn."""
        drawn = self.ax.text(0, 0, line, fontsize=_SIZE)
        length = drawn.get_window_extent().width / self.ax.figure.dpi
        drawn.remove()
        return length

    def _shape(self, patch: FancyBboxPatch | Circle, learned: bool) -> None:
        colour = COLOURS[0] if learned else INK
        patch.set(facecolor=colour + ("30" if learned else "10"), edgecolor=colour, linewidth=1)
        self.ax.add_patch(patch)

    def _write(self, part: Part, text: str, size: float = _SIZE) -> Part:
        """Write the text over the centre of the part, and make room for the part."""
        lines = text.split("\n")
        for n, line in enumerate(lines):  # each centred, whatever the page's font
            y = part.y + ((len(lines) - 1) / 2 - n) * _LINE
            self.ax.text(part.x, y, line, ha="center", va="center", fontsize=size, zorder=3)
        self._stretch(part.x, part.y, part.width, part.height)
        return part

    def _stretch(self, x: float, y: float, width: float, height: float) -> None:
        """Make the figure as large as what it holds."""
        new = [x - width / 2, x + width / 2, y - height / 2, y + height / 2]
        old = self._extent or new
        self._extent = [f(a, b) for f, a, b in zip((min, max) * 2, old, new, strict=True)]
        left, right, low, high = self._extent
        if right - left > WIDEST:
            raise ValueError(
                f"the diagram is {right - left:.1f} inches wide; a telephone shows {WIDEST} at "
                "most: put its parts closer, or below each other"
            )
        self.ax.set(
            xlim=(left - _EDGE, right + _EDGE),
            ylim=(low - _EDGE, high + _EDGE),
        )
        self.ax.figure.set_size_inches(right - left + 2 * _EDGE, high - low + 2 * _EDGE)
