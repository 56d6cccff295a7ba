"""The built site as files: where its links lead, what a crawler and a shared link find."""

from __future__ import annotations

import re
from collections import deque
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup, NavigableString, Tag
from conftest import ROOT

BASE = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]


def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.fixture(scope="module")
def pages(book) -> dict[str, BeautifulSoup]:
    """Every page of the site: its path → what is on it. A test of one page parses only that."""
    folder = book / "html"
    return {
        path.relative_to(folder).as_posix(): parsed(path)
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.parts
    }


@pytest.fixture(scope="module")
def anchors(pages) -> dict[str, set[str]]:
    return {
        page: {tag[key] for key in ("id", "name") for tag in soup.find_all(attrs={key: True})}
        for page, soup in pages.items()
    }


def targets(page: str, soup: BeautifulSoup) -> list[tuple[str, str]]:
    """What a page refers to on this site: path and anchor, as from the site's root."""
    found = []
    for tag in soup.find_all(["a", "img", "link", "script", "source"]):
        address = tag.get("href") or tag.get("src")
        if not address or urlsplit(address).scheme in ("data", "mailto"):
            continue
        absolute = urljoin(BASE + page, address)
        if absolute.startswith(BASE):
            path, anchor = urldefrag(absolute.removeprefix(BASE))
            found.append((unquote(urlsplit(path).path) or "index.html", unquote(anchor)))
    return found


def test_every_link_within_the_site_leads_somewhere(book, pages, anchors):
    lost = set()
    for page, soup in pages.items():
        for path, anchor in targets(page, soup):
            if path in anchors:
                if anchor and anchor not in anchors[path]:
                    lost.add(f"{page} → {path}#{anchor}")
            elif not (book / "html" / path).is_file():
                lost.add(f"{page} → {path}")
    assert lost == set()


def test_every_page_is_three_clicks_from_the_home_page(pages):
    away, todo = {"index.html": 0}, deque(["index.html"])
    while todo:
        page = todo.popleft()
        for link in pages[page].find("main").find_all("a", href=True):
            path = urldefrag(urljoin(BASE + page, link["href"]))[0].removeprefix(BASE)
            if path in pages and path not in away:
                away[path] = away[page] + 1
                todo.append(path)
    assert [page for page in PAGES if away.get(f"{page}.html", 99) > 3] == []


def test_sitemap_has_every_page(book):
    listed = re.findall(r"<loc>(.*?)</loc>", (book / "html/sitemap.xml").read_text())
    assert sorted(listed) == sorted(f"{BASE}{page}.html" for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_shared_link_shows_title_text_and_card(book, page):
    soup = parsed(book / f"html/{page}.html")
    said = {tag["property"]: tag["content"] for tag in soup.find_all("meta", property=True)}
    assert said["og:title"]
    assert said["og:url"] == f"{BASE}{page}.html"
    assert said["og:site_name"] == "Deep Learning, Measured"
    card = book / "html" / said["og:image"].removeprefix(BASE)
    assert card.read_bytes().startswith(b"\x89PNG")
    (description,) = soup.find_all("meta", attrs={"name": "description"})
    assert 40 <= len(unescape(description["content"])) <= 300
    assert soup.find("link", rel="icon")


@pytest.mark.parametrize("page", PAGES)
def test_what_needs_scripts_says_so(book, page):
    article = parsed(book / f"html/{page}.html").find("article")
    notice = article.find("noscript")
    assert bool(notice) == bool(article.select(".math, .d2l-explore, .d2l-question"))
    assert not notice or "JavaScript" in notice.get_text()


def test_a_wrong_address_finds_its_way_back(book):
    soup = parsed(book / "html/404.html")
    assert "Page not found" in soup.get_text()
    path = urlsplit(BASE).path
    for tag in soup.find_all(["link", "script", "img"]):
        address = tag.get("href") or tag.get("src") or path
        assert address.startswith((path, "http", "data:")), address
    assert any(link["href"] == f"{path}index.html" for link in soup.find_all("a", href=True))


def test_a_computed_number_has_a_minus(pages):
    computed = [
        tag.get_text() for soup in pages.values() for tag in soup.select(".pasted-text, .range")
    ]
    assert not [text for text in computed if re.search(r"(?<![\w-])-[\d.]", text)]
    assert [text for text in computed if "\N{MINUS SIGN}" in text]


def test_no_mark_is_parted_from_its_formula_nor_a_per_cent_from_its_number(pages):
    formulas = [math for soup in pages.values() for math in soup.select("span.math")]
    parted = [
        math.parent.get_text()
        for math in formulas
        if "together" not in math.parent.get("class", []) and re.match(r"[.,:;)]", next_text(math))
    ]
    assert parted == []
    assert any("together" in math.parent.get("class", []) for math in formulas)
    numbers = [tag for soup in pages.values() for tag in soup.select(".pasted-text, .range")]
    assert not [tag.parent.get_text() for tag in numbers if next_text(tag).startswith(" %")]


def next_text(tag: Tag) -> str:
    """The text right behind a tag; empty if another tag follows."""
    return tag.next_sibling if isinstance(tag.next_sibling, NavigableString) else ""
