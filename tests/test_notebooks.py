"""The students' notebooks: how MyST becomes Markdown, what each chapter's holds, that it runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import CHAPTERS, ROOT, copy_sources
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient
from notebooks import ExportError, export, finish, write_notebooks
from sphinx.application import ENV_PICKLE_FILENAME, Sphinx
from sphinx.util.docutils import docutils_namespace

from _ext.chapter import Chapter, digest
from _ext.kernel import glued
from _ext.notebook_markdown import Markdown
from _ext.notebook_site import Site
from _ext.proofs import proof, write

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
REPOSITORY, BRANCH = CONFIG["repository"]["url"], CONFIG["repository"]["branch"]

# --- How MyST becomes Markdown, on a small book -------------------------------------------------

FRONT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---

"""

SMALL = {
    "_config.yml": "repository: {url: https://github.com/owner/name, branch: stable}\n",
    "requirements.txt": "d2l==1.0.3\n",
    "references.bib": (
        "@article{one, author={Ada Lovelace}, title={One}, journal={J}, year={1843}}\n"
        "@article{two, author={Alan Turing}, title={Two}, journal={J}, year={1936}}\n"
    ),
    "picture.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>',
    "index.md": (
        "# Index\n\n"
        "```{toctree}\nchapters/part/alpha\nchapters/part/beta\nglossary\nreferences\n```\n"
    ),
    "glossary.md": "# Glossary\n\n```{glossary}\nneuron\n  A unit.\n```\n",
    "references.md": "# References\n\n```{bibliography}\n```\n",
    "chapters/part/beta.md": "# Beta\n\n(sec-late)=\n## Late section\n\nWords.\n",
    "chapters/part/alpha.md": FRONT
    + r"""# Alpha

```{code-cell} ipython3
:tags: [remove-cell]

from myst_nb import glue

glue("answer", 42.1234, display=False)
glue("word", "many", display=False)
```

Opening {glue:text}`word`.

% a remark

(sec-sums)=
## Sums

$$
z = w x
$$ (eq-sum)

```{figure} ../../picture.svg
:name: fig-picture

A picture.
```

```{table} Numbers
:name: tab-numbers

| a |
| --- |
| 1 |
```

{cite:p}`one` {cite:t}`two`

```{code-cell} ipython3
---
tags: [hide-output]
mystnb:
  figure:
    caption: |
      A *line*.
      It is {glue:text}`word`.
    name: fig-line
---
import json

import matplotlib.pyplot as plt


def later():
    import lightning
    import torch
    from d2l import torch as d2l


plt.plot([1, 2])
plt.show()
```

After the figure.

```{code-cell} ipython3
:tags: [remove-input]

print("a question")
```

## Exercises

```{exercise-start} Double it
:label: double-it
```
The task.
```{exercise-end}
```

```{code-cell} ipython3
:tags: [skip-execution]

def double_it(x):
    ...  # TODO: your code here
```

```{solution-start} double-it
:class: dropdown
```
The secret is {unheard}`of`.

```{code-cell} ipython3
def double_it(x):
    return 2 * x  # secret
```
```{solution-end}
```

Between.

```{solution-start} double-it
```
Another secret.
```{solution-end}
```

```{code-cell} ipython3
print(double_it(2))
```
""",
}

BOOK = "https://book.example/"
ALPHA = f"{BOOK}chapters/part/alpha.html"
BETA = f"{BOOK}chapters/part/beta.html"


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[Sphinx]:
    """A small book with one of everything, built."""
    source = tmp_path_factory.mktemp("small")
    for name, text in SMALL.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings = {
        "extensions": [
            "myst_nb", "sphinx_design", "sphinx_exercise", "sphinxcontrib.bibtex", "notebooks"
        ],
        "bibtex_bibfiles": ["references.bib"],
        "bibtex_reference_style": "author_year",
        "html_baseurl": BOOK,
        "html_title": "The Book",
        "myst_enable_extensions": ["amsmath", "colon_fence", "dollarmath"],
        "nb_execution_timeout": 120,
        "numfig": True,
        "numfig_format": {"figure": "Figure %s", "table": "Table %s"},
        "numfig_secnum_depth": 0,
        "suppress_warnings": ["myst.role_unknown"],
    }  # fmt: skip
    with docutils_namespace():
        app = Sphinx(
            source,
            None,
            source / "_build/html",
            source / "_build/trees",
            "html",
            settings,
            status=None,
        )
        app.build()
        yield app


