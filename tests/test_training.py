"""`fit`, `evaluate`, `accuracy` and `History`, as a reader relies on them."""

from __future__ import annotations

import copy
import math
import os
import re
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau, StepLR

from d2lutil import _bar, runtime, training
from d2lutil.training import (
    DivergenceError,
    History,
    accuracy,
    evaluate,
    fit,
    gradient_sizes,
    predict,
)

quiet = partial(fit, progress=False, device="cpu")

BCE = nn.BCEWithLogitsLoss()
EACH_UPDATE = {"schedule_every": "update"}
OTHER = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)


def forget(outputs, y):
    """A loss of something else than the outputs."""
    return nn.Parameter(torch.ones(())) * y.mean()


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def clouds(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two clouds in the plane with a gap between them: X (n, 2), y (n,) with labels 0 and 1."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2
    X = torch.randn(n, 2, generator=draw)
    X[:, 0] = X[:, 0].abs().add(0.5) * (2 * y - 1)
    return X, y


def line(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """y = 2 x1 - 3 x2 + 1 with no noise: X (n, 2), y (n, 1)."""
    X = torch.randn(n, 2, generator=torch.Generator().manual_seed(1))
    return X, X @ torch.tensor([[2.0], [-3.0]]) + 1


def mlp(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


class Calls(nn.Module):
    """A linear model that runs `action(outputs)` at its `when`-th call in training mode."""

    def __init__(self, when, action):
        super().__init__()
        self.linear, self.when, self.action, self.calls = nn.Linear(2, 2), when, action, 0

    def forward(self, X):
        outputs = self.linear(X)
        self.calls += self.training
        return self.action(outputs) if self.training and self.calls == self.when else outputs


def interrupt(outputs):
    raise KeyboardInterrupt


# What fit does


def test_learns_what_is_easy_and_says_so():
    model = mlp()
    history = fit(model, clouds(400), clouds(100, seed=1), epochs=10, lr=0.5, progress=False)
    assert set(history) == {"train loss", "train accuracy", "test loss", "test accuracy"}
    assert all(len(values) == 10 for values in history.values())
    assert history["test accuracy"][-1] >= 0.97
    assert history["train loss"][-1] < history["train loss"][0] / 2
    assert (history.epochs, history.stopped, history.best) == (10, None, None)
    assert history.seconds > 0
    assert not model.training, "ready for use"
    assert next(model.parameters()).device.type == runtime.device().type


def test_is_the_loop_that_one_writes_by_hand():
    X, y = clouds(130)
    ours, theirs = mlp(), mlp()
    torch.manual_seed(1)
    history = quiet(ours, (X, y), epochs=3, batch_size=32, lr=0.3)

    torch.manual_seed(1)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.3)
    for _ in range(3):
        order = torch.randperm(130)
        losses, hits = [], 0
        for i in range(0, 130, 32):
            rows = order[i : i + 32]
            outputs = theirs(X[rows])
            loss = F.cross_entropy(outputs, y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += [loss.item()] * len(rows)
            hits += (outputs.argmax(1) == y[rows]).sum().item()
    assert same_weights(ours, theirs)
    assert history["train loss"][-1] == pytest.approx(sum(losses) / 130)
    assert history["train accuracy"][-1] == pytest.approx(hits / 130)


def test_same_seed_same_result():
    runs = []
    for _ in range(2):
        model = mlp()
        runs.append((quiet(model, clouds(100), clouds(50, 1), epochs=3), model))
    assert runs[0][0] == runs[1][0]
    assert same_weights(runs[0][1], runs[1][1])
    other = mlp()
    torch.manual_seed(5)
    quiet(other, clouds(100), epochs=3)
    assert not same_weights(other, runs[0][1]), "another seed, another order"


def test_looking_at_the_progress_changes_nothing(monkeypatch):
    seldom, often = mlp(), mlp()
    torch.manual_seed(1)
    a = quiet(seldom, clouds(100), epochs=3, batch_size=10)
    monkeypatch.setattr(_bar, "LOOK_EVERY", 0)
    torch.manual_seed(1)
    b = quiet(often, clouds(100), epochs=3, batch_size=10)
    assert a == b
    assert same_weights(seldom, often)


def test_regression():
    model = nn.Linear(2, 1)
    history = quiet(model, line(200), line(50), epochs=20)
    assert set(history) == {"train loss", "test loss"}
    assert history["test loss"][-1] < 1e-4
    torch.testing.assert_close(model.weight.data, torch.tensor([[2.0, -3.0]]), atol=0.01, rtol=0)


def test_any_loss_and_any_outputs():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)

        def forward(self, X):
            return self.linear(X), X

    def loss(outputs, y):
        return F.cross_entropy(outputs[0], y) + 0 * outputs[1].sum()

    history = quiet(Pair(), clouds(200), epochs=5, loss=loss)
    assert set(history) == {"train loss"}, "no accuracy for what is not scores"
    assert history["train loss"][-1] < history["train loss"][0]
    scores = quiet(nn.Linear(2, 2), clouds(200), epochs=5, loss=nn.MultiMarginLoss())
    assert scores["train accuracy"][-1] > 0.9
    signs = quiet(nn.Linear(2, 1), clouds(9), epochs=1, loss=lambda o, y: (o[:, 0] * y).mean())
    assert set(signs) == {"train loss"}, "one output is no choice of classes"


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64, torch.bool])
def test_labels_of_any_integer_type(dtype):
    X, y = clouds(100)
    history = quiet(nn.Linear(2, 2), (X, y.to(dtype)), epochs=5, batch_size=10)
    assert history["train accuracy"][-1] > 0.9


