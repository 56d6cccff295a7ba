"""Exercises of the chapter *Backpropagation*."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then

Parents = dict[str, list[str]]
Gradients = tuple[Tensor, Tensor, Tensor]


def _values(w: Tensor, x: Tensor, n: int) -> list[Tensor]:
    """h_0 to h_n of h_k = tanh(w h_{k-1})."""
    h = [x]
    for _ in range(n):
        h.append(torch.tanh(w * h[-1]))
    return h


def _repeated(w: Tensor, x: Tensor, n: int) -> Tensor:
    """The derivative of h_n with respect to w: every use of w contributes a term."""
    h, slope = x, tensor(0.0)
    for _ in range(n):
        before, h = h, torch.tanh(w * h)
        slope = (1 - h**2) * (before + w * slope)
    return slope


def _repeated_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, int]]:
    yield tensor(0.5), tensor(2.0), 1
    yield tensor(0.5), tensor(2.0), 2
    yield tensor(-1.5), tensor(0.4), 3
    yield tensor(-0.7), tensor(1.2), 2  # negative, and an even number of steps
    yield tensor(1.6), tensor(0.8), 2
    for n in (2, 4, 7):
        w, x = 0.5 + torch.rand(2, generator=generator)
        yield w, -x, n


def _recursion(step: Callable[..., Tensor]) -> Callable[[Tensor, Tensor, int], Tensor]:
    """An answer whose slope goes from one step to the next by step(w, before, after, slope)."""

    def answer(w: Tensor, x: Tensor, n: int) -> Tensor:
        h, slope = _values(w, x, n), torch.zeros_like(w)
        for k in range(1, n + 1):
            slope = step(w, h[k - 1], h[k], slope)
        return slope

    return answer


def _last_use(w: Tensor, x: Tensor, n: int) -> Tensor:
    h = _values(w, x, n)
    return (1 - h[n] ** 2) * h[n - 1]


def _first_use(w: Tensor, x: Tensor, n: int) -> Tensor:
    h, slope = _values(w, x, n), x / w
    for k in range(1, n + 1):
        slope = slope * w * (1 - h[k] ** 2)
    return slope


def _of_input(w: Tensor, x: Tensor, n: int) -> Tensor:
    h, slope = _values(w, x, n), torch.ones_like(w)
    for k in range(1, n + 1):
        slope = slope * w * (1 - h[k] ** 2)
    return slope


def _of_start(w: Tensor, x: Tensor, n: int) -> Tensor:
    h, slope = _values(w, x, n), torch.zeros_like(w)
    for k in range(1, n + 1):
        slope = (1 - h[k] ** 2) * (x + w * slope)
    return slope


def _finite_difference(step: float, sides: int) -> Callable[[Tensor, Tensor, int], Tensor]:
    """An answer by a finite difference, to one side or to both."""

    def answer(w: Tensor, x: Tensor, n: int) -> Tensor:
        below = w - step if sides == 2 else w
        change = _values(w + step, x, n)[-1] - _values(below, x, n)[-1]
        return change / (sides * step)

    return answer


_FINITE = (
    "This is nearly right: a finite difference, of which only some digits are right. Use the chain "
    "rule."
)


class _EngineValue(ABC):  # noqa: B024
    """Equal to any `Value` of the chapter's engine, which is defined only in the notebook."""

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        return other.__name__ == "Value"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _EngineValue)


def _collected(early: bool) -> Callable[[Tensor, Tensor, int], Tensor]:
    """A backward loop that adds a contribution too early, or only after the factor w."""

    def answer(w: Tensor, x: Tensor, n: int) -> Tensor:
        h, slope, delta = _values(w, x, n), torch.zeros_like(w), torch.ones_like(w)
        for k in reversed(range(n)):
            before, delta = delta, delta * (1 - h[k + 1] ** 2) * w
            slope = slope + (before if early else delta) * h[k]
        return slope

    return answer


