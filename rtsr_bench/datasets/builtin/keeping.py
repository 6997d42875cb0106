"""Pixels of a built-in image, checked against their hash, and cached so that each is drawn once per machine."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.datasets.builtin.catalogue import BuiltinImage, builtin_images, left_out
from rtsr_bench.errors import HarnessError, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def image_pixels(image: BuiltinImage | str) -> NDArray[np.uint8]:
    """The pixels of an image, or of the one with this name, as uint8 H x W x 3 RGB.

    They come from the cache if they have the pinned hash; otherwise they are drawn and cached, replacing a damaged or
    foreign file. UserError for an unknown name; HarnessError, naming both hashes, if the drawn image does not match.
    """
    if isinstance(image, str):
        image = _named(image)
    path = _folder() / image.name
    kept = _kept(path, image)
    if kept is not None:
        return kept
    pixels = image.render()
    found = _sha256(pixels)
    if found != image.sha256:
        raise HarnessError(
            f"built-in image {image.name}: expected pixels with SHA-256 {image.sha256}, found {found}: please report "
            "this with your CPU and the versions of numpy and numba"
        )
    _keep(path, pixels)
    return pixels


def _named(name: str) -> BuiltinImage:
    images = builtin_images()
    for image in images:
        if image.name == name:
            return image
    if reason := left_out().get(name):
        raise UserError(reason)
    raise UserError(f"no built-in image {name!r}: expected one of {', '.join(image.name for image in images)}")


def _folder() -> Path:
    from rtsr_bench.files.cache import cache_folder

    return cache_folder() / "builtin-v1"


def _sha256(pixels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def _kept(path: Path, image: BuiltinImage) -> NDArray[np.uint8] | None:
    """The cached image, if it exists and matches."""
    from rtsr_bench.images.io import read_rgb

    if not path.is_file():
        return None
    try:
        pixels = read_rgb(path, what="built-in image")
    except (UserError, OSError):
        return None
    return (
        pixels
        if pixels.shape[:2] == (image.size.height, image.size.width) and _sha256(pixels) == image.sha256
        else None
    )


def _keep(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write atomically: two processes may draw the same image at once, with the same result."""
    from rtsr_bench.images.io import write_png

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, pixels)
    except (HarnessError, OSError) as error:
        # The image is right; drawing it again next time is only slow.
        warnings.warn(f"{path.name} could not be cached: {error}", RuntimeWarning, stacklevel=3)
