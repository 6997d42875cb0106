"""Where unpacked archives are kept: one folder for each content, complete or not there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.files.cache import cache_folder
from rtsr_bench.files.held import HeldFolder, sweep_held
from rtsr_bench.files.unpack import UnpackLimits, unpack
from rtsr_bench.text import ascii_safe

_INDEX = "index.json"
_FILES = "files"
_WORK = ".unpacking-"


def unpacked(archive: Path, *, label: str, limits: UnpackLimits | None = None) -> Path:
    """Return the folder with an archive's content, unpacking it where it is not there already or was changed since.

    Kept under the archive's SHA-256. A copy is unpacked beside its place and renamed into it, so an interrupted one is
    never taken for whole; each use compares every file's SHA-256 with what came out of the archive.
    UserError for an archive that can't be accepted (see `unpack`), HarnessError where the cache can't be written.
    """
    try:
        with archive.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{label}: expected a readable archive, found: {error.strerror}; correct it") from None
    shelf = cache_folder() / "submissions"
    place = shelf / sha256
    try:
        if not _whole(place):
            shelf.mkdir(parents=True, exist_ok=True)
            _fill(archive, shelf, place, label=label, limits=limits)
    except OSError as error:
        raise HarnessError(
            f"{label}: cannot be unpacked in {ascii_safe(str(shelf))}: {error.strerror or error}; "
            "make room there or set RTSR_BENCH_CACHE to another folder"
        ) from error
    return place / _FILES


def _fill(archive: Path, shelf: Path, place: Path, *, label: str, limits: UnpackLimits | None) -> None:
    sweep_held(shelf, _WORK)
    with HeldFolder(shelf, _WORK) as work:
        fresh = work.path / "fresh"
        (fresh / _FILES).mkdir(parents=True)
        unpack(archive, fresh / _FILES, label=label, limits=limits)
        (fresh / _INDEX).write_text(json.dumps(_contents(fresh / _FILES), sort_keys=True), encoding="utf-8")
        try:
            fresh.rename(place)
        except OSError:
            # Something is there: what another process made meanwhile, or a damaged copy that has to go first.
            if not _whole(place):
                place.rename(work.path / "damaged")
                fresh.rename(place)


def _whole(place: Path) -> bool:
    try:
        index = json.loads((place / _INDEX).read_text(encoding="utf-8"))
        return bool(index == _contents(place / _FILES))
    except (OSError, ValueError):
        return False


def _contents(folder: Path) -> dict[str, str]:
    """Map each file's relative path to its SHA-256, each folder's to an empty text, each link's to where it points."""
    contents: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            contents[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            contents[name] = ""
        elif path.is_file():
            with path.open("rb") as file:
                contents[name] = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            contents[name] = "neither file nor folder"
    return contents
