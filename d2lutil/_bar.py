"""The progress bar of `fit`: shown while it trains, gone afterwards."""

from __future__ import annotations

import os
import time

LOOK_EVERY = 0.5  # seconds; reading a loss makes us wait for the device, so do it rarely


class Bar:
    """A bar over `steps` steps in all, which a run that is over within `LOOK_EVERY` never shows."""

    def __init__(self, steps: int, progress: bool) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(
            total=steps,
            leave=False,
            dynamic_ncols=True,
            delay=LOOK_EVERY,
            bar_format="{desc} {percentage:3.0f}% {bar} {remaining} left{postfix}",
            disable=not progress or os.environ.get("TQDM_DISABLE", "0") not in ("", "0"),
        )
        self._next = time.perf_counter() + LOOK_EVERY

    def due(self) -> bool:
        """Is it time to look at what was measured?"""
        return time.perf_counter() > self._next

    def show(self, title: str, step: int, measured: dict[str, float]) -> None:
        """Show how far we are, and what was measured."""
        self._bar.set_description_str(title, refresh=False)
        self._bar.set_postfix(measured, refresh=False)
        self._bar.update(step - self._bar.n)
        self._next = time.perf_counter() + LOOK_EVERY

    def close(self) -> None:
        """Take it away."""
        self._bar.close()
