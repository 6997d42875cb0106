"""The two stages of a measurement, each in a child of its own: images first, then timing alone on the device.

Each stage returns what it found as one value; nothing is filled in later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

from rtsr_bench.division import division_of
from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate.bench import describe_child
from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.crops import Keeper
from rtsr_bench.evaluate.expectations import Expected, expect_outputs, measure_gap
from rtsr_bench.evaluate.fidelity import measure_fidelity
from rtsr_bench.evaluate.playing import Stage
from rtsr_bench.evaluate.quiet import Machine
from rtsr_bench.evaluate.recheck import Witness
from rtsr_bench.evaluate.references import combined, time_references
from rtsr_bench.evaluate.runtime import Measured, Timing, Watching, measure_runtime
from rtsr_bench.evaluate.submitted_images import Comparison
from rtsr_bench.evaluate.work import Work
from rtsr_bench.execution import EAGER_FP32, Execution, Precision
from rtsr_bench.load import LoadMeter
from rtsr_bench.protocol import Size
from rtsr_bench.record import Complexity, Failure, Fidelity, References, Setup, SharedRuntime, System, Throughput
from rtsr_bench.sandbox import Child, count_model
from rtsr_bench.system import Gauge, gauge, watching
from rtsr_bench.wire import Loaded

ALSO_COUNTED_AT = Size(256, 256)
"""The input at which the field's other challenges count; stands beside the count at the track's own LR size."""


TRANSFERS_S, TRANSFERS_WARM = 1.0, 8
"""Seconds of frames with their transfers on a GPU, and untimed ones before. Not yet tried on a card."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Images:
    """Fidelity in the timed precision and, where that is another, in fp32; and what looked at the same images.

    None of it for a model without trained weights.
    """

    fidelity: Fidelity | Failure | None = None
    fidelity_fp32: Fidelity | Failure | None = None
    witness: Witness | None = None
    comparison: Comparison | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageStage:
    """What the first child gave. `failed`: the model could not be loaded, and nothing else was tried.

    `expected` is what timed calls have to give; None where the images failed, so that nothing is timed. `stubs` are
    missing packages in whose place a stub stood.
    """

    system: System
    failed: Failure | None = None
    notes: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    images: Images = field(default_factory=Images)
    expected: Expected | Failure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedStage:
    """What the timed child gave. `failed`: the model could not be loaded a second time.

    `timing` is None where nothing was timed; `disagreement` says that this child made other images than the first one.
    `shared` says where the timing was taken from, if it was not measured here.
    """

    failed: Failure | None = None
    notes: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    timing: Timing | None = None
    setup: Setup | None = None
    transfers: Throughput | None = None
    disagreement: Failure | None = None
    complexity: Complexity | Failure | None = None
    references: References | None = None
    shared: SharedRuntime | None = None


def measure_images(work: Work, keepers: Sequence[Keeper | None]) -> ImageStage:
    """Enhance every image, beside other measurements on the device; each of the `keepers` is shown every SR image.

    Meanwhile the children that come next import what they need: they are idle before anything is timed.
    """
    bench = work.bench
    with (
        bench.lock.shared(work.listener.waiting),
        bench.settled(),
        bench.start_child() as child,
        gauge(bench.device_kind, child.hello.device_uuid) as meter,
    ):
        timed = work.job.unloadable is None
        bench.start_ahead(timed=timed, untimed=work.more, reference=timed)
        system = describe_child(child, bench, meter)
        loaded = work.job.unloadable or load(child, work)
        if isinstance(loaded, Failure):
            stage = ImageStage(system=system, failed=loaded)
        else:
            images = Images() if work.job.model.untrained else _fidelity(child, work, keepers)
            failed = isinstance(images.fidelity, Failure)
            expected = None if failed else expect(child, work, images.witness)
            stage = ImageStage(system=system, notes=loaded.notes, stubs=loaded.stubs, images=images, expected=expected)
        meter.see_device()
    return stage


