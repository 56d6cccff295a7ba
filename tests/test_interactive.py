"""Figures to play with: what `explore` draws and refuses, and its sliders in a browser."""

from __future__ import annotations

import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

mpl.use("agg")

import matplotlib.pyplot as plt

from d2lutil import explore, show

RATES, DEPTHS = [0.01, 0.1, 1.0], [1, 2]


@pytest.fixture(autouse=True)
def no_figures_left():
    plt.close("all")
    yield
    assert plt.get_fignums() == []


@pytest.fixture
def shown(monkeypatch):
    """What has been displayed."""
    pages = []
    monkeypatch.setattr("IPython.display.display", pages.append)
    return pages


def draw(learning_rate=1.0, depth=1):
    plt.plot([0, learning_rate, depth], "o-", label="$w$")
    plt.xlabel("step")
    plt.legend()


def describe(learning_rate=1.0, depth=1) -> str:
    return f"Rate {learning_rate}, depth {depth}."


def frames(page) -> list[str]:
    """All drawings in a page, the one on view first."""
    return re.findall(r"<svg.*?</svg>", page.html)


def name(drawing: str) -> str:
    return re.search(r'aria-label="([^"]*)"', drawing)[1]


# What is drawn


def test_each_combination_is_drawn_once_in_order(shown):
    drawn = []

    def draw_and_note(**values):
        drawn.append(values)
        draw(**values)

    explore(draw_and_note, alt=describe, learning_rate=RATES, depth=DEPTHS)
    assert drawn == [{"learning_rate": r, "depth": d} for r in RATES for d in DEPTHS]
    (page,) = shown
    assert sorted(map(name, frames(page))) == sorted(describe(**values) for values in drawn)
    assert len(set(frames(page))) == 6
    assert page.html.count("<template>") == 6
    assert page.html.count("<template></template>") == 1  # that of the one on view


def test_first_figure_is_on_view_unless_another_is_asked_for(shown):
    explore(draw, alt=describe, learning_rate=RATES, depth=DEPTHS)
    explore(draw, alt=describe, learning_rate=RATES, depth=DEPTHS, start={"learning_rate": 0.1})
    assert [name(frames(page)[0]) for page in shown] == [
        "Rate 0.01, depth 1.",
        "Rate 0.1, depth 1.",
    ]


@pytest.mark.parametrize("array", [np.array, torch.tensor, tuple, iter])
def test_values_may_come_in_any_sequence(array, shown):
    kinds = set()

    def note(depth):
        kinds.add(type(depth))
        draw(depth=depth)

    explore(note, alt="A line", depth=array([1, 2]))
    assert kinds == {int}
    assert len(frames(shown[0])) == 2


def test_it_says_how_many_bytes_it_made(shown):
    explore(draw, alt="A line", learning_rate=RATES)
    size = sum(len(frame.encode()) for frame in frames(shown[0]))
    assert f"3 figures, {size / 1000:.0f} kB" in shown[0].html
    assert repr(shown[0]) == f"[3 figures, {size / 1000:.0f} kB, by learning_rate] A line"
    assert size < len(shown[0].html) < size + 4000


def test_chinese_text_stays_text_without_warnings(shown, recwarn):
    def draw_titled(epoch):
        plt.plot([0, epoch])
        plt.title(f"第 {epoch} 轮")

    explore(draw_titled, alt="A line", epoch=[1, 2])
    assert "第 1 轮" in shown[0].html
    assert [str(warning.message) for warning in recwarn] == []


def test_same_code_gives_the_same_bytes(shown):
    for _ in range(2):
        explore(draw, alt=describe, learning_rate=RATES, depth=DEPTHS)
    assert shown[0] == shown[1]


def test_values_read_well(shown):
    def plot(f, shift):
        plt.plot(f(torch.arange(3.0) + shift))

    explore(plot, alt="A curve", f=[torch.relu, torch.tanh], shift=[-0.1 - 0.2, 1e-5])
    assert all(text in shown[0].html for text in (">relu<", "&quot;tanh&quot;", ">−0.3<", "1e−05"))


def test_axes_stay_where_they_are(shown):
    def plot(top):
        plt.plot([0, top])
        plt.xlabel("step")

    explore(plot, alt="A line", top=[1, 12_345])
    places = [re.search(r'x="([\d.]+)"[^>]*>step<', frame)[1] for frame in frames(shown[0])]
    assert places[0] == places[1]