MARKDOWN = {
    "a glued number": ("{glue:text}`answer:.1f` %", "42.1 %"),
    "a glued text": ("so {glue:text}`word`", "so many"),
    "a number from another chapter": ("{glue:text}`alpha.md::answer:.2f`", "42.12"),
    "a figure's number": ("{numref}`fig-picture`", f"[Figure 1]({ALPHA}#fig-picture)"),
    "a figure made by code": ("{numref}`fig-line`", f"[Figure 2]({ALPHA}#fig-line)"),
    "a figure in other words": ("{numref}`Plot %s <fig-line>`", f"[Plot 2]({ALPHA}#fig-line)"),
    "a table's number": ("{numref}`tab-numbers`", f"[Table 1]({ALPHA}#tab-numbers)"),
    "an exercise": ("{ref}`double-it`", f"[Exercise 1]({ALPHA}#double-it)"),
    "an equation": ("{eq}`eq-sum`", f"[(1)]({ALPHA}#equation-eq-sum)"),
    "a section": ("{ref}`sec-late`", f"[Late section]({BETA}#sec-late)"),
    "a section in other words": ("{ref}`later\non <sec-late>`", f"[later on]({BETA}#sec-late)"),
    "a chapter": ("{doc}`beta`", f"[Beta]({BETA})"),
    "a term": ("**{term}`neurons <neuron>`**", f"**[neurons]({BOOK}glossary.html#term-neuron)**"),
    "a citation": ("{cite:p}`one`", f"([Lovelace, 1843]({BOOK}references.html#id2))"),
    "a citation in the text": ("{cite:t}`two`", f"Turing ([1936]({BOOK}references.html#id3))"),
    "a link to a chapter": ("[next](beta.md)", f"[next]({BETA})"),
    "a link without words": ("[](beta.md)", f"[Beta]({BETA})"),
    "a link to a section": ("[there](#sec-late)", f"[there]({BETA}#sec-late)"),
    "a link elsewhere": ("[x](https://a.org/b_(c) 'd')", "[x](https://a.org/b_(c) 'd')"),
    "a link defined below": ("[x][y]\n\n[y]: beta.md", f"[x][y]\n\n[y]: {BETA}"),
    "an image": ("![alt](../../picture.svg)", f"![alt]({BOOK}_images/picture.svg)"),
    "a directive for an image": (
        "```{image} ../../picture.svg\n:alt: A dot\n```",
        f"![A dot]({BOOK}_images/picture.svg)",
    ),
    "a figure": (
        "```{figure} ../../picture.svg\n:name: fig-picture\n:alt: A dot\n\n"
        "A *dot* {eq}`eq-sum`.\n```",
        f"![A dot]({BOOK}_images/picture.svg)\n\n"
        f"**Figure 1.** A *dot* [(1)]({ALPHA}#equation-eq-sum).",
    ),
    "a table": ("| a |\n| --- |\n| {glue:text}`word` |", "| a |\n| --- |\n| many |"),
    "a table with a caption": (
        "```{table} Some *numbers*\n:name: tab-numbers\n\n| a |\n| --- |\n| 1 |\n```",
        "**Table 1.** Some *numbers*\n\n| a |\n| --- |\n| 1 |",
    ),
    "formulas": ("$w_{ij}$ and\n\n$$\na % b\n$$", "$w_{ij}$ and\n\n$$\na % b\n$$"),
    "a numbered formula": ("$$\nz = w x\n$$ (eq-sum)", "$$\nz = w x \\tag{1}\n$$"),
    "a directive for a formula": (
        "```{math}\n:label: eq-sum\n\nz = w x\n```",
        "$$\nz = w x \\tag{1}\n$$",
    ),
    "LaTeX": ("\\begin{align}\na &= b\n\\end{align}", "\\begin{align}\na &= b\n\\end{align}"),
    "a note": (
        ":::{note}\nOne.\n\n- {doc}`beta`\n:::",
        f"> **Note**\n>\n> One.\n>\n> - [Beta]({BETA})",
    ),
    "a note that starts at once": ("```{tip} One\ntwo\n```", "> **Tip**\n>\n> One\n> two"),
    "a box": (
        ":::{admonition} Try *this*\n:class: tip\nOne.\n:::",
        "> **Try *this***\n>\n> One.",
    ),
    "a box in a list": (
        "- a\n\n  :::{note}\n  b\n  :::\n- c",
        "- a\n\n  > **Note**\n  >\n  > b\n- c",
    ),
    "a folded box": (
        "````{dropdown} More\n```python\nx = 1\n```\n````",
        "<details><summary>More</summary>\n\n```python\nx = 1\n```\n\n</details>",
    ),
    "a box in a box": (
        "::::{note}\na\n\n:::{tip}\nb\n:::\n::::",
        "> **Note**\n>\n> a\n>\n> > **Tip**\n> >\n> > b",
    ),
    "code": ("```python\n% {x}`y` (a)=\n```", "```python\n% {x}`y` (a)=\n```"),
    "code in a directive": ("```{code-block} python\nx = 1\n```", "```python\nx = 1\n```"),
    "code in text": ("`{x}` ``{y}`z` ``", "`{x}` ``{y}`z` ``"),
    "what is escaped": (r"\{x\}", r"\{x\}"),
    "an escaped dollar": (r"\$5 and $6 \cdot \$$", r"<span>\$</span>5 and $6 \cdot \$$"),
    "footnotes": (
        "a[^b], c[^d].\n\n[^b]: B.\n[^d]: D {eq}`eq-sum`.",
        "a<sup>1</sup>, c<sup>2</sup>.\n\n<sup>1</sup> B.\n\n"
        f"<sup>2</sup> D [(1)]({ALPHA}#equation-eq-sum).",
    ),
    "remarks, targets and breaks": ("% x\na\n\n+++\n\n(b)=\n\nc", "a\n\nc"),
    "a heading starts a cell": ("a\n\n(b)=\n## C\n\nd", "a\n\n\f## C\n\nd"),
    "an exercise's heading": (
        "```{exercise-start} Double *it*\n:label: double-it\n```\n"
        "The task.\n```{exercise-end}\n```",
        "\f### Exercise 1 — Double *it*\n\nThe task.",
    ),
    "an exercise in one piece": (
        "```{exercise} Double it\n:label: double-it\nThe task.\n```\n\n"
        "```{solution} double-it\nSecret.\n```",
        "\f### Exercise 1 — Double it\n\nThe task.",
    ),
}


