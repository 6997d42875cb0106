"""Runtime of one model: timed by its child, conducted, bracketed and cross-checked by the parent.

Beside the official repeats on random numbers there are calls at unpredictable places: on new image crops, at least 16,
whose times are compared with the samples; on a few images whose outputs another process also computes; and on
inputs of the warm-up again. None of these are samples.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from rtsr_bench.backends import tolerance
from rtsr_bench.evaluate import clocks
from rtsr_bench.evaluate.agreement import check_answers, check_outputs, differences, relation
from rtsr_bench.evaluate.blocks import Blocks, MakeInput, Timed
from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.conduct import Call, Conductor
from rtsr_bench.evaluate.expectations import Expected
from rtsr_bench.evaluate.inputs import Input, look, random_input
from rtsr_bench.evaluate.quiet import Machine
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import Failure, Memory, OutputTwice, Runtime, Telemetry
from rtsr_bench.sandbox import Child

REPEATED = 4
"""Inputs of the warm-up that come again."""

TRIED_AGAIN = 2
"""How often a comparison of times is made again before a model is refused for it."""

LEAST_CROPS, LEAST_NOISE = 16, 8
FEW_REPEATS, FEW_CROPS = 64, 8
"""Crops that are timed: an eighth of the repeats, at least 16; of fewer than 64 repeats (a quick look) half, at least
8. Random numbers that crops are compared with are at least 8, samples or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The runtime and the memory it took, as far as the system tells."""

    runtime: Runtime
    memory: Memory | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Watching:
    """The observers while a model is timed: load of the machine, state of the device, progress bar."""

    machine: Machine
    read_state: Callable[[str], Telemetry]
    on_step: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """The result of timing a model, and the differences between the outputs of two processes.

    `outputs` are kept even if timing failed; empty if the model failed earlier.
    """

    measured: Measured | Failure
    outputs: tuple[OutputTwice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """The moment at which timing started: on the wall clock, and in seconds that processors had worked for the child.

    `state` is that of the device.
    """

    wall_s: float
    worked_s: float
    state: Telemetry


def measure_runtime(
    child: Child,
    protocol: Protocol,
    execution: Execution,
    *,
    gap: Gap,
    expected: Expected,
    watching: Watching,
    data_range: float = 1.0,
) -> Timing:
    """Time every repeat and check it; HarnessError where the machine is too busy."""
    watching.machine.wait()
    start = _Start(wall_s=monotonic(), worked_s=child.cpu_s(), state=watching.read_state("before"))
    conductor, kind = Conductor(child, protocol, execution), child.hello.device.partition(":")[0]
    failure = conductor.begin(protocol.warmup, on_progress=watching.on_step)
    if failure is not None:
        return Timing(measured=failure)
    blocks = Blocks(conductor, watching.machine, expected.crops, _progress(protocol, watching))
    timed = blocks.run(_order(protocol, expected, conductor.warmup_seeds()))
    if isinstance(timed, Failure):
        return Timing(measured=timed)
    timed, rejected = _settled(timed, gap, kind, blocks, conductor, expected, start.wall_s)
    if isinstance(rejected, Failure) and not child.alive:
        return Timing(measured=rejected)
    finished = conductor.finish(memory=True)
    apart = differences(expected.outputs, conductor.outputs, data_range)
    outputs = tuple(_twice(apart, protocol)) if finished is None else ()
    failure = finished or _judged(timed, gap, kind) or rejected or check_outputs(apart, tolerance(execution, kind))
    failure = failure or check_answers(conductor.seen.values()) or _check_threads(child, start, kind)
    if failure is not None:
        return Timing(measured=failure, outputs=outputs)
    runtime = _runtime(timed, conductor, protocol, execution, gap=gap, start=start, watching=watching)
    return Timing(measured=Measured(runtime=runtime, memory=_memory(conductor)), outputs=outputs)


def _progress(protocol: Protocol, watching: Watching) -> Callable[[Call], None]:
    """Return what counts calls on random numbers, the samples, as steps after the warm-up."""
    done = [0]

    def on_call(call: Call) -> None:
        done[0] += call.given.image is None and not call.given.repeated
        watching.on_step(protocol.warmup + min(done[0], protocol.repeats))

    return on_call


def _check_threads(child: Child, start: _Start, kind: str) -> Failure | None:
    if kind != "cpu":
        return None
    return clocks.check_threads(child.cpu_s() - start.worked_s, monotonic() - start.wall_s, child.hello.threads)


def _runtime(
    timed: Timed,
    conductor: Conductor,
    protocol: Protocol,
    execution: Execution,
    *,
    gap: Gap,
    start: _Start,
    watching: Watching,
) -> Runtime:
    samples = timed.noise[: protocol.repeats]
    related = [one for one in map(relation, conductor.seen.values()) if one is not None]
    return Runtime(
        samples_ms=tuple(call.sample_ms for call in samples),
        input=protocol.input,
        batch=protocol.batch,
        precision=execution.precision,
        warmup=protocol.warmup,
        wall_s=monotonic() - start.wall_s,
        parent_wall_s=max(0.0, sum(call.bracket_s for call in samples) - len(samples) * gap.usual_ms / 1e3),
        host_ms=tuple(call.host_ms for call in samples if call.host_ms is not None),
        telemetry=(start.state, watching.read_state("after")),
        image_ms=tuple(call.sample_ms for call in timed.crops),
        idle_ms=tuple(call.idle_ms for call in samples if call.idle_ms is not None),
        foreign_load=timed.foreign,
        foreign_gpu=timed.gpu,
        retimed=watching.machine.retimed,
        input_correlation=sorted(related)[len(related) // 2] if related else None,
    )


def _memory(conductor: Conductor) -> Memory | None:
    peak = conductor.last.memory if conductor.last else None
    if peak is None:
        return None
    return Memory(kind=peak.kind, peak_bytes=peak.peak_bytes, baseline_bytes=peak.baseline_bytes)


def _judged(timed: Timed, gap: Gap, kind: str) -> Failure | None:
    """See that the parent's clock agrees; what a busy machine can cause is said of a quiet one only."""
    failure = clocks.check_sum([*timed.noise, *timed.crops], kind)
    if failure is None and timed.quiet:
        failure = clocks.check_besides(timed.noise, gap, kind) or clocks.check_besides(timed.crops, gap, kind)
    return failure


