"""Right and wrong answers to the exercises of the chapter *Seeing inside a network*."""

from __future__ import annotations

import numpy as np
import torch


def field_by_nonzero(G):
    places = torch.nonzero(G)
    if places.numel() == 0:
        return 0, 0
    low, high = places.min(dim=0).values, places.max(dim=0).values
    return tuple((high - low + 1)[1:].tolist())


def field_by_numpy(G):
    rows = np.flatnonzero(G.abs().amax(dim=(0, 2)).numpy())
    columns = np.flatnonzero(G.abs().amax(dim=(0, 1)).numpy())
    if rows.size == 0:
        return np.int64(0), np.int64(0)
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def field_by_loops(G):
    n, h, w = G.shape
    used = [(i, j) for k in range(n) for i in range(h) for j in range(w) if G[k, i, j] != 0]
    if not used:
        return torch.tensor(0), torch.tensor(0)
    rows, columns = zip(*used, strict=True)
    height = torch.tensor(max(rows) - min(rows) + 1)
    return height, torch.tensor(max(columns) - min(columns) + 1)


def field_one_short(G):
    _, i, j = torch.where(G != 0)
    if len(i) == 0:
        return 0, 0
    return int(i.max() - i.min()), int(j.max() - j.min())


def field_counted(G):
    used = G.ne(0).any(0)
    return used.any(1).sum().item(), used.any(0).sum().item()


def field_swapped(G):
    height, width = field_by_nonzero(G)
    return width, height


def field_of_sum(G):
    return field_by_nonzero(G.sum(0, keepdim=True))


def field_of_mean(G):
    return field_by_nonzero(G.mean(dim=0)[None])


def field_positive(G):
    return field_by_nonzero(G.clamp(min=0))


def field_first_image(G):
    return field_by_nonzero(G[:1])


def field_in_all(G):
    return field_by_nonzero((G != 0).all(dim=0)[None].float())


def field_thresholded(G):
    return field_by_nonzero(G * (G.abs() > 1e-6))


def field_each(G):
    sizes = torch.tensor([field_by_nonzero(image[None]) for image in G])
    return tuple(sizes.max(dim=0).values.tolist())


