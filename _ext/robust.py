"""Executes chapters under other seeds and other code paths of the processor, and says what held.

    python -m _ext.robust [--seeds 5] [--write] [chapter ...]

Each run is kept under `_build/robust`, so that what was interrupted goes on where it was. With
`--write`, what was seen goes into the chapter's record, `chapters/<name>.yml`, from which the page
shows its ranges; and bounds are proposed for the numbers that have none with a margin.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from statistics import median

import yaml

from _ext.chapter import ROOT, Chapter, named, parse
from _ext.execute import workers
from _ext.proofs import BUILD, foundation, stands

RUNS = BUILD / "robust"
TIMEOUT = 900  # seconds a cell; the slowest path takes several times as long as the fastest
STEP = 1000  # from one shift of the seeds to the next
# What other processors, and more threads, make of the same sums.
PATHS = {
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"},
    "SSE4.1": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "COMPATIBLE",
    },
    "two threads": {"OMP_NUM_THREADS": "2"},
}


def variants(seeds: int) -> dict[str, dict[str, str]]:
    """Name → environment: the book as it is, its seeds shifted, its own seeds on other paths."""
    shifts = {f"seeds + {k * STEP}": {"D2LUTIL_SEED_SHIFT": str(k * STEP)} for k in range(seeds)}
    return shifts | PATHS


@dataclass(frozen=True)
class Run:
    """One chapter in one variant: its numbers, and the lines at which it stopped, with why."""

    chapter: Chapter
    variant: str
    numbers: dict[str, float]
    errors: list[str]
    seconds: float

    @property
    def failures(self) -> list[str]:
        """What did not hold, each as `file:line: what`."""
        page = self.chapter.page.relative_to(ROOT).as_posix()
        lines = self.chapter.text.splitlines()
        found = [f"{page}:{error}" for error in self.errors]
        for key, (low, high) in self.chapter.bounds().items():
            value = self.numbers.get(key)
            if value is None or not low <= value <= high:
                line = next((i for i, t in enumerate(lines, 1) if t.startswith(f"  {key}:")), 1)
                told = "was not measured" if value is None else f"is {value:.5g}"
                found.append(f"{page}:{line}: {key} {told}; expected {low} to {high}")
        return found


def with_values(source: str) -> str:
    """The code of a cell, its asserts made to say which values they compared."""
    try:
        tree = parse(source)
    except SyntaxError:  # a magic
        return source
    lines = source.splitlines(keepends=True)
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert) and not node.msg]
    for node in sorted(asserts, key=lambda node: -node.lineno):
        parts = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
        compared = [
            value
            for part in parts
            if isinstance(part, ast.Compare)
            for value in (part.left, *part.comparators)
            if not isinstance(value, ast.Constant)
        ]
        if compared:
            told = ", ".join(f"({ast.unparse(value)})" for value in compared)
            end, at = node.end_lineno - 1, node.end_col_offset
            line = lines[end].encode()
            message = f", ' | '.join(map(repr, [{told}]))".encode()
            lines[end] = (line[:at] + message + line[at:]).decode()
    return "".join(lines)


def run(chapter: Chapter, variant: str, variables: Mapping[str, str]) -> Run:
    """One run, from `_build/robust` if it is there, or executed and kept."""
    from _ext.kernel import ENVIRONMENT, failing_line, glued, run as run_notebook

    path = RUNS / chapter.name / f"{variant}.json"
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["code"] == chapter.code() and stands(kept["foundation"]):
            return Run(chapter, variant, kept["numbers"], kept["errors"], kept["seconds"])
    notebook = copy.deepcopy(chapter.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = with_values(cell.source)
    settings = {**ENVIRONMENT, "D2LUTIL_SCALE": "small", **variables}
    took = run_notebook(
        notebook, chapter.page.parent, settings, timeout=TIMEOUT, on_error="continue"
    )
    errors = [
        f"{line}: {output.ename}: {failing_line(chr(10).join(output.traceback))} [{output.evalue}]"
        for line, cell in zip(notebook.metadata.source_map, notebook.cells, strict=True)
        for output in cell.get("outputs", ())
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ())
    ]
    numbers = {}
    for key, (value, _) in glued(notebook).items():
        try:
            numbers[key] = float(value)
        except ValueError:  # a word
            continue
    kept = {
        "code": chapter.code(),
        "foundation": foundation(took),
        "numbers": numbers,
        "errors": errors,
        "seconds": took["seconds"],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return Run(chapter, variant, numbers, errors, took["seconds"])


def spread(runs: list[Run]) -> dict[str, tuple[float, float, float]]:
    """Each number that all runs have, less the times: its least, its median, its greatest."""
    chapter = runs[0].chapter
    keys = set.intersection(*(set(run.numbers) for run in runs)) - set(chapter.times)
    found = {}
    for key in (key for key in runs[0].numbers if key in keys):
        values = sorted(run.numbers[key] for run in runs)
        found[key] = (values[0], median(values), values[-1])
    return found


def proposed(low: float, high: float) -> tuple[float, float]:
    """Bounds for a number that was from `low` to `high`: with half as much again on each side."""
    if low == high:
        return low, high
    margin = (high - low) / 2
    digits = f".{3 if margin > abs(high) / 100 else 5}g"
    return float(format(low - margin, digits)), float(format(high + margin, digits))


def write(runs: list[Run]) -> None:
    """Write the record of a chapter, of all its runs."""
    chapter = runs[0].chapter
    lines = [
        "# The least, the median and the greatest of each number, as `make robust WRITE=1` saw it.",
        f"code: {chapter.code(asserts=False)}",
        f"date: {date.today().isoformat()}",
        f"variants: [{', '.join(run.variant for run in runs)}]",
        "numbers:",
        *(
            f"  {key}: [{', '.join(format(value, '.6g') for value in values)}]"
            for key, values in spread(runs).items()
        ),
    ]
    text = "\n".join(lines) + "\n"
    yaml.safe_load(text)
    chapter.record.write_text(text, encoding="utf-8")


def table(runs: list[Run]) -> str:
    """What a chapter did in all its variants."""
    chapter, lines = runs[0].chapter, []
    failures: dict[str, list[str]] = {}
    for one in runs:
        for failure in one.failures:
            failures.setdefault(failure, []).append(one.variant)
    told = "nothing failed" if not failures else f"{len(failures)} failed"
    lines.append(f"{chapter.name}: {len(runs)} variants, {told}")
    lines += [f"  FAILED {what}  ({', '.join(where)})" for what, where in failures.items()]
    bounds = chapter.bounds()
    for key, (low, middle, high) in spread(runs).items():
        least, most = bounds.get(key, (None, None))
        held = "" if least is None else f"   held to {least:g} … {most:g}"
        wanted = proposed(low, high)
        if least is not None and not (least <= wanted[0] and wanted[1] <= most):
            held += f"; proposed {wanted[0]:g} … {wanted[1]:g}"
        lines.append(f"  {key:24} {low:12.5g} {middle:12.5g} {high:12.5g}{held}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run all variants of the chapters; 0 if everything held in all of them."""
    parser = argparse.ArgumentParser(prog="python -m _ext.robust", description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="chapter")
    parser.add_argument(
        "--seeds", type=int, default=5, help="how many seeds, the book's among them"
    )
    parser.add_argument("--write", action="store_true", help="write the chapters' records")
    chosen = parser.parse_args(arguments)
    if chosen.seeds < 1:
        parser.error(f"--seeds must be 1 or more, not {chosen.seeds}")
    try:
        wanted = [chapter for chapter in named(chosen.chapters) if chapter.name != "index"]
    except ValueError as error:
        parser.error(str(error))
    each = variants(chosen.seeds)
    done: dict[str, dict[str, Run]] = {chapter.name: {} for chapter in wanted}
    total = len(wanted) * len(each)
    print(f"{len(wanted)} chapters in {len(each)} variants: {total} runs", flush=True)
    with ThreadPoolExecutor(max_workers=workers()) as pool:
        futures = [
            pool.submit(run, chapter, variant, variables)
            for chapter in wanted
            for variant, variables in each.items()
        ]
        try:
            for count, future in enumerate(as_completed(futures), start=1):
                one = future.result()
                done[one.chapter.name][one.variant] = one
                told = f"{one.seconds:.0f} s" + f", {len(one.failures)} FAILED" * bool(one.failures)
                print(
                    f"  {count} of {total}   {one.chapter.name}, {one.variant}: {told}", flush=True
                )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    print()
    failed = 0
    for chapter in wanted:
        runs = [done[chapter.name][variant] for variant in each]
        print(table(runs), end="\n\n")
        failed += any(one.failures for one in runs)
        if chosen.write:
            write(runs)
    print(f"{len(wanted) - failed} of {len(wanted)} chapters hold in all {len(each)} variants.")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted. The runs that had ended are kept.", file=sys.stderr)
        os._exit(130)
