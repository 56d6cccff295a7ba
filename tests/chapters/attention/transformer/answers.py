"""Right and wrong answers to the exercises of *Transformer*, as a student writes them."""

import torch
from torch import nn
from torch.nn import functional as F


def step_by_bmm(x, K, V, W_q, W_k, W_v):
    K = torch.cat((K, (x @ W_k).unsqueeze(1)), 1)
    V = torch.cat((V, (x @ W_v).unsqueeze(1)), 1)
    q = (x @ W_q).unsqueeze(1)
    w = F.softmax(q @ K.mT / K.shape[-1] ** 0.5, dim=-1)
    return (w @ V).squeeze(1), K, V


def step_by_torch(x, K, V, W_q, W_k, W_v):
    K = torch.cat((K, (x @ W_k)[:, None]), 1)
    V = torch.cat((V, (x @ W_v)[:, None]), 1)
    return F.scaled_dot_product_attention((x @ W_q)[:, None], K, V)[:, 0], K, V


def step_of_keys(x, K, V, W_q, W_k, W_v):
    K, V = (torch.cat([old, (x @ W)[:, None]], dim=1) for old, W in ((K, W_k), (V, W_v)))
    scores = torch.bmm(K, (x @ W_q)[:, :, None])[:, :, 0] / K.shape[2] ** 0.5
    return torch.bmm(torch.softmax(scores, dim=1)[:, None], K)[:, 0], K, V


def step_without_itself(x, K, V, W_q, W_k, W_v):
    out = F.scaled_dot_product_attention((x @ W_q)[:, None], K, V)[:, 0]
    return out, torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)


