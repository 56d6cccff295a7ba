"""Right and wrong answers to the exercises of the chapter *Boxes*."""

from __future__ import annotations

import torch
from torchvision import ops


def iou_by_torchvision(A, B):
    a, b = (ops.box_convert(boxes, "cxcywh", "xyxy") for boxes in (A, B))
    return ops.box_iou(a, b).diagonal()


def iou_by_loop(A, B):
    answers = []
    for (x, y, w, h), (u, v, p, q) in zip(A.tolist(), B.tolist(), strict=True):
        wide = min(x + w / 2, u + p / 2) - max(x - w / 2, u - p / 2)
        tall = min(y + h / 2, v + q / 2) - max(y - h / 2, v - q / 2)
        both = max(wide, 0) * max(tall, 0)
        answers.append(both / (w * h + p * q - both))
    return torch.tensor(answers)


def iou_by_columns(A, B):
    x, y, w, h = A.T
    u, v, p, q = B.T
    wide = torch.min(x + w / 2, u + p / 2) - torch.max(x - w / 2, u - p / 2)
    tall = torch.min(y + h / 2, v + q / 2) - torch.max(y - h / 2, v - q / 2)
    both = torch.relu(wide) * torch.relu(tall)
    return both / (w * h + p * q - both)


def edges(A, B, half=0.5):
    low = torch.max(A[:, :2] - half * A[:, 2:], B[:, :2] - half * B[:, 2:])
    high = torch.min(A[:, :2] + half * A[:, 2:], B[:, :2] + half * B[:, 2:])
    return low, high


def shared(A, B):
    low, high = edges(A, B)
    return torch.relu(high - low).prod(1)


def area(boxes):
    return boxes[:, 2] * boxes[:, 3]


def iou_with_double_union(A, B):
    return shared(A, B) / (area(A) + area(B))


def iou_of_corners(A, B):
    return ops.box_iou(A, B).diagonal()


def iou_of_corner_and_size(A, B):
    a, b = (ops.box_convert(boxes, "xywh", "xyxy") for boxes in (A, B))
    return ops.box_iou(a, b).diagonal()


def iou_of_double_boxes(A, B):
    low, high = edges(A, B, half=1)
    both = torch.relu(high - low).prod(1)
    return both / (4 * area(A) + 4 * area(B) - both)


def iou_without_clamp(A, B):
    low, high = edges(A, B)
    both = (high - low).prod(1)
    return both / (area(A) + area(B) - both)


def iou_clamped_at_the_end(A, B):
    low, high = edges(A, B)
    both = torch.relu((high - low)[:, 0] * (high - low)[:, 1])
    return both / (area(A) + area(B) - both)


def iou_of_a(A, B):
    return shared(A, B) / area(A)


def iou_of_b(A, B):
    return shared(A, B) / area(B)


def iou_of_the_smaller(A, B):
    return shared(A, B) / torch.stack([area(A), area(B)]).amin(0)


def iou_of_the_larger(A, B):
    return shared(A, B) / torch.stack([area(A), area(B)]).amax(0)


def iou_with_areas_of_corners(A, B):
    both = shared(A, B)
    a = (A[:, 2] - A[:, 0]) * (A[:, 3] - A[:, 1])
    b = (B[:, 2] - B[:, 0]) * (B[:, 3] - B[:, 1])
    return both / (a + b - both)


def iou_overwritten(A, B):
    A, B = A.clone(), B.clone()
    for boxes in (A, B):
        boxes[:, :2] -= boxes[:, 2:] / 2
        boxes[:, 2:] = boxes[:, :2] + boxes[:, 2:] / 2
    return ops.box_iou(A, B).diagonal()


def iou_as_a_distance(A, B):
    return 1 - iou_by_columns(A, B)


def iou_of_all_pairs(A, B):
    a, b = (ops.box_convert(boxes, "cxcywh", "xyxy") for boxes in (A, B))
    return ops.box_iou(a, b)


def area_by_loop(correct, count):
    correct = correct.tolist()
    precisions = [sum(correct[: k + 1]) / (k + 1) for k in range(len(correct))]
    return sum(max(precisions[k:]) for k in range(len(correct)) if correct[k]) / count


def area_from_behind(correct, count):
    T, best, total = int(correct.sum()), 0.0, 0.0
    for k in range(len(correct), 0, -1):
        best = max(best, T / k)
        if correct[k - 1]:
            total += best / count
            T -= 1
    return total