def test_a_label_for_every_pixel():
    X = torch.randn(20, 1, 4, 4)
    y = (X[:, 0] > 0).long()  # (20, 4, 4)
    history = quiet(nn.Conv2d(1, 2, 1), (X, y), (X, y), epochs=10, batch_size=5, lr=5.0)
    assert 0.9 < history["train accuracy"][-1] <= 1
    assert 0.9 < history["test accuracy"][-1] <= 1


def test_lazy_layers_get_their_shapes():
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2))
    assert quiet(model, clouds(200), epochs=5)["train accuracy"][-1] > 0.9


def test_frozen_parameters_stay():
    model = mlp()
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    quiet(model, clouds(50), epochs=1)
    assert torch.equal(model[0].weight, before)
    with pytest.raises(ValueError, match="model has no parameters to train"):
        quiet(model.requires_grad_(False), clouds(50), epochs=1)


def test_a_last_batch_of_one_joins_the_one_before():
    X, y = clouds(33)
    sizes = []
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    model.register_forward_hook(
        lambda model, inputs, _: sizes.append(len(inputs[0])) if model.training else None
    )
    quiet(model, (X, y), epochs=2, batch_size=16)
    assert sizes == [2, 16, 17, 16, 17], "two examples for the rehearsal"
    sizes.clear()
    quiet(model, (X[:32], y[:32]), epochs=1, batch_size=16)
    quiet(model, (X, y), epochs=1, batch_size=64)
    assert sizes == [2, 16, 16, 2, 33]
    sizes.clear()
    with pytest.raises(ValueError, match="cannot train on 1 example of train: Expected more than"):
        quiet(model, (X[:3], y[:3]), epochs=1, batch_size=1)
    model[1] = nn.Identity()
    sizes.clear()
    quiet(model, (X[:3], y[:3]), epochs=1, batch_size=1)
    quiet(model, (X[:1], y[:1]), epochs=1)
    assert sizes == [1, 1, 1, 1, 1, 1], "as asked for"


# What is counted


class Bigrams(nn.Module):
    """Scores (n, 5, t) for the word after each of X (n, t)."""

    def __init__(self):
        super().__init__()
        self.scores = nn.Embedding(5, 5)

    def forward(self, X):
        return self.scores(X).transpose(1, 2)


def ragged(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """X (n, 6) of words 0 to 4; y (n, 6) with -100 from some place on, everywhere in 0, 7, 14..."""
    draw = torch.Generator().manual_seed(2)
    X = torch.randint(5, (n, 6), generator=draw)
    y = (X + 1) % 5
    for row, length in enumerate(torch.randint(1, 7, (n,), generator=draw).tolist()):
        y[row, 0 if row % 7 == 0 else length :] = -100
    return X, y


def test_the_mean_is_over_labels_whatever_the_batches():
    model, (X, y) = Bigrams(), ragged()
    real = y != -100  # (n, t)
    log_p = model(X).log_softmax(1)  # (n, 5, t)
    losses = -log_p.gather(1, y.clamp(min=0)[:, None])[:, 0][real]  # (m,)
    hits = (log_p.argmax(1) == y)[real].float()
    for batch_size in (1, 7, 8, 40, 64):
        result = evaluate(model, (X, y), batch_size=batch_size)
        assert result["loss"] == pytest.approx(losses.mean().item(), rel=1e-6)
        assert result["accuracy"] == pytest.approx(hits.mean().item())
        still = quiet(copy.deepcopy(model), (X, y), epochs=1, batch_size=batch_size, lr=1e-12)
        assert still["train loss"] == [pytest.approx(losses.mean().item(), rel=1e-6)]
        assert still["train accuracy"] == [pytest.approx(hits.mean().item())]


@pytest.mark.parametrize("look_every", [0, 1000])
def test_a_batch_without_a_label_is_passed_over(monkeypatch, look_every):
    monkeypatch.setattr(_bar, "LOOK_EVERY", look_every)
    X, y = ragged()
    ours, theirs = Bigrams(), Bigrams()
    theirs.load_state_dict(ours.state_dict())
    torch.manual_seed(1)
    optimizer = torch.optim.SGD(ours.parameters(), lr=0.5, momentum=0.9)
    history = quiet(ours, (X, y), (X, y), epochs=3, batch_size=1, optimizer=optimizer)

    torch.manual_seed(1)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.5, momentum=0.9)
    for _ in range(3):
        total, labels = 0.0, 0
        for row in torch.randperm(40).split(1):
            if (y[row] != -100).any():
                loss = F.cross_entropy(theirs(X[row]), y[row])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * int((y[row] != -100).sum())
                labels += int((y[row] != -100).sum())
    assert same_weights(ours, theirs)
    assert history["train loss"][-1] == pytest.approx(total / labels)
    assert history["test loss"][-1] == pytest.approx(evaluate(ours, (X, y))["loss"])


def test_a_loss_has_its_own_mark_for_no_label():
    X, y = ragged()
    model = Bigrams()
    expected = evaluate(model, (X, y))
    y[y == -100] = -1
    loss = nn.CrossEntropyLoss(ignore_index=-1)
    assert evaluate(model, (X, y), loss=loss, batch_size=3) == pytest.approx(expected)


def test_a_large_label_of_an_unsigned_type_is_a_label():
    """156 as a byte has the bits of -100."""
    y = torch.tensor([156, 3], dtype=torch.uint8)
    scores = F.one_hot(y.long(), 200).float()
    assert accuracy(scores, y) == 1
    assert evaluate(nn.Linear(1, 200), (torch.rand(2, 1), y))["loss"] > 0


# Optimisers, schedules, clipping


def test_an_optimiser_instance_keeps_its_state():
    once, twice = mlp(), mlp()
    data = clouds(64)
    optimizer = torch.optim.Adam(once.parameters(), lr=0.01)
    torch.manual_seed(1)
    quiet(once, data, epochs=4, optimizer=optimizer)
    optimizer = torch.optim.Adam(twice.parameters(), lr=0.01)
    torch.manual_seed(1)
    quiet(twice, data, epochs=2, optimizer=optimizer)
    quiet(twice, data, epochs=2, optimizer=optimizer)
    assert same_weights(once, twice)


