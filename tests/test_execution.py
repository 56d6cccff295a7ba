"""What is executed when: a small book, in a folder whose name has a space."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

FRONT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---
"""
CHAPTER = (
    FRONT
    + """
# A chapter

Prose.

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: A caption
---
1 + 1
```
"""
)


@pytest.fixture
def book(tmp_path) -> Path:
    """A book of a cover and two chapters, with this book's machinery."""
    folder = tmp_path / "a book"
    shutil.copytree(ROOT / "_ext", folder / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    for path in ("chapters/part", "d2lutil"):
        (folder / path).mkdir(parents=True)
    (folder / "d2lutil/__init__.py").write_text("")
    (folder / "requirements.txt").write_text("")
    (folder / "_config.yml").write_text("execute: {timeout: 60}\n")
    (folder / "_toc.yml").write_text(
        "root: index\nparts:\n- chapters: [{file: chapters/part/one}, {file: chapters/part/two}]\n"
    )
    (folder / "index.md").write_text("# A book\n")
    (folder / "chapters/part/one.md").write_text(CHAPTER)
    (folder / "chapters/part/two.md").write_text(CHAPTER.replace("1 + 1", "2 + 2"))
    return folder


def execute(book: Path, *names: str, **variables: str) -> subprocess.CompletedProcess:
    """Run the command that `make book` runs first."""
    return subprocess.run(
        [sys.executable, "-m", "_ext.execute", *names],
        cwd=book,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(book), **variables},
    )


def ran(done: subprocess.CompletedProcess) -> set[str]:
    """The chapters that were executed to the end."""
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^  \d+ of \d+   (\S+)$", done.stdout, re.M))


def measuring(bounds: str) -> str:
    """A chapter with these bounds."""
    return CHAPTER.replace("---\njupytext", f"---\nmain: a\nmeasures: {bounds}\njupytext", 1)


