"""Writes the students' notebooks while Sphinx builds the site, from the same sources.

An author's Markdown stays as it is. What MyST adds to Markdown is replaced, with the numbers,
titles and addresses that Sphinx knows at the end of a build. A construct that is not known here
stops the build and names its file and line, so that no MyST reaches a student.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from textwrap import dedent, indent
from urllib.parse import quote, urljoin

import nbformat
import yaml
from docutils import nodes
from docutils.parsers.rst.directives.misc import TestDirective
from IPython.core.inputtransformer2 import TransformerManager
from myst_nb.core.read import read_myst_markdown_notebook
from myst_nb.core.variables import format_plain_text
from myst_nb.ext.glue.crossref import read_glue_cache
from myst_parser.parsers.directives import parse_directive_text
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ConfigError, SphinxError

from _ext import ranges
from _ext.chapter import Chapter

# From here to the end of its gate, a solution is the site's alone.
SOLUTION = re.compile(
    r"^(`{3,}|:{3,})\{solution-start\}(?s:.*?)^(`{3,}|:{3,})\{solution-end\}(?s:.*?)^\2[ ]*$", re.M
)

# All that MyST adds to Markdown, and what must not be mistaken for it (`keep`). The alternative
# that matches names the method of `Markdown` that replaces it.
TOKEN = re.compile(
    r"""
    (?P<fence>     ^(?P<margin>[ ]*)(?P<marks>`{3,}(?=[^`\n]*$)|~{3,}|:{3,})(?P<info>.*)\n
                   (?P<body>(?:.*\n)*?)[ ]*(?P=marks)[`~:]*[ ]*$)
  | (?P<heading>   ^(?=\#{1,6}[ ]))
  | (?P<remark>    ^(?:%|\+\+\+).*\n? | ^\([^()\s]+\)=[ ]*\n?)
  | (?P<formula>   \$\$(?P<tex>(?s:.+?))\$\$(?:[ ]*\((?P<label>[^()\s]+)\)[ ]*$)?)
  | (?P<keep>      ^\\begin\{(?P<environment>\w+\*?)\}(?s:.+?)\\end\{(?P=environment)\}
                 | \\[^\w\s]
                 | (?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\n)(?s:.))+?(?<!`)(?P=ticks)(?!`)
                 | \$(?:\\(?s:.)|(?!\n\n)[^$\\])+\$)
  | (?P<role>      \{(?P<name>[A-Za-z][\w:+-]*)\}(?P<quote>`+)(?P<content>(?s:.+?))(?P=quote)(?!`))
  | (?P<link>      (?P<untitled>(?<!!)\[)?\]\((?P<target>[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?=[\s)])
                 | ^\[(?!\^)[^\]\n]+\]:[ ]+(?P<defined>\S+))
  | (?P<footnote>  ^\[\^(?P<noted>[^\]\s]+)\]:[ ]* | \[\^(?P<mark>[^\]\s]+)\])
  | (?P<foreign>   ^[-*+>\d.\ ]*(?:`{3,}\{|:{3,}).* | \{\{.*?\}\} | ^:[ ]+\S.*
                 | <(?:project|path|doc|inv|wiki):.*?>)
    """,
    re.M | re.X,
)
GLUED = re.compile(r"(?:(?P<page>.+)::)?(?P<key>[^:]+)(?::(?P<form>[^:]*))?")
TITLED = re.compile(r"(?P<title>.*?)\s*<(?P<target>[^<>]+)>", re.S)
NEW_CELL = "\f"

ADMONITIONS = {"attention", "caution", "danger", "error", "hint", "important", "note", "tip"}
ADMONITIONS |= {"seealso", "warning"}
DOMAINS = {"doc": "std", "eq": "math", "numref": "std", "ref": "std", "term": "std"}
FOLDED = {"hide-cell", "hide-input", "remove-input"}  # for the site; a student can unfold the code
THROUGH_D2L = ("d2l", "fashion_mnist")  # what a chapter says that takes its data through d2l


class UnknownError(Exception):
    """Something in a chapter that cannot be written in a notebook."""


class ExportError(SphinxError):
    """What is wrong in the chapters, one `file:line: what` a line."""

    category = "The students' notebooks cannot be written"


class Site:
    """What Sphinx knows about the site, seen from one of its pages."""

    def __init__(self, app: Sphinx, docname: str) -> None:
        self.app, self.env, self.docname = app, app.env, docname
        self.base = app.config.html_baseurl.rstrip("/") + "/"

    def address(self, docname: str | None = None, anchor: str = "") -> str:
        """The absolute address of a page, or of a place on it."""
        page = self.base + self.app.builder.get_target_uri(docname or self.docname)
        return f"{page}#{anchor}" if anchor else page

    def image(self, source: str) -> str:
        """The absolute address of an image that the chapter shows."""
        if "://" in source:
            return source
        path = self.env.relfn2path(source, self.docname)[0]
        if path not in self.env.images:
            raise UnknownError(f"no page or image {source!r}")
        return f"{self.base}_images/{quote(self.env.images[path][1])}"

    def link(self, target: str) -> tuple[str, str]:
        """The absolute address that a Markdown link leads to, and a title for it."""
        if re.match(r"(https?|mailto):", target):
            return target, target
        path, _, anchor = target.partition("#")
        docname = (
            self.env.path2doc(self.env.relfn2path(path, self.docname)[1]) if path else self.docname
        )
        if docname not in self.env.found_docs:
            return self.image(target), Path(target).name
        if not anchor:
            return self.address(docname), self.env.titles[docname].astext()
        domain, slugs = self.env.get_domain("std"), self.env.metadata[docname].get("myst_slugs", {})
        if anchor in slugs:
            _, place, title = slugs[anchor]
            return self.address(docname, place), title
        if anchor not in domain.anonlabels:
            raise UnknownError(f"nothing is called {target!r}")
        return self.address(*domain.anonlabels[anchor]), domain.labels.get(anchor, [anchor])[-1]

    def reference(self, role: str, target: str, title: str = "") -> nodes.Node:
        """What Sphinx puts in place of a role that refers to something."""
        domain, _, kind = role.rpartition(":")
        target = target.lower() if kind in ("ref", "numref") else target
        if kind == "ref" and target in getattr(self.env, "sphinx_exercise_registry", {}):
            kind = "numref"
        shown = nodes.inline("", title or target)
        reference = pending_xref(
            "", shown, refdoc=self.docname, reftype=kind, reftarget=target, refexplicit=bool(title)
        )
        found = self.env.get_domain(domain or DOMAINS[kind]).resolve_xref(
            self.env, self.docname, self.app.builder, kind, target, reference, shown
        )
        if found is None or not list(found.findall(nodes.reference)):  # it shows what was asked for
            raise UnknownError(f"{{{role}}} finds nothing called {target!r}")
        return found

    def number(self, label: str, role: str = "numref") -> str:
        """`Figure 3` for the label of the book's third figure; `2` for that of an equation."""
        return self.reference(role, label).astext().strip("()")

    def glued(self, text: str) -> str:
        """A computed value, `[page::]key[:format]`, as text."""
        match = GLUED.fullmatch(text)
        docname, key = self.docname, match and match["key"]
        if match and match["page"]:
            docname = self.env.path2doc(self.env.relfn2path(match["page"], self.docname)[1])
        values = read_glue_cache(str(self.env.mystnb_config.output_folder), docname)
        if key not in values:
            raise UnknownError(f"no value {text!r} was glued")
        return format_plain_text(values[key]["data"]["text/plain"], match["form"] or "s")

    def range(self, content: str) -> str:
        """What a number was in all runs on record: see `ranges.py`."""
        chapter = Chapter(self.docname.removeprefix("chapters/"))
        try:
            return ranges.span(chapter, ranges.glued(self.app, self.docname), content)
        except KeyError as problem:
            raise UnknownError(problem.args[0]) from None

    def markdown(self, node: nodes.Node) -> str:
        """Sphinx's nodes as Markdown, with absolute links; `[1958]` becomes `(1958)`."""
        if isinstance(node, nodes.Text):
            return node.astext().replace("[", "(").replace("]", ")")
        text = "".join(map(self.markdown, node.children))
        if not isinstance(node, nodes.reference):
            return text
        uri = node["refuri"] if "refuri" in node else f"#{node['refid']}"
        return f"[{text}]({urljoin(self.address(), uri)})"


