"""Exercises of the chapter *Multilayer perceptron*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor
from torch.nn import functional

from d2lutil.exercises import Exercise


def _forward(X: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    """Two hidden layers with tanh: X (n, d) -> (n, q)."""
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = torch.tanh(X @ W + b)
    return X @ weights[-1] + biases[-1]


def _identity(Z: Tensor) -> Tensor:
    """No activation function."""
    return Z


def _network(
    X: Tensor,
    weights: list[Tensor],
    biases: list[Tensor],
    first: Callable[[Tensor], Tensor] = torch.tanh,
    second: Callable[[Tensor], Tensor] = torch.tanh,
    last: Callable[[Tensor], Tensor] = _identity,
) -> Tensor:
    """The same with other activation functions."""
    H = first(X @ weights[0] + biases[0])  # (n, h)
    H = second(H @ weights[1] + biases[1])  # (n, k)
    return last(H @ weights[2] + biases[2])  # (n, q)


def _forward_cases(
    generator: torch.Generator,
) -> Iterator[tuple[Tensor, list[Tensor], list[Tensor]]]:
    X, weights = tensor([[0.5], [-1.0]]), [tensor([[1.0]]), tensor([[2.0]]), tensor([[3.0]])]
    yield X, weights, [tensor([0.0]), tensor([0.0]), tensor([0.0])]
    yield X, weights, [tensor([0.5]), tensor([-1.0]), tensor([2.0])]
    for n, d, h, k, q in ((3, 2, 2, 2, 2), (2, 2, 3, 2, 1), (1, 3, 2, 4, 3), (5, 4, 3, 3, 2)):
        X = torch.randn(n, d, generator=generator)
        weights = [torch.randn(s, generator=generator) for s in ((d, h), (h, k), (k, q))]
        yield X, weights, [torch.randn(size, generator=generator) for size in (h, k, q)]


def _zeros(biases: list[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(b) for b in biases]


def _bias_behind(X: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(H @ W) + b
    return H @ weights[-1] + biases[-1]


def _always_from_input(X: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(X @ W + b)
    return H @ weights[-1] + biases[-1]


def _entry_by_entry(X: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(H * W + b)
    return H * weights[-1] + biases[-1]


def _by_functional(X: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(functional.linear(H, W, b))  # which transposes W
    return functional.linear(H, weights[-1], biases[-1])


_TRANSPOSED = (
    "Your matrices, or those of the function that you call, are the wrong way round. Those given "
    "have the shape (inputs, outputs); it is `nn.Linear` that wants (outputs, inputs)."
)

mlp_forward = Exercise(
    reference=_forward,
    cases=_forward_cases,
    mistakes=[
        (
            partial(_network, first=torch.sigmoid, second=torch.sigmoid, last=torch.sigmoid),
            "Two things. You use the sigmoid; the exercise asks for another activation function. "
            "And the output layer should have none.",
        ),
        (
            partial(_network, last=torch.tanh),
            "Your output layer has an activation function, too, so it can never put out more than "
            "1. Only the hidden layers have one.",
        ),
        (
            partial(_network, last=torch.sigmoid),
            "You send the outputs through a sigmoid. Return them as they come out of the last "
            "layer.",
        ),
        (
            lambda X, weights, biases: _network(X, weights, biases).softmax(dim=1),
            "You turn the outputs into probabilities. Return them as they come out of the last "
            "layer.",
        ),
        (
            partial(_network, first=_identity, second=_identity),
            "There is no activation function in your network. Without one, three layers are no "
            "more than one.",
        ),
        (
            partial(_network, second=_identity),
            "Your second hidden layer has no activation function. Every hidden layer has one.",
        ),
        (
            partial(_network, first=_identity),
            "Your first hidden layer has no activation function. Every hidden layer has one.",
        ),
        (
            partial(_network, first=_identity, second=_identity, last=torch.tanh),
            "You apply the activation function to the outputs and nowhere else. It belongs between "
            "the layers, not behind them.",
        ),
        (
            partial(_network, first=torch.relu, second=torch.relu),
            "You use ReLU, like `mlp` in the chapter. The exercise asks for another activation "
            "function.",
        ),
        (
            partial(_network, first=torch.relu, second=torch.relu, last=torch.relu),
            "Two things. You use ReLU; the exercise asks for another activation function. And the "
            "output layer should have none.",
        ),
        (
            partial(_network, first=torch.sigmoid, second=torch.sigmoid),
            "You use the sigmoid. The exercise asks for another activation function, which looks "
            "alike but passes through the origin.",
        ),
        (
            lambda X, weights, biases: _network(X, weights, _zeros(biases)),
            "The biases are missing. Each layer has one, the output layer included.",
        ),
        (
            lambda X, weights, biases: _network(X, weights, biases[:2] + _zeros(biases[2:])),
            "The bias of the output layer is missing. There are three in the list.",
        ),
        (
            lambda X, weights, biases: _network(X, weights, _zeros(biases[:2]) + biases[2:]),
            "The biases of the hidden layers are missing. There are three in the list.",
        ),
        (
            _bias_behind,
            "You add the biases of the hidden layers behind the activation function. A bias is "
            "part of the affine map, so it has to be there before the activation function.",
        ),
        (
            lambda X, weights, biases: _network(torch.tanh(X), weights, biases),
            "You apply the activation function to the inputs. The first layer takes them as they "
            "are; the activation function comes after its affine map.",
        ),
        (
            lambda X, weights, biases: torch.tanh(X @ weights[0] + biases[0]),
            "This is the first hidden layer; two more layers follow. Is your `return` inside a "
            "loop?",
        ),
        (
            lambda X, weights, biases: (
                torch.tanh(X @ weights[0] + biases[0]) @ weights[1] + biases[1]
            ),
            "Your network ends after two layers. It should have two hidden layers, and there are "
            "three matrices in the list.",
        ),
        (
            lambda X, weights, biases: torch.tanh(
                torch.tanh(X @ weights[0] + biases[0]) @ weights[1] + biases[1]
            ),
            "This is the second hidden layer. The output layer, which has no activation function, "
            "comes after it.",
        ),
        (
            _always_from_input,
            "Every layer of yours takes `X`. Only the first one should; each of the others takes "
            "the output of the one before it.",
        ),
        (
            lambda X, weights, biases: _network(X, [W.T for W in weights], biases),
            _TRANSPOSED,
        ),
        (
            _by_functional,
            _TRANSPOSED,
        ),
        (
            lambda X, weights, biases: _network(X.T, weights, biases),
            "You transpose `X`. Its rows are the examples, and so are the rows of what you return.",
        ),
        (
            lambda X, weights, biases: torch.tanh(weights[0] @ X + biases[0]),
            "The examples are the rows of `X`, so it stands on the left of the matrix product.",
        ),
        (
            _entry_by_entry,
            "`*` multiplies entry by entry. A layer needs the matrix product, `@`.",
        ),
    ],
)


def _derivative(z: Tensor) -> Tensor:
    """The derivative of Swish for each number of z, of any shape."""
    s = torch.sigmoid(z)
    return s + z * s * (1 - s)


def _derivative_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    yield (tensor([0.0, 1.0, -1.0, 3.0]),)
    yield (tensor(1000.0),)
    yield (tensor(-1000.0),)
    for shape in ((5,), (2, 3), (2, 1, 2)):
        yield (3 * torch.randn(shape, generator=generator),)


_SIGN = (
    "A sign is wrong. The quotient rule brings a minus with it, and the derivative of `exp(-z)` "
    "another one. Where `z` is positive the growing sigmoid makes Swish rise faster, not slower."
)

swish_derivative = Exercise(
    reference=_derivative,
    cases=_derivative_cases,
    mistakes=[
        (
            lambda z: (1 + z) * (s := torch.sigmoid(z)) * (1 - s),
            "Nearly: in the first term stands the derivative of the sigmoid, where the sigmoid "
            "itself should be.",
        ),
        (
            lambda z: (1 + (e := torch.exp(-z)) + z * e) / (1 + e**2),
            "In the quotient rule, all of the denominator is squared: is a bracket missing?",
        ),
        (
            lambda z: torch.sigmoid(z),
            "This is half of it. Swish is a product, `z` times the sigmoid, and you have "
            "differentiated the first factor only.",
        ),
        (
            lambda z: z * (s := torch.sigmoid(z)) * (1 - s),
            "This is half of it. Swish is a product, `z` times the sigmoid, and you have "
            "differentiated the second factor only.",
        ),
        (
            lambda z: (s := torch.sigmoid(z)) * (1 - s),
            "This is the derivative of the sigmoid. Swish is `z` times the sigmoid: what does the "
            "rule for a product say?",
        ),
        (
            lambda z: z * torch.sigmoid(z),
            "This is Swish itself. Its derivative is asked for.",
        ),
        (
            lambda z: (s := torch.sigmoid(z)) + s * (1 - s),
            "Nearly: the second term of the product rule has lost its `z`.",
        ),
        (
            lambda z: (s := torch.sigmoid(z)) + z * s,
            "Nearly: in the second term stands the sigmoid, where its derivative should be.",
        ),
        (
            lambda z: (s := torch.sigmoid(z)) + z * (1 - s),
            "Nearly: the derivative of the sigmoid is not complete. It is small on both sides.",
        ),
        (
            lambda z: (s := torch.sigmoid(z)) + z * (1 - s**2),
            "Nearly: 1 − s² is how the derivative of tanh is computed. The sigmoid has another.",
        ),
        (
            lambda z: (s := torch.sigmoid(z)) - z * s * (1 - s),
            _SIGN,
        ),
        (
            lambda z: (1 + (e := torch.exp(-z)) - z * e) / (1 + e) ** 2,
            _SIGN,
        ),
        (
            lambda z: (1 + (e := torch.exp(-z)) + z * e) / (1 + e),
            "In the quotient rule, the denominator is squared. When you have mended that, look at "
            "what `exp(-z)` is at z = −1000.",
        ),
        (
            lambda z: (s := torch.sigmoid(-z)) + z * s * (1 - s),
            "Your sigmoid runs the wrong way, from 1 down to 0. Check the sign in its exponent.",
        ),
        (
            lambda z: (z > 0).float(),
            "This is the derivative of ReLU. Swish is smooth, and so is its derivative.",
        ),
        (
            lambda z: (1 + (e := torch.exp(-z)) + z * e) / (1 + e) ** 2,
            "Your formula is right, but at z = −1000 `exp(-z)` is infinite in single precision, "
            "and ∞/∞, ∞ − ∞ and 0 · ∞ are NaN. PyTorch has a sigmoid that was written with this in "
            "mind: can you say the same with it?",
        ),
        (
            lambda z: (s := (e := torch.exp(z)) / (1 + e)) + z * s * (1 - s),
            "Your formula is right, but at z = 1000 `exp(z)` is infinite in single precision, and "
            "∞/∞ is NaN. PyTorch has a sigmoid that was written with this in mind.",
        ),
    ],
)
