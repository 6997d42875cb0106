"""Sets prepared from originals: GT and LR made once, and identified by the SHA-256 of their pixels.

The pins fix the pixels of each prepared image, however its file is compressed. If a decoder or an encoder of this
machine produces other pixels, the note says by how much, and the set is not `verified`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from rtsr_bench.datasets.dataset import Dataset, ImagePair, PreparedImage
from rtsr_bench.datasets.layouts import shown
from rtsr_bench.datasets.preparation import GT
from rtsr_bench.errors import UserError
from rtsr_bench.files.hashing import files_sha256
from rtsr_bench.protocol import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rtsr_bench.datasets.preparation import Preparation
    from rtsr_bench.datasets.recipes import SetRecipe

ORIGINALS, KEPT = "originals", "prepared.json"
"""Within a prepared set's folder: the fetched files, and a list of what the files decode to."""

THREADS = 2
"""Images decoded or prepared in parallel: each takes a few 100 MB, and Pillow releases the interpreter lock."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_ROWS, _COLUMNS = 8, 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """The decoded content of a file: SHA-256 of the pixels, and a sample of them."""

    pixels: str
    sample: bytes


def sampled(pixels: NDArray[np.uint8]) -> bytes:
    """The RGB values at 8 x 12 evenly spaced positions of an image."""
    height, width = pixels.shape[:2]
    rows = [(2 * i + 1) * height // (2 * _ROWS) for i in range(_ROWS)]
    columns = [(2 * i + 1) * width // (2 * _COLUMNS) for i in range(_COLUMNS)]
    return pixels[rows][:, columns].tobytes()


def decoder() -> str:
    """The JPEG decoder of this machine, in words: the pixels of a JPEG depend on it."""
    import PIL
    from PIL import features

    turbo, plain = features.version("libjpeg_turbo"), features.version("jpg")
    return f"Pillow {PIL.__version__}, " + (f"libjpeg-turbo {turbo}" if turbo else f"libjpeg {plain}")


def decode(path: Path, file_sha256: str, recipe: SetRecipe) -> Decoded:
    """The pixels' hash and sample of a file, decoded once per process; UserError if it is damaged."""
    try:
        return _decoded(path, file_sha256)
    except UserError as error:
        raise UserError(str(error).replace("fetch it again", _anew(recipe))) from error


def _anew(recipe: SetRecipe) -> str:
    return f"`rtsr-bench data fetch {recipe.id}` makes it again"


@lru_cache(maxsize=4096)
def _decoded(path: Path, file_sha256: str) -> Decoded:  # noqa: ARG001 - the hash is the key of the cache
    from rtsr_bench.images.io import read_rgb

    pixels = read_rgb(path, what="HR image" if path.parent.name == GT else "LR image")
    return Decoded(pixels=hashlib.sha256(pixels.tobytes()).hexdigest(), sample=sampled(pixels))


