"""A newcomer's afternoon: a chapter from the template, as CONTRIBUTING.md says, in a copy."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import build, copy_sources


def commands(guide: str, step: int) -> list[list[str]]:
    """The commands of one of its steps, as this environment runs them."""
    (block,) = re.findall(rf"^\*\*{step}\. .*?```bash\n(.*?)```", guide, re.S | re.M)
    python = shlex.quote(sys.executable)
    block = block.replace("make chapter NAME=", ".venv/bin/python -m _ext.new_chapter ")
    return [shlex.split(line) for line in block.replace(".venv/bin/python", python).splitlines()]


def test_a_chapter_from_the_template_builds(book, tmp_path):
    copy = copy_sources(tmp_path / "a newcomer's book")
    shutil.copytree(book / ".jupyter_cache", copy / "_build/.jupyter_cache")
    headings = copy / "chapters/front/from_the_notes.md"
    planned = re.sub(
        "(Time-delay networks)$", r"\1 | sequences/speech", headings.read_text(), flags=re.M
    )
    headings.write_text(planned)
    guide = (copy / "CONTRIBUTING.md").read_text(encoding="utf-8")
    there = {**os.environ, "PYTHONPATH": str(copy)}

    def run(step: int) -> str:
        said = ""
        for command in commands(guide, step):
            done = subprocess.run(command, cwd=copy, env=there, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            said += done.stdout
        return said

    assert len(run(1).splitlines()) == 5  # the files that it wrote
    printed = build(copy)
    assert "1 to execute" in printed  # its own chapter, and no other
    assert (copy / "_build/html/chapters/sequences/speech.html").exists()
    assert (copy / "_build/notebooks/sequences/speech.ipynb").exists()
    assert "chapters/sequences/speech.html" in (copy / "_build/html/index.html").read_text()
    notes = (copy / "_build/html/chapters/front/from_the_notes.html").read_text()
    assert 'href="../sequences/speech.html"' in notes
    proven = run(3)
    assert "passed" in proven
    assert "failed" not in proven


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("memory", "must be part/name"),
        ("sequences/deep-convnets", "must be part/name"),
        ("sequences/rnn", "already"),
        ("nowhere/memory", "no part"),
    ],
)
def test_a_name_that_will_not_do_is_refused(name, said):
    command = [sys.executable, "-m", "_ext.new_chapter", name]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert said in done.stderr
