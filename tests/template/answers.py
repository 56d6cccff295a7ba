"""Right and wrong answers to the exercises of the chapter *One number for many*."""

from __future__ import annotations

import torch


def derivative_by_means(c, y):
    return 2 * c - 2 * y.mean()


def derivative_by_autograd(c, y):
    c = c.clone().requires_grad_()
    return torch.autograd.grad(((c - y) ** 2).mean(), c)[0]


def derivative_of_half(c, y):
    return torch.mean(c - y)


def derivative_of_sum(c, y):
    return sum(2 * (c - y_i) for y_i in y)


def derivative_error_itself(c, y):
    return (c - y).square().sum() / len(y)


def derivative_abs(c, y):
    return 2 * torch.mean(torch.abs(y - c))


def trimmed_by_topk(y, k):
    kept = y.topk(len(y) - k).values
    return kept.topk(len(kept) - k, largest=False).values.mean()


def trimmed_by_argsort(y, k):
    order = torch.argsort(y)
    return y[order[k : y.numel() - k]].mean()


def trimmed_unsorted(y, k):
    return torch.mean(y[k : y.shape[0] - k])


def trimmed_from_the_end(y, k):
    return torch.sort(y)[0][k:-k].mean()


def trimmed_above_only(y, k):
    return torch.sort(y)[0][: y.shape[0] - k].mean()


def trimmed_over_n(y, k):
    return torch.sort(y)[0][k : y.shape[0] - k].sum() / y.shape[0]


RIGHT = {
    "squared_derivative": [derivative_by_means, derivative_by_autograd],
    "trimmed_mean": [trimmed_by_topk, trimmed_by_argsort],
}
WRONG = {
    "squared_derivative": [
        (derivative_of_half, "a factor 2"),
        (derivative_of_sum, "The error is a mean"),
        (derivative_error_itself, "Differentiate it"),
        (derivative_abs, "leave out the `abs`"),
    ],
    "trimmed_mean": [
        (trimmed_unsorted, "before you sort"),
        (trimmed_from_the_end, "is empty where `k` is 0"),
        (trimmed_above_only, "The smallest go as well"),
        (trimmed_over_n, "how many numbers are left"),
    ],
}
