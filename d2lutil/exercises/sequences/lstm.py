"""Exercises of the chapter *Long short-term memory*."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise

Activation = Callable[[Tensor], Tensor]
Pair = tuple[Tensor, Tensor]


def _memory(z: Tensor, z_i: Tensor, z_f: Tensor, z_o: Tensor, c: Tensor) -> Pair:
    """One step of an LSTM's memory from its scores, all (n, h) -> state and cell (n, h)."""
    c = torch.sigmoid(z_f) * c + torch.sigmoid(z_i) * torch.tanh(z)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def _linear(Z: Tensor) -> Tensor:
    """No activation function."""
    return Z


def _step(
    z: Tensor,
    z_i: Tensor,
    z_f: Tensor,
    z_o: Tensor,
    c: Tensor,
    gate: Activation = torch.sigmoid,
    candidate: Activation = torch.tanh,
    read: Activation = torch.tanh,
) -> Pair:
    """The same with other activation functions."""
    c = gate(z_f) * c + gate(z_i) * candidate(z)  # (n, h)
    return gate(z_o) * read(c), c


def _memory_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    yield tuple(tensor([[x]]) for x in (0.8, 1.2, -0.4, 0.6, 1.5))
    for n, h in ((1, 3), (4, 2), (3, 3)):
        yield tuple(1.5 * torch.randn(n, h, generator=generator) for _ in range(5))


def _merged(
    merge: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    z: Tensor,
    z_i: Tensor,
    z_f: Tensor,
    z_o: Tensor,
    c: Tensor,
) -> Pair:
    """A step whose new memory is merge(input gate, forget gate, candidate, old memory)."""
    c = merge(torch.sigmoid(z_i), torch.sigmoid(z_f), torch.tanh(z), c)  # (n, h)
    return torch.sigmoid(z_o) * torch.tanh(c), c


def _old_cell(z: Tensor, z_i: Tensor, z_f: Tensor, z_o: Tensor, c: Tensor) -> Pair:
    new = _step(z, z_i, z_f, z_o, c)[1]
    return torch.sigmoid(z_o) * torch.tanh(c), new


def _puts_out_all(z: Tensor, z_i: Tensor, z_f: Tensor, z_o: Tensor, c: Tensor) -> Pair:
    c = _step(z, z_i, z_f, z_o, c)[1]
    return torch.tanh(c), c


def _closed_is_open(z: Tensor, z_i: Tensor, z_f: Tensor, z_o: Tensor, c: Tensor) -> Pair:
    return _step(z, z_i, -z_f, z_o, c)


def _cell_put_out(z: Tensor, z_i: Tensor, z_f: Tensor, z_o: Tensor, c: Tensor) -> Pair:
    h, _ = _step(z, z_i, z_f, z_o, c)
    return h, h


def _tanh_of_cell(z: Tensor, z_i: Tensor, z_f: Tensor, z_o: Tensor, c: Tensor) -> Pair:
    h, c = _step(z, z_i, z_f, z_o, c)
    return h, torch.tanh(c)


def _tanh_outside(z: Tensor, z_i: Tensor, z_f: Tensor, z_o: Tensor, c: Tensor) -> Pair:
    c = _step(z, z_i, z_f, z_o, c)[1]
    return torch.tanh(torch.sigmoid(z_o) * c), c


