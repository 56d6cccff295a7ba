"""Right and wrong answers to the exercises of the chapter *Generalisation*."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch


def folds_by_split(order, k):
    folds = order.tensor_split(k)
    return [(torch.cat([*folds[:i], *folds[i + 1 :]]), folds[i]) for i in range(k)]


def folds_by_numpy(order, k):
    pairs = []
    for held in np.array_split(np.arange(len(order)), k):
        mask = torch.ones(len(order), dtype=torch.bool)
        mask[held] = False
        pairs.append((order[mask], order[~mask]))
    return pairs


def folds_by_numbers(order, k):
    n = len(order)
    sizes = [n // k + 1] * (n % k) + [n // k] * (k - n % k)
    fold = torch.repeat_interleave(torch.arange(k), torch.tensor(sizes))
    return tuple((order[fold != i], order[fold == i]) for i in range(k))


def folds_by_lists(order, k):
    rest, pairs, done = order.tolist(), [], []
    for i in range(k, 0, -1):
        size = math.ceil(len(rest) / i)
        held, rest = rest[:size], rest[size:]
        pairs.append([torch.tensor(done + rest), torch.tensor(held)])
        done += held
    return pairs


def folds_by_sklearn(order, k):
    from sklearn.model_selection import KFold

    return [(order[train], order[held]) for train, held in KFold(k).split(order)]


def folds_by_chunk(order, k):
    folds = order.chunk(k)
    return [(torch.cat(folds[:i] + folds[i + 1 :]), fold) for i, fold in enumerate(folds)]


def folds_by_size(order, k):
    size = len(order) // k
    pairs = []
    for i in range(k):
        stop = (i + 1) * size if i < k - 1 else len(order)
        pairs.append((torch.cat((order[: i * size], order[stop:])), order[i * size : stop]))
    return pairs


def folds_drop_rest(order, k):
    size = len(order) // k
    return [
        (
            torch.cat((order[: i * size], order[(i + 1) * size :])),
            order[i * size : (i + 1) * size],
        )
        for i in range(k)
    ]


def folds_validation_first(order, k):
    return [(held, train) for train, held in folds_by_split(order, k)]


def folds_train_on_all(order, k):
    return [(order, held) for held in torch.tensor_split(order, k)]


def folds_of_positions(order, k):
    places = torch.arange(order.numel())
    return [(places[~torch.isin(places, f)], f) for f in places.tensor_split(k)]


def folds_by_setdiff(order, k):
    return [
        (torch.tensor(sorted(set(order.tolist()) - set(f.tolist())), dtype=torch.long), f)
        for f in order.tensor_split(k)
    ]


def folds_sklearn_alone(order, k):
    from sklearn.model_selection import KFold

    return [
        (torch.from_numpy(train), torch.from_numpy(held)) for train, held in KFold(k).split(order)
    ]


def folds_like_cards(order, k):
    place = torch.arange(len(order))
    return [(order[place % k != i], order[place % k == i]) for i in range(k)]


def folds_return_in_loop(order, k):
    for held in order.tensor_split(k):
        return [(order[~torch.isin(order, held)], held)]


def folds_held_only(order, k):
    return list(order.tensor_split(k))


def folds_linspace(order, k):
    edges = torch.linspace(0, len(order), k + 1, dtype=torch.float64).floor().long().tolist()
    return [(torch.cat((order[:i], order[j:])), order[i:j]) for i, j in pairwise(edges)]


def folds_past_only(order, k):
    folds = order.tensor_split(k)
    return [
        (torch.cat([order[:0], *folds[:i]]), folds[i])  # as for a time series
        for i in range(k)
    ]


def difference_by_counts(right_a, right_b):
    n = len(right_a)
    b = (right_a & ~right_b).sum().item()
    c = (right_b & ~right_a).sum().item()
    difference = (c - b) / n
    return difference, math.sqrt(((b + c) / n - difference**2) / n)


def difference_by_std(right_a, right_b):
    d = right_b.float() - right_a.float()
    return d.mean(), d.std(unbiased=False) / math.sqrt(len(d))


def difference_by_numpy(right_a, right_b):
    d = right_b.numpy().astype(int) - right_a.numpy().astype(int)
    return d.mean(), d.std() / np.sqrt(d.size)


def difference_by_covariance(right_a, right_b):
    a, b = right_a.double(), right_b.double()
    p, q = a.mean(), b.mean()
    covariance = (a * b).mean() - p * q
    variance = p * (1 - p) + q * (1 - q) - 2 * covariance
    return q - p, torch.sqrt(variance.clamp(min=0) / len(a))


def difference_in_one_tensor(right_a, right_b):
    d = right_b.int() - right_a.int()
    n = d.numel()
    return d.sum() / n, ((d != 0).sum() / n - (d.sum() / n) ** 2).div(n).sqrt()


def difference_a_minus_b(right_a, right_b):
    d = right_a.double() - right_b.double()
    return d.mean(), d.std(correction=0) / len(d) ** 0.5


def difference_absolute(right_a, right_b):
    difference, error = difference_by_counts(right_a, right_b)
    return abs(difference), error


def difference_unpaired(right_a, right_b):
    n = len(right_a)
    p, q = right_a.double().mean(), right_b.double().mean()
    return q - p, (p * (1 - p) / n + q * (1 - q) / n).sqrt()


def difference_under_the_null(right_a, right_b):
    n = len(right_a)
    differ = (right_a ^ right_b).sum().item()
    difference = (right_b.sum() - right_a.sum()).item() / n
    return difference, math.sqrt(differ) / n


def difference_sample_std(right_a, right_b):
    d = right_b.double() - right_a.double()
    return d.mean(), d.std() / math.sqrt(len(d))


def difference_spread(right_a, right_b):
    d = right_b.double() - right_a.double()
    return d.mean(), d.std(correction=0)


def difference_over_n(right_a, right_b):
    d = right_b.double() - right_a.double()
    return d.mean(), d.std(correction=0) / len(d)


def difference_variance(right_a, right_b):
    d = right_b.double() - right_a.double()
    return d.mean(), d.var(correction=0) / len(d)


def difference_of_b(right_a, right_b):
    q = right_b.double().mean()
    return q - right_a.double().mean(), (q * (1 - q) / len(right_b)).sqrt()


def difference_where_different(right_a, right_b):
    mask = right_a != right_b
    d = right_b[mask].double() - right_a[mask].double()
    return d.mean(), d.std(correction=0) / len(d) ** 0.5


def difference_in_points(right_a, right_b):
    difference, error = difference_by_counts(right_a, right_b)
    return 100 * difference, 100 * error


def difference_plus_square(right_a, right_b):
    n = len(right_a)
    d = (right_b.sum() - right_a.sum()).item() / n
    return d, math.sqrt(((right_a != right_b).sum().item() / n + d * d) / n)


def difference_not_squared(right_a, right_b):
    n = len(right_a)
    d = (right_b.sum() - right_a.sum()) / n
    return d, (((right_a != right_b).sum() / n - d) / n).sqrt()


def difference_mcnemar(right_a, right_b):
    b = (right_a & ~right_b).sum()
    c = (right_b & ~right_a).sum()
    return (c - b) / len(right_a), (c - b) / (b + c).sqrt()


def difference_swapped(right_a, right_b):
    difference, error = difference_by_counts(right_a, right_b)
    return error, difference


def difference_subtracts_truth(right_a, right_b):
    d = right_b - right_a
    return d.mean(), d.std() / len(d) ** 0.5


RIGHT = {
    "k_folds": [
        folds_by_split,
        folds_by_numpy,
        folds_by_numbers,
        folds_by_lists,
        folds_by_sklearn,
    ],
    "paired_difference": [
        difference_by_counts,
        difference_by_std,
        difference_by_numpy,
        difference_by_covariance,
        difference_in_one_tensor,
    ],
}
WRONG = {
    "k_folds": [
        (folds_by_chunk, "as long as the longest one"),
        (folds_by_size, "ends up in your last fold"),
        (folds_drop_rest, "never validated"),
        (folds_validation_first, "the wrong way round"),
        (folds_train_on_all, "has the fold in it"),
        (folds_of_positions, "in their own order"),
        (folds_sklearn_alone, "in their own order"),
        (folds_by_setdiff, "in ascending order"),
        (folds_like_cards, "like cards"),
        (folds_return_in_loop, "inside the loop"),
        (folds_held_only, "These are the folds alone"),
        (folds_linspace, "the first ones that are to be longer"),
        (folds_past_only, "comes after the fold is missing"),
    ],
    "paired_difference": [
        (difference_a_minus_b, "A minus B"),
        (difference_absolute, "lost its sign"),
        (difference_unpaired, "tested on different examples"),
        (difference_under_the_null, "leaves out the square"),
        (difference_plus_square, "You add the square of the difference"),
        (difference_not_squared, "You subtract the difference itself"),
        (difference_mcnemar, "statistic of McNemar's test"),
        (difference_sample_std, "divides by n − 1"),
        (difference_spread, "spread of a single example"),
        (difference_over_n, "the standard deviation by n"),
        (difference_variance, "the root of it"),
        (difference_of_b, "B's accuracy alone"),
        (difference_where_different, "only the examples on which the two differ"),
        (difference_in_points, "These are points"),
        (difference_swapped, "the wrong way round"),
        (difference_subtracts_truth, "Truth values cannot be subtracted"),
    ],
}
