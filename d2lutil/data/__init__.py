"""The book's data sets, one function each, all returning ``(train, test) = ((X, y), (X, y))``.

They come from installed packages or from a seed and need no network; only at full scale
(`d2lutil.scale`) are the images of `digits` and `fashion_mnist` downloaded, once.
"""

from d2lutil.data.images import digits, fashion_mnist
from d2lutil.data.tables import AUTOMPG_COLUMNS, Split, autompg, blobs, linear, moons, xor

__all__ = [
    "AUTOMPG_COLUMNS",
    "Split",
    "autompg",
    "blobs",
    "digits",
    "fashion_mnist",
    "linear",
    "moons",
    "xor",
]
