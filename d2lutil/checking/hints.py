"""What can be said of a wrong answer from all cases together: its shapes, its dtype, its numbers.

A hint here is a claim about the reader's function, so every case has to bear it out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import torch

from .comparison import close, difference, dtype_kind
from .values import number

Pair = tuple[torch.Tensor, torch.Tensor]  # what came out, and what was expected

_FOLLOW = "Follow the shapes through your lines: print `.shape` after each of them."
_ONE_NUMBER = "All is reduced to one number: `dim=` says over what a sum, mean or maximum goes."
_ONE_TOO_MANY = (
    "A dimension of size 1 is too many: look for `keepdim`, for `unsqueeze` or `None` in an index, "
    "and for a slice where a number would do."
)
_ONE_MISSING = (
    "A dimension of size 1 is missing: `keepdim=True` keeps it, `unsqueeze` makes it, and "
    "`squeeze` takes it away."
)
_ANOTHER_ORDER = "The dimensions stand in another order: something is transposed, or should be."
_MISSING = (
    "A dimension is missing ({} of what is expected): has a sum, a mean, an index or `torch.cat` "
    "taken it away?"
)
_TOO_MANY = (
    "There is a dimension too many ({}): is a sum, a mean or an index over it missing? Or was it "
    "broadcast, as `(n,)` with `(n, 1)` becomes `(n, n)`?"
)
_ONE_ROW = (
    "All stands in one row. `flatten`, `reshape(-1)` and `torch.cat` make one; `torch.stack` makes "
    "a new dimension."
)
_ENDS = "look at where your loop, slice or padding begins and ends."
_LONG_BY_ONE = "There is one too many in {}: " + _ENDS
_SHORT_BY_ONE = "There is one too few in {}: " + _ENDS
_SIZE_1 = "Only one is left in {}: a sum or mean went over it, or one entry was taken of it."
_WRONG_SIZE = "The size is wrong in {}. " + _FOLLOW


def pair(got: Any, want: Any) -> Pair | None:
    """Two tensors, or two numbers as tensors; None if one of them is something else."""
    if not isinstance(want, torch.Tensor):
        numbers = number(got), number(want)
        with contextlib.suppress(TypeError, ValueError, OverflowError, RuntimeError):  # 10**400
            return None if None in numbers else tuple(torch.as_tensor(n) for n in numbers)
        return None
    if not isinstance(got, torch.Tensor) or (got.device, got.layout) != (want.device, want.layout):
        return None
    return got.detach(), want.detach()


def order_hint(
    answers: Sequence[Any], wants: Sequence[Any], names: Sequence[str], tolerance: float
) -> str:
    """Whether the values of these names are right in every case, but stand in another order."""
    for order in permutations(range(len(names))):
        if [*order] != sorted(order) and all(
            isinstance(answer, tuple | list)
            and len(answer) == len(names)
            and not difference([answer[k] for k in order], want, tolerance)
            for answer, want in zip(answers, wants, strict=True)
        ):
            right = ", ".join(f"`{name}`" for name in names)
            return f"These are the right values in another order. It is {right}."
    return ""


def wrapper_hint(answers: Sequence[Any], wants: Sequence[Any], tolerance: float) -> str:
    """Whether each answer is right but for the list, the text or whatever else it is in."""
    for answer, want in zip(answers, wants, strict=True):
        inside = _unwrapped(answer, want)
        if inside is None or difference(inside, want, tolerance):
            return ""
    several = isinstance(wants[0], torch.Tensor) and wants[0].numel() > 1
    return "The numbers are right." if several else "The number is right."


def _unwrapped(answer: Any, want: Any) -> Any:
    """The tensor or number in an answer, such as `[tensor]`, `(6,)` or `"6"`; None without one.

    Of a text, the number may be rounded to the digits that it has: then it is the one wanted.
    """
    if isinstance(answer, dict | set):
        answer = [*(answer.values() if isinstance(answer, dict) else answer)]
    with contextlib.suppress(TypeError, ValueError, OverflowError, RuntimeError):
        if isinstance(want, torch.Tensor):
            if isinstance(answer, tuple | list) and len(answer) == 1:
                return answer[0] if isinstance(answer[0], torch.Tensor) else torch.tensor(answer)
            return answer if isinstance(answer, torch.Tensor) else torch.as_tensor(answer)
        if isinstance(answer, torch.Tensor | np.ndarray):
            return answer.item()
        if isinstance(answer, str):
            rounded = round(number(want), len(answer.partition(".")[2]))
            return want if float(answer) == rounded else None
        if isinstance(answer, tuple | list) and len(answer) == 1:
            return _unwrapped(answer[0], want)
        return number(answer)
    return None


def common_hint(pairs: Sequence[Pair | None], tolerance: float, shown: int = 0) -> str:
    """A hint that holds in all cases; None stands for one that gave nothing to compare.

    A shape may be wrong in another case than in that which is shown; the hint says in which.
    """
    there = [pair for pair in pairs if pair]
    wrong = [k for k, pair in enumerate(pairs) if pair and pair[0].shape != pair[1].shape]
    if wrong:
        where = ""
        if shown not in wrong:
            got, want = (f"`{tuple(tensor.shape)}`" for tensor in pairs[wrong[0]])
            where = f"In case {wrong[0] + 1} the shape is wrong, {got} instead of {want}."
        parts = (where, _right_numbers(pairs, tolerance), _shape_hint(there))
        return " ".join(filter(None, parts))
    if any(dtype_kind(got) != dtype_kind(want) for got, want in there):
        return _right_numbers(pairs, tolerance)
    if None in pairs or any(want.is_complex() or got.is_complex() for got, want in there):
        return ""
    if not there:
        return ""
    return _factor(there, tolerance) or _transposed(there, tolerance) or _half(there)


def _right_numbers(pairs: Sequence[Pair | None], tolerance: float) -> str:
    """Whether shape or dtype alone are wrong. Equal numbers, or a single one, do not tell."""
    right = all(
        pair
        and pair[0].numel() == pair[1].numel()
        and close(pair[0].reshape(pair[1].shape), pair[1], tolerance)
        for pair in pairs
    )
    expected = torch.cat([pair[1].flatten() for pair in pairs if pair])
    return "The numbers are right." if right and (expected != expected[:1]).any() else ""


def _factor(pairs: Sequence[Pair], tolerance: float) -> str:
    """Whether all numbers are off by one factor, such as −1 or 2."""
    got = torch.cat([got.double().flatten() for got, _ in pairs])
    want = torch.cat([want.double().flatten() for _, want in pairs])
    if not (got.isfinite().all() and want.isfinite().all() and want.any()):
        return ""
    factor = (got @ want / (want @ want)).item()
    if not factor or not close(got, factor * want, tolerance):
        return ""
    if f"{factor:.4g}" == "1":  # nearly right, but not by a factor that can be told
        return ""
    if abs(factor + 1) <= tolerance:
        return "The sign is wrong, and nothing else."
    several = len(want[want != 0].unique()) > 1
    return f"Your numbers are {factor:.4g} times what was expected, in all cases." * several


def _transposed(pairs: Sequence[Pair], tolerance: float) -> str:
    matrices = all(want.ndim == 2 and got.T.shape == want.shape for got, want in pairs)
    if matrices and all(close(got.T, want, tolerance) for got, want in pairs):
        return "This is the transpose of what was expected."
    return ""


def _half(pairs: Sequence[Pair]) -> str:
    half = all(got.dtype in (torch.float16, torch.bfloat16) for got, _ in pairs)
    near = half and all(close(got, want, 0.02) for got, want in pairs)
    return "Half precision keeps two or three digits, which is too few here." * near


# --- Shapes ---------------------------------------------------------------------------------------


def _shape_hint(pairs: Sequence[Pair]) -> str:
    """What is wrong with the shape in every case in which it is wrong.

    One case can have several explanations, where sizes are equal or 1; the cases together have
    fewer.
    """
    common: list[tuple[str, str]] | None = None
    for got, want in pairs:
        if got.shape != want.shape:
            here = _explanations(list(got.shape), list(want.shape))
            common = here if common is None else [each for each in common if each in here]
    if not common:
        return _FOLLOW
    text = common[0][0]
    return text.format(" or ".join(where for other, where in common if other == text))


def _explanations(got: list[int], want: list[int]) -> list[tuple[str, str]]:
    """What may have made this shape of that one, the likeliest first: a text, and where it is."""
    found = []
    if not got:
        return [(_ONE_MISSING, "")] * (set(want) == {1}) + [(_ONE_NUMBER, "")]
    if [n for n in got if n != 1] == [n for n in want if n != 1] and len(got) != len(want):
        found.append((_ONE_TOO_MANY if len(got) > len(want) else _ONE_MISSING, ""))
    if sorted(got) == sorted(want):
        found.append((_ANOTHER_ORDER, ""))
    elif len(got) == len(want):
        found += _wrong_sizes(got, want)
    for text, short, long in ((_MISSING, got, want), (_TOO_MANY, want, got)):
        for k in range(len(long)):
            if long[:k] + long[k + 1 :] == short:
                found.append((text, f"dimension {k}"))
    if len(got) == 1 < len(want):
        found.append((_ONE_ROW, ""))
    return found


def _wrong_sizes(got: list[int], want: list[int]) -> list[tuple[str, str]]:
    off = {k: g - w for k, (g, w) in enumerate(zip(got, want, strict=True)) if g != w}
    where = f"dimension{'s' * (len(off) > 1)} {' and '.join(map(str, off))}"
    found = [(_LONG_BY_ONE, where)] if set(off.values()) == {1} else []
    found += [(_SHORT_BY_ONE, where)] if set(off.values()) == {-1} else []
    found += [(_SIZE_1, where)] if all(got[k] == 1 for k in off) else []
    return [*found, (_WRONG_SIZE, where)]
