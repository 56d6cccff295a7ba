"""What the tests share: the built book, a server for it, and a browser."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from xdist.scheduler import LoadScopeScheduling

from _ext.chapter import ROOT, chapters
from _ext.execute import BENCHMARKS

CHAPTERS = [chapter.name for chapter in chapters() if chapter.name != "index"]


@pytest.fixture(scope="session")
def book(tmp_path_factory, testrun_uid) -> Path:
    """The folder `_build`, with site and students' notebooks made from the sources as they are.

    Where several processes run the tests, the first one builds it and the others wait.
    """
    built = tmp_path_factory.getbasetemp().parent / f"built-{testrun_uid}"
    with FileLock(f"{built}.lock"):
        if not built.exists():
            build(ROOT)
            built.touch()
    return ROOT / "_build"


def build(folder: Path) -> str:
    """Do what `make book` does in this folder; return what it printed."""
    printed, there = "", {**os.environ, "PYTHONPATH": str(folder)}
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    for command in (
        [sys.executable, "-m", "_ext.execute"],
        [jupyter_book, "build", ".", "--warningiserror", "--nitpick", "--keep-going", "--quiet"],
    ):
        done = subprocess.run(command, cwd=folder, env=there, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        printed += done.stdout
    return printed


def copy_sources(folder: Path) -> Path:
    """Copy what git has of the working tree, or would have, into a new folder."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listing, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def site(book: Path) -> Iterator[str]:
    """The address at which a local server has the built site."""
    handler = functools.partial(_Quiet, directory=book / "html")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium, the system's own."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if not executable:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class ByChapter(LoadScopeScheduling):
    """Of several processes, one runs all tests of a chapter, and one all other tests of a file."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByChapter:
    """Share the tests out among the processes."""
    return ByChapter(config, log)


def group(nodeid: str) -> str:
    """The chapter that a test is about, by its file or its parameters; else the test's file."""
    named = re.findall(r"(?:chapters/)?([a-z]+/[a-z0-9_]+)", nodeid)
    return next((name for name in named if name in CHAPTERS), nodeid.partition("::")[0])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After a whole run, say what one more chapter costs: the time of the tests of each."""
    asked = terminalreporter.config.option
    if asked.file_or_dir or asked.keyword or asked.markexpr:
        return
    seconds: dict[str, float] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            name = group(getattr(report, "nodeid", ""))
            if name in CHAPTERS:
                seconds[name] = seconds.get(name, 0) + getattr(report, "duration", 0)
    took = json.loads(BENCHMARKS.read_text())["chapters"] if BENCHMARKS.exists() else {}
    each = sorted(seconds[name] + took.get(name, {}).get("seconds", 0) for name in seconds)
    if len(each) >= len(CHAPTERS) - 1:
        at_a_time = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or os.cpu_count())
        mean, most = sum(each) / len(each) / at_a_time, each[-1] / at_a_time
        terminalreporter.write_line(
            f"One more chapter costs {mean:.0f} s of this run on {at_a_time} cores, "
            f"the dearest one {most:.0f} s."
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where every test has to run, as in CI, count a skip as a failure; but no GPU is asked for."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not reporter:  # one of several processes, whose results another one has
        return
    skipped = [
        report for report in reporter.stats.get("skipped", ()) if "gpu" not in report.keywords
    ]
    if os.environ.get("FAIL_ON_SKIP") and skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