@pytest.mark.parametrize(
    ("given", "lr", "expected"),
    [
        (torch.optim.SGD, None, 0.1),
        (torch.optim.SGD, 0.5, 0.5),
        (partial(torch.optim.SGD, momentum=0.9), None, 0.1),
        (partial(torch.optim.SGD, lr=0.3), None, 0.3),
        (torch.optim.Adam, None, 1e-3),
        (partial(torch.optim.Adam, lr=0.02), None, 0.02),
        (lambda parameters, lr: torch.optim.AdamW(parameters, lr=lr), 0.4, 0.4),
    ],
)
def test_learning_rate(given, lr, expected):
    seen = []

    def schedule(optimizer):
        seen.append(optimizer.param_groups[0]["lr"])
        return StepLR(optimizer, 1)

    quiet(mlp(), clouds(10), epochs=1, optimizer=given, lr=lr, schedule=schedule)
    assert seen == [expected]


def test_schedule_steps_every_epoch():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    quiet(model, clouds(100), epochs=3, optimizer=optimizer, schedule=lambda o: StepLR(o, 1, 0.5))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.125)


def test_schedule_steps_every_update():
    """As the loop by hand that steps its scheduler after each step of the optimiser."""
    X, y = clouds(100)
    ours, theirs = mlp(), mlp()
    one_cycle = partial(OneCycleLR, max_lr=0.5, total_steps=2 * 4)
    torch.manual_seed(1)
    quiet(ours, (X, y), epochs=2, batch_size=32, schedule=one_cycle, schedule_every="update")

    torch.manual_seed(1)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    scheduler = one_cycle(optimizer)
    for _ in range(2):
        order = torch.randperm(100)
        for i in range(0, 100, 32):
            loss = F.cross_entropy(theirs(X[order[i : i + 32]]), y[order[i : i + 32]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    assert same_weights(ours, theirs)


def test_schedule_that_watches_the_loss():
    X, y = clouds(100)
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = partial(ReduceLROnPlateau, factor=0.5, patience=0)
    history = quiet(model, (X, y), (X, 1 - y), epochs=4, optimizer=optimizer, schedule=schedule)
    assert history["test loss"] == sorted(history["test loss"]), "it gets worse by design"
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.125)


def test_clip_limits_the_step():
    X, y = line(10)
    for clip, expected in [(0.5, 0.05), (1e6, None)]:
        model = nn.Linear(2, 1)
        before = nn.utils.parameters_to_vector(model.parameters()).detach()
        quiet(model, (X, 1000 * y), epochs=1, batch_size=10, lr=0.1, clip=clip)
        step = (nn.utils.parameters_to_vector(model.parameters()) - before).norm().item()
        assert step == pytest.approx(expected) if expected else step > 100


# Ending early


def test_patience_stops_and_restores_the_best_weights():
    X, y = clouds(100)
    model, reference = mlp(), mlp()
    torch.manual_seed(1)
    history = quiet(model, (X, y), (X, 1 - y), epochs=50, patience=3)
    assert history.epochs == 4
    assert history.best == 1
    assert history.stopped == "no smaller test loss since epoch 1"
    torch.manual_seed(1)
    quiet(reference, (X, y), epochs=1)
    assert same_weights(model, reference)
    assert evaluate(model, (X, 1 - y))["loss"] == pytest.approx(min(history["test loss"]))


def test_patience_counts_from_the_last_best():
    losses = iter([5, 4, 6, 3, 3, 7, 1])
    model = nn.Linear(2, 2)

    def scripted(outputs, y):  # the trial, then one call a test: training mode is told by the grad
        training = outputs.requires_grad
        return outputs.sum() * 0 + (0.0 if training or len(y) == 3 else next(losses))

    history = quiet(model, clouds(6), clouds(6), epochs=9, batch_size=6, patience=2, loss=scripted)
    assert history["test loss"] == [5, 4, 6, 3, 3, 7]
    assert history.best == 4


def test_patience_restores_when_the_epochs_run_out():
    X, y = clouds(100)
    model = mlp()
    history = quiet(model, (X, y), (X, 1 - y), epochs=3, patience=10)
    assert (history.epochs, history.best, history.stopped) == (3, 1, None)
    assert evaluate(model, (X, 1 - y))["loss"] == pytest.approx(history["test loss"][0])


def test_patience_watches_the_validation_set():
    X, y = clouds(100)
    model = mlp()
    history = quiet(model, (X, y), (X, y), validation=(X, 1 - y), epochs=9, patience=2)
    assert list(history) == [
        f"{name} {kind}"
        for name in ("train", "validation", "test")
        for kind in ("loss", "accuracy")
    ]
    assert history["test loss"][2] < history["test loss"][0], "the test set would go on"
    assert (history.epochs, history.best) == (3, 1)
    assert history.stopped == "no smaller validation loss since epoch 1"
    assert evaluate(model, (X, y))["loss"] == pytest.approx(history["test loss"][0])
    assert evaluate(model, (X, 1 - y))["loss"] == pytest.approx(history["validation loss"][0])


def test_validation_alone():
    X, y = clouds(100)
    optimizer = torch.optim.SGD((model := mlp()).parameters(), lr=1.0)
    schedule = partial(ReduceLROnPlateau, factor=0.5, patience=0)
    history = quiet(
        *(model, (X, y)),
        validation=(X, 1 - y),
        epochs=4,
        optimizer=optimizer,
        schedule=schedule,
        patience=4,
    )
    assert set(history) == {
        "train loss",
        "train accuracy",
        "validation loss",
        "validation accuracy",
    }
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.125), "it gets worse by design"