memory_step = Exercise(
    reference=_memory,
    cases=_memory_cases,
    returns=("state", "memory"),
    mistakes=[
        (
            lambda z, z_i, z_f, z_o, c: (_step(z, z_i, z_f, z_o, c)[0], c),
            "Your state is right, but in second place you return the old memory. The new one goes "
            "on.",
        ),
        (
            partial(_merged, lambda i, f, g, c: torch.tanh(f * c + i * g)),
            "You put the memory itself through a tanh, and then again for the state. The tanh is "
            "for the state alone.",
        ),
        (
            partial(_merged, lambda i, f, g, c: (1 - i) * c + i * g),
            "You keep what the input gate leaves. The LSTM has a forget gate of its own, `z_f`.",
        ),
        (
            partial(_merged, lambda i, f, g, c: f * c * i * g),
            "You multiply the old and the new part. The new memory is their sum.",
        ),
        (
            lambda z, z_i, z_f, z_o, c: _step(z, z_i, z_f, z_o, c)[::-1],
            "You return the memory first. The state is asked for first, and the memory second.",
        ),
        (
            lambda z, z_i, z_f, z_o, c: _step(z, z_f, z_i, z_o, c),
            "Your input gate and your forget gate have changed places: `z_f` decides what becomes "
            "of the old memory.",
        ),
        (
            lambda z, z_i, z_f, z_o, c: _step(z, z_o, z_f, z_i, c),
            "Your input gate and your output gate have changed places: `z_i` decides what comes "
            "in.",
        ),
        (
            _closed_is_open,
            "Your forget gate is the wrong way round. In spite of its name, at 1 it keeps, and at "
            "0 it forgets.",
        ),
        (
            partial(_merged, lambda i, f, g, c: f * c + (1 - f) * g),
            "You let in what the forget gate drops, as a GRU does. The LSTM has an input gate of "
            "its own, `z_i`.",
        ),
        (
            _old_cell,
            "Your state is made of the old memory. The output gate multiplies the new one.",
        ),
        (
            partial(_merged, lambda i, f, g, c: c + i * g),
            "You keep the old memory whole, as the cell of 1997 did. The forget gate is missing.",
        ),
        *(
            (
                partial(_merged, merge),
                "Your forget gate multiplies what is new, and the old memory stays whole. It "
                "decides what becomes of the old.",
            )
            for merge in (lambda i, f, g, c: c + f * i * g, lambda i, f, g, c: c + f * g)
        ),
        (
            partial(_merged, lambda i, f, g, c: f * (c + i * g)),
            "Your forget gate multiplies what is new as well. It belongs to the old memory alone.",
        ),
        (
            partial(_merged, lambda i, f, g, c: f * c + g),
            "The input gate is missing: you write all of the candidate into the memory.",
        ),
        (
            _puts_out_all,
            "The output gate is missing: you put out all of the memory.",
        ),
        (
            _cell_put_out,
            "You return the state twice. The memory goes on to the next step as it is, without "
            "the output gate.",
        ),
        (
            _tanh_of_cell,
            "You hand on the tanh of the memory. The tanh is for the state alone; what goes on to "
            "the next step is the memory itself.",
        ),
        (
            _tanh_outside,
            "You multiply by the output gate inside the tanh. Take the tanh of the memory first, "
            "and multiply the result by the gate.",
        ),
        (
            partial(_step, candidate=torch.sigmoid),
            "Your candidate goes through a sigmoid, so it can never be negative. It is no gate: "
            "its activation function is tanh.",
        ),
        (
            partial(_step, candidate=_linear),
            "Your candidate is linear. Which activation function does the task give it?",
        ),
        (
            partial(_step, read=_linear),
            "You put the memory out as it is. It goes through a tanh before the output gate.",
        ),
        (
            partial(_step, read=torch.sigmoid),
            "The memory goes through a sigmoid on its way to the state. Sigmoids are for the three "
            "gates; here it is a tanh.",
        ),
        (
            partial(_step, candidate=_linear, read=_linear),
            "Only your gates have an activation function. The candidate goes through a tanh, and "
            "so does the memory on its way to the state.",
        ),
        (
            partial(_step, gate=torch.tanh),
            "Your gates go through a tanh, so they can be negative. A gate lies between 0 and 1.",
        ),
        (
            partial(_step, gate=_linear),
            "You multiply by the scores themselves. What turns a score into a gate between 0 and "
            "1?",
        ),
        (
            lambda z, z_i, z_f, z_o, c: _step(z, z_i, z_f, z_o, c)[0],
            "This is the state alone. The memory is asked for, too.",
        ),
    ],
)


