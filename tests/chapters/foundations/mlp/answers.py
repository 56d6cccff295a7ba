"""Right and wrong answers to the exercises of the chapter *Multilayer perceptron*."""

from __future__ import annotations

import torch
from torch.nn import functional


def forward_by_line(X, weights, biases):
    W1, W2, W3 = weights
    b1, b2, b3 = biases
    H1 = torch.tanh(X @ W1 + b1)
    H2 = torch.tanh(H1 @ W2 + b2)
    return H2 @ W3 + b3


def forward_by_functional(X, weights, biases):
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        X = functional.linear(X, W.T, b)
        if i < len(weights) - 1:
            X = X.tanh()
    return X


def forward_by_columns(X, weights, biases):
    H = X.T
    for W, b in zip(weights[:2], biases[:2], strict=True):
        Z = W.T @ H + b[:, None]
        H = (torch.exp(2 * Z) - 1) / (torch.exp(2 * Z) + 1)
    return (weights[2].T @ H).T + biases[2]


def forward_by_module(X, weights, biases):
    layers = []
    for W, b in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(*W.shape)
        linear.weight.data, linear.bias.data = W.T, b
        layers += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])(X)


def forward_tanh_at_the_end(X, weights, biases):
    for W, b in zip(weights, biases, strict=True):
        X = torch.tanh(X @ W + b)
    return X


def forward_sigmoid_at_the_end(X, weights, biases):
    return torch.sigmoid(forward_by_line(X, weights, biases))


def forward_softmax(X, weights, biases):
    return functional.softmax(forward_by_line(X, weights, biases), dim=-1)


def forward_linear(X, weights, biases):
    for W, b in zip(weights, biases, strict=True):
        X = X @ W + b
    return X


def forward_second_linear(X, weights, biases):
    H = torch.tanh(X @ weights[0] + biases[0])
    for W, b in zip(weights[1:], biases[1:], strict=True):
        H = H @ W + b
    return H


def forward_first_linear(X, weights, biases):
    H = X @ weights[0] + biases[0]
    H = torch.tanh(H @ weights[1] + biases[1])
    return H @ weights[2] + biases[2]


def forward_activation_at_the_end_only(X, weights, biases):
    return torch.tanh(forward_linear(X, weights, biases))


def forward_relu(X, weights, biases):
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = (X @ W + b).clamp(min=0)
    return X @ weights[-1] + biases[-1]


def forward_relu_at_the_end(X, weights, biases):
    for W, b in zip(weights, biases, strict=True):
        X = functional.relu(X @ W + b)
    return X


def forward_sigmoid(X, weights, biases):
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = 1 / (1 + torch.exp(-(X @ W + b)))
    return X @ weights[-1] + biases[-1]


def forward_without_biases(X, weights, biases):
    H = X
    for W in weights[:-1]:
        H = torch.tanh(H @ W)
    return H @ weights[-1]


def forward_without_last_bias(X, weights, biases):
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(H @ W + b)
    return H @ weights[-1]


def forward_without_hidden_biases(X, weights, biases):
    H = X
    for W in weights[:-1]:
        H = torch.tanh(H @ W)
    return H @ weights[-1] + biases[-1]


def forward_bias_behind(X, weights, biases):
    H1 = torch.tanh(X @ weights[0]) + biases[0]
    H2 = torch.tanh(H1 @ weights[1]) + biases[1]
    return H2 @ weights[2] + biases[2]


def forward_activated_inputs(X, weights, biases):
    H = X
    for W, b in zip(weights, biases, strict=True):
        H = torch.tanh(H) @ W + b
    return H


def forward_return_in_loop(X, weights, biases):
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = torch.tanh(X @ W + b)
        return X
    return X @ weights[-1] + biases[-1]


def forward_two_layers(X, weights, biases):
    H = torch.tanh(X @ weights[0] + biases[0])
    return H @ weights[1] + biases[1]


