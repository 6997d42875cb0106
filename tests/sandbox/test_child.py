"""What a child answers; guests that break stand in tests/guests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.agreement import distance
from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.inputs import random_input
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.sandbox import Child, Isolation, Level, allow_pickles, obtainable
from rtsr_bench.wire import CheckContract, Counted, CountOperations, Finding, Findings, Loaded, LoadModel, Prepared

GUESTS = Path(__file__).parents[1] / "guests"
PROTOCOL = Protocol(
    scale=2, data_sets=("x",), degradation="x", conventions=(), input=Size(24, 40), precision={}, warmup=2, repeats=5
)
HALVES = (Precision.FP16, Precision.BF16)
CONTRACT = CheckContract(scale=2, sizes=(Size(24, 40), Size(25, 41)), precisions=HALVES)


@pytest.fixture
def child() -> Iterator[Child]:
    with Child(device="cpu") as started:
        yield started


@pytest.fixture(scope="module")
def good() -> Iterator[Child]:
    """A child of which nothing but the good guest is asked, which changes nothing in it: several tests share one."""
    with Child(device="cpu") as started:
        yield started


def load(child: Child, guest: str, *, scale: int | None = 2, limit_s: float = 60, **more: Any) -> Loaded | Failure:
    asked = {"format": "python", "folder": GUESTS / guest, "entry": "arch:srmodel", "scale": scale, **more}
    return child.ask(LoadModel(**asked), limit_s=limit_s)


def enhance(child: Child, *, width: int = 40, limit_s: float = 60) -> bytearray | Failure:
    pixels = os.urandom(24 * width * 3)
    return child.enhance(pixels, size=Size(24, width), scale=2, execution=EAGER_FP32, limit_s=limit_s)


def test_a_flood_of_output_is_drained_and_its_end_kept(child: Child) -> None:
    assert isinstance(load(child, "floods_output"), Loaded)
    assert isinstance(enhance(child), bytearray)
    assert 0 < len(child.output) <= 16 * 1024


def test_sr_arrives_rounded_half_to_even_and_clamped(good: Child) -> None:
    assert isinstance(load(good, "good"), Loaded)
    out = good.enhance(bytes(range(24)), size=Size(2, 4), scale=2, execution=EAGER_FP32, limit_s=60)
    assert isinstance(out, bytearray)
    assert len(out) == 4 * 8 * 3
    assert out[:6] == bytes([0, 1, 2, 0, 1, 2])  # nearest neighbour: each pixel twice


def test_scale_is_found_by_running_where_nothing_says_it(child: Child) -> None:
    assert load(child, "wrong_scale", scale=None) == Loaded(scale=3)


def test_a_timed_call_is_inside_the_parents_bracket_and_its_output_can_be_looked_into(good: Child) -> None:
    assert isinstance(load(good, "good"), Loaded)
    conductor = Conductor(good, PROTOCOL, EAGER_FP32)
    seen: list[int] = []
    assert conductor.begin(2, on_progress=seen.append) is None
    assert seen[-1] == 2
    first, second = random_input(), random_input()
    for given in (first, second, replace(first, places=second.places)):
        call = conductor.call(given)
        assert isinstance(call, Call)
        assert 0 < call.sample_ms / 1e3 <= call.bracket_s
    assert conductor.finish() is None
    one, two, three = conductor.outputs.values()
    assert one != two
    assert distance(one, two) > 0.5
    assert distance(two, three) > 0.5  # the same places, another input
    assert conductor.last is not None
    assert conductor.last.memory is None or conductor.last.memory.peak_bytes > 0


def test_the_same_input_gives_the_same_output_in_another_process(good: Child) -> None:
    given, outputs = random_input(), []
    with Child(device="cpu") as other:
        for one in (good, other):
            assert isinstance(load(one, "good"), Loaded)
            conductor = Conductor(one, PROTOCOL, EAGER_FP32)
            assert conductor.begin(0) is None
            assert isinstance(conductor.call(given), Call)
            assert conductor.finish() is None
            outputs.append(conductor.outputs[given])
    assert outputs[0] == outputs[1]


def test_a_model_is_timed_in_each_of_the_five_precisions(good: Child) -> None:
    assert isinstance(load(good, "good"), Loaded)
    for precision in Precision:
        conductor = Conductor(good, PROTOCOL, EAGER_FP32.in_precision(precision))
        assert conductor.begin(1) is None
        assert isinstance(conductor.call(random_input()), Call), precision


def test_timing_notices_a_job_done_by_half(child: Child) -> None:
    assert isinstance(load(child, "wrong_shape"), Loaded)
    failure = Conductor(child, PROTOCOL, EAGER_FP32).begin(1)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_OUTPUT
    assert failure.stage is Stage.RUNTIME


def findings(child: Child, guest: str) -> dict[str, Finding]:
    assert isinstance(load(child, guest), Loaded)
    answer = child.ask(CONTRACT, limit_s=60)
    assert isinstance(answer, Findings)
    return {finding.question: finding for finding in answer.findings}


def test_check_finds_nothing_wrong_with_a_good_guest(good: Child) -> None:
    assert all(finding.ok for finding in findings(good, "good").values())


def test_a_size_that_fails_while_a_rule_explains_it_is_a_note(child: Child) -> None:
    assert isinstance(load(child, "raises_on_odd"), Loaded)
    answer = child.ask(CONTRACT, limit_s=60)
    assert isinstance(answer, Findings)
    assert (answer.multiple, answer.least) == (2, 1)
    found = {finding.question: finding for finding in answer.findings}
    assert found["input 25x41"].ok is None
    assert found["input 25x41"].answer == "ValueError: odd width"


def test_a_model_is_prepared_apart_from_enhancing(child: Child) -> None:
    half = EAGER_FP32.in_precision(Precision.FP16)
    early = child.prepare(half, limit_s=60)
    assert isinstance(early, Failure)
    assert (early.stage, early.message) == (Stage.LOAD, "no model is loaded")
    assert isinstance(load(child, "good"), Loaded)
    assert isinstance(child.prepare(half, limit_s=60), Prepared)


def test_the_weights_of_a_checkpoint_are_counted_as_deployed(good: Child) -> None:
    assert isinstance(load(good, "good"), Loaded)
    counted = good.ask(CountOperations(sizes=(Size(10, 20),)), limit_s=60)
    assert isinstance(counted, Counted)
    assert counted.params == 9
    (count,) = counted.counts
    assert (count.macs, count.flops, count.convs, count.activations) == (9 * 200, 18 * 200, 1, 600)
    assert count.uncounted == {}  # enlarging by the nearest neighbour only moves data


def test_an_operator_without_a_formula_is_named_beside_the_count(child: Child, tmp_path: Path) -> None:
    (tmp_path / "arch.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        x = torch.fft.ifft2(torch.fft.fft2(x)).real\n"
        "        return torch.nn.functional.interpolate(x, scale_factor=2, mode='bicubic')\n"
        "srmodel = Net\n"
    )
    assert isinstance(load(child, str(tmp_path)), Loaded)
    counted = child.ask(CountOperations(sizes=(Size(10, 20),)), limit_s=60)
    assert isinstance(counted, Counted)
    assert counted.counts[0].macs == 0
    uncounted = set(counted.counts[0].uncounted)
    assert uncounted
    assert all(name.startswith("aten._fft") for name in uncounted)  # an interpolation counts nothing, and voids nothing


def test_processor_time_comes_from_the_kernel(child: Child, tmp_path: Path) -> None:
    (tmp_path / "arch.py").write_text(
        "import time, torch\nends = time.process_time() + 0.5\nwhile time.process_time() < ends: pass\n"
        "srmodel = torch.nn.Identity\n"
    )
    before = child.cpu_s()
    assert isinstance(load(child, str(tmp_path)), Loaded)
    assert 0.4 < child.cpu_s() - before < 3


def test_a_device_that_is_not_there_is_the_users_mistake_in_one_line() -> None:
    with pytest.raises(UserError, match=r"device cuda:63 cannot be used") as caught:
        Child(device="cuda:63")
    assert "\n" not in str(caught.value)


class Evil:
    """Runs a command as it is read, and is the weights of `good` then."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        code = f"(__import__('os').system({self.command!r}), __import__('torch').ones(3, 3, 1, 1))[1]"
        return (eval, (code,))


