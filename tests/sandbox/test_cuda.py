"""What needs a card: timing by events, half precision, the allocator's peak. Not yet tried on one: `make test-gpu`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.execution import EAGER_FP32, Execution
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure, FailureKind
from rtsr_bench.sandbox import Child
from rtsr_bench.submissions import discover, load_request
from rtsr_bench.system import gauge
from rtsr_bench.wire import Counted, CountOperations, Finished, Loaded

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
    request = load_request(submission.models[0], submission, None, **more)
    return child.ask(request, limit_s=120)


def timed(child: Child, precision: Precision = Precision.FP16) -> Conducted:
    conductor = Conductor(child, PROTOCOL, EAGER_FP32.in_precision(precision))
    assert conductor.begin(PROTOCOL.warmup) is None
    calls = [conductor.call(random_input()) for _ in range(PROTOCOL.repeats)]
    assert conductor.finish(memory=True) is None
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


LOOP = """
import sys, torch
sys.path.insert(0, sys.argv[1])
import arch
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
net = arch.srmodel().eval().requires_grad_(False).cuda().half()
start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
def calls(count):
    for _ in range(count):
        x = torch.randn(1, 3, 540, 960, device="cuda").half()
        torch.cuda.synchronize()
        start.record()
        net(x)
        end.record()
        torch.cuda.synchronize()
        yield start.elapsed_time(end)
with torch.inference_mode():
    list(calls(50))
    print("ready", flush=True)
    for line in sys.stdin:
        list(calls(int(line) // 2))
        print(*calls(int(line)), flush=True)
"""
BLOCKS, REPEATS = 8, 50


def test_samples_are_those_of_a_plain_loop_on_the_same_card_within_1_percent(child: Child) -> None:
    """The official procedure in a process without any harness, in turns with ours: pauses must not cost clocks."""
    folder = PROJECT / "submissions" / "example_team"
    assert isinstance(load(child, folder), Loaded)
    conductor = Conductor(child, PROTOCOL, EAGER_FP32.in_precision(Precision.FP16))
    assert conductor.begin(50) is None
    ours, theirs, idle = list[float](), list[float](), list[float]()
    command = [sys.executable, "-c", LOOP, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as loop:
        assert loop.stdin is not None
        assert loop.stdout is not None
        assert loop.stdout.readline().strip() == "ready"
        for _ in range(BLOCKS):
            loop.stdin.write(f"{REPEATS}\n")
            loop.stdin.flush()
            theirs += map(float, loop.stdout.readline().split())
            for _ in range(REPEATS):
                call = conductor.call(random_input())
                assert isinstance(call, Call), call
                ours.append(call.sample_ms)
                idle.append(call.idle_ms or 0.0)
        loop.stdin.close()
    assert len(theirs) == len(ours) == BLOCKS * REPEATS
    found = f"ours {median(ours):.4f} ms, a plain loop {median(theirs):.4f} ms, pause {median(idle):.3f} ms"
    assert median(ours) == pytest.approx(median(theirs), rel=0.01), found


def test_memory_is_the_models_within_10_percent(child: Child) -> None:
    """Nearest-neighbour: input and output, and no workspace, no random numbers and no look at the output."""
    assert isinstance(load(child, PROJECT / "tests" / "guests" / "good"), Loaded)
    memory = timed(child, Precision.FP32).last.memory
    assert memory is not None
    # At its peak `good` holds its input, what its 1x1 convolution makes of it, and its output.
    expected = 4 * 3 * 540 * 960 * (1 + 1 + 4)
    assert memory.peak_bytes - memory.baseline_bytes == pytest.approx(expected, rel=0.1)


def test_fp32_on_the_card_is_ieee_unless_tf32_is_asked_for(child: Child) -> None:
    pixels = os.urandom(24 * 40 * 3)
    images = []
    for execution in (EAGER_FP32, Execution(tf32=True)):
        assert isinstance(load(child, PROJECT / "submissions" / "example_team", execution=execution), Loaded)
        images.append(child.enhance(pixels, size=Size(24, 40), scale=2, execution=execution, limit_s=120))
        assert isinstance(images[-1], bytearray), images[-1]
    with Child(device="cpu") as reference:
        assert isinstance(load(reference, PROJECT / "submissions" / "example_team"), Loaded)
        exact = reference.enhance(pixels, size=Size(24, 40), scale=2, execution=EAGER_FP32, limit_s=120)
    assert isinstance(exact, bytearray)
    assert sum(a != b for a, b in zip(images[0], exact, strict=True)) <= len(exact) / 1000


def test_fp16_on_the_card_gives_the_pixels_of_fp32_on_the_cpu_nearly(child: Child) -> None:
    import numpy as np

    pixels = np.random.default_rng(3).integers(0, 256, 24 * 40 * 3, dtype=np.uint8).tobytes()
    images = []
    with Child(device="cpu") as reference:
        for one, precision in ((child, Precision.FP16), (reference, Precision.FP32)):
            assert isinstance(load(one, PROJECT / "reference_models" / "bicubic"), Loaded)
            sr = one.enhance(
                pixels, size=Size(24, 40), scale=2, execution=EAGER_FP32.in_precision(precision), limit_s=120
            )
            assert isinstance(sr, bytearray)
            images.append(np.frombuffer(sr, dtype=np.uint8).astype(int))
    assert np.abs(images[0] - images[1]).max() <= 1


def test_counting_needs_no_memory_of_the_card(child: Child) -> None:
    assert isinstance(load(child, PROJECT / "submissions" / "example_team"), Loaded)
    counted = child.ask(CountOperations(sizes=(Size(1080, 1920),)), limit_s=120)
    assert isinstance(counted, Counted)
    assert counted.counts[0].macs > 0


def test_a_model_too_large_for_the_card_runs_out_of_memory_not_the_harness(child: Child) -> None:
    assert isinstance(load(child, GUESTS / "out_of_memory"), Loaded)
    size = Size(24, 40)
    failure = child.enhance(os.urandom(24 * 40 * 3), size=size, scale=2, execution=EAGER_FP32, limit_s=120)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.OUT_OF_MEMORY
