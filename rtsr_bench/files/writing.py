"""Writing files whole: beside their place first, then into it in one step.

A reader sees a file as it was or as it will be, and a process that dies leaves what was there. What it had begun lies
beside it under a hidden name, which `sweep` finds.
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
    """Yield a path beside `target` for what is to take its place; what still lies there at the end is removed.

    The name is hidden, and short however long the target's is.
    """
    part = target.with_name(f"{_mark(target)}{os.urandom(6).hex()}{_ENDING}")
    try:
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(target: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a new file for writing bytes that takes the place of `target` when the block ends well.

    With `durable` its bytes are on the disk before it does. OSError where the folder cannot be written.
    """
    with aside(target) as part:
        with part.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(target)


def write_whole(target: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file in the place of what is there; see `replacing`."""
    with replacing(target, durable=durable) as file:
        file.write(data)


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and wait until its bytes are on the disk; FileExistsError where there is one."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def name_finished(part: Path, target: Path) -> None:
    """Give a finished file its name, never in the place of another: FileExistsError where one has it."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with target.open("xb"):
            pass
        part.replace(target)


def sweep(target: Path) -> None:
    """Remove what a process that died had begun of a file; for who alone may write it, by a lock."""
    for left in target.parent.glob(f"{_mark(target)}*{_ENDING}"):
        left.unlink(missing_ok=True)


def _mark(target: Path) -> str:
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()
    return f".{digest[:16]}-"
