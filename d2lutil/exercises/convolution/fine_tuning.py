"""Exercises of the chapter *Fine-tuning*."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import then

State = dict[str, Tensor]


def _transfer(source: State, target: State, head: str) -> State:
    """The target's names: its head, and what the source has of the rest."""
    return {
        name: tensor if name.startswith(head + ".") else source.get(name, tensor)
        for name, tensor in target.items()
    }


def _state(first: int, *names: str) -> State:
    """Different numbers for each name, of shapes (2,), (3,), and so on."""
    return {name: torch.arange(i + 2.0) + first + 10 * i for i, name in enumerate(names)}


def _transfer_cases(_: torch.Generator) -> Iterator[tuple[State, State, str]]:
    small = ["0.weight", "0.bias", "1.weight", "1.bias"]
    yield _state(100, *small), _state(500, *small), "1"
    batch_norm = ["0.0.weight", "0.1.running_mean", "0.1.running_var", "0.1.num_batches_tracked"]
    yield _state(100, *batch_norm, "4.1.bias"), _state(500, *batch_norm, "4.1.bias"), "4"
    long = ["4.weight", "40.weight", "1.4.weight", "0.bias"]
    yield _state(100, *long), _state(500, *long), "4"
    yield _state(100, *small[:3]), _state(500, *small), "0"
    yield _state(100, "0.weight", "old.weight", "head.bias"), _state(500, "0.weight"), "head"
    yield _state(100, "0.weight"), _state(500, "0.weight", "new.scale", "head.bias"), "head"
    nested = [
        "classifier.0.weight",
        "classifier.1.weight",
        "classifier.1.bias",
        "classifier.10.bias",
    ]
    yield _state(100, *nested), _state(500, *nested), "classifier.1"
    yield _state(100, "b.weight", "a.weight"), _state(500, "a.weight", "b.weight", "c.weight"), "c"
    yield _state(100, "4xweight", "0.weight"), _state(500, "0.weight", "4xweight", "4.weight"), "4"


def _chosen(own: Callable[[str, str], bool]) -> Callable[[State, State, str], State]:
    """An answer that keeps what is own(name, head) of the target."""
    return lambda source, target, head: {
        name: tensor if own(name, head) else source.get(name, tensor)
        for name, tensor in target.items()
    }


def _parameters_only(source: State, target: State, head: str) -> State:
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return {
        name: tensor if name.endswith(statistics) else _transfer(source, target, head)[name]
        for name, tensor in target.items()
    }


def _only_common(source: State, target: State, head: str) -> State:
    return {
        name: tensor
        for name, tensor in _transfer(source, target, head).items()
        if name in source or name.startswith(head + ".")
    }


def _by_position(source: State, target: State, head: str) -> State:
    pairs = zip(target.items(), source.values(), strict=False)
    return {n: t if n.startswith(head + ".") else s for (n, t), s in pairs}


transfer_state = Exercise(
    reference=_transfer,
    cases=_transfer_cases,
    mistakes=[
        (
            _chosen(lambda name, head: name.startswith(head)),
            "You also keep names that only begin like the head, such as `40.weight` for `4`. Where "
            "does the name of the head end?",
        ),
        (
            _chosen(lambda name, head: head in name),
            "You look for the head anywhere in a name. It counts at the beginning, up to a dot.",
        ),
        (
            _chosen(lambda name, head: head + "." in name),
            "You look for the head and its dot anywhere in a name. It counts at the start only.",
        ),
        (
            _chosen(lambda name, head: head in name.split(".")),
            "You keep every name in which the head is one of the parts. It counts at the start.",
        ),
        (
            _chosen(lambda name, head: name.split(".")[0] == head),
            "You compare the first part of a name with the head. A head such as `classifier.1` has "
            "two parts.",
        ),
        (
            _chosen(lambda name, head: not name.startswith(head + ".")),
            "You have exchanged the two: the head comes from `target`, the rest from `source`.",
        ),
        (
            _chosen(lambda name, head: False),
            "You copy the head from `source` as well. The new head is that of `target`.",
        ),
        (
            _chosen(lambda name, head: True),
            "All your tensors are those of `target`. Nothing has been transferred.",
        ),
        (
            _chosen(lambda name, head: "running" in name or name.startswith(head + ".")),
            "You keep the running statistics of `target`. They belong to the body, and come from "
            "`source` with it.",
        ),
        (
            _parameters_only,
            "You transfer weights and biases, and leave batch normalisation with statistics that "
            "do not fit them.",
        ),
        (
            _only_common,
            "Some names of `target` are missing: what `source` does not have stays as `target` has "
            "it.",
        ),
        (
            lambda source, target, head: {**target, **source},
            "You merge the two dictionaries. So the head comes from `source`, and names that only "
            "`source` has are there, too.",
        ),
        (
            lambda source, target, head: {**source, **_transfer(source, target, head)},
            "Names that only `source` has are there, too. The new network has no place for them.",
        ),
        (
            _by_position,
            "You match the tensors by their position. The two dictionaries need not be in the same "
            "order, nor have equally many names.",
        ),
    ],
)


