"""Exercises of the chapter *Recurrent networks*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then


def _jordan(
    X: Tensor, M: Tensor, W_xh: Tensor, W_qh: Tensor, b_h: Tensor, W_hq: Tensor, b_q: Tensor
) -> Tensor:
    """A Jordan network's outputs: X (n, t, d), M (n, q) -> (n, t, q)."""
    outputs = []
    for x in X.unbind(dim=1):  # (n, d)
        M = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q  # (n, q)
        outputs.append(M)
    return torch.stack(outputs, dim=1)


def _jordan_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, ...]]:
    yield (
        tensor([[[0.5], [-1.0], [0.25]]]),
        tensor([[0.0]]),
        tensor([[1.0]]),
        tensor([[0.5]]),
        tensor([0.2]),
        tensor([[2.0]]),
        tensor([-0.3]),
    )
    for n, t, d, h, q in ((2, 3, 2, 2, 2), (1, 1, 3, 2, 4), (3, 3, 3, 3, 3), (2, 5, 3, 4, 2)):
        shapes = ((n, t, d), (n, q), (d, h), (q, h), (h,), (h, q), (q,))
        yield tuple(torch.randn(shape, generator=generator) for shape in shapes)


def _linear(Z: Tensor) -> Tensor:
    """No activation function."""
    return Z


class _Weights(NamedTuple):
    """The weights in the order of the arguments."""

    xh: Tensor  # (d, h)
    qh: Tensor  # (q, h)
    bh: Tensor  # (h,)
    hq: Tensor  # (h, q)
    bq: Tensor  # (q,)


def _with(
    hidden: Callable[[Tensor], Tensor] = torch.tanh, output: Callable[[Tensor], Tensor] = _linear
) -> Callable[..., Tensor]:
    """A Jordan network with other activation functions."""
    return _by_step(
        lambda x, M, w: (
            Y := output(hidden(x @ w.xh + M @ w.qh + w.bh) @ w.hq + w.bq),
            Y,
        )
    )


def _by_step(
    step: Callable[[Tensor, Tensor, _Weights], tuple[Tensor, Tensor]],
) -> Callable[..., Tensor]:
    """An answer made of step(input, memory, weights) -> output, what goes on to the next step."""

    def answer(X: Tensor, M: Tensor, *weights: Tensor) -> Tensor:
        outputs = []
        for x in X.unbind(dim=1):
            output, M = step(x, M, _Weights(*weights))
            outputs.append(output)
        return torch.stack(outputs, dim=1)

    return answer


def _hidden(x: Tensor, M: Tensor, w: _Weights) -> Tensor:
    return torch.tanh(x @ w.xh + M @ w.qh + w.bh)  # (n, h)


def _output(x: Tensor, M: Tensor, w: _Weights) -> Tensor:
    return _hidden(x, M, w) @ w.hq + w.bq  # (n, q)


def _elman_step(x: Tensor, M: Tensor, w: _Weights) -> tuple[Tensor, Tensor]:
    H = _hidden(x, M, w)
    return H @ w.hq + w.bq, H


def _bias_behind(x: Tensor, M: Tensor, w: _Weights) -> tuple[Tensor, Tensor]:
    Y = (torch.tanh(x @ w.xh + M @ w.qh) + w.bh) @ w.hq + w.bq
    return Y, Y


def _two_tanhs(x: Tensor, M: Tensor, w: _Weights) -> tuple[Tensor, Tensor]:
    Y = (torch.tanh(x @ w.xh + w.bh) + torch.tanh(M @ w.qh)) @ w.hq + w.bq
    return Y, Y


def _examples_as_steps(X: Tensor, M: Tensor, *weights: Tensor) -> Tensor:
    """`X[i]` in a loop over as many steps as there are."""
    outputs = []
    for i in range(X.shape[1]):
        M = _output(X[i], M, _Weights(*weights))
        outputs.append(M)
    return torch.stack(outputs, dim=1)


