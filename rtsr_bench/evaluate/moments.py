"""The device and the load of the machine over time, read by a thread while frames are played."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

from rtsr_bench.load import LoadMeter, ProcessorState
from rtsr_bench.record import Telemetry
from rtsr_bench.record.realtime import Moment
from rtsr_bench.system import Gauge, repeated

_EVERY_S, _MOST = 1.0, 120
"""Seconds between two readings, and the number of readings at which every other one is dropped."""


@contextlib.contextmanager
def moments(gauge: Gauge, load: LoadMeter, *, device_kind: str, every_s: float = _EVERY_S) -> Iterator[list[Moment]]:
    """Read the state of the device and the load again and again; the list yielded holds the readings, in order."""
    processor = ProcessorState() if device_kind == "cpu" else None
    began, mark = monotonic(), load.mark()

    def state() -> Telemetry:
        found = gauge.read("during")
        if processor is None:
            return found
        return replace(
            found,
            sm_clock_mhz=processor.clock_mhz(),
            temperature_c=processor.temperature_c(),
            power_w=processor.power_w(),
        )

    def read() -> Moment:
        nonlocal mark
        found, mark = load.since(mark), load.mark()
        return Moment(at_s=monotonic() - began, state=state(), foreign_load=found.foreign, foreign_gpu=found.gpu)

    def thin_out(readings: list[Moment]) -> None:
        del readings[::2]

    with repeated(read, every_s, most=_MOST, thin_out=thin_out) as readings:
        yield readings
