"""Timing in this process, with a clock that the test turns: what is called when, and in which state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch.utils._python_dispatch import TorchDispatchMode

from rtsr_bench.execution import EAGER_FP32, Execution
from rtsr_bench.measuring import numerics, timing
from rtsr_bench.measuring.clocks import Processor, Timed
from rtsr_bench.measuring.enhance import checked, forward, shaped
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.wire import BeginTiming, FinishTiming, TimeCall

CPU = torch.device("cpu")
RUNTIME = BeginTiming(size=Size(8, 12), batch=1, scale=2, execution=EAGER_FP32, warmup=2, seed=1)
REPEAT = TimeCall(seed=3)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 12, 3, padding=1)
        self.inputs: list[torch.Tensor] = []
        self.places: set[int] = set()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.inputs.append(x.clone())
        self.places.add(x.data_ptr())
        return torch.nn.functional.pixel_shuffle(self.conv(x), 2)


class Turned:
    """A clock on which a call takes as long as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call_ms: float, pause_ms: float) -> None:
        self.now_ns, self.call_ms, self.pause_ms = 0, call_ms, pause_ms
        monkeypatch.setattr(timing, "perf_counter_ns", self.read)

    def read(self) -> int:
        return self.now_ns

    def settle(self) -> None:
        self.now_ns += round(self.call_ms * 1e6)  # all that was asked for is done now

    def time(self, call: Callable[[], object]) -> Timed:
        self.now_ns += round(self.pause_ms * 1e6)
        began, output = self.now_ns, call()
        self.settle()
        return Timed(output=output, sample_ms=self.call_ms, host_ms=0.1, began_ns=began, ended_ns=self.now_ns)


def made(clock: Any, **more: Any) -> tuple[timing.Timing, Net]:
    net = Net()
    guest = Guest(build=lambda: net, device=CPU, data_range=1.0)
    return timing.Timing(guest, CPU, clock, replace(RUNTIME, **more), None, lambda done: None), net


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    benchmark = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = benchmark
    numerics.settle(tf32=False)


@pytest.mark.parametrize(
    ("call_ms", "pause_ms", "untimed"),
    [(1.0, 2.0, 20), (15.0, 2.0, 2), (300.0, 2.0, 1), (5000.0, 2.0, 0)],
    ids=["many short ones", "two", "one is enough", "a pause that cannot matter"],
)
def test_a_card_is_kept_busy_for_20_ms_before_each_timed_call(
    call_ms: float, pause_ms: float, untimed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Turned(monkeypatch, call_ms, pause_ms)
    one, net = made(clock)
    one.repeat(REPEAT, None)
    clock.now_ns += round(pause_ms * 1e6)
    before = len(net.inputs)
    one.warm()
    assert len(net.inputs) - before == untimed
    answer = one.repeat(REPEAT, None)
    assert answer.sample_ms == call_ms
    assert answer.idle_ms == pytest.approx(pause_ms if untimed else 2 * pause_ms)
    one.close()


def test_no_untimed_call_is_given_the_timed_input(monkeypatch: pytest.MonkeyPatch) -> None:
    one, net = made(Turned(monkeypatch, 8.0, 1.0))
    for seed in (3, 4):
        one.warm()
        one.repeat(TimeCall(seed=seed), None)
    one.close()
    seen = net.inputs
    assert all(not torch.equal(a, b) for i, a in enumerate(seen) for b in seen[:i])


@pytest.fixture
def image(tmp_path: Path) -> Iterator[int]:
    """Raw pixels of an image of the timed size."""
    (tmp_path / "image").write_bytes(bytes(range(48)) * 6)
    opened = os.open(tmp_path / "image", os.O_RDONLY)
    yield opened
    os.close(opened)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.AMP_BF16])
