"""Writes the students' notebooks while Sphinx builds the site, from the same sources.

`notebook_markdown` turns an author's text, with what `notebook_site` knows at the end of a build.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import nbformat
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from myst_nb.core.read import read_myst_markdown_notebook
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sphinx.application import ENV_PICKLE_FILENAME, Sphinx
from sphinx.errors import ConfigError, SphinxError

from _ext.notebook_markdown import NEW_CELL, Markdown
from _ext.notebook_site import Site, UnknownError

# From here to the end of its gate, a solution is the site's alone.
SOLUTION = re.compile(
    r"^(`{3,}|:{3,})\{solution-start\}(?s:.*?)^(`{3,}|:{3,})\{solution-end\}(?s:.*?)^\2[ ]*$", re.M
)

FOLDED = {"hide-cell", "hide-input", "remove-input"}  # for the site; a student can unfold the code
THROUGH_D2L = ("d2l", "fashion_mnist")  # what a chapter says that takes its data through d2l


class ExportError(SphinxError):
    """What is wrong in the chapters, one `file:line: what` a line."""

    category = "The students' notebooks cannot be written"


def name_of(app: Sphinx, docname: str) -> str | None:
    """`foundations/mlp.ipynb`, if that chapter is one with code; None for any other page."""
    if docname.startswith("chapters/") and "kernelspec" in app.env.metadata.get(docname, {}):
        return f"{docname.removeprefix('chapters/')}.ipynb"
    return None


def repository(app: Sphinx) -> tuple[str, str]:
    """The repository's name on GitHub, `owner/name`, and its branch."""
    settings = yaml.safe_load(Path(app.confdir, "_config.yml").read_text(encoding="utf-8"))
    url, branch = (settings.get("repository", {}).get(key, "") for key in ("url", "branch"))
    name = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", url)
    if not (name and branch):
        raise ConfigError(
            "_config.yml needs `repository: {url: https://github.com/…/…, branch: …}`"
        )
    return name[1], branch


distributions = cache(packages_distributions)  # it reads the list of files of every package


def installation(app: Sphinx, code: str) -> str:
    """The first cell of a notebook: it installs what that code imports and a machine lacks."""
    imported = {"d2lutil"}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    if any(re.search(rf"\b{word}\b", code) for word in THROUGH_D2L):
        imported.add("d2l")
    brought_along = {  # with d2lutil
        canonicalize_name(requirement.name)
        for requirement in map(Requirement, requires("d2lutil") or ())
        if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    }
    pins = Path(app.confdir, "requirements.txt").read_text(encoding="utf-8")
    lines = [
        "# This cell installs what the machine lacks. Where nothing is lacking, it does nothing.",
        "import os",
        "from importlib.util import find_spec",
        "",
        'os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # a waiting thread leaves its core',
    ]
    third_party = imported - set(sys.stdlib_module_names)
    for module in sorted(third_party, key=lambda name: (name != "d2lutil", name)):
        package = canonicalize_name(distributions().get(module, [module])[0])
        if package == "d2lutil":
            package = "git+https://github.com/{}@{}".format(*repository(app))
        elif package == "d2l":  # its own pins are years old, and its code runs without them
            package = f"--no-deps {re.search('^d2l==[0-9.]+', pins, re.M)[0]}"
        elif package in brought_along:
            continue
        lines += [f'if find_spec("{module}") is None:', f"    %pip install -q {package}"]
    return "\n".join(lines)


