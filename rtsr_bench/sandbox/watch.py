"""What the parent sees of a guest's processes while it waits: how many they are, and what they use up."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from rtsr_bench.record import FailureKind
from rtsr_bench.sandbox.bounds import Bounds
from rtsr_bench.sandbox.room import Room

EVERY_S = 0.25
"""Seconds between two looks: seldom enough to cost a timing nothing, often enough to stop what grows."""

_SCRATCH_EVERY = 2
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Watch:
    """Looks at the tree of processes below `root`; the kernel's own limits don't hold for the superuser, these do."""

    def __init__(self, root: int, bounds: Bounds, room: Room) -> None:
        self._root, self._bounds, self._room = root, bounds, room
        self._looks = 0

    def trouble(self) -> tuple[FailureKind, str] | None:
        """Return why the guest must be ended now, None while it keeps its bounds."""
        self._looks += 1
        if self._looks % _SCRATCH_EVERY == 0 and self._room.used_bytes() > self._bounds.scratch:
            return FailureKind.CRASHED, f"ended: more than {self._bounds.scratch:,} bytes in its scratch folder"
        pids = self._tree()
        if len(pids) > self._bounds.processes:
            return FailureKind.CRASHED, f"ended: more than {self._bounds.processes:,} processes"
        if self._bounds.memory:
            # What forked processes still share is counted in each, at first; only where that is too much, exactly.
            used = sum(map(_resident, pids))
            if used > self._bounds.memory and sum(map(_proportional, pids)) > self._bounds.memory:
                return FailureKind.OUT_OF_MEMORY, f"ended: more than {self._bounds.memory:,} bytes of memory in use"
        return None

    def _tree(self) -> list[int]:
        """Numbers of the processes below the root, a few more than allowed at most, from the kernel's own lists."""
        found: list[int] = []
        todo = [self._root]
        while todo and len(found) <= self._bounds.processes:
            pid = todo.pop()
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - numbers, and ten times as fast
                    below = Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii").split()
                    found += map(int, below)
                    todo += map(int, below)
        return found


def _resident(pid: int) -> int:
    """Bytes that a process keeps in memory for itself, pages shared with others not counted."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        return (int(fields[1]) - int(fields[2])) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    """Bytes of its own that a process keeps in memory, what it shares with forks of itself divided among them."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return _resident(pid)
