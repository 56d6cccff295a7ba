"""The book's data sets, one function each, all returning ``(train, test)``, each part ``(X, y)``.

With a `validation_size`, they return ``(train, validation, test)``: `validation` is there to choose
by, and the test set stays the same. `xor` alone, with its four points, has no more parts.

`python_docs` returns two texts, `number_words` two lists of phrases, `messages` two of sentences.
`leaves` adds to each part the plant that a leaf comes from.
All come from installed packages or from a seed and need no network; only at full scale
(`d2lutil.scale`) are the images of `digits` and `fashion_mnist` downloaded, once.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
