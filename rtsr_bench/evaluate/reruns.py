"""Measuring again: whether an existing record still holds for its model, and the command that measures it again."""

from __future__ import annotations

import shlex

from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.job import Job
from rtsr_bench.record import Failure, Record, Stage


def answers(record: Record, job: Job) -> bool:
    """Whether a record still answers for a job's model: one that couldn't load may with pickles or stubs allowed."""
    unloaded = isinstance(record.complexity, Failure) and record.complexity.stage is Stage.LOAD
    pickles = job.place.allow_pickle and not record.pickle_allowed
    stubs = job.place.stub_missing and not record.stubs_allowed
    return not (unloaded and (pickles or stubs))


def command(job: Job, bench: Bench) -> str:
    """Return the command that measures this again."""
    parts = ["rtsr-bench", "run", shlex.quote(job.submission.source.as_posix()), "--track", job.track.id]
    for root in job.roots:
        parts += ["--data-root", shlex.quote(root.as_posix())]
    if job.submission.packages is not None:
        parts.append("--with-requirements")
    if bench.allow_pickle:
        parts.append("--allow-pickle")
    if bench.stub_missing:
        parts.append("--stub-missing")
    if bench.threads:
        parts += ["--threads", str(bench.threads)]
    return " ".join([*parts, "--device", bench.device, *job.overrides.options])
