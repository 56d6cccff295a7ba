"""Right and wrong answers to the exercises of the chapter *Long short-term memory*."""

from __future__ import annotations

import math

import torch
from torch import nn


def step_by_stack(z, z_i, z_f, z_o, c):
    i, f, o = torch.stack([z_i, z_f, z_o]).sigmoid()
    c = c * f + i * z.tanh()
    return o * c.tanh(), c


def step_by_hand(z, z_i, z_f, z_o, c):
    def gate(s):
        return 1 / (1 + torch.exp(-s))

    kept = gate(z_f) * c
    written = gate(z_i) * torch.tanh(z)
    return gate(z_o) * torch.tanh(kept + written), kept + written


def step_swapped(z, z_i, z_f, z_o, c):
    h, c = step_by_stack(z, z_i, z_f, z_o, c)
    return c, h


def step_gates_swapped(z, z_i, z_f, z_o, c):
    c = torch.sigmoid(z_i) * c + torch.sigmoid(z_f) * torch.tanh(z)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def step_forget_inverted(z, z_i, z_f, z_o, c):
    c = (1 - torch.sigmoid(z_f)) * c + torch.sigmoid(z_i) * torch.tanh(z)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def step_all_sigmoid(z, z_i, z_f, z_o, c):
    c = torch.sigmoid(z_f) * c + torch.sigmoid(z_i) * torch.sigmoid(z)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def step_reads_old(z, z_i, z_f, z_o, c):
    h = torch.sigmoid(z_o) * torch.tanh(c)
    return h, torch.sigmoid(z_f) * c + torch.sigmoid(z_i) * torch.tanh(z)


def step_straight_output(z, z_i, z_f, z_o, c):
    c = torch.sigmoid(z_f) * c + torch.sigmoid(z_i) * torch.tanh(z)
    return torch.sigmoid(z_o) * c, c


def step_sigmoid_output(z, z_i, z_f, z_o, c):
    c = torch.sigmoid(z_f) * c + torch.sigmoid(z_i) * torch.tanh(z)
    return torch.sigmoid(z_o) * torch.sigmoid(c), c


def step_no_forget(z, z_i, z_f, z_o, c):
    c = c + torch.sigmoid(z_i) * torch.tanh(z)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def step_forgets_the_new(z, z_i, z_f, z_o, c):
    i, f, o = torch.sigmoid(z_i), torch.sigmoid(z_f), torch.sigmoid(z_o)
    new = c + f * i * torch.tanh(z)
    return o * torch.tanh(new), new


def step_writes_by_forget_gate(z, z_i, z_f, z_o, c):
    new = torch.sigmoid(z_f) * torch.tanh(z) + c
    return torch.sigmoid(z_o) * torch.tanh(new), new


def step_forgets_all(z, z_i, z_f, z_o, c):
    c = torch.sigmoid(z_f) * (c + torch.sigmoid(z_i) * torch.tanh(z))
    return torch.sigmoid(z_o) * torch.tanh(c), c


def step_tied(z, z_i, z_f, z_o, c):
    c = torch.lerp(torch.tanh(z), c, torch.sigmoid(z_f))
    return torch.sigmoid(z_o) * torch.tanh(c), c


def step_no_input_gate(z, z_i, z_f, z_o, c):
    c = c * torch.sigmoid(z_f) + torch.tanh(z)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def step_raw_scores(z, z_i, z_f, z_o, c):
    c = z_f * c + z_i * torch.tanh(z)
    return z_o * torch.tanh(c), c


def step_state_only(z, z_i, z_f, z_o, c):
    return step_by_stack(z, z_i, z_f, z_o, c)[0]


def step_in_place(z, z_i, z_f, z_o, c):
    c *= torch.sigmoid(z_f)
    c += torch.sigmoid(z_i) * torch.tanh(z)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def widest_by_root(d, budget):
    # 4 h² + 4 (d + 2) h = budget
    p = (d + 2) / 2
    h = math.floor(math.sqrt(p * p + budget / 4) - p + 1e-9)
    return h


def widest_by_torch(d, budget):
    h = 0
    while sum(p.numel() for p in nn.LSTM(d, h + 1, device="meta").parameters()) <= budget:
        h += 1
    return h


