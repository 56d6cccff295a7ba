"""Exercises of the chapter *Attention*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _regression(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    """Kernel regression: queries (m,), keys (n,), values (n,) -> (m,)."""
    u = (queries[:, None] - keys) / width  # (m, n)
    w = (1 - u**2).relu()  # (m, n)
    total = w.sum(dim=1)  # (m,)
    return torch.where(total > 0, w @ values / total, values.mean())


def _parabola(u: Tensor) -> Tensor:
    """ReLU of 1 - u², entry by entry."""
    return (1 - u**2).relu()


def _weighted(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    width: float,
    kernel: Callable[[Tensor], Tensor] = _parabola,
    alone: Callable[[Tensor, Tensor], Tensor] = lambda values, u: values.mean(),
    dim: int | None = 1,
) -> Tensor:
    """Its parts replaced; `alone` says what comes out where all weights are zero: (m,)."""
    u = (queries[:, None] - keys) / width  # (m, n)
    w = kernel(u)  # (m, n)
    total = w.sum(dim=dim, keepdim=True)  # (m, 1)
    average = (w / total) @ values  # (m,)
    return torch.where(w.sum(dim=1) == 0, alone(values, u), average)


def _regression_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
    keys, values = tensor([0.5, 1.0, 2.5]), tensor([3.0, -2.0, 5.0])
    yield tensor([0.75, 2.0]), keys, values, 2.0
    yield tensor([0.7, 9.0]), keys, values, 0.4
    yield tensor([-9.0, 1.1, 2.4, 30.0]), keys, values, 1.6
    yield tensor([0.9]), keys, values, 1.0  # a single query
    yield tensor([1.3, 9.0]), keys, tensor([-3.0, -2.0, -4.0]), 1.0  # negative predictions
    yield tensor([1.5, 0.7]), tensor([0.5, 2.5, 9.0]), values, 1.0  # as far off as the width
    for m, n, width in ((4, 7, 0.8), (6, 5, 2.5), (3, 9, 0.5)):
        keys = 3 * torch.randn(n, generator=generator)
        values = 2 + torch.randn(n, generator=generator)
        queries = torch.cat([3 * torch.randn(m - 1, generator=generator), tensor([20.0])])
        yield queries, keys, values, width


def _unscaled(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    w = _parabola((queries[:, None] - keys) / width)  # (m, n)
    return torch.where(w.sum(dim=1) == 0, values.mean(), w @ values)


def _bare(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    return _parabola((queries[:, None] - keys) / width) @ values


def _of_n(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    return _bare(queries, keys, values, width) / len(keys)


def _of_n_or_mean(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    w = _parabola((queries[:, None] - keys) / width)  # (m, n)
    return torch.where(w.sum(dim=1) == 0, values.mean(), w @ values / len(keys))


def _mean_of_keys(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    return _weighted(queries, keys, values, width, alone=lambda values, u: keys.mean())


def _mean_if_any(queries: Tensor, keys: Tensor, values: Tensor, width: float, each: bool) -> Tensor:
    w = _parabola((queries[:, None] - keys) / width)  # (m, n)
    if w.sum(dim=1).all():
        return _regression(queries, keys, values, width)
    return values.mean().expand(queries.shape if each else ())


def _if_all(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    """One `if` for all queries, which fails unless there is only one."""
    w = _parabola((queries[:, None] - keys) / width)  # (m, n)
    return values.mean() if w.sum(dim=1) == 0 else _regression(queries, keys, values, width)


def _by_columns(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    """The sums of columns, which fit no number of queries but that of the keys, and 1."""
    w = _parabola((queries[:, None] - keys) / width)  # (m, n)
    total = w.sum(dim=0)  # (n,)
    return torch.where(total > 0, w @ values / total, values.mean())


def _gaussian(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    """As in the chapter: its softmax gives the nearest key all the weight where all are far."""
    u = (queries[:, None] - keys) / width  # (m, n)
    return (-(u**2) / 2).softmax(dim=1) @ values


def _nearest(values: Tensor, u: Tensor) -> Tensor:
    return values[u.abs().argmin(dim=1)]


def _softmax_of_relu(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    return _parabola((queries[:, None] - keys) / width).softmax(dim=1) @ values


def _of_those_in_reach(queries: Tensor, keys: Tensor, values: Tensor, width: float) -> Tensor:
    w = _parabola((queries[:, None] - keys) / width)  # (m, n)
    count = (w > 0).sum(dim=1)  # (m,)
    return torch.where(count > 0, w @ values / count.clamp(min=1), values.mean())


_BY_N = (
    "You divide by the number of keys, so far-off keys pull the average down. Divide by the sum of "
    "the weights."
)
_GAUSSIAN = "These are Gaussian weights, as in the chapter. The task asks for ReLU of 1 − u²."

relu_regression = Exercise(
    reference=_regression,
    cases=_regression_cases,
    mistakes=[
        (
            partial(_weighted, alone=lambda values, u: tensor(torch.nan)),
            "Where no key is in reach, all weights are 0, and 0/0 is `nan`. The task says what to "
            "predict there.",
        ),
        (
            partial(_weighted, alone=lambda values, u: tensor(0.0)),
            "Where no key is in reach, you predict 0. The task asks for the mean of the values.",
        ),
        (
            partial(_weighted, alone=_nearest),
            "Where no key is in reach, you predict the value of the nearest one. The task asks for "
            "the mean of all values.",
        ),
        (
            _mean_of_keys,
            "Where no key is in reach, you predict the mean of the keys. The task asks for the "
            "mean of the values.",
        ),
        *(
            (
                partial(_mean_if_any, each=each),
                "If one query is out of reach, you give the mean for all. The others still have "
                "their averages: decide for each query by itself.",
            )
            for each in (True, False)
        ),
        (
            _if_all,
            "`if` wants one answer, and a comparison of tensors gives one for each query. "
            "`torch.where` decides for each of them.",
        ),
        (
            _unscaled,
            "Your weights do not add up to 1: divide them by their sum. Softmax does that by "
            "itself, ReLU does not.",
        ),
        (
            _bare,
            "Your weights do not add up to 1: divide them by their sum. Where that sum is 0, "
            "predict the mean of the values.",
        ),
        (
            partial(_weighted, kernel=lambda u: (1 - u**2 / 2).relu()),
            "You halve the square, as in the Gaussian score. Here it is 1 − u².",
        ),
        (
            _of_those_in_reach,
            "You divide by the number of keys in reach. Divide by the sum of the weights.",
        ),
        (_of_n, _BY_N),
        (_of_n_or_mean, _BY_N),
        (
            _softmax_of_relu,
            "You send the weights through a softmax as well, which gives every key out of reach a "
            "weight again. ReLU takes its place here.",
        ),
        (partial(_weighted, kernel=lambda u: (-(u**2) / 2).exp()), _GAUSSIAN),
        (_gaussian, _GAUSSIAN),
        (
            partial(_weighted, kernel=lambda u: (1 - u.abs()).relu()),
            "Your weights fall along straight lines: the square is missing. It is 1 − u², not "
            "1 − |u|.",
        ),
        (
            partial(_weighted, kernel=lambda u: (1 - u).relu()),
            "Without the square, u counts with its sign: keys on one side get large weights "
            "however far away they are.",
        ),
        (
            partial(_weighted, kernel=lambda u: (u.abs() < 1).float()),
            "Every key in reach has the same weight in your average. The nearer ones should count "
            "more.",
        ),
        (
            partial(_weighted, kernel=lambda u: 1 - u**2),
            "The ReLU is missing: keys out of reach get negative weights.",
        ),
        (
            partial(_weighted, dim=0),
            "You divide each column by its sum. The weights of one *query*, a row, have to add up "
            "to 1.",
        ),
        (
            _by_columns,
            "`sum(dim=0)` adds up the weights of one *key*, a column. The weights of one *query*, "
            "a row, have to add up to 1.",
        ),
        *(
            (
                partial(_weighted, dim=None, **other),
                "You divide by the sum of the whole table. The weights of one *query*, a row, have "
                "to add up to 1.",
            )
            for other in ({}, {"alone": lambda values, u: tensor(0.0)})
        ),
        (
            lambda queries, keys, values, width: _regression(queries, keys, values, 1 / width),
            "You multiply the distance by the width. A wide window should reach further: divide.",
        ),
        (
            lambda queries, keys, values, width: _regression(queries, keys, values, 1.0),
            "Your function does not use `width`: u is the distance divided by it.",
        ),
        (
            lambda queries, keys, values, width: _regression(queries, keys, values, width**0.5),
            "You divide the square of the distance by the width. Divide first, then square.",
        ),
    ],
)


def _softmax_over(
    scores: Tensor, lengths: Tensor, fill: float = -torch.inf, extra: int = 0
) -> Tensor:
    """Softmax of scores (n, t, s) over the first lengths + extra of the s keys."""
    keys = torch.arange(scores.shape[2])  # (s,)
    mask = keys < (lengths + extra)[:, None, None]  # (n, 1, s)
    return scores.masked_fill(~mask, fill).softmax(dim=2)


def _by_length(scores: Tensor, lengths: Tensor) -> Tensor:
    """Softmax over the words: scores (n, t, s), lengths (n,) -> (n, t, s)."""
    padding = torch.arange(scores.shape[2]) >= lengths[:, None, None]  # (n, 1, s)
    return scores.masked_fill(padding, -torch.inf).softmax(dim=2)


def _length_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[[1.0, 2.0, 3.0]]]), tensor([2])
    yield tensor([[[0.5, -1.0, 2.0, 4.0], [3.0, 1.0, 0.0, -2.0]]]), tensor([3])
    for n, t, s in ((3, 2, 4), (2, 5, 5), (4, 3, 6)):
        scores = 2 * torch.randn(n, t, s, generator=generator)
        yield scores, torch.randint(1, s, (n,), generator=generator)
    yield torch.randn(2, 3, 4, generator=generator), tensor([4, 1])
    yield tensor([[[1000.0, 998.0, 999.0], [-1000.0, -998.0, 5.0]]]), tensor([2])


def _length_mask(scores: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(scores.shape[2]) < lengths[:, None, None]  # (n, 1, s)


def _own_softmax(scores: Tensor, lengths: Tensor) -> Tensor:
    e = scores.exp() * _length_mask(scores, lengths)  # (n, t, s)
    return e / e.sum(dim=2, keepdim=True)


def _own_softmax_filled(scores: Tensor, lengths: Tensor) -> Tensor:
    e = scores.masked_fill(~_length_mask(scores, lengths), -torch.inf).exp()  # (n, t, s)
    return e / e.sum(dim=2, keepdim=True)


def _rows_masked(scores: Tensor, lengths: Tensor) -> Tensor:
    mask = torch.arange(scores.shape[1])[:, None] < lengths[:, None, None]  # (n, t, 1)
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=2)


def _over_queries(scores: Tensor, lengths: Tensor) -> Tensor:
    return scores.masked_fill(~_length_mask(scores, lengths), -torch.inf).softmax(dim=1)


def _renormalised(scores: Tensor, lengths: Tensor) -> Tensor:
    weights = scores.softmax(dim=2) * _length_mask(scores, lengths)  # (n, t, s)
    return weights / weights.sum(dim=2, keepdim=True)


def _renormalised_above(least: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The same with a smallest number that it divides by."""

    def answer(scores: Tensor, lengths: Tensor) -> Tensor:
        weights = scores.softmax(dim=2) * _length_mask(scores, lengths)  # (n, t, s)
        return weights / weights.sum(dim=2, keepdim=True).clamp(min=least)

    return answer


