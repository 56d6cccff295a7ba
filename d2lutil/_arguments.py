"""What the package says of an argument that is not what it has to be."""

from __future__ import annotations

from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

from torch import Tensor


def check_number(
    name: str,
    value: object,
    *,
    least: float = -inf,
    above: float = -inf,
    most: float = inf,
    whole: bool = False,
) -> None:
    """Refuse a `value` that is not a finite number, or a whole one, within these limits.

    `least` and `most` are allowed themselves, `above` is not. What is no number is a `TypeError`,
    a number beyond the limits a `ValueError`.

    >>> check_number("epochs", 0, least=1, whole=True)
    Traceback (most recent call last):
    ValueError: epochs must be a whole number, at least 1, not 0
    """
    limits = f", at least {least}" * (least > -inf) + f", above {above}" * (above > -inf)
    limits += f", at most {most}" * (most < inf)
    message = f"{name} must be a {'whole' if whole else 'finite'} number{limits}, not {value!r}"
    if not isinstance(value, Integral if whole else Real) or isinstance(value, bool):
        raise TypeError(message)
    if not isfinite(value) or not least <= value <= most or (above > -inf and value <= above):
        raise ValueError(message)


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False with a `TypeError`."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")


def check_choice(name: str, value: object, *choices: str) -> None:
    """Refuse with a `ValueError` what is none of these words.

    >>> check_choice("schedule_every", "step", "epoch", "update")
    Traceback (most recent call last):
    ValueError: schedule_every must be 'epoch' or 'update', not 'step'
    """
    if value not in choices:
        raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, not {value!r}")


def form(value: Any) -> str:
    """The shape and type of a tensor or of several, the type of anything else.

    >>> form(torch.zeros(2, 3))
    '(2, 3) float32'
    """
    if isinstance(value, tuple) and value and all(isinstance(v, Tensor) for v in value):
        return " and ".join(map(form, value))
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