repeated_derivative = Exercise(
    reference=_repeated,
    cases=_repeated_cases,
    mistakes=[
        (
            _collected(early=True),
            "You add a step's contribution before its tanh has been passed. First multiply by the "
            "derivative of tanh, then add.",
        ),
        (
            _collected(early=False),
            "You add a step's contribution after the factor `w`, which leads to the step before. "
            "Add first, then multiply by `w`.",
        ),
        (
            lambda w, x, n: sum((1 - b**2) * a for a, b in pairwise(_values(w, x, n))),
            "You add what each use does to its own step. It must also be carried to the end, "
            "through all the later steps.",
        ),
        (
            _recursion(lambda w, before, after, slope: (1 + after**2) * (before + w * slope)),
            "The derivative of tanh is 1 − t², with a minus.",
        ),
        (
            _last_use,
            "This is the contribution of the last use of `w` alone. But the input of the last "
            "step depends on `w`, too.",
        ),
        (
            _first_use,
            "This is the contribution of the first use of `w`, carried to the end. There are `n` "
            "uses, and their contributions add.",
        ),
        (
            lambda w, x, n: n * _last_use(w, x, n),
            "You count the last use `n` times. Each use has its own contribution: other inputs, "
            "and other local derivatives on the way to the end.",
        ),
        (
            lambda w, x, n: n * _first_use(w, x, n),
            "You count the first use `n` times. Each use has its own contribution: other inputs, "
            "and fewer local derivatives on the way to the end.",
        ),
        (
            _recursion(lambda w, before, after, slope: before + w * slope),
            "The derivative of tanh is missing. Each step has a tanh in it.",
        ),
        (
            _recursion(lambda w, before, after, slope: (1 - after**2) * (before + slope)),
            "Between one step and the next stands a factor `w`, which what comes from earlier has "
            "to go through.",
        ),
        (
            _recursion(lambda w, before, after, slope: (1 - after**2) * before + w * slope),
            "What comes from earlier steps passes through this step's tanh as well. Is a bracket "
            "in the wrong place?",
        ),
        (
            _recursion(lambda w, before, after, slope: (1 - before**2) * (before + w * slope)),
            "The derivative of tanh is 1 − t², where t is what tanh puts out. You have used what "
            "goes into the step.",
        ),
        (
            _recursion(
                lambda w, before, after, slope: (1 - torch.tanh(after) ** 2) * (before + w * slope)
            ),
            "You take the tanh of a value that has been through it already. In 1 − t², t is that "
            "value itself.",
        ),
        (
            _recursion(lambda w, before, after, slope: (1 - after**2) * (after + w * slope)),
            "In each step, `w` is multiplied by what goes into the step. You have taken what comes "
            "out of it.",
        ),
        (
            _of_start,
            "Each use of `w` multiplies the value of its own step, `h[k]`, and not `x`.",
        ),
        (
            lambda w, x, n: _repeated(w, x, n) / n,
            "You divide by `n`. Contributions add.",
        ),
        *(
            (_finite_difference(step, sides), _FINITE)
            for step in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
            for sides in (1, 2)
            if (step, sides) != (1e-3, 2)  # which is right to as many digits as the check asks for
        ),
        (
            lambda w, x, n: _EngineValue(),
            "`tanh` in this notebook is that of our engine, and makes a `Value`. Write "
            "`torch.tanh`.",
        ),
        (
            _recursion(lambda w, before, after, slope: (1 - after) * (before + w * slope)),
            "The derivative of tanh is 1 − t². The square is missing.",
        ),
        (
            _recursion(lambda w, before, after, slope: after * (1 - after) * (before + w * slope)),
            "s (1 − s) is the derivative of the sigmoid. Tanh has another one.",
        ),
        (
            _of_input,
            "This is the derivative of the end with respect to `x`. The one with respect to `w` is "
            "asked for.",
        ),
        (
            then(_values, lambda h: h[-1]),
            "This is the value at the end. Its derivative with respect to `w` is asked for.",
        ),
        (
            given(_repeated, n=lambda n: n - 1),
            "One step too few. The first value after `x` is h₁, and there are `n` of them.",
        ),
        (
            given(_repeated, n=lambda n: n + 1),
            "One step too many. The last value is hₙ, after `n` times tanh.",
        ),
    ],
)


def _back(X: Tensor, W: Tensor, b: Tensor, dH: Tensor) -> Gradients:
    """Back through H = tanh(XW + b): X (n, d), W (d, h), b (h,), dH (n, h)."""
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)  # (n, h)
    return delta @ W.T, X.T @ delta, delta.sum(dim=0)


def _error(X: Tensor, W: Tensor, b: Tensor, dH: Tensor) -> Tensor:
    return dH * (1 - torch.tanh(X @ W + b) ** 2)  # (n, h)


def _back_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    yield tensor([[2.0]]), tensor([[0.5]]), tensor([-0.5]), tensor([[3.0]])
    for n, d, h in ((2, 2, 2), (4, 3, 2), (2, 5, 3), (1, 3, 4), (5, 2, 6)):
        shapes = ((n, d), (d, h), (h,), (n, h))
        yield tuple(torch.randn(shape, generator=generator) for shape in shapes)


