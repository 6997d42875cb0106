"""The fixed references in this process: the same work each time, timed by the clock they are given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from rtsr_bench.measuring import reference, worker
from rtsr_bench.measuring.clocks import Timed
from rtsr_bench.measuring.guest import BadGuest
from rtsr_bench.protocol import Size
from rtsr_bench.wire import LoadModel, TimeReference

CPU = torch.device("cpu")


class Counting:
    """A clock that counts: the n-th timed call takes n ms. It keeps what was computed."""

    def __init__(self) -> None:
        self.outputs: list[torch.Tensor] = []
        self.settled = 0

    def settle(self) -> None:
        self.settled += 1

    def time(self, call: Callable[[], object]) -> Timed:
        self.outputs.append(cast("torch.Tensor", call()))
        return Timed(output=None, sample_ms=float(len(self.outputs)), host_ms=None, began_ns=0, ended_ns=0)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    amount = reference.Amount(size=Size(8, 12), warmup=2, warm_ms=0.0, calls=3)
    monkeypatch.setitem(reference.AMOUNTS, "cpu", amount)


def test_both_are_timed_by_the_clock_of_the_device(little: None) -> None:
    clock = Counting()
    found = reference.time_references(CPU, clock)
    assert found.convs.samples_ms == (1.0, 2.0, 3.0)
    assert found.bicubic.samples_ms == (4.0, 5.0, 6.0)
    assert clock.settled == 4  # after each untimed call
    found.check()


def test_the_work_is_fp32_without_gradients_and_the_same_each_time(little: None) -> None:
    first, second = Counting(), Counting()
    reference.time_references(CPU, first)
    torch.manual_seed(5)
    reference.time_references(CPU, second)
    for here, there in zip(first.outputs, second.outputs, strict=True):
        assert here.shape == (1, 3, 16, 24)
        assert here.dtype is torch.float32
        assert not here.requires_grad
        assert torch.equal(here, there)
    assert float(first.outputs[0].std()) == pytest.approx(1, rel=0.8), "neither overflow nor denormals"
    assert first.outputs[0].std() > 0


def test_a_reference_of_other_work_needs_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records are compared by these ids: whoever changes channels, inputs or numbers of calls changes `_VERSION`."""
    assert {
        "cpu": reference.Amount(size=Size(180, 320), warmup=2, warm_ms=0.0, calls=5),
        "cuda": reference.Amount(size=Size(1080, 1920), warmup=3, warm_ms=100.0, calls=50),
    } == reference.AMOUNTS
    monkeypatch.setattr(reference, "_timed", lambda *_: (1.0,))
    found = reference.time_references(CPU, Counting())
    assert (found.convs.id, found.bicubic.id) == ("convs-3-16-16-16-12-180x320/1", "bicubic-x2-180x320/1")


def test_a_card_is_warmed_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10**9, 10_000_000))  # 10 ms at each look
    monkeypatch.setattr(reference, "perf_counter_ns", lambda: next(ticks))
    clock, calls = Counting(), []
    amount = reference.Amount(size=Size(8, 12), warmup=3, warm_ms=100.0, calls=2)

    def step(image: torch.Tensor) -> torch.Tensor:
        calls.append(image)
        return image

    assert reference._timed(step, torch.zeros(1), clock, amount) == (1.0, 2.0)
    assert clock.settled == len(calls) - 2 > 3


def test_a_process_that_a_guest_has_been_in_times_none(tmp_path: Path) -> None:
    one: Any = worker.Worker(cast("Any", None))
    with pytest.raises(Exception, match="arch"):
        one._answer(LoadModel(format="python", folder=tmp_path, entry="arch:srmodel", scale=2))
    with pytest.raises(BadGuest, match="without a guest, and one was loaded here"):
        one._answer(TimeReference())


def test_a_slow_machine_times_fewer_calls() -> None:
    amount = reference.Amount(size=Size(8, 12), warmup=0, warm_ms=0.0, calls=100)
    clock = Counting()
    clock.outputs = [torch.zeros(1)] * 149  # the next call takes 150 ms
    found = reference._timed(lambda image: image, torch.zeros(1), clock, amount)
    assert found == (150.0, 151.0, 152.0)[: max(reference.LEAST_CALLS, 2)]
    clock.outputs = []
    many = reference._timed(lambda image: image, torch.zeros(1), clock, amount)
    assert sum(many[:-1]) < reference.MOST_MS <= sum(many)