def _one_step_late(X: Tensor, M: Tensor, *weights: Tensor) -> Tensor:
    return torch.cat([M[:, None], _jordan(X, M, *weights)[:, :-1]], dim=1)


_OVER_EXAMPLES = (
    "You loop over the examples: `for x in X` and `X[i]` walk along the first dimension. The steps "
    "are the second; `X.unbind(dim=1)` gives them one by one."
)

_swapped_examples = given(_jordan, X=lambda X: X.transpose(0, 1))

jordan_forward = Exercise(
    reference=_jordan,
    cases=_jordan_cases,
    mistakes=[
        (
            _with(hidden=_linear),
            "Your hidden layer is linear. Which activation function does the exercise ask for?",
        ),
        (
            _with(output=torch.tanh),
            "Your outputs go through a tanh, so they can never be more than 1. Only the hidden "
            "layer has an activation function.",
        ),
        (
            _with(hidden=_linear, output=torch.tanh),
            "Your tanh is at the outputs, and your hidden layer is linear. It should be the other "
            "way round.",
        ),
        (_with(hidden=torch.sigmoid), "You use the sigmoid. The exercise asks for tanh."),
        (_with(hidden=torch.relu), "You use ReLU. The exercise asks for tanh."),
        (
            _by_step(lambda x, M, w: (_output(x, M, w), M)),
            "Every step of yours uses the first `M`. Each should use the output of the step before "
            "it: what becomes of `M` in the loop?",
        ),
        (
            given(_jordan, M=torch.zeros_like),
            "You begin with zeros. The memory before the first step is given: `M`.",
        ),
        (
            _by_step(lambda x, M, w: (_output(x, 0 * M, w), M)),
            "Your network has no memory: every step sees zeros where it should see the output of "
            "the step before.",
        ),
        (
            _by_step(_elman_step),
            "What you carry from step to step is the hidden values, as Elman does. Jordan carries "
            "the output.",
        ),
        (
            then(_jordan, lambda Y: Y[:, -1]),
            "This is the last output alone. Collect the outputs of all steps, and stack them.",
        ),
        (
            then(_jordan, lambda Y: Y[:, :1]),
            "This is the first output alone. Is your `return` inside the loop?",
        ),
        (
            then(_jordan, lambda Y: Y.transpose(0, 1)),
            "The steps stand in front of the examples. `torch.stack` takes a `dim`.",
        ),
        (
            then(_jordan, lambda Y: Y.flatten(0, 1)),
            "You have joined the steps end to end. `torch.cat` joins along a dimension that is "
            "there; `torch.stack` makes a new one.",
        ),
        (given(_jordan, X=lambda X: X.flip(1)), "You read the sequence backwards."),
        (
            then(given(_jordan, X=lambda X: X.flip(1)), lambda Y: Y.flip(1)),
            "You read the sequence backwards, and turn the outputs round again. The first step "
            "comes first.",
        ),
        (
            _by_step(lambda x, M, w: (_hidden(x, M, w), _output(x, M, w))),
            "These are the hidden values. The outputs are asked for.",
        ),
        (
            given(_jordan, W_xh=torch.t, W_qh=torch.t, W_hq=torch.t),
            "Your matrices are the wrong way round. Those given have the shape (inputs, outputs); "
            "it is `nn.Linear` that wants (outputs, inputs).",
        ),
        (
            _by_step(_bias_behind),
            "You add `b_h` behind the tanh. A bias shifts the input of the tanh, so it is added "
            "before it.",
        ),
        (
            _by_step(_two_tanhs),
            "You take the tanh of the input's part and of the memory's part each by itself. Add "
            "them first, and take the tanh of the sum.",
        ),
        (
            given(_jordan, b_h=torch.zeros_like),
            "The bias of the hidden layer, `b_h`, is missing.",
        ),
        (
            given(_jordan, b_q=torch.zeros_like),
            "The bias of the output layer, `b_q`, is missing.",
        ),
        (
            given(_jordan, b_h=lambda b: 2 * b),
            "You add `b_h` twice, once with the input and once with the memory. It is one bias for "
            "the sum.",
        ),
        (_swapped_examples, _OVER_EXAMPLES),
        (then(_swapped_examples, lambda Y: Y.transpose(0, 1)), _OVER_EXAMPLES),
        (_examples_as_steps, _OVER_EXAMPLES),
        (then(_examples_as_steps, lambda Y: Y.transpose(0, 1)), _OVER_EXAMPLES),
        (
            then(_jordan, lambda Y: Y[:, : len(Y)]),
            "You take as many steps as there are examples. `X` has the shape (n, t, d): which of "
            "these counts the steps?",
        ),
        (
            then(_jordan, lambda Y: list(Y.unbind(dim=1))),
            "The outputs are right, in a list. `torch.stack` makes one tensor of them; the steps "
            "belong into dimension 1.",
        ),
        (
            then(_jordan, lambda Y: (Y, Y[:, -1])),
            "Return the outputs only. The last memory is the last of them.",
        ),
        (
            _by_step(lambda x, M, w: (_output(x, M, w), _hidden(x, M, w) @ w.hq)),
            "The memory lacks `b_q`. What is carried is the output itself, with its bias.",
        ),
        (
            _by_step(lambda x, M, w: (_output(x, M, w), torch.tanh(_output(x, M, w)))),
            "Your memory holds the tanh of the output. It should hold the output as it is.",
        ),
        (
            _by_step(lambda x, M, w: (Y := M + _output(x, M, w), Y)),
            "You add the output to the memory. The memory is replaced: it holds the output of the "
            "step before, not a sum of all.",
        ),
        (
            _one_step_late,
            "Your outputs come one step late, and begin with the first memory. Compute the output "
            "before you append it.",
        ),
    ],
)