def _rates(names: list[str], lr: float, q: float) -> dict[str, float]:
    """The rate of each parameter: that of the head is lr, and q times as much a layer below."""
    numbers = sorted({int(name.split(".")[0]) for name in names}, reverse=True)
    return {name: lr * q ** numbers.index(int(name.split(".")[0])) for name in names}


def _rates_cases(generator: torch.Generator) -> Iterator[tuple[list[str], float, float]]:
    yield ["0.weight", "0.bias", "1.weight", "1.bias"], 0.3, 0.5
    yield ["0.weight", "1.weight", "2.weight", "3.weight"], 0.2, 0.1
    yield ["0.weight", "2.weight", "4.weight", "7.bias"], 0.2, 0.5
    yield [f"{i}.weight" for i in range(12)], 0.5, 0.7
    yield ["1.bias", "3.0.1.weight", "0.weight", "3.0.bias"], 0.1, 0.4
    yield ["5.weight"], 0.01, 0.3
    yield ["2.weight", "11.weight", "9.conv.bias"], 0.7, 0.25
    yield ["0.weight", "1.weight", "2.weight"], 0.3, 1.0
    for _ in range(2):
        count = int(torch.randint(3, 7, (), generator=generator))
        layers = torch.randperm(30, generator=generator)[:count].tolist()
        lr, q = (0.1 + 0.8 * torch.rand(2, generator=generator)).tolist()
        yield [f"{i}.{kind}" for i in layers for kind in ("weight", "bias")], lr, q


def _with_powers(
    power: Callable[[list[int], int], float],
) -> Callable[[list[str], float, float], dict[str, float]]:
    """An answer with lr * q ** power(layers in order, layer)."""

    def answer(names: list[str], lr: float, q: float) -> dict[str, float]:
        numbers = sorted({int(name.split(".")[0]) for name in names})
        return {name: lr * q ** power(numbers, int(name.split(".")[0])) for name in names}

    return answer


def _as_strings(names: list[str], lr: float, q: float) -> dict[str, float]:
    numbers = sorted({name.split(".")[0] for name in names}, reverse=True)
    return {name: lr * q ** numbers.index(name.split(".")[0]) for name in names}


def _first_character(names: list[str], lr: float, q: float) -> dict[str, float]:
    numbers = sorted({int(name[0]) for name in names}, reverse=True)
    return {name: lr * q ** numbers.index(int(name[0])) for name in names}


def _each_name(names: list[str], lr: float, q: float) -> dict[str, float]:
    return {name: lr * q ** (len(names) - 1 - i) for i, name in enumerate(names)}


def _as_listed(names: list[str], lr: float, q: float) -> dict[str, float]:
    layers = list(dict.fromkeys(name.split(".")[0] for name in names))[::-1]
    return {name: lr * q ** layers.index(name.split(".")[0]) for name in names}


rates_by_layer = Exercise(
    reference=_rates,
    cases=_rates_cases,
    mistakes=[
        (
            _with_powers(lambda numbers, n: numbers.index(n)),
            "Your smallest rate is that of the head. The layer next to the input gets it.",
        ),
        (
            _with_powers(lambda numbers, n: n),
            "You use the number of the layer as the exponent. Then layer 0 has the rate `lr`, and "
            "it should be the head.",
        ),
        (
            _with_powers(lambda numbers, n: numbers[-1] - n),
            "You count layers that have no parameters. After `7.bias` may come `4.weight`, "
            "which is one layer further, not three.",
        ),
        (
            _with_powers(lambda numbers, n: len(numbers) - numbers.index(n)),
            "Your head has the rate `q * lr`. Its rate is `lr`, and the layer before it is the "
            "first that is multiplied.",
        ),
        (
            _with_powers(lambda numbers, n: 0 if n == numbers[-1] else 1),
            "You have two rates, one for the head and one for all layers before it. Each layer has "
            "`q` times the rate of the one behind it.",
        ),
        (
            _with_powers(lambda numbers, n: 0),
            "All your rates are the same.",
        ),
        (
            _with_powers(lambda numbers, n: -(len(numbers) - 1 - numbers.index(n))),
            "You divide by `q`. Each layer has `q` times the rate of the one behind it.",
        ),
        (
            _with_powers(lambda numbers, n: 1),
            "All your rates are `q * lr`. The power of `q` depends on the layer.",
        ),
        (
            _as_strings,
            "You compare the numbers of layers as strings, and there `10` comes before `9`.",
        ),
        (
            _first_character,
            "You read the first character as the layer. A number may have two digits.",
        ),
        (
            _each_name,
            "You give each name a rate of its own. Weight and bias of a layer have the same rate.",
        ),
        (
            _as_listed,
            "You take the layers in the order of the list. Their numbers say which comes first.",
        ),
    ],
)


