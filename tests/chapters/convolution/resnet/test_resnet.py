"""What a reader relies on in the chapter *Residual networks*, beyond what it checks itself."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

HERE = defined_in("convolution/resnet")


def random_norm(bn: nn.BatchNorm2d) -> None:
    """Parameters and running averages that have moved from where they started."""
    for tensor in (bn.weight.data, bn.bias.data, bn.running_mean):
        tensor.normal_()
    bn.running_var.uniform_(0.5, 2)


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(1, 5),
    c=st.integers(1, 4),
    h=st.integers(1, 5),
    w=st.integers(2, 5),
    momentum=st.floats(0.01, 0.9),
    seed=st.integers(0, 99),
)
def test_batch_norm_is_torchs(n, c, h, w, momentum, seed):
    """In training mode, in its running averages, and in evaluation mode; and its gradient."""
    torch.manual_seed(seed)
    bn = nn.BatchNorm2d(c, momentum=momentum)
    random_norm(bn)
    running = {"mean": bn.running_mean.clone(), "var": bn.running_var.clone()}
    gamma, beta = (p.detach().clone().requires_grad_() for p in (bn.weight, bn.bias))
    for training in (True, True, False):
        X = 3 * torch.randn(n, c, h, w) + 1
        X1, X2 = X.clone().requires_grad_(), X.clone().requires_grad_()
        ours = HERE["batch_norm"](X1, gamma, beta, running, training, momentum)
        theirs = bn.train(training)(X2)
        assert torch.allclose(ours, theirs, atol=1e-4)
        weights = torch.randn_like(ours)
        (g1,) = torch.autograd.grad((weights * ours).sum(), X1)
        (g2,) = torch.autograd.grad((weights * theirs).sum(), X2)
        assert torch.allclose(g1, g2, rtol=1e-3, atol=1e-3)
        assert torch.allclose(running["mean"], bn.running_mean, atol=1e-5)
        assert torch.allclose(running["var"], bn.running_var, rtol=1e-4)
    assert not running["mean"].requires_grad


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
    for i in (1, 2):
        p[f"gamma{i}"], p[f"beta{i}"] = torch.randn(c), torch.randn(c)
    HERE["copy_parameters"](block, p)
    for training in (True, True, False):
        X = torch.randn(n, c_in, size, size + 1)
        ours = HERE["residual_block"](X, p, stride, training)
        assert torch.allclose(ours, block.train(training)(X), atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("convolved", [False, True], ids=["wire", "1x1"])
def test_block_is_d2ls(stride, convolved):
    """Equal with the same weights in both modes; d2l's biases are all in our batch norms.

    A bias in front of a batch norm moves its running mean and nothing else, and that of the 1×1
    convolution adds to the second batch norm's beta.
    """
    d2l = pytest.importorskip("d2l.torch")
    if stride != 1 and not convolved:
        stride = (stride, stride)
        with pytest.raises(RuntimeError):  # the shapes do not fit; ours has a 1×1 of its own
            d2l.Residual(3, strides=stride)(torch.randn(2, 3, 8, 8))
        return
    torch.manual_seed(0)
    c = 5 if convolved else 3
    theirs = d2l.Residual(c, use_1x1conv=convolved, strides=stride)
    theirs(torch.randn(2, 3, 8, 8))  # gives the lazy layers their shapes
    ours = HERE["Block"](3, c, stride)
    assert (ours.conv3 is not None) == convolved
    with torch.no_grad():
        for bn in (theirs.bn1, theirs.bn2):
            random_norm(bn)
        for name in ("conv1", "conv2", *(["conv3"] if convolved else [])):
            getattr(ours, name).weight.copy_(getattr(theirs, name).weight)
        for ours_bn, bn, conv in (
            (ours.bn1, theirs.bn1, theirs.conv1),
            (ours.bn2, theirs.bn2, theirs.conv2),
        ):
            ours_bn.load_state_dict(bn.state_dict())
            ours_bn.running_mean -= conv.bias
        if convolved:
            ours.bn2.bias += theirs.conv3.bias
    for training in (False, True, True, False):
        X = torch.randn(4, 3, 8, 8)
        assert torch.allclose(ours.train(training)(X), theirs.train(training)(X), atol=1e-5)


def test_a_stride_needs_the_convolution():
    """The shapes would not fit, so the block adds a 1×1 convolution by itself; a plain one none."""
    block = HERE["Block"](3, 3, 2)
    assert block(torch.randn(2, 3, 7, 7)).shape == (2, 3, 4, 4)
    assert block.conv3.kernel_size == (1, 1)
    assert HERE["Block"](3, 3, 2, shortcut=False).conv3 is None


@pytest.mark.parametrize("depth", [8, 14, 20, 56])
@pytest.mark.parametrize("norm", [True, False])
def test_depth_counts_layers_and_shortcuts_cost_nothing(depth, norm):
    plain, residual = (HERE["network"](depth, shortcut, norm) for shortcut in (False, True))
    layers = [m for m in residual.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == depth
    assert residual(torch.randn(2, 1, 7, 7)).shape == (2, 10)
    sizes = [sum(p.numel() for p in net.parameters()) for net in (plain, residual)]
    assert sizes[0] == sizes[1]


def test_deepened_network_computes_the_same():
    torch.manual_seed(0)
    net = HERE["network"](8, shortcut=False)
    for _ in range(3):
        net(torch.randn(16, 1, 7, 7))  # moves the running averages
    X = torch.rand(10, 1, 7, 7)
    built = HERE["deepened"](net, 24).eval()
    assert torch.allclose(built(X), net.eval()(X), atol=1e-4)


def test_small_resnet_has_eight_layers():
    net = HERE["small_resnet"]()
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
    assert len(convs) + 1 == 8
    assert net(torch.randn(2, 1, 28, 28)).shape == (2, 10)


def test_counts_are_torchvisions():
    """ResNet-50's parameters; and Inception v3's 21 million, which the chapter mentions."""
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        resnet = models.resnet50(weights=None)
        inception = models.inception_v3(weights=None, init_weights=False)

    def count(module):
        return sum(p.numel() for p in module.parameters())

    assert HERE["count_resnet50"]() == (count(resnet) - count(resnet.fc), count(resnet.fc))
    body = count(inception) - count(inception.fc) - count(inception.AuxLogits)
    assert 21e6 < body < 22e6
