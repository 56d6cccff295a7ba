"""Right and wrong answers to the exercises of the chapter *Linear regression*."""

from __future__ import annotations

import torch


def gradient_by_broadcasting(w, b, X, y):
    residual = (X * w).sum(dim=1) + b - y
    return (2 * residual[:, None] * X).mean(dim=0), (2 * residual).mean()


def gradient_by_loop(w, b, X, y):
    dw, db = torch.zeros_like(w), torch.zeros_like(b)
    for x_i, y_i in zip(X, y, strict=True):
        e_i = torch.dot(w, x_i) + b - y_i
        dw = dw + 2 * e_i * x_i / len(y)
        db = db + 2 * e_i / len(y)
    return dw, db


def gradient_by_target_minus_prediction(w, b, X, y):
    e = y - (torch.mv(X, w) + b)
    return [-2 / y.numel() * (e @ X), -2 / y.numel() * torch.sum(e)]


def gradient_by_one_matrix(w, b, X, y):
    n, d = X.shape
    X1 = torch.hstack([X, torch.ones(n, 1)])
    w1 = torch.cat([w, b.reshape(1)])
    slopes = 2 / n * X1.T @ (X1 @ w1 - y)
    return slopes[:d], slopes[d]


def gradient_of_half(w, b, X, y):
    error = X @ w + b - y
    return X.T @ error / X.shape[0], error.sum() / X.shape[0]


def gradient_over_2n(w, b, X, y):
    error = X @ w + b - y
    return (error @ X) / (2 * len(y)), error.sum() / (2 * len(y))


def gradient_half_in_b(w, b, X, y):
    error = X @ w + b - y
    return 2 / len(y) * (error @ X), torch.mean(error)


def gradient_half_in_w(w, b, X, y):
    error = X @ w + b - y
    return 1 / len(y) * (error @ X), 2 * torch.mean(error)


def gradient_sum(w, b, X, y):
    error = X @ w + b - y
    return (2 * error[:, None] * X).sum(dim=0), (2 * error).sum()


def gradient_half_of_sum(w, b, X, y):
    error = X @ w + b - y
    return (error[:, None] * X).sum(dim=0), error.sum()


def gradient_sum_in_w(w, b, X, y):
    error = X @ w + b - y
    return 2 * error @ X, 2 * torch.mean(error)


def gradient_half_and_sum_in_w(w, b, X, y):
    error = X @ w + b - y
    return error @ X, error.mean()


def gradient_sum_in_b(w, b, X, y):
    error = X @ w + b - y
    return 2 * error @ X / len(y), 2 * torch.sum(error)


def gradient_over_features(w, b, X, y):
    n = X.shape[1]
    error = X @ w + b - y
    return 2 * error @ X / n, 2 * error.mean()


def gradient_downhill(w, b, X, y):
    error = y - (X @ w + b)
    return 2 / len(y) * X.T @ error, 2 / len(y) * error.sum()


def gradient_downhill_half(w, b, X, y):
    error = y - X @ w - b
    return X.T @ error / len(y), error.mean()


def gradient_downhill_in_b(w, b, X, y):
    error = y - X @ w - b
    return -2 * X.T @ error / len(y), 2 * error.mean()


def gradient_downhill_in_w(w, b, X, y):
    return 2 * X.T @ (y - X @ w - b) / len(y), 2 * (X @ w + b - y).mean()


def gradient_without_bias(w, b, X, y):
    error = torch.mv(X, w) - y
    return 2 * error @ X / len(y), 2 * error.mean()


def gradient_of_a_table(w, b, X, y):
    error = X @ w.reshape(-1, 1) + b - y
    return 2 / len(X) * X.T @ error, 2 * error.mean()


def gradient_untransposed(w, b, X, y):
    error = X @ w + b - y
    return X @ error * 2 / len(y), 2 * error.mean()


def gradient_along_columns(w, b, X, y):
    error = X @ w + b - y
    return (2 * X * error).sum(dim=0) / len(y), 2 * error.mean()


def gradient_along_columns_error_first(w, b, X, y):
    error = X @ w + b - y
    return (2 * error * X).mean(0), 2 * error.mean()


def gradient_by_example(w, b, X, y):
    error = (X @ w + b - y).unsqueeze(1)
    return 2 * (error * X).mean(dim=1), 2 * error.mean()


def gradient_of_all_weights_at_once(w, b, X, y):
    error = X @ w + b - y
    return (2 * X.T @ error / len(y)).mean(), 2 * error.mean()


def gradient_product_of_means(w, b, X, y):
    error = 2 * (X @ w + b - y).mean()
    return error * X.mean(dim=0), error


def gradient_without_inputs(w, b, X, y):
    slope = 2 * torch.mean(X @ w + b - y)
    return slope, slope


