"""Exercises of the chapter *Leaf classification: a competition*."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import then


def _group_folds(groups: Tensor, k: int) -> Tensor:
    """The fold of each example: groups (n,) -> (n,), 0 to k - 1; the largest group goes first."""
    names, sizes = groups.unique(return_counts=True)  # (g,), (g,)
    totals, fold = [0] * k, torch.empty_like(groups)
    for g in sizes.argsort(descending=True, stable=True).tolist():
        smallest = totals.index(min(totals))
        fold[groups == names[g]] = smallest
        totals[smallest] += int(sizes[g])
    return fold


def _group_folds_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
    yield tensor([5, 5, 5, 2, 2, 7]), 2
    yield tensor([3, 1, 1, 3, 1, 8, 8, 4, 9, 9, 9, 9]), 3  # not side by side
    yield tensor([6, 2, 9, 4]), 2  # groups of one
    yield tensor([10, 10, 40, 40, 40, 20, 30, 30, 50]), 3
    yield tensor([8, 8, 8, 8, 8, 8, 1, 2, 3]), 3  # a fold keeps one large group
    yield tensor([4, 4, 7]), 2
    yield tensor([3, 9, 9]), 2
    for n, g, k in ((30, 9, 3), (50, 20, 4), (40, 12, 5)):
        numbers = torch.randperm(100, generator=generator)[:g]
        every = torch.cat([torch.arange(g), torch.randint(g, (n - g,), generator=generator)])
        yield numbers[every[torch.randperm(n, generator=generator)]], k


def _greedy(
    order: Callable[[Tensor], Tensor], load: Callable[[int], int]
) -> Callable[[Tensor, int], Tensor]:
    """An answer that takes the groups in another order, or counts something else."""

    def wrong(groups: Tensor, k: int) -> Tensor:
        names, sizes = groups.unique(return_counts=True)
        totals, fold = [0] * k, torch.empty_like(groups)
        for g in order(sizes).tolist():
            smallest = totals.index(min(totals))
            fold[groups == names[g]] = smallest
            totals[smallest] += load(int(sizes[g]))
        return fold

    return wrong


def _largest_first(sizes: Tensor) -> Tensor:
    return sizes.argsort(descending=True, stable=True)


def _largest_first_last_tie(sizes: Tensor) -> Tensor:
    return sizes.argsort(stable=True).flip(0)


def _dealt(groups: Tensor, k: int) -> Tensor:
    """Groups are dealt like cards, in the order of their numbers."""
    return groups.unique(return_inverse=True)[1] % k


def _dealt_by_size(groups: Tensor, k: int) -> Tensor:
    _, where, sizes = groups.unique(return_inverse=True, return_counts=True)
    place = torch.empty_like(sizes)
    place[_largest_first(sizes)] = torch.arange(len(sizes))
    return place[where] % k


def _into_last(groups: Tensor, k: int) -> Tensor:
    """Of equal folds, the last one gets the group."""
    names, sizes = groups.unique(return_counts=True)
    totals, fold = [0] * k, torch.empty_like(groups)
    for g in _largest_first(sizes).tolist():
        smallest = min(range(k), key=lambda i: (totals[i], -i))
        fold[groups == names[g]] = smallest
        totals[smallest] += int(sizes[g])
    return fold


def _first_seen(groups: Tensor, k: int) -> Tensor:
    """Of groups of equal size, the one that appears first is taken first."""
    counts = Counter(groups.tolist())  # in the order of appearance
    totals, fold_of = [0] * k, {}
    for name, size in counts.most_common():
        fold_of[name] = totals.index(min(totals))
        totals[fold_of[name]] += size
    return tensor([fold_of[name] for name in groups.tolist()])


group_folds = Exercise(
    reference=_group_folds,
    cases=_group_folds_cases,
    mistakes=[
        (
            lambda groups, k: torch.arange(len(groups)) % k,
            "You deal single examples, like cards. The leaves of one plant end up in several "
            "folds: that is the leak.",
        ),
        (
            lambda groups, k: torch.arange(len(groups)) * k // len(groups),
            "You cut the examples into `k` parts, whatever their groups. A group that lies across "
            "a cut is in two folds.",
        ),
        (
            lambda groups, k: groups % k,
            "Your fold is the remainder of the group's number. No group is in two folds, but the "
            "folds may have very different sizes.",
        ),
        (
            _dealt,
            "You deal the groups one by one, like cards. The sizes of the groups play no part, so "
            "the folds need not be balanced.",
        ),
        (
            _dealt_by_size,
            "You give each fold the same number of groups. Each group should go to the fold that "
            "has the fewest examples at this moment.",
        ),
        (
            _greedy(lambda sizes: torch.arange(len(sizes)), lambda size: size),
            "You take the groups in the order of their numbers. The largest one should come first.",
        ),
        (
            _greedy(lambda sizes: sizes.argsort(stable=True), lambda size: size),
            "You begin with the smallest group. A large one that comes last unbalances the folds.",
        ),
        (
            _greedy(_largest_first_last_tie, lambda size: size),
            "Of groups of equal size, you take the one with the larger number first. It should be "
            "the smaller number.",
        ),
        (
            _greedy(_largest_first, lambda size: 0),
            "All your examples are in fold 0. Is the size of a group added to the total of its "
            "fold, and is the fold with the smallest total chosen?",
        ),
        (
            _first_seen,
            "Of groups of equal size, you take the one that appears first in `groups`. It should "
            "be the one with the smaller number.",
        ),
        (
            _into_last,
            "Of folds of equal size, you fill the last one. It should be the first.",
        ),
        (
            then(_group_folds, lambda fold: fold + 1),
            "Your folds are numbered from 1. They should be 0 to k − 1.",
        ),
        (
            lambda groups, k: groups.unique(return_inverse=True)[1],
            "Each of your groups is a fold of its own. There are `k` folds.",
        ),
    ],
)


def _ece(P: Tensor, y: Tensor, bins: int) -> float:
    """The expected calibration error of probabilities P (n, K) for labels y (n,)."""
    confidence, predicted = P.max(dim=1)  # (n,), (n,)
    gap = (predicted == y).to(P.dtype) - confidence  # (n,)
    group = (confidence * bins).long().clamp(max=bins - 1)  # (n,)
    return sum(gap[group == b].sum().abs().item() for b in range(bins)) / len(y)


def _rows(*confidences: float) -> Tensor:
    """Probabilities of three classes; the second one is predicted."""
    c = tensor(confidences, dtype=torch.float64)
    return torch.stack([(1 - c) * 0.4, c, (1 - c) * 0.6], dim=1)


def _ece_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, int]]:
    yield _rows(0.91, 0.95, 0.93, 0.55, 0.58), tensor([1, 1, 0, 2, 1]), 10
    yield _rows(0.7, 0.9), tensor([1, 0]), 1  # one group: the signed gaps cancel
    yield _rows(0.62, 0.68, 0.97, 0.45), tensor([1, 1, 2, 0]), 4
    yield _rows(1.0, 0.88), tensor([0, 1]), 5  # a confidence of 1
    yield _rows(0.8), tensor([0]), 3
    yield _rows(0.5, 0.6, 0.75, 0.9), tensor([1, 0, 0, 1]), 4  # two lie on an edge
    for n, K, bins in ((40, 4, 10), (100, 10, 15), (25, 3, 7)):
        Z = 2 * torch.randn(n, K, generator=generator, dtype=torch.float64)
        y = torch.multinomial((0.7 * Z).softmax(dim=1), 1, generator=generator)[:, 0]
        yield Z.softmax(dim=1), y, bins


def _by_bin(
    part: Callable[[Tensor, Tensor], Tensor], weight: Callable[[int, int, int], float]
) -> Callable[[Tensor, Tensor, int], float]:
    """An answer made of a number for each group (right, confidence), and of its weight."""

    def wrong(P: Tensor, y: Tensor, bins: int) -> float:
        confidence, predicted = P.max(dim=1)
        right = (predicted == y).to(P.dtype)
        group = (confidence * bins).long().clamp(max=bins - 1)
        total, used = 0.0, len(group.unique())
        for b in range(bins):
            here = group == b
            if here.any():
                value = part(right[here], confidence[here]).item()
                total += value * weight(int(here.sum()), len(y), used)
        return total

    return wrong


def _gap(right: Tensor, confidence: Tensor) -> Tensor:
    return (right.mean() - confidence.mean()).abs()


def _share(size: int, n: int, used: int) -> float:
    return size / n


def _without_ones(P: Tensor, y: Tensor, bins: int) -> float:
    """A confidence of exactly 1 falls into no group."""
    confidence, predicted = P.max(dim=1)
    gap = (predicted == y).to(P.dtype) - confidence
    group = (confidence * bins).long()
    return sum(gap[group == b].sum().abs().item() for b in range(bins)) / len(y)


def _of_the_label(P: Tensor, y: Tensor, bins: int) -> float:
    confidence = P[torch.arange(len(y)), y]
    gap = (P.argmax(dim=1) == y).to(P.dtype) - confidence
    group = (confidence * bins).long().clamp(max=bins - 1)
    return sum(gap[group == b].sum().abs().item() for b in range(bins)) / len(y)


def _right_ends(P: Tensor, y: Tensor, bins: int) -> float:
    """A confidence on an edge falls into the group below it."""
    confidence, predicted = P.max(dim=1)
    gap = (predicted == y).to(P.dtype) - confidence
    group = (confidence * bins).ceil().long() - 1
    return sum(gap[group == b].sum().abs().item() for b in range(bins)) / len(y)


def _middles(P: Tensor, y: Tensor, bins: int) -> float:
    """The middle of each interval stands for the mean confidence in it."""
    confidence, predicted = P.max(dim=1)
    group = (confidence * bins).long().clamp(max=bins - 1)
    gap = (predicted == y).to(P.dtype) - (group + 0.5) / bins
    return sum(gap[group == b].sum().abs().item() for b in range(bins)) / len(y)


def _equal_sizes(P: Tensor, y: Tensor, bins: int) -> float:
    confidence, predicted = P.max(dim=1)
    gap = (predicted == y).to(P.dtype) - confidence
    return sum(part.sum().abs().item() for part in gap[confidence.argsort()].chunk(bins)) / len(y)


expected_calibration_error = Exercise(
    reference=_ece,
    cases=_ece_cases,
    mistakes=[
        (
            _by_bin(_gap, lambda size, n, used: 1 / used),
            "All your groups have the same weight. A group counts by its share of the examples.",
        ),
        (
            lambda P, y, bins: _by_bin(_gap, lambda size, n, used: 1 / bins)(P, y, bins),
            "You divide the sum of the gaps by `bins`. A group counts by its share of the "
            "examples.",
        ),
        (
            _by_bin(_gap, lambda size, n, used: 1.0),
            "You add up the gaps of the groups. Weight each by its share of the examples.",
        ),
        (
            _by_bin(_gap, lambda size, n, used: size),
            "You weight each group by its number of examples, and do not divide by n.",
        ),
        (
            _by_bin(lambda right, c: right.mean() - c.mean(), _share),
            "Your gaps keep their signs, so overconfident and underconfident groups cancel.",
        ),
        (
            _by_bin(lambda right, c: c.mean() - right.mean(), _share),
            "Your gaps keep their signs, so overconfident and underconfident groups cancel.",
        ),
        (
            _by_bin(lambda right, c: (right - c).abs().mean(), _share),
            "You take the absolute difference of each example. It is taken once for a group, after "
            "averaging.",
        ),
        (
            _by_bin(lambda right, c: (right.mean() - c.mean()) ** 2, _share),
            "You square the gaps. The expected calibration error has their absolute values.",
        ),
        (
            lambda P, y, bins: (
                _by_bin(lambda right, c: (right.mean() - c.mean()) ** 2, _share)(P, y, bins) ** 0.5
            ),
            "You take the root of the mean square. The expected calibration error is the mean of "
            "absolute values.",
        ),
        (
            lambda P, y, bins: max(
                _by_bin(_gap, lambda size, n, used, s=s: float(size == s))(P, y, bins)
                for s in range(1, len(y) + 1)
            ),
            "This is the largest gap. The expected calibration error is a weighted mean.",
        ),
        (
            _without_ones,
            "A confidence of exactly 1 falls into none of your groups. It belongs to the last one.",
        ),
        (
            _right_ends,
            "A confidence on the edge of two intervals falls into the lower one. Here an interval "
            "has its left end and not its right one.",
        ),
        (
            _middles,
            "You compare the accuracy with the middle of each interval. Compare it with the mean "
            "confidence of the predictions in it.",
        ),
        (
            _of_the_label,
            "Your confidence is the probability of the true label. It is the largest probability, "
            "whether right or wrong.",
        ),
        (
            _equal_sizes,
            "Your groups have equal numbers of examples. They should be intervals of equal width "
            "of the confidence.",
        ),
        (
            then(_ece, lambda value: 1 - value),
            "This is 1 minus the error.",
        ),
        (
            then(_ece, lambda value: 100 * value),
            "This is in per cent. A fraction was asked for.",
        ),
    ],
)
