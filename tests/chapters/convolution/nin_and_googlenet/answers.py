"""Right and wrong answers to the exercises of *Network in network and GoogLeNet*."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode


def cost_by_list(h, w, c, c1, c3, c5, c_pool):
    layers = [(c, c1, 1), (c, c3[0], 1), (*c3, 3), (c, c5[0], 1), (*c5, 5), (c, c_pool, 1)]
    return sum(h * w * before * after * k**2 for before, after, k in layers)


def cost_by_counting(h, w, c, c1, c3, c5, c_pool):
    with torch.device("meta"):
        X = torch.empty(1, c, h, w)
        reduced = [nn.Conv2d(c, c3[0], 1), nn.Conv2d(c, c5[0], 1)]
        alone = [nn.Conv2d(c, c1, 1), nn.Conv2d(c, c_pool, 1)]
        three, five = nn.Conv2d(*c3, 3, padding=1), nn.Conv2d(*c5, 5, padding=2)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        three(reduced[0](X))
        five(reduced[1](X))
        for layer in alone:
            layer(X)
    return counter.get_total_flops() // 2


def cost_in_a_tensor(h, w, c, c1, c3, c5, c_pool):
    first = torch.tensor([c1, c3[0], c5[0], c_pool]).sum() * c
    return (first + 9 * c3[0] * c3[1] + 25 * c5[0] * c5[1]) * h * w


def cost_of_one_pixel(h, w, c, c1, c3, c5, c_pool):
    return c * (c1 + c3[0] + c5[0] + c_pool) + 9 * c3[0] * c3[1] + 25 * c5[0] * c5[1]


def cost_with_biases(h, w, c, c1, c3, c5, c_pool):
    biases = c1 + sum(c3) + sum(c5) + c_pool
    return cost_by_list(h, w, c, c1, c3, c5, c_pool) + h * w * biases


def cost_as_parameters(h, w, c, c1, c3, c5, c_pool):
    biases = c1 + sum(c3) + sum(c5) + c_pool
    return cost_of_one_pixel(h, w, c, c1, c3, c5, c_pool) + biases


def cost_in_flops(h, w, c, c1, c3, c5, c_pool):
    return 2 * h * w * cost_of_one_pixel(h, w, c, c1, c3, c5, c_pool)


def cost_without_bottlenecks(h, w, c, c1, c3, c5, c_pool):
    return h * w * (c * c1 + c * 9 * c3[1] + c * 25 * c5[1] + c * c_pool)


def cost_with_all_inputs(h, w, c, c1, c3, c5, c_pool):
    three = c * c3[0] + 9 * c * c3[1]
    five = c * c5[0] + 25 * c * c5[1]
    return h * w * (c * c1 + three + five + c * c_pool)


def cost_with_free_reductions(h, w, c, c1, c3, c5, c_pool):
    return h * w * (c * c1 + 9 * c3[0] * c3[1] + 25 * c5[0] * c5[1] + c * c_pool)


def cost_with_k_for_k_squared(h, w, c, c1, c3, c5, c_pool):
    first = c * (c1 + c3[0] + c5[0] + c_pool)
    return h * w * (first + 3 * c3[0] * c3[1] + 5 * c5[0] * c5[1])


def cost_without_kernels(h, w, c, c1, c3, c5, c_pool):
    return h * w * (c * (c1 + c3[0] + c5[0] + c_pool) + c3[0] * c3[1] + c5[0] * c5[1])


def cost_as_torchvision(h, w, c, c1, c3, c5, c_pool):
    first = c * (c1 + c3[0] + c5[0] + c_pool)
    return h * w * (first + 9 * (c3[0] * c3[1] + c5[0] * c5[1]))


def cost_of_exchanged_kernels(h, w, c, c1, c3, c5, c_pool):
    first = c * (c1 + c3[0] + c5[0] + c_pool)
    return h * w * (first + 25 * c3[0] * c3[1] + 9 * c5[0] * c5[1])


def cost_of_turned_pairs(h, w, c, c1, c3, c5, c_pool):
    out3, reduced3 = c3
    out5, reduced5 = c5
    first = c * (c1 + reduced3 + reduced5 + c_pool)
    return h * w * (first + 9 * reduced3 * out3 + 25 * reduced5 * out5)


def cost_with_maxima(h, w, c, c1, c3, c5, c_pool):
    return cost_by_list(h, w, c, c1, c3, c5, c_pool) + h * w * 9 * c


def cost_without_pooling(h, w, c, c1, c3, c5, c_pool):
    return cost_by_list(h, w, c, c1, c3, c5, 0)


def cost_without_first(h, w, c, c1, c3, c5, c_pool):
    return cost_by_list(h, w, c, 0, c3, c5, c_pool)


def cost_of_a_large_projection(h, w, c, c1, c3, c5, c_pool):
    return cost_by_list(h, w, c, c1, c3, c5, 9 * c_pool)


def cost_in_a_row(h, w, c, c1, c3, c5, c_pool):
    layers = [(c, c1, 1), (c1, c3[0], 1), (*c3, 3), (c3[1], c5[0], 1), (*c5, 5)]
    layers.append((c5[1], c_pool, 1))
    return sum(h * w * before * after * k**2 for before, after, k in layers)


def cost_of_large_reductions(h, w, c, c1, c3, c5, c_pool):
    three = 9 * c * c3[0] + 9 * c3[0] * c3[1]
    five = 25 * c * c5[0] + 25 * c5[0] * c5[1]
    return h * w * (c * c1 + three + five + c * c_pool)


def cost_unpadded(h, w, c, c1, c3, c5, c_pool):
    ones = h * w * c * (c1 + c3[0] + c5[0] + c_pool)
    three = max(0, h - 2) * max(0, w - 2) * 9 * c3[0] * c3[1]
    five = max(0, h - 4) * max(0, w - 4) * 25 * c5[0] * c5[1]
    return ones + three + five


def cost_of_a_column(h, w, c, c1, c3, c5, c_pool):
    return h * cost_of_one_pixel(h, w, c, c1, c3, c5, c_pool)


def cost_of_a_square(h, w, c, c1, c3, c5, c_pool):
    return h**2 * cost_of_one_pixel(h, w, c, c1, c3, c5, c_pool)


def cost_of_a_square_of_width(h, w, c, c1, c3, c5, c_pool):
    return w**2 * cost_of_one_pixel(h, w, c, c1, c3, c5, c_pool)


def maps_by_convolution(A, W, b):
    return functional.conv2d(A, W[:, :, None, None], b)


def maps_by_linear(A, W, b):
    return functional.linear(A.permute(0, 2, 3, 1), W, b).permute(0, 3, 1, 2)


def maps_by_matmul(A, W, b):
    n, _, h, w = A.shape
    return (W @ A.reshape(n, A.shape[1], h * w) + b[:, None]).reshape(n, len(W), h, w)


def maps_by_loops(A, W, b):
    M = torch.zeros(len(A), len(W), *A.shape[2:])
    for k in range(len(W)):
        for c in range(W.shape[1]):
            M[:, k] += W[k, c] * A[:, c]
        M[:, k] += b[k]
    return M


def maps_without_bias(A, W, b):
    return (W[:, :, None, None] * A[:, None]).sum(dim=2)


def maps_with_shared_bias(A, W, b):
    return maps_without_bias(A, W, b) + b[:, None, None] / A[0, 0].numel()


def maps_that_add_up(A, W, b):
    return maps_by_convolution(A, W, b) / A[0, 0].numel()


def maps_times_positions(A, W, b):
    return maps_by_linear(A, W, b) * A.shape[-1] * A.shape[-2]


def maps_with_large_bias(A, W, b):
    return maps_by_linear(A, W, b * A.shape[-1] * A.shape[-2])


def maps_minus_bias(A, W, b):
    return maps_without_bias(A, W, b) - b.reshape(-1, 1, 1)


def maps_with_relu(A, W, b):
    return functional.relu(maps_by_convolution(A, W, b))


def maps_of_probabilities(A, W, b):
    return functional.softmax(maps_by_matmul(A, W, b), 1)


def maps_averaged_over_channels(A, W, b):
    return (W[:, :, None, None] * A[:, None]).mean(dim=2) + b[:, None, None]


def maps_that_are_flat(A, W, b):
    outputs = functional.linear(A.mean(dim=(-1, -2)), W, b)
    return outputs[..., None, None] + torch.zeros(A.shape[2:])


def maps_plus_outputs(A, W, b):
    return maps_without_bias(A, W, b) + maps_that_are_flat(A, W, b)


def maps_from_zero(A, W, b):
    M = maps_by_convolution(A, W, b)
    return M - M.flatten(2).min(dim=2).values[..., None, None]


def maps_pooled(A, W, b):
    return functional.linear(A.mean(dim=(2, 3)), W, b)


def maps_channels_last(A, W, b):
    return functional.linear(A.movedim(1, -1), W, b)


def maps_divided_before_bias(A, W, b):
    M = torch.tensordot(A, W, dims=([1], [1])).movedim(-1, 1)
    return M / (A.shape[-1] * A.shape[-2]) + b.reshape(-1, 1, 1)


def maps_reshaped(A, W, b):
    M = A.movedim(1, -1) @ W.T + b
    return M.reshape(len(A), len(W), *A.shape[2:])


def maps_mixed_up(A, W, b):
    M = maps_by_convolution(A, W, b)
    return M.transpose(-1, -2).reshape(M.shape)


RIGHT = {
    "inception_cost": [cost_by_list, cost_by_counting, cost_in_a_tensor],
    "class_maps": [maps_by_convolution, maps_by_linear, maps_by_matmul, maps_by_loops],
}
WRONG = {
    "inception_cost": [
        (cost_of_one_pixel, "You count one position"),
        (cost_with_biases, "You count the biases"),
        (cost_as_parameters, "These are the parameters"),
        (cost_in_flops, "You count the additions"),
        (cost_without_bottlenecks, "take all `c` channels"),
        (cost_with_all_inputs, "How many channels arrive there"),
        (cost_with_free_reductions, "Yours are free"),
        (cost_with_k_for_k_squared, "A kernel of 3×3 has more"),
        (cost_without_kernels, "all convolutions as 1×1"),
        (cost_as_torchvision, "The paper's has 5×5"),
        (cost_of_exchanged_kernels, "exchanged the kernel sizes"),
        (cost_of_turned_pairs, "the output channels come first"),
        (cost_with_maxima, "A maximum compares"),
        (cost_without_pooling, "The branch with the pooling is missing"),
        (cost_without_first, "The first branch is missing"),
        (cost_of_a_large_projection, "behind the pooling has a kernel of 1×1"),
        (cost_in_a_row, "They stand side by side"),
        (cost_of_large_reductions, "whatever follows"),
        (cost_unpadded, "They are padded"),
        (cost_of_a_column, "the height alone"),
        (cost_of_a_square, "squares of side `h`"),
        (cost_of_a_square_of_width, "squares of side `w`"),
    ],
    "class_maps": [
        (maps_without_bias, "without its bias"),
        (maps_with_shared_bias, "You divide the bias"),
        (maps_that_add_up, "it should be the mean"),
        (maps_times_positions, "You multiply by the number of positions"),
        (maps_with_large_bias, "You multiply the bias"),
        (maps_minus_bias, "You subtract the bias"),
        (maps_with_relu, "no negative numbers"),
        (maps_of_probabilities, "You return probabilities"),
        (maps_averaged_over_channels, "the mean over the channels"),
        (maps_that_are_flat, "the same number at every position"),
        (maps_plus_outputs, "You add the whole output"),
        (maps_from_zero, "Your maps begin at 0"),
        (maps_pooled, "Follow the shapes"),
        (maps_channels_last, "dimension"),
        (maps_mixed_up, "rows and columns"),
        (maps_divided_before_bias, "The mean of the map does that"),
        (maps_reshaped, "`movedim` or `permute` moves"),
    ],
}
EQUIVALENT = {}
