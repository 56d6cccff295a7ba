"""Right and wrong answers to the exercises of *Self-attention*, as readers write them."""

from __future__ import annotations

import torch


def heads_by_chunk(X, heads):
    return torch.stack(X.chunk(heads, dim=-1), dim=1)


def heads_by_index(X, heads):
    n, t, d = X.shape
    k = d // heads
    out = torch.empty(n, heads, t, k)
    for h in range(heads):
        out[:, h] = X[:, :, h * k : (h + 1) * k]
    return out


def heads_by_view(X, heads):
    n, t, d = X.shape
    return X.view(n, heads, t, d // heads)


def heads_not_moved(X, heads):
    n, t, d = X.shape
    return X.view(n, t, heads, d // heads)


def heads_stacked_first(X, heads):
    return torch.stack(X.chunk(heads, dim=-1))


def heads_dealt(X, heads):
    return torch.stack([X[:, :, h::heads] for h in range(heads)], dim=1)


def heads_transposed(X, heads):
    return torch.stack([part.transpose(1, 2) for part in X.chunk(heads, dim=2)], dim=1)


def heads_too_many(X, heads):
    n, t, d = X.shape
    return X.reshape(n, t, d // heads, heads).transpose(1, 2)


def heads_as_a_list(X, heads):
    return list(X.chunk(heads, dim=-1))


def heads_swapped_with_columns(X, heads):
    n, t, d = X.shape
    return X.reshape(n, t, heads, d // heads).transpose(2, 3)


def heads_transposed_too_soon(X, heads):
    n, t, d = X.shape
    return X.transpose(1, 2).reshape(n, heads, t, d // heads)


def window_by_loop(t, w):
    mask = torch.zeros(t, t, dtype=torch.bool)
    for i in range(t):
        mask[i, max(0, i - w) : i + 1] = True
    return mask


def window_to_add(t, w):
    return torch.log(window_by_triangles(t, w).float())


def window_by_triangles(t, w):
    ones = torch.ones(t, t, dtype=torch.bool)
    return ones.tril() & ones.triu(-w)


def window_both_sides(t, w):
    ones = torch.ones(t, t, dtype=torch.bool)
    return ones.tril(w) & ones.triu(-w)


def window_too_short(t, w):
    ones = torch.ones(t, t, dtype=torch.bool)
    return ones.tril() & ones.triu(-w + 1)


def window_too_long(t, w):
    ones = torch.ones(t, t, dtype=torch.bool)
    return ones.tril() & ones.triu(-w - 1)


def window_without_itself(t, w):
    mask = torch.zeros(t, t, dtype=torch.bool)
    for i in range(t):
        mask[i, max(0, i - w) : i] = True
    return mask


def window_ahead(t, w):
    return window_by_loop(t, w).T


def window_hidden(t, w):
    return ~window_by_loop(t, w)


def window_causal(t, w):
    return torch.ones(t, t).tril().bool()


def window_of_numbers(t, w):
    return torch.ones(t, t).tril().triu(-w)


def window_of_integers(t, w):
    return torch.ones(t, t, dtype=torch.int64).tril().triu(-w)


def window_above(t, w):
    ones = torch.ones(t, t, dtype=torch.bool)
    return ones.tril().triu(w)


def shift_by_index(step, d):
    M = torch.zeros(d, d)
    for j in range(0, d, 2):
        a = torch.tensor(step / 10000 ** (j / d))
        M[j, j] = M[j + 1, j + 1] = torch.cos(a)
        M[j, j + 1] = -torch.sin(a)
        M[j + 1, j] = torch.sin(a)
    return M


def shift_by_kronecker(step, d):
    phi = step * torch.exp(-torch.arange(0, d, 2) / d * torch.log(torch.tensor(10000.0)))
    cosines = torch.kron(torch.diag(phi.cos()), torch.eye(2))
    return cosines + torch.kron(torch.diag(phi.sin()), torch.tensor([[0.0, -1.0], [1.0, 0.0]]))


def shift_by_fit(step, d):
    p = torch.arange(-20, 60)[:, None]
    omega = 10000 ** (-torch.arange(0, d, 2) / d)

    def table(p):
        return torch.stack([torch.sin(p * omega), torch.cos(p * omega)], dim=2).flatten(1)

    return torch.linalg.lstsq(table(p), table(p + step)).solution


def shift_growing(step, d):
    M = torch.zeros(d, d)
    for i, omega in enumerate(10000 ** (torch.arange(0, d, 2) / d)):
        c, s = torch.cos(step * omega), torch.sin(step * omega)
        M[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = torch.tensor([[c, -s], [s, c]])
    return M


def shift_growing_by_exp(step, d):
    phi = step * torch.exp(torch.arange(0, d, 2) / d * torch.log(torch.tensor(10000.0)))
    cosines = torch.kron(torch.diag(phi.cos()), torch.eye(2))
    return cosines + torch.kron(torch.diag(phi.sin()), torch.tensor([[0.0, -1.0], [1.0, 0.0]]))


def shift_double_exponent(step, d):
    phi = step / 10000 ** (2 * torch.arange(0, d, 2) / d)
    cosines = torch.kron(torch.diag(phi.cos()), torch.eye(2))
    return cosines + torch.kron(torch.diag(phi.sin()), torch.tensor([[0.0, -1.0], [1.0, 0.0]]))


def shift_forwards_only(step, d):
    return shift_by_index(abs(step), d)


def shift_two_minus(step, d):
    M = shift_by_index(step, d)
    for j in range(0, d, 2):
        M[j + 1, j] = M[j, j + 1]
    return M


def shift_backwards(step, d):
    return shift_by_index(step, d).T


def shift_half_exponent(step, d):
    M = torch.zeros(d, d)
    for j in range(d // 2):
        a = torch.tensor(step / 10000 ** (j / d))
        M[2 * j, 2 * j] = M[2 * j + 1, 2 * j + 1] = torch.cos(a)
        M[2 * j, 2 * j + 1], M[2 * j + 1, 2 * j] = -torch.sin(a), torch.sin(a)
    return M


def shift_one_angle(step, d):
    a = torch.tensor(float(step))
    block = torch.tensor([[a.cos(), -a.sin()], [a.sin(), a.cos()]])
    return torch.block_diag(*[block] * (d // 2))


def shift_one_step(step, d):
    return shift_by_index(1, d)


def shift_no_minus(step, d):
    M = torch.zeros(d, d)
    for j in range(0, d, 2):
        a = torch.tensor(step / 10000 ** (j / d))
        M[j, j] = M[j + 1, j + 1] = torch.cos(a)
        M[j, j + 1] = M[j + 1, j] = torch.sin(a)
    return M


def shift_halves(step, d):
    order = [*range(0, d, 2), *range(1, d, 2)]
    return shift_by_index(step, d)[order][:, order]


RIGHT = {
    "into_heads": [heads_by_chunk, heads_by_index],
    "look_back_window": [window_by_loop, window_by_triangles],
    "position_shift": [shift_by_index, shift_by_kronecker],
}
WRONG = {
    "into_heads": [
        (heads_by_view, "you cut the tokens into groups"),
        (heads_not_moved, "the tokens still come before"),
        (heads_stacked_first, "the examples come first"),
        (heads_dealt, "You deal the columns out in turn"),
        (heads_transposed, "the tokens have become columns"),
        (heads_too_many, "`heads` columns wide"),
        (heads_as_a_list, "Stack them into one"),
        (heads_swapped_with_columns, "swapped the heads with the columns"),
        (heads_transposed_too_soon, "swap after that"),
    ],
    "look_back_window": [
        (window_to_add, "a mask to *add* to the scores"),
        (window_both_sides, "open on both sides"),
        (window_too_short, "`w` positions wide"),
        (window_too_long, "one position too far"),
        (window_without_itself, "may attend to itself"),
        (window_ahead, "attend ahead"),
        (window_hidden, "may *not* attend"),
        (window_causal, "Where is `w`"),
        (window_of_numbers, "`.bool()`"),
        (window_of_integers, "`.bool()`"),
        (window_above, "`triu(-w)`"),
    ],
    "position_shift": [
        (shift_by_fit, "You fit a matrix"),
        (shift_backwards, "You turn the wrong way"),
        (shift_half_exponent, "fall too slowly"),
        (shift_one_angle, "the same angle"),
        (shift_one_step, "This is one step"),
        (shift_no_minus, "A sign is missing"),
        (shift_halves, "all sines first"),
        (shift_growing, "Your frequencies grow"),
        (shift_growing_by_exp, "Your frequencies grow"),
        (shift_double_exponent, "fall too fast"),
        (shift_forwards_only, "negative steps"),
        (shift_two_minus, "One minus too many"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "position_shift": {
        "10000 → 10001": "within the tolerance",
        "10000 → 9999": "within the tolerance",
        "the answer is squeezed": "d is even, so no dimension is 1",
    },
}
