"""The photographs in scikit-image's wheel that are in the public domain or CC0.

Not used: `motorcycle_left/right` (no licence is stated), grey images, test patterns, and JPEG files,
of which another decoder may make other pixels; PNG is lossless.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.protocol import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Photograph:
    """A file in scikit-image's `data` folder; `source` names author and licence."""

    file: str
    size: Size
    source: str

    @property
    def name(self) -> str:
        """Its name in the set: the file's stem with `.png`, whatever format the wheel has."""
        return f"photo-{Path(self.file).stem.replace('_', '-')}.png"


PHOTOGRAPHS = (
    Photograph(
        file="astronaut.png",
        size=Size(512, 512),
        source="Eileen Collins, NASA Great Images, public domain; from scikit-image",
    ),
    Photograph(
        file="chelsea.png",
        size=Size(300, 451),
        source="Chelsea the cat, Stefan van der Walt, CC0; from scikit-image",
    ),
    Photograph(
        file="coffee.png",
        size=Size(400, 600),
        source="Coffee cup, Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0; from scikit-image",
    ),
)


def folder() -> Path | None:
    """scikit-image's data folder, found without importing scikit-image; None if it is not installed."""
    spec = importlib.util.find_spec("skimage")
    return Path(spec.origin).parent / "data" if spec and spec.origin else None


def decode(photograph: Photograph) -> NDArray[np.uint8]:
    """The pixels as uint8 H x W x 3 RGB; UserError, one line, if the installed scikit-image has no such file."""
    from rtsr_bench.images.io import read_rgb

    place = folder()
    if place is None:
        raise UserError(f"{photograph.name}: expected scikit-image, found none: install it (pip install scikit-image)")
    path = place / photograph.file
    if not path.is_file():
        version = importlib.metadata.version("scikit-image")
        raise UserError(
            f"{photograph.name}: expected {photograph.file} in scikit-image, found none in version {version}: "
            "install a version whose wheel contains it (0.26 does)"
        )
    return read_rgb(path, what="photograph")


def fault(photograph: Photograph, sha256: str) -> str | None:
    """Why this photograph cannot be used, in one line; None if its pixels match."""
    try:
        found = hashlib.sha256(decode(photograph).tobytes()).hexdigest()
    except UserError as error:
        return str(error)
    if found == sha256:
        return None
    return (
        f"{photograph.name}: expected pixels with SHA-256 {sha256}, found {found}: this scikit-image or image decoder "
        "gives other pixels, so the photograph is left out"
    )
