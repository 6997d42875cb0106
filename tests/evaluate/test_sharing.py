"""Which runtimes a track may take from another, and that a few calls have to confirm one before it is taken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several folders

from demo_records import CPU, failure, record

from rtsr_bench import __version__
from rtsr_bench.evaluate import shared_stage, sharing
from rtsr_bench.evaluate.device_lock import DeviceLock
from rtsr_bench.evaluate.expectations import Expected
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.place import Place
from rtsr_bench.evaluate.recheck import Witness
from rtsr_bench.evaluate.runtime import Measured, Timing
from rtsr_bench.evaluate.sharing import APART, LEAST_REPEATS, REPEATS, Source, Sources
from rtsr_bench.evaluate.stages import Images, ImageStage, TimedStage
from rtsr_bench.evaluate.work import Work
from rtsr_bench.execution import EAGER_FP32, Execution, MemoryFormat
from rtsr_bench.protocol import Limits, Size
from rtsr_bench.record import Complexity, PixelDifference, Record, Runtime, Setup
from rtsr_bench.store import decode, encode
from rtsr_bench.tracks import find_track

SOURCE = replace(
    record(track="open4k-x2", system=CPU, mean_ms=40.0), harness=__version__, execution=EAGER_FP32, setup=None
)


@pytest.fixture(autouse=True)
def _checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "checkpoint_sha256", lambda model, _: model.sha256)


def job(track: str = "classic-x2", **changes: Any) -> Job:
    """The job of the source's model on another track."""
    rules = find_track(track)
    facts: dict[str, Any] = {
        "submission": SimpleNamespace(id=SOURCE.submission.id, digest=SOURCE.submission.digest, packages=None),
        "model": SimpleNamespace(id=SOURCE.model.id, sha256=SOURCE.model.checkpoint_sha256),
        "track": rules,
        "protocol": rules.protocol,
        "place": Place(device="cpu"),
    }
    return cast("Job", SimpleNamespace(**facts | changes))


def sources(*records: Record) -> Sources:
    found = Sources()
    for number, one in enumerate(records):
        found.add(f"{number}.json", one)
    return found


def test_a_runtime_holds_for_another_track_of_the_same_input() -> None:
    found = sources(SOURCE).find(job(), CPU)
    assert found == Source(name="0.json", record=SOURCE)
    assert sources(SOURCE).find(job("classic-x3"), CPU) is None


def test_the_latest_one_is_taken() -> None:
    later = replace(SOURCE, started="2026-11-20T10:00:00+00:00")
    found = sources(later, SOURCE).find(job(), CPU)
    assert found is not None
    assert found.record is later


@pytest.mark.parametrize(
    "changes",
    [
        {"harness": "0.0.9"},
        {"runtime": failure()},
        {"memory": failure()},
        {"complexity": None},
        {"submission": replace(SOURCE.submission, digest="other")},
        {"submission": replace(SOURCE.submission, id="other")},
        {"model": replace(SOURCE.model, id="team_x/other")},
        {"model": replace(SOURCE.model, checkpoint_sha256="other")},
        {"execution": Execution(memory_format=MemoryFormat.CHANNELS_LAST)},
        {"execution": None},
        {"system": replace(CPU, torch="9.9")},
        {"system": replace(CPU, torch_threads=1)},
        {"system": replace(CPU, isolation="bubblewrap")},
        {"pickle_allowed": True},
        {"stubs_allowed": True},
        {"command": f"{SOURCE.command} --with-requirements"},
        {"protocol": replace(SOURCE.protocol, warmup=10)},
        {"protocol": replace(SOURCE.protocol, repeats=100)},
        {"protocol": replace(SOURCE.protocol, batch=2)},
        {"protocol": replace(SOURCE.protocol, input=Size(540, 960))},
        {"protocol": replace(SOURCE.protocol, limits=Limits(runtime_s=7))},
        {"protocol": replace(SOURCE.protocol, images=1), "overrides": ("--images 1",)},
        {"track": "unknown-x2"},
        {"complexity": Complexity(params=1, counts=())},
    ],
    ids=" ".join,
)
def test_a_runtime_does_not_hold_for_anything_else(changes: dict[str, Any]) -> None:
    assert sources(replace(SOURCE, **changes)).find(job(), CPU) is None


def test_an_unofficial_job_takes_unofficial_runtimes_only() -> None:
    few = replace(find_track("classic-x2").protocol, images=1)
    assert sources(SOURCE).find(job(protocol=few), CPU) is None
    unofficial = replace(SOURCE, protocol=replace(SOURCE.protocol, images=1))
    found = sources(unofficial).find(job(protocol=few), CPU)
    assert found is not None


def test_a_runtime_without_the_fixed_references_is_measured_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert SOURCE.references is None
    monkeypatch.setenv("RTSR_BENCH_REFERENCE", "on")
    assert sources(SOURCE).find(job(), CPU) is None


def test_few_repeats_are_measured() -> None:
    few = replace(find_track("classic-x2").protocol, repeats=LEAST_REPEATS - 1)
    alike = replace(SOURCE, protocol=replace(SOURCE.protocol, repeats=few.repeats))
    assert sources(alike).find(job(protocol=few), CPU) is None


