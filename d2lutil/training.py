"""The book's engine: `fit` trains a model on tensors, `evaluate` tests it, `History` remembers."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from d2lutil import runtime

Inputs = Tensor | tuple[Tensor, ...]
Pair = tuple[Inputs, Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]

NO_LABEL = -100  # where an integer y has nothing to predict, as in torch's cross_entropy
LOOK_EVERY = 0.5  # seconds; reading a loss makes us wait for the device, so do it rarely


class History(dict[str, list[float]]):
    """What happened in a training run.

    `history["train loss"]`, `["test loss"]`, `["train accuracy"]` and `["test accuracy"]` hold one
    value an epoch, as far as they were measured. A training value is the mean over the epoch, each
    batch measured just before the step that learns from it; a test value is that of the model at
    the epoch's end.

    `epochs` counts the complete epochs and `seconds` the time they took. `stopped` says why
    training ended early, or is None. `best` is the epoch whose weights `patience` kept, or None.
    """

    seconds: float = 0.0
    stopped: str | None = None
    best: int | None = None

    @property
    def epochs(self) -> int:
        """The number of complete epochs."""
        return len(self.get("train loss", []))

    def __missing__(self, name: str) -> list[float]:
        raise KeyError(f"{name!r} was not measured; there is {', '.join(map(repr, self))}")

    def __repr__(self) -> str:
        parts = [f"{self.epochs} epoch{'s' * (self.epochs != 1)} in {self.seconds:.1f} s"]
        parts += [f"{name} {values[-1]:.3g}" for name, values in self.items()]
        parts += [f"weights of epoch {self.best}"] if self.best else []
        parts += [f"stopped: {self.stopped}"] if self.stopped else []
        return f"History({', '.join(parts)})"

    def plot(self, *names: str, ax: Any = None) -> Any:
        """Draw the named curves over the epochs, or all losses; returns what `curves` returns.

        >>> history.plot("train accuracy", "test accuracy")
        """
        from d2lutil.plotting import curves

        names = names or tuple(name for name in self if name.endswith("loss"))
        kinds = {name.split()[-1] for name in names}
        return curves(
            {name: self[name] for name in names},
            xlabel="epoch",
            ylabel=kinds.pop() if len(kinds) == 1 else "",
            ax=ax,
        )


class DivergenceError(FloatingPointError):
    """`fit` met a loss that is NaN or infinite; `history` has the epochs before it."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def fit(
    model: nn.Module,
    train: Pair,
    test: Pair | None = None,
    *,
    epochs: int,
    batch_size: int = 64,
    lr: float | None = None,
    loss: Loss | None = None,
    optimizer: Callable[..., Optimizer] | Optimizer = SGD,
    schedule: Callable[[Optimizer], Any] | None = None,
    clip: float | None = None,
    patience: int | None = None,
    amp: bool = False,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> History:
    """Train `model` by minibatch gradient descent, and return what happened.

    The data moves to the device whole. Each epoch draws an order, and a batch is `X[order[i:j]]`:
    with the same seed, this gives the very weights of the loop that you would write by hand. A last
    batch of one example joins the batch before it, since batch normalisation cannot train on one.
    The model ends on the device and in evaluation mode. Interrupt it to get the history so far.

    * `train`, `test`: pairs (X, y) of tensors, the examples along the first dimension. For a model
      with several inputs, X is a tuple of tensors. Where an integer y is -100 there is nothing to
      predict: such places count neither in the loss nor in the accuracy.
    * `epochs`, `batch_size`: how often to go through `train`, how many examples make a step.
    * `lr`: the learning rate. Without one, 0.1 for SGD, its own default for another optimiser.
    * `loss`: any loss(outputs, y) that returns the mean over a batch. Without one, cross-entropy
      if y is integer, for outputs (n, classes); mean squared error if y is floating, shaped like
      the outputs.
    * `optimizer`: a class, or what is called as optimizer(parameters, lr=lr), or an optimiser that
      is made already.
    * `schedule`: called with the optimiser, returns one of `torch.optim.lr_scheduler`, which takes
      a step every epoch.
    * `clip`: the largest norm of the gradient, all parameters taken together.
    * `patience`: stop after so many epochs without a smaller test loss. However training ends, the
      model gets its best weights back.
    * `amp`: mixed precision on a CUDA GPU, bfloat16 where it has it, else float16 with a scaled
      loss. On other devices it changes nothing.
    * `device`: where to train, if not on `d2lutil.device()`.
    * `progress`: show a bar meanwhile. TQDM_DISABLE=1 in the environment turns all bars off.

    A loss that becomes NaN or infinite is a `DivergenceError`, which says at which step and what to
    try. A wrong argument, or model, data and loss that do not fit together, is a `TypeError` or
    `ValueError` before training begins.

    >>> history = fit(model, train, test, epochs=5, lr=0.5)
    >>> history["test accuracy"][-1]
    0.93
    >>> fit(model, train, test, epochs=50, optimizer=torch.optim.AdamW, patience=3)
    """
    _check_inputs(model, train=train, **({} if test is None else {"test": test}))
    if test is not None and test[1].is_floating_point() != train[1].is_floating_point():
        raise ValueError(f"train y is {train[1].dtype} but test y is {test[1].dtype}")
    _check_numbers(Integral, epochs=epochs, batch_size=batch_size)
    if patience is not None:
        _check_numbers(Integral, patience=patience)
        if test is None:
            raise ValueError("patience needs a test set, whose loss it watches")
    _check_numbers(Real, lr=1 if lr is None else lr, clip=1 if clip is None else clip)
    for name, value in {"amp": amp, "progress": progress}.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, not {value!r}")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of the optimiser, not {schedule!r}")

    device = runtime.device(device)
    model.to(device)
    loss = _loss(loss, train, device)
    X, y, scored = _prepare("train", train, model, loss, device)
    held_out = None if test is None else _prepare("test", test, model, loss, device)
    optimizer = _optimizer(optimizer, model, lr)
    scheduler = schedule(optimizer) if schedule is not None else None
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    half = _half_precision(device) if amp else None
    scaler = torch.amp.GradScaler(device.type, enabled=half is torch.float16)

    n = len(y)
    edges = [*range(0, n, batch_size), n]
    if len(edges) > 2 and n % batch_size == 1 < batch_size:
        del edges[-2]
    spans = list(pairwise(edges))  # of each batch, in the epoch's order
    losses = torch.zeros(len(spans), device=device)  # (steps,)
    hits = torch.zeros(2, dtype=torch.int64, device=device)  # right, of how many
    history = History()

    def refuse(value: float, where: str, data: Pair, untrained: bool = False) -> None:
        advice = _advice(data, optimizer, clip, untrained)
        raise DivergenceError(f"The loss became {value} {where}. {advice}", history)

    def look(steps: int) -> dict[str, float]:
        """Mean loss and accuracy of this epoch's first steps, none of which may be NaN."""
        values = losses[:steps].tolist()
        bad = [k for k, value in enumerate(values) if not math.isfinite(value)]
        if bad:
            where = f"in epoch {history.epochs + 1}, step {bad[0] + 1} of {len(spans)}"
            refuse(values[bad[0]], where, (X, y), untrained=history.epochs + bad[0] == 0)
        seen = spans[steps - 1][1]
        total = sum(value * (j - i) for value, (i, j) in zip(values, spans, strict=False))
        means = {"loss": total / seen}
        return means | {"accuracy": _share(hits)} if scored else means

    tested: dict[str, float] = {}
    weights: dict[str, Any] = {}
    bar = _bar(epochs * len(spans), progress)
    began = time.perf_counter()
    due = began + LOOK_EVERY
    try:
        for epoch in range(1, epochs + 1):
            model.train()
            hits.zero_()
            order = torch.randperm(n, device=device)  # (n,)
            for step, (i, j) in enumerate(spans):
                rows = order[i:j]  # (b,)
                targets = y[rows]  # (b, ...)
                with torch.autocast(device.type, half) if half else nullcontext():
                    outputs = model(*(x[rows] for x in X))  # (b, classes) or like the targets
                    value = loss(outputs, targets)  # ()
                optimizer.zero_grad()
                scaler.scale(value).backward()
                if clip is not None:
                    scaler.unscale_(optimizer)
                    nn.utils.clip_grad_norm_(parameters, clip)
                scaler.step(optimizer)
                scaler.update()
                losses[step] = value.detach()
                if scored:
                    hits += _hits(outputs, targets)
                if time.perf_counter() > due:
                    bar.set_description_str(f"epoch {epoch}/{epochs}", refresh=False)
                    bar.set_postfix(look(step + 1) | tested, refresh=False)
                    bar.update((epoch - 1) * len(spans) + step + 1 - bar.n)
                    due = time.perf_counter() + LOOK_EVERY
            trained = look(len(spans))
            if held_out is not None:
                result = _evaluate(model, *held_out, loss, 4 * batch_size)
                if not math.isfinite(result["loss"]):
                    refuse(result["loss"], f"on the test set after epoch {epoch}", held_out[:2])
                tested = {f"test {name}": value for name, value in result.items()}
            for name, value in ({f"train {k}": v for k, v in trained.items()} | tested).items():
                history.setdefault(name, []).append(value)
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(tested.get("test loss", trained["loss"]))
            elif schedule is not None:
                scheduler.step()
            if patience is not None:
                if not history.best or tested["test loss"] < history["test loss"][history.best - 1]:
                    history.best, weights = epoch, copy.deepcopy(model.state_dict())
                elif epoch - history.best >= patience:
                    history.stopped = f"no smaller test loss since epoch {history.best}"
                    break
    except KeyboardInterrupt:
        history.stopped = f"interrupted in epoch {history.epochs + 1}"
    finally:
        bar.close()
        if history.best is not None:
            model.load_state_dict(weights)
        model.eval()
        history.seconds = time.perf_counter() - began
    return history


