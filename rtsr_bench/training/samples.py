"""Training samples: each is a pure function of the recipe's seed and the sample's number, so a run can resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from rtsr_bench.errors import UserError
from rtsr_bench.images.degrade import degrade, parse_degradation
from rtsr_bench.training.degraded import degraded
from rtsr_bench.training.pictures import pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from rtsr_bench.training.degraded import Degraded
    from rtsr_bench.training.pictures import Picture
    from rtsr_bench.training.recipe import Recipe

    Pixels = NDArray[np.uint8]

MARGIN = 16
"""LR pixels that are degraded around a crop and cut off at a random offset: the resize sees the neighbourhood of the
crop, as in a whole picture, and JPEG's blocks of 8 and 16 pixels start at any position."""


class _Drawn(torch.utils.data.Dataset[tuple["Tensor", "Tensor"]]):
    """LR and HR crops, uint8 `(3, L, L)` and `(3, L * scale, L * scale)`, by number from 0 to `len() - 1`."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe
        names, weights = zip(*recipe.degradations.items(), strict=True)
        self._names: tuple[str, ...] = names
        self._shares = np.cumsum(weights) / np.sum(weights)

    def __len__(self) -> int:
        """Number of samples of the recipe."""
        return self._recipe.iterations * self._recipe.batch

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Draw sample `number`: picture, window, degradation, offset, flips and transposition."""
        draw = np.random.default_rng((self._recipe.seed, number))
        pair = self._pair(draw)
        way = int(draw.integers(8))
        low, high = (torch.from_numpy(_turned(part, way)).permute(2, 0, 1) for part in pair)
        return low, high

    def _pair(self, draw: np.random.Generator) -> tuple[Pixels, Pixels]:
        raise NotImplementedError

    def _degradation(self, draw: np.random.Generator) -> str:
        return self._names[int(np.searchsorted(self._shares, draw.random(), side="right"))]


class CropSamples(_Drawn):
    """Crops that are degraded individually, with a margin around them."""

    def __init__(self, recipe: Recipe, pictures: Sequence[Picture]) -> None:
        super().__init__(recipe)
        self._arrays = [[pixels(picture, shrink) for shrink in recipe.shrink] for picture in pictures]
        least = recipe.hr_crop + MARGIN * recipe.scale
        for picture, arrays in zip(pictures, self._arrays, strict=True):
            for array, shrink in zip(arrays, recipe.shrink, strict=True):
                if min(array.shape[:2]) < least:
                    raise _too_small(picture, array, shrink, least)

    def _pair(self, draw: np.random.Generator) -> tuple[Pixels, Pixels]:
        window = self._window(draw)
        scale, side = self._recipe.scale, self._recipe.lr_crop
        name = self._degradation(draw)
        # A number is drawn only if needed, so that the samples of other recipes do not change.
        image = str(draw.integers(2**63)) if parse_degradation(name).random else ""
        lr = degrade(window, scale, name, image=image)
        top, left = (int(place) for place in draw.integers(0, MARGIN, size=2, endpoint=True))
        return (
            lr[top : top + side, left : left + side],
            window[top * scale : (top + side) * scale, left * scale : (left + side) * scale],
        )

    def _window(self, draw: np.random.Generator) -> Pixels:
        """The most detailed of some random windows of one picture, including the margin."""
        shrunk = self._arrays[int(draw.integers(len(self._arrays)))]
        array = shrunk[int(draw.integers(len(shrunk)))]
        return _drawn(array, self._recipe.hr_crop + MARGIN * self._recipe.scale, self._recipe.candidates, draw)


class PictureSamples(_Drawn):
    """Crops from pictures that were degraded as a whole, in the sizes that are large enough for a crop."""

    def __init__(self, recipe: Recipe, pictures: Sequence[Picture]) -> None:
        super().__init__(recipe)
        self._pictures: list[list[Degraded]] = []
        for picture in pictures:
            arrays = {shrink: pixels(picture, shrink) for shrink in sorted(recipe.shrink)}
            room = [shrink for shrink, array in arrays.items() if min(array.shape[:2]) >= recipe.hr_crop + recipe.scale]
            if not room:
                shrink, array = next(iter(arrays.items()))
                raise _too_small(picture, array, shrink, recipe.hr_crop + recipe.scale)
            self._pictures.append([degraded(picture, shrink, recipe.scale, recipe.degradations) for shrink in room])

    def _pair(self, draw: np.random.Generator) -> tuple[Pixels, Pixels]:
        sizes = self._pictures[int(draw.integers(len(self._pictures)))]
        picture = sizes[int(draw.integers(len(sizes)))]
        scale, side = self._recipe.scale, self._recipe.lr_crop
        lr = picture.lr[self._degradation(draw)]
        row, column = picture.window(side, scale, self._recipe.candidates, draw)
        return (
            lr[row : row + side, column : column + side],
            picture.hr[row * scale : (row + side) * scale, column * scale : (column + side) * scale],
        )


def samples_of(recipe: Recipe, pictures: Sequence[Picture]) -> CropSamples | PictureSamples:
    """The recipe's samples; UserError for a picture that is too small for its crops."""
    return PictureSamples(recipe, pictures) if recipe.degraded == "pictures" else CropSamples(recipe, pictures)


def _too_small(picture: Picture, array: Pixels, shrink: int, least: int) -> UserError:
    found = f"{array.shape[0]}x{array.shape[1]}" + (f" when shrunk {shrink} times" if shrink > 1 else "")
    return UserError(
        f"{picture.path}: expected at least {least} pixels per side for the crops, found {found}; "
        "remove it, or lower hr_crop or shrink"
    )


def validation_crops(recipe: Recipe, pictures: Sequence[Picture], degradation: str) -> tuple[Tensor, Tensor]:
    """Fixed validation crops: uint8 LR `(N, 3, L, L)` and HR, with twice the side of the training crops.

    They come from pictures that are not trained on, at full size.
    """
    scale, side = recipe.scale, 2 * recipe.hr_crop
    lows, highs = [], []
    draw = np.random.default_rng(recipe.seed + 1)
    for number in range(recipe.validation_crops):
        array = pixels(pictures[number % len(pictures)], 1)
        if min(array.shape[:2]) < side:
            raise UserError(
                f"{pictures[number % len(pictures)].path}: expected at least {side} pixels per side to validate"
            )
        hr = _drawn(array, side, recipe.candidates, draw)
        lows.append(torch.from_numpy(degrade(hr, scale, degradation, image=f"validation {number}")).permute(2, 0, 1))
        highs.append(torch.from_numpy(hr).permute(2, 0, 1))
    return torch.stack(lows), torch.stack(highs)


def _drawn(array: Pixels, side: int, candidates: int, draw: np.random.Generator) -> Pixels:
    """The most detailed of `candidates` random square windows."""
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
