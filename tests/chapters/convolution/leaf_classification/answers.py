"""Right and wrong answers to the exercises of the chapter *Leaf classification*."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import torch
from sklearn.model_selection import GroupKFold


def folds_by_counter(groups, k):
    counts = Counter(groups.tolist())
    totals, fold_of = [0] * k, {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        fold_of[name] = min(range(k), key=lambda i: totals[i])
        totals[fold_of[name]] += counts[name]
    return torch.tensor([fold_of[name] for name in groups.tolist()])


def folds_by_numpy(groups, k):
    names, inverse, counts = np.unique(groups.numpy(), return_inverse=True, return_counts=True)
    totals, chosen = np.zeros(k), np.zeros(len(names), dtype=int)
    for g in np.argsort(-counts, kind="stable"):
        chosen[g] = np.argmin(totals)
        totals[chosen[g]] += counts[g]
    return torch.from_numpy(chosen[inverse])


def folds_by_bincount(groups, k):
    sizes = torch.bincount(groups)
    totals, table = torch.zeros(k), torch.zeros(len(sizes), dtype=torch.long)
    for name in sorted(groups.unique().tolist(), key=lambda g: (-sizes[g].item(), g)):
        table[name] = totals.argmin()
        totals[table[name]] += sizes[name]
    return table[groups]


def folds_of_examples(groups, k):
    return torch.tensor([i % k for i in range(len(groups))])


def folds_remainder(groups, k):
    return torch.remainder(groups, k)


def folds_like_cards(groups, k):
    order = {name: i for i, name in enumerate(sorted(set(groups.tolist())))}
    return torch.tensor([order[name] % k for name in groups.tolist()])


def folds_not_sorted(groups, k):
    counts = Counter(groups.tolist())
    totals, fold_of = [0] * k, {}
    for name in sorted(counts):
        fold_of[name] = totals.index(min(totals))
        totals[fold_of[name]] += counts[name]
    return torch.tensor([fold_of[name] for name in groups.tolist()])


def folds_smallest_first(groups, k):
    counts = Counter(groups.tolist())
    totals, fold_of = [0] * k, {}
    for name in sorted(counts, key=lambda name: (counts[name], name)):
        fold_of[name] = totals.index(min(totals))
        totals[fold_of[name]] += counts[name]
    return torch.tensor([fold_of[name] for name in groups.tolist()])


def folds_count_groups(groups, k):
    counts = Counter(groups.tolist())
    totals, fold_of = [0] * k, {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        fold_of[name] = totals.index(min(totals))
        totals[fold_of[name]] += 1
    return torch.tensor([fold_of[name] for name in groups.tolist()])


def folds_from_one(groups, k):
    return folds_by_counter(groups, k) + 1


def ece_by_loop(P, y, bins):
    confidence, predicted = P.max(dim=1)
    right = (predicted == y).double()
    total = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        here = (confidence >= low) & ((confidence < high) | (b == bins - 1))
        if here.sum() > 0:
            gap = abs(right[here].mean().item() - confidence[here].mean().item())
            total += here.double().mean().item() * gap
    return total


def ece_by_bincount(P, y, bins):
    confidence, predicted = P.max(dim=1)
    group = torch.clamp((confidence * bins).floor().long(), max=bins - 1)
    gap = (predicted == y).double() - confidence
    return torch.bincount(group, weights=gap, minlength=bins).abs().sum() / len(y)


def ece_by_numpy(P, y, bins):
    P, y = P.numpy(), y.numpy()
    confidence, right = P.max(1), P.argmax(1) == y
    group = np.digitize(confidence, np.arange(1, bins) / bins)
    return np.abs([np.sum((right - confidence)[group == b]) for b in range(bins)]).sum() / len(y)


def ece_unweighted(P, y, bins):
    confidence, predicted = P.max(dim=1)
    right = (predicted == y).double()
    group = (confidence * bins).long().clamp(max=bins - 1)
    gaps = [
        (right[group == b].mean() - confidence[group == b].mean()).abs() for b in group.unique()
    ]
    return sum(gaps) / len(gaps)


def ece_signed(P, y, bins):
    confidence, predicted = P.max(dim=1)
    return (confidence - (predicted == y).double()).mean()


def ece_each_example(P, y, bins):
    confidence, predicted = P.max(dim=1)
    return ((predicted == y).double() - confidence).abs().mean()


def ece_of_label(P, y, bins):
    confidence = P.gather(1, y[:, None])[:, 0]
    right = (P.argmax(dim=1) == y).double()
    group = (confidence * bins).long().clamp(max=bins - 1)
    return torch.bincount(group, weights=right - confidence).abs().sum() / len(y)


def ece_without_one(P, y, bins):
    confidence, predicted = P.max(dim=1)
    right = (predicted == y).double()
    total = 0.0
    for b in range(bins):
        here = (confidence >= b / bins) & (confidence < (b + 1) / bins)
        if here.any():
            total += here.double().mean() * (right[here].mean() - confidence[here].mean()).abs()
    return total


def ece_quantiles(P, y, bins):
    confidence, predicted = P.max(dim=1)
    right = (predicted == y).double()
    order = confidence.argsort()
    return sum(abs((right[rows] - confidence[rows]).sum()) for rows in order.chunk(bins)) / len(y)


def folds_by_library(groups, k):
    fold = torch.empty_like(groups)
    for i, (_, held) in enumerate(GroupKFold(k).split(groups, groups=groups)):
        fold[held] = i
    return fold


def ece_right_closed(P, y, bins):
    confidence, predicted = P.max(1)
    edges = torch.linspace(0, 1, bins + 1, dtype=P.dtype)
    error = 0.0
    for low, high in pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        right = (predicted == y)[inside].to(P.dtype)
        error += (right - confidence[inside]).sum().abs().item() / len(y)
    return error


RIGHT = {
    "group_folds": [folds_by_counter, folds_by_numpy, folds_by_bincount],
    "expected_calibration_error": [ece_by_loop, ece_by_bincount, ece_by_numpy],
}
WRONG = {
    "group_folds": [
        (folds_of_examples, "You deal single examples"),
        (folds_remainder, "remainder of the group's number"),
        (folds_like_cards, "You deal the groups one by one"),
        (folds_not_sorted, "in the order of their numbers"),
        (folds_smallest_first, "begin with the smallest"),
        (folds_count_groups, "the same number of groups"),
        (folds_from_one, "numbered from 1"),
        (folds_by_library, "the larger number first"),
    ],
    "expected_calibration_error": [
        (ece_unweighted, "the same weight"),
        (ece_signed, "keep their signs"),
        (ece_each_example, "absolute difference of each example"),
        (ece_of_label, "probability of the true label"),
        (ece_without_one, "exactly 1 falls into none"),
        (ece_quantiles, "equal numbers of examples"),
        (ece_right_closed, "not its right one"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "group_folds": {
        "0 → 1": "all totals begin alike",
        "0 → -1": "all totals begin alike",
        "the answer is squeezed": "no case has a single example",
    },
    "expected_calibration_error": {
        "y → P": "both have n rows",
        "P → y": "whole numbers minus floats are floats",
        "(predicted == y).to(P.dtype) - confidence → "
        "confidence - (predicted == y).to(P.dtype)": "the absolute value follows",
        "range(bins) → range(bins + 1)": "no prediction is in the additional group",
    },
}
