"""Right and wrong answers to the exercises of the chapter *Residual networks*."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


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


def residual_relu_first(X, W1, W2, W3, stride):
    Y = functional.conv2d(functional.relu(X), W1, stride=stride, padding=1)
    Y = functional.conv2d(functional.relu(Y), W2, padding=1)
    return Y + functional.conv2d(X, W3, stride=stride)


def dense_by_list(X, kernels):
    maps = [X]
    for W in kernels:
        maps.append(conv(torch.cat(maps, 1).clamp(min=0), W))
    return torch.cat(maps, 1)


def dense_by_recursion(X, kernels):
    if len(kernels) == 0:
        return X
    W, *rest = kernels
    return dense_by_recursion(torch.hstack([X, conv(functional.relu(X), W)]), rest)


def dense_in_one_tensor(X, kernels):
    n, c, h, w = X.shape
    k = kernels[0].shape[0] if kernels else 0
    out = torch.empty(n, c + k * len(kernels), h, w)
    out[:, :c] = X
    for i, W in enumerate(kernels):
        seen = c + i * k
        out[:, seen : seen + k] = conv(out[:, :seen].relu(), W)
    return out


def dense_in_front(X, kernels):
    for W in kernels:
        X = torch.cat((conv(X.relu(), W), X), dim=1)
    return X


def dense_linear(X, kernels):
    for W in kernels:
        X = torch.cat((X, conv(X, W)), dim=1)
    return X


def dense_relu_after(X, kernels):
    for W in kernels:
        X = torch.cat((X, torch.relu(conv(X, W))), dim=1)
    return X


def dense_relu_twice(X, kernels):
    for W in kernels:
        X = torch.cat((X, torch.relu(conv(torch.relu(X), W))), dim=1)
    return X


def dense_relu_kept(X, kernels):
    for W in kernels:
        X = torch.relu(X)
        X = torch.cat((X, conv(X, W)), dim=1)
    return X


def dense_relu_at_the_end(X, kernels):
    return dense_by_list(X, kernels).relu()


def dense_without_input(X, kernels):
    new = []
    for W in kernels:
        new.append(conv(torch.cat([X, *new], 1).relu(), W))
    return torch.cat(new, 1) if new else X[:, :0]


def dense_last_only(X, kernels):
    Y = X
    for W in kernels:
        Y = conv(X.relu(), W)
        X = torch.cat([X, Y], 1)
    return Y


def dense_early_return(X, kernels):
    for W in kernels:
        return torch.cat([X, conv(X.relu(), W)], 1)
    return X


def dense_unpadded(X, kernels):
    for W in kernels:
        X = torch.cat([X, functional.conv2d(X.relu(), W)], 1)
    return X


def dense_along_images(X, kernels):
    for W in kernels:
        X = torch.cat((X, conv(X.relu(), W)))
    return X


def dense_added(X, kernels):
    for W in kernels:
        X = X + conv(X.relu(), W)
    return X


def dense_in_a_row(X, kernels):
    for W in kernels:
        X = conv(X.relu(), W)
    return X


def dense_in_place(X, kernels):
    for W in kernels:
        X = torch.cat([X, conv(X.relu_(), W)], 1)
    return X


RIGHT = {
    "dense_forward": [dense_by_list, dense_by_recursion, dense_in_one_tensor],
    "residual_forward": [residual_by_helper, residual_by_modules, residual_by_einsum],
}
WRONG = {
    "dense_forward": [
        (dense_in_front, "in front of them"),
        (dense_linear, "There is no ReLU"),
        (dense_relu_after, "Here it comes before"),
        (dense_relu_twice, "You apply ReLU twice"),
        (dense_relu_kept, "Only the convolution gets them"),
        (dense_relu_at_the_end, "You apply ReLU to the result"),
        (dense_without_input, "as the first `c` channels"),
        (dense_last_only, "the last layer alone"),
        (dense_early_return, "inside the loop"),
        (dense_unpadded, "need `padding=1`"),
        (dense_in_place, "Make a new one"),
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
