"""Whole pictures that are degraded once and cached: cutting a sample from them takes a fifth of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import PIL

from rtsr_bench.images.degrade import degrade
from rtsr_bench.training.pictures import cached, pixels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from rtsr_bench.training.pictures import Picture

    Pixels = NDArray[np.uint8]

BLOCK = 16
"""Side in HR pixels of the blocks for which detail is computed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Degraded:
    """One picture at one size: HR, LR by degradation, and the summed-area table of the detail of its blocks."""

    hr: Pixels
    lr: dict[str, Pixels]
    sums: NDArray[np.float32]

    def window(self, side: int, scale: int, candidates: int, draw: np.random.Generator) -> tuple[int, int]:
        """Row and column in LR of the most detailed of `candidates` random windows, `side` LR pixels wide."""
        rows, columns = next(iter(self.lr.values())).shape[:2]
        places = draw.integers((0, 0), (rows - side, columns - side), size=(candidates, 2), endpoint=True)
        low = places * scale // BLOCK
        high = np.minimum(np.maximum((places + side) * scale // BLOCK, low + 1), np.array(self.sums.shape) - 1)
        (top, left), (bottom, right) = low.T, high.T
        detail = (
            self.sums[bottom, right] - self.sums[top, right] - self.sums[bottom, left] + self.sums[top, left]
        ) / np.maximum(1, (bottom - top) * (right - left))
        row, column = places[int(np.argmax(detail))]
        return int(row), int(column)


def degraded(picture: Picture, shrink: int, scale: int, degradations: Iterable[str]) -> Degraded:
    """A picture at one `shrink`-th of its size with its LR images, all mapped from the cache."""
    hr = pixels(picture, shrink)

    def small(name: str) -> Pixels:
        # Another encoder produces other pixels, so its version is part of the name.
        kept = f"{shrink}-x{scale}-{name}-pillow{PIL.__version__}"
        return cached(picture, kept, lambda: degrade(hr, scale, name, image=picture.sha256))

    lr = {name: small(name) for name in degradations}
    sums = cached(picture, f"{shrink}-detail", lambda: _sums(hr))
    return Degraded(hr=hr, lr=lr, sums=np.array(sums))


def _sums(hr: Pixels) -> NDArray[np.float32]:
    """Summed-area table of each block's mean absolute difference of neighbours in the green channel."""
    rows, columns = hr.shape[0] // BLOCK, hr.shape[1] // BLOCK
    green = hr[: rows * BLOCK : 2, : columns * BLOCK : 2, 1].astype(np.int16)
    detail = np.zeros(green.shape, np.float32)
    detail[1:] += np.abs(np.diff(green, axis=0))
    detail[:, 1:] += np.abs(np.diff(green, axis=1))
    half = BLOCK // 2
    blocks = detail.reshape(rows, half, columns, half).mean(axis=(1, 3))
    sums = np.zeros((rows + 1, columns + 1), np.float32)
    sums[1:, 1:] = blocks.cumsum(axis=0).cumsum(axis=1)
    return sums
