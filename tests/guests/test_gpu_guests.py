"""Misfits that need a card: not yet tried on one (`make test-gpu`). What can be seen without one is at the end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from stopwatch import watching

from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.expectations import Expected, expect_outputs, measure_gap
from rtsr_bench.evaluate.runtime import Measured, measure_runtime
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Failure, FailureKind
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import Loaded, LoadModel

GUESTS = Path(__file__).parent
SIZE = Size(270, 480)
PIXELS = np.random.default_rng(3).integers(0, 256, (270, 480, 3), dtype=np.uint8)
PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=SIZE, precision={}, warmup=2, repeats=20
)
DATA = [cast("Any", SimpleNamespace(pairs=(SimpleNamespace(name="an image", lr=lambda: PIXELS),)))]
HEAVY_MS = 10.0
"""What the work of these guests takes at the least on any card of today: 20 products of 4096 x 4096 matrices in fp32,
2.7 TFLOP, at 100 TFLOPS and more still some 25 ms."""


def request(guest: str) -> LoadModel:
    return LoadModel(format="python", folder=GUESTS / guest, entry="arch:srmodel", scale=2)


@pytest.fixture
def child() -> Iterator[Child]:
    with Child(device="cuda:0") as started:
        yield started


def measured(guest: str) -> Measured | Failure:
    """What comes of a guest that is in both processes, as in a run."""
    with Child(device="cuda:0") as images:
        loaded = images.ask(request(guest), limit_s=120)
        assert isinstance(loaded, Loaded), loaded
        expected = expect_outputs(images, DATA, PROTOCOL, EAGER_FP32)
    if isinstance(expected, Failure):
        return expected
    with Child(device="cuda:0") as child:
        gap = measure_gap(child, PROTOCOL, EAGER_FP32)
        assert isinstance(gap, Gap), gap
        loaded = child.ask(request(guest), limit_s=120)
        assert isinstance(loaded, Loaded), loaded
        return timed(child, gap, expected)


def timed(child: Child, gap: Gap, expected: Expected) -> Measured | Failure:
    return measure_runtime(child, PROTOCOL, EAGER_FP32, gap=gap, expected=expected, watching=watching()).measured


@pytest.mark.gpu
def test_a_gpu_memory_bomb_runs_out_of_memory_and_the_card_is_free_again(child: Child) -> None:
    assert isinstance(child.ask(request("gpu_memory_bomb"), limit_s=120), Loaded)
    failure = child.enhance(PIXELS.tobytes(), size=SIZE, scale=2, execution=EAGER_FP32, limit_s=120)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.OUT_OF_MEMORY
    child.close()
    assert isinstance(measured("good"), Measured)


@pytest.mark.gpu
@pytest.mark.parametrize("guest", ["patches_cuda_events", "patches_cuda_synchronize"])
def test_patched_clocks_of_the_card_change_nothing(guest: str) -> None:
    """The timing holds the functions of before: such a guest is timed as it is."""
    found = measured(guest)
    assert isinstance(found, Measured), found
    assert min(found.runtime.samples_ms) > HEAVY_MS


@pytest.mark.gpu
def test_work_left_on_another_stream_is_inconsistent() -> None:
    """The event of the stream that is timed does not wait for it: the harness's clock does, and the output shows it."""
    failure = measured("works_on_another_stream")
    assert isinstance(failure, Failure), failure
    assert failure.kind is FailureKind.INCONSISTENT


@pytest.mark.gpu
@pytest.mark.parametrize("guest", ["computes_lazily_on_cuda", "returns_a_cached_cuda_graph"])
def test_an_output_that_is_not_made_in_the_call_is_inconsistent(guest: str) -> None:
    failure = measured(guest)
    assert isinstance(failure, Failure), failure
    assert failure.kind is FailureKind.INCONSISTENT


CAPTURED = """
import torch
from rtsr_bench.measuring import clocks, guest, timing
before = clocks.perf_counter_ns, timing.perf_counter_ns, guest.no_gradients, timing.no_gradients, guest._autocast
torch.no_grad = torch.autocast = None
import time
time.perf_counter_ns = None
import importlib.util
for name in ("patches_cuda_events", "patches_cuda_synchronize"):
    spec = importlib.util.spec_from_file_location("arch", f"{guests}/{name}/arch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
after = clocks.perf_counter_ns, timing.perf_counter_ns, guest.no_gradients, timing.no_gradients, guest._autocast
assert after == before
for function in (clocks.Card.time, clocks.Card.settle):
    code = function.__code__
    assert not {"torch", "cuda", "Event", "synchronize", "current_stream"} & set(code.co_names), code.co_names
print("held")
"""


def test_the_clocks_functions_are_captured_before_a_guest_can_patch_them() -> None:
    code = f"guests = {str(GUESTS)!r}\n{CAPTURED}"
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "held", done.stderr


@pytest.mark.parametrize(
    "guest",
    [
        "patches_cuda_events",
        "patches_cuda_synchronize",
        "works_on_another_stream",
        "computes_lazily_on_cuda",
        "returns_a_cached_cuda_graph",
    ],
)
def test_without_a_card_they_are_models_that_make_an_image(guest: str) -> None:
    """So that what `make test-gpu` tries is known to load and to give what `good` gives."""
    pixels = PIXELS[:8, :12].copy()
    with Child(device="cpu") as child:
        assert isinstance(child.ask(request(guest), limit_s=120), Loaded)
        sr = child.enhance(pixels.tobytes(), size=Size(8, 12), scale=2, execution=EAGER_FP32, limit_s=120)
    assert sr == pixels.repeat(2, axis=0).repeat(2, axis=1).tobytes()
