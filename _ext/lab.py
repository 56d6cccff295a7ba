"""Copies the students' notebooks to `my-notebooks`. What is there already is the reader's.

python -m _ext.lab
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def copy_new(source: Path, target: Path) -> list[Path]:
    """Copy the files that `target` has not got, whole or not at all; return their names in it."""
    copied = []
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_dir() or os.path.lexists(target / name):
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        half = target / name.with_name(f".{name.name}.part")
        shutil.copyfile(path, half)
        half.replace(target / name)
        copied.append(name)
    return copied


if __name__ == "__main__":
    new = copy_new(ROOT / "_build/notebooks", ROOT / "my-notebooks")
    print(f"{len(new)} notebooks are new in my-notebooks; what was there is as you left it.")
