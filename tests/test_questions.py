"""Quick questions: what they hold, and how they answer in a browser, by mouse and by keyboard."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from IPython.utils.capture import capture_output

from d2lutil import checking
from d2lutil.checking import Progress, check
from d2lutil.questions import _Question, question

OPTIONS = {
    "Nothing": "It does nothing only where y·z is positive.",
    "It adds `x` to `w`": "That would raise the score <b>further</b>.",
    "It subtracts `x` & goes on": 'It adds y·x, and "y" is −1.',
}
RIGHT = "It subtracts `x` & goes on"
FIRST = _Question("What does `w < 0` do?", OPTIONS, RIGHT)
SECOND = _Question("A second question?", {"Yes": "So it is.", "No": "It is."}, "Yes")


def wrong_verdict() -> checking.Verdict:
    return check.smallest_margin(lambda w, b, X, y: (X @ w + b).abs().min() / torch.sqrt(w @ w))


def test_html_holds_what_was_given_escaped() -> None:
    page = FIRST._repr_html_()
    assert page.count('type="radio"') == 3
    assert re.search(r"<legend[^>]*>What does <code[^>]*>w &lt; 0</code> do\?</legend>", page)
    assert "&amp; goes on" in page
    assert "<b>" not in html.unescape(page)
    places = [page.index(word) for word in ("Nothing", "It adds <code", "It subtracts <code")]
    assert places == sorted(places)


def test_html_is_self_contained_and_the_same_each_time() -> None:
    page = FIRST._repr_html_()
    assert not re.search(r"https?:|src=|<link|@import|console", page)
    assert page == _Question(FIRST.prompt, dict(OPTIONS), RIGHT)._repr_html_()
    ids = {re.search(r'id="([^"]+)"', q._repr_html_()).group(1) for q in (FIRST, SECOND)}
    assert len(ids) == 2
    assert all(re.fullmatch(r"question-[0-9a-f]{12}", name) for name in ids)


def test_question_is_displayed() -> None:
    with capture_output() as captured:
        question(FIRST.prompt, OPTIONS, RIGHT)
    text = captured.stdout or captured.outputs[0].data["text/plain"]
    assert "What does `w < 0` do?" in text
    assert "( ) Nothing" in text
    assert "further" not in text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("Q?", ["a", "b"], "a"), TypeError, "options must map each option to its feedback"),
        (("Q?", {"a": "x"}, "a"), ValueError, "options must be at least two, not 1"),
        (("Q?", {"a": "x", "b": ""}, "a"), ValueError, "feedback on 'b' must be a text"),
        (("Q?", {"a": "x", "b": None}, "a"), ValueError, "feedback on 'b' must be a text"),
        (("Q?", {"a": "x", " ": "y"}, "a"), ValueError, "option must be a text, not ' '"),
        (("", {"a": "x", "b": "y"}, "a"), ValueError, "prompt must be a text"),
        (("Q?", {"a": "x", "b": "y"}, "c"), ValueError, "answer must be one of the options"),
    ],
)
def test_bad_arguments(arguments: tuple, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        question(*arguments)


# --- In a browser ---------------------------------------------------------------------------------


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Any, tmp_path: Any, monkeypatch: Any) -> Iterator:
    """A page with two questions, one of them twice, three verdicts and a list of progress."""
    monkeypatch.setenv("D2LUTIL_HOME", str(tmp_path))
    monkeypatch.delenv("D2LUTIL_CHECK", raising=False)
    shown = [
        FIRST,
        SECOND,
        FIRST,
        wrong_verdict(),
        check.smallest_margin(lambda w, b, X, y: None),
        check.smallest_margin(lambda w, b, X, y: (y * (X @ w + b)).min() / w.norm()),
        Progress({"perceptron": {"margin": "passed", "perceptron_update": "failed"}}, "A note."),
    ]
    colours = {"light": "color:#222;background:#fff", "dark": "color:#ddd;background:#14181e"}
    page = browser.new_page(viewport={"width": 390, "height": 800})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda made: errors.append(made.url))
    page.set_content(
        f"<!doctype html><html lang=en><title>Questions</title>"
        f"<body style='{colours[request.param]};color-scheme:{request.param}'>"
        f"<main><h1>Questions</h1>{''.join(s._repr_html_() for s in shown)}</main>"
    )
    yield page
    assert not errors
    page.close()


def test_answered_by_keyboard(page: Any) -> None:
    first = page.get_by_role("group", name="What does w < 0 do?").first
    told = first.get_by_role("status")
    assert told.inner_text() == ""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "radio"
    page.keyboard.press("Space")
    assert told.inner_text() == "✗ It does nothing only where y·z is positive."
    assert told.get_by_role("img", name="Wrong:").count() == 1
    page.keyboard.press("ArrowDown")
    assert told.inner_text() == "✗ That would raise the score <b>further</b>."
    page.keyboard.press("ArrowDown")
    assert told.inner_text() == '✓ It adds y·x, and "y" is −1.'
    assert told.get_by_role("img", name="Right:").count() == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    second = page.get_by_role("group", name="A second question?")
    assert second.get_by_role("status").inner_text() == "✓ So it is."
    assert told.inner_text() == '✓ It adds y·x, and "y" is −1.'


def test_answered_by_mouse_and_a_copy_is_apart(page: Any) -> None:
    copies = page.get_by_role("group", name="What does w < 0 do?")
    copies.nth(0).get_by_text("Nothing").click()
    copies.nth(1).get_by_text("It subtracts").click()
    assert copies.nth(0).get_by_role("status").inner_text().startswith("✗")
    assert copies.nth(1).get_by_role("status").inner_text().startswith("✓")
    assert copies.nth(0).get_by_role("radio", name="Nothing").is_checked()


def test_no_serious_violation(page: Any) -> None:
    for group in page.get_by_role("group").all():
        group.get_by_role("radio").first.check()
    found = Axe().run(page).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    # A question shown twice has the same id twice; on a page of the book none is.
    assert [v["id"] for v in serious if v["id"] != "duplicate-id"] == []


def test_nothing_is_wider_than_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 350, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 350