def test_figures_are_all_drawn_the_same_way(shown):
    rng = np.random.default_rng(0)

    def scatter(n):
        plt.scatter(*rng.normal(size=(2, n)), s=3)

    explore(scatter, alt="Points", n=[5, 50])
    explore(scatter, alt="Points", n=[5, 30_000])
    light, heavy = ([("data:image" in frame) for frame in frames(page)] for page in shown)
    assert light == [False, False]
    assert heavy == [True, True]


# What is refused


def test_more_bytes_than_the_limit_are_refused_with_what_to_do(shown):
    explore(draw, alt="A line", learning_rate=RATES)
    size = sum(len(frame.encode()) for frame in frames(shown.pop()))
    explore(draw, alt="A line", learning_rate=RATES, limit=size)
    told = (
        f"the 3 figures take {size:,} bytes, over the limit of {size - 1:,}: give fewer values, "
        "draw less in each figure, or raise limit"
    )
    with pytest.raises(ValueError, match=f"^{told}$"):
        explore(draw, alt="A line", learning_rate=RATES, limit=size - 1)
    assert len(shown) == 1


def test_far_too_many_figures_are_refused_before_any_is_drawn():
    with pytest.raises(ValueError, match=r"10,000 figures would not fit into 1,000,000 bytes"):
        explore(pytest.fail, alt="A line", a=range(100), b=range(100))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"draw": 3, "a": [1, 2]}, TypeError, "draw must be a function"),
        ({"alt": " ", "a": [1, 2]}, ValueError, "alt must be a text"),
        ({"alt": lambda a: "", "a": [1, 2]}, ValueError, "alt must be a text"),
        ({}, ValueError, "explore needs one or two controls"),
        ({"a": [1, 2], "b": [1, 2], "c": [1, 2]}, ValueError, "needs one or two controls"),
        ({"a": [1]}, ValueError, "a must be a sequence of two values or more"),
        ({"a": 3}, ValueError, "a must be a sequence of two values or more"),
        ({"a": "xy"}, ValueError, "a must be a sequence of two values or more"),
        ({"a": [1, 2], "start": {"a": 3}}, ValueError, "start has a=3"),
        ({"a": [1, 2], "start": {"b": 1}}, ValueError, "start has b=1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message, shown):
    with pytest.raises(error, match=message):
        explore(**{"draw": lambda **_: plt.plot([1, 2]), "alt": "A line"} | arguments)
    assert shown == []


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda a: None, r"without show\(\); with \{'a': 1\} it left 0"),
        (lambda a: (plt.figure(), plt.figure()), "it left 2"),
        (lambda a: plt.figure(figsize=(a, 2)), r"one size; .* \[\(1.0, 2.0\), \(2.0, 2.0\)\]"),
        (lambda a: plt.figure() and 1 / 0, "division by zero"),
    ],
)
def test_wrong_drawing_is_refused_and_leaves_nothing(draw, message, shown):
    with pytest.raises((ValueError, ZeroDivisionError), match=message):
        explore(draw, alt="A line", a=[1, 2])
    assert shown == []


def test_open_figure_is_not_drawn_into(shown):
    figure = plt.figure()
    with pytest.raises(ValueError, match="a figure is open"):
        explore(draw, alt="A line", learning_rate=RATES)
    assert plt.get_fignums() == [figure.number]
    plt.close()


