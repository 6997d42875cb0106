"""The measured system: CPU, memory and versions, and the GPU's clocks, temperature and power through NVML."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from rtsr_bench.errors import HarnessError
from rtsr_bench.load import gpu_meter
from rtsr_bench.record import System, Telemetry

Reading = TypeVar("Reading")

_PACKAGES = ("torch", "numpy", "pillow", "scikit-image", "scipy", "numba",
             "onnx", "onnxruntime", "openvino", "ncnn", "tensorrt")  # fmt: skip
_CPUINFO = Path("/proc/cpuinfo")
_NODES = Path("/sys/devices/system/node")


def describe(
    *,
    device: str,
    device_name: str,
    torch_threads: int,
    torch: str,
    python: str,
    facts: dict[str, str],
    isolation: str,
    device_uuid: str = "",
) -> System:
    """Build the system of a record from the child's description of its device and from this process's view."""
    kind, _, index = device.partition(":")
    model = cpu_model()
    return System(
        device_kind=kind,
        device_name=device_name or model,
        device_index=int(index or 0) if kind == "cuda" else None,
        cpu_model=model,
        cpu_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        torch_threads=torch_threads,
        memory_bytes=_memory_bytes(),
        os=f"{platform.system()} {platform.release()}",
        python=python,
        torch=torch,
        facts={**facts, **_nodes()},
        packages={name: metadata.version(name) for name in _PACKAGES if _installed(name)},
        isolation=isolation,
        device_uuid=device_uuid,
    )


def cpu_model() -> str:
    """Name of the processor, cleaned of trademark signs."""
    name = ""
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", _CPUINFO.read_text(), re.MULTILINE)
        name = found[1] if found else ""
    name = name or platform.processor() or platform.machine()
    return re.sub(r"\s+", " ", re.sub(r"\((R|TM)\)|®|™|@.*$", "", name)).strip()


def _nodes() -> dict[str, str]:
    """How many NUMA nodes the machine has, where the system tells: memory of another node is slower."""
    found = len(list(_NODES.glob("node[0-9]*")))
    return {"numa_nodes": str(found)} if found else {}


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


class Gauge:
    """Reads a device's state: for a GPU through NVML, for a CPU the load average. Reading never raises."""

    def __init__(self, handle: Any = None, nvml: Any = None, facts: dict[str, str] | None = None) -> None:
        self._handle = handle
        self._nvml = nvml
        self.facts = facts or {}

    def foreign(self, own: Callable[[], Collection[int]]) -> Callable[[float], float | None] | None:
        """Return a function for the share of a GPU that processes other than `own()` used; None for a CPU."""
        return None if self._nvml is None else gpu_meter(self._nvml, self._handle, own)

    def read(self, when: str) -> Telemetry:
        """Read the current state; values that the device does not report are None."""
        if self._nvml is None:
            return Telemetry(when=when, load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None)
        nvml, handle = self._nvml, self._handle
        power = _ask(nvml, nvml.nvmlDeviceGetPowerUsage, handle)
        rates = _ask(nvml, nvml.nvmlDeviceGetUtilizationRates, handle)
        return Telemetry(
            when=when,
            sm_clock_mhz=_ask(nvml, nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM),
            memory_clock_mhz=_ask(nvml, nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM),
            temperature_c=_ask(nvml, nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            power_w=None if power is None else power / 1000.0,
            utilization_percent=None if rates is None else int(rates.gpu),
            throttle_reasons=tuple(_throttling(nvml, handle)),
        )

    @property
    def every_s(self) -> float:
        """Seconds between two readings during timed calls."""
        return _EVERY_S["cpu" if self._nvml is None else "cuda"]

    def see_device(self) -> None:
        """Raise HarnessError if the driver reports the GPU as lost, because the guest is then not at fault."""
        if self._nvml is None:
            return
        try:
            self._nvml.nvmlDeviceGetTemperature(self._handle, self._nvml.NVML_TEMPERATURE_GPU)
        except self._nvml.NVMLError as error:
            if error.value in (self._nvml.NVML_ERROR_GPU_IS_LOST, self._nvml.NVML_ERROR_RESET_REQUIRED):
                raise HarnessError(f"the GPU was lost while it was measured: {error}") from error


_EVERY_S, _MOST_READINGS = {"cuda": 0.2, "cpu": 1.0}, 200
"""Seconds between two readings during timed calls (throttling lasts longer, and a load average changes slowly), and the
number of readings at which each two are merged and the interval is doubled."""


@contextlib.contextmanager
def watching(gauge: Gauge, every_s: float | None = None) -> Iterator[list[Telemetry]]:
    """Read a device's state in a thread while calls are timed; the list yielded holds the readings, in order.

    A reading between two calls shows an idle device: its clock may be low without throttling.
    """
    every_s = every_s or gauge.every_s
    with repeated(lambda: gauge.read("during"), every_s, most=_MOST_READINGS, thin_out=_thin_out) as readings:
        yield readings


@contextlib.contextmanager
def repeated(
    read: Callable[[], Reading], every_s: float, *, most: int, thin_out: Callable[[list[Reading]], None]
) -> Iterator[list[Reading]]:
    """Read something in a thread every so many seconds; the list yielded holds the readings, in order.

    At `most` readings they are thinned out, and the interval is doubled.
    """
    readings: list[Reading] = []
    over = threading.Event()

    def run() -> None:
        pause_s = every_s
        while not over.wait(pause_s):
            readings.append(read())
            if len(readings) >= most:
                thin_out(readings)
                pause_s *= 2

    thread = threading.Thread(target=run, daemon=True, name="readings")
    thread.start()
    try:
        yield readings
    finally:
        over.set()
        thread.join()


def _thin_out(readings: list[Telemetry]) -> None:
    """Merge each two readings into one, with the throttling reasons of both."""
    pairs = zip(readings[::2], [*readings[1::2], None], strict=False)
    readings[:] = [
        first
        if second is None
        else replace(first, throttle_reasons=tuple(dict.fromkeys((*first.throttle_reasons, *second.throttle_reasons))))
        for first, second in pairs
    ]


@contextlib.contextmanager
def gauge(device_kind: str, device_uuid: str) -> Iterator[Gauge]:
    """Open the gauge of a device; for a GPU without NVML it reads nothing and `facts` gives the reason."""
    if device_kind != "cuda":
        yield Gauge()
        return
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        yield Gauge(facts={"nvml": f"not available: {error}"})
        return
    try:
        try:
            handle = _handle(pynvml, device_uuid)
            facts = _gpu_facts(pynvml, handle)
        except pynvml.NVMLError as error:
            yield Gauge(facts={"nvml": f"does not know the device: {error}"})
            return
        yield Gauge(handle, pynvml, facts)
    finally:
        pynvml.nvmlShutdown()


def _handle(nvml: Any, uuid: str) -> Any:
    """Find the device by its UUID, because CUDA's and NVML's numbers differ under CUDA_VISIBLE_DEVICES.

    For a MIG instance it is the GPU that contains it: clocks, temperature and power are those of the whole GPU.
    """
    handle, name = _found(nvml, uuid)
    return nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle) if name.startswith("MIG-") else handle


