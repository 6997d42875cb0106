"""One job to one record, stage by stage; a guest that breaks at one stage leaves a Failure there and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from rtsr_bench import __version__
from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.crops import CropBook, Keeper
from rtsr_bench.evaluate.expectations import Expected, expect_outputs, measure_gap
from rtsr_bench.evaluate.fidelity import measure_fidelity
from rtsr_bench.evaluate.gallery import Gallery
from rtsr_bench.evaluate.handed_in import Comparison
from rtsr_bench.evaluate.plan import Job
from rtsr_bench.evaluate.quiet import Machine
from rtsr_bench.evaluate.recheck import Witness
from rtsr_bench.evaluate.reruns import command
from rtsr_bench.evaluate.runtime import Watching, measure_runtime
from rtsr_bench.execution import Execution, Precision
from rtsr_bench.load import LoadMeter
from rtsr_bench.protocol import Size
from rtsr_bench.record import (
    Complexity,
    Failure,
    Fidelity,
    HandedIn,
    MadeTwice,
    Memory,
    OutputTwice,
    Record,
    Runtime,
    System,
)
from rtsr_bench.sandbox import Child, Loaded, count_model
from rtsr_bench.submissions import checkpoint_sha256, load_request, resolve_checkpoint
from rtsr_bench.system import Gauge, describe, gauge, watching
from rtsr_bench.wire import Op

ALSO_COUNTED_AT = Size(256, 256)
"""The input at which the field's other challenges count; stands beside the count at the track's own LR size."""


class Listener:
    """Is told what is being done. This one does not care; the command line shows a bar."""

    def stage(self, what: str, total: int) -> None:
        """Tell that a stage begins, with so many steps."""

    def step(self, done: int) -> None:
        """Tell that so many steps of the stage are done."""

    def waiting(self, whom: str) -> None:
        """Tell that the device is somebody else's for now."""


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
    execution, untrained = job.protocol.execution(bench.device_kind), bool(job.model.untrained)
    checkpoint = resolve_checkpoint(job.model, job.submission)
    guest = load_request(job.model, job.submission, checkpoint, allow_pickle=bench.allow_pickle)
    guest["execution"] = execution.plain()
    outcome = _Outcome()
    with (
        bench.turns.together(listener.waiting),
        bench.start_child() as child,
        gauge(bench.device_kind, child.hello.device_uuid) as meter,
    ):
        system = describe_child(child, bench, meter)
        failed = job.unloadable or _load(child, guest, job, listener, outcome)
        if failed is None and not untrained:
            _fidelity(child, job, bench, execution, outcome, (book, gallery), listener)
        if failed is None and not isinstance(outcome.fidelity, Failure):
            _expect(child, job, execution, outcome, listener)
        meter.see_device()
    if failed is None:
        # Alone to the end: a guest that is still there while another one is timed could take its device from it.
        with (
            bench.turns.alone(f"timing {job.model.id}", listener.waiting),
            bench.start_child(timed=True) as child,
            gauge(bench.device_kind, child.hello.device_uuid) as meter,
        ):
            gap = measure_gap(child, job.protocol, execution)
            if isinstance(gap, Failure):
                raise HarnessError(f"the machine could not be timed without a guest: {gap.message}")
            outcome.gap = gap
            failed = _load(child, guest, job, listener, outcome)
            if failed is None:
                if outcome.runtime is None and not isinstance(outcome.fidelity, Failure):
                    _runtime(child, job, execution, outcome, meter, listener)
                _again(child, job, execution, outcome, listener)
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
        made_twice=outcome.made_twice(execution.precision),
        handed_in=outcome.handed_in(),
        execution=execution,
        pickle_allowed=bench.allow_pickle,
        notes=tuple(dict.fromkeys(outcome.notes)),
    )


@dataclass(kw_only=True, slots=True)
class _Outcome:
    fidelity: Fidelity | Failure | None = None
    fidelity_fp32: Fidelity | Failure | None = None
    runtime: Runtime | Failure | None = None
    complexity: Complexity | Failure | None = None
    memory: Memory | Failure | None = None
    expected: Expected | None = None
    gap: Gap | None = None
    witness: Witness | None = None
    comparison: Comparison | None = None
    outputs: list[OutputTwice] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def made_twice(self, precision: Precision) -> MadeTwice | None:
        """What two processes computed, None where it did not come to that."""
        images = tuple(self.witness.found) if self.witness else ()
        if not (images or self.outputs):
            return None
        return MadeTwice(precision=precision, images=images, outputs=tuple(self.outputs))

    def handed_in(self) -> HandedIn | None:
        """How the team's own images compare with ours, None where there are none of either."""
        return self.comparison.outcome() if isinstance(self.fidelity, Fidelity) and self.comparison else None


