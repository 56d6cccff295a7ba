"""Words and characters as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

UNKNOWN = "<unk>"


class Vocabulary:
    """The tokens that a model knows, each with a number from 0 on.

    Number 0 is `<unk>`, for whatever is not known; then come `special` tokens in their order, then
    the others, the most frequent ones first, and in order of the alphabet where they are equally
    frequent. A token is any string: a character or a word. `tokens` are those of a text; those that
    occur less than `min_count` times are not known.

    >>> vocabulary = Vocabulary("to be or not to be")
    >>> vocabulary.decode(vocabulary.encode("tea"))
    ['t', 'e', '<unk>']
    """

    def __init__(
        self, tokens: Iterable[str], *, special: Sequence[str] = (), min_count: int = 1
    ) -> None:
        counts = Counter(tokens)
        bad = next((token for token in counts if not isinstance(token, str)), None)
        if bad is not None:
            raise TypeError(f"tokens must be strings, not {bad!r}")
        first = [UNKNOWN, *special]
        if len(set(first)) < len(first):
            raise ValueError(f"special must be different tokens other than {UNKNOWN}: {special!r}")
        known = [token for token, n in counts.items() if n >= min_count and token not in first]
        self.tokens = [*first, *sorted(known, key=lambda token: (-counts[token], token))]
        self._ids = {token: i for i, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __getitem__(self, token: str) -> int:
        """The number of a token, 0 where it is not known."""
        return self._ids.get(token, 0)

    def encode(self, tokens: Iterable[str]) -> Tensor:
        """The numbers of n tokens: (n,) int64."""
        return torch.tensor([self[token] for token in tokens], dtype=torch.int64)

    def decode(self, ids: Tensor | Iterable[int]) -> list[str]:
        """The tokens of these numbers, (n,). A number that is none of ours is a `ValueError`."""
        numbers = ids.tolist() if isinstance(ids, Tensor) else list(ids)
        bad = [i for i in numbers if not 0 <= i < len(self)]
        if bad:
            raise ValueError(f"ids must be from 0 to {len(self) - 1}; among them is {bad[0]}")
        return [self.tokens[i] for i in numbers]
