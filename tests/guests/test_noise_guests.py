"""Models that know random numbers from images, or inputs they have seen: none is paid for it, the honest one is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from stopwatch import timed

from rtsr_bench.evaluate.runtime import FEW_CROPS, Measured
from rtsr_bench.load import LoadMeter
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure, FailureKind
from rtsr_bench.sandbox import Child

PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=Size(48, 80), precision={}, warmup=3, repeats=15
)
NAP = {"nap": 0.01}
"""Seconds that a layer sleeps beside its work: how long is the same on a busy machine."""


@pytest.mark.parametrize(
    ("guest", "words"),
    [
        ("answers_noise_with_zeros", "on images"),
        ("is_shallow_on_noise", "on images"),
        ("exits_early_on_low_variance", "on images"),
        ("remembers_by_first_pixels", "random"),
        ("remembers_the_warm_up", "outputs are remembered"),
    ],
)
def test_a_model_that_knows_what_it_is_timed_on_is_inconsistent(guest: str, words: str) -> None:
    found = timed(guest, PROTOCOL, NAP)
    assert isinstance(found, Failure), "not caught"
    assert found.kind is FailureKind.INCONSISTENT
    assert words in found.message


def test_work_skipped_for_one_random_input_in_five_is_inconsistent() -> None:
    found = timed("skips_some_noise", replace(PROTOCOL, repeats=64), NAP)
    assert isinstance(found, Failure), "not caught"
    assert "on random numbers" in found.message


def test_zeros_for_noise_are_seen_without_any_clock() -> None:
    found = timed("answers_noise_with_zeros", PROTOCOL)
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.INCONSISTENT


def test_an_honest_network_is_accepted_with_its_times_on_images() -> None:
    found = timed("honest_network", PROTOCOL, NAP, meter=lambda child: LoadMeter(child.cpu_s))
    assert isinstance(found, Measured), found
    runtime = found.runtime
    assert len(runtime.samples_ms) == PROTOCOL.repeats
    assert len(runtime.image_ms) == FEW_CROPS
    assert min(*runtime.samples_ms, *runtime.image_ms) > 40
    assert runtime.foreign_load is not None
    assert runtime.input_correlation is not None
    assert runtime.input_correlation > 0.9


@pytest.fixture
def start_loops() -> Iterator[Callable[[], None]]:
    """Starts two processes that keep a processor busy each."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        running.extend(subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2))

    yield start
    for loop in running:
        loop.kill()
        loop.wait()


def test_honest_network_passes_beside_two_busy_loops(start_loops: Callable[[], None]) -> None:
    def meter(child: Child) -> LoadMeter:
        start_loops()  # the child to be timed is ready
        return LoadMeter(child.cpu_s)

    found = timed("honest_network", PROTOCOL, {"channels": 32}, meter=meter)
    assert isinstance(found, Measured), found
    assert found.runtime.foreign_load is not None
    assert found.runtime.foreign_load > 0.5 / (os.cpu_count() or 1)


def test_values_in_the_middle_between_two_levels_are_honest() -> None:
    """Its outputs are multiples of a quarter level: half of them round either way by an error of the last bit."""
    found = timed("quarter_levels", PROTOCOL, meter=lambda child: LoadMeter(child.cpu_s))
    assert isinstance(found, Measured), found
