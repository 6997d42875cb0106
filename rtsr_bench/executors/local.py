"""`local`: threads of this process, each with children of its own on one device of this machine."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rtsr_bench.errors import HarnessError, RtsrBenchError
from rtsr_bench.evaluate import Bench, measure_and_save
from rtsr_bench.evaluate.device_lock import Cancelled
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.place import Place
from rtsr_bench.evaluate.probe import find_scale
from rtsr_bench.executors.executor import EXECUTORS, Ended, Executor, Lost, Order, Task
from rtsr_bench.record import Failure, Record
from rtsr_bench.store import save
from rtsr_bench.submissions import ModelSpec, Submission


@EXECUTORS.add
class Local(Executor):
    """Measures `at_once` jobs at a time; at most one of them is timed, and then alone on the device.

    The threads live until it is closed: a child is killed by the kernel when the thread that started it ends.
    """

    name = "local"

    def __init__(self, order: Order) -> None:
        """Open the device; UserError if it or the required isolation is not available."""
        super().__init__(order)
        self._bench = Bench.at(order.place)
        order.observer.note(self._bench.isolation.words)
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[Ended | Lost | BaseException] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    @property
    def place(self) -> Place:
        """The place, with the device that was found."""
        return replace(self.order.place, device=self._bench.device)

    def find_scale(self, submission: Submission, model: ModelSpec, *, limit_s: float) -> int | Failure:
        """Run a model once on the device to find its scale."""
        observer = self.order.observer
        observer.note(f"{submission.id}: its scale is not given, running it once to find it")
        return find_scale(
            self._bench,
            submission,
            model,
            limit_s=limit_s,
            waiting=lambda whom: observer.note(f"{submission.id} waits for {whom}"),
            more=True,
        )

    def known(self, job: Job, records: Mapping[str, tuple[str, Record]]) -> tuple[str, Record] | None:
        """Return the record of this job on this very device."""
        hello = self._bench.hello
        return records.get(job.key(self._bench.device_name, hello.threads, hello.device_uuid))

    def remember(self, records: Iterable[tuple[str, Record]]) -> None:
        """Let later jobs take over the runtimes of these records."""
        if self.order.share_runtimes:
            for name, record in records:
                self._bench.sources.add(name, record)

    def submit(self, tasks: Sequence[Task]) -> None:
        """Hand the tasks to threads, which are started when they are first needed."""
        for task in tasks:
            if len(self._threads) < self.capacity:
                number = len(self._threads) + 1
                self._threads.append(threading.Thread(target=self._work, name=f"job {number}"))
                self._threads[-1].start()
            self._tasks.put(task)

    def poll(self) -> Sequence[Ended | Lost]:
        """Wait until a task has ended."""
        report = self._reports.get()
        if isinstance(report, BaseException):
            raise report
        return [report]

    def cancel(self) -> None:
        """Kill every child: what the threads are at is thrown away, for a killed child looks like a guest's crash."""
        self._bench.cancel()
        self.close()

    def close(self) -> None:
        """End the threads and the first child, if it was never used."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._bench.close()

    def _work(self) -> None:
        try:
            while (task := self._tasks.get()) is not None:
                self._reports.put(self._report(task))
        except Cancelled:
            return
        except BaseException as error:  # noqa: BLE001 - `poll` raises it in the thread that waits for a report
            self._reports.put(error)

    def _report(self, task: Task) -> Ended | Lost:
        job, order = task.job, self.order
        try:
            with order.observer.job(task.number, task.total, job.label) as listener:
                kept = measure_and_save(
                    job,
                    self._bench,
                    order.records,
                    save=lambda record, crops: save(record, order.records, crops),
                    gallery=order.gallery,
                    listener=listener,
                    more=task.number < task.total,
                )
        except RtsrBenchError as error:
            return self._lost(task, error)
        except Exception as error:
            if os.environ.get("RTSR_BENCH_DEBUG"):
                raise
            what = f"{type(error).__name__}: {error} (RTSR_BENCH_DEBUG=1 shows where)"
            return self._lost(task, HarnessError(what))
        self.remember([(kept.path.name, kept.record)])
        return Ended(task=task, path=kept.path, record=kept.record, unwritten=kept.unwritten)

    def _lost(self, task: Task, error: RtsrBenchError) -> Lost:
        self._bench.lock.check()  # its child may have been killed by `cancel`: then this is no report of the job
        return Lost(task=task, error=error)
