"""Preparing a set: originals to GT and LR, once, in parallel; each file is written atomically and read back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.datasets.preparation import GT
from rtsr_bench.datasets.prepared import KEPT, ORIGINALS, decoder, kept, side_by_side
from rtsr_bench.errors import HarnessError
from rtsr_bench.files.fetch import trouble_writing
from rtsr_bench.files.hashing import file_sha256
from rtsr_bench.files.locks import locked
from rtsr_bench.files.writing import sweep, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rtsr_bench.datasets.originals import Original
    from rtsr_bench.datasets.recipes import SetRecipe
    from rtsr_bench.protocol import Size


def prepare(
    recipe: SetRecipe, folder: Path, *, scales: Sequence[int] = (), done: Callable[[], object] = lambda: None
) -> None:
    """Make GT and LR (at these scales, or all) from the originals in the set's folder.

    Prepared files are kept, so an interrupted preparation resumes. `done` is called after each image, from several
    threads. UserError for an original that cannot be read, HarnessError if the folder cannot be written. Several
    processes may prepare the same set.
    """
    from rtsr_bench.images import degrade, io  # noqa: F401 - import once, before the threads start

    preparation = recipe.preparation
    assert preparation is not None, "called only for prepared sets"
    assert recipe.hr_size is not None, "a prepared set states the size of its images"
    hr_size = recipe.hr_size
    wanted = scales or recipe.scales

    def one(original: Original) -> None:
        lr = {
            preparation.lr_path(place, original.stem, scale): (scale, degradation)
            for scale in wanted
            for place, degradation in preparation.degradations.items()
        }
        _prepare_one(folder, original, lr, hr_size)
        done()

    with trouble_writing(folder / GT):
        for part in {GT, *(place.format(n=scale) for scale in wanted for place in preparation.degradations)}:
            (folder / part).mkdir(parents=True, exist_ok=True)
        side_by_side(one, preparation.originals)


def ground_truth(original: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """GT of an original, uint8 H x W x 3: reduced by Lanczos to cover `size` if it is larger, then its central `size`.

    ValueError for a smaller original. The rounding is that of the pinned pixels: sides by Python's `round`, and the
    crop's left and top by integer division.
    """
    from PIL import Image

    height, width = original.shape[:2]
    scale = max(size.width / width, size.height / height)
    if scale > 1:
        raise ValueError(f"expected an original of at least {size}, found {height}x{width}")
    image = Image.fromarray(original)
    if scale < 1:
        covering = (max(size.width, round(width * scale)), max(size.height, round(height * scale)))
        image = image.resize(covering, Image.Resampling.LANCZOS)
    left, top = (image.width - size.width) // 2, (image.height - size.height) // 2
    return _array(image.crop((left, top, left + size.width, top + size.height)))


def _array(image: object) -> NDArray[np.uint8]:
    import numpy as np

    return np.array(image, dtype=np.uint8)


def _prepare_one(folder: Path, original: Original, lr: dict[str, tuple[int, str]], hr_size: Size) -> None:
    from rtsr_bench.images.degrade import degraded_file
    from rtsr_bench.images.io import read_rgb, write_png

    hr_path = f"{GT}/{original.stem}.png"
    with locked(folder / hr_path):
        notes = kept(folder)
        lacking = [path for path in (hr_path, *lr) if not _as_noted(folder / path, notes.get(path, {}))]
        if not lacking:
            return
        if hr_path in lacking:
            # The pins refer to the stored orientation, also for LR, so EXIF orientation is ignored.
            file = folder / ORIGINALS / original.name
            source = read_rgb(file, what="original", drop_alpha=True, any_orientation=True)
            gt = ground_truth(source, hr_size)
            del source
        else:
            gt = read_rgb(folder / hr_path, what="HR image")
        fresh = {}
        for path in lacking:
            target = folder / path
            sweep(target)
            if path == hr_path:
                pixels = gt
                write_png(target, gt)
            else:
                scale, degradation = lr[path]
                pixels, data = degraded_file(gt, scale, degradation, image=f"{original.stem}.png")
                if data is None:
                    write_png(target, pixels)
                else:
                    write_whole(target, data)
            found = read_rgb(target, what="image")
            if target.suffix == ".png" and (found != pixels).any():
                raise HarnessError(f"{target}: read other pixels than were written: check the disk")
            fresh[path] = {
                "file": file_sha256(target),
                "pixels": hashlib.sha256(found.tobytes()).hexdigest(),
                "decoder": decoder(),
            }
        with locked(folder / KEPT):
            text = json.dumps({"files": kept(folder) | fresh}, indent=0, sort_keys=True)
            write_whole(folder / KEPT, text.encode())


def _as_noted(path: Path, note: dict[str, str]) -> bool:
    return path.is_file() and file_sha256(path) == note.get("file")
