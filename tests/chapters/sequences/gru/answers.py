"""Right and wrong answers to the exercises of the chapter *Gated recurrent units*."""

from __future__ import annotations

import math

import torch


def minimal_by_chunks(x, H, W_x, W_h, b):
    x_f, x_n = (x @ W_x + b).chunk(2, dim=1)
    U_f, U_n = W_h.chunk(2, dim=1)
    f = (x_f + H @ U_f).sigmoid()
    new = (x_n + (H * f) @ U_n).tanh()
    return torch.lerp(H, new, f)


def minimal_by_linear(x, H, W_x, W_h, b):
    h = H.shape[1]
    both = torch.cat([x, H], dim=1)
    W = torch.cat([W_x, W_h])
    f = 1 / (1 + torch.exp(-(both @ W[:, :h] + b[:h])))
    reset = torch.cat([x, f * H], dim=1)
    new = torch.tanh(reset @ W[:, h:] + b[h:])
    return H - f * H + f * new


def _parts(x, H, W_x, W_h, b):
    h = H.shape[1]
    f = torch.sigmoid(x @ W_x[:, :h] + H @ W_h[:, :h] + b[:h])
    return f, x @ W_x[:, h:] + b[h:], W_h[:, h:]


def minimal_inverted(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    return f * H + (1 - f) * torch.tanh(a + (f * H) @ U)


def minimal_after(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    return (1 - f) * H + f * torch.tanh(a + f * (H @ U))


def minimal_no_reset(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    return (1 - f) * H + f * torch.tanh(a + H @ U)


def minimal_rest(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    return (1 - f) * H + f * torch.tanh(a + (H - f * H) @ U)


def minimal_other_gate(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    f = 1 - f
    return (1 - f) * H + f * torch.tanh(a + (f * H) @ U)


def minimal_swapped(x, H, W_x, W_h, b):
    n, f = (x @ W_x + b).chunk(2, dim=1)
    U_n, U_f = W_h.chunk(2, dim=1)
    f = torch.sigmoid(f + H @ U_f)
    return (1 - f) * H + f * torch.tanh(n + (f * H) @ U_n)


def minimal_adds(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    return (1 - f) * H + torch.tanh(a + (f * H) @ U)


def minimal_grows(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    return H + f * torch.tanh(a + (f * H) @ U)


def minimal_sigmoid(x, H, *weights):
    f, a, U = _parts(x, H, *weights)
    return (1 - f) * H + f * torch.sigmoid(a + (f * H) @ U)


def minimal_no_bias(x, H, W_x, W_h, b):
    return minimal_by_chunks(x, H, W_x, W_h, torch.zeros_like(b))


def minimal_no_matrix(x, H, *weights):
    f, a, _ = _parts(x, H, *weights)
    return (1 - f) * H + f * torch.tanh(a + f * H)


def lives_multiplied(Z):
    return math.log(0.5) / (Z.prod(dim=0) ** (1 / len(Z))).log()


def lives_by_power(Z):
    mean = Z.log().mean(dim=0).exp()  # the geometric mean
    return math.log(0.5) / torch.log(mean)


def lives_by_base_two(Z):
    return len(Z) / -torch.log2(Z).sum(dim=0)


def lives_arithmetic(Z):
    return math.log(0.5) / torch.log(Z.mean(dim=0))


def lives_time_constant(Z):
    return -1 / torch.log(Z).mean(dim=0)


def lives_averaged(Z):
    return (math.log(0.5) / torch.log(Z)).mean(dim=0)


def lives_negative(Z):
    return math.log(2) / torch.log(Z).mean(dim=0)


def lives_sum(Z):
    return math.log(0.5) / torch.log(Z).sum(dim=0)


def lives_product(Z):
    return -math.log(2) / torch.log(Z.prod(dim=0))


def lives_of_steps(Z):
    return math.log(0.5) / torch.log(Z).mean(dim=1)


def lives_one(Z):
    return math.log(0.5) / torch.log(Z).mean()


def torch_by_index(W_x, W_h, b, c):
    h = len(W_h)
    order = [*range(h, 2 * h), *range(h), *range(2 * h, 3 * h)]
    return W_x[:, order].T, W_h.T[order], b[order], c[order]


def torch_by_rows(W_x, W_h, b, c):
    def stacked(W):
        z, r, n = W.chunk(3, dim=1)
        return torch.cat([r.T, z.T, n.T])

    def joined(v):
        z, r, n = v.view(3, -1)
        return torch.cat([r, z, n])

    return stacked(W_x), stacked(W_h), joined(b), joined(c)


def torch_same_order(W_x, W_h, b, c):
    return W_x.T, W_h.T, b, c


def torch_nothing(W_x, W_h, b, c):
    return W_x, W_h, b, c


def torch_not_transposed(W_x, W_h, b, c):
    W_x, W_h, b, c = torch_by_index(W_x, W_h, b, c)
    return W_x.T, W_h.T, b, c


def torch_biases_alone(W_x, W_h, b, c):
    return (*torch_by_index(W_x, W_h, b, c)[:2], b, c)


def torch_biases_swapped(W_x, W_h, b, c):
    return torch_by_index(W_x, W_h, c, b)


def torch_one_bias(W_x, W_h, b, c):
    return torch_by_index(W_x, W_h, b + c, torch.zeros_like(c))


def torch_candidate_first(W_x, W_h, b, c):
    h = len(W_h)
    order = [*range(2 * h, 3 * h), *range(2 * h)]
    return W_x[:, order].T, W_h[:, order].T, b[order], c[order]


def torch_blocks_as_they_were(W_x, W_h, b, c):
    h = len(W_h)
    _, _, b, c = torch_by_index(W_x, W_h, b, c)
    parts = [torch.cat([W[:, h : 2 * h], W[:, :h], W[:, 2 * h :]]) for W in (W_x, W_h)]
    return *parts, b, c


def torch_side_by_side(W_x, W_h, b, c):
    h = len(W_h)
    _, _, b, c = torch_by_index(W_x, W_h, b, c)
    parts = [torch.cat([W[:, h : 2 * h].T, W[:, :h].T, W[:, 2 * h :].T], dim=1) for W in (W_x, W_h)]
    return *parts, b, c


RIGHT = {
    "minimal_gated_step": [minimal_by_chunks, minimal_by_linear],
    "gate_half_lives": [lives_by_power, lives_by_base_two],
    "blocks_for_torch": [torch_by_index, torch_by_rows],
}
WRONG = {
    "minimal_gated_step": [
        (minimal_inverted, "Your gate is the wrong way round"),
        (minimal_after, "after the matrix"),
        (minimal_no_reset, "sees the whole state"),
        (minimal_rest, "sees the state times"),
        (minimal_other_gate, "in both places"),
        (minimal_swapped, "second half of the columns for the gate"),
        (minimal_adds, "You add all of the candidate"),
        (minimal_grows, "You keep all of the old state"),
        (minimal_sigmoid, "through a sigmoid"),
        (minimal_no_bias, "The bias `b` is missing"),
        (minimal_no_matrix, "without its matrix"),
    ],
    "gate_half_lives": [
        (lives_arithmetic, "take the logarithm afterwards"),
        (lives_time_constant, "This is the time constant"),
        (lives_averaged, "a half-life for each step"),
        (lives_negative, "are negative"),
        (lives_sum, "do not divide"),
        (lives_product, "do not divide"),
        (lives_of_steps, "average over the units"),
        (lives_one, "one number for all units"),
        (lives_multiplied, "Add the logarithms instead"),
    ],
    "blocks_for_torch": [
        (torch_same_order, "keep the order update, reset"),
        (torch_nothing, "as they came"),
        (torch_not_transposed, "not transposed"),
        (torch_biases_alone, "the biases"),
        (torch_biases_swapped, "changed places"),
        (torch_one_bias, "add the two biases"),
        (torch_candidate_first, "candidate first"),
        (torch_blocks_as_they_were, "still as it was"),
        (torch_side_by_side, "side by side"),
    ],
}
EQUIVALENT = {}  # changes of the reference that are no mistakes