def _with_derivative(
    slope: Callable[[Tensor, Tensor], Tensor | float],
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Gradients]:
    """An answer with slope(scores, values) as the derivative of the activation function."""

    def answer(X: Tensor, W: Tensor, b: Tensor, dH: Tensor) -> Gradients:
        Z = X @ W + b  # (n, h)
        delta = dH * slope(Z, torch.tanh(Z))  # (n, h)
        return delta @ W.T, X.T @ delta, delta.sum(0)

    return answer


def _dh_for_h(X: Tensor, W: Tensor, b: Tensor, dH: Tensor) -> Gradients:
    delta = dH * (1 - dH**2)  # (n, h)
    return delta @ W.T, X.T @ delta, delta.sum(0)


def _instead(**others: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """The right answer but for some gradients: others[name](X, W, dH, delta)."""

    def answer(X: Tensor, W: Tensor, b: Tensor, dH: Tensor) -> Gradients:
        found = dict(zip(("dX", "dW", "db"), _back(X, W, b, dH), strict=True))
        for name, other in others.items():
            found[name] = other(X, W, dH, _error(X, W, b, dH))
        return tuple(found.values())

    return answer


layer_backward = Exercise(
    reference=_back,
    cases=_back_cases,
    returns=("dX", "dW", "db"),
    mistakes=[
        (
            _with_derivative(lambda Z, H: 1.0),
            "`dH` is the gradient behind the tanh. Before you come to the scores, it has to go "
            "back through the tanh, by its derivative.",
        ),
        (
            given(_back, dH=torch.ones_like),
            "`dH` is missing. It says how fast the loss grows with each value of `H`, so every "
            "gradient begins with it.",
        ),
        (
            _with_derivative(lambda Z, H: 1 - torch.tanh(H) ** 2),
            "You take the tanh twice. In the derivative, 1 − t², the t is `H` itself.",
        ),
        (
            _with_derivative(lambda Z, H: H),
            "You multiply by tanh where its derivative belongs.",
        ),
        (
            _with_derivative(lambda Z, H: 1 - H),
            "The derivative of tanh is 1 − t². The square is missing.",
        ),
        (
            _dh_for_h,
            "In 1 − t², t is the output of tanh, `H`. You have its gradient, `dH`.",
        ),
        (
            _with_derivative(lambda Z, H: 1 - Z**2),
            "In the derivative of tanh, 1 − t², the t is the output of tanh; you have the scores.",
        ),
        (
            _with_derivative(lambda Z, H: H * (1 - H)),
            "H (1 − H) would be the derivative of a sigmoid. Tanh has another one.",
        ),
        (
            _with_derivative(lambda Z, H: (Z > 0).float()),
            "This is the derivative of ReLU. The layer in this exercise has tanh.",
        ),
        (
            given(_back, b=torch.zeros_like),
            "The bias is missing in your scores, at which the derivative is taken.",
        ),
        (
            _instead(dX=lambda X, W, dH, delta: dH @ W.T),
            "`dW` and `db` are right, but `dX` comes from `dH` itself. It goes back through the "
            "tanh, too.",
        ),
        (
            _instead(dW=lambda X, W, dH, delta: X.T @ dH),
            "`dX` and `db` are right, but `dW` comes from `dH` itself. It goes back through the "
            "tanh, too.",
        ),
        (
            _instead(db=lambda X, W, dH, delta: dH.sum(0)),
            "`dX` and `dW` are right, but `db` comes from `dH` itself. The bias stands in front of "
            "the tanh.",
        ),
        (
            _instead(
                dW=lambda X, W, dH, delta: X.T @ dH,
                db=lambda X, W, dH, delta: dH.sum(0),
            ),
            "`dX` is right, but `dW` and `db` come from `dH` itself. They go back through the "
            "tanh, too.",
        ),
        (
            _with_derivative(lambda Z, H: (1 - H**2) / len(H)),
            "You divide by the number of examples. If the loss is a mean, that is in `dH` already; "
            "from here on, it is a sum.",
        ),
        (
            _instead(
                dW=lambda X, W, dH, delta: X.T @ delta / len(X),
                db=lambda X, W, dH, delta: delta.mean(0),
            ),
            "You divide by the number of examples. If the loss is a mean, that is in `dH` already; "
            "from here on, it is a sum.",
        ),
        (
            _instead(db=lambda X, W, dH, delta: delta.mean(0)),
            "You take the mean for `db`. The bias goes into every row, and what the rows send back "
            "adds up.",
        ),
        (
            _instead(dW=lambda X, W, dH, delta: X.T @ delta / len(X)),
            "You divide `dW` by the number of examples. If the loss is a mean, that is in `dH` "
            "already; from here on, it is a sum.",
        ),
        (
            _instead(db=lambda X, W, dH, delta: delta.sum(0, keepdim=True)),
            "`db` must have the shape of `b`, `(h,)`. `keepdim=True` leaves a dimension too many.",
        ),
        (
            _instead(db=lambda X, W, dH, delta: delta.sum(1)),
            "For `db` you sum over the neurons. Each neuron has a bias of its own; what it sums "
            "over are the examples.",
        ),
        (
            _instead(db=lambda X, W, dH, delta: delta),
            "`b` goes into every row of the scores, but you return a gradient for each row. What "
            "happens to contributions that reach the same value?",
        ),
        (
            _instead(db=lambda X, W, dH, delta: delta.sum()),
            "You have summed over everything for `db`. It has as many entries as the layer has "
            "neurons.",
        ),
        (
            _instead(dW=lambda X, W, dH, delta: delta.T @ X),
            "Your `dW` is transposed. It must have the shape of `W`, (inputs, outputs).",
        ),
        (
            _instead(dX=lambda X, W, dH, delta: delta @ W),
            "`delta @ W` fits only if the layer has as many outputs as inputs. Going back, a "
            "neuron gathers from those that it feeds: which way round must `W` stand?",
        ),
        (
            _instead(dW=lambda X, W, dH, delta: X @ delta),
            "`X @ delta` would sum over the neurons. For `dW` the sum runs over the examples, the "
            "rows of both.",
        ),
        (
            then(_back, lambda dX, dW, db: (dW, db, dX)),
            "The gradients are right, their order is not: first that of `X`, then `W`, then `b`.",
        ),
        (
            then(_back, lambda dX, dW, db: (dW, dX, db)),
            "The gradients are right, their order is not: first that of `X`, then `W`, then `b`.",
        ),
        (
            then(_back, lambda dX, dW, db: (dW, db)),
            "The gradient with respect to `X` is missing. The layer before this one needs it.",
        ),
    ],
)


def _depth_first(parents: Parents, starts: Iterable[str] = ("L",)) -> list[str]:
    """All that the values in starts depend on, each after its parents."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for parent in parents[name]:
                visit(parent)
            order.append(name)

    for name in starts:
        visit(name)
    return order


def _order(parents: Parents) -> list[str]:
    return _depth_first(parents)[::-1]


def _order_cases(generator: torch.Generator) -> Iterator[tuple[Parents]]:
    yield ({"L": ["c"], "c": ["b"], "b": ["a"], "a": []},)
    yield ({"w": [], "p": ["w", "w"], "k": ["w"], "L": ["p", "w"]},)
    yield ({"o": ["q", "h"], "w": [], "h": ["w"], "q": ["h", "v"], "v": [], "L": ["o"]},)
    yield ({"L": ["h", "o"], "o": ["q"], "q": ["h"], "h": ["w"], "w": [], "m": ["L"]},)
    yield ({"a": [], "b": ["a"], "c": ["a", "b"], "d": ["c", "a"], "L": ["a", "d", "b"]},)
    yield ({"L": [], "w": []},)
    names = [f"v{i}" for i in range(9)]
    found: Parents = {}
    for i, name in enumerate(names):
        picks = torch.randint(max(i, 1), (2,), generator=generator).tolist()
        found[name] = [names[k] for k in picks] if i > 1 else []
    found["L"] = ["v8", "v5", "v7"]
    shuffled = torch.randperm(len(found), generator=generator).tolist()
    yield ({list(found)[i]: found[list(found)[i]] for i in shuffled},)


@dataclass(frozen=True)
class _Order:
    """An order as it was returned; equal to any other with the same values and the same flaws."""

    order: list[str] = field(compare=False)
    values: list[str]
    early: list[str]
    needless: list[str]

    def __repr__(self) -> str:
        flaws = {"before a child": self.early, "L does not depend on": self.needless}
        lines = [f"{flaw}: {', '.join(names)}" for flaw, names in flaws.items() if names]
        return "\n".join([str(self.order), *lines])


_Order.__name__ = "list"  # which is what the task tells to return


def _judged(reader: Callable[[Parents], Any], parents: Parents) -> Any:
    """An order, with those of its values that come before one of their children.

    Only children that the loss depends on count: the others have no place in the order.
    """
    needed = _order(parents)
    parents_of = {name: list(parents[name]) for name in needed}  # as they are beforehand
    order = reader(parents)
    if not isinstance(order, list | tuple):
        return order
    order = [str(name) for name in order]
    place = {name: i for i, name in reversed([*enumerate(order)])}
    early = {
        parent
        for child in needed
        for parent in parents_of[child]
        if child in place and place.get(parent, len(order)) < place[child]
    }
    needless = sorted({*order} - {*needed})
    return _Order(order, sorted(order), sorted(early), needless)


def _stack(parents: Parents, turned: bool = False) -> list[str]:
    """Last in, first out, where a value is marked when it goes onto the stack."""
    order, waiting, seen = [], ["L"], {"L"}
    while waiting:
        order.append(waiting.pop())
        for parent in parents[order[-1]][:: -1 if turned else 1]:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return order


def _reached(parents: Parents, names: Iterable[str]) -> list[str]:
    """Those of the names that L depends on."""
    return [name for name in names if name in _order(parents)]


def _first_met(parents: Parents, last: bool, again: bool = False, turned: bool = True) -> list[str]:
    """The order in which a search from L meets the values; last in, first out if `last`."""
    order, waiting = [], ["L"]
    while waiting:
        name = waiting.pop(-1 if last else 0)
        if again or name not in order:
            order.append(name)
            waiting += parents[name][::-1] if last and turned else parents[name]
    return order


def _counted(parents: Parents) -> list[str]:
    """Visits a value when all its children have been, those too that L does not depend on."""
    order, waiting = [], ["L"]
    left = {name: sum(used.count(name) for used in parents.values()) for name in parents}
    while waiting:
        order.append(waiting.pop())
        for parent in parents[order[-1]]:
            left[parent] -= 1
            if not left[parent]:
                waiting.append(parent)
    return order


_MET_FIRST = (
    "You list a value when you first meet it. It may have another child, further on, which has not "
    "yet passed on its contribution."
)

_TURNED = (
    "You turn the dictionary's order round. But it need not be an order of computing at all: a "
    "value may stand before its parents."
)

backward_order = Exercise(
    reference=_order,
    cases=_order_cases,
    call=_judged,
    mistakes=[
        (
            _depth_first,
            "This is an order for the forward pass: parents first. Which way does the backward "
            "pass go?",
        ),
        (lambda parents: _first_met(parents, last=True), _MET_FIRST),
        (lambda parents: _first_met(parents, last=False), _MET_FIRST),
        (lambda parents: _first_met(parents, last=True, turned=False), _MET_FIRST),
        (_stack, _MET_FIRST),
        (lambda parents: _stack(parents, turned=True), _MET_FIRST),
        (
            then(_order, set),
            "In a set the order is lost. Return a list.",
        ),
        (
            lambda parents: _first_met(parents, last=True, again=True),
            "A value that is used several times is in your list several times. Remember which ones "
            "you have seen.",
        ),
        (
            lambda parents: _first_met(parents, last=False, again=True),
            "A value that is used several times is in your list several times. Remember which ones "
            "you have seen. And of its positions, only the last would do.",
        ),
        (
            then(_order, lambda order: order[1:]),
            'The loss is missing. The backward pass begins with it: `"L"` first.',
        ),
        (
            lambda parents: _depth_first(parents, parents)[::-1],
            'There are values in your list that `"L"` does not depend on. Begin at `"L"`, and see '
            "what you can reach.",
        ),
        (
            _counted,
            'You wait for children that `"L"` does not depend on. They are never visited, so their '
            "parents are missing. Count only the children that you can reach.",
        ),
        (
            lambda parents: [*parents],
            "You return the names in the order in which the dictionary has them. It can be any.",
        ),
        (lambda parents: [*reversed(parents)], _TURNED),
        (lambda parents: _reached(parents, reversed(parents)), _TURNED),
        (
            lambda parents: [name for name in _order(parents) if parents[name] or name == "L"],
            "The values without parents are missing. They are the parameters, for whose sake all "
            "this is done.",
        ),
        (
            lambda parents: ["L", *parents["L"]],
            "These are the parents of the loss. Their parents belong into the list as well, and so "
            "on.",
        ),
    ],
)