def widest_one_bias(d, budget):
    return max([h for h in range(budget + 1) if 4 * h * d + 4 * h * h + 4 * h <= budget], default=0)


def widest_no_bias(d, budget):
    return max([h for h in range(budget + 1) if 4 * h * (d + h) <= budget], default=0)


def widest_three(d, budget):
    return max([h for h in range(budget + 1) if 3 * h * (d + h + 2) <= budget], default=0)


def widest_plain(d, budget):
    return max([h for h in range(budget + 1) if h * (d + h + 2) <= budget], default=0)


def widest_strict(d, budget):
    return max([h for h in range(budget + 1) if 4 * h * (d + h + 2) < budget], default=0)


def widest_too_wide(d, budget):
    h = 1
    while 4 * h * (d + h + 2) <= budget:
        h += 1
    return h


def widest_at_least_one(d, budget):
    h = 1
    while 4 * (h + 1) * (d + h + 3) <= budget:
        h += 1
    return h


def widest_half(d, budget):
    return widest_plain(d, budget) // 2


def widest_float(d, budget):
    p = (d + 2) / 2
    return (math.sqrt(p * p + budget / 4) - p + 1e-9) // 1


def widest_rounded(d, budget):
    p = (d + 2) / 2
    return int(math.sqrt(p * p + budget / 4) - p + 0.5)


def widest_rounded_up(d, budget):
    p = (d + 2) / 2
    return math.ceil(round(math.sqrt(p * p + budget / 4) - p, 9))


def widest_up_to_a_hundred(d, budget):
    return max([h for h in range(101) if 4 * h * (d + h + 2) <= budget])


def widest_up_to_a_thousand(d, budget):
    best = 0
    for h in range(1, 1001):
        if 4 * h * (d + h + 2) <= budget:
            best = h
    return best


def step_stacked(z, z_i, z_f, z_o, c):
    return torch.stack(step_by_hand(z, z_i, z_f, z_o, c))


def step_with_the_gate(z, z_i, z_f, z_o, c):
    state, memory = step_by_hand(z, z_i, z_f, z_o, c)
    return state, memory, torch.sigmoid(z_f)


RIGHT = {
    "memory_step": [step_by_stack, step_by_hand],
    "widest_lstm": [widest_by_root, widest_by_torch],
}
WRONG = {
    "memory_step": [
        (step_swapped, "You return the memory first"),
        (step_gates_swapped, "Your input gate and your forget gate have changed places"),
        (step_forget_inverted, "Your forget gate is the wrong way round"),
        (step_all_sigmoid, "Your candidate goes through a sigmoid"),
        (step_reads_old, "Your state is made of the old memory"),
        (step_straight_output, "You put the memory out as it is"),
        (step_sigmoid_output, "on its way to the state. Sigmoids are for"),
        (step_no_forget, "The forget gate is missing"),
        (step_forgets_the_new, "the old memory stays whole"),
        (step_writes_by_forget_gate, "the old memory stays whole"),
        (step_forgets_all, "what is new as well"),
        (step_tied, "You let in what the forget gate drops"),
        (step_no_input_gate, "The input gate is missing"),
        (step_raw_scores, "You multiply by the scores themselves"),
        (step_stacked, "Return exactly the two"),
        (step_with_the_gate, "Return exactly the two"),
        (step_state_only, "the state alone"),
        (step_in_place, "Make a new one"),
    ],
    "widest_lstm": [
        (widest_one_bias, "You count one bias"),
        (widest_no_bias, "You count no biases"),
        (widest_three, "You count three blocks"),
        (widest_plain, "the width of a plain recurrent layer"),
        (widest_strict, "to the last parameter"),
        (widest_too_wide, "One too many"),
        (widest_at_least_one, "not even one cell fits"),
        (widest_half, "You halve the width of a plain layer"),
        (widest_float, "`//` and `int`"),
        (widest_rounded, "to the nearest whole number"),
        (widest_rounded_up, "You round up"),
        (widest_up_to_a_hundred, "stop too soon"),
        (widest_up_to_a_thousand, "stop too soon"),
    ],
}
