"""Right and wrong answers to the exercises of the chapter *Fine-tuning*."""

from __future__ import annotations

import copy

import numpy as np
import torch


def transfer_by_loop(source, target, head):
    new = dict(target)
    for name in source:
        if name in target and not name.startswith(f"{head}."):
            new[name] = source[name]
    return new


def transfer_by_deepcopy(source, target, head):
    new = copy.deepcopy(target)
    parts = head.split(".")
    for name in new:
        if name.split(".")[: len(parts)] == parts and name != head:
            continue
        if name in source:
            new[name] = source[name].clone()
    return new


def transfer_into_ordered(source, target, head):
    from collections import OrderedDict

    return OrderedDict(
        (n, target[n] if n[: len(head) + 1] == head + "." or n not in source else source[n])
        for n in target
    )


def transfer_longer_names(source, target, head):
    out = {}
    for name, tensor in target.items():
        out[name] = tensor if name.startswith(head) or name not in source else source[name]
    return out


def transfer_anywhere(source, target, head):
    out = {}
    for name, tensor in target.items():
        out[name] = tensor if head in name or name not in source else source[name]
    return out


def transfer_anywhere_with_dot(source, target, head):
    out = dict(target)
    for name, tensor in source.items():
        if name in out and f"{head}." not in name:
            out[name] = tensor
    return out


def transfer_any_part(source, target, head):
    out = dict(target)
    for name in out:
        if head not in name.split(".") and name in source:
            out[name] = source[name]
    return out


def transfer_first_part(source, target, head):
    out = dict(target)
    for name in out:
        if name.split(".", 1)[0] != head and name in source:
            out[name] = source[name]
    return out


def transfer_exchanged(source, target, head):
    out = dict(target)
    for name in out:
        if name.startswith(head + ".") and name in source:
            out[name] = source[name]
    return out


def transfer_head_too(source, target, head):
    return {name: source[name] if name in source else target[name] for name in target}


def transfer_nothing(source, target, head):
    return dict(target)


def transfer_without_statistics(source, target, head):
    out = transfer_by_loop(source, target, head)
    for name in out:
        if "running" in name or "num_batches" in name:
            out[name] = target[name]
    return out


def transfer_common(source, target, head):
    out = {}
    for name, tensor in target.items():
        if name.startswith(head + "."):
            out[name] = tensor
        elif name in source:
            out[name] = source[name]
    return out


def transfer_merged(source, target, head):
    out = dict(target)
    out.update(source)
    return out


def transfer_with_the_rest(source, target, head):
    out = transfer_by_loop(source, target, head)
    for name in source:
        if name not in out:
            out[name] = source[name]
    return out


def transfer_zipped(source, target, head):
    out = {}
    for name, old in zip(target, source, strict=False):
        out[name] = target[name] if name.startswith(head + ".") else source[old]
    return out


def rates_by_groups(names, lr, q):
    layers = {}
    for name in names:
        layers.setdefault(int(name.partition(".")[0]), []).append(name)
    rates = {}
    for layer in sorted(layers)[::-1]:
        for name in layers[layer]:
            rates[name] = lr
        lr = lr * q
    return rates


def rates_by_counting(names, lr, q):
    numbers = {int(name.split(".")[0]) for name in names}
    rates = {}
    for name in names:
        behind = sum(n > int(name.split(".")[0]) for n in numbers)
        rates[name] = float(np.float64(lr) * q**behind)
    return rates


def rates_by_cumprod(names, lr, q):
    numbers = np.unique([int(name.split(".")[0]) for name in names])[::-1]
    values = lr * np.cumprod([1.0] + [q] * (len(numbers) - 1))
    table = dict(zip(numbers.tolist(), values, strict=True))
    return {name: table[int(name.split(".")[0])] for name in names}


def rates_upside_down(names, lr, q):
    numbers = sorted({int(name.split(".")[0]) for name in names})
    return {name: lr * q ** numbers.index(int(name.split(".")[0])) for name in names}


def rates_of_the_number(names, lr, q):
    return {name: lr * q ** int(name.split(".")[0]) for name in names}


def rates_with_gaps(names, lr, q):
    head = max(int(name.split(".")[0]) for name in names)
    return {name: lr * q ** (head - int(name.split(".")[0])) for name in names}


def rates_head_too(names, lr, q):
    return {name: rate * q for name, rate in rates_by_groups(names, lr, q).items()}


def rates_two(names, lr, q):
    head = max(int(name.split(".")[0]) for name in names)
    return {n: lr if int(n.split(".")[0]) == head else lr * q for n in names}


def rates_one(names, lr, q):
    return dict.fromkeys(names, lr)


def rates_one_smaller(names, lr, q):
    return dict.fromkeys(names, lr * q)


def rates_divided(names, lr, q):
    return rates_by_groups(names, lr, 1 / q)


def rates_of_strings(names, lr, q):
    layers = sorted({name.split(".")[0] for name in names})[::-1]
    return {name: lr * q ** layers.index(name.split(".")[0]) for name in names}


def rates_first_character(names, lr, q):
    layers = sorted({int(name[0]) for name in names})[::-1]
    return {name: lr * q ** layers.index(int(name[0])) for name in names}


