"""What a reader is told about a function, whatever it does; and that progress is kept."""

from __future__ import annotations

import importlib
import json
import math
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from d2lutil import exercises
from d2lutil.checking import Verdict, check, progress, sandbox
from d2lutil.checking.comparison import same
from d2lutil.checking.judge import judge
from d2lutil.checking.values import show, show_named
from d2lutil.exercises import Exercise

NAMES, FIND = exercises.names, exercises.find


def cases(generator: torch.Generator) -> list[tuple[Any, ...]]:
    return [
        (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2.0),
        (torch.randn(3, 3, generator=generator), 0.5),
    ]


def scaled(x: torch.Tensor, factor: float) -> torch.Tensor:
    return x * factor


def sgd(w: torch.Tensor, gradient: torch.Tensor) -> None:
    w -= 0.5 * gradient


class Doubler(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


FAKE = {
    "part/first": {
        "scaled": Exercise(
            scaled,
            cases,
            mistakes=[
                (lambda x, factor: x + factor, "Multiply, do not add."),
                (lambda x, factor: x @ torch.zeros(7), "`x` needs no matrix."),
            ],
        ),
        "halves": Exercise(
            lambda x: (x[: len(x) // 2], len(x) // 2),
            lambda generator: [(torch.arange(6.0),)],
            returns=("half", "count"),
        ),
        "order": Exercise(
            lambda x: x.argsort(), lambda generator: [(torch.tensor([0.5, 0.1, 0.9, 0.3]),)]
        ),
        "large": Exercise(lambda n: torch.tensor([n, 10 * n]), lambda generator: [(10_000_000,)]),
        "table": Exercise(
            lambda x: {"w": x, "b": torch.zeros(2)}, lambda generator: [(torch.ones(2),)]
        ),
        "long": Exercise(lambda text: len(text) > 5, lambda generator: [("four",), ("seven!!",)]),
        "count": Exercise(lambda text: len(text), lambda generator: [("four",), ("seven!!",)]),
        "mean": Exercise(lambda xs: sum(xs) / len(xs), lambda generator: [([1.0, 2.0, 4.5],)]),
    },
    "part/second": {
        "step": Exercise(
            sgd,
            lambda generator: [(torch.ones(2), torch.ones(2))],
            call=lambda reader, w, gradient: (reader(w, gradient), w)[1],
        ),
        "doubler": Exercise(
            Doubler, lambda generator: [(torch.ones(2),)], call=lambda module, x: module()(x)
        ),
        "batches": Exercise(
            lambda X, size: X.split(size),
            lambda generator: [(torch.arange(5), 2)],
            call=lambda reader, X, size: list(reader(X, size)),
        ),
        "tiny": Exercise(lambda x: x, lambda generator: [(torch.ones(2),)], tolerance=1e-6),
        "noise": Exercise(lambda n: torch.randn(n), lambda generator: [(3,), (4,)]),
    },
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(exercises, "names", lambda: {c: list(found) for c, found in FAKE.items()})
    monkeypatch.setattr(
        exercises, "find", lambda name: next(f[name] for f in FAKE.values() if name in f)
    )
    monkeypatch.setenv("D2LUTIL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("D2LUTIL_CHECK", raising=False)
    return tmp_path / "home"


def rows(verdict: Verdict) -> dict[str, str]:
    return dict(verdict.rows)


def test_right_answer_passes() -> None:
    verdict = check.scaled(lambda x, factor: factor * x)
    assert verdict
    assert verdict.status == "passed"
    assert "✓ scaled: passed, all 2 cases." in repr(verdict)
    assert "✓" in verdict._repr_html_()


def test_wrong_answer_is_shown_with_input_and_what_was_expected() -> None:
    verdict = check.scaled(lambda x, factor: torch.zeros(2, 2))
    assert not verdict
    assert verdict.status == "failed"
    assert rows(verdict)["Input"] == "x = tensor([[1., 2.],\n            [3., 4.]])\nfactor = 2.0"
    assert rows(verdict)["Came out"].startswith("tensor([[0., 0.]")
    assert rows(verdict)["Expected"] == "tensor([[2., 4.],\n        [6., 8.]])"
    assert "(Case 1 of 2.)" in verdict.message
    assert verdict.hint


def test_first_wrong_case_is_shown() -> None:
    verdict = check.scaled(lambda x, factor: x * 2)
    assert "(Case 2 of 2.)" in verdict.message
    assert "factor = 0.5" in rows(verdict)["Input"]


def test_known_mistake_gets_its_hint_even_as_an_error() -> None:
    assert check.scaled(lambda x, factor: factor + x).hint == "Multiply, do not add."
    assert check.scaled(lambda x, factor: x @ torch.zeros(7)).hint == "`x` needs no matrix."


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (lambda x, factor: (x * factor).tolist(), "is a `list`, not a tensor", "`.tolist()`"),
        (lambda x, factor: (x * factor).numpy(), "is a NumPy array, not a tensor", "`.numpy()`"),
        (lambda x, factor: 3.0, "is a `float`, not a tensor", "`.item()`"),
        (
            lambda x, factor: (x * factor).flatten(),
            "`(4,)` instead of `(2, 2)`",
            "numbers are right",
        ),
        (lambda x, factor: (x * factor).sum(), "`()` instead of `(2, 2)`", "`dim=` says over what"),
        (lambda x, factor: [x * factor, x], "is a `list` of 2, not a tensor", "`torch.stack`"),
        (lambda x, factor: x.min(0), "all that `torch.min` gives (`values` and", "`.values` or"),
        (lambda x, factor: np.array(["a"]), "is a NumPy array", "Stay with tensors"),
        (lambda x, factor: (x * factor).to("meta"), "on `meta`", "the device of the inputs"),
        (lambda x, factor: (x * factor).to_sparse(), "`torch.sparse_coo`", ""),
        (lambda x, factor: (x * factor).to(torch.complex64), "wrong dtype: `torch.complex64`", ""),
        (lambda x, factor: x > 0, "wrong dtype: `torch.bool`; expected: real", "`.float()`"),
        (lambda x, factor: (x * factor).long(), "`torch.int64`; expected: real", "`.float()`"),
        (lambda x, factor: x / 0, "has numbers that are ∞", "division by zero"),
        (lambda x, factor: -x.abs() / 0, "has numbers that are −∞", "logarithm of zero"),
        (lambda x, factor: x * torch.nan, "has numbers that are NaN", "the mean of no numbers"),
        (lambda x, factor: (x * factor).half() * 1.001, "not what was", "Half precision"),
        (lambda x, factor: -x * factor, "not what was expected", "The sign is wrong"),
        (lambda x, factor: x.T * factor, "not what was expected", "transpose"),
        (lambda x, factor: x * factor * 1.01, "not what was expected", "are 1.01 times what"),
        (lambda x, factor: x * factor + 0.01, "not what was expected", "No usual mistake"),
        (lambda x, factor: x.mul_(factor), "it changed its input `x`", ".clone()"),
        (lambda x, factor: print(x * factor), "returned nothing", "`return`"),
        (lambda x: x, "its parameters are `(x)`", "def scaled(x, factor):"),
        (lambda factor, x: x * factor, "its parameters are `(factor, x)`", "def scaled(x, factor)"),
        (lambda x, factor, more: x, "the check gives it `(x, factor)`", "def scaled(x, factor)"),
    ],
)
def test_diagnosis(answer: Callable[..., Any], message: str, hint: str) -> None:
    verdict = check.scaled(answer)
    assert verdict.status == "failed"
    assert message in verdict.message
    assert hint in verdict.hint


def hint_of(reference: Callable[..., Any], answer: Callable[..., Any], *inputs: Any) -> str:
    """The hint for an answer to an exercise with one case for each input."""
    exercise = Exercise(reference, lambda generator: [(x,) for x in inputs])
    verdict = judge("some", exercise, answer)
    assert verdict.status == "failed", verdict
    return verdict.hint


ONE_ROW, FOUR_ROWS, SQUARE = torch.rand(1, 3), torch.rand(4, 3), torch.rand(3, 3)


@pytest.mark.parametrize(
    ("reference", "answer", "inputs", "hint"),
    [
        # A dimension too many or too few: which one, told by all cases together.
        (
            lambda x: x.mean(1),
            lambda x: x,
            [ONE_ROW, SQUARE, FOUR_ROWS],
            "a dimension too many (dimension 1)",
        ),
        (lambda x: x.mean(1), lambda x: x, [SQUARE], "(dimension 0 or dimension 1)"),
        (lambda x: x[:, 0], lambda x: x[:, :1] + x[:, 0], [FOUR_ROWS], "`(n, n)`"),
        (
            lambda x: x,
            lambda x: x.mean(0),
            [ONE_ROW, FOUR_ROWS],
            "A dimension is missing (dimension 0",
        ),
        (
            lambda x: x,
            lambda x: x[:, 0],
            [SQUARE, FOUR_ROWS],
            "A dimension is missing (dimension 1",
        ),
        (lambda x: x, lambda x: x.sum(), [FOUR_ROWS], "reduced to one number"),
        # Of size 1.
        (
            lambda x: x.mean(1),
            lambda x: x.mean(1, keepdim=True),
            [ONE_ROW, FOUR_ROWS],
            "The numbers are right. A dimension of size 1 is too many",
        ),
        (
            lambda x: x.mean(1, keepdim=True),
            lambda x: x.mean(1),
            [ONE_ROW, FOUR_ROWS],
            "The numbers are right. A dimension of size 1 is missing",
        ),
        # In another order, in one row.
        (lambda x: x.T, lambda x: x, [ONE_ROW, FOUR_ROWS], "The dimensions stand in another order"),
        (lambda x: x, lambda x: x.flatten(), [ONE_ROW, FOUR_ROWS], "All stands in one row"),
        # Of another size.
        (lambda x: x, lambda x: x[1:], [FOUR_ROWS, SQUARE], "There is one too few in dimension 0"),
        (lambda x: x[1:, 1:], lambda x: x, [FOUR_ROWS], "one too many in dimensions 0 and 1"),
        (
            lambda x: x,
            lambda x: x.sum(0, keepdim=True),
            [FOUR_ROWS],
            "Only one is left in dimension 0",
        ),
        (
            lambda x: x,
            lambda x: x[:, ::2].repeat(1, 4),
            [FOUR_ROWS],
            "The size is wrong in dimension 1",
        ),
        (lambda x: x, lambda x: torch.rand(2, 2, 2, 2), [FOUR_ROWS], "Follow the shapes"),
    ],
)
def test_hint_on_a_shape(
    reference: Callable[..., Any], answer: Callable[..., Any], inputs: list[Any], hint: str
) -> None:
    assert hint in hint_of(reference, answer, *inputs)


def test_numbers_are_called_right_only_if_several_tell() -> None:
    def wrong(x):
        return x.sum(1, keepdim=True) if len(x) == 1 else x[:, :1]

    right = "The numbers are right"
    column = torch.rand(4, 1)
    assert right in hint_of(lambda x: x.sum(1), lambda x: x.sum(1, keepdim=True), FOUR_ROWS)
    assert right not in hint_of(lambda x: x.sum(1), wrong, ONE_ROW, FOUR_ROWS)
    assert right not in hint_of(lambda x: x.sum(1), wrong, ONE_ROW)
    assert right not in hint_of(lambda x: x.sum(1), lambda x: x, torch.ones(4, 1))
    assert right in hint_of(lambda x: x.sum(1), lambda x: x, column, column[1:])
    assert right in hint_of(lambda x: x.sum(), lambda x: x.sum()[None], ONE_ROW, FOUR_ROWS)


def test_sign_is_called_wrong_only_if_all_cases_say_so() -> None:
    sign = "The sign is wrong, and nothing else."
    negative = -FOUR_ROWS
    assert hint_of(lambda x: x.sum(), lambda x: -x.sum(), FOUR_ROWS, negative) == sign
    assert hint_of(lambda x: x.min(), lambda x: x.min().abs(), negative) == sign
    assert hint_of(lambda x: x.min(), lambda x: x.min().abs(), FOUR_ROWS, negative) != sign
    assert hint_of(lambda x: 0 * x, lambda x: 0 * x + 1, FOUR_ROWS) != sign
    assert hint_of(lambda x: x.sum().item(), lambda x: -x.sum().item(), FOUR_ROWS) == sign


def test_factor_is_told_if_it_is_one_for_all_cases() -> None:
    assert "are 2 times what" in hint_of(
        lambda x: x.sum(), lambda x: 2 * x.sum(), FOUR_ROWS, ONE_ROW
    )
    assert "are 0.3333 times what" in hint_of(
        lambda x: x.sum(), lambda x: x.sum() / 3, FOUR_ROWS, ONE_ROW
    )
    assert "times" not in hint_of(lambda x: x.sum(), lambda x: x.mean(), FOUR_ROWS, ONE_ROW)
    assert "times" not in hint_of(
        lambda x: x.sum(), lambda x: 2 * x.sum(), FOUR_ROWS
    )  # of one number
    assert "times" not in hint_of(lambda x: x.sum(), lambda x: 0 * x.sum(), FOUR_ROWS, ONE_ROW)


def test_transpose_is_told_if_it_is_one_in_all_cases() -> None:
    assert "transpose" in hint_of(lambda x: x @ x.T + x, lambda x: x @ x.T + x.T, SQUARE)
    half = torch.tensor([[1.0, 2.0], [2.0, 5.0]])
    assert "transpose" not in hint_of(lambda x: x, lambda x: x.T + (len(x) < 3), SQUARE, half)


@pytest.mark.parametrize(
    ("answer", "name", "cause"),
    [
        (lambda x: x[:0].mean(), "NaN", "the mean of no numbers"),
        (lambda x: (-x.sum()).log(), "NaN", "logarithm or root of a negative number"),
        (lambda x: (1000 * x.sum()).exp(), "∞", "`exp` of more than 88"),
        (lambda x: (0 * x.sum()).log(), "−∞", "The logarithm of zero"),
    ],
)
def test_what_is_not_finite_has_its_causes(
    answer: Callable[..., Any], name: str, cause: str
) -> None:
    exercise = Exercise(lambda x: x.sum(), lambda generator: [(FOUR_ROWS,), (ONE_ROW,)])
    verdict = judge("some", exercise, answer)
    assert f"your answer is {name}." in verdict.message
    assert cause in verdict.hint


def test_diagnosis_of_several_values_names_them() -> None:
    assert check.halves(lambda x: [x[:3], 3])
    assert "your answer is a tensor; expected: `half`, `count`" in check.halves(lambda x: x).message
    assert "is 1 value; expected: `half`" in check.halves(lambda x: (x,)).message
    verdict = check.halves(lambda x: (x[:3], 4))
    assert "`count` is not what was expected" in verdict.message
    assert rows(verdict)["Expected"] == "half = tensor([0., 1., 2.])\ncount = 3"
    assert "`half` has the wrong shape" in check.halves(lambda x: (x[:2], 3)).message


def test_right_values_in_another_order_are_told() -> None:
    exercise = Exercise(
        lambda x: (x, 2 * x, x.sum()),
        lambda generator: [(torch.zeros(2),), (torch.tensor([1.0, 2.0]),)],
        returns=("once", "twice", "sum"),
    )
    order = "These are the right values in another order. It is `once`, `twice`, `sum`."
    assert judge("some", exercise, lambda x: (x.sum(), x, 2 * x)).hint == order
    assert judge("some", exercise, lambda x: [2 * x, x, x.sum()]).hint == order
    assert judge("some", exercise, lambda x: (x.sum(), x, 3 * x)).hint != order
    once = judge("some", exercise, lambda x: (x, 2 * x, x.sum()) if x.any() else (x.sum(), x, x))
    assert once.hint != order


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (x[:3], 3, x),
        lambda x: (x[:3],),
        lambda x: torch.stack([x, x]),
        lambda x: {"half": x[:3], "count": 3},
        lambda x: {3, x},
    ],
)
def test_exactly_the_named_values_are_asked_for(answer: Callable[..., Any]) -> None:
    hint = "Return exactly the two, separately and in this order: `return half, count`."
    assert check.halves(answer).hint == hint


@pytest.mark.parametrize(
    "wrap",
    [
        lambda n: [n],
        lambda n: (n,),
        lambda n: {"answer": n},
        lambda n: str(n),
        lambda n: ([n],),
        lambda n: torch.tensor([n]),
    ],
)
def test_right_number_in_a_wrapper_is_told(wrap: Callable[[Any], Any]) -> None:
    right = "The number is right."
    assert check.count(lambda text: wrap(len(text))).hint.startswith(right)
    assert right not in check.count(lambda text: wrap(len(text) + 1)).hint
    assert right not in check.count(lambda text: wrap(4)).hint
    assert check.mean(lambda xs: wrap(2.5)).hint.startswith(right)
    assert rows(check.count(lambda text: (len(text),)))["Came out"] == "(4,)"


def test_rounded_number_in_text_is_told() -> None:
    exercise = Exercise(lambda x: x / 3, lambda generator: [(1.0,), (2.0,)])
    hint = "The number is right. Return the number alone, and not in a `str`."
    assert judge("some", exercise, lambda x: f"{x / 3:.3f}").hint == hint
    assert judge("some", exercise, lambda x: f"{x / 3 + 0.01:.3f}").hint != hint
    assert judge("some", exercise, lambda x: "about 0.333").hint != hint


@pytest.mark.parametrize("wrap", [torch.Tensor.tolist, torch.Tensor.numpy])
def test_list_of_whole_numbers_has_no_gradient_to_lose(wrap: Callable[[Any], Any]) -> None:
    right = "The numbers are right. `torch.tensor(…)` makes a tensor of a number or of a list"
    assert check.order(lambda x: wrap(x.argsort())).hint.startswith(right)
    assert "numbers are right" not in check.order(lambda x: wrap(x.argsort() + 1)).hint
    assert "gradient" not in check.order(lambda x: wrap(x.argsort() + 1)).hint
    hint = check.scaled(lambda x, factor: (x * factor).tolist()).hint
    assert hint.startswith("The numbers are right. Stay with tensors")
    alone = check.scaled(lambda x, factor: [x * factor]).hint
    assert alone == "The numbers are right. Return the tensor alone, and not in a `list`."


def test_shape_that_is_wrong_in_another_case_is_named_with_it() -> None:
    hint = hint_of(lambda x: x, lambda x: x.T[:, :1] + x, ONE_ROW, SQUARE)
    assert "In case" not in hint
    hint = hint_of(lambda x: x, lambda x: x[:3].T, SQUARE, FOUR_ROWS)
    assert hint.startswith("In case 2 the shape is wrong, `(3, 3)` instead of `(4, 3)`.")


def test_size_1_that_is_missing_is_no_number_that_was_reduced() -> None:
    hint = hint_of(lambda x: x[0], lambda x: x[0].squeeze(), FOUR_ROWS[:, :1], FOUR_ROWS)
    assert "A dimension of size 1 is missing" in hint
    hint = hint_of(lambda x: x[0], lambda x: x[0].mean(), FOUR_ROWS[:, :1], FOUR_ROWS)
    assert "All is reduced to one number" in hint


def test_list_may_be_asked_of_what_gives_its_values_one_by_one() -> None:
    exercise = Exercise(lambda x: [x, 2 * x], lambda generator: [(torch.ones(2),)])
    assert "`list(…)`" in judge("some", exercise, lambda x: (k * x for k in (1, 2))).hint
    assert "a list of 2" in judge("some", exercise, lambda x: [x, 2 * x, 3 * x]).hint


def test_position_for_a_value_is_told() -> None:
    hint = hint_of(lambda x: x.min(), lambda x: x.argmin(), FOUR_ROWS, SQUARE)
    assert hint.startswith("`argmin`, `argmax` and `argsort` give positions")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: {[1]: x}, "A tuple can"),
        (lambda x: torch.tensor([[1.0], [1.0, 2.0]]), "rows of equal lengths"),
        (lambda x: x + ..., "`...` still stands"),
        (lambda x: x[0, 0] + x.sum(dim=0).item(), "a sum, a mean or an index"),
        (lambda x: x - x.max(dim=1), "Take `.values`"),
        (lambda x: torch.exp(x.max(dim=1)), "Take `.values`"),
        (lambda x: torch.tanh(0.5), "functions of `math`"),
        (lambda x: (x > 0).mean(), "Make them decimals"),
        (lambda x: x.long() @ x, "need one dtype"),
        (lambda x: x - (x > 0), "`~mask` is their opposite"),
        (lambda x: x[x[0]], "Call it yourself"),
        (lambda x: x / torch.ones(5), "must be equal, or one of them 1"),
        (lambda x: y, "spelt as in the parameters"),  # noqa: F821
        (lambda x: x.nothing, "Call it yourself"),
    ],
)
def test_error_has_the_hint_of_its_words(answer: Callable[..., Any], hint: str) -> None:
    assert hint in hint_of(lambda x: x, answer, SQUARE)


