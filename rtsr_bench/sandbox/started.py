"""One process in its own sandbox: started with its settings, monitored, and killed with everything it started."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

from rtsr_bench.sandbox import bubblewrap
from rtsr_bench.sandbox.harmless import harmless
from rtsr_bench.sandbox.levels import Level
from rtsr_bench.sandbox.needs import require_system
from rtsr_bench.sandbox.process import Process
from rtsr_bench.sandbox.room import Room
from rtsr_bench.sandbox.settings import ChildSettings
from rtsr_bench.sandbox.watch import Watch


class Started:
    """A process that was started, and may be importing still. When the block ends, process and scratch are gone.

    It must be started from a thread that outlives it: the process asks the kernel to be killed when that thread ends.
    """

    def __init__(self, settings: ChildSettings) -> None:
        """Start the process and return at once; HarnessError where that is not possible."""
        require_system()
        self.settings, self.isolation = settings, settings.level
        self._bounds, self._room = settings.bounds, Room()
        self._process: Process | None = None
        self._wire, theirs = socket.socketpair()
        try:
            with theirs:
                theirs.set_inheritable(True)
                self._process = Process(settings, self._room, theirs)
        except BaseException:
            self.close()
            raise
        private = bubblewrap.SCRATCH if self.isolation is Level.BUBBLEWRAP else None
        self._watch = Watch(self._process.root, self._bounds, self._room, private)

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process is not None and self._process.running

    @property
    def output(self) -> str:
        """The end of what the guest printed."""
        said = b"" if self._process is None else bytes(self._process.output)
        return harmless(said.decode("utf-8", "replace").strip())

    def pids(self) -> list[int]:
        """Numbers of its processes, as seen from here."""
        return self._watch.pids()

    def cpu_s(self) -> float:
        """Seconds that processors have worked for it up to now, as the kernel counts them."""
        return self._watch.cpu_s()

    def kill(self) -> None:
        """End the process and everything it started at once."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Kill the process if it lives, close the wire, remove the guest's files."""
        if self._process is not None:
            self._process.close()
        self._wire.close()
        self._room.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
