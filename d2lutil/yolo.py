"""YOLO, version 1: what each cell of a grid must say, the loss, and boxes from the answers; and a
backbone with weights, for the heads of all versions.

A picture is divided into S x S cells. A network's outputs are (n, S, S, 5B + C): in each cell, for
each of B boxes, ``(x, y, root of w, root of h, confidence)``, then a number for each of C classes.
x and y are the centre's place in the cell, from 0 to 1; w and h are shares of the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from d2lutil import detection, runtime
from d2lutil.weights import trained

WEIGHTS = (5.0, 5.0, 1.0, 0.5, 1.0)  # of the five terms of the loss, in the order of `loss_terms`


def targets(objects: Tensor, size: int, S: int) -> Tensor:
    """What each cell should say, (n, S, S, 5), rows ``(class, x, y, w, h)``, class -1 where empty.

    `objects` (n, m, 5) are those of n pictures of `size` by `size` pixels, as `data.scenes` has
    them. An object belongs to the cell that its centre is in, on the picture's right or lower edge
    to the last one; a centre outside the picture is a `ValueError`. Of several in one cell, the
    first stays. The cell in row i and column j of the grid is ``[:, i, j]``. Taught in the chapter
    *YOLO, version 1*.

    >>> targets(torch.tensor([[[7.0, 0, 0, 4, 8]]]), size=16, S=2)[0, 0, 0]
    tensor([7.0000, 0.2500, 0.5000, 0.2500, 0.5000])
    """
    if objects.ndim != 3 or objects.shape[2] != 5:
        raise ValueError(f"objects must be (n, m, 5), not {tuple(objects.shape)}")
    objects = objects.to(torch.promote_types(objects.dtype, torch.float32))
    centres = (objects[..., 1:3] + objects[..., 3:]) / 2  # (n, m, 2)
    inside = ((centres >= 0) & (centres <= size)).all(dim=2) | (objects[..., 0] < 0)  # (n, m)
    if not inside.all():
        n, k = (~inside).nonzero()[0].tolist()
        x, y = centres[n, k].tolist()
        raise ValueError(
            f"objects must have their centres in the picture of {size} by {size} pixels; that of "
            f"objects[{n}, {k}] is at ({x:g}, {y:g})"
        )
    answer = objects.new_zeros(len(objects), S, S, 5)
    answer[..., 0] = -1
    for k in reversed(range(objects.shape[1])):  # so that the first is written last
        one = objects[:, k]  # (n, 5)
        which = (one[:, 0] >= 0).nonzero()[:, 0]  # (p,)
        c, low, high = one[which].split([1, 2, 2], dim=1)
        middle = (low + high) / 2 * S / size  # (p, 2), in cells
        j, i = middle.long().clamp(max=S - 1).T  # (p,), (p,)
        place = middle - torch.stack([j, i], dim=1)  # (p, 2)
        answer[which, i, j] = torch.cat([c, place, (high - low) / size], dim=1)
    return answer


def split(outputs: Tensor, B: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs (n, S, S, 5B + C) as boxes (n, S, S, B, 4), confidences (.., B), classes (.., C).

    Taught in the chapter *YOLO, version 1*.
    """
    if outputs.ndim != 4 or outputs.shape[3] <= 5 * B:
        raise ValueError(
            f"outputs must be (n, S, S, 5 * {B} + classes), not {tuple(outputs.shape)}"
        )
    five = outputs[..., : 5 * B].unflatten(3, (B, 5))  # (n, S, S, B, 5)
    return five[..., :4], five[..., 4], outputs[..., 5 * B :]


def corners(four: Tensor) -> Tensor:
    """Boxes (n, S, S, B, 4), ``(x, y, root of w, root of h)``, as corners in shares of the picture.

    Taught in the chapter *YOLO, version 1*.

    >>> corners(torch.tensor([[[[[0.5, 0.5, 0.5, 1.0]]]]]))
    tensor([[[[[0.3750, 0.0000, 0.6250, 1.0000]]]]])
    """
    at = torch.arange(four.shape[1], device=four.device)  # (S,)
    i, j = torch.meshgrid(at, at, indexing="ij")  # (S, S), (S, S)
    cell = torch.stack([j, i], dim=2)[:, :, None]  # (S, S, 1, 2)
    middle = (four[..., :2] + cell) / len(at)  # (n, S, S, B, 2)
    half = four[..., 2:].square() / 2  # (n, S, S, B, 2)
    return torch.cat([middle - half, middle + half], dim=-1)


def overlaps_with(four: Tensor, wanted: Tensor) -> Tensor:
    """IoU of each of the boxes (n, S, S, B, 4) with its cell's object, 0 in empty cells.

    `wanted` (n, S, S, 5) is what `targets` returns; the answer is (n, S, S, B). Taught in the
    chapter *YOLO, version 1*.
    """
    true = torch.cat([wanted[..., 1:3], wanted[..., 3:].sqrt()], dim=-1)[..., None, :]
    a, b = corners(four), corners(true)  # (n, S, S, B, 4), (n, S, S, 1, 4)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)  # (n, S, S, B)
    both = sum((c[..., 2:] - c[..., :2]).prod(dim=-1) for c in (a, b)) - shared
    return shared / both.clamp(min=1e-9) * (wanted[..., :1] >= 0)


