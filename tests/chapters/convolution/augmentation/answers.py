"""Right and wrong answers to the exercises of the chapter *Data augmentation*."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def shift_by_pad(X, right, down):
    return torch.stack(
        [
            F.pad(X[i], (int(a), -int(a), int(b), -int(b)))
            for i, (a, b) in enumerate(zip(right, down, strict=True))
        ]
    )


def shift_by_gather(X, right, down):
    n, c, h, w = X.shape
    i = torch.arange(h) - down[:, None]
    j = torch.arange(w) - right[:, None]
    padded = F.pad(X, (1, 1, 1, 1))
    i, j = i.clamp(-1, h) + 1, j.clamp(-1, w) + 1
    rows = padded.gather(2, i[:, None, :, None].expand(n, c, h, w + 2))
    return rows.gather(3, j[:, None, None, :].expand(n, c, h, w))


def shift_by_pixels(X, right, down):
    n, c, h, w = X.shape
    out = torch.zeros(n, c, h, w, dtype=X.dtype)
    for k in range(n):
        for i in range(h):
            for j in range(w):
                a, b = i - int(down[k]), j - int(right[k])
                if 0 <= a < h and 0 <= b < w:
                    out[k, :, i, j] = X[k, :, a, b]
    return out


def shift_by_roll_and_mask(X, right, down):
    out = []
    for x, a, b in zip(X, right.tolist(), down.tolist(), strict=True):
        y = x.roll((b, a), (-2, -1))
        if b > 0:
            y[:, :b] = 0
        elif b < 0:
            y[:, b:] = 0
        if a > 0:
            y[:, :, :a] = 0
        elif a < 0:
            y[:, :, a:] = 0
        out.append(y)
    return torch.stack(out)


def shift_opposite(X, right, down):
    return torch.stack(
        [F.pad(x, (-a, a, -b, b)) for x, a, b in zip(X, right.tolist(), down.tolist(), strict=True)]
    )


def shift_left(X, right, down):
    return torch.stack(
        [F.pad(x, (-a, a, b, -b)) for x, a, b in zip(X, right.tolist(), down.tolist(), strict=True)]
    )


def shift_up(X, right, down):
    return torch.stack(
        [F.pad(x, (a, -a, -b, b)) for x, a, b in zip(X, right.tolist(), down.tolist(), strict=True)]
    )


def shift_around(X, right, down):
    return torch.stack(
        [torch.roll(x, (int(b), int(a)), (1, 2)) for x, a, b in zip(X, right, down, strict=True)]
    )


def shift_all_alike(X, right, down):
    a, b = right[0].item(), down[0].item()
    return F.pad(X, (a, -a, b, -b))


def shift_sideways(X, right, down):
    return torch.stack([F.pad(x, (a, -a)) for x, a in zip(X, right.tolist(), strict=True)])


def shift_vertically(X, right, down):
    return torch.stack([F.pad(x, (0, 0, b, -b)) for x, b in zip(X, down.tolist(), strict=True)])


def shift_swapped(X, right, down):
    n, _c, h, w = X.shape
    out = torch.zeros_like(X)
    for k in range(n):
        for i in range(h):
            for j in range(w):
                a, b = i - int(right[k]), j - int(down[k])
                if 0 <= a < h and 0 <= b < w:
                    out[k, :, i, j] = X[k, :, a, b]
    return out


def shift_border(X, right, down):
    h, w = X.shape[-2:]
    out = []
    for x, a, b in zip(X, right.tolist(), down.tolist(), strict=True):
        i = (torch.arange(h) - b).clamp(0, h - 1)
        j = (torch.arange(w) - a).clamp(0, w - 1)
        out.append(x[:, i][:, :, j])
    return torch.stack(out)


def shift_in_place(X, right, down):
    for i in range(len(X)):
        X[i] = F.pad(X[i], (int(right[i]), -int(right[i]), int(down[i]), -int(down[i])))
    return X


def mix_by_slices(X, Y, order, top, left, height, width):
    h, w = X.shape[-2], X.shape[-1]
    stop, end = min(top + height, h), min(left + width, w)
    out = X.clone()
    out[..., top:stop, left:end] = X[order][..., top:stop, left:end]
    lam = 1 - (stop - top) * (end - left) / (h * w)
    return out, lam * Y + (1 - lam) * Y[order]


def mix_by_mask(X, Y, order, top, left, height, width):
    mask = torch.zeros(X.shape[2:], dtype=torch.bool)
    mask[top : top + height, left : left + width] = True
    weight = mask.double().mean().item()
    return torch.where(mask, X[order], X), Y + weight * (Y[order] - Y)


def mix_by_loop(X, Y, order, top, left, height, width):
    images, labels = [], []
    for i, k in enumerate(order.tolist()):
        x, inside = X[i].clone(), 0
        for a in range(top, min(top + height, X.shape[2])):
            for b in range(left, min(left + width, X.shape[3])):
                x[:, a, b] = X[k, :, a, b]
                inside += 1
        share = inside / X[0, 0].numel()
        images.append(x)
        labels.append((1 - share) * Y[i] + share * Y[k])
    return torch.stack(images), torch.stack(labels)


def mix_as_torchvision(X, Y, order, top, left, height, width):
    h, w = X.shape[2:]
    y2, x2 = min(top + height, h), min(left + width, w)
    out = X.clone()
    out[:, :, top:y2, left:x2] = X.index_select(0, order)[:, :, top:y2, left:x2]
    lam = 1 - float((y2 - top) * (x2 - left)) / (w * h)
    return [out, Y.index_select(0, order).mul(1 - lam).add(Y.mul(lam))]


def pasted(X, order, top, left, height, width):
    out = X.clone()
    out[:, :, top : top + height, left : left + width] = X[
        order, :, top : top + height, left : left + width
    ]
    return out


def mix_whole_area(X, Y, order, top, left, height, width):
    lam = height * width / (X.shape[2] * X.shape[3])
    return pasted(X, order, top, left, height, width), (1 - lam) * Y + lam * Y[order]


def mix_weights_exchanged(X, Y, order, top, left, height, width):
    out, labels = mix_by_slices(X, Y, order, top, left, height, width)
    return out, Y + Y[order] - labels


def mix_labels_kept(X, Y, order, top, left, height, width):
    return pasted(X, order, top, left, height, width), Y


def mix_labels_of_the_other(X, Y, order, top, left, height, width):
    return pasted(X, order, top, left, height, width), Y[order]


def mix_half(X, Y, order, top, left, height, width):
    return pasted(X, order, top, left, height, width), 0.5 * Y + 0.5 * Y[order]


def mix_background(X, Y, order, top, left, height, width):
    out = X[order].clone()
    rows, columns = slice(top, top + height), slice(left, left + width)
    out[:, :, rows, columns] = X[:, :, rows, columns]
    return out, mix_by_slices(X, Y, order, top, left, height, width)[1]


def mix_black(X, Y, order, top, left, height, width):
    out, labels = mix_by_slices(X, Y, order, top, left, height, width)
    out[:, :, top : top + height, left : left + width] = 0
    return out, labels


def mix_inverse(X, Y, order, top, left, height, width):
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    return mix_by_slices(X, Y, inverse, top, left, height, width)


def mix_rolled(X, Y, order, top, left, height, width):
    images = X.clone()
    rows, columns = slice(top, top + height), slice(left, left + width)
    images[:, :, rows, columns] = X.roll(1, 0)[:, :, rows, columns]
    share = images[0, 0, rows, columns].numel() / images[0, 0].numel()
    return images, (1 - share) * Y + share * Y.roll(1, 0)


def mix_transposed(X, Y, order, top, left, height, width):
    images = X.clone()
    rows, columns = slice(left, left + width), slice(top, top + height)
    images[:, :, rows, columns] = X[order][:, :, rows, columns]
    share = images[0, 0, rows, columns].numel() / images[0, 0].numel()
    return images, (1 - share) * Y + share * Y[order]


def mix_to_the_end(X, Y, order, top, left, height, width):
    images = X.clone()
    images[:, :, top:height, left:width] = X[order][:, :, top:height, left:width]
    share = images[0, 0, top:height, left:width].numel() / images[0, 0].numel()
    return images, (1 - share) * Y + share * Y[order]


def mix_inclusive(X, Y, order, top, left, height, width):
    return mix_by_mask(X, Y, order, top, left, height + 1, width + 1)


def mix_labels_first(X, Y, order, top, left, height, width):
    images, labels = mix_by_mask(X, Y, order, top, left, height, width)
    return labels, images


def mix_in_place(X, Y, order, top, left, height, width):
    X[..., top : top + height, left : left + width] = X[order][
        ..., top : top + height, left : left + width
    ]
    return X, mix_by_slices(X, Y, order, top, left, height, width)[1]


def mix_averaged(X, Y, order, top, left, height, width):
    images, labels = mix_by_mask(X, Y, order, top, left, height, width)
    return (images + X) / 2, labels


def mix_not_to_one(X, Y, order, top, left, height, width):
    images, _labels = mix_by_mask(X, Y, order, top, left, height, width)
    share = min(height, X.shape[2] - top) * min(width, X.shape[3] - left) / X[0, 0].numel()
    return images, Y + share * Y[order]


def mix_pushed_inside(X, Y, order, top, left, height, width):
    h, w = X.shape[2:]
    height, width = min(height, h), min(width, w)
    return mix_by_mask(X, Y, order, min(top, h - height), min(left, w - width), height, width)


RIGHT = {
    "shift_each": [shift_by_pad, shift_by_gather, shift_by_pixels, shift_by_roll_and_mask],
    "cut_mix": [mix_by_slices, mix_by_mask, mix_by_loop, mix_as_torchvision],
}
WRONG = {
    "shift_each": [
        (shift_opposite, "the opposite way"),
        (shift_left, "to the left where `right` is positive"),
        (shift_up, "up where `down` is positive"),
        (shift_around, "as `roll` does it"),
        (shift_all_alike, "distances of the first one"),
        (shift_sideways, "What of `down`?"),
        (shift_vertically, "What of `right`?"),
        (shift_swapped, "by `down`, and down by `right`"),
        (shift_border, "repeats the pixels at the border"),
        (shift_in_place, "Make a new one"),
    ],
    "cut_mix": [
        (mix_whole_area, "count the whole rectangle"),
        (mix_weights_exchanged, "weights of the two labels are exchanged"),
        (mix_labels_kept, "those of the first image alone"),
        (mix_labels_of_the_other, "those of the other image alone"),
        (mix_half, "the weight ½"),
        (mix_background, "paste image i into image `order[i]`"),
        (mix_black, "as in cutout"),
        (mix_inverse, "goes to `order[i]`"),
        (mix_rolled, "with the one before it"),
        (mix_transposed, "Rows and columns are exchanged"),
        (mix_to_the_end, "at row `height` and column `width`"),
        (mix_inclusive, "a row and a column too many"),
        (mix_labels_first, "the wrong way round"),
        (mix_in_place, "Make a new one"),
        (mix_averaged, "average the two images"),
        (mix_not_to_one, "do not sum to 1"),
        (mix_pushed_inside, "cut off there"),
    ],
}
