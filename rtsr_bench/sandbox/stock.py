"""Children that are started before they are needed, so that no guest waits until an interpreter has imported torch.

Such a child is like any other child before its submission is loaded: a process with an empty sandbox. It is taken
once, for one guest, and never returned.
"""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Self

from rtsr_bench.errors import HarnessError, RtsrBenchError
from rtsr_bench.sandbox.child import Child
from rtsr_bench.sandbox.settings import ChildSettings


class Stock:
    """Children without a guest. Use it as a context: the end of the block ends those that were not taken.

    A thread takes children that it started itself, or the main thread: the kernel ends a child with the thread that
    started it. Starting costs processor time until `settle` returns, so both belong where nothing is timed.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[threading.Thread, Child]] = []
        self._guard = threading.Lock()

    def start(self, settings: ChildSettings, count: int = 1) -> None:
        """Start children of these settings until `count` wait for this thread; returns before they are ready.

        A process that cannot be started is no error here: `take` tries again and raises the reason.
        """
        with self._guard:  # to the end, so that `kill` finds every child that was started
            waiting = sum(child.settings == settings and child.alive for child in self._usable())
            for _ in range(count - waiting):
                with contextlib.suppress(HarnessError):
                    self._kept.append((threading.current_thread(), Child.ahead(settings)))

    def settle(self) -> None:
        """Wait until every child that this thread started is idle; one that does not get there is ended."""
        with self._guard:
            mine = [child for thread, child in self._kept if thread is threading.current_thread()]
        for child in mine:
            try:
                child.settle()
            except RtsrBenchError:  # it is closed; as in `start`
                self._forget(child)

    def take(self, settings: ChildSettings) -> Child:
        """Return a child of exactly these settings, ready for a guest: one that waits, else a new one.

        The caller closes it. UserError if the device is not available, HarnessError if no process can be started.
        """
        while (child := self._next(settings)) is not None:
            try:
                child.greet()
            except HarnessError:  # it ended while it waited; a new one reports the cause, if there is one
                continue
            return child
        fresh = Child.ahead(settings)
        fresh.greet()
        return fresh

    def kill(self) -> None:
        """End every child at once, from any thread."""
        with self._guard:
            for _, child in self._kept:
                child.kill()

    def close(self) -> None:
        """End every child and remove its files."""
        with self._guard:
            kept, self._kept = self._kept, []
        for _, child in kept:
            child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _usable(self) -> list[Child]:
        """Children that this thread may take, the oldest first; the guard is held."""
        threads = (threading.current_thread(), threading.main_thread())
        return [child for thread, child in self._kept if thread in threads]

    def _next(self, settings: ChildSettings) -> Child | None:
        """Remove the oldest child of these settings and return it."""
        with self._guard:
            child = next((one for one in self._usable() if one.settings == settings), None)
            self._kept = [one for one in self._kept if one[1] is not child]
        return child

    def _forget(self, child: Child) -> None:
        with self._guard:
            self._kept = [one for one in self._kept if one[1] is not child]
