"""What a reader relies on in the chapter *Residual networks*, beyond what it checks itself."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

HERE = defined_in("convolution/resnet")


def random_norm(bn: nn.BatchNorm2d) -> None:
    """Parameters and running averages that have moved from where they started."""
    for tensor in (bn.weight.data, bn.bias.data, bn.running_mean):
        tensor.normal_()
    bn.running_var.uniform_(0.5, 2)


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(2, 4),
    c_in=st.integers(1, 4),
    c=st.integers(1, 4),
    size=st.integers(3, 9),
    stride=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 99),
)
def test_function_and_module_agree(n, c_in, c, size, stride, seed):
    torch.manual_seed(seed)
    p, block = HERE["init_block"](c_in, c, stride), HERE["Block"](c_in, c, stride)
    for i in (1, 2, 3):
        p[f"gamma{i}"], p[f"beta{i}"] = torch.randn(c), torch.randn(c)
    HERE["copy_parameters"](block, p)
    for training in (True, True, False):
        X = torch.randn(n, c_in, size, size + 1)
        ours = HERE["residual_block"](X, p, stride, training)
        assert torch.allclose(ours, block.train(training)(X), atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("projected", [False, True], ids=["identity", "projection"])
def test_block_is_d2ls(stride, projected):
    """Equal with the same weights in both modes; d2l's biases are all in our batch norms.

    A bias in front of a batch norm moves its running mean and nothing else, and that of the 1×1
    convolution, which has no batch norm in d2l, adds to the second batch norm's beta.
    """
    d2l = pytest.importorskip("d2l.torch")
    if stride != 1 and not projected:
        with pytest.raises(RuntimeError):  # the shapes do not fit; ours has a projection of its own
            d2l.Residual(3, strides=(stride, stride))(torch.randn(2, 3, 8, 8))
        return
    torch.manual_seed(0)
    c = 5 if projected else 3
    theirs = d2l.Residual(c, use_1x1conv=projected, strides=stride)
    theirs(torch.randn(2, 3, 8, 8))  # gives the lazy layers their shapes
    ours = HERE["Block"](3, c, stride)
    assert isinstance(ours.skip, nn.Sequential) == projected
    with torch.no_grad():
        for layer, bn, conv in (
            (ours.layer1, theirs.bn1, theirs.conv1),
            (ours.layer2, theirs.bn2, theirs.conv2),
        ):
            random_norm(bn)
            layer[0].weight.copy_(conv.weight)
            layer[1].load_state_dict(bn.state_dict())
            layer[1].running_mean -= conv.bias
        if projected:
            ours.skip[0].weight.copy_(theirs.conv3.weight)
            ours.skip[1] = nn.Identity()
            ours.layer2[1].bias += theirs.conv3.bias
    for training in (False, True, True, False):
        X = torch.randn(4, 3, 8, 8)
        assert torch.allclose(ours.train(training)(X), theirs.train(training)(X), atol=1e-5)


def test_a_stride_needs_the_projection():
    """The shapes would not fit, so the block adds a 1×1 convolution by itself; a plain one none."""
    block = HERE["Block"](3, 3, 2)
    assert block(torch.randn(2, 3, 7, 7)).shape == (2, 3, 4, 4)
    assert block.skip[0].kernel_size == (1, 1)
    assert isinstance(HERE["Block"](3, 3, 2, residual=False).skip, nn.Identity)


@pytest.mark.parametrize("depth", [8, 14, 20, 56])
@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("init", ["default", "He"])
def test_depth_counts_layers_and_residual_connections_cost_nothing(depth, norm, init):
    plain, residual = (HERE["network"](depth, also, norm, init) for also in (False, True))
    layers = [m for m in residual.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == depth
    assert residual(torch.randn(2, 1, 7, 7)).shape == (2, 10)
    assert HERE["count"](plain) == HERE["count"](residual)
    biases = [m.bias for m in plain.modules() if isinstance(m, nn.Conv2d)]
    assert norm == all(bias is None for bias in biases)
    if not norm:
        assert all((bias == 0).all() for bias in biases)


def test_he_initialisation_keeps_the_size_and_the_default_loses_it():
    """The factors 1 and 1/6 of the mean square that the chapter derives, for full windows."""
    torch.manual_seed(0)
    X = torch.randn(64, 256, 9, 9).relu()
    conv = nn.Conv2d(256, 256, 3, bias=False)
    for start, factor in ((lambda w: None, 1 / 6), (nn.init.kaiming_normal_, 1.0)):
        extra = {"nonlinearity": "relu"} if factor == 1 else {}
        start(conv.weight, **extra)
        with torch.no_grad():
            Y = conv(X).relu()
        assert (Y.square().mean() / X.square().mean()).item() == pytest.approx(factor, rel=0.1)


def test_deepened_network_computes_the_same():
    torch.manual_seed(0)
    net = HERE["network"](8, residual=False)
    for _ in range(3):
        net(torch.randn(16, 1, 7, 7))  # moves the running averages
    X = torch.rand(10, 1, 7, 7)
    built = HERE["deepened"](net.eval(), X, 24).eval()
    assert torch.allclose(built(X), net(X), atol=1e-4)
    assert torch.allclose(built(2 * X), net(2 * X), atol=1e-4)

    built = HERE["deepened"](net.train(), X, 24)
    assert torch.allclose(built(X), net(X), atol=1e-3)  # and in training, on the same images


def test_small_resnet_has_eight_layers():
    net = HERE["small_resnet"]()
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
    assert len(convs) + 1 == 8
    assert net(torch.randn(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("training", [False, True])
def test_the_canonical_networks_are_torchvisions(training):
    """With their weights in their order, whatever the mode; and the counts are the known ones."""
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    X = torch.randn(2, 3, 64, 64)
    for name, counts, widen, known, model in (
        ("Block", [2, 2, 2, 2], 1, 11_689_512, models.resnet18),
        ("Bottleneck", [3, 4, 6, 3], 4, 25_557_032, models.resnet50),
    ):
        ours, theirs = HERE["resnet"](HERE[name], counts, widen), model(weights=None)
        assert HERE["count"](ours) == HERE["count"](theirs) == known
        pairs = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
        ours.load_state_dict(dict(pairs))
        with torch.no_grad():
            one, other = ours.train(training)(X), theirs.train(training)(X)
        assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_densenet_is_torchvisions(training):
    """With its weights in its order, in both modes."""
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    X = torch.randn(2, 3, 64, 64)
    ours, theirs = HERE["densenet"]([6, 12, 24, 16]), models.densenet121()
    assert HERE["count"](ours) == HERE["count"](theirs) == 7_978_856
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    with torch.no_grad():
        one, other = ours.train(training)(X), theirs.train(training)(X)
    assert torch.allclose(one, other, atol=1e-4)