def test_a_validation_set_changes_no_weights():
    with_it, without = mlp(), mlp()
    for model, more in ((with_it, {"validation": clouds(50, 3)}), (without, {})):
        torch.manual_seed(1)
        quiet(model, clouds(100), epochs=3, **more)
    assert same_weights(with_it, without)


def test_interrupting_returns_the_history_so_far():
    model = Calls(8, interrupt)
    history = quiet(model, clouds(30), epochs=9, batch_size=10)
    assert history.epochs == 2
    assert history.stopped == "interrupted in epoch 3"
    assert history.seconds > 0
    assert not model.training
    X, y = clouds(30)
    model = Calls(8, interrupt)
    history = quiet(model, (X, y), (X, 1 - y), epochs=9, batch_size=10, patience=5)
    assert history.best == 1
    assert evaluate(model, (X, 1 - y))["loss"] == pytest.approx(history["test loss"][0])


@pytest.mark.parametrize("look_every", [0, 1000])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_its_step(monkeypatch, look_every, bad):
    monkeypatch.setattr(_bar, "LOOK_EVERY", look_every)
    model = Calls(7, lambda outputs: outputs * 0 + bad)
    with pytest.raises(FloatingPointError) as caught:
        quiet(model, clouds(50), epochs=3, batch_size=10, loss=lambda outputs, y: outputs.mean())
    assert str(caught.value) == (
        f"The loss became {bad} in epoch 2, step 2 of 5. "
        "Try a smaller learning rate (it is 0.1), clip=1.0, or inputs scaled to about 1."
    )
    assert isinstance(caught.value, DivergenceError)
    assert caught.value.history.epochs == 1
    assert not model.training


def test_divergence_gives_advice_that_fits():
    X, y = line(100)
    with pytest.raises(DivergenceError, match=r"became (inf|nan) in .* \(it is 1000.0\), clip=1"):
        quiet(nn.Linear(2, 1), (X, y), epochs=20, lr=1000.0)
    with pytest.raises(DivergenceError, match=r"a smaller clip \(it is 1e\+30\)"):
        quiet(nn.Linear(2, 1), (X, y), epochs=20, lr=1000.0, clip=1e30)

    ruined = nn.Linear(2, 1)
    ruined.weight.data.fill_(float("nan"))
    with pytest.raises(
        DivergenceError, match=r"epoch 1, step 1 of 2\. No step was taken yet.*anew"
    ):
        quiet(ruined, (X, y), epochs=1)

    for name, holes in {"X": (X.clone(), y), "y": (X, y.clone())}.items():
        holes["Xy".index(name)][[3, 50]] = float("nan")
        with pytest.raises(DivergenceError, match=f"{name} is NaN or infinite in 2 of its 100 ex"):
            quiet(nn.Linear(2, 1), holes, epochs=1)
        with pytest.raises(DivergenceError, match=f"nan on the test set after epoch 1. {name} is"):
            quiet(nn.Linear(2, 1), (X, y), holes, epochs=1)


def root(outputs, y):
    return (outputs - y).square().sum().sqrt()


def zeroed(*shape: int) -> nn.Linear:
    model = nn.Linear(*shape)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


@pytest.mark.parametrize("look_every", [0, 1000])
@pytest.mark.parametrize(("batch_size", "steps"), [(8, 1), (2, 4)])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_gradient_that_is_not_finite_is_told_from_a_loss(
    monkeypatch, look_every, batch_size, steps, clip
):
    """The root of a sum of squares that is 0: the loss is fine, and its gradient is 0 / 0."""
    monkeypatch.setattr(_bar, "LOOK_EVERY", look_every)
    data = torch.randn(8, 2), torch.zeros(8, 1)
    with pytest.raises(DivergenceError) as caught:
        quiet(zeroed(2, 1), data, epochs=1, batch_size=batch_size, loss=root, clip=clip)
    assert str(caught.value).startswith(
        f"The gradient became NaN or infinite in epoch 1, step 1 of {steps}, "
        "where the loss was 0. There its derivative is infinite or not defined"
    )
    assert "learning rate" not in str(caught.value)


def test_weights_that_are_not_finite_are_not_returned():
    """Also where the parameter that is watched at each step has a gradient that is finite."""

    class Ladder(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 1), zeroed(2, 1)

        def forward(self, X):
            return torch.stack([self.first(X), self.second(X)])

    def loss(outputs, y):
        return (outputs[0] - y).square().mean() + root(outputs[1], y)

    data = torch.randn(8, 2), torch.zeros(8, 1)
    with pytest.raises(
        DivergenceError, match=r"The weights became NaN .* epoch 1, step 1 of 1, wh"
    ):
        quiet(Ladder(), data, epochs=1, batch_size=8, loss=loss)


def test_nan_weights_are_not_returned_by_an_interrupt():
    calls = []

    def loss(outputs, y):
        calls.append(outputs)
        if len(calls) == 5:  # after two trials
            raise KeyboardInterrupt
        return root(outputs, y) if len(calls) == 4 else (outputs - y).square().mean()

    data = torch.randn(8, 2), torch.zeros(8, 1)
    with pytest.raises(DivergenceError, match=r"The gradient became NaN .* step 2 of 4"):
        quiet(zeroed(2, 1), data, epochs=1, batch_size=2, loss=loss)


# Mixed precision


