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
    "foundations/softmax-regression": {
        "digit_accuracy": (88, 100),
        "digit_loss": (0.2, 0.4),
        "exp_limit": (88, 89),
        "stable_loss": (2000, 2000),
        "ce_push": (0.999, 1),
        "se_push": (0, 0.001),
        "usual_ce": (88, 94),
        "usual_se": (88, 94),
        "wrong_ce": (70, 94),
        "wrong_se": (20, 65),
        "lead_1": (0, 6),
        "lead_2": (0, 6),
        "lead_3": (0, 6),
        "ce_weak": (0, 15),
        "se_weak": (40, 75),
        "pair_there": (6, 15),
        "short_gap": (-2.5, 2.5),
        "short_worst": (0, 10),
        "long_gap": (2, 8),
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
    "foundations/backpropagation": {
        "engine_lines": (30, 99),
        "moons_accuracy": (95, 100),
        "digit_accuracy": (90, 100),
        "ratio_1": (1, 1.1),
        "ratio_9": (1.6, 2),
        "engine_ratio": (1, 2),
        "two_sides_gain": (10, 1e5),
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
