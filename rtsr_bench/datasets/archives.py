"""Archives as a source: fetched, unpacked into a temporary folder within limits, and moved into the set's folder."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rtsr_bench.datasets.recipes import OWN
from rtsr_bench.errors import UserError
from rtsr_bench.files.fetch import place, trouble_writing
from rtsr_bench.files.hashing import file_sha256
from rtsr_bench.files.locks import locked
from rtsr_bench.files.unpack import UnpackLimits, unpack
from rtsr_bench.files.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rtsr_bench.datasets.recipes import SetRecipe
    from rtsr_bench.files.fetch import Recipe
    from rtsr_bench.files.transfer import Progress

ARCHIVES = ".archives"
"""Within a set's folder: fetched archives that are not yet unpacked, and a list of each archive's files."""

_GIB = 2**30
_PACKED, _UNPACKED, _MEMBERS = 64 * _GIB, 128 * _GIB, 200_000


def fetch_archive(
    recipe: SetRecipe, path: str, source: Recipe, folder: Path, *, pause: Callable[[float], object], progress: Progress
) -> None:
    """Fetch an archive of a set and unpack it into the set's folder; nothing is done if all its files exist.

    If the recipe pins files, only these are taken, and each must have its hash. UserError for an archive that cannot be
    downloaded, is damaged or has paths that leave the folder; the set's folder is then unchanged.
    """
    archive = folder / path
    held = archive.with_name(f"{archive.name}.json")
    with trouble_writing(archive):
        archive.parent.mkdir(parents=True, exist_ok=True)
    inside = next((one.inside for one in recipe.archives if one.sha256 == source.sha256), "")
    with locked(held):
        if _is_there(held, folder, source.sha256, inside):
            return
        place(source, archive, pause=pause, progress=progress)
        with trouble_writing(archive):
            moved = _unpacked(recipe, archive, folder, inside)
            noted = {"archive": source.sha256, "inside": inside, "files": moved}
            write_whole(held, json.dumps(noted, indent=0).encode())
            archive.unlink()


def _is_there(held: Path, folder: Path, archive: str, inside: str) -> bool:
    try:
        noted = json.loads(held.read_text(encoding="utf-8"))
        files = dict(noted["files"])
        same = (noted["archive"], noted["inside"]) == (archive, inside)
        return same and all(file_sha256(folder / path) == files[path] for path in files)
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return False


def _unpacked(recipe: SetRecipe, archive: Path, folder: Path, inside: str) -> dict[str, str]:
    work = archive.with_name(f".unpacking-{archive.name}")
    shutil.rmtree(work, ignore_errors=True)  # left by a killed process; the lock excludes others
    work.mkdir()
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
                    f"{recipe.title}: expected image files in {archive.name}, found {path}, which would replace a "
                    "file of the set's folder: pack only the images"
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
        _look_for_room(recipe, folder, files)
        for path, file in files.items():
            with trouble_writing(folder / path):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                file.replace(folder / path)
        return hashes
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(work)


def _look_for_room(recipe: SetRecipe, folder: Path, paths: Iterable[str]) -> None:
    """Raise UserError if a file would have to replace a folder, or a folder a file."""
    for path in paths:
        above = [folder.joinpath(*PurePosixPath(path).parts[:depth]) for depth in range(1, len(path.split("/")))]
        wrong = next((place for place in above if place.exists() and not place.is_dir()), None)
        if wrong is None and (folder / path).is_dir():
            wrong = folder / path
        if wrong is not None:
            expected, found = ("a file", "a folder") if wrong.is_dir() else ("a folder", "a file")
            raise UserError(f"{recipe.title}: {wrong}: expected {expected} of the set, found {found}: move it away")


def _top(recipe: SetRecipe, archive: Path, work: Path, inside: str) -> Path:
    parts = PurePosixPath(inside).parts
    top = work.joinpath(*parts)
    if ".." in parts or PurePosixPath(inside).is_absolute() or not top.is_dir():
        raise UserError(
            f"{recipe.title}: expected a folder {inside!r} in {archive.name}, found none: correct inside in the recipe"
        )
    return top
