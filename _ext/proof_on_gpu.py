"""Runs as much of the book as fits at full scale on a GPU, and keeps what it took and measured.

    python -m _ext.proof_on_gpu [--minutes 8] [chapter ...]

For a machine that is at hand for minutes only: a Linux with a Python that has PyTorch and CUDA,
without a network, an environment of the book's, or Jupyter. Chapters are run by IPython alone,
several at a time, each in a process of its own, the cheapest first; then `tests.bench`, alone. What
passed goes into `chapters/back/benchmarks-gpu.json` as soon as it has ended, for the page of
benchmarks; what each chapter printed, and what failed, into `_build/gpu`. Data that cannot be
downloaded is replaced by what is embedded, and the record has the line that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "chapters/back/benchmarks-gpu.json"
BUILD = ROOT / "_build"
LOGS = BUILD / "gpu"
BENCH_SECONDS = 110  # kept for `tests.bench`
# By the names under which they are imported.
NEEDED = ["torch", "IPython", "matplotlib", "mlxtend", "num2words", "numpy", "PIL", "pooch"]
NEEDED += ["sklearn", "tqdm", "yaml"]
FOR_BENCH = ["d2l", "lightning"]

CELL = re.compile(r"^(```+|:::+)\{code-cell\}[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
OPTIONS = re.compile(r"(---\n.*?^---\n|(?::[\w-]+:[^\n]*\n)+)", re.MULTILINE | re.DOTALL)

Outcome = dict[str, Any]  # what a chapter took and measured, or under "errors" why it did not


def missing(modules: Iterable[str]) -> list[str]:
    """Those of the modules that this Python has not."""
    return [module for module in modules if find_spec(module) is None]


def cells(text: str) -> list[tuple[int, str]]:
    """The code of a page that is executed: the line at which each cell begins, and its source."""
    found = []
    for match in CELL.finditer(text):
        options = OPTIONS.match(match[2])
        source = match[2][options.end() :] if options else match[2]
        if "skip-execution" not in (options[1] if options else ""):
            found.append((text.count("\n", 0, match.end() - len(match[0])) + 1, source))
    return found


def cheapest_first(names: Sequence[str], *records: dict[str, Any]) -> list[str]:
    """The names by the seconds in the first record that has them; those in none come last."""
    seconds: dict[str, float] = {}
    for record in records:
        for name, one in record.get("chapters", {}).items():
            seconds.setdefault(name, one["seconds"])
    return sorted(names, key=lambda name: seconds.get(name, float("inf")))


class Job(Protocol):
    """A chapter that runs."""

    def poll(self) -> Outcome | None:
        """What came of it; None while it runs."""

    def stop(self) -> None:
        """End it."""


def run_all(
    names: Sequence[str],
    start: Callable[[str], Job],
    workers: int,
    deadline: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[str, Outcome]]:
    """Run the chapters in this order, `workers` at a time, and yield each as it ends.

    What has not ended at the deadline is stopped, and what waits then is not begun.
    """
    waiting, running = list(names), {}
    try:
        while waiting or running:
            for name, job in list(running.items()):
                outcome = job.poll()
                if outcome is not None:
                    del running[name]
                    yield name, outcome
            if now() >= deadline:
                for name in [*running, *waiting]:
                    yield name, {"errors": ["no time was left"]}
                return
            while waiting and len(running) < workers:
                name = waiting.pop(0)
                running[name] = start(name)
            sleep(0.2)
    finally:
        for job in running.values():
            job.stop()


class ChapterProcess:
    """A chapter in a process of its own."""

    def __init__(self, name: str, environ: dict[str, str]) -> None:
        stem = LOGS / name.replace("/", "-")
        self.result, self.log = stem.with_suffix(".json"), stem.with_suffix(".log")
        self.result.unlink(missing_ok=True)
        command = [sys.executable, "-m", "_ext.proof_on_gpu", "--run", name, str(self.result)]
        with self.log.open("w", encoding="utf-8") as log:
            there = {"cwd": ROOT, "env": environ, "stdout": log, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(command, **there)

    def poll(self) -> Outcome | None:
        if self.process.poll() is None:
            return None
        printed = self.log.read_text(encoding="utf-8", errors="replace")
        if not self.result.exists():
            last = printed.strip().splitlines()[-1:] or [f"exit status {self.process.returncode}"]
            return {"errors": last}
        outcome = json.loads(self.result.read_text(encoding="utf-8"))
        lines = [line for line in printed.splitlines() if "could not be loaded" in line]
        return outcome | ({"data": lines} if lines else {})

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def run_chapter(name: str) -> Outcome:
    """Run a chapter here, to its end whatever its cells raise, and say what it took."""
    import matplotlib.pyplot as plt
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    numbers: dict[str, str] = {}

    def glue(key: str, value: object, display: bool = True) -> None:
        if isinstance(value, str) or hasattr(value, "__float__"):
            numbers[key] = repr(value).strip("'")

    # The chapters take `glue` alone from it, and it brings half of Jupyter and Sphinx along.
    sys.modules["myst_nb"] = types.ModuleType("myst_nb")
    sys.modules["myst_nb"].glue = glue
    page = ROOT / f"chapters/{name}.md"
    os.chdir(page.parent)
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    start, errors = time.perf_counter(), []
    for line, source in cells(page.read_text(encoding="utf-8")):
        done = shell.run_cell(source)
        plt.close("all")  # as in a notebook, where a figure ends with its cell
        error = done.error_before_exec or done.error_in_exec
        if error:
            first = (str(error).strip().splitlines() or [""])[0]
            errors.append(f"chapters/{name}.md:{line}: {type(error).__name__}: {first}")
    outcome = {"seconds": time.perf_counter() - start, "date": date.today().isoformat()}
    outcome |= {"peak_bytes": _peak_bytes(), "results": numbers, "errors": errors}
    if "d2lutil" in sys.modules:
        from d2lutil.runtime import scale

        outcome["scale"] = scale(small="small", full="full")
    if torch.cuda.is_initialized():
        outcome["gpu"] = torch.cuda.get_device_name()
        outcome["gpu_peak_bytes"] = torch.cuda.max_memory_allocated()
    return outcome


def _peak_bytes() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def keep(path: Path, name: str, outcome: Outcome, order: Sequence[str]) -> None:
    """Add a chapter that passed to the record, in the book's order; what is there stays."""
    record = _load(path)
    chapters = record.get("chapters", {}) | {
        name: {k: outcome[k] for k in outcome if k != "errors"}
    }
    ordered = {key: chapters[key] for key in order if key in chapters}
    _save(path, record | {"cores": os.cpu_count(), "chapters": ordered})


