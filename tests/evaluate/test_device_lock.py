"""The lock of a device: exclusive for timing, across threads and processes, and released when its holder dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate.device_lock import Cancelled, DeviceLock

HOLD = """
import sys, time
from pathlib import Path
from rtsr_bench.evaluate.device_lock import DeviceLock
with DeviceLock("cpu", Path(sys.argv[1])).exclusive("timing team_x/x2"):
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _in_a_thread(lock: DeviceLock, how: str, entered: threading.Event, leave: threading.Event) -> threading.Thread:
    def body() -> None:
        with lock.shared() if how == "shared" else lock.exclusive("timing"):
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def test_shared_holders_run_together_and_an_exclusive_one_waits_for_all_of_them(tmp_path: Path) -> None:
    lock = DeviceLock("cpu", tmp_path)
    first, second, alone, leave, leave_alone = (threading.Event() for _ in range(5))
    threads = [_in_a_thread(lock, "shared", one, leave) for one in (first, second)]
    assert first.wait(10)
    assert second.wait(10)
    threads.append(_in_a_thread(lock, "exclusive", alone, leave_alone))
    assert not alone.wait(0.3)
    late = threading.Event()
    threads.append(_in_a_thread(lock, "shared", late, leave))
    assert not late.wait(0.3), "a later shared holder must not overtake a waiting exclusive one"
    leave.set()
    assert alone.wait(10)
    assert not late.wait(0.3)
    leave_alone.set()
    assert late.wait(10)
    for thread in threads:
        thread.join()


def test_devices_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with DeviceLock("cpu", tmp_path).exclusive("timing"), DeviceLock("GPU-1b2c", tmp_path).exclusive("timing"):
        pass


def test_waiting_process_sees_the_holder_and_a_killed_holder_releases_the_lock(tmp_path: Path) -> None:
    process = _holder(tmp_path)
    told: list[str] = []
    threading.Timer(0.5, lambda: process.send_signal(signal.SIGKILL)).start()
    with DeviceLock("cpu", tmp_path).exclusive("timing", told.append):
        pass
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert len(told) == 1
    assert told[0].startswith("timing team_x/x2 (")
    assert f"process {process.pid})" in told[0]


def test_the_note_of_a_stranger_is_escaped(tmp_path: Path) -> None:
    lock, told = DeviceLock("cpu", tmp_path), list[str]()
    entered, leave = threading.Event(), threading.Event()
    thread = _in_a_thread(lock, "exclusive", entered, leave)
    assert entered.wait(10)
    next(tmp_path.glob("*.turn")).write_text("\x1b[2Jgone" + "x" * 1000)
    threading.Timer(0.3, leave.set).start()
    with lock.shared(told.append):
        thread.join()
    assert "\x1b" not in told[0]
    assert len(told[0]) < 300


def test_cancelling_ends_the_waiting(tmp_path: Path) -> None:
    lock = DeviceLock("cpu", tmp_path)
    with lock.exclusive("timing"):
        threading.Timer(0.2, lock.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled), lock.shared():
            pass
        assert time.monotonic() - began < 10


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "rtsr-bench-cpu.gate").symlink_to(victim)
    with pytest.raises(HarnessError, match="RTSR_BENCH_LOCKS"), DeviceLock("cpu", tmp_path).exclusive("timing"):
        pass
    assert victim.read_text() == "mine"


def test_a_lock_file_is_writable_for_every_user(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        with DeviceLock("cpu", tmp_path).exclusive("timing"):
            pass
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666}
