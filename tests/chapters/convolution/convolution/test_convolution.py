"""The chapter *Convolution*: its layers against PyTorch's, SciPy's and d2l's."""

from __future__ import annotations

import itertools

import pytest
import scipy.signal
import torch
from chapter_code import defined_in
from hypothesis import assume, given, settings, strategies as st
from torch.nn import functional as F

chapter = defined_in("convolution/convolution")
conv2d, correlate = chapter["conv2d"], chapter["correlate"]
small = st.integers(1, 4)


@settings(deadline=None, max_examples=200)
@given(
    n=small,
    c_in=small,
    c_out=small,
    h=st.integers(1, 14),
    w=st.integers(1, 14),
    k=st.tuples(small, small),
    p=st.integers(0, 3),
    s=small,
    d=st.integers(1, 3),
    biased=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_layer_is_pytorchs(n, c_in, c_out, h, w, k, p, s, d, biased, seed):
    assume(min(h + 2 * p - d * (k[0] - 1), w + 2 * p - d * (k[1] - 1)) >= 1)
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, c_in, h, w, generator=generator, dtype=torch.float64)
    K = torch.randn(c_out, c_in, *k, generator=generator, dtype=torch.float64)
    b = torch.randn(c_out, generator=generator, dtype=torch.float64) if biased else None
    ours = conv2d(X, K, b, p=p, s=s, d=d)
    theirs = F.conv2d(X, K, b, padding=p, stride=s, dilation=d)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs)


def test_gradient_is_pytorchs():
    generator = torch.Generator().manual_seed(0)
    shapes = (2, 3, 9, 8), (4, 3, 3, 3), (4,)
    tensors = [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    for tensor in tensors:
        tensor.requires_grad_()
    ours = conv2d(*tensors, p=1, s=2, d=2).sin().sum()
    theirs = F.conv2d(*tensors, padding=1, stride=2, dilation=2).sin().sum()
    pairs = zip(
        torch.autograd.grad(ours, tensors), torch.autograd.grad(theirs, tensors), strict=True
    )
    assert all(torch.allclose(a, b) for a, b in pairs)


@settings(deadline=None, max_examples=50)
@given(h=st.integers(1, 9), w=st.integers(1, 9), k=small, seed=st.integers(0, 2**31))
def test_plain_correlation_is_that_of_d2l_and_scipy(h, w, k, seed):
    from d2l import torch as d2l

    assume(min(h, w) >= k)
    generator = torch.Generator().manual_seed(seed)
    X, K = torch.randn(h, w, generator=generator), torch.randn(k, k, generator=generator)
    ours = correlate(X, K)
    assert torch.allclose(ours, d2l.corr2d(X, K), atol=1e-5)
    assert torch.allclose(ours, conv2d(X[None, None], K[None, None])[0, 0], atol=1e-5)
    turned = torch.tensor(scipy.signal.convolve2d(X, K.flip(0, 1), mode="valid"))
    assert torch.allclose(ours, turned, atol=1e-5)
    W = chapter["as_matrix"](K, h, w)
    assert torch.allclose(W @ X.flatten(), ours.flatten(), atol=1e-5)


def test_output_size_is_pytorchs_over_its_whole_range():
    """Where the formula has no place for a window, PyTorch refuses; and the floor is needed."""
    floors = set()
    for h, k, p, s, d in itertools.product(
        range(1, 14), range(1, 6), range(4), range(1, 5), range(1, 4)
    ):
        size = chapter["output_size"](h, k, p, s, d)
        theirs = chapter["torch_size"](h, k, p, s, d)
        assert theirs == (size if size >= 1 else None), (h, k, p, s, d)
        if theirs and d == 1:
            floors.add((h - k + 2 * p) / s + 1 == theirs)
    assert floors == {True, False}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(1, 3)), max_size=4))
def test_receptive_field_is_what_autograd_finds(layers):
    width = chapter["receptive_field"](layers)
    assume(layers and width <= 100)
    X = torch.rand(1, 1, 1, 200, requires_grad=True)
    Y = X
    for k, s, d in layers:
        Y = F.conv2d(Y, torch.ones(1, 1, 1, k), stride=(1, s), dilation=(1, d))
    Y[0, 0, 0, 0].backward()
    seen = X.grad[0, 0, 0].nonzero().flatten()
    assert seen.max() - seen.min() + 1 == width


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("s", [1, 2, 3])
def test_shifting_and_convolving_can_be_swapped_for_multiples_of_the_stride(side, s):
    generator = torch.Generator().manual_seed(side)
    X = torch.randn(1, 1, side * s, side * s, generator=generator)
    K = torch.randn(1, 1, 3, 3, generator=generator)

    def around(X):
        return conv2d(F.pad(X, (1, 1, 1, 1), mode="circular"), K, s=s)

    assert torch.allclose(around(X.roll(s, dims=3)), around(X).roll(1, dims=3), atol=1e-5)
    if s > 1:
        moved = around(X.roll(1, dims=3))
        assert not any(torch.allclose(moved, around(X).roll(i, dims=3)) for i in range(side))
