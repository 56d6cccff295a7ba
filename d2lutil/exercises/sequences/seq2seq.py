"""Exercises of the chapter *Sequence to sequence*."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from operator import eq
from typing import Any

import torch
from torch import Tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then

PAD, START, END = 1, 2, 3

Phrases = list[list[int]]
Batch = tuple[Tensor, Tensor]
Words = list[str]
Step = tuple[Tensor, Tensor, Tensor]


def _teacher(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    """(before, y), each (n, t): rows of `start` and the words, of the words and `end`."""
    gaps = [max(map(len, phrases)) - len(p) for p in phrases]
    before = [[start, *p] + gap * [pad] for p, gap in zip(phrases, gaps, strict=True)]
    y = [[*p, end] + gap * [-100] for p, gap in zip(phrases, gaps, strict=True)]
    return torch.tensor(before), torch.tensor(y)


def _rows(rows: Phrases, filler: int, length: int) -> Tensor:
    """Rows of unequal lengths as a tensor (n, length), filled up behind."""
    return torch.tensor([row + [filler] * (length - len(row)) for row in rows])


def _batch(
    phrases: Phrases,
    pad: int,
    start: int | None,
    end: int | None,
    behind: int | None = -100,
    before_filler: int | None = None,
    extra: int = 1,
) -> Batch:
    """The same with other padding and marks."""
    first = [] if start is None else [start]
    last = [] if end is None else [end]
    length = max(map(len, phrases)) + extra
    before = [first + p for p in phrases]
    y = [p + last for p in phrases]
    filler = pad if before_filler is None else before_filler
    return _rows(before, filler, length), _rows(y, pad if behind is None else behind, length)


def _teacher_cases(generator: torch.Generator) -> Iterator[tuple[Phrases, int, int, int]]:
    yield [[7]], PAD, START, END
    yield [[7, 5], [6]], PAD, START, END
    yield [[9], [8, 7, 6, 5], [4, 9]], PAD, START, END
    yield [[12, 11], [14, 13, 10]], 0, 21, 22
    yield [[7, 5], [6], [7, 5], [6]], PAD, START, END  # equal phrases
    for n, longest in ((3, 6), (5, 3)):
        lengths = torch.randint(1, longest + 1, (n,), generator=generator)
        lengths[n // 2] = longest
        phrases = [torch.randint(4, 30, (m,), generator=generator).tolist() for m in lengths]
        yield phrases, PAD, START, END


def _padded_in_front(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    length = max(map(len, phrases)) + 1
    before = [[pad] * (length - 1 - len(p)) + [start, *p] for p in phrases]
    y = [[-100] * (length - 1 - len(p)) + [*p, end] for p in phrases]
    return torch.tensor(before), torch.tensor(y)


def _end_at_the_edge(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    length = max(map(len, phrases)) + 1
    before = [[start, *p] for p in phrases]
    y = [[*p] + [-100] * (length - 1 - len(p)) + [end] for p in phrases]
    return _rows(before, pad, length), torch.tensor(y)


def _both_marks(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    rows = [[start, *p, end] for p in phrases]
    length = max(map(len, rows))
    return _rows(rows, pad, length), _rows(rows, -100, length)


def _end_in_before(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    rows = [[start, *p, end] for p in phrases]
    length = max(map(len, rows))
    return _rows(rows, pad, length)[:, :-1], _rows([r[1:] for r in rows], -100, length - 1)


def _end_as_input(
    phrases: Phrases, pad: int, start: int, end: int, extra: int, filler: int = -100
) -> Batch:
    """`before` with `end` behind the words, and so a step too long."""
    before = [[start, *p, end] for p in phrases]
    length = max(map(len, phrases))
    y = [[*p, end] for p in phrases]
    return _rows(before, pad, length + 2), _rows(y, filler, length + extra)


def _one_table(phrases: Phrases, pad: int, start: int, end: int, ignored: bool) -> Batch:
    """Both cut out of one table, which has one padding value."""
    rows = [[start, *p, end] for p in phrases]
    table = _rows(rows, -100 if ignored else pad, max(map(len, rows)))
    return table[:, :-1], table[:, 1:]


def _not_shifted(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    rows = [[*p, end] for p in phrases]
    length = max(map(len, rows))
    return _rows(rows, pad, length), _rows(rows, -100, length)


def _start_in_y(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    before, _ = _teacher(phrases, pad, start, end)
    length = before.shape[1]
    return before, _rows([[start, *p] for p in phrases], -100, length)


def _cut_from_before(
    phrases: Phrases, pad: int, start: int, end: int, behind: int | None, shorter: bool
) -> Batch:
    """`before`, in full or without its last step, and as y the rest of it: no `end` anywhere."""
    before, _ = _teacher(phrases, pad, start, end)
    y = before[:, 1:]
    if behind is not None:
        y = y.masked_fill(y == pad, behind)
    return before[:, :-1] if shorter else before, y


def _without_the_last_label(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    length = max(map(len, phrases))
    before = [[start, *p[:-1]] for p in phrases]
    return _rows(before, pad, length), _rows(phrases, -100, length)


def _ends_in_before(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    before, y = _teacher(phrases, pad, start, end)
    return before.masked_fill(before == pad, end), y


def _ends_in_y(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    before, y = _teacher(phrases, pad, start, end)
    return before, y.masked_fill(y == -100, end)


def _by_index(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    """Finds the row of a phrase by `phrases.index`: of equal ones the later rows stay empty."""
    before, y = _teacher(phrases, pad, start, end)
    for i, phrase in enumerate(phrases):
        if phrases.index(phrase) < i:
            before[i], y[i] = pad, -100
    return before, y


def _cut(phrases: Phrases, pad: int, start: int, end: int) -> Batch:
    shortest = min(map(len, phrases)) + 1
    before, y = _teacher(phrases, pad, start, end)
    return before[:, :shortest], y[:, :shortest]


_FILLED_WITH_0 = (
    "You fill `before` up with 0, as `pad_sequence` does unless told otherwise. The padding token "
    "is `pad`: `padding_value=pad`."
)

teacher_batch = Exercise(
    reference=_teacher,
    cases=_teacher_cases,
    returns=["before", "y"],
    mistakes=[
        (
            partial(_batch, behind=None),
            "You fill `y` up with `pad`. The loss would count those positions, and teach the "
            "decoder to say `<pad>`. Which label is not counted?",
        ),
        (
            partial(_batch, before_filler=-100),
            "You fill `before` up with -100. It is an input, and an embedding has no row −100. "
            "Only labels may be -100.",
        ),
        (
            partial(_batch, behind=None, before_filler=-100),
            "You have the two padding values the wrong way round: inputs are filled up with `pad`, "
            "labels with -100.",
        ),
        (
            partial(_batch, behind=0),
            "You fill `y` up with 0. That is the index of a token, and would be counted.",
        ),
        (
            partial(_batch, behind=-1),
            "You fill `y` up with -1. The loss leaves out -100 only, and -1 is no token.",
        ),
        *(
            (partial(_batch, before_filler=0, behind=behind), _FILLED_WITH_0)
            for behind in (-100, 0)
        ),
        (
            _by_index,
            "`index` finds the first of equal phrases only, so the others stay empty. `enumerate` "
            "gives each phrase its own number.",
        ),
        (
            given(_batch, end=lambda end: None),
            "Your `y` never says `end`, so the decoder would never learn to stop.",
        ),
        (
            _without_the_last_label,
            "Your `y` lacks `end`, so there is no label for what comes after the last word, and "
            "the decoder would never learn to stop.",
        ),
        (
            given(_batch, start=lambda start: None),
            "Your `before` lacks `start`. At the first step the decoder would be shown the word "
            "that it has to say.",
        ),
        (
            _not_shifted,
            "`before` and `y` are the same: you show the decoder the very word that it has to say. "
            "`before` has to be one step behind.",
        ),
        (
            _start_in_y,
            "Your `y` begins with `start`: it is `before` again, and the decoder would learn to "
            "repeat the word that it reads. `y` has to be one step ahead.",
        ),
        *(
            (
                partial(_cut_from_before, behind=behind, shorter=shorter),
                "You cut `y` out of `before`, which does not hold `end`. So no label tells the "
                "decoder to stop.",
            )
            for behind in (-100, None)
            for shorter in (False, True)
        ),
        (
            _both_marks,
            "Both of yours have `start` and `end`. `before` begins with `start` and `y` ends with "
            "`end`; each has only one of them.",
        ),
        *(
            (
                partial(_end_as_input, extra=extra),
                "Your `before` ends with `end`. `end` is never an input: nothing is predicted "
                "after it. So `before` is `start` and the words alone.",
            )
            for extra in (1, 2)
        ),
        (
            _end_in_before,
            "In your shorter rows `before` holds `end`. Nothing comes after `end`, so there is "
            "nothing to show it for.",
        ),
        *(
            (
                partial(_one_table, ignored=ignored),
                "You cut both out of one table. In its shorter rows `end` is not the last, so it "
                "stays in `before`. And one table has one padding value; `before` and `y` need "
                "two.",
            )
            for ignored in (False, True)
        ),
        (
            _ends_in_before,
            "You fill `before` up with `end`. There is a padding token: `pad`.",
        ),
        (
            _ends_in_y,
            "You fill `y` up with `end`. The loss would count each of them. Say it once, and then "
            "-100.",
        ),
        (
            _padded_in_front,
            "You fill up in front. The words come first, and the padding behind them.",
        ),
        (
            _end_at_the_edge,
            "Your `end` stands behind the padding. It has to follow the last word at once.",
        ),
        (
            lambda phrases, pad, start, end: _teacher(phrases, pad, end, start),
            "You have mixed up `start` and `end`.",
        ),
        (
            then(_teacher, lambda before, y: (y, before)),
            "You return the two in the wrong order: `before` comes first.",
        ),
        (
            then(_teacher, lambda before, y: (before.T, y.T)),
            "The steps stand in rows. Here each row is a phrase, examples first.",
        ),
        (
            _cut,
            "You cut all phrases to the length of the shortest one. Fill up the short ones.",
        ),
    ],
)


def _grams(words: Words, n: int) -> list[tuple[str, ...]]:
    """All n-grams of n words, in order."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _clipped(translation: Words, reference: Words, n: int) -> float:
    ours, theirs = (Counter(_grams(words, n)) for words in (translation, reference))
    return (ours & theirs).total() / ours.total() if ours else 0.0