def step_unscaled(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    w = ((x @ W_q)[:, None] @ K.mT).softmax(-1)
    return (w @ V)[:, 0], K, V


def step_scaled_by_d(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    w = ((x @ W_q)[:, None] @ K.mT / len(x[0]) ** 0.5).softmax(-1)
    return (w @ V)[:, 0], K, V


def step_scaled_by_k(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    w = ((x @ W_q)[:, None] @ K.mT / K.shape[2]).softmax(-1)
    return (w @ V)[:, 0], K, V


def step_in_front(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat(((x @ W_k)[:, None], K), 1), torch.cat(((x @ W_v)[:, None], V), 1)
    return F.scaled_dot_product_attention((x @ W_q)[:, None], K, V)[:, 0], K, V


def step_softmax_over_phrases(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    w = ((x @ W_q)[:, None] @ K.mT / K.shape[2] ** 0.5).softmax(0)
    return (w @ V)[:, 0], K, V


def step_softmax_over_the_query(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    w = F.softmax((x @ W_q)[:, None] @ K.mT / K.shape[2] ** 0.5, dim=1)
    return (w @ V)[:, 0], K, V


def step_flat_key(x, K, V, W_q, W_k, W_v):
    V, K = torch.cat((V, x @ W_v), 1), torch.cat((K, x @ W_k), 1)
    return F.scaled_dot_product_attention((x @ W_q)[:, None], K, V)[:, 0], K, V


def step_roles_swapped(x, K, V, W_q, W_k, W_v):
    return step_by_torch(x, K, V, W_k, W_q, W_v)


def step_values_as_keys(x, K, V, W_q, W_k, W_v):
    return step_by_torch(x, K, V, W_q, W_v, W_k)


def step_no_softmax(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    return ((x @ W_q)[:, None] @ K.mT / K.shape[2] ** 0.5 @ V)[:, 0], K, V


def step_cache_as_it_was(x, K, V, W_q, W_k, W_v):
    return step_by_torch(x, K, V, W_q, W_k, W_v)[0], K, V


def step_new_alone(x, K, V, W_q, W_k, W_v):
    return step_by_torch(x, K, V, W_q, W_k, W_v)[0], (x @ W_k)[:, None], (x @ W_v)[:, None]


def step_scaled_by_words(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    w = ((x @ W_q)[:, None] @ K.mT / K.shape[1] ** 0.5).softmax(-1)
    return (w @ V)[:, 0], K, V


def step_scaled_late(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    w = ((x @ W_q)[:, None] @ K.mT).softmax(-1) / K.shape[2] ** 0.5
    return (w @ V)[:, 0], K, V


def step_is_causal(x, K, V, W_q, W_k, W_v):
    K, V = torch.cat((K, (x @ W_k)[:, None]), 1), torch.cat((V, (x @ W_v)[:, None]), 1)
    q = (x @ W_q)[:, None]
    return F.scaled_dot_product_attention(q, K, V, is_causal=True)[:, 0], K, V


def step_in_a_window(x, K, V, W_q, W_k, W_v):
    return step_by_torch(x, K[:, 1:], V[:, 1:], W_q, W_k, W_v)


def step_values_first(x, K, V, W_q, W_k, W_v):
    out, K, V = step_by_torch(x, K, V, W_q, W_k, W_v)
    return out, V, K


def step_not_squeezed(x, K, V, W_q, W_k, W_v):
    out, K, V = step_by_torch(x, K, V, W_q, W_k, W_v)
    return out.unsqueeze(1), K, V


def _count(v, longest, d, h, layers, **options):
    """Counts the parameters of a model that is really there."""
    layer = nn.TransformerEncoderLayer(d, 1, h, device="meta", **options)
    per_layer = sum(p.numel() for p in layer.parameters())
    return (v + longest) * d + layers * per_layer + 2 * d


def size_by_torch(v, longest, d, h, layers):
    return _count(v, longest, d, h, layers)


def size_in_one(v, longest, d, h, layers):
    return layers * (4 * d**2 + 2 * d * h + 9 * d + h) + d * (v + longest + 2)


def size_two_tables(v, longest, d, h, layers):
    return _count(v, longest, d, h, layers) + v * d


def size_own_last_layer(v, longest, d, h, layers):
    return _count(v, longest, d, h, layers) + (d + 1) * v


def size_last_biases(v, longest, d, h, layers):
    return _count(v, longest, d, h, layers) + v


def size_without_positions(v, longest, d, h, layers):
    return _count(v, 0, d, h, layers)


def size_without_last_norm(v, longest, d, h, layers):
    return _count(v, longest, d, h, layers) - 2 * d


def size_without_norms(v, longest, d, h, layers):
    return d * (v + longest) + layers * (4 * (d + 1) * d + (d + 1) * h + (h + 1) * d)


def size_without_layer_norms(v, longest, d, h, layers):
    return size_without_norms(v, longest, d, h, layers) + 2 * d


def size_one_norm(v, longest, d, h, layers):
    return size_without_norms(v, longest, d, h, layers) + layers * 2 * d + 2 * d


def size_half_norms(v, longest, d, h, layers):
    return size_without_norms(v, longest, d, h, layers) + layers * 2 * d + d


def size_three_matrices(v, longest, d, h, layers):
    return d * (v + longest + 2) + layers * (3 * (d + 1) * d + (d + 1) * h + (h + 1) * d + 4 * d)


def size_without_biases(v, longest, d, h, layers):
    return d * (v + longest + 2) + layers * (4 * d * d + 2 * d * h + 4 * d)


def size_with_cross(v, longest, d, h, layers):
    layer = nn.TransformerDecoderLayer(d, 1, h, device="meta")
    return (v + longest + 2) * d + layers * sum(p.numel() for p in layer.parameters())


def size_one_layer(v, longest, d, h, layers):
    return _count(v, longest, d, h, 1)


def size_half_feed(v, longest, d, h, layers):
    return d * (v + longest + 2) + layers * (4 * (d + 1) * d + (d + 1) * h + 4 * d)


def size_without_feed_biases(v, longest, d, h, layers):
    return d * (v + longest + 2) + layers * (4 * (d + 1) * d + 2 * d * h + 4 * d)


def size_three_norms(v, longest, d, h, layers):
    return _count(v, longest, d, h, layers) + 2 * d * layers


def size_last_norm_in_each(v, longest, d, h, layers):
    return size_in_one(v, longest, d, h, layers) + 2 * d * layers - 2 * d


def size_as_float(v, longest, d, h, layers):
    return _count(v, longest, d, h, layers) / 1e6


def step_keys_first(x, K, V, W_q, W_k, W_v):
    output, K, V = step_by_bmm(x, K, V, W_q, W_k, W_v)
    return K, V, output


def step_times_root(x, K, V, W_q, W_k, W_v):
    k = x @ W_k
    K, V = torch.cat([K, k[:, None]], 1), torch.cat([V, (x @ W_v)[:, None]], 1)
    s = ((x @ W_q).unsqueeze(1) * K).sum(-1) * k.shape[1] ** 0.5
    return (s.softmax(1).unsqueeze(2) * V).sum(1), K, V


def size_matrices(v, longest, d, h, layers):
    return v * d + longest * d + layers * (4 * d * d + 2 * d * h)


def size_matrices_and_last_norm(v, longest, d, h, layers):
    return size_matrices(v, longest, d, h, layers) + 2 * d


RIGHT = {
    "cached_step": [step_by_bmm, step_by_torch],
    "language_model_size": [size_by_torch, size_in_one],
}
WRONG = {
    "cached_step": [
        (step_keys_first, "in another order. It is `output`, `K`, `V`"),
        (step_of_keys, "You average the keys"),
        (step_without_itself, "before it has joined it"),
        (step_unscaled, "not divided by anything"),
        (step_scaled_by_d, "the root of d"),
        (step_scaled_by_k, "It is the root of k"),
        (step_times_root, "You multiply the scores by the root of k"),
        (step_in_front, "in front of the older ones"),
        (step_softmax_over_phrases, "runs over the phrases"),
        (step_softmax_over_the_query, "All your weights are 1"),
        (step_flat_key, "equally many dimensions"),
        (step_roles_swapped, "swapped `W_q` and `W_k`"),
        (step_values_as_keys, "swapped `W_k` and `W_v`"),
        (step_no_softmax, "The softmax is missing"),
        (step_cache_as_it_was, "lack those of the new token"),
        (step_new_alone, "the older ones too"),
        (step_scaled_by_words, "the root of t + 1"),
        (step_scaled_late, "divide after the softmax"),
        (step_is_causal, "the first token only"),
        (step_in_a_window, "Your oldest token is gone"),
        (step_values_first, "the keys before the values"),
        (step_not_squeezed, "a dimension too many"),
    ],
    "language_model_size": [
        (size_two_tables, "the table of tokens twice"),
        (size_own_last_layer, "a matrix and biases of its own"),
        (size_last_biases, "You give the last layer biases"),
        (size_without_positions, "they have a table, too"),
        (size_without_last_norm, "The norm at the end is missing"),
        (size_without_layer_norms, "4d are missing in each layer"),
        (size_without_norms, "You count no norms"),
        (size_one_norm, "You count one norm a layer"),
        (size_half_norms, "one number a feature. They have two"),
        (size_three_matrices, "three matrices"),
        (size_without_biases, "biases of the linear layers"),
        (size_matrices, "You count matrices only"),
        (size_matrices_and_last_norm, "You count matrices only"),
        (size_with_cross, "You count a cross-attention"),
        (size_one_layer, "You count one layer"),
        (size_half_feed, "has one layer. It has two"),
        (size_without_feed_biases, "biases of the feed-forward networks"),
        (size_three_norms, "three norms a layer"),
        (size_last_norm_in_each, "a last norm in each layer"),
    ],
}
