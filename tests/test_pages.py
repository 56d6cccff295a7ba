"""The pages around the chapters, and the papers of the repository, agree with what there is."""

from __future__ import annotations

import operator
import re
from collections import Counter
from pathlib import Path
from unicodedata import normalize

import pytest
import yaml
from conftest import CHAPTERS, ROOT
from pybtex.database import parse_file
from pybtex.richtext import Text

import d2lutil
import d2lutil.exercises
from _ext.chapter import Chapter
from _ext.contents import headings, planned

FOLDER = ROOT / "chapters"
PAGES = [ROOT / "index.md", *sorted(FOLDER.rglob("*.md"))]

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# --- From the notes to the chapters ---------------------------------------------------------------

ROWS = {f"{row.note} {row.text}": row for row in headings()}


def test_every_heading_of_the_notes_is_there_once():
    lines = read(ROOT / "tests/notes_headings.txt").splitlines()
    assert [f"{row.note} {row.text}" for row in headings()] == list(ROWS)
    assert set(ROWS) == {line.replace("\t", " ") for line in lines}
    assert all(row.english for row in ROWS.values())


def test_every_heading_of_the_notes_is_covered():
    covered = {heading for name in CHAPTERS for heading in Chapter(name).covers}
    assert covered - set(ROWS) == set()
    assert {name for name, row in ROWS.items() if not row.others} - covered == set()


def test_what_was_planned_for_a_chapter_it_covers():
    """Once it is written, the chapter's front matter says what it covers, and the page no more."""
    known = {*CHAPTERS, *planned(), "back/references", "front/how_to_use"}
    named = {other for row in ROWS.values() for other in row.others}
    assert named - known == set()
    assert named & set(CHAPTERS) == set(), "make chapter does this"


def test_every_planned_chapter_is_of_a_part():
    assert all(re.fullmatch(r"[a-z_]+/[a-z0-9_]+", name) for name in planned())


# --- The glossary ---------------------------------------------------------------------------------


def glossary() -> list[tuple[list[str], str]]:
    """The entries: the term with its other names, and the definition."""
    body = re.search(
        r"```\{glossary\}\n:sorted:\n\n(.*)```", read(FOLDER / "back/glossary.md"), re.S
    )
    entries = [entry.splitlines() for entry in body[1].strip().split("\n\n")]
    return [([line for line in e if not line.startswith("  ")], e[-1]) for e in entries]


def test_glossary_defines_each_term_once_with_its_chinese_name():
    entries = glossary()
    counts = Counter(term.lower() for terms, _ in entries for term in terms)
    assert [term for term, count in counts.items() if count > 1] == []
    bad = []
    for terms, definition in entries:
        name = re.match(r"  \*\*(.+?)\.\*\* [A-Z$].*\.$", definition)
        if not (terms and name and CHINESE.search(name[1])):
            bad.append(terms)
    assert bad == []


def test_glossary_is_sorted():
    heads = [terms[0].lower() for terms, _ in glossary()]
    assert heads == sorted(heads)


def test_no_exercise_has_the_name_of_a_term():
    """Which would be two things of one name to Sphinx."""
    terms = {term.lower() for names, _ in glossary() for term in names}
    labels = {label for page in PAGES for label in re.findall(r"^:label: (\S+)", read(page), re.M)}
    assert len(labels) > 40
    assert labels & terms == set()


def test_terms_in_the_text_are_in_the_glossary():
    known = {term.lower() for terms, _ in glossary() for term in terms}
    used = {
        (page.name, (target or text).lower())
        for page in PAGES
        for text, target in re.findall(r"\{term\}`([^`<]+?)(?: <([^`>]+)>)?`", read(page))
    }
    assert {(page, term) for page, term in used if term not in known} == set()


# --- The references -------------------------------------------------------------------------------

BIBLIOGRAPHY = parse_file(ROOT / "references.bib").entries


