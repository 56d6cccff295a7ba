"""How fast this machine is, so that a minute means the same on every one.

The book's minute is a fixed piece of work: matrix products and convolutions, such as chapters are
made of, that take one core of a machine of 2024 sixty seconds of its time. A chapter's budget is
one of them, whatever the clock says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

# Rounds of each that one core of that machine makes in a second.
PRODUCTS, CONVOLUTIONS = 4000.0, 340.0
MEASURE = """
import json, time
import torch

torch.manual_seed(0)
a, b = torch.randn(256, 256), torch.randn(256, 256)
x, w = torch.randn(64, 8, 28, 28), torch.randn(16, 8, 3, 3)
counts = []
for work in (lambda: a @ b, lambda: torch.conv2d(x, w)):
    work()
    count, began = 0, time.process_time()
    while time.process_time() < began + 1:
        work()
        count += 1
    counts.append(count / (time.process_time() - began))
print(json.dumps(counts))
"""


def minute() -> float:
    """The seconds of processor time that the book's minute takes on one core here."""
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.check_output([sys.executable, "-c", MEASURE], env=alone, text=True)
    products, convolutions = json.loads(done)
    return 30 * PRODUCTS / products + 30 * CONVOLUTIONS / convolutions