def test_endless_recursion_is_named() -> None:
    def endless(x):
        return endless(x)

    assert "Where does it stop?" in hint_of(lambda x: x, endless, SQUARE)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda x: x if x * x > 0 else -x, "needs one number"),
        (lambda x: x @ x, "has as many columns as"),
        (lambda x: x * math.exp(x), "work entry by entry"),
    ],
)
def test_usual_errors_of_torch_are_explained(wrong: Callable[..., Any], words: str) -> None:
    exercise = Exercise(lambda x: x * 2, lambda generator: [(torch.ones(3, 2),)])
    assert words in judge("some", exercise, wrong).hint


def test_a_mistake_is_known_by_its_error_in_whatever_dimension() -> None:
    hint = "One of the two is too long."
    exercise = Exercise(
        lambda x: x * 2,
        lambda generator: [(torch.ones(3),), (torch.ones(4),)],
        [(lambda x: x + torch.ones(2), hint)],
    )
    assert judge("some", exercise, lambda x: (x[None] + torch.ones(2))[0]).hint == hint


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("a"),
        lambda found: found["a"].clear(),
        lambda found: found["b"][0].zero_(),
        lambda found: found.update(c=[]),
    ],
)
def test_change_inside_a_dictionary_is_a_change(change: Callable[..., Any]) -> None:
    exercise = Exercise(
        lambda found: len(found), lambda generator: [({"a": [1], "b": [torch.ones(2)]},)]
    )
    verdict = judge("some", exercise, lambda found: (len(found), change(found))[0])
    assert verdict.message.startswith("it changed its input `found`"), verdict
    assert judge("some", exercise, lambda found: len(dict(found)))


