"""How good a model is: `evaluate`, `accuracy`; what it says: `predict`; what it learns from."""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from d2lutil import runtime
from d2lutil._arguments import check_number, form
from d2lutil._preparation import (
    Data,
    Inputs,
    Loss,
    Pair,
    are_inputs,
    are_scores,
    check_model,
    check_pair,
    choose_loss,
    evaluation,
    inputs,
    no_label_of,
    prepare,
)


def evaluate(
    model: nn.Module,
    test: Pair,
    *,
    loss: Loss | None = None,
    batch_size: int = 1024,
    device: str | torch.device | None = None,
) -> dict[str, float]:
    """The model's mean loss on `test`, a pair (X, y), and its accuracy where y is integer.

    The mean is over labels, as in `fit`, and does not depend on `batch_size`. Computes in
    evaluation mode, without gradients, and leaves each module in the mode it was in. `loss`,
    `device` and the errors are those of `fit`.

    >>> evaluate(model, test)
    {'loss': 0.21, 'accuracy': 0.94}
    """
    check_model(model)
    check_pair("test", test)
    check_number("batch_size", batch_size, least=1, whole=True)
    device = runtime.device(device)
    loss = choose_loss(loss, test[1], device)
    return measure(model, prepare("test", test, model.to(device), loss, device), loss, batch_size)


def measure(model: nn.Module, data: Data, loss: Loss, batch_size: int) -> dict[str, float]:
    """Mean loss and accuracy on data that is prepared already."""
    n = len(data.y)
    edges = [*range(0, n, batch_size), n]
    batches = [both for both in zip(pairwise(edges), data.weights(edges), strict=True) if both[1]]
    losses, correct = [], torch.zeros(2, dtype=torch.int64, device=data.y.device)
    with evaluation(model):
        for (i, j), _ in batches:
            outputs = model(*(x[i:j] for x in data.X))  # (b, classes) or like y
            losses.append(loss(outputs, data.y[i:j]))
            if data.scored:
                correct += count_correct(outputs, data.y[i:j], data.no_label)
    result = {"loss": weighted_mean(torch.stack(losses).tolist(), [w for _, w in batches])}
    return result | ({"accuracy": share(correct)} if data.scored else {})


def predict(model: nn.Module, X: Inputs, *, batch_size: int = 1024) -> Tensor:
    """The model's outputs for X (n, ...), on the CPU: (n, ...), in evaluation mode, no gradients.

    For a model with several inputs, X is a tuple of tensors.

    Computes where the model is, and leaves each module in the mode it was in. A model that is none
    is a `TypeError`, and so is an X that is no tensor.

    >>> predict(model, X).argmax(dim=1)
    tensor([7, 2, 1])
    """
    check_model(model)
    if not are_inputs(X) or not len(inputs(X)[0]):
        raise TypeError(f"X must be a tensor of one example or more, not {form(X)}")
    check_number("batch_size", batch_size, least=1, whole=True)
    parts = inputs(X)
    device = next((p.device for p in model.parameters()), parts[0].device)
    with evaluation(model):
        batches = zip(*(x.split(batch_size) for x in parts), strict=True)
        return torch.cat([model(*(x.to(device) for x in b)).cpu() for b in batches])  # (n, ...)


def gradient_sizes(model: nn.Module, data: Pair, *, loss: Loss | None = None) -> dict[str, float]:
    """How large the gradient is that reaches each weight of a model, the first layer's first.

    The root mean square over each parameter of two dimensions or more (so no biases), by name, for
    the mean loss on `data`, a pair (X, y), in training mode. The model stays as it is. `loss` and
    the errors are those of `fit`.

    >>> gradient_sizes(model, (X[:500], y[:500]))
    {'0.weight': 0.0004, '2.weight': 0.006}
    """
    check_model(model)
    check_pair("data", data)
    model = copy.deepcopy(model)
    device = next((p.device for p in model.parameters()), data[1].device)
    loss = choose_loss(loss, data[1], device)
    X, y, *_ = prepare("data", data, model, loss, device)
    weights = {name: p for name, p in model.named_parameters() if p.ndim > 1 and p.requires_grad}
    if not weights:
        raise ValueError("model has no weights of two dimensions or more")
    gradients = torch.autograd.grad(loss(model.train()(*X), y), list(weights.values()))
    return {
        name: gradient.cpu().double().pow(2).mean().sqrt().item()  # squares may underflow
        for name, gradient in zip(weights, gradients, strict=True)
    }


def accuracy(outputs: Tensor, y: Tensor) -> float:
    """The fraction of examples whose largest output is that of their class.

    outputs: (n, classes) or (n, classes, ...); y: integer, (n,) or (n, ...).

    >>> accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
    0.5
    """
    if not are_scores(outputs, y):
        raise ValueError(
            "accuracy needs outputs (n, classes) and integer y (n,), "
            f"not {form(outputs)} and {form(y)}"
        )
    return share(count_correct(outputs, y, no_label_of(y)))


def count_correct(outputs: Tensor, y: Tensor, no_label: int | None) -> Tensor:
    """How many labels are right, and how many there are: (2,)."""
    right = outputs.argmax(1) == y  # like y
    if no_label is None:
        return torch.stack([right.sum(), torch.full_like(right.sum(), right.numel())])
    there = y != no_label
    return torch.stack([(right & there).sum(), there.sum()])


def share(correct: Tensor) -> float:
    """What `count_correct` counted, as a fraction."""
    right, all_of_them = correct.tolist()
    return right / all_of_them if all_of_them else math.nan


def weighted_mean(values: list[float], weights: list[int]) -> float:
    """The mean of the values, each counted as often as its weight says."""
    total = sum(value * w for value, w in zip(values, weights, strict=True) if w)
    return total / sum(weights)
