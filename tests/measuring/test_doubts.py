"""A doubt about images is settled by more of them: a busy machine ends it, a cheat does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rtsr_bench.evaluate import runtime
from rtsr_bench.evaluate.conduct import Call, Input
from rtsr_bench.evaluate.runtime import MOST_IMAGES, Measured, measure_runtime
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure, FailureKind, Telemetry

PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=Size(4, 4), precision={}, warmup=0, repeats=10
)
IMAGES = {Input(seed=number, image=b"x", whole=True): (0.0,) for number in range(MOST_IMAGES)}
GAP = runtime.Gap(usual_ms=0.1, worst_ms=0.2, copy_ms=0.1)


class Played:
    """A conductor whose images take as many ms as it is told, its random numbers 3; it counts both."""

    def __init__(self, images_ms: list[float]) -> None:
        self.images_ms, self.noise, self.last = images_ms, 0, None
        self.outputs: dict[Input, tuple[float, ...]] = {}

    def begin(self, warmup: int, on_progress: object = None) -> None: ...

    def finish(self, *, memory: bool = False) -> None: ...

    def call(self, given: Input) -> Call:
        assert given not in self.outputs, "an image was given twice"
        if given.image is None:
            self.noise += 1
            sample = 3.0
        else:
            self.outputs[given] = (0.0,)
            sample = self.images_ms.pop(0)
        return Call(given=given, sample_ms=sample, host_ms=None, bracket_s=sample / 1e3)


def measure(monkeypatch: pytest.MonkeyPatch, played: Played) -> Measured | Failure:
    monkeypatch.setattr(runtime, "Conductor", lambda *_: played)
    monkeypatch.setattr(runtime, "sleep", lambda seconds: None)
    child = SimpleNamespace(cpu_s=lambda: 0.0, hello=SimpleNamespace(device="cpu", threads=1))
    return measure_runtime(
        cast("Any", child), PROTOCOL, Precision.FP32, gap=GAP, expected=dict(IMAGES),
        read_state=lambda when: Telemetry(when=when), on_step=lambda done: None,
    )  # fmt: skip


def test_images_that_are_as_quick_as_random_numbers_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played([3.0] * MOST_IMAGES)
    assert isinstance(measure(monkeypatch, played), Measured)
    assert len(played.outputs) == runtime.IMAGE_CHECKS


def test_a_machine_that_was_busy_at_the_first_images_is_given_more(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played([430.0] * (MOST_IMAGES - 1) + [3.0])
    measured = measure(monkeypatch, played)
    assert isinstance(measured, Measured)
    assert len(measured.runtime.samples_ms) == played.noise == PROTOCOL.repeats, "images are no samples"


def test_a_model_that_is_slow_on_every_image_contradicts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = measure(monkeypatch, Played([430.0] * MOST_IMAGES))
    assert isinstance(measured, Failure)
    assert measured.kind is FailureKind.INCONSISTENT
    assert f"the quickest of {MOST_IMAGES}" in measured.message
    assert "3.00 ms" in measured.message
    assert "430.00 ms" in measured.message