@pytest.mark.parametrize(
    "whole",
    [
        int,
        np.int64,
        np.int32,
        np.uint8,
        np.array,
        torch.tensor,
        lambda n: torch.tensor(n, dtype=torch.int32),
        lambda n: torch.tensor(n, dtype=torch.uint8),
    ],
)
def test_whole_number_may_be_of_any_integer_type(whole: Callable[[int], Any]) -> None:
    assert check.count(lambda text: whole(len(text)))
    assert not check.count(lambda text: whole(len(text) + 1))
    assert check.mean(lambda xs: whole(2)).message.startswith("your answer is not what")


@pytest.mark.parametrize(
    "real",
    [float, np.float64, np.float32, torch.tensor, lambda x: torch.tensor(x, dtype=torch.float64)],
)
def test_number_may_be_of_any_real_type(real: Callable[[float], Any]) -> None:
    assert check.mean(lambda xs: real(2.5))
    assert check.mean(lambda xs: real(2.5000001))
    assert not check.mean(lambda xs: real(2.51))
    assert "your answer is NaN" in check.mean(lambda xs: real(float("nan"))).message


@pytest.mark.parametrize("truth", [bool, np.bool_, torch.tensor])
def test_true_and_false_may_be_of_any_type(truth: Callable[[bool], Any]) -> None:
    assert check.long(lambda text: truth(len(text) > 5))
    assert not check.long(lambda text: truth(len(text) < 5))
    assert "an `int` was expected" in check.count(lambda text: truth(True)).message


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.int64, torch.int16])
def test_whole_numbers_of_a_tensor_may_be_of_any_width(dtype: torch.dtype) -> None:
    assert check.order(lambda x: x.argsort().to(dtype))
    assert not check.order(lambda x: x.argsort(descending=True).to(dtype))


