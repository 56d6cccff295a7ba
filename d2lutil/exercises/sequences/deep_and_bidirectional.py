"""Exercises of the chapter *Deep and bidirectional networks*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from d2lutil.exercises import Exercise

Places = Callable[[Tensor, int], Tensor]  # lengths (n,) and t -> a step for each sequence (n,)


def _final_states(states: Tensor, lengths: Tensor) -> Tensor:
    """Final states of a bidirectional layer: states (n, t, 2 h), lengths (n,) -> (n, 2 h)."""
    h = states.shape[2] // 2
    forward = states[torch.arange(len(states)), lengths - 1, :h]  # (n, h)
    return torch.cat([forward, states[:, 0, h:]], dim=1)


def _at_end(lengths: Tensor, t: int) -> Tensor:
    return lengths - 1


def _at_start(lengths: Tensor, t: int) -> Tensor:
    return torch.zeros_like(lengths)


def _in_padding(lengths: Tensor, t: int) -> Tensor:
    return torch.full_like(lengths, t - 1)


def _one_late(lengths: Tensor, t: int) -> Tensor:
    return lengths.clamp(max=t - 1)


def _at_length(lengths: Tensor, t: int) -> Tensor:
    return lengths


def _picked(
    states: Tensor,
    lengths: Tensor,
    forward: Places = _at_end,
    backward: Places = _at_start,
    swap: bool = False,
) -> Tensor:
    """The halves of the states at other steps, or in the other order."""
    n, t, width = states.shape
    rows, h = torch.arange(n), width // 2
    right = states[rows, forward(lengths, t), :h]  # (n, h)
    left = states[rows, backward(lengths, t), h:]  # (n, h)
    return torch.cat([left, right] if swap else [right, left], dim=1)


def _other_half(states: Tensor, lengths: Tensor) -> Tensor:
    """The first half taken for the backward direction: its state at 0, the other at the end."""
    h = states.shape[2] // 2
    flipped = torch.cat([states[:, :, h:], states[:, :, :h]], dim=2)  # (n, t, 2 h)
    return _picked(flipped, lengths)


def _final_states_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    for t, h, lengths in (
        (4, 1, [3]),
        (3, 2, [3, 2]),
        (5, 3, [2, 5, 1, 4]),
        (6, 2, [4, 4, 3]),
        (1, 2, [1, 1]),
        (7, 4, [7, 1, 3, 6, 5]),
    ):
        yield torch.randn(len(lengths), t, 2 * h, generator=generator), torch.tensor(lengths)


final_states = Exercise(
    reference=_final_states,
    cases=_final_states_cases,
    mistakes=[
        (
            partial(_picked, forward=_in_padding, backward=_in_padding),
            "You take the last step, `states[:, -1]`. In a short sequence that is padding; and "
            "where does the backward direction end?",
        ),
        (
            partial(_picked, forward=_in_padding),
            "Your backward half is right. Your forward half comes from the last step of the "
            "tensor, which is padding in a short sequence.",
        ),
        (
            partial(_picked, backward=_at_end),
            "Your forward half is right. You take the backward half at the end of the sequence, "
            "too. That is where this direction begins: its state there has seen one input.",
        ),
        (
            partial(_picked, backward=_in_padding),
            "Your forward half is right. You take the backward half at the last step of the "
            "tensor. Where does this direction end?",
        ),
        (
            partial(_picked, forward=_at_start),
            "You take both halves at position 0. The backward direction ends there; the forward "
            "one begins there.",
        ),
        (
            partial(_picked, forward=_at_start, backward=_at_end),
            "The wrong way round: you take each direction where it begins. Take it where it ends.",
        ),
        (
            partial(_picked, forward=_one_late),
            "One step too far. Steps are counted from 0, so a sequence of length 3 ends at step 2.",
        ),
        (
            partial(_picked, forward=_at_length),
            "One step too far. Steps are counted from 0, so a sequence of length 3 ends at step "
            "2. In a sequence without padding yours is an IndexError.",
        ),
        (
            partial(_picked, swap=True),
            "Your halves are right, but you return the backward one first.",
        ),
        (
            _other_half,
            "You take the first half of the states for the backward direction. PyTorch puts the "
            "forward direction first.",
        ),
    ],
)


def _stacked_gru_parameters(d: int, h: int, layers: int, bidirectional: bool) -> int:
    """The number of parameters of nn.GRU(d, h, layers, bidirectional=bidirectional)."""
    directions = 2 if bidirectional else 1
    first = d + h + 2
    later = directions * h + h + 2
    return 3 * h * directions * (first + (layers - 1) * later)


def _counted(
    d: int,
    h: int,
    layers: int,
    bidirectional: bool,
    blocks: int = 3,
    biases: int = 2,
    doubled: bool = True,
    joined: bool = True,
    inputs: str = "states",
    counted: str = "all",
) -> int:
    """The same with a part counted otherwise."""
    directions = 2 if bidirectional else 1
    wide = {"states": directions * h if joined else h, "d": d, "both": 2 * h}[inputs]
    first, later = d + h + biases, wide + h + biases
    number = {"all": layers - 1, "one too many": layers, "first": 0}[counted]
    return blocks * h * (directions if doubled else 1) * (first + number * later)


def _as_wide_as_both(d: int, h: int, layers: int, bidirectional: bool) -> int:
    """Two directions taken for one layer of twice the width."""
    return _stacked_gru_parameters(d, 2 * h if bidirectional else h, layers, False)


def _doubled_at_the_first(d: int, h: int, layers: int, bidirectional: bool) -> int:
    """The second direction counted in the first layer alone."""
    both = _stacked_gru_parameters(d, h, 1, bidirectional)
    return both + 3 * h * (layers - 1) * ((2 if bidirectional else 1) * h + h + 2)


def _stacked_gru_cases(generator: torch.Generator) -> Iterator[tuple[int, int, int, bool]]:
    yield from ((5, 7, 1, False), (5, 7, 1, True), (5, 7, 2, False), (5, 7, 2, True))
    yield from ((3, 4, 3, True), (16, 11, 4, False), (1, 1, 1, False), (28, 9, 5, True))
    yield from ((40, 6, 3, False), (2, 64, 6, True), (64, 128, 2, True))


stacked_gru_parameters = Exercise(
    reference=_stacked_gru_parameters,
    cases=_stacked_gru_cases,
    mistakes=[
        (
            partial(_counted, biases=1),
            "You count one bias for each block. `nn.GRU` has two, one with the input and one with "
            "the state.",
        ),
        (partial(_counted, biases=0), "You count no biases. `nn.GRU` has two for each block."),
        (
            partial(_counted, blocks=4),
            "You count four blocks, as an LSTM has. A GRU has two gates and a candidate.",
        ),
        (
            partial(_counted, blocks=2),
            "You count two blocks, for the two gates. The candidate needs its weights, too.",
        ),
        (
            partial(_counted, blocks=1),
            "That is a plain recurrent network. How many blocks has a GRU?",
        ),
        (
            partial(_counted, joined=False),
            "Where there are two directions, your layers above the first have `h` inputs. They "
            "see both directions of the layer below.",
        ),
        (
            partial(_counted, inputs="d"),
            "All your layers have `d` inputs. What is the input of a layer above the first?",
        ),
        (
            partial(_counted, doubled=False),
            "You count the weights of one direction only. Each direction has its own.",
        ),
        (
            partial(_counted, doubled=False, joined=False),
            "Two directions make no difference in yours. Each has its own weights, and the layers "
            "above see both.",
        ),
        (
            _as_wide_as_both,
            "You count one direction of twice the width. The two directions do not see each "
            "other's states within a layer, so their matrices `W_hh` are separate.",
        ),
        (
            _doubled_at_the_first,
            "Only your first layer has two directions. So have the layers above it.",
        ),
        (
            partial(_counted, counted="one too many"),
            "You count one layer too many: the first is one of the `layers`.",
        ),
        (partial(_counted, counted="first"), "You count the first layer alone."),
        (
            partial(_counted, inputs="both"),
            "Your layers above the first have `2 * h` inputs always. With one direction there are "
            "`h` only.",
        ),
    ],
)


def _join_directions(last: Tensor, layers: int) -> Tensor:
    """Both directions side by side: last (2 layers, n, h) -> (layers, n, 2 h)."""
    apart = last.reshape(layers, 2, *last.shape[1:])  # (layers, 2, n, h)
    return torch.cat([apart[:, 0], apart[:, 1]], dim=2)


def _reshaped(last: Tensor, layers: int) -> Tensor:
    """The numbers in the order of the memory."""
    return last.reshape(layers, last.shape[1], -1)


def _halves(last: Tensor, layers: int) -> Tensor:
    """All forward states taken to come first."""
    return torch.cat([last[:layers], last[layers:]], dim=2)


def _backward_first(last: Tensor, layers: int) -> Tensor:
    return torch.cat([last[1::2], last[0::2]], dim=2)


def _interleaved(last: Tensor, layers: int) -> Tensor:
    """The features of the two directions alternate."""
    return torch.stack([last[0::2], last[1::2]], dim=3).flatten(2)


def _layers_reversed(last: Tensor, layers: int) -> Tensor:
    return _join_directions(last, layers).flip(0)


def _halves_backward_first(last: Tensor, layers: int) -> Tensor:
    return torch.cat([last[layers:], last[:layers]], dim=2)


def _one_direction_twice(last: Tensor, layers: int) -> Tensor:
    return torch.cat([last[0::2], last[0::2]], dim=2)


def _join_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
    for layers, n, h in ((1, 2, 3), (2, 3, 2), (3, 1, 4), (2, 4, 1), (4, 2, 3)):
        yield torch.randn(2 * layers, n, h, generator=generator), layers


join_directions = Exercise(
    reference=_join_directions,
    cases=_join_cases,
    mistakes=[
        (
            _reshaped,
            "You reshape. The shape is right, but a row now holds states of different sequences: "
            "`reshape` keeps the order in memory, and there the sequences of a batch are "
            "neighbours.",
        ),
        (
            _halves,
            "You take the first half of `last` for the forward directions. The order is layer by "
            "layer: forward and backward of the first, then of the second.",
        ),
        (
            _halves_backward_first,
            "You take the second half of `last` for the forward directions. The order is layer by "
            "layer: forward and backward of the first, then of the second.",
        ),
        (_backward_first, "You put the backward direction first. The forward one comes first."),
        (
            _interleaved,
            "Your features alternate between the directions. All of the forward direction come "
            "first, then all of the backward one.",
        ),
        (_layers_reversed, "Your layers are in reverse order. The first layer comes first."),
        (_one_direction_twice, "You join the forward direction with itself."),
    ],
)