def _clipped_cases(generator: torch.Generator) -> Iterator[tuple[Words, Words, int]]:
    yield ["cent", "deux"], ["cent", "six"], 1
    yield ["mille", "mille", "mille", "mille"], ["deux", "mille", "trois", "mille", "six"], 1
    yield ["deux", "cent", "deux", "cent", "deux", "cent"], ["cent", "deux", "cent", "deux"], 2
    yield ["cent", "vingt", "et", "un"], ["vingt", "et", "un", "mille", "cent"], 3
    yield ["six"], ["six", "cents"], 2
    yield ["six"], ["six"], 2  # equal, and too short
    yield ["cent", "six"], ["cent", "cent", "six"], 1  # stands there more often than it is said
    yield ["un", "deux"], ["un"], 2
    yield [], ["un"], 1
    yield ["un"], [], 1
    yield [], [], 1
    yield ["cent", "vingt"], ["deux", "vingt"], 2
    yield ["un", "deux", "trois"], ["trois", "deux", "un"], 2
    yield ["a", "bc", "un"], ["ab", "c", "un"], 2
    yield ["cent", "deux"], ["six", "cent", "deux", "mille"], 2  # a single n-gram
    yield ["mille", "mille", "mille"], ["mille", "mille", "mille"], 2  # n-grams that overlap
    yield ["un", "cent"], ["une", "cents", "six"], 1  # words that begin alike
    yield ["six", "cent"], ["deux", "un", "six", "cent"], 1  # beyond the translation's length
    words = ["cent", "deux", "mille"]
    for n, ours, theirs in ((1, 9, 5), (2, 10, 7), (2, 6, 12), (3, 12, 14)):
        yield (
            *(
                [words[i] for i in torch.randint(3, (m,), generator=generator)]
                for m in (ours, theirs)
            ),
            n,
        )