def _cells(path: Path, write: Markdown) -> Iterator[nbformat.NotebookNode]:
    """The cells of a chapter that a student gets."""
    source = SOLUTION.sub(
        lambda match: "\n" * match[0].count("\n"), path.read_text(encoding="utf-8")
    )
    source_lines = source.splitlines()
    chapter = read_myst_markdown_notebook(source, add_source_map=True, path=path)
    text: list[str] = []

    def texts() -> Iterator[nbformat.NotebookNode]:
        for part in "\n\n".join(text).split(NEW_CELL):
            if part.strip():
                yield new_markdown_cell(part.strip("\n"))
        text.clear()

    for cell, start in zip(chapter.cells, chapter.metadata.source_map, strict=True):
        line = start + 1
        while not source_lines[line - 1].strip():
            line += 1
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            text.append(write(cell.source, line))
        elif cell.cell_type == "raw":
            write.problems.append((line, "no way to write a raw cell in a notebook"))
        elif "remove-cell" not in tags:
            yield from texts()
            if re.search(r"\bmyst_nb\b", cell.source):
                write.problems.append((line, "a cell that uses myst_nb needs the tag remove-cell"))
            metadata = {"tags": ["raises-exception"]} if "raises-exception" in tags else {}
            if FOLDED.intersection(tags):
                metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
            yield new_code_cell(cell.source, metadata=metadata)
            figure = cell.metadata.get("mystnb", {}).get("figure")
            if figure:
                try:
                    caption = write.caption(figure.get("name"), figure.get("caption", ""), line)
                    text.append(caption + NEW_CELL)
                except UnknownError as problem:
                    write.problems.append((line, str(problem)))
    yield from texts()


def export(app: Sphinx, docname: str) -> nbformat.NotebookNode:
    """The students' notebook of a chapter; ExportError where the chapter has something unknown."""
    site, path = Site(app, docname), Path(app.env.doc2path(docname))
    write = Markdown(site)
    cells = list(_cells(path, write))
    try:
        if not (cells and cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")):
            raise UnknownError("a chapter starts with its title")
        title, _, rest = cells[0].source.partition("\n")
        origin = (
            f"*A chapter of [{app.config.html_title}]({site.base}). [Its page]({site.address()}) "
            "on the site shows what every cell gives, and has solutions to the exercises. The "
            "numbers in the text are the site's; yours may differ a little, and times a lot.*"
        )
        cells[0].source = f"{title}\n\n{origin}\n{rest}".rstrip("\n")
        code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
        jupyter = TransformerManager()  # knows %magic, which Python does not
        python = "\n".join(jupyter.transform_cell(cells[index].source) for index in code)
        cells.insert(code[0] if code else len(cells), new_code_cell(installation(app, python)))
    except UnknownError as problem:
        write.problems.append((1, str(problem)))
    if write.problems:
        file = path.relative_to(app.srcdir)
        raise ExportError("\n".join(f"{file}:{line}: {what}" for line, what in write.problems))
    for index, cell in enumerate(cells):
        cell.id = f"cell-{index:03}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )


def _newer_than_the_site(app: Sphinx) -> bool:
    """Whether all notebooks were written after Sphinx last read a page, by the code as it is."""
    environment = Path(app.doctreedir, ENV_PICKLE_FILENAME)
    pins = Path(app.confdir, "requirements.txt")
    sources = [environment, pins, *Path(__file__).parent.glob("*.py")]
    read = max(path.stat().st_mtime_ns for path in sources if path.exists())
    names = [name for docname in app.env.found_docs if (name := name_of(app, docname))]
    written = [folder / name for folder in _folders(app) for name in names]
    return all(path.exists() and path.stat().st_mtime_ns > read for path in written)


def _folders(app: Sphinx) -> tuple[Path, Path]:
    """Where the notebooks go: beside the site, and into it."""
    return Path(app.outdir).parent / "notebooks", Path(app.outdir) / "_notebooks"


def finish(app: Sphinx, exception: Exception | None) -> None:
    """At the end of a build, see to it that the notebooks are of the site as it is."""
    if not exception and app.builder.format == "html" and not _newer_than_the_site(app):
        write_notebooks(app)


def write_notebooks(app: Sphinx) -> None:
    """Write all notebooks beside the site and, for the download button, into it."""
    written, problems = {}, []
    app.env.get_doctree = cache(app.env.get_doctree)  # one for each reference; none changes now
    for docname in sorted(app.env.found_docs):
        if name := name_of(app, docname):
            try:
                written[name] = nbformat.writes(export(app, docname)) + "\n"
            except ExportError as error:
                problems.append(str(error))
    if problems:
        raise ExportError("\n".join(problems))
    for folder in _folders(app):
        for old in folder.glob("*/*.ipynb"):
            if old.relative_to(folder).as_posix() not in written:
                old.unlink()
        for name, notebook in written.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebook, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Write the notebooks when the site is built."""
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
