"""Right and wrong answers to the exercises of the chapter *YOLO, versions 2 and 3*."""

from __future__ import annotations

import math

import torch
from torchvision import ops


def corner(shapes):
    return torch.cat([torch.zeros_like(shapes), shapes], 1)


def overlap(shapes, anchors):
    return ops.box_iou(corner(shapes), corner(anchors))


def fit_by_torchvision(shapes, anchors):
    return overlap(shapes, anchors).max(1).values.mean().item()


def fit_by_loop(shapes, anchors):
    total = 0.0
    for w, h in shapes.tolist():
        best = 0.0
        for a, b in anchors.tolist():
            both = min(w, a) * min(h, b)
            best = max(best, both / (w * h + a * b - both))
        total += best
    return total / len(shapes)


def fit_of_all_pairs(shapes, anchors):
    return overlap(shapes, anchors).mean().item()


def fit_of_anchors(shapes, anchors):
    return overlap(shapes, anchors).max(0).values.mean().item()


def fit_as_distance(shapes, anchors):
    return (1 - overlap(shapes, anchors)).amin(1).mean().item()


def fit_summed(shapes, anchors):
    return sum(overlap(shapes, anchors).amax(1).tolist())


def fit_of_the_best(shapes, anchors):
    return overlap(shapes, anchors).max().item()


def shared(shapes, anchors):
    wide = torch.min(shapes[:, :1], anchors[:, 0])
    return wide * torch.min(shapes[:, 1:], anchors[:, 1])


def fit_with_double_union(shapes, anchors):
    areas = (shapes[:, 0] * shapes[:, 1])[:, None] + anchors[:, 0] * anchors[:, 1]
    return (shared(shapes, anchors) / areas).amax(1).mean().item()


def fit_in_the_shape(shapes, anchors):
    return (shared(shapes, anchors) / shapes.prod(1, keepdim=True)).amax(1).mean().item()


def fit_in_the_anchor(shapes, anchors):
    return (shared(shapes, anchors) / anchors.prod(1)).amax(1).mean().item()


def fit_by_nearest(shapes, anchors):
    total = 0.0
    for shape in shapes:
        nearest = (anchors - shape).square().sum(1).argmin()
        total += overlap(shape[None], anchors[nearest][None]).item()
    return total / len(shapes)


def boxes_by_columns(t, cells, stride, anchors):
    x, y = (stride * (cells[:, i] + 1 / (1 + torch.exp(-t[:, i]))) for i in (0, 1))
    w, h = (anchors[:, i] * torch.exp(t[:, 2 + i]) for i in (0, 1))
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)


def boxes_by_torchvision(t, cells, stride, anchors):
    centre = cells * stride + t[:, :2].sigmoid() * stride
    rows = torch.cat([centre, t[:, 2:].exp() * anchors], 1)
    return ops.box_convert(rows, "cxcywh", "xyxy")


def boxes_by_loop(t, cells, stride, anchors):
    rows = []
    for (a, b, c, d), (i, j), (w, h) in zip(
        t.tolist(), cells.tolist(), anchors.tolist(), strict=True
    ):
        x, y = (stride * (k + 1 / (1 + math.exp(-v))) for k, v in ((i, a), (j, b)))
        w, h = w * math.exp(c), h * math.exp(d)
        rows.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(rows)


def with_centre(centre, t, anchors):
    return ops.box_convert(torch.cat([centre, anchors * t[:, 2:].exp()], 1), "cxcywh", "xyxy")


def boxes_without_sigmoid(t, cells, stride, anchors):
    return with_centre(stride * (cells + t[:, :2]), t, anchors)


def boxes_without_exp(t, cells, stride, anchors):
    centre = stride * (cells + t[:, :2].sigmoid())
    return torch.cat([centre - anchors * t[:, 2:] / 2, centre + anchors * t[:, 2:] / 2], 1)


def boxes_all_sigmoid(t, cells, stride, anchors):
    s = t.sigmoid()
    centre, size = stride * (cells + s[:, :2]), anchors * s[:, 2:]
    return torch.cat([centre - size / 2, centre + size / 2], 1)


def boxes_twice_as_large(t, cells, stride, anchors):
    centre, size = stride * (cells + t[:, :2].sigmoid()), anchors * t[:, 2:].exp()
    return torch.cat([centre - size, centre + size], 1)


def boxes_sigmoid_in_pixels(t, cells, stride, anchors):
    return with_centre(stride * cells + t[:, :2].sigmoid(), t, anchors)


