"""Exercises of the chapter *Tensors and PyTorch*."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _select(X: Tensor, y: Tensor, label: int) -> Tensor:
    """The rows of X (n, d) whose entry of y (n,) is label: (m, d)."""
    return X[y == label]


def _select_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, int]]:
    X = tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    yield X, tensor([0, 2, 0, 1]), 0
    yield X, tensor([0, 2, 2, 1]), 2
    yield X, tensor([0, 2, 0, 1]), 1  # one row: (1, d) all the same
    yield X, tensor([0, 2, 0, 1]), 3  # none: (0, d)
    X = torch.randn(9, 3, generator=generator)
    yield X, torch.randint(3, (9,), generator=generator), 1


select_class = Exercise(
    reference=_select,
    cases=_select_cases,
    mistakes=[
        (
            lambda X, y, label: X[y != label],
            "These are the rows of all other labels.",
        ),
        (
            lambda X, y, label: X[label],
            "You use the label as a row number. Compare it with `y` first: that says which rows "
            "to keep.",
        ),
        (
            lambda X, y, label: X[y],
            "You use the labels as row numbers. Compare them with `label` first.",
        ),
        (
            lambda X, y, label: X[(y == label).long()],
            "You turned `True` and `False` into 1 and 0, and then they are row numbers. Index with "
            "the truth values themselves.",
        ),
        (
            lambda X, y, label: y == label,
            "This says which rows to keep. Now index `X` with it.",
        ),
        (
            lambda X, y, label: X * (y == label)[:, None],
            "You set the other rows to zero. They should be left out.",
        ),
        (
            lambda X, y, label: X[(y == label).nonzero().squeeze()],
            "Nearly. `squeeze()` removes every dimension of length 1, so a class with a single row "
            "loses its row dimension. `squeeze(1)` does not.",
        ),
        (
            lambda X, y, label: X[y == label][:1],
            "This is the first row of the class. All of them are asked for.",
        ),
        (
            lambda X, y, label: X[y == label, 0],
            "This is one column. Keep all of them.",
        ),
    ],
)


def _standardise(X: Tensor) -> Tensor:
    """Each column of X (n, d) with mean 0 and standard deviation 1."""
    return (X - X.mean(dim=0)) / X.std(dim=0)


def _standardise_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    yield (tensor([[1.0, 10.0], [2.0, 40.0], [6.0, 20.0]]),)
    for n, d in ((3, 3), (5, 2), (4, 6), (6, 1)):
        yield (3 * torch.randn(n, d, generator=generator) + 2,)


standardise_columns = Exercise(
    reference=_standardise,
    cases=_standardise_cases,
    mistakes=[
        (
            lambda X: (X - X.mean()) / X.std(),
            "You use one mean and one deviation for the whole table. Each column has its own: say "
            "which dimension should disappear.",
        ),
        (
            lambda X: (X - X.mean(dim=0)) / X.std(),
            "The mean is that of each column, but the deviation is that of the whole table.",
        ),
        (
            lambda X: (X - X.mean()) / X.std(dim=0),
            "The deviation is that of each column, but the mean is that of the whole table.",
        ),
        (
            lambda X: (X - X.mean(dim=1, keepdim=True)) / X.std(dim=1, keepdim=True),
            "You standardise the rows. `dim` is the dimension that disappears, and for columns "
            "that is the one that counts the rows.",
        ),
        (
            lambda X: (X - X.mean(dim=1)) / X.std(dim=1),
            "`dim=1` gives one mean for each row. For columns the dimension that counts the rows "
            "should disappear.",
        ),
        (
            lambda X: X - X.mean(dim=0),
            "The means are right. The division by the standard deviation is missing.",
        ),
        (
            lambda X: X / X.std(dim=0),
            "You divide by the standard deviation, but the mean is still in there.",
        ),
        (
            lambda X: X - X.mean(dim=0) / X.std(dim=0),
            "Python divides before it subtracts. Put the difference in brackets.",
        ),
        (
            lambda X: (X - X.mean(dim=0)) / X.var(dim=0),
            "You divide by the variance. The standard deviation is its root.",
        ),
        (
            lambda X: (X - X.mean(dim=0)) / X.std(dim=0, correction=0),
            "Your standard deviation divides by n. The task asks for PyTorch's, which divides by "
            "n − 1.",
        ),
        (
            lambda X: (X - X.mean(dim=0)) * X.std(dim=0),
            "You multiply by the standard deviation. A column that varies much should be made "
            "smaller.",
        ),
        (
            lambda X: (X - X.amin(dim=0)) / (X.amax(dim=0) - X.amin(dim=0)),
            "You scale each column to the range from 0 to 1. The task asks for mean 0 and standard "
            "deviation 1.",
        ),
    ],
)


def _squared_error(y_hat: Tensor, y: Tensor) -> Tensor:
    """The mean squared error of y_hat (n, 1) for y (n,): a scalar tensor."""
    return ((y_hat[:, 0] - y) ** 2).mean()


def _squared_error_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[1.0], [4.0], [2.0]]), tensor([2.0, 1.0, 6.0])
    for n in (1, 2, 5, 8):
        yield 2 * torch.randn(n, 1, generator=generator), torch.randn(n, generator=generator)


matched_squared_error = Exercise(
    reference=_squared_error,
    cases=_squared_error_cases,
    mistakes=[
        (
            lambda y_hat, y: ((y_hat - y) ** 2).mean(),
            "This is the trap: `(n, 1)` minus `(n,)` is `(n, n)`, every prediction minus every "
            "label. Bring both to one shape first.",
        ),
        (
            lambda y_hat, y: ((y_hat[:, 0] - y) ** 2).sum(),
            "This is the sum of the squares. The task asks for their mean.",
        ),
        (
            lambda y_hat, y: ((y_hat - y) ** 2).sum() / len(y),
            "The difference is `(n, n)`: every prediction minus every label. Bring both to one "
            "shape first.",
        ),
        (
            lambda y_hat, y: ((y_hat - y) ** 2).sum(),
            "Two things. The difference is `(n, n)`, so bring both to one shape first. And a mean "
            "is asked for.",
        ),
        (
            lambda y_hat, y: (y_hat[:, 0] - y).mean() ** 2,
            "You square the mean error. Square each error first, then take the mean.",
        ),
        (
            lambda y_hat, y: (y_hat[:, 0] - y).mean(),
            "The square is missing: errors of opposite signs cancel.",
        ),
        (
            lambda y_hat, y: (y_hat[:, 0] - y).abs().mean(),
            "This is the mean absolute error. The task asks for squares.",
        ),
        (
            lambda y_hat, y: ((y_hat[:, 0] - y) ** 2).mean().sqrt(),
            "This is the root of the mean squared error. Leave the root out.",
        ),
        (
            lambda y_hat, y: ((y_hat[:, 0] - y) ** 2).mean() / 2,
            "This is half of it. The mean squared error has no factor ½.",
        ),
        (
            lambda y_hat, y: ((y_hat[:, 0] - y) ** 2).sum() / 2,
            "This is half the sum of the squares. The task asks for their mean.",
        ),
        (
            lambda y_hat, y: (y_hat[:, 0] - y).norm(),
            "The norm is the root of the sum of the squares. The task asks for their mean.",
        ),
        (
            lambda y_hat, y: (y_hat[:, 0] - y) ** 2,
            "These are the squares, one for each example. Their mean is asked for.",
        ),
        (
            lambda y_hat, y: ((y_hat[0] - y) ** 2).mean(),
            "`y_hat[0]` is the first row, one prediction. The column is `y_hat[:, 0]`.",
        ),
    ],
)


def _distances(A: Tensor, B: Tensor) -> Tensor:
    """Euclidean distances of the rows of A (n, d) to those of B (m, d): (n, m)."""
    difference = A[:, None] - B  # (n, m, d)
    return (difference**2).sum(dim=2).sqrt()


def _distances_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[0.0, 0.0], [3.0, 0.0]]), tensor([[3.0, 4.0], [0.0, 1.0], [6.0, 8.0]])
    for n, m, d in ((2, 4, 3), (3, 3, 2), (3, 2, 3), (1, 5, 4), (4, 1, 1)):
        yield torch.randn(n, d, generator=generator), torch.randn(m, d, generator=generator)


all_distances = Exercise(
    reference=_distances,
    cases=_distances_cases,
    mistakes=[
        (
            lambda A, B: ((A[:, None] - B) ** 2).sum(dim=2),
            "These are the squared distances. The root is missing.",
        ),
        (
            lambda A, B: ((B[:, None] - A) ** 2).sum(dim=2).sqrt(),
            "This is the transpose. The rows of the answer should belong to `A`.",
        ),
        (
            lambda A, B: (A[:, None] - B).abs().sum(dim=2),
            "You add up absolute differences (the root of a square is one, too). The Euclidean "
            "distance is the root of the sum of squares.",
        ),
        (
            lambda A, B: ((A[:, None] - B) ** 2).mean(dim=2).sqrt(),
            "You take the mean over the features. The squares are added up.",
        ),
        (
            lambda A, B: (A[:, None] - B).sum(dim=2).abs(),
            "Square the differences before you add them up: otherwise they cancel.",
        ),
        (
            lambda A, B: A[:, None] - B,
            "These are the differences, `(n, m, d)`. Square them, add up over the features, and "
            "take the root.",
        ),
        (
            lambda A, B: (A - B).norm(dim=1),
            "This is row against row, and only if there are as many in both. Give `A` one more "
            "dimension, so that broadcasting makes all pairs.",
        ),
        (
            lambda A, B: A @ B.T,
            "These are dot products. Subtract, square, add up, and take the root.",
        ),
        (
            lambda A, B: ((A[:, None] - B) ** 2).sum().sqrt(),
            "You add up everything. Only the last dimension, the features, should disappear.",
        ),
        (
            lambda A, B: ((A[:, None] - B) ** 2).sum(dim=1).sqrt(),
            "You add up over the points of `B`. The difference is `(n, m, d)`: which dimension "
            "holds the features?",
        ),
        (
            lambda A, B: ((A[:, None] - B) ** 2).sum(dim=0).sqrt(),
            "You add up over the points of `A`. The difference is `(n, m, d)`: which dimension "
            "holds the features?",
        ),
    ],
)


def _products(Q: Tensor, K: Tensor) -> Tensor:
    """Dot products within each batch entry: Q (b, n, d), K (b, m, d) -> (b, n, m)."""
    return Q @ K.transpose(1, 2)


def _products_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[[1.0, 2.0]], [[0.0, 1.0]]]), tensor([[[3.0, 1.0]], [[2.0, 5.0]]])
    for b, n, m, d in ((2, 3, 4, 2), (3, 2, 2, 4), (2, 2, 2, 2), (1, 3, 2, 3), (3, 3, 3, 3)):
        Q = torch.randn(b, n, d, generator=generator)
        yield Q, torch.randn(b, m, d, generator=generator)


batch_products = Exercise(
    reference=_products,
    cases=_products_cases,
    mistakes=[
        (
            lambda Q, K: K @ Q.transpose(1, 2),
            "This is the transpose of each matrix. The rows of the answer belong to `Q`.",
        ),
        (
            lambda Q, K: torch.einsum("bnd,bmd->nm", Q, K),
            "You add up over the batch, too. Its letter has to stand behind the arrow.",
        ),
        (
            lambda Q, K: torch.einsum("bnd,amd->bnm", Q, K),
            "You give the batch two letters, so every entry meets every other one. It is one "
            "letter in both.",
        ),
        (
            lambda Q, K: Q @ K,
            "The inner lengths do not fit, or fit by chance. Each row of `Q` should meet a *row* "
            "of `K`: which two dimensions of `K` have to change places?",
        ),
        (
            lambda Q, K: Q * K,
            "`*` multiplies entry by entry. The products have to be added up over the last "
            "dimension.",
        ),
        (
            lambda Q, K: torch.einsum("bnd,bnd->bn", Q, K),
            "You multiply each row of `Q` with one row of `K`. It should meet all rows.",
        ),
        (
            lambda Q, K: Q @ K.permute(2, 1, 0),
            "You have turned all dimensions round, the batch as well. Only the last two change "
            "places.",
        ),
        (
            lambda Q, K: Q @ K.reshape(K.shape[0], K.shape[2], K.shape[1]),
            "`reshape` reads the numbers in the order in which they stand in memory, so rows do "
            "not become columns. `transpose` makes them so.",
        ),
        (
            lambda Q, K: Q @ K.transpose(1, 2) / Q.shape[2] ** 0.5,
            "You divide by the root of d, as attention does later on. Here the plain dot products "
            "are asked for.",
        ),
    ],
)


def _updated(w: Tensor, X: Tensor, y: Tensor, lr: float) -> Tensor:
    """The weights (d,) after an update for X (n, d), y (n,)."""
    w = w.clone().requires_grad_()
    ((X @ w - y) ** 2).mean().backward()
    return w.detach() - lr * w.grad


def _updated_call(reader, w: Tensor, X: Tensor, y: Tensor, lr: float) -> tuple[Tensor, bool, bool]:
    """What a reader's function returns, whether that records, and whether the given w does now."""
    new = reader(w, X, y, lr)
    if not isinstance(new, Tensor):
        return new, False, w.requires_grad
    return new.detach(), new.requires_grad, w.requires_grad


