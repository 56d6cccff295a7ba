"""What a chapter teaches and the package keeps has one name, and the same arguments, in both."""

from __future__ import annotations

import functools
import inspect
import re
from importlib import import_module
from types import ModuleType

import myst_nb  # noqa: F401 (a chapter imports it)
import pytest
from chapter_code import code, defined_in
from conftest import ROOT

# Each part of the package that a chapter builds from scratch, and the chapter.
TAUGHT = {
    "detection.average_precisions": "detection/boxes",
    "detection.iou": "detection/boxes",
    "translation.bleu": "sequences/seq2seq",
    "translation.tensors": "sequences/seq2seq",
    "yolo.ChannelsLast": "detection/yolov1",
    "yolo.Contrast": "detection/yolov1",
    "yolo.block": "detection/yolov1",
    "yolo.corners": "detection/yolov1",
    "yolo.decode": "detection/yolov1",
    "yolo.loss": "detection/yolov1",
    "yolo.loss_terms": "detection/yolov1",
    "yolo.network": "detection/yolov1",
    "yolo.overlaps_with": "detection/yolov1",
    "yolo.responsible": "detection/yolov1",
    "yolo.split": "detection/yolov1",
    "yolo.targets": "detection/yolov1",
}
# Names that a chapter gives to something else: what does the same in one class only.
OTHERS = {("detection.nms", "detection/boxes"), ("detection.true_positives", "detection/boxes")}
chapter_names = functools.cache(defined_in)


def part(name: str):
    """What the package has under a name such as `yolo.loss`."""
    module, _, own = name.partition(".")
    return getattr(import_module(f"d2lutil.{module}"), own)


def title(chapter: str) -> str:
    text = (ROOT / f"chapters/{chapter}.md").read_text("utf-8")
    return re.search(r"^# (.+)$", text.partition("\n---\n")[2], re.MULTILINE)[1]


@pytest.mark.parametrize(("name", "chapter"), TAUGHT.items(), ids=TAUGHT)
def test_it_has_one_name_and_the_same_arguments(name, chapter):
    """The package's may have more of them, each with a default."""
    ours = part(name)
    theirs = chapter_names(chapter)[name.partition(".")[2]]
    assert inspect.isclass(ours) == inspect.isclass(theirs)
    ours, theirs = (inspect.signature(one).parameters for one in (ours, theirs))
    assert [argument for argument in ours if argument in theirs] == list(theirs)
    for argument, parameter in ours.items():
        if argument in theirs:
            assert parameter.default == theirs[argument].default
        else:
            assert parameter.default is not parameter.empty


@pytest.mark.parametrize(("name", "chapter"), TAUGHT.items(), ids=TAUGHT)
def test_its_docstring_says_where_it_is_taught(name, chapter):
    assert f"Taught in the chapter *{title(chapter)}*." in " ".join(part(name).__doc__.split())


def test_nothing_is_taught_that_is_not_listed():
    """A chapter that uses one of these modules, and defines one of its names itself, is listed."""
    found = set()
    for path in sorted((ROOT / "chapters").glob("*/*.md")):
        cells = code(path.read_text("utf-8").partition("\n## Exercises")[0])
        defined = set(re.findall(r"^(?:def|class) (\w+)", "\n".join(cells), re.MULTILINE))
        for module in ("detection", "translation", "yolo"):
            if any(re.search(rf"\b{module}\.", cell) for cell in cells):
                home = import_module(f"d2lutil.{module}")
                kept = {n for n, v in vars(home).items() if _made_in(v, home) and n[0] != "_"}
                chapter = path.relative_to(ROOT / "chapters").with_suffix("").as_posix()
                found |= {(f"{module}.{name}", chapter) for name in kept & defined}
    assert found == set(TAUGHT.items()) | OTHERS


def _made_in(value: object, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", "") == module.__name__
