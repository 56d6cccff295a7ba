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

from _ext.chapter import Chapter

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]
CHAPTERS = [page for page in PAGES if page.split("/")[1:2] not in ([], ["front"], ["back"])]
EXTRA = ["genindex", "search"]
GLOSSARY = (ROOT / "chapters/back/glossary.md").read_text(encoding="utf-8")


def each(pages: list[str]) -> pytest.MarkDecorator:
    """Run a test for each page."""
    return pytest.mark.parametrize("page", pages)


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


# All tokens of a kind have one colour: leave one each, since axe takes its time over thousands.
ONE_TOKEN_OF_A_KIND = """() => {
    const known = new Set();
    for (const token of document.querySelectorAll(".highlight span[class]")) {
        const place = token.closest(".solution, .exercise, .cell_output")?.className;
        const kind = `${token.className} ${place}`;
        if (known.has(kind)) token.replaceWith(...token.childNodes);
        known.add(kind);
    }
}"""


@pytest.mark.parametrize(
    ("width", "theme", "rules"),
    [(1280, "light", "all"), (1280, "dark", ["color-contrast"]), (390, "light", [])],
)
@each(PAGES)
def test_page_opens_whole(open_page, page, width, theme, rules):
    tab, wrong = open_page(page, width, theme)
    assert tab.evaluate("document.documentElement.dataset.theme") == theme
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    formulas = (
        "[...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container'))"
    )
    assert tab.evaluate(f"{formulas}.map(e => e.textContent)") == []
    assert tab.locator("mjx-merror").count() == 0
    assert wrong == []
    if not rules:
        return
    tab.evaluate(ONE_TOKEN_OF_A_KIND)
    some = {} if rules == "all" else {"runOnly": rules}
    violations = Axe().run(tab, options={"resultTypes": ["violations"], **some})
    serious = [
        (violation["id"], node["html"][:200], node["failureSummary"][:300])
        for violation in violations.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert serious == []


@pytest.mark.parametrize("page", EXTRA)
def test_other_page_opens(open_page, page):
    assert open_page(page)[1] == []


@each(CHAPTERS)
def test_code_fits_the_column_and_what_only_draws_is_folded(open_page, page):
    tab, wrong = open_page(page, 1280 - 15)  # less a scroll bar
    folded = tab.locator("details.hide")
    assert folded.count() >= 1
    assert set(folded.all_inner_texts()) == {"Show the code"}
    folded.evaluate_all("all => all.forEach(one => one.open = true)")
    assert folded.locator("pre").evaluate_all("all => all.every(one => one.checkVisibility())")
    titles = tab.locator("div.solution > .admonition-title")
    titles.evaluate_all("all => all.forEach(one => one.click())")
    code = tab.locator(".bd-article .cell_input pre")
    assert code.count() >= 20
    too_wide = """blocks => {
        const probes = blocks.map(() => document.createElement("span"));
        for (const [i, probe] of probes.entries()) {
            probe.style.cssText = "display: block; width: max-content; white-space: pre";
            probe.textContent = "0".repeat(80);
            blocks[i].prepend(probe);
        }
        return blocks.filter((block, i) => {
            const { paddingLeft, paddingRight } = getComputedStyle(block);
            const room = block.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
            return probes[i].offsetWidth > room || block.scrollWidth > block.clientWidth;
        }).map(block => block.textContent.slice(80, 200));
    }"""
    assert code.evaluate_all(too_wide) == []
    hidden = code.evaluate_all("all => all.filter(one => !one.checkVisibility()).length")
    assert hidden == 0  # all were open to be measured
    assert wrong == []


@each(["chapters/foundations/mlp"])
def test_page_without_scripts_says_so(browser, site, page):
    for scripts in (False, True):
        tab = browser.new_page(java_script_enabled=scripts)
        tab.goto(f"{site}/{page}.html")
        assert tab.locator("main noscript p").is_visible() is not scripts
        tab.close()


def test_search_keeps_the_focus_until_it_is_left(open_page):
    tab, wrong = open_page("chapters/foundations/perceptron")
    box, field = tab.locator("dialog"), tab.locator("dialog input")
    link = tab.locator(".bd-article p a[href]").first
    link.focus()
    for leave in (
        lambda: tab.keyboard.press("Escape"),
        lambda: tab.keyboard.press("Control+k"),
        lambda: tab.mouse.click(5, 5),
    ):
        tab.keyboard.press("Control+k")
        assert field.evaluate("e => e === document.activeElement")
        field.fill("loss")
        for key in ("Tab", "Tab", "Shift+Tab"):
            tab.keyboard.press(key)
            assert field.evaluate("e => e === document.activeElement"), key
        leave()
        assert not box.is_visible()
        assert link.evaluate("e => e === document.activeElement")
    button = tab.locator("button.search-button__button").first
    button.click()
    box.locator("kbd").first.click()  # takes the focus from the field
    tab.keyboard.press("Escape")
    assert not box.is_visible()
    button.click()
    field.fill("perceptron")
    with tab.expect_navigation():
        field.press("Enter")
    tab.wait_for_selector("#search-results li a")
    assert wrong == []


@pytest.fixture
def found(open_page):
    """A function: the pages that a search for each of these finds."""
    tab, wrong = open_page("search", query="?q=perceptron")
    tab.wait_for_selector("#search-results li a")
    assert any("perceptron" in a for a in tab.locator("#search-results li a").all_inner_texts())
    search = "terms.map(t => Search._performSearch(...Search._parseQuery(t)).map(r => r[0]))"
    yield lambda terms: dict(zip(terms, tab.evaluate(f"terms => {search}", terms), strict=True))
    assert wrong == []


def test_search_finds_every_term_of_the_glossary(found):
    terms = re.findall(r"^(?![ `])(.+)$", GLOSSARY.partition(":sorted:\n")[2], re.M)
    assert len(terms) > 150
    assert [term for term, pages in found(terms).items() if not pages] == []


def test_search_finds_every_chinese_name_and_its_parts(found):
    names = re.findall(r"[\u3400-\u9fff]+", GLOSSARY)
    assert len(names) > 150
    parts = {name[i : i + 2] for name in names for i in range(len(name) - 1)}
    assert {"感知", "卷积"} <= parts
    everywhere = found([*names, *parts, *"".join(names)])
    assert [
        name for name, pages in everywhere.items() if "chapters/back/glossary" not in pages
    ] == []
    assert found(["知感", "知感机", "机知感"]) == {"知感": [], "知感机": [], "机知感": []}


@pytest.mark.parametrize("query", ["perceptron", "gradient", "softmax", "affine map", "divides by"])
def test_search_shows_what_a_reader_reads(open_page, query):
    tab, wrong = open_page("search", query=f"?q={query}")
    tab.wait_for_function("document.querySelector('.search-summary')?.innerText")
    rows = tab.locator("#search-results li:not(:has(> span))")  # of a page or a section
    assert rows.count() >= 2
    for row in rows.all():
        said = row.locator("p.context").inner_text()
        assert len(said) > 20
        assert "Open in Colab" not in said
        assert not re.search(r"\\[([]|\\(frac|hat|in|math|partial|sqrt|sum|top)", row.inner_text())
    assert wrong == []


BUDGET = 400_000  # bytes
KEPT = ("/mathjax/", ".woff2", "/favicon.")  # by the browser, from page to page


@each(PAGES)
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


@each(["index", *CHAPTERS])
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


@each(CHAPTERS)
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


@each(CHAPTERS)
def test_each_solution_opens(open_page, page):
    tab, wrong = open_page(page, 390)
    solutions = tab.locator("div.solution")
    assert solutions.count() >= 3
    for solution in solutions.all():
        content = solution.locator("section").first
        assert not content.is_visible()
        solution.locator("button.toggle-button, summary, .admonition-title").first.click()
        content.wait_for(state="visible")
        assert content.inner_text().strip()
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
    cut_off = """svg => [...svg.querySelectorAll("text")].map(text => text.getBBox())
        .filter(box => box.x + box.width > svg.viewBox.baseVal.width).length"""
    assert tab.locator("svg.map").evaluate(cut_off) == 0
    tab.locator("svg.map a").nth(3).focus()
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert tab.url.endswith(hrefs[3])


@each(CHAPTERS)
def test_line_under_the_title_says_what_to_know_before(book, page):
    soup = BeautifulSoup(
        (book / "html" / f"{page}.html").read_text(encoding="utf-8"), "html.parser"
    )
    line = soup.select_one("h1 + p.facts").get_text()
    pattern = r"(\d+) minutes to read · \d+ seconds of one processor core to run"
    assert 10 <= int(re.match(pattern, line)[1]) <= 60
    chapter = Chapter(page.removeprefix("chapters/"))
    assert ("builds on" in line) == bool(chapter.builds_on)
    assert (" of the notes" in line) == bool(chapter.covers)


@each(CHAPTERS)
def test_no_progress_bar_stays_on_the_page(book, page):
    assert "widget-view" not in Path(book, "html", f"{page}.html").read_text(encoding="utf-8")


@each(CHAPTERS)
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
