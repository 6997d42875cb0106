"""The fixed references beside a model: when they are timed, in which processes, and on a busy machine."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.evaluate import reference_processes, references, stages
from rtsr_bench.evaluate.device_lock import DeviceLock
from rtsr_bench.evaluate.expectations import Expected
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.reference_processes import ReferenceProcesses, wanted
from rtsr_bench.evaluate.references import Moment, combined
from rtsr_bench.evaluate.runtime import Measured, Timing
from rtsr_bench.evaluate.work import Work
from rtsr_bench.load import Load
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.wire import ReferenceSamples, ReferenceTimed

NO = Failure(stage=Stage.RUNTIME, kind=FailureKind.CRASHED, message="the process was ended by SIGKILL")


def timed(ms: float) -> ReferenceTimed:
    return ReferenceTimed(
        convs=ReferenceSamples(id="convs/1", samples_ms=(ms,)),
        bicubic=ReferenceSamples(id="bicubic/1", samples_ms=(ms / 2,)),
    )


class Played:
    """Stands for a process and for the machine: each answer with the share of other work that there was meanwhile."""

    def __init__(self, *shares: float) -> None:
        self.shares, self.asked, self.waited = list(shares), 0, 0

    def ask(self, request: object, *, limit_s: float) -> ReferenceTimed | Failure:
        self.asked += 1
        return timed(float(self.asked))

    def mark(self) -> None:
        return None

    def since(self, before: None) -> Load:
        return Load(wall_s=0.2, foreign=self.shares[self.asked - 1])

    def disturbed(self, load: Load) -> bool:
        return (load.foreign or 0.0) > 0.1

    def wait(self) -> None:
        self.waited += 1


def undisturbed(played: Played, *, patient: bool = True) -> Moment:
    return references._undisturbed(cast("Any", played), cast("Any", played), patient=patient)


def test_what_other_work_disturbed_is_timed_again() -> None:
    played = Played(0.6, 0.0)
    found = undisturbed(played)
    assert (found.timed, found.foreign) == (timed(2.0), 0.0)
    assert (played.asked, played.waited) == (2, 1)


def test_a_machine_that_stays_busy_is_told_with_what_was_timed() -> None:
    played = Played(*[0.5] * references.TRIES)
    found = undisturbed(played)
    assert (found.timed, found.foreign) == (timed(float(references.TRIES)), 0.5)
    assert played.waited == references.TRIES - 1


def test_an_unofficial_measurement_and_one_that_is_over_wait_for_nothing() -> None:
    hasty = Played(0.6, 0.0)
    assert (undisturbed(hasty, patient=False).foreign, hasty.asked, hasty.waited) == (0.0, 2, 0)


def test_a_process_that_breaks_is_no_fault_of_the_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(0.0)
    monkeypatch.setattr(played, "ask", lambda *_, **__: NO)
    played.asked = 1
    with pytest.raises(HarnessError, match="could not be timed: the process was ended by SIGKILL"):
        undisturbed(played)


def test_a_record_has_both_moments_or_none() -> None:
    before, after = Moment(timed=timed(1.0), foreign=0.02), Moment(timed=timed(4.0), foreign=None)
    found = combined(before, after)
    assert found is not None
    assert (found.convs.before_ms, found.convs.after_ms, found.foreign_load) == ((1.0,), (4.0,), 0.02)
    assert (found.bicubic.id, found.bicubic.before_ms) == ("bicubic/1", (0.5,))
    assert combined(before, None) is combined(None, after) is None


EXPECTED = Expected(outputs={}, crops=cast("Any", None))
MEASURED = Measured(runtime=cast("Any", None), memory=None)


def staged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: Any, measured: Any
) -> tuple[list[str], stages.TimedStage]:
    """What happens in the timed stage, in order, each with whether the device is held."""
    said: list[str] = []
    lock = DeviceLock("test", tmp_path)
    monkeypatch.setattr(
        stages, "time_references", lambda _, *, after: said.append("after" if after else "before") or Moment(
            timed=timed(1.0), foreign=None
        ),
    )  # fmt: skip
    timing = Timing(measured=measured) if measured else None
    monkeypatch.setattr(stages, "timed_alone", lambda *_: said.append("guest") or stages.TimedStage(timing=timing))
    job = SimpleNamespace(model=SimpleNamespace(id="a/x2"))
    work = Work(
        job=cast("Any", job),
        bench=cast("Any", SimpleNamespace(lock=lock)),
        guest=cast("Any", None),
        listener=Listener(),
    )
    first = stages.ImageStage(system=cast("Any", None), expected=expected)
    return said, stages.measure_timed(work, first)


@pytest.mark.parametrize(
    ("expected", "measured", "order"),
    [
        (EXPECTED, MEASURED, ["before", "guest", "after"]),
        (EXPECTED, NO, ["before", "guest"]),
        (NO, NO, ["guest"]),
        (None, None, ["guest"]),
    ],
)
def test_they_are_timed_before_the_guest_is_there_and_after_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: Any, measured: Any, order: list[str]
) -> None:
    said, stage = staged(monkeypatch, tmp_path, expected, measured)
    assert said == order
    assert (stage.references is not None) is (order[-1] == "after")


@pytest.mark.parametrize(("value", "found"), [("on", True), ("off", False)])
def test_they_can_be_left_out(monkeypatch: pytest.MonkeyPatch, value: str, found: bool) -> None:
    monkeypatch.setenv(reference_processes.VARIABLE, value)
    assert wanted() is found
    monkeypatch.setenv(reference_processes.VARIABLE, "0")
    with pytest.raises(UserError, match="RTSR_BENCH_REFERENCE: expected on or off, found '0'"):
        wanted()


class Process:
    """Stands for a process of a sandbox."""

    made: list[Process]

    def __init__(self, settings: Any) -> None:
        self.settings, self.alive, self.said = settings, True, list[str]()

    @classmethod
    def ahead(cls, settings: Any) -> Process:
        cls.made.append(cls(settings))
        return cls.made[-1]

    def settle(self) -> None:
        self.said.append("settle")

    def greet(self) -> None:
        self.said.append("greet")
        self.hello = "hello"

    def kill(self) -> None:
        self.alive = False
        self.said.append("kill")

    def close(self) -> None:
        self.alive = False
        self.said.append("close")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    Process.made = []
    monkeypatch.setattr(reference_processes, "Child", Process)
    return Process.made


CPU, GPU = cast("Any", SimpleNamespace(device="cpu")), cast("Any", SimpleNamespace(device="cuda:0"))


def lent(kept: ReferenceProcesses, settings: Any) -> Any:
    with kept.lent(settings) as child:
        assert child.alive
    return child


def test_on_a_cpu_one_process_serves_all_models_of_all_threads(processes: list[Process]) -> None:
    kept = ReferenceProcesses()
    kept.start(CPU)
    other = threading.Thread(target=kept.start, args=(CPU,))
    other.start()
    other.join()
    kept.settle()
    assert lent(kept, CPU) is lent(kept, CPU) is processes[0]
    (only,) = processes
    assert only.said == ["settle", "greet"]
    kept.close()
    assert not only.alive


def test_on_a_gpu_each_has_ended_before_the_model_comes(processes: list[Process]) -> None:
    kept = ReferenceProcesses()
    kept.start(GPU)
    first, second = lent(kept, GPU), lent(kept, GPU)
    assert [first, second] == processes
    assert not first.alive
    assert not second.alive
    assert lent(kept, GPU) is processes[2], "none was left: a new one is started"


def test_one_that_has_ended_is_replaced(processes: list[Process]) -> None:
    kept = ReferenceProcesses()
    first = lent(kept, CPU)
    first.kill()
    second = lent(kept, CPU)
    assert second is not first
    assert first.said[-1] == "close", "its files are gone"
    kept.kill()
    assert not second.alive


def test_one_that_cannot_be_started_is_told_when_it_is_needed(
    processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: Any) -> Process:
        raise HarnessError("no child process could be started")

    monkeypatch.setattr(Process, "ahead", broken)
    kept = ReferenceProcesses()
    kept.start(CPU)
    with pytest.raises(HarnessError, match="no child"), contextlib.ExitStack() as stack:
        stack.enter_context(kept.lent(CPU))
