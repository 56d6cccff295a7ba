"""Values in a reader's words: how they are shown, what kind they are, which number they hold."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from numbers import Complex
from typing import Any

import numpy as np
import torch


def show(value: Any, digits: int = 4) -> str:
    """A value, short and readable: numbers rounded, a large tensor by its corners and its shape."""
    if isinstance(value, tuple | list):
        shown = [show(v, digits) for v in value[:10]] + ["…"] * (len(value) > 10)
        alone = "," * (isinstance(value, tuple) and len(value) == 1)
        text = ", ".join(shown) + alone
        return f"({text})" if isinstance(value, tuple) else f"[{text}]"
    if isinstance(value, float):
        return str(float(f"{value:.{digits + 2}g}"))
    with contextlib.suppress(Exception):  # a reader's own class may have a faulty __repr__
        if isinstance(value, torch.Tensor | np.ndarray):
            return _show_array(value, digits)
        text = repr(value)
        return text if len(text) <= 200 else text[:199] + "…"
    return object.__repr__(value)


def _show_array(value: torch.Tensor | np.ndarray, digits: int) -> str:
    array, name = value, "array"
    if isinstance(value, torch.Tensor):
        value, name = value.detach().cpu(), "tensor"
        array = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    text = np.array2string(
        array,
        precision=digits,
        separator=", ",
        threshold=30,
        edgeitems=2,
        prefix=name + "(",
        suppress_small=array.dtype.kind == "f" and bool((np.abs(array) >= 0.01).any()),
    )
    text += f", shape={array.shape}" if array.size > 30 or not array.size else ""
    usual = array is value or value.dtype in (torch.float32, torch.int64, torch.bool)
    return f"{name}({text}{'' if usual else f', dtype={value.dtype}'})"


def show_named(names: Sequence[str], values: Any, digits: int = 4) -> str:
    """Several values, each on a line with its name; what has no names is shown as it is."""
    if not names or not isinstance(values, tuple | list) or len(names) != len(values):
        return show(values, digits)
    pairs = [(f"{n} = ", show(v, digits)) for n, v in zip(names, values, strict=True)]
    return "\n".join(n + text.replace("\n", "\n" + " " * len(n)) for n, text in pairs)


def kind(value: Any) -> str:
    """What a value is, in words: a tensor, an `int`, values and indices."""
    if value is None or value is ...:
        return "`None`" if value is None else "`...`"
    name = type(value).__name__
    if isinstance(value, tuple) and type(value).__module__ == "torch.return_types":
        return f"all that `torch.{name}` gives (`{'` and `'.join(type(value).__match_args__)}`)"
    if isinstance(value, np.generic):
        return f"a NumPy number (`{name}`)"
    name = {"Tensor": "tensor", "ndarray": "NumPy array"}.get(name, f"`{name}`")
    return f"{'an' if name.strip('`')[0] in 'aeiou' else 'a'} {name}"


def number(value: Any) -> Complex | None:
    """The one number that a value holds: Python's, NumPy's, or a tensor's of shape (); or None."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        if value.ndim or (isinstance(value, torch.Tensor) and value.device.type == "meta"):
            return None
        value = value.item()
    return value if isinstance(value, Complex) else None  # which every number is
