"""Right and wrong answers to the exercises of the chapter *Efficient convolutions*."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


def multiplier_by_loops(X, K, stride):
    maps = []
    for i in range(K.shape[0]):
        for j in range(K.shape[1]):
            kernel = K[i, j][None, None]
            maps.append(functional.conv2d(X[:, i : i + 1], kernel, stride=stride))
    return torch.cat(maps, dim=1)


def multiplier_by_windows(X, K, stride):
    k = K.shape[-1]
    windows = X.unfold(2, k, stride).unfold(3, k, stride)
    return torch.einsum("ncijuv,cmuv->ncmij", windows, K).flatten(1, 2)


def multiplier_by_module(X, K, stride):
    c, m, k, _ = K.shape
    conv = nn.Conv2d(c, c * m, k, stride, groups=c, bias=False)
    conv.weight.data = K.flatten(0, 1).unsqueeze(1)
    return conv(X).detach()


def multiplier_by_interleaving(X, K, stride):
    c, m, k, _ = K.shape
    X = X.repeat_interleave(m, dim=1)
    return functional.conv2d(X, K.reshape(-1, 1, k, k), None, stride, 0, 1, c * m)


def multiplier_group_per_output(X, K, stride):
    c, m, k, _ = K.shape
    return functional.conv2d(X, K.reshape(c * m, 1, k, k), stride=stride, groups=c * m)


def multiplier_kernels_first(X, K, stride):
    sets = []
    for j in range(K.shape[1]):
        sets.append(functional.conv2d(X, K[:, j, None], stride=stride, groups=X.shape[1]))
    return torch.cat(sets, 1)


def multiplier_repeated(X, K, stride):
    c, m, k, _ = K.shape
    X = torch.cat([X] * m, dim=1)
    return functional.conv2d(X, K.view(c * m, 1, k, k), stride=stride, groups=c * m)


def multiplier_m_first(X, K, stride):
    c, m, k, _ = K.shape
    K = K.transpose(0, 1).reshape(c * m, 1, k, k)
    return functional.conv2d(X, K, stride=stride, groups=c)


def multiplier_summed(X, K, stride):
    return functional.conv2d(X, K.permute(1, 0, 2, 3), stride=stride)


def multiplier_sum_of_kernels(X, K, stride):
    return functional.conv2d(X, K.sum(1, keepdim=True), stride=stride, groups=len(K))


def multiplier_first_kernel(X, K, stride):
    return functional.conv2d(X, K[:, 0:1], stride=stride, groups=len(K))


def multiplier_flipped(X, K, stride):
    return multiplier_by_loops(X, torch.flip(K, [-1, -2]), stride)


def multiplier_transposed(X, K, stride):
    return multiplier_by_loops(X, K.mT, stride)


def multiplier_unstrided(X, K, stride):
    return multiplier_by_loops(X, K, 1)


def multiplier_padded(X, K, stride):
    c, m, k, _ = K.shape
    kernels = K.reshape(c * m, 1, k, k)
    return functional.conv2d(X, kernels, stride=stride, padding=k // 2, groups=c)


def multiplier_in_five(X, K, stride):
    return multiplier_by_loops(X, K, stride).unflatten(1, K.shape[:2])


def nearest_by_loops(K):
    out = torch.zeros_like(K)
    for o in range(K.shape[0]):
        for i in range(K.shape[1]):
            U, S, Vt = torch.linalg.svd(K[o, i])
            out[o, i] = S[0] * torch.outer(U[:, 0], Vt[0])
    return out


def nearest_by_old_svd(K):
    U, S, V = torch.svd(K)
    S = torch.cat([S[..., :1], torch.zeros_like(S[..., 1:])], -1)
    return U @ torch.diag_embed(S) @ V.mT


def nearest_by_projection(K):
    _, vectors = torch.linalg.eigh(K.mT.double() @ K.double())
    v = vectors[..., -1:].to(K.dtype)
    return K @ v @ v.mT


def nearest_with_v(K):
    U, S, V = torch.linalg.svd(K)
    return S[..., 0, None, None] * torch.einsum("oia,oib->oiab", U[..., 0], V[..., 0])


def nearest_with_rows_of_u(K):
    U, S, Vt = torch.linalg.svd(K)
    return S[..., 0, None, None] * torch.einsum("oia,oib->oiab", U[..., 0, :], Vt[..., 0, :])


def nearest_unscaled(K):
    U, _, Vt = torch.linalg.svd(K)
    return U[..., :1] @ Vt[..., :1, :]


def nearest_with_root(K):
    U, S, Vt = torch.linalg.svd(K)
    return S[..., :1, None].sqrt() * U[..., :1] @ Vt[..., :1, :]


def nearest_scaled_twice(K):
    U, S, Vt = torch.linalg.svd(K)
    column, row = S[..., :1, None] * U[..., :1], S[..., :1, None] * Vt[..., :1, :]
    return column @ row


def nearest_negative(K):
    return -nearest_by_loops(K)


def nearest_by_the_least(K):
    U, S, Vt = torch.linalg.svd(K)
    return S[..., -1, None, None] * U[..., -1:] @ Vt[..., -1:, :]


def nearest_rest(K):
    return K - nearest_by_loops(K)


def nearest_of_all(K):
    U, S, Vt = torch.linalg.svd(K.reshape(K.shape[0], -1), full_matrices=False)
    return (S[0] * U[:, :1] @ Vt[:1]).reshape(K.shape)


def nearest_of_stack(K):
    U, S, Vt = torch.linalg.svd(K.reshape(-1, K.shape[-1]), full_matrices=False)
    return (S[0] * U[:, :1] @ Vt[:1]).reshape(K.shape)


def nearest_of_flat(K):
    U, S, Vt = torch.linalg.svd(K.reshape(K.shape[0] * K.shape[1], -1), full_matrices=False)
    return (S[0] * U[:, :1] @ Vt[:1]).reshape(K.shape)


def nearest_shared(K):
    c_out, c, k, _ = K.shape
    M = K.permute(1, 2, 0, 3).reshape(c * k, c_out * k)
    U, S, Vt = torch.linalg.svd(M, full_matrices=False)
    return (S[0] * U[:, :1] @ Vt[:1]).reshape(c, k, c_out, k).permute(2, 0, 1, 3)


def nearest_by_means(K):
    return K.mean(-1, keepdim=True) @ K.mean(-2, keepdim=True) / K.mean((-1, -2), keepdim=True)


def nearest_unchanged(K):
    U, S, Vt = torch.linalg.svd(K)
    return U @ torch.diag_embed(S) @ Vt


def cost_by_names(c_in, c_out, t, stride, h, w):
    hidden = c_in * t
    h2, w2 = math.ceil(h / stride), math.ceil(w / stride)
    total = 0
    if t != 1:
        total += h * w * hidden * c_in
    total += h2 * w2 * hidden * 3 * 3
    total += h2 * w2 * c_out * hidden
    return total


def cost_by_formula(c_in, c_out, t, stride, h, w):
    rows = (h + 2 * 1 - 3) // stride + 1
    columns = (w + 2 * 1 - 3) // stride + 1
    return t * c_in * ((t > 1) * c_in * h * w + rows * columns * (9 + c_out))


def cost_by_ranges(c_in, c_out, t, stride, h, w):
    positions = len(range(0, h, stride)) * len(range(0, w, stride))
    wide = t * c_in
    first = 0 if t == 1 else c_in * wide * h * w
    return first + wide * 9 * positions + wide * c_out * positions


def cost_expanded_late(c_in, c_out, t, stride, h, w):
    rows, columns, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return rows * columns * (c_in * wide * (t > 1) + 9 * wide + wide * c_out)


def cost_depthwise_before_stride(c_in, c_out, t, stride, h, w):
    rows, columns, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return h * w * (c_in * wide * (t > 1) + 9 * wide) + rows * columns * wide * c_out


def cost_without_stride(c_in, c_out, t, stride, h, w):
    return cost_by_names(c_in, c_out, t, 1, h, w)


def cost_rounded_down(c_in, c_out, t, stride, h, w):
    h2, w2, wide = h // stride, w // stride, t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * wide * (9 + c_out)


def cost_unpadded(c_in, c_out, t, stride, h, w):
    h2, w2, wide = (h - 3) // stride + 1, (w - 3) // stride + 1, t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * wide * (9 + c_out)


def cost_dense(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * wide * (9 * wide + c_out)


def cost_always_expanded(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return h * w * c_in * wide + h2 * w2 * wide * (9 + c_out)


def cost_of_one_kernel(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * (9 + wide * c_out)


def cost_of_points(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * wide * (1 + c_out)


def cost_without_depthwise(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * wide * c_out


def cost_without_projection(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * wide * 9


def cost_without_expansion(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return h2 * w2 * wide * (9 + c_out)


def cost_narrow(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_in
    return (t > 1) * h * w * c_in * wide + h2 * w2 * (9 * c_in + wide * c_out)


def cost_of_expanded_output(c_in, c_out, t, stride, h, w):
    h2, w2, wide = math.ceil(h / stride), math.ceil(w / stride), t * c_out
    return (t > 1) * h * w * c_in * wide + h2 * w2 * wide * (9 + c_out)


def cost_of_weights(c_in, c_out, t, stride, h, w):
    return cost_by_names(c_in, c_out, t, 1, 1, 1)


def cost_in_flops(c_in, c_out, t, stride, h, w):
    return 2 * cost_by_names(c_in, c_out, t, stride, h, w)


def cost_with_sum(c_in, c_out, t, stride, h, w):
    cost = cost_by_names(c_in, c_out, t, stride, h, w)
    if c_in == c_out and stride == 1:
        cost += c_out * h * w
    return cost


def nearest_transposed(K):
    return nearest_by_loops(K).mT


RIGHT = {
    "channel_multiplier": [
        multiplier_by_loops,
        multiplier_by_windows,
        multiplier_by_module,
        multiplier_by_interleaving,
    ],
    "nearest_separable": [nearest_by_loops, nearest_by_old_svd, nearest_by_projection],
    "inverted_residual_cost": [cost_by_names, cost_by_formula, cost_by_ranges],
}
WRONG = {
    "channel_multiplier": [
        (multiplier_group_per_output, "one group for each *output* channel"),
        (multiplier_kernels_first, "another order"),
        (multiplier_repeated, "meet the wrong channels"),
        (multiplier_m_first, "as if its first dimension were `m`"),
        (multiplier_summed, "You sum over the input channels"),
        (multiplier_sum_of_kernels, "You add up the `m` outputs"),
        (multiplier_first_kernel, "You use one kernel"),
        (multiplier_flipped, "Your kernels are flipped"),
        (multiplier_transposed, "Your kernels are transposed"),
        (multiplier_unstrided, "You never use `stride`"),
        (multiplier_padded, "You have padded"),
        (multiplier_in_five, "shape"),
    ],
    "nearest_separable": [
        (nearest_transposed, "rows and columns have changed places"),
        (nearest_with_v, "a column of the third matrix"),
        (nearest_with_rows_of_u, "a row of the first matrix"),
        (nearest_unscaled, "the singular value is missing"),
        (nearest_with_root, "the root of the singular value"),
        (nearest_scaled_twice, "in your product twice"),
        (nearest_negative, "The sign is wrong"),
        (nearest_by_the_least, "the smallest singular value"),
        (nearest_rest, "what the nearest kernel leaves out"),
        (nearest_of_all, "one large matrix"),
        (nearest_of_stack, "one large matrix"),
        (nearest_of_flat, "one large matrix"),
        (nearest_shared, "one large matrix"),
        (nearest_by_means, "the means of rows and columns"),
        (nearest_unchanged, "all terms"),
    ],
    "inverted_residual_cost": [
        (cost_expanded_late, "the expansion at the size behind the stride"),
        (cost_depthwise_before_stride, "the depthwise convolution at all"),
        (cost_without_stride, "You never use `stride`"),
        (cost_rounded_down, "You round the size down"),
        (cost_unpadded, "without padding"),
        (cost_dense, "as a standard one"),
        (cost_always_expanded, "where the block has none"),
        (cost_of_one_kernel, "for a single channel"),
        (cost_of_points, "one multiplication for each output"),
        (cost_without_depthwise, "depthwise convolution is missing"),
        (cost_without_projection, "last 1×1 convolution is missing"),
        (cost_without_expansion, "first 1×1 convolution is missing"),
        (cost_narrow, "with `c_in` channels"),
        (cost_of_expanded_output, "`t` times `c_out`"),
        (cost_of_weights, "These are the weights"),
        (cost_in_flops, "as two"),
        (cost_with_sum, "You count the sum"),
    ],
}
