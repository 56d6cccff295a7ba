"""Weights that travel with the book: what a chapter's own code reaches in more than its minute."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from d2lutil import runtime

FOLDER = Path(__file__).parent
LARGEST = 500_000  # bytes


def trained(
    name: str, model: nn.Module, train: Callable[[], dict[str, float]] | None = None
) -> dict[str, Any]:
    """Give `model` the weights called `name` that travel with the book; return their record.

    The record says how the weights came about: the device, the scale, the seconds, PyTorch's
    release, and `numbers`, what `train` measured. `train()` trains `model` and returns them. It is
    called by `make weights` alone (D2LUTIL_WEIGHTS in the environment, `train` for all weights or
    the name of some), which then writes weights, in half precision, and record into the package.
    Without a `train` they are loaded only: another chapter trains them.

    Raises ``FileNotFoundError`` where there are no weights of that name, ``ValueError`` where they
    are not those of such a model, or where those to be written take more than 500,000 bytes.

    >>> record = trained("detection/yolo_long", model, train_for_long)
    >>> record["numbers"]["map_50"]
    86.2
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, not {model!r}")
    weights, record = FOLDER / f"{name}.safetensors", FOLDER / f"{name}.json"
    if train is not None and os.environ.get("D2LUTIL_WEIGHTS") in ("train", name):
        _write(weights, record, model, train)
    if not (weights.exists() and record.exists()):
        raise FileNotFoundError(f"no weights called {name!r} travel with the book")
    _load(weights, model)
    return json.loads(record.read_text(encoding="utf-8"))


def _write(weights: Path, record: Path, model: nn.Module, train: Callable[[], Any]) -> None:
    from safetensors.torch import save

    began = time.perf_counter()
    numbers = train()
    seconds = time.perf_counter() - began
    content = save({name: _half(value) for name, value in model.state_dict().items()})
    if len(content) > LARGEST:
        raise ValueError(
            f"the weights take {len(content):,} bytes; what travels with the book has "
            f"{LARGEST:,} at most"
        )
    told = {
        "numbers": numbers,
        "device": str(next(model.parameters()).device),
        "scale": runtime.scale(small="small", full="full"),
        "seconds": round(seconds),
        "torch": str(torch.__version__).partition("+")[0],
    }
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(content)
    record.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _half(value: torch.Tensor) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if value.is_floating_point() else value


def _load(weights: Path, model: nn.Module) -> None:
    from safetensors.torch import load_file

    wanted, found = model.state_dict(), load_file(weights)
    shapes = [{name: tuple(v.shape) for name, v in state.items()} for state in (wanted, found)]
    if shapes[0] != shapes[1]:
        other = sorted(set(shapes[0].items()) ^ set(shapes[1].items()))[0]
        raise ValueError(f"{weights.stem} are the weights of another model: see {other[0]!r}")
    model.load_state_dict(found)
