"""What is left when the harness dies while a child is being started: nothing, at either level."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtsr_bench.sandbox import Level, obtainable

STARTS = """
import sys
from rtsr_bench.sandbox import Child, Level
print("ready", flush=True)
Child(level=Level(sys.argv[1]))
"""
MOMENTS_S = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15)
"""After these, from before bwrap makes the room to when the worker imports torch."""


def _of(harness: int) -> list[str]:
    """Processes that were started for this harness and live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"rtsr_bench.measuring.worker" in words and str(harness).encode() in words:
                found.append(entry.name)
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are seen in /proc")
@pytest.mark.parametrize("level", list(Level))
def test_a_harness_killed_while_it_starts_a_child_leaves_no_process(level: Level, tmp_path: Path) -> None:
    if level.rank > obtainable().level.rank:
        pytest.skip(obtainable().reason)
    harnesses = []
    for moment in MOMENTS_S:
        command = [sys.executable, "-c", STARTS, level.value]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}) as harness:
            assert harness.stdout is not None
            assert harness.stdout.readline() == "ready\n"
            while not _of(harness.pid):
                time.sleep(0.001)
            time.sleep(moment)
            harness.send_signal(signal.SIGKILL)
        harnesses.append(harness.pid)
    deadline = time.monotonic() + 30
    while (left := [one for pid in harnesses for one in _of(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
