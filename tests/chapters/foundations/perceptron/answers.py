"""Right and wrong answers to the exercises of the chapter *Perceptron*."""

from __future__ import annotations

import torch


def update_with_if(w, b, x, y):
    score = w @ x + b
    if y * score > 0:
        return w, b
    return w + y * x, b + y


def update_with_where(w, b, x, y):
    step = torch.where(y * ((w * x).sum() + b) <= 0, y, torch.zeros(()))
    return w.add(x, alpha=float(step)), b + step


def update_of_clones(w, b, x, y):
    w, b = w.clone(), b.clone()
    if torch.dot(w, x) + b == 0 or torch.sign(torch.dot(w, x) + b) != y:
        w += y * x
        b += y
    return [w, b]


def update_in_place(w, b, x, y):
    if y * (w @ x + b) <= 0:
        w += y * x
        b += y
    return w, b


def update_always(w, b, x, y):
    return w + x * y, b + y


def update_below_zero(w, b, x, y):
    if y * torch.dot(w, x) + y * b < 0:
        w, b = w + y * x, b + y
    return w, b


def update_where_right(w, b, x, y):
    if torch.sign(w @ x + b) == y:
        return w + y * x, b + y
    return w, b


def update_without_bias_in_score(w, b, x, y):
    if y * torch.dot(w, x) <= 0:
        return w + y * x, b + y
    return w, b


def update_without_label_in_test(w, b, x, y):
    if torch.dot(w, x) + b <= 0:
        return w + y * x, b + y
    return w, b