def _chosen(logits: Tensor, y: Tensor) -> Tensor:
    """The log-probabilities of the tokens that came: (m, K), (m,) -> (m,)."""
    return logits.log_softmax(dim=1).gather(1, y[:, None])[:, 0]


def _perplexity(logits: Tensor, y: Tensor) -> Tensor:
    """The exponential of the mean surprisal: logits (m, K), y (m,) -> ()."""
    log_p = logits.log_softmax(dim=1)  # (m, K)
    return (-log_p[torch.arange(len(log_p)), y].mean()).exp()


def _perplexity_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    yield tensor([[0.6931, 0.0, 0.0], [0.0, 1.0986, 0.0]]), tensor([0, 2])
    yield torch.zeros(2, 6), tensor([3, 5])
    for m, classes in ((3, 5), (7, 4), (4, 4)):
        logits = torch.randn(m, classes, generator=generator)
        yield logits, torch.randint(classes, (m,), generator=generator)
    yield tensor([[1000.0, 880.0, 0.0], [0.0, -1000.0, -1.0]]), tensor([1, 0])
    logits = torch.zeros(20, 3)
    logits[0, 0] = 800  # a probability of exp(-800), which is 0 in double precision, too
    yield logits, torch.ones(20, dtype=torch.long)


def _of_chosen(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """An answer made of the log-probabilities (m,) of the tokens that came."""
    return lambda logits, y: change(_chosen(logits, y))


def _with_log_p(log_p: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """An answer that takes log_p(logits) for the logarithms of the probabilities (m, K)."""
    return lambda logits, y: (-log_p(logits)[torch.arange(len(y)), y].mean()).exp()


def _of_all_pairs(log_p: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda logits, y: (-log_p(logits)[:, y].mean()).exp()


_LN_2 = torch.tensor(2.0).log()
_ALL_PAIRS = (
    "`[:, y]` takes the columns y of *every* row, m × m numbers. One of each row is wanted: "
    "`[range(m), y]`, or `gather`."
)
_SMALL_NUMBER = (
    "A small number that keeps probabilities away from 0 makes the perplexity of rare tokens too "
    "low. There is a function that goes from scores to logarithms at once."
)


text_perplexity = Exercise(
    reference=_perplexity,
    cases=_perplexity_cases,
    mistakes=[
        (
            _of_chosen(lambda log_p: -log_p.mean()),
            "This is the cross-entropy. One step is missing: what undoes a logarithm?",
        ),
        (
            _of_chosen(lambda log_p: log_p.mean().exp()),
            "A sign is missing. You give the geometric mean of the probabilities; a perplexity is "
            "1 or more.",
        ),
        (
            _of_chosen(lambda log_p: 2 ** (-log_p.mean())),
            "You raise 2 to the power of a natural logarithm. The base and the logarithm must "
            "match.",
        ),
        (
            _of_chosen(lambda log_p: (-log_p.mean() / _LN_2).exp()),
            "You take the logarithm to the base 2 and then the power of e. The base and the "
            "logarithm must match.",
        ),
        (
            _of_chosen(lambda log_p: -log_p.mean() / _LN_2),
            "This is the mean surprisal in bits. Perplexity is 2 to the power of it.",
        ),
        (
            _of_chosen(lambda log_p: (-log_p.sum()).exp()),
            "You add the logarithms up, so a longer text has a larger perplexity. Take the mean.",
        ),
        (
            _of_chosen(lambda log_p: (-log_p).exp().mean()),
            "You take the exponential of each token first, and the mean last. The mean is one of "
            "logarithms.",
        ),
        (
            _of_chosen(lambda log_p: 1 / log_p.exp().mean()),
            "You average the probabilities. A token with a probability near 0 then "
            "hardly changes the result. Average their logarithms.",
        ),
        (
            lambda logits, y: (-_chosen(logits, y).sum() / logits.numel()).exp(),
            "Your mean divides by the number of all scores. There are only m tokens.",
        ),
        (
            lambda logits, y: _perplexity(logits, logits.argmax(dim=1)),
            "You take the most probable token of each row. It is the token that came, `y`, that "
            "counts.",
        ),
        (
            _with_log_p(lambda Z: Z),
            "You treat the scores as if they were logarithms of probabilities. Something has to "
            "make each row's probabilities add up to 1.",
        ),
        (
            _with_log_p(lambda Z: Z.log_softmax(dim=0)),
            "Your softmax runs down the columns. The K scores of one token stand in a row.",
        ),
        (
            _with_log_p(lambda Z: Z.softmax(dim=1)),
            "The logarithm is missing: you average probabilities, and take the exponential of "
            "that.",
        ),
        (
            lambda logits, y: (-logits.log_softmax(dim=1).mean()).exp(),
            "You average over all tokens that could have come. Pick the one that did, by `y`.",
        ),
        (
            _with_log_p(lambda Z: Z.softmax(dim=1).log()),
            "Right, until a probability is too small for single precision and becomes 0. Stay with "
            "logarithms: there is a function that goes from scores to them at once.",
        ),
        (
            _with_log_p(lambda Z: Z.double().softmax(dim=1).log()),
            "Right, until a probability is too small for double precision, too, and becomes 0. "
            "Stay with logarithms: there is a function that goes from scores to them at once.",
        ),
        *(
            (_with_log_p(lambda Z, k=k: (Z.softmax(dim=1) + 10.0**-k).log()), _SMALL_NUMBER)
            for k in (6, 7, 8, 9, 10, 12)
        ),
        (
            _with_log_p(lambda Z: (Z.exp() / Z.exp().sum(dim=1, keepdim=True)).log()),
            "Right, until a score is large: `exp(1000)` is infinite in single precision. There is "
            "a function that goes from scores to logarithms without it.",
        ),
        (
            _with_log_p(lambda Z: Z.softmax(dim=1).log_softmax(dim=1)),
            "You apply the softmax twice: `F.cross_entropy` wants scores, and takes the softmax "
            "itself.",
        ),
        (
            lambda logits, y: (
                (-(logits.softmax(dim=1) * logits.log_softmax(dim=1)).sum(dim=1)).mean().exp()
            ),
            "You take the entropy of the predictions, in which `y` does not occur. Pick the "
            "log-probability of the token that came.",
        ),
        (
            lambda logits, y: _perplexity(logits[1:], y[1:]),
            "You leave the first token out. Here each token of `y` has its row of scores.",
        ),
        (
            lambda logits, y: _perplexity(logits[:-1], y[1:]),
            "You pair each row with the token of the next one. Here the scores in row i are those "
            "for `y[i]` already.",
        ),
        (_of_all_pairs(lambda Z: Z.log_softmax(dim=1)), _ALL_PAIRS),
        (_of_all_pairs(lambda Z: Z.softmax(dim=1).log()), _ALL_PAIRS),
        (
            _of_chosen(lambda log_p: (-log_p).exp()),
            "This is one number for each token. A text has one perplexity.",
        ),
    ],
)


def _norm(gradients: list[Tensor]) -> Tensor:
    """The length of all gradients together: ()."""
    return torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()


def _scaled(gradients: list[Tensor], factor: Tensor | float) -> list[Tensor]:
    return [factor * g for g in gradients]


def _clip(gradients: list[Tensor], threshold: float) -> list[Tensor]:
    """The gradients, scaled down together to a norm of at most the threshold."""
    norm = sum(g.square().sum() for g in gradients).sqrt()  # ()
    return [g * threshold / norm.clamp(min=threshold) for g in gradients]


def _clip_cases(generator: torch.Generator) -> Iterator[tuple[list[Tensor], float]]:
    yield [tensor([3.0, 0.0]), tensor([[4.0]])], 2.5
    yield [tensor([0.3, 0.1]), tensor([[-0.4]])], 2.0
    for threshold in (0.3, 1.7, 4.0):
        shapes = ((2, 3), (3,), (3, 4), (4,))
        yield [2 * torch.randn(s, generator=generator) for s in shapes], threshold
    yield [tensor([1.5, -1.2]), tensor([0.9])], 3.0
    yield [torch.zeros(2), torch.zeros(2, 2)], 1.5
    yield [tensor([3.0, 0.0]), tensor([[4.0]])], 5.0  # as long as the threshold
    yield [tensor(-6.0), tensor([[[2.0, 3.0]]])], 3.5


def _by_any_factor(factor: Callable[[Tensor, float], Any]) -> Callable[..., list[Tensor]]:
    """Scales by factor(norm, threshold), also gradients of zeros."""
    return lambda gradients, threshold: _scaled(gradients, factor(_norm(gradients), threshold))


def _by_factor(factor: Callable[[Tensor, float], Any]) -> Callable[..., list[Tensor]]:
    """Scales by factor(norm, threshold); gradients of zeros stay as they are."""
    return _by_any_factor(lambda norm, threshold: factor(norm, threshold) if norm else 1.0)


def _if_longer(measure: Callable[[list[Tensor]], Tensor]) -> Callable[..., list[Tensor]]:
    """Scales down by a length that may be measured wrongly."""

    def answer(gradients: list[Tensor], threshold: float) -> list[Tensor]:
        size = measure(gradients)
        return _scaled(gradients, threshold / size if size > threshold else 1.0)

    return answer


def _factor(gradients: list[Tensor], threshold: float) -> Tensor | float:
    norm = _norm(gradients)
    return threshold / norm if norm > threshold else 1.0


_UPSIDE_DOWN = (
    "`max` where `min` belongs, or `<` where `>` does: short gradients grow, and long ones stay."
)
_BY_THRESHOLD = (
    "You divide by the threshold. The number to multiply by is the threshold divided by the norm."
)
_FACTOR_ONLY = "This is the factor. Multiply each gradient by it, and return their list."


clip_gradient = Exercise(
    reference=_clip,
    cases=_clip_cases,
    mistakes=[
        (
            lambda gradients, threshold: [_clip([g], threshold)[0] for g in gradients],
            "You clip each tensor by itself. That changes the direction of the whole: the norm is "
            "that of all of them together.",
        ),
        (
            lambda gradients, threshold: [g.clamp(-threshold, threshold) for g in gradients],
            "You cut every entry off at the threshold. That changes the direction. Divide all of "
            "them by one number instead.",
        ),
        (
            lambda gradients, threshold: [g.clamp(max=threshold) for g in gradients],
            "You cut large entries off, and leave large negative ones. Clipping by the norm "
            "multiplies all entries by one number.",
        ),
        (
            _by_factor(lambda norm, c: c / norm),
            "You make short gradients longer. One that is shorter than the threshold stays as it "
            "is: look at the `min` in the formula.",
        ),
        (
            _by_any_factor(lambda norm, c: c / norm),
            "You make short gradients longer, and one of zeros into `nan`. One that is shorter "
            "than the threshold stays as it is.",
        ),
        (
            _if_longer(lambda g: _norm(g) ** 2),
            "You forgot the root: a norm is the root of the sum of squares.",
        ),
        (
            _if_longer(lambda g: torch.stack([x.norm() for x in g]).sum()),
            "You add up the norms of the tensors. The norm of the whole is the root of the sum of "
            "all squares.",
        ),
        (
            _if_longer(lambda g: torch.stack([x.abs().sum() for x in g]).sum()),
            "You add up the absolute values. The norm is the root of the sum of squares.",
        ),
        (
            _if_longer(lambda g: torch.stack([x.norm() for x in g]).max()),
            "You take the norm of the longest tensor. It is that of all tensors together.",
        ),
        (
            _if_longer(lambda g: torch.stack([x.abs().max() for x in g]).max()),
            "You take the largest entry for the norm. The norm is the root of the sum of squares.",
        ),
        (
            _if_longer(lambda g: _norm(g) / sum(x.numel() for x in g) ** 0.5),
            "You take a mean of the squares where their sum belongs.",
        ),
        *(
            (
                _if_longer(lambda g, join=join: join(g).norm()),
                "The tensors have different shapes, so they do not join. The norm needs only their "
                "entries: how do you get rid of the shapes?",
            )
            for join in (torch.cat, torch.stack)
        ),
        (
            _by_any_factor(lambda norm, threshold: min(1.0, threshold / norm.item())),
            "A gradient of zeros has a norm of 0, and you divide by it. It is shorter than the "
            "threshold, so it stays as it is.",
        ),
        (
            _by_factor(lambda norm, c: max(1.0, c / norm.item())),
            _UPSIDE_DOWN,
        ),
        (
            _by_any_factor(lambda norm, c: c / norm if norm < c else 1.0),
            _UPSIDE_DOWN,
        ),
        (
            _by_any_factor(lambda norm, c: 1 / c if norm > c else 1.0),
            _BY_THRESHOLD,
        ),
        (_by_any_factor(lambda norm, c: 1 / c), _BY_THRESHOLD),
        (
            then(_clip, lambda clipped: torch.cat([g.flatten() for g in clipped])),
            "You return one long vector. A list is asked for, with a tensor for each parameter.",
        ),
        (_factor, _FACTOR_ONLY),
        (then(_factor, float), _FACTOR_ONLY),
        (then(_factor, torch.as_tensor), _FACTOR_ONLY),
        *(
            (
                answer,
                "Your fraction is upside down. The longer the gradient, the smaller its factor.",
            )
            for answer in (
                _by_factor(lambda norm, c: min(1.0, norm.item() / c)),
                _by_any_factor(lambda norm, c: norm / c if norm > c else 1.0),
            )
        ),
        (
            _if_longer(lambda g: g[0].norm()),
            "You take the norm of the first tensor alone. It is that of all tensors together.",
        ),
        (
            _by_any_factor(lambda norm, c: 1 / norm if norm > c else 1.0),
            "You bring long gradients to a length of 1. They should be as long as the threshold.",
        ),
        (
            _by_any_factor(lambda norm, c: 0.0 if norm > c else 1.0),
            "You throw long gradients away. Their direction is still useful: keep it, and shorten "
            "them.",
        ),
        (
            lambda gradients, threshold: gradients,
            "You return the gradients as they came.",
        ),
    ],
)
