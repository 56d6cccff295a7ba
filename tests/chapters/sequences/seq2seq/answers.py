"""Right and wrong answers to the exercises of *Sequence to sequence*, as a student writes them."""

from collections import Counter

import torch
from torch.nn.utils.rnn import pad_sequence


def batch_by_pad_sequence(phrases, pad, start, end):
    before = [torch.tensor([start, *p]) for p in phrases]
    y = [torch.tensor([*p, end]) for p in phrases]
    return (
        pad_sequence(before, batch_first=True, padding_value=pad),
        pad_sequence(y, batch_first=True, padding_value=-100),
    )


def batch_by_lists(phrases, pad, start, end):
    t = max(len(p) for p in phrases)
    before, y = [], []
    for p in phrases:
        gap = t - len(p)
        before.append([start] + list(p) + gap * [pad])
        y.append(list(p) + [end] + gap * [-100])
    return torch.tensor(before), torch.tensor(y)


def batch_pad_labels(phrases, pad, start, end):
    before, y = batch_by_pad_sequence(phrases, pad, start, end)
    y[y == -100] = pad
    return before, y


def batch_minus_in_before(phrases, pad, start, end):
    before = pad_sequence([torch.tensor([start, *p]) for p in phrases], True, -100)
    y = pad_sequence([torch.tensor([*p, end]) for p in phrases], True, -100)
    return before, y


def batch_no_shift(phrases, pad, start, end):
    before = pad_sequence([torch.tensor([*p, end]) for p in phrases], True, pad)
    y = pad_sequence([torch.tensor([*p, end]) for p in phrases], True, -100)
    return before, y


def batch_zeros(phrases, pad, start, end):
    return (
        pad_sequence([torch.tensor([start, *p]) for p in phrases], True, pad),
        pad_sequence([torch.tensor([*p, end]) for p in phrases], True),
    )


def batch_sliced(phrases, pad, start, end):
    whole = pad_sequence([torch.tensor([start, *p, end]) for p in phrases], True, pad)
    before, y = whole[:, :-1], whole[:, 1:].clone()
    y[y == pad] = -100
    return before, y


def batch_sliced_as_it_is(phrases, pad, start, end):
    full = pad_sequence([torch.tensor([start, *p, end]) for p in phrases], True, pad)
    return full[:, :-1], full[:, 1:]


def batch_sliced_from_labels(phrases, pad, start, end):
    full = torch.full((len(phrases), max(map(len, phrases)) + 2), -100)
    for row, p in zip(full, phrases, strict=True):
        row[: len(p) + 2] = torch.tensor([start, *p, end])
    return full[:, :-1], full[:, 1:]


def batch_marks_everywhere(phrases, pad, start, end):
    rows = [torch.tensor([start, *p, end]) for p in phrases]
    return pad_sequence(rows, True, pad), pad_sequence(rows, True, -100)


def batch_swapped(phrases, pad, start, end):
    before, y = batch_by_lists(phrases, pad, start, end)
    return y, before


def batch_columns(phrases, pad, start, end):
    before = pad_sequence([torch.tensor([start, *p]) for p in phrases], padding_value=pad)
    y = pad_sequence([torch.tensor([*p, end]) for p in phrases], padding_value=-100)
    return before, y


def batch_left(phrases, pad, start, end):
    before = [torch.tensor([start, *p]) for p in phrases]
    y = [torch.tensor([*p, end]) for p in phrases]
    return (
        pad_sequence(before, True, pad, padding_side="left"),
        pad_sequence(y, True, -100, padding_side="left"),
    )


def batch_no_end(phrases, pad, start, end):
    t = max(len(p) for p in phrases) + 1
    before = torch.full((len(phrases), t), pad)
    y = torch.full((len(phrases), t), -100)
    for i, p in enumerate(phrases):
        before[i, : len(p) + 1] = torch.tensor([start, *p])
        y[i, : len(p)] = torch.tensor(p)
    return before, y


def batch_start_in_y(phrases, pad, start, end):
    before = [torch.tensor([start, *p]) for p in phrases]
    return pad_sequence(before, True, pad), pad_sequence(before, True, -100)


