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
_TICKS_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_ANON, _ALL = ("RssAnon:", "RssShmem:"), ("Pss_Anon:", "Pss_Shmem:")


class Watch:
    """Looks at the tree of processes below `root`; the kernel's own limits don't hold for the superuser, these do.

    `private` is the scratch folder as the guest sees it, where that is a file system of its own.
    """

    def __init__(self, root: int, bounds: Bounds, room: Room, private: str | None = None) -> None:
        self._root, self._bounds, self._room, self._private = root, bounds, room, private
        self._looks = 0

    def trouble(self) -> tuple[FailureKind, str] | None:
        """Return why the guest must be ended now, None while it keeps its bounds."""
        self._looks += 1
        pids, threads = tree(self._root, most=self._bounds.processes)
        if self._looks % _SCRATCH_EVERY == 0:
            used, files = self._room.used(most=self._bounds.files)
            if used > self._bounds.scratch:
                return FailureKind.CRASHED, f"ended: more than {self._bounds.scratch:,} bytes in its scratch folder"
            if max(files, self._private_files(pids)) > self._bounds.files:
                return FailureKind.CRASHED, f"ended: more than {self._bounds.files:,} files in its scratch folder"
        if threads > self._bounds.processes:
            return FailureKind.CRASHED, f"ended: more than {self._bounds.processes:,} processes and threads"
        if self._bounds.memory:
            # What forked processes still share is counted in each, at first; only where that is too much, exactly.
            files_only = _memory_files(pids)
            if files_only + sum(_bytes(pid, "status", _ANON) for pid in pids) > self._bounds.memory:
                exact = files_only + sum(_bytes(pid, "smaps_rollup", _ALL) for pid in pids)
                if exact > self._bounds.memory:
                    return (
                        FailureKind.OUT_OF_MEMORY,
                        f"ended: more than {self._bounds.memory:,} bytes of memory in use",
                    )
        return None

    def pids(self) -> list[int]:
        """Numbers of the tree's processes."""
        return tree(self._root, most=self._bounds.processes)[0]

    def cpu_s(self) -> float:
        """Seconds that processors worked for the tree's processes, and for those of them that have ended."""
        total = 0
        for pid in (self._root, *self.pids()):
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
                total += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
        return total / _TICKS_S

    def _private_files(self, pids: list[int]) -> int:
        """Files in the guest's own file system, as far as it can be seen from here.

        While bwrap starts, a process below may still see the machine's own folder there, with any number of files.
        """
        for pid in reversed(pids) if self._private else ():
            with contextlib.suppress(OSError):
                place = f"/proc/{pid}/root{self._private}"
                if Path(place).stat().st_dev != Path(str(self._private)).stat().st_dev:
                    there = os.statvfs(place)
                    return there.f_files - there.f_ffree
        return 0


def tree(root: int, *, most: int = 100_000) -> tuple[list[int], int]:
    """Processes below the root and the number of their threads, not many more than so many."""
    found: list[int] = []
    todo, threads = [root], 0
    while todo and threads <= most:
        pid = todo.pop()
        with contextlib.suppress(OSError):
            tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - numbers, and ten times as fast
            threads += len(tasks)
            for task in tasks[: most + 1]:
                below = Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii").split()
                found += map(int, below)
                todo += map(int, below)
    return found, threads


def _memory_files(pids: list[int]) -> int:
    """Bytes of files without a name that are open in the processes: memory that none of them need have mapped."""
    sizes: dict[int, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - as above
                path = f"/proc/{pid}/fd/{name}"
                with contextlib.suppress(OSError):
                    if os.readlink(path).startswith("/memfd:"):  # noqa: PTH115 - as above
                        status = os.stat(path)  # noqa: PTH116 - as above
                        sizes[status.st_ino] = status.st_blocks * 512
    return sum(sizes.values())


def _bytes(pid: int, file: str, names: tuple[str, ...]) -> int:
    """Bytes that a process keeps in memory for itself: its own, and shared ones that are no file's."""
    total = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(names):
                total += int(line.split()[1]) * 1024
    return total
