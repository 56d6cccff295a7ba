"""Right and wrong answers to the exercises of the chapter *Tensors and PyTorch*."""

from __future__ import annotations

import torch
from torch.nn import functional


def select_by_nonzero(X, y, label):
    return X[torch.nonzero(y == label)[:, 0]]


def select_by_loop(X, y, label):
    rows = [row for row, own in zip(X, y, strict=True) if own == label]
    return torch.stack(rows) if rows else X[:0]


def select_others(X, y, label):
    return X[~(y == label)]


def select_row(X, y, label):
    return X[label]


def select_as_numbers(X, y, label):
    return X[(y == label).int()]


def select_mask(X, y, label):
    return y.eq(label)


def select_zeros(X, y, label):
    return torch.where((y == label).unsqueeze(1), X, 0)


def select_squeezed(X, y, label):
    return X[torch.nonzero(y == label).squeeze()]


def standardise_by_rows_of_transpose(X):
    Z = X.T
    return ((Z - Z.mean(dim=1, keepdim=True)) / Z.std(dim=1, keepdim=True)).T


def standardise_by_formula(X):
    centred = X - X.sum(dim=0) / len(X)
    return centred / ((centred**2).sum(dim=0) / (len(X) - 1)).sqrt()


def standardise_table(X):
    return (X - torch.mean(X)) / torch.std(X)


def standardise_rows(X):
    return ((X.T - X.mean(dim=1)) / X.std(dim=1)).T


def standardise_centred(X):
    return X - X.mean(0)


def standardise_brackets(X):
    return X - X.mean(0) / X.std(0)


def standardise_variance(X):
    return (X - X.mean(0)) / X.var(0)


def standardise_biased(X):
    return (X - X.mean(0)) / X.var(0, unbiased=False).sqrt()


def error_by_mse_loss(y_hat, y):
    return functional.mse_loss(y_hat, y[:, None])


def error_by_dot(y_hat, y):
    e = y_hat.flatten() - y
    return e @ e / len(y)


def error_trap(y_hat, y):
    return (y_hat - y).pow(2).mean()


def error_sum(y_hat, y):
    return ((y_hat.squeeze(1) - y) ** 2).sum()


def error_absolute(y_hat, y):
    return functional.l1_loss(y_hat[:, 0], y)


def error_root(y_hat, y):
    return torch.sqrt(functional.mse_loss(y_hat[:, 0], y))


def error_each(y_hat, y):
    return (y_hat[:, 0] - y).square()


def error_half(y_hat, y):
    return 0.5 * ((y_hat[:, 0] - y) ** 2).mean()


def distances_by_cdist(A, B):
    return torch.cdist(A, B)


def distances_by_norm(A, B):
    return (A[:, None, :] - B[None]).norm(dim=-1)


def distances_squared(A, B):
    return (A[:, None, :] - B[None, :, :]).pow(2).sum(-1)


def distances_transposed(A, B):
    return torch.cdist(B, A)


def distances_absolute(A, B):
    return torch.cdist(A, B, p=1)


def distances_mean(A, B):
    return (A.unsqueeze(1) - B).pow(2).mean(-1).sqrt()


def distances_over_points(A, B):
    return (A.unsqueeze(1) - B).pow(2).sum(1).sqrt()


def products_by_einsum(Q, K):
    return torch.einsum("bik,bjk->bij", Q, K)


def products_by_loop(Q, K):
    return torch.stack([q @ k.T for q, k in zip(Q, K, strict=True)])


def products_by_sum(Q, K):
    return (Q[:, :, None] * K[:, None]).sum(dim=3)


def products_transposed(Q, K):
    return torch.bmm(K, Q.mT)


def products_no_batch(Q, K):
    return (Q @ K.mT).sum(dim=0)


def products_scaled(Q, K):
    return Q @ K.mT / K.shape[-1] ** 0.5


def products_reshaped(Q, K):
    return Q @ K.reshape(len(K), K.shape[-1], -1)


def updated_by_grad(w, X, y, lr):
    v = w.detach().clone().requires_grad_(True)
    (g,) = torch.autograd.grad(functional.mse_loss(X @ v, y), v)
    return w - lr * g