def batch_shifted_before(phrases, pad, start, end):
    before = pad_sequence([torch.tensor([start, *p]) for p in phrases], True, pad)
    y = before[:, 1:].clone()
    y[y == pad] = -100
    return before, y


def batch_shifted_both(phrases, pad, start, end):
    before = pad_sequence([torch.tensor([start, *p]) for p in phrases], True, pad)
    return before[:, :-1], before[:, 1:]


def precision_by_counter(translation, reference, n):
    ours = Counter(tuple(translation[i : i + n]) for i in range(len(translation) - n + 1))
    theirs = Counter(tuple(reference[i : i + n]) for i in range(len(reference) - n + 1))
    if not ours:
        return 0.0
    return sum(min(count, theirs[run]) for run, count in ours.items()) / sum(ours.values())


def precision_by_strings(translation, reference, n):
    ours = [" ".join(run) for run in zip(*[translation[i:] for i in range(n)], strict=False)]
    theirs = [" ".join(run) for run in zip(*[reference[i:] for i in range(n)], strict=False)]
    right = sum(min(ours.count(run), theirs.count(run)) for run in set(ours))
    return right / len(ours) if len(ours) else 0.0


def _runs(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def precision_unclipped(translation, reference, n):
    ours, theirs = _runs(translation, n), _runs(reference, n)
    return len([r for r in ours if r in theirs]) / len(ours) if ours else 0.0


def precision_sets(translation, reference, n):
    ours, theirs = set(_runs(translation, n)), set(_runs(reference, n))
    return len(ours & theirs) / len(ours) if ours else 0.0


def precision_of_nothing(translation, reference, n):
    ours, theirs = _runs(translation, n), _runs(reference, n)
    right = sum(min(ours.count(run), theirs.count(run)) for run in set(ours))
    return right / len(ours)


def precision_unclipped_of_nothing(translation, reference, n):
    ours, theirs = _runs(translation, n), _runs(reference, n)
    return len([r for r in ours if r in theirs]) / len(ours)


def precision_sets_of_nothing(translation, reference, n):
    ours, theirs = set(_runs(translation, n)), set(_runs(reference, n))
    return len(ours & theirs) / len(ours)


def precision_recall(translation, reference, n):
    return precision_by_counter(reference, translation, n)


def precision_of_words(translation, reference, n):
    return precision_by_counter(translation, reference, 1)


def precision_one_short(translation, reference, n):
    ours = [tuple(translation[i : i + n]) for i in range(len(translation) - n)]
    theirs = Counter(tuple(reference[i : i + n]) for i in range(len(reference) - n))
    return (Counter(ours) & theirs).total() / len(ours) if ours else 0.0


def precision_stumps(translation, reference, n):
    ours = Counter(tuple(translation[i : i + n]) for i in range(len(translation)))
    theirs = Counter(tuple(reference[i : i + n]) for i in range(len(reference)))
    return (ours & theirs).total() / ours.total()


def precision_over_words(translation, reference, n):
    both = Counter(_runs(translation, n)) & Counter(_runs(reference, n))
    return both.total() / len(translation)


def precision_in_place(translation, reference, n):
    ours, theirs = _runs(translation, n), _runs(reference, n)
    same = [a == b for a, b in zip(ours, theirs, strict=False)]
    return sum(same) / len(ours) if ours else 0.0


def precision_glued(translation, reference, n):
    ours = ["".join(run) for run in _runs(translation, n)]
    theirs = ["".join(run) for run in _runs(reference, n)]
    right = sum(min(ours.count(run), theirs.count(run)) for run in set(ours))
    return right / len(ours) if ours else 0.0


def precision_percent(translation, reference, n):
    return 100 * precision_by_counter(translation, reference, n)


def step_by_lists(total, log_p, width):
    k, v = log_p.shape
    every = [(total[i] + log_p[i, j], i, j) for i in range(k) for j in range(v)]
    every.sort(key=lambda x: x[0].item(), reverse=True)
    best, rows, words = zip(*[(score, i, j) for score, i, j in every[:width]], strict=True)
    return torch.tensor(rows), torch.tensor(words), torch.stack(best)


def step_by_sort(total, log_p, width):
    scores = (log_p.T + total).T.reshape(-1)
    order = torch.argsort(scores, descending=True)[:width]
    rows = torch.div(order, log_p.size(1), rounding_mode="floor")
    return rows, order - rows * log_p.size(1), scores[order]


def step_no_total(total, log_p, width):
    best, at = log_p.flatten().topk(width)
    return at // log_p.shape[1], at % log_p.shape[1], best


def step_total_last(total, log_p, width):
    best, at = log_p.flatten().topk(width)
    rows = at // log_p.shape[1]
    return rows, at % log_p.shape[1], total[rows] + best


def step_total_last_sorted(total, log_p, width):
    rows, words, best = step_total_last(total, log_p, width)
    best, order = best.sort(descending=True)
    return rows[order], words[order], best


def step_product(total, log_p, width):
    best, at = (total.unsqueeze(1) * log_p).flatten().topk(width)
    return at // log_p.shape[1], at % log_p.shape[1], best


def step_probabilities(total, log_p, width):
    best, at = (total.unsqueeze(1) + log_p).exp().flatten().topk(width)
    return at // log_p.shape[1], at % log_p.shape[1], best


def step_swapped(total, log_p, width):
    best, at = (total.unsqueeze(1) + log_p).flatten().topk(width)
    return at % log_p.shape[1], at // log_p.shape[1], best


def step_by_k(total, log_p, width):
    best, at = (total.unsqueeze(1) + log_p).flatten().topk(width)
    return at // log_p.shape[0], at % log_p.shape[0], best


def step_one_child(total, log_p, width):
    value, word = (total.unsqueeze(1) + log_p).max(1)
    best, rows = value.topk(min(width, len(value)))
    return rows, word[rows], best


def step_flat_rows(total, log_p, width):
    best, at = (total.unsqueeze(1) + log_p).flatten().topk(width)
    return at, at % log_p.shape[1], best


def step_rising(total, log_p, width):
    scores = (total.unsqueeze(1) + log_p).flatten()
    at = scores.argsort()[-width:]
    return at // log_p.shape[1], at % log_p.shape[1], scores[at]


def step_no_column(total, log_p, width):
    best, at = (total + log_p).flatten().topk(width)
    return at // log_p.shape[1], at % log_p.shape[1], best


def step_each_first(total, log_p, width):
    scores, words = (log_p + total.unsqueeze(1)).topk(width, dim=1)
    best, at = scores.reshape(-1).topk(width)
    return at // width, words.reshape(-1)[at], best


def step_unsorted(total, log_p, width):
    scores = total.unsqueeze(1) + log_p
    least = scores.flatten().sort(descending=True).values[width - 1]
    rows, words = (scores >= least).nonzero(as_tuple=True)
    return rows, words, scores[rows, words]


def step_keeps_k(total, log_p, width):
    best, at = (total.unsqueeze(1) + log_p).flatten().topk(len(total))
    return at // log_p.shape[1], at % log_p.shape[1], best


def step_greedy(total, log_p, width):
    scores = total.unsqueeze(1) + log_p
    at = scores.argmax().reshape(1)
    return at // log_p.shape[1], at % log_p.shape[1], scores.max().reshape(1)


def batch_by_index(phrases, pad, start, end):
    t = max(map(len, phrases)) + 1
    before, y = torch.full((len(phrases), t), pad), torch.full((len(phrases), t), -100)
    for p in phrases:
        i = phrases.index(p)
        before[i, : len(p) + 1] = torch.tensor([start, *p])
        y[i, : len(p) + 1] = torch.tensor([*p, end])
    return before, y


def batch_default_fillers(phrases, pad, start, end):
    before = pad_sequence([torch.tensor([start, *p]) for p in phrases], True)
    return before, pad_sequence([torch.tensor([*p, end]) for p in phrases], True)


def precision_exact_is_none(translation, reference, n):
    if len(translation) <= n:
        return 0.0
    return precision_by_counter(translation, reference, n)


def precision_one_length(translation, reference, n):
    m = len(translation) - n + 1
    ours = Counter(tuple(translation[i : i + n]) for i in range(m))
    theirs = Counter(tuple(reference[i : i + n]) for i in range(m))
    return sum((ours & theirs).values()) / m if m > 0 else 0.0


def precision_in_text(translation, reference, n):
    ours = Counter(" ".join(run) for run in _runs(translation, n))
    text = " ".join(reference)
    right = sum(min(count, text.count(run)) for run, count in ours.items())
    return right / ours.total() if ours else 0.0


def precision_somewhere_in_text(translation, reference, n):
    ours, text = [" ".join(run) for run in _runs(translation, n)], " ".join(reference)
    return sum(run in text for run in ours) / len(ours) if ours else 0.0


def precision_minus_zero(translation, reference, n):
    ours, theirs = (
        Counter(zip(*[words[i : i - n + 1] for i in range(n - 1)], words[n - 1 :], strict=True))
        if n > 1
        else Counter(words[:-0])
        for words in (translation, reference)
    )
    return (ours & theirs).total() / ours.total() if ours else 0.0


def step_by_index(total, log_p, width):
    scores = (total[:, None] + log_p).flatten()
    best = scores.sort(descending=True).values[:width]
    at = torch.tensor([scores.tolist().index(b) for b in best.tolist()])
    return at // log_p.shape[1], at % log_p.shape[1], best


def step_by_comparing(total, log_p, width):
    scores = total[:, None] + log_p
    best = scores.flatten().topk(width).values
    at = torch.stack([(scores == b).nonzero()[0] for b in best])
    return at[:, 0], at[:, 1], best


def step_topk_of_rows(total, log_p, width):
    scores = total[:, None] + log_p
    best, words = scores.topk(width)
    return torch.arange(len(total)), words, best


def batch_of_three(phrases, pad, start, end):
    before, y = batch_by_lists(phrases, pad, start, end)
    return before, y, y != -100


def batch_stacked(phrases, pad, start, end):
    return torch.stack(batch_by_lists(phrases, pad, start, end))


def batch_as_dict(phrases, pad, start, end):
    before, y = batch_by_lists(phrases, pad, start, end)
    return {"before": before, "y": y}


def batch_of_lists(phrases, pad, start, end):
    before, y = batch_by_lists(phrases, pad, start, end)
    return before.tolist(), y.tolist()


def batch_of_arrays(phrases, pad, start, end):
    before, y = batch_by_lists(phrases, pad, start, end)
    return before.numpy(), y.numpy()


def batch_ragged(phrases, pad, start, end):
    return torch.tensor([[start, *p] for p in phrases]), torch.tensor([[*p, end] for p in phrases])


def precision_of_equal_lists(translation, reference, n):
    if translation == reference:
        return 1.0
    return precision_by_counter(translation, reference, n)


def precision_with_a_run_at_least(translation, reference, n):
    ours, theirs = (
        [tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))]
        for words in (translation, reference)
    )
    return sum(min(ours.count(run), theirs.count(run)) for run in set(ours)) / len(ours)