def evil_checkpoint(folder: Path, command: str) -> Path:
    import torch

    path = folder / "checkpoint.pth"
    torch.save({"conv.weight": Evil(command)}, path)
    return path


def test_checkpoint_with_code_is_refused_with_a_solution(child: Child, tmp_path: Path) -> None:
    checkpoint = evil_checkpoint(tmp_path, f"touch {tmp_path / 'pwned'}; echo it ran")
    failure = load(child, "good", checkpoint=checkpoint)
    assert isinstance(failure, Failure)
    assert (failure.stage, failure.kind) == (Stage.LOAD, FailureKind.BAD_OUTPUT)
    assert "torch.save(model.state_dict(), path)" in failure.message
    assert "--allow-pickle" in failure.message
    assert "it ran" not in child.output
    assert not (tmp_path / "pwned").exists()


LOADS_ITSELF = """import torch

class Net(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=2)

def srmodel():
    torch.load("checkpoint.pth")
    return Net()
"""


def test_pickle_loaded_by_guest_code_is_refused_with_a_solution(child: Child, tmp_path: Path) -> None:
    evil_checkpoint(tmp_path, "echo it ran")
    (tmp_path / "arch.py").write_text(LOADS_ITSELF)
    failure = load(child, str(tmp_path))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.EXCEPTION
    assert "--allow-pickle" in failure.message
    assert "\n" not in failure.message


