"""The CUDA path of the child with a stand-in for the card: every step in order, nothing about speed."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import Input, random_input
from rtsr_bench.evaluate.playing import Stage
from rtsr_bench.execution import EAGER_FP32, Execution
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure, FailureKind, Throughput
from rtsr_bench.record.realtime import Frames
from rtsr_bench.sandbox import Child, Level
from rtsr_bench.wire import Finished, Loaded, LoadModel

SIZE = Size(24, 40)
PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=SIZE, precision={}, warmup=3, repeats=4
)
INPUT, OUTPUT = SIZE.pixels * 3, SIZE.pixels * 4 * 3
Rehearse = Callable[[str], None]

NEAREST = """
    import torch
    log = torch.cuda.stand_in.log

    class Net(torch.nn.Module):
        def forward(self, x):
            log["calls"] += 1
            y = torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")
            print(dict(log), flush=True)
            return y

    def srmodel():
        return Net()
"""


@contextmanager
def child_with(tmp_path: Path, code: str, **more: Any) -> Iterator[tuple[Child, Loaded | Failure]]:
    """A child on the stand-in with a guest of this code."""
    (tmp_path / "arch.py").write_text(textwrap.dedent(code))
    request = LoadModel(format="python", folder=tmp_path, entry="arch:srmodel", scale=2, **more)
    with Child(device="cuda:0", level=Level.PROCESS) as child:
        yield child, child.ask(request, limit_s=120)


def conducted(child: Child, execution: Execution = EAGER_FP32) -> tuple[list[Call], Finished]:
    conductor = Conductor(child, PROTOCOL, execution)
    assert conductor.begin(PROTOCOL.warmup) is None
    calls = [conductor.call(random_input()) for _ in range(PROTOCOL.repeats)]
    assert conductor.finish(memory=True) is None
    assert conductor.last is not None
    done = [call for call in calls if isinstance(call, Call)]
    assert len(done) == PROTOCOL.repeats, calls
    return done, conductor.last


def said(child: Child) -> dict[str, int]:
    """The stand-in's log, as the guest printed it last."""
    log = ast.literal_eval(child.output.splitlines()[-1])
    assert isinstance(log, dict)
    return log


def test_every_precision_is_timed_between_two_events(rehearse: Rehearse, tmp_path: Path) -> None:
    rehearse("card")
    with child_with(tmp_path, NEAREST) as (child, loaded):
        assert isinstance(loaded, Loaded), loaded
        hello = child.hello
        assert (hello.device, hello.device_name, hello.device_uuid) == ("cuda:0", "Stand-in", "0f0e-42")
        assert {"cuda", "cudnn", "compute_capability", "tf32_matmul", "tf32_cudnn"} <= set(hello.facts)
        for number, precision in enumerate(Precision, 1):
            calls, last = conducted(child, Execution(precision=precision))
            assert all(call.host_ms is not None and call.idle_ms is not None for call in calls)
            log = said(child)
            assert log["record"] == number * 2 * PROTOCOL.repeats
            assert "python record" not in log  # the event's own method asks a function that a guest can replace
            assert last.memory is not None
            size = 2 if precision in (Precision.FP16, Precision.BF16) else 4
            assert last.memory.kind == "cuda-allocator"
            assert last.memory.peak_bytes - last.memory.baseline_bytes == size * (INPUT + OUTPUT)