def test_real_numbers_of_a_tensor_may_be_of_any_width() -> None:
    assert check.scaled(lambda x, factor: x.double() * factor)
    assert not check.scaled(lambda x, factor: x.double() + factor)


def test_kinds_of_numbers_that_are_not_asked_for() -> None:
    assert "a `float`; an `int` was expected" in check.count(lambda text: float(len(text))).message
    assert "`//` and `int`" in check.count(lambda text: len(text) / 1).hint
    assert "a `bool`" in check.count(lambda text: len(text) > 3).message
    assert "an `int`; a `bool` was expected" in check.long(lambda text: len(text)).message
    assert "`bool()`" in check.long(lambda text: len(text)).hint
    verdict = check.count(lambda text: torch.tensor([len(text)]))
    assert "a tensor of shape `(1,)`; an `int` was expected" in verdict.message
    assert "`.item()`" in verdict.hint
    assert "of `torch.float32`" in check.count(lambda text: torch.tensor(4.0)).message
    assert "a NumPy number (`float64`)" in check.count(lambda text: np.float64(4)).message
    assert "your answer is ∞" in check.mean(lambda xs: 10**400).message
    verdict = check.order(lambda x: x.argsort().float())
    assert "`torch.float32`; expected: whole numbers" in verdict.message
    assert verdict.hint.startswith("The numbers are right. ")
    assert "`.long()`" in verdict.hint


