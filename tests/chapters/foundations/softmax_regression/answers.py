"""Right and wrong answers to the exercises of the chapter *Softmax regression*."""

from __future__ import annotations

import torch
from torch.nn import functional


def log_softmax_with_c(Z):
    c = Z.max(dim=1, keepdim=True).values
    return Z - (c + torch.log(torch.sum(torch.exp(Z - c), dim=1, keepdim=True)))


def log_softmax_by_row(Z):
    rows = []
    for z in Z:
        z = z - max(z)
        rows.append(z - z.exp().sum().log())
    return torch.stack(rows)


def log_softmax_by_columns(Z):
    T = Z.T - Z.amax(dim=1)
    return (T - T.exp().sum(dim=0).log()).T


def log_softmax_by_formula(Z):
    return torch.log(torch.exp(Z) / torch.exp(Z).sum(1, keepdim=True))


def log_softmax_plain_difference(Z):
    return Z - torch.log(torch.sum(torch.exp(Z), 1)).reshape(-1, 1)


def log_softmax_of_stable_softmax(Z):
    E = torch.exp(Z - Z.max(1, keepdim=True)[0])
    return torch.log(E / E.sum(1, keepdim=True))


def log_softmax_with_a_crutch(Z):
    E = torch.exp(Z - Z.max(1, keepdim=True)[0])
    return torch.log(E / E.sum(1, keepdim=True) + 1e-12)


def log_softmax_clamped(Z):
    return torch.log(torch.clamp(torch.softmax(Z, 1), min=1e-30))


def log_softmax_no_log(Z):
    E = torch.exp(Z - Z.max(1, keepdim=True)[0])
    return E / E.sum(1, keepdim=True)


def log_softmax_no_log_and_plain(Z):
    E = torch.exp(Z)
    return E / E.sum(1, keepdim=True)


def log_softmax_over_examples(Z):
    Z = Z - Z.max(0, keepdim=True)[0]
    return Z - Z.exp().sum(0, keepdim=True).log()


def log_softmax_one_max_for_all(Z):
    Z = Z - torch.max(Z)
    return Z - Z.exp().sum(1, keepdim=True).log()


def log_softmax_one_sum_for_all(Z):
    Z = Z - Z.amax(1, keepdim=True)
    return Z - torch.log(torch.exp(Z).sum())


def log_softmax_max_only_inside(Z):
    c = Z.amax(1, keepdim=True)
    return Z - torch.log(torch.exp(Z - c).sum(1, keepdim=True))


def log_softmax_max_twice(Z):
    c = Z.amax(1, keepdim=True)
    log_sum = c + torch.log(torch.exp(Z - c).sum(1, keepdim=True))
    return (Z - c) - log_sum


def log_softmax_bits(Z):
    return log_softmax_with_c(Z) / torch.log(torch.tensor(2.0))


def log_softmax_minus(Z):
    c = Z.amax(1, keepdim=True)
    return c + torch.log(torch.exp(Z - c).sum(1, keepdim=True)) - Z


def log_softmax_shift_only(Z):
    return Z - Z.amax(1, keepdim=True)


def log_softmax_mean(Z):
    Z = Z - Z.amax(1, keepdim=True)
    return Z - torch.log(torch.exp(Z).mean(1, keepdim=True))


def log_softmax_sum_without_log(Z):
    Z = Z - Z.amax(1, keepdim=True)
    return Z - torch.exp(Z).sum(1, keepdim=True)


def log_softmax_smallest(Z):
    Z = Z - Z.amin(1, keepdim=True)
    return Z - torch.log(torch.exp(Z).sum(1, keepdim=True))


def log_softmax_log_sum_exp(Z):
    c = Z.amax(1)
    return c + torch.log(torch.exp(Z - c[:, None]).sum(1))


def log_softmax_flat_max(Z):
    Z = Z - Z.amax(1)
    return Z - torch.log(torch.exp(Z).sum(1))


def log_softmax_in_place(Z):
    Z -= Z.amax(1, keepdim=True)
    return Z - torch.log(torch.exp(Z).sum(1, keepdim=True))


def smooth_by_torch(Z, y, epsilon):
    return functional.cross_entropy(Z, y, label_smoothing=epsilon)


def smooth_by_targets(Z, y, epsilon):
    n, K = Z.shape
    target = torch.full((n, K), epsilon / K)
    target[range(n), y] += 1 - epsilon
    return -(target * functional.log_softmax(Z, dim=1)).sum() / n


