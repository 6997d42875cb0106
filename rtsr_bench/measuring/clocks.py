"""The two clocks: `perf_counter_ns` around a call on a CPU, a pair of events around it on CUDA.

Whatever a clock uses is held before any guest is imported, as functions of torch's C library: the methods of
`torch.cuda.Event` look up `torch.cuda.current_stream` and `torch.cuda.device` when they are called, and a guest can
replace those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, Protocol

import torch

from rtsr_bench.measuring.lanes import Lanes


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """What a call returned, its milliseconds on the device and (CUDA) on the host, and when it was on the host's clock.

    `began_ns` and `ended_ns` are of `perf_counter_ns`; on CUDA `ended_ns` is when the device was idle again.
    """

    output: object
    sample_ms: float
    host_ms: float | None
    began_ns: int
    ended_ns: int


class Clock(Protocol):
    """Times one call on one device."""

    def settle(self) -> None:
        """Wait until the device has nothing left to do."""

    def time(self, call: Callable[[], object]) -> Timed:
        """Time one call; the device is idle before and after it."""


class Processor:
    """The clock of a CPU."""

    def settle(self) -> None:
        """Return at once: a call on a CPU is over when it returns."""

    def time(self, call: Callable[[], object]) -> Timed:
        """Time one call with the processor's own counter."""
        before = perf_counter_ns()
        output = call()
        after = perf_counter_ns()
        return Timed(output=output, sample_ms=(after - before) / 1e6, host_ms=None, began_ns=before, ended_ns=after)


class Card:
    """The clock of a CUDA device. Make it before a guest is imported."""

    def __init__(self, device: torch.device) -> None:
        """Hold the device's default stream, two events and the C functions that use them."""
        native: Any = torch._C  # noqa: SLF001 - the functions below the ones that a guest can replace
        torch.cuda.set_device(device)
        stream: Any = torch.cuda.current_stream(device)
        self._index = int(device.index or 0)
        self._stream = stream
        self._where = {
            "stream_id": stream.stream_id,
            "device_index": stream.device_index,
            "device_type": stream.device_type,
        }
        self._start: Any = torch.cuda.Event(enable_timing=True)
        self._end: Any = torch.cuda.Event(enable_timing=True)
        event = native._CudaEventBase  # noqa: SLF001 - as above
        self._record, self._elapsed = event.record, event.elapsed_time
        self._set_device, self._set_stream = native._cuda_setDevice, native._cuda_setStream  # noqa: SLF001 - as above
        self._synchronize = native._cuda_synchronize  # noqa: SLF001 - as above
        self.lanes = Lanes(device, stream)

    def settle(self) -> None:
        """Go back to this device and its default stream, and wait until all of its streams are idle."""
        self._set_device(self._index)
        self._set_stream(**self._where)
        self._synchronize()

    def time(self, call: Callable[[], object]) -> Timed:
        """Time one call between two events on the default stream, after a synchronisation, and synchronise again."""
        self.settle()
        before = perf_counter_ns()
        self._record(self._start, self._stream)
        output = call()
        self._record(self._end, self._stream)
        host = perf_counter_ns() - before
        self.settle()
        sample = float(self._elapsed(self._start, self._end))
        return Timed(output=output, sample_ms=sample, host_ms=host / 1e6, began_ns=before, ended_ns=perf_counter_ns())


def clock_of(device: torch.device) -> Clock:
    """Return the clock of a device."""
    return Card(device) if device.type == "cuda" else Processor()
