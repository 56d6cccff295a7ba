"""Executes the chapters, several at a time, into the cache from which Sphinx builds the site.

    python -m _ext.execute [chapter ...]

D2LUTIL_DEVICE and D2LUTIL_SCALE say on what and how large. What each chapter took is printed, and
kept in `_build/benchmarks.json` for the page of benchmarks. A chapter is executed again when a code
cell of it has changed, or the checks of its exercises, or anything that all chapters run on:
d2lutil, the pinned requirements, the scale, the device. Prose and captions change nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import date
from pathlib import Path

import nbclient
import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
RESULTS = ROOT / "chapters/results.yml"
BENCHMARKS = BUILD / "benchmarks.json"

# What a chapter finds in its environment while the book is built.
ENVIRONMENT = {
    "D2LUTIL_CHECK": "strict",  # a solution that its own check rejects fails the build
    "OMP_NUM_THREADS": "1",  # as many chapters at a time as there are cores
    "TQDM_DISABLE": "1",  # a progress bar is for a reader who waits, not for a page
}
WORKERS_ON_GPU = 2  # more would wait for one another
# What each kernel runs last, to say what the chapter took.
PROBE = """
import json, sys
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
except ImportError:  # Windows
    import psutil
    peak = psutil.Process().memory_info().peak_wset
took = {"peak_bytes": peak}
runtime, torch = (sys.modules.get(module) for module in ("d2lutil.runtime", "torch"))
if runtime:
    took["scale"] = runtime.scale(small="small", full="full")
if torch and torch.cuda.is_initialized():
    took["gpu"] = torch.cuda.get_device_name()
    took["gpu_peak_bytes"] = torch.cuda.max_memory_allocated()
print(json.dumps(took))
"""


def chapters() -> list[Path]:
    """The pages of `_toc.yml` that hold code, in the book's order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    names = [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]
    pages = [ROOT / f"{name}.md" for name in names]
    return [page for page in pages if is_myst_markdown_notebook(page.read_text(encoding="utf-8"))]


def read(chapter: Path) -> nbformat.NotebookNode:
    """The chapter as the notebook that Sphinx will look for in the cache."""
    text = chapter.read_text(encoding="utf-8")
    return read_myst_markdown_notebook(text, add_source_map=True, path=chapter)


def executed(chapter: Path) -> nbformat.NotebookNode:
    """The chapter with its outputs; KeyError if it has not been executed as it stands."""
    return get_cache(str(CACHE)).merge_match_into_notebook(read(chapter))[1]


def glued(notebook: nbformat.NotebookNode) -> dict[str, tuple[str, int]]:
    """What a chapter glues into its text: name → what `repr` gave, and the number of the cell."""
    return {
        output.metadata.scrapbook.name: (
            next(text for mime, text in output.data.items() if mime.endswith("text/plain")).strip(
                "'"
            ),
            number,
        )
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", ())
        if "scrapbook" in output.get("metadata", {})
    }


def expected(chapter: Path) -> dict[str, tuple[float, float]]:
    """The least and the most that the numbers of a chapter may be: see `chapters/results.yml`."""
    return yaml.safe_load(RESULTS.read_text(encoding="utf-8")).get(name(chapter), {})


def miss(chapter: Path, notebook: nbformat.NotebookNode, scale: str | None) -> str | None:
    """The first number that is not as expected, with its line; None if there is none."""
    found, bounds = glued(notebook), expected(chapter)
    for key in list(bounds)[: 1 if scale == "full" else None]:
        low, high = bounds[key]
        if key not in found:
            return f"1: {key} was not measured; it should be from {low} to {high}"
        value, number = found[key]
        if not low <= float(value) <= high:
            line = notebook.metadata.source_map[number]
            return f"{line}: {key} is {value}; it should be from {low} to {high}"
    return None


def name(chapter: Path) -> str:
    """`foundations/mlp` for chapters/foundations/mlp.md, `index` for the cover."""
    return chapter.relative_to(ROOT).with_suffix("").as_posix().removeprefix("chapters/")


def _place(chapter: Path) -> str:
    """`chapters/foundations/mlp.md`, for messages."""
    return chapter.relative_to(ROOT).as_posix()


def _fingerprint() -> str:
    """What all chapters run on, in one number."""
    digest = hashlib.sha256()
    sources = sorted((ROOT / "d2lutil").rglob("*.py"))
    shared = [path for path in sources if path.parent.name != "exercises" or path.stem[0] == "_"]
    for path in [*shared, ROOT / "requirements.txt"]:
        digest.update(path.read_bytes())
    for variable in ("D2LUTIL_SCALE", "D2LUTIL_DEVICE", "CUDA_VISIBLE_DEVICES"):
        digest.update(f"{variable}={os.environ.get(variable)}".encode())
    return digest.hexdigest()


def _open_cache() -> JupyterCacheAbstract:
    """The cache; emptied first, with the pages made from it, if the code it ran on has changed."""
    stamp, fingerprint = CACHE / "fingerprint", _fingerprint()
    if not stamp.exists() or stamp.read_text() != fingerprint:
        shutil.rmtree(CACHE, ignore_errors=True)
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        CACHE.mkdir(parents=True)
        stamp.write_text(fingerprint)
    return get_cache(str(CACHE))


