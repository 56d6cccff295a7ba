"""Exercises of the chapter *Seeing inside a network*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, tensor

from d2lutil.exercises import Exercise
from d2lutil.exercises._mistakes import given, then

Size = tuple[int, int]


def _extent(used: Tensor) -> int:
    """From the first True of used (m,) to the last one; 0 if there is none."""
    places = used.nonzero()[:, 0].tolist()
    return places[-1] - places[0] + 1 if places else 0


def _field(G: Tensor) -> Size:
    """The smallest rectangle with all that is not 0 in G (n, h, w)."""
    used = (G != 0).any(dim=0)  # (h, w)
    return _extent(used.any(dim=1)), _extent(used.any(dim=0))


def _field_of(used: Callable[[Tensor], Tensor], extent: Callable[[Tensor], int]) -> object:
    """An answer with another mask (h, w), or another extent of a side (m,)."""

    def wrong(G: Tensor) -> Size:
        inside = used(G)
        return extent(inside.any(dim=1)), extent(inside.any(dim=0))

    return wrong


def _anywhere(G: Tensor) -> Tensor:
    return (G != 0).any(dim=0)


def _span(used: Tensor, add: int) -> int:
    places = used.nonzero()[:, 0].tolist()
    return places[-1] - places[0] + add if places else 0


def _largest_alone(G: Tensor) -> Size:
    """The largest of the images' own rectangles."""
    sizes = [_field(image[None]) for image in G]
    return max(h for h, _ in sizes), max(w for _, w in sizes)


def _centred(used: Tensor) -> int:
    """Symmetric about the middle."""
    places = used.nonzero()[:, 0].tolist()
    middle = len(used) // 2
    return 2 * max(abs(p - middle) for p in places) + 1 if places else 0


