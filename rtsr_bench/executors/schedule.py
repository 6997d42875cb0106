"""Going through the jobs of a plan with an executor, so that each of them is accounted for at the end."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from rtsr_bench.eligibility import failures
from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError
from rtsr_bench.evaluate import Plan, answers
from rtsr_bench.executors.executor import Ended, Executor, Lost, Observer, Task
from rtsr_bench.record import Record
from rtsr_bench.submissions import resolve_checkpoint, weights_available
from rtsr_bench.text import counted

MOST_TRIES = 3
"""How often a job is submitted that a node or a queue keeps losing."""

_NAMED = 5

Known = tuple[str, Record]
"""A record that was there before, and the name of its file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """The jobs of a plan that are to be measured, records that answer others, and jobs that are lost already."""

    tasks: tuple[Task, ...] = ()
    known: tuple[Known, ...] = ()
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """When no new job is started any more: at `ends` (on the monotonic clock), or after a failure with `fail_fast`."""

    ends: float | None = None
    fail_fast: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What became of every task: measured, lost, without weights, or not started. `stopped`: after a failure."""

    ended: tuple[Ended, ...] = ()
    lost: tuple[Lost, ...] = ()
    without_weights: tuple[Lost, ...] = ()
    not_started: tuple[Task, ...] = ()
    stopped: bool = False


def pending(
    plan: Plan, executor: Executor, records: Mapping[str, Known], observer: Observer, *, again: bool = False
) -> Pending:
    """Tell the jobs that have a record from those that are to be measured; with `again` all of them are.

    `records` are the latest ones by key.
    """
    tasks: list[Task] = []
    known: list[Known] = []
    lost: list[Lost] = []
    for number, job in enumerate(plan.jobs, 1):
        task = Task(number=number, total=len(plan.jobs), job=job)
        try:
            before = executor.known(job, records)
        except RtsrBenchError as error:  # its files changed since they were found
            lost.append(Lost(task=task, error=error))
            continue
        if before is not None:
            observer.found(*before)
        if before is None or again or not answers(before[1], job):
            tasks.append(task)
        else:
            known.append(before)
    return Pending(tasks=tuple(tasks), known=tuple(known), lost=tuple(lost))


def run_plan(waiting: Pending, executor: Executor, observer: Observer, schedule: Schedule) -> Tally:
    """Measure the jobs that have no record; nothing that goes wrong with one keeps the next from being measured.

    Models whose weights are available come first, as many at once as the executor takes. The others follow one at a
    time, so that nothing is timed while a download is running. KeyboardInterrupt cancels what is running.
    """
    loop = _Loop(executor, observer, schedule)
    ready = [task for task in waiting.tasks if weights_available(task.job.model)]
    to_download = [task for task in waiting.tasks if not weights_available(task.job.model)]
    if to_download:
        names = list(dict.fromkeys(task.job.model.id for task in to_download))
        some = f"{', '.join(names[:_NAMED])}{', ...' if len(names) > _NAMED else ''}"
        observer.note(f"weights to be downloaded, after the other models are measured: {some}")
    observer.begin(len(waiting.tasks), len(waiting.known))
    for lost in waiting.lost:
        loop.lose(lost)
    try:
        loop.go_through(ready)
        for task in to_download:
            loop.go_through([task])
    except KeyboardInterrupt:
        executor.cancel()
        observer.note(f"interrupted: {counted(len(loop.ended), 'new record')} kept; run the same command to resume")
        raise
    return loop.tally()


class _Loop:
    """Submits tasks as the executor has room for them, and takes its reports."""

    def __init__(self, executor: Executor, observer: Observer, schedule: Schedule) -> None:
        self._executor, self._observer, self._schedule = executor, observer, schedule
        self.ended: list[Ended] = []
        self._lost: list[Lost] = []
        self._without_weights: dict[int, Lost] = {}
        self._not_started: list[Task] = []
        self._tries: Counter[int] = Counter()
        self._stopped = False

    def tally(self) -> Tally:
        """Return what became of every task up to now."""
        return Tally(
            ended=tuple(self.ended),
            lost=tuple(self._lost),
            without_weights=tuple(self._without_weights.values()),
            not_started=tuple(self._not_started),
            stopped=self._stopped,
        )

    def go_through(self, tasks: Sequence[Task]) -> None:
        """Submit these tasks and take their reports, until all are reported or no new one may be started."""
        waiting, running = deque(tasks), 0
        while waiting or running:
            batch = self._next(waiting, self._executor.capacity - running)
            if batch:
                self._executor.submit(batch)
                running += len(batch)
            if not running:
                break
            for report in self._executor.poll():
                running -= 1
                waiting.extend(self._take(report))
        self._not_started += waiting

    def _next(self, waiting: deque[Task], room: int) -> list[Task]:
        batch: list[Task] = []
        while waiting and len(batch) < room and not self._over():
            task = waiting.popleft()
            if self._has_weights(task):
                batch.append(task)
        return batch

    def _over(self) -> bool:
        ends = self._schedule.ends
        return self._stopped or (ends is not None and monotonic() >= ends)

    def _has_weights(self, task: Task) -> bool:
        """Download a model's weights if they are not available; those that fail are tried once per run."""
        job, model = task.job, task.job.model
        before = next((one for one in self._without_weights.values() if one.task.job.model.id == model.id), None)
        if before is not None:
            self._without_weights[task.number] = Lost(task=task, error=before.error)
            return False
        try:
            if not weights_available(model):
                self._observer.note(f"downloading the weights of {model.id}")
            resolve_checkpoint(model, job.submission)
        except UserError as error:
            self._without_weights[task.number] = Lost(task=task, error=error)
            said = "left out" if job.submission.origin == "reference" else "not measured"
            self._observer.note(f"{said}: {model.id}: {error}")
            return False
        except RtsrBenchError as error:
            self.lose(Lost(task=task, error=error))
            return False
        except Exception as error:
            if os.environ.get("RTSR_BENCH_DEBUG"):
                raise
            what = f"{type(error).__name__}: {error} (RTSR_BENCH_DEBUG=1 shows where)"
            self.lose(Lost(task=task, error=HarnessError(what)))
            return False
        return True

    def _take(self, report: Ended | Lost) -> list[Task]:
        """Take a report; returns the task if it is to be submitted again."""
        if isinstance(report, Lost):
            return self._take_loss(report)
        failed = bool(failures(report.record))
        self.ended.append(report)
        self._stopped = self._stopped or (failed and self._schedule.fail_fast)
        self._observer.result(report.record, failed=failed)
        if report.unwritten:
            model = report.task.job.model.id
            lost = counted(len(report.unwritten), "SR image")
            self._observer.note(f"{lost} of {model} not written: {report.unwritten[0]}")
        return []

    def _take_loss(self, report: Lost) -> list[Task]:
        self._tries[report.task.number] += 1
        if report.again and self._tries[report.task.number] < MOST_TRIES:
            self._observer.note(f"{report.task.job.label} was lost and is submitted again: {report.error}")
            return [report.task]
        self.lose(report)
        return []

    def lose(self, report: Lost) -> None:
        """Take note of a job that leaves no record."""
        self._lost.append(report)
        self._stopped = self._stopped or self._schedule.fail_fast
        self._observer.note(f"no record of {report.task.job.label}: {report.error}")