@pytest.mark.parametrize(("myst", "expected"), MARKDOWN.values(), ids=MARKDOWN)
def test_myst_becomes_markdown(small, myst, expected):
    write = Markdown(Site(small, "chapters/part/alpha"))
    written = write(myst, 1)
    assert write.problems == []
    assert written == expected


UNKNOWN = {
    "a role": "{unheard}`of`",
    "a directive": "```{unheard}\nof\n```",
    "a directive between colons": ":::{grid} 2\n:::",
    "a directive in a quotation": "> ```{note}\n> a\n> ```",
    "a fence that does not end": "```{note}\na",
    "a code cell that is none": "- a\n\n  ```{code-cell}\n  1\n  ```",
    "a substitution": "{{ version }}",
    "a definition list": "Term\n: what it is",
    "a chapter": "{doc}`nowhere`",
    "a label": "{ref}`nowhere`",
    "a figure": "{numref}`nowhere`",
    "an equation": "{eq}`nowhere`",
    "the number of an equation": "$$\na\n$$ (nowhere)",
    "a citation": "{cite:p}`nobody`",
    "a term": "{term}`nothing`",
    "a glued value": "{glue:text}`nothing`",
    "a format of a glued value": "{glue:text}`word:.1f`",
    "a link to a chapter": "[x](nowhere.md)",
    "a link to a section": "[x](#nowhere)",
    "an image": "![x](nowhere.png)",
    "a caption without a number": "```{figure} ../../picture.svg\n\nA picture.\n```",
    "options that are none": ":::{note}\n:what\n:::",
    "an exercise without a label": "```{exercise-start} Double it\n```",
}


