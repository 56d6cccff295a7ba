"""What a reader of *Generalisation* relies on: its code against libraries and its formulas."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from torch import nn

HERE = defined_in("foundations/generalization")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers in double precision."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize(("n", "d"), [(20, 5), (5, 20), (8, 8)])
@pytest.mark.parametrize("decay", [0.01, 1.0])
def test_ridge_weights_are_those_of_scikit_learn(n, d, decay):
    from sklearn.linear_model import Ridge

    P, y = random(n, d), random(n, seed=1)
    theirs = Ridge(alpha=n * decay, fit_intercept=False).fit(P.numpy(), y.numpy()).coef_
    torch.testing.assert_close(HERE["ridge_weights"](P, y, decay), torch.from_numpy(theirs))


def test_ridge_shrinks_each_direction_as_the_text_says():
    P, y, decay = random(20, 4), random(20, seed=1), 0.3
    _, s, Vt = torch.linalg.svd(P, full_matrices=False)
    factors = (Vt @ HERE["ridge_weights"](P, y, decay)) / (Vt @ HERE["ridge_weights"](P, y, 0))
    torch.testing.assert_close(factors, s**2 / (s**2 + 20 * decay))


@pytest.mark.parametrize("p", [0.0, 0.25, 0.8])
def test_dropout_is_that_of_torch(p):
    torch.manual_seed(0)
    H = torch.ones(400, 500)
    ours, theirs = HERE["dropout"](H, p), nn.Dropout(p)(H)
    assert ours.unique().tolist() == pytest.approx(theirs.unique().tolist())
    noise = (p / (1 - p) / H.numel()) ** 0.5
    assert abs(ours.mean().item() - 1) <= 5 * noise


def test_dropout_of_several_networks_has_a_rate_for_each():
    torch.manual_seed(0)
    p = torch.tensor([0.0, 0.5])[:, None, None]
    dropped = (HERE["dropout"](torch.ones(2, 300, 300), p) == 0).double().mean(dim=(1, 2))
    assert dropped[0] == 0
    assert abs(dropped[1].item() - 0.5) < 0.01


def test_polynomial_is_that_of_numpy():
    import numpy as np

    x, y = random(30).clamp(-1, 1), random(30, seed=1)
    w = HERE["fit_polynomial"](x, y, 4)
    theirs = np.polynomial.legendre.legfit(x.numpy(), y.numpy(), 4)
    torch.testing.assert_close(w, torch.from_numpy(theirs))
    fitted = torch.from_numpy(np.polynomial.legendre.legval(x.numpy(), theirs))
    assert HERE["squared_error"](w, x, y) == pytest.approx(((fitted - y) ** 2).mean().item())


def networks(decay: float = 0, p: float | None = None) -> tuple[list[torch.Tensor], torch.Tensor]:
    X, y = random(3, 40, 6).float(), torch.arange(120).reshape(3, 40) % 10
    torch.manual_seed(0)
    return HERE["train_many"](X, y, [(X, y)], h=8, updates=30, every=10, decay=decay, p=p)


def test_networks_side_by_side_have_nothing_to_do_with_each_other():
    parameters, log = networks()
    X, y = random(3, 40, 6).float(), torch.arange(120).reshape(3, 40) % 10
    assert log.shape == (3, 1, 2, 3)
    for r in range(3):
        W1, b1, W2, b2 = (w[r] for w in parameters)
        Z = torch.relu(X[r] @ W1 + b1) @ W2 + b2
        loss = nn.functional.cross_entropy(Z, y[r]).item()
        assert log[-1, 0, 0, r].item() == pytest.approx(loss, rel=1e-4)
        wrong = (Z.argmax(dim=1) != y[r]).float().mean().item()
        assert log[-1, 0, 1, r].item() == pytest.approx(wrong, abs=1e-6)


def test_decay_of_the_networks_is_that_of_adamw():
    ours, _ = networks(decay=2.0)
    theirs = [w.detach().clone().requires_grad_() for w in start()]
    optimizer = torch.optim.AdamW(
        [
            {"params": theirs[::2], "weight_decay": 2.0},
            {"params": theirs[1::2], "weight_decay": 0.0},
        ],
        lr=0.003,
    )
    X, y = random(3, 40, 6).float(), torch.arange(120).reshape(3, 40) % 10
    own = torch.arange(3)[:, None]
    for _ in range(30):
        rows = torch.randint(40, (3, 50))
        Z = HERE["scores"](theirs, X[own, rows]).flatten(0, 1)
        optimizer.zero_grad()
        (3 * nn.functional.cross_entropy(Z, y[own, rows].flatten())).backward()
        optimizer.step()
    for ours_one, theirs_one in zip(ours, theirs, strict=True):
        torch.testing.assert_close(ours_one, theirs_one, atol=1e-4, rtol=1e-3)


def start() -> list[torch.Tensor]:
    """What the three networks start from, after the same seed; the generator goes on from there."""
    torch.manual_seed(0)
    parameters = []
    for rows, columns in ((6, 8), (8, 10)):
        W = (2 * torch.rand(3, rows, columns) - 1) / rows**0.5
        parameters += [W, torch.zeros(3, 1, columns)]
    return parameters


def test_selection_outside_the_folds_leaks_and_inside_does_not():
    torch.manual_seed(0)
    errors = {True: [], False: []}
    for _ in range(10):
        X, y = torch.randn(50, 2000), torch.arange(50) % 2.0
        folds = torch.randperm(50).chunk(5)
        for inside, found in errors.items():
            found.append(HERE["validated_error"](X, y, folds, inside))
    assert sum(errors[False]) / 10 < 0.2
    assert 0.35 < sum(errors[True]) / 10 < 0.65


def test_most_correlated_columns_are_those_of_numpy():
    import numpy as np

    X, y = random(30, 50), (torch.arange(30) % 2).double()
    r = np.abs(np.corrcoef(X.numpy(), y.numpy(), rowvar=False)[-1, :-1])
    assert set(HERE["most_correlated"](X, y, 7).tolist()) == set(np.argsort(-r)[:7].tolist())
