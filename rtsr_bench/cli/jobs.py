"""Jobs as files: `rtsr-bench run --jobs-out` writes them, `rtsr-bench measure` measures one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtsr_bench.errors import RtsrBenchError, UserError
from rtsr_bench.text import counted

if TYPE_CHECKING:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.evaluate import Job
    from rtsr_bench.executors.schedule import Pending


def write_jobs(waiting: Pending, folder: Path, display: Display, problems: Sequence[RtsrBenchError]) -> int:
    """Write a file to the folder for each job without a record; returns the exit code."""
    from rtsr_bench.cli.summary import worst

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for task in waiting.tasks:
            _write(task.job, folder)
    except OSError as error:
        raise UserError(f"--jobs-out {folder}: cannot be written: {error.strerror}; name another folder") from None
    written, known = len(waiting.tasks), len(waiting.known)
    display.note(f"{counted(written, 'job')} written to {folder}, {known} have a record (--again includes them)")
    for lost in waiting.lost:
        display.note(f"no job for {lost.task.job.label}: {lost.error}")
    return worst([*(problem.exit_code for problem in problems), *(lost.error.exit_code for lost in waiting.lost)])


def _write(job: Job, folder: Path) -> None:
    """Write a job under a name that depends only on its content."""
    from rtsr_bench.evaluate.jobfile import encode_job

    data = encode_job(job)
    digest = hashlib.sha256(data).hexdigest()[:8]
    (folder / f"{job.track.id}__{job.model.id.replace('/', '__')}__{digest}.json").write_bytes(data)


@click.command("measure", short_help="Measure one job that `run --jobs-out` wrote.")
@click.argument("job_file", metavar="JOB", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Write the record to this file.")
@click.option("--device", help="Another device of the same kind, such as cuda:0.")
@click.option(
    "--submission", type=click.Path(path_type=Path), help="The submission, if it is elsewhere on this machine."
)
@click.option(
    "--data-root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder of data sets, if they are elsewhere on this machine (repeatable).",
)
@click.pass_context
def measure_command(
    context: click.Context,
    job_file: Path,
    out: Path,
    device: str | None,
    submission: Path | None,
    roots: tuple[Path, ...],
) -> None:
    """Measure the job in the file JOB and write the record that `rtsr-bench run` would write.

    The submission, its weights, the data sets and the version of rtsr-bench must be those that the job was planned
    with; their digests are compared. Exit codes are those of `run`.
    """
    from rtsr_bench.cli.conclusion import GUEST_FAILED
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.cli.signals import end_on_signals
    from rtsr_bench.eligibility import failures
    from rtsr_bench.evaluate import Bench, measure_and_save
    from rtsr_bench.evaluate.jobfile import read_job
    from rtsr_bench.store import prepare, save_as

    if out.exists():
        raise UserError(f"--out {out}: expected an unused name (records are never overwritten), found a file")
    prepare(out.parent)
    job = read_job(job_file, source=submission, roots=roots, device=device)
    end_on_signals()
    with Display() as display, Bench.at(job.place) as bench:
        with display.job(1, 1, job.label) as listener:
            kept = measure_and_save(
                job, bench, out.parent, save=lambda record, crops: save_as(record, out, crops), listener=listener
            )
        failed = bool(failures(kept.record))
        display.result(kept.record, failed=failed)
    context.exit(GUEST_FAILED if failed else 0)