def _updated_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
    X = tensor([[2.0, 1.0], [0.0, 3.0], [1.0, 1.0]])
    yield tensor([1.0, 2.0]), X, tensor([5.0, 6.0, 1.0]), 0.3
    for n, d, lr in ((4, 2, 0.1), (3, 3, 0.5), (5, 1, 0.2)):
        w, y = torch.randn(d, generator=generator), torch.randn(n, generator=generator)
        yield w, torch.randn(n, d, generator=generator), y, lr


def _moved(w: Tensor, X: Tensor, y: Tensor, step: float) -> tuple[Tensor, bool]:
    """The weights after a step along the gradient of the mean, of which nothing is recorded."""
    return w + step * 2 * X.T @ (X @ w - y) / len(y), False


updated_weights = Exercise(
    reference=_updated,
    cases=_updated_cases,
    call=_updated_call,
    returns=("the weights", "whether they have requires_grad", "whether the given w has it"),
    mistakes=[
        (
            lambda w, X, y, lr: _updated(w, X, y, lr).requires_grad_(),
            "The numbers are right, but what you return still records. Subtract under "
            "`torch.no_grad()`, or `detach` it.",
        ),
        (
            lambda w, X, y, lr: _moved(w, X, y, lr)[0],
            "You add the gradient, so the loss grows. Subtract it.",
        ),
        (
            lambda w, X, y, lr: _moved(w, X, y, -lr * len(y))[0],
            "Your loss is the sum of the squares. The task asks for their mean.",
        ),
        (
            lambda w, X, y, lr: _moved(w, X, y, -lr / 2)[0],
            "Your loss is half the mean of the squares. The task has no factor ½.",
        ),
        (
            lambda w, X, y, lr: _moved(w, X, y, -1)[0],
            "The learning rate is missing.",
        ),
        (
            lambda w, X, y, lr: _moved(w, X, y, 1)[0] - w,
            "This is the gradient. Multiply it by the learning rate, and subtract it from the "
            "weights.",
        ),
        (
            lambda w, X, y, lr: w.clone(),
            "These are the weights before the update. Does your last line use the gradient, and "
            "do you return its result?",
        ),
        (
            lambda w, X, y, lr: w - _moved(w, X, y, -lr)[0],
            "This is what is to be subtracted. Return the new weights.",
        ),
        (
            lambda w, X, y, lr: _moved(w, X, y, -2 * lr)[0],
            "Your update is twice as large as it should be. Do you call `backward` twice? It adds "
            "to `grad`.",
        ),
        (
            lambda w, X, y, lr: _moved(w.requires_grad_().detach(), X, y, -lr)[0],
            "The numbers are right, but the caller's `w` has `requires_grad` now, and a `grad`: a "
            "second call would add to it. Begin with `w.clone()`.",
        ),
        (
            lambda w, X, y, lr: ((X @ w - y) ** 2).mean().backward(),
            "Error 7: nothing was recorded. Compute the loss, outside of `no_grad`, from a clone "
            "of `w` that has `requires_grad`.",
        ),
        (
            lambda w, X, y, lr: w.clone().requires_grad_().sub_(lr),
            "Error 9: the update is being recorded. Do it under `torch.no_grad()`, or with "
            "detached numbers.",
        ),
    ],
)
