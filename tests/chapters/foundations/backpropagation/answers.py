"""Right and wrong answers to the exercises of the chapter *Backpropagation*."""

from __future__ import annotations

import graphlib

import torch


def repeated_forward(w, x, n):
    h, slope = x, 0 * w
    for _ in range(n):
        before, h = h, torch.tanh(w * h)
        slope = (1 - h**2) * (before + w * slope)
    return slope


def repeated_by_uses(w, x, n):
    values = [x]
    for _ in range(n):
        values.append(torch.tanh(w * values[-1]))
    total = torch.tensor(0.0)
    for use in range(1, n + 1):
        share = values[use - 1] * (1 - values[use] ** 2)
        for later in range(use + 1, n + 1):
            share = share * w * (1 - values[later] ** 2)
        total = total + share
    return total


def repeated_by_cosh(w, x, n):
    if n == 0:
        return torch.zeros(())
    h = x
    for _ in range(n - 1):
        h = torch.tanh(w * h)
    return (h + w * repeated_by_cosh(w, x, n - 1)) / torch.cosh(w * h) ** 2


def repeated_added_early(w, x, n):
    h = [x]
    for _ in range(n):
        h.append(torch.tanh(w * h[-1]))
    total, delta = 0, 1
    for before, after in zip(h[-2::-1], h[:0:-1], strict=True):
        total = total + delta * before
        delta = delta * (1 - after**2) * w
    return total


def repeated_last_only(w, x, n):
    for _ in range(n):
        before, x = x, torch.tanh(w * x)
    return before * (1 - x.square())


def repeated_first_only(w, x, n):
    slope = x
    for k in range(n):
        x = torch.tanh(w * x)
        slope = slope * (1 - x * x) * (w if k else 1)
    return slope


def repeated_last_times(w, x, n):
    return repeated_last_only(w, x, n) * n


def repeated_first_times(w, x, n):
    return repeated_first_only(w, x, n) * n


def repeated_without_tanh(w, x, n):
    slope = torch.zeros(())
    for _ in range(n):
        slope = x + slope * w
        x = torch.tanh(w * x)
    return slope


def repeated_without_weight(w, x, n):
    slope = torch.zeros(())
    for _ in range(n):
        t = torch.tanh(w * x)
        slope = (x + slope) * (1 - t * t)
        x = t
    return slope


def repeated_bracket(w, x, n):
    slope = torch.zeros(())
    for _ in range(n):
        t = torch.tanh(w * x)
        slope = x * (1 - t * t) + w * slope
        x = t
    return slope


def repeated_with_input_in_tanh(w, x, n):
    slope = torch.zeros(())
    for _ in range(n):
        slope = (x + w * slope) * (1 - x * x)
        x = torch.tanh(w * x)
    return slope


def repeated_no_square(w, x, n):
    slope = torch.zeros(())
    for _ in range(n):
        before, x = x, torch.tanh(w * x)
        slope = (before + w * slope) * (1 - x)
    return slope


def repeated_like_sigmoid(w, x, n):
    slope = torch.zeros(())
    for _ in range(n):
        before, x = x, torch.tanh(w * x)
        slope = (before + w * slope) * x * (1 - x)
    return slope


def repeated_of_input(w, x, n):
    slope = torch.ones(())
    for _ in range(n):
        x = torch.tanh(w * x)
        slope = w * slope * (1 - x**2)
    return slope


def repeated_value(w, x, n):
    for _ in range(n):
        x = (w * x).tanh()
    return x


def repeated_too_few(w, x, n):
    return repeated_forward(w, x, n - 1)


def repeated_too_many(w, x, n):
    return repeated_by_uses(w, x, n + 1)


def repeated_share_of_output(w, x, n):
    h = [x]
    for _ in range(n):
        h.append(torch.tanh(w * h[-1]))
    slope, delta = torch.tensor(0.0), torch.tensor(1.0)
    for k in reversed(range(n)):
        delta = delta * (1 - h[k + 1] ** 2)
        slope = slope + delta * h[k + 1]
        delta = delta * w
    return slope