@pytest.mark.parametrize("myst", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_unknown_is_a_problem_with_its_line(small, myst):
    write = Markdown(Site(small, "chapters/part/alpha"))
    write(f"fine\n\n{myst}\n", 10)
    ((line, problem),) = write.problems
    assert 12 <= line <= 12 + myst.count("\n")
    assert re.search(
        r"nowhere|unheard|nobody|nothing|word|grid|note|version|what|code-cell|label", problem
    )


def test_a_problem_in_a_box_has_the_line_in_the_chapter(small):
    write = Markdown(Site(small, "chapters/part/alpha"))
    write(":::{admonition} A\n:class: tip\n\nb\n\n{unheard}`of`\n:::", 10)
    assert [line for line, _ in write.problems] == [15]


def test_the_build_stops_at_what_is_unknown_and_says_where(small):
    path = Path(small.srcdir, "chapters/part/alpha.md")
    bad = SMALL["chapters/part/alpha.md"] + "\n{unheard}`of`\n"
    path.write_text(bad, encoding="utf-8")
    try:
        with pytest.raises(
            ExportError, match=rf"^chapters/part/alpha.md:{bad.count(chr(10))}: .*unheard"
        ):
            write_notebooks(small)
    finally:
        path.write_text(SMALL["chapters/part/alpha.md"], encoding="utf-8")


def test_a_chapter_becomes_a_notebook(small):
    path = Path(small.outdir).parent / "notebooks/part/alpha.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    assert [(cell.cell_type, cell.source) for cell in cells if cell.cell_type == "markdown"] == [
        ("markdown", text)
        for text in (
            f"# Alpha\n\n*A chapter of [The Book]({BOOK}). [Its page]({ALPHA}) on the site shows "
            "what every cell gives, and has solutions to the exercises. The numbers in the text "
            "are the site's; yours may differ a little, and times a lot.*\n\nOpening many.",
            "## Sums\n\n$$\nz = w x \\tag{1}\n$$\n\n"
            f"![]({BOOK}_images/picture.svg)\n\n**Figure 1.** A picture.\n\n"
            "**Table 1.** Numbers\n\n| a |\n| --- |\n| 1 |\n\n"
            f"([Lovelace, 1843]({BOOK}references.html#id2)) "
            f"Turing ([1936]({BOOK}references.html#id3))",
            "**Figure 2.** A *line*.\nIt is many.",
            "After the figure.",
            "## Exercises",
            "### Exercise 1 — Double it\n\nThe task.",
            "Between.",
        )
    ]
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code[0].source.splitlines()[1:] == [
        "import os",
        "from importlib.util import find_spec",
        "",
        'os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # a waiting thread leaves its core',
        'if find_spec("d2lutil") is None:',
        "    %pip install -q git+https://github.com/owner/name@stable",
        'if find_spec("d2l") is None:',
        "    %pip install -q --no-deps d2l==1.0.3",
        'if find_spec("lightning") is None:',
        "    %pip install -q lightning",
    ]
    assert [cell.source.splitlines()[0] for cell in code[1:]] == [
        "import json", 'print("a question")', "def double_it(x):", "print(double_it(2))",
    ]  # fmt: skip
    folded = {"cellView": "form", "jupyter": {"source_hidden": True}}
    assert [cell.metadata for cell in code] == [{}, {}, folded, {}, {}]
    assert cells.index(code[1]) + 1 == next(
        i for i, cell in enumerate(cells) if cell.source.startswith("**Figure 2.**")
    )


def test_the_same_chapter_gives_the_same_file(small):
    once, again = (nbformat.writes(export(small, "chapters/part/alpha")) for _ in range(2))
    assert once == again


def test_a_build_that_changes_nothing_writes_no_notebook(small):
    path = Path(small.outdir).parent / "notebooks/part/alpha.ipynb"
    finish(small, None)
    path.write_text("{}")
    finish(small, None)
    assert path.read_text() == "{}"
    (Path(small.doctreedir) / ENV_PICKLE_FILENAME).touch()  # as when Sphinx has read a page
    finish(small, None)
    assert path.read_text() != "{}"


def test_only_chapters_with_code_have_a_notebook_and_old_ones_go(small):
    folders = [Path(small.outdir).parent / "notebooks", Path(small.outdir) / "_notebooks"]
    for folder in folders:
        (folder / "part/renamed.ipynb").write_text("{}")
    write_notebooks(small)
    for folder in folders:
        assert [path.name for path in folder.rglob("*.ipynb")] == ["alpha.ipynb"]


# --- What the book's own notebooks hold ----------------------------------------------------------


@pytest.fixture(params=CHAPTERS)
def chapter(request) -> str:
    return request.param