def area_by_trapezium_of_steps(correct, count):
    T = torch.cumsum(correct.double(), 0)
    P = T / torch.arange(1, len(correct) + 1)
    best = torch.stack([P[k:].max() for k in range(len(P))])
    R = torch.cat([torch.zeros(1), T / count])
    return float((R.diff() * best).sum())


def precisions(correct):
    return correct.double().cumsum(0) / torch.arange(1, len(correct) + 1)


def area_of_the_jagged_curve(correct, count):
    return float((precisions(correct) * correct).sum() / count)


def area_by_found(correct, count):
    found = int(correct.sum())
    return area_by_loop(correct, found) if found else 0.0


def area_jagged_by_found(correct, count):
    found = int(correct.sum())
    return area_of_the_jagged_curve(correct, found) if found else 0.0


def area_by_mean(correct, count):
    P = precisions(correct)
    best = torch.tensor([P[k:].max() for k in range(len(P))])
    return float(best[correct].sum() / correct.sum())


def area_jagged_by_mean(correct, count):
    return precisions(correct)[correct].mean().item()


def area_without_widths(correct, count):
    return area_by_loop(correct, 1)


def area_not_turned_back(correct, count):
    P = precisions(correct).tolist()
    best = [max(P[len(P) - 1 - k :]) for k in range(len(P))]
    return sum(b for b, right in zip(best, correct.tolist(), strict=True) if right) / count


def area_of_all_detections(correct, count):
    P = precisions(correct)
    return float(sum(P[k:].max() for k in range(len(P))) / len(P))


def area_mean_precision(correct, count):
    return precisions(correct).mean().item()


def area_with_steps_for_false_positives(correct, count):
    P = precisions(correct)
    return float(sum(P[k:].max() for k in range(len(P))) / count)


def area_of_the_best_so_far(correct, count):
    P = precisions(correct)
    return float(sum(P[: k + 1].max() for k in range(len(P)) if correct[k]) / count)


def area_at_levels(correct, count):
    P, R = precisions(correct), correct.double().cumsum(0) / count
    total = 0.0
    for i in range(101):
        enough = P[i / 100 <= R + 1e-12]
        total += enough.max().item() if len(enough) else 0.0
    return total / 101


def area_precision_at_the_end(correct, count):
    return correct.double().mean().item()


def area_recall_at_the_end(correct, count):
    return correct.double().sum().item() / count


def area_reversed(correct, count):
    return area_by_loop(correct.flip(0), count)


def iou_exchanged(A, B):
    low = torch.minimum(A[:, :2] - A[:, 2:] / 2, B[:, :2] - B[:, 2:] / 2)
    high = torch.maximum(A[:, :2] + A[:, 2:] / 2, B[:, :2] + B[:, 2:] / 2)
    sides = (high - low).clamp(min=0)
    both = sides[:, 0] * sides[:, 1]
    return both / (A[:, 2] * A[:, 3] + B[:, 2] * B[:, 3] - both)


def corner_list(boxes):
    return ops.box_convert(boxes, "cxcywh", "xyxy")


def sides_of(A, B):
    a, b = corner_list(A), corner_list(B)
    return torch.min(a[:, 2:], b[:, 2:]) - torch.max(a[:, :2], b[:, :2])


def iou_with_width_clamped(A, B):
    wide, tall = sides_of(A, B).T
    both = torch.relu(wide) * tall
    return both / (area(A) + area(B) - both)


def iou_with_height_clamped(A, B):
    wide, tall = sides_of(A, B).T
    both = wide * torch.relu(tall)
    return both / (area(A) + area(B) - both)


def iou_of_absolute_sides(A, B):
    both = sides_of(A, B).abs().prod(1)
    return both / (area(A) + area(B) - both)


def iou_with_a_sum(A, B):
    both = shared(A, B)
    return both / (area(A) + area(B) + both)


def iou_from_distances(A, B):
    apart = (A - B)[:, :2].abs()
    both = torch.relu(0.5 * A[:, 2:] + 0.5 * B[:, 2:] - apart).prod(1)
    return both / (area(A) + area(B) - both)


def iou_of_full_sizes(A, B):
    low, high = edges(A, B, half=1)
    both = torch.relu(high - low).prod(1)
    return both / (area(A) + area(B) - both)


def iou_height_first(A, B):
    return ops.box_iou(corner_list(A[:, [0, 1, 3, 2]]), corner_list(B[:, [0, 1, 3, 2]])).diagonal()


