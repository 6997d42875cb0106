"""Locks between processes: held on an open file, so that the kernel releases them when their process ends."""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtsr_bench.errors import UserError

_PAUSE_S = 0.02


def take(handle: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file until it is closed; returns whether it is locked (without `wait` it may not be).

    Several processes may hold a `shared` lock at once, which excludes an exclusive one. Windows has no shared locks
    here and takes an exclusive one. UserError if the system has no file locks.
    """
    try:
        import fcntl
    except ImportError:
        return _take_on_windows(handle, wait=wait)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `.NAME.lock` next to a path; other processes and threads wait for it.

    The last holder removes the file. OSError if the folder cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            take(handle)
            # The previous holder removes the file: ours may be unlinked, or its name may belong to a new file.
            if is_named(lock, handle):
                try:
                    yield
                finally:
                    with contextlib.suppress(PermissionError):  # Windows cannot remove an open file
                        lock.unlink(missing_ok=True)
                return
        finally:
            os.close(handle)


def is_named(path: Path, handle: int) -> bool:
    """Whether a path still names an open file: another process may have removed or replaced it."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _take_on_windows(handle: int, *, wait: bool) -> bool:
    try:
        msvcrt: Any = importlib.import_module("msvcrt")
    except ImportError:
        raise UserError(
            "files cannot be locked: expected a system with fcntl (Linux, macOS) or msvcrt (Windows), found neither"
        ) from None
    while True:
        os.lseek(handle, 0, os.SEEK_SET)  # the lock covers bytes from this position
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            if not wait:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True