def responsible(overlaps: Tensor, wanted: Tensor) -> Tensor:
    """Which box answers for its cell's object: bool (n, S, S, B).

    That of the largest IoU, the first of several; an empty cell has none. `overlaps` is what
    `overlaps_with` returns, `wanted` what `targets` does. Taught in the chapter *YOLO, version 1*.
    """
    best = F.one_hot(overlaps.argmax(dim=-1), overlaps.shape[-1]).bool()  # (n, S, S, B)
    return best & (wanted[..., :1] >= 0)


def loss_terms(outputs: Tensor, wanted: Tensor, B: int = 2) -> Tensor:
    """The five terms of the loss, unweighted, each the mean over the pictures of a sum: (5,).

    The squared errors of the responsible boxes' centres and of the roots of their sizes, of their
    confidences, whose target is the IoU, of all other boxes' confidences, whose target is 0, and of
    the classes in the cells with an object. `outputs` (n, S, S, 5B + C), `wanted` (n, S, S, 5) as
    `targets` returns it. Taught in the chapter *YOLO, version 1*.
    """
    four, confidence, classes = split(outputs, B)
    overlaps = overlaps_with(four.detach(), wanted)  # (n, S, S, B), a target
    mine = responsible(overlaps, wanted)  # (n, S, S, B)
    true = wanted[..., None, 1:]  # (n, S, S, 1, 4)
    label = F.one_hot(wanted[..., 0].long().clamp(min=0), classes.shape[3])  # (n, S, S, C)
    there = wanted[..., 0] >= 0  # (n, S, S)
    terms = (
        (four[..., :2] - true[..., :2]).square().sum(dim=-1) * mine,
        (four[..., 2:] - true[..., 2:].sqrt()).square().sum(dim=-1) * mine,
        (confidence - overlaps).square() * mine,
        confidence.square() * ~mine,
        (classes - label).square().sum(dim=-1) * there,
    )
    return torch.stack([term.sum() / len(outputs) for term in terms])  # (5,)


def loss(outputs: Tensor, wanted: Tensor, B: int = 2) -> Tensor:
    """The sum of `loss_terms`, weighted by `WEIGHTS`; for `fit`, with `targets` as y.

    Taught in the chapter *YOLO, version 1*.
    """
    terms = loss_terms(outputs, wanted, B)  # (5,)
    return (terms.new_tensor(WEIGHTS) * terms).sum()


def decode(outputs: Tensor, size: int, *, B: int = 2, least: float = 0.05) -> list[Tensor]:
    """The detections (k, 6) in each picture of `size` by `size` pixels, before suppression.

    One ``(class, left, top, right, bottom, score)`` for each box and class whose score, confidence
    times the cell's number for the class, is greater than `least`. A negative confidence counts as
    0. Boxes end at the picture's edge. Taught in the chapter *YOLO, version 1*.
    """
    four, confidence, classes = split(outputs, B)
    scores = confidence.clamp(min=0)[..., None] * classes[..., None, :]  # (n, S, S, B, C)
    answer = []
    for box, score in zip((corners(four) * size).clamp(0, size), scores, strict=True):
        i, j, k, c = (score > least).nonzero().T  # (d,) each
        rows = [c[:, None], box[i, j, k], score[i, j, k, c][:, None]]
        answer.append(torch.cat(rows, dim=1))  # (d, 6)
    return answer


def detect(
    outputs: Tensor, size: int, *, B: int = 2, least: float = 0.05, threshold: float = 0.5
) -> list[Tensor]:
    """`decode` and then `detection.nms` with this threshold: the detections (k, 6), best first."""
    found = decode(outputs, size, B=B, least=least)
    return [detection.nms(rows, threshold) for rows in found]


class Contrast(nn.Module):
    """How far each number of a picture (n, c, h, w) is from the mean around it, times three.

    The mean is that of squares of 12 by 12 pixels, blended from one square's middle to the next.
    Taught in the chapter *YOLO, version 1*.
    """

    def forward(self, X: Tensor) -> Tensor:
        """Pictures (n, c, h, w) to (n, c, h, w)."""
        around = F.avg_pool2d(X, 12, ceil_mode=True)  # (n, c, h / 12, w / 12)
        far = 3 * (X - F.interpolate(around, X.shape[2:], mode="bilinear"))
        return far.contiguous(memory_format=torch.channels_last)  # convolves faster on a CPU


