"""Readings of the device and the load while frames are played."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rtsr_bench.evaluate import moments as module
from rtsr_bench.evaluate.moments import moments
from rtsr_bench.load import Load
from rtsr_bench.record import Telemetry
from rtsr_bench.record.realtime import Moment


def readings(monkeypatch: pytest.MonkeyPatch, kind: str, enough: Callable[[list[Moment]], bool]) -> list[Moment]:
    state = SimpleNamespace(clock_mhz=lambda: 2400, temperature_c=lambda: None, power_w=lambda: 45.0)
    monkeypatch.setattr(module, "ProcessorState", lambda: state)
    gauge: Any = SimpleNamespace(read=lambda when: Telemetry(when=when, sm_clock_mhz=1755, temperature_c=60))
    load: Any = SimpleNamespace(mark=lambda: None, since=lambda _: Load(wall_s=1.0, foreign=0.25, gpu=0.5))
    waiting = threading.Event()
    with moments(cast("Any", gauge), cast("Any", load), device_kind=kind, every_s=1e-5) as found:
        for _ in range(10_000):
            if enough(found):
                break
            waiting.wait(0.002)
    return found


def test_a_card_is_read_by_its_gauge(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = readings(monkeypatch, "cuda", lambda found: len(found) > 1)[:2]
    assert first.state == Telemetry(when="during", sm_clock_mhz=1755, temperature_c=60)
    assert (first.foreign_load, first.foreign_gpu) == (0.25, 0.5)
    assert 0 < first.at_s < second.at_s


def test_processors_are_read_as_far_as_the_system_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    first = readings(monkeypatch, "cpu", bool)[0]
    assert first.state == Telemetry(when="during", sm_clock_mhz=2400, power_w=45.0)


def test_a_long_run_keeps_few_readings_of_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [0]

    def enough(found: list[Moment]) -> bool:
        seen[0] = max(seen[0], len(found))
        return seen[0] > 100 and len(found) < seen[0]

    found = readings(monkeypatch, "cuda", enough)
    assert len(found) < 120
    assert found == sorted(found, key=lambda one: one.at_s)
    assert not [one for one in threading.enumerate() if one.name == "readings"]