def test_the_card_gets_untimed_calls_before_each_timed_one_and_none_with_its_input(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    rehearse("card")
    code = NEAREST.replace('log["calls"] += 1', 'log["calls"] += 1\n            log[f"seen {float(x.sum())}"] += 1')
    with child_with(tmp_path, code) as (child, _):
        conductor = Conductor(child, PROTOCOL, EAGER_FP32)
        assert conductor.begin(PROTOCOL.warmup) is None
        for _ in range(PROTOCOL.repeats):
            assert isinstance(conductor.call(random_input()), Call)
        assert conductor.finish() is None
        log = said(child)
    assert log["calls"] >= PROTOCOL.warmup + 2 * PROTOCOL.repeats
    assert log["synchronize"] >= log["calls"] - PROTOCOL.warmup
    assert {count for name, count in log.items() if name.startswith("seen")} == {1}


def test_an_output_is_looked_into_before_any_other_call_could_complete_it(rehearse: Rehearse, tmp_path: Path) -> None:
    rehearse("card")
    code = """
    import torch

    class Net(torch.nn.Module):
        put_off = None

        def forward(self, x):
            if self.put_off is not None:
                given, output = self.put_off
                output.copy_(torch.nn.functional.interpolate(given, scale_factor=2))
            output = torch.zeros(x.shape[0], 3, x.shape[2] * 2, x.shape[3] * 2, device=x.device)
            self.put_off = x.clone(), output
            return output

    def srmodel():
        return Net()
    """
    with child_with(tmp_path, code) as (child, _):
        conductor = Conductor(child, PROTOCOL, EAGER_FP32)
        assert conductor.begin(PROTOCOL.warmup) is None
        given = [random_input() for _ in range(3)]
        assert all(isinstance(conductor.call(one), Call) for one in given)
        assert conductor.finish() is None
    assert {value for one in given for value in conductor.outputs[one]} == {0.0}


def test_images_reach_the_card_and_come_back_as_they_were(rehearse: Rehearse, tmp_path: Path) -> None:
    rehearse("card")
    pixels = np.random.default_rng(3).integers(0, 256, (*_pair(SIZE), 3), dtype=np.uint8)
    with child_with(tmp_path, NEAREST) as (child, _):
        sr = child.enhance(pixels.tobytes(), size=SIZE, scale=2, execution=EAGER_FP32, limit_s=60)
        assert sr == pixels.repeat(2, axis=0).repeat(2, axis=1).tobytes()
        conductor = Conductor(child, PROTOCOL, EAGER_FP32)
        assert conductor.begin(0) is None
        given = Input(image=pixels.tobytes(), at=(0, 7, 100))
        call = conductor.call(given)
        assert isinstance(call, Call), call
        flat = pixels.transpose(2, 0, 1).repeat(2, axis=1).repeat(2, axis=2).reshape(-1)
        assert conductor.outputs[given] == pytest.approx([flat[place] / 255 for place in given.at])


def test_transfers_and_the_model_are_ordered_by_events_on_three_streams(rehearse: Rehearse, tmp_path: Path) -> None:
    rehearse("card")
    with child_with(tmp_path, NEAREST) as (child, _):
        stage = Stage(child=child, protocol=PROTOCOL, execution=EAGER_FP32)
        assert stage.set(warmup=3) is None
        assert isinstance(stage.flat_out(30.0, frames=5), Throughput)
        played = stage.at(50.0, 4)
        assert isinstance(played, Frames), played
        log = said(child)
    assert log["pinned"] == 3  # the scene, and two SR images
    # Of each frame: uploaded, computed, downloaded. The log is that of the model's last call, before its own records.
    frames = log["calls"]
    assert log["record"] == 3 * (frames - 1) + 1
    # The model waits for the upload, the download for the model; from the third frame of a run on, the upload and the
    # model also wait for what was done with their buffer before.
    assert log["wait"] >= 2 * (frames - 1) + 1
    assert "python record" not in log
    for shown in stage.shown:
        for frame, place, value in shown.seen:
            lr = np.frombuffer(shown.scene.frame(frame, shown.start), np.uint8).reshape(*_pair(SIZE), 3)
            assert lr.repeat(2, axis=0).repeat(2, axis=1).reshape(-1)[place] == value


def _pair(size: Size) -> tuple[int, int]:
    return size.height, size.width


def test_the_clock_holds_what_a_guest_replaces(rehearse: Rehearse, tmp_path: Path) -> None:
    rehearse("card")
    code = (
        NEAREST
        + """
    def refuse(*args, **kwargs):
        raise AssertionError("the harness called what a guest had replaced")

    cuda, native = torch.cuda, torch._C
    for name in ("Event", "Stream", "synchronize", "current_stream", "set_device", "stream", "device"):
        setattr(cuda, name, refuse)
    for name in ("_cuda_synchronize", "_cuda_setDevice", "_cuda_setStream"):
        setattr(native, name, refuse)
    native._CudaEventBase.record = native._CudaEventBase.elapsed_time = refuse
    """
    )
    with child_with(tmp_path, code) as (child, loaded):
        assert isinstance(loaded, Loaded), loaded
        conductor = Conductor(child, PROTOCOL, EAGER_FP32)
        assert conductor.begin(PROTOCOL.warmup) is None
        call = conductor.call(random_input())
        assert isinstance(call, Call), call


def test_memory_is_weights_input_intermediates_and_output(rehearse: Rehearse, tmp_path: Path) -> None:
    rehearse("card")
    code = """
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = torch.nn.Conv2d(3, 64, 1, bias=False)
            self.narrow = torch.nn.Conv2d(64, 12, 1, bias=False)

        def forward(self, x):
            return torch.nn.functional.pixel_shuffle(self.narrow(self.wide(x)), 2)

    def srmodel():
        return Net()
    """
    weights, wide = (3 * 64 + 64 * 12), SIZE.pixels * 64
    with child_with(tmp_path, code) as (child, loaded):
        assert isinstance(loaded, Loaded), loaded
        _, last = conducted(child)
    assert last.memory is not None
    # At its peak there are the wide feature map and what the second convolution makes of it.
    assert last.memory.peak_bytes - last.memory.baseline_bytes == 4 * (weights + INPUT + wide + OUTPUT)


def test_a_guest_that_switches_tf32_on_is_measured_without_it_and_the_record_says_so(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    rehearse("card")
    code = NEAREST.replace('log["calls"] += 1', 'log[f"tf32 {torch.backends.cudnn.allow_tf32}"] += 1')
    code += "    torch.backends.cudnn.allow_tf32 = True\n"
    with child_with(tmp_path, code) as (child, loaded):
        assert isinstance(loaded, Loaded), loaded
        assert loaded.notes == (
            "The submission switched TF32 on; fp32 is measured without it, so it was switched off again.",
        )
        conducted(child)
        assert "tf32 True" not in said(child)
    with_tf32 = Execution(tf32=True)
    with child_with(tmp_path, code, execution=with_tf32) as (child, loaded):
        assert isinstance(loaded, Loaded), loaded
        assert loaded.notes == ()
        conducted(child, with_tf32)
        assert "tf32 False" not in said(child)


def test_a_model_too_large_for_the_card_runs_out_of_memory_and_the_child_goes_on(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    rehearse("card")
    code = NEAREST.replace('log["calls"] += 1', 'x.shape[-1] == 40 or torch.empty(1 << 50, device="cuda")')
    with child_with(tmp_path, code) as (child, _):
        failure = child.enhance(bytes(48 * 3), size=Size(6, 8), scale=2, execution=EAGER_FP32, limit_s=60)
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.OUT_OF_MEMORY, failure
        assert child.alive
        conducted(child)


def test_libraries_without_memory_are_out_of_memory_too(rehearse: Rehearse, tmp_path: Path) -> None:
    rehearse("card")
    words = [
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate",
    ]
    code = NEAREST.replace('log["calls"] += 1', f"raise RuntimeError({words!r}.pop(x.dtype is torch.half))")
    with child_with(tmp_path, code) as (child, _):
        for precision in (Precision.FP32, Precision.FP16):
            failure = Conductor(child, PROTOCOL, EAGER_FP32.in_precision(precision)).begin(1)
            assert isinstance(failure, Failure)
            assert failure.kind is FailureKind.OUT_OF_MEMORY, failure


def test_an_error_that_stays_ends_the_child_so_that_nothing_else_fails_by_it(
    rehearse: Rehearse, tmp_path: Path
) -> None:
    rehearse("card")
    code = NEAREST.replace('log["calls"] += 1', "torch.cuda.stand_in.illegal_access()")
    with child_with(tmp_path, code) as (child, _):
        failure = Conductor(child, PROTOCOL, EAGER_FP32).begin(1)
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.EXCEPTION
        assert "illegal memory access" in failure.message
        assert not child.alive


def test_a_device_that_is_not_there_is_the_users_mistake(rehearse: Rehearse) -> None:
    rehearse("card")
    with pytest.raises(UserError, match=r"device cuda:1 cannot be used: .*sees 1 CUDA devices"):
        Child(device="cuda:1", level=Level.PROCESS)


@pytest.mark.parametrize(("words", "device", "bound"), [("card", "cuda:0", False), ("none", "cpu", True)])
def test_auto_takes_the_card_where_there_is_one_and_binds_memory_where_there_is_none(
    words: str, device: str, bound: bool, rehearse: Rehearse, tmp_path: Path
) -> None:
    rehearse(words)
    (tmp_path / "arch.py").write_text(
        "import resource as r, torch\nprint(r.getrlimit(r.RLIMIT_DATA)[0] != r.RLIM_INFINITY, flush=True)\n"
        "def srmodel(): return torch.nn.Upsample(scale_factor=2)\n"
    )
    request = LoadModel(format="python", folder=tmp_path, entry="arch:srmodel", scale=2)
    with Child(device="auto", level=Level.PROCESS) as child:
        assert isinstance(child.ask(request, limit_s=120), Loaded)
        assert child.hello.device == device
    assert child.output == str(bound)  # read to its end once the child is closed


def test_the_stand_in_refuses_what_a_card_refuses(rehearse: Rehearse, tmp_path: Path) -> None:
    """Or else the rehearsal would pass where tensors of the host and of the card meet."""
    rehearse("card")
    code = NEAREST.replace('log["calls"] += 1', "x = x + torch.ones(x.shape)")
    with child_with(tmp_path, code) as (child, _):
        failure = Conductor(child, PROTOCOL, EAGER_FP32).begin(1)
        assert isinstance(failure, Failure)
        assert "on the same device" in failure.message
