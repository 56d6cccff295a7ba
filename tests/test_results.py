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
    "convolution/resnet": {
        "digit_accuracy": (98, 100),
        "plain_8": (0.8, 1.9),
        "plain_56": (2, 2.4),
        "plain_56_faster": (1.9, 2.4),
        "residual_8": (0.3, 1.3),
        "residual_20": (0.2, 1),
        "residual_56": (0.3, 1.3),
        "bare_plain_log_20": (-15, -9),
        "bare_plain_loss": (2.28, 2.32),
        "bare_residual_loss": (1, 2.15),
        "plain_growth_56": (20, 1e4),
        "agreement_plain_56": (-0.2, 0.15),
        "agreement_residual_20": (0.25, 0.9),
        "mixed": (96, 100),
        "alike": (5, 50),
        "single": (5, 50),
        "resnet50": (25.55, 25.56),
        "resnet50_body": (23.5, 23.51),
    },
}


@pytest.mark.parametrize(
    ("chapter", "name", "bounds"),
    [(chapter, name, bounds) for chapter, all_ in BOUNDS.items() for name, bounds in all_.items()],
)
def test_measured(book, chapter, name, bounds):
    low, high = bounds
    assert low <= float(glued(ROOT / f"chapters/{chapter}.md")[name]) <= high
