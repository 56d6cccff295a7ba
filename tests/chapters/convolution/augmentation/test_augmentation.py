"""The chapter on data augmentation: its transformations are torchvision's, and what it says."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch.nn import functional as F
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as VF

HERE = defined_in("convolution/augmentation")
BILINEAR = v2.InterpolationMode.BILINEAR


def images(n: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=30)
@given(angle=st.floats(-180, 180))
def test_a_rotation_is_torchvisions(angle):
    X, zeros = images(), torch.zeros(5)
    ours = HERE["warp"](X, HERE["matrices"](zeros + angle, zeros, zeros, zeros))
    torch.testing.assert_close(ours, VF.rotate(X, angle, BILINEAR), atol=2e-3, rtol=0)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (0, -4), (-5, 7)])
@pytest.mark.parametrize("flip", [False, True])
def test_flips_come_before_moves_and_halving_is_a_mean(right, down, flip):
    X, zeros = images(), torch.zeros(5)
    theta = HERE["matrices"](zeros, zeros + right, zeros + down, zeros + flip)
    expected = F.pad(X.flip(3) if flip else X, (right, -right, down, -down))
    torch.testing.assert_close(HERE["warp"](X, theta), expected, atol=1e-5, rtol=0)
    halved = HERE["warp"](X, theta, 14)
    torch.testing.assert_close(halved, F.avg_pool2d(expected, 2), atol=1e-5, rtol=0)


def test_turns_come_between_flips_and_moves():
    X, ones = images(), torch.ones(5)
    theta = HERE["matrices"](90 * ones, 2 * ones, -ones, ones)
    expected = F.pad(X.flip(3).rot90(1, (2, 3)), (2, -2, -1, 1))
    torch.testing.assert_close(HERE["warp"](X, theta), expected, atol=1e-5, rtol=0)


def test_each_image_has_its_own_map():
    X = F.pad(images(1)[..., 8:20, 8:20], [8] * 4).expand(3, -1, -1, -1)  # no corners to lose
    a = torch.tensor([0.0, 30.0, -60.0])
    ours = HERE["warp"](X, HERE["matrices"](a, torch.arange(3), torch.zeros(3), torch.zeros(3)))
    for i, angle in enumerate(a.tolist()):
        one = VF.rotate(X[i], angle, BILINEAR)
        torch.testing.assert_close(ours[i], F.pad(one, (i, -i)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", [1, 6, 7])
def test_cutout_hides_a_square_that_may_reach_over_the_border(side):
    torch.manual_seed(0)
    hidden = HERE["cutout"](torch.ones(2000, 2, 12, 12), side) == 0
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    rows, columns = hidden[:, 0].any(2).sum(1), hidden[:, 0].any(1).sum(1)
    assert torch.equal(rows * columns, hidden[:, 0].sum((1, 2)))
    assert rows.max() == columns.max() == side
    assert rows.min() == columns.min() == (side + 1) // 2
    full = (rows == side).float().mean().item()
    assert full == pytest.approx((12 - side + 1) / 12, abs=0.05)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_is_torchvisions(alpha):
    X, y = images(), torch.tensor([3, 1, 4, 1, 5])
    torch.manual_seed(1)
    theirs = v2.MixUp(alpha=alpha, num_classes=10)(X, y)
    torch.manual_seed(1)
    lam = torch.distributions.Beta(alpha, alpha).sample()
    ours = HERE["mixup"](X, F.one_hot(y, 10).float(), lam)
    torch.testing.assert_close(ours[0], theirs[0])
    torch.testing.assert_close(ours[1], theirs[1])


def test_networks_side_by_side_do_not_mix():
    torch.manual_seed(0)
    parameters = HERE["init"](3)
    X = torch.rand(4, 3, 14, 14)
    Z = HERE["scores"](parameters, X)
    K1, b1, K2, b2, W, b = parameters
    for r in range(3):
        H = F.conv2d(X[:, r, None], K1[8 * r :][:8], b1[8 * r :][:8], 2, 1).relu()
        H = F.conv2d(H, K2[16 * r :][:16], b2[16 * r :][:16], 2).relu()
        torch.testing.assert_close(Z[:, r], H.flatten(1) @ W[r] + b[r], atol=1e-5, rtol=1e-4)


def test_mixup_leaves_least_squares_as_it_is():
    """What an exercise on paper derives."""
    generator = torch.Generator().manual_seed(0)
    X, y = (torch.randn(shape, generator=generator).double() for shape in ((6, 2), (6,)))
    A = torch.cat([X, torch.ones(6, 1).double()], dim=1)
    rows, labels = [], []
    for lam in (0.2, 0.5, 0.8):
        for i in range(6):
            for j in range(6):
                rows.append(lam * A[i] + (1 - lam) * A[j])
                labels.append(lam * y[i] + (1 - lam) * y[j])
    mixed = torch.linalg.lstsq(torch.stack(rows), torch.stack(labels)[:, None]).solution
    torch.testing.assert_close(mixed, torch.linalg.lstsq(A, y[:, None]).solution)
