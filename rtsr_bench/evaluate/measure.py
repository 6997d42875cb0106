"""One job to one record; a guest that breaks at one stage leaves a Failure there and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from rtsr_bench import __version__
from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.crops import CropBook
from rtsr_bench.evaluate.gallery import Gallery
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.reruns import command
from rtsr_bench.evaluate.runtime import Measured
from rtsr_bench.evaluate.shared_stage import time_or_take_over
from rtsr_bench.evaluate.stages import Images, ImageStage, TimedStage, measure_images
from rtsr_bench.evaluate.work import Work
from rtsr_bench.record import Failure, Record, Repeatability
from rtsr_bench.submissions import checkpoint_sha256, load_request, resolve_checkpoint


def measure(
    job: Job,
    bench: Bench,
    *,
    book: CropBook | None = None,
    gallery: Gallery | None = None,
    listener: Listener | None = None,
    more: bool = False,
) -> Record:
    """Measure a model on a track: fidelity in the timed precision (and fp32), runtime, memory, complexity.

    A runtime that a record of the bench's `sources` has for the same execution, input and system is taken over.

    Of a model that has no trained weights, fidelity is not asked for. With `more` a child is started for the job that
    follows on this bench.
    Raises UserError if data or weights are not available and HarnessError where the harness breaks; whatever the guest
    does ends up in the record.
    """
    started, clock = datetime.now(UTC), monotonic()
    checkpoint = resolve_checkpoint(job.model, job.submission)
    guest = load_request(
        job.model,
        job.submission,
        checkpoint,
        allow_pickle=bench.allow_pickle,
        stub_missing=bench.stub_missing,
        execution=job.protocol.execution(bench.device_kind),
    )
    work = Work(job=job, bench=bench, guest=guest, listener=listener or Listener(), more=more)
    first = measure_images(work, (book, gallery))
    timed = time_or_take_over(work, first) if first.failed is None else TimedStage(failed=first.failed)
    record = Record(
        track=job.track.id,
        track_digest=job.track.protocol.digest,
        protocol=job.protocol,
        overrides=job.overrides.options,
        submission=job.submission.facts,
        model=job.model.facts(checkpoint_sha256(job.model, job.submission)),
        system=first.system,
        data=job.uses,
        started=started.isoformat(timespec="seconds"),
        wall_s=monotonic() - clock,
        harness=__version__,
        command=command(job, bench),
        execution=work.execution,
        pickle_allowed=bench.allow_pickle,
        stubs_allowed=bench.stub_missing,
        stubs=tuple(dict.fromkeys((*first.stubs, *timed.stubs))),
    )
    return _with_outcomes(record, work, first, timed)


def _with_outcomes(record: Record, work: Work, first: ImageStage, timed: TimedStage) -> Record:
    """Add what the stages found. A model that could not be loaded both times has failed in everything."""
    failed, images, timing = timed.failed, first.images, timed.timing
    if failed is not None:
        fidelity = None if work.job.model.untrained else failed
        return replace(record, fidelity=fidelity, runtime=failed, complexity=failed, memory=failed)
    other = timed.disagreement
    measured = timing.measured if timing else None
    return replace(
        record,
        fidelity=other or images.fidelity,
        fidelity_fp32=images.fidelity_fp32 and (other or images.fidelity_fp32),
        runtime=measured.runtime if isinstance(measured, Measured) else measured,
        memory=measured.memory if isinstance(measured, Measured) else measured,
        complexity=timed.complexity,
        setup=timed.setup,
        transfers=timed.transfers,
        references=timed.references,
        shared_runtime=timed.shared,
        repeatability=_repeatability(work, images, timed),
        submitted_images=images.comparison.outcome()
        if images.comparison and not isinstance(other or images.fidelity, Failure)
        else None,
        notes=tuple(dict.fromkeys((*first.notes, *timed.notes))),
    )


def _repeatability(work: Work, images: Images, timed: TimedStage) -> Repeatability | None:
    """What two processes computed, None where it did not come to that."""
    compared = tuple(images.witness.found) if images.witness else ()
    outputs = timed.timing.outputs if timed.timing else ()
    if not (compared or outputs):
        return None
    return Repeatability(precision=work.execution.precision, images=compared, outputs=outputs)
