"""The book's engine: `fit` trains a model on tensors.

What it asks of its arguments is in `_preparation`, what it measures in `measuring`, what it returns
in `history`.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from d2lutil import runtime
from d2lutil._arguments import check_choice, check_flag, check_number
from d2lutil._bar import Bar
from d2lutil._preparation import (
    NO_LABEL,
    Data,
    Inputs,
    Loss,
    Pair,
    check_model,
    check_pair,
    choose_loss,
    make_optimizer,
    make_scheduler,
    prepare,
    rehearse,
)
from d2lutil.history import DivergenceError, History
from d2lutil.measuring import (
    accuracy,
    count_correct,
    evaluate,
    gradient_sizes,
    measure,
    predict,
    share,
    weighted_mean,
)

__all__ = [
    "NO_LABEL",
    "DivergenceError",
    "History",
    "Inputs",
    "Loss",
    "Pair",
    "accuracy",
    "evaluate",
    "fit",
    "gradient_sizes",
    "predict",
]


def fit(
    model: nn.Module,
    train: Pair,
    test: Pair | None = None,
    *,
    validation: Pair | None = None,
    epochs: int,
    batch_size: int = 64,
    lr: float | None = None,
    loss: Loss | None = None,
    optimizer: Callable[..., Optimizer] | Optimizer = SGD,
    schedule: Callable[[Optimizer], Any] | None = None,
    schedule_every: Literal["epoch", "update"] = "epoch",
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

    * `train`, `validation`, `test`: pairs (X, y) of tensors, the examples along the first
      dimension. For a model with several inputs, X is a tuple of tensors. `validation` is there to
      choose by and `test` to report; both are measured after every epoch.
    * `epochs`, `batch_size`: how often to go through `train`, how many examples make a step.
    * `lr`: the learning rate. Without one, 0.1 for SGD, its own default for another optimiser.
    * `loss`: any loss(outputs, y) that returns the mean over a batch. Without one, cross-entropy
      if y is integer, for outputs (n, classes); mean squared error if y is floating, shaped like
      the outputs.
    * `optimizer`: a class, or what is called as optimizer(parameters, lr=lr), or an optimiser that
      is made already.
    * `schedule`: called with the optimiser, returns one of `torch.optim.lr_scheduler`, which takes
      a step every epoch, or every update of the weights: `schedule_every`, "epoch" or "update".
    * `clip`: the largest norm of the gradient, all parameters taken together.
    * `patience`: stop after so many epochs without a smaller loss on `validation`, or on `test`
      where there is no validation set. However training ends, the model gets its best weights back.
    * `amp`: mixed precision on a CUDA GPU, bfloat16 where it has it, else float16 with a scaled
      loss. On other devices it changes nothing.
    * `device`: where to train, if not on `d2lutil.device()`.
    * `progress`: show a bar meanwhile. TQDM_DISABLE=1 in the environment turns all bars off.

    What is reported is a mean over labels, whatever the batches. An integer y has a label wherever
    it is not -100 (or the `ignore_index` of a loss that has one): such places count neither in the
    loss nor in the accuracy, and a batch without any label is passed over. Where y is floating, or
    has no such places, each batch counts by its number of examples.

    A loss, or weights, that become NaN or infinite are a `DivergenceError`, which says at which
    step and what to try. A wrong argument, or model, data and loss that do not fit together, is a
    `TypeError` or `ValueError` before training begins.

    >>> history = fit(model, train, validation=validation, epochs=5, lr=0.5)
    >>> history["validation accuracy"][-1]
    0.93
    >>> fit(model, train, test, epochs=50, optimizer=torch.optim.AdamW, patience=3)
    """
    pairs = {"train": train, "validation": validation, "test": test}
    pairs = {name: pair for name, pair in pairs.items() if pair is not None or name == "train"}
    _check_numbers(epochs=epochs, batch_size=batch_size, lr=lr, clip=clip, patience=patience)
    _check_others(model, pairs, schedule, schedule_every, patience, amp=amp, progress=progress)

    device = runtime.device(device)
    model.to(device)
    loss = choose_loss(loss, train[1], device)
    data = {name: prepare(name, pair, model, loss, device) for name, pair in pairs.items()}
    autocast, scaler = _precision(amp, device)
    rehearse(model, data["train"], loss, batch_size, autocast)

    X, y = data["train"].X, data["train"].y
    edges = _edges(len(y), batch_size)
    steps = len(edges) - 1  # in an epoch
    optimizer = make_optimizer(optimizer, model, lr)
    by_update = schedule_every == "update"
    scheduler = make_scheduler(schedule, optimizer, schedule_every, epochs, steps)

    history = History()
    seen = _Seen(data["train"], edges, optimizer, clip, history)
    watched = [f"{name} loss" for name in data][:2][-1]  # of validation, else test, else train
    held_out: dict[str, float] = {}  # as measured after the epoch before
    best: dict[str, Any] = {}  # weights
    bar = Bar(epochs * steps, progress)
    began = time.perf_counter()
    try:
        for epoch in range(1, epochs + 1):
            model.train()
            order = torch.randperm(len(y), device=device)  # (n,)
            seen.begin(order)
            for step, (i, j) in enumerate(pairwise(edges)):
                if not seen.weights[step]:  # no label
                    continue
                rows = order[i:j]  # (b,)
                targets = y[rows]  # (b, ...)
                with autocast():
                    outputs = model(*(x[rows] for x in X))  # (b, classes) or like the targets
                    value = loss(outputs, targets)  # ()
                optimizer.zero_grad()
                scaler.scale(value).backward()
                if clip is not None:
                    scaler.unscale_(optimizer)
                    nn.utils.clip_grad_norm_(seen.parameters, clip)
                scaler.step(optimizer)
                scaler.update()
                if by_update and scheduler is not None:
                    scheduler.step()
                seen.add(step, value, outputs, targets)
                if bar.due():
                    done = (epoch - 1) * steps + step + 1
                    bar.show(f"epoch {epoch}/{epochs}", done, seen.means(step + 1) | held_out)
            results = {f"train {key}": value for key, value in seen.means(steps).items()}
            held_out = _measure_held_out(model, data, loss, 4 * batch_size, seen)
            for name, value in (results := results | held_out).items():
                history.setdefault(name, []).append(value)
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(results[watched])
            elif scheduler is not None and not by_update:
                scheduler.step()
            if patience is not None:
                if not history.best or results[watched] < history[watched][history.best - 1]:
                    history.best, best = epoch, copy.deepcopy(model.state_dict())
                elif epoch - history.best >= patience:
                    history.stopped = f"no smaller {watched} since epoch {history.best}"
                    break
    except KeyboardInterrupt:
        history.stopped = f"interrupted in epoch {history.epochs + 1}"
        if history.best is None:
            seen.check(steps)
    finally:
        bar.close()
        if history.best is not None:
            model.load_state_dict(best)
        model.eval()
        history.seconds = time.perf_counter() - began
    return history