def _checks(chapter: Path) -> str:
    """The checks of the chapter's own exercises, in one number; empty if it has none."""
    path = ROOT / "d2lutil/exercises" / f"{chapter.stem.replace('-', '_')}.py"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _code(notebook: nbformat.NotebookNode) -> list[tuple[str, bool]]:
    """All that execution depends on."""
    return [
        (cell.source, "skip-execution" in cell.metadata.get("tags", ()))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _is_cached(cache: JupyterCacheAbstract, chapter: Path) -> bool:
    """Whether the outputs are at hand; those of the same code are taken over to a new caption."""
    notebook, checks = read(chapter), _checks(chapter)
    try:
        data = cache.match_cache_notebook(notebook).data
        return data["checks"] == checks and "took" in data
    except KeyError:
        for record in cache.list_cache_records():
            data = record.data
            if record.uri != str(chapter) or data.get("checks") != checks or "took" not in data:
                continue
            old = cache.get_cache_bundle(record.pk).nb
            if _code(old) == _code(notebook):
                code_cells = (cell for cell in notebook.cells if cell.cell_type == "code")
                for cell, before in zip(code_cells, old.cells, strict=True):
                    cell.outputs, cell.execution_count = before.outputs, before.execution_count
                _store(cache, chapter, notebook, data["took"])
                return True
        return False


def _store(
    cache: JupyterCacheAbstract, chapter: Path, notebook: nbformat.NotebookNode, took: dict
) -> None:
    seconds = took["seconds"]
    data = {"execution_seconds": seconds, "checks": _checks(chapter), "took": took}
    bundle = CacheBundleIn(notebook, str(chapter), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def execute(chapter: Path, timeout: int) -> tuple[nbformat.NotebookNode, dict]:
    """Run one chapter in its own kernel; with what it took. RuntimeError says where it failed."""
    print(f"  running  {name(chapter)}", flush=True)
    notebook, start, at = read(chapter), time.perf_counter(), [0]
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE))
    # Kernels that start at the same moment can be given the same TCP port, but never one file.
    sockets = tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True)
    transport = {} if os.name == "nt" else {"transport": "ipc", "ip": f"{sockets.name}/socket"}
    client = nbclient.NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        config=Config(KernelManager=transport),
        record_timing=False,
        resources={"metadata": {"path": chapter.parent}},
        on_cell_start=lambda cell, cell_index: at.append(cell_index),
    )
    try:
        client.execute(env={**os.environ, **ENVIRONMENT})
    except nbclient.exceptions.CellExecutionError as error:
        cause = f"{error.ename}: {_first_line(error.evalue) or _failing_line(error.traceback)}"
    except nbclient.exceptions.CellTimeoutError:
        cause = f"still running after {timeout} s"
    except (nbclient.exceptions.DeadKernelError, RuntimeError) as error:
        cause = f"{error} Was there enough memory?"
    else:
        seconds = time.perf_counter() - start
        took = json.loads(notebook.cells.pop().outputs[0].text)
        missed = miss(chapter, notebook, took.get("scale"))
        if missed:
            raise RuntimeError(f"{_place(chapter)}:{missed}")
        return notebook, {"seconds": seconds, "date": date.today().isoformat(), **took}
    finally:
        sockets.cleanup()
    line = notebook.metadata.source_map[at[-1]]
    raise RuntimeError(f"{_place(chapter)}:{line}: {cause}")


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def _failing_line(traceback: str) -> str:
    """The line of the cell at which it stopped, such as a bare `assert`."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", traceback)
    return next(iter(re.findall(r"^-+> *\d+ +(.+)", plain, re.M)), "")


def _run(todo: list[Path], timeout: int) -> Iterator[tuple[Path, Future]]:
    """Execute the chapters, as many at a time as there are cores, and yield each as it ends."""
    workers = WORKERS_ON_GPU if "cuda" in os.environ.get("D2LUTIL_DEVICE", "") else os.cpu_count()
    with ThreadPoolExecutor(max_workers=workers) as pool:
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


def _report(cache: JupyterCacheAbstract) -> None:
    """Print what each chapter took, and keep it with the numbers that it glued into its text."""
    took = {}
    for chapter in chapters():
        try:
            data = cache.match_cache_notebook(read(chapter)).data["took"]
        except KeyError:
            return  # not all are there
        values = {key: value for key, (value, _) in glued(executed(chapter)).items()}
        took[name(chapter)] = data | {"results": values}
    BENCHMARKS.write_text(json.dumps({"cores": os.cpu_count(), "chapters": took}, indent=1))
    print("\n  seconds   peak memory")
    for chapter, one in took.items():
        print(f"{one['seconds']:9.1f} {one['peak_bytes'] / 1e9:10.2f} GB   {chapter}")
    print()


def main(names: list[str]) -> int:
    """Execute what has changed; 0 if every chapter then has its outputs, else 1."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    wanted = [c for c in chapters() if not names or name(c) in names]
    unknown = set(names) - {name(c) for c in wanted}
    if unknown:
        print(f"no such chapter: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    problem = _device_problem()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    cache = _open_cache()
    todo = [chapter for chapter in wanted if not _is_cached(cache, chapter)]
    print(f"{len(wanted)} chapters, {len(todo)} to execute", flush=True)
    failed = 0
    for chapter in wanted:
        if chapter in todo:
            continue
        missed = miss(chapter, executed(chapter), os.environ.get("D2LUTIL_SCALE"))
        if missed:  # what is expected of it has changed since
            failed += 1
            print(f"  FAILED   {_place(chapter)}:{missed}", file=sys.stderr, flush=True)
    for done, (chapter, future) in enumerate(_run(todo, config["execute"]["timeout"]), start=1):
        try:
            notebook, took = future.result()
        except RuntimeError as error:
            failed += 1
            print(f"  FAILED   {error}", file=sys.stderr, flush=True)
        else:
            _store(cache, chapter, notebook, took)
            print(f"  {done} of {len(todo)}   {name(chapter)}: {took['seconds']:.1f} s", flush=True)
    _report(cache)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nInterrupted. The chapters that had ended are kept.", file=sys.stderr)
        os._exit(130)  # without waiting for kernels, which end when they find their parent gone