def change(path: Path, old: str, new: str) -> None:
    """Replace a piece of text in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_only_changed_code_is_executed(book):
    first = execute(book)
    assert ran(first) == {"part/one", "part/two"}
    assert "running  part/one" in first.stdout
    assert ran(execute(book)) == set()
    one = book / "chapters/part/one.md"
    for old, new in {
        "Prose.": "Other prose.",
        "A caption": "Another caption",
        "1 + 1": "1  +  1  # a remark",
    }.items():
        change(one, old, new)
        assert ran(execute(book)) == set()
    change(one, "1  +  1", "1 + 2")
    assert ran(execute(book)) == {"part/one"}


def test_a_chapter_is_executed_again_when_what_it_imported_has_changed(book):
    package = book / "d2lutil"
    (package / "used.py").write_text('"""What it is."""\n\nx = 1  # one\n')
    (package / "unused.py").write_text("x = 1\n")
    change(book / "chapters/part/one.md", "1 + 1", "from d2lutil import used\nused.x")
    assert ran(execute(book)) == {"part/one", "part/two"}
    change(package / "used.py", "What it is.", "What it is, in other words.")
    change(package / "used.py", "x = 1  # one", "x = 1")
    change(package / "unused.py", "1", "2")
    assert ran(execute(book)) == set()
    change(package / "used.py", "1", "2")
    assert ran(execute(book)) == {"part/one"}
    change(package / "__init__.py", "", "y = 1\n")
    assert ran(execute(book)) == {"part/one"}


def test_a_chapter_is_executed_again_on_another_release_of_a_package(book):
    change(book / "chapters/part/one.md", "1 + 1", "import yaml\n1 + 1")
    ran(execute(book))
    key = book / "_build/.jupyter_cache/chapters/part/one.json"
    packages = json.loads(key.read_text())["foundation"]["packages"]
    assert "PyYAML" in packages
    assert "ruff" not in packages
    change(key, f'"PyYAML": "{packages["PyYAML"]}"', '"PyYAML": "1.0"')
    assert ran(execute(book)) == {"part/one"}


def test_old_outputs_are_dropped(book):
    def kept() -> int:
        return len(list((book / "_build/.jupyter_cache/executed").iterdir()))

    execute(book)
    one = book / "chapters/part/one.md"
    for k in range(3):
        change(one, f"1 + {k + 1}", f"1 + {k + 2}")
        execute(book)
    change(one, "A caption", "Another caption")
    execute(book)
    assert kept() == 2
    change(book / "_toc.yml", ", {file: chapters/part/two}", "")
    execute(book)
    assert kept() == 1


def test_a_users_settings_change_nothing(book, tmp_path):
    home = tmp_path / "home"
    for path, text in {
        ".ipython/profile_default/ipython_config.py": (
            "get_config().InteractiveShell.ast_node_interactivity = 'all'\n"
        ),
        ".config/matplotlib/matplotlibrc": "lines.linewidth: 7\n",
        "data/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "Python 3"}',
        "startup.py": "x = 'from the user'\n",
    }.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    look = "import matplotlib\nfrom myst_nb import glue\n'first'\n"
    look += "glue('wide', matplotlib.rcParams['lines.linewidth'])\nglue('x', 'x' in globals())"
    change(book / "chapters/part/one.md", "1 + 1", look)
    settings = {
        "HOME": str(home),
        "JUPYTER_PATH": str(home / "data"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "PYTHONSTARTUP": str(home / "startup.py"),
    }
    done = execute(book, "part/one", **settings)
    assert ran(done) == {"part/one"}
    key = json.loads((book / "_build/.jupyter_cache/chapters/part/one.json").read_text())
    assert key["numbers"] == {"wide": "1.5", "x": "False"}
    (outputs,) = (book / "_build/.jupyter_cache/executed").iterdir()
    assert "first" not in str(
        json.loads((outputs / "base.ipynb").read_text())["cells"][0]["outputs"]
    )


def test_a_failing_chapter_is_named_and_the_others_are_kept(book):
    one = book / "chapters/part/one.md"
    one.write_text(CHAPTER.replace("1 + 1", "print('before')\nraise ValueError('no such thing')"))
    done = execute(book)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "FAILED" in line]
    at = one.read_text().splitlines().index("```{code-cell} ipython3") + 1
    assert f"chapters/part/one.md:{at}: ValueError: no such thing" in line
    one.write_text(CHAPTER)
    assert ran(execute(book)) == {"part/one"}


@pytest.mark.parametrize(
    ("bounds", "code", "words"),
    [
        ("{}", "x = 1\nassert x == 2", "AssertionError: assert x == 2"),
        ("{a: [2, 3]}", "GLUE('a', 1.5)", "a is 1.5; it should be from 2 to 3"),
        ("{b: [2, 3]}", "GLUE('a', 1.5)", "b was not measured; it should be from 2 to 3"),
    ],
)
def test_what_is_not_as_expected_fails_the_build(book, bounds, code, words):
    one = book / "chapters/part/one.md"
    code = code.replace("GLUE", "from myst_nb import glue; glue")
    one.write_text(measuring(bounds).replace("1 + 1", code))
    done = execute(book, "part/one")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "FAILED" in line]
    assert line.startswith("  FAILED   chapters/part/one.md:")
    assert line.endswith(words)
    if "glue" in code:
        change(one, bounds, "{a: [1, 2]}")
        assert ran(execute(book, "part/one")) == {"part/one"}
        change(one, "{a: [1, 2]}", "{a: [1000, 2000]}")
        again = execute(book, "part/one")  # its outputs are at hand, and no longer as expected
        assert again.returncode == 1
        assert "running" not in again.stdout
        assert "FAILED   chapters/part/one.md:" in again.stderr


def test_a_build_that_is_killed_loses_no_finished_chapter(book):
    two, endless = book / "chapters/part/two.md", CHAPTER.replace("1 + 1", "while True: pass")
    two.write_text(endless)
    build = subprocess.Popen(
        [sys.executable, "-m", "_ext.execute"], cwd=book, stdout=subprocess.PIPE, text=True
    )
    for line in build.stdout:
        if "of 2   part/one" in line:  # one has ended, two is running
            break
    build.kill()
    build.wait()
    two.write_text(CHAPTER.replace("1 + 1", "2 + 2"))
    assert ran(execute(book)) == {"part/two"}


def test_what_each_chapter_took_is_printed_and_kept(book):
    glue = "from myst_nb import glue; glue('a', 1.5)"
    (book / "chapters/part/one.md").write_text(CHAPTER.replace("1 + 1", glue))
    printed = execute(book).stdout
    kept = json.loads((book / "_build/benchmarks.json").read_text())["chapters"]
    assert list(kept) == ["part/one", "part/two"]
    assert kept["part/one"]["results"] == {"a": "1.5"}
    for chapter, took in kept.items():
        memory = took["peak_bytes"] / 1e9
        assert 0.02 < memory < 2
        assert re.search(rf"{took['seconds']:9.1f} +{memory:.2f} GB   {chapter}\n", printed)
        assert "gpu" not in took


def test_device_and_scale_reach_the_chapters(book):
    shutil.copy(ROOT / "d2lutil/runtime.py", book / "d2lutil/runtime.py")
    look = "from d2lutil.runtime import *; from myst_nb import glue\n"
    look += "glue('at', f'{device()} {scale(1, 2)}')"
    (book / "chapters/part/one.md").write_text(CHAPTER.replace("1 + 1", look))
    refused = execute(book, D2LUTIL_DEVICE="cuda:99", D2LUTIL_SCALE="full")
    assert refused.returncode == 1
    assert "cuda:99" in refused.stderr
    assert "nothing was executed" in refused.stderr
    assert "running" not in refused.stdout
    ran(execute(book, D2LUTIL_DEVICE="cpu", D2LUTIL_SCALE="full"))
    one = json.loads((book / "_build/benchmarks.json").read_text())["chapters"]["part/one"]
    assert (one["results"], one["scale"]) == ({"at": "cpu 2"}, "full")


def test_an_endless_chapter_is_given_up(book):
    (book / "_config.yml").write_text("execute: {timeout: 3}\n")
    one = book / "chapters/part/one.md"
    one.write_text(CHAPTER.replace("1 + 1", "while True: pass"))
    done = execute(book, "part/one")
    assert done.returncode == 1
    assert "chapters/part/one.md" in done.stderr
    assert "still running after 3 s" in done.stderr


def test_at_full_scale_a_cell_may_take_longer(book):
    (book / "_config.yml").write_text("execute: {timeout: 3}\n")
    one = book / "chapters/part/one.md"
    one.write_text(CHAPTER.replace("1 + 1", "import time; time.sleep(5)"))
    ran(execute(book, "part/one", D2LUTIL_SCALE="full"))


def test_an_unknown_chapter_is_named(book):
    done = execute(book, "part/three")
    assert done.returncode == 1
    assert "no such chapter: part/three" in done.stderr
