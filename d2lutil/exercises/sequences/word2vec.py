"""Exercises of the chapter *Word vectors*."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, tensor
from torch.nn import functional as F

from d2lutil.exercises import Exercise

Pairs = list[tuple[str, str]]


def _pairs(words: list[str], window: int) -> Pairs:
    """Each word with those at most `window` positions away."""
    return [
        (centre, words[j])
        for i, centre in enumerate(words)
        for j in range(max(0, i - window), min(len(words), i + window + 1))
        if j != i
    ]


def _pairs_cases(generator: torch.Generator) -> Iterator[tuple[list[str], int]]:
    yield ["the", "list", "is", "empty"], 1
    yield ["a", "tuple", "holds", "many", "items", "too"], 2
    yield ["the", "cat", "and", "the", "dog", "the"], 3
    yield ["one", "two"], 5
    yield ["alone"], 2
    yield [], 1
    for n, window in ((9, 4), (12, 1), (5, 4)):
        drawn = torch.randint(4, (n,), generator=generator).tolist()
        yield [["sin", "cos", "tan", "exp"][i] for i in drawn], window


def _with_itself(words: list[str], window: int) -> Pairs:
    n = len(words)
    return [
        (words[i], words[j])
        for i in range(n)
        for j in range(max(0, i - window), min(n, i + window + 1))
    ]


def _one_side(words: list[str], window: int, side: int) -> Pairs:
    n = len(words)
    return [
        (words[i], words[j])
        for i in range(n)
        for j in range(max(0, i - window), min(n, i + window + 1))
        if (j - i) * side > 0
    ]


def _negative_index(words: list[str], window: int) -> Pairs:
    n = len(words)
    return [
        (words[i], words[j])
        for i in range(n)
        for j in range(i - window, i + window + 1)
        if j != i and -n <= j < n
    ]


def _empty_slice(words: list[str], window: int) -> Pairs:
    """The left side is words[i - window : i], which is empty where i - window is negative."""
    return [
        (words[i], c)
        for i in range(len(words))
        for c in words[i - window : i] + words[i + 1 : i + 1 + window]
    ]


def _around(words: list[str], i: int, window: int) -> Pairs:
    """The pairs of the position i."""
    last = min(len(words), i + window + 1)
    return [(words[i], words[j]) for j in range(max(0, i - window), last) if j != i]


def _full_windows(words: list[str], window: int) -> Pairs:
    middle = range(window, len(words) - window)
    return [
        (words[i], words[j]) for i in middle for j in range(i - window, i + window + 1) if j != i
    ]


skip_gram_pairs = Exercise(
    reference=_pairs,
    cases=_pairs_cases,
    mistakes=[
        (
            _with_itself,
            "You pair each word with itself, too. The position of the centre is no context.",
        ),
        (
            lambda words, window: [(a, b) for a, b in _with_itself(words, window) if a != b],
            "You leave out pairs of equal words. A word may stand near another occurrence of "
            "itself: compare the positions, not the words.",
        ),
        (
            partial(_one_side, side=1),
            "You take the words on the right of the centre only. The window has a left side, too.",
        ),
        (
            partial(_one_side, side=-1),
            "You take the words on the left of the centre only. The window has a right side, too.",
        ),
        (
            lambda words, window: [(b, a) for a, b in _pairs(words, window)],
            "Your pairs are the wrong way round, (context, centre).",
        ),
        (
            lambda words, window: _one_side(words, window, -1) + _one_side(words, window, 1),
            "The pairs are right, but not in the order that is asked for: first all contexts of "
            "the first word, then all of the second.",
        ),
        (
            lambda words, window: [
                (words[i], words[j])
                for i in range(len(words))
                for j in [*range(i - 1, i - window - 1, -1), *range(i + 1, i + window + 1)]
                if 0 <= j < len(words)
            ],
            "The pairs are right, but the contexts on the left come nearest first. From left to "
            "right, the farthest one is first.",
        ),
        (
            lambda words, window: [
                (words[i], words[j])
                for i in range(len(words))
                for s in range(1, window + 1)
                for j in (i - s, i + s)
                if 0 <= j < len(words)
            ],
            "The pairs are right, but the contexts come with the nearest ones first. They are "
            "asked for from left to right.",
        ),
        (
            _negative_index,
            "Near the beginning of the text you take words from its end: a negative index counts "
            "from there.",
        ),
        (
            lambda words, window: [
                (words[i], words[j])
                for i in range(len(words))
                for j in range(i - window, min(len(words), i + window + 1))
                if j != i
            ],
            "Near the beginning of the text you take words from its end: a negative index counts "
            "from there.",
        ),
        (
            lambda words, window: [
                pair for w in words for pair in _around(words, words.index(w), window)
            ],
            "You look positions up by `words.index`, which finds only the first occurrence of a "
            "word. Go through the positions, as with `enumerate`.",
        ),
        (
            lambda words, window: _pairs(words, window + 1),
            "Your window is too large by one on either side. A distance of exactly `window` is "
            "the largest that is allowed.",
        ),
        (
            _empty_slice,
            "Near the beginning of the text you lose contexts on the left: a slice that begins "
            "at a negative position begins near the end.",
        ),
        (
            _full_windows,
            "You leave out the centres near the ends of the text, whose window is cut off. They "
            "have contexts, too, only fewer.",
        ),
        (
            lambda words, window: [
                (words[i], words[j])
                for i in range(len(words))
                for j in range(max(0, i - window), min(len(words), i + window))
                if j != i
            ],
            "You take one word fewer on the right than on the left. Where does a `range` end, or "
            "a slice?",
        ),
        (
            lambda words, window: _pairs(words, window - 1),
            "Your window is too small by one on either side. A distance of exactly `window` is "
            "allowed.",
        ),
        (
            lambda words, window: list(dict.fromkeys(_pairs(words, window))),
            "You name each pair once. A pair that occurs several times counts as often.",
        ),
        (
            lambda words, window: sorted(set(_pairs(words, window))),
            "You sort the pairs, and name each once. Keep the order of the text, and pairs that "
            "occur several times.",
        ),
    ],
)


def _similar(E: Tensor, a: int, b: int, c: int) -> Tensor:
    """(1 + cos)/2 of all rows of E (K, h) with three of them: (3, K)."""
    E = F.normalize(E, dim=1)
    return (1 + E[[a, b, c]] @ E.T) / 2


def _answer(score: Tensor, *excluded: int, instead: float = -torch.inf) -> int:
    """The row with the largest score (K,), without some, whose score is another one instead."""
    score = score.clone()
    score[list(excluded)] = instead
    return int(score.argmax())


def _by_product(E: Tensor, a: int, b: int, c: int) -> int:
    s_a, s_b, s_c = _similar(E, a, b, c)
    return _answer(s_b * s_c / (s_a + 0.001), a, b, c)


def _plain_cosines(E: Tensor, a: int, b: int, c: int, instead: float = -torch.inf) -> int:
    s_a, s_b, s_c = 2 * _similar(E, a, b, c) - 1
    return _answer(s_b * s_c / (s_a + 0.001), a, b, c, instead=instead)


def _dot_products(E: Tensor, a: int, b: int, c: int, instead: float = -torch.inf) -> int:
    s_a, s_b, s_c = (1 + E[[a, b, c]] @ E.T) / 2
    return _answer(s_b * s_c / (s_a + 0.001), a, b, c, instead=instead)


def _plain_dot_products(E: Tensor, a: int, b: int, c: int) -> int:
    s_a, s_b, s_c = E[[a, b, c]] @ E.T
    return _answer(s_b * s_c / (s_a + 0.001), a, b, c)


def _divided_by_zero(E: Tensor, a: int, b: int, c: int) -> int:
    s_a, s_b, s_c = _similar(E, a, b, c)
    return _answer(s_b * s_c / s_a, a, b, c)


def _by_sum(E: Tensor, a: int, b: int, c: int) -> int:
    s_a, s_b, s_c = _similar(E, a, b, c)
    return _answer(s_b + s_c - s_a, a, b, c)


def _without_a(E: Tensor, a: int, b: int, c: int) -> int:
    _, s_b, s_c = _similar(E, a, b, c)
    return _answer(s_b * s_c, a, b, c)


def _none_excluded(E: Tensor, a: int, b: int, c: int) -> int:
    s_a, s_b, s_c = _similar(E, a, b, c)
    return _answer(s_b * s_c / (s_a + 0.001))


def _a_allowed(E: Tensor, a: int, b: int, c: int) -> int:
    s_a, s_b, s_c = _similar(E, a, b, c)
    return _answer(s_b * s_c / (s_a + 0.001), b, c)


def _renumbered(E: Tensor, a: int, b: int, c: int) -> int:
    """Among the rows that are left when three are taken out."""
    s_a, s_b, s_c = _similar(E, a, b, c)
    left = torch.ones(len(E), dtype=torch.bool)
    left[[a, b, c]] = False
    return int((s_b * s_c / (s_a + 0.001))[left].argmax())


def _quotients(E: Tensor, a: int, b: int, c: int) -> Tensor:
    s_a, s_b, s_c = _similar(E, a, b, c)
    return s_b * s_c / (s_a + 0.001)


def _columns(E: Tensor, a: int, b: int, c: int) -> int:
    E = F.normalize(E, dim=0)
    s_a, s_b, s_c = (1 + E[[a, b, c]] @ E.T) / 2
    return _answer(s_b * s_c / (s_a + 0.001), a, b, c)


def _largest_quotient(E: Tensor, a: int, b: int, c: int) -> float:
    quotients = _quotients(E, a, b, c)
    quotients[[a, b, c]] = -torch.inf
    return quotients.max().item()


def _smallest(E: Tensor, a: int, b: int, c: int) -> int:
    s_a, s_b, s_c = _similar(E, a, b, c)
    return _answer(-s_b * s_c / (s_a + 0.001), a, b, c)


def _product_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int, int, int]]:
    yield (
        tensor([[1.0, 0.2], [2.0, 2.5], [0.4, -1.0], [3.0, 0.1], [1.5, -1.2], [-1.0, 0.3]]),
        *(0, 1, 2),
    )
    yield tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [-3.0, 1.0]]), 2, 0, 1
    for K, h in ((4, 3), (9, 2), (12, 4), (15, 3), (20, 2), (20, 5), (30, 4), (40, 2), (60, 3)):
        for _ in range(3):
            norms = 0.2 + 3 * torch.rand(K, 1, generator=generator)
            E = norms * F.normalize(torch.randn(K, h, generator=generator), dim=1)
            a, b, c = torch.randperm(K, generator=generator)[:3].tolist()
            yield E, a, b, c
    E = torch.randn(25, 3, generator=generator).double()
    yield E, 24, 3, 11
    for angle in (0.22, 0.275):  # where 0.001 decides
        beside = torch.tensor([math.cos(angle), math.sin(angle), 0.0])
        opposite = [[-math.cos(0.02), 0.0, math.sin(0.02)], [-math.cos(0.2), math.sin(0.2), 0.0]]
        E = torch.stack([beside, torch.tensor([1.0, 0, 0]), 2 * beside, *map(tensor, opposite)])
        yield E, 1, 0, 2


analogy_by_product = Exercise(
    reference=_by_product,
    cases=_product_cases,
    mistakes=[
        *(
            (
                partial(_plain_cosines, instead=instead),
                "You multiply the cosines themselves, which may be negative: two negative ones "
                "make a large product. The task first maps them to numbers between 0 and 1.",
            )
            for instead in (-torch.inf, -1.0)
        ),
        *(
            (
                partial(_dot_products, instead=instead),
                "You use dot products in place of cosines: the rows of `E` have different norms.",
            )
            for instead in (-torch.inf, -1.0)
        ),
        (
            _plain_dot_products,
            "You use dot products in place of cosines, and do not map them to numbers between 0 "
            "and 1.",
        ),
        (
            _divided_by_zero,
            "You leave out the 0.001 in the denominator. It decides where a word is opposite to "
            "`a`.",
        ),
        (
            _by_sum,
            "This is 3CosAdd: you add and subtract. Here two similarities are multiplied, and the "
            "third divides.",
        ),
        (
            _without_a,
            "You leave out `a`: its similarity belongs into the denominator.",
        ),
        (
            _none_excluded,
            "You let `a`, `b` and `c` compete. None of them may be the answer.",
        ),
        (
            _a_allowed,
            "You exclude `b` and `c`, but not `a`.",
        ),
        (
            lambda E, a, b, c: _answer(_quotients(E, a, b, c), a, b),
            "You exclude `a` and `b`, but not `c`.",
        ),
        (
            lambda E, a, b, c: _answer(_quotients(E, a, b, c), c),
            "You exclude `c`, but not `a` and `b`.",
        ),
        (
            _columns,
            "You divide the columns of `E` by their norms. The vectors are its rows.",
        ),
        (
            _largest_quotient,
            "You return the largest quotient. The row of `E` with this quotient is asked for.",
        ),
        (
            _renumbered,
            "You take the three rows out before you look for the largest, and return a position "
            "among those that are left. Return the row of `E`.",
        ),
        (
            _smallest,
            "You take the smallest quotient. The largest is asked for.",
        ),
        (
            lambda E, a, b, c: _by_product(E, b, a, c),
            "You have exchanged `a` and `b`: the answer should resemble `b` and `c`, but not `a`.",
        ),
        (
            lambda E, a, b, c: _by_product(E, c, b, a),
            "You have exchanged `a` and `c`: the answer should resemble `b` and `c`, but not `a`.",
        ),
        (
            lambda E, a, b, c: _answer(_similar(E, a, b, c)[2], a, b, c),
            "Your answer is the nearest word to `c`. What have `a` and `b` to do with it?",
        ),
    ],
)
