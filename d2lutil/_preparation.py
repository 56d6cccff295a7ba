"""Before the first step: model, data, loss, optimiser and schedule are tried on one another.

Whatever does not fit together is a `TypeError` or `ValueError` that names the argument, and the
model is then as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from inspect import Parameter, signature
from itertools import chain, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parameter import is_lazy
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from d2lutil._arguments import form

Inputs = Tensor | tuple[Tensor, ...]
Pair = tuple[Inputs, Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]

NO_LABEL = -100  # where an integer y has nothing to predict, as in torch's cross_entropy
MISFITS = (RuntimeError, IndexError, TypeError, ValueError, AssertionError)  # what torch raises


class Data(NamedTuple):
    """A pair (X, y) on the device, and what `fit` has to know of it."""

    X: tuple[Tensor, ...]  # each (n, ...)
    y: Tensor  # (n, ...)
    scored: bool  # whether accuracy applies
    no_label: int | None  # what marks a place without a label, where y may have such places
    labels: Tensor | None  # (n,) labels of each example; None where all have as many

    def weights(self, edges: Sequence[int], order: Tensor | None = None) -> list[int]:
        """How much each batch between two edges counts: its labels, or else its examples."""
        if self.labels is None:
            return [j - i for i, j in pairwise(edges)]
        labels = self.labels if order is None else self.labels[order]  # (n,)
        return F.pad(labels.cumsum(0), (1, 0))[list(edges)].diff().tolist()


def check_pair(name: str, pair: Any) -> None:
    """Refuse what is not a pair (X, y) of tensors, or of several and one, of as many examples."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(f"{name} must be a pair (X, y) of tensors, not {type(pair).__name__}")
    X, y = pair
    if isinstance(X, tuple) and X and all(isinstance(x, Tensor) for x in X):
        if not are_inputs(X):
            raise ValueError(f"the parts of {name} X must be as long; they are {form(X)}")
        X = X[0]
    if not isinstance(X, Tensor) or not isinstance(y, Tensor):
        kinds = f"{type(X).__name__} and {type(y).__name__}"
        raise TypeError(f"{name} must be a pair (X, y) of tensors, not of {kinds}")
    if not X.ndim or not y.ndim or len(X) != len(y) or not len(X):
        raise ValueError(
            f"{name} X and y must have the same number of examples, at least one; "
            f"their shapes are {tuple(X.shape)} and {tuple(y.shape)}"
        )