def test_whole_numbers_are_exact_however_large() -> None:
    assert check.large(lambda n: torch.tensor([n, 10 * n]))
    assert not check.large(lambda n: torch.tensor([n + 1, 10 * n]))
    assert not check.large(lambda n: torch.tensor([n, 10 * n + 1], dtype=torch.int32))


def test_input_that_is_changed_is_named() -> None:
    verdict = check.mean(lambda xs: sum(xs) / (len(xs), xs.pop())[0])
    assert "changed its input `xs`" in verdict.message


def test_keys_of_a_dictionary() -> None:
    right = {"w": torch.ones(2), "b": torch.zeros(2)}
    assert check.table(lambda x: {"b": right["b"], "w": right["w"]})
    other = check.table(lambda x: {"w": right["w"], "c": right["b"]})
    assert "your answer lacks the key `'b'`" in other.message
    assert "`'w'`, `'b'`" in other.hint
    more = check.table(lambda x: {**right, "c": right["b"]})
    assert "your answer has a key too many, `'c'`" in more.message
    assert "is a tensor; a `dict` was expected" in check.table(lambda x: x).message
    wrong = check.table(lambda x: {**right, "b": torch.ones(2)})
    assert "`b` is not what was expected" in wrong.message


def test_a_changed_dictionary_is_noticed() -> None:
    before = {"w": [torch.ones(2)], "L": ["w"]}
    assert same({"w": [torch.ones(2)], "L": ["w"]}, before)
    assert not same({"w": [torch.zeros(2)], "L": ["w"]}, before)
    assert not same({"w": [torch.ones(2)]}, before)


def test_call_reaches_generators_classes_and_changed_arguments() -> None:
    def halving(w, gradient):
        w.sub_(gradient / 2)

    def not_in_place(w, gradient):
        w = w - gradient / 2

    def batches(X, size):
        for start in range(0, len(X), size):
            yield X[start : start + size]

    class Twice(nn.Module):
        def forward(self, x):
            return x + x

    class Stub(nn.Module):
        def __init__(self):
            super().__init__()

        def forward(self, x): ...

    assert check.step(halving)
    assert not check.step(not_in_place)
    assert check.batches(batches)
    assert not check.batches(lambda X, size: [X])
    assert check.doubler(Twice)
    assert check.doubler(Stub).status == "not attempted"


def test_shown_further_where_the_first_digits_agree() -> None:
    verdict = check.mean(lambda xs: 2.501)
    assert rows(verdict) == rows(verdict) | {"Came out": "2.501", "Expected": "2.5"}
    verdict = check.scaled(lambda x, factor: x * factor + 0.04 * (x == 1))
    assert "2.04" in rows(verdict)["Came out"]
    verdict = check.tiny(lambda x: x + 3e-5)
    assert "1.00003" in rows(verdict)["Came out"]