def forward_hidden_layers_only(X, weights, biases):
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = torch.tanh(X @ W + b)
    return X


def forward_always_from_input(X, weights, biases):
    H1 = torch.tanh(X @ weights[0] + biases[0])
    H2 = torch.tanh(X @ weights[1] + biases[1])
    H1 = H2
    return H1 @ weights[2] + biases[2]


def forward_transposed(X, weights, biases):
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = torch.tanh(torch.matmul(X, W.T) + b)
    return X @ weights[-1].T + biases[-1]


def forward_as_linear(X, weights, biases):
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(functional.linear(H, W, b))
    return functional.linear(H, weights[-1], biases[-1])


def forward_transposed_inputs(X, weights, biases):
    return forward_by_line(X.T, weights, biases)


def forward_weights_first(X, weights, biases):
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(W @ H + b)
    return weights[-1] @ H + biases[-1]


def forward_entry_by_entry(X, weights, biases):
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = torch.tanh(H * W + b)
    return H * weights[-1] + biases[-1]


def forward_flat(X, weights, biases):
    return forward_by_line(X, weights, biases).squeeze()


def forward_columns(X, weights, biases):
    return forward_by_line(X, weights, biases).T


def forward_on_its_lists(X, weights, biases):
    W, b = weights.pop(), biases.pop()
    for V, c in zip(weights, biases, strict=True):
        X = torch.tanh(X @ V + c)
    return X @ W + b


def slope_by_swish(z):
    s = torch.sigmoid(z)
    swish = z * s
    return swish + s * (1 - swish)


def slope_by_exp(z):
    s = 1 / (1 + torch.exp(-z))
    return s * (1 + z * (1 - s))


def slope_by_tanh(z):
    t = torch.tanh(z / 2)
    return (1 + t) / 2 + z * (1 - t**2) / 4


def slope_by_case(z):
    e = torch.exp(-z.abs())
    s = torch.where(z >= 0, 1 / (1 + e), e / (1 + e))
    return s + z * e / (1 + e).square()


def slope_sigmoid(z):
    return 1 / (1 + torch.exp(-z))


def slope_second_term(z):
    return z * torch.sigmoid(z) * torch.sigmoid(-z)


def slope_of_sigmoid(z):
    return torch.sigmoid(z) - torch.sigmoid(z) ** 2


def slope_swish(z):
    return z / (1 + torch.exp(-z))


def slope_without_z(z):
    s = torch.sigmoid(z)
    return s * (2 - s)


def slope_sigmoid_undifferentiated(z):
    return (1 + z) * torch.sigmoid(z)


def slope_half_differentiated(z):
    return torch.sigmoid(z) + z * torch.sigmoid(-z)


def slope_as_of_tanh(z):
    s = torch.sigmoid(z)
    return s + z * (1 - s * s)


def slope_minus(z):
    s = torch.sigmoid(z)
    return s * (1 - z * (1 - s))


def slope_quotient_plus(z):
    e = torch.exp(-z)
    return ((1 + e) - z * e) / (1 + e).pow(2)


def slope_not_squared(z):
    e = torch.exp(-z)
    return ((1 + e) + z * e) / (1 + e)


def slope_sigmoid_backwards(z):
    s = 1 / (1 + torch.exp(z))
    return s + z * s * (1 - s)


def slope_of_relu(z):
    return torch.where(z > 0, torch.ones_like(z), torch.zeros_like(z))


def slope_overflows_below(z):
    return (1 + (1 + z) * torch.exp(-z)) / (1 + torch.exp(-z)) ** 2


def slope_overflows_below_in_second_term(z):
    s = torch.sigmoid(z)
    return s + z * s**2 * torch.exp(-z)


def slope_overflows_above(z):
    e = torch.exp(z)
    return e * (e + z + 1) / (e + 1) ** 2


def slope_overflows_on_both_sides(z):
    p, m = torch.exp(z / 2), torch.exp(-z / 2)
    t = (p - m) / (p + m)
    return (1 + t) / 2 + z * (1 - t**2) / 4


