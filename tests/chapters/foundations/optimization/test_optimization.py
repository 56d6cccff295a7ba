"""The chapter's rules are torch's, its factors and its noise those of the formulas."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st

CHAPTER = defined_in("foundations/optimization")
LIBRARY = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
}


@pytest.mark.parametrize("name", LIBRARY)
@settings(deadline=None, max_examples=15)
@given(
    shape=st.sampled_from([(), (3,), (2, 4)]),
    eta=st.sampled_from([0.001, 0.03, 0.5]),
    seed=st.integers(0, 999),
)
def test_each_rule_is_torchs(name, shape, eta, seed):
    torch.manual_seed(seed)
    ours, state = torch.randn(shape, dtype=torch.float64), {}
    theirs = ours.clone().requires_grad_()
    optimizer = LIBRARY[name]([theirs], lr=eta)
    for _ in range(100):
        g = torch.randn(shape, dtype=torch.float64)
        theirs.grad = g
        optimizer.step()
        ours = ours - eta * CHAPTER[name](g, state)
    torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(kappa=st.floats(3, 500))
def test_the_factors_are_those_of_the_formulas(kappa):
    eigenvalues = torch.tensor([1.0, kappa], dtype=torch.float64)
    root = (kappa**0.5 - 1) / (kappa**0.5 + 1)
    setups = {
        (kappa - 1) / (kappa + 1): (2 / (1 + kappa), 0.0),
        root: (4 / (1 + kappa**0.5) ** 2, root**2),
    }
    for factor, (eta, beta) in setups.items():
        d = CHAPTER["distances"](eigenvalues, eta, beta, steps=200)
        assert float(d[200] / d[100]) ** (1 / 100) == pytest.approx(factor, rel=0.01)


@pytest.mark.parametrize(("n", "size"), [(5, 1), (5, 2), (6, 4), (4, 4)])
def test_the_noise_of_all_batches_is_that_of_the_formula(n, size):
    torch.manual_seed(n)
    G = torch.randn(n, 3, dtype=torch.float64)
    errors = [
        (G[list(batch)].mean(0) - G.mean(0)).square().sum()
        for batch in itertools.combinations(range(n), size)
    ]
    S2 = (G - G.mean(0)).square().sum(1).mean()
    theory = S2 / size * (n - size) / (n - 1)
    torch.testing.assert_close(torch.stack(errors).mean(), theory, rtol=1e-9, atol=1e-12)


def test_a_good_range_is_interpolated_and_ends_at_the_border():
    rates = torch.tensor([1.0, 2.0, 4.0, 8.0])
    good_range = CHAPTER["good_range"]
    low, high = good_range(torch.tensor([0.5, 0.90, 0.90, 0.86]), rates)
    assert high == pytest.approx(4 * 2**0.5)
    assert low == pytest.approx(2 * 2 ** -(0.02 / 0.4), rel=1e-4)
    assert good_range(torch.tensor([0.9, 0.9, 0.9, 0.9]), rates) == [1.0, 8.0]


def test_a_warm_up_reaches_one_and_ends_at_zero():
    warm_cosine = CHAPTER["warm_cosine"]
    assert [warm_cosine(s) for s in (0, 0.05, 0.1)] == pytest.approx([0, 0.5, 1])
    assert warm_cosine(0.55) == pytest.approx(0.5)
    assert warm_cosine(1) == pytest.approx(0)
