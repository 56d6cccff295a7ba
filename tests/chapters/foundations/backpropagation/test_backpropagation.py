"""Backpropagation: the engine and the layers' equations against torch.autograd."""

from __future__ import annotations

import math

import pytest
import torch
from chapter_code import defined_in
from hypothesis import assume, given, settings, strategies as st
from torch.nn import functional as F

CHAPTER = defined_in("foundations/backpropagation")
Value, backward = CHAPTER["Value"], CHAPTER["backward"]

# An operation takes two of the values that there are so far, and a plain number: in the engine's
# words and in PyTorch's. What goes into a power or exp is kept where neither fails nor overflows.
OPERATIONS = {
    "add": (lambda a, b, k: a + b, lambda a, b, k: a + b),
    "add number": (lambda a, b, k: k + a + k, lambda a, b, k: a + 2 * k),
    "subtract": (lambda a, b, k: a - b - k, lambda a, b, k: a - b - k),
    "subtract from number": (lambda a, b, k: k - a, lambda a, b, k: k - a),
    "minus": (lambda a, b, k: -a, lambda a, b, k: -a),
    "multiply": (lambda a, b, k: a * b, lambda a, b, k: a * b),
    "multiply number": (lambda a, b, k: k * a * k, lambda a, b, k: a * k * k),
    "square": (lambda a, b, k: a**2, lambda a, b, k: a**2),
    "root": (
        lambda a, b, k: (a**2 + 0.5) ** 0.5,
        lambda a, b, k: (a**2 + 0.5).sqrt(),
    ),
    "divide": (
        lambda a, b, k: a / (b * b + 1) / 4,
        lambda a, b, k: a / (b * b + 1) / 4,
    ),
    "reciprocal": (lambda a, b, k: k / (a * a + 1), lambda a, b, k: k / (a * a + 1)),
    "power of a number": (
        lambda a, b, k: 2 ** CHAPTER["tanh"](a),
        lambda a, b, k: 2 ** torch.tanh(a),
    ),
    "power of a value": (
        lambda a, b, k: (a * a + 0.5) ** CHAPTER["tanh"](b),
        lambda a, b, k: (a * a + 0.5) ** torch.tanh(b),
    ),
    "power 0": (lambda a, b, k: a**0, lambda a, b, k: a**0),
    "log": (
        lambda a, b, k: CHAPTER["log"](a * a + 0.5),
        lambda a, b, k: torch.log(a * a + 0.5),
    ),
    "tanh": (lambda a, b, k: CHAPTER["tanh"](a), lambda a, b, k: torch.tanh(a)),
    "exp": (
        lambda a, b, k: CHAPTER["exp"](CHAPTER["tanh"](a) * k),
        lambda a, b, k: torch.exp(torch.tanh(a) * k),
    ),
    "relu": (lambda a, b, k: CHAPTER["relu"](a), lambda a, b, k: torch.relu(a)),
}
numbers = st.floats(-3, 3).map(lambda number: round(number, 3))
program = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0), st.integers(0), numbers),
    min_size=1,
    max_size=25,
)


def run(values, steps, which):
    """All values of a program: each step may use any that came before, so they are shared."""
    values = list(values)
    for name, i, j, k in steps:
        values.append(OPERATIONS[name][which](values[i % len(values)], values[j % len(values)], k))
    return values


@settings(max_examples=300, deadline=None)
@given(leaves=st.lists(numbers, min_size=1, max_size=4), steps=program)
def test_engine_equals_autograd(leaves, steps):
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in leaves]
    all_theirs = run(theirs, steps, 1)
    assume(all(t.abs() < 1e3 for t in all_theirs))
    expected = torch.autograd.grad(all_theirs[-1], theirs, allow_unused=True)
    ours = [Value(x) for x in leaves]
    result = run(ours, steps, 0)[-1]
    backward(result)
    assert result.data == pytest.approx(all_theirs[-1].item(), rel=1e-9, abs=1e-9)
    for mine, his in zip(ours, expected, strict=True):
        # Where a difference rounds, what ReLU is given may be 0 here and 1e-17 there.
        his = 0.0 if his is None else his.item()
        assert mine.grad == pytest.approx(his, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation(name):
    """Each by itself, with both operands the same and not."""
    mine, torchs = OPERATIONS[name]
    for x, y in ((0.7, -1.3), (-0.4, 2.0), (1.1, 0.3)):
        for shared in (False, True):
            a, b = Value(x), Value(y)
            s, t = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y))
            backward(mine(a, a if shared else b, 1.5))
            L = torchs(s, s if shared else t, 1.5)
            expected = torch.autograd.grad(L, (s, t), allow_unused=True)
            for value, gradient in zip((a, b), expected, strict=True):
                gradient = 0.0 if gradient is None else gradient.item()
                assert value.grad == pytest.approx(gradient, abs=1e-12)