def _right(ours: list[Any], theirs: list[Any]) -> int:
    """How many of our n-grams stand in theirs, each at most as often as it stands there."""
    return (Counter(ours) & Counter(theirs)).total()


def _share(right: float, of: float) -> float:
    return right / of if of else 0.0


def _from_runs(
    share: Callable[[list[Any], list[Any]], tuple[int, int]] = lambda ours, theirs: (
        _right(ours, theirs),
        len(ours),
    ),
    runs: Callable[[Words, int], list[Any]] = _grams,
) -> Callable[[Words, Words, int], float]:
    """An answer that divides the numbers of share(ours, theirs), both of them lists of n-grams."""
    return lambda translation, reference, n: _share(
        *share(runs(translation, n), runs(reference, n))
    )


def _equal_is_right(translation: Words, reference: Words, n: int) -> float:
    return 1.0 if translation == reference else _clipped(translation, reference, n)


def _recall(translation: Words, reference: Words, n: int) -> float:
    """Guards against a short translation, and divides by what may be none."""
    ours, theirs = _grams(translation, n), _grams(reference, n)
    return _right(ours, theirs) / len(theirs) if ours else 0.0


def _short_is_right(translation: Words, reference: Words, n: int, least: int | None) -> float:
    """Gives 1 where the reference has fewer than `least` words, or n."""
    return _clipped(translation, reference, n) if len(reference) >= (least or n) else 1.0


