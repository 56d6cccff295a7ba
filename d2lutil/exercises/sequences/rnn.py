"""Exercises of the chapter *Recurrent networks*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise


def _jordan(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    """A Jordan network's outputs: X (n, t, d), M (n, q) -> (n, t, q)."""
    outputs = []
    for x in X.unbind(dim=1):  # (n, d)
        M = torch.tanh(x @ W_xh + M @ W_oh + b_h) @ W_ho + b_o  # (n, q)
        outputs.append(M)
    return torch.stack(outputs, dim=1)


def _straight(Z: Tensor) -> Tensor:
    """No activation function."""
    return Z


def _outputs(
    X: Tensor,
    M: Tensor,
    W_xh: Tensor,
    W_oh: Tensor,
    b_h: Tensor,
    W_ho: Tensor,
    b_o: Tensor,
    hidden: Callable[[Tensor], Tensor] = torch.tanh,
    output: Callable[[Tensor], Tensor] = _straight,
    carried: bool = True,
    step: Callable[[Tensor, int], Tensor] = lambda X, i: X[:, i],
) -> Tensor:
    """The same with some of its parts replaced."""
    outputs = []
    for i in range(X.shape[1]):
        H = hidden(step(X, i) @ W_xh + M @ W_oh + b_h)  # (n, h)
        answer = output(H @ W_ho + b_o)  # (n, q)
        outputs.append(answer)
        M = answer if carried else M  # (n, q)
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


def _reset(X: Tensor, M: Tensor, *weights: Tensor) -> Tensor:
    return _outputs(X, torch.zeros_like(M), *weights)


def _always_reset(X: Tensor, M: Tensor, *weights: Tensor) -> Tensor:
    return _outputs(X, torch.zeros_like(M), *weights, carried=False)


