"""The device and the load of the machine over time, read by a thread while frames are played."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

from rtsr_bench.load import LoadMeter, ProcessorState
from rtsr_bench.record import Telemetry
from rtsr_bench.record.realtime import Moment
from rtsr_bench.system import Gauge

_EVERY_S, _MOST = 1.0, 120
"""Seconds between two readings, and the number of readings at which every other one is dropped."""


@contextlib.contextmanager
def moments(gauge: Gauge, load: LoadMeter, *, device_kind: str, every_s: float = _EVERY_S) -> Iterator[list[Moment]]:
    """Read the state of the device and the load again and again; the list yielded holds the readings, in order."""
    readings: list[Moment] = []
    over, processor = threading.Event(), ProcessorState() if device_kind == "cpu" else None
    began = monotonic()

    def read(state: Telemetry) -> Telemetry:
        if processor is None:
            return state
        return replace(
            state,
            sm_clock_mhz=processor.clock_mhz(),
            temperature_c=processor.temperature_c(),
            power_w=processor.power_w(),
        )

    def run() -> None:
        pause_s, mark = every_s, load.mark()
        while not over.wait(pause_s):
            found, mark = load.since(mark), load.mark()
            readings.append(
                Moment(
                    at_s=monotonic() - began,
                    state=read(gauge.read("during")),
                    foreign_load=found.foreign,
                    foreign_gpu=found.gpu,
                )
            )
            if len(readings) >= _MOST:
                del readings[::2]
                pause_s *= 2

    thread = threading.Thread(target=run, daemon=True, name="moments")
    thread.start()
    try:
        yield readings
    finally:
        over.set()
        thread.join()