def describe_child(child: Child, bench: Bench, meter: Gauge | None = None) -> System:
    """Return the system that a child runs on."""
    hello = child.hello
    return describe(
        device=bench.device,
        device_name=hello.device_name,
        device_uuid=hello.device_uuid,
        torch_threads=hello.threads,
        torch=hello.torch,
        python=hello.python,
        facts={**hello.facts, **(meter.facts if meter else {})},
        isolation=child.isolation.value,
    )


def _load(child: Child, guest: dict[str, Any], job: Job, listener: Listener, outcome: _Outcome) -> Failure | None:
    listener.stage("loading", 1)
    request = {**guest, "scale": job.model.scale}
    answer = child.ask(Op.LOAD, Loaded, request, limit_s=job.protocol.limits.load_s)
    if isinstance(answer, Failure):
        return answer
    outcome.notes += answer.notes
    return None


def _fidelity(
    child: Child,
    job: Job,
    bench: Bench,
    execution: Execution,
    outcome: _Outcome,
    kept: tuple[CropBook | None, Gallery | None],
    listener: Listener,
) -> None:
    images = sum(len(data.pairs) for data in job.data)
    outcome.witness = Witness(data=job.data, timed=job.protocol.input, scale=job.protocol.scale)
    outcome.comparison = Comparison.of(job.submission, job.model, job.data)
    keepers: list[Keeper | None] = [*kept, outcome.witness, outcome.comparison]

    def under(execution: Execution, keepers: Sequence[Keeper | None]) -> Fidelity | Failure:
        listener.stage(f"images in {execution.precision.value}", images)
        return measure_fidelity(
            child,
            job.data,
            job.protocol,
            execution,
            baselines=bench.baselines,
            on_image=listener.step,
            keepers=[keeper for keeper in keepers if keeper is not None],
        )

    outcome.fidelity = under(execution, keepers)
    if execution.precision is not Precision.FP32 and child.alive:
        outcome.fidelity_fp32 = under(execution.in_precision(Precision.FP32), ())


def _expect(child: Child, job: Job, execution: Execution, outcome: _Outcome, listener: Listener) -> None:
    """Let another child than the timed one say what timed calls will have to give."""
    listener.stage("outputs to compare with", 1)
    known = outcome.witness.made() if outcome.witness else []
    expected = expect_outputs(child, job.data, job.protocol, execution, known)
    if isinstance(expected, Failure):
        outcome.runtime = outcome.memory = expected
    else:
        outcome.expected = expected


def _runtime(child: Child, job: Job, execution: Execution, outcome: _Outcome, meter: Gauge, listener: Listener) -> None:
    rules = job.protocol
    listener.stage(f"timing in {execution.precision.value}", rules.warmup + rules.repeats)
    assert outcome.gap is not None
    assert outcome.expected is not None
    official = rules.digest == job.track.protocol.digest
    machine = Machine(
        LoadMeter(child.cpu_s, meter.foreign(child.pids)),
        official=official,
        device_kind=child.hello.device.partition(":")[0],
        tell=listener.waiting,
    )
    with watching(meter) as during:
        measured = measure_runtime(
            child,
            rules,
            execution,
            gap=outcome.gap,
            expected=outcome.expected,
            watching=Watching(machine=machine, read_state=meter.read, on_step=listener.step),
            data_range=job.model.data_range,
            twice=outcome.outputs,
        )
    meter.see_device()
    if isinstance(measured, Failure):
        outcome.runtime = outcome.memory = measured
    else:
        ends = [state for state in measured.runtime.telemetry if state.when != "during"]
        outcome.runtime = replace(measured.runtime, telemetry=(*ends[:1], *during, *ends[1:]))
        outcome.memory = measured.memory


def _again(child: Child, job: Job, execution: Execution, outcome: _Outcome, listener: Listener) -> None:
    """Compare some images with those of the first child, once nothing is timed any more."""
    if outcome.witness is None or isinstance(outcome.fidelity, Failure) or not child.alive:
        return
    listener.stage("some images again", 1)
    failure = outcome.witness.disagrees(child, job.protocol, execution)
    if failure is not None:
        outcome.fidelity = failure
        outcome.fidelity_fp32 = failure if outcome.fidelity_fp32 is not None else None


def _complexity(
    child: Child | None, guest: dict[str, Any], job: Job, bench: Bench, outcome: _Outcome, listener: Listener
) -> None:
    listener.stage("counting", 1)
    limits = job.protocol.limits
    counted = count_model(
        child,
        {**guest, "scale": job.model.scale},
        tuple(dict.fromkeys((job.protocol.input, job.track.protocol.input, ALSO_COUNTED_AT))),
        start=bench.start_child,
        load_s=limits.load_s,
        count_s=limits.complexity_s,
    )
    if isinstance(counted, Failure):
        outcome.complexity = counted
    else:
        outcome.complexity = Complexity(params=counted.params, counts=counted.counts)
