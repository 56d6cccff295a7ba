"""The run on a GPU that is at hand for minutes: what comes first, what is kept and left out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from conftest import ROOT

from _ext import proof_on_gpu


def test_the_cheapest_comes_first_and_the_unknown_last():
    gpu = {"chapters": {"c": {"seconds": 1.0}}}
    cpu = {"chapters": {"a": {"seconds": 30.0}, "b": {"seconds": 3.0}, "c": {"seconds": 99.0}}}
    assert proof_on_gpu.cheapest_first(["new", "a", "b", "c"], gpu, cpu) == ["c", "b", "a", "new"]
    assert proof_on_gpu.cheapest_first(["b", "a"], {}, {}) == ["b", "a"]


class Machine:
    """A clock, and jobs that take so many seconds of it."""

    def __init__(self, seconds: dict[str, float]):
        self.seconds, self.time, self.most = seconds, 0.0, 0
        self.running: dict[str, float] = {}
        self.stopped: list[str] = []

    def start(self, name: str) -> Machine.Job:
        self.running[name] = self.time + self.seconds[name]
        self.most = max(self.most, len(self.running))
        return Machine.Job(self, name)

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    class Job:
        def __init__(self, machine: Machine, name: str):
            self.machine, self.name = machine, name

        def poll(self) -> dict | None:
            if self.machine.time < self.machine.running[self.name]:
                return None
            del self.machine.running[self.name]
            return {"errors": ["chapters/b.md:3: ValueError: no"] if self.name == "b" else []}

        def stop(self) -> None:
            self.machine.stopped.append(self.name)


def test_what_has_not_ended_at_the_deadline_is_stopped_and_said():
    machine = Machine({"a": 1, "b": 2, "c": 3, "long": 50, "later": 1})
    ended = proof_on_gpu.run_all(
        list(machine.seconds), machine.start, 2, 5.9, lambda: machine.time, machine.sleep
    )
    outcomes = {name: outcome["errors"] for name, outcome in ended}
    assert machine.most == 2
    assert list(outcomes) == ["a", "b", "c", "later", "long"]
    assert outcomes["a"] == outcomes["c"] == outcomes["later"] == []
    assert outcomes["b"] == ["chapters/b.md:3: ValueError: no"]
    assert outcomes["long"] == ["no time was left"]
    assert machine.stopped == ["long"]


def test_what_waits_at_the_deadline_is_not_begun():
    machine = Machine({"a": 9, "b": 1})
    ended = proof_on_gpu.run_all(
        ["a", "b"], machine.start, 1, 5.0, lambda: machine.time, machine.sleep
    )
    assert [name for name, _ in ended] == ["a", "b"]
    assert machine.stopped == ["a"]
    assert list(machine.running) == ["a"]


def test_the_record_keeps_the_books_order_and_what_it_had(tmp_path):
    path = tmp_path / "gpu.json"
    order = ["one", "two", "three"]
    for name in ("three", "one"):
        proof_on_gpu.keep(path, name, {"seconds": 1.0, "errors": []}, order)
    proof_on_gpu.keep(path, "three", {"seconds": 2.0, "errors": []}, order)
    record = json.loads(path.read_text())
    assert record["chapters"] == {"one": {"seconds": 1.0}, "three": {"seconds": 2.0}}
    assert list(record["chapters"]) == ["one", "three"]
    assert record["cores"] > 0


def test_cells_are_those_that_the_book_executes():
    text = (
        "# Title\n\n```{code-cell} ipython3\n:tags: [remove-cell]\n\na = 1\n```\n\n"
        "```{code-cell} ipython3\n:tags: [skip-execution]\n\nb = ...\n```\n\n"
        "```python\nno = 1\n```\n\n"
        "````{code-cell}\n---\nmystnb:\n  figure: 1\n---\nc = '```'\n````\n"
    )
    assert proof_on_gpu.cells(text) == [(3, "\na = 1\n"), (19, "c = '```'\n")]


@pytest.fixture
def chapter(tmp_path, monkeypatch) -> Callable[[str], dict]:
    """Runs a page of this code as the chapter `part/name` in a process of its own."""

    def run(*code: str) -> dict:
        page = tmp_path / "chapters/part/name.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("\n".join(f"```{{code-cell}}\n{cell}\n```\n" for cell in code))
        script = (
            "import json, sys; from pathlib import Path; from _ext import proof_on_gpu as p;"
            f"p.ROOT = Path({str(tmp_path)!r});"
            "print(json.dumps(p.run_chapter('part/name')), file=sys.stderr)"
        )
        monkeypatch.setenv("MPLBACKEND", "agg")
        command = [sys.executable, "-c", script]
        there = {"cwd": ROOT, "capture_output": True, "text": True}
        return json.loads(subprocess.run(command, **there).stderr.splitlines()[-1])

    return run


def test_a_chapter_runs_to_its_end_and_tells_of_every_failure(chapter):
    outcome = chapter(
        "from myst_nb import glue\nimport d2lutil, torch",
        "assert 1 == 2, 'one is not two'",
        "%time x = torch.tensor(2.5)\nglue('half', float(x), display=False)\nglue('x', [1])",
        "undefined",
    )
    assert outcome["results"] == {"half": "2.5"}
    assert outcome["errors"] == [
        "chapters/part/name.md:6: AssertionError: one is not two",
        "chapters/part/name.md:16: NameError: name 'undefined' is not defined",
    ]
    assert outcome["scale"] in {"small", "full"}
    assert outcome["peak_bytes"] > 1e7
    assert outcome["seconds"] > 0


def test_what_is_missing_is_said_in_a_line(monkeypatch, capsys):
    monkeypatch.setattr(proof_on_gpu, "NEEDED", ["torch", "no_such_module", "nor_this"])
    assert proof_on_gpu.main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("lacks no_such_module, nor_this; nothing was run")


def test_without_a_gpu_nothing_is_run(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert proof_on_gpu.main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("sees no GPU here; nothing was run")
