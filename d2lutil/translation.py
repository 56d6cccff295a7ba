"""Translation: phrases as tensors, the search for the best one, and how good the result is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from math import exp, log
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from d2lutil._arguments import check_number
from d2lutil.data import Phrases
from d2lutil.text import Vocabulary
from d2lutil.training import NO_LABEL, Pair

PAD, START, END = "<pad>", "<start>", "<end>"

Words = Sequence[str]
HAN = "\u3400-\u9fff"
TOKEN = re.compile(rf"[{HAN}]|[^\W{HAN}]+'?|[^\w\s]")


def words(text: str) -> list[str]:
    """A sentence as a list of tokens: words, marks, and single Chinese characters, in lower case.

    A word ends behind an apostrophe, as *l'* does in French. The tokens joined by spaces and taken
    apart again are the same.

    >>> words("Échec de l'envoi.")
    ['échec', 'de', "l'", 'envoi', '.']
    >>> words("无法获取 Git 暂存")
    ['无', '法', '获', '取', 'git', '暂', '存']
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, not {text!r}")
    return TOKEN.findall(text.lower().replace("’", "'"))


def vocabularies(phrases: Phrases) -> tuple[Vocabulary, Vocabulary]:
    """The words of both languages, each with `<pad>`, `<start>` and `<end>`.

    `phrases` are pairs (source, target) of lists of words, as `data.number_words` has them.

    >>> english, french = vocabularies([(["four"], ["quatre"])])
    >>> french.tokens
    ['<unk>', '<pad>', '<start>', '<end>', 'quatre']
    """
    _check_phrases(phrases)
    sides = zip(*phrases, strict=True)
    source, target = (Vocabulary(chain(*s), special=(PAD, START, END)) for s in sides)
    return source, target


def tensors(phrases: Phrases, source: Vocabulary, target: Vocabulary) -> Pair:
    """Phrases as inputs and labels for `fit`: ((X, before), y), each (n, length of the longest).

    A row of X holds a source phrase and `<end>`; of `before`, `<start>` and the target phrase; of
    y, the target phrase and `<end>`: what has to follow each word of `before`. Shorter phrases are
    filled up, with `<pad>` in X and `before`, and in y with -100, which `fit` does not count.
    Taught in the chapter *Sequence to sequence*.

    >>> english, french = vocabularies([(["four"], ["quatre"])])
    >>> tensors([(["four"], ["quatre"])], english, french)
    ((tensor([[4, 3]]), tensor([[2, 4]])), tensor([[4, 3]]))
    """
    _check_phrases(phrases)
    X = [source.encode([*words, END]) for words, _ in phrases]
    before = [target.encode([START, *words]) for _, words in phrases]
    y = [target.encode([*words, END]) for _, words in phrases]
    return (
        (
            pad_sequence(X, batch_first=True, padding_value=source[PAD]),
            pad_sequence(before, batch_first=True, padding_value=target[PAD]),
        ),
        pad_sequence(y, batch_first=True, padding_value=NO_LABEL),
    )


