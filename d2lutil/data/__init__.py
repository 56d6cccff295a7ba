"""The book's data sets, one function each, all returning ``(train, test)``, each part ``(X, y)``.

Only `python_docs` returns two texts. All come from installed packages or from a seed and need no
network; only at full scale (`d2lutil.scale`) are the images of `digits` and `fashion_mnist`
downloaded, once.
"""

from d2lutil.data.images import digits, fashion_mnist
from d2lutil.data.tables import AUTOMPG_COLUMNS, Split, autompg, blobs, linear, moons, xor
from d2lutil.data.text import python_docs

__all__ = [
    "AUTOMPG_COLUMNS",
    "Split",
    "autompg",
    "blobs",
    "digits",
    "fashion_mnist",
    "linear",
    "moons",
    "python_docs",
    "xor",
]
