"""Going through jobs: each is accounted for, whatever an executor reports, and the exit code says so."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several folders

from demo_records import failure, record

from rtsr_bench.cli.conclusion import Conclusion
from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError
from rtsr_bench.evaluate import Listener, Plan
from rtsr_bench.evaluate.settings import Output, Pace, Selection, Settings
from rtsr_bench.executors import Ended, Executor, Lost, Order, Schedule, Tally, Task, pending, run_plan
from rtsr_bench.executors.schedule import MOST_TRIES, Pending
from rtsr_bench.record import Record
from rtsr_bench.text import counted

GOOD, FAILED = record(), record(fidelity=failure(), runtime=failure())


@dataclass
class Said:
    """An observer that keeps what it is told."""

    lines: list[str] = field(default_factory=list)
    results: list[bool] = field(default_factory=list)

    def note(self, line: str) -> None:
        self.lines.append(line)

    def found(self, name: str, record: Record) -> None:
        self.lines.append(f"found {name}")

    def begin(self, to_do: int, existing: int) -> None: ...

    def job(self, number: int, total: int, label: str) -> AbstractContextManager[Listener]:
        return nullcontext(Listener())

    def result(self, record: Record, *, failed: bool = False) -> None:
        self.results.append(failed)


class Played(Executor):
    """Reports what each job's script says, the first task last, one word for each try."""

    name = "played"

    def __init__(self, room: int = 2) -> None:
        super().__init__(cast("Order", SimpleNamespace(at_once=room)))
        self.running: list[Task] = []
        self.cancelled = False

    def submit(self, tasks: Sequence[Task]) -> None:
        self.running += tasks
        assert len(self.running) <= self.capacity

    def poll(self) -> Sequence[Ended | Lost]:
        task = self.running.pop()
        words: list[str] = cast("Any", task.job).script
        match words.pop(0) if len(words) > 1 else words[0]:
            case "good":
                return [Ended(task=task, path=Path("a.json"), record=GOOD)]
            case "unwritten":
                return [Ended(task=task, path=Path("a.json"), record=GOOD, unwritten=("disk full",))]
            case "failed":
                return [Ended(task=task, path=Path("a.json"), record=FAILED)]
            case "user":
                return [Lost(task=task, error=UserError("its data are broken"))]
            case "node":
                return [Lost(task=task, error=HarnessError("the node failed"), again=True)]
            case "interrupt":
                self.running.append(task)
                raise KeyboardInterrupt
            case _:
                return [Lost(task=task, error=HarnessError("the disk is full"))]

    def cancel(self) -> None:
        self.cancelled = True


def job(number: int, *script: str, weights: str = "here", origin: str = "guest") -> Any:
    """What the loop looks at of a job."""
    model = SimpleNamespace(id=f"team{number}/x2", weights=weights)
    submission = SimpleNamespace(id=f"team{number}", origin=origin)
    return SimpleNamespace(label=f"team{number}/x2 on t", model=model, submission=submission, script=list(script))


@pytest.fixture(autouse=True, scope="module")
def _weights() -> Any:
    def resolve(model: Any, submission: Any) -> None:
        if model.weights == "gone":
            raise UserError("w.pth: cannot be downloaded")
        if model.weights == "bug":
            raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rtsr_bench.executors.schedule.weights_available", lambda model: model.weights == "here")
        patch.setattr("rtsr_bench.executors.schedule.resolve_checkpoint", resolve)
        yield


def waiting(jobs: Sequence[Any], *, known: Sequence[Record] = ()) -> Pending:
    tasks = tuple(Task(number=number, total=len(jobs), job=one) for number, one in enumerate(jobs, 1))
    return Pending(tasks=tasks, known=tuple(("k.json", one) for one in known))


def concluded(pending: Pending, tally: Tally, problems: Sequence[RtsrBenchError] = ()) -> Conclusion:
    settings = Settings(
        selection=Selection(paths=()), output=Output(records=Path("kept")), pace=Pace(max_hours=1, fail_fast=True)
    )
    return Conclusion(settings=settings, waiting=pending, tally=tally, problems=problems, began=0.0)


SCRIPTS = st.lists(st.sampled_from(["good", "failed", "user", "node", "disk", "unwritten"]), min_size=1, max_size=5)
JOBS = st.lists(
    st.tuples(
        SCRIPTS, st.sampled_from(["here", "here", "far", "gone", "bug"]), st.sampled_from(["guest", "reference"])
    ),
    max_size=6,
)
PROBLEMS = st.lists(st.sampled_from([UserError("refused"), HarnessError("broke")]), max_size=1)


