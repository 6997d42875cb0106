"""Training samples: each one a pure function of the recipe's seed and the sample's number, so that a run can resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from rtsr_bench.errors import UserError
from rtsr_bench.images.degrade import degrade
from rtsr_bench.training.pictures import pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from rtsr_bench.training.pictures import Picture
    from rtsr_bench.training.recipe import Recipe

    Pixels = NDArray[np.uint8]

MARGIN = 16
"""LR pixels that are degraded around a crop and cut off at random: a resize sees what lies beside the crop, as in a
whole picture, and JPEG's blocks of 8 and 16 pixels begin anywhere in it."""


class Samples(torch.utils.data.Dataset[tuple["Tensor", "Tensor"]]):
    """LR and HR crops, uint8 `(3, L, L)` and `(3, L * scale, L * scale)`, by number from 0 to `len() - 1`."""

    def __init__(self, recipe: Recipe, pictures: Sequence[Picture]) -> None:
        super().__init__()
        self._recipe = recipe
        self._arrays = [[pixels(picture, shrink) for shrink in recipe.shrink] for picture in pictures]
        least = recipe.hr_crop + MARGIN * recipe.scale
        for picture, arrays in zip(pictures, self._arrays, strict=True):
            for array, shrink in zip(arrays, recipe.shrink, strict=True):
                if min(array.shape[:2]) < least:
                    found = f"{array.shape[0]}x{array.shape[1]}" + (
                        f" when shrunk {shrink} times" if shrink > 1 else ""
                    )
                    raise UserError(
                        f"{picture.path}: expected at least {least} pixels a side for the crops, found {found}; "
                        "take it out, or lower hr_crop or shrink"
                    )
        names, weights = zip(*recipe.degradations.items(), strict=True)
        self._names, self._shares = names, np.cumsum(weights) / np.sum(weights)

    def __len__(self) -> int:
        """As many as the recipe trains with."""
        return self._recipe.iterations * self._recipe.batch

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Draw sample `number`: picture, window, degradation, offset, flips and transposition."""
        recipe = self._recipe
        draw = np.random.default_rng((recipe.seed, number))
        window = self._window(draw)
        degradation = self._names[int(np.searchsorted(self._shares, draw.random(), side="right"))]
        lr = degrade(window, recipe.scale, degradation)
        top, left = (int(place) for place in draw.integers(0, MARGIN, size=2, endpoint=True))
        scale, side = recipe.scale, recipe.lr_crop
        pair = (
            lr[top : top + side, left : left + side],
            window[top * scale : (top + side) * scale, left * scale : (left + side) * scale],
        )
        way = int(draw.integers(8))
        low, high = (torch.from_numpy(_turned(part, way)).permute(2, 0, 1) for part in pair)
        return low, high

    def _window(self, draw: np.random.Generator) -> Pixels:
        """The most detailed of some windows of one picture, with room for the margin."""
        shrunk = self._arrays[int(draw.integers(len(self._arrays)))]
        array = shrunk[int(draw.integers(len(shrunk)))]
        return _drawn(array, self._recipe.hr_crop + MARGIN * self._recipe.scale, self._recipe.candidates, draw)


def validation_crops(recipe: Recipe, pictures: Sequence[Picture], degradation: str) -> tuple[Tensor, Tensor]:
    """The same crops always: uint8 LR `(N, 3, L, L)` and HR, of twice the training crop's side.

    They come from pictures that are never trained on, at full size.
    """
    scale, side = recipe.scale, 2 * recipe.hr_crop
    lows, highs = [], []
    draw = np.random.default_rng(recipe.seed + 1)
    for number in range(recipe.validation_crops):
        array = pixels(pictures[number % len(pictures)], 1)
        if min(array.shape[:2]) < side:
            raise UserError(
                f"{pictures[number % len(pictures)].path}: expected at least {side} pixels a side to validate"
            )
        hr = _drawn(array, side, recipe.candidates, draw)
        lows.append(torch.from_numpy(degrade(hr, scale, degradation)).permute(2, 0, 1))
        highs.append(torch.from_numpy(hr).permute(2, 0, 1))
    return torch.stack(lows), torch.stack(highs)


def _drawn(array: Pixels, side: int, candidates: int, draw: np.random.Generator) -> Pixels:
    """The most detailed of some square windows at random."""
    windows = []
    for _ in range(candidates):
        top, left = (int(draw.integers(length - side, endpoint=True)) for length in array.shape[:2])
        windows.append(np.ascontiguousarray(array[top : top + side, left : left + side]))
    return max(windows, key=_detail) if len(windows) > 1 else windows[0]


def _turned(image: Pixels, way: int) -> Pixels:
    """One of the eight flips and rotations of an image."""
    image = image[::-1] if way & 1 else image
    image = image[:, ::-1] if way & 2 else image
    return np.ascontiguousarray(image.transpose(1, 0, 2) if way & 4 else image)


def _detail(window: Pixels) -> float:
    """Mean absolute difference of neighbours in the green channel of every second row and column."""
    green = window[::2, ::2, 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())