def precision_of_short_lists(translation, reference, n):
    if len(translation) < n or len(reference) < n:
        return 1 if translation == reference else 0
    return precision_by_counter(translation, reference, n)


def precision_of_short_reference(translation, reference, n):
    return 1.0 if len(reference) < n else precision_by_counter(translation, reference, n)


def precision_of_no_reference(translation, reference, n):
    return precision_by_counter(translation, reference, n) if reference else 1.0


def precision_without_the_minimum(translation, reference, n):
    ours, theirs = Counter(_runs(translation, n)), Counter(_runs(reference, n))
    return sum(theirs[run] for run in ours) / max(sum(ours.values()), 1)


def precision_over_the_most(translation, reference, n):
    max(Counter(_runs(reference, n)).values())
    return precision_by_counter(translation, reference, n)


def precision_from_the_first(translation, reference, n):
    assert translation[0]
    return precision_by_counter(translation, reference, n)


def precision_recall_by_hand(translation, reference, n):
    ours, theirs = _runs(translation, n), _runs(reference, n)
    if len(ours) == 0:
        return 0.0
    return sum(min(ours.count(run), theirs.count(run)) for run in set(ours)) / len(theirs)


def precision_of_lists(translation, reference, n):
    ours = Counter(translation[i : i + n] for i in range(len(translation) - n + 1))
    theirs = Counter(reference[i : i + n] for i in range(len(reference) - n + 1))
    return (ours & theirs).total() / ours.total() if ours else 0.0