def repeated_tanh_twice(w, x, n):
    slope = torch.zeros(())
    for _ in range(n):
        before, x = x, torch.tanh(w * x)
        slope = (before + w * slope) * (1 - torch.tanh(x) ** 2)
    return slope


class Value:
    """As the chapter's engine has it, as far as it matters here."""

    def __init__(self, data):
        self.data = data


def repeated_from_x_each_time(w, x, n):
    h = [x]
    for _ in range(n):
        h.append(torch.tanh(w * h[-1]))
    total, delta = torch.tensor(0.0), torch.tensor(1.0)
    for k in reversed(range(n)):
        delta = delta * (1 - h[k + 1] ** 2)
        total = total + delta * x
        delta = delta * w
    return total


def repeated_mean_of_uses(w, x, n):
    return repeated_by_uses(w, x, n) / n


def repeated_by_difference(w, x, n):
    def end(w):
        h = x
        for _ in range(n):
            h = torch.tanh(w * h)
        return h

    s = 1e-5
    return (end(w + s) - end(w - s)) / (2 * s)


def repeated_by_one_sided_difference(w, x, n):
    def end(w):
        h = x
        for _ in range(n):
            h = torch.tanh(w * h)
        return h

    return (end(w + 1e-4) - end(w)) / 1e-4


def repeated_in_the_engine(w, x, n):
    return Value(repeated_forward(w, x, n).item())


def repeated_float(w, x, n):
    return repeated_forward(w, x, n).item()


def repeated_of_absolute(w, x, n):
    return repeated_forward(w.abs(), x, n)


def layer_by_line(X, W, b, dH):
    t = (X @ W + b).tanh()
    dZ = dH - dH * t * t
    dX = torch.matmul(dZ, W.transpose(0, 1))
    dW = torch.matmul(X.transpose(0, 1), dZ)
    return dX, dW, torch.ones(len(X)) @ dZ


def layer_by_einsum(X, W, b, dH):
    delta = dH / torch.cosh(torch.einsum("nd,dh->nh", X, W) + b) ** 2
    return (
        torch.einsum("nh,dh->nd", delta, W),
        torch.einsum("nd,nh->dh", X, delta),
        torch.einsum("nh->h", delta),
    )


def layer_by_example(X, W, b, dH):
    dW, db, rows = torch.zeros_like(W), torch.zeros_like(b), []
    for x, d in zip(X, dH, strict=True):
        delta = d * (1 - torch.tanh(x @ W + b) ** 2)
        dW, db = dW + torch.outer(x, delta), db + delta
        rows.append(W @ delta)
    return torch.stack(rows), dW, db


def layer_no_slope(X, W, b, dH):
    return dH @ W.T, X.T @ dH, dH.sum(dim=0)


def layer_without_what_comes_back(X, W, b, dH):
    delta = 1 - torch.tanh(X @ W + b) ** 2
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_only_inputs_through_tanh(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)
    return delta @ W.T, X.T @ dH, dH.sum(0)


def layer_all_divided(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2) / X.shape[0]
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_tanh_twice(X, W, b, dH):
    H = torch.tanh(X @ W + b)
    delta = dH * (1 - torch.tanh(H) ** 2)
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_times_tanh(X, W, b, dH):
    delta = torch.tanh(X @ W + b) * dH
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_no_square(X, W, b, dH):
    delta = (1 - torch.tanh(X @ W + b)) * dH
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_slope_of_scores(X, W, b, dH):
    Z = X @ W + b
    delta = (1 - Z * Z) * dH
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_sigmoid_slope(X, W, b, dH):
    H = torch.tanh(X @ W + b)
    delta = dH * (H - H**2)
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_relu_slope(X, W, b, dH):
    delta = torch.where(X @ W + b > 0, dH, torch.zeros_like(dH))
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_no_bias(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W) ** 2)
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_inputs_unbent(X, W, b, dH):
    _, dW, db = layer_by_line(X, W, b, dH)
    return dH @ W.T, dW, db


