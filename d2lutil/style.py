"""The look of the book's figures: colours that are legible on light and dark pages.

`INK`, the colour of text and axes, and black become the page's own text colour in what `show`
displays.
"""

from __future__ import annotations

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap

INK = "#767b82"
# At least 3:1 on white and on near-black pages, and apart for every kind of colour vision.
COLOURS = ("#3380f2", "#bd5607", "#227d6c", "#d86cb5", "#7f55b5", "#99955a")
MARKERS = ("o", "^", "s", "D", "v")  # with six colours, thirty pairs
DASHES = ("-", "--", "-.", ":")  # with six colours, twelve pairs

STYLE = {
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
# So faint that the page's text colour is legible on every shade, on a light and a dark page.
_NONE, _MORE, _LESS = COLOURS[0] + "00", COLOURS[0] + "9e", COLOURS[1] + "9e"
POSITIVE = LinearSegmentedColormap.from_list("d2lutil", [_NONE, _MORE])
SIGNED = LinearSegmentedColormap.from_list(
    "d2lutil signed", [(0, _LESS), (0.5, COLOURS[1] + "00"), (0.5, _NONE), (1, _MORE)]
)
for _colours in (POSITIVE, SIGNED):
    mpl.colormaps.register(_colours, force=True)  # as cmap="d2lutil" and cmap="d2lutil signed"


def use_style() -> None:
    """Put the book's style in force for all of matplotlib, as importing `d2lutil.plotting` does.

    To come back to it after another style; `matplotlib.rcdefaults()` undoes it.
    """
    mpl.rcParams.update(STYLE)
