"""What needs a card: timing by events, half precision, the allocator's peak. Not yet tried on one: `make test-gpu`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from rtsr_bench.evaluate.conduct import Call, Conductor, fresh_input
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure, FailureKind
from rtsr_bench.sandbox import Child, Counted, Finished, Loaded
from rtsr_bench.submissions import discover, load_request
from rtsr_bench.system import gauge
from rtsr_bench.wire import Op

PROJECT = Path(__file__).parents[2]
GUESTS = PROJECT / "tests" / "guests"
PROTOCOL = Protocol(
    scale=2,
    data_sets=("x",),
    degradation="x",
    conventions=(),
    input=Size(540, 960),
    precision={},
    warmup=10,
    repeats=50,
)

pytestmark = pytest.mark.gpu


@pytest.fixture
def child() -> Iterator[Child]:
    with Child(device="cuda:0") as started:
        yield started


def load(child: Child, folder: Path, **more: Any) -> Loaded | Failure:
    (submission,) = discover(folder)
    request = {**load_request(submission.models[0], submission, None), "scale": 2, **more}
    return child.ask(Op.LOAD, Loaded, request, limit_s=120)


def timed(child: Child, precision: Precision = Precision.FP16) -> Conducted:
    conductor = Conductor(child, PROTOCOL, precision)
    assert conductor.begin(PROTOCOL.warmup) is None
    calls = [conductor.call(fresh_input()) for _ in range(PROTOCOL.repeats)]
    assert conductor.finish() is None
    assert conductor.last is not None
    return Conducted([call for call in calls if isinstance(call, Call)], conductor.last)


class Conducted(NamedTuple):
    calls: list[Call]
    last: Finished

    @property
    def samples_ms(self) -> list[float]:
        return [call.sample_ms for call in self.calls]


def test_the_device_is_named_with_what_decides_its_numbers(child: Child) -> None:
    assert child.hello.device == "cuda:0"
    assert child.hello.device_name
    assert {"cuda", "cudnn", "compute_capability", "tf32_matmul", "tf32_cudnn"} <= set(child.hello.facts)


def test_nvml_knows_the_device_by_its_uuid(child: Child) -> None:
    with gauge("cuda", child.hello.device_uuid) as meter:
        assert "driver" in meter.facts
        state = meter.read("before")
    assert state.sm_clock_mhz
    assert state.temperature_c


@pytest.mark.parametrize("precision", list(Precision))
def test_every_precision_is_timed_by_events(child: Child, precision: Precision) -> None:
    assert isinstance(load(child, PROJECT / "submissions" / "example_team"), Loaded)
    answer = timed(child, precision)
    assert len(answer.calls) == PROTOCOL.repeats
    assert all(call.host_ms and call.sample_ms / 1e3 <= call.bracket_s * 1.02 for call in answer.calls)
    assert answer.last.memory is not None
    assert answer.last.memory.kind == "cuda-allocator"
    assert answer.last.memory.peak_bytes >= 1080 * 1920 * 3 * 2


def test_events_agree_with_an_outside_clock(child: Child) -> None:
    """`triton.testing.do_bench` times the same work of the same model in this process."""
    testing = pytest.importorskip("triton.testing", reason="needs triton, which a torch for CUDA brings")
    import torch

    assert isinstance(load(child, PROJECT / "reference_models" / "bicubic"), Loaded)
    ours = median(timed(child).samples_ms)
    tensor = torch.randn(1, 3, 540, 960, device="cuda").half()
    theirs = testing.do_bench(
        lambda: torch.nn.functional.interpolate(tensor, scale_factor=2, mode="bicubic", align_corners=False),
        return_mode="median",
    )
    # do_bench empties the cache between calls and measures without a synchronisation: near, not equal.
    assert ours == pytest.approx(theirs, rel=0.5, abs=0.05)


def test_fp16_on_the_card_gives_the_pixels_of_fp32_on_the_cpu_nearly(child: Child) -> None:
    import numpy as np

    pixels = np.random.default_rng(3).integers(0, 256, 24 * 40 * 3, dtype=np.uint8).tobytes()
    images = []
    with Child(device="cpu") as reference:
        for one, precision in ((child, Precision.FP16), (reference, Precision.FP32)):
            assert isinstance(load(one, PROJECT / "reference_models" / "bicubic"), Loaded)
            sr = one.enhance(pixels, size=Size(24, 40), scale=2, precision=precision, limit_s=120)
            assert isinstance(sr, bytearray)
            images.append(np.frombuffer(sr, dtype=np.uint8).astype(int))
    assert np.abs(images[0] - images[1]).max() <= 1


def test_counting_needs_no_memory_of_the_card(child: Child) -> None:
    assert isinstance(load(child, PROJECT / "submissions" / "example_team"), Loaded)
    counted = child.ask(Op.COMPLEXITY, Counted, {"sizes": [[1080, 1920]]}, limit_s=120)
    assert isinstance(counted, Counted)
    assert counted.counts[0].macs > 0


def test_a_model_too_large_for_the_card_runs_out_of_memory_not_the_harness(child: Child) -> None:
    assert isinstance(load(child, GUESTS / "out_of_memory"), Loaded)
    size = Size(24, 40)
    failure = child.enhance(os.urandom(24 * 40 * 3), size=size, scale=2, precision=Precision.FP32, limit_s=120)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.OUT_OF_MEMORY