@pytest.fixture
def source(chapter) -> str:
    return (ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8")


@pytest.fixture
def notebook(book, chapter) -> nbformat.NotebookNode:
    return nbformat.read(book / f"notebooks/{chapter}.ipynb", as_version=4)


def prose(notebook: nbformat.NotebookNode) -> list[str]:
    """The texts of the Markdown cells, less the code that they show."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [re.sub(r"(?ms)^ *(`{3,}|~{3,}).*?^ *\1", "", text) for text in texts]


def test_notebook_is_clean(notebook):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert f"%pip install -q git+{REPOSITORY}@{BRANCH}" in code[0].source
    assert len(code[0].source.splitlines()) <= 13  # d2lutil, d2l and two packages more
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert {tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])} <= {
        "raises-exception"
    }
    assert notebook.metadata.kernelspec.name == "python3"


def test_page_has_its_notebook(book, chapter):
    page = (book / f"html/chapters/{chapter}.html").read_text(encoding="utf-8")
    place = f"{REPOSITORY.removeprefix('https://github.com/')}/blob/notebooks/{chapter}.ipynb"
    assert f'href="https://colab.research.google.com/github/{place}"' in page
    assert f'href="../../_notebooks/{chapter}.ipynb" download' in page
    ours, theirs = (
        book / f"{folder}/{chapter}.ipynb" for folder in ("notebooks", "html/_notebooks")
    )
    assert ours.read_bytes() == theirs.read_bytes()


def test_notebook_holds_no_solution(notebook, source):
    solutions = re.findall(r"(?s)\{solution-start\}(.*?)\{solution-end\}", source)
    elsewhere = re.sub(r"(?s)\{solution-start\}.*?\{solution-end\}", "", source)
    theirs = {line.strip() for solution in solutions for line in solution.splitlines()}
    theirs = {line for line in theirs if len(line) > 12 and line not in elsewhere}
    assert theirs
    written = "\n".join(cell.source for cell in notebook.cells)
    assert [line for line in theirs if line in written] == []


MYST = r"(?m)\{[\w:+-]+\}`|^[\s>]*:{3,}|`{3,}\s*\{|^\([\w:-]+\)=|^%|^\+\+\+|\{\{|\[\^|^: "


def test_notebook_holds_no_myst(notebook):
    assert [found for text in prose(notebook) for found in re.findall(MYST, text)] == []
    assert not re.search(r"^%(?!pip)|myst_nb|glue\(", "\n".join(c.source for c in notebook.cells))


def test_formulas_are_whole(notebook):
    for text in prose(notebook):
        text = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)|\\\$", "", text)
        parts = text.split("$$")
        assert len(parts) % 2, text
        assert all(part.count("$") % 2 == 0 for part in parts[::2]), text
        for formula in [*parts[1::2], *(f for part in parts[::2] for f in part.split("$")[1::2])]:
            plain = re.sub(r"\\[{}\\]", "", formula)
            assert plain.count("{") == plain.count("}"), formula
            assert formula.count(r"\begin{") == formula.count(r"\end{"), formula
            assert "\n\n" not in formula, formula


def test_links_lead_somewhere(notebook, book):
    text = "\n".join(prose(notebook))
    links = re.findall(
        r"\]\(([^\s()]*(?:\([^\s()]*\)[^\s()]*)*)|(?:src|href)=\"([^\"]*)|^\[.+\]: (\S+)", text
    )
    links = {next(filter(None, found)) for found in links}
    assert [link for link in links if not link.startswith(("https://", "http://", "mailto:"))] == []
    ours = [link for link in links if link.startswith(CONFIG["html"]["baseurl"])]
    assert ours
    for link in ours:
        page, _, anchor = link.removeprefix(CONFIG["html"]["baseurl"]).partition("#")
        html = (book / "html" / (page or "index.html")).read_bytes()
        assert f'id="{anchor}"'.encode() in html or not anchor, link


# --- As Colab runs them --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def colab(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of a machine that has the libraries, and neither the project nor d2l.

    There is a kernel `colab` on it, and the project's address on GitHub leads to a copy of the
    working tree.
    """
    machine = tmp_path_factory.mktemp("colab")
    venv.create(machine / "venv", with_pip=True, symlinks=True)
    python = machine / "venv/bin/python"
    ours = Path(sysconfig.get_path("purelib"))
    libraries = machine / "libraries"
    libraries.mkdir()
    for entry in ours.iterdir():
        if "d2l" not in entry.name and entry.suffix != ".pth" and entry.name != "pip":
            (libraries / entry.name).symlink_to(entry)
    (theirs,) = machine.glob("venv/lib/python*/site-packages")
    (theirs / "libraries.pth").write_text(f"{libraries}\n")

    repository = copy_sources(machine / "repository")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q", "-b", BRANCH], ["add", "-A"], ["commit", "-q", "-m", "Test"]):
        subprocess.run([*git, *command], cwd=repository, check=True)

    kernel = machine / "jupyter/kernels/colab/kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "Colab", "language": "python"}))
    ours_alone = {"PYTHONPATH", "VIRTUAL_ENV", "D2LUTIL_CHECK", "D2LUTIL_DEVICE", "TQDM_DISABLE"}
    environment = {key: value for key, value in os.environ.items() if key not in ours_alone}
    environment |= {
        "D2LUTIL_HOME": str(machine / "home"),
        "D2LUTIL_SCALE": "small",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
        "OMP_NUM_THREADS": "1",  # as the site's pages are executed
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    there = "[m for m in ('torch', 'd2lutil', 'd2l') if find_spec(m)]"
    look = [python, "-c", f"from importlib.util import find_spec; print({there})"]
    found = subprocess.check_output(look, env=environment, cwd=machine, text=True)
    assert found.strip() == "['torch']"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(machine / "jupyter"))
        yield environment


def run_all(notebook: nbformat.NotebookNode, environment: dict[str, str], folder: Path) -> None:
    """Run a notebook from top to bottom, as "Run all" does; it raises what a cell raises."""
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, kernel_name="colab", timeout=600, resources=resources)
    client.execute(env=environment)


