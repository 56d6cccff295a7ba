"""Exercises of the chapter *Gated recurrent units*."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise

Activation = Callable[[Tensor], Tensor]
Weights = tuple[Tensor, Tensor, Tensor, Tensor]


def _minimal(x: Tensor, H: Tensor, W_x: Tensor, W_h: Tensor, b: Tensor) -> Tensor:
    """A step of the minimal gated unit: x (n, d), H (n, h) -> (n, h)."""
    h = H.shape[1]
    F = torch.sigmoid(x @ W_x[:, :h] + H @ W_h[:, :h] + b[:h])  # (n, h)
    N = torch.tanh(x @ W_x[:, h:] + (F * H) @ W_h[:, h:] + b[h:])  # (n, h)
    return (1 - F) * H + F * N


def _variant(
    x: Tensor,
    H: Tensor,
    W_x: Tensor,
    W_h: Tensor,
    b: Tensor,
    activation: Activation = torch.tanh,
    reset: str = "before",
    keep: str = "rest",
    swapped: bool = False,
) -> Tensor:
    """The same with some of its parts replaced."""
    first, second = (t.chunk(2, dim=-1) for t in (W_x, W_h))
    biases = b.chunk(2)
    g, c = (1, 0) if swapped else (0, 1)  # the gate, the candidate
    F = torch.sigmoid(x @ first[g] + H @ second[g] + biases[g])  # (n, h)
    state = {
        "before": (F * H) @ second[c],
        "after": F * (H @ second[c]),
        "nowhere": H @ second[c],
        "rest": ((1 - F) * H) @ second[c],
        "no matrix": F * H,
    }[reset]  # (n, h)
    N = activation(x @ first[c] + state + biases[c])  # (n, h)
    old, new = {
        "rest": (1 - F, F),
        "gate": (F, 1 - F),
        "both": (1 - F, torch.ones_like(F)),
        "all": (torch.ones_like(F), F),
    }[keep]
    return old * H + new * N


def _minimal_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    yield (
        tensor([[0.5]]),
        tensor([[-0.8]]),
        tensor([[1.0, -0.6]]),
        tensor([[0.4, 1.3]]),
        tensor([0.2, -0.3]),
    )
    for n, d, h in ((2, 3, 2), (1, 2, 4), (3, 3, 3), (4, 3, 2)):
        shapes = ((n, d), (n, h), (d, 2 * h), (h, 2 * h), (2 * h,))
        yield tuple(torch.randn(shape, generator=generator) for shape in shapes)


minimal_gated_step = Exercise(
    reference=_minimal,
    cases=_minimal_cases,
    mistakes=[
        (
            partial(_variant, keep="gate"),
            "Your gate is the wrong way round. Here 1 replaces the old state, and 0 keeps it: not "
            "as in the GRU of this chapter.",
        ),
        (
            partial(_variant, reset="rest"),
            "The candidate sees the state times `1 - F`. In the task it sees the state times the "
            "gate itself.",
        ),
        (
            partial(_variant, reset="rest", keep="gate"),
            "You use `1 - F` where the task has the gate, and the gate where it has `1 - F`, in "
            "both places.",
        ),
        (
            partial(_variant, reset="after"),
            "You multiply by the gate after the matrix, as `nn.GRU` does. The task has it before "
            "the matrix.",
        ),
        (
            partial(_variant, reset="nowhere"),
            "Your candidate sees the whole state. The gate acts there as well.",
        ),
        (
            partial(_variant, reset="no matrix"),
            "Your candidate sees the state without its matrix, the second half of `W_h`.",
        ),
        (
            partial(_variant, swapped=True),
            "You take the second half of the columns for the gate. The gate stands first, and the "
            "candidate second.",
        ),
        (
            partial(_variant, keep="both"),
            "You add all of the candidate. What is kept of the old state leaves only a part for "
            "the new.",
        ),
        (
            partial(_variant, keep="all"),
            "You keep all of the old state, and add to it. Then the state can grow beyond 1.",
        ),
        (
            partial(_variant, activation=torch.sigmoid),
            "Your candidate goes through a sigmoid, so it can never be negative. Which activation "
            "function does the task give it?",
        ),
        (
            lambda x, H, W_x, W_h, b: _variant(x, H, W_x, W_h, 0 * b),
            "The bias `b` is missing.",
        ),
    ],
)


def _half_lives(Z: Tensor) -> Tensor:
    """The half-life of each unit whose gates are Z (t, h) -> (h,)."""
    return -math.log(2) / Z.log().mean(dim=0)  # (h,)


def _half_lives_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    yield (tensor([[0.5, 0.25], [0.5, 0.25], [0.5, 0.25]]),)
    yield (tensor([[0.9, 0.2], [0.1, 0.8]]),)
    for t, h in ((5, 3), (3, 5), (4, 4), (1, 2), (30, 1), (500, 2)):
        yield (torch.sigmoid(2 * torch.randn(t, h, generator=generator) + 0.5),)


gate_half_lives = Exercise(
    reference=_half_lives,
    cases=_half_lives_cases,
    mistakes=[
        (
            lambda Z: -math.log(2) / Z.mean(dim=0).log(),
            "You average the gates and take the logarithm afterwards. What is left of a state "
            "after some steps is a *product* of gates: which mean belongs to a product?",
        ),
        (
            lambda Z: -1 / Z.log().mean(dim=0),
            "This is the time constant, after which 37 % is left. Asked for is the time after "
            "which one half is left.",
        ),
        (
            lambda Z: (-math.log(2) / Z.log()).mean(dim=0),
            "You compute a half-life for each step and average these. First find the factor that, "
            "applied at every step, leaves the same.",
        ),
        (
            lambda Z: math.log(2) / Z.log().mean(dim=0),
            "Your half-lives are negative: the logarithm of a gate is.",
        ),
        (
            lambda Z: -math.log(2) / Z.log().sum(dim=0),
            "You add the logarithms up and do not divide by the number of steps.",
        ),
        (
            lambda Z: -math.log(2) / Z.log().mean(dim=1),
            "You average over the units. The steps are the first dimension.",
        ),
        (
            lambda Z: -math.log(2) / Z.log().mean(),
            "This is one number for all units together. Each has a half-life of its own.",
        ),
        (
            lambda Z: -math.log(2) / (Z.prod(dim=0) ** (1 / len(Z))).log(),
            "You multiply all gates. Over many steps the product is smaller than the smallest "
            "number that there is, and becomes 0. Add the logarithms instead.",
        ),
        (
            lambda Z: -math.log(2) / Z.prod(dim=0).log(),
            "You do not divide by the number of steps. And over many steps the product of the "
            "gates becomes 0: add the logarithms.",
        ),
        (
            lambda Z: -1 / Z.log2().mean(dim=0).exp2(),
            "You take the logarithm back before you divide.",
        ),
    ],
)


def _for_torch(W_x: Tensor, W_h: Tensor, b: Tensor, c: Tensor) -> Weights:
    """Blocks update, reset, candidate -> weights of nn.GRU: (3h, d), (3h, h), (3h,), (3h,)."""

    def ordered(weights: Tensor) -> Tensor:
        z, r, n = weights.chunk(3, dim=-1)
        return torch.cat([r, z, n], dim=-1)

    return ordered(W_x).T, ordered(W_h).T, ordered(b), ordered(c)


def _arranged(
    W_x: Tensor,
    W_h: Tensor,
    b: Tensor,
    c: Tensor,
    order: tuple[int, int, int] = (1, 0, 2),
    transposed: str = "all",
    biases: bool = True,
) -> Weights:
    """The same with another order, without transposing, or with the biases left alone."""

    def arranged(weights: Tensor, turn: bool = False) -> Tensor:
        blocks = weights.chunk(3, dim=-1)
        if turn:  # each block, one beside the other
            blocks = tuple(block.T for block in blocks)
        return torch.cat([blocks[i] for i in order], dim=-1)

    if transposed == "all":
        matrices = arranged(W_x).T, arranged(W_h).T
    elif transposed == "blocks":
        matrices = arranged(W_x, True), arranged(W_h, True)
    else:
        matrices = arranged(W_x), arranged(W_h)
    return (*matrices, *((arranged(b), arranged(c)) if biases else (b, c)))


def _untransposed_blocks(W_x: Tensor, W_h: Tensor, b: Tensor, c: Tensor) -> Weights:
    """Blocks below one another, each as it was: right in shape for square blocks only."""
    _, _, first, second = _arranged(W_x, W_h, b, c)

    def stacked(weights: Tensor) -> Tensor:
        z, r, n = weights.chunk(3, dim=-1)
        return torch.cat([r, z, n], dim=0)

    return stacked(W_x), stacked(W_h), first, second


def _for_torch_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    yield tensor([[1.0, 2, 3]]), tensor([[4.0, 5, 6]]), tensor([7.0, 8, 9]), tensor([0.1, 0.2, 0.3])
    for d, h in ((3, 2), (2, 4), (3, 3), (1, 2)):
        shapes = ((d, 3 * h), (h, 3 * h), (3 * h,), (3 * h,))
        yield tuple(torch.randn(shape, generator=generator) for shape in shapes)


blocks_for_torch = Exercise(
    reference=_for_torch,
    cases=_for_torch_cases,
    returns=("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    mistakes=[
        (
            partial(_arranged, order=(0, 1, 2)),
            "You transpose, but keep the order update, reset, candidate. `nn.GRU` has the reset "
            "gate first.",
        ),
        (
            partial(_arranged, order=(0, 1, 2), transposed="none"),
            "You return the weights as they came. `nn.GRU` has another order of the blocks, and "
            "transposed matrices.",
        ),
        (
            partial(_arranged, transposed="none"),
            "The order of your blocks is right, but the matrices are not transposed: `nn.GRU` "
            "keeps them as (outputs, inputs).",
        ),
        (
            partial(_arranged, transposed="blocks"),
            "You transpose each block and put the blocks side by side. In `nn.GRU` they stand "
            "below one another.",
        ),
        (
            _untransposed_blocks,
            "You stand the blocks below one another, but each block is still as it was. Each is "
            "to be transposed, too.",
        ),
        (
            partial(_arranged, biases=False),
            "Your matrices are right. The blocks of the biases have the same order as those of "
            "the matrices.",
        ),
        (
            partial(_arranged, order=(1, 1, 2)),
            "The block of the reset gate stands in two places, and that of the update gate is "
            "gone. Slices share memory: if you write one, the other has changed. Copy first, or "
            "join the blocks by `torch.cat`.",
        ),
        (
            partial(_arranged, order=(2, 0, 1)),
            "You put the candidate first. In `nn.GRU` it stands last.",
        ),
        (
            partial(_arranged, order=(2, 1, 0)),
            "You put the candidate first. In `nn.GRU` it stands last.",
        ),
        (
            partial(_arranged, order=(1, 2, 0)),
            "You put the update gate last. In `nn.GRU` it stands in the middle.",
        ),
        (
            lambda W_x, W_h, b, c: (lambda w: (w[0], w[1], w[3], w[2]))(_for_torch(W_x, W_h, b, c)),
            "Your two biases have changed places: `b` belongs to the input, and `c` to the state.",
        ),
        (
            lambda W_x, W_h, b, c: (lambda w: (w[0], w[1], w[2] + w[3], torch.zeros_like(w[3])))(
                _for_torch(W_x, W_h, b, c)
            ),
            "You add the two biases up. In the block of the candidate that makes a difference, "
            "since the reset gate multiplies only one of them.",
        ),
    ],
)
