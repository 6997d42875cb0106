"""How busy a machine is with other work: from the kernel's counters, pressure, and NVML's list of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtsr_bench import load
from rtsr_bench.load import Load, LoadMeter, disturbs, gpu_meter


class Machine:
    """Counters of a machine of four processors, as the kernel writes them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.now_s, self.own_s = folder, 100.0, 5.0
        self.busy_s, self.stalled_s = 50.0, 1.0
        monkeypatch.setattr(load, "_STAT", folder / "stat")
        monkeypatch.setattr(load, "_PRESSURE", folder / "pressure")
        monkeypatch.setattr(load, "_allowed", lambda: frozenset({0, 1, 4, 5}))
        monkeypatch.setattr(load.time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(load.time, "process_time", lambda: 0.0)
        self.write()

    def write(self) -> None:
        ticks = round(self.busy_s * load._TICKS_S)
        # user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice
        user, nice, steal = ticks // 2, ticks // 4, ticks - ticks // 2 - ticks // 4
        # The work is on processors 0 and 5; 2 and 3 are busy with what these processors never see.
        busy = {0: f"{user} 0 0 99 77 0 0 {steal} {user} 0", 5: f"0 {nice} 0 99 77 0 0 0 0 0"}
        idle, elsewhere = "0 0 0 99 77 0 0 0 0 0", f"{7 * ticks} 0 0 99 77 0 0 0 0 0"
        lines = [f"cpu{n} {busy.get(n, elsewhere if n in (2, 3) else idle)}" for n in range(6)]
        (self.folder / "stat").write_text("\n".join(["cpu  1 2 3 4 5 6 7 8 9 10", *lines, "intr 1 2"]) + "\n")
        total = round(self.stalled_s * 1e6)
        (self.folder / "pressure").write_text(
            f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\nfull avg10=0 total=0\n"
        )

    def pass_time(self, wall_s: float, *, own_s: float = 0.0, foreign_s: float = 0.0, stalled_s: float = 0.0) -> None:
        self.now_s += wall_s
        self.own_s += own_s
        self.busy_s += own_s + foreign_s
        self.stalled_s += stalled_s
        self.write()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_what_is_not_ones_own_is_foreign_stolen_time_included(machine: Machine) -> None:
    meter = LoadMeter(lambda: machine.own_s)
    before = meter.mark()
    machine.pass_time(2.0, own_s=3.0, foreign_s=2.0, stalled_s=0.5)
    found = meter.since(before)
    assert found.foreign == pytest.approx(2.0 / 8.0)
    assert found.foreign_s == pytest.approx(2.0)
    assert found.stalled == pytest.approx(0.25)
    assert found.words == "25 % foreign load"
    assert found.cores == 4


def test_a_guest_cannot_call_the_machine_busy_by_its_own_work(machine: Machine) -> None:
    meter = LoadMeter(lambda: machine.own_s)
    before = meter.mark()
    machine.pass_time(2.0, own_s=8.0, stalled_s=2.0)
    assert meter.since(before).foreign == 0
    assert not disturbs(meter.since(before), share=0.05, gpu=0.05)


def test_where_the_system_does_not_tell_the_load_is_unknown(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_STAT", tmp_path / "nothing")
    meter = LoadMeter(lambda: 0.0)
    found = meter.since(meter.mark())
    assert found.foreign is None
    assert found.words == "unknown load"
    assert not disturbs(found, share=0.05, gpu=0.05)


def test_a_machine_that_does_not_count_what_runs_on_it_is_unknown(machine: Machine) -> None:
    meter = LoadMeter(lambda: machine.own_s)
    before = meter.mark()
    machine.now_s += 2.0
    machine.own_s += 4.0  # and the counters of the machine stand still
    assert meter.since(before).foreign is None


@pytest.mark.parametrize(
    ("found", "disturbed"),
    [
        (Load(wall_s=1.0, foreign=0.11, foreign_s=0.44), True),
        (Load(wall_s=1.0, foreign=0.09, foreign_s=0.36), False),
        (Load(wall_s=1.0, foreign=0.04, foreign_s=0.16, stalled=0.2), True),
        (Load(wall_s=1.0, foreign=0.03, foreign_s=0.12, stalled=0.2), False),
        (Load(wall_s=0.1, foreign=0.5, foreign_s=0.04, stalled=0.2), False),
        (Load(wall_s=1.0, foreign=0.0, gpu=0.2), True),
    ],
)
def test_a_crowded_machine_disturbs_sooner_and_single_ticks_never(found: Load, disturbed: bool) -> None:
    assert disturbs(found, share=0.10, gpu=0.05) is disturbed


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield loop
    loop.kill()
    loop.wait()


@pytest.mark.skipif(not Path("/proc/stat").is_file(), reason="needs /proc")
def test_the_busiest_other_process_is_named(busy: subprocess.Popen[bytes]) -> None:
    meter = LoadMeter(lambda: 0.0)
    before = meter.mark(processes=True)
    while True:
        found = meter.since(before)
        if found.culprit:
            break
    assert found.foreign is not None
    assert found.foreign > 0
    assert busy.pid in meter.mark(processes=True).processes


class NoSample(Exception):
    pass


def nvml(*samples: tuple[int, int]) -> Any:
    def utilization(handle: str, since_us: int) -> list[SimpleNamespace]:
        assert handle == "card"
        assert since_us == 1_500_000
        if not samples:
            raise NoSample
        return [SimpleNamespace(pid=pid, smUtil=share) for pid, share in samples]

    return SimpleNamespace(nvmlDeviceGetProcessUtilization=utilization, NVMLError=NoSample)


def test_what_other_processes_use_of_a_gpu_is_foreign() -> None:
    me = os.getpid()
    share = gpu_meter(nvml((me, 90), (1, 10), (1, 30)), "card", lambda: [me])
    assert share(1.5) == pytest.approx(0.2)
    assert gpu_meter(nvml((me, 90)), "card", lambda: [me])(1.5) == 0
    assert gpu_meter(nvml(), "card", lambda: [me])(1.5) is None


def test_process_numbers_of_another_namespace_tell_nothing() -> None:
    assert gpu_meter(nvml((4_194_304 + 7, 90)), "card", lambda: [os.getpid()])(1.5) is None