def boxes_cells_as_pixels(t, cells, stride, anchors):
    return with_centre(cells + stride * t[:, :2].sigmoid(), t, anchors)


def boxes_in_cells(t, cells, stride, anchors):
    return with_centre(cells + t[:, :2].sigmoid(), t, anchors)


def boxes_in_the_first_cell(t, cells, stride, anchors):
    return with_centre(stride * t[:, :2].sigmoid(), t, anchors)


def boxes_in_anchors(t, cells, stride, anchors):
    return with_centre(stride * cells + anchors * t[:, :2].sigmoid(), t, anchors)


def boxes_free(t, cells, stride, anchors):
    return with_centre(stride * cells + stride / 2 + anchors * t[:, :2], t, anchors)


def boxes_row_first(t, cells, stride, anchors):
    return with_centre(stride * (cells[:, [1, 0]] + t[:, :2].sigmoid()), t, anchors)


def boxes_as_centre_and_size(t, cells, stride, anchors):
    return torch.cat([stride * (cells + t[:, :2].sigmoid()), anchors * t[:, 2:].exp()], 1)


def boxes_from_the_corner(t, cells, stride, anchors):
    low = stride * (cells + t[:, :2].sigmoid())
    return torch.cat([low, low + anchors * t[:, 2:].exp()], 1)


def fits_of_each(shapes, anchors):
    return overlap(shapes, anchors).max(1).values


def fit_as_tensor(shapes, anchors):
    return overlap(shapes, anchors).max(1).values.mean()


def fit_of_the_worst(shapes, anchors):
    return overlap(shapes, anchors).min(1).values.mean().item()


def fit_of_areas(shapes, anchors):
    ratio = shapes.prod(1)[:, None] / anchors.prod(1)
    return torch.minimum(ratio, 1 / ratio).amax(1).mean().item()


def boxes_without_anchors(t, cells, stride, anchors):
    return with_centre(stride * (cells + t[:, :2].sigmoid()), t, stride)


def boxes_all_in_cells(t, cells, stride, anchors):
    return with_centre(cells + t[:, :2].sigmoid(), t, anchors / stride)


def boxes_from_the_middle(t, cells, stride, anchors):
    return with_centre(stride * (cells + t[:, :2].sigmoid() - 0.5), t, anchors)


def boxes_turned(t, cells, stride, anchors):
    sides = (anchors * t[:, 2:].exp())[:, [1, 0]]
    centre = stride * (cells + t[:, :2].sigmoid())
    return torch.cat([centre - sides / 2, centre + sides / 2], 1)


def boxes_of_huge_anchors(t, cells, stride, anchors):
    return with_centre(stride * (cells + t[:, :2].sigmoid()), t, stride * anchors)


def boxes_as_corner_and_size(t, cells, stride, anchors):
    sides = anchors * t[:, 2:].exp()
    return torch.cat([stride * (cells + t[:, :2].sigmoid()) - sides / 2, sides], 1)


def fit_of_the_larger(shapes, anchors):
    wide = torch.max(shapes[:, None, 0], anchors[:, 0])
    both = wide * torch.max(shapes[:, None, 1], anchors[:, 1])
    union = (shapes[:, 0] * shapes[:, 1])[:, None] + anchors[:, 0] * anchors[:, 1] - both
    return (both / union).max(dim=1).values.mean().item()


def boxes_from_the_middle_on(t, cells, stride, anchors):
    centre = (cells + 0.5 + t[:, :2].sigmoid()) * stride
    half = anchors * t[:, 2:].exp() / 2
    return torch.cat([centre - half, centre + half], 1)


def boxes_of_swapped_anchors(t, cells, stride, anchors):
    centre = (cells + t[:, :2].sigmoid()) * stride
    half = anchors[:, [1, 0]] * t[:, 2:].exp() / 2
    return torch.cat([centre - half, centre + half], 1)


def fit_with_a_sum(shapes, anchors):
    shared = torch.min(shapes[:, None], anchors).prod(2)
    union = shapes.prod(1)[:, None] + anchors.prod(1) + shared
    return (shared / union).max(1).values.mean().item()


def fit_of_turned_anchors(shapes, anchors):
    return overlap(shapes, anchors[:, [1, 0]]).max(1).values.mean().item()


def fit_by_the_largest_shared_area(shapes, anchors):
    best = torch.min(shapes[:, None], anchors).prod(2).argmax(1)
    return overlap(shapes, anchors).gather(1, best[:, None]).mean().item()


