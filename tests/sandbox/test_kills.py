"""What is left when the harness dies while a child is being started: nothing, at either level."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtsr_bench.sandbox import Level, obtainable

STARTS = """
import os, sys
from rtsr_bench.sandbox import Child, Level, obtainable
level = Level(sys.argv[1])
obtainable()
for _ in sys.stdin:
    harness = os.fork()
    if not harness:
        Child(level=level)
        os._exit(0)
    print(harness, flush=True)
    os.waitpid(harness, 0)
"""
"""A process that starts harnesses, one for each line that it reads: all that they import is imported once."""

MOMENTS_S = (0, 0, 0.001, 0.001, 0.002, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.1)
"""Seconds after bwrap, or the keeper, is seen: while the room is made, up to when the worker imports torch."""


def _of(harness: int, program: bytes = b"") -> list[str]:
    """Processes that were started for this harness and live, of a program whose path ends so."""
    found, pid = [], str(harness).encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(program) and b"rtsr_bench.measuring.worker" in words and pid in words:
                found.append(entry.name)
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are seen in /proc")
@pytest.mark.parametrize("level", list(Level))
def test_a_harness_killed_while_it_starts_a_child_leaves_no_process(level: Level, tmp_path: Path) -> None:
    if level.rank > obtainable().level.rank:
        pytest.skip(obtainable().reason)
    environment, harnesses = {**os.environ, "TMPDIR": str(tmp_path)}, []
    command = [sys.executable, "-c", STARTS, level.value]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as starter:  # fmt: skip
        assert starter.stdin is not None
        assert starter.stdout is not None
        for moment in MOMENTS_S:
            starter.stdin.write("\n")
            starter.stdin.flush()
            harness = int(starter.stdout.readline())
            while not _of(harness, b"bwrap" if level is Level.BUBBLEWRAP else b""):
                time.sleep(0.0005)
            time.sleep(moment)
            os.kill(harness, signal.SIGKILL)
            harnesses.append(harness)
        starter.stdin.close()
    deadline = time.monotonic() + 30
    while (left := [one for pid in harnesses for one in _of(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
