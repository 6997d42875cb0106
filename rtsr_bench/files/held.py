"""Temporary folders that belong to their process while it lives; other processes remove them afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from rtsr_bench.files.locks import is_named, take

_LOCK = "in-use"


class HeldFolder:
    """A new folder below `parent` whose name starts with `prefix`; a lock in it shows that its process lives.

    `close` and leaving the context remove it. OSError if the parent cannot be written.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            self.lock = (self.path / _LOCK).open("wb")
            take(self.lock.fileno())
            if is_named(self.path / _LOCK, self.lock.fileno()):
                return
            self.lock.close()  # another process swept it before it was locked

    def close(self) -> None:
        """Remove the folder and its content."""
        remove_tree(self.path)
        self.lock.close()
        shutil.rmtree(self.path, ignore_errors=True)  # on Windows the lock file can be removed only now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def sweep_held(parent: Path, prefix: str) -> None:
    """Remove the folders of this prefix whose processes ended without removing them."""
    for lock in parent.glob(f"{prefix}*/{_LOCK}"):
        with contextlib.suppress(OSError):
            handle = os.open(lock, os.O_RDWR)
            try:
                if take(handle, wait=False):
                    remove_tree(lock.parent)
            finally:
                os.close(handle)


def remove_tree(folder: Path) -> None:
    """Remove a folder as far as possible, including folders without permissions that their owner can restore."""
    if not folder.exists():
        return
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
        return
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                path = Path(parent, name)
                if not path.is_symlink():
                    path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