# In a browser

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A chapter</title>
<meta name="viewport" content="width=device-width"><style>
:root { color-scheme: light dark; }
body { font: 16px/1.6 sans-serif; margin: 0 auto; max-width: 46rem; padding: 1rem;
  color: light-dark(#222832, #ced6dd); background: light-dark(#fff, #14181e); }
</style><body><main><h1>A chapter</h1>"""


@pytest.fixture
def content(shown) -> str:
    """Two figures with sliders and one without."""
    explore(draw, alt=describe, learning_rate=RATES, depth=DEPTHS)
    draw()
    show("A line")
    explore(draw, alt=lambda depth: f"Depth {depth}.", depth=[1, 2, 3], start={"depth": 2})
    return "\n<p>In between.</p>\n".join(page.html for page in shown)


@pytest.fixture
def open_tab(browser):
    """A function that opens a page with this content; nothing may go wrong on it."""
    contexts, wrong = [], []

    def go(content: str, **options):
        contexts.append(browser.new_context(**options))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda r: r.url.startswith("data:") or wrong.append(r.url))
        tab.set_content(HEAD + content)
        return tab

    yield go
    assert wrong == []
    for context in contexts:
        context.close()


SCREENS = [
    {"viewport": {"width": width, "height": 800}, "color_scheme": theme}
    for width in (390, 1280)
    for theme in ("light", "dark")
]


@pytest.mark.parametrize(
    "screen", SCREENS, ids=lambda s: f"{s['viewport']['width']}-{s['color_scheme']}"
)
def test_page_fits_and_has_no_serious_violation(open_tab, content, screen):
    tab = open_tab(content, **screen)
    width = screen["viewport"]["width"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.get_by_role("img").count() == 3
    for slider in tab.get_by_role("slider").all():
        box = slider.bounding_box()
        assert box["height"] >= 44
        assert box["width"] >= 120
    shown = tab.get_by_role("img").first.bounding_box()
    assert shown["width"] == pytest.approx(min(width - 32, 480), abs=1)
    violations = Axe().run(tab).response["violations"]
    assert [v["id"] for v in violations if v["impact"] in ("serious", "critical")] == []


def state(group) -> tuple[str, str, str]:
    """What a group shows, to the eye, to a screen reader, and what it has said to that."""
    values = " ".join(group.locator("output").all_inner_texts())
    return (
        values,
        group.get_by_role("img").get_attribute("aria-label"),
        group.get_by_role("status").text_content(),
    )


def test_keyboard_moves_the_sliders(open_tab, content):
    tab = open_tab(content, viewport={"width": 390, "height": 800})
    group = tab.get_by_role("group", name="Figure with sliders: learning rate and depth")
    rate = group.get_by_role("slider", name="learning rate", exact=True)
    depth = group.get_by_role("slider", name="depth", exact=True)
    assert state(group) == ("0.01 1", "Rate 0.01, depth 1.", "")
    before = group.bounding_box()
    for slider, key, values, alt in [
        (rate, "ArrowRight", "0.1 1", "Rate 0.1, depth 1."),
        (depth, "End", "0.1 2", "Rate 0.1, depth 2."),
        (rate, "End", "1 2", "Rate 1.0, depth 2."),
        (depth, "Home", "1 1", "Rate 1.0, depth 1."),
        (rate, "Home", "0.01 1", "Rate 0.01, depth 1."),
    ]:
        slider.press(key)
        assert state(group) == (values, alt, alt)
        assert slider.get_attribute("aria-valuetext") in values.split()
        assert group.bounding_box() == before
        ids = tab.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids)) > 0
    other = tab.get_by_role("group", name="Figure with sliders: depth", exact=True)
    assert state(other) == ("2", "Depth 2.", "")
    assert other.get_by_role("slider").input_value() == "1"


def test_mouse_moves_the_sliders_and_the_picture_changes(open_tab, content):
    tab = open_tab(content, viewport={"width": 1280, "height": 800})
    group = tab.get_by_role("group").last
    slider, picture = group.get_by_role("slider"), group.get_by_role("img")
    pictures = {}
    for part, alt in [(0.5, "Depth 2."), (0.98, "Depth 3."), (0.02, "Depth 1.")]:
        box = slider.bounding_box()
        slider.click(position={"x": part * box["width"], "y": box["height"] / 2})
        assert picture.get_attribute("aria-label") == alt
        pictures[alt] = picture.screenshot()
    assert len(set(pictures.values())) == 3


def test_sliders_work_where_a_notebook_inserts_them(open_tab, content):
    """A notebook sets innerHTML, which runs no script; one output may be there twice."""
    tab = open_tab("", viewport={"width": 1280, "height": 800})
    tab.evaluate("html => { document.querySelector('main').innerHTML = html + html; }", content)
    for n in (1, 3):
        tab.get_by_role("slider").nth(n).press("End")
    alts = [
        group.get_by_role("img").get_attribute("aria-label")
        for group in tab.get_by_role("group").all()
    ]
    assert alts == ["Rate 0.01, depth 2.", "Depth 2.", "Rate 1.0, depth 1.", "Depth 2."]


def test_first_figure_is_there_without_scripts(open_tab, content):
    tab = open_tab(content, java_script_enabled=False)
    alts = [image.get_attribute("aria-label") for image in tab.get_by_role("img").all()]
    assert alts == ["Rate 0.01, depth 1.", "A line", "Depth 2."]
