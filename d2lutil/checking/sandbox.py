"""Where a reader's function runs: stopped in time, its printing kept, its randomness undone."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import random
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

SECONDS = 30.0  # for all calls of one check together; what is imported meanwhile does not count


@dataclass
class Outcome:
    """What came of a call: a value or an error, with the reader's line; or why it did not end."""

    value: Any = None
    error: BaseException | None = None
    late: str = ""
    where: str = ""
    printed: str = ""
    changed: dict[str, Any] = field(default_factory=dict)  # inputs, as they are afterwards


class Sandbox:
    """Runs functions, each in a thread of its own, and stops what does not end in time.

    Its seconds are for all calls together. While a function imports something the clock stands
    still, and nothing is stopped: half an import would leave the kernel broken.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self._left = seconds

    def run(self, function: Callable[..., Any], *arguments: Any) -> Outcome:
        """Call a function; raise nothing, whatever it does."""
        outcome, late, done = Outcome(), Outcome(), threading.Event()

        def work() -> None:
            try:
                outcome.value = function(*arguments)
            except BaseException as error:
                outcome.error = error
            finally:
                done.set()

        thread, printed = threading.Thread(target=work, daemon=True), _Printed()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(_Printed()):
            try:
                self._wait(thread, done)
                late.late = f"it was still running after {self.seconds:g} seconds"
            except KeyboardInterrupt:
                late.late = "you interrupted it"
            if done.is_set():
                late = None
            elif frame := sys._current_frames().get(thread.ident):
                late.where = _where(traceback.extract_stack(frame))
            if late and not _stop(thread, done):
                late.late += " and cannot be stopped (restart the kernel to be rid of it)"
        if not late and outcome.error:
            outcome.where = _where(traceback.extract_tb(outcome.error.__traceback__))
        return replace(late or outcome, printed=printed.text)

    def _wait(self, thread: threading.Thread, done: threading.Event) -> None:
        """Start the thread; return when it is done or has used up the seconds that are left."""
        before = time.monotonic()
        thread.start()
        while not done.wait(0.1) and self._left > 0:  # in short turns: Windows lets no interrupt
            now = time.monotonic()  # through a long one
            self._left -= 0 if _imports(thread) else now - before
            before = now
        self._left -= time.monotonic() - before


class _Printed(io.TextIOBase):
    """Keeps the beginning of what is printed: an endless loop must not fill the memory."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text[: 300 - len(self.text)]
        return len(text)


def _imports(thread: threading.Thread) -> bool:
    """Whether a thread is importing something."""
    frame = sys._current_frames().get(thread.ident)
    while frame and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _stop(thread: threading.Thread, done: threading.Event) -> bool:
    """End a thread if it can be ended; whether it was."""
    for _ in range(20):  # again and again: an `except:` inside a loop may catch it
        if not _imports(thread):
            ident, stop = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, stop)  # a thread dies of it quietly
        if done.wait(0.1):
            return True
    return False


def _where(frames: traceback.StackSummary) -> str:
    """The innermost line that the reader wrote, which is the first outside all libraries."""
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [str(Path(__file__).parents[1]), os.path.dirname(os.path.dirname(torch.__file__))]
    libraries = tuple(os.path.normcase(folder) + os.sep for folder in folders)
    for frame in reversed(frames):
        if frame.line and not os.path.normcase(frame.filename).startswith(libraries):
            return f", in line {frame.lineno}: `{frame.line}`"
    return ""


@contextlib.contextmanager
def randomness_kept() -> Iterator[None]:
    """Leave the reader's random numbers as they were, and a default device out of the cases."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        with torch.device("cpu"):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if on_gpus is not None:
            torch.cuda.set_rng_state_all(on_gpus)