def rates_each_name(names, lr, q):
    rates = {}
    for name in reversed(names):
        rates[name] = lr
        lr *= q
    return rates


def rates_as_listed(names, lr, q):
    layers = []
    for name in names:
        if name.split(".")[0] not in layers:
            layers.append(name.split(".")[0])
    layers.reverse()
    return {name: lr * q ** layers.index(name.split(".")[0]) for name in names}


def forgetting_by_loop(A):
    T = len(A)
    total = 0.0
    for j in range(T - 1):
        total += max(A[i, j].item() for i in range(T - 1)) - A[T - 1, j].item()
    return total / (T - 1)


def forgetting_by_numpy(A):
    a = A.numpy()
    return np.mean(a[:-1, :-1].max(axis=0) - a[-1, :-1])


def forgetting_by_differences(A):
    before, after = A[:-1], A[-1]
    lost = (before - after).max(dim=0).values
    return lost[:-1].mean()


def forgetting_last_task(A):
    return (A[:-1].max(dim=0).values - A[-1]).mean()


def forgetting_all_rows(A):
    return (A[:, :-1].max(dim=0).values - A[-1, :-1]).mean()


def forgetting_everything(A):
    return (A.max(dim=0).values - A[-1]).mean()


def forgetting_diagonal(A):
    return torch.stack([A[j, j] - A[-1, j] for j in range(len(A) - 1)]).mean()


def forgetting_negative(A):
    return -forgetting_by_differences(A)


def forgetting_sum(A):
    return (A[:-1] - A[-1]).max(dim=0).values[:-1].sum()


def forgetting_over_all(A):
    return forgetting_by_loop(A) * (len(A) - 1) / len(A)


def forgetting_clipped(A):
    return torch.relu((A[:-1] - A[-1]).max(dim=0).values[:-1]).mean()


def forgetting_transposed(A):
    return forgetting_by_differences(A.T)


def forgetting_one_step(A):
    return (A[-2] - A[-1])[:-1].mean()


def forgetting_since_the_first(A):
    return (A[0] - A[-1])[:-1].mean()


def forgetting_worst(A):
    return (A[:-1] - A[-1]).max(dim=0).values[:-1].max()


def forgetting_one_best(A):
    return (A[:-1, :-1].max() - A[-1, :-1]).mean()


def forgetting_mean_of_rows(A):
    return (A[:-1].mean(dim=0) - A[-1])[:-1].mean()


def state_with_old_statistics(source, target, head):
    state = dict(target)
    for name in target:
        if name in source and not name.startswith(head + ".") and "running_" not in name:
            state[name] = source[name]
    return state


RIGHT = {
    "transfer_state": [transfer_by_loop, transfer_by_deepcopy, transfer_into_ordered],
    "rates_by_layer": [rates_by_groups, rates_by_counting, rates_by_cumprod],
    "average_forgetting": [forgetting_by_loop, forgetting_by_numpy, forgetting_by_differences],
}
WRONG = {
    "transfer_state": [
        (state_with_old_statistics, "running statistics of `target`"),
        (transfer_longer_names, "only begin like the head"),
        (transfer_anywhere, "anywhere in a name. It counts at the beginning, up to a dot"),
        (transfer_anywhere_with_dot, "the head and its dot anywhere"),
        (transfer_any_part, "one of the parts"),
        (transfer_first_part, "has two parts"),
        (transfer_exchanged, "exchanged the two"),
        (transfer_head_too, "copy the head from `source`"),
        (transfer_nothing, "Nothing has been transferred"),
        (transfer_without_statistics, "statistics that do not fit"),
        (transfer_common, "Some names of `target` are missing"),
        (transfer_merged, "merge the two"),
        (transfer_with_the_rest, "has no place for them"),
        (transfer_zipped, "by their position"),
    ],
    "rates_by_layer": [
        (rates_upside_down, "smallest rate is that of the head"),
        (rates_of_the_number, "number of the layer as the exponent"),
        (rates_with_gaps, "layers that have no parameters"),
        (rates_head_too, "Your head has the rate `q * lr`"),
        (rates_two, "You have two rates"),
        (rates_one, "All your rates are the same"),
        (rates_one_smaller, "All your rates are `q * lr`"),
        (rates_divided, "You divide by `q`"),
        (rates_of_strings, "as strings"),
        (rates_first_character, "the first character"),
        (rates_each_name, "each name a rate of its own"),
        (rates_as_listed, "in the order of the list"),
    ],
    "average_forgetting": [
        (forgetting_last_task, "You include the last task"),
        (forgetting_all_rows, "A task that got better counts as 0"),
        (forgetting_everything, "and include the last task"),
        (forgetting_diagonal, "right after a task was learned"),
        (forgetting_negative, "the other way round"),
        (forgetting_sum, "You add up the tasks"),
        (forgetting_over_all, "the number of all tasks"),
        (forgetting_clipped, "A task that got better counts as 0"),
        (forgetting_transposed, "exchanged rows and columns"),
        (forgetting_one_step, "the one before it"),
        (forgetting_since_the_first, "with the first one"),
        (forgetting_worst, "forgotten most"),
        (forgetting_one_best, "one best accuracy for all tasks"),
        (forgetting_mean_of_rows, "the mean of the rows"),
    ],
}
