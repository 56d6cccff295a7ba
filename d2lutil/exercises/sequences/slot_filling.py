"""Exercises of the chapter *Slot filling*."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise

Repair = Callable[[str, str], str]


def _repair_tags(tags: list[str]) -> list[str]:
    """BIO tags in which every invalid I- has become a B-."""
    repaired = []
    for before, tag in zip(["O", *tags], tags, strict=False):
        invalid = tag[0] == "I" and before[1:] != tag[1:]
        repaired.append("B" + tag[1:] if invalid else tag)
    return repaired


def _each(change: Repair) -> Callable[[list[str]], list[str]]:
    """Changes each tag by what stands before it, `O` before the first."""

    def changed(tags: list[str]) -> list[str]:
        return [change(*pair) for pair in zip(["O", *tags], tags, strict=False)]

    return changed


def _invalid(before: str, tag: str) -> bool:
    return tag[0] == "I" and before[1:] != tag[1:]


def _repair_cases(generator: torch.Generator) -> Iterator[tuple[list[str]]]:
    for text in (
        "O I-to I-to O B-date",
        "B-from I-to I-to O",
        "I-date I-date O",
        "B-to I-to I-to B-to I-to O I-to",
        "I-from",
        "O O",
        "B-date-of-birth I-date-of-issue I-date-of-issue",
        "I-to I-from I-to",
        "O B-to O I-to",
        "B-from-city I-city I-city",
        "B-trip-date I-birth-date O",
        "O B-place-name I-place O I-ID I-ID",
    ):
        yield (text.split(),)
    yield ([],)
    draw = random.Random(int(torch.randint(1000, (), generator=generator)))
    for n in (8, 12, 15):
        tags = ["O", "B-to", "I-to", "I-to", "I-from", "B-from", "I-place-name", "B-place-type"]
        yield (draw.choices(tags, k=n),)


repair_tags = Exercise(
    reference=_repair_tags,
    cases=_repair_cases,
    mistakes=[
        (
            _each(lambda before, tag: "O" if _invalid(before, tag) else tag),
            "You drop an I- that does not fit, as `O`. Here it is to begin a slot instead.",
        ),
        (
            lambda tags: tags[:1] + _repair_tags(tags)[1:],
            "The first tag has nothing before it, so an I- in first place is invalid, too.",
        ),
        (
            _each(lambda before, tag: "B" + tag[1:] if tag[0] == "I" and before == "O" else tag),
            "You change an I- after `O`. After a slot of another type it is invalid as well.",
        ),
        (
            _each(
                lambda before, tag: (
                    "B" + tag[1:]
                    if tag[0] == "I" and before != "O" and _invalid(before, tag)
                    else tag
                )
            ),
            "You change an I- after another type. After `O`, or at the start, it is invalid as "
            "well.",
        ),
        (
            _each(lambda before, tag: "B" + tag[1:] if tag[0] == "I" else tag),
            "You change every I-. One that continues a slot of its type stays as it is.",
        ),
        (
            _each(
                lambda before, tag: (
                    "B" + tag[1:] if tag[0] == "I" and before != "B" + tag[1:] else tag
                )
            ),
            "You let an I- stand only behind a B-. It may follow an I- of its type, too: a slot "
            "can have three words.",
        ),
        (
            _each(
                lambda before, tag: (
                    ("B" + tag[1:] if before == "O" else "I" + before[1:])
                    if _invalid(before, tag)
                    else tag
                )
            ),
            "Behind a slot of another type you change the type of the I-. It keeps its own, and "
            "becomes a B-.",
        ),
        (
            _each(
                lambda before, tag: (
                    "B" + tag[1:]
                    if tag[0] == "I" and before.split("-")[1:2] != tag.split("-")[1:2]
                    else tag
                )
            ),
            "A type may contain hyphens. You compare what stands before the second one; compare "
            "the types whole.",
        ),
        (
            _each(
                lambda before, tag: (
                    "B" + tag[1:]
                    if tag[0] == "I" and before.split("-")[-1] != tag.split("-")[-1]
                    else tag
                )
            ),
            "A type may contain hyphens. You compare what stands after the last one; compare the "
            "types whole.",
        ),
        (
            _each(
                lambda before, tag: (
                    "B" + tag[1:] if tag[0] == "I" and not before.endswith(tag[1:]) else tag
                )
            ),
            "One type may be the end of another, as city of from-city. Compare the types whole.",
        ),
        (
            _each(
                lambda before, tag: (
                    "B" + tag[1:]
                    if tag[0] == "I" and (before == "O" or not before[1:].startswith(tag[1:]))
                    else tag
                )
            ),
            "One type may be the beginning of another, as place of place-name. Compare the types "
            "whole.",
        ),
        (
            _each(lambda before, tag: tag.replace("I", "B") if _invalid(before, tag) else tag),
            "You change an I inside the type, too. Only the first letter of the tag changes.",
        ),
        (
            _each(lambda before, tag: "B" + tag[1:] if tag[0] == "I" and before != tag else tag),
            "You compare whole tags. `B-to` and `I-to` differ, but have the same type.",
        ),
        (
            lambda tags: [
                "B" + tag[1:] if _invalid(tags[i - 1], tag) else tag for i, tag in enumerate(tags)
            ],
            "For the first tag, `tags[i - 1]` is the last one. The first has nothing before it.",
        ),
        (
            _each(lambda before, tag: "B" if _invalid(before, tag) else tag),
            "You lose the type: what you write in place of the I- is a bare `B`.",
        ),
        (
            lambda tags: list(tags),
            "You return the tags as they were.",
        ),
    ],
)


def _valid_sequences(start: Tensor, allowed: Tensor, T: int) -> int:
    """How many sequences of T tags begin with a tag of start (K,) and take allowed steps (K, K)."""
    count = start.long()  # (K,): sequences that end in each tag
    for _ in range(T - 1):
        count = count @ allowed.long()
    return int(count.sum())


def _by_last(start: Tensor, allowed: Tensor, T: int) -> Tensor:
    """How many valid sequences end in each tag: (K,)."""
    count = start.long()
    for _ in range(T - 1):
        count = count @ allowed.long()
    return count


def _steps(start: Tensor, allowed: Tensor, steps: int) -> int:
    return _valid_sequences(start, allowed, steps + 1)


def _valid_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, int]]:
    # O, B, I of one type: I does not begin, nor follow O
    start, allowed = tensor([1, 1, 0]).bool(), tensor([[1, 1, 0], [1, 1, 1], [1, 1, 1]]).bool()
    yield start, allowed, 2
    yield start, allowed, 3
    yield start, allowed, 1
    # O, B-x, I-x, B-y, I-y, without O -> O: not symmetric
    five = tensor(
        [[0, 1, 0, 1, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 0], [1, 1, 0, 1, 1], [1, 1, 0, 1, 1]]
    ).bool()
    begin = tensor([1, 1, 0, 1, 0]).bool()
    yield begin, five, 4
    yield begin, five, 15
    yield begin, five, 22
    # one way through, and no way
    chain = tensor([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]).bool()
    yield tensor([1, 0, 0, 0]).bool(), chain, 4
    yield tensor([1, 0, 0, 0]).bool(), chain, 5
    for K, T in ((4, 3), (5, 6), (3, 9)):
        yield (
            torch.rand(K, generator=generator) < 0.6,
            torch.rand(K, K, generator=generator) < 0.6,
            T,
        )


valid_sequences = Exercise(
    reference=_valid_sequences,
    cases=_valid_cases,
    mistakes=[
        (
            lambda start, allowed, T: _valid_sequences(start, allowed.T, T),
            "You take the steps backwards: `allowed[j, k]` says whether tag k may follow tag j. "
            "Which index do you sum over?",
        ),
        (
            lambda start, allowed, T: _steps(start, allowed, T),
            "You take T steps. From the first of T tags to the last one it is one step less.",
        ),
        (
            lambda start, allowed, T: _steps(start, allowed, max(T - 2, 0)),
            "You take one step too few: T tags have T - 1 steps between them.",
        ),
        (
            lambda start, allowed, T: _valid_sequences(torch.ones_like(start), allowed, T),
            "You let a sequence begin with any tag. Only those in `start` may.",
        ),
        (
            lambda start, allowed, T: len(start) ** T,
            "You count all sequences, the invalid ones, too.",
        ),
        (
            lambda start, allowed, T: int(start.sum()) * len(start) ** (T - 1),
            "You use `start`, but let any tag follow any other. `allowed` says which may.",
        ),
        (
            lambda start, allowed, T: int(start.sum()) * int(allowed.sum()) ** (T - 1),
            "You multiply by the number of all allowed steps. How many steps are possible depends "
            "on the tag in which a sequence ends, so count for each tag.",
        ),
        (
            lambda start, allowed, T: min(_valid_sequences(start, allowed, T), 1),
            "You say whether there is a valid sequence at all. Count them: numbers, not True and "
            "False.",
        ),
        (
            lambda start, allowed, T: int((_by_last(start, allowed, T) > 0).sum()),
            "You count in how many tags a sequence can end. Count the sequences: numbers, not "
            "True and False.",
        ),
        (
            lambda start, allowed, T: _by_last(start, allowed, T),
            "You return a number for each last tag. Add them up.",
        ),
        (
            lambda start, allowed, T: _by_last(start, allowed, T).int().sum(),
            "You count in 32-bit integers, which end at 2³¹ - 1. Use `.long()`.",
        ),
        (
            lambda start, allowed, T: _by_last(start, allowed, T).double().sum(),
            "The numbers are right, but they are floating-point. Return an `int` or `.long()`.",
        ),
        (
            lambda start, allowed, T: int(
                (start.float() @ torch.linalg.matrix_power(allowed.float(), T - 1)).sum()
            ),
            "You count in 32-bit floating-point numbers, which are exact only up to 2²⁴. Use whole "
            "numbers.",
        ),
    ],
)