def layer_weights_unbent(X, W, b, dH):
    dX, _, db = layer_by_line(X, W, b, dH)
    return dX, X.T @ dH, db


def layer_bias_unbent(X, W, b, dH):
    dX, dW, _ = layer_by_line(X, W, b, dH)
    return dX, dW, dH.sum(0)


def layer_means(X, W, b, dH):
    dX, dW, db = layer_by_line(X, W, b, dH)
    return dX, dW / X.shape[0], db / X.shape[0]


def layer_mean_bias(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)
    return delta @ W.T, X.T @ delta, delta.mean(dim=0)


def layer_mean_weights(X, W, b, dH):
    dX, dW, db = layer_by_einsum(X, W, b, dH)
    return dX, dW / X.shape[0], db


def layer_keepdim(X, W, b, dH):
    dX, dW, db = layer_by_line(X, W, b, dH)
    return dX, dW, db.reshape(1, -1)


def layer_sum_neurons(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)
    return delta @ W.T, X.T @ delta, delta.sum(dim=1)


def layer_no_sum(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)
    return delta @ W.T, X.T @ delta, delta


def layer_sum_all(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)
    return delta @ W.T, X.T @ delta, torch.sum(delta)


def layer_weights_transposed(X, W, b, dH):
    dX, dW, db = layer_by_line(X, W, b, dH)
    return dX, dW.T, db


def layer_gradient_for_value(X, W, b, dH):
    delta = dH * (1 - dH**2)
    return delta @ W.T, X.T @ delta, delta.sum(0)


def layer_not_transposed(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)
    return delta @ W, X.T @ delta, delta.sum(0)


def layer_inputs_not_transposed(X, W, b, dH):
    delta = dH * (1 - torch.tanh(X @ W + b) ** 2)
    return delta @ W.T, X @ delta, delta.sum(0)


def layer_other_order(X, W, b, dH):
    dX, dW, db = layer_by_line(X, W, b, dH)
    return dW, db, dX


def layer_swapped(X, W, b, dH):
    dX, dW, db = layer_by_line(X, W, b, dH)
    return dW, dX, db


def layer_two(X, W, b, dH):
    _, dW, db = layer_by_line(X, W, b, dH)
    return dW, db


def layer_on_its_input(X, W, b, dH):
    dH *= 1 - torch.tanh(X @ W + b) ** 2
    return dH @ W.T, X.T @ dH, dH.sum(0)


def order_by_counting(parents):
    reached, new = {"L"}, ["L"]
    while new:
        for parent in parents[new.pop()]:
            if parent not in reached:
                reached.add(parent)
                new.append(parent)
    waits = dict.fromkeys(reached, 0)
    for name in reached:
        for parent in parents[name]:
            waits[parent] += 1
    order, ready = [], ["L"]
    while ready:
        name = ready.pop()
        order.append(name)
        for parent in parents[name]:
            waits[parent] -= 1
            if not waits[parent]:
                ready.append(parent)
    return order


def order_by_library(parents):
    forward = list(graphlib.TopologicalSorter(parents).static_order())
    reached = {"L"}
    for name in reversed(forward):
        if name in reached:
            reached |= set(parents[name])
    return [name for name in reversed(forward) if name in reached]


def order_by_distance(parents):
    distance = {}

    def visit(name, steps):
        if steps >= distance.get(name, 0):
            distance[name] = steps
            for parent in parents[name]:
                visit(parent, steps + 1)

    visit("L", 0)
    return sorted(distance, key=distance.get)


def order_forward(parents):
    return order_by_library(parents)[::-1]


def order_first_met_deep(parents):
    seen = []

    def visit(name):
        if name not in seen:
            seen.append(name)
            for parent in parents[name]:
                visit(parent)

    visit("L")
    return seen


