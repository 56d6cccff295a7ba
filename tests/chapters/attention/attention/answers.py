"""Right and wrong answers to the exercises of the chapter *Attention*."""

from __future__ import annotations

import torch
from torch.nn import functional


def relu_by_loop(queries, keys, values, width):
    out = []
    for q in queries:
        w = torch.clamp(1 - ((q - keys) / width) ** 2, min=0)
        out.append((w * values).sum() / w.sum() if w.sum() > 0 else values.mean())
    return torch.stack(out)


def relu_halved(queries, keys, values, width):
    return relu_by_where(queries, keys, values, 2**0.5 * width)


def relu_by_count(queries, keys, values, width):
    w = functional.relu(1 - (queries.unsqueeze(1) - keys.unsqueeze(0)).pow(2) / width**2)
    n = (w > 0).sum(1)
    return torch.where(n > 0, (w * values).sum(1) / n.clamp(min=1), values.mean())


def length_mask_times_infinity(scores, lengths):
    padding = torch.arange(scores.shape[2]) >= lengths[:, None, None]
    return torch.softmax(scores + padding * float("-inf"), dim=-1)


def relu_by_where(queries, keys, values, width):
    w = functional.relu(1 - (queries.unsqueeze(1) - keys.unsqueeze(0)).pow(2) / width**2)
    s = w.sum(1)
    w = torch.where(s[:, None] > 0, w / s[:, None], 1 / len(keys))
    return w @ values


def relu_nan(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) / width) ** 2)
    return (w @ values) / w.sum(1)


def relu_epsilon(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) / width) ** 2)
    return (w @ values) / (w.sum(1) + 1e-9)


def relu_all_or_nothing(queries, keys, values, width):
    w = functional.relu(1 - ((queries[:, None] - keys) / width) ** 2)
    s = w.sum(1, keepdim=True)
    if (s == 0).any():
        return torch.full((len(queries),), values.mean().item())
    return (w / s) @ values


def relu_one_mean(queries, keys, values, width):
    w = functional.relu(1 - ((queries[:, None] - keys) / width) ** 2)
    if 0 in w.sum(1):
        return values.mean()
    return (w @ values) / w.sum(1)


def relu_if(queries, keys, values, width):
    w = functional.relu(1 - ((queries[:, None] - keys) / width) ** 2)
    if w.sum(1) == 0:
        return values.mean()
    return (w @ values) / w.sum(1)


def relu_whole_table(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) / width) ** 2)
    return w / w.sum() @ values


def relu_whole_table_and_mean(queries, keys, values, width):
    out = relu_whole_table(queries, keys, values, width)
    nobody = ((queries[:, None] - keys).abs() >= width).all(1)
    out[nobody] = values.mean()
    return out


def relu_nearest(queries, keys, values, width):
    out = relu_nan(queries, keys, values, width)
    nearest = values[(queries[:, None] - keys).abs().argmin(1)]
    return torch.where(out.isnan(), nearest, out)


def relu_not_normalised(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) / width) ** 2)
    return w @ values


def relu_not_normalised_but_mean(queries, keys, values, width):
    out = relu_not_normalised(queries, keys, values, width)
    nobody = ((queries[:, None] - keys).abs() >= width).all(1)
    out[nobody] = values.mean()
    return out


def relu_mean_of_products(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) / width) ** 2)
    return (w * values).mean(dim=1)


def relu_mean_of_products_but_mean(queries, keys, values, width):
    out = relu_mean_of_products(queries, keys, values, width)
    nobody = ((queries[:, None] - keys).abs() >= width).all(1)
    return torch.where(nobody, values.mean(), out)


def relu_mean_of_keys(queries, keys, values, width):
    out = relu_nan(queries, keys, values, width)
    return torch.where(out.isnan(), keys.mean(), out)


def relu_as_in_the_chapter(queries, keys, values, width):
    distance = (queries[:, None] - keys) / width
    scores = -(distance**2) / 2
    e = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return e / e.sum(dim=-1, keepdim=True) @ values


