"""The chapter *Deep convolutional networks*: its layers, counts and formulas."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from torch import nn
from torch.nn import functional as F

from d2lutil.exercises import find

chapter = defined_in("convolution/deep_convnets")


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_groups_are_pytorchs(groups):
    generator = torch.Generator().manual_seed(groups)
    X = torch.randn(2, 6, 7, 9, generator=generator, dtype=torch.float64)
    K = torch.randn(12, 6 // groups, 3, 3, generator=generator, dtype=torch.float64)
    b = torch.randn(12, generator=generator, dtype=torch.float64)
    ours = chapter["grouped_conv2d"](X, K, b, groups=groups, stride=2, padding=1)
    assert torch.allclose(ours, F.conv2d(X, K, b, stride=2, padding=1, groups=groups))


@pytest.mark.parametrize("counts", [(1, 1, 2, 2, 2), (2, 2, 3, 3, 3), (1, 3, 1, 2, 1)])
def test_walk_counts_by_the_formulas(counts):
    with torch.device("meta"):
        net, image = chapter["vgg"](counts), torch.empty(1, 3, 224, 224)
    rows = chapter["learned"](chapter["walk"](net, image))
    assert len(rows) == sum(counts) + 3
    channels = (64, 128, 256, 512, 512)
    total = find("vgg_parameters").reference(counts, channels, 224, 1000)
    assert sum(row[2] for row in rows) == total
    for layer, shape, parameters, work, seen in rows:
        places = shape[1] * shape[2] if seen else 1
        assert work == layer.weight.numel() * places
        assert parameters == work // places + shape[0]


def test_field_is_that_of_the_exercise():
    with torch.device("meta"):
        net = chapter["alexnet"]([96, 256, 384, 384, 256], groups=2)
        rows = chapter["walk"](net, torch.empty(1, 3, 224, 224))
    layers = []
    for layer, *_, seen in rows:
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            sizes = (layer.kernel_size, layer.stride, layer.padding)
            layers.append(tuple(v if isinstance(v, int) else v[0] for v in sizes))
            first, last = find("seen_pixels").reference(layers, 3)
            assert last - first + 1 == seen


@pytest.mark.parametrize(("c", "m"), [(1, 1), (2, 3), (3, 2)])
def test_two_linear_layers_are_one(c, m):
    """The formula of the exercise on paper."""
    generator = torch.Generator().manual_seed(c)
    A = torch.randn(m, c, 3, 3, generator=generator, dtype=torch.float64)
    B = torch.randn(c, m, 3, 3, generator=generator, dtype=torch.float64)
    C = torch.zeros(c, c, 5, 5, dtype=torch.float64)
    for u in range(3):
        for v in range(3):
            for u2 in range(3):
                for v2 in range(3):
                    C[:, :, u + u2, v + v2] += B[:, :, u2, v2] @ A[:, :, u, v]
    X = torch.randn(1, c, 9, 8, generator=generator, dtype=torch.float64)
    assert torch.allclose(F.conv2d(F.conv2d(X, A), B), F.conv2d(X, C))


def test_four_middle_channels_reach_every_kernel():
    """The other half of that exercise: four shifted copies are enough."""
    generator = torch.Generator().manual_seed(0)
    C = torch.randn(1, 1, 5, 5, generator=generator, dtype=torch.float64)
    A, B = torch.zeros(4, 1, 3, 3).double(), torch.zeros(1, 4, 3, 3).double()
    left = C.clone()
    for j, (r, t) in enumerate([(0, 0), (0, 2), (2, 0), (2, 2)]):
        A[j, 0, r, t] = 1
        B[0, j] = left[0, 0, r : r + 3, t : t + 3]
        left[0, 0, r : r + 3, t : t + 3] = 0
    X = torch.randn(1, 1, 11, 12, generator=generator, dtype=torch.float64)
    assert torch.allclose(F.conv2d(F.conv2d(X, A), B), F.conv2d(X, C))


def test_designs_have_about_equal_parameters():
    size, net = chapter["size"], chapter["small_net"]
    sizes = [size(net(c=7, n=1, k=5)), size(net(c=8)), size(net(c=11, n=1)), size(net(c=6, n=4))]
    assert max(sizes) < 1.08 * min(sizes)
