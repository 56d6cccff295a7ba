"""Right and wrong answers to the exercises of *Short-term memory*, as a student writes them."""

import torch
from torch.nn import functional as F


def lags_by_unfold(y, p):
    return y.unfold(0, p + 1, 1)[:, :-1].flip(1), y.unfold(0, p + 1, 1)[:, -1]


def lags_by_loop(y, p):
    rows = [[y[i - k].item() for k in range(1, p + 1)] for i in range(p, len(y))]
    return torch.tensor(rows), y[p:].clone()


def lags_by_index(y, p):
    i = torch.arange(p, len(y))
    return y[i[:, None] - torch.arange(1, p + 1)], y[i]


def lags_in_time(y, p):
    return torch.stack([y[i : i + p] for i in range(len(y) - p)]), y[p:]


def lags_with_target(y, p):
    return torch.stack([y[i - p + 1 : i + 1].flip(0) for i in range(p, len(y))]), y[p:]


def lags_with_target_in_time(y, p):
    return torch.stack([y[i - p + 1 : i + 1] for i in range(p, len(y))]), y[p:]


def lags_as_rows(y, p):
    return torch.stack([y[p - k : len(y) - k] for k in range(1, p + 1)]), y[p:]


def lags_swapped(y, p):
    X, t = lags_by_index(y, p)
    return t, X


def lags_column(y, p):
    return lags_by_index(y, p)[0], y[p:].reshape(-1, 1)


def lags_one_short(y, p):
    n = len(y) - p - 1
    return torch.stack([y[i : i + p].flip(0) for i in range(n)]), y[p : p + n]


def lags_last_cut(y, p):
    X, t = lags_by_index(y, p)
    return X[:-1], t[:-1]


def lags_one_late(y, p):
    i = torch.arange(p + 1, len(y))
    return y[i[:, None] - torch.arange(1, p + 1)], y[i]


def lags_padded(y, p):
    return F.pad(y, (p, 0)).unfold(0, p, 1)[:-1].flip(1), y


def lags_rolled(y, p):
    return torch.stack([torch.roll(y, k) for k in range(1, p + 1)], 1), y


def lags_alone(y, p):
    return lags_by_index(y, p)[0]


def lags_flipped_rows(y, p):
    return y.flip(0).unfold(0, p, 1)[1:], y[p:]


def lags_all_flipped(y, p):
    z = y.flip(0)
    return z.unfold(0, p, 1)[1:], z[: len(y) - p]


def run_by_list(w, b, past, steps):
    values = past.tolist()
    for _ in range(steps):
        values.append(sum(a * v for a, v in zip(w.tolist(), values[::-1], strict=False)) + b)
    return torch.tensor(values[len(past) :])


def run_by_buffer(w, b, past, steps):
    line, out = past.flip(0)[: len(w)], torch.empty(steps)
    for i in range(steps):
        out[i] = torch.dot(w, line) + b
        line = torch.cat([out[i : i + 1], line[:-1]])
    return out


def run_oldest(w, b, past, steps):
    for _ in range(steps):
        past = torch.cat([past, (past[-len(w) :] @ w + b)[None]])
    return past[-steps:]


def run_not_fed(w, b, past, steps):
    return torch.stack([(past[-len(w) :].flip(0) * w).sum() + b for _ in range(steps)])


def run_no_bias(w, b, past, steps):
    return run_by_list(w, 0, past, steps)


def run_bias_last(w, b, past, steps):
    return run_by_list(w, 0, past, steps) + b


def run_from_start(w, b, past, steps):
    return run_by_list(w, b, past[: len(w)], steps)


def run_late(w, b, past, steps):
    return run_by_list(w, b, past, steps + 1)[1:]


def run_early(w, b, past, steps):
    return torch.cat([past[-1:], run_by_list(w, b, past, steps)[:-1]])


def run_with_past(w, b, past, steps):
    return torch.cat([past, run_by_list(w, b, past, steps)])


def run_last(w, b, past, steps):
    return run_by_list(w, b, past, steps)[-1]


def run_backwards(w, b, past, steps):
    return run_by_list(w, b, past, steps).flip(0)


def run_zeros(w, b, past, steps):
    line, out = past.flip(0)[: len(w)], []
    for _ in range(steps):
        out.append(line @ w + b)
        line = torch.cat([torch.zeros(1), line[:-1]])
    return torch.stack(out)


def run_overwrites(w, b, past, steps):
    line, out = past.flip(0)[: len(w)].clone(), []
    for _ in range(steps):
        line[0] = line @ w + b
        out.append(line[0].clone())
    return torch.stack(out)


def run_wrong_way(w, b, past, steps):
    line, out = past.flip(0)[: len(w)], []
    for _ in range(steps):
        out.append(w @ line + b)
        line = torch.cat([line[1:], out[-1].reshape(1)])
    return torch.stack(out)


def run_in_place(w, b, past, steps):
    for _ in range(steps):
        new = w @ past.flip(0)[: len(w)] + b
        past[:-1] = past[1:].clone()
        past[-1] = new
    return past[-steps:].clone()


def mase_by_loop(forecast, actual, past, m):
    naive = [abs(past[i].item() - past[i - m].item()) for i in range(m, len(past))]
    errors = [abs(f - a) for f, a in zip(forecast.tolist(), actual.tolist(), strict=True)]
    return torch.tensor((sum(errors) / len(errors)) / (sum(naive) / len(naive)))