def gradient_squared(w, b, X, y):
    squares = (X @ w + b - y) ** 2
    return 2 * squares @ X / len(y), 2 * squares.mean()


def gradient_loss(w, b, X, y):
    return torch.nn.functional.mse_loss(X @ w + b, y)


def gradient_step(w, b, X, y):
    error = X @ w + b - y
    return w - 2 / len(y) * error @ X, b - 2 * error.mean()


def gradient_b_first(w, b, X, y):
    error = X @ w + b - y
    return 2 * error.mean(), 2 / len(y) * error @ X


def gradient_of_w_only(w, b, X, y):
    return 2 * X.T @ (X @ w + b - y) / len(y)


def gradient_in_place(w, b, X, y):
    error = X @ w + b
    error -= y
    w *= 0
    w += 2 * X.T @ error / len(y)
    return w, 2 * error.mean()


def gradient_b_as_number(w, b, X, y):
    error = X @ w + b - y
    return 2 * X.T @ error / len(y), 2 * error.mean().item()


def gradient_as_column(w, b, X, y):
    error = (X @ w + b - y)[:, None]
    return 2 * X.T @ error / len(y), 2 * error.mean()


def ridge_by_centring(X, y, alpha):
    X_mean, y_mean = X.mean(dim=0), y.mean()
    X0, y0 = X - X_mean, y - y_mean
    w = torch.linalg.solve(X0.T @ X0 / len(X) + alpha * torch.eye(X.shape[1]), X0.T @ y0 / len(X))
    return w, y_mean - X_mean @ w


def ridge_by_more_examples(X, y, alpha):
    n, d = X.shape
    penalty = (n * alpha) ** 0.5 * torch.eye(d)
    X1 = torch.cat(
        [torch.cat([X, penalty]), torch.cat([torch.ones(n, 1), torch.zeros(d, 1)])], dim=1
    )
    w1 = torch.linalg.lstsq(X1, torch.cat([y, torch.zeros(d)])[:, None]).solution[:, 0]
    return w1[:d], w1[d]


def ridge_by_inverse(X, y, alpha):
    n = X.shape[0]
    X1 = torch.hstack((torch.ones(n, 1), X))
    D = torch.eye(X1.shape[1])
    D[0, 0] = 0
    b, *w = torch.linalg.inv(X1.T @ X1 / n + alpha * D) @ X1.T @ y / n
    return torch.stack(w), b


def with_ones(X):
    return torch.hstack([X, torch.ones(X.shape[0], 1)])


def solved(A, X1, y):
    w1 = torch.linalg.inv(A) @ (X1.T @ y)
    return w1[:-1], w1[-1]


def free_bias(X1):
    D = torch.eye(X1.shape[1])
    D[-1, -1] = 0.0
    return D


def ridge_without_penalty(X, y, alpha):
    X1 = with_ones(X)
    w1 = torch.linalg.lstsq(X1, y[:, None]).solution[:, 0]
    return w1[:-1], w1[-1]


def ridge_bias_pays(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 + len(X) * alpha * torch.eye(X1.shape[1]), X1, y)


def ridge_without_n(X, y, alpha):
    X0 = X - X.mean(dim=0)
    w = torch.linalg.solve(X0.T @ X0 + alpha * torch.eye(X.shape[1]), X0.T @ y)
    return w, (y - X @ w).mean()


def ridge_without_n_bias_pays(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 + alpha * torch.eye(X1.shape[1]), X1, y)


def ridge_penalty_over_n(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 + alpha * free_bias(X1) / len(y), X1, y)


def ridge_times_features(X, y, alpha):
    n = X.shape[1]
    X1 = with_ones(X)
    return solved(X1.T @ X1 + n * alpha * free_bias(X1), X1, y)


def ridge_times_columns(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 + X1.shape[1] * alpha * free_bias(X1), X1, y)


def ridge_twice(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 / len(X) + 2 * alpha * free_bias(X1), X1, y / len(X))


def ridge_half(X, y, alpha):
    X1 = with_ones(X)
    return solved(2 * X1.T @ X1 / len(X) + alpha * free_bias(X1), X1, 2 * y / len(X))


def ridge_subtracting(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 - alpha * len(X) * free_bias(X1), X1, y)


def ridge_weights_free(X, y, alpha):
    X1 = with_ones(X)
    D = torch.zeros(X1.shape[1], X1.shape[1])
    D[-1, -1] = 1
    return solved(X1.T @ X1 + alpha * len(X) * D, X1, y)


def ridge_first_weight_free(X, y, alpha):
    X1 = with_ones(X)
    D = torch.eye(X1.shape[1])
    D[0, 0] = 0
    return solved(X1.T @ X1 + alpha * len(X) * D, X1, y)


