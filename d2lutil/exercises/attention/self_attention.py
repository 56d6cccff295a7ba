"""Exercises of the chapter *Self-attention*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from d2lutil.exercises import Exercise


def _into_heads(X: Tensor, heads: int) -> Tensor:
    """X (n, t, d) -> (n, heads, t, d / heads), the columns of each head together."""
    return X.unflatten(2, (heads, -1)).transpose(1, 2)


def _heads_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
    yield torch.arange(1.0, 13.0).view(1, 3, 4), 2
    for n, t, d, heads in ((2, 3, 10, 5), (3, 4, 6, 3), (2, 5, 8, 2), (2, 3, 4, 1), (3, 5, 4, 4)):
        yield torch.randn(n, t, d, generator=generator), heads


into_heads = Exercise(
    reference=_into_heads,
    cases=_heads_cases,
    mistakes=[
        (
            lambda X, heads: X.reshape(len(X), heads, X.shape[1], -1),
            "The shape is right and the numbers are not: you cut the tokens into groups, and each "
            "head gets some of the tokens. Each head should get some columns of all tokens. Cut "
            "the last dimension first.",
        ),
        (
            lambda X, heads: X.unflatten(2, (heads, -1)),
            "The columns are cut rightly. But the tokens still come before the heads: the "
            "shape asked for is `(n, heads, t, d // heads)`.",
        ),
        (
            lambda X, heads: X.unflatten(2, (heads, -1)).permute(2, 0, 1, 3),
            "The columns are cut rightly. But the examples come first, and then the heads.",
        ),
        (
            lambda X, heads: X.unflatten(2, (-1, heads)).permute(0, 3, 1, 2),
            "You deal the columns out in turn, one to each head, as one deals cards. A head should "
            "get columns that are side by side.",
        ),
        (
            lambda X, heads: X.unflatten(2, (-1, heads)).transpose(1, 2),
            "You make heads that are `heads` columns wide. There should be `heads` of them, each "
            "`d // heads` wide.",
        ),
        (
            lambda X, heads: X.unflatten(2, (heads, -1)).permute(0, 2, 3, 1),
            "Within each head, the tokens have become columns. They are the rows: "
            "`(n, heads, t, d // heads)`.",
        ),
        (
            lambda X, heads: X[:, None].expand(-1, heads, -1, -1),
            "Every head of yours gets all columns. They are divided among the heads.",
        ),
        (
            lambda X, heads: X.chunk(heads, -1),
            "These are the right parts, as several tensors. Stack them into one, along a new "
            "dimension before the tokens.",
        ),
        (
            lambda X, heads: X.unflatten(2, (heads, -1)).transpose(2, 3),
            "The columns are cut rightly. But you have swapped the heads with the columns, instead "
            "of with the tokens.",
        ),
        (
            lambda X, heads: X.transpose(1, 2).reshape(len(X), heads, X.shape[1], -1),
            "You swap tokens and columns first, and then a reshape to `(n, heads, t, k)` reads the "
            "columns as tokens. Cut the last dimension first, and swap after that.",
        ),
    ],
)


def _distance(t: int) -> Tensor:
    """How far column j is behind row i: i - j, (t, t)."""
    return torch.arange(t)[:, None] - torch.arange(t)


def _look_back_window(t: int, w: int) -> Tensor:
    """True where row i may attend to column j: i - w <= j <= i."""
    return (_distance(t) >= 0) & (_distance(t) <= w)


def _sliced(t: int, w: int) -> Tensor:
    """A slice for each row, whose start may be negative."""
    mask = torch.zeros(t, t, dtype=torch.bool)
    for i in range(t):
        mask[i, i - w : i + 1] = True
    return mask


look_back_window = Exercise(
    reference=_look_back_window,
    cases=lambda generator: [(4, 1), (6, 2), (7, 4), (3, 0), (3, 5), (1, 2)],
    mistakes=[
        (
            lambda t, w: _distance(t).abs() <= w,
            "Your window is open on both sides. No position may attend ahead.",
        ),
        (
            lambda t, w: (_distance(t) >= 0) & (_distance(t) < w),
            "Off by one: your window is `w` positions wide with the position itself. It should be "
            "the position itself and `w` others.",
        ),
        (
            lambda t, w: (_distance(t) >= 0) & (_distance(t) <= w + 1),
            "Off by one: your window reaches back one position too far.",
        ),
        (
            lambda t, w: (_distance(t) > 0) & (_distance(t) <= w),
            "A position may attend to itself, too; with your mask the first attends to nothing.",
        ),
        (
            lambda t, w: (_distance(t) <= 0) & (_distance(t) >= -w),
            "Your positions attend ahead. Rows are queries, columns are keys: the column must not "
            "be larger than the row.",
        ),
        (
            lambda t, w: torch.zeros(t, t).masked_fill(~_look_back_window(t, w), -torch.inf),
            "This is a mask to *add* to the scores: 0 where a position may attend, −∞ elsewhere. "
            "The task asks for booleans: `mask == 0`.",
        ),
        (
            lambda t, w: ~_look_back_window(t, w),
            "Your mask is `True` where a position may *not* attend, as `nn.MultiheadAttention` "
            "wants it. Ours says where it may.",
        ),
        (
            lambda t, w: _distance(t) >= 0,
            "Your positions attend back without end. Where is `w`?",
        ),
        (
            lambda t, w: _distance(t) <= w,
            "You have bounded how far a position attends back. It must not attend ahead either.",
        ),
        (
            lambda t, w: _distance(t) == w,
            "In your mask each position attends to one position only. It should be all those up to "
            "`w` positions back.",
        ),
        (
            lambda t, w: _look_back_window(t, w).float(),
            "The ones and zeros are at the right positions. The task asks for booleans: `.bool()`.",
        ),
        (
            lambda t, w: _look_back_window(t, w).long(),
            "The ones and zeros are at the right positions. The task asks for booleans: `.bool()`.",
        ),
        (
            lambda t, w: (_distance(t) >= 0) & (_distance(t) <= -w),
            "Diagonals below the main one have negative numbers: `triu(-w)` keeps the `w` below "
            "it, and `triu(w)` removes even the main one.",
        ),
        (
            lambda t, w: _distance(t) >= -w,
            "`tril(w)` keeps `w` diagonals above the main one: your positions attend ahead, and "
            "back without end. What cuts off the distant past?",
        ),
        (
            lambda t, w: (_distance(t) >= 0) | (_distance(t) <= w),
            "Your mask is `True` everywhere: every distance is at least 0 or at most `w`. Both "
            "conditions must hold: `&`.",
        ),
        (
            _sliced,
            "In the first rows, `i - w` is negative, and a negative index counts from the end of "
            "the row. The window ends at the first position: `max(0, i - w)`.",
        ),
    ],
)


def _turn(phi: Tensor) -> Tensor:
    """A block [[cos, -sin], [sin, cos]] for each angle on the diagonal: (d, d)."""
    c, s = torch.cos(phi), torch.sin(phi)
    return torch.block_diag(
        *(
            torch.stack([torch.stack([a, -b]), torch.stack([b, a])])
            for a, b in zip(c, s, strict=True)
        )
    )


def _frequencies(d: int, base: float = 10000) -> Tensor:
    return base ** (-torch.arange(0, d, 2) / d)


def _position_shift(step: int, d: int) -> Tensor:
    """M (d, d), with which P[p] @ M = P[p + step] for the sinusoidal table P."""
    return _turn(step * _frequencies(d))


def _in_halves(step: int, d: int) -> Tensor:
    phi = step * _frequencies(d)
    C, S = torch.diag(torch.cos(phi)), torch.diag(torch.sin(phi))
    return torch.cat([torch.cat([C, -S], 1), torch.cat([S, C], 1)])


def _no_minus(step: int, d: int) -> Tensor:
    M = _position_shift(step, d)
    even = torch.arange(0, d, 2)
    M[even, even + 1] *= -1
    return M


def _two_minus(step: int, d: int) -> Tensor:
    M = _position_shift(step, d)
    even = torch.arange(0, d, 2)
    M[even + 1, even] *= -1
    return M


def _rows(positions: Tensor, d: int) -> Tensor:
    """Rows of the sinusoidal table at positions (n,): (n, d)."""
    angles = positions[:, None] * _frequencies(d)  # (n, d / 2)
    return torch.stack([torch.sin(angles), torch.cos(angles)], dim=2).flatten(1)


def _fitted(step: int, d: int) -> Tensor:
    """The matrix that fits the first hundred rows best, in single precision."""
    positions = torch.arange(100)
    return torch.linalg.lstsq(_rows(positions, d), _rows(positions + step, d)).solution


def _moved(position_shift: Callable[[int, int], Any], step: int, d: int) -> Any:
    """What the matrix makes of rows of the table, and whether it still does so far away."""
    M = position_shift(step, d)
    if not isinstance(M, Tensor):
        return M
    if M.shape != (d, d):
        return M.shape, M
    far = torch.tensor([1_000, 5_000])
    moved = _rows(far, d).to(M.dtype) @ M  # (2, d)
    exact = torch.allclose(moved, _rows(far + step, d).to(M.dtype), atol=0.02)
    return M.shape, _rows(torch.arange(16), d).to(M.dtype) @ M, exact


position_shift = Exercise(
    reference=_position_shift,
    cases=lambda generator: [(1, 2), (1, 4), (2, 6), (-1, 8), (5, 4), (0, 6), (0, 32)],
    call=_moved,
    returns=("M.shape", "P[:16] @ M", "P[p] @ M is right at p = 1000 and 5000"),
    tolerance=5e-3,  # where frequencies grow by mistake, angles have few digits after the point
    mistakes=[
        (
            lambda step, d: _position_shift(-step, d),
            "You turn the wrong way: this goes back by `step` positions. Check the signs of the "
            "two sines, and on which side of `M` the row is.",
        ),
        (
            lambda step, d: _turn(step * 10000 ** (-torch.arange(d // 2) / d)),
            "Your frequencies fall too slowly. The exponent is −2j/d, with j from 0 to d/2 − 1.",
        ),
        (
            _fitted,
            "You fit a matrix to the first rows of the table, which with many columns does not fix "
            "it: far away it goes wrong. Write its entries down, from the sine and the cosine of "
            "a sum.",
        ),
        (
            lambda step, d: _turn(step * torch.ones(d // 2)),
            "All your pairs turn by the same angle. Pair j has a frequency of its own.",
        ),
        (
            lambda step, d: _turn(_frequencies(d)),
            "This is one step, whatever `step` is.",
        ),
        (
            lambda step, d: _turn(step / _frequencies(d)),
            "Your frequencies grow. The first pair turns the fastest: the exponent is negative.",
        ),
        (
            _in_halves,
            "Your table would have all sines first and then all cosines. In the chapter's table "
            "they alternate.",
        ),
        (
            lambda step, d: _position_shift(step, d).abs(),
            "Is there no minus in your matrix? The cosine of a sum has one.",
        ),
        (
            lambda step, d: torch.diag(torch.cos(step * _frequencies(d)).repeat_interleave(2)),
            "Only the cosines are there. A new sine takes something from the old cosine, and the "
            "other way round.",
        ),
        *(
            (
                lambda step, d, dim=dim: torch.eye(d).roll(step, dim),
                "You move the features by `step` columns. Another position does not move them: it "
                "turns each pair by its own angle, ω_j times `step`.",
            )
            for dim in (0, 1)
        ),
        (
            lambda step, d: _position_shift(step, d).unflatten(0, (-1, 2)).flip(1).flatten(0, 1),
            "Your sines are on the diagonal. A new sine is the *old sine* times the cosine of the "
            "angle, plus the old cosine times its sine.",
        ),
        (
            _no_minus,
            "A sign is missing: the sine of a sum has a plus, the cosine of a sum has a minus.",
        ),
        (
            _two_minus,
            "One minus too many: the sine of a sum has a plus, the cosine of a sum has a minus.",
        ),
        (
            lambda step, d: _position_shift(abs(step), d),
            "Check negative steps: they go back, and the sine of a negative angle is negative.",
        ),
        (
            lambda step, d: _turn(step * 10000 ** (-2 * torch.arange(0, d, 2) / d)),
            "Your frequencies fall too fast: an exponent of −4j/d. `torch.arange(0, d, 2)` is 2j "
            "already.",
        ),
    ],
)