def mase_by_l1(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / F.l1_loss(past[m:], past[: len(past) - m])


def mase_of_ratios(forecast, actual, past, m):
    scale = torch.mean(torch.abs(past[m:] - past[: len(past) - m]))
    return torch.mean(torch.abs((actual - forecast) / scale))


def mase_plain(forecast, actual, past, m):
    return F.l1_loss(forecast, actual)


def mase_persistence(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / past.diff().abs().mean()


def mase_squared(forecast, actual, past, m):
    return F.mse_loss(forecast, actual) / F.mse_loss(past[m:], past[:-m])


def mase_root(forecast, actual, past, m):
    return mase_squared(forecast, actual, past, m) ** 0.5


def mase_sums(forecast, actual, past, m):
    return sum(abs(forecast - actual)) / sum(abs(past[m:] - past[:-m]))


def mase_inverted(forecast, actual, past, m):
    return F.l1_loss(past[m:], past[:-m]) / F.l1_loss(forecast, actual)


def mase_signed(forecast, actual, past, m):
    return abs((forecast - actual).mean()) / F.l1_loss(past[m:], past[:-m])


def mase_no_abs(forecast, actual, past, m):
    return torch.mean(forecast - actual) / F.l1_loss(past[m:], past[:-m])


def mase_no_abs_turned(forecast, actual, past, m):
    return torch.mean(actual - forecast) / F.l1_loss(past[m:], past[:-m])


def mase_diff(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / torch.diff(past, m).abs().mean()


def mase_level(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / past.abs().mean()


def mase_std(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / past.std()


def mase_of_mean(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / (past - past.mean()).abs().mean()


def mase_future(forecast, actual, past, m):
    naive = past[-m:].repeat(len(actual))[: len(actual)]
    return F.l1_loss(forecast, actual) / F.l1_loss(naive, actual)


def mase_rolled(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / F.l1_loss(past, past.roll(m))


def mase_by_length(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / ((past[m:] - past[:-m]).abs().sum() / len(past))


def mase_relative(forecast, actual, past, m):
    return F.l1_loss(forecast, actual) / actual.abs().mean()


RIGHT = {
    "lag_matrix": [lags_by_unfold, lags_by_loop, lags_by_index],
    "free_run": [run_by_list, run_by_buffer],
    "scaled_error": [mase_by_loop, mase_by_l1, mase_of_ratios],
}
WRONG = {
    "lag_matrix": [
        (lags_in_time, "the oldest value first"),
        (lags_with_target, "contains its own target, so"),
        (lags_with_target_in_time, "and runs in the order of time"),
        (lags_as_rows, "You stack the lags as rows"),
        (lags_swapped, "You return the targets first"),
        (lags_column, "Your targets are a column"),
        (lags_one_short, "one too few"),
        (lags_last_cut, "The last target is missing"),
        (lags_one_late, "The first target is missing"),
        (lags_padded, "a row for every value"),
        (lags_rolled, "brings the end of the series"),
        (lags_alone, "the lags alone"),
        (lags_flipped_rows, "Your rows run backwards in time, and the targets"),
        (lags_all_flipped, "rows and targets run backwards"),
    ],
    "free_run": [
        (run_oldest, "meets your oldest value"),
        (run_not_fed, "the first one is not fed back"),
        (run_no_bias, "The bias, `b`, is missing"),
        (run_bias_last, "You add the bias at the end only"),
        (run_from_start, "You begin with the first `p` values"),
        (run_late, "Your first forecast is missing"),
        (run_early, "You begin with the last value of `past`"),
        (run_with_past, "You return the past as well"),
        (run_last, "the last forecast alone"),
        (run_backwards, "Your forecasts run backwards"),
        (run_zeros, "but zeros come in"),
        (run_overwrites, "Your forecast replaces the most recent value"),
        (run_wrong_way, "moves the wrong way"),
        (run_in_place, "Make a new one"),
    ],
    "scaled_error": [
        (mase_plain, "The scale is missing"),
        (mase_persistence, "the error of persistence"),
        (mase_squared, "You square the errors"),
        (mase_root, "You divide roots of mean squares"),
        (mase_sums, "You divide sums"),
        (mase_inverted, "Upside down"),
        (mase_signed, "Your errors keep their signs"),
        (mase_no_abs, "lack their absolute values"),
        (mase_no_abs_turned, "lack their absolute values"),
        (mase_diff, "takes differences of differences"),
        (mase_level, "You divide by the mean of the past itself"),
        (mase_std, "the standard deviation of the past"),
        (mase_of_mean, "how far the past lies from its mean"),
        (mase_future, "error in the future"),
        (mase_rolled, "compares the first values with the last"),
        (mase_by_length, "You divide by the length of the past"),
        (mase_relative, "You divide by the values that were forecast"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "free_run": {
        "past[-p:].flip(0) @ w → w @ past[-p:].flip(0)": "a dot product is symmetric",
    },
    "scaled_error": {
        "forecast - actual → actual - forecast": "the absolute value is taken",
        "past[m:] - past[:-m] → past[:-m] - past[m:]": "the absolute value is taken",
    },
}