def evaluate(
    model: nn.Module,
    test: Pair,
    *,
    loss: Loss | None = None,
    batch_size: int = 1024,
    device: str | torch.device | None = None,
) -> dict[str, float]:
    """The model's mean loss on `test`, a pair (X, y), and its accuracy where y is integer.

    Computes in evaluation mode, without gradients, and leaves each module in the mode it was in.
    `loss`, `device` and the errors are those of `fit`.

    >>> evaluate(model, test)
    {'loss': 0.21, 'accuracy': 0.94}
    """
    _check_inputs(model, test=test)
    _check_numbers(Integral, batch_size=batch_size)
    device = runtime.device(device)
    loss = _loss(loss, test, device)
    data = _prepare("test", test, model.to(device), loss, device)
    return _evaluate(model, *data, loss, batch_size)


def predict(model: nn.Module, X: Inputs, *, batch_size: int = 1024) -> Tensor:
    """The model's outputs for X (n, ...), on the CPU: (n, ...), in evaluation mode, no gradients.

    For a model with several inputs, X is a tuple of tensors.

    Computes where the model is, and leaves each module in the mode it was in. A model that is none
    is a `TypeError`, and so is an X that is no tensor.

    >>> predict(model, X).argmax(dim=1)
    tensor([7, 2, 1])
    """
    _check_inputs(model)
    if not _are_inputs(X) or not len(_inputs(X)[0]):
        raise TypeError(f"X must be a tensor of one example or more, not {_form(X)}")
    _check_numbers(Integral, batch_size=batch_size)
    inputs = _inputs(X)
    device = next((p.device for p in model.parameters()), inputs[0].device)
    with _evaluation(model):
        batches = zip(*(x.split(batch_size) for x in inputs), strict=True)
        return torch.cat([model(*(x.to(device) for x in b)).cpu() for b in batches])  # (n, ...)


