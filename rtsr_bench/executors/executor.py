"""The interface of an executor: it takes jobs, and reports each one as measured or lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self

from rtsr_bench.errors import RtsrBenchError, UserError
from rtsr_bench.evaluate import Bench, Listener
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.place import Place
from rtsr_bench.evaluate.probe import find_scale
from rtsr_bench.plugins import Registry
from rtsr_bench.record import Failure, Record
from rtsr_bench.submissions import ModelSpec, Submission


class Observer(Protocol):
    """The observer of a run. Its methods may be called by several threads at once."""

    def note(self, line: str) -> None:
        """Tell one line that stays."""

    def found(self, name: str, record: Record) -> None:
        """Report that an existing record, in a file of this name, belongs to one of the jobs."""

    def begin(self, to_do: int, existing: int) -> None:
        """Tell how many jobs are to be measured, and how many have a record."""

    def job(self, number: int, total: int, label: str) -> AbstractContextManager[Listener]:
        """Show a job while it is measured."""

    def result(self, record: Record, *, failed: bool = False) -> None:
        """Tell how a job ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """The settings that an executor gets before jobs: where to measure, where to write, how many jobs at once.

    SR images are written below `gallery`, if it is given. `share_runtimes`: see `Pace`.
    """

    place: Place
    records: Path
    observer: Observer
    gallery: Path | None = None
    at_once: int = 1
    share_runtimes: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A job of a run: its number (from 1) among all `total` jobs of the plan."""

    number: int
    total: int
    job: Job


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A job was measured, whatever became of the guest: its record is in the folder of records, at `path`.

    `unwritten` holds a line for each SR image that could not be written.
    """

    task: Task
    path: Path
    record: Record
    unwritten: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A job left no record, for a reason that is not the guest's: `error` says which.

    `again`: another try may succeed (a node failed, the job was preempted).
    """

    task: Task
    error: RtsrBenchError
    again: bool = False


class Executor(ABC):
    """Measures jobs somewhere. Use it as a context: when the block ends, nothing of it runs any more.

    A subclass has a `name`, adds itself with `@EXECUTORS.add`, and promises that each task that was submitted is
    reported once by `poll`, as ended or lost. It writes records whole or not at all.
    """

    name: ClassVar[str]

    def __init__(self, order: Order) -> None:
        self.order = order

    @property
    def place(self) -> Place:
        """The place that jobs are planned for; UserError while its device is not known."""
        if self.order.place.device_kind not in ("cpu", "cuda"):
            raise UserError(
                f"--executor {self.name}: expected --device cpu or --device cuda, found {self.order.place.device!r}: "
                "it does not look at this machine's devices"
            )
        return self.order.place

    @property
    def capacity(self) -> int:
        """How many tasks may be submitted and not reported yet."""
        return self.order.at_once

    def find_scale(self, submission: Submission, model: ModelSpec, *, limit_s: float) -> int | Failure:
        """Run a model once to find its scale; by default in a child on this machine's CPU."""
        with Bench.at(replace(self.order.place, device="cpu")) as bench:
            return find_scale(bench, submission, model, limit_s=limit_s)

    def known(self, job: Job, records: Mapping[str, tuple[str, Record]]) -> tuple[str, Record] | None:
        """Return the existing record of this job, with its file's name; `records` are the latest by key.

        By default none: every job is measured.
        """
        del job, records
        return None

    def remember(self, records: Iterable[tuple[str, Record]]) -> None:
        """Take note of existing records, with their files' names, whose runtimes may be taken over; by default not."""
        del records

    @abstractmethod
    def submit(self, tasks: Sequence[Task]) -> None:
        """Start these tasks, or queue them; at most as many as `capacity` allows."""

    @abstractmethod
    def poll(self) -> Sequence[Ended | Lost]:
        """Wait until some task has ended or is lost, or for a moment; return those that were not reported yet."""

    @abstractmethod
    def cancel(self) -> None:
        """End all tasks that were submitted and not reported; none of them leaves a record from here on."""

    def close(self) -> None:  # noqa: B027 - most executors hold nothing
        """Release what the executor holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()
        self.close()


EXECUTORS: Registry[type[Executor]] = Registry("executor", "rtsr_bench.executors", lambda kind: kind.name)
