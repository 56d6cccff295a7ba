"""Right and wrong answers to the exercises of *Vanishing gradients and initialisation*."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn


def std_by_module(c_in, c_out, k, groups):
    conv = nn.Conv2d(c_in, c_out, k, groups=groups)
    fan_in = conv.weight[0].numel()
    fan_out = conv.weight.numel() // c_in
    return math.sqrt(2 / fan_in), math.sqrt(2 / fan_out)


def std_by_numpy(c_in, c_out, k, groups):
    channels = np.array([c_in, c_out]) / groups
    forward, backward = np.sqrt(2.0 / (channels * k * k))
    return forward, backward


def std_as_tensors(c_in, c_out, k, groups):
    fans = torch.tensor([c_in, c_out]) * k**2 / groups
    return tuple((2 / fans).sqrt())


def std_by_gain(c_in, c_out, k, groups):
    gain = nn.init.calculate_gain("relu")
    return [gain * (c * k * k / groups) ** -0.5 for c in (c_in, c_out)]


def std_variance(c_in, c_out, k, groups):
    return 2 * groups / (c_in * k**2), 2 * groups / (c_out * k**2)


def std_swapped(c_in, c_out, k, groups):
    return math.sqrt(2 * groups / (c_out * k**2)), math.sqrt(2 * groups / (c_in * k**2))


def std_no_gain(c_in, c_out, k, groups):
    return (c_in / groups) ** -0.5 / k, (c_out / groups) ** -0.5 / k


def std_pytorch(c_in, c_out, k, groups):
    conv = nn.Conv2d(c_in, c_out, k, groups=groups)
    return (
        conv.weight[0].numel() ** -0.5 / 3**0.5,
        (conv.weight.numel() / c_in) ** -0.5 / 3**0.5,
    )


def std_uniform(c_in, c_out, k, groups):
    return tuple(math.sqrt(6 / (c // groups * k**2)) for c in (c_in, c_out))


def std_no_groups(c_in, c_out, k, groups):
    return (2 / (c_in * k**2)) ** 0.5, (2 / (c_out * k**2)) ** 0.5


def std_by_init(c_in, c_out, k, groups):
    weight = torch.empty(c_out, c_in // groups, k, k)
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(weight)
    return math.sqrt(2 / fan_in), math.sqrt(2 / fan_out)


def std_k_once(c_in, c_out, k, groups):
    return (2 * groups / (c_in * k)) ** 0.5, (2 * groups / (c_out * k)) ** 0.5


def std_no_kernel(c_in, c_out, k, groups):
    return (2 * groups / c_in) ** 0.5, (2 * groups / c_out) ** 0.5


def std_fan_in_twice(c_in, c_out, k, groups):
    std = math.sqrt(2 / (c_in // groups * k * k))
    return std, std


def std_glorot(c_in, c_out, k, groups):
    std = math.sqrt(2 * groups / ((c_in + c_out) * k * k))
    return std, std


def std_more_terms(c_in, c_out, k, groups):
    return math.sqrt(2 / (c_in * groups * k * k)), math.sqrt(2 / (c_out * groups * k * k))


def ortho_gram_schmidt(A):
    wide = A.shape[0] < A.shape[1]
    columns = []
    for a in A if wide else A.T:
        q = a.clone()
        for p in columns:
            q = q - (p @ q) * p
        columns.append(q / q.norm())
    Q = torch.stack(columns)
    return Q if wide else Q.T


def ortho_cholesky(A):
    wide = A.shape[0] < A.shape[1]
    B = (A.T if wide else A).double()
    L = torch.linalg.cholesky(B.T @ B)
    Q = torch.linalg.solve_triangular(L, B.T, upper=False)
    return Q if wide else Q.T


def ortho_diagonal_matrix(A):
    transposed = A.size(0) < A.size(1)
    B = A.t() if transposed else A
    Q, R = torch.linalg.qr(B)
    S = torch.diag(torch.sign(torch.diag(R)))
    Q = Q @ S
    return Q.t() if transposed else Q


def ortho_where(A):
    if A.shape[1] > A.shape[0]:
        return ortho_where(A.mT).mT
    Q, R = torch.linalg.qr(A)
    return torch.where(torch.diag(R) < 0, -Q, Q)


def ortho_library_signs(A):
    if A.shape[0] < A.shape[1]:
        return torch.linalg.qr(A.T)[0].T
    return torch.linalg.qr(A)[0]


def ortho_negative(A):
    if A.shape[0] < A.shape[1]:
        return ortho_negative(A.T).T
    Q, R = torch.linalg.qr(A)
    return -Q * torch.sign(torch.diag(R))


def ortho_row_signs(A):
    if A.shape[0] < A.shape[1]:
        return ortho_row_signs(A.T).T
    Q, R = torch.linalg.qr(A)
    return torch.sign(torch.diag(R)).unsqueeze(1) * Q


def ortho_not_for_wide(A):
    Q, R = torch.linalg.qr(A)
    return Q * torch.sign(torch.diag(R))


def ortho_wide_not_transposed_back(A):
    if A.shape[0] < A.shape[1]:
        A = A.T
    Q, R = torch.linalg.qr(A)
    return Q @ torch.diag(torch.diag(R).sign())


def ortho_always_transposed(A):
    Q, R = torch.linalg.qr(A.T)
    return (Q * R.diagonal().sign()).T


def ortho_unit_columns(A):
    if A.shape[0] < A.shape[1]:
        return A / A.norm(dim=1, keepdim=True)
    return A / A.norm(dim=0, keepdim=True)


def ortho_svd(A):
    U, _, V = torch.svd(A)
    return U @ V.T


def ortho_triangle(A):
    if A.shape[0] < A.shape[1]:
        return ortho_triangle(A.T).T
    R = torch.linalg.qr(A)[1]
    return torch.sign(torch.diag(R))[:, None] * R


def ortho_diagonal(A):
    if A.shape[0] < A.shape[1]:
        return ortho_diagonal(A.T).T
    Q, R = torch.linalg.qr(A)
    return Q * torch.diag(R)


def ortho_by_init(A):
    Q = torch.empty_like(A)
    nn.init.orthogonal_(Q)
    return Q


def std_backward_linear(c_in, c_out, k, groups):
    return (2 * groups / (c_in * k * k)) ** 0.5, (groups / (c_out * k * k)) ** 0.5


RIGHT = {
    "he_std": [std_by_module, std_by_numpy, std_as_tensors, std_by_gain],
    "orthogonal": [ortho_gram_schmidt, ortho_cholesky, ortho_diagonal_matrix, ortho_where],
}
WRONG = {
    "he_std": [
        (std_backward_linear, "ReLU has a part, too"),
        (std_variance, "These are the variances"),
        (std_swapped, "in the wrong order"),
        (std_no_gain, "if there were no ReLU"),
        (std_pytorch, "that PyTorch's layers start with"),
        (std_uniform, "the bound of a uniform distribution"),
        (std_no_groups, "You have left out the groups"),
        (std_by_init, "`nn.init` makes the same mistake"),
        (std_k_once, "You count `k` numbers"),
        (std_no_kernel, "left out the kernel"),
        (std_fan_in_twice, "goes over output channels"),
        (std_glorot, "Glorot's compromise"),
        (std_more_terms, "fewer terms"),
    ],
    "orthogonal": [
        (ortho_library_signs, "the library happens to choose"),
        (ortho_negative, "the other way round"),
        (ortho_row_signs, "the signs of the rows"),
        (ortho_not_for_wide, "is too small"),
        (ortho_wide_not_transposed_back, "the shape of its transpose"),
        (ortho_always_transposed, "You transpose every matrix"),
        (ortho_unit_columns, "by its length"),
        (ortho_svd, "nearest to `A`"),
        (ortho_triangle, "This is `R`"),
        (ortho_diagonal, "not of length 1"),
        (ortho_by_init, "You draw new random numbers"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "he_std": {
        "c_in // groups → c_in / groups": "the number of groups divides both numbers of channels",
        "c_out // groups → c_out / groups": "the number of groups divides both numbers of channels",
    },
    "orthogonal": {
        "Q * R.diagonal().sign() → Q / R.diagonal().sign()": "the signs are 1 and -1, as R has "
        "full rank",
    },
}