def stub(x, factor):
    """What to do."""
    ...


def stub_pass(x, factor):
    pass


def stub_return(x, factor):
    return ...


def stub_docstring(x, factor):
    """What to do."""


def stub_of_a_variable(x, factor):
    result = ...
    return result


@pytest.mark.parametrize(
    "answer", [stub, stub_pass, stub_return, stub_docstring, stub_of_a_variable]
)
def test_untouched_stub_is_not_attempted(answer: Callable[..., Any], home: Path) -> None:
    verdict = check.scaled(answer)
    assert verdict.status == "not attempted"
    assert not verdict
    assert repr(verdict).startswith("○ scaled: not attempted yet.")
    assert not home.exists()


def index_by_text(x, factor):
    return np.zeros(3)["a"]


def einsum_without_ellipsis(x, factor):
    return torch.einsum("ij->...ij", x, x)


def numpy_einsum(x, factor):
    return np.einsum("...i", x, x)


def text_with_the_word(x, factor):
    raise ValueError("ellipsis")


def key_with_the_word(x, factor):
    return {}["ellipsis"]


def raises_in_a_branch(x, factor):
    if factor < 3:
        raise NotImplementedError("small factors")
    return x * factor


def raises_only(x, factor):
    raise NotImplementedError("TODO")


def subtracts_bools(x, factor):
    return x * factor - (torch.tensor(True) - torch.tensor(True))  # which does raise


def module_without_forward(x, factor):
    return nn.Module()(x)


def abstract_method(x, factor):
    return torch.autograd.Function.forward(x)


def gap_in_the_middle(x, factor):
    weights = ...
    return x @ weights * factor


def half_done(x, factor):
    return x * factor, ...


def begun(x, factor):
    doubled = 2 * x  # noqa: F841
    return ...


def done_in_a_branch(x, factor):
    if factor > 100:
        return x * factor
    return ...


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (index_by_text, "it raised IndexError: only integers, slices (`:`), ellipsis (`...`)"),
        (einsum_without_ellipsis, "it raised RuntimeError: einsum()"),
        (numpy_einsum, "it raised ValueError: "),
        (text_with_the_word, "it raised ValueError: ellipsis"),
        (key_with_the_word, "it raised KeyError: 'ellipsis'"),
        (raises_in_a_branch, "it raised NotImplementedError: small factors"),
        (raises_only, "it raised NotImplementedError: TODO"),
        (subtracts_bools, "it raised NotImplementedError: Subtraction"),
        (module_without_forward, "it raised NotImplementedError: Module [Module] is missing"),
        (abstract_method, "it raised NotImplementedError: You must implement"),
        (gap_in_the_middle, "it raised TypeError: "),
        (half_done, "is a `tuple` of 2, not a tensor"),
        (begun, "is `...`, not a tensor"),
        (done_in_a_branch, "is `...`, not a tensor"),
    ],
)
def test_error_is_an_attempt(answer: Callable[..., Any], message: str) -> None:
    verdict = check.scaled(answer)
    assert verdict.status == "failed"
    assert message in verdict.message


def test_gap_is_named() -> None:
    assert "`...` still stands" in check.scaled(gap_in_the_middle).hint
    verdict = check.halves(lambda x: (x[:3], ...))
    assert verdict.status == "failed"
    assert "`count` is `...`; an `int` was expected" in verdict.message
    assert "in the place of `...`" in verdict.hint


def test_class_is_a_stub_only_if_all_its_methods_are() -> None:
    class Unfinished(nn.Module):
        def __init__(self):
            super().__init__()

        def forward(self, x): ...

        def reset(self): ...

    class Tried(nn.Module):
        def forward(self, x):
            return x

        def reset(self):
            pass

    class Made(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Identity())

    class Empty: ...

    assert check.doubler(Unfinished).status == "not attempted"
    assert check.doubler(Empty).status == "not attempted"
    assert check.doubler(Tried).status == "failed"
    assert check.doubler(Made).status == "failed"


@pytest.mark.parametrize(("given", "named"), [(None, "`None`"), (torch.zeros(2), "a tensor")])
def test_not_a_function(given: Any, named: str) -> None:
    verdict = check.scaled(given)
    assert named in verdict.message
    assert "`check.scaled(scaled)`" in verdict.hint
    assert check.scaled().status == "failed"


def test_error_names_the_readers_line_and_not_ours() -> None:
    def helper(x):
        return torch.stack([x]).reshape(77)

    verdict = check.scaled(lambda x, factor: helper(x))
    assert "it raised RuntimeError: " in verdict.message
    line = helper.__code__.co_firstlineno + 1
    assert f"in line {line}: `return torch.stack([x]).reshape(77)`" in verdict.message
    assert "Traceback" not in repr(verdict)
    assert "sandbox.py" not in repr(verdict)


def test_one_buffer_for_all_answers_is_no_mistake() -> None:
    buffer = torch.zeros(9)

    def reusing(x, factor):
        out = buffer[: x.numel()].view(x.shape)
        return out.copy_(x * factor)

    assert check.scaled(reusing)


def test_error_anywhere_else_raises_nothing_here() -> None:
    def leave(x, factor):
        sys.exit(3)

    def deep(x, factor):
        return deep(x, factor)

    assert "it raised SystemExit: 3" in check.scaled(leave).message
    assert "it raised RecursionError" in check.scaled(deep).message


def test_endless_loop_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)

    def endless(x, factor):
        n = 0
        while True:
            try:
                n += 1
                print("round and round")
            except Exception:
                pass

    verdict = check.scaled(endless)
    assert "it was still running after 0.5 seconds, in line " in verdict.message
    assert "restart the kernel" not in verdict.message
    assert rows(verdict)["Printed"].startswith("round and round")
    assert len(rows(verdict)["Printed"]) <= 300
    for thread in threading.enumerate():
        if thread.daemon and "(work)" in thread.name:
            thread.join(5)
            assert not thread.is_alive()


