"""The game-like scene: a courtyard with a checkered floor."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.scenes import rays
from rtsr_bench.datasets.builtin.scenes import tracer as t

Row = tuple[float, ...]


def _world(boxes: list[Row], columns: list[Row], spheres: list[Row], sheets: list[Row], numbers: Row) -> rays.World:
    def table(rows: list[Row], width: int) -> NDArray[np.float64]:
        return np.array(rows, dtype=np.float64).reshape(len(rows), width)

    standing: list[Row] = [(x - r, y0, z - r, x + r, y1, z + r) for x, z, r, y0, y1, *_ in columns]
    hanging: list[Row] = [
        (at, y0, a0, at, y1, a1) if axis == 0 else (a0, y0, at, a1, y1, at) for axis, at, a0, a1, y0, y1, *_ in sheets
    ]
    groups = (table(_groups(boxes), 8), table(_groups(standing), 8), table(_groups(hanging), 8))
    things = (table(boxes, 8), table(columns, 7), table(spheres, 6), table(sheets, 8))
    return (*things, np.array(numbers, dtype=np.float64), *groups)


def _groups(rows: list[Row], size: int = 6) -> list[Row]:
    """Neighbours in the list, by sixes: the box round them, the first and the end. Rays that miss it miss them all."""
    groups: list[Row] = []
    for first in range(0, len(rows), size):
        some = rows[first : first + size]
        low = [min(row[i] for row in some) for i in range(3)]
        high = [max(row[i] for row in some) for i in range(3, 6)]
        groups.append((*low, *high, float(first), float(first + len(some))))
    return groups


def _numbers(
    sun: Row, colour: Row, haze: float, zenith: Row, horizon: Row, clouds: Row, ground: tuple[int, float, float]
) -> Row:
    """Direction and colour of the sun, haze per metre, sky, where clouds begin and their seed, the ground's look."""
    length = sqrt(sun[0] * sun[0] + sun[1] * sun[1] + sun[2] * sun[2])
    direction = tuple(part / length for part in sun)
    return (*direction, *colour, haze, 0.0, *zenith, *horizon, *clouds, float(ground[0]), *ground[1:])


def courtyard() -> NDArray[Any]:
    """Checkered floor to the horizon, brick arcade, columns, crates, chrome spheres, fences, wires."""
    boxes: list[Row] = [
        (-9.5, 0.0, 3.0, -8.0, 6.2, 46.0, t.BRICK, 11),
        (-9.7, 6.2, 2.8, -7.8, 6.5, 46.2, t.CONCRETE, 12),
        (-30.0, 0.0, 46.0, -6.0, 9.0, 60.0, t.PLASTER, 13),
        (9.0, 0.0, 12.0, 20.0, 11.0, 40.0, t.FACADE, 15),
        (8.8, 11.0, 11.8, 20.2, 11.5, 40.2, t.CONCRETE, 16),
        (4.0, 0.0, 62.0, 26.0, 17.0, 80.0, t.FACADE, 17),
        (-24.0, 0.0, 75.0, -2.0, 13.0, 95.0, t.BRICK, 18),
        (-3.2, 0.0, 9.0, -2.0, 1.2, 10.2, t.CRATE, 21),
        (-4.5, 0.0, 9.3, -3.3, 1.2, 10.5, t.CRATE, 22),
        (-3.9, 1.2, 9.2, -2.7, 2.4, 10.4, t.CRATE, 23),
        (-1.7, 0.0, 11.0, -0.9, 0.8, 11.8, t.CRATE, 24),
        (3.2, 0.0, 16.0, 5.8, 2.5, 22.0, t.PANEL, 31),
        (3.3, 2.5, 16.6, 5.7, 4.9, 22.4, t.PANEL, 32),
        (-0.9, 0.0, 26.0, 1.7, 2.6, 32.0, t.PANEL, 33),
        (-7.9, 0.0, 5.0, -7.2, 0.5, 42.0, t.CONCRETE, 35),
    ]
    for i in range(9):
        boxes.append((-8.05, 3.8, 5.2 + 4.4 * i, -7.96, 5.6, 6.8 + 4.4 * i, t.FACADE, 40 + i))
        boxes.append((-8.0, 3.65, 5.0 + 4.4 * i, -7.80, 3.8, 7.0 + 4.4 * i, t.CONCRETE, 60 + i))
    columns: list[Row] = []
    for i in range(9):
        z = 8.0 + 4.4 * i
        columns.append((-5.6, z, 0.30, 0.35, 4.4, t.MARBLE, 71 + i))
        boxes.append((-6.02, 0.0, z - 0.42, -5.18, 0.35, z + 0.42, t.CONCRETE, 81))
        boxes.append((-6.02, 4.4, z - 0.42, -5.18, 4.75, z + 0.42, t.CONCRETE, 82))
    boxes.append((-6.1, 4.75, 6.8, -5.1, 5.3, 45.0, t.CONCRETE, 83))
    columns += [(7.1, 7.0 + 9.0 * i, 0.07, 0.0, 7.4, t.IRON, 0) for i in range(5)]
    columns += [(6.2, 4.0 + 2.0 * i, 0.035, 0.0, 2.25, t.IRON, 0) for i in range(13)]
    spheres: list[Row] = [
        (0.9, 0.75, 7.6, 0.75, t.CHROME, 1),
        (2.35, 0.42, 6.5, 0.42, t.MARBLE, 2),
        (-0.55, 0.30, 6.1, 0.30, t.CHROME, 3),
        (1.6, 0.95, 13.0, 0.95, t.MARBLE, 4),
    ]
    sheets: list[Row] = [
        (0, 6.2, 4.0, 28.0, 0.04, 2.2, rays.LINKS, 0.11),
        (2, 24.5, -4.6, 3.0, 0.05, 1.5, rays.BARS, 0.13),
        (2, 36.0, 4.2, 5.3, 0.0, 15.0, rays.LATTICE, 1.1),
    ]
    for i in range(4):
        for k, (height, sag) in enumerate(((7.2, 0.75), (6.9, 0.85), (6.5, 0.6), (6.2, 0.95))):
            z = 7.0 + 9.0 * i
            sheets.append((0, 7.1 - 0.12 * k, z, z + 9.0, height - sag, height, rays.WIRE, 0.014))
    sheets += [(2, 15.0 + 6.0 * k, -8.0, 9.0, 5.6 + 0.2 * k, 7.0 + 0.2 * k, rays.WIRE, 0.012) for k in range(5)]
    numbers = _numbers(
        (0.62, 0.70, -0.36), (1.95, 1.70, 1.32), 0.0042, (0.13, 0.29, 0.60), (0.66, 0.74, 0.82), (-0.02, 801.0),
        (t.CHECKER, 1.0, 0.07),
    )  # fmt: skip
    world = _world(boxes, columns, spheres, sheets, numbers)
    return t.trace(3840, 2160, world, t.camera((0.2, 1.85, 0.0), -0.03, -0.015, 0.66))
