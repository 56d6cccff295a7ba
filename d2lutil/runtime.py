"""Where and at what scale the book runs: the device, the scale in force, the seed."""

from __future__ import annotations

import os
import random
from typing import TypeVar

import numpy as np
import torch

T = TypeVar("T")


def device(choice: str | torch.device | None = None) -> torch.device:
    """The device to compute on: the best one here, unless it is chosen.

    `choice` comes first, then the environment variable D2LUTIL_DEVICE (such as `cpu` or `cuda:1`),
    then the best that this machine has: CUDA, Apple's MPS, the CPU. A device that does not exist
    here is a `ValueError`.

    >>> device("cpu")
    device(type='cpu')
    """
    name = "D2LUTIL_DEVICE" if choice is None else "device"
    choice = os.environ.get("D2LUTIL_DEVICE") if choice is None else choice
    has_mps = torch.backends.mps.is_available()
    best = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if choice is not None and not isinstance(choice, str | torch.device):
        raise TypeError(f"{name} must be a device or its name, such as 'cpu', not {choice!r}")
    try:
        chosen = torch.device(choice or best)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"{name} is {str(choice)!r}, which this machine does not have; its best is {best!r}"
        ) from error
    return chosen


def scale(small: T, full: T) -> T:
    """`small` or `full`, by the scale in force.

    That is D2LUTIL_SCALE, `small` or `full`; where it is not set, full on a CUDA GPU and small
    elsewhere. Any other value is a `ValueError`.

    >>> epochs = scale(small=4, full=20)
    """
    chosen = os.environ.get("D2LUTIL_SCALE") or ("full" if device().type == "cuda" else "small")
    if chosen not in ("small", "full"):
        raise ValueError(f"D2LUTIL_SCALE must be 'small' or 'full', not {chosen!r}")
    return full if chosen == "full" else small


def seed(value: int = 0) -> None:
    """Seed the random numbers of Python, NumPy and PyTorch, so that a run can be repeated.

    The environment variable D2LUTIL_SEED_SHIFT is added to `value`: with 1000, say, all that is
    random in a chapter comes out otherwise, so that you see what does not depend on luck.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"value must be a whole number, not {value!r}")
    if not 0 <= value < 2**32:
        raise ValueError(f"value must be from 0 to 2**32 - 1, not {value}")
    shift = os.environ.get("D2LUTIL_SEED_SHIFT") or "0"
    if not shift.isdecimal():
        raise ValueError(f"D2LUTIL_SEED_SHIFT must be a whole number from 0, not {shift!r}")
    value = (value + int(shift)) % 2**32
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)
