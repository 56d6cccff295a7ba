"""Right and wrong answers to the exercises of the chapter *Convolution*."""

from __future__ import annotations

import torch
from torch.nn import functional


def input_size_by_span(m, k, p, s, d):
    span = k + (k - 1) * (d - 1)
    first_pixel_of_last_window = (m - 1) * s
    return first_pixel_of_last_window + span - 2 * p


def input_size_by_search(m, k, p, s, d):
    h = 1
    while h + 2 * p < d * (k - 1) + 1 or (h + 2 * p - d * (k - 1) - 1) // s + 1 < m:
        h += 1
    return h


def input_size_signs_kept(m, k, p, s, d):
    return (m - 1) * s + 2 * p - d * (k - 1) - 1


def input_size_bare(m, k, p, s, d):
    return (m - 1) * s + k


def input_size_two_short(m, k, p, s, d):
    return (m - 1) * s - 2 * p + d * (k - 1) - 1


def correlate_bias_along_the_width(X, K, b, s):
    windows = X.unfold(1, K.shape[2], s).unfold(2, K.shape[3], s)
    return torch.einsum("chwuv,ocuv->ohw", windows, K) + b


def correlate_sum_of_the_window_only(X, K, b, s):
    k = K.shape[2]
    h_out, w_out = (X.shape[1] - k) // s + 1, (X.shape[2] - k) // s + 1
    Y = torch.zeros(len(K), h_out, w_out)
    for i in range(h_out):
        for j in range(w_out):
            window = X[:, i * s : i * s + k, j * s : j * s + k]
            Y[:, i, j] = (window * K).sum(dim=(2, 3)) + b
    return Y


def full_with_negative_steps(X, K):
    p = K.shape[0] - 1
    return functional.conv2d(X[None, None], K[::-1, ::-1][None, None], padding=p)[0, 0]


def full_of_one_image(X, K):
    p = K.shape[0] - 1
    return functional.conv2d(X[None], torch.flip(K, [0, 1])[None], padding=p)[0]


def full_of_matrices(X, K):
    return functional.conv2d(X, torch.flip(K, (0, 1)), padding=K.shape[0] - 1)


def input_size_largest(m, k, p, s, d):
    h = 1
    while (h + 1 + 2 * p - d * (k - 1) - 1) // s + 1 <= m:
        h += 1
    return h


def input_size_padding_added(m, k, p, s, d):
    return (m - 1) * s + d * (k - 1) + 1 + p + p


def input_size_padding_once(m, k, p, s, d):
    return (m - 1) * s - p + d * (k - 1) + 1


def input_size_no_padding(m, k, p, s, d):
    return (m - 1) * s + d * (k - 1) + 1


def input_size_without_dilation(m, k, p, s, d):
    return (m - 1) * s + k - 2 * p


def input_size_wide_windows(m, k, p, s, d):
    return (m - 1) * s + (k * d) - 2 * p


def input_size_one_short(m, k, p, s, d):
    return (m - 1) * s + (k - 1) * d - 2 * p


def input_size_m_strides(m, k, p, s, d):
    return m * s + 1 + (k - 1) * d - 2 * p


def input_size_no_stride(m, k, p, s, d):
    return m + (k - 1) * d - 2 * p