def _settled(
    timed: Timed, gap: Gap, kind: str, blocks: Blocks, conductor: Conductor, expected: Expected, began_s: float
) -> tuple[Timed, Failure | None]:
    """Compare images with random numbers; return the calls that count and what speaks against them.

    A disagreement is tried again, with as many calls on inputs the guest has not seen. It counts if the same comparison
    fails each time: chance fails one or another. The calls of the last try are those that count, so that a guest gains
    nothing by doing its work only after a first disagreement.
    """
    found = _disagreements(timed, gap, kind)
    for turn in range(TRIED_AGAIN):
        if not found or not timed.quiet:
            break
        now = monotonic()
        conductor.extend(now - began_s)  # a try may take as long as the one before
        began_s = now
        plan: list[MakeInput] = [random_input for _ in timed.noise]
        plan += [expected.crops.input for _ in timed.crops]
        share = len(expected.spare) // TRIED_AGAIN
        spare = expected.spare[turn * share : (turn + 1) * share]
        plan += [partial(_same, given) for given in (*spare, *(call.given for call in timed.repeated))]
        secrets.SystemRandom().shuffle(plan)
        again = blocks.run(plan)
        if isinstance(again, Failure):
            return timed, again
        timed = again
        found = {name: failure for name, failure in _disagreements(timed, gap, kind).items() if name in found}
    return timed, next(iter(found.values()), None) if timed.quiet else None


def _disagreements(timed: Timed, gap: Gap, kind: str) -> dict[str, Failure]:
    """What speaks against the samples, by the comparison that found it."""
    known = timed.known if len(timed.known) > 1 else []
    found = {
        "images": clocks.check_images(timed.noise, timed.crops, gap, kind),
        "known images": clocks.check_known_images(timed.noise, known, gap, kind) if known else None,
        "repeated": clocks.check_repeated(timed.noise, timed.repeated, kind) if timed.repeated else None,
    }
    return {name: failure for name, failure in found.items() if failure is not None}


def _same(given: Input) -> Input:
    return given


def _order(protocol: Protocol, expected: Expected, seeds: Sequence[int]) -> list[MakeInput]:
    """Plan all calls in an unpredictable order: repeats, crops, compared images and inputs of the warm-up."""
    repeats, draw = protocol.repeats, secrets.SystemRandom()
    known = [given for given in expected.outputs if given.image is None]
    crops = max(LEAST_CROPS, -(-repeats // 8)) if repeats >= FEW_REPEATS else max(FEW_CROPS, -(-repeats // 2))
    plan: list[MakeInput] = [partial(_same, given) for given in expected.outputs if given not in expected.spare]
    plan += [random_input for _ in range(max(LEAST_NOISE, repeats) - len(known))]
    plan += [expected.crops.input for _ in range(crops)]
    again = draw.sample(list(seeds), min(REPEATED, len(seeds)))
    plan += [partial(random_input, seed, repeated=True) for seed in again]
    draw.shuffle(plan)
    return plan


def _twice(apart: Mapping[Input, float], protocol: Protocol) -> Iterator[OutputTwice]:
    for given, value in apart.items():
        yield OutputTwice(
            given="random numbers" if given.image is None else "images",
            size=protocol.input,
            places=len(look(given, protocol).output),
            difference=value if given.image is None and math.isfinite(value) else None,
            mse=value if given.image is not None and math.isfinite(value) else None,
        )
