"""Executes the chapters, several at a time, into the cache from which Sphinx builds the site.

    python -m _ext.execute [chapter ...]

D2LUTIL_DEVICE and D2LUTIL_SCALE say on what and how large. A chapter is executed again when its
key has changed: see `proofs.py`. What each chapter took is printed, and kept in
`_build/benchmarks.json` for the page of benchmarks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import date
from typing import Any

import yaml

from _ext.chapter import ROOT, Chapter, chapters, named
from _ext.proofs import BUILD, keep, proof, prune

BENCHMARKS = BUILD / "benchmarks.json"
WORKERS_ON_GPU = 2  # more would wait for one another


def miss(chapter: Chapter, numbers: Mapping[str, str], scale: str | None) -> str | None:
    """The first number that is not as the front matter has it; None if there is none."""
    for key, (low, high) in chapter.bounds(scale).items():
        if key not in numbers:
            return f"{key} was not measured; it should be from {low} to {high}"
        if not low <= float(numbers[key]) <= high:
            return f"{key} is {numbers[key]}; it should be from {low} to {high}"
    return None


def execute(chapter: Chapter, timeout: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Run one chapter in its own kernel; return what it took, and the numbers that it glued.

    RuntimeError says where it failed.
    """
    from _ext.kernel import ENVIRONMENT, StoppedError, glued, run

    print(f"  running  {chapter.name}", flush=True)
    notebook = chapter.notebook
    line = notebook.metadata.source_map
    try:
        took = run(notebook, chapter.page.parent, ENVIRONMENT, timeout=timeout)
    except StoppedError as stop:
        raise RuntimeError(f"{_place(chapter)}:{line[stop.cell]}: {stop}") from None
    found = glued(notebook)
    numbers = {key: value for key, (value, _) in found.items()}
    missed = miss(chapter, numbers, took.get("scale"))
    if missed:
        key = missed.split()[0]
        at = line[found[key][1]] if key in found else 1
        raise RuntimeError(f"{_place(chapter)}:{at}: {missed}")
    return took | {"date": date.today().isoformat()}, numbers


def _place(chapter: Chapter) -> str:
    """`chapters/foundations/mlp.md`, for messages."""
    return chapter.page.relative_to(ROOT).as_posix()


def workers() -> int:
    """How many chapters to run at a time."""
    if "cuda" in os.environ.get("D2LUTIL_DEVICE", ""):
        return WORKERS_ON_GPU
    affinity = getattr(os, "sched_getaffinity", None)  # of the cores, those that we may use
    return len(affinity(0)) if affinity else os.cpu_count()


def _run(todo: list[Chapter], timeout: int) -> Iterator[tuple[Chapter, Future]]:
    """Execute the chapters, as many at a time as there are cores, and yield each as it ends."""
    with ThreadPoolExecutor(max_workers=workers()) as pool:
        try:
            futures = {pool.submit(execute, chapter, timeout): chapter for chapter in todo}
            for future in as_completed(futures):
                yield futures[future], future
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _device_problem() -> str | None:
    """Why the device that is asked for cannot be used, in a line; None if it can, or if none is."""
    if not os.environ.get("D2LUTIL_DEVICE"):
        return None
    from d2lutil.runtime import device

    try:
        device()
    except ValueError as error:
        return f"{error}; nothing was executed"
    return None


def _report(known: list[Chapter]) -> None:
    """Print what each chapter took, and keep it with the numbers that it glued into its text."""
    from _ext.speed import minute

    proofs = {chapter.name: proof(chapter) for chapter in known}
    took = {n: one["took"] | {"results": one["numbers"]} for n, one in proofs.items() if one}
    on_torch = any("scale" in one for one in took.values())
    record = {"cores": os.cpu_count(), "minute": minute() if on_torch else None, "chapters": took}
    BENCHMARKS.write_text(json.dumps(record, indent=1), encoding="utf-8")
    print("\n  seconds   peak memory")
    for name, one in took.items():
        print(f"{one['seconds']:9.1f} {one['peak_bytes'] / 1e9:10.2f} GB   {name}")
    print("\nSeconds are of the processor.")
    if on_torch:
        over = [name for name, one in took.items() if one["seconds"] > 0.8 * record["minute"]]
        print(f"The book's minute, a fixed piece of work, takes {record['minute']:.0f} s here.")
        print(f"Longer than four fifths of it: {', '.join(over) or 'none'}.\n")


def main(names: list[str]) -> int:
    """Execute what has changed; 0 if every chapter then has its outputs, else 1."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    try:
        wanted = named(names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    problem = _device_problem()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    todo, failed = [], 0
    for chapter in wanted:
        known = proof(chapter)
        if not known:
            todo.append(chapter)
        elif missed := miss(chapter, known["numbers"], known["took"].get("scale")):
            failed += 1  # what is expected of it has changed since
            print(f"  FAILED   {_place(chapter)}:1: {missed}", file=sys.stderr, flush=True)
    print(f"{len(wanted)} chapters, {len(todo)} to execute", flush=True)
    timeout = config["execute"]["timeout"]  # at full scale a CPU takes much longer
    timeout *= 20 if os.environ.get("D2LUTIL_SCALE") == "full" else 1
    for done, (chapter, future) in enumerate(_run(todo, timeout), start=1):
        try:
            took, numbers = future.result()
        except RuntimeError as error:
            failed += 1
            print(f"  FAILED   {error}", file=sys.stderr, flush=True)
        else:
            keep(chapter, took, numbers)
            print(f"  {done} of {len(todo)}   {chapter.name}", flush=True)
    every = chapters()
    prune(every)
    if todo or not BENCHMARKS.exists():
        _report(every)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nInterrupted. The chapters that had ended are kept.", file=sys.stderr)
        os._exit(130)  # without waiting for kernels, which end when they find their parent gone
