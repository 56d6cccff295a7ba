"""The book's data sets, one function each, all returning ``(train, test)``, each part ``(X, y)``.

With a `validation_size`, they return ``(train, validation, test)``: `validation` is there to choose
by, and the test set stays the same. `xor` alone, with its four points, has no more parts.

`python_docs` returns two texts, `number_words` two lists of phrases. All come from installed
packages or from a seed and need no network; only at full scale (`d2lutil.scale`) are the images of
`digits` and `fashion_mnist` downloaded, once.
"""

from d2lutil.data.images import digits, fashion_mnist
from d2lutil.data.scenes import scenes
from d2lutil.data.tables import AUTOMPG_COLUMNS, Split, autompg, blobs, linear, moons, xor
from d2lutil.data.text import Phrases, number_words, python_docs

__all__ = [
    "AUTOMPG_COLUMNS",
    "Phrases",
    "Split",
    "autompg",
    "blobs",
    "digits",
    "fashion_mnist",
    "linear",
    "moons",
    "number_words",
    "python_docs",
    "scenes",
    "xor",
]