def field_around_the_middle(G):
    _, h, w = G.shape
    _, i, j = torch.where(G != 0)
    if len(i) == 0:
        return 0, 0
    rows = (i - h // 2).abs().max().item()
    columns = (j - w // 2).abs().max().item()
    return 2 * rows + 1, 2 * columns + 1


def field_whole(G):
    return G.shape[-2], G.shape[-1]


def field_pixels(G):
    count = int((G != 0).any(0).sum())
    return count, count


def map_by_einsum(A, G):
    alpha = G.flatten(2).mean(-1)
    M = torch.einsum("nc,nchw->nhw", alpha, A).clamp(min=0)
    largest = M.flatten(1).max(dim=1).values
    largest[largest == 0] = 1
    return M / largest[:, None, None]


def map_by_loops(A, G):
    n, c, h, w = A.shape
    M = torch.zeros(n, h, w, dtype=torch.float64)
    for i in range(n):
        for k in range(c):
            M[i] += G[i, k].sum().item() / (h * w) * A[i, k].double()
        M[i] = torch.relu(M[i])
        if M[i].max() > 0:
            M[i] /= M[i].max().item()
    return M


def map_by_sums(A, G):
    # The number of positions is the same for all, and cancels.
    M = (G.sum((-1, -2), keepdim=True) * A).sum(1).relu()
    return torch.nan_to_num(M / M.amax((-1, -2), keepdim=True))


def map_of(M, A=None):
    M = M.relu()
    return torch.nan_to_num(M / M.amax(dim=(1, 2), keepdim=True))


def plain(A, G):
    return (A * G.mean((2, 3))[..., None, None]).sum(1)


def map_at_each_position(A, G):
    return map_of((G * A).sum(1))


def map_unscaled(A, G):
    return torch.relu(plain(A, G))


def map_without_relu(A, G):
    M = plain(A, G)
    return M / M.flatten(1).max(1).values[:, None, None]


def map_absolute(A, G):
    return map_of(plain(A, G).abs())


def map_relu_before_sum(A, G):
    return map_of((A * G.mean((2, 3))[..., None, None]).relu().sum(1))


def map_positive_weights(A, G):
    return map_of((A * G.mean((2, 3)).relu()[..., None, None]).sum(1))


def map_positive_derivatives(A, G):
    return map_of(plain(A, G.relu()))


def map_absolute_derivatives(A, G):
    return map_of(plain(A, G.abs()))


def map_of_activations(A, G):
    return map_of(A.sum(1))


def map_the_other_way_round(A, G):
    return map_of(plain(G, A))


def map_over_images(A, G):
    alpha = G.mean(dim=(0, 2, 3))
    return map_of((alpha[:, None, None] * A).sum(1))


def map_over_channels(A, G):
    return map_of((G.mean(1, keepdim=True) * A).sum(1))


def map_one_largest(A, G):
    M = plain(A, G).relu()
    return torch.nan_to_num(M / M.max())


def map_nan(A, G):
    M = plain(A, G).relu()
    return M / M.amax(dim=(1, 2), keepdim=True)


def map_by_sum(A, G):
    M = plain(A, G).relu()
    return torch.nan_to_num(M / M.sum(dim=(1, 2), keepdim=True))


def map_from_the_least(A, G):
    M = plain(A, G).relu()
    M = M - M.amin(dim=(1, 2), keepdim=True)
    return torch.nan_to_num(M / M.amax(dim=(1, 2), keepdim=True))


def map_rows(A, G):
    M = plain(A, G).relu()
    return torch.nan_to_num(M / M.max(dim=-1, keepdim=True).values)


def map_of_positive_maps(A, G):
    return map_of(plain(A.relu(), G))


def map_with_epsilon(A, G):
    M = plain(A, G).relu()
    return M / (M.amax(dim=(1, 2), keepdim=True) + 1e-6)


RIGHT = {
    "field_size": [field_by_nonzero, field_by_numpy, field_by_loops],
    "class_map": [map_by_einsum, map_by_loops, map_by_sums],
}
WRONG = {
    "field_size": [
        (field_one_short, "One is missing in each direction"),
        (field_counted, "also contains those in between"),
        (field_swapped, "the wrong way round"),
        (field_of_sum, "before you compare with 0"),
        (field_of_mean, "before you compare with 0"),
        (field_positive, "the positive derivatives only"),
        (field_first_image, "the first image only"),
        (field_in_all, "One image is enough"),
        (field_thresholded, "very small derivatives"),
        (field_each, "each image by itself"),
        (field_around_the_middle, "around the middle of the image"),
        (field_whole, "the size of the whole image"),
        (field_pixels, "You count pixels"),
    ],
    "class_map": [
        (map_at_each_position, "the derivative at each position"),
        (map_unscaled, "not yet divided"),
        (map_without_relu, "cut off at 0"),
        (map_absolute, "You take absolute values"),
        (map_relu_before_sum, "before you add them"),
        (map_positive_weights, "channels with negative weights"),
        (map_positive_derivatives, "positive derivatives only"),
        (map_absolute_derivatives, "absolute derivatives"),
        (map_of_activations, "does not use `G`"),
        (map_the_other_way_round, "the other way round"),
        (map_over_images, "over the images, too"),
        (map_over_channels, "over the channels"),
        (map_one_largest, "one largest value"),
        (map_nan, "becomes NaN"),
        (map_by_sum, "the sum of a map"),
        (map_from_the_least, "subtract the smallest value"),
        (map_rows, "each row"),
        (map_of_positive_maps, "cut off the feature maps"),
        (map_with_epsilon, "small number"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "field_size": {
        "used.any(dim=1) → used": "the first column of `nonzero()` has the rows of a mask, too",
        "0 → -1": "the places of a vector have one column: the first is the last",
    },
    "class_map": {
        "G.mean → G.sum": "a factor that is the same for all positions cancels in the scaling",
        "(alpha * A).sum → (alpha * A).mean": "as before",
    },
}
