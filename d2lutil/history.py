"""What happened in a training run."""

from __future__ import annotations

from typing import Any


class History(dict[str, list[float]]):
    """What happened in a training run.

    `history["train loss"]`, `["test loss"]`, `["train accuracy"]`, `["test accuracy"]`, and the
    same of "validation", hold one value an epoch, as far as they were measured. A training value is
    the mean over the epoch's labels, each batch measured just before the step that learns from it;
    a value of another set is that of the model at the epoch's end.

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
    """`fit` met a loss, or weights, that are NaN or infinite; `history` has the epochs before."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history
