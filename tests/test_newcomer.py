"""A newcomer's afternoon: a chapter from the template, as CONTRIBUTING.md says, in a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

from conftest import build, copy_sources


def test_a_chapter_from_the_template_builds(book, tmp_path):
    copy = copy_sources(tmp_path / "a newcomer's book")
    shutil.copytree(book / ".jupyter_cache", copy / "_build/.jupyter_cache")

    guide = (copy / "CONTRIBUTING.md").read_text(encoding="utf-8")
    first, *_ = re.findall(r"^\*\*1\. .*?```bash\n(.*?)```", guide, re.S | re.M)
    subprocess.run(["bash", "-e", "-c", first], cwd=copy, check=True)
    toc = copy / "_toc.yml"
    last = "      - file: chapters/sequences/seq2seq\n"
    assert last in toc.read_text()
    toc.write_text(
        toc.read_text().replace(last, f"{last}      - file: chapters/sequences/memory\n")
    )

    printed = build(copy)
    assert "1 to execute" in printed  # its own chapter, and no other
    assert (copy / "_build/html/chapters/sequences/memory.html").exists()
    assert (copy / "_build/notebooks/sequences/memory.ipynb").exists()
    quick = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "tests/test_chapters.py",
        "-k",
        "memory or clean",
    ]
    there = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(quick, cwd=copy, env=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
