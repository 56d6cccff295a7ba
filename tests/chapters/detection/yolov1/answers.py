"""Right and wrong answers to the exercises of the chapter *YOLO, version 1*."""

from __future__ import annotations

import torch


def cell_by_floor(boxes, size, S):
    x = (boxes[:, 0] + boxes[:, 2]) / 2
    y = (boxes[:, 1] + boxes[:, 3]) / 2
    cells = torch.stack([y, x], dim=1) * S / size
    return torch.floor(cells).clamp(0, S - 1).long()


def cell_by_loop(boxes, size, S):
    step = size / S
    answer = []
    for left, top, right, bottom in boxes.tolist():
        answer.append(
            [
                min(int((top + bottom) / 2 // step), S - 1),
                min(int((left + right) / 2 // step), S - 1),
            ]
        )
    return torch.tensor(answer)


def column_first(boxes, size, S):
    return cell_by_floor(boxes, size, S)[:, [1, 0]]


def of_the_corner(boxes, size, S):
    return (boxes[:, [1, 0]] * S // size).long().clamp(max=S - 1)


def of_the_other_corner(boxes, size, S):
    return (boxes[:, [3, 2]] * S // size).long()


def of_corner_and_size(boxes, size, S):
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    return (middle[:, [1, 0]] * S // size).long()


def rounded(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return torch.round(middle[:, [1, 0]] / size * S).clamp(max=S - 1).long()


def fractions(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return middle[:, [1, 0]] / size * S


def beyond_the_edge(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return (middle[:, [1, 0]] * S // size).long()


def divided_by_the_count(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return (middle[:, [1, 0]] // S).long().clamp(max=S - 1)


def column_first_beyond(boxes, size, S):
    return beyond_the_edge(boxes, size, S)[:, [1, 0]]


def rounded_up(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return torch.ceil(middle[:, [1, 0]] / size * S).long()


def shares_of_the_picture(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return (middle[:, [1, 0]] / size).long()


def whole_pixels(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return (middle[:, [1, 0]] // (size // S)).long().clamp(max=S - 1)


def from_one(boxes, size, S):
    return cell_by_floor(boxes, size, S) + 1


def means_of_neighbours(boxes, size, S):
    pairs = boxes.reshape(-1, 2, 2).mean(dim=2)
    return (pairs[:, [1, 0]] * S // size).long()


def half_sizes(boxes, size, S):
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    return (half[:, [1, 0]] * S // size).long()


def one_part_less(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return (middle[:, [1, 0]] / size * (S - 1)).long()


def places_within(boxes, size, S):
    units = fractions(boxes, size, S)
    return units - units.floor()


def turned_round(boxes, size, S):
    row, column = cell_by_floor(boxes, size, S).unbind(1)
    return torch.stack([row, column])


def in_pixels(boxes, size, S):
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return middle[:, [1, 0]].long()


def flat_index(boxes, size, S):
    cells = cell_by_floor(boxes, size, S)
    return cells[:, 0] * S + cells[:, 1]


def cost_by_loop(confidence, overlap, there):
    total = 0.0
    for said, good, full in zip(confidence.tolist(), overlap.tolist(), there.tolist(), strict=True):
        mine = good.index(max(good)) if full else -1
        for k, c in enumerate(said):
            total += (c - good[k]) ** 2 if k == mine else 0.5 * c**2
    return total


def cost_by_correction(confidence, overlap, there):
    cost = 0.5 * confidence.square().sum()
    best, which = overlap[there].max(1)
    said = confidence[there].gather(1, which[:, None])[:, 0]
    return float(cost + ((said - best) ** 2 - 0.5 * said**2).sum())


def mine_of(overlap, there):
    rows = torch.arange(len(overlap))
    mine = torch.zeros_like(overlap, dtype=torch.bool)
    mine[rows, overlap.argmax(1)] = True
    return mine & there[:, None]


def cost_of(confidence, goal, mine, rest, weight=0.5):
    return (((confidence - goal) ** 2)[mine].sum() + weight * (confidence**2)[rest].sum()).item()


def cost_target_one(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, 1, mine, ~mine)


def cost_without_the_other(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, overlap, mine, (~there)[:, None].expand_as(mine))


def cost_without_empty_cells(confidence, overlap, there):
    return cost_by_loop(confidence[there], overlap[there], there[there])


def cost_of_mine(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, overlap, mine, ~mine, 0)


def cost_with_all(confidence, overlap, there):
    mine = there[:, None].expand_as(overlap)
    return cost_of(confidence, overlap, mine, ~mine)


def cost_of_the_surest(confidence, overlap, there):
    mine = mine_of(confidence, there)
    return cost_of(confidence, overlap, mine, ~mine)


def cost_unweighted(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, overlap, mine, ~mine, 1)


def cost_with_five(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, overlap, mine, ~mine, 5)


def cost_as_if_all_were_full(confidence, overlap, there):
    return cost_by_loop(confidence, overlap, there | True)


def cost_of_the_worst(confidence, overlap, there):
    mine = mine_of(-overlap, there)
    return cost_of(confidence, overlap, mine, ~mine)


def cost_of_own_overlaps(confidence, overlap, there):
    mine = mine_of(overlap, there)
    off = (confidence - overlap) ** 2
    return (off[mine].sum() + 0.5 * off[~mine].sum()).item()


def cost_exchanged(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, overlap, mine, ~mine, 2) / 2


def cost_of_silence(confidence, overlap, there):
    return 0.5 * (confidence[~mine_of(overlap, there)] ** 2).sum().item()


def cost_counted_twice(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, overlap, mine, mine | True)


def cost_all_half(confidence, overlap, there):
    mine = mine_of(overlap, there)
    return cost_of(confidence, overlap, mine, ~mine, 1) / 2


def cost_weight_squared(confidence, overlap, there):
    mine = mine_of(overlap, there)
    off = (confidence - overlap)[mine]
    return ((off**2).sum() + ((0.5 * confidence[~mine]) ** 2).sum()).item()


def cost_without_squares(confidence, overlap, there):
    mine = mine_of(overlap, there)
    off = (confidence - overlap)[mine]
    return (off.abs().sum() + 0.5 * confidence[~mine].sum()).item()


def cost_squared_late(confidence, overlap, there):
    mine = mine_of(overlap, there)
    off = (confidence - overlap)[mine]
    return (off.sum() ** 2 + 0.5 * confidence[~mine].sum() ** 2).item()


def cost_of_every_maximum(confidence, overlap, there):
    mine = overlap == overlap.max(dim=1, keepdim=True).values
    return cost_of(confidence, overlap, mine, ~mine)


def cost_mean(confidence, overlap, there):
    return cost_by_loop(confidence, overlap, there) / confidence.numel()


def cost_per_cell(confidence, overlap, there):
    return cost_by_loop(confidence, overlap, there) / len(there)


def cell_of_what_is_seen(boxes, size, S):
    left, top, right, bottom = boxes.clamp(min=0, max=size).T
    cells = torch.stack([top + bottom, left + right], 1) / 2 * S / size
    return cells.long().clamp(max=S - 1)


def cell_of_the_last_pixel(boxes, size, S):
    left, top, right, bottom = boxes.clamp(min=0, max=size - 1).T
    cells = torch.stack([top + bottom, left + right], 1) / 2 * S / size
    return cells.long().clamp(max=S - 1)


def cost_without_there(confidence, overlap, there):
    return cost_by_loop(confidence, overlap, overlap.sum(1) > 0)


def cost_of_any_overlap(confidence, overlap, there):
    mine = (overlap == overlap.amax(1, keepdim=True)) & (overlap > 0)
    return cost_of(confidence, overlap, mine, ~mine)


def cost_of_all_equals(confidence, overlap, there):
    mine = (overlap == overlap.amax(1, keepdim=True)) & there[:, None]
    return cost_of(confidence, overlap, mine, ~mine)


def whole_pixels_of_the_centre(boxes, size, S):
    return (((boxes[:, :2] + boxes[:, 2:]) // 2) * S // size).long().clamp(max=S - 1).flip(1)


def boxes_as_whole_numbers(boxes, size, S):
    boxes = boxes.long()
    return ((boxes[:, :2] + boxes[:, 2:]) / 2 * S / size).long().clamp(max=S - 1).flip(1)


def centre_as_whole_numbers(boxes, size, S):
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2).long()
    return (centres * S // size).flip(1)


def cost_of_the_last_of_equals(confidence, overlap, there):
    best = overlap.shape[1] - 1 - overlap.flip(1).argmax(1)
    mine = (torch.arange(overlap.shape[1]) == best[:, None]) & there[:, None]
    cost = ((confidence - overlap)[mine] ** 2).sum() + 0.5 * (confidence[~mine] ** 2).sum()
    return cost.item()


def corner_within_the_grid(boxes, size, S):
    return (boxes[:, [1, 0]] * S // size).clamp(0, S - 1).long()


def sum_of_edges(boxes, size, S):
    edges = boxes[:, [1, 0]] + boxes[:, [3, 2]]
    return (edges / size * S).long().clamp(max=S - 1)


def cost_of_means(confidence, overlap, there):
    mine = mine_of(overlap, there)
    others = confidence[~mine] ** 2
    return (((confidence - overlap)[mine] ** 2).mean() + 0.5 * others.mean()).item()


def cost_of_the_best_cells(confidence, overlap, there):
    rows = overlap.argmax(0).tolist()
    mine = torch.zeros_like(overlap, dtype=torch.bool)
    for column, row in enumerate(rows):
        mine[row, column] = bool(there[row])
    return cost_of(confidence, overlap, mine, ~mine)


RIGHT = {
    "centre_cell": [cell_by_floor, cell_by_loop],
    "confidence_cost": [cost_by_loop, cost_by_correction],
}
WRONG = {
    "centre_cell": [
        (cell_of_what_is_seen, "at the image's edge first"),
        (corner_within_the_grid, "left upper corners"),
        (sum_of_edges, "You add the two edges"),
        (cell_of_the_last_pixel, "at the image's edge first"),
        (column_first, "Column and row are exchanged"),
        (of_the_corner, "the left upper corners"),
        (of_the_other_corner, "the right lower corners"),
        (of_corner_and_size, "for width and height"),
        (rounded, "to the nearest whole number"),
        (fractions, "in units of cells"),
        (beyond_the_edge, "a cell that does not exist"),
        (divided_by_the_count, "How many pixels wide"),
        (column_first_beyond, "Column and row are exchanged"),
        (rounded_up, "You round up"),
        (shares_of_the_picture, "fractions of the image"),
        (whole_pixels, "whole pixels"),
        (from_one, "Tensors count from 0"),
        (means_of_neighbours, "a left and an upper edge"),
        (half_sizes, "half of the width and height"),
        (one_part_less, "`S - 1` parts"),
        (places_within, "positions within the cells"),
        (turned_round, "with `dim=1`"),
        (in_pixels, "These are pixels"),
        (whole_pixels_of_the_centre, "half a pixel may decide"),
        (boxes_as_whole_numbers, "half a pixel may decide"),
        (centre_as_whole_numbers, "half a pixel may decide"),
        (flat_index, "A dimension is missing (dimension 1"),
    ],
    "confidence_cost": [
        (cost_target_one, "how good it is"),
        (cost_of_means, "The loss is a sum"),
        (cost_of_the_best_cells, "`dim=0` runs over the cells"),
        (cost_without_the_other, "that are not responsible are missing"),
        (cost_without_empty_cells, "empty cells are missing"),
        (cost_of_mine, "The second term is missing"),
        (cost_with_all, "You make all boxes"),
        (cost_of_the_surest, "You make the most confident box"),
        (cost_unweighted, "count in full"),
        (cost_with_five, "5 is the weight"),
        (cost_as_if_all_were_full, "in empty cells as well"),
        (cost_of_the_worst, "smallest IoU"),
        (cost_of_own_overlaps, "their own IoU"),
        (cost_exchanged, "The weights are exchanged"),
        (cost_of_silence, "The first term is missing"),
        (cost_mean, "You take the mean"),
        (cost_per_cell, "number of cells"),
        (cost_counted_twice, "has the target 0 as well"),
        (cost_all_half, "The responsible boxes count half"),
        (cost_weight_squared, "You square the weight"),
        (cost_without_squares, "You sum the differences"),
        (cost_squared_late, "You square the sums"),
        (cost_of_every_maximum, "In an empty cell every box"),
        (cost_without_there, "You do not use `there`"),
        (cost_of_all_equals, "you make all responsible"),
        (cost_of_the_last_of_equals, "the last responsible"),
        (cost_of_any_overlap, "You do not use `there`"),
    ],
}
EQUIVALENT = {  # changes of the reference that are no mistakes
    "confidence_cost": {
        "overlap → confidence": "its shape is read, and both have the same",
        "functional.mse_loss(confidence[mine], overlap[mine], reduction='sum') → "
        "functional.mse_loss(overlap[mine], confidence[mine], reduction='sum')": "it is squared",
    },
}