def input_size_is_output_size(m, k, p, s, d):
    return int((m + 2 * p - d * (k - 1) - 1) // s) + 1


def input_size_weights_between(m, k, p, s, d):
    span = k + (k - 1) * d
    return (m - 1) * s + span - 2 * p


def input_size_one_gap_more(m, k, p, s, d):
    return (m - 1) * s + (d * k + 1) - 2 * p


def input_size_at_least_k(m, k, p, s, d):
    h = k
    while (h + 2 * p - d * (k - 1) - 1) // s + 1 < m:
        h += 1
    return h


def input_size_as_float(m, k, p, s, d):
    return (2 * s * (m - 1) + 2 * d * (k - 1) + 2) / 2 - 2 * p


def correlate_by_unfold(X, K, b, s):
    k = K.shape[-1]
    windows = functional.unfold(X[None], k, stride=s)[0]
    Y = K.flatten(1) @ windows + b[:, None]
    return Y.reshape(len(K), (X.shape[1] - k) // s + 1, -1)


def correlate_by_loops(X, K, b, s):
    c_out, c_in, k, _ = K.shape
    maps = []
    for o in range(c_out):
        rows = []
        for i in range(0, X.shape[1] - k + 1, s):
            row = []
            for j in range(0, X.shape[2] - k + 1, s):
                total = b[o]
                for c in range(c_in):
                    total = total + (X[c, i : i + k, j : j + k] * K[o, c]).sum()
                row.append(total)
            rows.append(torch.stack(row))
        maps.append(torch.stack(rows))
    return torch.stack(maps)


def correlate_then_skip(X, K, b, s):
    return functional.conv2d(X[None], K)[0, :, ::s, ::s] + b[:, None, None]


def _loops(X, K, b, s, window):
    """Loops over the positions; `window` gives the values (c_out,) at i, j."""
    k = K.shape[-1]
    h_out, w_out = (X.shape[1] - k) // s + 1, (X.shape[2] - k) // s + 1
    Y = torch.zeros(len(K), h_out, w_out)
    for i in range(h_out):
        for j in range(w_out):
            Y[:, i, j] = window(i, j, k)
    return Y


def correlate_no_bias(X, K, b, s):
    def window(i, j, k):
        return (X[:, s * i : s * i + k, s * j : s * j + k] * K).sum((1, 2, 3))

    return _loops(X, K, b, s, window)


def correlate_bias_by_channel(X, K, b, s):
    def window(i, j, k):
        seen = X[:, s * i : s * i + k, s * j : s * j + k]
        return ((seen * K).sum((2, 3)) + b[:, None]).sum(1)

    return _loops(X, K, b, s, window)


def correlate_bias_by_weight(X, K, b, s):
    def window(i, j, k):
        seen = X[:, s * i : s * i + k, s * j : s * j + k]
        return (seen * K + b[:, None, None, None]).sum((1, 2, 3))

    return _loops(X, K, b, s, window)


def correlate_mean_of_channels(X, K, b, s):
    def window(i, j, k):
        seen = X[:, s * i : s * i + k, s * j : s * j + k]
        return (seen * K).sum((2, 3)).mean(1) + b

    return _loops(X, K, b, s, window)


def correlate_mean_of_window(X, K, b, s):
    def window(i, j, k):
        return (X[:, s * i : s * i + k, s * j : s * j + k] * K).mean((1, 2, 3)) + b

    return _loops(X, K, b, s, window)


def correlate_small_steps(X, K, b, s):
    def window(i, j, k):
        return (X[:, i : i + k, j : j + k] * K).sum((1, 2, 3)) + b

    return _loops(X, K, b, s, window)


def correlate_stride_in_rows(X, K, b, s):
    def window(i, j, k):
        return (X[:, s * i : s * i + k, j : j + k] * K).sum((1, 2, 3)) + b

    return _loops(X, K, b, s, window)


def correlate_stride_in_columns(X, K, b, s):
    def window(i, j, k):
        return (X[:, i : i + k, s * j : s * j + k] * K).sum((1, 2, 3)) + b

    return _loops(X, K, b, s, window)


def correlate_one_sum(X, K, b, s):
    def window(i, j, k):
        return (X[:, s * i : s * i + k, s * j : s * j + k] * K).sum() + b

    return _loops(X, K, b, s, window)


def correlate_stride_inside(X, K, b, s):
    def window(i, j, k):
        return (X[:, i : i + k * s : s, j : j + k * s : s] * K).sum((1, 2, 3)) + b

    return _loops(X, K, b, s, window)


def correlate_short(X, K, b, s):
    k = K.shape[-1]
    h_out, w_out = (X.shape[1] - k + 1) // s, (X.shape[2] - k + 1) // s
    Y = torch.zeros(len(K), h_out, w_out)
    for i in range(h_out):
        for j in range(w_out):
            Y[:, i, j] = (X[:, s * i : s * i + k, s * j : s * j + k] * K).sum((1, 2, 3)) + b
    return Y


def correlate_square(X, K, b, s):
    k = K.shape[-1]
    size = (X.shape[1] - k) // s + 1
    Y = torch.zeros(len(K), size, size)
    for i in range(size):
        for j in range(size):
            Y[:, i, j] = (X[:, s * i : s * i + k, s * j : s * j + k] * K).sum((1, 2, 3)) + b
    return Y


def correlate_first_kernel(X, K, b, s):
    def window(i, j, k):
        return (X[:, s * i : s * i + k, s * j : s * j + k] * K[0]).sum() + b

    return _loops(X, K, b, s, window)


def correlate_last_channel(X, K, b, s):
    def window(i, j, k):
        for c in range(len(X)):
            total = (X[c, s * i : s * i + k, s * j : s * j + k] * K[:, c]).sum((1, 2))
        return total + b

    return _loops(X, K, b, s, window)


def correlate_first_channel(X, K, b, s):
    def window(i, j, k):
        return (X[0, s * i : s * i + k, s * j : s * j + k] * K[:, 0]).sum((1, 2)) + b

    return _loops(X, K, b, s, window)


def correlate_turned(X, K, b, s):
    return correlate_by_unfold(X, torch.rot90(K, 2, (2, 3)), b, s)


def correlate_transposed(X, K, b, s):
    return correlate_by_unfold(X, K.mT, b, s)


def correlate_no_stride(X, K, b, s):
    return functional.conv2d(X.unsqueeze(0), K, b).squeeze(0)


def correlate_stride_as_dilation(X, K, b, s):
    k = K.shape[-1]
    span = s * (k - 1) + 1
    h_out, w_out = X.shape[1] - span + 1, X.shape[2] - span + 1
    Y = torch.zeros(len(K), h_out, w_out)
    for i in range(h_out):
        for j in range(w_out):
            window = X[:, i : i + span : s, j : j + span : s]
            Y[:, i, j] = (window * K).sum((1, 2, 3)) + b
    return Y


def correlate_channels_first_added(X, K, b, s):
    return functional.conv2d(X.sum(0)[None, None], K.sum(1, keepdim=True), b, stride=s)[0]


def full_by_adding(X, K):
    """Every pixel of X leaves a copy of K, at its position."""
    k = len(K)
    Y = X.new_zeros(X.shape[0] + k - 1, X.shape[1] + k - 1)
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            Y[i : i + k, j : j + k] += X[i, j] * K
    return Y


def full_by_transposed(X, K):
    return functional.conv_transpose2d(X[None, None], K[None, None])[0, 0]


def full_not_turned(X, K):
    p = K.shape[0] - 1
    return functional.conv2d(functional.pad(X, (p, p, p, p))[None, None], K[None, None])[0, 0]


def full_upside_down(X, K):
    return full_not_turned(X, torch.flipud(K))


def full_left_to_right(X, K):
    return full_not_turned(X, torch.fliplr(K))


def full_transposed(X, K):
    return full_not_turned(X, K.t())


def full_turned_and_transposed(X, K):
    return full_not_turned(X, K.t().flip((0, 1)))


def full_image_turned(X, K):
    return full_not_turned(X.flip((0, 1)), K)


def full_not_padded(X, K):
    if min(X.shape) < len(K):
        raise RuntimeError("the kernel is larger than the image")
    k = K.flip((0, 1))
    return X.unfold(0, len(k), 1).unfold(1, len(k), 1).mul(k).sum((-1, -2))


def full_too_padded(X, K):
    p = len(K)
    return functional.conv2d(X[None, None], K.flip((0, 1))[None, None], padding=(p, p))[0, 0]


def input_size_up_to_a_hundred(m, k, p, s, d):
    for h in range(1, 101):
        if (h + 2 * p - d * (k - 1) - 1) // s + 1 >= m:
            return h
    return None


def input_size_up_to_a_thousand(m, k, p, s, d):
    for h in range(1, 1001):
        if (h + 2 * p - d * (k - 1) - 1) // s + 1 >= m:
            return h


def full_squeezed(X, K):
    Y = functional.conv2d(X[None, None], K.flip(0, 1)[None, None], padding=len(K) - 1)
    return Y.squeeze()


def full_sliced(X, K):
    k = len(K) - 1
    Y = functional.conv2d(X[None, None], K.flip(0, 1)[None, None], padding=2 * k)[0, 0]
    return Y[k:-k, k:-k]


def input_size_by_recursion(m, k, p, s, d):
    return d * (k - 1) + 1 - 2 * p if m == 1 else s + input_size_by_recursion(m - 1, k, p, s, d)


def input_size_as_text(m, k, p, s, d):
    return str(input_size_by_span(m, k, p, s, d))


def input_size_in_a_tuple(m, k, p, s, d):
    return (input_size_by_span(m, k, p, s, d),)


def input_size_unfinished(m, k, p, s, d):
    if d > 1:
        return input_size_by_span(m, k, p, s, d)
    return ...


def input_size_begun(m, k, p, s, d):
    span = d * (k - 1) + 1
    assert span > 0
    return ...


def input_size_one_wide_gap(m, k, p, s, d):
    wide = k + (d - 1)
    return (m - 1) * s + wide - 2 * p


RIGHT = {
    "conv_input_size": [input_size_by_span, input_size_by_search, input_size_by_recursion],
    "correlate_channels": [correlate_by_unfold, correlate_by_loops, correlate_then_skip],
    "full_convolution": [full_by_adding, full_by_transposed],
}

WRONG = {
    "conv_input_size": [
        (input_size_largest, "The smallest is asked for"),
        (input_size_signs_kept, "the signs stay as they were"),
        (input_size_bare, "Padding and dilation do not occur"),
        (input_size_two_short, "You are two short"),
        (input_size_padding_added, "You add the padding"),
        (input_size_padding_once, "How many sides"),
        (input_size_no_padding, "as good as pixels"),
        (input_size_without_dilation, "The dilation does not occur"),
        (input_size_wide_windows, "fewer than `k` gaps"),
        (input_size_one_short, "a single weight"),
        (input_size_m_strides, "a stride too many"),
        (input_size_no_stride, "The stride does not occur"),
        (input_size_is_output_size, "solve for"),
        (input_size_weights_between, "nothing in between"),
        (input_size_one_gap_more, "fewer than `k` gaps"),
        (input_size_one_wide_gap, "how many gaps are there"),
        (input_size_at_least_k, "smaller than the kernel"),
        (input_size_as_float, "a whole number"),
        (input_size_as_text, "The number is right. Return the number alone, and not in a `str`"),
        (input_size_in_a_tuple, "The number is right. Return the number alone"),
        (input_size_unfinished, "in the place of `...`"),
        (input_size_begun, "in the place of `...`"),
        (input_size_up_to_a_hundred, "stop too soon"),
        (input_size_up_to_a_thousand, "stop too soon"),
    ],
    "correlate_channels": [
        (correlate_no_bias, "The bias is missing"),
        (correlate_sum_of_the_window_only, "not over the input channels"),
        (correlate_bias_along_the_width, "lines it up with the width"),
        (correlate_bias_by_channel, "once for each input channel"),
        (correlate_bias_by_weight, "once for every weight"),
        (correlate_mean_of_channels, "average over the input channels"),
        (correlate_mean_of_window, "where a sum belongs"),
        (correlate_small_steps, "moves by one pixel"),
        (correlate_stride_in_rows, "for your rows only"),
        (correlate_stride_in_columns, "for your columns only"),
        (correlate_first_kernel, "from the first kernel"),
        (correlate_first_channel, "Only the first input channel"),
        (correlate_last_channel, "Only the last input channel"),
        (correlate_turned, "You turn the kernel"),
        (correlate_transposed, "transposed"),
        (correlate_no_stride, "The stride does not occur"),
        (correlate_stride_as_dilation, "this is a dilation"),
        (correlate_channels_first_added, "before you multiply"),
        (correlate_one_sum, "over the output channels"),
        (correlate_stride_inside, "this is a dilation"),
        (correlate_short, "You lose a position"),
        (correlate_square, "as wide as it is high"),
    ],
    "full_convolution": [
        (full_with_negative_steps, "no negative steps"),
        (full_of_matrices, "missing dimensions"),
        (full_of_one_image, "missing dimensions"),
        (full_not_turned, "cross-correlation"),
        (full_upside_down, "not left to right"),
        (full_left_to_right, "not upside down"),
        (full_transposed, "You transpose"),
        (full_image_turned, "You turn the image"),
        (full_turned_and_transposed, "You transpose the kernel, too"),
        (full_too_padded, "You pad too much"),
        (full_squeezed, "removes every dimension"),
        (full_sliced, "`-0` is the beginning"),
    ],
}
