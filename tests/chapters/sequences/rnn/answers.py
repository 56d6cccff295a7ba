"""Right and wrong answers to the exercises of *Recurrent networks*, as a student writes them."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def jordan_by_index(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    n, t, _ = X.shape
    out = torch.zeros(n, t, M.shape[1])
    for i in range(t):
        M = torch.tanh(X[:, i] @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out[:, i] = M
    return out


def jordan_by_linear(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    both, result = torch.cat([W_xh, W_qh]), []
    for i in range(X.shape[1]):
        Z = F.linear(torch.cat([X[:, i], M], dim=1), both.T, b_h)
        M = F.linear(Z.tanh(), W_hq.T, b_q)
        result.append(M.unsqueeze(1))
    return torch.cat(result, dim=1)


def jordan_linear(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for i in range(X.shape[1]):
        M = (X[:, i] @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
    return torch.stack(out, 1)


def jordan_tanh_outputs(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for i in range(X.shape[1]):
        M = torch.tanh(torch.tanh(X[:, i] @ W_xh + M @ W_qh + b_h) @ W_hq + b_q)
        out.append(M)
    return torch.stack(out, 1)


def jordan_sigmoid(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for i in range(X.shape[1]):
        M = torch.sigmoid(X[:, i] @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
    return torch.stack(out, 1)


def jordan_not_carried(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    H = torch.tanh(X @ W_xh + (M @ W_qh)[:, None] + b_h)
    return H @ W_hq + b_q


def jordan_from_zeros(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    return jordan_by_index(X, 0 * M, W_xh, W_qh, b_h, W_hq, b_q)


def jordan_no_memory(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    return torch.tanh(X @ W_xh + b_h) @ W_hq + b_q


def jordan_last_only(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    for x in X.transpose(0, 1):
        M = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
    return M


def jordan_steps_first(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        M = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
    return torch.stack(out)


def jordan_hidden(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        H = torch.tanh(x @ W_xh + M @ W_qh + b_h)
        M = H @ W_hq + b_q
        out.append(H)
    return torch.stack(out, 1)


def jordan_no_output_bias(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    return jordan_by_index(X, M, W_xh, W_qh, b_h, W_hq, torch.zeros(len(b_q)))


def jordan_no_hidden_bias(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    return jordan_by_index(X, M, W_xh, W_qh, torch.zeros(len(b_h)), W_hq, b_q)


def jordan_two_biases(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        M = torch.tanh((x @ W_xh + b_h) + (M @ W_qh + b_h)) @ W_hq + b_q
        out.append(M)
    return torch.stack(out, 1)


def jordan_return_in_loop(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        M = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
        return torch.stack(out, 1)
    return None


def jordan_bias_behind(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        H = b_h + (x @ W_xh + M @ W_qh).tanh()
        M = H @ W_hq + b_q
        out.append(M)
    return torch.stack(out, 1)


def jordan_into_memory(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        M.copy_(torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q)
        out.append(M.clone())
    return torch.stack(out, 1)


def jordan_over_examples(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X:
        H = torch.tanh(x @ W_xh + M @ W_qh + b_h)
        M = H @ W_hq + b_q
        out.append(M)
    return torch.stack(out, dim=1)


def jordan_over_examples_stacked_first(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X:
        M = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
    return torch.stack(out)


def jordan_examples_by_index(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for i in range(X.shape[1]):
        M = torch.tanh(X[i] @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
    return torch.stack(out, dim=1)


def jordan_examples_by_index_stacked_first(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for i in range(X.size(1)):
        H = torch.tanh(X[i] @ W_xh + M @ W_qh + b_h)
        M = H @ W_hq + b_q
        out += [M]
    return torch.stack(out)


def jordan_as_many_as_examples(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for i in range(X.shape[0]):
        M = torch.tanh(X[:, i] @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
    return torch.stack(out, dim=1)


def jordan_list(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for i in range(X.shape[1]):
        M = torch.tanh(X[:, i] @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        out.append(M)
    return out


def jordan_with_memory(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = jordan_list(X, M, W_xh, W_qh, b_h, W_hq, b_q)
    return torch.stack(out, dim=1), out[-1]


def jordan_carried_without_bias(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        M = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq
        out.append(M + b_q)
    return torch.stack(out, 1)


def jordan_carried_tanh(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        O = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q  # noqa: E741
        M = O.tanh()
        out.append(O)
    return torch.stack(out, 1)


def jordan_appended_early(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    out = []
    for x in X.transpose(0, 1):
        out.append(M)
        M = torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
    return torch.stack(out, 1)


def perplexity_by_cross_entropy(logits, y):
    return F.cross_entropy(logits, y).exp()


def perplexity_in_bits(logits, y):
    top = logits.max(1, keepdim=True).values
    log_sum = (logits - top).exp().sum(1).log() + top[:, 0]
    bits = (log_sum - logits[torch.arange(len(y)), y]) / math.log(2)
    return 2 ** bits.mean()


def perplexity_no_exp(logits, y):
    return F.cross_entropy(logits, y)


def perplexity_no_minus(logits, y):
    log_p = F.log_softmax(logits, 1)
    return log_p[torch.arange(len(y)), y].mean().exp()


def perplexity_base_two(logits, y):
    return torch.pow(2, F.cross_entropy(logits, y))


def perplexity_bits(logits, y):
    return F.cross_entropy(logits, y) / math.log(2)


def perplexity_sum(logits, y):
    return F.cross_entropy(logits, y, reduction="sum").exp()


def perplexity_mean_last(logits, y):
    return F.cross_entropy(logits, y, reduction="none").exp().mean()


def perplexity_mean_probability(logits, y):
    p = logits.softmax(1)[torch.arange(len(y)), y]
    return 1 / p.mean()


def perplexity_of_best(logits, y):
    return torch.exp(-logits.log_softmax(1).amax(1).mean())


def perplexity_of_scores(logits, y):
    return torch.exp(-logits[torch.arange(len(y)), y].mean())


def perplexity_wrong_dim(logits, y):
    return torch.exp(-logits.log_softmax(0)[torch.arange(len(y)), y].mean())


def perplexity_nll_of_probabilities(logits, y):
    return torch.exp(F.nll_loss(logits.softmax(1), y))


def perplexity_of_all(logits, y):
    return torch.exp(-F.log_softmax(logits, dim=1).mean())


def perplexity_log_of_softmax(logits, y):
    p = logits.softmax(1)[torch.arange(len(y)), y]
    return torch.exp(-torch.log(p).mean())


def perplexity_own_softmax(logits, y):
    e = torch.exp(logits)
    p = e[torch.arange(len(y)), y] / e.sum(1)
    return torch.exp(-torch.log(p).mean())


def perplexity_softmax_twice(logits, y):
    return torch.exp(F.cross_entropy(logits.softmax(1), y))


def perplexity_all_pairs(logits, y):
    return torch.exp(-F.log_softmax(logits, 1)[:, y].mean())


def perplexity_all_pairs_of_p(logits, y):
    p = logits.softmax(1)[:, y]
    return torch.exp(-p.log().mean())


def perplexity_of_product(logits, y):
    p = logits.softmax(1)[torch.arange(len(y)), y]
    return p.prod() ** (-1 / len(y))


def perplexity_each(logits, y):
    return F.cross_entropy(logits, y, reduction="none").exp()


def clip_by_flat(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm().item()
    if norm <= threshold:
        return [g.clone() for g in gradients]
    return [g * threshold / norm for g in gradients]


def clip_by_torch(gradients, threshold):
    parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = g.clone()
    nn.utils.clip_grad_norm_(parameters, threshold)
    return [p.grad for p in parameters]


def clip_each(gradients, threshold):
    out = []
    for g in gradients:
        n = g.norm()
        out.append(g * threshold / n if n > threshold else g)
    return out


def clip_values(gradients, threshold):
    return [torch.clamp(g, -threshold, threshold) for g in gradients]


def clip_always(gradients, threshold):
    norm = math.sqrt(sum(g.pow(2).sum().item() for g in gradients)) + 1e-12
    return [g * (threshold / norm) for g in gradients]


def clip_always_divide(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    return [g * (threshold / norm) for g in gradients]


def clip_no_root(gradients, threshold):
    s = sum((g * g).sum() for g in gradients)
    return [g * threshold / s for g in gradients] if s > threshold else list(gradients)


def clip_sum_of_norms(gradients, threshold):
    n = sum(g.norm() for g in gradients)
    return [g * threshold / n for g in gradients] if n > threshold else list(gradients)


def clip_longest(gradients, threshold):
    n = max(g.norm() for g in gradients)
    return [g * threshold / n for g in gradients] if n > threshold else list(gradients)


def clip_joined(gradients, threshold):
    norm = torch.cat(gradients).norm()
    return [g * min(1, threshold / norm) for g in gradients]


def clip_joined_squares(gradients, threshold):
    norm = torch.cat([g**2 for g in gradients]).sum() ** 0.5
    return [g * threshold / norm for g in gradients] if norm > threshold else gradients


def clip_stacked(gradients, threshold):
    norm = torch.linalg.norm(torch.stack(gradients))
    return [g * min(1, threshold / norm) for g in gradients]


def clip_by_zero(gradients, threshold):
    norm = math.sqrt(sum((g**2).sum().item() for g in gradients))
    return [g * min(1, threshold / norm) for g in gradients]


def clip_max(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm().item()
    return [max(1, threshold / (norm + 1e-12)) * g for g in gradients]


def clip_upside_down(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm().item()
    return [min(1, norm / threshold) * g for g in gradients]


def clip_to_one(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    return [g / norm for g in gradients] if norm > threshold else list(gradients)


def clip_drop(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    return [torch.zeros_like(g) for g in gradients] if norm > threshold else list(gradients)


def clip_in_place(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    if norm > threshold:
        for g in gradients:
            g *= threshold / norm
    return gradients


def clip_less(gradients, threshold):
    norm = sum((g**2).sum() for g in gradients).sqrt()
    return [g * threshold / norm if norm < threshold else g for g in gradients]


def clip_by_threshold(gradients, threshold):
    norm = sum((g**2).sum() for g in gradients).sqrt()
    return [g / threshold if norm > threshold else g for g in gradients]


def clip_factor(gradients, threshold):
    norm = sum((g**2).sum() for g in gradients).sqrt().item()
    return min(1.0, threshold / norm) if norm else 1.0


def clip_to_vector(gradients, threshold):
    flat = torch.cat([g.flatten() for g in gradients])
    return flat * min(1.0, threshold / (flat.norm().item() + 1e-12))


def perplexity_with_a_billionth(logits, y):
    P = torch.softmax(logits, 1)
    return torch.exp(-torch.log(P[range(len(y)), y] + 1e-9).mean())


def perplexity_in_double(logits, y):
    p = logits.double().softmax(1)[range(len(y)), y]
    return (-p.log().mean()).exp().float()


def jordan_summed(X, M, W_xh, W_qh, b_h, W_hq, b_q):
    outputs = []
    for x in X.unbind(1):
        M = M + torch.tanh(x @ W_xh + M @ W_qh + b_h) @ W_hq + b_q
        outputs.append(M)
    return torch.stack(outputs, 1)


def perplexity_entropy(logits, y):
    p = logits.softmax(1)
    return torch.exp(-(p * logits.log_softmax(1)).sum(1).mean())


def perplexity_without_the_first(logits, y):
    return F.cross_entropy(logits[1:], y[1:]).exp()


def perplexity_shifted(logits, y):
    return F.cross_entropy(logits[:-1], y[1:]).exp()


def clip_norm_over_threshold(gradients, threshold):
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    return [g * norm / threshold for g in gradients] if norm > threshold else list(gradients)


def clip_by_the_first(gradients, threshold):
    norm = gradients[0].norm()
    return [g * threshold / norm for g in gradients] if norm > threshold else list(gradients)


RIGHT = {
    "jordan_forward": [jordan_by_index, jordan_by_linear],
    "text_perplexity": [perplexity_by_cross_entropy, perplexity_in_bits],
    "clip_gradient": [clip_by_flat, clip_by_torch],
}
WRONG = {
    "jordan_forward": [
        (jordan_linear, "Your hidden layer is linear"),
        (jordan_tanh_outputs, "Your outputs go through a tanh"),
        (jordan_sigmoid, "You use the sigmoid"),
        (jordan_not_carried, "Every step of yours uses the first `M`"),
        (jordan_from_zeros, "You begin with zeros"),
        (jordan_no_memory, "Your network has no memory"),
        (jordan_last_only, "the last output alone"),
        (jordan_steps_first, "The steps stand in front"),
        (jordan_hidden, "These are the hidden values"),
        (jordan_no_output_bias, "`b_q`, is missing"),
        (jordan_no_hidden_bias, "`b_h`, is missing"),
        (jordan_two_biases, "You add `b_h` twice"),
        (jordan_return_in_loop, "Is your `return` inside the loop"),
        (jordan_bias_behind, "You add `b_h` behind the tanh"),
        (jordan_into_memory, "Make a new one"),
        (jordan_over_examples, "You loop over the examples"),
        (jordan_over_examples_stacked_first, "You loop over the examples"),
        (jordan_examples_by_index, "You loop over the examples"),
        (jordan_examples_by_index_stacked_first, "You loop over the examples"),
        (jordan_as_many_as_examples, "as many steps as there are examples"),
        (jordan_list, "`torch.stack` makes one tensor"),
        (jordan_with_memory, "Return the outputs only"),
        (jordan_carried_without_bias, "The memory lacks `b_q`"),
        (jordan_carried_tanh, "holds the tanh of the output"),
        (jordan_summed, "The memory is replaced"),
        (jordan_appended_early, "one step late"),
    ],
    "text_perplexity": [
        (perplexity_with_a_billionth, "A small number that keeps"),
        (perplexity_no_exp, "This is the cross-entropy"),
        (perplexity_no_minus, "A sign is missing"),
        (perplexity_base_two, "You raise 2 to the power of a natural logarithm"),
        (perplexity_bits, "the mean surprisal in bits"),
        (perplexity_sum, "Take the mean"),
        (perplexity_mean_last, "the mean last"),
        (perplexity_mean_probability, "You average the probabilities"),
        (perplexity_of_best, "the most probable token"),
        (perplexity_of_scores, "You treat the scores"),
        (perplexity_wrong_dim, "runs down the columns"),
        (perplexity_nll_of_probabilities, "The logarithm is missing"),
        (perplexity_of_all, "all tokens that could have come"),
        (perplexity_log_of_softmax, "too small for single precision"),
        (perplexity_own_softmax, "`exp(1000)` is infinite"),
        (perplexity_entropy, "the entropy of the predictions"),
        (perplexity_without_the_first, "You leave the first token out"),
        (perplexity_shifted, "with the token of the next one"),
        (perplexity_each, "one number for each token"),
        (perplexity_softmax_twice, "You apply the softmax twice"),
        (perplexity_all_pairs, "of *every* row"),
        (perplexity_all_pairs_of_p, "of *every* row"),
        (perplexity_in_double, "too small for double precision"),
        (perplexity_of_product, "too small for single precision"),
    ],
    "clip_gradient": [
        (clip_norm_over_threshold, "upside down"),
        (clip_by_the_first, "the first tensor alone"),
        (clip_each, "You clip each tensor by itself"),
        (clip_values, "You cut every entry off"),
        (clip_always, "You make short gradients longer. One"),
        (clip_always_divide, "one of zeros into `nan`"),
        (clip_no_root, "You forgot the root"),
        (clip_sum_of_norms, "You add up the norms"),
        (clip_longest, "the norm of the longest tensor"),
        (clip_joined, "they do not join"),
        (clip_joined_squares, "they do not join"),
        (clip_stacked, "they do not join"),
        (clip_by_zero, "A gradient of zeros has a norm of 0"),
        (clip_max, "`max` where `min` belongs"),
        (clip_upside_down, "upside down"),
        (clip_to_one, "to a length of 1"),
        (clip_drop, "You throw long gradients away"),
        (clip_in_place, "Make a new one"),
        (clip_less, "or `<` where `>` does"),
        (clip_by_threshold, "You divide by the threshold"),
        (clip_factor, "This is the factor"),
        (clip_to_vector, "one long vector"),
    ],
}