def measure_timed(work: Work, first: ImageStage) -> TimedStage:
    """Time the model alone on its device, then compare some images again and count its operations.

    Alone to the end: a guest that is still there while another one is timed could take its device from it. So the fixed
    references are timed before this guest is there and once it is gone.
    """
    bench, job = work.bench, work.job
    with bench.lock.exclusive(f"timing {job.model.id}", work.listener.waiting):
        before = time_references(work, after=False) if isinstance(first.expected, Expected) else None
        stage = timed_alone(work, first)
        if before is None or stage.timing is None or not isinstance(stage.timing.measured, Measured):
            return stage
        return replace(stage, references=combined(before, time_references(work, after=True)))


def timed_alone(work: Work, first: ImageStage) -> TimedStage:
    """Time the model in a process of its own; to be called while the device is held alone.

    Where calls only confirm a runtime, what comes with that is not measured here: frames with transfers, operations.
    """
    bench, job = work.bench, work.job
    with (
        bench.start_child(timed=True) as child,
        gauge(bench.device_kind, child.hello.device_uuid) as meter,
    ):
        gap = measure_gap(child, job.protocol, work.execution)
        if isinstance(gap, Failure):
            raise HarnessError(f"the machine could not be timed without a guest: {gap.message}")
        loaded = load(child, work)
        if isinstance(loaded, Failure):
            return TimedStage(failed=loaded)
        setup = _setup(child, work) if isinstance(first.expected, Expected) else None
        if isinstance(setup, Failure):
            timing: Timing | None = Timing(measured=setup)
        else:
            timing = _timing(child, work, first.expected, gap, meter)
        whole = timing and isinstance(timing.measured, Measured) and not work.confirms
        transfers = _transfers(child, work) if whole else None
        disagreement = _look_again(child, work, first.images)
        complexity = None if work.confirms else _complexity(child if child.alive else None, work)
    return TimedStage(
        notes=loaded.notes,
        stubs=loaded.stubs,
        timing=timing,
        setup=None if isinstance(setup, Failure) else setup,
        transfers=transfers,
        disagreement=disagreement,
        complexity=complexity,
    )


def load(child: Child, work: Work) -> Loaded | Failure:
    """Let a child load the model within the limit of loading."""
    work.listener.stage("loading", 1)
    return child.ask(work.guest, limit_s=work.job.protocol.limits.load_s)


def _fidelity(child: Child, work: Work, keepers: Sequence[Keeper | None]) -> Images:
    """Measure the images under the execution and, where that is another, in eager fp32.

    Eager fp32 comes first beside an engine, which then stays prepared: compiling takes long.
    """
    job, execution = work.job, work.execution
    witness = Witness(data=job.data, timed=job.protocol.input, scale=job.protocol.scale)
    comparison = Comparison.of(job.submission, job.model, job.data)
    eager = Witness(data=job.data)
    also_fp32 = execution != EAGER_FP32
    in_fp32 = _images_under(child, work, EAGER_FP32, [eager]) if also_fp32 and work.engine else None
    if in_fp32 is not None and not child.alive:
        return Images(fidelity=in_fp32, fidelity_fp32=in_fp32)
    fidelity = _images_under(child, work, execution, [*keepers, witness, comparison])
    if work.engine and execution.precision is Precision.FP32 and not isinstance(fidelity, Failure) and child.alive:
        fidelity = eager.disagrees(child, job.protocol, execution, "eager fp32") or fidelity
    if also_fp32 and not work.engine and child.alive:
        in_fp32 = _images_under(child, work, EAGER_FP32, [])
    return Images(fidelity=fidelity, fidelity_fp32=in_fp32, witness=witness, comparison=comparison)


def _images_under(
    child: Child, work: Work, execution: Execution, keepers: Sequence[Keeper | None]
) -> Fidelity | Failure:
    """Prepare the model for an execution and enhance every image under it."""
    job = work.job
    ready = work.prepare(child, execution, work.first_size)
    if isinstance(ready, Failure):
        return ready
    work.listener.stage(f"images in {execution.words}", sum(len(data.pairs) for data in job.data))
    return measure_fidelity(
        child,
        job.data,
        job.protocol,
        execution,
        baselines=work.bench.baselines,
        on_image=work.listener.step,
        keepers=[keeper for keeper in keepers if keeper is not None],
    )