def order_first_met_broad(parents):
    seen, queue = [], ["L"]
    for name in queue:
        if name not in seen:
            seen.append(name)
            queue.extend(parents[name])
    return seen


def order_first_met_stack(parents):
    order, stack, seen = [], ["L"], {"L"}
    while stack:
        name = stack.pop()
        order.append(name)
        for parent in parents[name]:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return order


def order_first_met_stack_late(parents):
    order, stack = [], ["L"]
    while stack:
        name = stack.pop()
        if name in order:
            continue
        order.append(name)
        stack.extend(parents[name])
    return order


def order_as_a_set(parents):
    return set(order_by_counting(parents))


def order_dictionary_reversed_and_reached(parents):
    reached = set(order_by_counting(parents))
    return [name for name in list(parents)[::-1] if name in reached]


def order_repeats_deep(parents):
    def visit(name):
        return [name] + [found for parent in parents[name] for found in visit(parent)]

    return visit("L")


def order_repeats_broad(parents):
    queue = ["L"]
    for name in queue:
        queue.extend(parents[name])
    return queue


def order_without_loss(parents):
    return order_by_counting(parents)[1:]


def order_of_everything(parents):
    seen = []

    def visit(name):
        if name in seen:
            return
        for parent in parents[name]:
            visit(parent)
        if name not in seen:
            seen.append(name)

    for name in parents:
        visit(name)
    return list(reversed(seen))


def order_of_dictionary(parents):
    return list(parents.keys())


def order_dictionary_reversed(parents):
    return list(parents)[::-1]


def order_without_parameters(parents):
    order = order_by_counting(parents)
    return order[:1] + [name for name in order[1:] if parents[name] != []]


def order_parents_of_loss(parents):
    return ["L"] + parents["L"]


def order_forward_with_nothing_left(parents):
    order = order_forward(parents)
    parents.clear()
    return order


def order_nothing(parents):
    order_by_counting(parents)


def layer_backwards(X, W, b, dH):
    return layer_by_line(X, W, b, dH)[::-1]


def order_that_uses_up(parents):
    order = order_by_counting(parents)
    for name in order:
        parents.pop(name)
    return order


def order_that_empties_lists(parents):
    order = order_by_counting(parents)
    for name in order:
        parents[name].clear()
    return order


def order_by_generator(parents):
    yield from order_by_counting(parents)


def order_of_keys(parents):
    return dict.fromkeys(order_by_counting(parents))


def order_with_the_rest(parents):
    order = order_by_counting(parents)
    return order + [name for name in parents if name not in order]


def order_by_all_children(parents):
    children = dict.fromkeys(parents, 0)
    for names in parents.values():
        for name in names:
            children[name] += 1
    order = ["L"]
    for name in order:
        for parent in parents[name]:
            children[parent] -= 1
            if children[parent] == 0:
                order.append(parent)
    return order


def order_as_tuple(parents):
    """A right one: a tuple will do."""
    return tuple(order_by_counting(parents))