def _stumps(translation: Words, reference: Words, n: int) -> float:
    """Takes what is left at the end for n-grams, too."""
    return _from_runs(runs=lambda words, n: [tuple(words[i : i + n]) for i in range(len(words))])(
        translation, reference, n
    )


def _not_of_nothing(answer: Callable[[Words, Words, int], float]) -> Callable[..., float]:
    """Divides by a number that is 0 where nothing is said."""
    return lambda translation, reference, n: (
        answer(translation, reference, n) if translation else 1 / 0
    )


def _over_words(translation: Words, reference: Words, n: int) -> float:
    return _share(_right(_grams(translation, n), _grams(reference, n)), len(translation))


def _in_text(translation: Words, reference: Words, n: int, counted: bool) -> float:
    """Looks for n-grams in the words joined by spaces."""
    ours, text = Counter(" ".join(g) for g in _grams(translation, n)), " ".join(reference)
    if counted:
        right = sum(min(count, text.count(run)) for run, count in ours.items())
    else:
        right = sum(count for run, count in ours.items() if run in text)
    return _share(right, ours.total())


def _exact_is_none(translation: Words, reference: Words, n: int) -> float:
    return _clipped(translation, reference, n) if len(translation) > n else 0.0


def _one_length(translation: Words, reference: Words, n: int) -> float:
    """Takes as many n-grams from the reference as from the translation."""
    m = len(translation) - n + 1
    return _from_runs(runs=lambda words, n: [tuple(words[i : i + n]) for i in range(m)])(
        translation, reference, n
    )


def _cut_by_minus(translation: Words, reference: Words, n: int) -> float:
    """Takes the beginnings `words[:-(n - 1)]`, of which there are none at n = 1."""
    return _clipped(translation, reference, n) if n > 1 else 0.0


def _up_to_n(translation: Words, reference: Words, n: int, mean: bool) -> float:
    """Of 1 to n words: all n-grams together, or the geometric mean of the proportions."""
    if mean:
        product = 1.0
        for k in range(1, n + 1):
            product *= _clipped(translation, reference, k)
        return product ** (1 / n)
    pairs = [[_grams(words, k) for words in (translation, reference)] for k in range(1, n + 1)]
    return _share(sum(_right(*p) for p in pairs), sum(len(ours) for ours, _ in pairs))


def _unguarded(answer: Callable[[Words, Words, int], float]) -> Callable[..., float]:
    """Divides by the number of n-grams even if there is none."""

    def unguarded(translation: Words, reference: Words, n: int) -> float:
        return answer(translation, reference, n) if _grams(translation, n) else 1 / 0

    return unguarded