def test_amp_changes_nothing_without_a_gpu():
    plain, mixed = mlp(), mlp()
    torch.manual_seed(1)
    quiet(plain, clouds(64), epochs=2)
    torch.manual_seed(1)
    quiet(mixed, clouds(64), epochs=2, amp=True)
    assert same_weights(plain, mixed)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_amp_computes_in_half_precision(monkeypatch, half):
    """The GPU's path, taken on a CPU."""
    monkeypatch.setattr(training, "_half_precision", lambda device: half)
    seen = set()

    def loss(outputs, y):
        seen.add((outputs.requires_grad, outputs.dtype))
        return F.cross_entropy(outputs.float(), y)

    model = nn.Linear(2, 2)
    history = quiet(model, clouds(200), clouds(50), epochs=5, amp=True, clip=1.0, loss=loss)
    assert seen == {(True, half), (False, torch.float32)}
    assert model.weight.dtype == torch.float32
    assert history["test accuracy"][-1] > 0.95


def test_amp_scales_back_before_it_clips(monkeypatch):
    monkeypatch.setattr(training, "_half_precision", lambda device: torch.float16)
    X, y = line(10)
    model = nn.Linear(2, 1)
    nn.utils.vector_to_parameters(torch.zeros(3), model.parameters())
    quiet(model, (X, y / 100), epochs=1, batch_size=10, lr=0.1, clip=1e-3, amp=True)
    step = nn.utils.parameters_to_vector(model.parameters()).norm().item()
    assert step == pytest.approx(1e-4, rel=0.01)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_amp_on_a_gpu():
    seen = set()

    def loss(outputs, y):
        seen.add(outputs.dtype)
        return F.cross_entropy(outputs, y)

    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
    history = quiet(model, clouds(400), epochs=10, amp=True, loss=loss, device="cuda")
    assert seen & {torch.bfloat16, torch.float16}
    assert history["train accuracy"][-1] > 0.95


# What fit refuses, before it has done anything


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"train": [1, 2, 3]}, TypeError, r"train must be a pair \(X, y\) of tensors, not list"),
        ({"train": ([1], [2])}, TypeError, "train must be a pair .* not of list and list"),
        ({"test": clouds(5)[0]}, TypeError, "test must be a pair .* not Tensor"),
        (
            {"train": (torch.rand(5, 2), torch.zeros(4).long())},
            ValueError,
            r"train X and y must have the same number of examples.*\(5, 2\) and \(4,\)",
        ),
        ({"train": (torch.rand(0, 2), torch.rand(0))}, ValueError, r"at least one.*\(0, 2\)"),
        ({"test": (torch.rand(4, 2), torch.rand(5))}, ValueError, "test X and y must have the"),
        ({"test": line(4)}, ValueError, r"train y is torch\.int64 but test y is torch\.float32"),
        ({"epochs": 0}, ValueError, "epochs must be .*, (at least 1|above 0), not 0"),
        ({"epochs": 2.5}, TypeError, r"epochs must be a whole number, at least 1, not 2\.5"),
        ({"epochs": None}, TypeError, "epochs must be a whole number, at least 1, not None"),
        ({"epochs": True}, TypeError, "epochs must be a whole number, at least 1, not True"),
        ({"batch_size": -1}, ValueError, "batch_size must be .*, (at least 1|above 0), not -1"),
        ({"batch_size": 3.0}, TypeError, r"batch_size must be a whole number, .* not 3\.0"),
        ({"lr": 0}, ValueError, "lr must be .*, (at least 1|above 0), not 0"),
        ({"lr": "0.1"}, TypeError, r"lr must be a finite number, above 0, not '0\.1'"),
        ({"lr": float("nan")}, ValueError, "lr must be .*, (at least 1|above 0), not nan"),
        ({"clip": -1.0}, ValueError, r"clip must be .*, (at least 1|above 0), not -1\.0"),
        ({"clip": True}, TypeError, "clip must be a finite number.* not True"),
        (
            {"patience": 0, "test": clouds(4)},
            ValueError,
            "patience must be .*, (at least 1|above 0), not 0",
        ),
        ({"patience": 2}, ValueError, "patience needs a validation or test set"),
        ({"amp": "bfloat16"}, TypeError, "amp must be True or False, not 'bfloat16'"),
        ({"progress": None}, TypeError, "progress must be True or False, not None"),
        ({"device": "toaster"}, ValueError, "device is 'toaster', which this machine does not"),
        ({"loss": nn.MSELoss}, TypeError, r"loss must be a function or module, such as nn\.MSE"),
        ({"loss": "mse"}, TypeError, "loss must be a function or module.*not 'mse'"),
        (
            {"loss": nn.CrossEntropyLoss(reduction="none")},
            ValueError,
            r"loss must return a tensor with one number, the mean, not \(3,\) float32",
        ),
        ({"loss": lambda outputs, y: 0.5}, ValueError, "one number, the mean, not a float"),
        (
            {"model": nn.LSTM(2, 2)},
            ValueError,
            r"model must give outputs \(n, classes\) .* they are a tuple and \(3,\) int64",
        ),
        ({"optimizer": "adam"}, TypeError, r"optimizer must be or make an optimiser.*not 'adam'"),
        ({"optimizer": lambda p: p}, TypeError, "optimizer must be or make an optimiser"),
        (
            {"optimizer": torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1)},
            ValueError,
            "optimizer has none of the model's parameters",
        ),
        ({"model": nn.Flatten()}, ValueError, "model has no parameters to train"),
        ({"schedule": StepLR}, TypeError, "step_size"),
        ({"schedule": 3}, TypeError, "schedule must be a function of the optimiser, not 3"),
        (
            {"model": nn.Linear(3, 2)},
            ValueError,
            r"model cannot take train X, \(10, 2\) float32: .*mat1 and mat2 shapes",
        ),
        (
            {"train": (torch.rand(4, 2).double(), torch.zeros(4).long())},
            ValueError,
            r"model cannot take train X, \(4, 2\) float64: .*must have the same dtype",
        ),
        ({"test": (torch.rand(4, 3), torch.zeros(4).long())}, ValueError, "cannot take test X"),
        (
            {"model": nn.Linear(2, 1)},
            ValueError,
            r"examples of train they are \(3, 1\) float32 and \(3,\) int64",
        ),
        (
            {"train": (torch.rand(4, 2), torch.tensor([[0], [1], [0], [1]]))},
            ValueError,
            r"outputs \(n, classes\) for y \(n,\); .* \(3, 2\) float32 and \(3, 1\) int64",
        ),
        (
            {"train": (torch.rand(4, 2), torch.tensor([-1, 1, -1, 1]))},
            ValueError,
            r"train y must be labels from 0 to 1, since the model has 2 outputs; .* -1 to 1",
        ),
        (
            {"test": (torch.rand(3, 2), torch.tensor([0, 1, 2]))},
            ValueError,
            "test y .* from 0 to 2",
        ),
        (
            {"model": nn.Linear(2, 1), "train": (torch.rand(4, 2), torch.rand(4))},
            ValueError,
            r"outputs and y must have the same shape; .* of train they are \(3, 1\) float",
        ),
        ({"train": line(4)}, ValueError, r"the same shape; .* \(3, 2\) float32 and \(3, 1\) f"),
        (
            {
                "model": nn.Linear(2, 1),
                "train": (torch.rand(4, 2), torch.rand(4)),
                "loss": lambda outputs, y: (outputs - y).abs().mean(),
            },
            ValueError,
            r"must have the same shape; .* \(3, 1\) float32 and \(3,\) float32",
        ),
    ],
)
def test_fit_refuses(change, error, message):
    arguments = {"model": nn.Linear(2, 2), "train": clouds(10), "epochs": 1} | change
    model = arguments["model"]
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(error, match=re.compile(message, re.DOTALL)):
        fit(**{"progress": False} | arguments)
    assert all(torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True))