def check_model(model: Any) -> None:
    """Refuse what is no module."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, not {model!r}")


def inputs(X: Inputs) -> tuple[Tensor, ...]:
    """The inputs of a model that takes one, or several."""
    return (X,) if isinstance(X, Tensor) else tuple(X)


def are_inputs(X: Any) -> bool:
    """Is this a tensor, or several of as many examples?"""
    parts = [X] if isinstance(X, Tensor) else X if isinstance(X, tuple) else []
    tensors = bool(parts) and all(isinstance(x, Tensor) and x.ndim for x in parts)
    return tensors and len({len(x) for x in parts}) == 1


def are_scores(outputs: Any, y: Tensor) -> bool:
    """Is this one output for each of several classes, along dimension 1, and y integer?"""
    return (
        isinstance(outputs, Tensor)
        and not y.is_floating_point()
        and outputs.ndim == y.ndim + 1
        and outputs.shape[1] > 1
        and outputs.shape[:1] + outputs.shape[2:] == y.shape
    )


def no_label_of(y: Tensor, loss: Loss | None = None) -> int | None:
    """What stands in y where nothing is to be predicted; None where y holds no such number."""
    signed = y.dtype.is_signed and not y.is_floating_point() and not y.is_complex()
    return getattr(loss, "ignore_index", NO_LABEL) if signed else None


def cross_entropy(outputs: Tensor, y: Tensor) -> Tensor:
    """The loss for classes, with labels of any integer type."""
    return F.cross_entropy(outputs, y.long())


OF_CLASSES = (cross_entropy, F.cross_entropy, F.nll_loss, nn.CrossEntropyLoss, nn.NLLLoss)
ELEMENTWISE = (
    *(F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy_with_logits),
    *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCEWithLogitsLoss, nn.BCELoss),
)


def choose_loss(loss: Loss | None, y: Tensor, device: torch.device) -> Loss:
    """The loss that was asked for, or else the usual one for such a y."""
    if loss is None:
        return F.mse_loss if y.is_floating_point() else cross_entropy
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(f"loss must be a function or module, such as nn.MSELoss(), not {loss!r}")
    return loss.to(device) if isinstance(loss, nn.Module) else loss


def prepare(name: str, pair: Pair, model: nn.Module, loss: Loss, device: torch.device) -> Data:
    """Move a pair to the device, and try model and loss on a few of its examples.

    Those are the first three and, since a number may be beyond an embedding or a list of classes,
    the ones with the least and greatest numbers. The first trial gives lazy layers their shapes.
    """
    X, y = tuple(x.to(device) for x in inputs(pair[0])), pair[1].to(device)
    no_label = no_label_of(y, loss)
    labels = None
    if no_label is not None:
        labels = (y != no_label).reshape(len(y), -1).sum(1)  # (n,)
        least, most = labels.aminmax()
        if not most:
            raise ValueError(f"{name} y has no label; all of it is {no_label}")
        labels = None if least == most else labels

    rows = _telling(*X, y)
    some, ys = tuple(x[rows] for x in X), y[rows]
    if any(is_lazy(part) for part in chain(model.parameters(), model.buffers())):
        _call(model, tuple(x[:2] for x in X), name, pair)
    with evaluation(model), untouched(model, device):
        outputs = _call(model, some, name, pair)
        _check_outputs(outputs, ys, y, name, loss, no_label)
        value = _call_loss(loss, outputs, ys, name)
    if not isinstance(value, Tensor) or value.ndim:
        raise ValueError(f"loss must return a tensor with one number, the mean, not {form(value)}")
    return Data(X, y, are_scores(outputs, ys), no_label, labels)


def _telling(*parts: Tensor) -> list[int]:
    """The first three examples, and those with the least and greatest integers of each part."""
    rows = set(range(min(3, len(parts[0]))))
    for part in parts:
        if not part.is_floating_point() and not part.is_complex() and part.numel():
            flat = part.reshape(len(part), -1)  # (n, d)
            rows |= {int(flat.amax(1).long().argmax()), int(flat.amin(1).long().argmin())}
    return sorted(rows)


def _call(model: nn.Module, X: tuple[Tensor, ...], name: str, pair: Pair) -> Any:
    with evaluation(model), _known_tokens(model):
        try:
            return model(*X)
        except MISFITS as error:
            raise ValueError(f"model cannot take {name} X, {form(pair[0])}: {error}") from error


def _call_loss(loss: Loss, outputs: Any, y: Tensor, name: str) -> Any:
    try:
        return loss(outputs, y)
    except (*MISFITS, AttributeError) as error:  # what is no tensor lacks a tensor's attributes
        raise ValueError(
            f"loss cannot take the model's outputs and {name} y, "
            f"{form(outputs)} and {form(y)}: {error}"
        ) from error


def _check_outputs(
    outputs: Any, ys: Tensor, y: Tensor, name: str, loss: Loss, no_label: int | None
) -> None:
    """Refuse outputs for some y that the loss would not take, or would take for something else."""
    shapes = f"for {len(ys)} examples of {name} they are {form(outputs)} and {form(ys)}"
    if isinstance(outputs, Tensor) and outputs.shape != ys.shape:
        broadcast = outputs.squeeze().shape == ys.squeeze().shape  # (n, 1) against (n,)
        if (broadcast and y.is_floating_point()) or _is_one_of(loss, ELEMENTWISE):
            raise ValueError(f"the outputs and y must have the same shape; {shapes}")
    if not y.is_floating_point() and _is_one_of(loss, OF_CLASSES):
        if not are_scores(outputs, ys):
            raise ValueError(f"model must give outputs (n, classes) for y (n,); {shapes}")
        labels, last = y if no_label is None else y[y != no_label], outputs.shape[1] - 1  # (m,)
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high > last:
            raise ValueError(
                f"{name} y must be labels from 0 to {last}, since the model has {last + 1} "
                f"outputs; they go from {low} to {high}"
            )


def _is_one_of(loss: Loss, losses: tuple[Any, ...]) -> bool:
    return loss in losses or type(loss) in losses


def rehearse(
    model: nn.Module,
    data: Data,
    loss: Loss,
    batch_size: int,
    autocast: Callable[[], AbstractContextManager],
) -> None:
    """Try a step's forward and backward in training mode on two examples, and undo it."""
    parameters, rows = trainable(model), slice(min(2, batch_size))
    with untouched(model, data.y.device):
        model.train()
        try:
            with autocast():
                value = loss(model(*(x[rows] for x in data.X)), data.y[rows])  # ()
            if not value.requires_grad:
                raise ValueError("the loss has no gradient: is something detached or rounded?")
            slopes = torch.autograd.grad(value, parameters, allow_unused=True)
        except MISFITS as error:
            n = len(data.y[rows])
            raise ValueError(
                f"model and loss cannot train on {n} example{'s' * (n > 1)} of train: {error}"
            ) from error
    if all(slope is None for slope in slopes):
        raise ValueError("loss does not depend on the parameters of model")


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; each module then returns to the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def untouched(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Afterwards the model's modes, attributes and statistics are as before; so is the seed."""
    modules = [(m, dict(vars(m)), dict(m._buffers)) for m in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            for module, attributes, named in modules:
                vars(module).clear()
                vars(module).update(attributes)
                module._buffers.update(named)
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)


@contextmanager
def _known_tokens(model: nn.Module) -> Iterator[None]:
    """Refuse tokens beyond an embedding in a way that a GPU survives."""

    def look(embedding: nn.Embedding | nn.EmbeddingBag, given: tuple[Any, ...]) -> None:
        if given and isinstance(given[0], Tensor) and given[0].numel():
            low, high, n = int(given[0].min()), int(given[0].max()), embedding.num_embeddings
            if low < 0 or high >= n:
                raise IndexError(
                    f"its embedding has {n} rows, for tokens from 0 to {n - 1}; "
                    f"they go from {low} to {high}"
                )

    embeddings = [m for m in model.modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag)]
    hooks = [embedding.register_forward_pre_hook(look) for embedding in embeddings]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters to train, at least one."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model has no parameters to train")
    return parameters


