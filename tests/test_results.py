"""What the chapters measured: each number that the text leans on, within its bounds."""

from __future__ import annotations

import pytest
from conftest import ROOT

from _ext.execute import glued

BOUNDS = {
    "foundations/perceptron": {
        "digit_accuracy": (94, 100),
        "digit_mistakes": (100, 2000),
        "bound_slack": (0, 100),
        "xor_linear": (50, 75),
        "xor_relu": (8, 10),
    },
    "foundations/linear-regression": {
        "car_rmse": (2, 4),
        "car_guess": (7, 9),
        "train_4": (0, 1),
        "test_4": (6, 1e6),
    },
    "foundations/mlp": {
        "digit_accuracy": (93, 100),
        "per_doubling": (0.4, 0.6),
        "sigmoid_3_best": (5, 80),
        "ReLU_1_best": (90, 100),
        "ReLU_3_best": (88, 100),
        "sigmoid_slope": (50, 1e6),
        "ReLU_slope": (0.1, 20),
    },
    "sequences/rnn": {
        "elman_2": (12, 12),
        "elman_3": (32, 32),
        "jordan_2": (20, 20),
        "push": (361, 362),
        "wall_gradient": (320, 324),
        "held_best": (0, 0.01),
        "trigram_perplexity": (6, 8),
        "rnn_perplexity": (3.5, 4.9),
        "best_n": (5, 5),
        "arrives_10": (0.1, 15),
        "lack_10": (0.1, 15),
        "lack_50": (0, 0.1),
        "moved_1": (40, 90),
        "moved_12": (0.05, 8),
        "first_letter": (3.5, 5.5),
        "fifth_letter": (0.5, 1.8),
        "end_clipped_3": (1.5, 3),
        "end_free_3": (3, 40),
    },
}


@pytest.mark.parametrize(
    ("chapter", "name", "bounds"),
    [(chapter, name, bounds) for chapter, all_ in BOUNDS.items() for name, bounds in all_.items()],
)
def test_measured(book, chapter, name, bounds):
    low, high = bounds
    assert low <= float(glued(ROOT / f"chapters/{chapter}.md")[name]) <= high
