"""Trains the weights that travel with the book again.

    python -m _ext.weights chapter ...

Each chapter is executed with D2LUTIL_WEIGHTS=train, by which `d2lutil.weights.trained` trains and
writes what it else would load. Nothing else is kept of the run. Where D2LUTIL_WEIGHTS is set
already, to the name of some weights, only these are trained.
"""

from __future__ import annotations

import os
import sys

from _ext.chapter import named
from _ext.kernel import ENVIRONMENT, run

TIMEOUT = 4 * 3600  # seconds a cell


def main() -> int:
    """Train the weights of the chapters that are named."""
    if len(sys.argv) < 2:
        print("which chapter? make weights CHAPTER=detection/yolov1", file=sys.stderr)
        return 2
    for chapter in named(sys.argv[1:]):
        threads = {"OMP_NUM_THREADS": str(os.cpu_count())}  # alone, with all cores
        which = os.environ.get("D2LUTIL_WEIGHTS") or "train"
        settings = {**ENVIRONMENT, **threads, "D2LUTIL_WEIGHTS": which}
        took = run(chapter.notebook, chapter.page.parent, settings, timeout=TIMEOUT)
        print(f"{chapter.name}: {took['seconds']:.0f} s of the processor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
