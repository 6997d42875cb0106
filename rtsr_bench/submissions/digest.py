"""Which files make up a submission, and one number that changes when one of them does."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.files.unpack import MAX_BYTES, MAX_FILES
from rtsr_bench.text import ascii_safe

_IGNORED_FOLDERS = frozenset({".git", "__pycache__", "__MACOSX", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
_IGNORED_FILES = frozenset({".DS_Store", "Thumbs.db"})
_IGNORED_SUFFIXES = frozenset({".pyc", ".pyo"})
_IMAGES = frozenset({".png", ".jpg", ".jpeg"})


def folder_digest(folder: Path, *, label: str) -> str:
    """Return the first 16 hex digits of a SHA-256 over the names and bytes of a submission's files, in order of name.

    Left out, because they are not what the team wrote: caches, `*.pyc`, `.git`, files of file managers, and the images
    in `results/` and the folders in it (what the model made elsewhere, not the model). Everything else counts, the
    manifest too. Where the folder lies, permissions and dates don't count, so an archive and its unpacked folder have
    the same digest. It says whether a submission changed; code hidden among what is left out would escape it.

    UserError, one line, for a link that leaves the folder, for devices, for what can't be read, and above the limits on
    number and size, which are looked at before anything is read.
    """
    total = hashlib.sha256()
    for name, path in sorted(_files(folder, label)):
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _no_file(label, Path(name), error) from None
        # The length of the name stands before it, so that no name can pass for another name and content.
        raw = os.fsencode(name)
        total.update(f"{len(raw)}:".encode() + raw + f":{size}:{content}\n".encode())
    return total.hexdigest()[:16]


def _files(folder: Path, label: str) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    root = os.path.realpath(folder)
    size = count = 0
    for parent, folders, files in os.walk(root, onerror=_unreadable(label)):
        folders[:] = [name for name in folders if name not in _IGNORED_FOLDERS]
        count += len(folders)
        _bounded(count, size, label)
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*linked, *files):
            path = Path(parent, name)
            relative = path.relative_to(root)
            if name in linked:
                # What it points to is counted where it lies, if it lies inside.
                _inside(path, root, relative, label)
                continue
            if name in _IGNORED_FILES or path.suffix in _IGNORED_SUFFIXES or _is_result(relative):
                continue
            size += _inside(path, root, relative, label)
            count += 1
            found.append((relative.as_posix(), path))
            _bounded(count, size, label)
    return found


def _bounded(count: int, size: int, label: str) -> None:
    if count > MAX_FILES or size > MAX_BYTES:
        raise UserError(
            f"{label}: expected a submission of at most {MAX_FILES:,} files and folders and {MAX_BYTES / 1024**3:g} "
            "GiB, found more; keep data sets and virtual environments outside of its folder"
        )


def left_out(relative: Path) -> bool:
    """Whether a file or folder at this path is no part of what was submitted, as `folder_digest` says."""
    return (
        not _IGNORED_FOLDERS.isdisjoint(relative.parts)
        or relative.name in _IGNORED_FILES
        or relative.suffix in _IGNORED_SUFFIXES
        or _is_result(relative)
    )


def _is_result(relative: Path) -> bool:
    """An image in `results/`, or one folder deeper, where those of each model of a submission may lie."""
    inside = len(relative.parts) in (2, 3) and relative.parts[0] == "results"
    return inside and relative.suffix.lower() in _IMAGES


def _inside(path: Path, root: str, relative: Path, label: str) -> int:
    """Return the bytes of a file of the folder; UserError for what is none, or leads elsewhere."""
    name = ascii_safe(relative.as_posix())
    real = os.path.realpath(path)
    if os.path.commonpath((root, real)) != root:
        raise UserError(
            f"{label}: {name}: expected files of the submission only, found a link that leaves its folder; "
            "put a copy of the file there"
        )
    try:
        status = path.stat()
    except OSError as error:
        raise _no_file(label, relative, error) from None
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise UserError(f"{label}: {name}: expected files and folders only, found a device, pipe or socket; remove it")
    return status.st_size


def _no_file(label: str, relative: Path, error: OSError) -> UserError:
    name = ascii_safe(relative.as_posix())
    return UserError(f"{label}: {name}: expected a readable file, found: {error.strerror}; correct or remove it")


def _unreadable(label: str) -> Callable[[OSError], object]:
    def refuse(error: OSError) -> None:
        name = ascii_safe(str(error.filename))
        raise UserError(
            f"{label}: {name}: expected a readable folder, found: {error.strerror}; correct its permissions"
        )

    return refuse
