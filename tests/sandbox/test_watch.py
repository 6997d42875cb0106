"""What is seen of a guest's processes: its own scratch, and never the machine's in its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rtsr_bench.sandbox import Bounds
from rtsr_bench.sandbox.room import Room
from rtsr_bench.sandbox.watch import Watch


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are seen in /proc")
def test_files_of_the_host_are_not_counted_before_the_sandbox_exists() -> None:
    there = os.statvfs("/tmp")
    if there.f_files - there.f_ffree <= 5:
        pytest.skip("this file system does not tell how many files it has")
    room = Room()
    try:
        # The tree below this process has its root where the machine's is, as bwrap's has at first.
        watch = Watch(os.getppid(), Bounds(files=5, processes=100_000, memory=0), room, "/tmp")
        assert [watch.trouble() for _ in range(4)] == [None] * 4
    finally:
        room.close()
