"""The lock of a device: one holder times on it exclusively, or several use it without timing.

Every process of this package on the machine takes it: two files with advisory locks (flock), which the kernel releases
when their holder ends. They lie in RTSR_BENCH_LOCKS, else in /run/lock, else in the folder for temporary files.
Containers that share a device have to share that folder.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from rtsr_bench.errors import HarnessError
from rtsr_bench.files.locks import take
from rtsr_bench.text import ascii_safe

VARIABLE = "RTSR_BENCH_LOCKS"
_PAUSE_S = 0.1
_LONGEST_NOTE = 200

Tell = Callable[[str], None]
"""Called once with the holder of the device."""


class Cancelled(BaseException):
    """The run was cancelled: a thread of it ends here, whatever it does."""


class DeviceLock:
    """The lock of one device; `device` is `cpu` or what names a card on this machine, such as its UUID.

    An exclusive request takes the entry lock first, so that later shared requests wait behind it.
    """

    def __init__(self, device: str, folder: Path | None = None) -> None:
        name = re.sub(r"[^A-Za-z0-9-]", "_", device)
        folder = folder or _folder()
        # Names of the files as in earlier versions, which may run on the same machine.
        self._entry, self._use = (folder / f"rtsr-bench-{name}.{which}" for which in ("gate", "turn"))
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Make every waiting thread raise Cancelled, now and later."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise Cancelled if the run was cancelled."""
        if self._cancelled.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise Cancelled as soon as the run is cancelled."""
        if self._cancelled.wait(seconds):
            raise Cancelled

    @contextlib.contextmanager
    def shared(self, tell: Tell = lambda _: None) -> Iterator[None]:
        """Use the device together with other shared holders, never while something is timed on it."""
        with self._locked(self._use, tell, shared=True):
            yield

    @contextlib.contextmanager
    def exclusive(self, what: str, tell: Tell = lambda _: None) -> Iterator[None]:
        """Have the device alone; `what` is shown to those who wait meanwhile."""
        with self._locked(self._use, tell) as handle:
            _note(handle, f"{what} ({_user()}, process {os.getpid()})")
            try:
                yield
            finally:
                _note(handle, "")

    @contextlib.contextmanager
    def _locked(self, path: Path, tell: Tell, *, shared: bool = False) -> Iterator[int]:
        told = [False]

        def waiting() -> None:
            if not told[0]:
                told[0] = True
                tell(self._holder())
            self.sleep(_PAUSE_S)

        with contextlib.ExitStack() as held:
            with contextlib.ExitStack() as queue:
                entry = _opened(self._entry)
                queue.callback(os.close, entry)
                _take(entry, waiting)
                handle = _opened(path)
                held.callback(os.close, handle)
                _take(handle, waiting, shared=shared)
            yield handle

    def _holder(self) -> str:
        try:
            text = self._use.read_text(encoding="utf-8", errors="replace")[:_LONGEST_NOTE]
        except OSError:
            text = ""
        return ascii_safe(text.strip()) or "other measurements"


def _take(handle: int, waiting: Callable[[], None], *, shared: bool = False) -> None:
    while not take(handle, shared=shared, wait=False):
        waiting()


def _opened(path: Path) -> int:
    """Open the file, created so that every user may lock it; never through a link."""
    safe = os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        for flags in (os.O_RDWR, os.O_RDONLY):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                return os.open(path, flags | safe)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | safe, 0o666)
        except FileExistsError:  # another process was faster
            return os.open(path, os.O_RDONLY | safe)
        os.fchmod(handle, 0o666)
    except OSError as error:
        raise HarnessError(
            f"{path}: cannot be opened to lock the device ({error.strerror}); name a folder that you may write to "
            f"with {VARIABLE}"
        ) from error
    return handle


def _note(handle: int, text: str) -> None:
    with contextlib.suppress(OSError):  # another user's file, opened for reading: the lock holds without a note
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)


def _folder() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    usual = Path("/run/lock")
    return usual if os.access(usual, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
