"""SHA-256 of files. A process reads each file once unless its size or modification time changes."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

_THREADS = 4  # hashlib releases the interpreter lock, so a set is read at the speed of the disk


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes in hex; UserError if it cannot be read."""
    try:
        stat = path.stat()
        return _read(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise UserError(f"{path}: expected a readable file, found: {error.strerror}") from error


def files_sha256(paths: Sequence[Path]) -> dict[Path, str]:
    """SHA-256 of each file, read in parallel; UserError if one cannot be read."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(paths, pool.map(file_sha256, paths), strict=True))


@lru_cache(maxsize=16384)
def _read(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - size and time are the key of the cache
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