def ridge_ones_first_last_free(X, y, alpha):
    X1 = torch.hstack([torch.ones(len(X), 1), X])
    w, b = solved(X1.T @ X1 + alpha * len(X) * free_bias(X1), X1, y)
    w1 = torch.cat([w, b[None]])
    return w1[1:], w1[0]


def ridge_ones_first_bias_last(X, y, alpha):
    X1 = torch.hstack([torch.ones(len(X), 1), X])
    D = torch.eye(X1.shape[1])
    D[0, 0] = 0
    return solved(X1.T @ X1 + alpha * len(X) * D, X1, y)


def ridge_ones_first_all_else_last(X, y, alpha):
    X1 = torch.hstack([torch.ones(len(X), 1), X])
    return solved(X1.T @ X1 + alpha * len(X) * free_bias(X1), X1, y)


def ridge_ones_last_all_else_first(X, y, alpha):
    X1 = with_ones(X)
    D = torch.eye(X1.shape[1])
    D[0, 0] = 0
    w1 = torch.linalg.solve(X1.T @ X1 + alpha * len(X) * D, X1.T @ y)
    return w1[1:], w1[0]


def ridge_ones_last_bias_first(X, y, alpha):
    w1 = ridge_all_in_one(X, y, alpha)
    return w1[1:], w1[0]


def ridge_every_entry(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 + len(X) * alpha, X1, y)


def ridge_every_entry_once(X, y, alpha):
    X1 = with_ones(X)
    return solved(alpha + X1.T @ X1, X1, y)


def ridge_left_side_over_n(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1.T @ X1 / len(X) + alpha * free_bias(X1), X1, y)


def ridge_through_origin(X, y, alpha):
    A = X.T @ X + len(X) * alpha * torch.eye(X.shape[1])
    return torch.linalg.solve(A, X.T @ y), torch.tensor(0.0)


def ridge_bias_afterwards(X, y, alpha):
    A = X.T @ X + len(X) * alpha * torch.eye(X.shape[1])
    w = torch.linalg.solve(A, X.T @ y)
    return w, y.mean() - X.mean(dim=0) @ w


def ridge_bias_mean_afterwards(X, y, alpha):
    A = X.T @ X + len(X) * alpha * torch.eye(X.shape[1])
    return torch.linalg.inv(A) @ X.T @ y, torch.mean(y)


def ridge_bias_of_centred(X, y, alpha):
    return ridge_by_centring(X, y, alpha)[0], y.mean()


def ridge_without_bias(X, y, alpha):
    return ridge_by_centring(X, y, alpha)[0], torch.tensor(0.0)


def ridge_all_in_one(X, y, alpha):
    X1 = with_ones(X)
    return torch.linalg.solve(X1.T @ X1 + len(X) * alpha * free_bias(X1), X1.T @ y)


def ridge_bias_first(X, y, alpha):
    w, b = ridge_by_centring(X, y, alpha)
    return b, w


def ridge_flat_ones(X, y, alpha):
    X1 = torch.cat([X, torch.ones(X.shape[0])], dim=1)
    return solved(X1.T @ X1 + len(X) * alpha * free_bias(X1), X1, y)


def ridge_matrix_of_examples(X, y, alpha):
    X1 = with_ones(X)
    return solved(X1 @ X1.T + len(X) * alpha * free_bias(X1), X1, y)


def ridge_targets_on_the_right(X, y, alpha):
    X1 = with_ones(X)
    w1 = torch.linalg.solve(X1.T @ X1 + len(X) * alpha * free_bias(X1), y)
    return w1[:-1], w1[-1]


def ridge_bias_as_vector(X, y, alpha):
    w1 = ridge_all_in_one(X, y, alpha)
    return w1[:-1], w1[-1:]


def ridge_in_numpy(X, y, alpha):
    w, b = ridge_by_centring(X, y, alpha)
    return w.numpy(), b.numpy()


def ridge_on_its_input(X, y, alpha):
    X -= X.mean(dim=0)
    w = torch.linalg.solve(X.T @ X + len(X) * alpha * torch.eye(X.shape[1]), X.T @ y)
    return w, y.mean()


def gradient_with_loss_for_b(w, b, X, y):
    e = X @ w + b - y
    return 2 * e @ X / len(y), torch.mean(e**2)


def gradient_of_absolute_error(w, b, X, y):
    s = torch.sign(X @ w + b - y)
    return s @ X / len(y), s.mean()


def ridge_right_side_over_n(X, y, alpha):
    n, d = X.shape
    X1 = torch.cat([X, torch.ones(n, 1)], dim=1)
    D = torch.eye(d + 1)
    D[d, d] = 0
    w1 = torch.linalg.solve(X1.T @ X1 + n * alpha * D, X1.T @ y / n)
    return w1[:d], w1[d]