def _load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _save(path: Path, record: dict[str, Any]) -> None:
    half = path.with_suffix(".part")
    half.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    half.replace(path)


def bench(path: Path, seconds: float, environ: dict[str, str]) -> None:
    """Run `tests.bench`, and keep what it prints with the record."""
    lacking = missing(FOR_BENCH)
    if lacking or seconds < 60:
        why = f"no {' and no '.join(lacking)}" if lacking else f"{seconds:.0f} s left"
        print(f"tests.bench was not run: {why}", flush=True)
        return
    command = [sys.executable, "-m", "tests.bench"]
    there = {"cwd": ROOT, "env": environ, "capture_output": True, "text": True}
    try:
        done = subprocess.run(command, timeout=seconds, **there)
    except subprocess.TimeoutExpired:
        print(f"tests.bench did not end within {seconds:.0f} s", flush=True)
        return
    print(done.stdout, done.stderr[-2000:] if done.returncode else "", sep="\n", flush=True)
    if not done.returncode:
        _save(path, _load(path) | {"bench": done.stdout.strip().splitlines()})


def main(arguments: Sequence[str]) -> int:
    """Run what fits; 0 if nothing failed of what was run, else 1."""
    parser = argparse.ArgumentParser(prog="python -m _ext.proof_on_gpu")
    parser.add_argument(
        "chapter", nargs="*", help="its name, as sequences/rnn; all if none is given"
    )
    parser.add_argument("--minutes", type=float, default=8, help="the time for all of it")
    parser.add_argument("--device", default="cuda", help=argparse.SUPPRESS)
    parser.add_argument("--scale", default="full", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=min(8, max(1, (os.cpu_count() or 2) // 2)))
    parser.add_argument("--output", type=Path, default=RECORD, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    end = time.monotonic() + 60 * options.minutes
    lacking = missing(NEEDED)
    if lacking:
        print(f"{sys.executable} lacks {', '.join(lacking)}; nothing was run", file=sys.stderr)
        return 1
    import torch

    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} sees no GPU here; nothing was run", file=sys.stderr)
        return 1
    from _ext.chapter import named

    try:
        order = [chapter.name for chapter in named(options.chapter) if chapter.name != "index"]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    todo = cheapest_first(order, _load(options.output), _load(BUILD / "benchmarks.json"))
    LOGS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="settings-") as home:
        environ = _environment(home, options)
        deadline = end - min(BENCH_SECONDS, 20 * options.minutes)
        failed = 0
        print(f"{len(todo)} chapters, {options.workers} at a time", flush=True)
        every = [chapter.name for chapter in named([])]
        for name, outcome in run_all(
            todo, lambda name: ChapterProcess(name, environ), options.workers, deadline
        ):
            errors = outcome["errors"]
            if errors:
                failed += errors != ["no time was left"]
                print(f"  FAILED   {name}", *errors[:5], sep="\n           ", flush=True)
            else:
                keep(options.output, name, outcome, every)
                gigabytes = outcome.get("gpu_peak_bytes", 0) / 1e9
                print(f"  {outcome['seconds']:6.1f} s {gigabytes:6.2f} GB   {name}", flush=True)
            for line in outcome.get("data", []):
                print(f"           {line}", flush=True)
        bench(options.output, end - time.monotonic(), environ)
    return 1 if failed else 0


def _environment(home: str, options: argparse.Namespace) -> dict[str, str]:
    """What a chapter finds: the device, its share of the cores, and no settings of a user's."""
    threads = max(1, (os.cpu_count() or 1) // options.workers)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "D2LUTIL_DEVICE": options.device,
        "D2LUTIL_SCALE": options.scale,
        "D2LUTIL_CHECK": "strict",
        "D2LUTIL_HOME": home,
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "TQDM_DISABLE": "1",
        "IPYTHONDIR": home,
        "MPLCONFIGDIR": home,
        "MPLBACKEND": "agg",
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        Path(sys.argv[3]).write_text(json.dumps(run_chapter(sys.argv[2])), encoding="utf-8")
    else:
        sys.exit(main(sys.argv[1:]))
