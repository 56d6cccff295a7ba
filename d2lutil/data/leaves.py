"""Drawn leaves: ten species, many plants of each, and what a camera adds."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from d2lutil._arguments import check_number

SIZE = 32  # of an image, in pixels
FEWEST, MOST = 4, 6  # leaves of a plant

Leaves: TypeAlias = tuple[Tensor, Tensor, Tensor]  # X (n, 3, 32, 32), y (n,), plants (n,)


class _Shape(NamedTuple):
    """What the outline and the veins of a species are made of."""

    width: float  # for a length of 1
    base: float  # above 0: widest near the tip, below 0: near the stalk
    tip: float  # how far the tip stands out
    lobes: int
    depth: float  # of the lobes
    teeth: int
    bite: float  # depth of the teeth
    veins: float  # how many side veins


SPECIES = (
    _Shape(0.44, -0.05, 0.10, 2, 0.00, 24, 0.00, 5.0),
    _Shape(0.52, -0.15, 0.18, 2, 0.00, 20, 0.06, 5.0),
    _Shape(0.64, -0.18, 0.10, 2, 0.00, 16, 0.09, 7.0),
    _Shape(0.62, 0.20, 0.00, 2, 0.00, 24, 0.00, 7.0),
    _Shape(0.80, -0.22, 0.25, 2, 0.00, 16, 0.06, 4.0),
    _Shape(0.82, -0.05, 0.08, 3, 0.16, 24, 0.00, 4.0),
    _Shape(0.90, -0.08, 0.10, 5, 0.15, 20, 0.06, 3.0),
    _Shape(0.92, -0.10, 0.10, 5, 0.27, 24, 0.00, 3.0),
    _Shape(0.62, 0.00, 0.06, 7, 0.13, 24, 0.00, 6.0),
    _Shape(0.72, 0.05, 0.08, 9, 0.15, 24, 0.00, 6.0),
)


def leaves(
    train_plants: int = 12,
    test_plants: int = 12,
    *,
    nuisance: float = 1.0,
    draw: int = 0,
) -> tuple[Leaves, Leaves]:
    """Draw leaves of ten species: several of every plant.

    Returns ``(train, test)``, each part ``(X, y, plants)``. ``X (n, 3, 32, 32)`` float32 from 0 to
    1; ``y (n,)`` int64, the species, 0 to 9; ``plants (n,)`` int64, the number of the plant that a
    leaf comes from. There are `train_plants` and `test_plants` plants of *each* species, with four
    to six leaves each, side by side. No plant is in both parts, and the numbers of the test
    plants follow those of the training plants.

    Synthetic: an outline in polar coordinates with the width, lobes, teeth and tip of the species,
    and veins. Each plant varies all of them, and has its own green, background, camera (brightness,
    colours, sharpness) and light. Each leaf varies the shape a little more, and has its own angle,
    size, position, holes and noise. `nuisance` scales all that does not come from the species: at 0
    all leaves of a species are the same.

    The same `draw` gives the same leaves; another one has other plants of the same species. A part
    with more plants begins with the plants of a part with fewer.

    Raises ``ValueError`` where a number of plants is not from 1 to 1,000, `nuisance` not from 0 to
    2 or `draw` negative; ``TypeError`` where one is no number, or one other than `nuisance` is not
    whole.

    >>> (X, y, plants), (X_test, y_test, test_plants) = leaves(2, 1)
    >>> X.shape[1:], y.unique().tolist() == list(range(10)), plants.max().item()
    (torch.Size([3, 32, 32]), True, 19)
    """
    check_number("train_plants", train_plants, least=1, most=1000, whole=True)
    check_number("test_plants", test_plants, least=1, most=1000, whole=True)
    check_number("nuisance", nuisance, least=0, most=2)
    check_number("draw", draw, least=0, whole=True)
    train = _part(train_plants, float(nuisance), (int(draw), 0))
    X, y, plants = _part(test_plants, float(nuisance), (int(draw), 1))
    return train, (X, y, plants + train_plants * len(SPECIES))


def _part(plants: int, nuisance: float, seed: tuple[int, int]) -> Leaves:
    """All leaves of so many plants of each species; each plant has a seed of its own."""
    images, numbers = [], []
    for plant in range(plants * len(SPECIES)):
        draw = np.random.default_rng((*seed, plant))
        images.append(_plant(SPECIES[plant % len(SPECIES)], nuisance, draw))
        numbers += [plant] * len(images[-1])
    numbers = torch.tensor(numbers)  # (n,)
    return torch.from_numpy(np.concatenate(images)), numbers % len(SPECIES), numbers


def _plant(shape: _Shape, nuisance: float, draw: np.random.Generator) -> np.ndarray:
    """The m leaves of one plant: (m, 3, 32, 32)."""
    m = int(draw.integers(FEWEST, MOST + 1))

    def own(spread: float) -> np.ndarray:
        """A deviation that all leaves of the plant share: (1,)."""
        return nuisance * spread * draw.standard_normal(1)

    def each(spread: float) -> np.ndarray:
        """A deviation of each leaf: (m, 1)."""
        return nuisance * spread * draw.standard_normal((m, 1))

    width = shape.width * np.exp(own(0.08) + each(0.03))  # (m, 1)
    base = shape.base + own(0.03) + each(0.01)
    tip = shape.tip + own(0.03) + each(0.01)
    depth = shape.depth * np.exp(own(0.15) + each(0.05))
    bite = shape.bite * np.exp(own(0.2) + each(0.1))
    size = 0.78 * np.exp(own(0.08) + each(0.04) - 0.05 * nuisance)
    across, along = 0.06 * nuisance * draw.uniform(-1, 1, (2, m, 1))
    angle = -np.pi / 2 + each(0.12)

    gx, gy = _grid()  # (1, p) each, -1 to 1
    dx, dy = gx - across, gy - along  # (m, p)
    x = (np.cos(angle) * dx + np.sin(angle) * dy) / size  # (m, p), from stalk to tip
    y = (np.cos(angle) * dy - np.sin(angle) * dx) / size
    theta, rho = np.arctan2(y, x), np.hypot(x, y)
    bend = each(0.15)  # the midrib is no straight line
    outline = width / np.hypot(width * np.cos(theta), np.sin(theta))
    outline *= 1 + base * np.cos(theta)
    outline *= 1 + tip * np.exp(-((theta / 0.3) ** 2))
    outline *= 1 + depth * (np.cos(shape.lobes * theta) - 0.3)
    outline *= 1 + bite * (np.cos(shape.teeth * theta) - 0.3)
    inside = np.clip((outline - rho) * size * SIZE / 2 + 0.5, 0, 1)  # (m, p)

    vein = np.abs(y - bend * x**2)  # from the midrib
    side = np.cos(np.pi * shape.veins * (x - 0.7 * vein) + own(1.0)) ** 8
    pale = (vein < 0.05) + 0.5 * side  # (m, p)
    for hole in draw.uniform(-0.7, 0.7, (3, 2, m, 1)):
        radius = nuisance * 0.15 * np.maximum(draw.uniform(-1, 1, (m, 1)), 0)
        inside *= np.hypot(x - hole[0], y - hole[1]) >= radius
    return _photograph(inside, pale, (gx, gy), nuisance, draw)


def _grid() -> np.ndarray:
    """The places of all pixels, from -1 to 1: (2, 1, p)."""
    line = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
    return np.stack(np.meshgrid(line, line)).reshape(2, 1, -1)


def _photograph(
    inside: np.ndarray,
    pale: np.ndarray,
    grid: np.ndarray,
    nuisance: float,
    draw: np.random.Generator,
) -> np.ndarray:
    """What the plant's camera makes of its leaves, inside (m, p) and pale (m, p)."""
    m = len(inside)
    gx, gy = grid
    green = np.array([0.30, 0.50, 0.20]) + nuisance * np.array([0.06, 0.06, 0.05]) * (
        draw.standard_normal(3)
    )
    vein = 0.10 + 0.06 * nuisance * draw.standard_normal()
    ground, other = 0.75 + nuisance * (
        draw.uniform(-0.15, 0.1, (2, 1)) + draw.uniform(-0.1, 0.1, (2, 3))
    )
    direction, waves = draw.uniform(0, np.pi), draw.uniform(2, 9)
    start = draw.uniform(0, 2 * np.pi, (m, 1))  # each leaf lies elsewhere
    along = np.cos(direction) * gx + np.sin(direction) * gy  # (1, p)
    pattern = nuisance * (0.5 + 0.5 * np.sin(waves * along + start))  # (m, p)
    leaf = green[:, None] + vein * pale[:, None]  # (m, 3, p)
    behind = ground[:, None] + (other - ground)[:, None] * pattern[:, None]  # (m, 3, p)
    image = behind + inside[:, None] * (leaf - behind)

    light, shade = draw.uniform(0, 2 * np.pi), 0.25 * nuisance * draw.uniform(0, 1, (m, 1))
    lit = 1 + shade * (np.cos(light) * gx + np.sin(light) * gy)  # (m, p)
    bright = 1 + nuisance * (0.12 * draw.standard_normal() + 0.03 * draw.standard_normal((m, 1, 1)))
    tint = 1 + 0.06 * nuisance * draw.standard_normal((3, 1))
    image = (image * lit[:, None] * bright * tint).reshape(m, 3, SIZE, SIZE)
    blur = 0.3 * nuisance * draw.uniform(0, 1) * draw.uniform(0.5, 1, (m, 1, 1, 1))
    for axis in (2, 3):
        ends = np.pad(image, [(0, 0), (0, 0)] + [(axis == k, axis == k) for k in (2, 3)], "edge")
        before, after = (np.take(ends, range(k, k + SIZE), axis) for k in (0, 2))
        image = image + blur * ((before + after) / 2 - image) * 1.5
    image = image + 0.02 * nuisance * draw.standard_normal(image.shape)
    return np.clip(image, 0, 1).astype(np.float32)