def beam_search(
    model: nn.Module | Callable[[Tensor, Tensor], Tensor],
    X: Tensor,
    target: Vocabulary,
    *,
    width: int = 1,
    longest: int = 30,
    alpha: float = 0.0,
) -> list[list[str]]:
    """The best translation found of each source phrase in X (n, s), as a list of words.

    `model(X, before)` gives scores (n, words, t) for the word after each of `before` (n, t). A
    model with the methods `encode` and `step` does nothing twice: ``encode(X)`` gives a state
    (n, …), and ``step(state, word)`` the scores (n, words) after one more `word` (n,) and the next
    state. Of all beginnings, the `width` best are kept and continued, word after word, until each
    of them has ended or has `longest` words. The best has the highest log-probability, divided by
    its number of words to the power of `alpha`: 0 compares the probabilities themselves, which
    favours short translations, 1 their mean logarithm per word. A `width` of 1 is greedy search.

    Computes where X is, without gradients, and in the mode that the model is in.
    """
    for name, value in {"width": width, "longest": longest}.items():
        check_number(name, value, least=1, whole=True)
    check_number("alpha", alpha, least=0)
    if not isinstance(X, Tensor) or X.ndim != 2:
        raise TypeError("X must be a tensor (n, s) of source phrases")
    n, v, end = len(X), len(target), target[END]
    before = torch.full((n, 1, 1), target[START], device=X.device)  # (n, k, t)
    total = torch.zeros(n, 1, device=X.device)  # (n, k), log-probabilities
    advance = _Steps(model, X)
    rows = torch.arange(n, device=X.device)[:, None]  # (n, 1)
    for _ in range(longest):
        k = before.shape[1]
        log_p = advance(before).float().log_softmax(dim=1).view(n, k, v)
        ended = (before == end).any(dim=2)  # (n, k)
        log_p[ended] = -torch.inf
        log_p[..., end].masked_fill_(ended, 0.0)  # what has ended stays as it is
        longer = (total[..., None] + log_p).flatten(1)  # (n, k·v)
        said = (before[..., 1:] != end).sum(dim=2) + 1  # (n, k), words with this one or `<end>`
        mean = longer / (said.float() ** alpha).repeat_interleave(v, dim=1)
        at = mean.topk(min(width, k * v), dim=1).indices  # (n, k')
        total = longer.gather(1, at)
        before = torch.cat([before[rows, at // v], (at % v)[..., None]], dim=2)  # (n, k', t)
        advance.keep((rows * k + at // v).flatten())
        if (before == end).any(dim=2).all():
            break
    words = before[:, 0, 1:].tolist()  # the best stands first
    return [target.decode(ids[: ids.index(end)] if end in ids else ids) for ids in words]


class _Steps:
    """The scores of the next word of all beginnings: step by step if the model can, else anew."""

    def __init__(self, model: Any, X: Tensor) -> None:
        self.model, self.X = model, X
        self.cached = hasattr(model, "encode") and hasattr(model, "step")
        with torch.no_grad():
            self.state = model.encode(X) if self.cached else None

    def __call__(self, before: Tensor) -> Tensor:
        """Scores (n·k, v) after the beginnings (n, k, t)."""
        rows = before.flatten(0, 1)  # (n·k, t)
        with torch.no_grad():
            if not self.cached:
                X = self.X.repeat_interleave(before.shape[1], dim=0)
                return self.model(X, rows)[:, :, -1]
            z, self.state = self.model.step(self.state, rows[:, -1])
            return z

    def keep(self, rows: Tensor) -> None:
        """Go on from these beginnings, in this order; one may stand twice."""
        if self.cached:
            self.state = self.state[rows]


def bleu(translations: Sequence[Words], references: Sequence[Words], *, n: int = 4) -> float:
    """The BLEU score of translations, each against one reference: from 0 to 1.

    The geometric mean of the precisions of runs of 1, 2, …, `n` words, counted over all phrases
    together, times a penalty if the translations are shorter than the references. Source: Papineni
    and others, BLEU: a method for automatic evaluation of machine translation, 2002. Taught in the
    chapter *Sequence to sequence*.

    >>> bleu([["vingt", "et", "un"]], [["vingt", "et", "un"]], n=2)
    1.0
    """
    if len(translations) != len(references) or not len(references):
        raise ValueError(
            "translations and references must be as many, at least one; there are "
            f"{len(translations)} and {len(references)}"
        )
    if any(isinstance(words, str) for words in [*translations, *references]):
        raise TypeError("a translation is a list of words, not a string")
    logs = 0.0
    for size in range(1, n + 1):
        both = zip(translations, references, strict=True)
        pairs = [(_runs(t, size), _runs(r, size)) for t, r in both]
        right = sum((ours & theirs).total() for ours, theirs in pairs)
        if not right:
            return 0.0
        logs += log(right / sum(ours.total() for ours, _ in pairs)) / n
    ours, theirs = (sum(map(len, phrases)) for phrases in (translations, references))
    return exp(min(0.0, 1 - theirs / ours) + logs)


def _runs(words: Words, size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def _check_phrases(phrases: Phrases) -> None:
    bad = [pair for pair in phrases if len(pair) != 2 or any(isinstance(s, str) for s in pair)]
    if bad or not phrases:
        raise TypeError(
            "phrases must be pairs of lists of words, at least one; "
            + (f"among them is {bad[0]!r}" if bad else "there is none")
        )