@given(JOBS, PROBLEMS, st.lists(st.sampled_from([GOOD, FAILED]), max_size=2), st.booleans(), st.integers(1, 3))
def test_every_job_is_accounted_for_once_and_only_a_flawless_run_ends_with_0(
    made: list[tuple[list[str], str, str]], problems: list[RtsrBenchError], known: list[Record], fail_fast: bool,
    room: int,
) -> None:  # fmt: skip
    jobs = [
        job(number, *script, weights=weights, origin=origin) for number, (script, weights, origin) in enumerate(made)
    ]
    todo = waiting(jobs, known=known)
    said = Said()
    tally = run_plan(todo, Played(room), said, Schedule(fail_fast=fail_fast))
    reported = [one.task for one in (*tally.ended, *tally.lost, *tally.without_weights)] + list(tally.not_started)
    assert sorted(task.number for task in reported) == [task.number for task in todo.tasks]
    flawless = (
        not problems and not tally.lost and not tally.not_started and FAILED not in known
        and all(one.record is GOOD and not one.unwritten for one in tally.ended)
        and all(one.task.job.submission.origin == "reference" for one in tally.without_weights)
        and not (tally.without_weights and not tally.ended and not known)
    )  # fmt: skip
    conclusion = concluded(todo, tally, problems)
    assert (conclusion.exit_code == 0) is flawless
    for one in (*tally.lost, *tally.without_weights):
        assert any(f"team{one.task.number - 1}/x2" in line for line in said.lines)
    lines = "\n".join(conclusion._lines())
    assert f"{counted(len(tally.ended), 'new record')}, {len(known)} existing" in lines
    assert ("not started" in lines) is bool(tally.not_started)


def test_a_job_that_a_node_lost_is_submitted_again_a_few_times() -> None:
    said = Said()
    tally = run_plan(waiting([job(0, "node", "good"), job(1, "node")]), Played(), said, Schedule())
    assert [one.task.number for one in tally.ended] == [1]
    assert [(one.task.number, str(one.error)) for one in tally.lost] == [(2, "the node failed")]
    assert sum("team1/x2 on t was lost and is submitted again" in line for line in said.lines) == MOST_TRIES - 1


def test_weights_to_download_come_last_one_at_a_time() -> None:
    class Alone(Played):
        def submit(self, tasks: Sequence[Task]) -> None:
            order.extend(task.number for task in tasks)
            super().submit(tasks)
            assert len(self.running) == 1 or all(cast("Any", one.job.model).weights == "here" for one in self.running)

    order: list[int] = []
    jobs = [job(0, "good", weights="far"), job(1, "good"), job(2, "good", weights="far"), job(3, "good")]
    run_plan(waiting(jobs), Alone(), Said(), Schedule())
    assert order == [2, 4, 1, 3]


def test_no_job_is_started_after_the_end_and_the_others_are_not_started() -> None:
    tally = run_plan(waiting([job(0, "good"), job(1, "good")]), Played(), Said(), Schedule(ends=0.0))
    assert [task.number for task in tally.not_started] == [1, 2]
    assert concluded(waiting([]), tally).exit_code == 4


def test_an_interrupt_cancels_what_is_running() -> None:
    executor, said = Played(room=1), Said()
    with pytest.raises(KeyboardInterrupt):
        run_plan(waiting([job(0, "good"), job(1, "interrupt")]), executor, said, Schedule())
    assert executor.cancelled
    assert said.lines[-1] == "interrupted: 1 new record kept; run the same command to resume"


def test_a_job_whose_files_changed_since_they_were_found_is_lost_and_the_others_wait() -> None:
    class Looking(Played):
        def known(self, job: Any, records: Any) -> Any:
            if job.script == ["changed"]:
                raise UserError("weights are gone")

    plan = cast("Plan", SimpleNamespace(jobs=[job(0, "changed"), job(1, "good")]))
    found = pending(plan, Looking(), {}, Said())
    assert [task.number for task in found.tasks] == [2]
    tally = run_plan(found, Looking(), Said(), Schedule())
    assert [str(one.error) for one in tally.lost] == ["weights are gone"]
    assert concluded(found, tally).exit_code == 2
