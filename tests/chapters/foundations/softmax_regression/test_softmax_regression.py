"""What a reader of *Softmax regression* relies on: the code of the chapter against PyTorch's."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional

HERE = defined_in("foundations/softmax_regression")
shapes = st.tuples(st.integers(1, 9), st.integers(2, 7))
sizes = st.sampled_from([0.1, 1.0, 30.0, 1000.0, 1e30])


def scores(shape: tuple[int, int], size: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores Z (n, K) and classes y (n,)."""
    generator = torch.Generator().manual_seed(seed)
    Z = size * torch.randn(shape, generator=generator)
    return Z, torch.randint(shape[1], shape[:1], generator=generator)


@settings(deadline=None)
@given(shape=shapes, size=sizes, seed=st.integers(0, 1000))
def test_from_scratch_is_what_torch_computes(shape, size, seed):
    Z, y = scores(shape, size, seed)
    torch.testing.assert_close(HERE["softmax"](Z), Z.softmax(dim=1))
    torch.testing.assert_close(HERE["logsumexp"](Z), Z.logsumexp(dim=1))
    torch.testing.assert_close(HERE["cross_entropy"](Z, y), functional.cross_entropy(Z, y))


def test_cross_entropy_is_that_of_d2l():
    from d2l import torch as d2l

    Z, y = scores((8, 4), 3.0, 0)
    torch.testing.assert_close(HERE["cross_entropy"](Z, y), d2l.Classifier().loss(Z, y))


@settings(deadline=None)
@given(shape=shapes, seed=st.integers(0, 1000), shift=st.floats(-50, 50))
def test_a_shift_of_all_scores_changes_nothing(shape, seed, shift):
    Z, y = scores(shape, 2.0, seed)
    close = {"atol": 1e-4, "rtol": 1e-4}
    for name in ("softmax", "plain_softmax"):
        torch.testing.assert_close(HERE[name](Z + shift), HERE[name](Z), **close)
    shifted = HERE["cross_entropy"](Z + shift, y)
    torch.testing.assert_close(shifted, HERE["cross_entropy"](Z, y), **close)


@settings(deadline=None)
@given(shape=shapes, seed=st.integers(0, 1000))
def test_plain_and_stable_agree_where_the_plain_form_survives(shape, seed):
    Z, y = scores(shape, 5.0, seed)
    torch.testing.assert_close(HERE["plain_softmax"](Z), HERE["softmax"](Z))
    torch.testing.assert_close(HERE["plain_cross_entropy"](Z, y), HERE["cross_entropy"](Z, y))


@pytest.mark.parametrize("score", [1000.0, -1000.0])
def test_a_thousand_breaks_the_plain_form_only(score):
    Z, y = torch.full((3, 4), score), torch.tensor([0, 1, 3])
    assert HERE["plain_softmax"](Z).isnan().all()
    assert HERE["plain_cross_entropy"](Z, y).isnan()
    torch.testing.assert_close(HERE["softmax"](Z), torch.full((3, 4), 0.25))
    torch.testing.assert_close(
        HERE["logsumexp"](Z), torch.full((3,), score) + torch.tensor(4).log()
    )
    torch.testing.assert_close(HERE["cross_entropy"](Z, y), torch.tensor(4).log())


@settings(deadline=None)
@given(shape=shapes, d=st.integers(1, 6), seed=st.integers(0, 1000))
def test_gradient_is_that_of_autograd(shape, d, seed):
    (n, K), generator = shape, torch.Generator().manual_seed(seed)
    W, b, X = (torch.randn(s, generator=generator).double() for s in ((d, K), (K,), (n, d)))
    y = torch.randint(K, (n,), generator=generator)
    W.requires_grad_()
    b.requires_grad_()
    want = torch.autograd.grad(functional.cross_entropy(X @ W + b, y), (W, b))
    got = HERE["softmax_gradient"](W.detach(), b.detach(), X, y)
    torch.testing.assert_close(got, want)


def test_training_takes_the_steps_of_an_optimiser():
    generator = torch.Generator().manual_seed(0)
    X, y = torch.randn(50, 6, generator=generator), torch.randint(3, (50,), generator=generator)
    net = nn.Linear(6, 3)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    torch.manual_seed(1)
    for _ in range(4):
        for rows in torch.randperm(50).split(16):
            optimizer.zero_grad()
            functional.cross_entropy(net(X[rows]), y[rows]).backward()
            optimizer.step()
    torch.manual_seed(1)
    W, b = HERE["train_softmax"](X, y, K=3, epochs=4, lr=0.3, batch_size=16)
    torch.testing.assert_close((W, b), (net.weight.detach().T, net.bias.detach()))


def test_squared_error_is_bounded_and_its_gradient_vanishes():
    y = torch.tensor([0])
    for score, least in ((-4.0, 0.9), (-8.0, 0.99), (-16.0, 0.999)):
        Z = torch.tensor([[score, 1.0, 0.0]], requires_grad=True)
        strong = torch.autograd.grad(functional.cross_entropy(Z, y), Z)[0][0, 0]
        loss = HERE["squared_error"](Z, y)
        weak = torch.autograd.grad(loss, Z)[0][0, 0]
        p = Z.softmax(dim=1)[0, 0]
        assert strong < -least
        assert loss < 2
        assert -4 * p < weak < 0
    reference = functional.mse_loss(Z.softmax(1), torch.tensor([[1.0, 0, 0]]), reduction="sum")
    torch.testing.assert_close(loss, reference)


@settings(deadline=None)
@given(n=st.integers(1, 60), K=st.integers(2, 7), seed=st.integers(0, 1000))
def test_confusion_matrix_is_that_of_scikit_learn(n, K, seed):
    from sklearn.metrics import confusion_matrix

    generator = torch.Generator().manual_seed(seed)
    y, predicted = torch.randint(K, (2, n), generator=generator)
    want = confusion_matrix(y, predicted, labels=range(K))
    assert HERE["confusion_matrix"](y, predicted, K).tolist() == want.tolist()


def test_spoiled_labels_are_spoiled_by_the_share_that_the_text_says():
    y = torch.arange(10).repeat(1000)
    torch.manual_seed(1)
    changed = (HERE["spoil"](y, share=0.4) != y).float().mean()
    assert 0.33 < changed < 0.39  # 40 %, a tenth of which happen to be right
    assert torch.equal(HERE["spoil"](y, share=0), y)


@pytest.mark.parametrize("loss", [functional.cross_entropy, HERE["squared_error"]])
def test_training_at_all_rates_is_training_at_each(monkeypatch, loss):
    generator = torch.Generator().manual_seed(0)
    X, y = torch.randn(300, 6, generator=generator), torch.randint(4, (300,), generator=generator)
    first = torch.randn(6, 4, generator=generator)
    rates, decays = [0.1, 0.5, 2.0], [0, 0.1, 0.01]
    monkeypatch.setitem(HERE, "X", X)
    torch.manual_seed(1)
    together = HERE["train_at_rates"](first, y, loss, epochs=2, rates=rates, decays=decays)
    for k, (rate, decay) in enumerate(zip(rates, decays, strict=True)):
        W = first.clone().requires_grad_()
        optimizer = torch.optim.SGD([W], lr=rate, weight_decay=decay)
        torch.manual_seed(1)
        for epoch in range(2):
            optimizer.param_groups[0]["lr"] = rate * (1 - epoch / 2)
            for rows in torch.randperm(300).split(128):
                optimizer.zero_grad()
                loss(X[rows] @ W, y[rows]).backward()
                optimizer.step()
        torch.testing.assert_close(together[:, k], W.detach(), atol=1e-4, rtol=1e-4)
