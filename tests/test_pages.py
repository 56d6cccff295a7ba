"""The pages around the chapters, and the papers of the repository, agree with what there is."""

from __future__ import annotations

import operator
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from pybtex.database import parse_file

import d2lutil
import d2lutil.exercises

CHAPTERS = ROOT / "chapters"
NOTES = CHAPTERS / "front/from_the_notes.md"
PAGES = [ROOT / "index.md", *sorted(CHAPTERS.rglob("*.md"))]

# The chapters of the whole book, by part. Those that have a file are written, the others planned.
PLAN = {
    "foundations": "what-is-deep-learning perceptron linear-regression softmax-regression mlp "
    "backpropagation layers-and-blocks optimization vanishing-gradients generalization",
    "convolution": "convolution lenet deep-convnets nin-and-googlenet batch-normalization resnet "
    "efficient-convolutions seeing-inside augmentation fine-tuning leaf-classification",
    "scale": "processors data-parallel distributed deployment",
    "sequences": "memory rnn gru lstm deep-and-bidirectional slot-filling word2vec seq2seq",
    "attention": "attention self-attention transformer parallel-decoding "
    "bert-and-gpt vision-transformer efficient-attention multimodal",
    "generation-and-graphs": "gan graph-networks",
    "detection": "boxes iou-losses yolov1 yolov2-and-yolov3 detr",
    "choosing": "choosing-an-architecture",
}
PLANNED = {name for names in PLAN.values() for name in names.split()}
WRITTEN = {page.stem for page in CHAPTERS.glob("*/*.md") if page.parent.name in PLAN}

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# --- From the notes to the chapters ---------------------------------------------------------------


def rows() -> dict[tuple[str, str], str]:
    """The page's tables: (note, heading) → what stands in the column of chapters."""
    found = {}
    for section in re.split(r"^## ", read(NOTES), flags=re.MULTILINE)[1:]:
        for heading, chapters in re.findall(r"^\| (.+?)<br>.+? \| (.*) \|$", section, re.MULTILINE):
            assert (section[:3], heading) not in found, f"{heading} stands twice in {section[:3]}"
            found[section[:3], heading] = chapters
    return found


def links(cell: str) -> list[Path]:
    return [(NOTES.parent / target).resolve() for target in re.findall(r"\]\(([^)]+)\)", cell)]


def planned(cell: str) -> list[str]:
    return re.findall(r"\*([^*]+)\*", cell.partition("planned: ")[2])


ROWS = rows()


def test_every_heading_of_the_notes_is_covered():
    lines = read(ROOT / "tests/notes_headings.txt").splitlines()
    headings = [tuple(line.split("\t")) for line in lines]
    assert {note for note, _ in headings} == {"000", "001", "002", "003", "004"}
    assert [heading for heading in headings if heading not in ROWS] == []
    assert [heading for heading in ROWS if heading not in headings] == []
    assert [row for row, cell in ROWS.items() if not links(cell) + planned(cell)] == []


def test_a_planned_chapter_is_real_and_not_yet_written():
    named = {name for cell in ROWS.values() for name in planned(cell)}
    assert named - PLANNED == set()
    assert named & WRITTEN == set(), "written by now: make these links"


def test_every_chapter_of_the_plan_covers_something_in_the_notes():
    named = {name for cell in ROWS.values() for name in planned(cell)}
    linked = {page.stem for cell in ROWS.values() for page in links(cell)}
    assert PLANNED - named - linked == set()


def test_linked_chapters_exist():
    assert {page for cell in ROWS.values() for page in links(cell) if not page.is_file()} == set()


# --- The glossary ---------------------------------------------------------------------------------


def glossary() -> list[tuple[list[str], str]]:
    """The entries: the term with its other names, and the definition."""
    body = re.search(
        r"```\{glossary\}\n:sorted:\n\n(.*)```", read(CHAPTERS / "back/glossary.md"), re.S
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
    assert "".join(entry.persons["author"][0].last_names).lower() == name[1]
    assert entry.fields["year"] == name[2]
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
    page = read(CHAPTERS / "back/api.md")
    listed = re.findall(r"^\.\. (?:auto\w+|py:data):: d2lutil\.([\w.]+)", page, re.MULTILINE)
    assert [name for name, count in Counter(listed).items() if count > 1] == []
    assert [name for name in listed if not exists(name)] == []
    modules = {"data", "detection", "plotting", "translation"}
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
    checks = set(re.findall(r"^check\.(\w+)\(", read(CHAPTERS / "template.md"), re.MULTILINE))
    folder = ROOT / "tests/template"
    assert checks == set(re.findall(r"^(\w+) = Exercise\(", read(folder / "exercises.py"), re.M))
    answers = {}
    exec(read(folder / "answers.py"), answers)
    assert checks == set(answers["RIGHT"]) == set(answers["WRONG"])
    assert not checks & {name for found in d2lutil.exercises.chapters().values() for name in found}


def test_chapters_build_on_earlier_ones():
    toc = yaml.safe_load(read(ROOT / "_toc.yml"))
    known = set()
    for page in (page["file"] for part in toc["parts"] for page in part["chapters"]):
        if page.split("/")[1] in PLAN:
            front = next(yaml.safe_load_all(read(ROOT / f"{page}.md")))
            assert set(front["builds_on"]) <= known, page
            known.add(page.rsplit("/", 1)[1])
    assert known == WRITTEN
