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
    "convolution/convolution": {
        "size_plain": (30, 80),
        "edge_error": (0, 0.005),
        "patch_dense_error": (15, 60),
        "shift_stride_gap": (0.2, 2),
        "shift_border_gap": (0.5, 3),
        "digit_convolutional_low": (93, 100),
        "digit_dense_high": (88, 94.5),
        "products_ratio": (2.03, 2.04),
        "field_power": (0.4, 0.6),
        "field_used_32": (3, 20),
    },
}


@pytest.mark.parametrize(
    ("chapter", "name", "bounds"),
    [(chapter, name, bounds) for chapter, all_ in BOUNDS.items() for name, bounds in all_.items()],
)
def test_measured(book, chapter, name, bounds):
    low, high = bounds
    assert low <= float(glued(ROOT / f"chapters/{chapter}.md")[name]) <= high