def gradient_sizes(model: nn.Module, data: Pair, *, loss: Loss | None = None) -> dict[str, float]:
    """How large the gradient is that reaches each weight of a model, the first layer's first.

    The root mean square over each parameter of two dimensions or more (so no biases), by name, for
    the mean loss on `data`, a pair (X, y), in training mode. The model stays as it is. `loss` and
    the errors are those of `fit`.

    >>> gradient_sizes(model, (X[:500], y[:500]))
    {'0.weight': 0.0004, '2.weight': 0.006}
    """
    _check_inputs(model, data=data)
    model = copy.deepcopy(model)
    device = next((p.device for p in model.parameters()), data[1].device)
    loss = _loss(loss, data, device)
    X, y, _ = _prepare("data", data, model, loss, device)
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
    if not _are_scores(outputs, y):
        raise ValueError(
            "accuracy needs outputs (n, classes) and integer y (n,), "
            f"not {_form(outputs)} and {_form(y)}"
        )
    return _share(_hits(outputs, y))


def _evaluate(
    model: nn.Module,
    X: tuple[Tensor, ...],
    y: Tensor,
    scored: bool,
    loss: Loss,
    batch_size: int,
) -> dict[str, float]:
    total, hits = 0.0, torch.zeros(2, dtype=torch.int64, device=y.device)
    with _evaluation(model):
        for *xs, ys in zip(*(part.split(batch_size) for part in (*X, y)), strict=True):
            outputs = model(*xs)  # (b, classes) or like ys
            total += loss(outputs, ys) * len(ys)  # ()
            hits += _hits(outputs, ys) if scored else 0
    result = {"loss": float(total) / len(y)}
    return result | ({"accuracy": _share(hits)} if scored else {})