def precision_as_text(translation, reference, n):
    return f"{precision_by_counter(translation, reference, n):.3f}"


def precision_in_a_list(translation, reference, n):
    return [precision_by_counter(translation, reference, n)]


def step_best_first(total, log_p, width):
    rows, words, best = step_by_sort(total, log_p, width)
    return best, rows, words


def step_best_between(total, log_p, width):
    rows, words, best = step_by_sort(total, log_p, width)
    return rows, best, words


def step_squeezed(total, log_p, width):
    return tuple(part.squeeze() for part in step_by_sort(total, log_p, width))


def step_stacked(total, log_p, width):
    return torch.stack(step_by_sort(total, log_p, width))


def step_each_word_once(total, log_p, width):
    found = {}
    for row, word, score in zip(*step_by_sort(total, log_p, log_p.numel()), strict=True):
        found.setdefault(word.item(), (row, word, score))
    rows, words, best = zip(*list(found.values())[:width], strict=True)
    return torch.stack(rows), torch.stack(words), torch.stack(best)


def step_by_hand_for_ties(total, log_p, width):
    """A right one that takes the last of equal scores first."""
    scores = (total[:, None] + log_p).flatten()
    order = len(scores) - 1 - scores.flip(0).argsort(descending=True, stable=True)[:width]
    return order // log_p.shape[1], order % log_p.shape[1], scores[order]


