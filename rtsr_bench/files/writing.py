"""Atomic writes: a temporary file is written next to the target and then renamed.

A reader sees the old file or the new one, and a process that dies leaves the old one. Its temporary file remains under
a hidden name, which `sweep` finds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_ENDING = ".part"


@contextlib.contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield a temporary path next to `target` for its replacement; a file left there at the end is removed.

    The name is hidden and of fixed length.
    """
    part = target.with_name(f"{_mark(target)}{os.urandom(6).hex()}{_ENDING}")
    try:
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(target: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a new file for writing bytes that replaces `target` if the block ends without an error.

    With `durable` its bytes are on the disk before that. OSError if the folder cannot be written.
    """
    with aside(target) as part:
        with part.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(target)


def write_whole(target: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file atomically, replacing an existing one; see `replacing`."""
    with replacing(target, durable=durable) as file:
        file.write(data)


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and wait until its bytes are on the disk; FileExistsError if it exists."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def name_finished(part: Path, target: Path) -> None:
    """Rename a finished file to an unused name; FileExistsError if the name is taken."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with target.open("xb"):
            pass
        part.replace(target)


def sweep(target: Path) -> None:
    """Remove temporary files of dead processes for a target; the caller must hold the lock for writing it."""
    for left in target.parent.glob(f"{_mark(target)}*{_ENDING}"):
        left.unlink(missing_ok=True)


def _mark(target: Path) -> str:
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()
    return f".{digest[:16]}-"