class _Seen:
    """What the steps of an epoch showed. It stays on the device, since reading it makes us wait."""

    def __init__(
        self,
        data: Data,
        edges: list[int],
        optimizer: Optimizer,
        clip: float | None,
        history: History,
    ) -> None:
        self.data, self.edges, self.optimizer, self.clip = data, edges, optimizer, clip
        self.history = history
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.losses = torch.zeros(len(edges) - 1, device=data.y.device)  # (steps,)
        self.slopes = torch.zeros_like(self.losses)  # (steps,), not finite where a gradient is not
        self.correct = torch.zeros(2, dtype=torch.int64, device=data.y.device)  # right, of how many
        self.weights: list[int] = []  # of each step, in the epoch's mean

    def begin(self, order: Tensor) -> None:
        """Begin an epoch that takes the examples in this order (n,)."""
        self.weights = self.data.weights(self.edges, order)
        for values in (self.losses, self.slopes, self.correct):
            values.zero_()

    def add(self, step: int, value: Tensor, outputs: Any, targets: Tensor) -> None:
        """Remember what a step showed, once it is done."""
        self.losses[step] = value.detach()
        first = next((p.grad for p in self.parameters if p.grad is not None), None)
        if first is not None:  # all of the backward pass led there
            self.slopes[step] = first.sum()
        if self.data.scored:
            self.correct += count_correct(outputs, targets, self.data.no_label)

    def means(self, steps: int) -> dict[str, float]:
        """Mean loss and accuracy of the epoch's first steps, all of which must be sound."""
        losses, weights = self.check(steps), self.weights[:steps]
        if not any(weights):
            return {}
        means = {"loss": weighted_mean(losses, weights)}
        return means | {"accuracy": share(self.correct)} if self.data.scored else means

    def check(self, steps: int) -> list[float]:
        """The losses of the epoch's first steps, if they and the weights are finite."""
        losses = self.losses[:steps].tolist()
        k = _first_not_finite(losses)
        if not torch.stack([p.isfinite().all() for p in self.parameters]).all():
            m = _first_not_finite(self.slopes[:steps].tolist())
            if m < k or k == steps:
                what, where = ("gradient", m) if m < steps else ("weights", steps - 1)
                loss = losses[where]
                self.diverged(
                    f"The {what} became NaN or infinite {self._at(where)}, where the loss was "
                    f"{loss:.3g}. {_STEEP if abs(loss) < 1e6 else self._advice()}"
                )
        if k < steps:
            untrained = self.history.epochs + k == 0
            advice = _holes(self.data) or (_UNTRAINED if untrained else self._advice())
            self.diverged(f"The loss became {losses[k]} {self._at(k)}. {advice}")
        return losses

    def check_held_out(self, name: str, data: Data, loss: float) -> None:
        """Refuse a loss on another set that is not finite."""
        if not math.isfinite(loss):
            where = f"on the {name} set after epoch {self.history.epochs + 1}"
            self.diverged(f"The loss became {loss} {where}. {_holes(data) or self._advice()}")

    def diverged(self, message: str) -> None:
        """Stop, with the history so far."""
        raise DivergenceError(message, self.history) from None

    def _at(self, step: int) -> str:
        return f"in epoch {self.history.epochs + 1}, step {step + 1} of {len(self.losses)}"

    def _advice(self) -> str:
        rate = self.optimizer.param_groups[0].get("lr")
        limit = "clip=1.0" if self.clip is None else f"a smaller clip (it is {self.clip})"
        return f"Try a smaller learning rate (it is {rate}), {limit}, or inputs scaled to about 1."


