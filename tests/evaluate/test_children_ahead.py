"""Children started ahead in a run: they are idle before the device is let go, and a run that ends early ends them."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate import Bench
from rtsr_bench.evaluate.device_lock import Cancelled, DeviceLock
from rtsr_bench.sandbox import ChildSettings, Level


class Played:
    """Stands for a stock, and notes what is asked of it."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def start(self, settings: ChildSettings, count: int) -> None:
        self.said.append(("start", settings.timed, count))

    def settle(self) -> None:
        self.said.append("settle")

    def kill(self) -> None:
        self.said.append("kill")


class Beside:
    """Stands for the processes of the fixed references, and notes the same."""

    def __init__(self, stock: Played) -> None:
        self.said = stock.said

    def start(self, settings: ChildSettings) -> None:
        self.said.append("start reference")

    def settle(self) -> None:
        self.said.append("settle reference")

    def kill(self) -> None:
        self.said.append("kill reference")


@pytest.fixture
def stock() -> Played:
    return Played()


@pytest.fixture
def bench(stock: Played, tmp_path: Any) -> Bench:
    """A bench without a first child."""
    made: Any = Bench.__new__(Bench)
    made._stock, made._visible, made._children = stock, "", []
    made._references = Beside(stock)
    made.device, made.threads, made.isolation = "cpu", 1, SimpleNamespace(level=Level.PROCESS)
    made.lock = DeviceLock("test", tmp_path)
    made._guard = threading.Lock()
    return cast("Bench", made)


def test_the_device_is_not_let_go_before_what_was_started_is_idle(
    bench: Bench, stock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTSR_BENCH_REFERENCE", "on")
    with bench.settled():
        bench.start_ahead(timed=1, untimed=1, reference=True)
    assert stock.said == ["start reference", ("start", True, 1), ("start", False, 1), "settle", "settle reference"]
    with pytest.raises(HarnessError), bench.settled():
        raise HarnessError("the disk is full")
    assert stock.said[5:] == ["settle", "settle reference"], "other jobs go on"


def test_where_nothing_is_timed_or_references_are_not_wanted_none_is_started(
    bench: Bench, stock: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTSR_BENCH_REFERENCE", "on")
    bench.start_ahead(untimed=1)
    monkeypatch.setenv("RTSR_BENCH_REFERENCE", "off")
    bench.start_ahead(timed=1, reference=True)
    assert stock.said == [("start", False, 1), ("start", True, 1)]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, Cancelled])
def test_an_interrupted_run_waits_for_none(interrupt: type[BaseException], bench: Bench, stock: Played) -> None:
    with pytest.raises(interrupt), bench.settled():
        raise interrupt
    assert stock.said == []


def test_a_cancelled_run_starts_none_and_ends_those_that_wait(bench: Bench, stock: Played) -> None:
    bench.cancel()
    with pytest.raises(Cancelled):
        bench.start_ahead(timed=1, reference=True)
    with pytest.raises(Cancelled), bench.reference_child():
        pass
    assert stock.said == ["kill", "kill reference"]
