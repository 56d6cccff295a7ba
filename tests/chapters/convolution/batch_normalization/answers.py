"""Right and wrong answers to the exercises of the chapter on batch normalisation."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps):
    mean, var = running_mean.clone(), running_var.clone()
    return F.batch_norm(X, mean, var, gamma, beta, True, momentum, eps), mean, var


def features_by_lerp(X, gamma, beta, running_mean, running_var, momentum, eps):
    var, mean = torch.var_mean(X, dim=0, correction=0)
    Y = torch.addcmul(beta, gamma, (X - mean) * torch.rsqrt(var + eps))
    return Y, running_mean.lerp(mean, momentum), running_var.lerp(X.var(0), momentum)


def features_in_double(X, gamma, beta, running_mean, running_var, momentum, eps):
    X = X.double()
    centred = X - X.mean(0, keepdim=True)
    squares = centred.square().sum(0)
    Y = centred / torch.sqrt(squares / X.shape[0] + eps) * gamma + beta
    mean = running_mean + momentum * (X.mean(0) - running_mean)
    var = running_var + momentum * (squares / (X.shape[0] - 1) - running_var)
    return Y, mean, var


def features_with_default_var(X, gamma, beta, running_mean, running_var, momentum, eps):
    mean, var = X.mean(0), X.var(0)
    Y = gamma * (X - mean) / torch.sqrt(var + eps) + beta
    return (
        Y,
        (1 - momentum) * running_mean + momentum * mean,
        (1 - momentum) * running_var + momentum * var,
    )


def features_with_one_variance(X, gamma, beta, running_mean, running_var, momentum, eps):
    mean, var = X.mean(0), X.var(0, unbiased=False)
    Y = gamma * (X - mean) / torch.sqrt(var + eps) + beta
    return (
        Y,
        (1 - momentum) * running_mean + momentum * mean,
        (1 - momentum) * running_var + momentum * var,
    )


def features_with_momentum_of_the_optimiser(
    X, gamma, beta, running_mean, running_var, momentum, eps
):
    mean, var = X.mean(0), X.var(0, unbiased=False)
    Y = gamma * (X - mean) / torch.sqrt(var + eps) + beta
    return (
        Y,
        momentum * running_mean + (1 - momentum) * mean,
        momentum * running_var + (1 - momentum) * X.var(0),
    )


def features_adding_up(X, gamma, beta, running_mean, running_var, momentum, eps):
    Y = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)[0]
    return Y, running_mean + momentum * X.mean(0), running_var + momentum * X.var(0)


def features_running_deviation(X, gamma, beta, running_mean, running_var, momentum, eps):
    Y, mean, _ = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    return Y, mean, (1 - momentum) * running_var + momentum * X.std(0)


def features_without_update(X, gamma, beta, running_mean, running_var, momentum, eps):
    Y, _, _ = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    return Y, running_mean, running_var


def features_in_evaluation(X, gamma, beta, running_mean, running_var, momentum, eps):
    _, mean, var = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    Y = (X - running_mean) / torch.sqrt(running_var + eps) * gamma + beta
    return Y, mean, var


def features_by_updated(X, gamma, beta, running_mean, running_var, momentum, eps):
    _, mean, var = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    return (X - mean) / torch.sqrt(var + eps) * gamma + beta, mean, var


def features_by_layer(X, gamma, beta, running_mean, running_var, momentum, eps):
    _, mean, var = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    return F.layer_norm(X, X.shape[1:], gamma, beta, eps), mean, var


def features_of_all(X, gamma, beta, running_mean, running_var, momentum, eps):
    mean, var = X.mean(), X.var()
    Y = (X - mean) / torch.sqrt(X.var(unbiased=False) + eps) * gamma + beta
    return (
        Y,
        (1 - momentum) * running_mean + momentum * mean,
        (1 - momentum) * running_var + momentum * var,
    )


def features_over_variance(X, gamma, beta, running_mean, running_var, momentum, eps):
    _, mean, var = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    return (X - X.mean(0)) / (X.var(0, correction=0) + eps) * gamma + beta, mean, var


def features_without_eps(X, gamma, beta, running_mean, running_var, momentum, eps):
    _, mean, var = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    return (X - X.mean(0)) / X.std(0, correction=0) * gamma + beta, mean, var


def features_eps_late(X, gamma, beta, running_mean, running_var, momentum, eps):
    _, mean, var = features_by_torch(X, gamma, beta, running_mean, running_var, momentum, eps)
    return (X - X.mean(0)) / (X.std(0, correction=0) + eps) * gamma + beta, mean, var


def features_unscaled(X, gamma, beta, running_mean, running_var, momentum, eps):
    mean, var = running_mean.clone(), running_var.clone()
    return F.batch_norm(X, mean, var, None, None, True, momentum, eps), mean, var


def features_beta_first(X, gamma, beta, running_mean, running_var, momentum, eps):
    mean, var = running_mean.clone(), running_var.clone()
    return (F.batch_norm(X, mean, var, None, beta, True, momentum, eps)) * gamma, mean, var


def features_exchanged(X, gamma, beta, running_mean, running_var, momentum, eps):
    return features_by_torch(X, beta, gamma, running_mean, running_var, momentum, eps)


def features_in_place(X, gamma, beta, running_mean, running_var, momentum, eps):
    Y = F.batch_norm(X, running_mean, running_var, gamma, beta, True, momentum, eps)
    return Y, running_mean, running_var


def fold_by_torch(W, b, gamma, beta, mean, var, eps):
    weight, bias = nn.utils.fusion.fuse_conv_bn_weights(W, b, mean, var, eps, gamma, beta)
    return weight.detach(), bias.detach()


def fold_by_einsum(W, b, gamma, beta, mean, var, eps):
    s = gamma * (var + eps) ** -0.5
    return torch.einsum("o,oikl->oikl", s, W), s * b - s * mean + beta


def fold_by_loop(W, b, gamma, beta, mean, var, eps):
    W, b = W.clone(), b.clone()
    for o in range(W.shape[0]):
        s = gamma[o].item() / (var[o].item() + eps) ** 0.5
        W[o] *= s
        b[o] = (b[o] - mean[o]) * s + beta[o]
    return W, b


def fold_keeping_bias(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, b


def fold_without_own_bias(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, beta - s * mean


def fold_without_mean(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * b + beta


def fold_bias_unscaled(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, b + beta - s * mean


def fold_mean_late(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * b - mean + beta


def fold_bias_as_a_number(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, b - mean + beta


def fold_without_beta(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * (b - mean)


def fold_beta_inside(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * (b + beta - mean)


def fold_adding_mean(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * (b + mean) + beta


def fold_bias_alone(W, b, gamma, beta, mean, var, eps):
    return W, gamma / torch.sqrt(var + eps) * (b - mean) + beta


def fold_over_variance(W, b, gamma, beta, mean, var, eps):
    s = gamma / (var + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * (b - mean) + beta


def fold_without_eps(W, b, gamma, beta, mean, var, eps):
    return fold_by_einsum(W, b, gamma, beta, mean, var, 0)


def fold_eps_late(W, b, gamma, beta, mean, var, eps):
    s = gamma / (torch.sqrt(var) + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * (b - mean) + beta


def fold_multiplying(W, b, gamma, beta, mean, var, eps):
    s = gamma * torch.sqrt(var + eps)
    return s.reshape(-1, 1, 1, 1) * W, s * (b - mean) + beta


def fold_gamma_alone(W, b, gamma, beta, mean, var, eps):
    return gamma.reshape(-1, 1, 1, 1) * W, gamma * (b - mean) + beta


def fold_without_gamma(W, b, gamma, beta, mean, var, eps):
    return fold_by_einsum(W, b, torch.ones_like(gamma), beta, mean, var, eps)


def groups_by_torch(X, groups, gamma, beta, eps):
    return F.group_norm(X, groups, gamma, beta, eps)


def groups_by_loop(X, groups, gamma, beta, eps):
    parts = []
    for part in X.chunk(groups, dim=1):
        var, mean = torch.var_mean(part, dim=(1, 2, 3), correction=0, keepdim=True)
        parts.append((part - mean) / torch.sqrt(var + eps))
    return torch.cat(parts, 1) * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)


def groups_in_double(X, groups, gamma, beta, eps):
    n, c, h, w = X.shape
    P = X.double().view(n, groups, c // groups, h, w)
    P = P - P.mean((2, 3, 4), keepdim=True)
    P = P / (P.square().mean((2, 3, 4), keepdim=True) + eps) ** 0.5
    return P.view(n, c, h, w) * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)


def affine(normal, gamma, beta):
    return normal * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)


def groups_apart(X, groups, gamma, beta, eps):
    n, c, h, w = X.shape
    P = X.view(n, c // groups, groups, h, w)
    mean, var = P.mean((1, 3, 4), keepdim=True), P.var((1, 3, 4), correction=0, keepdim=True)
    return affine(((P - mean) / (var + eps).sqrt()).view(n, c, h, w), gamma, beta)


def groups_as_size(X, groups, gamma, beta, eps):
    return F.group_norm(X, X.shape[1] // groups, gamma, beta, eps)


def groups_as_batch_norm(X, groups, gamma, beta, eps):
    return F.batch_norm(X, None, None, gamma, beta, True, 0.1, eps)


def groups_over_examples(X, groups, gamma, beta, eps):
    n, c, h, w = X.shape
    P = X.view(n, groups, c // groups, h, w)
    var, mean = torch.var_mean(P, dim=(0, 2, 3, 4), correction=0, keepdim=True)
    return affine(((P - mean) / (var + eps).sqrt()).view(n, c, h, w), gamma, beta)


def groups_as_layer_norm(X, groups, gamma, beta, eps):
    return affine(F.layer_norm(X, X.shape[1:], eps=eps), gamma, beta)


def groups_as_instance_norm(X, groups, gamma, beta, eps):
    return F.group_norm(X, X.shape[1], gamma, beta, eps)


def groups_by_position(X, groups, gamma, beta, eps):
    n, c, h, w = X.shape
    P = X.view(n, groups, c // groups, h, w)
    var, mean = torch.var_mean(P, dim=2, correction=0, keepdim=True)
    return affine(((P - mean) / (var + eps).sqrt()).view(n, c, h, w), gamma, beta)


def groups_with_default_var(X, groups, gamma, beta, eps):
    n, c, h, w = X.shape
    P = X.view(n, groups, -1)
    normal = (P - P.mean(-1, keepdim=True)) / (P.var(-1, keepdim=True) + eps).sqrt()
    return affine(normal.view(n, c, h, w), gamma, beta)


def groups_over_variance(X, groups, gamma, beta, eps):
    P = X.view(X.shape[0], groups, -1)
    var, mean = torch.var_mean(P, dim=-1, correction=0, keepdim=True)
    return affine(((P - mean) / (var + eps)).view(X.shape), gamma, beta)


def groups_without_eps(X, groups, gamma, beta, eps):
    return F.group_norm(X, groups, gamma, beta, 0.0)


def groups_eps_late(X, groups, gamma, beta, eps):
    P = X.view(X.shape[0], groups, -1)
    std, mean = torch.std_mean(P, dim=-1, correction=0, keepdim=True)
    return affine(((P - mean) / (std + eps)).view(X.shape), gamma, beta)


def groups_unscaled(X, groups, gamma, beta, eps):
    return F.group_norm(X, groups, eps=eps)


def groups_exchanged(X, groups, gamma, beta, eps):
    return F.group_norm(X, groups, beta, gamma, eps)


def fold_along_columns(W, b, gamma, beta, mean, var, eps):
    s = gamma / torch.sqrt(var + eps)
    return W * s, s * (b - mean) + beta


RIGHT = {
    "batch_norm_features": [features_by_torch, features_by_lerp, features_in_double],
    "fold_batch_norm": [fold_by_torch, fold_by_einsum, fold_by_loop],
    "group_norm": [groups_by_torch, groups_by_loop, groups_in_double],
}
WRONG = {
    "batch_norm_features": [
        (features_with_default_var, "the variance that divides by n − 1"),
        (features_with_one_variance, "takes in the variance that divides by n."),
        (features_with_momentum_of_the_optimiser, "You keep `momentum` of the old"),
        (features_adding_up, "keep all of the old ones"),
        (features_running_deviation, "takes in the standard deviation"),
        (features_without_update, "as they came"),
        (features_in_evaluation, "That is evaluation mode"),
        (features_by_updated, "after their update"),
        (features_by_layer, "the mean of each example"),
        (features_of_all, "one mean and one variance of all numbers"),
        (features_over_variance, "You divide by the variance"),
        (features_without_eps, "You leave `eps` out"),
        (features_eps_late, "under the root"),
        (features_unscaled, "stop at the normalised numbers"),
        (features_beta_first, "The shift comes last"),
        (features_exchanged, "Which is the scale?"),
        (features_in_place, "Make a new one"),
    ],
    "fold_batch_norm": [
        (fold_along_columns, "The output channels are dimension 0"),
        (fold_keeping_bias, "You return the bias as it was"),
        (fold_without_own_bias, "own bias `b` is missing"),
        (fold_without_mean, "You do not subtract `mean`"),
        (fold_bias_unscaled, "You do not scale `b`"),
        (fold_mean_late, "after the scaling"),
        (fold_bias_as_a_number, "You scale the weights and not the bias"),
        (fold_without_beta, "`beta` is missing"),
        (fold_beta_inside, "You scale `beta`, too"),
        (fold_adding_mean, "You add `mean`"),
        (fold_bias_alone, "You return the weights as they were"),
        (fold_over_variance, "without a root"),
        (fold_without_eps, "You leave `eps` out"),
        (fold_eps_late, "under the root"),
        (fold_multiplying, "multiply by the standard deviation"),
        (fold_gamma_alone, "by `gamma` alone"),
        (fold_without_gamma, "You leave `gamma` out"),
    ],
    "group_norm": [
        (groups_apart, "channels that lie apart"),
        (groups_as_size, "the number of channels in a group"),
        (groups_as_batch_norm, "That is batch normalisation"),
        (groups_over_examples, "go over the examples, too"),
        (groups_as_layer_norm, "That is one group"),
        (groups_as_instance_norm, "each channel by itself"),
        (groups_by_position, "each position by itself"),
        (groups_with_default_var, "one less than the number of values"),
        (groups_over_variance, "without a root"),
        (groups_without_eps, "You leave `eps` out"),
        (groups_eps_late, "under the root"),
        (groups_unscaled, "stop at the normalised numbers"),
        (groups_exchanged, "Which is the scale?"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "batch_norm_features": {
        "X - mean → mean - X": "it is squared",
    },
    "group_norm": {
        "X.reshape(X.shape[0], groups, -1) → X.reshape(groups, X.shape[0], -1)": (
            "the rows are the same, in the same order"
        ),
        "parts - mean → mean - parts": "it is squared",
    },
}