def slope_in_double_precision(z):
    s = torch.sigmoid(z.double())
    return s + z * s * (1 - s)


def slope_sum(z):
    s = torch.sigmoid(z)
    return (s + z * s * (1 - s)).sum()


def slope_of_one_number(z):
    s = torch.sigmoid(z)
    return float(s + z * s * (1 - s)) if z.ndim == 0 else s + z * s * (1 - s)


def slope_with_if(z):
    s = torch.sigmoid(z) if z > -100 else torch.zeros_like(z)
    return s + z * s * (1 - s)


RIGHT = {
    "mlp_forward": [
        forward_by_line,
        forward_by_functional,
        forward_by_columns,
        forward_by_module,
    ],
    "swish_derivative": [
        slope_by_swish,
        slope_by_exp,
        slope_by_tanh,
        slope_by_case,
        slope_in_double_precision,
    ],
}
WRONG = {
    "mlp_forward": [
        (forward_tanh_at_the_end, "Only the hidden layers have one"),
        (forward_sigmoid_at_the_end, "You send the outputs through a sigmoid"),
        (forward_softmax, "You turn the outputs into probabilities"),
        (forward_linear, "no activation function in your network"),
        (forward_second_linear, "Your second hidden layer has no activation"),
        (forward_first_linear, "Your first hidden layer has no activation"),
        (forward_activation_at_the_end_only, "to the outputs and nowhere else"),
        (forward_relu, "You use ReLU, like"),
        (forward_relu_at_the_end, "Two things. You use ReLU"),
        (forward_sigmoid, "You use the sigmoid"),
        (forward_without_biases, "The biases are missing"),
        (forward_without_last_bias, "The bias of the output layer is missing"),
        (forward_without_hidden_biases, "The biases of the hidden layers are missing"),
        (forward_bias_behind, "behind the activation function"),
        (forward_activated_inputs, "to the inputs"),
        (forward_return_in_loop, "This is the first hidden layer"),
        (forward_two_layers, "Your network ends after two layers"),
        (forward_hidden_layers_only, "This is the second hidden layer"),
        (forward_always_from_input, "Every layer of yours takes `X`"),
        (forward_transposed, "have the shape (inputs, outputs)"),
        (forward_as_linear, "have the shape (inputs, outputs)"),
        (forward_transposed_inputs, "You transpose `X`"),
        (forward_weights_first, "on the left of the matrix product"),
        (forward_entry_by_entry, "the matrix product, `@`"),
        (forward_flat, "The numbers are right"),
        (forward_columns, "in another order"),
        (forward_on_its_lists, "Make a new one"),
    ],
    "swish_derivative": [
        (slope_sigmoid, "the first factor only"),
        (slope_second_term, "the second factor only"),
        (slope_of_sigmoid, "the derivative of the sigmoid"),
        (slope_swish, "This is Swish itself"),
        (slope_without_z, "has lost its `z`"),
        (slope_sigmoid_undifferentiated, "where its derivative should be"),
        (slope_half_differentiated, "small on both sides"),
        (slope_as_of_tanh, "the derivative of tanh"),
        (slope_minus, "A sign is wrong"),
        (slope_quotient_plus, "A sign is wrong"),
        (slope_not_squared, "the denominator is squared"),
        (slope_sigmoid_backwards, "Your sigmoid runs the wrong way"),
        (slope_of_relu, "the derivative of ReLU"),
        (slope_overflows_below, "at z = −1000 `exp(-z)` is infinite"),
        (slope_overflows_below_in_second_term, "at z = −1000 `exp(-z)` is infinite"),
        (slope_overflows_above, "at z = 1000 `exp(z)` is infinite"),
        (slope_overflows_on_both_sides, "`exp` of a large number"),
        (slope_sum, "reduced to one number"),
        (slope_of_one_number, "no `.item()`"),
        (slope_with_if, "needs one number"),
    ],
}
