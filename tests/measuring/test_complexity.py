"""Counting a network: what it counts, in which mode and process, and what it leaves behind for later runs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Self

import pytest
import torch

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.measuring import complexity
from rtsr_bench.measuring.complexity import count
from rtsr_bench.measuring.enhance import forward
from rtsr_bench.measuring.guest import Guest
from rtsr_bench.measuring.loading import load
from rtsr_bench.measuring.plain_shapes import ANSWERS, plain_shapes
from rtsr_bench.protocol import Size
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.sandbox import Child, Level, count_model
from rtsr_bench.wire import Counted, CountOperations, Loaded, LoadModel, Request

CASES = Path(__file__).with_name("cases")
SIZES = (Size(64, 96), Size(256, 256))


def request(name: str) -> LoadModel:
    return LoadModel(format="python", folder=CASES / name, entry="arch:srmodel", scale=2)


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Load a case here; its module is gone afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "arch", sys)
    del sys.modules["arch"]
    return lambda name: load(request(name), torch.device("cpu"))


ATTENTION = {"mha": 0, "encoder_layer": 2 * 16 * 32}
"""Case: multiply-adds a pixel beside those of the two convolutions and the attention of 64 pixels in 16 channels."""


@pytest.mark.parametrize("computed", [False, True])
@pytest.mark.parametrize("name", ATTENTION)
def test_attention_is_counted_whole_fused_or_not(guest: Any, name: str, computed: bool) -> None:
    counted = count(guest(name), CountOperations(sizes=SIZES, computed=computed))
    a_pixel = 3 * 16 + 16 * 12 + 4 * 16 * 16 + 2 * 64 * 16 + ATTENTION[name]
    assert [one.macs for one in counted.counts] == [a_pixel * size.pixels for size in SIZES]
    assert not any(one.uncounted for one in counted.counts)


def test_a_pass_that_needs_values_counts_nothing_without_them(guest: Any) -> None:
    assert count(guest("scratch_buffer_in_place"), CountOperations(sizes=SIZES)).counts == ()


def test_what_a_model_keeps_from_a_run_does_not_break_its_count(guest: Any) -> None:
    one = guest("scratch_buffer_in_place")
    forward(one, torch.rand(1, 3, 64, 96), EAGER_FP32)
    counted = count(one, CountOperations(sizes=SIZES, computed=True))
    assert [each.macs for each in counted.counts] == [3 * 12 * 9 * size.pixels for size in SIZES]
    forward(one, torch.rand(1, 3, 256, 256), EAGER_FP32)  # nor does the count break a later run


def test_counting_runs_in_the_mode_in_which_models_are_run() -> None:
    seen = []

    class Looks(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append((torch.is_inference_mode_enabled(), self.training, x.device.type))
            return x

    built = Guest(build=Looks, device=torch.device("cpu"), data_range=1.0)
    for computed in (False, True):
        count(built, CountOperations(sizes=(Size(8, 8),), computed=computed))
    assert seen == [(False, False, "meta"), (False, False, "cpu")]


def test_a_model_in_half_precision_is_counted_in_full() -> None:
    def build() -> torch.nn.Module:
        return torch.nn.Conv2d(3, 12, 1).half()

    built = Guest(build=build, device=torch.device("cpu"), data_range=1.0)
    for computed in (False, True):
        (one,) = count(built, CountOperations(sizes=(Size(8, 8),), computed=computed)).counts
        assert one.macs == 36 * 64


@pytest.mark.parametrize("name", ["scratch_buffer_in_place", "global_cache_poisoned_by_meta"])
def test_a_model_that_needs_values_is_counted_in_a_process_of_its_own(name: str) -> None:
    started: list[Child] = []

    def start() -> Child:
        started.append(Child(level=Level.PROCESS, threads=1))
        return started[-1]

    with start() as child:
        assert isinstance(child.ask(request(name), limit_s=60), Loaded)
        counted = count_model(child, request(name), SIZES, start=start, load_s=60, count_s=60)
    assert isinstance(counted, Counted), counted
    assert [one.macs for one in counted.counts] == [3 * 12 * 9 * size.pixels for size in SIZES]
    assert [one.input for one in counted.counts] == list(SIZES)
    assert len(started) == 2
    assert not any(one.alive for one in started)


WITHOUT_COMPILER = """import sys, torch
class Net(torch.nn.Conv2d):
    def forward(self, x):
        assert not {"sympy.core", "torch._dynamo.eval_frame"} & set(sys.modules)
        enlarged = torch.nn.functional.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        enlarged = enlarged + torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest").clamp(0, 1)
        return torch.nn.functional.pixel_shuffle(super().forward(x), 2) + enlarged