_MISCOUNTED = [
    (
        _from_runs(lambda ours, theirs: (sum(gram in theirs for gram in ours), len(ours))),
        "You count an n-gram each time it is said, however often. It counts at most as often as it "
        "stands in the reference: “mille mille mille mille” is no perfect translation.",
    ),
    (
        _from_runs(
            lambda ours, theirs: (sum(map(Counter(theirs).__getitem__, {*ours})), len(ours))
        ),
        "You count an n-gram as often as it stands in the reference, even if it is said less "
        "often. Take the smaller of the two counts.",
    ),
    (
        _from_runs(
            lambda ours, theirs: (
                sum(min(ours.count(gram), theirs.count(gram)) for gram in ours),
                len(ours),
            )
        ),
        "You add the smaller count once for every n-gram that is said, so what is said twice "
        "counts twice over. Go through the *different* n-grams, by `set` or `Counter`.",
    ),
    (
        _from_runs(lambda ours, theirs: (len({*ours} & {*theirs}), len({*ours}))),
        "A set forgets how often an n-gram is there. Count: `Counter` does.",
    ),
    (
        _from_runs(lambda ours, theirs: (len({*ours} & {*theirs}), len(ours))),
        "Above the line you have a set, which forgets how often an n-gram is there. What is said "
        "twice, and stands twice in the reference, counts twice.",
    ),
]


clipped_precision = Exercise(
    reference=_clipped,
    cases=_clipped_cases,
    mistakes=[
        *_MISCOUNTED,
        *((_unguarded(wrong), hint) for wrong, hint in _MISCOUNTED),
        (
            _unguarded(_clipped),
            "A translation of fewer than `n` words has no n-gram, and you divide by their "
            "number. The task asks for 0.0 there.",
        ),
        (
            _from_runs(lambda ours, theirs: (_right(ours, theirs), len(theirs))),
            "You divide by the number of n-grams in the reference. That is the recall. Precision "
            "asks how much of what was *said* is right. Are the two lists the right way round?",
        ),
        (
            _recall,
            "You divide by the number of n-grams in the reference, of which there may be none. "
            "That is the recall. Precision asks how much of what was *said* is right.",
        ),
        (
            _equal_is_right,
            "You take equal lists for right, even if they have fewer than `n` words and so no "
            "n-gram. Is that a test for equality, or one n-gram at least, as by `max(1, …)`?",
        ),
        *(
            (
                partial(_short_is_right, least=least),
                "Where the reference has no n-gram, nothing that is said can be right, "
                "and the proportion is 0.",
            )
            for least in (None, 1)
        ),
        (
            _from_runs(lambda ours, theirs: (_right(ours, theirs), len({*ours}))),
            "You divide by the number of different n-grams. Divide by the number of all n-grams in "
            "the translation.",
        ),
        *(
            (
                answer,
                "You divide by the number of words. There are fewer n-grams than words, if n is "
                "more than 1.",
            )
            for answer in (_over_words, _not_of_nothing(_over_words))
        ),
        (
            _from_runs(lambda ours, theirs: (_right(ours, theirs), max(len(ours), len(theirs)))),
            "You divide by the number of n-grams in the longer of the two. Precision asks only "
            "about the translation.",
        ),
        (
            given(_clipped, n=lambda n: 1),
            "You count single words, whatever `n` is.",
        ),
        *(
            (
                partial(_up_to_n, mean=mean),
                "You take the n-grams of 1 to `n` words, as BLEU does. Here only those of exactly "
                "`n` words are asked for.",
            )
            for mean in (False, True)
        ),
        (
            _from_runs(runs=lambda words, n: _grams(words, n)[:-1]),
            "You leave out the last n-gram. There are `len(words) - n + 1` of them.",
        ),
        (
            _exact_is_none,
            "A translation of exactly `n` words has one n-gram, itself. Only fewer words "
            "have none.",
        ),
        (
            _one_length,
            "You take as many n-grams from the reference as from the translation. Each list has "
            "its own number, `len(words) - n + 1`.",
        ),
        *(
            (
                partial(_in_text, counted=counted),
                "You look for n-grams in joined text. There “un” is found in “une”, and n-grams "
                "that overlap are counted once. Compare tuples of words.",
            )
            for counted in (True, False)
        ),
        (
            _cut_by_minus,
            "`words[: -(n - 1)]` is empty where `n` is 1: `-0` is the beginning. Write the end as "
            "`len(words) - n + 1`.",
        ),
        *(
            (
                answer,
                "At the end you have pieces of fewer than n words. The last n-gram begins n words "
                "before the end.",
            )
            for answer in (_stumps, _not_of_nothing(_stumps))
        ),
        (
            _from_runs(runs=lambda words, n: [tuple(sorted(g)) for g in _grams(words, n)]),
            "You sort the words of an n-gram. Their order counts: “cent deux” is not “deux cents”.",
        ),
        (
            _from_runs(runs=lambda words, n: ["".join(gram) for gram in _grams(words, n)]),
            "You glue the words of an n-gram together. “a bc” and “ab c” are then the same. Keep "
            "the words apart, in a tuple.",
        ),
        (
            _from_runs(lambda ours, theirs: (sum(map(eq, ours, theirs)), len(ours))),
            "You compare n-grams at the same position. An n-gram may stand anywhere in the "
            "reference.",
        ),
        (
            then(_clipped, lambda share: 100 * share),
            "These are percentages. Give a proportion from 0 to 1.",
        ),
        (
            _from_runs(lambda ours, theirs: (_right(ours, theirs), 1)),
            "You count what is right. Divide it by the number of n-grams in the translation.",
        ),
    ],
)