def test_images_are_timed_under_the_same_conditions_as_random_numbers(
    precision: Precision, image: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: list[torch.Size] = []
    convolve = torch.conv2d

    def seen(given: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        small.append(given.shape)
        return convolve(given, kernel)

    monkeypatch.setattr(timing, "_convolve", seen)
    one, net = made(Processor(), execution=Execution(precision=precision))
    for given in (None, image, None, image):
        before = len(small)
        one.repeat(REPEAT, given)
        assert len(small) - before == 3, "caches and threads are in the same state before every timed call"
    one.close()
    assert len(net.places) == 1, "an input in other memory takes another time"
    expected = torch.arange(48, dtype=torch.float32).repeat(6).reshape(8, 12, 3).permute(2, 0, 1)[None] / 255
    assert torch.equal(net.inputs[-1], expected)


class Casts(TorchDispatchMode):
    """Counts conversions of weights to another number format."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._to_copy.default and args[0].shape in ((12, 3, 3, 3), (12,)):
            self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("precision", [Precision.AMP_BF16, Precision.AMP_FP16])
def test_autocast_casts_each_weight_once_for_all_timed_calls(precision: Precision) -> None:
    with Casts() as casts:
        one, _ = made(Processor(), execution=EAGER_FP32.in_precision(precision))
        assert casts.count == 2  # weight and bias, in the warm-up
        for _ in range(3):
            one.repeat(REPEAT, None)
        one.finish(FinishTiming())
        assert casts.count == 2
        one.close()
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("precision", [Precision.AMP_BF16, Precision.AMP_FP16])
def test_kept_casts_change_no_value(precision: Precision) -> None:
    net = Net()
    guest = Guest(build=lambda: net, device=CPU, data_range=1.0)
    image = torch.rand(1, 3, 8, 12)
    once = forward(guest, image, EAGER_FP32.in_precision(precision))
    net.requires_grad_(requires_grad=False)
    dtype = torch.bfloat16 if precision is Precision.AMP_BF16 else torch.float16
    with torch.inference_mode(), torch.autocast("cpu", dtype=dtype):
        assert torch.equal(once, net(image))
    assert not forward(guest, image, EAGER_FP32).requires_grad


def test_fp32_is_set_again_before_each_block() -> None:
    seen: list[dict[str, str]] = []

    class Flips(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(numerics.facts())
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
            return super().forward(x)

    guest = Guest(build=Flips, device=CPU, data_range=1.0)
    one = timing.Timing(guest, CPU, Processor(), replace(RUNTIME, warmup=1), None, lambda done: None)
    for _ in range(2):
        one.repeat(REPEAT, None)
    one.close()
    forward(guest, torch.rand(1, 3, 8, 12), EAGER_FP32)
    assert seen == [{"tf32_matmul": "False", "tf32_cudnn": "False"}] * 4
    assert numerics.changed(tf32=False)
    assert not numerics.changed(tf32=False)
    assert torch.backends.cudnn.allow_tf32 is False  # both kinds of switches can be read
    assert torch.get_float32_matmul_precision() == "highest"


def test_the_whole_output_is_looked_at_in_parts_and_counted_once() -> None:
    size = Size(1100, 1300)
    output = torch.zeros(1, 3, *(size.height, size.width))
    assert checked(output, 1, size) is not None
    output[0, 0, 0, 0] = output[0, 1, 600, 7] = torch.inf
    output[0, 2, 1099, 1299] = torch.nan
    with pytest.raises(BadGuest, match=r"^3 of 4290000 output values are NaN or infinite"):
        checked(output, 1, size)


class Allocations(TorchDispatchMode):
    """The largest tensor that any operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made_here = [one for one in torch.utils._pytree.tree_leaves(result) if isinstance(one, torch.Tensor)]
        old = {one.untyped_storage().data_ptr() for one in args if isinstance(one, torch.Tensor)}
        new = [one.untyped_storage().nbytes() for one in made_here if one.untyped_storage().data_ptr() not in old]
        self.largest = max([self.largest, *new])
        return result


def test_looking_at_an_output_makes_nothing_of_its_size() -> None:
    size = Size(2160, 3840)
    output = torch.empty(1, 3, size.height, size.width, dtype=torch.float16)
    with Allocations() as seen:
        shaped(output, 1, size)
    assert seen.largest == 0
    output.zero_()
    with Allocations() as seen:
        checked(output, 1, size)
    assert seen.largest <= output.numel() * 2 / 4


def test_flushed_denormals_are_reported() -> None:
    assert (numerics.denormals(), numerics.changed(tf32=False)) == ("kept", [])
    assert torch.set_flush_denormal(True)  # type: ignore[no-untyped-call]  # torch gives it no types
    try:
        assert numerics.denormals() == "flushed"
        assert numerics.changed(tf32=False) == ["The submission flushes denormal numbers to zero."]
    finally:
        torch.set_flush_denormal(False)  # type: ignore[no-untyped-call]  # as above