def _found(nvml: Any, uuid: str) -> tuple[Any, str]:
    """A device and its full UUID; torch reports a UUID without the prefix `GPU-` or `MIG-`."""
    names = [uuid] if uuid.startswith(("GPU-", "MIG-")) else [f"GPU-{uuid}", f"MIG-{uuid}"]
    for name in names[:-1]:
        with contextlib.suppress(nvml.NVMLError):
            return nvml.nvmlDeviceGetHandleByUUID(name), name
    return nvml.nvmlDeviceGetHandleByUUID(names[-1]), names[-1]


def visible_name(uuid: str) -> str:
    """The UUID of a GPU or MIG instance in the form of CUDA_VISIBLE_DEVICES; empty if there is none."""
    if not uuid or uuid.startswith(("GPU-", "MIG-")):
        return uuid
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return f"GPU-{uuid}"
    try:
        return _found(pynvml, uuid)[1]
    except pynvml.NVMLError:
        return f"GPU-{uuid}"
    finally:
        pynvml.nvmlShutdown()


def _gpu_facts(nvml: Any, handle: Any) -> dict[str, str]:
    asked = {
        "driver": (nvml.nvmlSystemGetDriverVersion,),
        "vbios": (nvml.nvmlDeviceGetVbiosVersion, handle),
        "max_sm_clock_mhz": (nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_SM),
        "max_memory_clock_mhz": (nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_MEM),
        "power_limit_mw": (nvml.nvmlDeviceGetEnforcedPowerLimit, handle),
        "persistence_mode": (nvml.nvmlDeviceGetPersistenceMode, handle),
    }
    answers = {name: _ask(nvml, *call) for name, call in asked.items()}
    return {name: str(answer) for name, answer in answers.items() if answer is not None}


def _ask(nvml: Any, function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except nvml.NVMLError:
        return None


_THROTTLING = {
    "SW power cap": "nvmlClocksThrottleReasonSwPowerCap",
    "HW slowdown": "nvmlClocksThrottleReasonHwSlowdown",
    "SW thermal slowdown": "nvmlClocksThrottleReasonSwThermalSlowdown",
    "HW thermal slowdown": "nvmlClocksThrottleReasonHwThermalSlowdown",
    "HW power brake": "nvmlClocksThrottleReasonHwPowerBrakeSlowdown",
}


def _throttling(nvml: Any, handle: Any) -> Iterator[str]:
    mask = _ask(nvml, nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
    for name, constant in _THROTTLING.items():
        if mask is not None and mask & getattr(nvml, constant, 0):
            yield name
