"""Seeing inside a network: the maps from scratch are captum's, and the measures what they say."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from captum.attr import GuidedBackprop, LayerAttribution, LayerGradCam, Occlusion, Saliency
from chapter_code import defined_in
from scipy.stats import spearmanr
from torch import nn

PAGE = defined_in("convolution/seeing_inside")
PAGE["K_sobel"] = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
PAGE["X_train"] = torch.rand(16, 1, 28, 56, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = PAGE["make_net"](3)
    for layer in net.modules():  # statistics and weights that are not those of the start
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.normal_(1, 0.3)
            layer.bias.data.normal_(0, 0.3)
    return net.eval()


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.rand(5, 1, 28, 40), torch.tensor([3, 0, 9, 9, 4])


def test_gradient_maps_are_captums(net, images):
    X, asked = images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = Saliency(net).attribute(X, target=asked)[:, 0]
        sharp = GuidedBackprop(net).attribute(X, target=asked)[:, 0].abs()
    torch.testing.assert_close(PAGE["saliency"](net, X, asked), plain)
    torch.testing.assert_close(PAGE["guided"](net, X, asked), sharp)
    assert not torch.allclose(plain, sharp)


def test_guided_backpropagation_leaves_no_hook(net, images):
    before = PAGE["saliency"](net, *images)
    PAGE["guided"](net, *images)
    assert torch.equal(PAGE["saliency"](net, *images), before)


def test_grad_cam_is_captums_and_the_class_activation_map(net, images):
    X, asked = images
    coarse = LayerGradCam(net, net[3]).attribute(X, target=asked, relu_attributions=True)
    theirs = LayerAttribution.interpolate(coarse, (28, 40), "bilinear")[:, 0]
    torch.testing.assert_close(PAGE["grad_cam"](net, X, asked), theirs)
    A = net[:4](X).detach()
    cam = torch.einsum("nk,nkij->nij", net[-1].weight[asked].detach(), A)
    torch.testing.assert_close(coarse[:, 0], cam.relu() / (7 * 10))


@pytest.mark.parametrize(("k", "s"), [(8, 4), (4, 3), (7, 3)])
def test_occlusion_is_captums(net, images, k, s):
    X, asked = images
    window = {"sliding_window_shapes": (1, k, k), "strides": (1, s, s)}
    theirs = Occlusion(net).attribute(X, target=asked, **window)[:, 0]
    ours = PAGE["occlusion"](net, X, asked, k, s)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_feature_maps_are_the_outputs_of_the_blocks(net, images):
    maps = PAGE["feature_maps"](net, images[0])
    H = images[0]
    for i, A in enumerate(maps):
        torch.testing.assert_close(A, net[i][:3](H).detach())
        H = net[i](H)
    assert len(maps) == 4


def test_randomise_draws_new_weights_for_these_parts_alone(net):
    randomise = PAGE["randomise"]
    before = copy.deepcopy(net.state_dict())
    model = randomise(net, [6, 2])
    assert all(torch.equal(net.state_dict()[key], value) for key, value in before.items())
    assert not model.training
    changed = {
        key.split(".")[0]
        for key, value in model.state_dict().items()
        if key.endswith("weight") and not torch.equal(value, before[key])
    }
    assert changed == {"6", "2"}


def test_rank_correlation_is_spearmans_with_ties():
    torch.manual_seed(2)
    M, N = (torch.randn(3, 4, 5).relu() for _ in range(2))
    ours = PAGE["rank_correlation"](M, N)
    theirs = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(M, N, strict=True)]
    assert ours == pytest.approx(sum(theirs) / 3)
    assert PAGE["rank_correlation"](M, M) == pytest.approx(1)


def test_influence_is_inside_the_theoretical_field(net):
    field = PAGE["influence"](net, torch.rand(30, 1, 28, 28))
    assert field.sum().item() == pytest.approx(1, abs=1e-4)
    rows, columns = field.nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 26, 1, 26)


def test_explained_shares_know_their_ends():
    torch.manual_seed(3)
    X, y = torch.rand(20, 1, 28, 56), torch.arange(10).repeat(4)
    exact = PAGE["edges"](X)[:, [0, 3]] * 2 + 1
    assert PAGE["explained_by_edges"](exact, X) == pytest.approx(1, abs=1e-6)
    assert PAGE["explained_by_edges"](torch.rand(20, 3, 28, 56), X) < 0.05
    A = y.float()[:, None, None, None].expand(40, 2, 3, 3)
    assert PAGE["between_classes"](A, y) == pytest.approx(1, abs=1e-5)
    A = torch.arange(4.0).repeat_interleave(10)[:, None, None, None].expand(40, 2, 3, 3)
    assert PAGE["between_classes"](A, y) == pytest.approx(0, abs=1e-5)
