"""What one guest may use up, besides the time that the protocol gives it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from rtsr_bench.wire import Rlimits

_MEMORY_SHARE = 0.9
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def _memory_share() -> int:
    """Nine tenths of this machine's memory, or of what the container may have; 0 where nothing tells."""
    try:
        known = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (ValueError, OSError, AttributeError):
        known = []
    for path in _CGROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            known.append(int(text))
    return int(min(known) * _MEMORY_SHARE) if known else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Bytes of memory (0: no limit), processes and threads, bytes of a file, bytes and files of scratch, CPU seconds.

    Memory, processes and scratch hold for all processes of a guest together, a file and CPU time for each of them.
    """

    memory: int = field(default_factory=_memory_share)
    processes: int = 1024
    file: int = 1 << 30
    scratch: int = 2 << 30
    files: int = 20_000
    cpu_s: int = 48 * 3600

    def rlimits(self, *, user_processes: int) -> Rlimits:
        """What the child is told to limit itself to; the kernel counts the processes of the whole user."""
        return Rlimits(memory=self.memory, processes=self.processes + user_processes, file=self.file, cpu_s=self.cpu_s)