class ChannelsLast(nn.Module):
    """The channels of a feature map go last: (n, c, S, S) to (n, S, S, c).

    Taught in the chapter *YOLO, version 1*.
    """

    def forward(self, X: Tensor) -> Tensor:
        """Features (n, c, S, S) to outputs (n, S, S, c)."""
        return X.permute(0, 2, 3, 1)


def block(inputs: int, outputs: int, kernel: int, stride: int = 1, pool: int = 1) -> nn.Sequential:
    """A convolution, pooling if it is asked for, batch normalisation and leaky ReLU.

    (n, inputs, h, w) to (n, outputs, h / (stride * pool), w / (stride * pool)), rounded. Taught in
    the chapter *YOLO, version 1*.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    pools = [nn.MaxPool2d(pool)] if pool > 1 else []
    norm = nn.BatchNorm2d(outputs)
    return nn.Sequential(conv, *pools, norm, nn.LeakyReLU(0.1, inplace=True))


def network(h: int = 32, B: int = 2, C: int = 10) -> nn.Sequential:
    """A small network with a cell for each 12 pixels: (n, 3, h, w) to (n, h / 12, w / 12, 5B + C).

    Four convolutions with batch normalisation and leaky ReLU, the first of them with h outputs, and
    one of 1 x 1 at the end. It begins with the same answer everywhere: boxes of a quarter of the
    picture each way, in the middle of their cells, in which it does not believe. Taught in the
    chapter *YOLO, version 1*.
    """
    last = _last(4 * h, B, C)
    return nn.Sequential(
        Contrast(),
        block(3, h, 5, stride=3, pool=2),  # (n, h, 16, 16)
        block(h, 2 * h, 3, pool=2),  # (n, 2h, 8, 8)
        block(2 * h, 4 * h, 3),
        block(4 * h, 4 * h, 3),
        last,  # (n, 5B + C, 8, 8)
        ChannelsLast(),
    )


def head(c: int = 64, B: int = 2, C: int = 10) -> nn.Sequential:
    """Version 1's outputs from a map of c channels: (n, c, S, S) to (n, S, S, 5B + C).

    Two convolutions of 3 x 3 with c outputs, and one of 1 x 1. It begins with the same answer
    everywhere, as `network` does.
    """
    return nn.Sequential(block(c, c, 3), block(c, c, 3), _last(c, B, C), ChannelsLast())


def _last(c: int, B: int, C: int) -> nn.Conv2d:
    """The convolution that says 5B + C numbers in each cell, at first the same in all cells."""
    last = nn.Conv2d(c, 5 * B + C, 1)
    with torch.no_grad():
        last.weight.mul_(0.1)
        last.bias.copy_(torch.tensor([0.5, 0.5, 0.5, 0.5, 0.0] * B + [1 / C] * C))
    return last


class Backbone(nn.Module):
    """Seven convolutions that give three maps, with cells of 6, 12 and 24 pixels.

    Pictures (n, 3, h, w), whose sides are multiples of 24, become (n, 48, h / 6, w / 6),
    (n, 64, h / 12, w / 12) and (n, 64, h / 24, w / 24). `strides` and `widths` are the cells' sides
    and the maps' channels. `backbone` returns one with weights.
    """

    strides = (6, 12, 24)
    widths = (48, 64, 64)

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            Contrast(),
            block(3, 20, 5, stride=3),  # (n, 20, h / 3, w / 3)
            block(20, 40, 3, pool=2),  # (n, 40, h / 6, w / 6)
            block(40, 48, 3),
        )
        self.middle = nn.Sequential(block(48, 64, 3, pool=2), block(64, 64, 3))
        self.coarse = nn.Sequential(block(64, 64, 3, pool=2), block(64, 64, 3))

    def forward(self, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures (n, 3, h, w) to maps with cells of 6, of 12 and of 24 pixels."""
        fine = self.fine(X)
        middle = self.middle(fine)
        return fine, middle, self.coarse(middle)


def backbone() -> Backbone:
    """A `Backbone` with the weights that travel with the book, in evaluation mode, on the CPU.

    They were trained on the crowded scenes of `data.scenes`, with a `head` of version 1 on each of
    the three maps, so that no version of YOLO is favoured. The code is in the chapter *YOLO,
    versions 2 and 3*.
    """
    net = Backbone()
    trained("detection/backbone", net)
    return net.eval()


@torch.no_grad()
def maps(net: nn.Module, X: Tensor, batch_size: int = 250) -> tuple[Tensor, ...]:
    """A backbone's maps of many pictures (n, 3, h, w), each (n, c, g, g), kept for later.

    A backbone that stays as it is gives the same maps each time. So they are computed once, and
    heads are trained on them: ``fit(head(), (maps(net, X)[2], targets(y, 96, 4)), ...)``. The
    backbone is in evaluation mode afterwards; the maps are on the CPU.
    """
    device = runtime.device()
    net.to(device).eval()
    parts = [net(part.to(device)) for part in X.split(batch_size)]
    return tuple(torch.cat([kept.cpu() for kept in each]) for each in zip(*parts, strict=True))