class Markdown:
    """Turns the MyST of one chapter into the Markdown that Jupyter and Colab read.

    A form feed in what it returns asks for a new cell. `problems` holds what could not be
    turned, as pairs of a line of the chapter and a text.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.problems: list[tuple[int, str]] = []
        self._footnotes: list[str] = []

    def __call__(self, text: str, line: int) -> str:
        """Markdown for a piece of MyST that starts at that line of the chapter."""

        def replace(match: re.Match) -> str:
            here = line + text.count("\n", 0, match.start())
            try:
                return getattr(self, f"_{match.lastgroup}")(match, here)
            except UnknownError as problem:
                self.problems.append((here, str(problem)))
            except Exception as problem:  # an extension did not like what the author wrote
                self.problems.append((here, f"{match[0]!r}: {problem!r}"))
            return ""

        return re.sub(r"\n{3,}", "\n\n", TOKEN.sub(replace, text)).strip("\n")

    def _keep(self, match: re.Match, line: int) -> str:
        # Jupyter takes what is between two escaped dollars for a formula, unless tags part them.
        return r"<span>\$</span>" if match[0] == r"\$" else match[0]

    def _foreign(self, match: re.Match, line: int) -> str:
        raise UnknownError(f"no way to write {match[0].strip()!r} in a notebook")

    def _remark(self, match: re.Match, line: int) -> str:
        return ""

    def _heading(self, match: re.Match, line: int) -> str:
        return NEW_CELL

    def _formula(self, match: re.Match, line: int) -> str:
        tag = f" \\tag{{{self.site.number(match['label'], 'eq')}}}\n" if match["label"] else ""
        return f"$${match['tex'].rstrip() if tag else match['tex']}{tag}$$"

    def _footnote(self, match: re.Match, line: int) -> str:
        label = match["noted"] or match["mark"]
        if label not in self._footnotes:
            self._footnotes.append(label)
        number = f"<sup>{self._footnotes.index(label) + 1}</sup>"
        return f"\n{number} " if match["noted"] else number

    def _link(self, match: re.Match, line: int) -> str:
        written = match["target"] or match["defined"] or ""
        address, title = self.site.link(written)
        opening = match[0][: len(match[0]) - len(written)]
        return f"[{title}]({address}" if match["untitled"] else f"{opening}{address}"

    def _role(self, match: re.Match, line: int) -> str:
        role, content = match["name"], " ".join(match["content"].split())
        if role == "glue:text":
            return self.site.glued(content)
        if role == "range":
            return self.site.range(content)
        if role not in DOMAINS and not role.startswith("cite:"):
            raise UnknownError(f"no way to write the role {{{role}}} in a notebook")
        titled = None if role.startswith("cite:") else TITLED.fullmatch(content)
        title, target = (titled["title"], titled["target"]) if titled else ("", content)
        return self.site.markdown(self.site.reference(role, target, title))

    def _fence(self, match: re.Match, line: int) -> str:
        directive = re.fullmatch(r"\s*\{([\w-]+)\}\s*(.*?)\s*", match["info"])
        if not directive:
            if "{" in match["info"] or match["marks"].startswith(":"):
                raise UnknownError(f"no way to write {match['marks']}{match['info']} in a notebook")
            return match[0]
        name, argument = directive.groups()
        # TestDirective takes any option.
        parsed = parse_directive_text(TestDirective, argument, dedent(match["body"]))
        if parsed.warnings:
            raise UnknownError(f"{{{name}}}: {parsed.warnings[0].msg}")
        body, options = "\n".join(parsed.body), parsed.options
        first_line = line + 1 + parsed.body_offset
        if name in ADMONITIONS and argument:
            body, first_line = f"{argument}\n{body}", first_line - 1
        if name in ADMONITIONS:
            name, argument = "admonition", name.capitalize()
        write = getattr(self, f"directive_{name.replace('-', '_')}", None)
        if not write:
            raise UnknownError(f"no way to write the directive {{{name}}} in a notebook")
        return indent(write(argument, options, body, first_line), match["margin"])

    # Each of these writes one directive: what follows its name, its options, and its body, which
    # starts at that line of the chapter.

    def directive_admonition(self, title: str, options: dict, body: str, line: int) -> str:
        """Write a box with a title; folded if its class says so."""
        if "dropdown" in str(options.get("class", "")):
            return self.directive_dropdown(title, options, body, line)
        text = f"**{self(title, line)}**\n\n{self(body, line)}"
        return indent(text, "> ", lambda _: True).replace("> \n", ">\n")

    def directive_dropdown(self, title: str, options: dict, body: str, line: int) -> str:
        """Write a box that opens."""
        return f"<details><summary>{title}</summary>\n\n{self(body, line)}\n\n</details>"

    def directive_math(self, argument: str, options: dict, body: str, line: int) -> str:
        """Write a formula, with its number if it has one."""
        label = f" ({options['label']})" if "label" in options else ""
        return self(f"$$\n{argument}{body}\n$${label}", line - 1)

    def directive_image(self, source: str, options: dict, body: str, line: int) -> str:
        """Write an image that lies on the site."""
        return f"![{options.get('alt', '')}]({self.site.image(source)})"

    def directive_figure(self, source: str, options: dict, body: str, line: int) -> str:
        """Write an image with its number and caption."""
        image = self.directive_image(source, options, "", line)
        return f"{image}\n\n{self.caption(options.get('name'), body, line)}" if body else image

    def directive_table(self, caption: str, options: dict, body: str, line: int) -> str:
        """Write a table under its number and caption."""
        return f"{self.caption(options.get('name'), caption, line)}\n\n{self(body, line)}"

    def directive_code_block(self, language: str, options: dict, body: str, line: int) -> str:
        """Write code that is shown, and not run."""
        return f"```{language}\n{body}\n```"

    def directive_exercise_start(self, title: str, options: dict, body: str, line: int) -> str:
        """Write the heading of an exercise, which its text follows."""
        label = options.get("label")
        if not label:
            raise UnknownError("an exercise needs a :label:")
        number = self.site.number(label)
        return f"{NEW_CELL}### {number}{' — ' if title else ''}{self(title, line)}\n"

    def directive_exercise(self, title: str, options: dict, body: str, line: int) -> str:
        """Write an exercise that has no cells in it."""
        heading = self.directive_exercise_start(title, options, body, line)
        return f"{heading}\n{self(body, line)}"

    def directive_exercise_end(self, title: str, options: dict, body: str, line: int) -> str:
        """Write nothing: the exercise ends where its cell does."""
        return ""

    def directive_solution(self, label: str, options: dict, body: str, line: int) -> str:
        """Write nothing: a solution is the site's alone."""
        return ""

    def caption(self, label: str | None, text: str, line: int) -> str:
        """Write the caption of a figure or table, which has to have a name to have a number."""
        if not label:
            raise UnknownError("what has a caption needs a name, too")
        return f"**{self.site.number(label)}.** {self(text.strip(), line)}"


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


def write_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Write all notebooks beside the site and, for the download button, into it."""
    if exception or app.builder.format != "html":
        return
    written, problems = {}, []
    for docname in sorted(app.env.found_docs):
        if name := name_of(app, docname):
            try:
                written[name] = nbformat.writes(export(app, docname)) + "\n"
            except ExportError as error:
                problems.append(str(error))
    if problems:
        raise ExportError("\n".join(problems))
    for folder in (Path(app.outdir).parent / "notebooks", Path(app.outdir) / "_notebooks"):
        for old in folder.glob("*/*.ipynb"):
            if old.relative_to(folder).as_posix() not in written:
                old.unlink()
        for name, notebook in written.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebook, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Write the notebooks when the site is built."""
    app.connect("build-finished", write_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
