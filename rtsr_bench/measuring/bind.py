"""The child's limits, set by itself before any guest is there: hard ones, which it can't raise again."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from rtsr_bench.wire import Rlimits

_OPEN_FILES = 1024


def bind(limits: Rlimits, *, gpu: bool) -> None:
    """Bind this process and all it starts: CPU time, file size, processes, memory, open files; no core dumps.

    Memory is bound by what a process writes to (`RLIMIT_DATA`), not with a GPU: CUDA reserves far more than it uses.
    The parent looks at what is really in use besides.
    """
    if sys.platform == "win32":
        return
    import resource

    values = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_FSIZE: limits.file,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_NPROC: limits.processes,
    }
    if limits.memory and not gpu and sys.platform == "linux":
        values[resource.RLIMIT_DATA] = limits.memory
    for limit, value in values.items():
        _, hard = resource.getrlimit(limit)
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # One second between the signal that can be told from others and the one that can't be caught.
        beyond = lowest + 1 if limit == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else lowest
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (lowest, beyond))


def die_first() -> None:
    """Be the first to go when memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    os.umask(0o077)