def _mask_of_phrases(scores: Tensor, lengths: Tensor) -> Tensor:
    mask = torch.arange(scores.shape[2]) < lengths[:, None]  # (n, s)
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=2)


_FILL = (
    "You fill the padding with a number that is not far enough down: scores may themselves lie as "
    "low as −1000. What has a softmax of exactly 0?"
)

softmax_by_length = Exercise(
    reference=_by_length,
    cases=_length_cases,
    mistakes=[
        (
            lambda scores, lengths: scores.softmax(dim=2),
            "The padding gets weights, too: your function does not use `lengths`.",
        ),
        (
            lambda scores, lengths: (scores + ~_length_mask(scores, lengths) * -torch.inf).softmax(
                dim=2
            ),
            "You multiply a mask by −∞, and 0 · (−∞) is `nan`. Use `masked_fill` or `torch.where`.",
        ),
        (
            partial(_softmax_over, fill=0.0),
            "You set the scores of the padding to 0, or nearly so, as 1e-9 is. A score of 0 still "
            "has a weight: e⁰ is 1.",
        ),
        (
            lambda scores, lengths: scores.softmax(dim=2) * _length_mask(scores, lengths),
            "You mask after the softmax, so the weights that are left do not add up to 1. Mask the "
            "scores.",
        ),
        (
            _renormalised,
            "Where a word of padding has by far the largest score, it takes all the weight before "
            "you mask, and 0/0 is left: `nan`. Mask the scores first, also before you look for the "
            "largest.",
        ),
        *(
            (
                _renormalised_above(least),
                "Where a word of padding has by far the largest score, it takes all the weight "
                "before you mask, and no division brings it back. Mask the scores first.",
            )
            for least in (1e-12, 1e-5)
        ),
        (
            _mask_of_phrases,
            "Your mask has the shape (n, s), and the scores have (n, t, s): PyTorch lines up "
            "phrases with queries. Give the mask a dimension of size 1 for the queries.",
        ),
        (
            partial(_softmax_over, extra=1),
            "One word of padding gets a weight: an off-by-one. The keys are numbered from 0, so "
            "the last word of a phrase is number `length − 1`.",
        ),
        (
            partial(_softmax_over, extra=-1),
            "The last word of each phrase gets no weight: an off-by-one. Are the keys numbered "
            "from 0 or from 1?",
        ),
        (
            lambda scores, lengths: scores.masked_fill(
                _length_mask(scores, lengths), -torch.inf
            ).softmax(dim=2),
            "Your mask is the wrong way round: the padding gets all the weight. `masked_fill` "
            "fills where its mask is true.",
        ),
        (
            _rows_masked,
            "You mask rows, which are queries. The padding is among the keys, the last dimension.",
        ),
        (
            _over_queries,
            "Your softmax runs over the queries. For each query, the weights of the *keys* have "
            "to add up to 1.",
        ),
        (partial(_softmax_over, fill=-100.0), _FILL),
        (partial(_softmax_over, fill=-1000.0), _FILL),
        (
            _own_softmax,
            "At a score of 1000 the exponential is infinite, and ∞/∞ is `nan`. PyTorch's softmax "
            "subtracts the largest score first.",
        ),
        (
            _own_softmax_filled,
            "At a score of 1000 the exponential is infinite, and ∞/∞ is `nan`. Your mask is right; "
            "leave the rest to PyTorch's softmax, which subtracts the largest score first.",
        ),
    ],
)