def iou_of_whole_halves(A, B):
    a, b = (torch.cat([C[:, :2] - C[:, 2:] // 2, C[:, :2] + C[:, 2:] // 2], 1) for C in (A, B))
    return ops.box_iou(a, b).diagonal()


def area_by_trapezoid(correct, count):
    P = precisions(correct).tolist()
    best = torch.tensor([max(P[k:]) for k in range(len(P))])
    return torch.trapezoid(best, torch.cumsum(correct.float(), 0) / count).item()


def area_by_trapezoid_of_the_jagged_curve(correct, count):
    T = correct.cumsum(0)
    return torch.trapezoid(T / torch.arange(1, len(T) + 1), T / count).item()


def area_of_what_comes_later(correct, count):
    P = precisions(correct).tolist()
    return sum(max(P[k + 1 :], default=0) for k in range(len(P)) if correct[k]) / count


def area_counted_from_zero(correct, count):
    T = correct.cumsum(0).tolist()
    P = [t / max(k, 1) for k, t in enumerate(T)]
    return sum(max(P[k:]) for k in range(len(P)) if correct[k]) / count


def area_counted_from_nothing(correct, count):
    P = torch.cumsum(correct, 0) / torch.arange(len(correct))
    return float(sum(P[k:].max() for k in range(len(P)) if correct[k]) / count)


def area_by_differences(correct, count):
    P, R = precisions(correct), correct.cumsum(0) / count
    best = torch.stack([P[k:].max() for k in range(len(P))])
    return ((R[1:] - R[:-1]) * best[1:]).sum().item()


def area_of_recalls(correct, count):
    R = correct.cumsum(0) / count
    return (R[correct].sum() / count).item()


def area_by_length(correct, count):
    return area_by_loop(correct, len(correct))


RIGHT = {
    "centre_iou": [iou_by_torchvision, iou_by_loop, iou_by_columns],
    "area_precision": [area_by_loop, area_from_behind, area_by_trapezium_of_steps],
}
WRONG = {
    "centre_iou": [
        (iou_with_double_union, "counted twice"),
        (iou_of_corners, "You read the boxes as corners"),
        (iou_of_corner_and_size, "They are the centre"),
        (iou_of_double_boxes, "twice as wide"),
        (iou_with_areas_of_corners, "Your intersection is right"),
        (iou_overwritten, "Did you overwrite it"),
        (iou_without_clamp, "Boxes that are apart"),
        (iou_clamped_at_the_end, "comes too late"),
        (iou_of_a, "`A` alone"),
        (iou_of_b, "`B` alone"),
        (iou_of_the_smaller, "the smaller area"),
        (iou_of_the_larger, "the larger area"),
        (iou_as_a_distance, "1 minus the IoU"),
        (shared, "the area of the intersection"),
        (iou_with_a_sum, "You add the intersection"),
        (iou_with_width_clamped, "one of the two sides"),
        (iou_with_height_clamped, "one of the two sides"),
        (iou_of_absolute_sides, "the absolute value"),
        (iou_from_distances, "no wider than the narrower one"),
        (iou_of_full_sizes, "a full size away"),
        (iou_height_first, "You exchange width and height"),
        (iou_of_whole_halves, "whole pixels"),
        (iou_of_all_pairs, "as `(n,)` with `(n, 1)` becomes"),
        (iou_exchanged, "wrong way round: this is the box round both"),
    ],
    "area_precision": [
        (area_of_the_jagged_curve, "the best one at this"),
        (area_by_found, "divide by the number of true positives"),
        (area_jagged_by_found, "Two things"),
        (area_by_mean, "divide by the number of true positives"),
        (area_jagged_by_mean, "Two things"),
        (area_without_widths, "You add up the heights"),
        (area_not_turned_back, "Turn it back"),
        (area_of_all_detections, "the mean over all detections"),
        (area_mean_precision, "the mean precision over all detections"),
        (area_with_steps_for_false_positives, "Your false positives add steps"),
        (area_of_the_best_so_far, "best precision so far"),
        (area_at_levels, "101 levels"),
        (area_precision_at_the_end, "the precision of the whole list"),
        (area_recall_at_the_end, "the recall of the whole list"),
        (area_reversed, "from its end"),
        (area_by_trapezoid, "The first step is missing"),
        (area_by_trapezoid_of_the_jagged_curve, "as `trapezoid` does"),
        (area_of_what_comes_later, "Its own precision counts"),
        (area_counted_from_zero, "there is one: count from 1"),
        (area_counted_from_nothing, "count from 1"),
        (area_by_differences, "The first step is missing"),
        (area_of_recalls, "You add up recalls"),
        (area_by_length, "by the number of detections"),
    ],
}
