"""Exercises of the chapter *What is deep learning?*."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from d2lutil.exercises import Exercise


def _accuracy_and_error(predicted: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Accuracy and its standard error: predicted (n,), y (n,) -> two numbers."""
    p = float(np.mean(predicted == y))
    return p, float(np.sqrt(p * (1 - p) / len(y)))


def _accuracy_cases(generator: torch.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    yield np.array([1, 2, 3, 4]), np.array([1, 2, 3, 0])
    yield np.array([7, 1, 0, 0, 2]), np.array([7, 7, 0, 5, 1])
    yield np.array([3, 3, 3]), np.array([3, 3, 3])  # all right: no error at all
    yield np.array([1, 2]), np.array([2, 1])  # all wrong
    yield np.array([4]), np.array([4])
    for n in (10, 37, 200):
        y = torch.randint(10, (n,), generator=generator)
        guess = torch.randint(10, (n,), generator=generator)
        kept = torch.rand(n, generator=generator) < 0.7
        yield torch.where(kept, y, guess).numpy(), y.numpy()


def _measured(
    p: Callable[[np.ndarray], float] = np.mean,
    error: Callable[[float, int], float] = lambda p, n: (p * (1 - p) / n) ** 0.5,
) -> Callable[[np.ndarray, np.ndarray], tuple[float, float]]:
    """An answer whose parts may be wrong: p of what is right, error of the true p."""

    def answer(predicted: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        right = predicted == y
        return float(p(right)), float(error(float(right.mean()), len(y)))

    return answer


def _error_of_count(predicted: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    k, n = int((predicted == y).sum()), len(y)
    return float(k), (k * (1 - k / n)) ** 0.5


def _root_of_negative(predicted: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    k, n = int((predicted == y).sum()), len(y)
    return float(k), float(np.sqrt(abs(k * (1 - k) / n)))


_WRONG_RATHER_THAN_RIGHT = (
    "Your first number is the share of wrong predictions. The accuracy is the share of right ones."
)
_PER_CENT = "Your accuracy is in per cent. Return a number from 0 to 1."

accuracy_and_error = Exercise(
    reference=_accuracy_and_error,
    cases=_accuracy_cases,
    returns=("accuracy", "standard_error"),
    mistakes=[
        (
            _measured(p=lambda right: 1 - right.mean()),
            _WRONG_RATHER_THAN_RIGHT,
        ),
        (
            _measured(p=np.sum),
            "Your first number counts the right predictions. Divide by how many there are.",
        ),
        (
            _error_of_count,
            "You return the count of right predictions and the standard error of that count. Both "
            "should be for the share.",
        ),
        (
            _root_of_negative,
            "Your p is the count of right predictions. It should be their share, from 0 to 1.",
        ),
        (
            _measured(
                p=lambda right: 100 * right.mean(),
                error=lambda p, n: 100 * (p * (1 - p) / n) ** 0.5,
            ),
            _PER_CENT,
        ),
        (
            _measured(p=lambda right: 100 * right.mean()),
            _PER_CENT,
        ),
        (
            _measured(error=lambda p, n: p * (1 - p) / n),
            "Your second number is the square of the standard error: the root is missing.",
        ),
        (
            _measured(error=lambda p, n: (p * (1 - p)) ** 0.5),
            "Your second number is the standard deviation of a single prediction, right or wrong. "
            "The error of a mean becomes smaller with n.",
        ),
        (
            _measured(error=lambda p, n: (p * (1 - p)) ** 0.5 / n),
            "You divide by n outside of the root. It belongs inside.",
        ),
        (
            _measured(error=lambda p, n: (p * (1 - p) * n) ** 0.5),
            "Your second number is the standard error of the count of right predictions. Divide it "
            "by n to get that of the share.",
        ),
        (
            _measured(error=lambda p, n: (p / n) ** 0.5),
            "Under the root, the factor 1 − p is missing.",
        ),
        (
            _measured(error=lambda p, n: ((1 - p) / n) ** 0.5),
            "Under the root, the factor p is missing.",
        ),
        (
            _measured(error=lambda p, n: p * ((1 - p) / n) ** 0.5),
            "One factor p stands outside of your root. It belongs inside.",
        ),
        (
            _measured(error=lambda p, n: (p * (1 - p / n)) ** 0.5),
            "Check the brackets: all of p (1 − p) is divided by n.",
        ),
        (
            _measured(error=lambda p, n: (p - p**2) ** 0.5 / n**2),
            "You divide by n outside of the root. It belongs inside, once.",
        ),
        (
            _measured(error=lambda p, n: (p * (1 - p) / (n - 1)) ** 0.5 if n > 1 else 0.0),
            "You divide by n − 1. The formula of the task divides by n.",
        ),
        (
            _measured(error=lambda p, n: (p * (1 - p) / (n - 1)) ** 0.5 if n > 1 else np.nan),
            "You divide by n − 1. The formula of the task divides by n.",
        ),
        (
            _measured(error=lambda p, n: 1.96 * (p * (1 - p) / n) ** 0.5),
            "This is half of a confidence interval, 1.96 standard errors. One is asked for.",
        ),
        (
            _measured(error=lambda p, n: 2 * (p * (1 - p) / n) ** 0.5),
            "This is two standard errors. One is asked for.",
        ),
    ],
)


def _nearest_vote(distances: np.ndarray, labels: np.ndarray, k: int) -> int:
    """The label of most of the k nearest, the nearest of them if several: (n,), (n,) -> number."""
    nearest = labels[np.argsort(distances)[:k]]  # (k,)
    counts = np.bincount(nearest)
    return next(int(label) for label in nearest if counts[label] == counts.max())


def _nearest_vote_cases(
    generator: torch.Generator,
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    distances = np.array([4.0, 1.0, 3.0, 2.0, 5.0])
    labels = np.array([2, 7, 2, 2, 4])
    yield distances, labels, 3
    yield distances, labels, 1
    yield distances, labels, 2  # 7 and 2 have one vote each; 7 is nearer
    yield np.array([0.4, 0.1, 0.3, 0.2]), np.array([1, 5, 5, 1]), 4  # two votes each; 5 is nearer
    yield np.array([0.4, 0.1, 0.3, 0.2]), np.array([3, 5, 1, 3]), 4  # the nearest is no majority
    yield np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]), np.array([9, 9, 9, 0, 1, 0]), 3
    yield np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]), np.array([9, 9, 9, 9, 0, 0]), 6
    yield np.array([2.5]), np.array([3]), 1
    yield np.array([10.0, 12.0, 11.0]), np.array([1, 2, 2]), 3  # nearly as near as the nearest
    yield np.array([5.0, 1.0, 4.0, 2.0, 3.0]), np.array([0, 8, 0, 4, 4]), 5  # a tie of 0 and 4
    yield np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([6, 2, 2, 0, 0]), 5
    for n, k in ((8, 5), (12, 4), (15, 6), (20, 20), (30, 10)):
        distances = torch.randperm(n, generator=generator).numpy() / 4
        yield distances, torch.randint(4, (n,), generator=generator).numpy(), k


def _ordered(
    distances: np.ndarray, labels: np.ndarray, k: int, order: Callable[..., np.ndarray] = np.argsort
) -> np.ndarray:
    return labels[order(distances)[:k]]


def _most_frequent(nearest: np.ndarray) -> int:
    """The most frequent label, the smallest of several."""
    return int(np.bincount(nearest).argmax())


def _first_of_most_frequent(nearest: np.ndarray) -> int:
    counts = np.bincount(nearest)
    return next(int(label) for label in nearest if counts[label] == counts.max())


nearest_vote = Exercise(
    reference=_nearest_vote,
    cases=_nearest_vote_cases,
    mistakes=[
        (
            lambda distances, labels, k: int(labels[np.argmin(distances)]),
            "This is the label of the nearest image alone. Let all k nearest vote.",
        ),
        (
            lambda distances, labels, k: _most_frequent(_ordered(distances, labels, k)),
            "Nearly. Where several labels are equally frequent, you return the smallest of them. "
            "The one that belongs to the nearest image is asked for.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(
                np.sort(_ordered(distances, labels, k))[::-1]
            ),
            "Nearly. Where several labels are equally frequent, you return the largest of them. "
            "The one that belongs to the nearest image is asked for.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(
                _ordered(distances, labels, k)[::-1]
            ),
            "Nearly. Where several labels are equally frequent, you return the one whose images "
            "reach farthest out. Ask which of them the nearest image has.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(
                _ordered(distances, labels, k, lambda d: np.argsort(-d))
            ),
            "You let the k farthest images vote. The nearest have the smallest distances.",
        ),
        (
            lambda distances, labels, k: _most_frequent(
                _ordered(distances, labels, k, lambda d: np.argsort(-d))
            ),
            "You let the k farthest images vote. The nearest have the smallest distances.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(labels[:k]),
            "You take the first k labels as they stand. Put them in the order of the distances "
            "first.",
        ),
        (
            lambda distances, labels, k: _most_frequent(labels[:k]),
            "You take the first k labels as they stand. Put them in the order of the distances "
            "first.",
        ),
        (
            lambda distances, labels, k: _most_frequent(labels),
            "You let all images vote. Only the k nearest should.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(labels[np.argsort(distances)]),
            "You let all images vote. Only the k nearest should.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(
                labels[np.argsort(distances)[1 : k + 1]] if len(labels) > 1 else labels
            ),
            "You leave out the nearest image. Here it is a training image like the others, and "
            "votes.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(
                labels[np.argsort(distances)[: k + 1]]
            ),
            "One image too many votes: k + 1 of them.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(
                labels[np.argsort(distances)[: max(k - 1, 1)]]
            ),
            "One image too few votes: k − 1 of them.",
        ),
        (
            lambda distances, labels, k: int(np.bincount(_ordered(distances, labels, k)).max()),
            "This is how many votes the winner has. Which label is it?",
        ),
        (
            lambda distances, labels, k: int(np.median(_ordered(distances, labels, k))),
            "You take the median of the labels. Labels are names: a 3 is not between a 2 and a 4. "
            "Count them.",
        ),
        (
            lambda distances, labels, k: round(float(np.mean(_ordered(distances, labels, k)))),
            "You take the mean of the labels. Labels are names: a 3 is not between a 2 and a 4. "
            "Count them.",
        ),
        (
            lambda distances, labels, k: _first_of_most_frequent(
                labels[np.argsort(distances)[-k:]]
            ),
            "You let the k farthest images vote. The nearest have the smallest distances.",
        ),
        (
            lambda distances, labels, k: _most_frequent(labels[np.argsort(distances)[-k:]]),
            "You let the k farthest images vote. The nearest have the smallest distances.",
        ),
        (
            lambda distances, labels, k: int(
                np.bincount(
                    _ordered(distances, labels, k), 1 / (np.sort(distances)[:k] + 1e-9)
                ).argmax()
            ),
            "You weight the votes by the distances. Here each of the k nearest has one vote.",
        ),
        (
            lambda distances, labels, k: next(
                int(i)
                for i in np.argsort(distances)
                if labels[i] == _nearest_vote(distances, labels, k)
            ),
            "This is the row of an image with the winning label. Return the label.",
        ),
        (
            lambda distances, labels, k: int(np.argsort(distances)[0]),
            "This is the row of the nearest image. Its label is `labels` at this row, and all k "
            "nearest vote.",
        ),
    ],
)
