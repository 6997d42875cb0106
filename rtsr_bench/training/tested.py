"""Test images, which are never trained on: recognised by the hash of the file and, if known, of the pixels.

BSD100 and Urban100 are recognised only by their files, because their images were not available here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from rtsr_bench.datasets.builtin import builtin_images
from rtsr_bench.datasets.recipes import published
from rtsr_bench.protocol import Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from rtsr_bench.datasets.recipes import SetRecipe

LIST = "classic.pixels"
"""File next to this module: a line `SHA-256 of the RGB bytes, height x width, path` per image of Set5 and Set14."""

_MULTIPLES = (1, 2, 3, 4)
"""Copies of the classic sets differ by a row or column: some crop HR to a multiple of the scale, others do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownImages:
    """`files` are SHA-256 of files, `pixels` of raw uint8 RGB rows, `sizes` the sizes of these images."""

    files: frozenset[str]
    pixels: frozenset[str]
    sizes: frozenset[Size]

    def may_hold(self, size: Size) -> bool:
        """Whether a picture of this size can be one of them; others need not be decoded."""
        return any(crop in self.sizes for crop in _crops(size))

    def holds(self, picture: NDArray[np.uint8]) -> bool:
        """Whether a picture, uint8 H x W x 3, is one of them, also after cropping to a multiple of a scale."""
        crops = [crop for crop in _crops(Size(*picture.shape[:2])) if crop in self.sizes]
        return any(pixels_sha256(picture[: crop.height, : crop.width]) in self.pixels for crop in crops)


def pixels_sha256(picture: NDArray[np.uint8]) -> str:
    """SHA-256 of the RGB bytes, row by row from the top."""
    return hashlib.sha256(picture.tobytes()).hexdigest()


@cache
def what_is_tested() -> KnownImages:
    """All test images of the published sets."""
    files: set[str] = set()
    pixels = {(image.sha256, image.size) for image in builtin_images()} | set(_classic())
    for recipe in published().values():
        files |= {pin.sha256 for pin in recipe.pins.values()}
        if recipe.preparation is not None:
            files |= {original.sha256 for original in recipe.preparation.originals}
            pixels |= set(_prepared(recipe))
    return KnownImages(
        files=frozenset(files),
        pixels=frozenset(sha256 for sha256, _ in pixels),
        sizes=frozenset(size for _, size in pixels),
    )


def _crops(size: Size) -> set[Size]:
    return {Size(size.height - size.height % by, size.width - size.width % by) for by in _MULTIPLES}


def _classic() -> Iterator[tuple[str, Size]]:
    for line in (resources.files(__package__) / LIST).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            sha256, size, _ = line.split(" ", 2)
            yield sha256, Size(*map(int, size.split("x")))


def _prepared(recipe: SetRecipe) -> Iterator[tuple[str, Size]]:
    """Pixel hashes of a prepared set with possible sizes: the set's size for HR, and divided by a scale for LR."""
    assert recipe.preparation is not None, "called only for prepared sets"
    assert recipe.hr_size is not None, "a prepared set states the size of its images"
    for pin in recipe.preparation.pins.values():
        for scale in (1, *recipe.scales):
            yield pin.pixels, Size(recipe.hr_size.height // scale, recipe.hr_size.width // scale)