@pytest.mark.parametrize("key", list(BIBLIOGRAPHY))
def test_reference_is_complete(key):
    entry = BIBLIOGRAPHY[key]
    name = re.match(r"([a-z]+)(\d{4})([a-z]+)$", key)
    assert name, "a key is surname, year, word"
    surname = str(Text.from_latex("".join(entry.persons["author"][0].last_names)))
    assert normalize("NFKD", surname).encode("ascii", "ignore").decode().lower() == name[1]
    assert entry.fields["year"].rstrip("ab") == name[2], "two of one year are 2016a and 2016b"
    assert name[3] in re.sub(r"[{}]", "", entry.fields["title"]).lower()
    where = {"journal", "booktitle", "publisher", "howpublished"}
    assert where & set(entry.fields), "where was it published?"
    assert re.fullmatch(r"10\.\d{4,}/\S+", entry.fields.get("doi", "10.0000/none"))
    assert entry.fields.get("url", "https://").startswith("https://")


def test_references_are_sorted():
    assert list(BIBLIOGRAPHY) == sorted(BIBLIOGRAPHY)


def test_what_is_cited_is_a_reference():
    cited = {
        key.strip()
        for page in PAGES
        for keys in re.findall(r"\{cite(?::[a-z]+)?\}`([^`]+)`", read(page))
        for key in keys.split(",")
    }
    assert cited - set(BIBLIOGRAPHY) == set()


# --- The API --------------------------------------------------------------------------------------


def test_api_lists_all_that_is_public_and_nothing_else():
    page = read(FOLDER / "back/api.md")
    listed = re.findall(r"^\.\. (?:auto\w+|py:data):: d2lutil\.([\w.]+)", page, re.MULTILINE)
    assert [name for name, count in Counter(listed).items() if count > 1] == []
    assert [name for name in listed if not exists(name)] == []
    modules = {"data", "detection", "plotting", "translation", "weights"}
    in_data = {f"data.{name}" for name in d2lutil.data.__all__} - {
        "data.Split",
        "data.Phrases",
    }  # in the text
    in_plotting = {
        f"plotting.{name}"
        for text in PAGES
        for name in re.findall(r"\bplotting\.(\w+)\(", read(text))
    }
    assert (set(d2lutil.__all__) - modules | in_data | in_plotting) - set(listed) == set()


def exists(name: str) -> bool:
    try:
        operator.attrgetter(name)(d2lutil)
    except AttributeError:
        return False
    return True


# --- All pages, and the papers of the repository --------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_names_no_path_of_a_machine(page):
    machine = re.compile(r"(?<![\w.:/])/[A-Za-z]\w+/\w|\bshared/|\b[A-Z]:\\")
    assert [line for line in read(page).splitlines() if machine.search(line)] == []


def test_citation_file_is_valid():
    """The rules of the Citation File Format 1.2.0 that apply to what is in ours."""
    citation = yaml.safe_load(read(ROOT / "CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    required = {"cff-version", "message", "title", "authors"}
    optional = {"abstract", "type", "version", "license", "repository-code", "url", "keywords"}
    assert required <= citation.keys() <= required | optional
    assert citation["type"] in ("software", "dataset")
    assert all(
        isinstance(citation[key], str) for key in ("message", "title", "abstract", "version")
    )
    people = {"given-names", "family-names", "alias", "affiliation", "orcid", "name"}
    assert citation["authors"]
    assert all(author and author.keys() <= people for author in citation["authors"])
    assert citation["license"] == ["MIT", "CC-BY-4.0"]


def test_citation_file_agrees_with_the_settings():
    citation = yaml.safe_load(read(ROOT / "CITATION.cff"))
    config = yaml.safe_load(read(ROOT / "_config.yml"))
    assert citation["title"] == config["title"]
    assert citation["repository-code"] == config["repository"]["url"]
    assert citation["url"] == config["html"]["baseurl"]
    assert citation["version"] == d2lutil.__version__


def test_licences_are_whole():
    assert "Permission is hereby granted, free of charge" in read(ROOT / "LICENSE")
    text = read(ROOT / "LICENSE-text")
    assert text.startswith("Creative Commons Attribution 4.0 International")
    assert [n for n in range(1, 9) if f"\nSection {n} – " not in text] == []


def test_template_has_its_exercises():
    """Each check that the template calls is in the module that is copied with it, with answers."""
    checks = set(re.findall(r"^check\.(\w+)\(", read(FOLDER / "template.md"), re.MULTILINE))
    folder = ROOT / "tests/template"
    assert checks == set(re.findall(r"^(\w+) = Exercise\(", read(folder / "exercises.py"), re.M))
    answers = {}
    exec(read(folder / "answers.py"), answers)
    assert checks == set(answers["RIGHT"]) == set(answers["WRONG"])