RIGHT = {
    "repeated_derivative": [repeated_forward, repeated_by_uses, repeated_by_cosh],
    "layer_backward": [layer_by_line, layer_by_einsum, layer_by_example],
    "backward_order": [order_by_counting, order_by_library, order_by_distance, order_as_tuple],
}
WRONG = {
    "repeated_derivative": [
        (repeated_added_early, "before its tanh has been passed"),
        (repeated_last_only, "the last use of `w` alone"),
        (repeated_first_only, "the first use of `w`, carried"),
        (repeated_last_times, "You count the last use"),
        (repeated_first_times, "You count the first use"),
        (repeated_without_tanh, "The derivative of tanh is missing"),
        (repeated_without_weight, "stands a factor `w`"),
        (repeated_bracket, "a bracket in the wrong place"),
        (repeated_with_input_in_tanh, "what goes into the step"),
        (repeated_no_square, "The square is missing"),
        (repeated_like_sigmoid, "the derivative of the sigmoid"),
        (repeated_share_of_output, "what comes out of it"),
        (repeated_from_x_each_time, "the value of its own step"),
        (repeated_mean_of_uses, "Contributions add"),
        (repeated_by_difference, "a finite difference"),
        (repeated_by_one_sided_difference, "a finite difference"),
        (repeated_tanh_twice, "through it already"),
        (repeated_in_the_engine, "makes a `Value`"),
        (repeated_of_input, "the end with respect to `x`"),
        (repeated_value, "the value at the end"),
        (repeated_too_few, "One step too few"),
        (repeated_too_many, "One step too many"),
        (repeated_of_absolute, "No usual mistake"),
        (repeated_float, "no `.item()`"),
    ],
    "layer_backward": [
        (layer_no_slope, "the gradient behind the tanh"),
        (layer_without_what_comes_back, "`dH` is missing"),
        (layer_tanh_twice, "You take the tanh twice"),
        (layer_times_tanh, "by tanh where its derivative belongs"),
        (layer_no_square, "The square is missing"),
        (layer_slope_of_scores, "you have the scores"),
        (layer_gradient_for_value, "You have its gradient"),
        (layer_sigmoid_slope, "the derivative of a sigmoid"),
        (layer_relu_slope, "the derivative of ReLU"),
        (layer_no_bias, "The bias is missing in your scores"),
        (layer_inputs_unbent, "`dX` comes from `dH` itself"),
        (layer_weights_unbent, "`dW` comes from `dH` itself"),
        (layer_bias_unbent, "`db` comes from `dH` itself"),
        (layer_only_inputs_through_tanh, "`dW` and `db` come from `dH` itself"),
        (layer_all_divided, "You divide by the number of examples"),
        (layer_means, "You divide by the number of examples"),
        (layer_mean_bias, "You take the mean for `db`"),
        (layer_mean_weights, "You divide `dW`"),
        (layer_keepdim, "a dimension too many"),
        (layer_sum_neurons, "For `db` you sum over the neurons"),
        (layer_no_sum, "you return a gradient for each row"),
        (layer_sum_all, "You have summed over everything"),
        (layer_weights_transposed, "Your `dW` is transposed"),
        (layer_not_transposed, "which way round must `W` stand"),
        (layer_inputs_not_transposed, "the sum runs over the examples"),
        (layer_other_order, "their order is not"),
        (layer_swapped, "their order is not"),
        (layer_backwards, "in another order. It is `dX`, `dW`, `db`"),
        (layer_two, "with respect to `X` is missing"),
        (layer_on_its_input, "Make a new one"),
    ],
    "backward_order": [
        (order_forward, "an order for the forward pass"),
        (order_first_met_deep, "when you first meet it"),
        (order_first_met_broad, "when you first meet it"),
        (order_first_met_stack, "when you first meet it"),
        (order_first_met_stack_late, "when you first meet it"),
        (order_as_a_set, "the order is lost"),
        (order_repeats_deep, "in your list several times"),
        (order_repeats_broad, "only the last would do"),
        (order_without_loss, "The loss is missing"),
        (order_of_everything, "does not depend on"),
        (order_of_dictionary, "in which the dictionary has them"),
        (order_dictionary_reversed, "You turn the dictionary's order round"),
        (order_dictionary_reversed_and_reached, "You turn the dictionary's order round"),
        (order_without_parameters, "The values without parents are missing"),
        (order_parents_of_loss, "the parents of the loss"),
        (order_forward_with_nothing_left, "Make a new one"),
        (order_that_uses_up, "Make a new one"),
        (order_that_empties_lists, "Make a new one"),
        (order_by_generator, "`list(…)`"),
        (order_of_keys, "`list(…)`"),
        (order_with_the_rest, "does not depend on"),
        (order_by_all_children, "You wait for children"),
        (order_nothing, "Is a `return` missing"),
    ],
}