_STEEP = (
    "There its derivative is infinite or not defined: look for a root or a division at 0, or a "
    "logarithm, and keep away from such points, as (x + 1e-8).sqrt() does."
)
_UNTRAINED = (
    "No step was taken yet, so the learning rate is not to blame: look at the loss, and build the "
    "model anew if an earlier run left NaN in its weights."
)


def _first_not_finite(values: list[float]) -> int:
    """Where the first of them is, or how many there are in all."""
    return next((k for k, value in enumerate(values) if not math.isfinite(value)), len(values))


def _holes(data: Data) -> str:
    """Which part of the data is NaN or infinite, if any is."""
    for name, parts in {"X": data.X, "y": (data.y,)}.items():
        for values in parts:
            bad = int((~values.isfinite()).reshape(len(values), -1).any(1).sum())
            if bad:
                return f"{name} is NaN or infinite in {bad} of its {len(values)} examples."
    return ""


def _check_numbers(
    epochs: object, batch_size: object, lr: object, clip: object, patience: object
) -> None:
    check_number("epochs", epochs, least=1, whole=True)
    check_number("batch_size", batch_size, least=1, whole=True)
    for name, value in {"lr": lr, "clip": clip}.items():
        if value is not None:
            check_number(name, value, above=0)
    if patience is not None:
        check_number("patience", patience, least=1, whole=True)


def _check_others(
    model: Any,
    pairs: dict[str, Any],
    schedule: object,
    schedule_every: object,
    patience: object,
    **flags: object,
) -> None:
    check_model(model)
    for name, pair in pairs.items():
        check_pair(name, pair)
        types = [part[1].dtype for part in (pairs["train"], pair)]
        if types[0].is_floating_point != types[1].is_floating_point:
            raise ValueError(f"train y is {types[0]} but {name} y is {types[1]}")
    if patience is not None and len(pairs) == 1:
        raise ValueError("patience needs a validation or test set, whose loss it watches")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of the optimiser, not {schedule!r}")
    check_choice("schedule_every", schedule_every, "epoch", "update")
    for name, value in flags.items():
        check_flag(name, value)


def _edges(n: int, batch_size: int) -> list[int]:
    """Where batches begin and end in n examples; a last one of one joins the one before it."""
    edges = [*range(0, n, batch_size), n]
    if len(edges) > 2 and n % batch_size == 1 < batch_size:
        del edges[-2]
    return edges


def _precision(amp: bool, device: torch.device) -> tuple[Callable[..., Any], torch.amp.GradScaler]:
    """What casts in the forward pass, and what scales the loss; without `amp`, neither does."""
    half = _half_precision(device) if amp else None
    autocast = partial(torch.autocast, device.type, half) if half else nullcontext
    return autocast, torch.amp.GradScaler(device.type, enabled=half is torch.float16)


def _half_precision(device: torch.device) -> torch.dtype | None:
    """The 16-bit type for mixed precision; None where there is no CUDA GPU."""
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


def _measure_held_out(
    model: nn.Module, data: dict[str, Data], loss: Loss, batch_size: int, seen: _Seen
) -> dict[str, float]:
    """Loss and accuracy on all sets but the first, which is the one to train on."""
    results = {}
    for name, part in list(data.items())[1:]:
        result = measure(model, part, loss, batch_size)
        seen.check_held_out(name, part, result["loss"])
        results |= {f"{name} {key}": value for key, value in result.items()}
    return results
