"""Right and wrong answers to the exercises of *Word vectors*, as a student writes them."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F


def pairs_by_slices(words, window):
    pairs = []
    for i, centre in enumerate(words):
        left = words[max(i - window, 0) : i]
        right = words[i + 1 : i + 1 + window]
        for context in left + right:
            pairs.append((centre, context))
    return pairs


def pairs_by_distance(words, window):
    n = len(words)
    return [(words[i], words[j]) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window]


def pairs_itself(words, window):
    out = []
    for i in range(len(words)):
        for j in range(len(words)):
            if abs(i - j) <= window:
                out.append((words[i], words[j]))
    return out


def pairs_equal_dropped(words, window):
    out = []
    for i, centre in enumerate(words):
        for context in words[max(0, i - window) : i + window + 1]:
            if context != centre:
                out.append((centre, context))
    return out


def pairs_right_only(words, window):
    return [(w, c) for i, w in enumerate(words) for c in words[i + 1 : i + 1 + window]]


def pairs_left_only(words, window):
    return [(w, c) for i, w in enumerate(words) for c in words[max(0, i - window) : i]]


def pairs_reversed(words, window):
    return [(c, w) for w, c in pairs_by_slices(words, window)]


def pairs_left_then_right(words, window):
    return pairs_left_only(words, window) + pairs_right_only(words, window)


def pairs_nearest_first(words, window):
    out = []
    for i in range(len(words)):
        for step in range(1, window + 1):
            if i - step >= 0:
                out.append((words[i], words[i - step]))
            if i + step < len(words):
                out.append((words[i], words[i + step]))
    return out


def pairs_slice_from_negative(words, window):
    out = []
    for i, w in enumerate(words):
        for c in words[i - window : i]:
            out.append((w, c))
        for c in words[i + 1 : i + window + 1]:
            out.append((w, c))
    return out


def pairs_try_index(words, window):
    out = []
    for i in range(len(words)):
        for j in range(i - window, i + window + 1):
            try:
                if i != j:
                    out.append((words[i], words[j]))
            except IndexError:
                pass
    return out


def pairs_short_right(words, window):
    out = []
    for i in range(len(words)):
        for j in range(max(0, i - window), min(i + window, len(words))):
            if j != i:
                out.append((words[i], words[j]))
    return out


def pairs_whole_windows(words, window):
    out = []
    for i in range(window, len(words) - window):
        context = words[i - window : i] + words[i + 1 : i + window + 1]
        out += [(words[i], c) for c in context]
    return out


def pairs_smaller(words, window):
    n = len(words)
    return [(words[i], words[j]) for i in range(n) for j in range(n) if 0 < abs(i - j) < window]


def pairs_as_set(words, window):
    return sorted(set(pairs_by_slices(words, window)))


def pairs_unique(words, window):
    out = []
    for pair in pairs_by_slices(words, window):
        if pair not in out:
            out.append(pair)
    return out


def product_by_cosine(E, a, b, c):
    def s(x):
        return (1 + F.cosine_similarity(E, E[x : x + 1])) / 2

    score = s(b) * s(c) / (s(a) + 0.001)
    score[torch.tensor([a, b, c])] = 0
    return torch.argmax(score)


def product_by_loop(E, a, b, c):
    E = E.numpy()
    best, answer = -1, None

    def s(x, y):
        return (1 + E[x] @ E[y] / (np.linalg.norm(E[x]) * np.linalg.norm(E[y]))) / 2

    for d in range(len(E)):
        if d in (a, b, c):
            continue
        score = s(d, b) * s(d, c) / (s(d, a) + 0.001)
        if score > best:
            best, answer = score, d
    return answer


def _s(E, x):
    return (1 + F.cosine_similarity(E, E[x][None])) / 2


def product_not_shifted(E, a, b, c):
    cos = F.normalize(E, dim=1) @ F.normalize(E, dim=1).T
    score = cos[b] * cos[c] / (cos[a] + 0.001)
    score[[a, b, c]] = -float("inf")
    return score.argmax().item()


def product_dots(E, a, b, c):
    score = (1 + E @ E[b]) / 2 * (1 + E @ E[c]) / 2 / ((1 + E @ E[a]) / 2 + 0.001)
    score[[a, b, c]] = -float("inf")
    return score.argmax().item()


def product_added(E, a, b, c):
    U = F.normalize(E, dim=1)
    score = U @ (U[b] - U[a] + U[c])
    score[[a, b, c]] = -9
    return int(score.argmax())


def product_no_a(E, a, b, c):
    score = _s(E, b) * _s(E, c)
    score[[a, b, c]] = -1
    return int(score.argmax())


def product_all_compete(E, a, b, c):
    return int((_s(E, b) * _s(E, c) / (_s(E, a) + 0.001)).argmax())


def product_a_competes(E, a, b, c):
    score = _s(E, b) * _s(E, c) / (_s(E, a) + 0.001)
    score[[b, c]] = -1
    return int(score.argmax())


def product_position(E, a, b, c):
    rest = [i for i in range(len(E)) if i not in (a, b, c)]
    score = _s(E, b) * _s(E, c) / (_s(E, a) + 0.001)
    return int(score[rest].argmax())


def product_least(E, a, b, c):
    score = _s(E, b) * _s(E, c) / (_s(E, a) + 0.001)
    score[[a, b, c]] = 10**9
    return int(score.argmin())


def product_swapped(E, a, b, c):
    return product_by_loop(E, b, a, c)


def product_of_c(E, a, b, c):
    score = _s(E, c)
    score[[a, b, c]] = -1
    return int(score.argmax())


RIGHT = {
    "skip_gram_pairs": [pairs_by_slices, pairs_by_distance],
    "analogy_by_product": [product_by_cosine, product_by_loop],
}
WRONG = {
    "skip_gram_pairs": [
        (pairs_itself, "You pair each word with itself"),
        (pairs_equal_dropped, "compare the positions"),
        (pairs_right_only, "on the right of the centre only"),
        (pairs_left_only, "on the left of the centre only"),
        (pairs_reversed, "the wrong way round"),
        (pairs_left_then_right, "first all contexts of the first word"),
        (pairs_nearest_first, "the nearest ones first"),
        (pairs_slice_from_negative, "a slice that begins at a negative"),
        (pairs_try_index, "you take words from its end"),
        (pairs_short_right, "one word fewer on the right"),
        (pairs_whole_windows, "near the ends of the text"),
        (pairs_smaller, "too small by one"),
        (pairs_as_set, "You sort the pairs"),
        (pairs_unique, "You name each pair once"),
    ],
    "analogy_by_product": [
        (product_not_shifted, "You multiply the cosines themselves"),
        (product_dots, "the rows of `E` have different norms"),
        (product_added, "This is 3CosAdd"),
        (product_no_a, "You leave out `a`"),
        (product_all_compete, "None of them may be the answer"),
        (product_a_competes, "but not `a`"),
        (product_position, "among those that are left"),
        (product_least, "The largest is asked for"),
        (product_swapped, "You have exchanged `a` and `b`"),
        (product_of_c, "the nearest word to `c`"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "analogy_by_product": {
        "_similar(E, a, b, c) → _similar(E, a, c, b)": "b and c are multiplied",
        "_answer(s_b * s_c / (s_a + 0.001), a, b, c) → "
        "_answer(s_b * s_c / (s_a + 0.001), b, a, c)": "all three are excluded, in any order",
        "_answer(s_b * s_c / (s_a + 0.001), a, b, c) → "
        "_answer(s_b * s_c / (s_a + 0.001), a, c, b)": "all three are excluded, in any order",
        "F.normalize(E, dim=1) → F.normalize(E)": "1 is the default",
    },
}
