"""Exercises of the chapter *Transformer*."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from d2lutil.exercises import Exercise


def _cached(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """From x (n, d), K and V (n, t, k): output (n, k), both caches (n, t + 1, k)."""
    K = torch.cat([K, (x @ W_k)[:, None]], dim=1)  # (n, t + 1, k)
    V = torch.cat([V, (x @ W_v)[:, None]], dim=1)
    Q = x @ W_q  # (n, k)
    scores = torch.einsum("nk,ntk->nt", Q, K) / Q.shape[1] ** 0.5  # (n, t + 1)
    return torch.einsum("nt,ntk->nk", scores.softmax(dim=1), V), K, V


def _step(
    x: Tensor,
    K: Tensor,
    V: Tensor,
    W_q: Tensor,
    W_k: Tensor,
    W_v: Tensor,
    *,
    scale: float | None = None,
    itself: bool = True,
    first: bool = False,
    drop: int = 0,
    dim: int = 1,
) -> tuple[Tensor, Tensor, Tensor]:
    """The step with some of its parts replaced."""
    key, value = (x @ W_k)[:, None], (x @ W_v)[:, None]  # (n, 1, k)
    grown_K = torch.cat([key, K] if first else [K, key], dim=1)  # (n, t + 1, k)
    grown_V = torch.cat([value, V] if first else [V, value], dim=1)
    grown_K, grown_V = grown_K[:, drop:], grown_V[:, drop:]
    seen_K, seen_V = (grown_K, grown_V) if itself else (K, V)
    scores = torch.einsum("nk,ntk->nt", x @ W_q, seen_K)  # (n, t + 1)
    scores = scores / (K.shape[2] ** 0.5 if scale is None else scale)
    output = torch.einsum("nt,ntk->nk", scores.softmax(dim=dim), seen_V)  # (n, k)
    return output, grown_K, grown_V


def _step_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    for n, t, d, k in ((1, 2, 3, 2), (2, 3, 5, 4), (3, 1, 4, 2), (4, 5, 3, 6)):
        shapes = ((n, d), (n, t, k), (n, t, k), (d, k), (d, k), (d, k))
        yield tuple(torch.randn(s, generator=generator) for s in shapes)


def _by_width(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _step(x, K, V, W_q, W_k, W_v, scale=x.shape[1] ** 0.5)


def _no_root(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _step(x, K, V, W_q, W_k, W_v, scale=K.shape[2])


def _multiplied(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _step(x, K, V, W_q, W_k, W_v, scale=K.shape[2] ** -0.5)


def _bare_word(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    key, value = torch.cat([K, (x @ W_q)[:, None]], 1), torch.cat([V, (x @ W_v)[:, None]], 1)
    weights = (torch.einsum("nk,ntk->nt", x @ W_k, key) / K.shape[2] ** 0.5).softmax(1)
    return torch.einsum("nt,ntk->nk", weights, value), key, value


def _values_as_keys(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _step(x, K, V, W_q, W_v, W_k)


def _no_softmax(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    _, K, V = _step(x, K, V, W_q, W_k, W_v)
    scores = torch.einsum("nk,ntk->nt", x @ W_q, K) / K.shape[2] ** 0.5
    return torch.einsum("nt,ntk->nk", scores, V), K, V


def _ones_as_weights(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    _, K, V = _step(x, K, V, W_q, W_k, W_v)
    return V.sum(dim=1), K, V


def _old_cache(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _step(x, K, V, W_q, W_k, W_v)[0], K, V


def _only_new(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _step(x, K, V, W_q, W_k, W_v)[0], (x @ W_k)[:, None], (x @ W_v)[:, None]


def _by_words(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _step(x, K, V, W_q, W_k, W_v, scale=(K.shape[1] + 1) ** 0.5)


def _scaled_late(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    output, grown_K, grown_V = _step(x, K, V, W_q, W_k, W_v, scale=1.0)
    return output / K.shape[2] ** 0.5, grown_K, grown_V


def _first_only(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    _, grown_K, grown_V = _step(x, K, V, W_q, W_k, W_v)
    return V[:, 0], grown_K, grown_V


def _values_first(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    output, K, V = _step(x, K, V, W_q, W_k, W_v)
    return output, V, K


def _long_output(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    output, K, V = _step(x, K, V, W_q, W_k, W_v)
    return output[:, None], K, V


def _of_keys(
    x: Tensor, K: Tensor, V: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    _, K, V = _step(x, K, V, W_q, W_k, W_v)
    weights = (torch.einsum("nk,ntk->nt", x @ W_q, K) / K.shape[2] ** 0.5).softmax(1)
    return torch.einsum("nt,ntk->nk", weights, K), K, V


cached_step = Exercise(
    reference=_cached,
    cases=_step_cases,
    returns=("output", "K", "V"),
    mistakes=[
        (
            _of_keys,
            "You average the keys. They only decide the weights; what is averaged are the values.",
        ),
        (
            partial(_step, itself=False),
            "Your new token attends to the cache before it has joined it. A token may attend to "
            "itself.",
        ),
        (
            partial(_step, scale=1.0),
            "The scores are not divided by anything. How long are the vectors that you multiply?",
        ),
        (
            _by_width,
            "You divide by the root of d. The vectors that are multiplied have k numbers.",
        ),
        (_no_root, "You divide by k. It is the root of k."),
        (_multiplied, "You multiply the scores by the root of k. They are divided by it."),
        (
            partial(_step, first=True),
            "Your new key and value stand in front of the older ones. The cache keeps the order "
            "of the tokens.",
        ),
        (
            partial(_step, dim=0),
            "Your softmax runs over the phrases. The weights of one token over all that it attends "
            "to add up to 1.",
        ),
        (
            _ones_as_weights,
            "All your weights are 1: your softmax runs over the one query. It should run over the "
            "t + 1 keys.",
        ),
        (
            lambda x, K, V, W_q, W_k, W_v: torch.cat([K, x @ W_k], dim=1),
            "`torch.cat` joins tensors of equally many dimensions. The cache is (n, t, k), and "
            "`x @ W_k` is (n, k): which dimension does it lack to be one more token?",
        ),
        (_bare_word, "You have swapped `W_q` and `W_k`: queries and keys."),
        (_values_as_keys, "You have swapped `W_k` and `W_v`: scores come from keys."),
        (_no_softmax, "You weigh the values with the scores themselves. The softmax is missing."),
        (
            _old_cache,
            "The output is right. The keys and values that you return lack those of the new token.",
        ),
        (
            _only_new,
            "The output is right. Return all keys and values, the older ones too: the next step "
            "needs them.",
        ),
        (
            _by_words,
            "You divide by the root of t + 1, the number of tokens. It is the root of k, the "
            "length of the vectors that you multiply.",
        ),
        (
            _scaled_late,
            "You divide after the softmax. The scores are divided before it, so that the weights "
            "add up to 1.",
        ),
        (
            _first_only,
            "Your token attends to the first token only. `is_causal=True` takes the one query for "
            "the first position; with a cache there is nothing to mask.",
        ),
        (
            partial(_step, drop=1),
            "Your oldest token is gone. The cache grows by one token at each step.",
        ),
        (
            _values_first,
            "The output is right. Return the keys before the values.",
        ),
        (
            _long_output,
            "The output has a dimension too many. There is one query: its shape is (n, k).",
        ),
    ],
)


def _size(v: int, longest: int, d: int, h: int, layers: int) -> int:
    return (v + longest) * d + layers * (4 * (d * d + d) + 2 * d * h + h + d + 4 * d) + 2 * d


def _size_cases(generator: torch.Generator) -> Iterator[tuple[int, int, int, int, int]]:
    yield 11, 5, 2, 7, 1
    yield 100, 16, 8, 24, 3
    yield 1000, 64, 48, 96, 4
    yield 50_257, 1024, 768, 3072, 12


language_model_size = Exercise(
    reference=_size,
    cases=_size_cases,
    mistakes=[
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) + v * d,
            "You count the table of tokens twice. The last layer shares it.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) + v * d + v,
            "You give the last layer a matrix and biases of its own. It is the table of tokens.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) + v,
            "You give the last layer biases. It has none: it is the table of tokens.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - longest * d,
            "The positions are learned here: they have a table, too.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - 2 * d,
            "The norm at the end is missing.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - d,
            "Your last norm has one number a feature. It has two, γ and β.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - layers * 4 * d,
            "4d are missing in each layer. So many have the two norms together, and so many are "
            "the biases of the attention.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - layers * 2 * d,
            "You count one norm a layer. There is one for each sublayer.",
        ),
        (
            lambda v, longest, d, h, layers: (
                _size(v, longest, d, h, layers) - layers * 4 * d - 2 * d
            ),
            "You count no norms. Each has two numbers for each feature, γ and β.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - layers * 2 * d - d,
            "Your norms have one number a feature. They have two, γ and β.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - layers * 4 * d * d,
            "The matrices of the attention are missing.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - layers * (d * d + d),
            "Your attention has three matrices. There is a fourth that mixes the heads.",
        ),
        (
            lambda v, longest, d, h, layers: (
                _size(v, longest, d, h, layers) - layers * (4 * d + h + d)
            ),
            "The biases of the linear layers are missing.",
        ),
        *(
            (
                lambda v, longest, d, h, layers, last=last: (
                    _size(v, longest, d, h, layers) - layers * (9 * d + h) - last * d
                ),
                "You count matrices only. Linear layers have biases, and each norm has γ and β.",
            )
            for last in (0, 2)
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - layers * (h + d),
            "The biases of the feed-forward networks are missing.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) + layers * 2 * d,
            "You count three norms a layer. Without cross-attention there are two sublayers.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) + (layers - 1) * 2 * d,
            "You count a last norm in each layer. It stands once, at the end of the stack.",
        ),
        (
            lambda v, longest, d, h, layers: (
                _size(v, longest, d, h, layers) + layers * (4 * (d * d + d) + 2 * d)
            ),
            "You count a cross-attention, with its norm. There is no encoder to attend to.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, 1),
            "You count one layer. There are `layers` of them.",
        ),
        (
            lambda v, longest, d, h, layers: _size(v, longest, d, h, layers) - layers * (d * h + d),
            "Your feed-forward network has one layer. It has two: in to h, and back to d.",
        ),
    ],
)