def _attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    W: Tensor,
    mask: Tensor,
    scale: float = 1.0,
    dim: int = 2,
    fill: float = -torch.inf,
) -> Tensor:
    """Its parts replaced: queries (n, t, d), keys (n, s, d), values (n, s, v)."""
    scores = scale * queries @ W @ keys.mT  # (n, t, s)
    return scores.masked_fill(~mask[:, None], fill).softmax(dim=dim) @ values


def _bilinear(queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor) -> Tensor:
    """Attention with scores q'Wk: queries (n, t, d), keys (n, s, d), values (n, s, v)."""
    scores = queries @ W @ keys.mT  # (n, t, s)
    return scores.masked_fill(~mask[:, None], -torch.inf).softmax(dim=2) @ values


def _bilinear_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    yield (
        tensor([[[0.5, 1.5]]]),
        tensor([[[0.4, -0.3], [0.2, 0.8], [1.2, 0.6]]]),
        tensor([[[3.0], [-2.0], [7.0]]]),
        tensor([[1.1, 0.7], [-0.4, 0.9]]),
        tensor([[True, True, False]]),
    )
    for n, t, s, d, v in ((2, 3, 4, 2, 3), (3, 2, 5, 3, 2), (2, 4, 4, 5, 6)):
        shapes = (n, t, d), (n, s, d), (n, s, v), (d, d)
        tensors = (torch.randn(shape, generator=generator) for shape in shapes)
        lengths = torch.randint(1, s, (n, 1), generator=generator)
        yield *tensors, torch.arange(s) < lengths
    queries, keys, values = torch.randn(3, 2, 3, 3, generator=generator)
    mask = tensor([[False, True, False], [True, False, True]])  # words after the padding
    yield queries, keys, values, torch.randn(3, 3, generator=generator), mask