def _forgetting(A: Tensor) -> float:
    """Mean over all tasks but the last: best accuracy before minus accuracy at the end."""
    return (A[:-1, :-1].amax(dim=0) - A[-1, :-1]).mean().item()


def _forgetting_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    yield (torch.tensor([[0.9, 0.2], [0.6, 0.8]]),)
    yield (torch.tensor([[0.9, 0.1, 0.3], [0.95, 0.8, 0.2], [0.5, 0.7, 0.97]]),)
    yield (torch.tensor([[0.6, 0.2, 0.1], [0.5, 0.7, 0.2], [0.8, 0.9, 0.4]]),)
    yield (torch.tensor([[0.2, 0.9, 0.3], [0.1, 0.4, 0.6], [0.15, 0.5, 0.8]]),)
    for tasks in (2, 4, 7):
        yield (torch.rand(tasks, tasks, generator=generator),)
    yield (torch.rand(5, 5, generator=generator, dtype=torch.double),)


average_forgetting = Exercise(
    reference=_forgetting,
    cases=_forgetting_cases,
    mistakes=[
        (
            then(lambda A: (A[:-1].amax(dim=0) - A[-1]).mean(), float),
            "You include the last task. It has just been learned, and there was no time to forget "
            "it.",
        ),
        (
            then(lambda A: (A[:, :-1].amax(dim=0) - A[-1, :-1]).mean(), float),
            "A task that got better counts as 0 in your answer. Its best accuracy before the last "
            "row, minus that in the last row, is negative.",
        ),
        (
            then(lambda A: (A.amax(dim=0) - A[-1]).mean(), float),
            "You look for the best accuracy in all rows, and include the last task. Both the last "
            "row and the last column are left out there.",
        ),
        (
            then(lambda A: (A.diagonal()[:-1] - A[-1, :-1]).mean(), float),
            "You take the accuracy right after a task was learned. Its best may be in another row.",
        ),
        (
            then(lambda A: (A[-1, :-1] - A[:-1, :-1].amax(dim=0)).mean(), float),
            "Your sign is the other way round: what is lost counts as positive.",
        ),
        (
            then(lambda A: (A[:-1, :-1].amax(dim=0) - A[-1, :-1]).sum(), float),
            "You add up the tasks. It is their mean that is asked for.",
        ),
        (
            then(lambda A: (A[:-1, :-1].amax(dim=0) - A[-1, :-1]).sum() / len(A), float),
            "You divide by the number of all tasks. One fewer can be forgotten.",
        ),
        (
            then(lambda A: (A[:-1, :-1].amax(dim=1) - A[:-1, -1]).mean(), float),
            "You have exchanged rows and columns: a row is a point in time, a column a task.",
        ),
        (
            then(lambda A: (A[-2, :-1] - A[-1, :-1]).mean(), float),
            "You compare the last row with the one before it. What was forgotten earlier is not in "
            "it.",
        ),
        (
            then(lambda A: (A[0, :-1] - A[-1, :-1]).mean(), float),
            "You compare the last row with the first one. Most tasks had not been learned then.",
        ),
        (
            then(lambda A: (A[:-1, :-1].amax(dim=0) - A[-1, :-1]).amax(), float),
            "You return the task that was forgotten most. It is the mean over them that is asked "
            "for.",
        ),
        (
            then(lambda A: A[:-1, :-1].amax() - A[-1, :-1].mean(), float),
            "You take one best accuracy for all tasks. Each task has a best of its own.",
        ),
        (
            then(lambda A: (A[:-1, :-1].mean(dim=0) - A[-1, :-1]).mean(), float),
            "You take the mean of the rows before the last one. The best of them counts.",
        ),
    ],
)
