"""MyST as the Markdown that Jupyter and Colab read.

An author's Markdown stays as it is. What MyST adds to it is replaced. A construct that is not known
here is a problem, with its line, so that no MyST reaches a student.
"""

from __future__ import annotations

import re
from textwrap import dedent, indent

from docutils.parsers.rst.directives.misc import TestDirective
from myst_parser.parsers.directives import parse_directive_text

from _ext.notebook_site import DOMAINS, Site, UnknownError

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
TITLED = re.compile(r"(?P<title>.*?)\s*<(?P<target>[^<>]+)>", re.S)
NEW_CELL = "\f"

ADMONITIONS = {"attention", "caution", "danger", "error", "hint", "important", "note", "tip"}
ADMONITIONS |= {"seealso", "warning"}


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