def update_without_bias(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        w = w + y * x
    return w, b


def update_without_label(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w + x, b + 1
    return w, b


def update_without_label_on_x(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w + x, b + y
    return w, b


def update_bias_by_one(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w + y * x, b + torch.ones(())
    return w, b


def update_subtracting(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w - y * x, b - y
    return w, b


def update_twice(w, b, x, y):
    error = y - (1.0 if w @ x + b > 0 else -1.0)
    return (w + error * x, b + error) if w @ x + b != 0 else (w + 2 * y * x, b + 2 * y)


def update_by_label_minus_sign(w, b, x, y):
    error = y - torch.sign(torch.dot(w, x) + b)
    return w + error * x, b + error


def update_by_label_minus_prediction(w, b, x, y):
    prediction = 1 if w @ x + b > 0 else -1
    return w + (y - prediction) * x, b + (y - prediction)


def update_by_label_minus_prediction_from_zero(w, b, x, y):
    prediction = 1 if w @ x + b >= 0 else -1
    return w + (y - prediction) * x, b + (y - prediction)


def update_where_zero_is_plus(w, b, x, y):
    prediction = 1 if w @ x + b >= 0 else -1
    if prediction == y:
        return w, b
    return w + y * x, b + y


def update_where_zero_is_minus(w, b, x, y):
    prediction = 1 if w @ x + b > 0 else -1
    if prediction == y:
        return w, b
    return w + y * x, b + y


def update_for_labels_01(w, b, x, y):
    prediction = 1.0 if w @ x + b > 0 else 0.0
    error = y - prediction
    return w + error * x, b + error


def update_w_only(w, b, x, y):
    return w + y * x if y * (w @ x + b) <= 0 else w


def update_without_return(w, b, x, y):
    if y * (w @ x + b) <= 0:
        return w + y * x, b + y


def update_bias_as_number(w, b, x, y):
    if y * (w @ x + b) <= 0:
        return w + y * x, (b + y).item()
    return w, b.item()


def update_as_row(w, b, x, y):
    if y * (w @ x + b) <= 0:
        w, b = w + y * x, b + y
    return w[None], b


def margin_by_length(w, b, X, y):
    distances = (X @ w + b) / torch.sqrt((w**2).sum())
    return torch.min(y * distances)


def margin_by_loop(w, b, X, y):
    smallest = torch.tensor(float("inf"))
    for x_i, y_i in zip(X, y, strict=True):
        smallest = torch.minimum(smallest, y_i * (torch.dot(w, x_i) + b))
    return smallest / torch.linalg.vector_norm(w)


def margin_sorted(w, b, X, y):
    unit, offset = w / w.norm(), b / w.norm()
    return ((X * y[:, None]) @ unit + y * offset).sort().values[0]


def margin_score(w, b, X, y):
    return torch.min(y * (X @ w + b))


def margin_abs(w, b, X, y):
    return torch.abs(X @ w + b).min() / w.norm()


def margin_abs_of_signed(w, b, X, y):
    return torch.min(torch.abs(y * (X @ w + b) / w.norm()))


def margin_unlabelled(w, b, X, y):
    return torch.min((X @ w + b) / w.norm())


def margin_mean(w, b, X, y):
    return torch.mean(y * (X @ w + b) / w.norm())


def margin_largest(w, b, X, y):
    return torch.max(y * (X @ w + b) / w.norm())


def margin_squared(w, b, X, y):
    return torch.min(y * (X @ w + b)) / (w**2).sum()


def margin_sum_of_weights(w, b, X, y):
    return torch.min(y * (X @ w + b)) / w.norm(p=1)


def margin_bias_in_length(w, b, X, y):
    return torch.min(y * (X @ w + b)) / torch.sqrt((w**2).sum() + b**2)


def margin_without_bias(w, b, X, y):
    return torch.min(y * (X @ w)) / w.norm()


def margin_label_times_product_only(w, b, X, y):
    return torch.min(y * (X @ w) + b) / w.norm()


def margin_over_n(w, b, X, y):
    return torch.min(y * (X @ w + b)) / w.norm() / len(y)


def margin_all(w, b, X, y):
    return (X @ w + b) * y / w.norm()


def margin_as_float(w, b, X, y):
    return float((y * (X @ w + b)).min() / w.norm())


def margin_as_vector(w, b, X, y):
    return (y * (X @ w + b)).min(dim=0, keepdim=True).values / w.norm()


def margin_transposed(w, b, X, y):
    return (y * (w @ X + b)).min() / w.norm()


def margin_without_its_sign(w, b, X, y):
    return (y * (X @ w + b) / w.norm()).min().abs()


def update_bias_first(w, b, x, y):
    w, b = update_with_if(w, b, x, y)
    return b, w


def margin_at_most_one(w, b, X, y):
    smallest = torch.tensor(1.0)
    for x_i, y_i in zip(X, y, strict=True):
        smallest = torch.minimum(smallest, y_i * (torch.dot(w, x_i) + b) / w.norm())
    return smallest


def margin_from_zero(w, b, X, y):
    smallest = torch.tensor(0.0)
    for x_i, y_i in zip(X, y, strict=True):
        margin = y_i * (w @ x_i + b) / w.norm()
        if margin < smallest:
            smallest = margin
    return smallest


def margin_index(w, b, X, y):
    return torch.argmin(y * (X @ w + b) / w.norm())


def margin_in_a_list(w, b, X, y):
    return [(y * (X @ w + b)).min() / w.norm()]


def update_where_not_wrong(w, b, x, y):
    if y * (torch.dot(w, x) + b) >= 0:
        return w + y * x, b + y
    return w, b


def update_label_times_product_only(w, b, x, y):
    if y * torch.dot(w, x) + b <= 0:
        return w + y * x, b + y
    return w, b


def update_with_rate(w, b, x, y, lr=0.1):
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w + lr * y * x, b + lr * y
    return w, b


def update_until_right(w, b, x, y):
    w, b = w.clone(), b.clone()
    while y * (torch.dot(w, x) + b) <= 0:
        w += y * x
        b += y
    return w, b


def update_bias_down(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w + y * x, b - y
    return w, b


def update_weights_down(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w - y * x, b + y
    return w, b


def update_bias_by_example(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        step = y * x
        w, b = w + step, b + step
    return w, b


def update_bias_by_sum(w, b, x, y):
    if y * (torch.dot(w, x) + b) <= 0:
        step = y * x
        w, b = w + step, b + step.sum()
    return w, b


def update_by_error_of_score(w, b, x, y):
    error = y - (torch.dot(w, x) + b)
    if y * (torch.dot(w, x) + b) <= 0:
        w, b = w + error * x, b + error
    return w, b


def margin_bias_undivided(w, b, X, y):
    return torch.min(y * (X @ (w / w.norm()) + b))


def margin_bias_afterwards(w, b, X, y):
    return torch.min(y * (X @ w)) / w.norm() + b


def margin_index_over_length(w, b, X, y):
    return torch.argmin(y * (X @ w + b)) / w.norm()


def margin_min_along_a_dimension(w, b, X, y):
    return torch.min(y * (X @ w + b), dim=0) / w.norm()


def margin_of_unit_points(w, b, X, y):
    lengths = X.norm(dim=1) * w.norm()
    return torch.min(y * (X @ w + b) / lengths)


RIGHT = {
    "perceptron_update": [update_with_if, update_with_where, update_of_clones],
    "smallest_margin": [margin_by_length, margin_by_loop, margin_sorted],
}
WRONG = {
    "perceptron_update": [
        (update_in_place, "Make a new one"),
        (update_where_not_wrong, "the wrong way round"),
        (update_label_times_product_only, "The label multiplies the whole score"),
        (update_with_rate, "with no learning rate"),
        (update_until_right, "one step for a mistake"),
        (update_bias_down, "The bias moves the wrong way"),
        (update_weights_down, "The weights move the wrong way"),
        (update_bias_by_example, "it moves by `y` alone"),
        (update_bias_by_sum, "it moves by `y` alone"),
        (update_by_error_of_score, "label minus *score*"),
        (update_always, "You update after every example"),
        (update_below_zero, "use `<=`"),
        (update_where_right, "the wrong way round"),
        (update_without_bias_in_score, "The bias belongs to the score"),
        (update_without_label_in_test, "You test the score alone"),
        (update_without_bias, "the bias does not"),
        (update_without_label, "You add the example whatever its label"),
        (update_without_label_on_x, "Multiply `x` by `y`"),
        (update_bias_by_one, "yours always goes up by 1"),
        (update_subtracting, "You subtract where the rule adds"),
        (update_twice, "twice as long"),
        (update_by_label_minus_sign, "twice as long"),
        (update_by_label_minus_prediction, "twice as long"),
        (update_by_label_minus_prediction_from_zero, "twice as long"),
        (update_where_zero_is_plus, "A score of exactly 0"),
        (update_where_zero_is_minus, "A score of exactly 0"),
        (update_for_labels_01, "labels 0 and 1"),
        (update_w_only, "`return w, b`"),
        (update_bias_first, "in another order. It is `w`, `b`"),
        (update_without_return, "Is a `return` missing"),
        (update_bias_as_number, "no `.item()`"),
        (update_as_row, "A dimension of size 1 is too many"),
    ],
    "smallest_margin": [
        (margin_score, "Divide by the length of `w`"),
        (margin_bias_undivided, "divides the whole score"),
        (margin_bias_afterwards, "divides the whole score"),
        (margin_index_over_length, "an index"),
        (margin_min_along_a_dimension, "returns two things"),
        (margin_of_unit_points, "the length of the points, too"),
        (margin_abs, "instead of taking `abs`"),
        (margin_abs_of_signed, "instead of taking `abs`"),
        (margin_unlabelled, "The labels are missing"),
        (margin_mean, "the mean distance"),
        (margin_largest, "the largest distance"),
        (margin_squared, "the squared length"),
        (margin_sum_of_weights, "the sum of the absolute weights"),
        (margin_bias_in_length, "The bias does not belong to the length"),
        (margin_without_bias, "The bias is missing"),
        (margin_label_times_product_only, "The label multiplies the whole score"),
        (margin_over_n, "not divided by the number of points"),
        (margin_all, "the signed distances of all points"),
        (margin_as_float, "no `.item()`"),
        (margin_as_vector, "The numbers are right"),
        (margin_transposed, "does it need a `.T`"),
        (margin_at_most_one, "Begin with that of the first point"),
        (margin_from_zero, "Begin with that of the first point"),
        (margin_index, "an index"),
        (margin_in_a_list, "The number is right. Return the tensor alone"),
        (margin_without_its_sign, "on the wrong side, and has to stay so"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "perceptron_update": {
        "w @ x → x @ w": "both are vectors",
    },
}
