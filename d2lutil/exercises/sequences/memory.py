"""Exercises of the chapter *Short-term memory*."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then

Pair = tuple[Tensor, Tensor]


def _lag_matrix(y: Tensor, p: int) -> Pair:
    """The p values before each target (T - p, p), the latest first, and the targets (T - p,)."""
    columns = [y[p - 1 - k : len(y) - 1 - k] for k in range(p)]
    return torch.stack(columns, dim=1), y[p:]


def _lag_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, int]]:
    yield tensor([3.0, 5.0, 8.0, 4.0, 7.0]), 2
    for T, p in ((6, 1), (7, 3), (4, 3), (9, 4), (8, 3), (12, 5)):
        yield torch.randn(T, generator=generator), p


def _oldest_first(y: Tensor, p: int) -> Pair:
    return y.unfold(0, p, 1)[:-1], y[p:]


def _with_target(y: Tensor, p: int) -> Pair:
    """The target stands among its own lags."""
    return y.unfold(0, p, 1).flip(1)[1:], y[p:]


def _last_missing(y: Tensor, p: int) -> Pair:
    X, targets = _lag_matrix(y, p)
    return X[:-1], targets[:-1]


def _padded(y: Tensor, p: int) -> Pair:
    """A row for every value, with zeros before the start."""
    return _lag_matrix(torch.cat([y.new_zeros(p), y]), p)


def _cut_early(y: Tensor, p: int) -> Pair:
    """Rows from lag p on, of a series that is one target short at its beginning."""
    X, targets = _lag_matrix(y, p)
    return X[1:], targets[1:]


def _wrapped(y: Tensor, p: int) -> Pair:
    """Columns by `roll`, with a row for every value."""
    return torch.stack([y.roll(k + 1) for k in range(p)], dim=1), y


lag_matrix = Exercise(
    reference=_lag_matrix,
    cases=_lag_cases,
    returns=("lags", "targets"),
    mistakes=[
        (
            _oldest_first,
            "Your rows run in the order of time, the oldest value first. The task asks for the "
            "most recent one first.",
        ),
        (
            _with_target,
            "Each of your rows contains its own target, so the model would be told what it has to "
            "forecast. All values of a row lie *before* the target.",
        ),
        (
            then(_with_target, lambda X, y: (X.flip(1), y)),
            "Each of your rows contains its own target, and runs in the order of time. All values "
            "of a row lie *before* the target, the most recent one first.",
        ),
        (
            then(_lag_matrix, lambda X, y: (X.T, y)),
            "You stack the lags as rows. Each target needs a row, and each lag a column.",
        ),
        (
            then(_lag_matrix, lambda X, y: (y, X)),
            "You return the targets first. The lags are asked for first.",
        ),
        (
            then(_lag_matrix, lambda X, y: (X, y[:, None])),
            "Your targets are a column, `(T - p, 1)`. They should have the shape `(T - p,)`.",
        ),
        (
            then(_lag_matrix, lambda X, y: (X.flip(0), y)),
            "Your rows run backwards in time, and the targets forwards. Row `i` belongs to target "
            "`i`.",
        ),
        (
            then(_lag_matrix, lambda X, y: (X.flip(0), y.flip(0))),
            "Your rows and targets run backwards in time. The first row belongs to the first value "
            "that has `p` values before it.",
        ),
        (
            _last_missing,
            "The last target is missing. It has `p` values before it as well.",
        ),
        (
            _cut_early,
            "The first target is missing. The value at position `p` has `p` values before it.",
        ),
        (
            _padded,
            "You make a row for every value, with zeros where nothing came before. Begin with the "
            "first value that has `p` values before it.",
        ),
        (
            _wrapped,
            "`roll` brings the end of the series to its beginning, and your first rows hold values "
            "of the future. Leave these rows out.",
        ),
        (
            then(_lag_matrix, lambda X, _: X),
            "These are the lags alone. The targets are asked for, too.",
        ),
    ],
)


def _free_run(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    """Forecasts of a linear autoregression, each fed back: (steps,)."""
    p = len(w)
    for _ in range(steps):
        new = past[-p:].flip(0) @ w + b  # ()
        past = torch.cat([past, new[None]])
    return past[-steps:]


def _free_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, float, Tensor, int]]:
    yield tensor([0.5, 0.25]), 3.0, tensor([7.0, 4.0, 8.0]), 3
    for p, T, steps in ((1, 4, 3), (3, 3, 5), (2, 6, 1), (4, 9, 6), (3, 5, 2)):
        w = torch.randn(p, generator=generator) / p
        b = torch.randn((), generator=generator).item() + 2
        yield w, b, 3 * torch.randn(T, generator=generator), steps


def _not_fed(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    return _free_run(w, b, past, 1).repeat(steps)


def _bias_late(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    return _free_run(w, 0.0, past, steps) + b


def _from_the_start(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    return _free_run(w, b, past[: len(w)], steps)


def _later(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    return _free_run(w, b, past, steps + 1)[1:]


def _with_past(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    return torch.cat([past, _free_run(w, b, past, steps)])


def _one_too_few(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    """The last observation, and then one forecast fewer."""
    return _with_past(w, b, past, steps)[len(past) - 1 : -1]


def _zeros_fed(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    """The delay line moves on, but zeros come in."""
    padded = torch.cat([past, past.new_zeros(steps)])
    T, p = len(past), len(w)
    return torch.stack([padded[T + i - p : T + i].flip(0) @ w + b for i in range(steps)])


def _held(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    """Only the newest place of the delay line changes."""
    recent, out = past[-len(w) :].flip(0).clone(), []
    for _ in range(steps):
        new = recent @ w + b
        recent = torch.cat([new[None], recent[1:]])
        out.append(new)
    return torch.stack(out)


def _wrong_way(w: Tensor, b: float, past: Tensor, steps: int) -> Tensor:
    """The newest value leaves, and the forecast comes in behind the oldest one."""
    recent, out = past[-len(w) :].flip(0), []
    for _ in range(steps):
        new = recent @ w + b
        recent = torch.cat([recent[1:], new[None]])
        out.append(new)
    return torch.stack(out)


free_run = Exercise(
    reference=_free_run,
    cases=_free_cases,
    mistakes=[
        (
            given(_free_run, w=lambda w: w.flip(0)),
            "`w[0]` meets your oldest value. It belongs to the most recent one.",
        ),
        (
            _not_fed,
            "All your forecasts are equal: the first one is not fed back. After each step the "
            "forecast becomes the most recent value.",
        ),
        (
            _zeros_fed,
            "Your delay line moves on, but zeros come in. The forecast belongs there.",
        ),
        (
            _held,
            "Your forecast replaces the most recent value, and the others stay where they are. "
            "All of them grow older by a step.",
        ),
        (
            _wrong_way,
            "Your delay line moves the wrong way: the forecast comes in at the oldest value's end, "
            "and the most recent value leaves.",
        ),
        (
            given(_free_run, b=lambda _: 0.0),
            "The bias, `b`, is missing.",
        ),
        (
            _bias_late,
            "You add the bias at the end only, so what is fed back lacks it.",
        ),
        (
            _from_the_start,
            "You begin with the first `p` values of `past`. The forecast goes on from its end.",
        ),
        (
            _later,
            "Your first forecast is missing, and there is one too many at the end.",
        ),
        (
            _one_too_few,
            "You begin with the last value of `past`. The first forecast comes after it.",
        ),
        (
            _with_past,
            "You return the past as well. Only the forecasts are asked for.",
        ),
        (
            then(_free_run, lambda y: y.flip(0)),
            "Your forecasts run backwards: the one for the next step comes first.",
        ),
        (
            then(_free_run, lambda y: y[-1]),
            "This is the last forecast alone. All `steps` of them are asked for.",
        ),
    ],
)


def _scaled_error(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    """The mean absolute error, relative to that of the seasonal naive forecast in the past."""
    return (forecast - actual).abs().mean() / (past[m:] - past[:-m]).abs().mean()


def _scaled_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor, int]]:
    yield tensor([4.0, 9.0]), tensor([5.0, 6.0]), tensor([2.0, 7.0, 3.0, 9.0, 8.0]), 2
    for h, T, m in ((1, 6, 1), (3, 9, 4), (4, 5, 4), (2, 10, 3), (5, 8, 2)):
        yield (
            2 * torch.randn(h, generator=generator) + 1,
            2 * torch.randn(h, generator=generator),
            3 * torch.randn(T, generator=generator) + 4,
            m,
        )


def _mae(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return (forecast - actual).abs().mean()


def _scaled_by(forecast: Tensor, actual: Tensor, scale: Tensor) -> Tensor:
    return (forecast - actual).abs().mean() / scale


def _squared(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return ((forecast - actual) ** 2).mean() / ((past[m:] - past[:-m]) ** 2).mean()


def _sums(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return (forecast - actual).abs().sum() / (past[m:] - past[:-m]).abs().sum()


def _summed_errors(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return (forecast - actual).abs().sum() / (past[m:] - past[:-m]).abs().mean()


def _signed(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return (forecast - actual).mean().abs() / (past[m:] - past[:-m]).abs().mean()


def _signed_scale(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return _scaled_by(forecast, actual, (past[m:] - past[:-m]).mean().abs())


def _no_absolute(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return (forecast - actual).mean() / (past[m:] - past[:-m]).abs().mean()


def _higher_difference(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return _scaled_by(forecast, actual, past.diff(n=m).abs().mean())


def _naive_future(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    """Scaled by what the seasonal naive forecast gets wrong in the steps to come."""
    naive = torch.stack([past[len(past) - m + i % m] for i in range(len(actual))])
    return _scaled_by(forecast, actual, (naive - actual).abs().mean())


def _all_of_past(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    """The sum of the naive errors divided by the length of the past."""
    return _scaled_by(forecast, actual, (past[m:] - past[:-m]).abs().sum() / len(past))


def _rolled(forecast: Tensor, actual: Tensor, past: Tensor, m: int) -> Tensor:
    return _scaled_by(forecast, actual, (past - past.roll(m)).abs().mean())


scaled_error = Exercise(
    reference=_scaled_error,
    cases=_scaled_cases,
    mistakes=[
        (_mae, "This is the mean absolute error, in the series' own unit. The scale is missing."),
        (
            given(_scaled_error, m=lambda _: 1),
            "Your scale is the error of persistence, one step back. The seasonal naive forecast "
            "looks `m` steps back.",
        ),
        (
            _squared,
            "You square the errors. The task asks for absolute ones, above and below.",
        ),
        (
            then(_squared, torch.sqrt),
            "You divide roots of mean squares. The task asks for absolute errors, above and below.",
        ),
        (
            _sums,
            "You divide sums. There are not as many forecasts as differences in the past, so the "
            "means are asked for.",
        ),
        (
            _summed_errors,
            "You add up the errors of the forecasts. Take their mean.",
        ),
        (
            then(_scaled_error, torch.reciprocal),
            "Upside down: the error of the forecasts stands above, the scale below.",
        ),
        (
            _signed,
            "Your errors keep their signs until after the mean, so they cancel. Take the absolute "
            "values first.",
        ),
        (
            _no_absolute,
            "The errors of the forecasts lack their absolute values, so they cancel.",
        ),
        (
            given(_no_absolute, forecast=torch.neg, actual=torch.neg),
            "The errors of the forecasts lack their absolute values, so they cancel.",
        ),
        (
            _higher_difference,
            "`diff(n=m)` takes differences of differences, `m` times. Subtract the value `m` steps "
            "before.",
        ),
        (
            _signed_scale,
            "In your scale the differences cancel. Take their absolute values before the mean.",
        ),
        (
            _naive_future,
            "Your scale is the seasonal naive forecast's error in the future. It comes from the "
            "past alone.",
        ),
        (
            _all_of_past,
            "You divide by the length of the past. There are only `T - m` differences.",
        ),
        (
            _rolled,
            "`roll` compares the first values with the last ones. Only values that have another "
            "one `m` steps before count.",
        ),
        (
            lambda forecast, actual, past, m: _scaled_by(
                forecast, actual, (past - past.mean()).abs().mean()
            ),
            "Your scale is how far the past lies from its mean. It is the error of the seasonal "
            "naive forecast.",
        ),
        (
            lambda forecast, actual, past, m: _scaled_by(forecast, actual, past.std()),
            "Your scale is the standard deviation of the past. It is the error of the seasonal "
            "naive forecast.",
        ),
        (
            lambda forecast, actual, past, m: _scaled_by(forecast, actual, past.abs().mean()),
            "You divide by the mean of the past itself. The scale is an error: that of the "
            "seasonal naive forecast.",
        ),
        (
            lambda forecast, actual, past, m: _scaled_by(forecast, actual, actual.abs().mean()),
            "You divide by the values that were forecast. The scale comes from the past.",
        ),
    ],
)
