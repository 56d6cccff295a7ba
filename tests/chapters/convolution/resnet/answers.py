"""Right and wrong answers to the exercises of the chapter *Residual networks*."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def norm_by_library(X, gamma, beta, eps):
    return functional.batch_norm(X, None, None, gamma, beta, training=True, eps=eps)


def norm_by_rows(X, gamma, beta, eps):
    n, c, h, w = X.shape
    rows = X.transpose(0, 1).reshape(c, -1)
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / (rows.square().mean(1, keepdim=True) + eps) ** 0.5
    rows = rows * gamma[:, None] + beta[:, None]
    return rows.reshape(c, n, h, w).transpose(0, 1)


def norm_by_loop(X, gamma, beta, eps):
    channels = []
    for k in range(X.shape[1]):
        x = X[:, k]
        deviation = torch.sqrt(((x - x.mean()) ** 2).mean() + eps)
        channels.append(gamma[k] * (x - x.mean()) / deviation + beta[k])
    return torch.stack(channels, dim=1)


def norm_by_moments(X, gamma, beta, eps):
    mean = X.mean((0, 2, 3))
    var = (X**2).mean((0, 2, 3)) - mean**2
    a = gamma / torch.sqrt(var + eps)
    return X * a.reshape(-1, 1, 1) + (beta - a * mean).reshape(-1, 1, 1)


def norm_unbiased(X, gamma, beta, eps):
    mean, var = X.mean((0, 2, 3), keepdim=True), X.var((0, 2, 3), keepdim=True)
    X_hat = (X - mean) / (var + eps).sqrt()
    return X_hat * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)


def norm_with_std(X, gamma, beta, eps):
    mean, std = X.mean((0, 2, 3), keepdim=True), X.std((0, 2, 3), keepdim=True, correction=0)
    X_hat = (X - mean) / (std + eps)
    return X_hat * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)


def _wrong_dims(*dims):
    def norm(X, gamma, beta, eps):
        mean = X.mean(dim=dims, keepdim=True)
        var = ((X - mean) ** 2).mean(dim=dims, keepdim=True)
        X_hat = (X - mean) * torch.rsqrt(var + eps)
        return gamma[:, None, None] * X_hat + beta[:, None, None]

    return norm


norm_over_images = _wrong_dims(0)
norm_over_positions = _wrong_dims(2, 3)
norm_as_layer_norm = _wrong_dims(1, 2, 3)
norm_over_everything = _wrong_dims(0, 1, 2, 3)
norm_over_channels = _wrong_dims(1)


def norm_without_eps(X, gamma, beta, eps):
    return norm_by_rows(X, gamma, beta, 0)


def norm_usual_eps(X, gamma, beta, eps):
    return norm_by_rows(X, gamma, beta, 1e-5)


def norm_by_std(X, gamma, beta, eps):
    X_hat = (X - X.mean((0, 2, 3), keepdim=True)) / (X.std((0, 2, 3), keepdim=True) + eps)
    return X_hat * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)


def norm_by_sum(X, gamma, beta, eps):
    d = X - X.mean((0, 2, 3), keepdim=True)
    d = d / ((d * d).sum((0, 2, 3), keepdim=True) + eps).sqrt()
    return d * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)


def norm_flat_means(X, gamma, beta, eps):
    X = X - X.mean(dim=(0, 2, 3))
    X = X / (X.square().mean(dim=(0, 2, 3)) + eps).sqrt()
    return X * gamma[:, None, None] + beta[:, None, None]


def norm_all_flat(X, gamma, beta, eps):
    mean = X.mean(dim=(0, 2, 3))
    var = X.var(dim=(0, 2, 3), correction=0)
    return (X - mean) / (var + eps) ** 0.5 * gamma + beta


def norm_one_none(X, gamma, beta, eps):
    return norm_only(X, gamma, beta, eps) * gamma[:, None] + beta[:, None]


def norm_all_one_none(X, gamma, beta, eps):
    mean = X.mean(dim=(0, 2, 3))
    var = X.var(dim=(0, 2, 3), correction=0)
    X_hat = (X - mean[:, None]) / (var[:, None] + eps) ** 0.5
    return X_hat * gamma[:, None] + beta[:, None]


def norm_by_variance(X, gamma, beta, eps):
    mean = X.mean((0, 2, 3), keepdim=True)
    var = X.var((0, 2, 3), keepdim=True, correction=0)
    return (X - mean) / (var + eps) * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)


def norm_only(X, gamma, beta, eps):
    return functional.batch_norm(X, None, None, training=True, eps=eps)


def norm_without_beta(X, gamma, beta, eps):
    return functional.batch_norm(X, None, None, gamma, training=True, eps=eps)


def norm_without_gamma(X, gamma, beta, eps):
    return norm_only(X, gamma, beta, eps) + beta.view(-1, 1, 1)


def norm_swapped(X, gamma, beta, eps):
    return norm_by_library(X, beta, gamma, eps)


def norm_shift_first(X, gamma, beta, eps):
    return gamma.view(-1, 1, 1) * (norm_only(X, gamma, beta, eps) + beta.view(-1, 1, 1))


def norm_uncentred(X, gamma, beta, eps):
    var = X.var((0, 2, 3), keepdim=True, correction=0)
    return X / torch.sqrt(var + eps) * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)


def norm_by_mean_square(X, gamma, beta, eps):
    centred = X - X.mean((0, 2, 3), keepdim=True)
    scale = torch.sqrt((X * X).mean((0, 2, 3), keepdim=True) + eps)
    return centred / scale * gamma.view(-1, 1, 1) + beta.view(-1, 1, 1)


def norm_along_the_width(X, gamma, beta, eps):
    return norm_only(X, gamma, beta, eps) * gamma + beta


def norm_in_place(X, gamma, beta, eps):
    X -= X.mean((0, 2, 3), keepdim=True)
    X /= torch.sqrt((X**2).mean((0, 2, 3), keepdim=True) + eps)
    return gamma.view(-1, 1, 1) * X + beta.view(-1, 1, 1)


def norm_flat(X, gamma, beta, eps):
    return norm_by_library(X, gamma, beta, eps).flatten(1)


def conv(X, W, stride=1):
    return functional.conv2d(X, W, stride=stride, padding=W.shape[-1] // 2)


def residual_by_helper(X, W1, W2, W3, stride):
    way = conv(X, W1, stride).clamp(min=0)
    return (conv(way, W2) + conv(X, W3, stride)).clamp(min=0)


def residual_by_modules(X, W1, W2, W3, stride):
    k, c = W1.shape[:2]
    layers = [
        nn.Conv2d(c, k, 3, stride, 1, bias=False),
        nn.ReLU(),
        nn.Conv2d(k, k, 3, padding=1, bias=False),
    ]
    layers[0].weight.data, layers[2].weight.data = W1, W2
    projection = nn.Conv2d(c, k, 1, stride, bias=False)
    projection.weight.data = W3
    return nn.functional.relu(nn.Sequential(*layers)(X) + projection(X)).detach()


def residual_by_einsum(X, W1, W2, W3, stride):
    Y = torch.relu(functional.conv2d(X, W1, None, stride, 1))
    Y = functional.conv2d(Y, W2, None, 1, 1)
    Y += torch.einsum("nchw,kc->nkhw", X[:, :, ::stride, ::stride], W3[:, :, 0, 0])
    return Y.relu_()


def residual_plain(X, W1, W2, W3, stride):
    return conv(conv(X, W1, stride).relu(), W2).relu()


def residual_relu_before_sum(X, W1, W2, W3, stride):
    return residual_plain(X, W1, W2, W3, stride) + conv(X, W3, stride)


def residual_relu_on_both(X, W1, W2, W3, stride):
    return residual_plain(X, W1, W2, W3, stride) + conv(X, W3, stride).relu()


def residual_without_last_relu(X, W1, W2, W3, stride):
    return conv(conv(X, W1, stride).relu(), W2) + conv(X, W3, stride)


def residual_times(X, W1, W2, W3, stride):
    return torch.relu(conv(conv(X, W1, stride).relu(), W2) * conv(X, W3, stride))


def residual_minus(X, W1, W2, W3, stride):
    return torch.relu(conv(X, W3, stride) - conv(conv(X, W1, stride).relu(), W2))


def residual_linear(X, W1, W2, W3, stride):
    return torch.relu(conv(conv(X, W1, stride), W2) + conv(X, W3, stride))


def residual_one_relu_too_many(X, W1, W2, W3, stride):
    return torch.relu(residual_relu_before_sum(X, W1, W2, W3, stride))


def residual_relu_on_projection(X, W1, W2, W3, stride):
    return torch.relu(conv(conv(X, W1, stride).relu(), W2) + conv(X, W3, stride).relu())


def residual_projection_of_relu(X, W1, W2, W3, stride):
    return torch.relu(conv(conv(X, W1, stride).relu(), W2) + conv(X.relu(), W3, stride))


def residual_relu_on_input(X, W1, W2, W3, stride):
    return torch.relu(conv(conv(X.relu(), W1, stride).relu(), W2) + conv(X, W3, stride))


def residual_from_first_layer(X, W1, W2, W3, stride):
    X = conv(X, W1, stride).relu()
    return torch.relu(conv(X, W2) + X)


def residual_twice(X, W1, W2, W3, stride):
    X = conv(conv(X, W1, stride).relu(), W2)
    X = X + X
    return X.relu()


def residual_projection_only(X, W1, W2, W3, stride):
    return conv(X, W3, stride).relu()


def residual_layers_only(X, W1, W2, W3, stride):
    return conv(conv(X, W1, stride).relu(), W2)


def residual_late_stride(X, W1, W2, W3, stride):
    return torch.relu(conv(conv(X, W1).relu(), W2, stride) + conv(X, W3, stride))


def residual_projection_unstrided(X, W1, W2, W3, stride):
    return torch.relu(conv(conv(X, W1, stride).relu(), W2) + conv(X, W3))


def residual_sum(X, W1, W2, W3, stride):
    return residual_by_helper(X, W1, W2, W3, stride).sum()


def residual_unpadded(X, W1, W2, W3, stride):
    Y = functional.conv2d(functional.conv2d(X, W1, stride=stride).relu(), W2)
    return (Y + functional.conv2d(X, W3, stride=stride)).relu()


def residual_first_unpadded(X, W1, W2, W3, stride):
    Y = conv(functional.conv2d(X, W1, stride=stride).relu(), W2)
    return (Y + conv(X, W3, stride)).relu()


def residual_second_unpadded(X, W1, W2, W3, stride):
    Y = functional.conv2d(conv(X, W1, stride).relu(), W2)
    return (Y + conv(X, W3, stride)).relu()


def residual_padded_projection(X, W1, W2, W3, stride):
    X3 = functional.conv2d(X, W3, stride=stride, padding=1)
    return (X3 + conv(conv(X, W1, stride).relu(), W2)).relu()


def residual_stride_twice(X, W1, W2, W3, stride):
    return (conv(X, W3, stride) + conv(conv(X, W1, stride).relu(), W2, stride)).relu()


def residual_never_strided(X, W1, W2, W3, stride):
    return (conv(X, W3) + conv(conv(X, W1).relu(), W2)).relu()


def residual_stride_two(X, W1, W2, W3, stride):
    return (conv(X, W3, 2) + conv(conv(X, W1, 2).relu(), W2)).relu()


def residual_unprojected(X, W1, W2, W3, stride):
    return (X + conv(conv(X, W1, stride).relu(), W2)).relu()


def residual_w3_if_strided(X, W1, W2, W3, stride):
    Y = conv(conv(X, W1, stride).relu(), W2)
    if stride > 1:
        X = conv(X, W3, stride)
    return (X + Y).relu()


def residual_w3_if_needed(X, W1, W2, W3, stride):
    Y = conv(conv(X, W1, stride).relu(), W2)
    if stride > 1 or W1.shape[0] != W1.shape[1]:
        X = conv(X, W3, stride)
    return (X + Y).relu()


def residual_normed(X, W1, W2, W3, stride):
    def norm(Y):
        mean = Y.mean((0, 2, 3), keepdim=True)
        return (Y - mean) / (Y.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()

    Y = norm(conv(norm(conv(X, W1, stride)).relu(), W2))
    return (Y + conv(X, W3, stride)).relu()


def residual_concatenated(X, W1, W2, W3, stride):
    Y = conv(conv(X, W1, stride).relu(), W2)
    return torch.cat([Y, conv(X, W3, stride)], 1).relu()


def norm_reshaped(X, gamma, beta, eps):
    n, c, h, w = X.shape
    Z = X.reshape(c, n * h * w)
    mean, var = Z.mean(1, keepdim=True), Z.var(1, keepdim=True, unbiased=False)
    Z = gamma[:, None] * (Z - mean) / (var + eps).sqrt() + beta[:, None]
    return Z.reshape(n, c, h, w)


def residual_relu_first(X, W1, W2, W3, stride):
    Y = functional.conv2d(functional.relu(X), W1, stride=stride, padding=1)
    Y = functional.conv2d(functional.relu(Y), W2, padding=1)
    return Y + functional.conv2d(X, W3, stride=stride)


RIGHT = {
    "normalise_batch": [norm_by_library, norm_by_rows, norm_by_loop, norm_by_moments],
    "residual_forward": [residual_by_helper, residual_by_modules, residual_by_einsum],
}
WRONG = {
    "normalise_batch": [
        (norm_unbiased, "divides by m − 1"),
        (norm_with_std, "`eps` stands where it should not"),
        (norm_over_images, "You average over the images only"),
        (norm_over_positions, "instance normalisation"),
        (norm_as_layer_norm, "layer normalisation"),
        (norm_over_everything, "one mean for everything"),
        (norm_over_channels, "You average over the channels"),
        (norm_without_eps, "does not depend on `eps`"),
        (norm_usual_eps, "does not depend on `eps`"),
        (norm_by_std, "And `X.std` divides by m − 1"),
        (norm_by_sum, "of the sum of the squares"),
        (norm_flat_means, "`keepdim=True` keeps it"),
        (norm_all_flat, "`keepdim=True` keeps it"),
        (norm_one_none, "it takes two"),
        (norm_all_one_none, "it takes two"),
        (norm_by_variance, "You divide by the variance"),
        (norm_only, "`gamma` and `beta` are not used"),
        (norm_without_beta, "`beta` is missing"),
        (norm_without_gamma, "`gamma` is missing"),
        (norm_swapped, "are exchanged"),
        (norm_shift_first, "Multiply first"),
        (norm_uncentred, "The mean is not subtracted"),
        (norm_by_mean_square, "the mean square of `X` itself"),
        (norm_along_the_width, "dimension 1"),
        (norm_reshaped, "your rows mix channels"),
        (norm_in_place, "Make a new one"),
        (norm_flat, "Follow the shapes"),
    ],
    "residual_forward": [
        (residual_plain, "residual connection is missing"),
        (residual_relu_before_sum, "Your last ReLU comes before the sum"),
        (residual_relu_on_both, "You apply ReLU to both terms"),
        (residual_without_last_relu, "The last ReLU is missing"),
        (residual_times, "You multiply the two terms"),
        (residual_minus, "You subtract"),
        (residual_linear, "no ReLU between"),
        (residual_one_relu_too_many, "a ReLU too many"),
        (residual_relu_on_projection, "There is a ReLU on your projection"),
        (residual_projection_of_relu, "projection shortcut begins with a ReLU"),
        (residual_relu_on_input, "you apply ReLU to it before"),
        (residual_from_first_layer, "starts after the first layer"),
        (residual_twice, "to itself"),
        (residual_projection_only, "the projection shortcut alone"),
        (residual_layers_only, "The projection of `X` is still to be added"),
        (residual_late_stride, "second convolution has the stride"),
        (residual_projection_unstrided, "keeps the size of `X`"),
        (residual_sum, "reduced to one number"),
        (residual_unpadded, "need `padding=1`"),
        (residual_first_unpadded, "need `padding=1`"),
        (residual_second_unpadded, "need `padding=1`"),
        (residual_padded_projection, "1×1 convolution has padding"),
        (residual_stride_twice, "the image becomes smaller twice"),
        (residual_never_strided, "You never use `stride`"),
        (residual_stride_two, "always 2"),
        (residual_unprojected, "You add `X` as it is"),
        (residual_w3_if_strided, "leave `W3` out in some cases"),
        (residual_w3_if_needed, "leave `W3` out in some cases"),
        (residual_relu_first, "You apply ReLU before each convolution"),
        (residual_normed, "You normalise the batch"),
        (residual_concatenated, "You concatenate the two terms"),
    ],
}