def _chosen(scores: Tensor, width: int) -> Step:
    """The best of scores (k, v): which row, which word, and the score."""
    best = scores.flatten().topk(width)
    return best.indices // scores.shape[1], best.indices % scores.shape[1], best.values


def _step(total: Tensor, log_p: Tensor, width: int) -> Step:
    return _chosen(total[:, None] + log_p, width)


def _step_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, int]]:
    yield torch.zeros(1), torch.tensor([[0.5, 0.2, 0.3]]).log(), 2
    yield (
        torch.tensor([0.6, 0.4]).log(),
        torch.tensor([[0.4, 0.35, 0.25], [0.9, 0.06, 0.04]]).log(),
        2,
    )
    yield (
        torch.tensor([0.8, 0.2]).log(),
        torch.tensor([[0.4, 0.35, 0.25], [0.9, 0.06, 0.04]]).log(),
        2,
    )
    equal = torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.2, 0.3]]).log()
    yield torch.tensor([0.5, 0.5]).log(), equal, 2  # equal scores
    yield torch.tensor([0.5, 0.5]).log(), equal, 4
    yield torch.tensor([0.7]).log(), equal[:1], 1
    for k, v, width in ((2, 4, 2), (3, 5, 3), (4, 7, 3), (2, 6, 5), (3, 3, 5), (2, 3, 6)):
        total = -2 * torch.rand(k, generator=generator)
        log_p = (2 * torch.randn(k, v, generator=generator)).log_softmax(dim=1)
        yield total.sort(descending=True).values, log_p, width


def _by_scores(scores: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Step]:
    """Chooses by scores(total, log_p), (k, v)."""
    return lambda total, log_p, width: _chosen(scores(total, log_p), width)


def _step_flat_rows(total: Tensor, log_p: Tensor, width: int) -> Step:
    rows, words, best = _step(total, log_p, width)
    return rows * log_p.shape[1] + words, words, best


def _step_flat_words(total: Tensor, log_p: Tensor, width: int) -> Step:
    rows, words, best = _step(total, log_p, width)
    return rows, rows * log_p.shape[1] + words, best


def _step_late(total: Tensor, log_p: Tensor, width: int, ordered: bool) -> Step:
    rows, words, best = _chosen(log_p, width)
    best = best + total[rows]  # (width,)
    at = best.argsort(descending=True) if ordered else slice(None)
    return rows[at], words[at], best[at]