def make_optimizer(
    optimizer: Callable[..., Optimizer] | Optimizer, model: nn.Module, lr: float | None
) -> Optimizer:
    """The optimiser that was made already, or one made for this model."""
    parameters = trainable(model)
    if isinstance(optimizer, Optimizer):
        if lr is not None:
            raise ValueError(f"lr={lr} has no effect on an optimizer that is already made")
    elif callable(optimizer):
        plain = getattr(optimizer, "func", optimizer) is SGD  # itself or a functools.partial of it
        if lr is None and plain and "lr" not in getattr(optimizer, "keywords", {}):
            lr = 0.1
        optimizer = optimizer(parameters, **({} if lr is None else {"lr": lr}))
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer must be or make an optimiser, as torch.optim.Adam does, not {optimizer!r}"
        )
    ours = {id(p) for p in parameters}
    if not any(id(p) in ours for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("optimizer has none of the model's parameters: was it made for another?")
    closure = signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is Parameter.empty:
        raise ValueError(
            f"optimizer must take its step from one gradient; {type(optimizer).__name__} asks for "
            "the loss again and again"
        )
    return optimizer


def make_scheduler(
    schedule: Callable[[Optimizer], Any] | None,
    optimizer: Optimizer,
    every: str,
    epochs: int,
    updates: int,
) -> Any:
    """The scheduler of this optimiser, which lasts for all epochs of so many updates; or None."""
    if schedule is None:
        return None
    scheduler = schedule(optimizer)
    if not callable(getattr(scheduler, "step", None)):
        raise TypeError(
            f"schedule must return one of torch.optim.lr_scheduler, not {form(scheduler)}"
        )
    if getattr(scheduler, "optimizer", optimizer) is not optimizer:
        raise ValueError("schedule must return a scheduler of the optimiser that it is given")
    if every == "update" and isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError("schedule watches a loss, which is known once an epoch, not every update")
    steps = epochs * updates if every == "update" else epochs
    last = getattr(scheduler, "total_steps", None)  # OneCycleLR refuses to take more
    if last is not None and last < steps:
        raise ValueError(f"schedule ends after {last} steps, but there are {steps} {every}s")
    return scheduler