def fit_by_clusters(shapes, anchors):
    best, which = overlap(shapes, anchors).max(1)
    means = [best[which == j].mean().item() for j in range(len(anchors)) if (which == j).any()]
    return sum(means) / len(means)


def boxes_of_sums(t, cells, stride, anchors):
    sides = anchors + t[:, 2:].exp()
    centre = stride * (cells + t[:, :2].sigmoid())
    return torch.cat([centre - sides / 2, centre + sides / 2], 1)


def boxes_of_plain_sums(t, cells, stride, anchors):
    sides = anchors + t[:, 2:]
    centre = stride * (cells + t[:, :2].sigmoid())
    return torch.cat([centre - sides / 2, centre + sides / 2], 1)


def boxes_of_a_linear_factor(t, cells, stride, anchors):
    sides = anchors + anchors * t[:, 2:]
    centre = stride * (cells + t[:, :2].sigmoid())
    return torch.cat([centre - sides / 2, centre + sides / 2], 1)


def boxes_with_two_exps(t, cells, stride, anchors):
    return with_centre(stride * (cells + t[:, :2].exp()), t, anchors)


def boxes_free_in_cells(t, cells, stride, anchors):
    return with_centre(stride * (cells + 0.5 + t[:, :2]), t, anchors)


def boxes_cut_at_the_edge(t, cells, stride, anchors):
    return torch.relu(with_centre(stride * (cells + t[:, :2].sigmoid()), t, anchors))


RIGHT = {
    "anchor_fit": [fit_by_torchvision, fit_by_loop, fit_as_tensor],
    "direct_boxes": [boxes_by_columns, boxes_by_torchvision, boxes_by_loop],
}
WRONG = {
    "anchor_fit": [
        (fits_of_each, "one for each shape"),
        (fit_with_a_sum, "to the two areas"),
        (fit_of_turned_anchors, "You compare widths with heights"),
        (fit_by_the_largest_shared_area, "by the area that is shared"),
        (fit_by_clusters, "the mean for each anchor first"),
        (fit_of_the_worst, "overlaps least"),
        (fit_of_areas, "compare areas only"),
        (fit_of_all_pairs, "the mean over all pairs"),
        (fit_of_anchors, "the best shape for each anchor"),
        (fit_as_distance, "the mean distance"),
        (fit_summed, "You add up"),
        (fit_of_the_best, "the best overlap of all"),
        (fit_with_double_union, "counted twice"),
        (fit_in_the_shape, "the area of the shape alone"),
        (fit_in_the_anchor, "the area of the anchor alone"),
        (fit_by_nearest, "the Euclidean distance"),
        (fit_of_the_larger, "the larger of the two widths"),
    ],
    "direct_boxes": [
        (boxes_without_sigmoid, "sigmoid of `t[:, :2]` is missing"),
        (boxes_of_sums, "It is a factor"),
        (boxes_of_plain_sums, "You add `t` to the anchor"),
        (boxes_of_a_linear_factor, "`1 + t`"),
        (boxes_with_two_exps, "`exp` for the centre as well"),
        (boxes_free_in_cells, "to the cell's middle"),
        (boxes_cut_at_the_edge, "at the image's edge"),
        (boxes_without_exp, "the anchor by `t` itself"),
        (boxes_all_sigmoid, "the sigmoid of `t[:, 2:]`, too"),
        (boxes_twice_as_large, "twice as wide"),
        (boxes_sigmoid_in_pixels, "the sigmoid in pixels"),
        (boxes_cells_as_pixels, "They count cells"),
        (boxes_in_cells, "Your centres are in cells"),
        (boxes_in_the_first_cell, "in the first cell"),
        (boxes_in_anchors, "in widths of the anchor, as free"),
        (boxes_free, "These are free offsets"),
        (boxes_row_first, "the row for x"),
        (boxes_without_anchors, "anchors are not used"),
        (boxes_all_in_cells, "boxes are in cells"),
        (boxes_from_the_middle, "from the cell's middle"),
        (boxes_from_the_middle_on, "from the cell's middle"),
        (boxes_of_swapped_anchors, "as height and width"),
        (boxes_turned, "exchange width and height"),
        (boxes_of_huge_anchors, "in pixels already"),
        (boxes_as_corner_and_size, "corner and the size"),
        (boxes_as_centre_and_size, "Asked for are the corners"),
        (boxes_from_the_corner, "the centre for the left upper corner"),
    ],
}