def _elman(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    outputs, memory = [], M
    for x in X.unbind(dim=1):
        memory = torch.tanh(x @ W_xh + memory @ W_oh + b_h)
        outputs.append(memory @ W_ho + b_o)
    return torch.stack(outputs, dim=1)


def _transposed(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    return _outputs(X, M, W_xh.T, W_oh.T, b_h, W_ho.T, b_o)


def _bias_behind(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    outputs = []
    for x in X.unbind(dim=1):
        M = (torch.tanh(x @ W_xh + M @ W_oh) + b_h) @ W_ho + b_o
        outputs.append(M)
    return torch.stack(outputs, dim=1)


def _two_tanhs(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    outputs = []
    for x in X.unbind(dim=1):
        M = (torch.tanh(x @ W_xh + b_h) + torch.tanh(M @ W_oh)) @ W_ho + b_o
        outputs.append(M)
    return torch.stack(outputs, dim=1)


def _without_hidden_bias(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    return _outputs(X, M, W_xh, W_oh, torch.zeros_like(b_h), W_ho, b_o)


def _without_output_bias(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    return _outputs(X, M, W_xh, W_oh, b_h, W_ho, torch.zeros_like(b_o))


def _bias_twice(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    return _outputs(X, M, W_xh, W_oh, 2 * b_h, W_ho, b_o)


def _hidden_values(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    states = []
    for x in X.unbind(dim=1):
        H = torch.tanh(x @ W_xh + M @ W_oh + b_h)
        M = H @ W_ho + b_o
        states.append(H)
    return torch.stack(states, dim=1)


def _carried_without_bias(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    outputs = []
    for x in X.unbind(dim=1):
        M = torch.tanh(x @ W_xh + M @ W_oh + b_h) @ W_ho
        outputs.append(M + b_o)
    return torch.stack(outputs, dim=1)


def _carried_through_tanh(
    X: Tensor, M: Tensor, W_xh: Tensor, W_oh: Tensor, b_h: Tensor, W_ho: Tensor, b_o: Tensor
) -> Tensor:
    outputs = []
    for x in X.unbind(dim=1):
        answer = torch.tanh(x @ W_xh + M @ W_oh + b_h) @ W_ho + b_o
        M = torch.tanh(answer)
        outputs.append(answer)
    return torch.stack(outputs, dim=1)


def _over_examples(X: Tensor, M: Tensor, *weights: Tensor) -> Tensor:
    return _outputs(X.transpose(0, 1), M, *weights)


_example_at_step = partial(_outputs, step=lambda X, i: X[i])

_OVER_EXAMPLES = (
    "You loop over the examples: `for x in X` and `X[i]` walk along the first dimension. The steps "
    "are the second; `X.unbind(dim=1)` gives them one by one."
)


jordan_forward = Exercise(
    reference=_jordan,
    cases=_jordan_cases,
    mistakes=[
        (
            partial(_outputs, hidden=_straight),
            "Your hidden layer does not bend. Which function does the exercise ask for?",
        ),
        (
            partial(_outputs, output=torch.tanh),
            "Your outputs go through a tanh, so they can never be more than 1. Only the hidden "
            "layer bends.",
        ),
        (
            partial(_outputs, hidden=_straight, output=torch.tanh),
            "You bend the outputs, and not the hidden values. It should be the other way round.",
        ),
        (
            partial(_outputs, hidden=torch.sigmoid),
            "You use the sigmoid. The exercise asks for tanh.",
        ),
        (
            partial(_outputs, hidden=torch.relu),
            "You use ReLU. The exercise asks for tanh.",
        ),
        (
            partial(_outputs, carried=False),
            "Every step of yours reads the first `M`. Each should read the output of the step "
            "before it: what becomes of `M` in the loop?",
        ),
        (
            _reset,
            "You begin with zeros. The memory before the first step is given: `M`.",
        ),
        (
            _always_reset,
            "Your network has no memory: every step reads zeros where it should read the output "
            "of the step before.",
        ),
        (
            _elman,
            "What you carry from step to step is the hidden values, as Elman does. Jordan carries "
            "the output.",
        ),
        (
            lambda X, M, *weights: _outputs(X, M, *weights)[:, -1],
            "This is the last output alone. Collect the outputs of all steps, and stack them.",
        ),
        (
            lambda X, M, *weights: _outputs(X, M, *weights)[:, :1],
            "This is the first output alone. Is your `return` inside the loop?",
        ),
        (
            lambda X, M, *weights: _outputs(X, M, *weights).transpose(0, 1),
            "The steps stand in front of the examples. `torch.stack` takes a `dim`.",
        ),
        (
            lambda X, M, *weights: _outputs(X, M, *weights).flatten(0, 1),
            "You have joined the steps end to end. `torch.cat` joins along a dimension that is "
            "there; `torch.stack` makes a new one.",
        ),
        (
            lambda X, M, *weights: _outputs(X.flip(1), M, *weights),
            "You read the sequence backwards.",
        ),
        (
            lambda X, M, *weights: _outputs(X.flip(1), M, *weights).flip(1),
            "You read the sequence backwards, and turn the outputs round again. The first step "
            "comes first.",
        ),
        (
            _hidden_values,
            "These are the hidden values. The outputs are asked for.",
        ),
        (
            _transposed,
            "Your matrices are the wrong way round. Those given have the shape (inputs, outputs); "
            "it is `nn.Linear` that wants (outputs, inputs).",
        ),
        (
            _bias_behind,
            "You add `b_h` behind the tanh. A bias moves the place of the bend, so it has to be "
            "there before the bend.",
        ),
        (
            _two_tanhs,
            "You bend the input's part and the memory's part each by itself. Add them first, and "
            "bend the sum.",
        ),
        (
            _without_hidden_bias,
            "The bias of the hidden layer, `b_h`, is missing.",
        ),
        (
            _without_output_bias,
            "The bias of the output layer, `b_o`, is missing.",
        ),
        (
            _bias_twice,
            "You add `b_h` twice, once with the input and once with the memory. It is one bias for "
            "the sum.",
        ),
        (_over_examples, _OVER_EXAMPLES),
        (lambda *arguments: _over_examples(*arguments).transpose(0, 1), _OVER_EXAMPLES),
        (_example_at_step, _OVER_EXAMPLES),
        (lambda *arguments: _example_at_step(*arguments).transpose(0, 1), _OVER_EXAMPLES),
        (
            lambda X, M, *weights: _outputs(X, M, *weights)[:, : len(X)],
            "You take as many steps as there are examples. `X` has the shape (n, t, d): which of "
            "these counts the steps?",
        ),
        (
            lambda *arguments: list(_outputs(*arguments).unbind(dim=1)),
            "The outputs are right, in a list. `torch.stack` makes one tensor of them; the steps "
            "belong into dimension 1.",
        ),
        (
            lambda *arguments: (_outputs(*arguments), _outputs(*arguments)[:, -1]),
            "Return the outputs only. The last memory is the last of them.",
        ),
        (
            _carried_without_bias,
            "The memory lacks `b_o`. What is carried is the output itself, with its bias.",
        ),
        (
            _carried_through_tanh,
            "Your memory holds the tanh of the output. It should hold the output as it is.",
        ),
        (
            lambda X, M, *weights: torch.cat([M[:, None], _outputs(X, M, *weights)[:, :-1]], dim=1),
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


def _with_a_small_number(small: float, logits: Tensor, y: Tensor) -> Tensor:
    return (-(logits.softmax(dim=1).gather(1, y[:, None]) + small).log().mean()).exp()


_ALL_PAIRS = (
    "`[:, y]` takes the columns y of *every* row, m × m numbers. One of each row is wanted: "
    "`[range(m), y]`, or `gather`."
)


text_perplexity = Exercise(
    reference=_perplexity,
    cases=_perplexity_cases,
    mistakes=[
        (
            lambda logits, y: -_chosen(logits, y).mean(),
            "This is the cross-entropy. One step is missing: what undoes a logarithm?",
        ),
        (
            lambda logits, y: _chosen(logits, y).mean().exp(),
            "A sign is missing. You give the mean probability of a token; a perplexity is 1 or "
            "more.",
        ),
        (
            lambda logits, y: 2 ** (-_chosen(logits, y).mean()),
            "You raise 2 to the power of a natural logarithm. The base and the logarithm must "
            "match.",
        ),
        (
            lambda logits, y: torch.exp(-_chosen(logits, y).mean() / torch.tensor(2.0).log()),
            "You take the logarithm to the base 2 and then the power of e. The base and the "
            "logarithm must match.",
        ),
        (
            lambda logits, y: -_chosen(logits, y).mean() / torch.tensor(2.0).log(),
            "This is the mean surprise in bits. Perplexity is 2 to the power of it.",
        ),
        (
            lambda logits, y: (-_chosen(logits, y).sum()).exp(),
            "You add the logarithms up, so a longer text has a larger perplexity. Take the mean.",
        ),
        (
            lambda logits, y: (-_chosen(logits, y)).exp().mean(),
            "You take the exponential of each token first, and the mean last. The mean is one of "
            "logarithms.",
        ),
        (
            lambda logits, y: 1 / _chosen(logits, y).exp().mean(),
            "You average the probabilities. A token with a probability of almost nothing then "
            "costs almost nothing. Average their logarithms.",
        ),
        (
            lambda logits, y: (-_chosen(logits, y).sum() / logits.numel()).exp(),
            "Your mean divides by the number of all scores. There are only m tokens.",
        ),
        (
            lambda logits, y: (-logits.log_softmax(dim=1).max(dim=1).values.mean()).exp(),
            "You take the most probable token of each row. It is the token that came, `y`, that "
            "counts.",
        ),
        (
            lambda logits, y: (-logits.gather(1, y[:, None]).mean()).exp(),
            "You treat the scores as if they were logarithms of probabilities. Something has to "
            "make each row's probabilities add up to 1.",
        ),
        (
            lambda logits, y: (-logits.log_softmax(dim=0).gather(1, y[:, None]).mean()).exp(),
            "Your softmax runs down the columns. The K scores of one token stand in a row.",
        ),
        (
            lambda logits, y: (-logits.softmax(dim=1).gather(1, y[:, None]).mean()).exp(),
            "The logarithm is missing: you average probabilities, and take the exponential of "
            "that.",
        ),
        (
            lambda logits, y: (-logits.log_softmax(dim=1).mean()).exp(),
            "You average over all tokens that could have come. Pick the one that did, by `y`.",
        ),
        (
            lambda logits, y: (-logits.softmax(dim=1).log().gather(1, y[:, None]).mean()).exp(),
            "Right, until a probability is too small for single precision and becomes 0. Stay with "
            "logarithms: there is a function that goes from scores to them at once.",
        ),
        *(
            (
                partial(_with_a_small_number, 10.0**-k),
                "A small number that keeps probabilities away from 0 makes the rarest tokens "
                "cheaper than they are. There is a function that goes from scores to logarithms "
                "at once.",
            )
            for k in (6, 7, 8, 9, 10, 12)
        ),
        (
            lambda logits, y: (
                -(logits.exp() / logits.exp().sum(dim=1, keepdim=True))
                .gather(1, y[:, None])
                .log()
                .mean()
            ).exp(),
            "Right, until a score is large: `exp(1000)` is infinite in single precision. There is "
            "a function that goes from scores to logarithms without it.",
        ),
        (
            lambda logits, y: torch.nn.functional.cross_entropy(logits.softmax(dim=1), y).exp(),
            "You apply the softmax twice: `F.cross_entropy` wants scores, and takes the softmax "
            "itself.",
        ),
        (lambda logits, y: (-logits.log_softmax(dim=1)[:, y].mean()).exp(), _ALL_PAIRS),
        (lambda logits, y: (-logits.softmax(dim=1)[:, y].log().mean()).exp(), _ALL_PAIRS),
        (
            lambda logits, y: (-_chosen(logits, y)).exp(),
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


def _by_factor(
    factor: Callable[[list[Tensor], float], Any], gradients: list[Tensor], threshold: float
) -> list[Tensor]:
    """Scales by a factor that may be wrong; a gradient of zeros stays as it is."""
    return _scaled(gradients, factor(gradients, threshold)) if _norm(gradients) else gradients


def _if_longer(
    measure: Callable[[list[Tensor]], Tensor], gradients: list[Tensor], threshold: float
) -> list[Tensor]:
    """Scales down by a length that may be measured wrongly."""
    size = measure(gradients)
    return _scaled(gradients, threshold / size if size > threshold else 1.0)


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
            partial(_by_factor, lambda g, c: c / _norm(g)),
            "You make short gradients longer. One that is shorter than the threshold stays as it "
            "is: look at the `min` in the formula.",
        ),
        (
            lambda gradients, threshold: _scaled(gradients, threshold / _norm(gradients)),
            "You make short gradients longer, and one of zeros into `nan`. One that is shorter "
            "than the threshold stays as it is.",
        ),
        (
            partial(_if_longer, lambda g: _norm(g) ** 2),
            "You forgot the root: a norm is the root of the sum of squares.",
        ),
        (
            partial(_if_longer, lambda g: torch.stack([x.norm() for x in g]).sum()),
            "You add up the norms of the tensors. The norm of the whole is the root of the sum of "
            "all squares.",
        ),
        (
            partial(_if_longer, lambda g: torch.stack([x.abs().sum() for x in g]).sum()),
            "You add up the absolute values. The norm is the root of the sum of squares.",
        ),
        (
            partial(_if_longer, lambda g: torch.stack([x.norm() for x in g]).max()),
            "You take the norm of the longest tensor. It is that of all tensors together.",
        ),
        (
            partial(_if_longer, lambda g: torch.stack([x.abs().max() for x in g]).max()),
            "You take the largest entry for the norm. The norm is the root of the sum of squares.",
        ),
        (
            partial(_if_longer, lambda g: _norm(g) / sum(x.numel() for x in g) ** 0.5),
            "You take a mean of the squares where their sum belongs.",
        ),
        *(
            (
                partial(_if_longer, lambda g, join=join: join(g).norm()),
                "The tensors have different shapes, so they do not join. The norm needs only their "
                "entries: how do you get rid of the shapes?",
            )
            for join in (torch.cat, torch.stack)
        ),
        (
            lambda gradients, threshold: _scaled(
                gradients, min(1.0, threshold / _norm(gradients).item())
            ),
            "A gradient of zeros has a norm of 0, and you divide by it. It is shorter than the "
            "threshold, so it stays as it is.",
        ),
        (
            partial(_by_factor, lambda g, c: max(1.0, c / _norm(g).item())),
            _UPSIDE_DOWN,
        ),
        (
            lambda gradients, threshold: _scaled(
                gradients, threshold / _norm(gradients) if _norm(gradients) < threshold else 1.0
            ),
            _UPSIDE_DOWN,
        ),
        (
            lambda gradients, threshold: _scaled(
                gradients, 1 / threshold if _norm(gradients) > threshold else 1.0
            ),
            _BY_THRESHOLD,
        ),
        (lambda gradients, threshold: _scaled(gradients, 1 / threshold), _BY_THRESHOLD),
        (
            lambda gradients, threshold: torch.cat(
                [g.flatten() for g in _clip(gradients, threshold)]
            ),
            "You return one long vector. A list is asked for, with a tensor for each parameter.",
        ),
        (_factor, _FACTOR_ONLY),
        (lambda gradients, threshold: float(_factor(gradients, threshold)), _FACTOR_ONLY),
        (lambda gradients, threshold: torch.as_tensor(_factor(gradients, threshold)), _FACTOR_ONLY),
        (
            partial(_by_factor, lambda g, c: min(1.0, _norm(g).item() / c)),
            "Your fraction is upside down. The longer the gradient, the smaller its factor.",
        ),
        (
            lambda gradients, threshold: _scaled(
                gradients, 1 / _norm(gradients) if _norm(gradients) > threshold else 1.0
            ),
            "You bring long gradients to a length of 1. They should be as long as the threshold.",
        ),
        (
            lambda gradients, threshold: _scaled(
                gradients, 0.0 if _norm(gradients) > threshold else 1.0
            ),
            "You throw long gradients away. Their direction is still useful: keep it, and shorten "
            "them.",
        ),
        (
            lambda gradients, threshold: gradients,
            "You return the gradients as they came.",
        ),
    ],
)
