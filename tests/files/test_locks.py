"""Locks are held by one, or shared, and given back when their holder dies; folders are swept once nobody holds them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.files.held import HeldFolder, sweep_held
from rtsr_bench.files.locks import locked, take

_HOLDS = """
import sys, time
from pathlib import Path
from rtsr_bench.files.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_a_lock_is_exclusive_or_shared(tmp_path: Path) -> None:
    first, second, third = (opened(tmp_path / "lock") for _ in range(3))
    try:
        assert take(first, shared=True)
        assert take(second, shared=True, wait=False)
        assert not take(third, wait=False)
        os.close(first)
        assert not take(third, wait=False)
        assert take(second, wait=False)
        assert not take(third, shared=True, wait=False)
    finally:
        for handle in (second, third):
            os.close(handle)


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with subprocess.Popen([sys.executable, "-c", _HOLDS, str(target)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        handle = opened(tmp_path / ".a.lock")
        assert not take(handle, wait=False)
        os.close(handle)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(target):
        pass
    assert list(tmp_path.iterdir()) == []


def test_windows_locks_a_byte_and_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the module of Windows: only the calls that it gets can be tested here."""
    refusals, calls = [1, 1], []

    def locking(handle: int, mode: int, count: int) -> None:
        calls.append((os.lseek(handle, 0, os.SEEK_CUR), mode, count))
        if refusals:
            refusals.pop()
            raise OSError(13, "Permission denied")

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    handle = opened(tmp_path / "lock")
    os.write(handle, b"text")
    assert not take(handle, wait=False)
    assert take(handle)
    assert calls == [(0, 2, 1)] * 3
    os.close(handle)


def test_system_without_locks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fcntl", "msvcrt"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match="expected a system with fcntl") as caught, locked(tmp_path / "a"):
        pass
    assert "\n" not in str(caught.value)


def test_a_held_folder_is_removed_by_its_maker_or_swept_after_its_death(tmp_path: Path) -> None:
    dead, living = HeldFolder(tmp_path, ".work-"), HeldFolder(tmp_path, ".work-")
    (tmp_path / ".work-of-another").mkdir()
    (dead.path / "closed").mkdir(mode=0o000)
    dead.lock.close()  # as the kernel does when a process ends
    sweep_held(tmp_path, ".work-")
    assert not dead.path.exists()
    assert living.path.is_dir()
    with living:
        (living.path / "file").write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == [".work-of-another"]
