"""Right and wrong answers to the exercises of the chapter *LeNet*."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional


def count_by_hand(channels, height, width, classes):
    h, w = height // 2, width // 2
    h, w = h - 4, w - 4
    h, w = h // 2, w // 2
    inputs = 16 * h * w
    layers = [
        25 * channels * 6 + 6,
        25 * 6 * 16 + 16,
        inputs * 120 + 120,
        120 * 84 + 84,
        84 * classes + classes,
    ]
    return sum(layers)


def count_by_list(channels, height, width, classes):
    flat = 16 * (height // 4 - 2) * (width // 4 - 2)
    sizes = [flat, 120, 84, classes]
    dense = sum((a + 1) * b for a, b in pairwise(sizes))
    return 2416 + 150 * channels + 6 + dense


def count_by_network(channels, height, width, classes):
    net = nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(120),
        nn.Linear(120, 84),
        nn.Linear(84, classes),
    )
    net(torch.zeros(1, channels, height, width))
    return sum(p.numel() for p in net.parameters())


def count_weights(channels, height, width, classes):
    h, w = (height // 2 - 4) // 2, (width // 2 - 4) // 2
    return 150 * channels + 2400 + 16 * h * w * 120 + 120 * 84 + 84 * classes


def count_without_convolution_biases(channels, height, width, classes):
    return count_by_hand(channels, height, width, classes) - 22


def count_without_dense_biases(channels, height, width, classes):
    return count_weights(channels, height, width, classes) + 6 + 16


def count_400(channels, height, width, classes):
    return 6 * (25 * channels + 1) + 2416 + 401 * 120 + 121 * 84 + 85 * classes


def count_one_bias_a_convolution(channels, height, width, classes):
    return count_by_hand(channels, height, width, classes) - 6 - 16 + 1 + 1


def count_five_off(channels, height, width, classes):
    rows, columns = ((side // 2 - 5) // 2 for side in (height, width))
    dense = (16 * rows * columns + 1) * 120 + 121 * 84 + 85 * classes
    return 6 * (25 * channels + 1) + 2416 + dense


def count_five_weights(channels, height, width, classes):
    rest = count_by_hand(channels, height, width, classes) - 6 * (25 * channels + 1) - 2416
    return rest + 6 * (5 * channels + 1) + 16 * (5 * 6 + 1)


def count_without_84(channels, height, width, classes):
    h, w = (height // 2 - 4) // 2, (width // 2 - 4) // 2
    return 6 * (25 * channels + 1) + 2416 + 120 * (16 * h * w + 1) + 121 * classes


def count_rounded_late(channels, height, width, classes):
    h, w = (height / 2 - 4) / 2, (width / 2 - 4) / 2
    dense = (16 * h * w + 1) * 120 + 121 * 84 + 85 * classes
    return int(6 * (25 * channels + 1) + 2416 + dense)


def count_one_channel(channels, height, width, classes):
    return count_by_hand(1, height, width, classes)


def count_one_bias_a_layer(channels, height, width, classes):
    return count_weights(channels, height, width, classes) + 5


def count_in_floats(channels, height, width, classes):
    h, w = (height // 2 - 4) // 2, (width // 2 - 4) // 2
    return count_by_hand(channels, height, width, classes) - 16 * h * w * 120 + 8 * h * w * 240 / 1


def count_ten_classes(channels, height, width, classes):
    return count_by_list(channels, height, width, 10)


def count_square(channels, height, width, classes):
    side = (height // 2 - 4) // 2
    return 156 + 150 * (channels - 1) + 2416 + (16 * side**2 + 1) * 120 + 10164 + 85 * classes


def count_square_of_width(channels, height, width, classes):
    return count_by_hand(channels, width, width, classes)


def count_unpadded(channels, height, width, classes):
    h, w = ((height - 4) // 2 - 4) // 2, ((width - 4) // 2 - 4) // 2
    return 150 * channels + 6 + 2416 + (16 * h * w + 1) * 120 + 10164 + 85 * classes


def count_padded_twice(channels, height, width, classes):
    h, w = height // 2 // 2, width // 2 // 2
    return 150 * channels + 6 + 2416 + (16 * h * w + 1) * 120 + 10164 + 85 * classes


def count_padded_in_the_wrong_place(channels, height, width, classes):
    h, w = (height - 4) // 4, (width - 4) // 4
    return 150 * channels + 6 + 2416 + (16 * h * w + 1) * 120 + 10164 + 85 * classes


def count_stride_one(channels, height, width, classes):
    h, w = height - 1 - 4 - 1, width - 1 - 4 - 1
    return 150 * channels + 6 + 2416 + (16 * h * w + 1) * 120 + 10164 + 85 * classes


def count_without_pooling(channels, height, width, classes):
    h, w = height - 4, width - 4
    return 150 * channels + 6 + 2416 + (16 * h * w + 1) * 120 + 10164 + 85 * classes


def count_rounded_up(channels, height, width, classes):
    h, w = ((height + 1) // 2 - 4 + 1) // 2, ((width + 1) // 2 - 4 + 1) // 2
    return 150 * channels + 6 + 2416 + (16 * h * w + 1) * 120 + 10164 + 85 * classes


def count_pooling_as_in_the_paper(channels, height, width, classes):
    return count_by_hand(channels, height, width, classes) + 12 + 32


def count_second_convolution_flat(channels, height, width, classes):
    return count_by_hand(channels, height, width, classes) - 2400 + 400


def count_bias_for_each_kernel(channels, height, width, classes):
    h, w = (height // 2 - 4) // 2, (width // 2 - 4) // 2
    convolutions = 6 * channels * 26 + 16 * 6 * 26
    return convolutions + (16 * h * w + 1) * 120 + 10164 + 85 * classes


def count_bias_for_each_place(channels, height, width, classes):
    h, w = height // 2 - 4, width // 2 - 4
    convolutions = 6 * (25 * channels + height * width) + 16 * (150 + h * w)
    return convolutions + (16 * (h // 2) * (w // 2) + 1) * 120 + 10164 + 85 * classes


def count_one_map(channels, height, width, classes):
    h, w = (height // 2 - 4) // 2, (width // 2 - 4) // 2
    return 150 * channels + 6 + 2416 + (h * w + 1) * 120 + 10164 + 85 * classes


def back_by_autograd(X, G, k, s):
    X = X.detach().clone().requires_grad_()
    return torch.autograd.grad(functional.max_pool2d(X, k, s), X, G)[0]


def back_by_unfold(X, G, k, s):
    n, c, h, w = X.shape
    columns = functional.unfold(X, k, stride=s).reshape(n, c, k * k, -1)
    won = functional.one_hot(columns.argmax(dim=2), k * k).movedim(-1, 2)
    back = (won * G.reshape(n, c, 1, -1)).to(X.dtype)
    full = functional.fold(back.reshape(n, c * k * k, -1), (h, w), k, stride=s)
    return full


def back_by_loops(X, G, k, s):
    dX = torch.zeros(X.shape)
    for e in range(G.shape[0]):
        for c in range(G.shape[1]):
            for i in range(G.shape[2]):
                for j in range(G.shape[3]):
                    place = X[e, c, i * s : i * s + k, j * s : j * s + k].argmax().item()
                    dX[e, c, i * s + place // k, j * s + place % k] += G[e, c, i, j]
    return dX


def back_evenly(X, G, k, s):
    X = X.detach().clone().requires_grad_()
    return torch.autograd.grad(functional.avg_pool2d(X, k, s), X, G)[0]


def back_to_all(X, G, k, s):
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            dX[:, :, i * s : i * s + k, j * s : j * s + k] += G[:, :, i, j, None, None]
    return dX


def back_with(winner, X, G, k, s):
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            window = X[:, :, i * s : i * s + k, j * s : j * s + k]
            dX[:, :, i * s : i * s + k, j * s : j * s + k] += winner(
                window, G[:, :, i, j, None, None]
            )
    return dX


def back_the_largest_itself(X, G, k, s):
    dX = torch.zeros_like(X)
    P = torch.nn.functional.max_pool2d(X, k, s)
    for i in range(P.shape[2]):
        for j in range(P.shape[3]):
            window = X[:, :, i * s : i * s + k, j * s : j * s + k]
            largest = P[:, :, i : i + 1, j : j + 1]
            dX[:, :, i * s : i * s + k, j * s : j * s + k] += (window == largest) * largest
    return dX


def back_wiping(X, G, k, s):
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            window = X[:, :, i * s : i * s + k, j * s : j * s + k]
            won = window == window.amax(dim=(-1, -2), keepdim=True)
            dX[:, :, i * s : i * s + k, j * s : j * s + k] = won * G[:, :, i, j][..., None, None]
    return dX


def back_keeping_the_last(X, G, k, s):
    dX = torch.zeros_like(X)
    for e in range(G.shape[0]):
        for c in range(G.shape[1]):
            for i in range(G.shape[2]):
                for j in range(G.shape[3]):
                    place = X[e, c, i * s : i * s + k, j * s : j * s + k].argmax().item()
                    dX[e, c, i * s + place // k, j * s + place % k] = G[e, c, i, j]
    return dX


def back_times_value(X, G, k, s):
    return X * back_by_autograd(X, G, k, s)


def back_without_gradient(X, G, k, s):
    return back_by_autograd(X, torch.ones_like(G), k, s)


def back_to_smallest(X, G, k, s):
    return back_by_autograd(-X, G, k, s)


def back_over_channels(X, G, k, s):
    return back_with(lambda x, g: (x == x.amax((1, 2, 3), keepdim=True)) * g, X, G, k, s)


def back_over_everything(X, G, k, s):
    return back_with(lambda x, g: (x == x.max()) * g, X, G, k, s)


def back_by_rows(X, G, k, s):
    return back_with(lambda x, g: (x == x.max(dim=-1, keepdim=True).values) * g, X, G, k, s)


def back_by_columns(X, G, k, s):
    return back_with(lambda x, g: (x == x.max(dim=-2, keepdim=True).values) * g, X, G, k, s)


def back_windows_of_stride(X, G, k, s):
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            window = X[:, :, i * s : (i + 1) * s, j * s : (j + 1) * s]
            won = window == window.amax(dim=(2, 3), keepdim=True)
            dX[:, :, i * s : (i + 1) * s, j * s : (j + 1) * s] += won * G[:, :, i, j, None, None]
    return dX


def back_in_the_small_shape(X, G, k, s):
    return G


def back_into_inputs(X, G, k, s):
    answer = back_by_autograd(X, G, k, s)
    X.copy_(answer)
    return X


def back_at(X, G, k, apart):
    dX = torch.zeros_like(X)
    for i in range(G.shape[2]):
        for j in range(G.shape[3]):
            a, b = i * apart, j * apart
            window = X[:, :, a : a + k, b : b + k]
            won = window == window.amax(dim=(2, 3), keepdim=True)
            dX[:, :, a : a + k, b : b + k] += won * G[:, :, i, j, None, None]
    return dX


def back_one_apart(X, G, k, s):
    return back_at(X, G, k, 1)


def back_side_by_side(X, G, k, s):
    return back_at(X, G, k, k)


def back_to_the_whole_picture(X, G, k, s):
    P = functional.max_pool2d(X, k, s)
    dX = torch.zeros_like(X)
    for i in range(P.shape[2]):
        for j in range(P.shape[3]):
            dX += (P[:, :, i : i + 1, j : j + 1] == X) * G[:, :, i : i + 1, j : j + 1]
    return dX


def count_pooled_once(channels, height, width, classes):
    inputs = 16 * (height // 2 - 4) * (width // 2 - 4)
    dense = inputs * 120 + 120 + 120 * 84 + 84 + 84 * classes + classes
    return 150 * channels + 6 + 2400 + 16 + dense


def count_without_last(channels, height, width, classes):
    rows, columns = (height // 2 - 4) // 2, (width // 2 - 4) // 2
    return 150 * channels + 6 + 2416 + 120 * (16 * rows * columns + 1) + 84 * 121


RIGHT = {
    "lenet_parameters": [count_by_hand, count_by_list, count_by_network],
    "max_pool_gradient": [back_by_autograd, back_by_unfold, back_by_loops],
}
WRONG = {
    "lenet_parameters": [
        (count_weights, "These are the weights alone"),
        (count_without_convolution_biases, "The biases of the convolutions are missing"),
        (count_without_dense_biases, "The biases of the fully connected layers are missing"),
        (count_400, "You have 400 inputs"),
        (count_one_bias_a_convolution, "one bias for each convolution"),
        (count_five_off, "not 5"),
        (count_five_weights, "A kernel of 5×5 has more"),
        (count_without_84, "there are 84 units"),
        (count_rounded_late, "You round at the end"),
        (count_one_channel, "Your first convolution has one input channel"),
        (count_ten_classes, "Your last layer has 10 outputs"),
        (count_square, "squares of side `height`"),
        (count_square_of_width, "squares of side `width`"),
        (count_unpadded, "It is padded"),
        (count_padded_twice, "Only the first one is padded"),
        (count_padded_in_the_wrong_place, "in the wrong convolution"),
        (count_stride_one, "move by one pixel"),
        (count_without_pooling, "leave the size as it was"),
        (count_pooled_once, "You pool once"),
        (count_without_last, "Your last layer is missing"),
        (count_rounded_up, "You round up"),
        (count_pooling_as_in_the_paper, "for each channel that is pooled"),
        (count_second_convolution_flat, "for each pair of a channel"),
        (count_bias_for_each_kernel, "a bias for each kernel"),
        (count_bias_for_each_place, "a bias for each position"),
        (count_one_bias_a_layer, "one bias for each layer"),
        (count_in_floats, "`//`"),
        (count_one_map, "`Flatten` passes on all"),
    ],
    "max_pool_gradient": [
        (back_the_largest_itself, "the largest number itself"),
        (back_evenly, "the backward pass of average pooling"),
        (back_to_all, "Only one of them made the"),
        (back_wiping, "overwrite what an earlier window has given"),
        (back_keeping_the_last, "the gradient of the last window only"),
        (back_times_value, "You multiply by the largest number"),
        (back_without_gradient, "You find the largest numbers"),
        (back_to_smallest, "The smallest number of each window"),
        (back_over_channels, "one maximum over all channels"),
        (back_over_everything, "one maximum over all images and channels"),
        (back_by_rows, "in each row of a window"),
        (back_by_columns, "in each column of a window"),
        (back_one_apart, "begin one pixel apart"),
        (back_side_by_side, "side by side"),
        (back_windows_of_stride, "Your windows are `s` wide"),
        (back_in_the_small_shape, "The size is wrong in dimensions 2 and 3"),
        (back_into_inputs, "Make a new one"),
        (back_to_the_whole_picture, "search the whole image"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "max_pool_gradient": {
        "X[here] == X[here].amax(dim=(2, 3), keepdim=True) → "
        "X[here] >= X[here].amax(dim=(2, 3), keepdim=True)": "nothing exceeds the largest",
    },
}
