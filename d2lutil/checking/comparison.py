"""How two answers differ, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import torch

from .values import kind, number

_KINDS = {
    "bool": "True or False",
    "whole": "whole numbers",
    "real": "real numbers",
    "complex": "complex numbers",
}
_NAN = (
    "0/0 is NaN, and so are the mean of no numbers at all, the logarithm or root of a negative "
    "number, and `inf / inf` and `inf - inf`: `exp` of a large number is infinite."
)

_AS_LIST = "`list(…)` around it makes a list."


class Fault(NamedTuple):
    """What is wrong; a hint, which may be empty; and which part of an answer of several it is."""

    message: str
    hint: str = ""
    part: tuple[Any, ...] = ()


def difference(
    got: Any, want: Any, tolerance: float, what: str = "your answer", names: Sequence[str] = ()
) -> Fault | None:
    """How `got` differs from `want`; None if it does not.

    Of a dtype only the kind counts: True or False, whole, real, complex. Real numbers may differ
    by `tolerance` times their size and a tenth of `tolerance`; everything else is compared exactly.
    Where a number is wanted, a tensor of shape () is one, and so are NumPy's.
    """
    if isinstance(want, torch.Tensor):
        return _tensor_difference(got, want, tolerance, what)
    if isinstance(want, dict):
        return _dict_difference(got, want, tolerance, what)
    if isinstance(want, tuple | list):
        parts = [f"`{n}`" for n in names] or [f"value {i + 1} of {what}" for i in range(len(want))]
        if not isinstance(got, tuple | list) or len(got) != len(want):
            several = isinstance(got, tuple | list) and type(got).__module__ != "torch.return_types"
            are = _count(len(got), "value") if several else kind(got)
            expected = ", ".join(parts) if names else _count(len(want), "value")
            hint = _several_hint(got, len(want), names)
            return Fault(f"{what} is {are}; expected: {expected}.", hint)
        return _first(zip(range(len(want)), got, want, parts, strict=True), tolerance)
    if isinstance(want, bool | Real | np.generic):
        return _number_difference(got, number(want), tolerance, what)
    if not isinstance(got, type(want)):
        as_list = type(want).__name__ == "list" and isinstance(got, Iterable)
        hint = _unfinished(got) or _AS_LIST * as_list
        return Fault(f"{what} is {kind(got)}; {kind(want)} was expected.", hint)
    return None if got == want else Fault(f"{what} is not what was expected.")


def same(now: Any, before: Any) -> bool:
    """Whether an argument is as it was; only data is looked at, no models or functions."""
    if isinstance(before, np.ndarray):
        now, before = torch.as_tensor(now), torch.as_tensor(before)
    data = isinstance(before, torch.Tensor | list | tuple | dict)
    return not data or difference(now, before, 0.0) is None


def close(got: torch.Tensor, want: torch.Tensor, tolerance: float) -> bool:
    """Whether two tensors of one shape hold the same numbers: whole ones exactly the same."""
    if dtype_kind(want) in ("bool", "whole") and dtype_kind(got) in ("bool", "whole"):
        return torch.equal(got.long(), want.long())
    wide = torch.complex128 if want.is_complex() or got.is_complex() else torch.float64
    got, want = got.detach().to(wide), want.detach().to(wide)
    return torch.allclose(got, want, tolerance, tolerance / 10, equal_nan=True)


def dtype_kind(tensor: torch.Tensor) -> str:
    """What a tensor holds: "bool", "whole", "real" or "complex" numbers."""
    if tensor.dtype == torch.bool:
        return "bool"
    return "complex" if tensor.is_complex() else "real" if tensor.is_floating_point() else "whole"


def part_of(value: Any, part: tuple[Any, ...]) -> Any:
    """A part of an answer, by what `Fault.part` says; None if it is not there."""
    for key in part:
        if not isinstance(value, tuple | list | dict):
            return None
        try:
            value = value[key]
        except (IndexError, KeyError):
            return None
    return value


def _count(n: int, word: str) -> str:
    return f"{n} {word}" + "s" * (n != 1)


def _unfinished(got: Any) -> str:
    return "Put your code in the place of `...`." if got is ... else ""


def _several_hint(got: Any, count: int, names: Sequence[str]) -> str:
    """What to return, where it is not as many values as are asked for."""
    if got is ...:
        return _unfinished(got)
    if names:
        if not all(name.isidentifier() for name in names):
            return "These are computed from what you return. Look at its type."
        number = {2: "two", 3: "three"}.get(count, count)
        given = f"`return {', '.join(names)}`"
        return f"Return exactly the {number}, separately and in this order: {given}."
    if isinstance(got, Iterator):
        return _AS_LIST
    return f"Return all of them, in order, and nothing else: a list of {count}."


def _first(parts: Iterator[tuple[Any, Any, Any, str]], tolerance: float) -> Fault | None:
    """The first difference among the parts of an answer: key, what came, what was wanted, name."""
    for key, got, want, name in parts:
        if fault := difference(got, want, tolerance, name):
            return fault._replace(part=(key, *fault.part))
    return None


def _dict_difference(got: Any, want: dict[Any, Any], tolerance: float, what: str) -> Fault | None:
    if not isinstance(got, dict):
        return Fault(f"{what} is {kind(got)}; {kind(want)} was expected.", _unfinished(got))
    for name, keys in (("lacks", want.keys() - got.keys()), ("has", got.keys() - want.keys())):
        if keys:
            hint = f"These keys are expected: {', '.join(f'`{key!r}`' for key in want)}."
            which = "the key" if name == "lacks" else "a key too many,"
            return Fault(f"{what} {name} {which} `{min(keys, key=repr)!r}`.", hint)
    parts = ((key, got[key], want[key], f"`{key}`") for key in want)
    return _first(parts, tolerance)


def _number_difference(got: Any, want: Any, tolerance: float, what: str) -> Fault | None:
    value = number(got)
    family = next(k for k in (bool, Integral, Real, type(want)) if isinstance(want, k))
    if not isinstance(value, family) or isinstance(value, bool) != isinstance(want, bool):
        hint = _unfinished(got)
        if isinstance(got, torch.Tensor | np.ndarray) and value is None:
            hint = "`.item()` takes the number out of a tensor that has only one."
        elif family is Integral and isinstance(value, float):
            hint = "`/` makes a fraction of any two numbers; `//` and `int` make whole ones."
        elif family is bool:
            hint = "True or False is asked for: compare, or convert with `bool()`."
        elif isinstance(got, str | tuple | list | set | dict):
            hint = f"Return the number alone, and not in {kind(got)}."
        elif isinstance(value, bool):
            hint = "A comparison gives True or False; a number is asked for."
        are = kind(got)
        if isinstance(got, torch.Tensor):
            are += f" of shape `{tuple(got.shape)}`" if got.ndim else f" of `{got.dtype}`"
        return Fault(f"{what} is {are}; {kind(want)} was expected.", hint)
    if family is not Real:
        return None if value == want else Fault(f"{what} is not what was expected.")
    try:
        value = float(value)
    except OverflowError:  # 10**400
        value = float("inf")
    pair = (torch.tensor(v, dtype=torch.float64) for v in (value, float(want)))
    return _value_difference(*pair, tolerance, what)


def _tensor_difference(got: Any, want: torch.Tensor, tolerance: float, what: str) -> Fault | None:
    if not isinstance(got, torch.Tensor):
        return _no_tensor(got, want, what)
    if (got.device, got.layout) != (want.device, want.layout):
        hint = "Leave it dense, and on the device of the inputs."
        return Fault(f"{what} is a tensor on `{got.device}`, `{got.layout}`.", hint)
    if got.shape != want.shape:
        shapes = f"`{tuple(got.shape)}` instead of `{tuple(want.shape)}`"
        return Fault(f"{what} has the wrong shape: {shapes}.")
    if dtype_kind(got) != dtype_kind(want):
        return Fault(
            f"{what} has the wrong dtype: `{got.dtype}`; expected: {_KINDS[dtype_kind(want)]}.",
            _kind_hint(got, want),
        )
    return _value_difference(got.detach(), want.detach(), tolerance, what)


def _no_tensor(got: Any, want: torch.Tensor, what: str) -> Fault:
    message = f"{what} is {kind(got)}, not a tensor."
    if got is ...:
        return Fault(message, _unfinished(got))
    if type(got).__module__ == "torch.return_types":
        first, second, *_ = type(got).__match_args__
        return Fault(message, f"Take one of them: `.{first}` or `.{second}`.")
    if isinstance(got, tuple | list) and any(isinstance(part, torch.Tensor) for part in got):
        hint = "One tensor is asked for: return that one alone, or join yours by `torch.stack`."
        if len(got) == 1:
            hint = f"Return the tensor alone, and not in {kind(got)}."
        return Fault(f"{what} is {kind(got)} of {len(got)}, not a tensor.", hint)
    if dtype_kind(want) in ("bool", "whole"):  # which have no gradient to lose
        return Fault(message, "`torch.tensor(…)` makes a tensor of a number or of a list of them.")
    return Fault(
        message,
        "Stay with tensors from beginning to end; lists, NumPy arrays and Python numbers lose "
        "the gradient. Use torch's functions, and no `.item()`, `.tolist()` or `.numpy()`.",
    )


def _kind_hint(got: torch.Tensor, want: torch.Tensor) -> str:
    asked, given = dtype_kind(want), dtype_kind(got)
    if asked == "bool":
        return "True or False is asked for: compare, or convert with `.bool()`."
    if given == "complex":
        return "`.real` takes the real part of complex numbers."
    if given == "bool":
        convert = "`.float()`" if asked == "real" else "`.long()`"
        return f"A comparison gives True or False. {convert} makes ones and zeros of them."
    if asked == "whole":
        return "`/`, `.floor()` and `//` of floats give floats. `.long()` makes them whole."
    return (
        "`argmin`, `argmax` and `argsort` give positions; `min`, `max` and `sort` give the values. "
        "If there are none of them, `.float()` makes whole numbers real."
    )


def _value_difference(
    got: torch.Tensor, want: torch.Tensor, tolerance: float, what: str
) -> Fault | None:
    if close(got, want, tolerance):
        return None
    strange = got[want.isfinite() & ~got.isfinite()]
    if not len(strange):
        return Fault(f"{what} is not what was expected.")
    if strange.isnan().any():
        name, hint = "NaN", _NAN
    elif (strange < 0).any():
        name, hint = "−∞", "The logarithm of zero is −∞; so is a negative number divided by zero."
    else:
        name, hint = "∞", "A division by zero gives ∞, and `exp` of more than 88 does in float32."
    return Fault(f"{what} {'has numbers that are' if got.ndim else 'is'} {name}.", hint)