def smooth_by_example(Z, y, epsilon):
    total = 0
    for z, k in zip(Z, y, strict=True):
        c = z.max()
        log_p = z - c - (z - c).exp().sum().log()
        total = total - (1 - epsilon) * log_p[k] - epsilon * log_p.mean()
    return total / len(y)


def _log_p(Z):
    return Z - torch.logsumexp(Z, 1, keepdim=True)


def smooth_sum(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / Z.shape[1]
    return -(target * _log_p(Z)).sum()


def smooth_each(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / Z.shape[1]
    return -(target * _log_p(Z)).sum(1)


def smooth_mean_of_all(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / Z.shape[1]
    return torch.mean(-target * _log_p(Z))


def smooth_ignored(Z, y, epsilon):
    return functional.cross_entropy(Z, y)


def smooth_share_lost(Z, y, epsilon):
    return (1 - epsilon) * functional.cross_entropy(Z, y)


def smooth_share_from_nowhere(Z, y, epsilon):
    return functional.cross_entropy(Z, y) - epsilon * _log_p(Z).mean()


def smooth_not_shared(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon
    return -(target * _log_p(Z)).sum(1).mean()


def smooth_shared_by_examples(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / len(y)
    return -(target * _log_p(Z)).sum(1).mean()


def smooth_summed_over_all(Z, y, epsilon):
    log_p = _log_p(Z)
    true = log_p[range(len(y)), y].mean()
    return -(1 - epsilon) * true - epsilon / Z.shape[1] * log_p.sum()


def smooth_without_k(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y) + epsilon / Z.shape[1]
    return -(target * _log_p(Z)).sum(1).mean()


def smooth_clamped(Z, y, epsilon):
    log_p = torch.softmax(Z, 1).clamp(min=1e-30).log()
    return -((1 - epsilon) * log_p[range(len(y)), y] + epsilon * log_p.mean(1)).mean()


def smooth_among_false(Z, y, epsilon):
    n, K = Z.shape
    target = torch.full((n, K), epsilon / (K - 1))
    target[range(n), y] = 1 - epsilon
    return -(target * _log_p(Z)).sum(1).mean()


def smooth_true_without_share(Z, y, epsilon):
    n, K = Z.shape
    target = torch.full((n, K), epsilon / K)
    target[range(n), y] = 1 - epsilon
    return -(target * _log_p(Z)).sum(1).mean()


def smooth_swapped(Z, y, epsilon):
    log_p = _log_p(Z)
    return -(epsilon * log_p[range(len(y)), y] + (1 - epsilon) * log_p.mean(1)).mean()


def smooth_plus(Z, y, epsilon):
    log_p = _log_p(Z)
    return ((1 - epsilon) * log_p[range(len(y)), y] + epsilon * log_p.mean(1)).mean()


def smooth_base_two(Z, y, epsilon):
    log_p = _log_p(Z) / torch.log(torch.tensor(2.0))
    return -((1 - epsilon) * log_p[range(len(y)), y] + epsilon * log_p.mean(1)).mean()


def smooth_over_examples(Z, y, epsilon):
    log_p = torch.log_softmax(Z, 0)
    return -((1 - epsilon) * log_p[range(len(y)), y] + epsilon * log_p.mean(1)).mean()


def smooth_predicted(Z, y, epsilon):
    log_p = _log_p(Z)
    return -((1 - epsilon) * log_p.max(1).values + epsilon * log_p.mean(1)).mean()


def smooth_counted_from_one(Z, y, epsilon):
    log_p = _log_p(Z)
    return -((1 - epsilon) * log_p[range(len(y)), y - 1] + epsilon * log_p.mean(1)).mean()


def smooth_every_class_of_all(Z, y, epsilon):
    log_p = _log_p(Z)
    return -((1 - epsilon) * log_p[:, y] + epsilon * log_p.mean()).mean()


def smooth_probabilities(Z, y, epsilon):
    p = torch.softmax(Z, 1)
    return -((1 - epsilon) * p[range(len(y)), y] + epsilon * p.mean(1)).mean()


def smooth_scores(Z, y, epsilon):
    return -((1 - epsilon) * Z[range(len(y)), y] + epsilon * Z.mean(1)).mean()


def smooth_two_softmaxes(Z, y, epsilon):
    return functional.cross_entropy(torch.softmax(Z, 1), y, label_smoothing=epsilon)


def smooth_mixed_probabilities(Z, y, epsilon):
    p = (1 - epsilon) * torch.softmax(Z, 1) + epsilon / Z.shape[1]
    return -torch.log(p[range(len(y)), y]).mean()


def smooth_plain(Z, y, epsilon):
    p = torch.exp(Z) / torch.exp(Z).sum(1, keepdim=True)
    log_p = torch.log(p)
    return -((1 - epsilon) * log_p[range(len(y)), y] + epsilon * log_p.mean(1)).mean()


def smooth_plain_log_sum_exp(Z, y, epsilon):
    log_p = Z - torch.log(torch.exp(Z).sum(1, keepdim=True))
    return -((1 - epsilon) * log_p[range(len(y)), y] + epsilon * log_p.mean(1)).mean()


def smooth_too_late(Z, y, epsilon):
    log_p = torch.log(torch.softmax(Z, 1))
    return -((1 - epsilon) * log_p[range(len(y)), y] + epsilon * log_p.mean(1)).mean()


def smooth_divergence(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / Z.shape[1]
    return (target * (target / torch.softmax(Z, 1)).log()).sum(1).mean()


def smooth_divergence_of_logs(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / Z.shape[1]
    return (target * (target.log() - torch.log_softmax(Z, 1))).sum(1).mean()


def smooth_divergence_by_torch(Z, y, epsilon):
    target = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / Z.shape[1]
    return functional.kl_div(torch.log_softmax(Z, 1), target, reduction="batchmean")


def smooth_number(Z, y, epsilon):
    return functional.cross_entropy(Z, y, label_smoothing=epsilon).item()


def gradient_by_autograd(Z, y):
    Z = Z.clone().requires_grad_()
    Y = torch.eye(Z.shape[1])[y]
    loss = ((Z.softmax(1) - Y) ** 2).sum(1).mean()
    return torch.autograd.grad(loss, Z)[0]


def gradient_by_jacobian(Z, y):
    rows = []
    for z, k in zip(Z, y, strict=True):
        p = z.softmax(0)
        J = torch.diag(p) - torch.outer(p, p)
        e = torch.zeros_like(p)
        e[k] = 1
        rows.append(2 * J @ (p - e) / len(y))
    return torch.stack(rows)


def gradient_by_einsum(Z, y):
    n, K = Z.shape
    P = Z.softmax(1)
    J = torch.diag_embed(P) - P[:, :, None] * P[:, None, :]
    return torch.einsum("nkj,nj->nk", J, 2 * (P - functional.one_hot(y, K))) / n


def _parts(Z, y):
    P = torch.softmax(Z, 1)
    return P, 2 * (P - functional.one_hot(y, Z.shape[1]))


def gradient_cross_entropy(Z, y):
    P = torch.softmax(Z, 1)
    return (P - functional.one_hot(y, Z.shape[1])) / len(y)


def gradient_in_p(Z, y):
    return _parts(Z, y)[1] / len(y)


def gradient_as_sigmoid(Z, y):
    P, G = _parts(Z, y)
    return G * P * (1 - P) / len(y)


def gradient_half_a_bracket(Z, y):
    P, G = _parts(Z, y)
    return P * G / len(y)


def gradient_unweighted_sum(Z, y):
    P, G = _parts(Z, y)
    return P * (G - G.sum(1, keepdim=True)) / len(y)


def gradient_factor_once(Z, y):
    P, G = _parts(Z, y)
    return P * G / len(y) - (P * G).sum(1, keepdim=True) / len(y)


def gradient_without_k(Z, y):
    P = torch.softmax(Z, 1)
    G = 2 * (P - functional.one_hot(y))
    return P * (G - (P * G).sum(1, keepdim=True)) / len(y)


def gradient_no_factor(Z, y):
    P, G = _parts(Z, y)
    return (G - (P * G).sum(1, keepdim=True)) / len(y)


def gradient_plus(Z, y):
    P, G = _parts(Z, y)
    return P * (G + (P * G).sum(1, keepdim=True)) / len(y)


def gradient_no_two(Z, y):
    P, G = _parts(Z, y)
    G = G / 2
    return P * (G - (P * G).sum(1, keepdim=True)) / len(y)


def gradient_no_mean(Z, y):
    P, G = _parts(Z, y)
    return P * (G - (P * G).sum(1, keepdim=True))


def gradient_no_two_no_mean(Z, y):
    P = torch.softmax(Z, 1)
    E = P - functional.one_hot(y, Z.shape[1])
    return P * (E - (P * E).sum(1, keepdim=True))


def gradient_mean_of_all(Z, y):
    P, G = _parts(Z, y)
    return P * (G - (P * G).sum(1, keepdim=True)) / Z.numel()


def gradient_over_classes(Z, y):
    P, G = _parts(Z, y)
    return P * (G - (P * G).sum(1, keepdim=True)) / Z.shape[1]


def gradient_downhill(Z, y):
    P, G = _parts(Z, y)
    return P * ((P * G).sum(1, keepdim=True) - G) / len(y)


def gradient_down_the_columns(Z, y):
    P, G = _parts(Z, y)
    return P * (G - (P * G).sum(0, keepdim=True)) / len(y)


def gradient_whole_sum(Z, y):
    P, G = _parts(Z, y)
    return P * (G - (P * G).sum()) / len(y)


def gradient_softmax_down(Z, y):
    P = torch.softmax(Z, 0)
    G = 2 * (P - functional.one_hot(y, Z.shape[1]))
    return P * (G - (P * G).sum(1, keepdim=True)) / len(y)


def gradient_label_as_number(Z, y):
    P = torch.softmax(Z, 1)
    G = 2 * (P - y.reshape(-1, 1))
    return P * (G - (P * G).sum(1, keepdim=True)) / len(y)


def gradient_loss(Z, y):
    P = torch.softmax(Z, 1)
    return ((P - functional.one_hot(y, Z.shape[1])) ** 2).sum(1).mean()


def gradient_true_class_only(Z, y):
    P = torch.softmax(Z, 1)
    Y = functional.one_hot(y, Z.shape[1])
    p = P[range(len(y)), y].reshape(-1, 1)
    return -2 * (1 - p) * p * (Y - P) / len(y)


def gradient_flat_sum(Z, y):
    P, G = _parts(Z, y)
    return P * (G - (P * G).sum(1)) / len(y)


def log_softmax_with_a_billionth(Z):
    return torch.log(torch.softmax(Z, 1) + 1e-9)


def smooth_with_a_billionth(Z, y, epsilon):
    P = torch.softmax(Z, 1)
    targets = (1 - epsilon) * functional.one_hot(y, Z.shape[1]) + epsilon / Z.shape[1]
    return -(targets * (P + 1e-9).log()).sum(1).mean()


def log_softmax_max_without_values(Z):
    Z = Z - torch.max(Z, dim=1, keepdim=True)
    return Z - Z.exp().sum(dim=1, keepdim=True).log()


def log_softmax_cut_off(Z):
    Z = torch.clamp(Z, -80, 80)
    return Z - Z.exp().sum(dim=1, keepdim=True).log()


def log_softmax_mean_subtracted(Z):
    Z = Z - Z.mean(dim=1, keepdim=True)
    return Z - Z.exp().sum(dim=1, keepdim=True).log()


def log_softmax_log2_of_sum(Z):
    Z = Z - Z.amax(dim=1, keepdim=True)
    return Z - torch.log2(Z.exp().sum(dim=1, keepdim=True))


def log_softmax_divided(Z):
    Z = Z - Z.amax(dim=1, keepdim=True)
    return Z / torch.log(Z.exp().sum(dim=1, keepdim=True))


def smooth_other_way_round(Z, y, epsilon):
    K = Z.shape[1]
    q = torch.full_like(Z, epsilon / K)
    q[torch.arange(len(y)), y] += 1 - epsilon
    return -(Z.softmax(dim=1) * torch.log(q)).sum(dim=1).mean()


def gradient_of_scores(Z, y):
    e = Z.clone()
    e[torch.arange(len(y)), y] -= 1
    return 2 * e / len(y)


RIGHT = {
    "log_softmax": [log_softmax_with_c, log_softmax_by_row, log_softmax_by_columns],
    "smooth_cross_entropy": [smooth_by_torch, smooth_by_targets, smooth_by_example],
    "squared_error_gradient": [gradient_by_autograd, gradient_by_jacobian, gradient_by_einsum],
}
WRONG = {
    "log_softmax": [
        (log_softmax_with_a_billionth, "A small number that keeps"),
        (log_softmax_by_formula, "At a score of 1000"),
        (log_softmax_plain_difference, "At a score of 1000"),
        (log_softmax_of_stable_softmax, "the logarithm of a finished softmax"),
        (log_softmax_with_a_crutch, "A small number that"),
        (log_softmax_clamped, "A small number that"),
        (log_softmax_no_log, "Its logarithm is asked for"),
        (log_softmax_no_log_and_plain, "and it overflows"),
        (log_softmax_over_examples, "Your columns add up to 1"),
        (log_softmax_one_max_for_all, "its own largest score"),
        (log_softmax_one_sum_for_all, "the powers of all rows"),
        (log_softmax_max_only_inside, "missing outside"),
        (log_softmax_max_twice, "the largest score twice"),
        (log_softmax_bits, "base 2"),
        (log_softmax_minus, "The sign is wrong"),
        (log_softmax_shift_only, "nothing else"),
        (log_softmax_mean, "the mean of the powers"),
        (log_softmax_sum_without_log, "Its logarithm belongs there"),
        (log_softmax_smallest, "far above 0"),
        (log_softmax_mean_subtracted, "far above 0"),
        (log_softmax_max_without_values, "`.values`"),
        (log_softmax_cut_off, "You cut large scores off"),
        (log_softmax_log2_of_sum, "base 2"),
        (log_softmax_divided, "You divide by the logarithm"),
        (log_softmax_log_sum_exp, "This is the log-sum-exp"),
        (log_softmax_flat_max, "`keepdim=True`"),
        (log_softmax_in_place, "Make a new one"),
    ],
    "smooth_cross_entropy": [
        (smooth_divergence, "You compute the KL divergence"),
        (smooth_other_way_round, "p and q the wrong way round"),
        (smooth_divergence_of_logs, "You compute the KL divergence"),
        (smooth_divergence_by_torch, "You compute the KL divergence"),
        (smooth_with_a_billionth, "A small number that keeps"),
        (smooth_sum, "You add the examples up"),
        (smooth_each, "a loss for each example"),
        (smooth_mean_of_all, "K times too small"),
        (smooth_ignored, "does not depend on `epsilon`"),
        (smooth_share_lost, "give it to nobody"),
        (smooth_share_from_nowhere, "take it from none"),
        (smooth_not_shared, "divided among them"),
        (smooth_shared_by_examples, "among the `K` classes"),
        (smooth_summed_over_all, "*and* the examples"),
        (smooth_without_k, "`F.one_hot(y, K)`"),
        (smooth_clamped, "A small number that"),
        (smooth_among_false, "among the false classes"),
        (smooth_true_without_share, "gets no part of `epsilon`"),
        (smooth_swapped, "the wrong way round"),
        (smooth_plus, "The sign is wrong"),
        (smooth_base_two, "base 2"),
        (smooth_over_examples, "down the columns"),
        (smooth_predicted, "the largest score"),
        (smooth_counted_from_one, "counted from 0"),
        (smooth_every_class_of_all, "a table of `(n, n)`"),
        (smooth_probabilities, "You weigh the probabilities"),
        (smooth_scores, "You weigh the scores"),
        (smooth_two_softmaxes, "two softmaxes"),
        (smooth_mixed_probabilities, "You smooth the probabilities"),
        (smooth_plain, "At a score of 1000"),
        (smooth_plain_log_sum_exp, "At a score of 1000"),
        (smooth_too_late, "the logarithm of a finished softmax"),
        (smooth_number, "no `.item()`"),
    ],
    "squared_error_gradient": [
        (gradient_true_class_only, "the true class only"),
        (gradient_of_scores, "You compare the scores with the labels"),
        (gradient_cross_entropy, "the gradient of the cross-entropy"),
        (gradient_in_p, "with respect to the probabilities"),
        (gradient_as_sigmoid, "as a sigmoid does"),
        (gradient_half_a_bracket, "the second term is missing"),
        (gradient_unweighted_sum, "which adds up to 0"),
        (gradient_factor_once, "belongs to both terms"),
        (gradient_without_k, "`F.one_hot(y, K)`"),
        (gradient_no_factor, "in front of the bracket"),
        (gradient_plus, "A sign is wrong"),
        (gradient_no_two, "The factor 2"),
        (gradient_no_mean, "You do not divide by `n`"),
        (gradient_no_two_no_mean, "Two things"),
        (gradient_mean_of_all, "the number of classes, too"),
        (gradient_over_classes, "where the number of examples should be"),
        (gradient_downhill, "A gradient points uphill"),
        (gradient_down_the_columns, "You add up down the columns"),
        (gradient_whole_sum, "over the whole table"),
        (gradient_softmax_down, "Your softmax runs down the columns"),
        (gradient_label_as_number, "one-hot vector first"),
        (gradient_loss, "not its gradient"),
        (gradient_flat_sum, "`keepdim=True`"),
    ],
}
