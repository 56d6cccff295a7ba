"""A notebook is run in a kernel of its own, which knows nothing of its user's settings."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets import default
from traitlets.config import Config

# What a chapter finds in its environment while the book is built.
ENVIRONMENT = {
    "D2LUTIL_CHECK": "strict",  # a solution that its own check rejects fails the build
    "OMP_NUM_THREADS": "1",  # as many chapters at a time as there are cores
    "OMP_WAIT_POLICY": "PASSIVE",  # where there are more threads, one that waits leaves its core
    "TQDM_DISABLE": "1",  # a progress bar is for a reader who waits, not for a page
}
# A user's own settings, which would change what a cell puts out.
SETTINGS = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR")
DROPPED = ("JUPYTER_PATH", "MATPLOTLIBRC", "MPLBACKEND", "PYTHONHOME", "PYTHONSTARTUP")

# What each kernel runs last, to say what the notebook took and what it ran on.
PROBE = """
import json, sys, time
try:
    import resource
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
except ImportError:  # Windows
    import psutil
    peak = psutil.Process().memory_info().peak_wset
took = {"seconds": time.process_time(), "peak_bytes": peak}
runtime, torch = (sys.modules.get(module) for module in ("d2lutil.runtime", "torch"))
if runtime:
    took["scale"] = runtime.scale(small="small", full="full")
if torch and torch.cuda.is_initialized():
    took["gpu"] = torch.cuda.get_device_name()
    took["gpu_peak_bytes"] = torch.cuda.max_memory_allocated()
names = sorted(sys.modules)
took["modules"] = [name for name in names if name.partition(".")[0] == "d2lutil"]
took["packages"] = [name for name in names if "." not in name]
print(json.dumps(took))
"""


class StoppedError(Exception):
    """A notebook did not run to its end: `cell` is the index of the cell, the text says why."""

    def __init__(self, cell: int, cause: str) -> None:
        super().__init__(cause)
        self.cell = cell


class OwnKernel(AsyncKernelManager):
    """Starts the kernel of this very Python, whatever a user has installed under the same name."""

    @default("kernel_spec_manager")
    def _own(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def environment(home: str | Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process with `variables`, and an empty `home` for all settings."""
    kept = {key: value for key, value in os.environ.items() if key not in DROPPED}
    return kept | {key: str(Path(home, key.lower())) for key in SETTINGS} | dict(variables or {})


def run(
    notebook: nbformat.NotebookNode,
    folder: Path,
    variables: Mapping[str, str],
    *,
    timeout: int,
    on_error: str = "stop",
) -> dict[str, Any]:
    """Run a notebook, which gets its outputs, and return what that took.

    `timeout` is in seconds a cell. With `on_error="continue"`, what a cell raises is an output
    like any other; else StoppedError says where it was and what.
    """
    at = [0]
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE))
    with tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True) as home:
        # Kernels that start at the same moment can be given the same TCP port, but never one file.
        transport = {} if os.name == "nt" else {"transport": "ipc", "ip": f"{home}/socket"}
        client = nbclient.NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            kernel_manager_class=OwnKernel,
            allow_errors=on_error == "continue",
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            config=Config(KernelManager=transport),
            record_timing=False,
            resources={"metadata": {"path": folder}},
            on_cell_start=lambda cell, cell_index: at.append(cell_index),
        )
        try:
            client.execute(env=environment(home, variables))
        except CellExecutionError as error:
            cause = _first_line(error.evalue) or failing_line(error.traceback)
            raise StoppedError(at[-1], f"{error.ename}: {cause}") from None
        except CellTimeoutError:
            raise StoppedError(at[-1], f"still running after {timeout} s") from None
        except (DeadKernelError, RuntimeError) as error:
            raise StoppedError(at[-1], f"{error} Was there enough memory?") from None
    printed = notebook.cells.pop().outputs  # on a busy machine in several pieces
    return json.loads("".join(output.text for output in printed))


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def failing_line(traceback: str) -> str:
    """The line of the cell at which it stopped, such as a bare `assert`."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", traceback)
    return next(iter(re.findall(r"^-+> *\d+ +(.+)", plain, re.M)), "")


def glued(notebook: nbformat.NotebookNode) -> dict[str, tuple[str, int]]:
    """What a notebook glues into its text: name → what `repr` gave, and the number of the cell."""
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