def _widest_lstm(d: int, budget: int) -> int:
    """The largest h with 4h(d + h + 2), which is (2h + d + 2)² − (d + 2)², within the budget."""
    return (math.isqrt(budget + (d + 2) ** 2) - (d + 2)) // 2


def _layer(d: int, h: int, blocks: int = 4, biases: int = 2) -> int:
    """The parameters of a recurrent layer of so many blocks."""
    return blocks * h * (d + h + biases)


def _widest(size: Callable[[int, int], int], d: int, budget: int) -> int:
    """The largest h for which size(d, h) is within the budget; 0 if there is none."""
    h = 0
    while size(d, h + 1) <= budget:
        h += 1
    return h


def _widest_cases(generator: torch.Generator) -> Iterator[tuple[int, int]]:
    yield 5, 4 * 3 * 10
    yield 5, 4 * 3 * 10 - 1
    yield from ((64, 50_000), (10, 1_400), (1, 100), (300, 90_000), (30, 20), (7, 40))
    yield from ((12, 3_000), (40, 9_900), (3, 520), (20, 4_440))
    yield from ((9, 200_000), (1, 4_100_000))  # wider than a hundred, than a thousand


def _root(d: int, budget: int) -> float:
    """The width, no whole number, that takes the budget exactly: 4h(d + h + 2) = budget."""
    return math.sqrt((d + 2) ** 2 + budget) / 2 - (d + 2) / 2


_SEARCH = (
    "You try widths one after the other, and stop too soon: here the answer is larger than the "
    "last one that you try. A `while` goes on as long as the next one fits."
)

widest_lstm = Exercise(
    reference=_widest_lstm,
    cases=_widest_cases,
    mistakes=[
        (
            partial(_widest, partial(_layer, biases=1)),
            "You count one bias for each gate. `nn.LSTM` has two.",
        ),
        (
            partial(_widest, partial(_layer, biases=0)),
            "You count no biases. `nn.LSTM` has two for each gate.",
        ),
        (
            partial(_widest, partial(_layer, blocks=3)),
            "You count three blocks. The candidate needs its weights, too.",
        ),
        (
            partial(_widest, partial(_layer, blocks=1)),
            "This is the width of a plain recurrent layer. An LSTM has four blocks of that size.",
        ),
        (
            lambda d, budget: _widest(partial(_layer, blocks=1), d, budget) // 2,
            "You halve the width of a plain layer. Four times the parameters is about half the "
            "width, but not exactly: count those of the four blocks.",
        ),
        (
            lambda d, budget: _widest(partial(_layer, blocks=1), d, budget) // 4,
            "You take a quarter of a plain layer's width. The parameters grow with the square of "
            "the width, so that is too narrow.",
        ),
        (
            lambda d, budget: round(_root(d, budget)),
            "You round to the nearest whole number. What lies above does not fit: round down.",
        ),
        (
            lambda d, budget: math.ceil(_root(d, budget)),
            "You round up, and then the layer does not fit into the budget. Round down.",
        ),
        (
            lambda d, budget: _widest(_layer, d, budget) + 1,
            "One too many: your layer does not fit into the budget.",
        ),
        (
            lambda d, budget: _widest(_layer, d, budget - 1),
            "A layer that takes the budget to the last parameter still fits.",
        ),
        (
            lambda d, budget: max(_widest_lstm(d, budget), 1),
            "Here not even one cell fits into the budget, and then the answer is 0.",
        ),
        (
            lambda d, budget: min(_widest_lstm(d, budget), 100),
            _SEARCH,
        ),
        (
            lambda d, budget: min(_widest_lstm(d, budget), 1_000),
            _SEARCH,
        ),
        (
            lambda d, budget: _widest(lambda d, h: 4 * h * (d + 2), d, budget),
            "You leave out the matrix from the state to the gates.",
        ),
        (
            lambda d, budget: _widest(lambda d, h: 4 * h * (h + 2), d, budget),
            "You leave out the matrix from the input to the gates.",
        ),
    ],
)