@pytest.mark.parametrize(("k", "value", "gradient"), [(0, 1, 0), (1, 0, 1), (2, 0, 0)])
def test_powers_at_zero(k, value, gradient):
    """What has a finite derivative at 0 gets it."""
    a = Value(0.0)
    power = a**k
    backward(power)
    assert (power.data, a.grad) == (value, gradient)


@pytest.mark.parametrize(
    "expression",
    [
        lambda a: 1 / a,
        lambda a: a**0.5,
        lambda a: a ** Value(2.0),
        lambda a: CHAPTER["log"](a),
        lambda a: (a - 1) ** 0.5,
        lambda a: (-2) ** a,
    ],
)
def test_without_a_finite_derivative_it_is_an_error(expression):
    with pytest.raises(ValueError, match=r"math domain error|positive"):
        expression(Value(0.0))


def test_backward_may_be_called_again():
    """It begins at zero, also where two losses share a part of the graph."""
    w = Value(0.5)
    h = CHAPTER["tanh"](w * 2)
    first, second = h**2, h * 3
    backward(first)
    once = w.grad
    backward(second)
    backward(first)
    assert w.grad == once


def test_a_long_sum_is_no_problem():
    """Thousands of values in a row, which a recursion would not survive."""
    w = Value(1.0)
    total = w
    for _ in range(5000):
        total = total + w
    backward(total)
    assert w.grad == 5001


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=6), seed=st.integers(0, 1000))
def test_layers_equal_autograd(sizes, seed):
    """Every error δ and every gradient of a network of any depth and width."""
    g = torch.Generator().manual_seed(seed)
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [torch.randn(*s, generator=g).double().requires_grad_() for s in shapes]
    biases = [torch.randn(n, generator=g).double() for n in sizes[1:]]
    x, y = torch.randn(sizes[0], generator=g).double(), torch.randn(sizes[-1], generator=g).double()
    scores, inputs = CHAPTER["forward_layers"](x, weights, biases)
    L = ((scores[-1] - y) ** 2).sum() / 2
    expected = torch.autograd.grad(L, [*scores, *weights])
    deltas, gradients = CHAPTER["backward_layers"](scores, inputs, weights, y)
    for mine, his in zip(deltas + gradients, expected, strict=True):
        assert torch.allclose(mine, his, rtol=1e-9, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 7),
    d=st.integers(1, 6),
    h=st.integers(1, 6),
    q=st.integers(2, 5),
    seed=st.integers(0, 1000),
)
def test_batch_of_examples_equals_autograd(n, d, h, q, seed):
    g = torch.Generator().manual_seed(seed)
    shapes = ((d, h), (h,), (h, q), (q,))
    parameters = [torch.randn(s, generator=g).double().requires_grad_() for s in shapes]
    X = torch.randn(n, d, generator=g).double()
    y = torch.randint(q, (n,), generator=g)
    H, outputs = CHAPTER["forward_mlp"](X, *parameters)
    expected = torch.autograd.grad(F.cross_entropy(outputs, y), parameters)
    gradients = CHAPTER["backward_mlp"](X, y, H, outputs, parameters[2])
    for mine, his in zip(gradients, expected, strict=True):
        assert torch.allclose(mine, his, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_paths_are_counted(layers):
    """The engine's count of paths against one by hand: each layer multiplies them by its width."""
    width = 4
    _, paths, by_weight, arrows = CHAPTER["costs"](layers)
    # A weight of layer l has one neuron, and from there width paths in each layer that follows.
    # The loss is the square of a sum, which adds no path.
    expected = sum(width * width * width ** (layers - layer) for layer in range(1, layers + 1))
    assert paths == expected
    assert by_weight > arrows > layers * width * width


def test_moons_in_the_engine_step_as_torch_does():
    """One step of the engine's training is the step that PyTorch takes."""
    import random

    points = [([0.3, -0.2], 1), ([1.0, 0.5], -1), ([-0.7, 0.1], 1)]
    random.seed(3)
    (W1, b1, w2, b2), losses = CHAPTER["train_moons"](list(points), 4, 1, lr=0.3, batch=3)
    random.seed(3)
    before = CHAPTER["draw_weights"](4)
    flat = [v.data for row in before[0] for v in row] + [v.data for v in before[1]]
    flat += [v.data for v in before[2]] + [before[3].data]
    w = torch.tensor(flat, dtype=torch.float64, requires_grad=True)
    A, c, u, e = w.split([8, 4, 4, 1])
    X = torch.tensor([x for x, _ in points], dtype=torch.float64)
    y = torch.tensor([s for _, s in points], dtype=torch.float64)
    o = torch.tanh(X @ A.view(4, 2).T + c) @ u + e
    loss = torch.relu(1 - y * o).mean()
    loss.backward()
    after = [v.data for row in W1 for v in row] + [v.data for v in b1]
    after += [v.data for v in w2] + [b2.data]
    assert losses[0] == pytest.approx(loss.item())
    assert after == pytest.approx((w - 0.3 * w.grad).tolist())
    assert not math.isclose(after[0], flat[0])
