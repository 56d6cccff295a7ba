"""The directive `benchmarks`: what each chapter took, as `_ext.execute` has measured it."""

from __future__ import annotations

import json

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from _ext.chapter import ROOT, chapters
from _ext.execute import BENCHMARKS

# A `_build/benchmarks.json` from a machine with a GPU, kept with the sources.
ON_GPU = ROOT / "chapters/back/benchmarks-gpu.json"


class Benchmarks(SphinxDirective):
    """A table of this build, or with the argument `gpu` of the run on a GPU that was recorded."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Have a Markdown table parsed, so that the chapters' titles and links are Sphinx's."""
        source = ON_GPU if self.arguments == ["gpu"] else BENCHMARKS
        for path in (source, *(chapter.page for chapter in chapters())):
            self.env.note_dependency(str(path))
        if source.exists():
            here = json.loads(BENCHMARKS.read_text("utf-8")) if BENCHMARKS.exists() else {}
            text = table(json.loads(source.read_text(encoding="utf-8")), here)
        else:
            text = "No run on a GPU has been recorded yet." if self.arguments else "Not measured."
        return self.parse_text_to_nodes(text)


def table(record: dict, here: dict | None = None) -> str:
    """What was measured, as a Markdown table with a line on where, how large and when.

    On a GPU, with how many times as long each chapter takes in the build `here` on processor cores,
    where that was at the same scale.
    """
    known = {chapter.name: chapter for chapter in chapters() if "main" in chapter.front}
    took = {name: one for name, one in record["chapters"].items() if name in known}
    gpus, scales, days = (
        sorted({one[key] for one in took.values() if key in one})
        for key in ("gpu", "scale", "date")
    )
    place = " and ".join(gpus) or f"{record['cores']} processor cores, no GPU"
    when = " to ".join(dict.fromkeys([days[0], days[-1]]))
    minute = record.get("minute")
    lines = [
        f"On {place}, at {' and '.join(scales)} scale, {when}."
        + (f" The book's minute takes {minute:.0f} s of one core here." if minute else ""),
        "",
        "| chapter | s | GB |" + " GB, GPU | CPU / GPU |" * bool(gpus) + " main result |",
        "| :-- | --: | --: |" + " --: | --: |" * bool(gpus) + " :-- |",
    ]
    for name, one in took.items():
        chapter = known[name]
        low, high = chapter.bounds(one["scale"])[chapter.main]
        value = float(one["results"][chapter.main])
        cells = [f"[](/chapters/{name}.md)", f"{one['seconds']:.0f}"]
        cells.append(f"{one['peak_bytes'] / 1e9:.1f}")
        if gpus:
            cells += [f"{one.get('gpu_peak_bytes', 0) / 1e9:.1f}", ratio(name, one, here)]
        cells.append(f"`{chapter.main}` {value:.3g}, expected {low:g} to {high:g}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ratio(name: str, took: dict, here: dict | None) -> str:
    """How many times as long the chapter takes without a GPU; a dash where that is not known."""
    other = (here or {}).get("chapters", {}).get(name, {})
    if "gpu" in other or other.get("scale") != took.get("scale"):
        return "–"
    return f"{other['seconds'] / took['seconds']:.1f}"


def setup(app: Sphinx) -> dict:
    """Add the directive."""
    app.add_directive("benchmarks", Benchmarks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
