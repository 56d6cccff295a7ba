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
    "convolution/lenet": {
        "lenet_accuracy": (97, 100),
        "mlp_accuracy": (92, 96),
        "classic_accuracy": (93, 97.5),
        "lenet_shift_1": (93, 98),
        "lenet_shift_2": (75, 93),
        "lenet_shift_4": (25, 60),
        "lenet_shift_8": (5, 25),
        "mlp_shift_2": (50, 72),
        "mlp_shift_4": (10, 30),
        "next_cell_4": (0, 0.1),
        "same_cell_1": (0.2, 0.55),
        "cost_ratio": (3.9, 4.1),
        "pooling_mean": (90, 95),
        "stride_mean": (93, 97),
        "nothing_mean": (85, 95),
        "pooling_wide_mean": (95, 98.5),
        "nothing_wide_mean": (94.5, 98),
        "augmented_4": (75, 90),
    },
}


@pytest.mark.parametrize(
    ("chapter", "name", "bounds"),
    [(chapter, name, bounds) for chapter, all_ in BOUNDS.items() for name, bounds in all_.items()],
)
def test_measured(book, chapter, name, bounds):
    low, high = bounds
    assert low <= float(glued(ROOT / f"chapters/{chapter}.md")[name]) <= high
