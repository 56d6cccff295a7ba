"""The chapter's layer is torch's, its gradients are autograd's, its n-grams are the papers'."""

from __future__ import annotations

import pytest
import torch
from chapter_code import defined_in
from hypothesis import given, settings, strategies as st
from torch import nn

CHAPTER = defined_in("sequences/rnn")
sizes = st.integers(1, 6)


@settings(deadline=None, max_examples=40)
@given(n=sizes, t=sizes, d=sizes, h=sizes, seed=st.integers(0, 999))
def test_rnn_is_torchs_with_its_gradients(n, t, d, h, seed):
    torch.manual_seed(seed)
    layer = nn.RNN(d, h, batch_first=True).double()
    X = torch.randn(n, t, d, dtype=torch.float64)
    H = torch.randn(n, h, dtype=torch.float64)
    G = torch.randn(n, t, h, dtype=torch.float64)
    b = (layer.bias_ih_l0 + layer.bias_hh_l0).detach()
    W_xh, W_hh = layer.weight_ih_l0.detach().T, layer.weight_hh_l0.detach().T

    theirs, last = layer(X, H[None])
    states = CHAPTER["rnn"](X, H, W_xh, W_hh, b)
    assert torch.allclose(states, theirs)
    assert torch.allclose(states[:, -1], last[0])

    (theirs * G).sum().backward()
    dW_xh, dW_hh, db = CHAPTER["rnn_backward"](X, H, states, G, W_hh)
    assert torch.allclose(dW_xh, layer.weight_ih_l0.grad.T)
    assert torch.allclose(dW_hh, layer.weight_hh_l0.grad.T)
    assert torch.allclose(db, layer.bias_ih_l0.grad)


@pytest.mark.parametrize(
    ("remember", "outputs"),
    [("hidden", [[4, 4], [12, 12], [32, 32]]), ("output", [[4, 4], [20, 20], [88, 88]])],
)
def test_all_ones(remember, outputs):
    inputs = torch.tensor([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    assert CHAPTER["all_ones"](inputs, remember) == outputs


@settings(deadline=None, max_examples=40)
@given(
    train=st.lists(st.integers(0, 3), min_size=6, max_size=60),
    context=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    n=st.integers(1, 4),
    kneser_ney=st.booleans(),
)
def test_ngram_gives_probabilities(train, context, n, kneser_ney):
    train = torch.tensor([*train, 0, 1, 2, 3])
    p = [
        CHAPTER["ngram"](train, torch.tensor([*context, x]), n, 4, kneser_ney)[-1] for x in range(4)
    ]
    assert min(p) > 0
    assert sum(p) == pytest.approx(1, abs=1e-5)


def test_witten_bell_by_hand():
    """After a came a once and b twice: (c + k · p) / (c + k), with k = 2 kinds."""
    a, b = 0, 1
    train, test = torch.tensor([a, a, b, a, b]), torch.tensor([a, b])
    one = (2 + 2 / 2) / (5 + 2)
    two = (2 + 2 * one) / (3 + 2)
    p = CHAPTER["ngram"](train, test, 2, 2, kneser_ney=False)
    assert p.tolist() == pytest.approx([(3 + 2 / 2) / 7, two])


def test_discounts_are_those_of_chen_and_goodman():
    """n1 = 8, n2 = 4, n3 = 2, n4 = 1: Y = 8 / (8 + 2 · 4) = 1/2."""
    counts = torch.tensor([1] * 8 + [2] * 4 + [3] * 2 + [4])
    D = CHAPTER["discounts"](counts)
    expected = {1: 1 - 2 * 0.5 * 4 / 8, 2: 2 - 3 * 0.5 * 2 / 4, 3: 3 - 4 * 0.5 * 1 / 2}
    assert D.tolist() == pytest.approx([expected[min(c, 3)] for c in counts.tolist()])


def test_kneser_ney_by_hand():
    """Bigrams ab 3, bc 2, ca 1, ba 1; the unigrams count what stood before."""
    a, b, c = 0, 1, 2
    train = torch.tensor([a, b, c, a, b, a, b, c])
    n1, n2, n3 = 2, 1, 1
    Y = n1 / (n1 + 2 * n2)
    D = {1: 1 - 2 * Y * n2 / n1, 2: 2 - 3 * Y * n3 / n2}
    before = {a: 2, b: 1, c: 1}  # different tokens that stood before: ca, ba; ab; bc
    m1, m2 = 2, 1
    Y1 = m1 / (m1 + 2 * m2)
    E = {1: 1 - 2 * Y1 * m2 / m1, 2: 2 - 3 * Y1 * 1 / m2}
    rest = E[1] * 2 + E[2]
    one = (before[c] - E[1] + rest / 3) / 4
    two = (2 - D[2] + (D[2] + D[1]) * one) / 3  # after b came c twice and a once
    p = CHAPTER["ngram"](train, torch.tensor([b, c]), 2, 3)
    assert p[1].item() == pytest.approx(two, rel=1e-5)


def test_windows_are_one_step_apart():
    X, y = CHAPTER["windows"](torch.arange(23), 5)
    assert X.shape == y.shape == (4, 5)
    assert torch.equal(y, X + 1)


def test_character_rnn_never_looks_ahead():
    torch.manual_seed(0)
    net = CHAPTER["CharacterRNN"](7, 4, 5)
    X = torch.randint(7, (3, 6))
    changed = X.clone()
    changed[:, 4] = (X[:, 4] + 1) % 7
    with torch.no_grad():
        z, other = net(X), net(changed)
    assert z.shape == (3, 7, 6)
    assert torch.equal(z[:, :, :4], other[:, :, :4])
    assert not torch.allclose(z[:, :, 4:], other[:, :, 4:])


def test_cut_through_time_changes_the_gradient_alone():
    torch.manual_seed(0)
    net = CHAPTER["CharacterRNN"](7, 4, 5)
    X = torch.arange(6)[None]  # (1, 6): each token once
    table = net.embedding.weight
    reached = {}
    for name, z in (("whole", net(X)), ("cut", CHAPTER["without_time"](net, X))):
        reached[name] = z, torch.autograd.grad(z[0, :, -1].logsumexp(0), table)[0]  # (7, 4)
    assert torch.allclose(reached["whole"][0], reached["cut"][0], atol=1e-6)
    assert reached["whole"][1][:5].abs().sum() > 0
    assert reached["cut"][1][:5].abs().sum() == 0
    assert torch.allclose(reached["whole"][1][5], reached["cut"][1][5], atol=1e-6)


def test_clipped_step_has_the_length_it_may_have():
    points, norms = CHAPTER["descend"](0.5, rate=0.2, steps=3)
    steps = (points[1:] - points[:-1]).norm(dim=1)
    for step, norm in zip(steps.tolist(), norms, strict=True):
        assert step == pytest.approx(0.2 * min(norm, 0.5))
