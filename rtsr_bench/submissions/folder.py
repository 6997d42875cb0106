"""Reading files of a guest's folder, which may hold links, devices and endless files instead of what it should."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from rtsr_bench.errors import UserError


def inner_file(folder: Path, name: str) -> str | None:
    """Say in a few words why a path relative to the folder is no regular file inside of it, or None where it is one."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or (len(name) > 1 and name[1] == ":"):
        return "which leaves the folder"
    root = os.path.realpath(folder)
    real = os.path.realpath(os.path.join(root, *path.parts))  # noqa: PTH118 - os.path answers where pathlib raises
    if not os.path.lexists(os.path.join(root, *path.parts)):  # noqa: PTH118 - as above
        return "which is not there"
    if os.path.commonpath((root, real)) != root:
        return "a link that leaves the folder"
    if not os.path.isfile(real):  # noqa: PTH113 - as above
        return "which is no regular file"
    return None


def read_bounded(folder: Path, name: str, *, limit: int, label: str) -> bytes:
    """Return the bytes of a small file of the folder; UserError where it is none, unreadable or above the limit."""
    where = f"{label}: {name}"
    problem = inner_file(folder, name)
    if problem is not None:
        raise UserError(f"{where}: expected a regular file in the folder, found one {problem}; put a plain file there")
    try:
        with (folder / name).open("rb") as file:
            content = file.read(limit + 1)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise UserError(
            f"{where}: expected a readable file, found: {error.strerror}; correct its permissions"
        ) from None
    if len(content) > limit:
        raise UserError(f"{where}: expected at most {limit:,} bytes, found {size:,}; shorten it")
    return content