def side_by_side(act: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
    """The results of `act`, in order, computed in parallel; after the first error no further item is started."""
    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(act, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def kept(folder: Path) -> dict[str, dict[str, str]]:
    """What `prepare` noted about its files, by path: `file` and `pixels` (SHA-256), `decoder`; empty if unreadable."""
    try:
        notes = json.loads((folder / KEPT).read_text(encoding="utf-8"))["files"]
        return {str(path): {str(key): str(value) for key, value in note.items()} for path, note in notes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def assembled(recipe: SetRecipe, folder: Path, scale: int, degradation: str) -> Dataset | None:
    """The prepared set in this folder; None if it is incomplete. UserError if a file is damaged."""
    preparation = _of(recipe)
    lr_made = not degradation.startswith("files")
    pairs = preparation.paths(scale, lr=not lr_made)
    paths = [path for pair in pairs for path in pair if path is not None]
    if not all((folder / path).is_file() for path in paths):
        return None
    _check_sizes(recipe, folder, pairs, scale)
    pixels = _pixels_of(recipe, folder, paths)
    differs = differences(recipe, folder, {path: found for path, found in pixels.items() if found is not None})
    said = [*differs, *([f"LR made from HR by {degradation}"] if lr_made else [])]
    sha256 = {path: found.pixels if found else preparation.pins[path].pixels for path, found in pixels.items()}
    assert recipe.hr_size is not None, "a prepared set states the size of its images"
    return Dataset(
        id=recipe.id,
        title=f"{recipe.title} (unverified copy)" if differs else recipe.title,
        scale=scale,
        pairs=tuple(
            ImagePair(
                name=PurePosixPath(hr).name,
                scale=scale,
                size=recipe.hr_size,
                hr_source=PreparedImage(path=folder / hr, sha256=sha256[hr], what="HR image"),
                lr_source=PreparedImage(path=folder / lr, sha256=sha256[lr], what="LR image") if lr else None,
                degradation=degradation,
            )
            for hr, lr in pairs
        ),
        verified=not differs,
        note="; ".join(said),
        license=recipe.license,
        folder=folder,
    )


def lacking(recipe: SetRecipe, folder: Path, scale: int) -> str:
    """Why a folder does not have the set at this scale, in a few words."""
    pairs = _of(recipe).paths(scale)
    absent = [path for pair in pairs for path in pair if path is not None and not (folder / path).is_file()]
    if len(absent) == 2 * len(pairs):
        return f"no prepared images in {folder}"
    return f"{len(absent)} of {2 * len(pairs)} prepared images are missing in {folder} ({shown(absent)})"


def differences(recipe: SetRecipe, folder: Path, found: Mapping[str, Decoded]) -> list[str]:
    """A line for each folder of images with other pixels than pinned: how many images, and by how much."""
    import numpy as np

    preparation = _of(recipe)
    lines = []
    for part in dict.fromkeys(path.partition("/")[0] for path in found):
        inside = {path: decoded for path, decoded in found.items() if path.startswith(f"{part}/")}
        other = {path: decoded for path, decoded in inside.items() if decoded.pixels != preparation.pins[path].pixels}
        if not other:
            continue
        gaps = []
        for path, decoded in other.items():
            pinned = np.frombuffer(base64.b64decode(preparation.pins[path].sample), np.uint8).astype(np.int16)
            gaps.append(np.abs(np.frombuffer(decoded.sample, np.uint8).astype(np.int16) - pinned))
        values = np.concatenate(gaps)
        # The decoder is known to differ only if both decoded the same bytes.
        same = all(_file(folder / path) == preparation.pins[path].file for path in other)
        who = "decodes to pixels other than pinned" if same else "differs from the pinned pixels"
        how_far = f"max {values.max()}, mean {values.mean():.2g} at {_ROWS * _COLUMNS} sampled positions each"
        if not values.any():
            how_far = f"only between the {_ROWS * _COLUMNS} sampled positions of each"
        names = shown(PurePosixPath(path).name for path in other)
        notes = kept(folder)
        # A file that differs from the prepared one was changed later; the decoder is not the cause.
        changed = [path for path in other if path in notes and notes[path].get("file") != _file(folder / path)]
        end = f", with {decoder()}"
        if len(changed) == len(other):
            who, end = "was changed", f"; {_anew(recipe)}"
        lines.append(f"{part} {who} on {len(other)} of {len(preparation.originals)} images ({names}): {how_far}{end}")
    return lines


def _file(path: Path) -> str:
    return files_sha256([path])[path]


def _pixels_of(recipe: SetRecipe, folder: Path, paths: Sequence[str]) -> dict[str, Decoded | None]:
    """The decoded content of each file; None if it is known to decode to its pinned pixels."""
    preparation = _of(recipe)
    notes = kept(folder)
    here = decoder()
    hashes = files_sha256([folder / path for path in paths])
    known: dict[str, Decoded | None] = {}
    unknown = []
    for path in paths:
        note = notes.get(path, {})
        trusted = path.endswith(".png") or note.get("decoder") == here  # PNG decoding is unambiguous
        if trusted and (note.get("file"), note.get("pixels")) == (hashes[folder / path], preparation.pins[path].pixels):
            known[path] = None
        else:
            unknown.append(path)
    return known | dict(
        zip(
            unknown,
            side_by_side(lambda path: decode(folder / path, hashes[folder / path], recipe), unknown),
            strict=True,
        )
    )


def _check_sizes(recipe: SetRecipe, folder: Path, pairs: Sequence[tuple[str, str | None]], scale: int) -> None:
    from rtsr_bench.images.io import read_size

    hr_size = recipe.hr_size or Size(0, 0)
    lr_size = Size(hr_size.height // scale, hr_size.width // scale)
    for hr, lr in pairs:
        for path, what, size in ((hr, "HR image", hr_size), (lr, "LR image", lr_size)):
            if path is not None and (found := read_size(folder / path, what=what)) != size:
                raise UserError(f"{folder / path}: expected {size}, found {found}: {recipe.hint}")


def _of(recipe: SetRecipe) -> Preparation:
    assert recipe.preparation is not None, "called only for prepared sets"
    return recipe.preparation
