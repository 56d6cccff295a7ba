"""What every function of the package says of an argument that is not what it has to be."""

from __future__ import annotations

import doctest
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

from d2lutil import _arguments
from d2lutil._arguments import check_choice, check_flag, check_number, form


@pytest.mark.parametrize("value", [1, 2.5, 3, np.float32(2), np.int64(1), Fraction(3, 2)])
def test_numbers_of_any_kind_are_taken(value):
    check_number("size", value, least=1, above=0, most=3)


@pytest.mark.parametrize("value", [1, 3, np.int64(2), np.uint8(2)])
def test_whole_numbers_of_any_kind_are_taken(value):
    check_number("size", value, least=1, most=3, whole=True)


@pytest.mark.parametrize(
    ("value", "limits", "error", "message"),
    [
        (0, {"least": 1, "whole": True}, ValueError, "a whole number, at least 1, not 0"),
        (4, {"least": 1, "most": 3}, ValueError, "a finite number, at least 1, at most 3, not 4"),
        (0.0, {"above": 0}, ValueError, "a finite number, above 0, not 0.0"),
        (math.nan, {"above": 0}, ValueError, "a finite number, above 0, not nan"),
        (math.inf, {}, ValueError, "a finite number, not inf"),
        (-math.inf, {}, ValueError, "a finite number, not -inf"),
        (1.0, {"whole": True}, TypeError, "a whole number, not 1.0"),
        (True, {}, TypeError, "a finite number, not True"),
        ("1", {"least": 0}, TypeError, "a finite number, at least 0, not '1'"),
        (None, {}, TypeError, "a finite number, not None"),
        (torch.ones(1), {}, TypeError, "a finite number, not tensor([1.])"),
    ],
)
def test_what_is_no_such_number_is_named(value, limits, error, message):
    with pytest.raises(error, match=f"^{re.escape(f'size must be {message}')}$"):
        check_number("size", value, **limits)


def test_flags_and_choices():
    check_flag("amp", True)
    check_choice("every", "update", "epoch", "update")
    with pytest.raises(TypeError, match="amp must be True or False, not 1"):
        check_flag("amp", 1)
    with pytest.raises(ValueError, match="every must be 'epoch' or 'update', not None"):
        check_choice("every", None, "epoch", "update")


def test_forms():
    assert form((torch.ones(2), torch.ones(1, 3).long())) == "(2,) float32 and (1, 3) int64"
    assert form([1]) == "a list"
    assert form(()) == "a tuple"


def test_the_examples_in_the_docstrings():
    found = doctest.testmod(_arguments, extraglobs={"torch": torch})
    assert found.attempted > 0
    assert found.failed == 0
