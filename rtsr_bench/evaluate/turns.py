"""Whose turn it is on a device: timing has it alone, whatever else measures there is together or held.

Every process of this package on the machine keeps to it, whoever started it: two files with advisory locks (flock),
which the kernel gives back when their holder dies in whatever way. They lie in RTSR_BENCH_LOCKS, else in /run/lock,
else in the folder for temporary files. Containers that share a device have to share that folder.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rtsr_bench.errors import HarnessError
from rtsr_bench.files.locks import take
from rtsr_bench.text import ascii_safe

VARIABLE = "RTSR_BENCH_LOCKS"
_PAUSE_S = 0.1
_LONGEST_NOTE = 200

Tell = Callable[[str], None]
"""Is told, once, for whom one waits."""


class Interrupted(BaseException):
    """The run was given up: a thread of it is to end, whatever it waits for or is about to begin."""


class Turns:
    """The turns on one device; `device` is `cpu` or what names a card on this machine, such as its UUID.

    Who wants to be alone first closes the gate, so that those who come later can't keep it waiting for ever.
    """

    def __init__(self, device: str, folder: Path | None = None) -> None:
        name = re.sub(r"[^A-Za-z0-9-]", "_", device)
        folder = folder or _folder()
        self._gate, self._turn = (folder / f"rtsr-bench-{name}.{which}" for which in ("gate", "turn"))
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """Let whoever waits for a turn here raise Interrupted."""
        self._given_up.set()

    def go_on(self) -> None:
        """Raise Interrupted where the run was given up."""
        if self._given_up.is_set():
            raise Interrupted

    @contextlib.contextmanager
    def together(self, tell: Tell = lambda _: None) -> Iterator[None]:
        """Be on the device with others of one's kind, and never while something is timed there."""
        with self._locked(self._turn, tell, shared=True):
            yield

    @contextlib.contextmanager
    def alone(self, what: str, tell: Tell = lambda _: None) -> Iterator[None]:
        """Be the only one on the device; `what` is shown to those who wait meanwhile."""
        with self._locked(self._turn, tell) as handle:
            _note(handle, f"{what} ({_user()}, process {os.getpid()})")
            try:
                yield
            finally:
                _note(handle, "")

    @contextlib.contextmanager
    def _locked(self, path: Path, tell: Tell, *, shared: bool = False) -> Iterator[int]:
        told = [False]

        def waiting() -> None:
            self.go_on()
            if not told[0]:
                told[0] = True
                tell(self._holder())
            time.sleep(_PAUSE_S)

        with contextlib.ExitStack() as held:
            with contextlib.ExitStack() as entrance:
                gate = _opened(self._gate)
                entrance.callback(os.close, gate)
                _take(gate, waiting)
                handle = _opened(path)
                held.callback(os.close, handle)
                _take(handle, waiting, shared=shared)
            yield handle

    def _holder(self) -> str:
        try:
            text = self._turn.read_text(encoding="utf-8", errors="replace")[:_LONGEST_NOTE]
        except OSError:
            text = ""
        return ascii_safe(text.strip()) or "other measurements"


def _take(handle: int, waiting: Callable[[], None], *, shared: bool = False) -> None:
    while not take(handle, shared=shared, wait=False):
        waiting()


def _opened(path: Path) -> int:
    """A handle on the file, made so that every user may lock it; never through a link that somebody laid there."""
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
            f"{path}: cannot be opened to wait for the device ({error.strerror}): name a folder that you may write to "
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
