"""Wrong answers made of right ones, for the mistakes that exercises know."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def given(answer: Callable[..., Any], **changes: Callable[[Any], Any]) -> Callable[..., Any]:
    """An answer that changes some of its arguments before it uses them.

    >>> given(lambda a, b: a - b, b=abs)(1, -2)
    -1
    """
    names = list(inspect.signature(answer).parameters)

    def wrong(*arguments: Any) -> Any:
        changed = zip(names, arguments, strict=False)  # some may have defaults
        return answer(*(changes[n](value) if n in changes else value for n, value in changed))

    return wrong


def then(answer: Callable[..., Any], change: Callable[..., Any]) -> Callable[..., Any]:
    """An answer that is changed at the end; of several values, each is one of the parameters.

    >>> then(lambda a, b: (a, b), lambda first, second: (second, first))(1, 2)
    (2, 1)
    """

    def wrong(*arguments: Any) -> Any:
        value = answer(*arguments)
        return change(*value) if isinstance(value, tuple) else change(value)

    return wrong