def said(cell: nbformat.NotebookNode) -> str:
    """What a cell put out, as text."""
    return "".join(
        o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs
    )


CHECK = re.compile(r"^check\.\w+\(", re.M)


def is_hidden(cell: nbformat.NotebookNode) -> bool:
    return "remove-cell" in cell.metadata.get("tags", ())


def hidden(source: str) -> nbformat.NotebookNode:
    """A cell that no student gets; the cells that a student gets see nothing of its names."""
    names = "{**globals().get('_hidden', {}), **globals()}"
    return nbformat.v4.new_code_cell(f"_hidden = {names}\nexec({source!r}, _hidden)")


def with_solutions(
    source: str, theirs: list[nbformat.NotebookNode]
) -> tuple[list[nbformat.NotebookNode], list[nbformat.NotebookNode]]:
    """The student's cells with the hidden ones at their places; and the solutions with checks.

    After the first solution, the hidden ones tell of solutions, and so go with these.
    """
    untouched, solved, in_solution, any_solution = [], [], False, False
    theirs = iter(theirs)
    for cell in read_myst_markdown_notebook(source).cells:
        if cell.cell_type == "markdown":
            gates = re.findall(r"\{solution-(start|end)\}", cell.source)
            in_solution = gates[-1] == "start" if gates else in_solution
            any_solution |= in_solution
            continue
        ours = hidden(cell.source) if is_hidden(cell) else nbformat.v4.new_code_cell(cell.source)
        with_solution = in_solution or (any_solution and is_hidden(cell))
        if with_solution or CHECK.search(cell.source):
            solved.append(ours)
        if not with_solution:
            untouched.append(ours if is_hidden(cell) else next(theirs))
            assert is_hidden(cell) or untouched[-1].source == cell.source
    return untouched, solved


def test_notebook_runs_as_in_colab(chapter, source, notebook, request, tmp_path):
    """Untouched, nothing raises and no check is passed; then the solutions pass every one.

    And both together compute the numbers of the chapter's page, which was executed by itself. What
    has been proven once is not run again until something changes that it depends on.
    """
    install, *theirs = (cell for cell in notebook.cells if cell.cell_type == "code")
    untouched, solved = with_solutions(source, theirs)
    known = proof(Chapter(chapter))
    key = digest("".join(cell.source for cell in [install, *untouched, *solved]))
    if known.get("notebook") == key:
        return
    again = nbformat.v4.new_code_cell(install.source)
    notebook.cells = [install, *untouched, again, *solved]
    run_all(notebook, request.getfixturevalue("colab"), tmp_path)
    checks = [cell for cell in theirs if CHECK.search(cell.source)]
    assert len(checks) >= 2
    assert {"not attempted" in said(cell) for cell in checks} == {True}
    assert again.outputs == []  # nothing is lacking now
    passed = [cell for cell in solved if CHECK.search(cell.source)]
    assert len(passed) == len(checks)
    assert {"passed" in said(cell) for cell in passed} == {True}

    numbers = {key: value for key, (value, _) in glued(notebook).items()}
    times = Chapter(chapter).times
    first, second = (
        {key: value for key, value in each.items() if key not in times}
        for each in (known["numbers"], numbers)
    )
    assert second == first
    write(Chapter(chapter), proof(Chapter(chapter)) | {"notebook": key})