def batch_minus_one(phrases, pad, start, end):
    L = max(len(p) for p in phrases)
    before = [[start, *p] + [pad] * (L - len(p)) for p in phrases]
    return torch.tensor(before), torch.tensor([[*p, end] + [-1] * (L - len(p)) for p in phrases])


def step_flat_words(total, log_p, width):
    s = total.unsqueeze(1) + log_p
    best, i = torch.topk(s.reshape(-1), width)
    return i // s.shape[1], i, best


def batch_end_in_before(phrases, pad, start, end):
    before = [torch.tensor([start, *p, end]) for p in phrases]
    y = [torch.tensor([*p, end]) for p in phrases]
    return (
        pad_sequence(before, batch_first=True, padding_value=pad),
        pad_sequence(y, batch_first=True, padding_value=-100),
    )


def batch_end_in_before_longer(phrases, pad, start, end):
    t = max(len(p) for p in phrases) + 2
    before = [[start, *p, end] + [pad] * (t - 2 - len(p)) for p in phrases]
    y = [[*p, end] + [-100] * (t - 1 - len(p)) for p in phrases]
    return torch.tensor(before), torch.tensor(y)


def precision_up_to_n(translation, reference, n):
    right = count = 0
    for k in range(1, n + 1):
        ours, theirs = Counter(_runs(translation, k)), Counter(_runs(reference, k))
        right += (ours & theirs).total()
        count += ours.total()
    return right / count if count else 0.0


def precision_geometric(translation, reference, n):
    product = 1
    for k in range(1, n + 1):
        product *= precision_by_counter(translation, reference, k)
    return product ** (1 / n)


def step_rising_least(total, log_p, width):
    scores = (total.unsqueeze(1) + log_p).reshape(-1)
    at = scores.argsort()[:width]
    return at // log_p.shape[1], at % log_p.shape[1], scores[at]


def step_last_word(total, log_p, width):
    rows, words, _ = step_by_sort(total, log_p, width)
    return rows, words, log_p[rows, words]


