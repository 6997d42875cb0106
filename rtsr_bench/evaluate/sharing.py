"""Runtimes that one track may take from another: which of them hold for a job, and whether a few calls confirm one.

What is timed depends on the model, its execution, the input and the system, not on the images of a track. So a runtime
is measured once and taken over by the other tracks of the same input (docs/decisions/0033-shared-runtimes.md).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from rtsr_bench import __version__
from rtsr_bench.division import division, division_of
from rtsr_bench.eligibility import failures
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.reference_processes import wanted
from rtsr_bench.leaderboard import started_at
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.record import Complexity, Record, Runtime, SharedRuntime, System
from rtsr_bench.statistics import median
from rtsr_bench.submissions import checkpoint_sha256
from rtsr_bench.tracks import all_tracks

REPEATS = 24
"""Repeats that confirm a runtime, after the whole warm-up; image crops and compared outputs come with them as ever."""

LEAST_REPEATS = 64
"""With fewer repeats of its own, a runtime is measured: confirming it would take about as many calls."""

APART = 1.10
"""Ratio of two medians, either way, up to which a runtime is confirmed. Beyond it the runtime is measured."""

_TIMED_ALIKE = ("scale", "input", "batch", "warmup", "repeats", "limits")
"""What of two protocols has to be equal, beside the execution."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A record that was measured itself, and the name of its file."""

    name: str
    record: Record

    def confirmed_by(self, check: Runtime) -> SharedRuntime | None:
        """What a record keeps of taking this runtime over; None where these calls took another time."""
        runtime = self.record.runtime
        if not isinstance(runtime, Runtime):
            return None
        ratio = median(check.samples_ms) / median(runtime.samples_ms)
        if not 1 / APART <= ratio <= APART:
            return None
        return SharedRuntime(record=self.name, track=self.record.track, started=self.record.started, check=check)


class Sources:
    """Records whose runtime may be taken over by other jobs on the same bench; safe in threads."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Source]] = {}
        self._guard = threading.Lock()

    def add(self, name: str, record: Record) -> None:
        """Keep a record, if it was measured itself and nothing failed in it."""
        if _is_whole(record):
            with self._guard:
                self._kept.setdefault(record.submission.digest, []).append(Source(name=name, record=record))

    def find(self, job: Job, system: System) -> Source | None:
        """Return the latest record whose runtime holds for a job on this system; None if there is none."""
        if job.protocol.repeats < LEAST_REPEATS:
            return None
        with self._guard:
            kept = list(self._kept.get(job.submission.digest, ()))
        found = [one for one in kept if _holds(one.record, job, system)]
        return max(found, key=lambda one: started_at(one.record), default=None)


def _is_whole(record: Record) -> bool:
    """Whether a record was measured itself, in full and without a failure."""
    return (
        record.shared_runtime is None
        and record.harness == __version__
        and isinstance(record.runtime, Runtime)
        and isinstance(record.complexity, Complexity)
        and not failures(record)
    )


def _holds(record: Record, job: Job, system: System) -> bool:
    """Whether timing this job again would repeat what was done for a record: same model, execution, rules, system."""
    official = division(record, all_tracks().get(record.track)) is not None
    return (
        record.submission.id == job.submission.id
        and record.model.id == job.model.id
        and record.model.checkpoint_sha256 == checkpoint_sha256(job.model, job.submission)
        and record.system == system
        and record.execution == job.protocol.execution(system.device_kind)
        and _timed_alike(record.protocol, job.protocol)
        and _counted_at(record) >= {job.protocol.input, job.track.protocol.input}
        and official == (division_of(job.protocol, job.track.protocol) is not None)
        and (record.pickle_allowed, record.stubs_allowed) == (job.place.allow_pickle, job.place.stub_missing)
        and ("--with-requirements" in record.command.split()) == (job.submission.packages is not None)
        and (record.references is not None or not wanted())
    )


def _timed_alike(one: Protocol, other: Protocol) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _TIMED_ALIKE)


def _counted_at(record: Record) -> set[Size]:
    """The LR sizes at which the operations of a record's model were counted."""
    counted = record.complexity
    return {count.input for count in counted.counts} if isinstance(counted, Complexity) else set()
