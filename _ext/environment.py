"""Makes `.venv`, the environment that the book is built with. Called by the Makefile.

Runs on whatever Python is there, before anything is installed: the standard library only, and
no syntax that an old Python could not read, so that it can say that the Python is too old.
"""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin", "python")
OLDEST = (3, 11)
BYTES = 7 * 10**9  # the environment takes some 6 GB, most of it torch


def complaint(version, free_bytes):
    """Why the environment cannot be made, in a line; None if it can."""
    if tuple(version[:2]) < OLDEST:
        needed, found = (".".join(map(str, v[:2])) for v in (OLDEST, version))
        return "Building the book needs Python " + needed + " or newer; this is " + found + "."
    if free_bytes < BYTES:
        free = str(round(free_bytes / 10**9, 1))
        return "The environment needs 7 GB of disk; " + free + " GB are free in this folder."
    return None


def main():
    """Create the environment, or bring it to the pinned versions."""
    installed = os.path.exists(os.path.join(VENV, ".ready"))
    free_bytes = BYTES if installed else shutil.disk_usage(ROOT).free
    problem = complaint(sys.version_info, free_bytes)
    if problem:
        sys.exit(problem)
    # `uv pip sync` installs the pinned set as it is. It resolves nothing, so the stale pins
    # that d2l brings along do no harm. Compiled here once, not by each process that imports it.
    commands = [
        [PYTHON, "-m", "pip", "install", "--quiet", "uv==0.13.8"],
        [PYTHON, "-m", "uv", "pip", "sync", "--quiet", "--compile-bytecode", "requirements.txt"],
        [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--editable", "."],
    ]
    if not os.path.exists(PYTHON):
        commands.insert(0, [sys.executable, "-m", "venv", VENV])
    print("Setting up .venv (some 6 GB; a few minutes the first time) ...", flush=True)
    for command in commands:
        if subprocess.call(command, cwd=ROOT):
            sys.exit("Setting up .venv failed at: " + " ".join(command[1:]))
    open(os.path.join(VENV, ".ready"), "w").close()


if __name__ == "__main__":
    main()
