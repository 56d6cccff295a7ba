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
GIGABYTES = 7  # the environment takes some 6 GB, most of it torch


def complaint(version, free_bytes):
    """Why the environment cannot be made, in a line; None if it can."""
    if tuple(version[:2]) < OLDEST:
        return "Building the book needs Python {}.{} or newer; this is {}.{}. Try: make PYTHON=python3.12".format(
            *(OLDEST + tuple(version[:2]))
        )
    if free_bytes < GIGABYTES * 10**9:
        return "The environment needs {} GB of disk; {:.1f} GB are free in this folder.".format(
            GIGABYTES, free_bytes / 10**9
        )
    return None


def main():
    """Create the environment, or bring it to the pinned versions."""
    installed = os.path.exists(os.path.join(VENV, ".ready"))
    problem = complaint(sys.version_info, float("inf") if installed else shutil.disk_usage(ROOT).free)
    if problem:
        sys.exit(problem)
    # `uv pip sync` installs the pinned set as it is. It resolves nothing, so the stale pins
    # that d2l brings along do no harm.
    commands = [
        [PYTHON, "-m", "pip", "install", "--quiet", "uv==0.13.8"],
        [PYTHON, "-m", "uv", "pip", "sync", "--quiet", "requirements.txt"],
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
