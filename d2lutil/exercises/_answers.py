"""Answers to exercises: how they are shown to a reader, and how two of them differ, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

Fault = tuple[str, str]  # what is wrong, and a hint (which may be empty)


def show(value: Any, digits: int = 4) -> str:
    """A value, short and readable: numbers rounded, a large tensor by its corners and its shape."""
    if isinstance(value, tuple | list):
        shown = [show(v, digits) for v in value[:10]] + ["…"] * (len(value) > 10)
        return ("({})" if isinstance(value, tuple) else "[{}]").format(", ".join(shown))
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
    """What a value is, in words: a tensor, an `int`."""
    if value is None:
        return "`None`"
    name = type(value).__name__
    name = {"Tensor": "tensor", "ndarray": "NumPy array"}.get(name, f"`{name}`")
    return f"{'an' if name.strip('`')[0] in 'aeiou' else 'a'} {name}"


def difference(
    got: Any, want: Any, tolerance: float, what: str = "your answer", names: Sequence[str] = ()
) -> Fault | None:
    """How `got` differs from `want`; None if it does not."""
    if isinstance(want, torch.Tensor):
        return _tensor_difference(got, want, tolerance, what)
    if isinstance(want, dict) and isinstance(got, dict) and got.keys() == want.keys():
        names = [str(key) for key in want]
        got, want = [got[key] for key in want], list(want.values())
    if isinstance(want, tuple | list):
        parts = [f"`{n}`" for n in names] or [f"value {i + 1} of {what}" for i in range(len(want))]
        if not isinstance(got, tuple | list) or len(got) != len(want):
            are = f"{len(got)} values" if isinstance(got, tuple | list) else kind(got)
            all_of_them = ", ".join(parts) if names else f"{len(want)} values"
            return f"{what} is {are}; expected: {all_of_them}.", "Return all of them, in order."
        each = (difference(g, w, tolerance, p) for g, w, p in zip(got, want, parts, strict=True))
        return next(filter(None, each), None)
    family = next(k for k in (bool, Integral, Real, type(want)) if isinstance(want, k))
    if not isinstance(got, family) or isinstance(got, bool) != isinstance(want, bool):
        hint = ""
        if isinstance(got, torch.Tensor):
            hint = "`.item()` takes the number out of a tensor that has only one."
        elif family is Integral and isinstance(got, float):
            hint = "`/` makes a fraction of any two numbers; `//` and `int` make whole ones."
        return f"{what} is {kind(got)}; {kind(want)} was expected.", hint
    if family is Real:
        got, want = torch.tensor(float(got)), torch.tensor(float(want))
        return _tensor_difference(got, want, tolerance, what)
    return None if got == want else (f"{what} is not what was expected.", "")


def _tensor_difference(got: Any, want: torch.Tensor, tolerance: float, what: str) -> Fault | None:
    def close(a: torch.Tensor, b: torch.Tensor) -> bool:
        return torch.allclose(a.double(), b.double(), tolerance, tolerance / 10, equal_nan=True)

    if not isinstance(got, torch.Tensor):
        if isinstance(got, tuple | list) and any(isinstance(part, torch.Tensor) for part in got):
            hint = "One tensor is asked for: return that one alone, or join yours by `torch.stack`."
            return f"{what} is {kind(got)} of {len(got)}, not a tensor.", hint
        return (
            f"{what} is {kind(got)}, not a tensor.",
            "Stay with tensors from beginning to end; lists, NumPy arrays and Python numbers lose "
            "the gradient. Use torch's functions, and no `.item()`, `.tolist()` or `.numpy()`.",
        )
    if (got.device, got.layout) != (want.device, want.layout):
        where = f"`{got.device}`, `{got.layout}`"
        return f"{what} is a tensor on {where}.", "Leave it dense, and on the device of the inputs."
    got, want = got.detach(), want.detach()
    alike = got.numel() == want.numel() and got.is_complex() == want.is_complex()
    right = alike and close(got.reshape(want.shape), want)
    numbers = "The numbers are right. " if right else ""
    if got.shape != want.shape:
        return (
            f"{what} has the wrong shape: `{tuple(got.shape)}` instead of `{tuple(want.shape)}`.",
            f"{numbers}Follow the shapes through your lines: look for a sum or mean over the wrong "
            "dimension, for `keepdim`, and for a vector that became a matrix.",
        )
    if got.dtype != want.dtype:
        return (
            f"{what} has the wrong dtype: `{got.dtype}` instead of `{want.dtype}`.",
            numbers + _dtype_hint(got, want),
        )
    if right:
        return None
    if (want.isfinite() & ~got.isfinite()).any():
        return (
            f"{what} has numbers that are NaN or infinite.",
            "Look for a division by zero, the logarithm of zero, or `exp` of a large number.",
        )
    hint = "The sign is wrong, and nothing else." if close(got, -want.double()) else ""
    if want.ndim == 2 and want.shape[0] == want.shape[1] and close(got.T, want):
        hint = "This is the transpose of what was expected."
    return f"{what} is not what was expected.", hint


def _dtype_hint(got: torch.Tensor, want: torch.Tensor) -> str:
    if want.dtype == torch.bool:
        return "True or False is asked for: compare, or convert with `.bool()`."
    if got.is_floating_point() and not want.is_floating_point():
        return "`/`, `.floor()` and `//` of floats give floats. `.long()` makes them whole."
    return (
        "NumPy makes float64 and whole numbers make int64. Keep the dtype of the inputs, or "
        "convert with `.to(…)`."
    )


def same(now: Any, before: Any) -> bool:
    """Whether an argument is as it was; only data is looked at, no models or functions."""
    if isinstance(before, np.ndarray):
        now, before = torch.as_tensor(now), torch.as_tensor(before)
    data = isinstance(before, torch.Tensor | list | tuple | dict)
    return not data or difference(now, before, 0.0) is None
