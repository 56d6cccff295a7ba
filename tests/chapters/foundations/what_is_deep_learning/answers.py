"""Right and wrong answers to the exercises of the chapter *What is deep learning?*."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import torch


def error_by_std(predicted, y):
    right = (predicted == y).astype(float)
    return right.mean(), right.std() / np.sqrt(len(right))


def error_by_counting(predicted, y):
    n, k = len(y), 0
    for i in range(n):
        if predicted[i] == y[i]:
            k += 1
    return k / n, math.sqrt(k * (n - k) / n**3)


def error_by_torch(predicted, y):
    right = torch.tensor(predicted) == torch.tensor(y)
    p = right.double().mean()
    return p, (p * (1 - p) / right.numel()).sqrt()


def error_in_a_list(predicted, y):
    p = np.count_nonzero(predicted == y) / y.size
    return [p, (p * (1 - p) / y.size) ** 0.5]


def error_wrong_share(predicted, y):
    p = np.mean(predicted != y)
    return p, np.sqrt(p * (1 - p) / len(y))


def error_count(predicted, y):
    k = np.sum(predicted == y)
    p = k / len(y)
    return k, np.sqrt(p * (1 - p) / len(y))


def error_both_of_count(predicted, y):
    n = len(y)
    p = np.mean(predicted == y)
    return n * p, np.sqrt(n * p * (1 - p))


def error_in_per_cent(predicted, y):
    p = np.mean(predicted == y)
    return 100 * p, 100 * np.sqrt(p * (1 - p) / len(y))


def error_no_root(predicted, y):
    p = np.mean(predicted == y)
    return p, p * (1 - p) / len(y)


def error_of_one(predicted, y):
    return np.mean(predicted == y), np.std(predicted == y)


def error_n_outside(predicted, y):
    return np.mean(predicted == y), np.std(predicted == y) / len(y)


def error_no_complement(predicted, y):
    p = np.mean(predicted == y)
    return p, np.sqrt(p / len(y))


def error_n_minus_one(predicted, y):
    right = (predicted == y).astype(float)
    spread = right.std(ddof=1) if len(right) > 1 else 0.0
    return right.mean(), spread / np.sqrt(len(right))


def error_interval(predicted, y):
    p, e = error_by_std(predicted, y)
    return p, 1.96 * e


def error_swapped(predicted, y):
    p, e = error_by_std(predicted, y)
    return e, p


def error_alone(predicted, y):
    return np.mean(predicted == y)


def vote_by_counter(distances, labels, k):
    order = sorted(range(len(distances)), key=lambda i: distances[i])
    return Counter(int(labels[i]) for i in order[:k]).most_common(1)[0][0]


def vote_by_unique(distances, labels, k):
    nearest = labels[distances.argsort()][:k]
    names, first, counts = np.unique(nearest, return_index=True, return_counts=True)
    best = counts == counts.max()
    return names[best][first[best].argmin()]


def vote_by_torch(distances, labels, k):
    rows = torch.as_tensor(distances).topk(k, largest=False).indices
    nearest = torch.as_tensor(labels)[rows]
    votes = (nearest[:, None] == nearest).sum(dim=1)
    return nearest[votes.argmax()]


def vote_by_partition(distances, labels, k):
    chosen = distances <= np.sort(distances)[k - 1]
    best = {}
    for label in set(labels[chosen].tolist()):
        own = distances[chosen & (labels == label)]
        best[label] = (-len(own), own.min())
    return min(best, key=best.get)


def vote_of_one(distances, labels, k):
    return labels[distances.argmin()]


def vote_smallest(distances, labels, k):
    return np.argmax(np.bincount(labels[np.argsort(distances)][:k]))


def vote_largest(distances, labels, k):
    nearest = labels[np.argsort(distances)][:k].tolist()
    return max(set(nearest), key=lambda label: (nearest.count(label), label))


def vote_farthest_first(distances, labels, k):
    nearest = labels[np.argsort(distances)[:k]].tolist()
    return Counter(nearest[::-1]).most_common(1)[0][0]


def vote_of_the_farthest(distances, labels, k):
    farthest = labels[np.argsort(distances)[::-1][:k]].tolist()
    return Counter(farthest).most_common(1)[0][0]


def vote_unsorted(distances, labels, k):
    return Counter(labels[:k].tolist()).most_common(1)[0][0]


def vote_of_all(distances, labels, k):
    return np.bincount(labels).argmax()


def vote_without_the_nearest(distances, labels, k):
    rows = np.argsort(distances)[1 : k + 1]
    return Counter(labels[rows].tolist()).most_common(1)[0][0] if len(rows) else labels[0]


def vote_one_too_many(distances, labels, k):
    return Counter(labels[np.argsort(distances)[: k + 1]].tolist()).most_common(1)[0][0]


def vote_count(distances, labels, k):
    return np.bincount(labels[np.argsort(distances)[:k]]).max()


def vote_mean(distances, labels, k):
    return int(np.round(labels[np.argsort(distances)[:k]].mean()))


def vote_row(distances, labels, k):
    return np.argsort(distances)[0]


RIGHT = {
    "accuracy_and_error": [error_by_std, error_by_counting, error_by_torch, error_in_a_list],
    "nearest_vote": [vote_by_counter, vote_by_unique, vote_by_torch, vote_by_partition],
}
WRONG = {
    "accuracy_and_error": [
        (error_wrong_share, "the share of wrong predictions"),
        (error_count, "counts the right predictions"),
        (error_both_of_count, "the standard error of that count"),
        (error_in_per_cent, "in per cent"),
        (error_no_root, "the root is missing"),
        (error_of_one, "of a single prediction"),
        (error_n_outside, "outside of the root"),
        (error_no_complement, "the factor 1 − p is missing"),
        (error_n_minus_one, "divide by n − 1"),
        (error_interval, "half of a confidence interval"),
        (error_swapped, "order"),
        (error_alone, ""),
    ],
    "nearest_vote": [
        (vote_of_one, "the nearest image alone"),
        (vote_smallest, "the smallest of them"),
        (vote_largest, "the largest of them"),
        (vote_farthest_first, "farthest out"),
        (vote_of_the_farthest, "the k farthest images"),
        (vote_unsorted, "as they stand"),
        (vote_of_all, "You let all images vote"),
        (vote_without_the_nearest, "leave out the nearest image"),
        (vote_one_too_many, "One image too many"),
        (vote_count, "how many votes the winner has"),
        (vote_mean, "the mean of the labels"),
        (vote_row, "the row of the nearest image"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "accuracy_and_error": {"y → predicted": "both are as long"},
    "nearest_vote": {
        "counts[label] == counts.max() → counts[label] >= counts.max()": "none is above it",
    },
}