def _field_cases(generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    G = torch.zeros(1, 5, 7)
    G[0, 1, 2], G[0, 3, 5], G[0, 2, 3] = 0.5, 2.0, 1.5
    yield (G,)
    G = torch.zeros(3, 9, 8)  # a gap, other images, both signs
    G[0, 2, 1], G[0, 6, 1] = -0.25, 3.0
    G[1, 2, 6], G[2, 4, 4] = -1.5, -2.0
    yield (G,)
    G = torch.zeros(2, 6, 9)  # the two cancel; one pixel is tiny
    G[0, 1, 1], G[1, 1, 1] = 0.75, -0.75
    G[0, 4, 2], G[1, 3, 7] = 1e-12, -0.5
    yield (G,)
    yield (torch.zeros(2, 4, 6),)
    G = torch.zeros(1, 6, 5)
    G[0, 5, 0] = -1.0
    yield (G,)
    for n, h, w in ((1, 8, 6), (4, 7, 12), (3, 11, 9)):
        G = torch.randn(n, h, w, generator=generator)
        kept = torch.rand(n, h, w, generator=generator) < 0.08
        yield (G * kept,)
    yield (torch.randn(2, 3, 4, generator=generator),)


field_size = Exercise(
    reference=_field,
    cases=_field_cases,
    returns=("height", "width"),
    mistakes=[
        (
            _field_of(_anywhere, partial(_span, add=0)),
            "One is missing in each direction: from row 1 to row 3 there are three rows.",
        ),
        (
            _field_of(_anywhere, lambda used: int(used.sum())),
            "You count the rows and columns that are used. The rectangle also contains those in "
            "between.",
        ),
        (
            then(_field, lambda height, width: (width, height)),
            "Height and width are the wrong way round: `G` is (n, h, w), so rows come first.",
        ),
        (
            _field_of(lambda G: G.sum(dim=0) != 0, _extent),
            "You add up the images before you compare with 0. Derivatives of opposite signs "
            "cancel.",
        ),
        (
            _field_of(lambda G: (G > 0).any(dim=0), _extent),
            "You take the positive derivatives only. A negative one is an influence, too.",
        ),
        (
            _field_of(lambda G: G[0] != 0, _extent),
            "You use the first image only. A pixel counts if its derivative is not 0 in any of "
            "the images.",
        ),
        (
            _field_of(lambda G: (G != 0).all(dim=0), _extent),
            "You ask for a derivative that is not 0 in all images. One image is enough.",
        ),
        (
            _field_of(lambda G: (G.abs() > 1e-8).any(dim=0), _extent),
            "You leave out very small derivatives. The rectangle contains all that are not 0, "
            "however small.",
        ),
        (
            _largest_alone,
            "You measure each image by itself and take the largest result. The rectangle has to "
            "contain the pixels of all images together.",
        ),
        (
            _field_of(_anywhere, _centred),
            "Your rectangle lies around the middle of the image. The smallest one may lie "
            "anywhere.",
        ),
        (
            lambda G: (G.shape[1], G.shape[2]),
            "This is the size of the whole image.",
        ),
        (
            lambda G: (int(used := (G != 0).any(dim=0).sum()), int(used)),
            "You count pixels. Asked for are the two sides of a rectangle.",
        ),
    ],
)


def _class_map(A: Tensor, G: Tensor) -> Tensor:
    """Grad-CAM, scaled: A (n, c, h, w), G (n, c, h, w) -> (n, h, w)."""
    alpha = G.mean(dim=(2, 3), keepdim=True)  # (n, c, 1, 1)
    return _scaled((alpha * A).sum(dim=1).clamp(min=0))


def _scaled(M: Tensor) -> Tensor:
    """Each map by its largest value, if that is positive: M (n, h, w)."""
    largest = M.amax(dim=(1, 2), keepdim=True)  # (n, 1, 1)
    return M / torch.where(largest > 0, largest, torch.ones_like(largest))


def _raw(A: Tensor, G: Tensor) -> Tensor:
    """Before the ReLU: (n, h, w)."""
    return (G.mean(dim=(2, 3), keepdim=True) * A).sum(dim=1)


def _by_range(M: Tensor) -> Tensor:
    low = M.amin(dim=(1, 2), keepdim=True)
    return _scaled(M - low)


def _class_map_cases(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    A = tensor([[[[1.0, 0.5, 2.0], [0.0, 4.0, 1.5]], [[2.0, 0.0, 3.0], [1.0, 0.5, 2.5]]]])
    G = tensor([[[[2.0, 0.0, 1.0], [1.5, 0.5, 1.0]], [[-0.5, -1.5, 0.0], [0.5, -1.0, -0.5]]]])
    yield A, G
    yield A.repeat(2, 1, 1, 1) * tensor([1.0, 3.0])[:, None, None, None], torch.cat([G, -G / 2])
    yield A, -G.abs()  # nothing positive
    for n, c, h, w in ((1, 3, 4, 2), (3, 2, 3, 5), (4, 6, 2, 3)):
        A = torch.randn(n, c, h, w, generator=generator).relu()
        yield A, torch.randn(n, c, h, w, generator=generator)
    A = torch.randn(3, 2, 2, 4, generator=generator)  # maps without a ReLU
    G = torch.randn(3, 2, 2, 4, generator=generator)
    yield A * 1e-6, G


class_map = Exercise(
    reference=_class_map,
    cases=_class_map_cases,
    mistakes=[
        (
            lambda A, G: _scaled((A * G).sum(dim=1).clamp(min=0)),
            "You multiply by the derivative at each position. Grad-CAM has one weight for each "
            "channel, the mean of its derivatives.",
        ),
        (
            lambda A, G: _raw(A, G).clamp(min=0),
            "The maps are right, but not yet divided by their largest value.",
        ),
        (
            lambda A, G: _scaled(_raw(A, G)),
            "Negative values are left over. What speaks against the class is cut off at 0.",
        ),
        (
            lambda A, G: (M := _raw(A, G)) / M.amax(dim=(1, 2), keepdim=True),
            "Negative values are left over. What speaks against the class is cut off at 0.",
        ),
        (
            lambda A, G: _scaled(_raw(A, G).abs()),
            "You take absolute values. Where the sum is negative, the map is 0.",
        ),
        (
            lambda A, G: _scaled((G.mean(dim=(2, 3), keepdim=True) * A).clamp(min=0).sum(dim=1)),
            "You cut off each channel before you add them. A channel that speaks against the "
            "class has to count in the sum.",
        ),
        (
            lambda A, G: _scaled(
                (G.mean(dim=(2, 3), keepdim=True).clamp(min=0) * A).sum(dim=1).clamp(min=0)
            ),
            "You leave out the channels with negative weights. The ReLU comes after the sum.",
        ),
        (
            lambda A, G: _scaled(
                (G.clamp(min=0).mean(dim=(2, 3), keepdim=True) * A).sum(dim=1).clamp(min=0)
            ),
            "You average the positive derivatives only. The mean takes all of them.",
        ),
        (
            lambda A, G: _scaled(
                (G.abs().mean(dim=(2, 3), keepdim=True) * A).sum(dim=1).clamp(min=0)
            ),
            "You average absolute derivatives, so no channel can speak against the class.",
        ),
        (
            lambda A, G: _scaled(A.mean(dim=1).clamp(min=0)),
            "Your map does not use `G`: it is the same for every class.",
        ),
        (
            lambda A, G: _scaled((A.mean(dim=(2, 3), keepdim=True) * G).sum(dim=1).clamp(min=0)),
            "You average the feature maps and keep the derivatives. It is the other way round.",
        ),
        (
            lambda A, G: _scaled((G.mean(dim=(0, 2, 3), keepdim=True) * A).sum(dim=1).clamp(min=0)),
            "You average over the images, too. Each image has weights of its own.",
        ),
        (
            lambda A, G: _scaled((G.mean(dim=1, keepdim=True) * A).sum(dim=1).clamp(min=0)),
            "You average over the channels. The weights are means over the positions.",
        ),
        (
            lambda A, G: (M := _raw(A, G).clamp(min=0)) / M.max().clamp(min=1e-30),
            "You divide all maps by one largest value. Each map has its own.",
        ),
        (
            lambda A, G: (M := _raw(A, G).clamp(min=0)) / M.amax(dim=(1, 2), keepdim=True),
            "A map that is 0 everywhere becomes NaN, since its largest value is 0. It should "
            "stay 0.",
        ),
        (
            lambda A, G: (
                (M := _raw(A, G).clamp(min=0)) / M.sum(dim=(1, 2), keepdim=True).clamp(min=1e-30)
            ),
            "You divide by the sum of a map. Divide by its largest value.",
        ),
        (
            lambda A, G: _by_range(_raw(A, G).clamp(min=0)),
            "You subtract the smallest value before you divide. Only the division is asked for.",
        ),
        (
            lambda A, G: (
                (M := _raw(A, G).clamp(min=0)) / M.amax(dim=2, keepdim=True).clamp(min=1e-30)
            ),
            "You divide each row by its own largest value. Take that of the whole map.",
        ),
        (
            given(_class_map, A=torch.relu),
            "You cut off the feature maps at 0 first. Their negative values count in the sum.",
        ),
        (
            lambda A, G: (M := _raw(A, G).clamp(min=0)) / (M.amax(dim=(1, 2), keepdim=True) + 1e-6),
            "You add a small number to what you divide by. In a map of small values it is not "
            "small.",
        ),
        (
            lambda A, G: (M := _raw(A, G).clamp(min=0)) / (M.amax(dim=(1, 2), keepdim=True) + 1e-8),
            "You add a small number to what you divide by. In a map of small values it is not "
            "small.",
        ),
        (
            lambda A, G: (M := _raw(A, G).clamp(min=0)) / M.max(),
            "You divide all maps by one largest value. Each map has its own.",
        ),
        (
            lambda A, G: (M := _raw(A, G)) / M.abs().amax(dim=(1, 2), keepdim=True),
            "Negative values are left over. What speaks against the class is cut off at 0.",
        ),
        (
            lambda A, G: _scaled(
                (G.mean(dim=(2, 3), keepdim=True).abs() * A).sum(dim=1).clamp(min=0)
            ),
            "You take the absolute value of each weight, so no channel can speak against the "
            "class.",
        ),
        (
            lambda A, G: _scaled((G.amax(dim=(2, 3), keepdim=True) * A).sum(dim=1).clamp(min=0)),
            "You take the largest derivative of a channel. Its weight is the mean.",
        ),
    ],
)