def test_function_that_cannot_be_stopped_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.2)
    awake = threading.Event()

    def asleep(x, factor):
        time.sleep(4)
        awake.set()

    verdict = check.scaled(asleep)
    assert "restart the kernel" in verdict.message
    assert "in line " in verdict.message
    assert "`time.sleep(4)`" in verdict.message
    assert not awake.is_set()


def test_interrupt_stops_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    import _thread
    import signal

    # A process started in the background ignores Ctrl-C, and a notebook's kernel never does.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def endless(x, factor):
        _thread.interrupt_main()
        while True:
            pass

    try:
        assert "you interrupted it" in check.scaled(endless).message
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("slow", [1, 2])
def test_any_call_may_be_slow(monkeypatch: pytest.MonkeyPatch, slow: int) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 30.0)
    calls = []

    def slow_once(x, factor):
        calls.append(x)
        time.sleep(1 if len(calls) == slow else 0)
        return x * factor

    assert check.scaled(slow_once)


def test_seconds_are_for_all_calls_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 2.0)

    def slow(x, factor):
        time.sleep(1.5)
        return x * factor

    verdict = check.scaled(slow)
    assert "still running after 2 seconds" in verdict.message
    assert "(Case 2 of 2.)" in verdict.message


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that takes a second and a half to import."""
    name = "slow_to_import"
    (tmp_path / f"{name}.py").write_text("import time\ntime.sleep(1.5)\nvalue = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_import_takes_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch, slow_module: str
) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)

    def importing_later(x, factor):
        if factor != 2.0:
            importlib.import_module(slow_module)
        return x * factor

    assert check.scaled(importing_later)
    assert sys.modules[slow_module].value == 2


def test_nothing_is_stopped_in_the_middle_of_an_import(
    monkeypatch: pytest.MonkeyPatch, slow_module: str
) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)

    def importing_and_endless(x, factor):
        importlib.import_module(slow_module)
        while True:
            pass

    verdict = check.scaled(importing_and_endless)
    assert "still running after 0.5 seconds, in line " in verdict.message
    assert "restart the kernel" not in verdict.message
    assert sys.modules[slow_module].value == 2


def test_printing_does_not_matter(capsys: pytest.CaptureFixture) -> None:
    def talkative(x, factor):
        print("x is", x)
        print("and", factor, file=sys.stderr)
        return x * factor

    verdict = check.scaled(talkative)
    assert verdict
    assert "printed something" in verdict.note
    assert capsys.readouterr() == ("", "")
    assert "x is" in rows(check.scaled(lambda x, factor: print("x is", x)))["Printed"]


def test_random_numbers_repeat_and_the_readers_are_left_alone() -> None:
    assert check.noise(lambda n: torch.randn(n))
    torch.manual_seed(7)
    expected = torch.randn(3)
    torch.manual_seed(7)
    check.noise(lambda n: torch.randn(n + 1))
    assert torch.equal(torch.randn(3), expected)


def test_gpus_are_not_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    assert check.noise(lambda n: torch.randn(n))
    assert seeded == []


def test_gpus_that_a_reader_seeds_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    states = ["before"]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: list(states))
    monkeypatch.setattr(
        torch.cuda, "set_rng_state_all", lambda new: states.__setitem__(slice(None), new)
    )

    def seeding(x, factor):
        states[0] = "after"
        return x * factor

    assert check.scaled(seeding)
    assert states == ["before"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_random_numbers_of_a_gpu_are_left_alone() -> None:
    torch.cuda.manual_seed(7)
    expected = torch.randn(3, device="cuda")
    torch.cuda.manual_seed(7)
    check.noise(lambda n: torch.manual_seed(3) and torch.randn(n))
    assert torch.equal(torch.randn(3, device="cuda"), expected)


def test_default_device_and_no_grad_do_not_matter() -> None:
    torch.set_default_device("meta")
    try:
        assert check.scaled(lambda x, factor: x * factor)
    finally:
        torch.set_default_device("cpu")
        torch.set_default_device(None)


def test_namespace() -> None:
    assert "scaled" in dir(check)
    assert check.scaled.__name__ == "scaled"
    with pytest.raises(AttributeError, match=r"no exercise is called 'scald'.*scaled"):
        check.scald  # noqa: B018
    with pytest.raises(AttributeError):
        check._repr_html_  # noqa: B018
    assert not hasattr(check, "_ipython_display_")


def test_only_the_module_of_the_exercise_is_imported() -> None:
    code = (
        "import sys\n"
        "from d2lutil import check, progress\n"
        "loaded = lambda: [m for m in sys.modules if m.count('.') == 3 and '.exercises.' in m]\n"
        "assert 'foundations/perceptron: 0 of 2 done' in repr(progress())\n"
        "assert 'log_softmax' in dir(check)\n"
        "assert loaded() == [], loaded()\n"
        "check.smallest_margin(lambda w, b, X, y: 0)\n"
        "assert loaded() == ['d2lutil.exercises.foundations.perceptron'], loaded()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_all_exercises_of_the_modules() -> None:
    for chapter, names in NAMES().items():
        module = importlib.import_module(f"d2lutil.exercises.{chapter.replace('/', '.')}")
        assert names == [n for n, value in vars(module).items() if isinstance(value, Exercise)]
    assert "perceptron_update" in NAMES()["foundations/perceptron"]


def test_name_of_two_exercises_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for chapter in ("one/first", "two/second"):
        path = tmp_path / f"{chapter}.py"
        path.parent.mkdir()
        path.write_text("from d2lutil.exercises import Exercise\n\n\ntwice = Exercise(len, list)\n")
    monkeypatch.setattr(exercises.resources, "files", lambda package: tmp_path)
    NAMES.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"one/first and two/second both have .* 'twice'"):
            NAMES()
    finally:
        NAMES.cache_clear()


def test_html_escapes_what_the_reader_wrote() -> None:
    def nasty(x, factor):
        print("<script>alert(1)</script>")
        raise ValueError("<img src=x> & `<b>`")

    page = check.scaled(nasty)._repr_html_()
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "&lt;img src=x&gt; &amp;" in page


def test_values_are_shown_short() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert show(torch.tensor([1 / 3, 2.0])) == "tensor([0.3333, 2.    ])"
    assert show(torch.tensor(1.5)) == "tensor(1.5)"
    assert show(torch.zeros(2, dtype=torch.float64)) == "tensor([0., 0.], dtype=torch.float64)"
    assert show(torch.zeros(2, requires_grad=True)) == "tensor([0., 0.])"
    assert show(torch.ones(1, dtype=torch.bfloat16)) == "tensor([1.], dtype=torch.bfloat16)"
    assert show(torch.zeros(0, 3)) == "tensor([], shape=(0, 3))"
    assert show(torch.zeros(50, 60)).endswith("shape=(50, 60))")
    assert len(show(torch.randn(100, 100, 3))) < 800
    assert show([1, 2.0, "a"]) == "[1, 2.0, 'a']"
    assert show((1 / 3,)) == "(0.333333,)"
    assert show(list(range(99))).endswith("9, …]")
    assert show(Odd()).startswith("<")
    assert len(show("x" * 999)) == 200
    assert show_named(["a", "b"], (1, 2)) == "a = 1\nb = 2"


# --- What is done ---------------------------------------------------------------------------------


def wrong(x, factor):
    return x


def test_progress_is_kept(home: Path) -> None:
    assert set(progress().chapters["part/first"].values()) == {"not attempted"}
    check.scaled(wrong)
    assert progress().chapters["part/first"]["scaled"] == "failed"
    check.scaled(scaled)
    check.scaled(wrong)
    assert progress().chapters["part/first"]["scaled"] == "passed"
    check.count(len)
    assert repr(progress()).splitlines()[0].startswith("part/first: 2 of 8 done. ✓ scaled (done)")
    assert "part/second: 0 of 5 done" in progress()._repr_html_()
    assert [path.name for path in home.iterdir()] == ["progress.json"]


def test_home_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for value, folder in (("~/x", "x"), ("", ".d2lutil")):
        monkeypatch.setenv("D2LUTIL_HOME", value)
        check.scaled(scaled)
        assert (tmp_path / folder / "progress.json").exists()
    assert not (tmp_path / "~").exists()


def test_progress_survives_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from d2lutil.checking import check\n"
        "def update(w, b, x, y):\n"
        "    return (w + y * x, b + y) if y * (w @ x + b) <= 0 else (w, b)\n"
        "assert check.perceptron_update(update)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setattr(exercises, "names", NAMES)
    assert "✓ perceptron_update (done), ○ smallest_margin (to do)" in repr(progress())


@pytest.mark.parametrize("content", ["{", "[]", '{"scaled": 3}', '{"scaled": []}', "\udce9"])
def test_corrupt_progress_is_said_and_begun_anew(home: Path, content: str) -> None:
    home.mkdir()
    (home / "progress.json").write_bytes(content.encode(errors="surrogateescape"))
    assert "could not be read" in progress().note
    assert "\n" not in progress().note
    verdict = check.scaled(scaled)
    assert verdict
    assert "could not be read" in verdict.note
    assert json.loads((home / "progress.json").read_text()) == {"scaled": "passed"}
    assert not progress().note


def test_unwritable_progress_is_said(home: Path) -> None:
    home.write_text("a file where the folder should be")
    verdict = check.scaled(scaled)
    assert verdict
    assert re.search(r"could not be (read|saved) \(.*\)", verdict.note)
    assert "\n" not in verdict.note
    assert progress().chapters["part/first"]["scaled"] == "not attempted"


def test_interrupted_write_leaves_the_old_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check.scaled(scaled)

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert "No space left" in check.count(len).note
    assert json.loads((home / "progress.json").read_text()) == {"scaled": "passed"}


def test_strict_raises_and_records_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check.count(len)
    monkeypatch.setenv("D2LUTIL_CHECK", "strict")
    assert check.scaled(scaled)
    with pytest.raises(AssertionError, match="scaled: your answer is not what was expected"):
        check.scaled(wrong)
    with pytest.raises(AssertionError, match="not attempted"):
        check.scaled(stub)
    assert json.loads((home / "progress.json").read_text()) == {"count": "passed"}
    assert set(progress().chapters["part/first"].values()) == {"not attempted"}
    monkeypatch.setenv("D2LUTIL_CHECK", "strickt")
    with pytest.raises(ValueError, match="D2LUTIL_CHECK must be 'strict'"):
        check.scaled(scaled)


def test_in_a_notebook() -> None:
    """In a real kernel: the line is the cell's, an endless loop ends, nothing else is put out."""
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "from d2lutil import check\nfrom d2lutil.checking import sandbox\nsandbox.SECONDS = 5",
        "def smallest_margin(w, b, X, y):\n    print(w)\n    return (y * (w @ X + b)).min()\n",
        "check.smallest_margin(smallest_margin)",
        "def smallest_margin(w, b, X, y):\n    while True:\n        print('again')\n",
        "check.smallest_margin(smallest_margin)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for cell, line in ((2, "in line 3: `return (y"), (4, "in line ")):
        (output,) = notebook.cells[cell].outputs
        assert line in output.data["text/plain"]
        assert "<dl" in output.data["text/html"]
    assert "still running after 5 seconds" in output.data["text/plain"]