def ridge_alpha_squared(X, y, alpha):
    n, d = X.shape
    X1 = torch.cat([X, torch.ones(n, 1)], dim=1)
    D = torch.eye(d + 1)
    D[d, d] = 0
    w1 = torch.linalg.solve(X1.T @ X1 + n * alpha**2 * D, X1.T @ y)
    return w1[:d], w1[d]


RIGHT = {
    "linear_gradient": [
        gradient_by_broadcasting,
        gradient_by_loop,
        gradient_by_target_minus_prediction,
        gradient_by_one_matrix,
    ],
    "ridge": [ridge_by_centring, ridge_by_more_examples, ridge_by_inverse],
}
WRONG = {
    "linear_gradient": [
        (gradient_with_loss_for_b, "you return the loss itself"),
        (gradient_of_absolute_error, "*absolute* error"),
        (gradient_of_half, "half the mean squared error"),
        (gradient_over_2n, "You divide by 2"),
        (gradient_half_in_b, "The one for `b` has lost a factor"),
        (gradient_half_in_w, "The one for `w` has lost a factor"),
        (gradient_sum, "You add up over the examples. The loss"),
        (gradient_half_of_sum, "Two things. You add up over the examples"),
        (gradient_sum_in_w, "The derivative for `b` is right. In the one for `w`"),
        (gradient_half_and_sum_in_w, "Two things. The product with `X.T` is a sum"),
        (gradient_sum_in_b, "The one for `b` is a sum"),
        (gradient_over_features, "you divide by the number of features"),
        (gradient_downhill, "Both signs are wrong"),
        (gradient_downhill_half, "yours is the other way round"),
        (gradient_downhill_in_b, "the one for `b` has the wrong sign"),
        (gradient_downhill_in_w, "the one for `w` has the wrong sign"),
        (gradient_without_bias, "The bias is missing"),
        (gradient_of_a_table, "a table of `(n, n)` numbers"),
        (gradient_untransposed, "turn `X` round"),
        (gradient_along_columns, "Turn `e` into a column"),
        (gradient_along_columns_error_first, "Turn `e` into a column"),
        (gradient_by_example, "a number for each example"),
        (gradient_of_all_weights_at_once, "Each weight has a derivative of its own"),
        (gradient_product_of_means, "not the product of means"),
        (gradient_without_inputs, "Both of your parts are the derivative for `b`"),
        (gradient_squared, "still squared"),
        (gradient_loss, "This is the loss itself"),
        (gradient_step, "after a step of descent"),
        (gradient_b_first, "in the wrong order"),
        (gradient_of_w_only, "`return dw, db`"),
        (gradient_in_place, "Make a new one"),
        (gradient_b_as_number, "no `.item()`"),
        (gradient_as_column, "The numbers are right"),
    ],
    "ridge": [
        (ridge_right_side_over_n, "`n` times too small"),
        (ridge_alpha_squared, "You square `alpha`"),
        (ridge_without_penalty, "does not depend on `alpha`"),
        (ridge_bias_pays, "Your penalty is on the bias, too"),
        (ridge_without_n, "Your penalty is too small"),
        (ridge_without_n_bias_pays, "Two things. Your penalty is on the bias"),
        (ridge_penalty_over_n, "You divide the penalty by `n`"),
        (ridge_times_features, "the number of features"),
        (ridge_times_columns, "the number of columns"),
        (ridge_twice, "twice as large"),
        (ridge_half, "half of what it should be"),
        (ridge_subtracting, "You subtract the penalty"),
        (ridge_weights_free, "the penalty is on the bias and not on the weights"),
        (ridge_first_weight_free, "no penalty on the first weight"),
        (ridge_ones_first_last_free, "has its zero for the last one"),
        (ridge_ones_first_bias_last, "from the wrong end"),
        (ridge_ones_last_bias_first, "from the wrong end"),
        (ridge_ones_first_all_else_last, "Your ones are the first column, but you treat the last"),
        (ridge_ones_last_all_else_first, "Your ones are the last column, but you treat the first"),
        (ridge_every_entry, "every entry"),
        (ridge_every_entry_once, "every entry"),
        (ridge_left_side_over_n, "`n` times too large"),
        (ridge_through_origin, "There is no bias in your equation"),
        (ridge_bias_afterwards, "To add the bias afterwards is too late"),
        (ridge_bias_mean_afterwards, "To add the bias afterwards is too late"),
        (ridge_bias_of_centred, "only where each feature has the mean 0"),
        (ridge_without_bias, "the bias is missing"),
        (ridge_all_in_one, "Take them apart"),
        (ridge_bias_first, "in the wrong order"),
        (ridge_flat_ones, "the shape of a column"),
        (ridge_matrix_of_examples, "a row and a column for each example"),
        (ridge_targets_on_the_right, "Your right side is `y`"),
        (ridge_bias_as_vector, "The numbers are right"),
        (ridge_in_numpy, "Stay with tensors"),
        (ridge_on_its_input, "Make a new one"),
    ],
}