def check(ratio: float) -> Runtime:
    """Calls that take this many times as long as those of the source."""
    assert isinstance(SOURCE.runtime, Runtime)
    return replace(SOURCE.runtime, samples_ms=tuple(ratio * one for one in SOURCE.runtime.samples_ms), wall_s=1.5)


@pytest.mark.parametrize(
    ("ratio", "confirmed"), [(1.0, True), (1.09, True), (0.92, True), (APART + 0.01, False), (0.9, False), (3, False)]
)
def test_calls_that_take_another_time_confirm_nothing(ratio: float, confirmed: bool) -> None:
    shared = Source(name="a.json", record=SOURCE).confirmed_by(check(ratio))
    assert (shared is not None) is confirmed
    if shared is not None:
        assert (shared.record, shared.track, shared.started) == ("a.json", "open4k-x2", SOURCE.started)
        assert shared.words == "timed on open4k-x2, 2026-11-02"


def staged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checked: TimedStage, source: Record | None = SOURCE
) -> tuple[TimedStage, list[str], list[str]]:
    """The timed stage beside a source, whose confirming calls end so; what was done, and what was said."""
    done: list[str] = []
    said: list[str] = []
    whole = TimedStage(complexity=failure())
    witness = Witness(data=())
    witness.found.append(PixelDifference(image="a", data_set="b", mse=0, largest=0))
    first = ImageStage(
        system=CPU,
        images=Images(witness=witness),
        expected=Expected(outputs={}, crops=cast("Any", None)),
    )
    again = Expected(outputs={}, crops=cast("Any", None), spare=())

    def timed(work: Work, _: ImageStage) -> TimedStage:
        done.append(f"{work.rules.repeats} after {work.rules.warmup}")
        return checked

    def measured(_: Work, stage: ImageStage) -> TimedStage:
        done.append("anew, with other inputs" if stage.expected is again else "anew")
        return whole

    listener = Listener()
    note: Callable[[str], None] = said.append
    monkeypatch.setattr(listener, "note", note)
    monkeypatch.setattr(shared_stage, "timed_alone", timed)
    monkeypatch.setattr(shared_stage, "measure_timed", measured)
    monkeypatch.setattr(shared_stage, "load", lambda *_: None)
    monkeypatch.setattr(shared_stage, "expect", lambda _child, _work, seen: again if not seen.found else None)
    bench = SimpleNamespace(
        lock=DeviceLock("test", tmp_path), sources=sources(*[source] if source else []),
        start_child=lambda: nullcontext(None),
    )  # fmt: skip
    work = Work(job=job(), bench=cast("Any", bench), guest=cast("Any", None), listener=listener)
    return shared_stage.time_or_take_over(work, first), done, said


def stage(ratio: float) -> TimedStage:
    return TimedStage(timing=Timing(measured=Measured(runtime=check(ratio), memory=None)))


def test_everything_that_was_measured_with_a_runtime_comes_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = replace(SOURCE, setup=Setup(seconds=2.5))
    found, done, said = staged(monkeypatch, tmp_path, stage(1.02), source)
    assert done == [f"{REPEATS} after 50"], "as long a warm-up as ever: a model cannot know that little follows"
    assert found.timing is not None
    assert found.timing.measured == Measured(runtime=cast("Any", source.runtime), memory=cast("Any", source.memory))
    assert (found.setup, found.complexity, found.references) == (source.setup, source.complexity, source.references)
    assert found.shared is not None
    assert found.shared.check == check(1.02)
    assert said == []


@pytest.mark.parametrize(
    "checked",
    [
        stage(1.5),
        TimedStage(timing=Timing(measured=failure())),
        TimedStage(failed=failure()),
    ],
    ids=["slower", "accused", "not loaded"],
)
def test_a_model_that_is_not_confirmed_is_timed_with_inputs_it_has_not_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checked: TimedStage
) -> None:
    found, done, said = staged(monkeypatch, tmp_path, checked)
    assert done == [f"{REPEATS} after 50", "anew, with other inputs"]
    assert found.shared is None
    assert said == ["the runtime of open4k-x2 was not confirmed, so the model is timed here"]


def test_without_a_source_nothing_is_confirmed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, done, said = staged(monkeypatch, tmp_path, stage(1.0), None)
    assert (done, said) == (["anew"], [])


def test_a_record_keeps_where_its_runtime_is_from() -> None:
    shared = Source(name="a.json", record=SOURCE).confirmed_by(check(1.0))
    one = replace(SOURCE, track="classic-x2", shared_runtime=shared)
    assert decode(encode(one)) == one
    assert decode(encode(SOURCE)).shared_runtime is None
    assert sources(one).find(job(), CPU) is None, "what was taken over is not handed on"
    with pytest.raises(ValueError, match="expected the runtime that was taken from 'open4k-x2', found none"):
        replace(one, runtime=None)
    assert shared is not None
    with pytest.raises(ValueError, match="expected `started` as a time"):
        replace(shared, started="yesterday")
