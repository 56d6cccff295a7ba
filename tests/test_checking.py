"""What a reader is told about a function, whatever it does; and that progress is kept."""

from __future__ import annotations

import json
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

from d2lutil import checking
from d2lutil.checking import Verdict, check, progress
from d2lutil.exercises import Exercise, chapters
from d2lutil.exercises._answers import same, show, show_named


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
    "first-chapter": {
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
        "count": Exercise(lambda text: len(text), lambda generator: [("four",), ("seven!!",)]),
        "mean": Exercise(lambda xs: sum(xs) / len(xs), lambda generator: [([1.0, 2.0, 4.5],)]),
    },
    "second-chapter": {
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
    monkeypatch.setattr(checking, "chapters", lambda: FAKE)
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
        (lambda x, factor: (x * factor).sum(), "`()` instead of `(2, 2)`", "Follow the shapes"),
        (
            lambda x, factor: (x * factor).double(),
            "`torch.float64` instead of",
            "numbers are right",
        ),
        (lambda x, factor: np.array(["a"]), "is a NumPy array", "Stay with tensors"),
        (lambda x, factor: (x * factor).to("meta"), "on `meta`", "the device of the inputs"),
        (lambda x, factor: (x * factor).to_sparse(), "`torch.sparse_coo`", ""),
        (lambda x, factor: (x * factor).to(torch.complex64), "wrong dtype: `torch.complex64`", ""),
        (lambda x, factor: x > 0, "wrong dtype: `torch.bool`", ".to("),
        (lambda x, factor: x / 0, "NaN or infinite", "division by zero"),
        (lambda x, factor: x * torch.nan, "NaN or infinite", "division by zero"),
        (lambda x, factor: -x * factor, "not what was expected", "The sign is wrong"),
        (lambda x, factor: x.T * factor, "not what was expected", "transpose"),
        (lambda x, factor: x * factor * 1.01, "not what was expected", "No usual mistake"),
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


def test_diagnosis_of_several_values_names_them() -> None:
    assert check.halves(lambda x: [x[:3], 3])
    assert "your answer is a tensor; expected: `half`, `count`" in check.halves(lambda x: x).message
    assert "is 1 values" in check.halves(lambda x: (x,)).message
    verdict = check.halves(lambda x: (x[:3], 4))
    assert "`count` is not what was expected" in verdict.message
    assert rows(verdict)["Expected"] == "half = tensor([0., 1., 2.])\ncount = 3"
    assert "`half` has the wrong shape" in check.halves(lambda x: (x[:2], 3)).message


def test_numbers() -> None:
    assert check.count(lambda text: sum(1 for _ in text))
    assert check.count(lambda text: np.int64(len(text)))
    assert "a `float`; an `int` was expected" in check.count(lambda text: float(len(text))).message
    assert "a `bool`" in check.count(lambda text: len(text) > 3).message
    assert "`.item()`" in check.count(lambda text: torch.tensor(len(text))).hint
    assert check.mean(lambda xs: np.float64(2.5))
    assert check.mean(lambda xs: 2.5000001)
    assert not check.mean(lambda xs: 2.51)
    assert "NaN" in check.mean(lambda xs: float("nan")).message
    assert (
        "changed its input `xs`" in check.mean(lambda xs: sum(xs) / (len(xs), xs.pop())[0]).message
    )


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


def stub_raise(x, factor):
    raise NotImplementedError("TODO")


def stub_with_gap(x, factor):
    weights = ...
    return x @ weights * factor


def stub_half_done(x, factor):
    result = torch.zeros_like(x)
    return result, ...


@pytest.mark.parametrize(
    "answer", [stub, stub_pass, stub_return, stub_raise, stub_with_gap, stub_half_done]
)
def test_untouched_stub_is_not_attempted(answer: Callable[..., Any], home: Path) -> None:
    verdict = check.scaled(answer)
    assert verdict.status == "not attempted"
    assert not verdict
    assert repr(verdict).startswith("○ scaled: not attempted yet.")
    assert not home.exists()


def test_what_torch_has_not_implemented_is_an_attempt() -> None:
    def answer(x, factor):
        return x * factor - (torch.tensor(True) - torch.tensor(True))

    verdict = check.scaled(answer)
    assert verdict.status == "failed"
    assert "bool" in verdict.message


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
    assert "checking.py" not in repr(verdict)


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
    monkeypatch.setattr(checking, "WARM_UP", 0.5)

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
    monkeypatch.setattr(checking, "WARM_UP", 0.2)
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


def test_slow_first_call_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "WARM_UP", 30.0)
    monkeypatch.setattr(checking, "SECONDS", 2.0)
    calls = []

    def slow_at_first(x, factor):
        calls.append(x)
        time.sleep(2.5 if len(calls) == 1 else 0)
        return x * factor

    assert check.scaled(slow_at_first)

    calls.append(None)

    def slow_later(x, factor):
        calls.append(x)
        time.sleep(0 if len(calls) % 2 == 0 else 2.5)
        return x * factor

    verdict = check.scaled(slow_later)
    assert "still running after 2 seconds" in verdict.message
    assert "(Case 2 of 2.)" in verdict.message


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


def test_names_of_exercises_are_unique() -> None:
    names = [name for exercises in chapters().values() for name in exercises]
    assert len(names) == len(set(names))
    assert "perceptron_update" in chapters()["perceptron"]


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
    assert show((1 / 3,)) == "(0.333333)"
    assert show(list(range(99))).endswith("9, …]")
    assert show(Odd()).startswith("<")
    assert len(show("x" * 999)) == 200
    assert show_named(["a", "b"], (1, 2)) == "a = 1\nb = 2"


# --- What is done ---------------------------------------------------------------------------------


def wrong(x, factor):
    return x


def test_progress_is_kept(home: Path) -> None:
    assert set(progress().chapters["first-chapter"].values()) == {"not attempted"}
    check.scaled(wrong)
    assert progress().chapters["first-chapter"]["scaled"] == "failed"
    check.scaled(scaled)
    check.scaled(wrong)
    assert progress().chapters["first-chapter"]["scaled"] == "passed"
    check.count(len)
    assert (
        repr(progress()).splitlines()[0].startswith("first-chapter: 2 of 4 done. ✓ scaled (done)")
    )
    assert "second-chapter: 0 of 5 done" in progress()._repr_html_()
    assert [path.name for path in home.iterdir()] == ["progress.json"]


def test_progress_survives_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from d2lutil.checking import check\n"
        "def update(w, b, x, y):\n"
        "    return (w + y * x, b + y) if y * (w @ x + b) <= 0 else (w, b)\n"
        "assert check.perceptron_update(update)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setattr(checking, "chapters", chapters)
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
    assert progress().chapters["first-chapter"]["scaled"] == "not attempted"


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
    assert set(progress().chapters["first-chapter"].values()) == {"not attempted"}
    monkeypatch.setenv("D2LUTIL_CHECK", "strickt")
    with pytest.raises(ValueError, match="D2LUTIL_CHECK must be 'strict'"):
        check.scaled(scaled)


def test_in_a_notebook() -> None:
    """In a real kernel: the line is the cell's, an endless loop ends, nothing else is put out."""
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "from d2lutil import checking\nfrom d2lutil.checking import check\nchecking.WARM_UP = 5",
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