def relu_and_softmax(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) / width) ** 2)
    return functional.softmax(w, dim=-1) @ values


def _by(kernel):
    def answer(queries, keys, values, width):
        w = kernel((queries[:, None] - keys[None]) / width)
        s = w.sum(1)
        return torch.where(s == 0, values.mean(), (w @ values) / s)

    return answer


def relu_gaussian(queries, keys, values, width):
    return _by(lambda u: torch.exp(-0.5 * u * u))(queries, keys, values, width)


def relu_triangle(queries, keys, values, width):
    return _by(lambda u: torch.relu(1 - torch.abs(u)))(queries, keys, values, width)


def relu_signed(queries, keys, values, width):
    return _by(lambda u: torch.relu(1 - u))(queries, keys, values, width)


def relu_box(queries, keys, values, width):
    return _by(lambda u: (1 - u * u > 0).to(u))(queries, keys, values, width)


def relu_without_relu(queries, keys, values, width):
    return _by(lambda u: 1 - u * u)(queries, keys, values, width)


def relu_columns(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) / width) ** 2)
    out = (w / w.sum(0)) @ values
    out[w.sum(1) == 0] = values.mean()
    return out


def relu_times_width(queries, keys, values, width):
    w = torch.relu(1 - ((queries[:, None] - keys[None]) * width) ** 2)
    s = w.sum(1)
    return torch.where(s == 0, values.mean(), (w @ values) / s)


def relu_no_width(queries, keys, values, width):
    return relu_by_loop(queries, keys, values, 1)


def relu_square_first(queries, keys, values, width):
    w = torch.relu(1 - (queries[:, None] - keys[None]) ** 2 / width)
    s = w.sum(1)
    return torch.where(s == 0, values.mean(), (w @ values) / s)


def length_by_loop(scores, lengths):
    out = torch.zeros_like(scores)
    for i, length in enumerate(lengths.tolist()):
        out[i, :, :length] = torch.softmax(scores[i, :, :length], dim=-1)
    return out


def length_by_where(scores, lengths):
    place = torch.arange(scores.size(-1)).expand_as(scores)
    inside = place < lengths.view(-1, 1, 1)
    return functional.softmax(torch.where(inside, scores, float("-inf")), dim=-1)


def length_ignored(scores, lengths):
    return torch.softmax(scores, dim=-1)


def length_zero_scores(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] < lengths[:, None, None]
    return torch.softmax(scores * mask, dim=-1)


def length_zero_weights(scores, lengths):
    weights = torch.softmax(scores, dim=-1)
    for i, length in enumerate(lengths):
        weights[i, :, length:] = 0
    return weights


def length_renormalised(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] < lengths[:, None, None]
    weights = functional.softmax(scores, dim=-1) * mask
    return weights / weights.sum(-1, keepdim=True)


def length_largest_of_all(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] < lengths[:, None, None]
    e = torch.exp(scores - scores.amax(-1, keepdim=True)) * mask
    return e / e.sum(-1, keepdim=True)


def length_two_dimensions(scores, lengths):
    mask = torch.arange(scores.shape[-1]) < lengths[:, None]
    return torch.softmax(torch.where(mask, scores, -torch.inf), dim=-1)


def length_one_more(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] <= lengths[:, None, None]
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)


def length_one_less(scores, lengths):
    mask = torch.arange(1, scores.shape[-1] + 1)[None, None] < lengths[:, None, None]
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)


def length_inverted(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] >= lengths[:, None, None]
    return torch.softmax(torch.where(mask, scores, -torch.inf), dim=-1)


def length_rows(scores, lengths):
    mask = torch.arange(scores.shape[1])[None, :, None] >= lengths[:, None, None]
    return torch.softmax(scores.masked_fill(mask, -torch.inf), dim=-1)


def length_over_queries(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] < lengths[:, None, None]
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-2)


def length_tiny(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] < lengths[:, None, None]
    return torch.softmax(scores.masked_fill(~mask, -1e-9), dim=-1)