class Words(nn.Sequential):
    """A class for each text (n, t) of words 0 to 9."""

    def __init__(self, **more):
        super().__init__(nn.Embedding(10, 4, **more), nn.Flatten(), nn.Linear(12, 2))


def words(*ids: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Twenty texts of three words, the last of which has these among them."""
    X = torch.arange(60).view(20, 3) % 10
    X[-1, : len(ids)] = torch.tensor(ids)
    return X, torch.arange(20) % 2


def table(n: int, d: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(n, 2), torch.ones(n, d).to(dtype)


class Unknown(nn.Module):
    """What a reader's network looks like: it returns numbers without a gradient."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, X):
        return self.linear(X).detach()


@pytest.mark.parametrize(
    ("model", "train", "more", "message"),
    [
        # y of another type than the loss takes
        (
            nn.Linear(2, 1),
            table(9, 1, torch.int64),
            {"loss": BCE},
            "loss cannot .* train y, .*int64",
        ),
        (nn.Linear(2, 1), table(9, 1, torch.bool), {"loss": BCE}, "loss cannot .* train y, .*bool"),
        (
            nn.Linear(2, 2),
            clouds(9),
            {"loss": nn.MSELoss()},
            "the outputs and y must have the same shape; for 3 ex",
        ),
        (nn.Linear(2, 2), table(9, 2), {"loss": nn.NLLLoss()}, "loss cannot take"),
        (nn.Linear(2, 2), clouds(9), {"loss": lambda o, y: (o - y).square().mean()}, "must match"),
        (nn.Linear(2, 3), clouds(9), {"loss": lambda o, y: (o - y).square().mean()}, "must match"),
        # another shape
        (nn.Linear(2, 1), (torch.rand(9, 2), torch.ones(9)), {"loss": BCE}, "the same shape"),
        (nn.Linear(2, 3), clouds(9), {"loss": BCE}, "the same shape"),
        (nn.Linear(2, 1), clouds(9), {"loss": nn.CrossEntropyLoss()}, r"outputs \(n, classes\)"),
        (nn.LSTM(2, 2), table(9, 2), {}, "loss cannot take .* a tuple"),
        # numbers beyond what the model or the loss has, anywhere in the data
        (Words(), words(10), {}, r"take train X, .*: its embedding has 10 rows.* from 0 to 10"),
        (Words(), words(3, -1), {}, "train X, .*: its embedding has 10 rows.* from -1 to 9"),
        (Words(), words(), {"test": words(12)}, "model cannot take test X, .* from 0 to 12"),
        (Words(), words(), {"validation": words(12)}, "model cannot take validation X"),
        (
            nn.Linear(2, 2),
            (torch.rand(9, 2), torch.tensor([0, 1, 0, 1, 0, 1, 0, 1, 2])),
            {"loss": nn.CrossEntropyLoss()},
            "train y must be labels from 0 to 1, .* from 0 to 2",
        ),
        (
            nn.Linear(2, 2),
            (torch.rand(9, 2), torch.tensor([0, 1, 0, 1, 0, 1, 0, 1, 2])),
            {"loss": nn.MultiMarginLoss()},
            "loss cannot take the model's outputs and train y",
        ),
        # another number of inputs
        (nn.Linear(2, 2), ((torch.rand(9, 2), torch.rand(9, 2)), clouds(9)[1]), {}, "train X"),
        (nn.Bilinear(2, 2, 2), clouds(9), {}, "model cannot take train X"),
        # no gradient
        (Unknown(), line(9), {}, "the loss has no gradient"),
        (nn.Linear(2, 1), line(9), {"loss": lambda o, y: (o.round() == y).float().mean()}, "no gr"),
        (nn.Linear(2, 1), line(9), {"loss": forget}, "loss does not depend on the parameters"),
        # an optimiser or a schedule that cannot go on to the end
        (
            nn.Linear(2, 1),
            line(9),
            {"optimizer": torch.optim.LBFGS},
            "optimizer must take its step",
        ),
        (nn.Linear(2, 1), line(9), {"schedule": lambda o: None}, "schedule must return one of"),
        (nn.Linear(2, 1), line(9), {"schedule": lambda o: StepLR(OTHER, 1)}, "that it is given"),
        (
            nn.Linear(2, 1),
            line(9),
            {"schedule": lambda o: OneCycleLR(o, 1, total_steps=3), "batch_size": 3, **EACH_UPDATE},
            "schedule ends after 3 steps, but there are 6 updates",
        ),
        (
            nn.Linear(2, 1),
            line(9),
            {"schedule": lambda o: OneCycleLR(o, 1, total_steps=1)},
            "schedule ends after 1 steps, but there are 2 epochs",
        ),
        (nn.Linear(2, 1), line(9), {"schedule": ReduceLROnPlateau, **EACH_UPDATE}, "once an epoch"),
        (nn.Linear(2, 1), line(9), {"schedule_every": "step"}, "schedule_every must be 'epoch' or"),
        (nn.Linear(2, 1), line(9), {"validation": clouds(9)}, "but validation y is torch.int64"),
    ],
)
def test_what_does_not_fit_together_is_found_before_training(model, train, more, message):
    before = copy.deepcopy(model.state_dict())
    seed = torch.get_rng_state()
    with pytest.raises((TypeError, ValueError), match=re.compile(message, re.DOTALL)):
        quiet(model, train, **({"epochs": 2} | more))
    assert torch.equal(torch.get_rng_state(), seed)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert all(p.grad is None for p in model.parameters())


def test_the_trial_leaves_no_trace():
    """No number is drawn from the seed, no statistic and no attribute of the model changes."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.linear, self.calls = nn.BatchNorm1d(2), nn.Linear(2, 2), 0
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, X):
            self.calls += 1
            self.seen = self.seen + len(X)
            self.last = F.dropout(self.norm(X))
            return self.linear(self.last)

    def stop(optimizer):
        raise InterruptedError

    model = Net().eval()
    before, seed = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    with pytest.raises(InterruptedError):
        quiet(model, clouds(9), clouds(9), epochs=1, schedule=stop)
    assert torch.equal(torch.get_rng_state(), seed)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert (model.calls, model.training, model.norm.training) == (0, False, False)
    assert not hasattr(model, "last")
    assert not model.norm._forward_pre_hooks


def test_fit_refuses_a_model_that_is_a_class():
    with pytest.raises(TypeError, match=r"model must be an nn\.Module, not <class"):
        quiet(nn.Linear, clouds(10), epochs=1)


def test_fit_refuses_a_rate_for_a_finished_optimiser():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"lr=0\.5 has no effect on an optimizer that is already"):
        quiet(model, clouds(10), epochs=1, optimizer=optimizer, lr=0.5)


# evaluate and accuracy


def test_evaluate():
    X, y = clouds(101)
    model = mlp()
    model.eval()
    outputs = model(X)
    result = evaluate(model, (X, y), batch_size=10, device="cpu")
    assert result == {
        "loss": pytest.approx(F.cross_entropy(outputs, y).item()),
        "accuracy": (outputs.argmax(1) == y).sum().item() / 101,
    }
    assert evaluate(nn.Linear(2, 1), line(5)).keys() == {"loss"}
    doubled = evaluate(model, (X, y), loss=lambda o, y: 2 * F.cross_entropy(o, y))
    assert doubled["loss"] == pytest.approx(2 * result["loss"])


def test_evaluate_leaves_no_trace():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout())
    model[1].eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, clouds(10))
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert model[0].weight.grad is None


def test_evaluate_refuses():
    with pytest.raises(TypeError, match="test must be a pair"):
        evaluate(mlp(), clouds(4)[0])
    with pytest.raises(ValueError, match=r"batch_size must be .* at least 1"):
        evaluate(mlp(), clouds(4), batch_size=0)
    with pytest.raises(ValueError, match="must have the same shape; for 3 examples of test"):
        evaluate(nn.Linear(2, 1), (torch.rand(3, 2), torch.rand(3)))


def test_predict_is_the_model_in_evaluation_mode():
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    X = torch.randn(10, 3)
    got = predict(model, X, batch_size=4)
    assert model.training
    assert not got.requires_grad
    torch.testing.assert_close(got, model.eval()(X).detach())
    with pytest.raises(TypeError, match=r"X must be a tensor .* not a list"):
        predict(model, [1.0])
    with pytest.raises(ValueError, match=r"batch_size must be .*, at least 1, not 0"):
        predict(model, X, batch_size=0)


def test_gradient_sizes_are_those_of_backward_and_leave_no_trace():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    X, y = torch.randn(16, 3), torch.arange(16) % 2
    model.eval()
    before = copy.deepcopy(model.state_dict())
    got = gradient_sizes(model, (X, y))
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    torch.testing.assert_close(model.state_dict(), before)
    nn.functional.cross_entropy(model.train()(X), y).backward()
    expected = {f"{i}.weight": model[i].weight.grad.square().mean().sqrt().item() for i in (0, 3)}
    assert got == pytest.approx(expected)
    with pytest.raises(ValueError, match="no weights"):
        gradient_sizes(nn.BatchNorm1d(3), (X, torch.zeros(16, 3)))


def test_gradient_sizes_do_not_underflow():
    """A gradient of 1e-30 is a number of single precision; its square is none."""
    X, y = torch.ones(4, 3), torch.zeros(4, 2)
    got = gradient_sizes(nn.Linear(3, 2), (X, y), loss=lambda outputs, y: 1e-30 * outputs.sum())
    assert got == {"weight": pytest.approx(4e-30)}


def test_accuracy():
    outputs = torch.tensor([[1.0, 3.0], [2.0, 0.0], [0.0, 1.0], [5.0, 4.0]])
    assert accuracy(outputs, torch.tensor([1, 0, 0, 1])) == 0.5
    assert isinstance(accuracy(outputs, torch.tensor([1, 0, 1, 0])), float)
    maps = torch.stack([torch.zeros(1, 2, 2), torch.eye(2)[None]], dim=1)  # (1, 2, 2, 2)
    assert accuracy(maps, torch.tensor([[[1, 0], [0, 0]]])) == 0.75
    with pytest.raises(ValueError, match=r"not \(4, 2\) float32 and \(3,\) int64"):
        accuracy(outputs, torch.tensor([1, 0, 0]))
    with pytest.raises(ValueError, match=r"integer y \(n,\), not .* and \(4,\) float32"):
        accuracy(outputs, torch.rand(4))


# History


def test_history_is_readable():
    history = History({"train loss": [1.0, 0.12345], "test accuracy": [0.5, 0.9]})
    history.seconds = 3.21
    assert repr(history) == "History(2 epochs in 3.2 s, train loss 0.123, test accuracy 0.9)"
    history.stopped, history.best = "because", 1
    assert repr(history).endswith("weights of epoch 1, stopped: because)")
    assert repr(History()) == "History(0 epochs in 0.0 s)"
    with pytest.raises(KeyError, match="'test loss' was not measured; there is 'train loss', 'te"):
        history["test loss"]


def test_history_plots_itself(monkeypatch):
    plotting = pytest.importorskip("d2lutil.plotting")
    calls = []
    monkeypatch.setattr(plotting, "curves", lambda *args, **kwargs: calls.append((args, kwargs)))
    history = History({"train loss": [2.0, 1.0], "test loss": [3.0, 2.0], "test accuracy": [0, 1]})
    history.plot()
    history.plot("test accuracy", ax="the axes")
    history.plot("train loss", "test accuracy")
    assert calls[0] == (
        ({"train loss": [2.0, 1.0], "test loss": [3.0, 2.0]},),
        {"xlabel": "epoch", "ylabel": "loss", "ax": None},
    )
    assert calls[1][1] == {"xlabel": "epoch", "ylabel": "accuracy", "ax": "the axes"}
    assert calls[2][1]["ylabel"] == ""
    with pytest.raises(KeyError, match="'accuracy' was not measured"):
        history.plot("accuracy")


# The progress bar


class Slow(nn.Linear):
    def forward(self, X):
        time.sleep(0.02)
        return super().forward(X)


@pytest.fixture
def terminal(monkeypatch):
    """Run a function with a terminal for its stderr: what it writes, and what is then on show."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    def run(function, columns: int = 80) -> tuple[str, str]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        written = []
        reader = threading.Thread(target=lambda: written.extend(iter(partial(read, ours), b"")))
        reader.start()
        with os.fdopen(theirs, "w") as stderr, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stderr)
            patch.setattr(_bar, "LOOK_EVERY", 0.1)
            function()
        reader.join()
        os.close(ours)
        text, shown = b"".join(written).decode(), ""
        for piece in text.split("\r"):
            shown = piece + shown[len(piece) :]
        return text, shown

    def read(end: int) -> bytes:
        try:
            return os.read(end, 4096)
        except OSError:  # the other end is closed
            return b""

    return run


