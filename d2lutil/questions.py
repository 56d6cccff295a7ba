"""Multiple-choice questions that answer back: on a static page, in Colab and in JupyterLab."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

_FIELDSET = (
    "border:0;border-left:.25rem solid #3b7dd8;color:inherit;margin:1rem 0;padding:.75rem 1rem;"
    "min-width:0;background:color-mix(in srgb,#3b7dd8 7%,transparent)"
)
_LEGEND = "float:left;width:100%;padding:0;margin:0 0 .4rem;font-size:1em;font-weight:600"
_LABEL = "display:flex;clear:both;gap:.6rem;align-items:baseline;padding:.3rem 0;cursor:pointer"

# Each copy of a question on a page gets radio buttons of its own. The feedback goes into a live
# region, so that a screen reader reads it out.
_SCRIPT = """for (const [n, question] of document.querySelectorAll("#ID").entries()) {
  const radios = question.querySelectorAll("input"), told = question.querySelector("[role=status]");
  for (const radio of radios) {
    radio.name = "ID-" + n;
    radio.onchange = () => {
      told.innerHTML = radio.dataset.feedback;
      told.style.borderLeftColor = radio.dataset.colour;
      told.style.padding = ".3rem .75rem";
    };
  }
}"""


def inline(text: str) -> str:
    """HTML of a line of text: `code` in backticks becomes code, everything else stays as it is."""
    style = "color:inherit;background:none;border:0;padding:0;overflow-wrap:anywhere"
    return re.sub(r"`([^`]+)`", rf'<code style="{style}">\1</code>', html.escape(text))


@dataclass(frozen=True)
class _Question:
    prompt: str
    options: Mapping[str, str]
    answer: str

    def __repr__(self) -> str:
        return "\n".join([self.prompt, *(f"  ( ) {option}" for option in self.options)])

    def _repr_html_(self) -> str:
        content = repr((self.prompt, list(self.options.items()), self.answer))
        name = "question-" + hashlib.sha256(content.encode()).hexdigest()[:12]
        labels = []
        for option, feedback in self.options.items():
            right = option == self.answer
            mark, word, colour = ("✓", "Right", "#2e8b57") if right else ("✗", "Wrong", "#c8503c")
            told = html.escape(
                f'<strong role="img" aria-label="{word}:">{mark}</strong> {inline(feedback)}'
            )
            labels.append(
                f'<label style="{_LABEL}"><input type="radio" name="{name}" data-colour="{colour}" '
                f'data-feedback="{told}"><span>{inline(option)}</span></label>'
            )
        return (
            f'<fieldset class="d2l-question" id="{name}" style="{_FIELDSET}">'
            f'<legend style="{_LEGEND}">{inline(self.prompt)}</legend>{"".join(labels)}'
            '<div role="status" aria-live="polite" style="border-left:.2rem solid"></div>'
            f"</fieldset><script>{_SCRIPT.replace('ID', name)}</script>"
        )


def question(prompt: str, options: Mapping[str, str], answer: str) -> None:
    """Ask a question with the options to choose from, each with what to tell who chooses it.

    `options` maps each option to its feedback, in the order shown; `answer` is the right one.
    `Code` stands in backticks; formulas are written in plain characters (w·x + b). Fewer than two
    options, an empty text or an answer that is no option is a `ValueError`.

    >>> question(
    ...     "What does ReLU make of −2?",
    ...     options={"0": "Every negative input becomes 0.", "2": "That is the absolute value."},
    ...     answer="0",
    ... )
    What does ReLU make of −2?
      ( ) 0
      ( ) 2
    """
    if not isinstance(options, Mapping):
        raise TypeError(f"options must map each option to its feedback, not be {options!r}")
    texts = {"prompt": prompt, **{f"feedback on {o!r}": f for o, f in options.items()}}
    for name, text in [*texts.items(), *(("option", option) for option in options)]:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} must be a text, not {text!r}")
    if len(options) < 2:
        raise ValueError(f"options must be at least two, not {len(options)}")
    if answer not in options:
        raise ValueError(f"answer must be one of the options {list(options)}, not {answer!r}")
    from IPython.display import display

    display(_Question(prompt, dict(options), answer))
