"""Archives as a source: fetched, unpacked aside under limits, and moved into the set's folder file by file."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rtsr_bench.datasets.fetch import locked, place, trouble_writing
from rtsr_bench.datasets.hashing import file_sha256
from rtsr_bench.datasets.recipes import OWN
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtsr_bench.datasets.fetch import Recipe
    from rtsr_bench.datasets.recipes import SetRecipe
    from rtsr_bench.datasets.transfer import Progress

ARCHIVES = ".archives"
"""Within a set's folder: what was fetched and not yet unpacked, and a list of what each archive held."""

_GIB = 2**30
_PACKED, _UNPACKED, _MEMBERS = 64 * _GIB, 128 * _GIB, 200_000


def fetch_archive(
    recipe: SetRecipe, path: str, source: Recipe, folder: Path, *, pause: Callable[[float], object], progress: Progress
) -> None:
    """Fetch an archive of a set and unpack it into the set's folder; nothing is done where all of it is there.

    Only the files that the recipe pins are taken, where it pins any, and each must have its hash. UserError for an
    archive that can't be had, is damaged or holds what leads outside; what was in the folder stays as it was then.
    """
    archive = folder / path
    held = archive.with_name(f"{archive.name}.json")
    with trouble_writing(archive):
        archive.parent.mkdir(parents=True, exist_ok=True)
    with locked(held):
        if _is_there(held, folder, source.sha256):
            return
        place(source, archive, pause=pause, progress=progress)
        with trouble_writing(archive):
            inside = next((one.inside for one in recipe.archives if one.sha256 == source.sha256), "")
            moved = _unpacked(recipe, archive, folder, inside)
            part = held.with_name(f".{held.name}.part")
            part.write_text(json.dumps({"archive": source.sha256, "files": moved}, indent=0), encoding="utf-8")
            part.replace(held)
            archive.unlink()


def _is_there(held: Path, folder: Path, archive: str) -> bool:
    try:
        noted = json.loads(held.read_text(encoding="utf-8"))
        files = dict(noted["files"])
        return noted["archive"] == archive and all(file_sha256(folder / path) == files[path] for path in files)
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return False


def _unpacked(recipe: SetRecipe, archive: Path, folder: Path, inside: str) -> dict[str, str]:
    from rtsr_bench.submissions.unpack import UnpackLimits, unpack

    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=archive.parent))
    limits = UnpackLimits(packed_bytes=_PACKED, unpacked_bytes=_UNPACKED, members=_MEMBERS)
    try:
        unpack(archive, work, label=f"{recipe.title}: {archive.name}", limits=limits)
        top = _top(recipe, archive, work, inside)
        files = {file.relative_to(top).as_posix(): file for file in sorted(top.rglob("*")) if file.is_file()}
        if recipe.pins:
            files = {path: file for path, file in files.items() if path in recipe.pins}
        for path in files:
            if path == OWN or path.split("/")[0] == archive.parent.name:
                raise UserError(
                    f"{recipe.title}: expected image files in {archive.name}, found {path}, which would replace what "
                    "stands in the folder: pack the images alone"
                )
        if not files:
            raise UserError(
                f"{recipe.title}: expected files of the set in {archive.name}, found none: see docs/data.md"
            )
        hashes = {path: file_sha256(file) for path, file in files.items()}
        for path, found in hashes.items():
            if recipe.pins and found != recipe.pins[path].sha256:
                raise UserError(
                    f"{recipe.title}: {path} in {archive.name}: expected SHA-256 {recipe.pins[path].sha256[:16]}..., "
                    f"found {found[:16]}...: correct the recipe"
                )
        for path, file in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            file.replace(folder / path)
        return hashes
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(work)


def _top(recipe: SetRecipe, archive: Path, work: Path, inside: str) -> Path:
    parts = PurePosixPath(inside).parts
    top = work.joinpath(*parts)
    if ".." in parts or PurePosixPath(inside).is_absolute() or not top.is_dir():
        raise UserError(
            f"{recipe.title}: expected a folder {inside!r} in {archive.name}, found none: correct inside in the recipe"
        )
    return top