def test_a_terminal_shows_live_measures_and_keeps_nothing(terminal):
    data = clouds(160)
    text, shown = terminal(lambda: fit(Slow(2, 2), data, data, epochs=3, batch_size=16))
    assert re.search(r"epoch 3/3 .* left, loss=\d\.\d+, accuracy=.* test loss=", text), text
    assert shown.strip() == ""


def test_a_narrow_terminal_shows_one_line(terminal):
    data = clouds(160)
    text, shown = terminal(lambda: fit(Slow(2, 2), data, epochs=3, batch_size=16), columns=30)
    assert "epoch 1/3" in text
    assert max(len(piece) for piece in text.split("\r")) <= 30
    assert "\n" not in text
    assert shown.strip() == ""


def test_the_bar_goes_when_training_fails(terminal):
    def diverge():
        with pytest.raises(DivergenceError) as caught:
            fit(Slow(2, 2), clouds(400), epochs=1, batch_size=16, loss=loss)
        kept.append(caught.value)  # as a notebook keeps it, with the frame that holds the bar

    def loss(outputs, y):
        losses.append(outputs.mean() if len(losses) < 20 else outputs.mean() + math.inf)
        return losses[-1]

    losses, kept = [], []
    text, shown = terminal(diverge)
    assert "epoch 1/1" in text
    assert shown.strip() == ""