def length_hundred(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] < lengths[:, None, None]
    return torch.softmax(scores.masked_fill(~mask, -100), dim=-1)


def length_by_exp(scores, lengths):
    mask = torch.arange(scores.shape[-1])[None, None] < lengths[:, None, None]
    e = torch.exp(scores) * mask
    return e / e.sum(-1, keepdim=True)


def length_in_place(scores, lengths):
    for i, length in enumerate(lengths):
        scores[i, :, length:] = -torch.inf
    return scores.softmax(-1)


def bilinear_by_einsum(queries, keys, values, W, mask):
    scores = torch.einsum("ntd,de,nse->nts", queries, W, keys)
    weights = torch.where(mask[:, None, :], scores, float("-inf")).softmax(-1)
    return torch.einsum("nts,nsv->ntv", weights, values)


def bilinear_by_torch(queries, keys, values, W, mask):
    return functional.scaled_dot_product_attention(
        queries @ W, keys, values, attn_mask=mask[:, None], scale=1.0
    )


def bilinear_no_mask(queries, keys, values, W, mask):
    return torch.softmax(queries @ W @ keys.transpose(1, 2), -1) @ values


def bilinear_mask_inverted(queries, keys, values, W, mask):
    scores = queries @ W @ keys.transpose(1, 2)
    return torch.softmax(scores.masked_fill(mask[:, None], -torch.inf), -1) @ values


def bilinear_mask_as_it_is(queries, keys, values, W, mask):
    scores = queries @ W @ keys.transpose(1, 2)
    return torch.softmax(scores.masked_fill(mask == 0, float("-inf")), -1) @ values


def bilinear_column_mask(queries, keys, values, W, mask):
    scores = torch.einsum("ntd,de,nse->nts", queries, W, keys)
    return torch.where(mask[:, :, None], scores, -torch.inf).softmax(-1) @ values


def bilinear_column_mask_of_bytes(queries, keys, values, W, mask):
    scores = queries @ W @ keys.transpose(1, 2)
    return torch.softmax(scores.masked_fill(mask.unsqueeze(2) == 0, -1e9), -1) @ values


def bilinear_turned_round(queries, keys, values, W, mask):
    scores = torch.matmul(queries @ W, keys.T)
    return torch.softmax(scores.masked_fill(~mask[:, None], -torch.inf), -1) @ values


def bilinear_pair(queries, keys, values, W, mask):
    scores = torch.einsum("ntd,de,nse->nts", queries, W, keys)
    alpha = scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1)
    return alpha @ values, alpha


def bilinear_zeros(queries, keys, values, W, mask):
    scores = (queries @ W @ keys.transpose(1, 2)) * mask[:, None]
    return torch.softmax(scores, -1) @ values


def bilinear_mask_values(queries, keys, values, W, mask):
    weights = torch.softmax(queries @ W @ keys.transpose(1, 2), -1)
    return weights @ (values * mask[:, :, None])


def bilinear_transposed(queries, keys, values, W, mask):
    scores = functional.linear(queries, W) @ keys.transpose(1, 2)
    return torch.softmax(scores.masked_fill(~mask[:, None], -torch.inf), -1) @ values


def bilinear_no_matrix(queries, keys, values, W, mask):
    return functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask[:, None], scale=1.0
    )


def bilinear_root(queries, keys, values, W, mask):
    return functional.scaled_dot_product_attention(
        queries @ W, keys, values, attn_mask=mask[:, None]
    )


def bilinear_over_queries(queries, keys, values, W, mask):
    scores = queries @ W @ keys.transpose(1, 2)
    return torch.softmax(scores.masked_fill(~mask[:, None], -torch.inf), 1) @ values


def bilinear_raw(queries, keys, values, W, mask):
    return ((queries @ W @ keys.transpose(1, 2)) * mask[:, None]) @ values


def bilinear_keys(queries, keys, values, W, mask):
    return bilinear_by_einsum(queries, keys, keys, W, mask)


def bilinear_weights(queries, keys, values, W, mask):
    scores = torch.einsum("ntd,de,nse->nts", queries, W, keys)
    return scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1)


