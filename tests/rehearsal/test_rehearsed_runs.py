"""Whole measurements on the stand-in: the bench chooses the card, a thread reads NVML, a record comes out.

NVML is the real pynvml with a library of ours below. Control flow only, as in the rest of the rehearsal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from rtsr_bench.datasets import Dataset
from rtsr_bench.datasets.dataset import ImageFile, ImagePair
from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate import Bench, Job, Overrides, bench, clocks, measure, playing, realtime
from rtsr_bench.evaluate.stages import TRANSFERS_S
from rtsr_bench.protocol import Colour, Convention, Precision, Protocol, Size
from rtsr_bench.record import Failure, Memory, Runtime, Telemetry
from rtsr_bench.sandbox import Isolation, Level
from rtsr_bench.submissions import discover
from rtsr_bench.system import Gauge, gauge, visible_name, watching
from rtsr_bench.tracks import find_track

SIZE = Size(24, 40)
PROTOCOL = Protocol(
    scale=2,
    data_sets=("x",),
    degradation="pillow-bicubic",
    conventions=(Convention(Colour.RGB, 0),),
    input=SIZE,
    precision={"cuda": Precision.FP16, "cpu": Precision.FP32},
    warmup=2,
    repeats=12,
)
Rehearse = Callable[[str], None]
Nvml = Callable[..., None]


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "obtainable", lambda **more: Isolation(level=Level.PROCESS, reason="rehearsal"))
    monkeypatch.setitem(clocks.TICK_MS, "cuda", 1e6)
    monkeypatch.setitem(clocks._SLACK_MS, "cuda", 1e6)  # nobody looks at times: the "card" is a busy CPU


def job(tmp_path: Path, forward: str = "return torch.nn.functional.interpolate(x, scale_factor=2)") -> Job:
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "arch.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        "
        f"{forward}\ndef srmodel():\n    return Net()\n"
    )
    (folder / "submission.toml").write_text('[submission]\nteam = "T"\ntitle = "N"\n[[model]]\nscale = 2\n')
    pairs = []
    for number in range(2):
        path = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 256, (48, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        source = ImageFile(path=path, sha256=f"{number}")
        size = Size(48, 80)
        pairs.append(ImagePair(name=path.name, scale=2, size=size, hr_source=source, degradation="pillow-bicubic"))
    data = Dataset(id="x", title="X", scale=2, pairs=tuple(pairs), verified=False)
    (submission,) = discover(folder)
    return Job(
        submission=submission, model=submission.models[0], track=find_track("builtin-x2"), protocol=PROTOCOL,
        overrides=Overrides(), data=(data,),
    )  # fmt: skip


def test_a_record_of_a_card(rehearse: Rehearse, nvml: Nvml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTSR_BENCH_REFERENCE", "on")
    rehearse("card,little")
    with Bench(device="auto") as place:
        assert (place.device, place.device_kind, place.device_name) == ("cuda:0", "cuda", "Stand-in")
        record = measure(job(tmp_path), place)
    system = record.system
    assert (system.device_kind, system.device_index, system.device_uuid) == ("cuda", 0, "0f0e-42")
    assert system.facts["driver"] == "580.95"
    assert "0f0e-42" in record.key
    assert isinstance(record.runtime, Runtime), record.runtime
    assert len(record.runtime.samples_ms) == len(record.runtime.host_ms) == PROTOCOL.repeats
    assert record.runtime.precision is Precision.FP16
    states = record.runtime.telemetry
    assert [states[0].when, states[-1].when] == ["before", "after"]
    assert all(state.sm_clock_mhz == 1755 for state in states)
    assert states[0].throttle_reasons == ("SW power cap", "HW thermal slowdown")
    assert isinstance(record.memory, Memory), record.memory
    assert record.memory.peak_bytes - record.memory.baseline_bytes == 2 * SIZE.pixels * 3 * 5
    assert not isinstance(record.complexity, Failure)
    assert record.transfers is not None
    assert record.transfers.frames > 10
    assert record.transfers.wall_s >= TRANSFERS_S
    assert record.references is not None
    assert (record.references.convs.id, len(record.references.convs.after_ms)) == ("convs-3-16-16-16-12-24x40/1", 3)


def test_a_video_is_played_on_a_card(rehearse: Rehearse, nvml: Nvml, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(realtime, "FLAT_OUT_S", 0.3)
    monkeypatch.setitem(playing._SLACK_MS, "cuda", 1e6)
    rehearse("card")
    with Bench(device="cuda:0") as place:
        wish = realtime.Playback(fps=20.0, seconds=1.0, search=False)
        result = realtime.measure_realtime(job(tmp_path), place, wish)
    assert result.failure is None, result.failure
    assert result.run is not None
    assert len(result.run.latency_ms) == 20
    assert result.execution.precision is Precision.FP16
    assert result.check is not None
    assert result.check.places == 6 * 32
    assert result.model_ms
    assert result.system.facts["driver"] == "580.95"


def test_a_guest_that_breaks_the_card_is_counted_in_another_child(
    rehearse: Rehearse, nvml: Nvml, tmp_path: Path
) -> None:
    rehearse("card")
    enlarged = "torch.nn.functional.interpolate(x, scale_factor=2)"
    broken = f"return torch.cuda.stand_in.illegal_access() if x.is_cuda else {enlarged}"
    with Bench(device="cuda:0") as place:
        record = measure(job(tmp_path, broken), place)
    assert isinstance(record.fidelity, Failure)
    assert "illegal memory access" in record.fidelity.message
    assert not isinstance(record.complexity, Failure)


def test_lost_gpu_leaves_no_record(rehearse: Rehearse, nvml: Nvml, tmp_path: Path) -> None:
    rehearse("card")
    with Bench(device="cuda:0") as place:
        nvml(0, 15)
        with pytest.raises(HarnessError, match="the GPU was lost while it was measured: GPU is lost"):
            measure(job(tmp_path), place)


def test_of_two_cards_a_child_sees_the_one_that_is_measured(rehearse: Rehearse, nvml: Nvml) -> None:
    rehearse("cards")
    with Bench(device="cuda:1") as place:
        assert place.device == "cuda:1"
        assert place.hello.facts["cuda_devices"] == "2"
        for timed in (False, True):
            with place.start_child(timed=timed) as child:
                assert child.hello.facts["cuda_devices"] == "1"
                assert child.hello.device == "cuda:0"


def test_a_uuid_is_completed_for_cuda_by_what_nvml_knows(nvml: Nvml) -> None:
    assert visible_name("0f0e-42") == "GPU-0f0e-42"
    assert visible_name("0f0e-43") == "MIG-0f0e-43"
    assert visible_name("unknown") == "GPU-unknown"
    assert visible_name("MIG-0f0e-43") == "MIG-0f0e-43"
    assert not visible_name("")


def test_mig_instance_reports_the_clocks_of_its_gpu(nvml: Nvml) -> None:
    with gauge("cuda", "0f0e-43") as meter:
        assert meter.read("before").sm_clock_mhz == 1755


def test_a_thread_reads_what_happens_during_a_call(nvml: Nvml) -> None:
    with gauge("cuda", "0f0e-42") as meter:
        nvml(0)
        with watching(meter, every_s=0.001) as during:
            seen = _until(during, lambda state: not state.throttle_reasons)
            nvml(0x40)  # in the middle of what would be one long call
            hot = _until(during, lambda state: state.throttle_reasons == ("HW thermal slowdown",))
    assert seen.when == hot.when == "during"
    assert not [one for one in threading.enumerate() if one.name == "telemetry"]


def _until(states: list[Telemetry], fits: Callable[[Telemetry], bool]) -> Telemetry:
    waiting = threading.Event()
    for _ in range(10_000):
        found = next((state for state in list(states) if fits(state)), None)
        if found is not None:
            return found
        waiting.wait(0.002)
    raise AssertionError("never read")


def test_a_long_measurement_keeps_few_readings_and_every_reason() -> None:
    number = 0

    def read(when: str) -> Telemetry:
        nonlocal number
        number += 1
        return Telemetry(when=when, throttle_reasons=("HW slowdown",) if number == 30 else ())

    meter = cast("Gauge", SimpleNamespace(read=read, every_s=1.0))
    with watching(meter, every_s=1e-5) as during:
        _until_many(lambda: number > 450)
    assert len(during) <= 200
    assert {reason for state in during for reason in state.throttle_reasons} == {"HW slowdown"}


def _until_many(over: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(10_000):
        if over():
            return
        waiting.wait(0.002)
    raise AssertionError("never that many")


def test_two_cards_of_one_name_are_two_systems(rehearse: Rehearse) -> None:
    from rtsr_bench.record import record_key

    common: dict[str, Any] = {
        "track": "t", "protocol": PROTOCOL, "submission": "s", "submission_digest": "d", "model": "m",
        "checkpoint_sha256": "", "device_name": "Stand-in", "torch_threads": 2, "data": (),
    }  # fmt: skip
    assert record_key(**common, device_uuid="1") != record_key(**common, device_uuid="2")
    assert record_key(**common, device_uuid="") == record_key(**common)