@pytest.mark.skipif(obtainable().level is Level.PROCESS, reason="needs bubblewrap: pickles are read in its room only")
@pytest.mark.parametrize("by", ["the harness", "the guest"])
def test_allowed_pickle_runs_only_inside_the_sandbox(by: str, child: Child, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    tries = f"echo it ran; touch {outside}/pwned; ls {outside}; cat /etc/passwd; ls /sys/class/net"
    (tmp_path / "team").mkdir()
    checkpoint = evil_checkpoint(tmp_path / "team", tries)
    if by == "the harness":
        loaded = load(child, "good", checkpoint=checkpoint, allow_pickle=True)
    else:
        (tmp_path / "team" / "arch.py").write_text(LOADS_ITSELF)
        loaded = load(child, str(tmp_path / "team"), allow_pickle=True)
    assert isinstance(loaded, Loaded), loaded
    assert isinstance(enhance(child), bytearray)
    assert "it ran" in child.output
    assert child.output.count("No such file or directory") >= 3
    assert "root:" not in child.output
    assert list(outside.iterdir()) == []


def test_pickles_require_bubblewrap() -> None:
    allow_pickles(Isolation(level=Level.BUBBLEWRAP))
    with pytest.raises(UserError, match=r"--allow-pickle: .*bubblewrap.*no bwrap on PATH.*apt install") as caught:
        allow_pickles(Isolation(level=Level.PROCESS, reason="no bwrap on PATH"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("timed", "policy"), [(True, "as torch has it"), (False, "PASSIVE")])
def test_only_a_timed_childs_threads_spin_while_they_wait(timed: bool, policy: str, tmp_path: Path) -> None:
    source = (
        'import os\n\n\ndef srmodel():\n    raise ValueError(os.environ.get("OMP_WAIT_POLICY", "as torch has it"))\n'
    )
    (tmp_path / "arch.py").write_text(source)
    with Child(timed=timed) as started:
        failure = load(started, "good", folder=tmp_path)
    assert isinstance(failure, Failure)
    assert policy in failure.message


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_child_that_is_given_the_cpu_sees_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with Child(device="cpu", level=Level.PROCESS) as child:
        (environment,) = {Path(f"/proc/{pid}/environ").read_bytes() for pid in child.pids()[:1]}
    assert b"CUDA_VISIBLE_DEVICES=" in environment.split(b"\0")
