"""Answers to the exercises: right ones, and wrong ones with a piece of the hint they get."""

import torch
from torch import nn


def final_by_loop(states, lengths):
    h = states.shape[2] // 2
    rows = [torch.cat([s[k - 1, :h], s[0, h:]]) for s, k in zip(states, lengths, strict=True)]
    return torch.stack(rows)


def final_by_gather(states, lengths):
    forward, backward = states.chunk(2, dim=2)
    index = (lengths - 1)[:, None, None].expand(-1, 1, forward.shape[2])
    return torch.hstack([forward.gather(1, index).squeeze(1), backward[:, 0]])


def final_by_mask(states, lengths):
    _, t, width = states.shape
    is_last = torch.arange(t)[None] == lengths[:, None] - 1
    forward = states[is_last][:, : width // 2]
    return torch.cat((forward, states[:, 0][:, width // 2 :]), -1)


def final_last_step(states, lengths):
    return states[:, -1]


def final_both_at_end(states, lengths):
    return states[range(len(states)), lengths - 1]


def final_forward_in_padding(states, lengths):
    h = states.shape[2] // 2
    return torch.cat([states[:, -1, :h], states[:, 0, h:]], dim=1)


def final_first_step(states, lengths):
    return states[:, 0]


def final_swapped(states, lengths):
    h = states.shape[2] // 2
    rows = torch.arange(len(states))
    return torch.cat([states[:, 0, h:], states[rows, lengths - 1, :h]], dim=1)


def final_wrong_way(states, lengths):
    h = states.shape[2] // 2
    rows = torch.arange(len(states))
    return torch.cat([states[:, 0, :h], states[rows, lengths - 1, h:]], dim=1)


def final_halves_mixed_up(states, lengths):
    left, right = states.chunk(2, dim=2)
    rows = torch.arange(len(states))
    return torch.cat([right[rows, lengths - 1], left[:, 0]], dim=1)


def final_late(states, lengths):
    h = states.shape[2] // 2
    at = torch.minimum(lengths, torch.tensor(states.shape[1] - 1))
    return torch.cat([states[torch.arange(len(states)), at, :h], states[:, 0, h:]], dim=1)


def final_at_length(states, lengths):
    h = states.shape[2] // 2
    rows = torch.arange(len(states))
    return torch.cat([states[rows, lengths, :h], states[:, 0, h:]], dim=1)


def count_both_always(d, h, layers, bidirectional):
    later = (layers - 1) * (3 * h + 2)
    return (1 + bidirectional) * 3 * h * (d + h + 2 + later)


def count_by_torch(d, h, layers, bidirectional):
    net = nn.GRU(d, h, layers, bidirectional=bidirectional, device="meta")
    return sum(p.numel() for p in net.parameters())


def count_by_loop(d, h, layers, bidirectional):
    total, inputs = 0, d
    for _ in range(layers):
        one = 3 * (inputs * h + h * h + 2 * h)
        total += 2 * one if bidirectional else one
        inputs = 2 * h if bidirectional else h
    return total


def count_one_bias(d, h, layers, bidirectional):
    total, inputs = 0, d
    for _ in range(layers):
        total += (1 + bidirectional) * 3 * (inputs + h + 1) * h
        inputs = (1 + bidirectional) * h
    return total


def count_no_bias(d, h, layers, bidirectional):
    total, inputs = 0, d
    for _ in range(layers):
        total += (1 + bidirectional) * 3 * (inputs + h) * h
        inputs = (1 + bidirectional) * h
    return total


def count_lstm(d, h, layers, bidirectional):
    net = nn.LSTM(d, h, layers, bidirectional=bidirectional, device="meta")
    return sum(p.numel() for p in net.parameters())


def count_plain(d, h, layers, bidirectional):
    net = nn.RNN(d, h, layers, bidirectional=bidirectional, device="meta")
    return sum(p.numel() for p in net.parameters())


def count_narrow_inputs(d, h, layers, bidirectional):
    total = 0
    for layer in range(layers):
        total += 3 * h * ((h if layer else d) + h + 2)
    return total * (2 if bidirectional else 1)


def count_all_first(d, h, layers, bidirectional):
    return layers * (1 + bidirectional) * 3 * h * (d + h + 2)


def count_forward_only(d, h, layers, bidirectional):
    return count_by_torch(d, h, layers, False)


def count_twice_as_wide(d, h, layers, bidirectional):
    return count_by_torch(d, h * (1 + bidirectional), layers, False)


def count_first_only(d, h, layers, bidirectional):
    return count_by_torch(d, h, 1, bidirectional)


def count_extra_layer(d, h, layers, bidirectional):
    return count_by_torch(d, h, layers + 1, bidirectional)


def join_by_view(last, layers):
    n, h = last.shape[1:]
    apart = last.view(layers, 2, n, h)
    return torch.cat([apart[:, 0], apart[:, 1]], dim=-1)


def join_by_transpose(last, layers):
    n, h = last.shape[1:]
    return last.reshape(layers, 2, n, h).transpose(1, 2).reshape(layers, n, 2 * h)


def join_by_loop(last, layers):
    return torch.stack([torch.hstack([last[2 * i], last[2 * i + 1]]) for i in range(layers)])


def join_reshape(last, layers):
    return last.view(layers, last.size(1), 2 * last.size(2))


def join_directions_outside(last, layers):
    apart = last.view(2, layers, last.size(1), last.size(2))
    return torch.cat([apart[0], apart[1]], dim=2)


def join_backward_first(last, layers):
    return torch.cat([last[1::2], last[::2]], dim=2)


def join_alternating(last, layers):
    n, h = last.shape[1:]
    return last.reshape(layers, 2, n, h).permute(0, 2, 3, 1).reshape(layers, n, 2 * h)


def join_top_first(last, layers):
    return torch.stack([torch.hstack([last[2 * i], last[2 * i + 1]]) for i in range(layers)][::-1])


def join_sum(last, layers):
    return last[0::2] + last[1::2]


RIGHT = {
    "final_states": [final_by_loop, final_by_gather, final_by_mask],
    "stacked_gru_parameters": [count_by_torch, count_by_loop],
    "join_directions": [join_by_view, join_by_transpose, join_by_loop],
}
WRONG = {
    "final_states": [
        (final_last_step, "You take the last step"),
        (final_both_at_end, "That is where this direction begins"),
        (final_forward_in_padding, "Your backward half is right"),
        (final_first_step, "You take both halves at position 0"),
        (final_swapped, "you return the backward one first"),
        (final_wrong_way, "The wrong way round"),
        (final_halves_mixed_up, "PyTorch puts the forward direction first"),
        (final_late, "One step too far"),
        (final_at_length, "yours is an IndexError"),
    ],
    "stacked_gru_parameters": [
        (count_one_bias, "You count one bias"),
        (count_no_bias, "You count no biases"),
        (count_lstm, "You count four blocks"),
        (count_plain, "a plain recurrent network"),
        (count_narrow_inputs, "both directions of the layer below"),
        (count_all_first, "All your layers have `d` inputs"),
        (count_forward_only, "Two directions make no difference"),
        (count_twice_as_wide, "one direction of twice the width"),
        (count_first_only, "You count the first layer alone"),
        (count_extra_layer, "one layer too many"),
        (count_both_always, "inputs always"),
    ],
    "join_directions": [
        (join_reshape, "You reshape"),
        (join_directions_outside, "first half of `last`"),
        (join_backward_first, "You put the backward direction first"),
        (join_alternating, "Your features alternate"),
        (join_top_first, "Your layers are in reverse order"),
        (join_sum, ""),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "final_states": {
        "states → lengths": "both have n rows",
    },
}
