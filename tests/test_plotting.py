"""Figures: their colours, what `show` puts on a page, and what the helpers draw."""

from __future__ import annotations

import base64
import io
import math
import re
import subprocess
import sys
import warnings
from itertools import combinations
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

mpl.use("agg")

import matplotlib.pyplot as plt

from d2lutil import style
from d2lutil.plotting import (
    COLOURS,
    INK,
    Diagram,
    boxes,
    curves,
    decision_regions,
    heatmap,
    images,
    points,
    show,
    use_style,
)

PAGES = ["#ffffff", "#121212", "#14181e"]
PAGES_AND_TEXT = [("#ffffff", "#222832"), ("#14181e", "#ced6dd"), ("#121212", "#ced6dd")]
# What is left of linear red, green and blue without one kind of cone (Machado et al., 2009).
VISION = {
    "full": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def linear(colour) -> np.ndarray:
    """A colour as linear red, green and blue."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other) -> float:
    """The contrast of two colours as WCAG defines it: 1 to 21."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Linear red, green and blue in Ottosson's OKLab, where distance is difference as seen."""
    lms = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    lab = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.array(lab) @ np.cbrt(np.array(lms) @ np.clip(rgb, 0, 1))


@pytest.fixture(autouse=True)
def no_figures_left():
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """What has been displayed."""
    pages = []
    monkeypatch.setattr("IPython.display.display", pages.append)
    return pages


def html(shown) -> str:
    return shown[-1]._repr_html_()


def parse(page: str) -> ElementTree.Element:
    return ElementTree.fromstring(page)


def pictures(page: str) -> list[np.ndarray]:
    """The images in a page, (h, w, 4)."""
    coded = re.findall(r"data:image/webp;base64,([^\"]*)", page)
    return [
        np.array(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGBA")) for code in coded
    ]


def line(**kwargs):
    """A figure with text, a formula, lines and markers."""
    fig, ax = plt.subplots(**kwargs)
    ax.plot([0, 1, 2], [0, 1, 4], "o-", label="square")
    ax.axhline(1, color="k")
    ax.set(xlabel="step", ylabel="$w_1$")
    ax.legend()
    return fig


# Colours


@pytest.mark.parametrize("page", PAGES)
def test_every_colour_stands_out_from_the_page(page):
    assert min(contrast(colour, page) for colour in COLOURS) >= 3
    assert contrast(INK, page) >= 4


@pytest.mark.parametrize("vision", VISION)
def test_colours_differ_for_every_kind_of_vision(vision):
    seen = [oklab(np.array(VISION[vision]) @ linear(colour)) for colour in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.085


def test_lines_and_points_differ_in_more_than_colour():
    ax = curves({str(i): [0, i] for i in range(12)})
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 12
    assert len({line.get_linestyle() for line in ax.lines[:4]}) == 4
    paths = {str(p.get_paths()) for p in points(np.eye(2), [0, 1], plt.figure().gca()).collections}
    assert len(paths) == 2


@pytest.mark.parametrize("cmap", [style.POSITIVE, style.SIGNED])
@pytest.mark.parametrize(("page", "text"), PAGES_AND_TEXT)
def test_numbers_are_legible_on_every_shade_of_a_heatmap(cmap, page, text):
    page = np.array(mpl.colors.to_rgb(page))
    for *colour, alpha in cmap(np.linspace(0, 1, 101)):
        assert contrast(np.array(colour) * alpha + page * (1 - alpha), text) >= 4.5


# The style


def test_style_is_in_force_for_plain_matplotlib_and_pyplot_is_not_imported():
    code = (
        "import sys; import d2lutil.plotting; import matplotlib as mpl; "
        "assert not mpl.rcParams['axes.spines.top']; "
        "print({'matplotlib.pyplot', 'IPython'} & sys.modules.keys())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize("name", ["fit", "data", "check", "seed", "detection"])
def test_style_is_left_alone_until_figures_are_asked_for(name):
    code = (
        "import sys, matplotlib as mpl; own = dict(mpl.rcParams);"
        f"from d2lutil import {name}; assert dict(mpl.rcParams) == own;"
        "assert 'd2lutil.plotting' not in sys.modules;"
        "from d2lutil import show; assert mpl.rcParams['text.color'] == '#767b82'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_style_can_be_put_in_force_again():
    with mpl.rc_context():
        mpl.rcdefaults()
        assert mpl.rcParams["axes.spines.top"]
        use_style()
        assert not mpl.rcParams["axes.spines.top"]


def test_figure_without_show_is_legible_too():
    ax = line().axes[0]
    texts = [ax.xaxis.label, *ax.get_xticklabels(), *ax.get_legend().get_texts()]
    assert {mpl.colors.to_hex(text.get_color()) for text in texts} == {INK}
    assert ax.figure.get_facecolor()[3] == ax.get_facecolor()[3] == 0


# show


def test_show_describes_displays_and_closes(shown):
    fig = line()
    show('Bigger than "2" & <3', fig)
    assert len(shown) == 1
    root = parse(html(shown))
    assert root.tag == "svg"
    assert (root.get("role"), root.get("aria-label")) == ("img", 'Bigger than "2" & <3')
    assert repr(shown[0]) == '[figure] Bigger than "2" & <3'
    assert plt.get_fignums() == []
    assert mpl.rcParams["svg.fonttype"] == "path"  # its owner's


def test_figure_takes_colour_font_and_width_from_the_page(shown):
    line(figsize=(4, 2))
    show("A line")
    root, page = parse(html(shown)), html(shown)
    assert root.get("viewBox") == "0 0 288 144"
    assert {"width:100%", "max-width:384px", "height:auto"} <= set(root.get("style").split(";"))
    assert root.get("fill") == "currentColor"  # matplotlib leaves out fill where it is black
    assert INK not in page
    assert "#000000" not in page
    assert page.count("currentColor") > 5
    assert "font-family" not in page
    assert not re.search(r"(?<!-)font:", page)
    assert {"step", "square"} <= {text.text for text in root.iter("text")}


def test_formulas_are_outlines(shown):
    line()
    show("A line")
    assert "$" not in html(shown)
    assert not any("w" in (text.text or "") for text in parse(html(shown)).iter("text"))


def test_nothing_is_left_that_would_touch_the_rest_of_the_page(shown):
    line()
    show("A line")
    tags = {element.tag for element in parse(html(shown)).iter()}
    assert tags <= {"svg", "defs", "g", "path", "use", "text", "clipPath", "rect"}
    assert not re.search(r"<\?|<!|xmlns|metadata", html(shown))


def test_ids_are_of_one_figure_and_every_reference_leads_to_one(shown):
    for y in ([1, 2], [2, 1]):
        plt.plot(y, "o-")
        show("A line")
    found = []
    for page in shown:
        ids = re.findall(r' id="([^"]+)"', page.html)
        referred = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page.html)
        assert {a or b for a, b in referred} == set(ids)
        found += ids
    assert len(found) == len(set(found)) > 4


def test_label_that_looks_like_markup_or_an_id_stays_as_it_is(shown):
    plt.plot([1, 2], label="ID-0 <b> #000000")
    plt.legend()
    show("A line")
    assert "ID-0 <b> #000000" in {text.text for text in parse(html(shown)).iter("text")}


def test_same_code_gives_the_same_bytes_in_any_process():
    code = (
        "import matplotlib.pyplot as plt, numpy as np; from d2lutil import plotting as p;"
        "p.decision_regions(lambda X: X.sum(1), np.eye(2), [0, 1]); plt.plot([0, 1], 'o');"
        "plt.ylabel('$x$'); print(p.drawings([plt.gcf()], ['A line'])[0])"
    )
    runs = [
        subprocess.check_output(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "MPLBACKEND": "agg", "PATH": ""},
        )
        for seed in "12"
    ]
    assert runs[0] == runs[1]
    assert runs[0].startswith(b"<svg")


def test_chinese_text_stays_text_without_warnings(shown, recwarn):
    heatmap(np.eye(2), rows=["真实", "预测"]).set(title="混淆矩阵", xlabel="类别")
    show("A matrix")
    texts = {text.text for text in parse(html(shown)).iter("text")}
    assert {"真实", "预测", "混淆矩阵", "类别"} <= texts
    assert [str(warning.message) for warning in recwarn] == []


def test_other_warnings_while_drawing_are_told(shown):
    class Odd(mpl.lines.Line2D):
        def draw(self, renderer):
            warnings.warn("odd", UserWarning, stacklevel=1)
            super().draw(renderer)

    plt.figure().gca().add_line(Odd([0, 1], [0, 1]))
    with pytest.warns(UserWarning, match="odd"):
        show("A line")


@pytest.mark.parametrize("alt", ["", "  ", None, 3])
def test_show_needs_a_description(alt, shown):
    fig = line()
    with pytest.raises(ValueError, match="alt must be a text"):
        show(alt)
    assert plt.fignum_exists(fig.number)
    assert shown == []


def test_show_needs_a_figure(shown):
    with pytest.raises(ValueError, match="no figure to show"):
        show("A line")
    with pytest.raises(TypeError, match="fig must be a matplotlib Figure"):
        show("A line", plt.figure().add_subplot())
    assert shown == []


def test_few_points_are_drawn_and_very_many_are_pixels(shown):
    rng = np.random.default_rng(0)
    for n in (100, 30_000):
        marks = plt.scatter(*rng.normal(size=(2, n)), s=4)
        plt.xlabel("step")
        show("Points")
        assert not marks.get_rasterized()
    few, many = (page.html for page in shown)
    assert len(parse(few).findall(".//use")) >= 100
    assert len(few) < 12_000
    assert pictures(few) == []
    assert len(pictures(many)) == 1
    assert len(many) < 500_000
    assert "step" in {text.text for text in parse(many).iter("text")}


def test_show_takes_a_figure_twice(shown):
    fig = line()
    show("A line", fig)
    show("A line", fig)
    assert shown[0] == shown[1]
    assert fig.dpi == 96


# images


def tile(page: str, row: int, column: int, size: int = 28) -> np.ndarray:
    """One image of the only picture of a page, found by its place in a grid without labels."""
    (sheet,) = pictures(page)
    step = size + -(-8 * size // 100)
    return sheet[row * step :, column * step :][:size, :size]


@pytest.mark.parametrize(
    "form",
    [(-1, 1, 28, 28), (-1, 28, 28), (-1, 784)],
    ids=["with a channel", "without", "flat"],
)
def test_images_are_shown_as_they_are(form, shown):
    X = np.random.default_rng(0).integers(0, 256, (11, 28, 28)).astype(np.uint8)
    images(torch.tensor(X).float().div(255).reshape(form), columns=4)
    show("Digits")
    for i, image in enumerate(X):
        shown_tile = tile(html(shown), *divmod(i, 4))
        assert np.abs(shown_tile[..., 0].astype(int) - image).max() <= 1
        assert (shown_tile[..., 3] == 255).all()
    (sheet,) = pictures(html(shown))
    assert (sheet[-28:, -28:, 3] == 0).all()  # the twelfth place is empty
    assert "pixelated" in html(shown)


@pytest.mark.parametrize("channels", ["first", "last"])
def test_colour_images_keep_their_colours(channels, shown):
    X = np.random.default_rng(0).integers(0, 256, (2, 30, 40, 3)).astype(np.uint8)
    images(X if channels == "last" else torch.tensor(X).permute(0, 3, 1, 2) / 255)
    show("Colours")
    (sheet,) = pictures(html(shown))
    assert np.abs(sheet[:, :40, :3].astype(int) - X[0]).max() <= 1


def test_zero_is_in_the_middle_where_values_have_signs(shown):
    images(np.array([[[-1.0, 0], [0, 4]]]))
    show("A filter")
    (sheet,) = pictures(html(shown))
    step = len(sheet) // 2
    assert abs(int(sheet[0, -1, 0]) - 128) <= 1
    assert sheet[-1, -1, 0] == 255
    assert sheet[0, 0, 0] == pytest.approx(255 * 3 / 8, abs=2)
    assert (sheet[:step, :step, 0] == sheet[0, 0, 0]).all()


def first_pixels(X, shown) -> np.ndarray:
    """The first row of each of the images, (n, w, 4), as they are shown."""
    images(X, columns=1)
    show("Images")
    (sheet,) = pictures(html(shown))
    w = np.shape(X)[2]
    step, side = math.ceil(24 / w), math.ceil(24 / w) * np.shape(X)[1]
    gap = math.ceil(0.08 * step * w)
    return sheet[:: side + gap, : step * w : step]


def test_bytes_are_of_255_and_other_integers_of_their_largest(shown):
    for dtype, grey in ((np.uint8, 51), (np.int64, 255)):
        X = np.array([[[0, 51], [0, 0]]], dtype)
        assert first_pixels(X, shown)[0, :, 0].tolist() == [0, grey]
    lowest = np.full((1, 2, 2), -128, np.int8)
    assert first_pixels(lowest, shown)[0, :, 0].tolist() == [0, 0]


def test_what_is_infinite_is_an_end_of_the_scale_and_nan_is_left_out(shown):
    row = [np.nan, np.inf, -np.inf, 0.5]
    grey = first_pixels([[row, [0, 0.2, 0, 0]]], shown)[0]
    assert grey[:, 3].tolist() == [0, 255, 255, 255]
    assert grey[1:, 0].tolist() == [255, 0, 128]
    rgb = first_pixels([[[[np.nan, 1, 1], [np.inf, -np.inf, 0.5]], [[0] * 3] * 2]], shown)[0]
    assert rgb[:, 3].tolist() == [0, 255]
    assert rgb[1, :3].tolist() == [255, 0, 128]


def test_labels_stand_above_their_images(shown):
    ax = images(np.zeros((10, 8, 8)), labels=range(10), columns=5)
    assert [text.get_text() for text in ax.texts] == [str(i) for i in range(10)]
    xs, ys = np.array([text.get_position() for text in ax.texts]).T
    assert (np.diff(xs.reshape(2, 5)) > 8).all()
    assert ys[0] < 0 or ys[0] < ys[5] - 8
    show("Ten")
    assert len(pictures(html(shown))) == 1


def test_images_are_as_wide_as_their_labels():
    widths = []
    for label in ("4", "4, read as 9", "4\nread\nas 9"):
        widths.append(images(np.zeros((2, 28, 28)), [label, "9"]).figure.get_figwidth())
        plt.close()
    assert widths[1] > widths[0] == widths[2]


def test_photograph_is_smooth_and_light(shown):
    x = np.linspace(0, 1, 512)
    photograph = np.stack([np.outer(x, x), np.outer(x, 1 - x), np.outer(1 - x, x)], -1)
    photograph += np.random.default_rng(0).normal(0, 0.02, photograph.shape)
    images(photograph.clip(0, 1)[None])
    show("A photograph")
    assert "pixelated" not in html(shown)
    assert len(html(shown)) < 150_000


@pytest.mark.parametrize("shape", [(5,), (5, 10), (20, 30, 3), (1, 2, 3, 4, 5), (2, 4, 8, 8)])
def test_what_is_no_row_of_images_is_refused(shape):
    with pytest.raises(ValueError, match="X must be images"):
        images(np.zeros(shape))
    assert plt.get_fignums() == []


def test_wrong_numbers_of_labels_and_columns_are_refused():
    with pytest.raises(ValueError, match="one for each of the 3 images; there are 2"):
        images(np.zeros((3, 8, 8)), labels="ab")
    with pytest.raises(ValueError, match="columns must be a whole number, 1 or more, not 0"):
        images(np.zeros((3, 8, 8)), columns=0)


# curves


def test_curves_are_drawn_over_epochs_unless_x_is_given():
    ax = curves({"train": [3, 2, 1], "test": torch.tensor([3.0, 2.5], requires_grad=True)})
    assert [list(drawn.get_xdata()) for drawn in ax.lines] == [[1, 2, 3], [1, 2]]
    assert list(ax.lines[1].get_ydata()) == [3, 2.5]
    assert ax.get_xlabel() == "epoch"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["train", "test"]
    ax = curves({"loss": [3, 2]}, x=[10, 20], xlabel="step", ax=plt.figure().gca())
    assert list(ax.lines[0].get_xdata()) == [10, 20]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_legend()) == ("step", "loss", None)


@pytest.mark.parametrize(
    ("series", "x", "error", "message"),
    [
        ({}, None, TypeError, "series must map"),
        ([1, 2], None, TypeError, "series must map"),
        ({"loss": [1, 2]}, [1], ValueError, "'loss' has 2 values, but x has 1"),
        ({"loss": [[1, 2]]}, None, ValueError, "'loss' must have 1 dimension"),
        ({"loss": ["a"]}, None, TypeError, "'loss' must hold numbers"),
        ({"loss": []}, None, ValueError, "'loss' must not be empty"),
        ({"loss": [[1], [1, 2]]}, None, ValueError, "'loss' must hold rows of one length"),
    ],
)
def test_wrong_curves_are_refused(series, x, error, message):
    with pytest.raises(error, match=message):
        curves(series, x)
    assert plt.get_fignums() == []


def test_curves_have_gaps_where_values_are_not_finite(shown):
    loss = [torch.tensor(3.0, requires_grad=True), np.nan, 2, np.inf]
    ax = curves({"loss": loss, "none": [np.nan]})
    assert np.array_equal(ax.lines[0].get_ydata(), [3, np.nan, 2, np.inf], equal_nan=True)
    assert np.isfinite(ax.get_ylim()).all()
    show("A line with gaps")


# points and regions


def region(ax, x: float, y: float) -> int:
    """The class whose colour the plane has at a place."""
    (image,) = ax.images
    left, right, bottom, top = image.get_extent()
    side = len(image.get_array())
    i, j = (y - bottom) / (top - bottom) * side, (x - left) / (right - left) * side
    i = i if image.origin == "lower" else side - i
    colour = mpl.colors.to_hex(image.get_array()[int(i), int(j)][:3])
    return COLOURS.index(colour)


X = torch.tensor([[-2.0, -1], [2, -1], [-2, 1], [2, 1]])  # (4, 2)
RIGHT = {
    "labels": lambda X: (X[:, 0] > 0).long(),
    "truth values": lambda X: X[:, 0] > 0,
    "one score": lambda X: X @ torch.tensor([1.0, 0.0]),
    "one score in a column": lambda X: X[:, :1],
    "two scores": lambda X: torch.stack([-X[:, 0], X[:, 0] * 2], 1),
    "numpy": lambda X: (X.numpy()[:, 0] > 0).astype(int),
}


@pytest.mark.parametrize("predict", RIGHT.values(), ids=RIGHT)
def test_plane_has_the_colour_of_the_class(predict):
    ax = decision_regions(predict, X, [0, 1, 0, 1])
    for x in (-1.9, -0.3, 0.3, 1.9):
        assert region(ax, x, 0.5) == (x > 0)
    (boundary,) = [c for c in ax.collections if c not in ax.collections[-2:]]
    (path,) = boundary.get_paths()
    assert np.abs(path.vertices[:, 0]).max() < 0.02


def test_labels_need_not_count_from_zero():
    ax = decision_regions(lambda X: X[:, 0].sign().int(), X, torch.tensor([-1, 1, -1, 1]))
    assert [region(ax, x, 0.5) for x in (-1, 1)] == [0, 1]


def test_three_classes_get_three_regions():
    centres = torch.tensor([[-2.0, 0], [2, 0], [0, 2]])
    ax = decision_regions(lambda X: -torch.cdist(X, centres), centres, [0, 1, 2])
    assert [region(ax, *centre) for centre in centres.tolist()] == [0, 1, 2]
    assert len({str(marks.get_paths()) for marks in ax.collections[-3:]}) == 3


def colours_of_points(ax) -> list[int]:
    marks = [c for c in ax.collections if isinstance(c, mpl.collections.PathCollection)]
    return [COLOURS.index(mpl.colors.to_hex(mark.get_facecolor()[0])) for mark in marks]


def test_classes_without_points_or_places_keep_their_colours():
    centres = torch.tensor([[-2.0, 0], [2, 0], [0, 2]])
    ax = decision_regions(lambda X: -torch.cdist(X, centres), centres[1:], [1, 2])
    assert [region(ax, x, -0.1) for x in (-0.2, 1.9)] == [0, 1]
    assert colours_of_points(ax) == [1, 2]
    plt.close()
    ax = decision_regions(lambda X: 5 * (X[:, 0] > 0).long(), X, [0, 3, 0, 3])
    assert [region(ax, x, 0.5) for x in (-1, 1)] == [0, 2]  # a class that no point has
    assert colours_of_points(ax) == [0, 1]
    plt.close()
    ax = decision_regions(lambda X: X[:, 0], X, [1, 1, 1, 1])
    assert [region(ax, x, 0.5) for x in (-1, 1)] == [0, 1]
    assert colours_of_points(ax) == [1]


def test_one_class_alone_and_infinite_scores_can_be_drawn(recwarn):
    ax = decision_regions(lambda X: torch.zeros(len(X)).long(), X, [0, 0, 0, 0])
    assert region(ax, 1, 0) == 0
    plt.close()
    ax = decision_regions(lambda X: (X[:, 0] + 0.01) * torch.inf, X, [0, 1, 0, 1])
    assert [region(ax, x, 0.5) for x in (-1, 1)] == [0, 1]
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize(
    ("predict", "X", "y", "message"),
    [
        (lambda X: X[:, 0] * torch.nan, X, [0, 1, 0, 1], "predict returned NaN at 90601 places"),
        (lambda X: X[:, 0], X, [0, 1, 2, 1], r"2 classes, but the labels in y are \[0, 1, 2\]"),
        (lambda X: torch.arange(len(X)), X, [0, 1, 0, 1], "returned 90601 labels"),
        (lambda X: X[:, 0], X / 0, [0, 1, 0, 1], "X must hold finite numbers"),
        (lambda X: X[:, 0], X, [0, np.nan, 0, 1], "y must hold finite numbers"),
        (lambda X: X[:, 0], X[:0], [], "X must not be empty"),
    ],
)
def test_what_cannot_be_drawn_on_a_plane_is_refused(predict, X, y, message):
    with pytest.raises(ValueError, match=message):
        decision_regions(predict, X, y)
    assert plt.get_fignums() == []


def test_single_class_everywhere_needs_no_boundary(recwarn):
    ax = decision_regions(lambda X: torch.ones(len(X)), X, [0, 1, 0, 1])
    assert region(ax, -1, 0) == 1
    assert [str(warning.message) for warning in recwarn] == []


def test_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plane = [decision_regions(model, X, [0, 1, 0, 1]).images[0].get_array()]
    assert [module.training for module in model] == [True, False, True, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    plane.append(decision_regions(model, X, [0, 1, 0, 1], plt.figure().gca()).images[0].get_array())
    assert (plane[0] == plane[1]).all()  # dropout was off


def test_wrong_predictions_and_points_are_refused():
    with pytest.raises(ValueError, match=r"predict must return .* it returned \(3,\)"):
        decision_regions(lambda X: X[:3, 0], X, [0, 1, 0, 1])
    for bad, labels in ((torch.ones(4, 3), [0, 1, 0, 1]), (X, [0, 1])):
        with pytest.raises(ValueError, match=r"X must be \(n, 2\) and y \(n,\)"):
            points(bad, labels)


# heatmap


def test_heatmap_writes_numbers_into_cells():
    ax = heatmap([[1, -2], [0, 3]], numbers="d", rows="ab", columns="cd")
    assert [text.get_text() for text in ax.texts] == ["1", "−2", "0", "3"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["c", "d"]
    colours = ax.images[0].to_rgba(np.array([[1, -2], [0, 3]])).reshape(4, 4)
    assert colours[2, 3] == pytest.approx(0, abs=0.01)
    assert colours[3, 3] > colours[0, 3] > 0
    assert mpl.colors.to_hex(colours[3]) == COLOURS[0]
    assert mpl.colors.to_hex(colours[1]) == COLOURS[1]
    assert len(ax.figure.axes) == 1


def test_heatmap_without_numbers_has_a_scale(shown):
    ax = heatmap(torch.rand(20, 30))
    assert len(ax.figure.axes) == 2
    show("Weights")
    assert len(html(shown)) < 20_000


@pytest.mark.parametrize("name", ["d2lutil", "d2lutil signed"])
def test_its_colours_have_a_name_and_let_the_page_through(name):
    (image,) = plt.figure().subplots().imshow([[0.0, 1.0]], cmap=name).get_figure().axes[0].images
    tones = image.get_cmap()([0.5 if "signed" in name else 0.0, 1.0])
    assert tones[0, 3] < 0.01
    assert 0 < tones[1, 3] < 1


def test_masked_scores_are_grey_and_the_scale_is_that_of_the_others():
    scores = torch.tensor([[1.0, -torch.inf], [0.5, 2.0]])
    (image,) = heatmap(scores).images
    assert image.get_clim() == (0, 2)
    colours = image.to_rgba(image.get_array()).reshape(4, 4)
    assert [mpl.colors.to_hex(colour) for colour in colours[[0, 1, 3]]] == [
        COLOURS[0],
        INK,
        COLOURS[0],
    ]
    assert 0 < colours[2, 3] < colours[0, 3] < colours[3, 3]
    (image,) = heatmap(-scores, ax=plt.figure().gca()).images
    assert image.get_clim() == (-2, 2)
    assert heatmap(scores / 0, ax=plt.figure().gca()).images[0].get_clim() == (0, 1)


def test_numbers_of_all_kinds_are_written():
    def texts(matrix, numbers):
        return [t.get_text() for t in heatmap(matrix, numbers=numbers, ax=plt.figure().gca()).texts]

    assert texts([[np.nan, -np.inf, np.inf, -2]], ".1f") == ["NaN", "−∞", "∞", "−2.0"]
    assert texts([[True, False]], "d") == ["1", "0"]
    assert texts(torch.ones(1, 1, dtype=torch.bfloat16), ".2f") == ["1.00"]
    lowest = heatmap(np.array([[-128, 127]], np.int8), ax=plt.figure().gca()).images[0]
    assert lowest.get_clim() == (-128, 128)


def test_wrong_heatmaps_are_refused():
    with pytest.raises(ValueError, match=r"numbers must be a format for the values.*not 'd'"):
        heatmap(np.eye(2), numbers="d")
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match="rows must hold 2 labels for this matrix, not 3"):
        heatmap(np.eye(2), rows="abc")
    with pytest.raises(ValueError, match="matrix must have 2 dimensions"):
        heatmap([1, 2])


def drawn(ax) -> list[tuple]:
    """Corners, colour and line of each box."""
    return [
        (*patch.get_bbox().extents, mpl.colors.to_hex(patch.get_edgecolor()), patch.get_linestyle())
        for patch in ax.patches
    ]


def test_boxes_stand_where_their_pixels_are():
    ax = boxes(torch.tensor([[1.0, 2, 5, 7]]), torch.zeros(3, 8, 8))
    assert drawn(ax) == [(0.5, 1.5, 4.5, 6.5, COLOURS[1], "--")]
    assert not ax.texts


def test_boxes_without_an_image_are_in_view_the_right_way_up():
    ax = boxes(torch.tensor([[10, 20, 40, 30], [60, 0, 80, 20]]))
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < 9.5
    assert right > 79.5
    assert bottom > 29.5
    assert top < -0.5
    assert ax.get_aspect() == 1
    assert not boxes(np.zeros((0, 4)), ax=plt.figure().gca()).patches


def test_objects_and_detections_show_their_class():
    objects = torch.tensor([[7.0, 1, 2, 5, 7], [-1, -1, -1, -1, -1]])
    ax = boxes(objects, torch.zeros(3, 8, 8))
    assert drawn(ax) == [(0.5, 1.5, 4.5, 6.5, COLOURS[0], "-")]
    found = torch.tensor([[3.0, 0, 0, 4, 4, 0.9], [4, 1, 1, 5, 5, 0.8]])
    assert boxes(found, true_positives=torch.tensor([True, False])) is ax
    assert [line[-2:] for line in drawn(ax)[1:]] == [(COLOURS[0], "-"), (COLOURS[1], "--")]
    assert [text.get_text() for text in ax.texts] == ["7", "3", "4"]
    boxes(found[:, 1:5], labels=["0.90", "0.80"])
    assert [text.get_text() for text in ax.texts[3:]] == ["0.90", "0.80"]
    assert len(boxes([], ax=ax).patches) == 5


def test_wrong_boxes_are_refused():
    with pytest.raises(ValueError, match="rows must hold finite corners"):
        boxes([[0, np.nan, 1, 1]])
    with pytest.raises(ValueError, match=r"rows must be \(n, 4\), .* not \(2, 3\)"):
        boxes(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="labels must be one for each of the 2 rows; it has 1"):
        boxes(np.zeros((2, 5)), labels="a")
    with pytest.raises(ValueError, match="true_positives must be one"):
        boxes(np.zeros((2, 6)), true_positives=[True])


def residual_block() -> Diagram:
    diagram = Diagram()
    x, layer = diagram.text(0, 0, "$x$"), diagram.box(1, 0, "linear", learned=True)
    add = diagram.circle(2, 0)
    diagram.arrows(x, layer, add)
    diagram.arrow(x, add, "skip", over=0.6)
    return diagram


def test_a_diagram_is_as_large_as_its_parts():
    diagram = residual_block()
    width, height = diagram.ax.figure.get_size_inches()
    (left, right), (low, high) = diagram.ax.get_xlim(), diagram.ax.get_ylim()
    assert (width, height) == pytest.approx((right - left, high - low))  # an inch is an inch
    drawn = diagram.ax.figure.canvas.get_renderer()
    for artist in (*diagram.ax.texts, *diagram.ax.patches):
        extent = artist.get_window_extent(drawn).transformed(diagram.ax.transData.inverted())
        assert left <= extent.x0
        assert extent.x1 <= right
        assert low <= extent.y0
        assert extent.y1 <= high


def test_arrows_of_a_diagram_end_at_borders():
    diagram = Diagram()
    box, circle = diagram.box(0, 0, "a box"), diagram.circle(2, 0)
    assert box.border(2, 0) == pytest.approx((box.width / 2, 0))
    assert box.border(0, 5) == pytest.approx((0, box.height / 2))
    reach = circle.width / 2 * 2**-0.5
    assert circle.border(-1, 3) == pytest.approx((2 - reach, reach))


def test_a_box_of_a_diagram_holds_its_text():
    diagram = Diagram()
    box = diagram.box(0, 0, "multi-head\nattention")
    for text in diagram.ax.texts:
        extent = text.get_window_extent().transformed(diagram.ax.transData.inverted())
        assert extent.width < box.width
        assert extent.height < box.height


def test_a_frame_of_a_diagram_holds_its_parts():
    diagram = Diagram()
    parts = diagram.box(0, 0, "one"), diagram.box(0, 1, "two")
    frame = diagram.frame(parts, "twice")
    assert frame.height > parts[1].y - parts[0].y + parts[0].height


def test_diagrams_are_drawings_for_a_page(capsys):
    residual_block()
    show("A linear layer with a residual connection around it.")
    assert "residual connection" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda d: d.frame([]), "parts must hold one part or more"),
        (lambda d: d.box(0, 0, 3), "text must be a str, not 3"),
        (lambda d: [d.box(0, 0, "a"), d.box(6, 0, "b")], "a telephone shows 5.2"),
        (lambda d: d.arrow(d.text(0, 0, "a"), d.text(1, 0, "b"), over=1, beside=2), "not both"),
    ],
)
def test_diagrams_refuse(draw, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        draw(Diagram())
