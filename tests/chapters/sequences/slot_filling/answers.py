"""Right and wrong answers to the exercises of the chapter *Slot filling*."""

from __future__ import annotations

import torch


def repair_by_loop(tags):
    out = list(tags)
    for i, tag in enumerate(tags):
        if tag.startswith("I-"):
            kind = tag[2:]
            if i == 0 or tags[i - 1] not in (f"B-{kind}", f"I-{kind}"):
                out[i] = f"B-{kind}"
    return out


def repair_by_state(tags):
    inside, out = None, []
    for tag in tags:
        prefix, _, kind = tag.partition("-")
        if prefix == "I" and kind != inside:
            prefix = "B"
        inside = kind if prefix != "O" else None
        out.append("O" if prefix == "O" else prefix + "-" + kind)
    return out


def repair_to_outside(tags):
    out = repair_by_loop(tags)
    return [tag if tag == new else "O" for tag, new in zip(tags, out, strict=True)]


def repair_from_second(tags):
    out = list(tags)
    for i in range(1, len(tags)):
        if tags[i][0] == "I" and tags[i - 1][1:] != tags[i][1:]:
            out[i] = "B" + tags[i][1:]
    return out


def repair_after_outside(tags):
    out = list(tags)
    for i, tag in enumerate(tags):
        if tag[0] == "I" and (i == 0 or tags[i - 1] == "O"):
            out[i] = "B" + tag[1:]
    return out


def repair_other_types(tags):
    out = list(tags)
    for i, tag in enumerate(tags):
        if i and tag[0] == "I" and tags[i - 1] != "O" and tags[i - 1][2:] != tag[2:]:
            out[i] = "B" + tag[1:]
    return out


def repair_all(tags):
    return [tag.replace("I-", "B-") for tag in tags]


def repair_behind_b_only(tags):
    out = list(tags)
    for i, tag in enumerate(tags):
        if tag[0] == "I" and (i == 0 or tags[i - 1] != "B" + tag[1:]):
            out[i] = "B" + tag[1:]
    return out


def repair_split(tags):
    out = list(tags)
    for i, tag in enumerate(tags):
        if tag == "O" or tag[0] == "B":
            continue
        if i == 0 or tags[i - 1] == "O" or tags[i - 1].split("-")[1] != tag.split("-")[1]:
            out[i] = "B" + tag[1:]
    return out


def repair_last_part(tags):
    before = ["O", *tags]
    return [
        "B" + t[1:] if t[0] == "I" and b.split("-")[-1] != t.split("-")[-1] else t
        for b, t in zip(before, tags, strict=False)
    ]


def repair_whole_tags(tags):
    out = list(tags)
    for i, tag in enumerate(tags):
        if tag[0] == "I" and (i == 0 or tags[i - 1] != tag):
            out[i] = "B" + tag[1:]
    return out


def repair_bare(tags):
    new = repair_by_loop(tags)
    return ["B" if a != b else a for a, b in zip(tags, new, strict=True)]


def repair_nothing(tags):
    return [tag for tag in tags]


def repair_in_place(tags):
    for i, new in enumerate(repair_by_loop(tags)):
        tags[i] = new
    return tags


def count_by_lists(start, allowed, T):
    K = len(start)
    ways = [int(s) for s in start]
    for _ in range(1, T):
        ways = [sum(ways[j] for j in range(K) if allowed[j, k]) for k in range(K)]
    return sum(ways)


def count_by_power(start, allowed, T):
    M = torch.linalg.matrix_power(allowed.double(), T - 1)
    return (start.double() @ M).sum().round().long()


def count_from_the_end(start, allowed, T):
    ways = torch.ones(len(start), dtype=torch.int64)
    for _ in range(T - 1):
        ways = (allowed * ways).sum(dim=1)
    return ways[start].sum()


def count_transposed(start, allowed, T):
    v = start.long()
    for _ in range(T - 1):
        v = allowed.long() @ v
    return v.sum()


def count_t_steps(start, allowed, T):
    v = start.long()
    for _ in range(T):
        v = v @ allowed.long()
    return v.sum()


def count_any_start(start, allowed, T):
    v = torch.ones(len(start), dtype=torch.int64)
    for _ in range(T - 1):
        v = v @ allowed.long()
    return v.sum()


def count_all(start, allowed, T):
    return len(start) ** T


def count_any_step(start, allowed, T):
    return start.sum() * len(start) ** (T - 1)


def count_product(start, allowed, T):
    return int(start.sum()) * int(allowed.sum()) ** (T - 1)


def count_reachable(start, allowed, T):
    v = start
    for _ in range(T - 1):
        v = (v[:, None] & allowed).any(dim=0)
    return int(v.any())


def count_too_few(start, allowed, T):
    v = start.long()
    for _ in range(T - 2):
        v = v @ allowed.long()
    return v.sum()


def count_single_precision(start, allowed, T):
    v = start.float()
    for _ in range(T - 1):
        v = v @ allowed.float()
    return int(v.sum())


RIGHT = {
    "repair_tags": [repair_by_loop, repair_by_state],
    "valid_sequences": [count_by_lists, count_by_power, count_from_the_end],
}
WRONG = {
    "repair_tags": [
        (repair_to_outside, "You drop an I-"),
        (repair_from_second, "an I- in first place"),
        (repair_after_outside, "After a slot of another type"),
        (repair_other_types, "You change an I- after another type"),
        (repair_all, "You change every I-"),
        (repair_behind_b_only, "only behind a B-"),
        (repair_split, "A type may contain hyphens"),
        (repair_last_part, "after the last one"),
        (repair_whole_tags, "You compare whole tags"),
        (repair_bare, "You lose the type"),
        (repair_nothing, "as they were"),
        (repair_in_place, "Make a new one"),
    ],
    "valid_sequences": [
        (count_transposed, "You take the steps backwards"),
        (count_t_steps, "You take T steps"),
        (count_too_few, "one step too few"),
        (count_any_start, "begin with any tag"),
        (count_all, "You count all sequences"),
        (count_any_step, "any tag follow any other"),
        (count_product, "the number of all allowed steps"),
        (count_reachable, "whether there is a valid sequence"),
        (count_single_precision, "32-bit floating-point"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "repair_tags": {
        "tag[0] == 'I' → tag[0] <= 'I'": "a B- becomes a B-, and an O stays out, since O > I",
    },
}
