"""The load on a machine from outside one process tree: processor time, pressure, and other users of a GPU.

Sources: `/proc/stat` (processor time of the whole machine, in ticks of 10 ms), `/proc/pressure/cpu` (PSI: time in which
some task waited for a processor), `/proc/PID/stat` (to name the busiest other process), and NVML for a GPU. On a system
without them (no `/proc`) the load is unknown, which is not the same as zero.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtsr_bench.text import ascii_safe

_STAT, _PRESSURE, _PROC = Path("/proc/stat"), Path("/proc/pressure/cpu"), Path("/proc")
_TICKS_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_IDLE = (3, 4)
"""Fields of a `cpu` line of `/proc/stat` in which a processor was idle: idle and iowait."""

_COUNTED = 8
"""Fields up to steal; guest time, which follows, is already part of user time (proc(5))."""

_COUNTS_ALIKE, _COUNT_SLACK_S = 1.5, 0.5
"""By how much a process tree's own time may exceed that of the whole machine, which the kernel samples."""

_LEAST_S = 0.05
"""Processor seconds below which a share is ignored: five ticks of the kernel's accounting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Counters at one moment, in seconds: wall clock, busy processors, `own` work, waiting tasks."""

    wall_s: float
    busy_s: float | None
    own_s: float
    stalled_s: float | None
    processes: dict[int, tuple[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Other work between two marks. Shares are in 0..1, of the processors this process may use or of the GPU.

    None if unknown. `cores` is the number of these processors. `stalled` is the share of the time in which some task
    waited for a processor. `culprit` names the busiest other visible process; empty if processes were not read.
    """

    wall_s: float
    cores: int = 1
    foreign: float | None = None
    foreign_s: float = 0.0
    stalled: float | None = None
    gpu: float | None = None
    culprit: str = ""

    @property
    def words(self) -> str:
        """The load for readers, such as `48 % foreign load (python 47 %)`."""
        parts = [] if self.foreign is None else [f"{100 * self.foreign:.0f} % foreign load"]
        parts += [] if not self.gpu else [f"{100 * self.gpu:.0f} % of the GPU used by other processes"]
        return (" and ".join(parts) or "unknown load") + (f" ({self.culprit})" if self.culprit else "")


class LoadMeter:
    """Measures the load from outside a process tree, whose own processor seconds `own_cpu_s` returns."""

    def __init__(self, own_cpu_s: Callable[[], float], gpu: Callable[[float], float | None] | None = None) -> None:
        """`gpu` returns the share of a GPU used by other processes since a time (seconds since the epoch)."""
        self._own_cpu_s, self._gpu = own_cpu_s, gpu
        self._cores = _allowed()

    @property
    def cores(self) -> int:
        """Number of processors that this process may use."""
        return len(self._cores) or 1

    def mark(self, *, processes: bool = False) -> Mark:
        """Read the counters; `processes` adds those of each process, so that the busiest can be named."""
        return Mark(
            wall_s=time.monotonic(),
            busy_s=_busy_s(self._cores),
            own_s=self._own_cpu_s() + time.process_time(),
            stalled_s=_stalled_s(),
            processes=_processes() if processes else {},
        )

    def since(self, before: Mark) -> Load:
        """The foreign load since a mark."""
        now = self.mark(processes=bool(before.processes))
        wall_s = max(1e-9, now.wall_s - before.wall_s)
        gpu = self._gpu(time.time() - wall_s) if self._gpu else None
        cores, own_s = self.cores, now.own_s - before.own_s
        if now.busy_s is None or before.busy_s is None:
            return Load(wall_s=wall_s, cores=cores, gpu=gpu)
        busy_s = now.busy_s - before.busy_s
        if own_s > _COUNTS_ALIKE * busy_s + _COUNT_SLACK_S:  # the machine does not account for this tree
            return Load(wall_s=wall_s, cores=cores, gpu=gpu)
        foreign_s = max(0.0, busy_s - own_s)
        capacity_s = wall_s * cores
        stalled = None
        if now.stalled_s is not None and before.stalled_s is not None:
            stalled = min(1.0, max(0.0, now.stalled_s - before.stalled_s) / wall_s)
        return Load(
            wall_s=wall_s,
            cores=cores,
            foreign=min(1.0, foreign_s / capacity_s),
            foreign_s=foreign_s,
            stalled=stalled,
            gpu=gpu,
            culprit=_culprit(before.processes, now.processes, capacity_s),
        )


def disturbs(load: Load, *, share: float, gpu: float) -> bool:
    """Whether a load above a share of the processors or of the GPU could have disturbed a timing.

    A third of `share` is enough if tasks waited for processors in more than a tenth of the time. Shares of less than
    five ticks are ignored. An unknown load does not count as a disturbance, nor as an idle machine.
    """
    if load.gpu is not None and load.gpu > gpu:
        return True
    if load.foreign is None or load.foreign_s < _LEAST_S:
        return False
    crowded = load.stalled is not None and load.stalled > 0.1
    return load.foreign > (share / 3 if crowded else share)


def gpu_meter(nvml: Any, handle: Any, own: Callable[[], Collection[int]]) -> Callable[[float], float | None]:
    """Return a function for the share of a GPU's time that processes other than `own()` used since a time.

    NVML samples utilisation by process (`nvmlDeviceGetProcessUtilization`). None if it gives no answer, or if its
    process ids are from another namespace (a container), so that ours are not among them.
    """

    def share(since_s: float) -> float | None:
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(handle, int(since_s * 1e6))
        except nvml.NVMLError:
            return None
        mine = set(own())
        by_pid: dict[int, list[int]] = {}
        for sample in samples:
            by_pid.setdefault(int(sample.pid), []).append(int(sample.smUtil))
        if by_pid and not mine & by_pid.keys() and not all(_visible(pid) for pid in by_pid):
            return None
        others = [sum(values) / len(values) for pid, values in by_pid.items() if pid not in mine]
        return min(1.0, sum(others) / 100)

    return share


def _visible(pid: int) -> bool:
    return (_PROC / str(pid)).is_dir()


def _allowed() -> frozenset[int]:
    """Numbers of the processors that this process and its children may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _busy_s(cores: Collection[int]) -> float | None:
    """Seconds that these processors were busy since boot, including time stolen by a hypervisor."""
    try:
        lines = [line.split() for line in _STAT.read_text(encoding="ascii").splitlines() if line.startswith("cpu")]
        mine = {f"cpu{number}" for number in cores}
        counted = [[int(one) for one in line[1 : 1 + _COUNTED]] for line in lines if line[0] in mine]
    except (OSError, ValueError):
        return None
    if len(counted) < len(cores) or any(len(ticks) <= max(_IDLE) for ticks in counted):
        return None
    return sum(value for ticks in counted for at, value in enumerate(ticks) if at not in _IDLE) / _TICKS_S


def _stalled_s() -> float | None:
    """Seconds since boot in which some task waited for a processor; None without PSI."""
    try:
        line = _PRESSURE.read_text(encoding="ascii").partition("\n")[0]
        return int(line.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError):
        return None


def _processes() -> dict[int, tuple[str, float]]:
    """Name and processor seconds of every visible process."""
    found = {}
    for entry in os.scandir(_PROC) if _PROC.is_dir() else ():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
                name, fields = stat.partition("(")[2].rpartition(")")[0], stat.rpartition(")")[2].split()
                found[int(entry.name)] = name, (int(fields[11]) + int(fields[12])) / _TICKS_S
    return found


def _culprit(before: dict[int, tuple[str, float]], now: dict[int, tuple[str, float]], capacity_s: float) -> str:
    """The process that used most processor time in between, as `name 47 %` of all processors."""
    used = {pid: (name, total - before[pid][1]) for pid, (name, total) in now.items() if pid in before}
    used.pop(os.getpid(), None)
    if not used:
        return ""
    name, seconds = max(used.values(), key=lambda one: one[1])
    return f"{ascii_safe(name)} {100 * seconds / capacity_s:.0f} %" if seconds >= _LEAST_S else ""


_CLOCKS, _CPUINFO = Path("/sys/devices/system/cpu"), Path("/proc/cpuinfo")
_ZONES, _SENSORS, _ENERGY = Path("/sys/class/thermal"), Path("/sys/class/hwmon"), Path("/sys/class/powercap")
_OF_PROCESSORS = ("x86_pkg_temp", "coretemp", "k10temp", "zenpower", "cpu")
"""How thermal zones and sensors of processors are called, or how their names begin."""


class ProcessorState:
    """Clock, temperature and power of the processors, as far as the system tells; virtual machines tell little."""

    def __init__(self) -> None:
        self._cores = _allowed()
        self._energy = self._spent()

    def clock_mhz(self) -> int | None:
        """Mean clock of the processors that this process may use; None if unknown."""
        khz = [_number(_CLOCKS / f"cpu{core}" / "cpufreq" / "scaling_cur_freq") for core in self._cores]
        known = [one / 1000 for one in khz if one is not None]
        if not known:
            with contextlib.suppress(OSError, ValueError):
                lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
                known = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
        return round(sum(known) / len(known)) if known else None

    def temperature_c(self) -> int | None:
        """Temperature of the hottest processor in °C; None if unknown."""
        files = [zone / "temp" for zone in _named(_ZONES, "thermal_zone*", "type")]
        files += [file for sensor in _named(_SENSORS, "hwmon*", "name") for file in sensor.glob("temp*_input")]
        known = [value for value in map(_number, files) if value is not None]
        return round(max(known) / 1000) if known else None

    def power_w(self) -> float | None:
        """Mean power of the processor packages since the last call, W; None if unknown (RAPL is often root's alone)."""
        before, self._energy = self._energy, self._spent()
        if before is None or self._energy is None:
            return None
        seconds, joules = (now - then for now, then in zip(self._energy, before, strict=True))
        return joules / seconds if seconds > 0 and joules >= 0 else None  # the counter starts again at 0 at times

    def _spent(self) -> tuple[float, float] | None:
        """The time, and joules by the counters of the packages."""
        found = [_number(one / "energy_uj") for one in _ENERGY.glob("intel-rapl:*") if one.name.count(":") == 1]
        known = [one for one in found if one is not None]
        return (time.monotonic(), sum(known) / 1e6) if known else None


def _named(folder: Path, pattern: str, file: str) -> list[Path]:
    """Folders of zones or sensors whose name says that they belong to a processor."""
    found = []
    for place in folder.glob(pattern):
        with contextlib.suppress(OSError):
            if (place / file).read_text(encoding="utf-8", errors="replace").strip().startswith(_OF_PROCESSORS):
                found.append(place)
    return found


def _number(path: Path) -> float | None:
    """The number in a file of the kernel; None if there is none."""
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