def srmodel():
    return Net(3, 12, 1)
"""


def test_a_model_that_needs_no_values_starts_no_second_process_and_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "arch.py").write_text(WITHOUT_COMPILER)
    load_it = request(str(tmp_path))
    with Child(level=Level.PROCESS, threads=1) as child:
        assert isinstance(child.ask(load_it, limit_s=60), Loaded)
        counted = count_model(
            child, load_it, SIZES, start=lambda: pytest.fail("a second process"), load_s=60, count_s=60
        )
    assert isinstance(counted, Counted)
    assert [one.macs for one in counted.counts] == [36 * size.pixels for size in SIZES]


@pytest.mark.parametrize("computed", [False, True])
def test_a_model_that_compiles_itself_in_the_call_is_counted_whole(
    computed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Compiles(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 12, 1)

        def forward(self, x: torch.Tensor) -> Any:
            monkeypatch.undo()  # the compiler is loaded in this call
            return torch.compile(self.conv, backend="eager")(x)

    monkeypatch.setattr(complexity, "compiler_is_loaded", lambda: False)
    built = Guest(build=Compiles, device=torch.device("cpu"), data_range=1.0)
    (one,) = count(built, CountOperations(sizes=(Size(8, 8),), computed=computed)).counts
    assert (one.macs, one.uncounted) == (36 * 64, {})


@pytest.mark.filterwarnings("ignore:guard_size_oblivious will be removed")
@pytest.mark.parametrize("name", ANSWERS)
def test_a_stand_in_answers_what_torch_answers(name: str) -> None:
    from torch.fx.experimental import symbolic_shapes

    asked: Any = getattr(symbolic_shapes, name, None)
    if asked is None:
        pytest.skip(f"torch {torch.__version__} has no {name}")
    given: list[tuple[Any, ...]] = [] if name == "sym_eq" else [(True,), (False,)]
    given += [(2, 2), (2, 3), ((1, 2), [1, 2]), ((1, 2), (1, 3)), ((), (1,))] if name == "sym_eq" else []
    given += [(True, False), (True, True, False), (False, False)] if name in ("sym_and", "sym_or") else []
    given += [(3,), (0,)] if name in ("guarding_hint_or_throw", "has_guarding_hint", "is_nested_int") else []
    for values in given:
        assert ANSWERS[name](*values) == asked(*values)
        assert type(ANSWERS[name](*values)) is type(asked(*values))


def test_a_stand_in_is_gone_afterwards_and_loads_what_it_cannot_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module("torch.fx.experimental.symbolic_shapes")
    monkeypatch.delitem(sys.modules, real.__name__)
    monkeypatch.setattr(importlib, "import_module", lambda name: {real.__name__: real}[name])
    with plain_shapes():
        stand_in = sys.modules[real.__name__]
        assert stand_in is not real
        assert stand_in.expect_true(True) is True
        assert stand_in.ShapeEnv is real.ShapeEnv
    assert real.__name__ not in sys.modules


class Answers:
    """Stands for a child: gives its answers in order."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.alive = list(answers), True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.alive = False

    def ask(self, request: Request[Any], *, limit_s: float) -> Any:
        return self.answers.pop(0)


def failed(kind: FailureKind) -> Failure:
    return Failure(stage=Stage.COMPLEXITY, kind=kind, message="it broke")


def test_a_crash_without_values_is_no_verdict_and_one_out_of_time_is() -> None:
    whole, load_it = Counted(params=1, counts=()), request("double")
    crashed: Any = Answers(failed(FailureKind.CRASHED))
    fresh: Any = Answers(Loaded(scale=2), whole)
    late: Any = Answers(failed(FailureKind.TIMEOUT))
    assert count_model(crashed, load_it, (), start=lambda: fresh, load_s=1, count_s=1) == whole
    ended = count_model(late, load_it, (), start=lambda: pytest.fail("again"), load_s=1, count_s=1)
    assert ended == failed(FailureKind.TIMEOUT)


def test_counts_for_other_sizes_than_asked_for_are_a_contradiction() -> None:
    def start() -> Any:
        return Answers(Loaded(scale=2), Counted(params=1, counts=()))

    found = count_model(None, request("double"), SIZES, start=start, load_s=1, count_s=1)
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.INCONSISTENT
