"""Training pictures: found in folders, without test images, decoded once and cached as raw arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtsr_bench.datasets.preparing import ground_truth
from rtsr_bench.errors import UserError
from rtsr_bench.files.cache import cache_folder
from rtsr_bench.files.hashing import files_sha256
from rtsr_bench.files.writing import replacing
from rtsr_bench.images.io import read_rgb, read_size
from rtsr_bench.images.resize import pillow_bicubic
from rtsr_bench.protocol import Size
from rtsr_bench.training.tested import what_is_tested

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

LARGEST = Size(2160, 3840)
"""Larger pictures are reduced to cover this size and cropped, like Open4K's ground truth, for equal sharpness."""

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
"""Suffixes of the supported formats; other files in the folder are ignored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One file to train on; `sha256` is that of its bytes."""

    path: Path
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def find_pictures(*folders: Path) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The pictures of the folders in the order of their hashes, and the names of those left out as test images.

    Images in `what_is_tested` are left out by the hash of the file or of its pixels, not by name. UserError if a folder
    has nothing to train on, or a picture cannot be read.
    """
    kept: dict[str, Picture] = {}
    left_out: list[str] = []
    for folder in folders:
        pictures = _pictures(folder)
        tested = [picture for picture in pictures if _is_tested(picture)]
        if len(tested) == len(pictures):
            found = f"only {len(tested)} images of test sets" if tested else "none"
            raise UserError(f"--data {folder}: expected pictures to train on, found {found}; name another folder")
        left_out += [picture.name for picture in tested]
        for picture in pictures:
            if picture not in tested:
                kept.setdefault(picture.sha256, picture)
    return tuple(kept[sha256] for sha256 in sorted(kept)), tuple(left_out)


def _pictures(folder: Path) -> tuple[Picture, ...]:
    """The pictures in a folder; of identical files only the first by name."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise UserError(f"--data {folder}: expected a folder of pictures, found {found}; check the path")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
    hashes = files_sha256(files)
    once = {hashes[path]: path for path in reversed(files)}
    return tuple(Picture(path=path, sha256=sha256) for sha256, path in sorted(once.items(), key=lambda item: item[1]))


def _is_tested(picture: Picture) -> bool:
    known = what_is_tested()
    if picture.sha256 in known.files:
        return True
    size = read_size(picture.path, what="picture", any_orientation=True)
    # A larger picture is checked at its training size, because Open4K's ground truth is made from originals that way.
    return known.may_hold(LARGEST if _covers(size) else size) and known.holds(pixels(picture, 1))


def _covers(size: Size) -> bool:
    return size.height >= LARGEST.height and size.width >= LARGEST.width


def pixels(picture: Picture, shrink: int) -> NDArray[np.uint8]:
    """The picture's pixels, uint8 H x W x 3, at most `LARGEST`, at 1 / `shrink` of the size, mapped from the cache.

    UserError for a file that is not a picture, or if the cache cannot be written.
    """

    def decoded() -> NDArray[np.uint8]:
        full = read_rgb(picture.path, what="picture", drop_alpha=True, any_orientation=True)
        if _covers(Size(*full.shape[:2])):
            full = ground_truth(full, LARGEST)
        if shrink == 1:
            return full
        return pillow_bicubic(full, Size(max(1, full.shape[0] // shrink), max(1, full.shape[1] // shrink)))

    return cached(picture, f"{shrink}", decoded)


def cached(picture: Picture, what: str, made: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The result of `made`, mapped from the cache under the picture and `what`; UserError if it cannot be written."""
    kept = cache_folder() / "training" / f"{picture.sha256[:32]}-{what}.npy"
    if not kept.is_file():
        _keep(kept, np.ascontiguousarray(made()))
    return np.load(kept, mmap_mode="r")  # type: ignore[no-any-return]  # numpy types a load as Any


def _keep(path: Path, array: NDArray[Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, array)
    except OSError as error:
        hint = "free some space or name another folder with RTSR_BENCH_CACHE"
        raise UserError(f"{path.parent}: expected room for decoded pictures, found: {error.strerror}; {hint}") from None


def split(pictures: Sequence[Picture], validation: int) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """The pictures to train on, and the last `validation` of them, which are only for validation."""
    if len(pictures) <= validation:
        raise UserError(
            f"expected more pictures than the recipe keeps for validation ({validation}), found {len(pictures)}; "
            "give more, or lower validation_pictures"
        )
    return tuple(pictures[:-validation]), tuple(pictures[-validation:])
