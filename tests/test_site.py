"""Every page of the built site, in a browser: wide and narrow, light and dark."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from conftest import ROOT

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]
CHAPTERS = [page for page in PAGES if page.split("/")[1:2] not in ([], ["front"], ["back"])]
EXTRA = ["genindex", "search"]


@pytest.fixture
def open_page(browser, site):
    """A function that opens a page and returns it with a list of what went wrong on the way."""
    contexts = []

    def go(page: str, width: int = 1280, theme: str = "light", query: str = ""):
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
        contexts.append(context)
        tab, wrong = context.new_page(), []
        tab.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        ours = (site, "data:", "blob:")
        tab.on("request", lambda r: r.url.startswith(ours) or wrong.append(f"foreign: {r.url}"))
        tab.on("response", lambda r: r.status >= 400 and wrong.append(f"{r.status}: {r.url}"))
        tab.goto(f"{site}/{page}.html{query}", wait_until="load")
        tab.evaluate("window.MathJax?.startup?.promise")
        return tab, wrong

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_whole(open_page, page, width, theme):
    tab, wrong = open_page(page, width, theme)
    assert tab.evaluate("document.documentElement.dataset.theme") == theme
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    formulas = (
        "[...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container'))"
    )
    assert tab.evaluate(f"{formulas}.map(e => e.textContent)") == []
    assert tab.locator("mjx-merror").count() == 0
    assert wrong == []
    violations = Axe().run(tab).response["violations"]
    serious = [
        (violation["id"], node["html"][:200], node["failureSummary"][:300])
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert serious == []


@pytest.mark.parametrize("page", EXTRA)
def test_other_page_opens(open_page, page):
    assert open_page(page)[1] == []


def test_search_finds_every_term_of_the_glossary(open_page):
    tab, wrong = open_page("search", query="?q=perceptron")
    tab.wait_for_selector("#search-results li a")
    assert any("perceptron" in a for a in tab.locator("#search-results li a").all_inner_texts())
    glossary = (ROOT / "chapters/back/glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^(?![ `])(.+)$", glossary.partition(":sorted:\n")[2], re.M)
    assert len(terms) > 150
    count = "terms.map(t => Search._performSearch(...Search._parseQuery(t)).length)"
    found = tab.evaluate(f"terms => {count}", terms)
    assert [term for term, pages in zip(terms, found, strict=True) if not pages] == []
    assert wrong == []


BUDGET = 400_000  # bytes
KEPT = ("/mathjax/", ".woff2", "/favicon.")  # by the browser, from page to page


@pytest.mark.parametrize("page", PAGES)
def test_page_is_light(browser, site, page):
    """What it transfers, compressed; but MathJax and fonts, which stay in the browser."""
    tab, responses = browser.new_page(), []
    tab.on("response", lambda r: any(part in r.url for part in KEPT) or responses.append(r))
    tab.goto(f"{site}/{page}.html", wait_until="networkidle")
    loaded = list(responses)
    for slider in tab.locator(".d2l-explore input[type=range]").all():
        slider.focus()
        slider.press("End")
    assert responses == loaded  # to move it loads nothing
    weights = {response.url: len(gzip.compress(response.body())) for response in loaded}
    assert sum(weights.values()) <= BUDGET, sorted(weights.items(), key=lambda pair: -pair[1])[:4]
    tab.close()


@pytest.mark.parametrize("page", ["index", *CHAPTERS])
def test_each_slider_changes_its_figure(open_page, page):
    tab, wrong = open_page(page, 390)
    sliders = tab.locator(".d2l-explore input[type=range]")
    assert sliders.count() >= 1
    for slider in sliders.all():
        figure = slider.locator("xpath=ancestor::*[contains(@class, 'd2l-explore')]")
        slider.focus()
        slider.press("Home")
        first = figure.locator("svg, img").first.evaluate("e => e.outerHTML")
        slider.press("End")
        assert figure.locator("svg, img").first.evaluate("e => e.outerHTML") != first
    assert wrong == []


@pytest.mark.parametrize("page", CHAPTERS)
def test_each_question_answers(open_page, page):
    tab, wrong = open_page(page, 390)
    questions = tab.locator(".d2l-question")
    assert questions.count() >= 2
    for question in questions.all():
        said = set()
        for option in question.locator("input[type=radio]").all():
            option.focus()
            option.press("Space")
            said.add(question.locator("[aria-live]").inner_text().strip())
        assert len(said) == question.locator("input[type=radio]").count()
        assert "" not in said
    assert wrong == []


@pytest.mark.parametrize("page", CHAPTERS)
def test_each_solution_opens(open_page, page):
    tab, wrong = open_page(page, 390)
    solutions = tab.locator("div.solution")
    assert solutions.count() >= 3
    for solution in solutions.all():
        code = solution.locator("pre").first
        assert not code.is_visible()
        solution.locator("button.toggle-button, summary, .admonition-title").first.click()
        code.wait_for(state="visible")
    assert wrong == []


def test_page_prints_in_light_colours_and_without_the_frame(open_page):
    tab, _ = open_page("chapters/foundations/mlp", theme="dark")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    for part in (".bd-header-article", ".bd-sidebar-primary", ".prev-next-footer"):
        assert not tab.locator(part).first.is_visible()
    assert tab.locator(".bd-article h2").first.is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"


def test_progress_is_kept_shown_saved_and_forgotten(browser, site):
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{site}/index.html")
    assert tab.locator(".progress-here").inner_text().strip() == ""
    tab.goto(f"{site}/chapters/foundations/mlp.html")
    tab.locator(".d2l-question input").first.check()
    kept = "JSON.parse(localStorage.getItem('deep-learning-measured'))"
    assert tab.evaluate(kept)["chapters"] == {}  # opened is not read
    tab.locator("section#summary").scroll_into_view_if_needed()
    tab.wait_for_function(f"{kept}.chapters['foundations/mlp']")
    tab.goto(f"{site}/index.html")
    told = tab.locator(".progress-here")
    assert (
        f"You have read 1 of {len(CHAPTERS)} chapters and answered 1 question." in told.inner_text()
    )
    assert tab.locator("svg.map a.is-read").count() == 1
    with tab.expect_download() as download:
        told.get_by_role("button", name="Save as a file").click()
    assert list(json.loads(download.value.path().read_text())["chapters"]) == ["foundations/mlp"]
    told.get_by_role("button", name="Forget it").click()
    assert told.inner_text().strip() == ""
    assert tab.locator(".is-read").count() == 0
    assert tab.evaluate("localStorage.getItem('deep-learning-measured')") is None
    context.close()


def test_map_leads_to_every_chapter(open_page):
    tab, _ = open_page("index", 390)
    hrefs = tab.locator("svg.map a").evaluate_all("links => links.map(a => a.href.baseVal)")
    assert hrefs == [f"{chapter}.html" for chapter in CHAPTERS]
    tab.locator("svg.map a").nth(3).focus()
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert tab.url.endswith(hrefs[3])


@pytest.mark.parametrize("page", CHAPTERS)
def test_line_under_the_title_says_what_to_know_before(book, page):
    soup = BeautifulSoup(
        (book / "html" / f"{page}.html").read_text(encoding="utf-8"), "html.parser"
    )
    line = soup.select_one("h1 + p.facts").get_text()
    pattern = r"(\d+) minutes to read · \d+ seconds to run on one processor core"
    assert 10 <= int(re.match(pattern, line)[1]) <= 60
    assert "headings of the notes" in line


@pytest.mark.parametrize("page", CHAPTERS)
def test_no_progress_bar_stays_on_the_page(book, page):
    assert "widget-view" not in Path(book, "html", f"{page}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", CHAPTERS)
def test_buttons_lead_to_the_students_notebook(open_page, page, book):
    tab, _ = open_page(page)
    name = page.removeprefix("chapters/") + ".ipynb"
    hrefs = tab.locator(".article-header-buttons a").evaluate_all("links => links.map(a => a.href)")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    repository = config["repository"]["url"].removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{repository}/blob/notebooks/{name}"
    assert colab in hrefs
    (download,) = [href for href in hrefs if href.endswith(name) and href != colab]
    got = tab.request.get(download).body()
    assert got == Path(book, "notebooks", name).read_bytes()
