"""What has been proven of each chapter, and under which key: its outputs, and its notebook.

A chapter's key is its code, and what its kernel really imported: modules of d2lutil, by what they
do, and packages, by their release. The outputs lie in the cache that Sphinx reads; beside it lies a
small file for each chapter, with its key, its numbers, and what it took.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from _ext.chapter import ROOT, Chapter, digest, meaning

BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
KEYS = CACHE / "chapters"

CHOICES = ("D2LUTIL_SCALE", "D2LUTIL_DEVICE", "CUDA_VISIBLE_DEVICES")
WEIGHTS = "d2lutil.weights"
# Imported by the kernel around a chapter, not for what the chapter computes.
AROUND = {"d2lutil", "debugpy", "ipykernel", "jupyter_client", "jupyter_core", "pyzmq", "tornado"}


@cache
def module(name: str) -> str:
    """A digest of what a module of d2lutil does; empty if there is none of that name."""
    path = ROOT / name.replace(".", "/")
    if name == WEIGHTS:  # and what it holds
        found = [*sorted(path.rglob("*.safetensors")), path / "__init__.py"]
        return digest(" ".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in found))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return digest(meaning(file.read_text(encoding="utf-8")))
    return ""


@cache
def release(package: str) -> str:
    """The release of a package that is installed; empty if it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def foundation(took: Mapping[str, Any]) -> dict[str, Any]:
    """What a kernel ran on, of what it says itself."""
    owners = packages_distributions()
    packages = {owner for name in took["packages"] for owner in owners.get(name, ())} - AROUND
    return {
        "python": platform.python_version(),
        "choices": {name: os.environ.get(name) for name in CHOICES},
        "modules": {name: module(name) for name in took["modules"]},
        "packages": {name: release(name) for name in sorted(packages)},
    }


def stands(before: Mapping[str, Any]) -> bool:
    """Whether what a kernel ran on is still the same."""
    return (
        before["python"] == platform.python_version()
        and before["choices"] == {name: os.environ.get(name) for name in CHOICES}
        and all(module(name) == was for name, was in before["modules"].items())
        and all(release(name) == was for name, was in before["packages"].items())
    )


def proof(chapter: Chapter) -> dict[str, Any]:
    """What has been proven of a chapter as it stands; empty if it has not been executed."""
    path = KEYS / f"{chapter.name}.json"
    if not path.exists():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))
    if not stands(known["foundation"]):
        return {}
    if known["page"] != digest(chapter.text):
        if known["code"] != chapter.code() or not _take_over_outputs(chapter):
            return {}
        known["page"] = digest(chapter.text)
        write(chapter, known)
    return known


def write(chapter: Chapter, known: Mapping[str, Any]) -> None:
    """Keep what has been proven of a chapter."""
    path = KEYS / f"{chapter.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(known, indent=1), encoding="utf-8")
    part.replace(path)


def keep(chapter: Chapter, took: dict[str, Any], numbers: Mapping[str, str]) -> None:
    """Keep the outputs of a chapter that has been executed, in place of those before."""
    _store(chapter)
    known = {
        "page": digest(chapter.text),
        "code": chapter.code(),
        "foundation": foundation(took),
        "took": {key: took[key] for key in took if key not in ("modules", "packages")},
        "numbers": numbers,
    }
    write(chapter, known)
    # Sphinx looks at a page's text alone, and would not see that its outputs are new.
    (BUILD / f".doctrees/{chapter.docname}.doctree").unlink(missing_ok=True)


def _outputs() -> Any:
    """The cache that Sphinx reads."""
    from jupyter_cache import get_cache

    CACHE.mkdir(parents=True, exist_ok=True)
    return get_cache(str(CACHE))


def _store(chapter: Chapter) -> None:
    from jupyter_cache.base import CacheBundleIn

    outputs = _outputs()
    for record in outputs.list_cache_records():
        if record.uri == str(chapter.page):
            outputs.remove_cache(record.pk)
    bundle = CacheBundleIn(chapter.notebook, str(chapter.page))
    outputs.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _take_over_outputs(chapter: Chapter) -> bool:
    """Give the outputs of the same code to the page as it is now; False if there are none."""
    outputs = _outputs()
    for record in outputs.list_cache_records():
        if record.uri == str(chapter.page):
            before = outputs.get_cache_bundle(record.pk).nb.cells
            now = [cell for cell in chapter.notebook.cells if cell.cell_type == "code"]
            for cell, old in zip(now, before, strict=True):
                cell.outputs, cell.execution_count = old.outputs, old.execution_count
            _store(chapter)
            return True
    return False


def prune(known: list[Chapter]) -> None:
    """Drop what is kept of chapters that are no more."""
    names, pages = {chapter.name for chapter in known}, {str(chapter.page) for chapter in known}
    gone = [p for p in KEYS.rglob("*.json") if p.relative_to(KEYS).as_posix()[:-5] not in names]
    for path in gone:
        path.unlink()
    if gone:
        outputs = _outputs()
        for record in outputs.list_cache_records():
            if record.uri not in pages:
                outputs.remove_cache(record.pk)