def _step_each(total: Tensor, log_p: Tensor, width: int) -> Step:
    """The best word of each beginning, the best beginnings of these."""
    best = (total[:, None] + log_p).max(dim=1)
    rows = best.values.argsort(descending=True)[:width]
    return rows, best.indices[rows], best.values[rows]


def _step_first(total: Tensor, log_p: Tensor, width: int) -> Step:
    """The best words of the best beginning alone."""
    row = int(total.argmax())
    best = (total[row] + log_p[row]).topk(min(width, log_p.shape[1]))
    return torch.full_like(best.indices, row), best.indices, best.values


def _step_least(total: Tensor, log_p: Tensor, width: int) -> Step:
    rows, words, best = _chosen(-(total[:, None] + log_p), width)
    return rows, words, -best


def _step_last_word(total: Tensor, log_p: Tensor, width: int) -> Step:
    """Chooses well, and returns the log-probability of the last word alone."""
    rows, words, _ = _step(total, log_p, width)
    return rows, words, log_p[rows, words]


def _step_wrapped(total: Tensor, log_p: Tensor, width: int) -> Step:
    row, word, value = _step(total, log_p, width)
    index = row * log_p.shape[1] + word
    return index // len(total), index % len(total), value


def _step_narrow(total: Tensor, log_p: Tensor, width: int) -> Step:
    """The best `width` words of each beginning first: fails if there are fewer words."""
    scores = (total[:, None] + log_p).topk(width, dim=1)  # (k, width)
    best = scores.values.flatten().topk(width)
    return best.indices // width, scores.indices.flatten()[best.indices], best.values


def _step_as_they_stand(total: Tensor, log_p: Tensor, width: int) -> Step:
    scores = (total[:, None] + log_p).flatten()
    at = scores.topk(width).indices.sort().values
    return at // log_p.shape[1], at % log_p.shape[1], scores[at]


def _step_by_index(total: Tensor, log_p: Tensor, width: int) -> Step:
    """Finds the place of each of the best scores by its value."""
    scores = (total[:, None] + log_p).flatten()
    best = scores.topk(width).values
    at = torch.tensor([scores.tolist().index(score) for score in best.tolist()])
    return at // log_p.shape[1], at % log_p.shape[1], best


def _step_each_word(total: Tensor, log_p: Tensor, width: int) -> Step:
    """Each word once, after the beginning that is best for it."""
    scores = (total[:, None] + log_p).max(dim=0)  # (v,)
    best = scores.values.topk(min(width, log_p.shape[1]))
    return scores.indices[best.indices], best.indices, best.values


def _step_of_rows(total: Tensor, log_p: Tensor, width: int) -> Step:
    """The best `width` words of each beginning, all of them: fails if there are fewer words."""
    best = (total[:, None] + log_p).topk(width, dim=1)  # (k, width)
    return torch.arange(len(total)), best.indices, best.values


def _equal_in_order(
    beam_step: Callable[[Tensor, Tensor, int], Any], total: Tensor, log_p: Tensor, width: int
) -> Any:
    """An answer; those with equal scores, which may stand in any order, by row and word.

    The scores are the real numbers among the three, wherever a reader returns them.
    """
    answer = beam_step(total, log_p, width)
    if (
        not isinstance(answer, tuple | list)
        or len(answer) != 3
        or not all(isinstance(part, Tensor) and part.ndim == 1 for part in answer)
        or len({len(part) for part in answer}) > 1
    ):
        return answer
    scores = [part for part in answer if part.is_floating_point()]
    if len(scores) != 1:
        return answer
    tie = [0]  # the number of each one's run of equal scores
    for before, now in pairwise(scores[0].tolist()):
        tie.append(tie[-1] + (abs(before - now) > 1e-6))
    others = [part.tolist() for part in answer if not part.is_floating_point()]

    def place(i: int) -> tuple[Any, ...]:
        numbers = [other[i] for other in others]
        return tie[i], sorted(numbers), numbers

    at = sorted(range(len(tie)), key=place)
    return tuple(part if part is scores[0] else part[at] for part in answer)


