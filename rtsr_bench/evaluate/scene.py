"""A moving scene: a tall LR image over which the window of a frame moves down, three rows a frame.

Each scene is new: windows of a few synthetic pictures, mixed and with noise, as the image crops of a timing are. What a
frame shows does not change how long a network takes; that no model has seen it matters.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.evaluate.inputs import Crops
from rtsr_bench.protocol import Size
from rtsr_bench.wire import SCENE_STEP

ROWS = 2039
"""Rows at which a frame can begin. A prime number: so many frames pass before one comes again."""

_TILE = Size(480, 640)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A scene for frames of `size`; `pixels` are uint8, `size.height + ROWS - 1` rows of `size.width`, raw."""

    size: Size
    pixels: bytes

    @classmethod
    def new(cls, size: Size) -> Scene:
        """Make a scene that no model has seen: 18 MB and a third of a second for frames of 1080x1920."""
        return cls(size=size, pixels=Crops(pictures(), Size(size.height + ROWS - 1, size.width)).fresh())

    def frame(self, number: int, start: int) -> bytes:
        """Pixels of a frame of a run that began at the row `start`."""
        row, width = (start + number * SCENE_STEP) % ROWS, 3 * self.size.width
        return self.pixels[row * width : (row + self.size.height) * width]


def any_start() -> int:
    """Return a row to begin at, by lot."""
    return secrets.randbelow(ROWS)


@cache
def pictures() -> tuple[NDArray[np.uint8], ...]:
    """Rings that become finer outwards, boxes with hard edges, and noise of several scales."""
    height, width = _TILE.height, _TILE.width
    draw = np.random.default_rng(4)
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    rings = [np.cos((120 + 40 * channel) * (rows**2 + columns**2)) for channel in range(3)]
    boxes = np.zeros((height, width, 3))
    for _ in range(200):
        top, left = draw.integers(0, height), draw.integers(0, width)
        boxes[top : top + draw.integers(4, 90), left : left + draw.integers(4, 120)] = draw.uniform(-1, 1, 3)
    noise = np.zeros((height, width, 3))
    for scale in (1, 2, 4, 8, 16, 32):
        small = draw.normal(0, 0.1 * scale**0.5, (-(-height // scale), -(-width // scale), 3))
        noise += small.repeat(scale, axis=0).repeat(scale, axis=1)[:height, :width]
    pictures = (np.stack(rings, axis=2), boxes, noise)
    return tuple((127.5 + 127.5 * np.clip(one, -1, 1)).astype(np.uint8) for one in pictures)