def test_no_bar_without_progress_or_in_a_short_run(terminal):
    assert terminal(lambda: fit(Slow(2, 2), clouds(320), epochs=1, progress=False)) == ("", "")
    assert terminal(lambda: fit(nn.Linear(2, 2), clouds(10), epochs=1)) == ("", "")


CELL = """
import time, torch
from torch import nn
from d2lutil import _bar, training

class Slow(nn.Linear):
    def forward(self, X):
        time.sleep(0.02)
        return super().forward(X)

_bar.LOOK_EVERY = 0.1
data = torch.rand(160, 2), torch.arange(160) % 2
history = training.fit(Slow(2, 2), data, epochs=3, batch_size=16, progress={progress})
"""


def test_the_environment_can_turn_bars_off():
    """In a process of its own, since tqdm reads its variables when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", CELL.format(progress=True)],
        env={**os.environ, "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_notebook_shows_a_widget(monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    cells = [nbformat.v4.new_code_cell(CELL.format(progress=p)) for p in (True, False)]
    book = nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("history")])
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    (widget,), nothing, (history,) = (cell.outputs for cell in book.cells)
    assert "application/vnd.jupyter.widget-view+json" in widget["data"]
    assert nothing == []
    assert history["data"]["text/plain"].startswith("History(3 epochs in ")