def expect(child: Child, work: Work, witness: Witness | None) -> Expected | Failure:
    """Let another child than the timed one say what timed calls will have to give."""
    rules = work.job.protocol
    ready = work.prepare(child, work.execution, rules.input) if child.alive else None
    if isinstance(ready, Failure):
        return ready
    work.listener.stage("outputs to compare with", 1)
    return expect_outputs(child, work.job.data, rules, work.execution, witness.made() if witness else [])


def _setup(child: Child, work: Work) -> Setup | Failure | None:
    """Export and compile the model in the process that is timed, on the harness's clock; None where that is nothing."""
    if not work.engine:
        return None
    began = monotonic()
    ready = work.prepare(child, work.execution, work.job.protocol.input)
    if isinstance(ready, Failure):
        return ready
    return Setup(seconds=monotonic() - began, graph_bytes=ready.graph_bytes, peak_bytes=ready.peak_bytes)


def _timing(child: Child, work: Work, expected: Expected | Failure | None, gap: Gap, meter: Gauge) -> Timing | None:
    if not isinstance(expected, Expected):
        return None if expected is None else Timing(measured=expected)
    job, rules = work.job, work.rules
    work.listener.stage(f"timing in {work.execution.words}", rules.warmup + rules.repeats)
    machine = Machine(
        LoadMeter(child.cpu_s, meter.foreign(child.pids)),
        official=division_of(job.protocol, job.track.protocol) is not None,
        device_kind=child.hello.device.partition(":")[0],
        tell=work.listener.waiting,
        sleep=work.bench.lock.sleep,
    )
    with watching(meter) as during:
        timing = measure_runtime(
            child,
            rules,
            work.execution,
            gap=gap,
            expected=expected,
            watching=Watching(machine=machine, read_state=meter.read, on_step=work.listener.step),
            data_range=job.model.data_range,
        )
    meter.see_device()
    if not isinstance(timing.measured, Measured):
        return timing
    before, after = (state for state in timing.measured.runtime.telemetry if state.when != "during")
    runtime = replace(timing.measured.runtime, telemetry=(before, *during, after))
    return replace(timing, measured=replace(timing.measured, runtime=runtime))


def _transfers(child: Child, work: Work) -> Throughput | None:
    """Measure frames from host memory to host memory on a GPU; None elsewhere, and where the model fails at it.

    What takes more memory than a call alone is no failure of the model.
    """
    if work.bench.device_kind != "cuda" or not child.alive:
        return None
    work.listener.stage("frames with transfers", 1)
    stage = Stage(child=child, protocol=work.job.protocol, execution=work.execution)
    failed = stage.set(warmup=TRANSFERS_WARM)
    made = failed or stage.flat_out(TRANSFERS_S)
    return made if isinstance(made, Throughput) else None


def _look_again(child: Child, work: Work, images: Images) -> Failure | None:
    """Compare some images with those of the first child, once nothing is timed any more."""
    if images.witness is None or isinstance(images.fidelity, Failure) or not child.alive:
        return None
    work.listener.stage("some images again", 1)
    return images.witness.disagrees(child, work.job.protocol, work.execution)


def _complexity(child: Child | None, work: Work) -> Complexity | Failure:
    work.listener.stage("counting", 1)
    job, limits = work.job, work.job.protocol.limits
    counted = count_model(
        child,
        work.guest,
        tuple(dict.fromkeys((job.protocol.input, job.track.protocol.input, ALSO_COUNTED_AT))),
        start=work.bench.start_child,
        load_s=limits.load_s,
        count_s=limits.complexity_s,
    )
    if isinstance(counted, Failure):
        return counted
    return Complexity(params=counted.params, counts=counted.counts)