def _inputs(X: Inputs) -> tuple[Tensor, ...]:
    return (X,) if isinstance(X, Tensor) else tuple(X)


def _are_inputs(X: Any) -> bool:
    """Is this a tensor, or several of as many examples?"""
    parts = [X] if isinstance(X, Tensor) else X if isinstance(X, tuple) else []
    tensors = bool(parts) and all(isinstance(x, Tensor) and x.ndim for x in parts)
    return tensors and len({len(x) for x in parts}) == 1


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; each module then returns to the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _are_scores(outputs: Any, y: Tensor) -> bool:
    """Is this one output for each of several classes, along dimension 1, and y integer?"""
    return (
        isinstance(outputs, Tensor)
        and not y.is_floating_point()
        and outputs.ndim == y.ndim + 1
        and outputs.shape[1] > 1
        and outputs.shape[:1] + outputs.shape[2:] == y.shape
    )


def _hits(outputs: Tensor, y: Tensor) -> Tensor:
    """How many are right, and how many there are: (2,)."""
    return torch.stack([(outputs.argmax(1) == y).sum(), (y != NO_LABEL).sum()])


def _share(hits: Tensor) -> float:
    right, all_of_them = hits.tolist()
    return right / all_of_them if all_of_them else math.nan


def _cross_entropy(outputs: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(outputs, y.long())  # labels are often int32 or uint8


def _loss(loss: Loss | None, data: Pair, device: torch.device) -> Loss:
    if loss is None:
        return F.mse_loss if data[1].is_floating_point() else _cross_entropy
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(f"loss must be a function or module, such as nn.MSELoss(), not {loss!r}")
    return loss.to(device) if isinstance(loss, nn.Module) else loss


def _prepare(
    name: str, data: Pair, model: nn.Module, loss: Loss, device: torch.device
) -> tuple[tuple[Tensor, ...], Tensor, bool]:
    """Inputs and y on the device, and whether accuracy applies, tried on the first two examples.

    The trial also gives lazy layers their shapes, before an optimiser asks for their parameters.
    """
    X, y = tuple(x.to(device) for x in _inputs(data[0])), data[1].to(device)
    with _evaluation(model):
        try:
            outputs = model(*(x[:2] for x in X))
        except RuntimeError as error:
            raise ValueError(f"model cannot take {name} X, {_form(data[0])}: {error}") from error
        scored = _are_scores(outputs, y[:2])
        shapes = f"for two examples of {name} they are {_form(outputs)} and {_form(y[:2])}"
        if loss is _cross_entropy:
            if not scored:
                raise ValueError(f"model must give outputs (n, classes) for y (n,); {shapes}")
            labels, last = y[y != NO_LABEL], outputs.shape[1] - 1  # (m,)
            if not len(labels):
                raise ValueError(f"{name} y has no label; all of it is {NO_LABEL}")
            low, high = int(labels.min()), int(labels.max())
            if low < 0 or high > last:
                raise ValueError(
                    f"{name} y must be labels from 0 to {last}, since the model has {last + 1} "
                    f"outputs; they go from {low} to {high}"
                )
        elif isinstance(outputs, Tensor) and y.is_floating_point() and outputs.shape != y[:2].shape:
            broadcast = outputs.squeeze().shape == y[:2].squeeze().shape  # (n, 1) against (n,)
            if broadcast or loss is F.mse_loss:
                raise ValueError(f"the outputs and y must have the same shape; {shapes}")
        value = loss(outputs, y[:2])
    if not isinstance(value, Tensor) or value.ndim:
        raise ValueError(f"loss must return a tensor with one number, the mean, not {_form(value)}")
    return X, y, scored


def _optimizer(
    optimizer: Callable[..., Optimizer] | Optimizer, model: nn.Module, lr: float | None
) -> Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model has no parameters to train")
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
    return optimizer


def _half_precision(device: torch.device) -> torch.dtype | None:
    """The 16-bit type for mixed precision; None where there is no CUDA GPU."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


def _bar(total: int, progress: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(
        total=total,
        leave=False,
        dynamic_ncols=True,
        delay=LOOK_EVERY,  # a run that is over before then shows none
        bar_format="{desc} {percentage:3.0f}% {bar} {remaining} left{postfix}",
        disable=not progress or os.environ.get("TQDM_DISABLE", "0") not in ("", "0"),
    )


def _advice(data: Pair, optimizer: Optimizer, clip: float | None, untrained: bool) -> str:
    """What to try when a loss is not finite: look at the data, then the weights, then the steps."""
    for name, parts in zip("Xy", data, strict=True):
        for values in _inputs(parts):
            bad = int((~values.isfinite()).reshape(len(values), -1).any(1).sum())
            if bad:
                return f"{name} is NaN or infinite in {bad} of its {len(values)} examples."
    if untrained:
        return (
            "No step was taken yet, so the learning rate is not to blame: look at the loss, and "
            "build the model anew if an earlier run left NaN in its weights."
        )
    rate = optimizer.param_groups[0].get("lr")
    limit = "clip=1.0" if clip is None else f"a smaller clip (it is {clip})"
    return f"Try a smaller learning rate (it is {rate}), {limit}, or inputs scaled to about 1."


def _form(value: Any) -> str:
    if isinstance(value, tuple) and value and all(isinstance(v, Tensor) for v in value):
        return " and ".join(map(_form, value))
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"


def _check_inputs(model: Any, **data: Any) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, not {model!r}")
    for name, pair in data.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"{name} must be a pair (X, y) of tensors, not {type(pair).__name__}")
        X, y = pair
        if isinstance(X, tuple) and X and all(isinstance(x, Tensor) for x in X):
            if not _are_inputs(X):
                raise ValueError(f"the parts of {name} X must be as long; they are {_form(X)}")
            X = X[0]
        if not isinstance(X, Tensor) or not isinstance(y, Tensor):
            kinds = f"{type(X).__name__} and {type(y).__name__}"
            raise TypeError(f"{name} must be a pair (X, y) of tensors, not of {kinds}")
        if not X.ndim or not y.ndim or len(X) != len(y) or not len(X):
            raise ValueError(
                f"{name} X and y must have the same number of examples, at least one; "
                f"their shapes are {tuple(X.shape)} and {tuple(y.shape)}"
            )


def _check_numbers(kind: type, **values: Any) -> None:
    for name, value in values.items():
        if not isinstance(value, kind) or isinstance(value, bool):
            whole = "whole " if kind is Integral else ""
            raise TypeError(f"{name} must be a {whole}number, not {value!r}")
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be greater than 0, not {value}")