def updated_by_optimizer(w, X, y, lr):
    v = torch.nn.Parameter(w.clone())
    optimizer = torch.optim.SGD([v], lr=lr)
    functional.mse_loss(X @ v, y).backward()
    optimizer.step()
    return v.detach()


def updated_by_formula(w, X, y, lr):
    return w - lr * 2 / len(y) * (X @ w - y) @ X


def updated_records(w, X, y, lr):
    v = w.clone().requires_grad_()
    ((X @ v - y) ** 2).mean().backward()
    return v - lr * v.grad


def updated_of_the_given(w, X, y, lr):
    w.requires_grad_()
    ((X @ w - y) ** 2).mean().backward()
    return w.detach() - lr * w.grad


def updated_unrecorded(w, X, y, lr):
    loss = ((X @ w - y) ** 2).mean()
    loss.backward()
    return w - lr * w.grad


def updated_uphill(w, X, y, lr):
    v = w.clone().requires_grad_()
    ((X @ v - y) ** 2).mean().backward()
    return (v + lr * v.grad).detach()


def updated_sum(w, X, y, lr):
    v = w.clone().requires_grad_()
    ((X @ v - y) ** 2).sum().backward()
    return (v - lr * v.grad).detach()


def updated_gradient(w, X, y, lr):
    v = w.clone().requires_grad_()
    ((X @ v - y) ** 2).mean().backward()
    return v.grad


def updated_no_rate(w, X, y, lr):
    v = w.clone().requires_grad_()
    ((X @ v - y) ** 2).mean().backward()
    return v.detach() - v.grad


RIGHT = {
    "select_class": [select_by_nonzero, select_by_loop],
    "standardise_columns": [standardise_by_rows_of_transpose, standardise_by_formula],
    "matched_squared_error": [error_by_mse_loss, error_by_dot],
    "all_distances": [distances_by_cdist, distances_by_norm],
    "batch_products": [products_by_einsum, products_by_loop, products_by_sum],
    "updated_weights": [updated_by_grad, updated_by_optimizer, updated_by_formula],
}
WRONG = {
    "select_class": [
        (select_others, "all other labels"),
        (select_row, "as a row number"),
        (select_as_numbers, "into 1 and 0"),
        (select_mask, "Now index `X` with it"),
        (select_zeros, "They should be left out"),
        (select_squeezed, "loses its row dimension"),
    ],
    "standardise_columns": [
        (standardise_table, "Each column has its own"),
        (standardise_rows, "You standardise the rows"),
        (standardise_centred, "The division by the standard deviation"),
        (standardise_brackets, "Put the difference in brackets"),
        (standardise_variance, "You divide by the variance"),
        (standardise_biased, "n − 1"),
    ],
    "matched_squared_error": [
        (error_trap, "This is the trap"),
        (error_sum, "asks for their mean"),
        (error_absolute, "mean absolute error"),
        (error_root, "Leave the root out"),
        (error_each, "one for each example"),
        (error_half, "no factor ½"),
    ],
    "all_distances": [
        (distances_squared, "The root is missing"),
        (distances_transposed, "This is the transpose"),
        (distances_absolute, "absolute differences"),
        (distances_mean, "The squares are added up"),
        (distances_over_points, "over the points of `B`"),
    ],
    "batch_products": [
        (products_transposed, "transpose of each matrix"),
        (products_no_batch, "over the batch"),
        (products_scaled, "root of d"),
        (products_reshaped, "rows do not become columns"),
    ],
    "updated_weights": [
        (updated_records, "still records"),
        (updated_of_the_given, "the caller's `w` has `requires_grad` now"),
        (updated_unrecorded, "Error 7"),
        (updated_uphill, "so the loss grows"),
        (updated_sum, "sum of the squares"),
        (updated_gradient, "This is the gradient"),
        (updated_no_rate, "learning rate is missing"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "matched_squared_error": {
        "y_hat[:, 0] - y → y - y_hat[:, 0]": "the difference is squared",
        "0 → -1": "there is one column, the first and the last",
    },
    "all_distances": {
        "A[:, None] - B → B - A[:, None]": "the difference is squared",
    },
    "updated_weights": {
        "X @ w - y → y - X @ w": "the difference is squared",
    },
}
