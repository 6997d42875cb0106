"""Files without a name through which pixels go to a guest and back: their sizes are the parent's, for good."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = 1 << 24


@contextmanager
def sealed_memfd(size: int, content: bytes | memoryview | None = None) -> Iterator[int]:
    """Hold a file of exactly `size` bytes in memory, `content` or zeros; where the kernel can, neither grows."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        os.ftruncate(fd, size)
        if content is not None:
            write_all(fd, content)
        _seal(fd, written=content is not None)
        yield fd
    finally:
        os.close(fd)


def _seal(fd: int, *, written: bool) -> None:
    import fcntl  # here, because systems that only read records have none

    if hasattr(fcntl, "F_ADD_SEALS"):
        seals = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals | (fcntl.F_SEAL_WRITE if written else 0))


def write_all(fd: int, content: bytes | memoryview) -> None:
    """Write all bytes to the beginning of a file."""
    view = memoryview(content).cast("B")
    done = 0
    while done < len(view):
        done += os.pwrite(fd, view[done : done + _CHUNK], done)


def read_all(fd: int, size: int) -> bytearray:
    """Read the first `size` bytes of a file, fewer where it is shorter."""
    content = bytearray(size)
    view = memoryview(content)
    done = 0
    while done < size:
        got = os.preadv(fd, [view[done : done + _CHUNK]], done)
        if not got:
            break
        done += got
    del view
    return content[:done] if done < size else content