def _no_softmax(queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor) -> Tensor:
    return (queries @ W @ keys.mT).masked_fill(~mask[:, None], 0.0) @ values


def _masked_late(queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor) -> Tensor:
    weights = (queries @ W @ keys.mT).softmax(dim=2)  # (n, t, s)
    return (weights * mask[:, None]) @ values


def _of_keys(queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor) -> Tensor:
    weights = (queries @ W @ keys.mT).masked_fill(~mask[:, None], -torch.inf).softmax(dim=2)
    return weights @ keys


def _scaled(queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor) -> Tensor:
    return _attend(queries, keys, values, W, mask, scale=W.shape[0] ** -0.5)


def _divided(queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor) -> Tensor:
    return _attend(queries, keys, values, W, mask, scale=1 / W.shape[0])


def _mask_without_queries(
    queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor
) -> Tensor:
    return (queries @ W @ keys.mT).masked_fill(~mask, -torch.inf).softmax(dim=2) @ values


def _mask_of_queries(
    queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor, fill: float
) -> Tensor:
    return (queries @ W @ keys.mT).masked_fill(~mask[:, :, None], fill).softmax(dim=2) @ values


def _both(
    queries: Tensor, keys: Tensor, values: Tensor, W: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """What the chapter's `attend` returns."""
    weights = (queries @ W @ keys.mT).masked_fill(~mask[:, None], -torch.inf).softmax(dim=2)
    return weights @ values, weights


_ONLY_D = "Here there is nothing to divide by: `W` can learn the scale by itself."

bilinear_attention = Exercise(
    reference=_bilinear,
    cases=_bilinear_cases,
    mistakes=[
        (
            lambda queries, keys, values, W, mask: _bilinear(
                queries, keys, values, W, torch.ones_like(mask)
            ),
            "The padding takes part: your function does not use `mask`.",
        ),
        (
            lambda queries, keys, values, W, mask: _bilinear(queries, keys, values, W, ~mask),
            "Your mask is the wrong way round. `mask` is true at the words, and `masked_fill` "
            "fills where its mask is true.",
        ),
        (
            _mask_without_queries,
            "Your mask has the shape (n, s), and the scores have (n, t, s): PyTorch lines up "
            "phrases with queries. Give the mask a dimension of size 1 for the queries.",
        ),
        *(
            (
                partial(_mask_of_queries, fill=fill),
                "Your mask has the shape (n, s, 1), so it covers rows, which are queries. The "
                "padding is among the keys, the last dimension of the scores.",
            )
            for fill in (-torch.inf, -1e9)
        ),
        (
            lambda queries, keys, values, W, mask: queries @ W @ keys.permute(2, 1, 0),
            "`keys.T` turns all three dimensions round, and the phrases end up last. Only the last "
            "two should change places.",
        ),
        (
            _both,
            "You return two things, the averages and the weights, as the chapter's `attend` does. "
            "The numbers are right: return the first of the two only.",
        ),
        (
            partial(_attend, fill=0.0),
            "You set the scores of the padding to 0. A score of 0 still has a weight: e⁰ is 1.",
        ),
        (
            _masked_late,
            "You mask after the softmax, so the weights that are left do not add up to 1. Mask the "
            "scores.",
        ),
        (
            lambda queries, keys, values, W, mask: _bilinear(queries, keys, values, W.T, mask),
            "Your `W` is transposed. The score of a query q and a key k is qᵀWk: the query stands "
            "on the left of `W`.",
        ),
        (
            lambda queries, keys, values, W, mask: _attend(
                queries, keys, values, torch.eye(len(W)), mask
            ),
            "These are plain dot products: your function does not use `W`.",
        ),
        (_scaled, "You divide the scores by √d. " + _ONLY_D),
        (_divided, "You divide the scores by d. " + _ONLY_D),
        (
            partial(_attend, dim=1),
            "Everything is `nan`. Either your softmax runs over the queries, where a column of "
            "padding has −∞ throughout: for each query, the weights of the *keys* have to add up "
            "to 1. Or you multiply a mask by −∞: 0 · (−∞) is `nan`, so use `masked_fill`.",
        ),
        (
            partial(_attend, dim=1, fill=-1e9),
            "Your softmax runs over the queries. For each query, the weights of the *keys* have "
            "to add up to 1.",
        ),
        (
            _no_softmax,
            "Your weights are the scores themselves. Send them through a softmax first.",
        ),
        (
            lambda queries, keys, values, W, mask: (
                (queries @ W @ keys.mT).masked_fill(~mask[:, None], -torch.inf).softmax(dim=2)
            ),
            "These are the weights, of shape (n, t, s). What is wanted is the average of the "
            "values that they give.",
        ),
        (
            _of_keys,
            "You average the keys. They only decide the weights; what is averaged are the values.",
        ),
    ],
)
