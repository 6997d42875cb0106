"""The cache of downloaded and derived files, and folders named in environment variables."""

from __future__ import annotations

import os
from pathlib import Path

from rtsr_bench.errors import UserError

CACHE_VARIABLE = "RTSR_BENCH_CACHE"
MIRROR_VARIABLE = "RTSR_BENCH_MIRROR"


def cache_folder() -> Path:
    """The folder for downloaded and derived files: RTSR_BENCH_CACHE, or else the platform's cache folder."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("rtsr-bench"))


def folders_of(variable: str) -> tuple[Path, ...]:
    """The folders in an environment variable, separated as in PATH; UserError if one is not a folder."""
    folders = tuple(Path(part).expanduser() for part in os.environ.get(variable, "").split(os.pathsep) if part)
    for folder in folders:
        must_be_folder(folder, variable)
    return folders


def must_be_folder(folder: Path, named_by: str) -> None:
    """Raise UserError if a path is not a folder; `named_by` is the option or variable that named it."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise UserError(f"{named_by} {folder}: expected a folder, found {found}: check the path")
