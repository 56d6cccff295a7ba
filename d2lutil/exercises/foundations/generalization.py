"""Exercises of the chapter *Generalisation*."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then

Folds = list[tuple[Tensor, Tensor]]


def _folds(order: Tensor, k: int) -> Folds:
    """Cross-validation: order (n,) -> k pairs of training and validation examples."""
    n, pairs, begin = len(order), [], 0
    for i in range(k):
        end = begin + n // k + (i < n % k)
        pairs.append((torch.cat([order[:begin], order[end:]]), order[begin:end]))
        begin = end
    return pairs


def _folds_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
    yield tensor([4, 0, 3, 1, 5, 2]), 3
    yield tensor([2, 6, 1, 0, 5, 3, 4]), 3  # one is left over
    yield tensor([3, 0, 4, 1, 2]), 5  # a fold of its own for each
    yield tensor([1, 0]), 2
    for n, k in ((10, 4), (17, 5), (9, 4), (30, 5), (8, 7)):
        yield torch.randperm(n, generator=generator), k


def _cut(bounds: Callable[[int, int], list[int]]) -> Callable[[Tensor, int], Folds]:
    """An answer whose folds lie between bounds(n, k)."""

    def wrong(order: Tensor, k: int) -> Folds:
        edges = bounds(len(order), k)
        return [(torch.cat([order[:i], order[j:]]), order[i:j]) for i, j in pairwise(edges)]

    return wrong


def _chunks(n: int, k: int) -> list[int]:
    size = -(-n // k)
    return [*range(0, n, size), n]


def _each(change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Callable[..., Folds]:
    """An answer that changes each pair."""
    return then(_folds, lambda pairs: [change(*pair) for pair in pairs])


def _with_all(order: Tensor, k: int) -> Folds:
    return [(order.clone(), held) for _, held in _folds(order, k)]


def _strided(order: Tensor, k: int) -> Folds:
    held = [order[i::k] for i in range(k)]
    place = torch.arange(len(order)) % k
    return [(order[place != i], held[i]) for i in range(k)]


def _from_end(n: int, k: int) -> list[int]:
    """Where the longer folds begin, and n, if they are the last ones."""
    return [n - i * (n // k + 1) for i in range(n % k, -1, -1)]


def _joined(cut: Callable[[Tensor, int], Sequence[Tensor]]) -> Callable[..., Folds]:
    """An answer with these folds; it trains on the others, one after another."""

    def wrong(order: Tensor, k: int) -> Folds:
        held = cut(order, k)
        return [(torch.cat([*held[:i], *held[i + 1 :]]), fold) for i, fold in enumerate(held)]

    return wrong


def _rotated(order: Tensor, k: int) -> Folds:
    pairs, begin = [], 0
    for _, held in _folds(order, k):
        end = begin + len(held)
        pairs.append((torch.cat([order[end:], order[:begin]]), held))
        begin = end
    return pairs


def _each_mask(order: Tensor, k: int) -> Folds:
    n = torch.arange(len(order))
    return [(torch.isin(n, train), torch.isin(n, held)) for train, held in _folds(order, k)]


def _earlier_only(order: Tensor, k: int) -> Folds:
    pairs, begin = [], 0
    for _, held in _folds(order, k):
        pairs.append((order[:begin], held))
        begin += len(held)
    return pairs


k_folds = Exercise(
    reference=_folds,
    cases=_folds_cases,
    mistakes=[
        (
            _cut(_chunks),
            "Where `k` does not divide n, your folds are as long as the longest one, as `chunk` "
            "makes them: the last one is too short, or there are too few. Lengths may differ by "
            "one only.",
        ),
        (
            _cut(lambda n, k: [*(i * (n // k) for i in range(k)), n]),
            "All that is left over ends up in your last fold. Lengths may differ by one only.",
        ),
        (
            _cut(lambda n, k: [i * (n // k) for i in range(k + 1)]),
            "What is left over is never validated. Each example is in one fold.",
        ),
        (
            _cut(lambda n, k: [i * n // k for i in range(k + 1)]),
            "Your folds differ in length by one, as they should, but it is the first ones that are "
            "to be longer.",
        ),
        (
            _each(lambda train, held: (held, train)),
            "The two of each pair are the wrong way round: first what is trained on, then the fold "
            "that is held out.",
        ),
        (
            _with_all,
            "Your `train` has the fold in it, too: the model would be validated on what it was "
            "trained on.",
        ),
        (
            given(_folds, order=lambda order: torch.arange(len(order))),
            "You cut the numbers 0, 1, 2, … in their own order. Are these positions in `order`, or "
            "have you sorted it? Cut `order` itself.",
        ),
        (
            _each(lambda train, held: (train.sort().values, held)),
            "The examples are right, but `train` has them in ascending order. They should stay in "
            "the order of `order`.",
        ),
        (
            _each(lambda train, held: (train.sort().values, held.sort().values)),
            "The examples are right, but you give them in ascending order. They should stay in the "
            "order of `order`.",
        ),
        (
            _strided,
            "You deal the examples one by one, like cards: every k-th one is in a fold. Fold 0 is "
            "to have the first ones of `order`, side by side.",
        ),
        (
            _earlier_only,
            "Your `train` ends where the fold begins. What comes after the fold is missing.",
        ),
        (
            _joined(lambda order, k: order.split(k)),
            "Your folds have `k` examples each, as `split(k)` cuts them. `k` is the number of "
            "folds.",
        ),
        (
            _cut(lambda n, k: [*(i * (n // k) for i in range(k - n % k)), *_from_end(n, k)]),
            "Your folds differ in length by one, as they should, but it is the first ones that are "
            "to be longer.",
        ),
        (
            _cut(lambda n, k: [round(i * n / k) for i in range(k + 1)]),
            "Your folds differ in length by one, as they should, but it is the first ones that are "
            "to be longer.",
        ),
        (
            _joined(lambda order, k: [order[i::k] for i in range(k)]),
            "You deal the examples one by one, like cards: every k-th one is in a fold. Fold 0 is "
            "to have the first ones of `order`, side by side.",
        ),
        (
            _joined(lambda order, k: order[: len(order) // k * k].tensor_split(k)),
            "What is left over is in none of your pairs, neither to train on nor to validate.",
        ),
        (
            then(_folds, lambda pairs: pairs[::-1]),
            "Your pairs come in reverse order: the first one holds fold 0 out.",
        ),
        (
            then(_folds, lambda pairs: [list(part) for part in zip(*pairs, strict=True)]),
            "These are two lists, one for training and one for validation. A list of pairs is "
            "wanted.",
        ),
        (
            _rotated,
            "Your `train` begins after the fold and goes round. It should stay in the order of "
            "`order`: first what comes before the fold.",
        ),
        (
            _each_mask,
            "These are masks. The numbers of the examples are wanted, which `order[mask]` gives.",
        ),
        (
            then(_folds, lambda pairs: pairs[:1]),
            "This is the first pair. Is your `return` inside the loop?",
        ),
        (
            then(_folds, lambda pairs: [held for _, held in pairs]),
            "These are the folds alone. For each, the examples to train on are wanted as well.",
        ),
    ],
)


def _difference(right_a: Tensor, right_b: Tensor) -> tuple[float, float]:
    """Accuracy of B minus that of A, and its standard error: (n,), (n,) -> two numbers."""
    d = right_b.double() - right_a.double()  # (n,)
    difference = d.mean().item()
    variance = (d**2).mean().item() - difference**2
    return difference, (variance / len(d)) ** 0.5


def _difference_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    def right(*values: int) -> Tensor:
        return tensor(values, dtype=torch.bool)

    yield right(1, 1, 0, 0, 1, 0, 1, 1), right(1, 0, 1, 0, 1, 1, 1, 1)
    yield right(1, 1, 1, 0, 1, 1), right(0, 1, 0, 0, 0, 1)  # A is better
    yield right(1, 0, 1), right(1, 0, 1)  # alike
    yield right(0, 0, 0, 0), right(1, 1, 1, 1)
    yield right(1), right(0)
    for n, p, q in ((20, 0.5, 0.9), (100, 0.9, 0.8), (1000, 0.9, 0.95), (7, 0.5, 0.5)):
        first, second = torch.rand(2, n, generator=generator)
        yield first < p, (0.6 * first + 0.4 * second) < q


def _about(
    error: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Callable[[Tensor, Tensor], tuple[float, float]]:
    """An answer with the right difference and error(a, b, d) as its standard error."""

    def wrong(right_a: Tensor, right_b: Tensor) -> tuple[float, float]:
        a, b = right_a.double(), right_b.double()
        return (b - a).mean().item(), error(a, b, b - a).item()

    return wrong


def _binomial(p: Tensor) -> Tensor:
    return p.mean() * (1 - p.mean())


def _among_those_that_differ(right_a: Tensor, right_b: Tensor) -> tuple[float, float]:
    different = right_a != right_b  # (n,)
    d = (right_b.double() - right_a.double())[different]
    return d.mean().item(), (d.std(correction=0) / len(d) ** 0.5).item()


paired_difference = Exercise(
    reference=_difference,
    cases=_difference_cases,
    returns=("difference", "error"),
    mistakes=[
        (
            then(_difference, lambda difference, error: (-difference, error)),
            "Your difference is A minus B. It should be positive where B is better.",
        ),
        (
            then(_difference, lambda difference, error: (abs(difference), error)),
            "Your difference has lost its sign: where A is better, it is negative.",
        ),
        (
            _about(lambda a, b, d: ((_binomial(a) + _binomial(b)) / len(d)).sqrt()),
            "You add up the variances of the two accuracies, as if A and B had been tested on "
            "different examples. What both get right, or both wrong, cancels.",
        ),
        (
            _about(lambda a, b, d: ((d**2).mean() / len(d)).sqrt()),
            "Your standard error leaves out the square of the difference: it is right only where "
            "both are equally good, as McNemar's test supposes.",
        ),
        (
            _about(lambda a, b, d: (((d**2).mean() + d.mean() ** 2) / len(d)).sqrt()),
            "You add the square of the difference to the share of disagreement. A variance is the "
            "mean of the squares minus the square of the mean.",
        ),
        (
            _about(lambda a, b, d: (((d**2).mean() - d.mean()) / len(d)).sqrt()),
            "You subtract the difference itself. It is its square that belongs there.",
        ),
        (
            _about(lambda a, b, d: (((d**2).mean() - d.mean().abs()) / len(d)).sqrt()),
            "You subtract the absolute difference. It is the square of the difference that belongs "
            "there.",
        ),
        (
            _about(lambda a, b, d: d.sum() / (d**2).sum().sqrt()),
            "In the place of the standard error stands the statistic of McNemar's test.",
        ),
        (
            _about(lambda a, b, d: d.std() / len(d) ** 0.5),
            "Your variance divides by n − 1, as `std` and `var` do unless told. In the equation it "
            "is n. (For large n this hardly matters.)",
        ),
        (
            _about(lambda a, b, d: d.std(correction=0)),
            "This is the spread of a single example. The difference is a mean over n of them.",
        ),
        (
            _about(lambda a, b, d: d.std()),
            "This is the spread of a single example (and computed with n − 1). The difference is a "
            "mean over n of them.",
        ),
        (
            _about(lambda a, b, d: d.std(correction=0) / len(d)),
            "You divide the standard deviation by n. The variance is what n divides.",
        ),
        (
            _about(lambda a, b, d: d.var(correction=0) / len(d)),
            "This is the variance of the difference. Its standard error is the root of it.",
        ),
        (
            _about(lambda a, b, d: d.abs().std(correction=0) / len(d) ** 0.5),
            "You take the spread of the absolute values: whether A or B was right makes a "
            "difference.",
        ),
        (
            _about(lambda a, b, d: (_binomial(b) / len(d)).sqrt()),
            "This is the standard error of B's accuracy alone. A has been measured on the same "
            "examples.",
        ),
        (
            _about(lambda a, b, d: (_binomial(a) / len(d)).sqrt()),
            "This is the standard error of A's accuracy alone. B has been measured on the same "
            "examples.",
        ),
        (
            _about(lambda a, b, d: d.sum() / (d**2).sum().clamp(min=1).sqrt()),
            "In the place of the standard error stands the statistic of McNemar's test.",
        ),
        (
            _about(lambda a, b, d: (_binomial(a) / len(d)).sqrt() + (_binomial(b) / len(d)).sqrt()),
            "You add two standard errors. Not even on different examples would they add up (the "
            "variances would); on the same ones, take that of the difference.",
        ),
        (
            _about(lambda a, b, d: (2 * _binomial((a + b) / 2) / len(d)).sqrt()),
            "This pools the two accuracies, as if A and B had been tested on different examples. "
            "What both get right, or both wrong, cancels.",
        ),
        (
            lambda right_a, right_b: (
                (different := (right_a ^ right_b).double()).mean().item(),
                (_binomial(different) / len(different)).sqrt().item(),
            ),
            "You count where the two differ, whichever is right. Where only A is right, the "
            "example counts −1.",
        ),
        (
            lambda right_a, right_b: (
                (right_b.double() - right_a.double()).sum().item(),
                (right_a ^ right_b).double().sum().sqrt().item(),
            ),
            "These are numbers of examples. Divide both by n. (And the root of b + c leaves out "
            "the square of the difference.)",
        ),
        (
            _among_those_that_differ,
            "You count only the examples on which the two differ. The others are zeros, but they "
            "are in n.",
        ),
        (
            then(_difference, lambda difference, error: (100 * difference, 100 * error)),
            "These are points. Fractions were asked for: 1 point is 0.01.",
        ),
        (
            then(_difference, lambda difference, error: (error, difference)),
            "The two are the wrong way round: first the difference, then its standard error.",
        ),
        (
            lambda right_a, right_b: (
                len(right_a) * (right := _difference(right_a, right_b))[0],
                len(right_a) * right[1],
            ),
            "These are numbers of examples. Divide both by n.",
        ),
    ],
)
