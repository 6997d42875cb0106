"""Processes in which the fixed references are timed: like a timed child, but no guest ever enters them.

On a CPU one process serves the whole run, so that before and after, and all models of the run, are compared with the
same one: where its memory lies decides some percent of a process's speed. On a GPU each has ended before a model is
loaded: an idle process would hold memory of the card, and a card may be set to serve a single process.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError
from rtsr_bench.sandbox import Child, ChildSettings

VARIABLE = "RTSR_BENCH_REFERENCE"
_NEEDED_ON_GPU = 2
"""Before and after a model."""


def wanted() -> bool:
    """Whether the references are timed: the environment variable may say `off`; UserError for other words."""
    found = os.environ.get(VARIABLE, "on")
    if found not in ("on", "off"):
        raise UserError(f"{VARIABLE}: expected on or off, found {found!r}")
    return found == "on"


class ReferenceProcesses:
    """Those of one bench; they live until they are closed, or the thread that started them ends."""

    def __init__(self) -> None:
        self._kept: dict[int, list[Child]] = {}
        self._guard, self._settling = threading.Lock(), threading.Lock()

    def start(self, settings: ChildSettings) -> None:
        """Start what the next model of this thread needs and is not there yet; returns before it is ready.

        A process that cannot be started is no error here: `lent` tries again and raises the reason.
        """
        with self._guard, contextlib.suppress(HarnessError):
            kept = self._usable(settings)
            while len(kept) < (1 if settings.device == "cpu" else _NEEDED_ON_GPU):
                kept.append(Child.ahead(settings))

    def settle(self) -> None:
        """Wait until all that were started are idle; one that does not get there is ended."""
        with self._settling:
            for child in self._all():
                with contextlib.suppress(RtsrBenchError):  # it is closed; as in `start`
                    child.settle()

    @contextlib.contextmanager
    def lent(self, settings: ChildSettings) -> Iterator[Child]:
        """Lend a process that is ready; on a GPU it ends with the block. For one thread at a time.

        UserError if the device is not available, HarnessError if no process can be started.
        """
        with self._guard:
            kept = self._usable(settings)
            child = kept[0] if kept else Child.ahead(settings)
            if settings.device == "cpu":
                kept[:] = [child]
            else:
                kept[:] = kept[1:]
        if getattr(child, "hello", None) is None:
            child.greet()
        with contextlib.nullcontext(child) if settings.device == "cpu" else child:
            yield child

    def kill(self) -> None:
        """End every process at once, from any thread."""
        for child in self._all():
            child.kill()

    def close(self) -> None:
        """End every process and remove its files."""
        for child in self._all():
            child.close()
        self._kept.clear()

    def _all(self) -> list[Child]:
        return [child for kept in list(self._kept.values()) for child in kept]

    def _usable(self, settings: ChildSettings) -> list[Child]:
        """The processes of these settings for this thread, on a CPU for any thread; others are ended."""
        owner = 0 if settings.device == "cpu" else threading.get_ident()
        kept = self._kept.setdefault(owner, [])
        for child in kept:
            if not (child.alive and child.settings == settings):
                child.close()
        kept[:] = [child for child in kept if child.alive]
        return kept