beam_step = Exercise(
    reference=_step,
    cases=_step_cases,
    call=_equal_in_order,
    returns=["rows", "words", "best"],
    mistakes=[
        (
            _by_scores(lambda total, log_p: log_p),
            "You forget how probable the beginnings were. A good word after a bad beginning is "
            "not a good phrase: where does `total` come in?",
        ),
        *(
            (
                partial(_step_late, ordered=ordered),
                "You choose first and add `total` afterwards, so a bad beginning has as good a "
                "chance as a good one. Choose by the sums.",
            )
            for ordered in (False, True)
        ),
        (
            _by_scores(lambda total, log_p: total[:, None] * log_p),
            "You multiply logarithms. Probabilities are multiplied; their logarithms are added.",
        ),
        (
            _by_scores(lambda total, log_p: (total[:, None] + log_p).exp()),
            "You give probabilities. The right ones, but log-probabilities were asked for: after "
            "many words the product is too small for a float.",
        ),
        (
            _by_scores(lambda total, log_p: total[:, None] + log_p.exp()),
            "You add a probability to a logarithm. `log_p` are logarithms already: no `exp`.",
        ),
        (
            then(_step, lambda rows, words, best: (words, rows, best)),
            "You have rows and words the wrong way round. In a flattened (k, v), which of `//` and "
            "`%` gives the row?",
        ),
        (
            _by_scores(lambda total, log_p: total + log_p),
            "`total` is (k,) and `log_p` is (k, v): added as they are, `total` runs along the "
            "words. Make a column of it, `total[:, None]`.",
        ),
        (
            _step_narrow,
            "You take `width` words of each beginning first. `width` may be larger than the number "
            "of words. Let all k · v continuations compete at once.",
        ),
        (
            _step_by_index,
            "`index`, or a search by `==`, finds the first of equal scores only. `topk` gives the "
            "positions as well: `.indices`.",
        ),
        (
            _step_of_rows,
            "`topk` works along the last dimension, so you take `width` words of each beginning. "
            "Flatten the scores: all k · v continuations compete at once.",
        ),
        (
            _step_as_they_stand,
            "You have the right ones, but in the order in which they stand in `log_p`. The best "
            "comes first.",
        ),
        (
            lambda total, log_p, width: _step(total, log_p, len(total)),
            "You keep as many as there were beginnings. Keep `width`.",
        ),
        (
            _step_wrapped,
            "You divide by the number of beginnings. A row of the flattened scores has as many "
            "positions as there are words.",
        ),
        (
            _step_each,
            "You continue every beginning once. All may come from the same beginning, if they "
            "are the best.",
        ),
        (
            _step_each_word,
            "You let every word come once. Two beginnings may go on with the same word, if both "
            "are among the best.",
        ),
        (
            _step_first,
            "You continue only the best beginning. Another one may overtake it: that is what the "
            "beam is for.",
        ),
        (
            given(_step, log_p=lambda log_p: -log_p),
            "You take the least probable words. Has a sign slipped in?",
        ),
        (
            _by_scores(lambda total, log_p: (total[:, None] + log_p).softmax(dim=1)),
            "You take a softmax, which makes all rows equally probable, and gives probabilities "
            "where log-probabilities were asked for.",
        ),
        (
            _step_least,
            "You take the least probable ones. `sort` and `argsort` begin with the smallest, "
            "unless you say `descending=True`.",
        ),
        (
            _step_last_word,
            "You have chosen the right ones, but `best` lacks `total`. It is the log-probability "
            "of the whole continuation, not of its last word.",
        ),
        (
            _step_flat_rows,
            "Your rows are positions in the flattened scores. `//` makes rows of them.",
        ),
        (
            _step_flat_words,
            "Your words are positions in the flattened scores. `%` makes words of them.",
        ),
        (
            then(_step, lambda *parts: tuple(part.flip(0) for part in parts)),
            "Yours are in rising order. The best comes first.",
        ),
        (
            given(_step, width=lambda width: 1),
            "You keep one. That is greedy search; keep `width`.",
        ),
    ],
)