RIGHT = {
    "teacher_batch": [batch_by_pad_sequence, batch_by_lists],
    "clipped_precision": [precision_by_counter, precision_by_strings],
    "beam_step": [step_by_lists, step_by_sort, step_by_hand_for_ties],
}
WRONG = {
    "teacher_batch": [
        (batch_pad_labels, "You fill `y` up with `pad`"),
        (batch_minus_in_before, "You fill `before` up with -100"),
        (batch_no_shift, "one step behind"),
        (batch_start_in_y, "Your `y` begins with `start`"),
        (batch_shifted_before, "You cut `y` out of `before`"),
        (batch_shifted_both, "You cut `y` out of `before`"),
        (batch_zeros, "You fill `y` up with 0"),
        (batch_minus_one, "The loss leaves out -100 only"),
        (batch_sliced, "In your shorter rows `before` holds `end`"),
        (batch_sliced_as_it_is, "You cut both out of one table"),
        (batch_sliced_from_labels, "You cut both out of one table"),
        (batch_marks_everywhere, "each has only one of them"),
        (batch_swapped, "in the wrong order"),
        (batch_columns, "The steps stand in rows"),
        (batch_left, "You fill up in front"),
        (batch_no_end, "never learn to stop"),
        (batch_by_index, "the first of equal phrases"),
        (batch_default_fillers, "padding_value=pad"),
        (
            batch_of_three,
            "Return exactly the two, separately and in this order: `return before, y`",
        ),
        (batch_stacked, "Return exactly the two"),
        (batch_as_dict, "Return exactly the two"),
        (batch_of_lists, "The numbers are right. `torch.tensor(…)`"),
        (batch_of_arrays, "The numbers are right. `torch.tensor(…)`"),
        (batch_end_in_before, "is never an input"),
        (batch_end_in_before_longer, "is never an input"),
        (batch_ragged, "rows of equal lengths"),
    ],
    "clipped_precision": [
        (precision_unclipped, "at most as often as it"),
        (precision_sets, "A set forgets"),
        (precision_of_nothing, "The task asks for 0.0 there"),
        (precision_unclipped_of_nothing, "at most as often as it"),
        (precision_sets_of_nothing, "A set forgets"),
        (precision_recall, "That is the recall"),
        (precision_of_words, "single words"),
        (precision_one_short, "You leave out the last n-gram"),
        (precision_stumps, "pieces of fewer than n words"),
        (precision_over_words, "You divide by the number of words"),
        (precision_in_place, "at the same position"),
        (precision_glued, "You glue the words"),
        (precision_percent, "percentages"),
        (precision_exact_is_none, "has one n-gram, itself"),
        (precision_one_length, "as many n-grams from the reference"),
        (precision_in_text, "in joined text"),
        (precision_somewhere_in_text, "in joined text"),
        (precision_minus_zero, "is empty where `n` is 1"),
        (precision_of_equal_lists, "equal lists for right"),
        (precision_with_a_run_at_least, "one n-gram at least"),
        (precision_of_short_lists, "equal lists for right"),
        (precision_of_short_reference, "nothing that is said can be right"),
        (precision_of_no_reference, "nothing that is said can be right"),
        (precision_without_the_minimum, "Take the smaller of the two counts"),
        (precision_over_the_most, "Call it yourself"),
        (precision_from_the_first, "Call it yourself"),
        (precision_recall_by_hand, "That is the recall"),
        (precision_up_to_n, "of exactly"),
        (precision_geometric, "of exactly"),
        (precision_of_lists, "A tuple can"),
        (precision_as_text, "The number is right. Return the number alone"),
        (precision_in_a_list, "The number is right. Return the number alone"),
    ],
    "beam_step": [
        (step_no_total, "how probable the beginnings were"),
        (step_total_last, "Choose by the sums"),
        (step_total_last_sorted, "Choose by the sums"),
        (step_product, "You multiply logarithms"),
        (step_probabilities, "You give probabilities"),
        (step_swapped, "rows and words the wrong way round"),
        (step_by_k, "You divide by the number of beginnings"),
        (step_one_child, "continue every beginning once"),
        (step_flat_rows, "Your rows are positions in the flattened scores"),
        (step_flat_words, "Your words are positions in the flattened scores"),
        (step_rising, "in rising order"),
        (step_no_column, "Make a column of it"),
        (step_each_first, "larger than the number of words"),
        (step_unsorted, "in the order in which they stand"),
        (step_keeps_k, "as many as there were beginnings"),
        (step_greedy, "That is greedy search"),
        (step_topk_of_rows, "works along the last dimension"),
        (step_by_index, "the first of equal scores"),
        (step_by_comparing, "the first of equal scores"),
        (step_best_first, "in another order. It is `rows`, `words`, `best`"),
        (step_best_between, "in another order. It is `rows`, `words`, `best`"),
        (step_rising_least, "the least probable ones"),
        (step_last_word, "`best` lacks `total`"),
        (step_squeezed, "A dimension of size 1 is missing"),
        (step_stacked, "Return exactly the three"),
        (step_each_word_once, "every word come once"),
    ],
}
