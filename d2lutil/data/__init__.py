"""The book's data sets, one function each, all returning ``(train, test)``, each part ``(X, y)``.

With a `validation_size`, they return ``(train, validation, test)``: `validation` is there to choose
by, and the test set stays the same. `xor` alone, with its four points, has no more parts.

`python_docs` returns two texts, `number_words` two lists of phrases, `messages` two of sentences.
All come from installed
packages or from a seed and need no network; only at full scale (`d2lutil.scale`) are the images of
`digits` and `fashion_mnist` downloaded, once.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from d2lutil.data.digit_scenes import scenes
    from d2lutil.data.images import digits, fashion_mnist
    from d2lutil.data.tables import AUTOMPG_COLUMNS, Split, autompg, blobs, linear, moons, xor
    from d2lutil.data.text import Phrases, messages, number_words, python_docs

__all__ = [
    "AUTOMPG_COLUMNS",
    "Phrases",
    "Split",
    "autompg",
    "blobs",
    "digits",
    "fashion_mnist",
    "linear",
    "messages",
    "moons",
    "number_words",
    "python_docs",
    "scenes",
    "xor",
]

_MODULES = {  # where each is; no module has the name of one of them
    "AUTOMPG_COLUMNS": "tables",
    "Phrases": "text",
    "Split": "tables",
    "autompg": "tables",
    "blobs": "tables",
    "digits": "images",
    "fashion_mnist": "images",
    "linear": "tables",
    "messages": "text",
    "moons": "tables",
    "number_words": "text",
    "python_docs": "text",
    "scenes": "digit_scenes",
    "xor": "tables",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    elif not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
