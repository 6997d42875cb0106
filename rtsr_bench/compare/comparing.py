"""From two jobs, or from two records, to a comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rtsr_bench import __version__
from rtsr_bench.compare.fidelity import compare_images, measure_images
from rtsr_bench.compare.gates import slower_gate, worse_gate
from rtsr_bench.compare.judging import Stopping
from rtsr_bench.compare.records import (
    BESIDE_INTERLEAVING,
    check_comparable,
    compare_stored,
    read_record,
    system_facts,
)
from rtsr_bench.compare.runtime import compare_runtimes
from rtsr_bench.compare.sessions import SideFailedError, time_session
from rtsr_bench.comparison import Comparison, Gate, Session, Side
from rtsr_bench.division import execution_of
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.bench import Bench, describe_hello
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.work import Work
from rtsr_bench.metric import known
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import DataUse, Failure, Fidelity, ImageFidelity, Record, Runtime
from rtsr_bench.score import PSNR
from rtsr_bench.submissions import checkpoint_sha256, load_request, resolve_checkpoint
from rtsr_bench.tracks import Track, all_tracks


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is compared, and the limits that the user set: 0.03 for 3 %, 0.05 for 0.05 dB; None for no limit."""

    runtime: bool = True
    fidelity: bool = True
    slower: float | None = None
    worse_db: float | None = None
    command: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Who is told of the progress: `listener` of stages and waiting, `on_session` of all sessions up to now."""

    listener: Listener = field(default_factory=Listener)
    on_session: Callable[[list[Session]], None] = lambda _: None


def compare_submissions(
    jobs: tuple[Job, Job], sources: tuple[str, str], bench: Bench, wanted: Wanted, stopping: Stopping, told: Told
) -> Comparison:
    """Measure the images of both models and time both in turns.

    SideFailedError for what a model does wrong, UserError if weights are not available, HarnessError where the machine
    is too busy or the harness breaks.
    """
    works = _work(jobs[0], bench, told.listener), _work(jobs[1], bench, told.listener)
    started, job = datetime.now(UTC), jobs[0]
    made = Comparison(
        harness=__version__,
        started=started.isoformat(timespec="seconds"),
        command=wanted.command,
        a=_side(jobs[0], sources[0]),
        b=_side(jobs[1], sources[1]),
        track=job.track.id,
        protocol_digest=job.protocol.digest,
        execution=works[0].execution.words,
        input=str(job.protocol.input),
        system=_system(bench),
        data=_data(job.uses),
    )
    untrained = [one.model.untrained for one in jobs if one.model.untrained]
    if wanted.fidelity and untrained:
        if not wanted.runtime:
            raise UserError(f"nothing to compare: a model has no trained weights ({untrained[0]}); name others")
        made = replace(made, notes=(f"Fidelity was not compared: a model has no trained weights ({untrained[0]}).",))
    elif wanted.fidelity:
        images = _images(works[0], 0), _images(works[1], 1)
        made = _with_fidelity(made, *images, job.protocol, job.track, job.uses)
    if wanted.runtime:
        runtime = compare_runtimes(lambda began_s: time_session(works, began_s), stopping, on_session=told.on_session)
        made = replace(made, runtime=runtime)
    return _with_gates(made, wanted)


def _work(job: Job, bench: Bench, listener: Listener) -> Work:
    guest = load_request(
        job.model,
        job.submission,
        resolve_checkpoint(job.model, job.submission),
        allow_pickle=bench.allow_pickle,
        stub_missing=bench.stub_missing,
        execution=job.protocol.execution(bench.device_kind),
    )
    return Work(job=job, bench=bench, guest=guest, listener=listener)


def _system(bench: Bench) -> dict[str, str]:
    level = bench.isolation.level
    return system_facts(describe_hello(bench.hello, bench.device, level)) | {"isolation": level.value}


def _side(job: Job, source: str) -> Side:
    return Side(
        source=source,
        submission=job.submission.id,
        model=job.model.id,
        team=job.submission.team,
        digest=job.submission.digest,
        checkpoint_sha256=checkpoint_sha256(job.model, job.submission),
    )


def _data(uses: Sequence[DataUse]) -> tuple[str, ...]:
    return tuple(f"{use.name}, {use.images} images, {use.digest}" for use in uses)


def _images(work: Work, side: int) -> tuple[ImageFidelity, ...]:
    found = measure_images(work)
    if isinstance(found, Failure):
        raise SideFailedError(side, found)
    return found.images


def _with_fidelity(
    made: Comparison,
    a: Sequence[ImageFidelity],
    b: Sequence[ImageFidelity],
    protocol: Protocol,
    track: Track | None,
    uses: Sequence[DataUse],
) -> Comparison:
    """Compare by every metric of the protocol, under the score's convention and on the score's data sets."""
    convention = track.score.convention if track is not None else protocol.conventions[0]
    if convention not in protocol.conventions:
        convention = protocol.conventions[0]
    scored = {use.name for use in uses if track is not None and use.id in track.score.sets}
    if not any(image.data_set in scored for image in a):
        scored = {image.data_set for image in a}
    metrics, images = compare_images(
        [image for image in a if image.data_set in scored],
        [image for image in b if image.data_set in scored],
        known(protocol.metrics),
        convention.key,
    )
    return replace(made, metrics=metrics, images=images)


def _with_gates(made: Comparison, wanted: Wanted) -> Comparison:
    gates: list[Gate] = []
    if wanted.slower is not None and made.runtime is not None:
        gates.append(slower_gate(wanted.slower, made.runtime))
    if wanted.worse_db is not None:
        gates.append(worse_gate(wanted.worse_db, next((one for one in made.metrics if one.metric == PSNR), None)))
    return replace(made, gates=tuple(gates))


def compare_records(paths: tuple[Path, Path], wanted: Wanted) -> Comparison:
    """Compare what two records hold; UserError if they cannot be compared, SideFailedError for a recorded failure."""
    a, b = read_record(paths[0], "A"), read_record(paths[1], "B")
    check_comparable(a, b, runtime=wanted.runtime)
    execution = execution_of(a)
    made = Comparison(
        harness=__version__,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=wanted.command,
        a=_recorded(a, paths[0]),
        b=_recorded(b, paths[1]),
        track=a.track,
        protocol_digest=a.protocol.digest,
        execution=execution.words if execution else "",
        input=str(a.protocol.input),
        system=system_facts(a.system),
        data=_data(a.data),
    )
    if wanted.fidelity:
        images = _stored(a.fidelity, 0), _stored(b.fidelity, 1)
        if images[0] is None or images[1] is None:
            made = replace(made, notes=(*made.notes, "Fidelity was not compared: a record holds none."))
        else:
            both = images[0].images, images[1].images
            made = _with_fidelity(made, *_matched(*both), a.protocol, all_tracks().get(a.track), a.data)
    if wanted.runtime:
        timed = _stored(a.runtime, 0), _stored(b.runtime, 1)
        if timed[0] is None or timed[1] is None:
            made = replace(made, notes=(*made.notes, "Runtime was not compared: a record holds none."))
        else:
            runtime = compare_stored(timed[0], timed[1], (a.references, b.references))
            made = replace(made, runtime=runtime, notes=(*made.notes, BESIDE_INTERLEAVING))
    if made.runtime is None and not made.metrics:
        raise UserError(f"nothing to compare: {' '.join(made.notes)} Name other records")
    return _with_gates(made, wanted)


def _recorded(record: Record, path: Path) -> Side:
    return Side(
        source=str(path),
        submission=record.submission.id,
        model=record.model.id,
        team=record.submission.team,
        digest=record.submission.digest,
        checkpoint_sha256=record.model.checkpoint_sha256,
        record=path.name,
    )


_Found = TypeVar("_Found", Fidelity, Runtime)


def _stored(outcome: _Found | Failure | None, side: int) -> _Found | None:
    if isinstance(outcome, Failure):
        raise SideFailedError(side, outcome)
    return outcome


def _matched(a: Sequence[ImageFidelity], b: Sequence[ImageFidelity]) -> tuple[list[ImageFidelity], list[ImageFidelity]]:
    """The images that both records hold, in the order of the first."""
    there = {(image.data_set, image.name): image for image in b}
    shared = [image for image in a if (image.data_set, image.name) in there]
    return shared, [there[image.data_set, image.name] for image in shared]
