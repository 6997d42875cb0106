"""One job to one record, stage by stage; a guest that breaks at one stage leaves a Failure there and nothing else."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from rtsr_bench import __version__
from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.crops import CropBook, Gallery
from rtsr_bench.evaluate.fidelity import measure_fidelity
from rtsr_bench.evaluate.plan import Job
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.record import (
    Complexity,
    Failure,
    FailureKind,
    Fidelity,
    Memory,
    Record,
    Runtime,
    Stage,
    System,
    Telemetry,
)
from rtsr_bench.sandbox import Child, Counted, Loaded, Timed
from rtsr_bench.submissions import checkpoint_sha256, load_request, resolve_checkpoint
from rtsr_bench.system import Gauge, describe, gauge
from rtsr_bench.wire import Op

ALSO_COUNTED_AT = Size(256, 256)
"""The input at which the field's other challenges count; stands beside the count at the track's own LR size."""

_TELEMETRY_EVERY_S = 1.0
_TELEMETRY_LIMIT = 200


class Listener:
    """Is told what is being done. This one does not care; the command line shows a bar."""

    def stage(self, what: str, total: int) -> None:
        """Tell that a stage begins, with so many steps."""

    def step(self, done: int) -> None:
        """Tell that so many steps of the stage are done."""


def measure(
    job: Job,
    bench: Bench,
    *,
    book: CropBook | None = None,
    gallery: Gallery | None = None,
    listener: Listener | None = None,
) -> Record:
    """Measure a model on a track: fidelity in the timed precision (and fp32), runtime, memory, complexity.

    Of a model that has no trained weights, fidelity is not asked for.
    Raises UserError where data or weights can't be had and HarnessError where the harness breaks; whatever the guest
    does ends up in the record.
    """
    listener = listener or Listener()
    started, clock = datetime.now(UTC), monotonic()
    precision, untrained = job.protocol.precision[bench.device_kind], bool(job.model.untrained)
    guest = load_request(job.model, job.submission, resolve_checkpoint(job.model, job.submission))
    with bench.start_child() as child, gauge(bench.device_kind, child.hello.device_uuid) as meter:
        system = describe_child(child, bench, meter)
        outcome = _Outcome()
        failed = job.unloadable or _load(child, guest, job, listener)
        if failed is None and untrained:
            _runtime(child, job, precision, outcome, meter, listener)
            _complexity(child if child.alive else None, guest, job, bench, outcome, listener)
        elif failed is None:
            _fidelity(child, job, bench, precision, outcome, (book, gallery), listener)
    if failed is None and not untrained:
        with bench.start_child() as child, gauge(bench.device_kind, child.hello.device_uuid) as meter:
            failed = _load(child, guest, job, listener)
            if failed is None:
                if not isinstance(outcome.fidelity, Failure):
                    _runtime(child, job, precision, outcome, meter, listener)
                _complexity(child if child.alive else None, guest, job, bench, outcome, listener)
    if failed is not None:
        outcome = _Outcome(fidelity=None if untrained else failed, runtime=failed, complexity=failed, memory=failed)
    return Record(
        track=job.track.id,
        track_digest=job.track.protocol.digest,
        protocol=job.protocol,
        overrides=job.overrides.options,
        submission=job.submission.facts,
        model=job.model.facts(checkpoint_sha256(job.model, job.submission)),
        system=system,
        data=job.uses,
        started=started.isoformat(timespec="seconds"),
        wall_s=monotonic() - clock,
        harness=__version__,
        command=command(job, bench),
        fidelity=outcome.fidelity,
        fidelity_fp32=outcome.fidelity_fp32,
        runtime=outcome.runtime,
        complexity=outcome.complexity,
        memory=outcome.memory,
    )


@dataclass(kw_only=True, slots=True)
class _Outcome:
    fidelity: Fidelity | Failure | None = None
    fidelity_fp32: Fidelity | Failure | None = None
    runtime: Runtime | Failure | None = None
    complexity: Complexity | Failure | None = None
    memory: Memory | Failure | None = None


def describe_child(child: Child, bench: Bench, meter: Gauge | None = None) -> System:
    """Return the system that a child runs on."""
    hello = child.hello
    return describe(
        device=bench.device,
        device_name=hello.device_name,
        torch_threads=hello.threads,
        torch=hello.torch,
        python=hello.python,
        facts={**hello.facts, **(meter.facts if meter else {})},
        isolation=child.isolation.value,
    )


def command(job: Job, bench: Bench) -> str:
    """Return the command that measures this again."""
    parts = ["rtsr-bench", "run", shlex.quote(job.submission.source.as_posix()), "--track", job.track.id]
    for root in job.roots:
        parts += ["--data-root", shlex.quote(root.as_posix())]
    if bench.threads:
        parts += ["--threads", str(bench.threads)]
    return " ".join([*parts, "--device", bench.device, *job.overrides.options])


def _load(child: Child, guest: dict[str, Any], job: Job, listener: Listener) -> Failure | None:
    listener.stage("loading", 1)
    request = {**guest, "scale": job.model.scale}
    answer = child.ask(Op.LOAD, Loaded, request, limit_s=job.protocol.limits.load_s)
    return answer if isinstance(answer, Failure) else None


def _fidelity(
    child: Child,
    job: Job,
    bench: Bench,
    precision: Precision,
    outcome: _Outcome,
    kept: tuple[CropBook | None, Gallery | None],
    listener: Listener,
) -> None:
    images = sum(len(data.pairs) for data in job.data)

    def in_precision(which: Precision, book: CropBook | None, gallery: Gallery | None) -> Fidelity | Failure:
        listener.stage(f"images in {which.value}", images)
        return measure_fidelity(
            child,
            job.data,
            job.protocol,
            which,
            baselines=bench.baselines,
            on_image=listener.step,
            book=book,
            gallery=gallery,
        )

    outcome.fidelity = in_precision(precision, *kept)
    if precision is not Precision.FP32 and child.alive:
        outcome.fidelity_fp32 = in_precision(Precision.FP32, None, None)


def _runtime(child: Child, job: Job, precision: Precision, outcome: _Outcome, meter: Gauge, listener: Listener) -> None:
    rules = job.protocol
    listener.stage(f"timing in {precision.value}", rules.warmup + rules.repeats)
    states: list[Telemetry] = [meter.read("before")]
    marks: dict[int, float] = {}
    last = monotonic()

    def on_progress(done: int) -> None:
        nonlocal last
        now = monotonic()
        marks[done] = now
        if now - last > _TELEMETRY_EVERY_S and len(states) < _TELEMETRY_LIMIT:
            last = now
            states.append(meter.read("during"))
        listener.step(done)

    request = {
        "size": [rules.input.height, rules.input.width],
        "batch": rules.batch,
        "scale": rules.scale,
        "precision": precision.value,
        "warmup": rules.warmup,
        "repeats": rules.repeats,
        "seed": secrets.randbits(48),
    }
    timed = child.ask(Op.RUNTIME, Timed, request, limit_s=rules.limits.runtime_s, on_progress=on_progress)
    if not isinstance(timed, Failure) and len(timed.samples_ms) != rules.repeats:
        message = f"{len(timed.samples_ms)} samples arrived, expected {rules.repeats}"
        timed = Failure(stage=Stage.RUNTIME, kind=FailureKind.INCONSISTENT, message=message)
    if isinstance(timed, Failure):
        outcome.runtime = outcome.memory = timed
        return
    begun, ended = marks.get(rules.warmup), marks.get(rules.warmup + rules.repeats)
    outcome.runtime = Runtime(
        samples_ms=timed.samples_ms,
        input=rules.input,
        batch=rules.batch,
        precision=precision,
        warmup=rules.warmup,
        wall_s=timed.wall_s,
        parent_wall_s=ended - begun if begun is not None and ended is not None else timed.region_s,
        host_ms=timed.host_ms,
        telemetry=(*states, meter.read("after")),
    )
    if timed.memory is not None:
        memory = timed.memory
        outcome.memory = Memory(kind=memory.kind, peak_bytes=memory.peak_bytes, baseline_bytes=memory.baseline_bytes)


def _complexity(
    child: Child | None, guest: dict[str, Any], job: Job, bench: Bench, outcome: _Outcome, listener: Listener
) -> None:
    if child is None:
        with bench.start_child() as fresh:
            failed = _load(fresh, guest, job, listener)
            if failed is not None:
                outcome.complexity = failed
            else:
                _complexity(fresh, guest, job, bench, outcome, listener)
        return
    listener.stage("counting", 1)
    sizes = dict.fromkeys((job.protocol.input, job.track.protocol.input, ALSO_COUNTED_AT))
    request = {"sizes": [[size.height, size.width] for size in sizes]}
    counted = child.ask(Op.COMPLEXITY, Counted, request, limit_s=job.protocol.limits.complexity_s)
    if not isinstance(counted, Failure) and [count.input for count in counted.counts] != list(sizes):
        message = "the counts that arrived are not for the input sizes asked for"
        counted = Failure(stage=Stage.COMPLEXITY, kind=FailureKind.INCONSISTENT, message=message)
    if isinstance(counted, Failure):
        outcome.complexity = counted
    else:
        outcome.complexity = Complexity(params=counted.params, counts=counted.counts)
