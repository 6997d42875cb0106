"""Models prepared by a backend: what it gets, what it is called with, and that the outputs are the model's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from loaded_guests import TWO_CONVS, LoadGuest

from rtsr_bench.backends import BACKENDS, Backend, same_algorithm
from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.execution import EAGER_FP32, Execution, Precision
from rtsr_bench.measuring import timing
from rtsr_bench.measuring.clocks import Processor
from rtsr_bench.measuring.enhance import forward
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.sandbox import Child
from rtsr_bench.wire import BeginTiming, FinishTiming, Loaded, LoadModel, Places, TimeCall

CPU = torch.device("cpu")
IMAGE = torch.rand(1, 3, 6, 10, generator=torch.Generator().manual_seed(3))
LAST = Execution(**BACKENDS.find("channels-last").rules())


def is_last(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


def test_channels_last_reorders_weights_and_input_and_gives_the_same_image(load_guest: LoadGuest) -> None:
    guest = load_guest(TWO_CONVS.replace("self.tail(torch", "self.seen(x) or self.tail(torch").replace(
        "    def forward", "    def seen(self, x):\n        self.given = x.clone()\n\n    def forward"
    ))  # fmt: skip
    once = forward(guest, IMAGE, EAGER_FP32)
    assert not is_last(guest.module.head.weight)
    again = forward(guest, IMAGE, LAST)
    assert is_last(guest.module.head.weight)
    assert is_last(guest.module.given)
    torch.testing.assert_close(again, once, rtol=1e-5, atol=1e-6)
    forward(guest, IMAGE, EAGER_FP32)
    assert not is_last(guest.module.head.weight)


@pytest.mark.parametrize("body", ["pass", "return 'nothing'"])
def test_channels_last_needs_nothing_of_a_models_own_conversions(body: str, load_guest: LoadGuest) -> None:
    own = f"\n    def to(self, *args, **more):\n        {body}\n"
    guest = load_guest(TWO_CONVS.replace("\n\ndef srmodel", f"{own}\n\ndef srmodel"))
    forward(guest, IMAGE, LAST)
    assert is_last(guest.module.head.weight)


def test_a_frozen_graph_does_not_pretend_to_be_channels_last(load_guest: LoadGuest, tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 12, 3, padding=1), torch.nn.PixelShuffle(2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frozen = torch.jit.freeze(torch.jit.script(net))  # type: ignore[no-untyped-call]  # torch gives it no types
        frozen.save(tmp_path / "net.pt")
    guest = load_guest(folder=tmp_path, format="torchscript", checkpoint=tmp_path / "net.pt")
    with pytest.raises(BadGuest, match="the weights of the TorchScript file are constants of its graph"):
        forward(guest, IMAGE, LAST)
    assert forward(guest, IMAGE, EAGER_FP32).shape == (1, 3, 12, 20)


def test_a_backend_gets_a_model_in_the_number_format_and_each_execution_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[Execution, torch.dtype]] = []

    def prepare(model: Any, execution: Execution, device: Any) -> Callable[[Any], Any]:
        seen.append((execution, model.weight.dtype))
        assert device == CPU
        return lambda image: (model(image), torch.is_autocast_enabled("cpu"))

    spy = Backend(name="spy", title="Spy", prepare=prepare)
    monkeypatch.setitem(BACKENDS._members, "spy", spy)
    built: list[torch.nn.Module] = []

    def build() -> torch.nn.Module:
        built.append(torch.nn.Conv2d(3, 3, 1))
        return built[-1]

    guest = Guest(build=build, device=CPU, data_range=1.0)
    fp32, half, amp = (
        Execution(backend="spy", precision=one) for one in (Precision.FP32, Precision.BF16, Precision.AMP_BF16)
    )
    outputs = [forward(guest, IMAGE, one) for one in (fp32, fp32, amp, half)]
    assert seen == [(fp32, torch.float32), (amp, torch.float32), (half, torch.bfloat16)]
    assert len(built) == 2  # autocast is around the model that fp32 runs
    assert [autocast for _, autocast in outputs] == [False, False, True, False]
    assert outputs[-1][0].dtype is torch.bfloat16


def test_an_output_in_another_memory_format_is_looked_into_where_it_was_asked(load_guest: LoadGuest) -> None:
    guest = load_guest()
    where = Places(output=(0, 7, 719), given=(0, 5, 179))
    answers = []
    for execution in (EAGER_FP32, LAST):
        request = BeginTiming(size=Size(6, 10), batch=1, scale=2, execution=execution, warmup=1, seed=1)
        one = timing.Timing(guest, CPU, Processor(), request, None, lambda done: None)
        one.repeat(TimeCall(seed=3), None)
        answers.append(one.finish(FinishTiming(probe=where)))
        one.close()
    assert answers[0].given == answers[1].given
    assert answers[1].probe == pytest.approx(answers[0].probe, abs=1e-5)


def test_a_child_measures_under_an_execution(tmp_path: Path) -> None:
    (tmp_path / "arch.py").write_text(TWO_CONVS)
    rules = Protocol(scale=2, data_sets=("x",), degradation="x", conventions=(), input=Size(24, 40), precision={},
                     warmup=1, repeats=2)  # fmt: skip
    request = LoadModel(format="python", folder=tmp_path, entry="arch:srmodel", scale=2, execution=LAST)
    images, pixels = [], bytes(range(240)) * 12
    with Child(device="cpu") as child:
        assert isinstance(child.ask(request, limit_s=60), Loaded)
        conductor = Conductor(child, rules, LAST)
        assert conductor.begin(1) is None
        assert isinstance(conductor.call(random_input()), Call)
        assert conductor.finish(memory=True) is None
        for execution in (EAGER_FP32, LAST):
            sr = child.enhance(pixels, size=Size(24, 40), scale=2, execution=execution, limit_s=60)
            assert isinstance(sr, bytearray), sr
            images.append(sr)
    assert max(abs(a - b) for a, b in zip(*images, strict=True)) <= 1


def test_how_far_outputs_may_be_apart_is_the_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    from rtsr_bench.backends import Tolerance, tolerance

    loose = Tolerance(spread=0.5, least_db=20.0)
    other = Backend(name="int8", title="8 bits", prepare=lambda *_: None, tolerance=lambda *_: loose)
    monkeypatch.setitem(BACKENDS._members, "int8", other)
    assert tolerance(Execution(backend="int8"), "cpu") is loose
    assert tolerance(LAST, "cpu") == same_algorithm(EAGER_FP32, "cpu") == Tolerance(spread=0.02, least_db=60.0)
    assert loose.most_mse == pytest.approx(255**2 / 100)
