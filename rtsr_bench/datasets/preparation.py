"""How a set's images are made from originals, and their expected hashes: read from its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsr_bench.files.table import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtsr_bench.datasets.originals import Original

GT = "GT"
"""The folder of HR images within a prepared set's folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelPin:
    """The expected SHA-256 of a prepared image's raw RGB bytes, a sample of them, and the file's SHA-256 if known.

    `sample` is `prepared.sampled` of the pixels, in base64; it shows by how much other pixels differ.
    """

    pixels: str
    sample: str
    file: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """How a set's images are made from originals.

    `pins` by path in the set's folder; `degradations` of the LR in each folder (`LR{n}`, n the scale); `take` is the
    folder of this set's LR, because several sets may share a preparation.
    """

    originals: tuple[Original, ...]
    pins: Mapping[str, PixelPin]
    degradations: Mapping[str, str]
    take: str

    def lr_path(self, folder: str, stem: str, scale: int) -> str:
        """The path of an LR image: JPEG keeps the encoder's own file, any other LR is a PNG."""
        from rtsr_bench.images.degrade import parse_degradation

        return f"{folder.format(n=scale)}/{stem}{parse_degradation(self.degradations[folder]).suffix}"

    def paths(self, scale: int, *, lr: bool = True) -> list[tuple[str, str | None]]:
        """The HR path of every image in order, and its LR path at this scale (None if `lr` is false)."""
        return [
            (f"{GT}/{one.stem}.png", self.lr_path(self.take, one.stem, scale) if lr else None)
            for one in sorted(self.originals, key=lambda one: one.stem)
        ]


def read_pins(text: str) -> dict[str, PixelPin]:
    """Pins by path, from lines `pixels-SHA-256 file-SHA-256 sample path` (`-` for a file that is not pinned).

    ValueError for a line of another form.
    """
    pins = {}
    for number, line in enumerate(text.splitlines(), 1):
        pixels, file, sample, path = (*line.split(" ", 3), "", "", "")[:4]
        if not path:
            raise ValueError(f"line {number}: expected hashes of pixels and file, sample and path, found {shown(line)}")
        pins[path] = PixelPin(pixels=pixels, file=None if file == "-" else file, sample=sample)
    return pins