def length_renormalised_safely(scores, lengths):
    mask = (torch.arange(scores.shape[2]) < lengths[:, None])[:, None]
    weights = scores.softmax(-1) * mask
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-12)


def relu_absolute(queries, keys, values, width):
    return relu_by_where(queries, keys, values, width).abs()


RIGHT = {
    "relu_regression": [relu_by_loop, relu_by_where],
    "softmax_by_length": [length_by_loop, length_by_where],
    "bilinear_attention": [bilinear_by_einsum, bilinear_by_torch],
}
WRONG = {
    "relu_regression": [
        (relu_halved, "You halve the square"),
        (relu_by_count, "by the number of keys in reach"),
        (relu_nan, "0/0 is `nan`"),
        (relu_epsilon, "you predict 0"),
        (relu_all_or_nothing, "decide for each query by itself"),
        (relu_one_mean, "decide for each query by itself"),
        (relu_if, "`if` wants one answer"),
        (relu_whole_table, "the sum of the whole table"),
        (relu_whole_table_and_mean, "the sum of the whole table"),
        (relu_nearest, "the value of the nearest one"),
        (relu_not_normalised, "Where that sum is 0"),
        (relu_not_normalised_but_mean, "Softmax does that by itself"),
        (relu_mean_of_products, "You divide by the number of keys"),
        (relu_mean_of_products_but_mean, "You divide by the number of keys"),
        (relu_mean_of_keys, "the mean of the keys"),
        (relu_as_in_the_chapter, "Gaussian weights"),
        (relu_and_softmax, "through a softmax as well"),
        (relu_gaussian, "Gaussian weights"),
        (relu_triangle, "the square is missing"),
        (relu_signed, "with its sign"),
        (relu_box, "the same weight"),
        (relu_without_relu, "The ReLU is missing"),
        (relu_columns, "each column"),
        (relu_times_width, "You multiply the distance"),
        (relu_absolute, "No usual mistake"),
        (relu_no_width, "does not use `width`"),
        (relu_square_first, "Divide first, then square"),
    ],
    "softmax_by_length": [
        (length_mask_times_infinity, "0 · (−∞) is `nan`"),
        (length_ignored, "does not use `lengths`"),
        (length_zero_scores, "A score of 0 still has a weight"),
        (length_zero_weights, "You mask after the softmax"),
        (length_renormalised, "Mask the scores first"),
        (length_renormalised_safely, "no division brings it back"),
        (length_largest_of_all, "Mask the scores first"),
        (length_two_dimensions, "a dimension of size 1"),
        (length_one_more, "One word of padding"),
        (length_one_less, "The last word of each phrase"),
        (length_inverted, "the wrong way round"),
        (length_rows, "You mask rows"),
        (length_over_queries, "runs over the queries"),
        (length_tiny, "or nearly so"),
        (length_hundred, "not far enough down"),
        (length_by_exp, "the exponential is infinite"),
        (length_in_place, "Make a new one"),
    ],
    "bilinear_attention": [
        (bilinear_no_mask, "does not use `mask`"),
        (bilinear_mask_inverted, "the wrong way round"),
        (bilinear_mask_as_it_is, "a dimension of size 1"),
        (bilinear_column_mask, "it covers rows"),
        (bilinear_column_mask_of_bytes, "it covers rows"),
        (bilinear_turned_round, "all three dimensions"),
        (bilinear_pair, "the first of the two only"),
        (bilinear_zeros, "A score of 0 still has a weight"),
        (bilinear_mask_values, "You mask after the softmax"),
        (bilinear_transposed, "`W` is transposed"),
        (bilinear_no_matrix, "does not use `W`"),
        (bilinear_root, "by √d"),
        (bilinear_over_queries, "runs over the queries"),
        (bilinear_raw, "the scores themselves"),
        (bilinear_keys, "You average the keys"),
        (bilinear_weights, "These are the weights"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "relu_regression": {
        "queries[:, None] - keys → keys - queries[:, None]": "it is squared",
    },
}
