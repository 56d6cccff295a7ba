"""What a check found, and how it shows itself as text and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from d2lutil.questions import inline

MARKS = {"passed": "✓", "not attempted": "○", "failed": "✗"}
_COLOURS = {"passed": "#2e8b57", "not attempted": "#808080", "failed": "#c8503c"}


def box(colour: str, content: str) -> str:
    """HTML of a box with a bar of this colour at its left, which a screen reader reads out."""
    return (
        f'<div role="status" style="border-left:.25rem solid {colour};color:inherit;margin:.5rem 0;'
        f'padding:.5rem 1rem;background:color-mix(in srgb,{colour} 8%,transparent)">{content}</div>'
    )


@dataclass(frozen=True)
class Verdict:
    """What `check` found: true if the exercise is passed. It shows itself in a notebook.

    `status` is "passed", "not attempted" or "failed"; `rows` are pairs of a label and a text: the
    input, what came out, what was expected.
    """

    exercise: str
    status: str
    message: str
    rows: Sequence[tuple[str, str]] = ()
    hint: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        return self.status == "passed"

    def __repr__(self) -> str:
        rows = [*self.rows, ("Hint", self.hint), ("Note", self.note)]
        lines = [f"{MARKS[self.status]} {self.exercise}: {self.message}"]
        for label, text in rows:
            lines += [f"  {label + ':':12}" + text.replace("\n", "\n" + " " * 14)] * bool(text)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        code = "font:.9em monospace;white-space:pre-wrap;overflow-wrap:anywhere"
        rows = [(label, code, html.escape(text)) for label, text in self.rows]
        rows += [("Hint", "", inline(self.hint)), ("Note", "", inline(self.note))]
        listed = "".join(
            f'<dt style="font-weight:600;margin:.3rem 0 0">{label}</dt>'
            f'<dd style="margin:0;{style}">{text}</dd>'
            for label, style, text in rows
            if text
        )
        title = f'<span aria-hidden="true">{MARKS[self.status]}</span> {self.exercise}:'
        listed = f'<dl style="margin:0">{listed}</dl>' if listed else ""
        content = f"<strong>{title}</strong> {inline(self.message)}{listed}"
        return box(_COLOURS[self.status], content)
