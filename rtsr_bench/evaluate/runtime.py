"""Runtime of one model: timed by its child, conducted, bracketed and cross-checked by the parent."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic, sleep

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets import Dataset
from rtsr_bench.evaluate.agreement import Gap, check_clock, check_images, check_outputs, check_threads, differences
from rtsr_bench.evaluate.conduct import PLACES, Call, Conductor, Input, Values, fresh_input
from rtsr_bench.evaluate.detail import telling_places
from rtsr_bench.protocol import Precision, Protocol
from rtsr_bench.record import Failure, Memory, OutputTwice, Runtime, Stage, Telemetry
from rtsr_bench.sandbox import Child

RANDOM_CHECKS, IMAGE_CHECKS = 3, 2
"""Inputs whose outputs are computed in two processes; those of random numbers are ordinary repeats."""

FEWEST_IMAGES, MOST_IMAGES, READY_S = 4, 16, 1.0
"""Images that are held ready: more than are needed, because a doubt is not settled by one that was seen before. As many
as are made in `READY_S` seconds: a short call is the one that a busy machine makes many times as long."""

_PAUSE_S = 0.05
"""Before the n-th image of a doubt, n times this: what keeps the machine busy gets the time to end."""

_GAPS = 6

Expected = dict[Input, Values]
"""What timed calls have to give: values of the output for random numbers, pixel values of the SR image for images."""

Made = tuple[bytes, NDArray[np.uint8]]
"""LR pixels of the timed size, and the SR image that was measured for them."""


def measure_gap(child: Child, protocol: Protocol, precision: Precision) -> Gap | Failure:
    """Measure what a repeat costs beside the model, while no guest is in the child."""
    conductor = Conductor(child, protocol, precision)
    failure = conductor.begin(0)
    calls: list[Call] = []
    for number in range(_GAPS):
        if failure is not None:
            return failure
        image = bytes(protocol.input.pixels * 3) if number % 2 == 1 else None
        made = conductor.call(replace(fresh_input(), whole=image is not None, image=image))
        if isinstance(made, Failure):
            return made
        calls.append(made)
    failure = conductor.finish()
    return failure or Gap.of(calls)


def expect_outputs(
    child: Child, data: Sequence[Dataset], protocol: Protocol, precision: Precision, known: Sequence[Made] = ()
) -> Expected | Failure:
    """Let the model compute, in the child of the images, what timed calls will have to give in another process.

    What an image must give is its SR image: of those `known`, the one that fidelity was measured on; of others, made
    where the data have too few of the timed size, the one that the child makes here as it makes all. Those with most
    detail come first, and are looked at where there is most of it: there models differ.
    """
    conductor = Conductor(child, protocol, precision)
    failure = conductor.begin(0)
    for _ in range(min(RANDOM_CHECKS, protocol.repeats)):
        made = failure or conductor.call(fresh_input())
        if isinstance(made, Failure):
            return made
    failure = conductor.finish()
    if failure is not None:
        return failure
    expected = dict(conductor.outputs)
    detailed: list[tuple[float, Input, Values]] = []
    ready, began = list(known[:FEWEST_IMAGES]), monotonic()
    while len(detailed) < MOST_IMAGES:
        if ready:
            lr, pixels = ready.pop()
        elif len(detailed) < FEWEST_IMAGES or monotonic() - began < READY_S:
            another = _make(child, _image(data, protocol), protocol, precision)
            if isinstance(another, Failure):
                return another
            lr, pixels = another
        else:
            break
        at, detail = telling_places(pixels, PLACES)
        height, width, _ = pixels.shape
        rows, columns = np.divmod(np.array(at) % (height * width), width)
        values = tuple(map(float, pixels[rows, columns, np.array(at) // (height * width)]))
        detailed.append((detail, replace(fresh_input(), image=lr, whole=True, at=at), values))
    detailed.sort(key=lambda one: -one[0])
    return expected | {given: values for _, given, values in detailed}


def _make(child: Child, lr: bytes, protocol: Protocol, precision: Precision) -> Made | Failure:
    """Let the child make the SR image of an LR image of the timed size, as it makes all."""
    size, limit_s = protocol.input, protocol.limits.enhance_s
    sr = child.enhance(lr, size=size, scale=protocol.scale, precision=precision, limit_s=limit_s)
    if isinstance(sr, Failure):
        return replace(sr, stage=Stage.RUNTIME)
    hr = size.times(protocol.scale)
    return lr, np.frombuffer(sr, dtype=np.uint8).reshape(hr.height, hr.width, 3)


def _image(data: Sequence[Dataset], protocol: Protocol) -> bytes:
    """Return an LR image of the timed size that no guest has seen: one of the data's, moved and repeated to fill it."""
    choose = secrets.SystemRandom()
    pairs = [pair for one in data for pair in one.pairs]
    pixels: NDArray[np.uint8] = choose.choice(pairs).lr()
    height, width = protocol.input.height, protocol.input.width
    pixels = np.roll(pixels, (choose.randrange(pixels.shape[0]), choose.randrange(pixels.shape[1])), axis=(0, 1))
    times = (-(-height // pixels.shape[0]), -(-width // pixels.shape[1]), 1)
    return np.ascontiguousarray(np.tile(pixels, times)[:height, :width]).tobytes()


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The runtime and the memory it took, as far as the system tells."""

    runtime: Runtime
    memory: Memory | None


def measure_runtime(
    child: Child,
    protocol: Protocol,
    precision: Precision,
    *,
    gap: Gap,
    expected: Expected,
    read_state: Callable[[str], Telemetry],
    on_step: Callable[[int], None],
    data_range: float = 1.0,
    twice: list[OutputTwice] | None = None,
) -> Measured | Failure:
    """Time every repeat and see that nothing speaks against it.

    The checked inputs stand among the repeats where nobody can foresee them; those with images are no samples. How far
    their outputs were apart is added to `twice`, whatever comes of the rest.
    """
    began = monotonic()
    conductor = Conductor(child, protocol, precision)
    states, worked_s = [read_state("before")], child.cpu_s()
    failure = conductor.begin(protocol.warmup, on_progress=on_step)
    if failure is not None:
        return failure
    order = _order(protocol.repeats, list(expected))
    calls: list[Call] = []
    images: list[Call] = []
    for given in order:
        made = conductor.call(given)
        if isinstance(made, Failure):
            return made
        (images if given.image is not None else calls).append(made)
        on_step(protocol.warmup + len(calls))
        states += _state(states, began, read_state)
    kind = child.hello.device.partition(":")[0]
    again = list(images)
    spare = [given for given in expected if given.image is not None and given not in order]
    while (failure := check_images(calls, again, gap, kind)) is not None and spare:
        sleep(_PAUSE_S * len(again))
        made = conductor.call(spare.pop())
        if isinstance(made, Failure):
            return made
        again.append(made)
    finished = conductor.finish(memory=True)
    apart = differences(expected, conductor.outputs, data_range)
    if twice is not None and finished is None:
        twice += _twice(apart, protocol)
    failure = finished or check_clock(calls, gap, kind) or failure or check_outputs(apart, precision, kind)
    if failure is None and kind == "cpu":
        failure = check_threads(child.cpu_s() - worked_s, monotonic() - began, child.hello.threads)
    if failure is not None:
        return failure
    seen_s = sum(call.bracket_s for call in calls) - len(calls) * gap.usual_ms / 1e3
    runtime = Runtime(
        samples_ms=tuple(call.sample_ms for call in calls),
        input=protocol.input,
        batch=protocol.batch,
        precision=precision,
        warmup=protocol.warmup,
        wall_s=monotonic() - began,
        parent_wall_s=max(0.0, seen_s),
        host_ms=tuple(call.host_ms for call in calls if call.host_ms is not None),
        telemetry=(*states, read_state("after")),
    )
    peak = conductor.last.memory if conductor.last else None
    memory = None
    if peak is not None:
        memory = Memory(kind=peak.kind, peak_bytes=peak.peak_bytes, baseline_bytes=peak.baseline_bytes)
    return Measured(runtime=runtime, memory=memory)


def _twice(apart: Mapping[Input, float], protocol: Protocol) -> list[OutputTwice]:
    return [
        OutputTwice(
            given="random numbers" if given.image is None else "images",
            size=protocol.input,
            places=len(given.at) or PLACES,
            difference=value if given.image is None and math.isfinite(value) else None,
            mse=value if given.image is not None and math.isfinite(value) else None,
        )
        for given, value in apart.items()
    ]


def _order(repeats: int, checks: list[Input]) -> list[Input]:
    """Put the checked inputs among fresh ones, so that `repeats` of them all are random numbers."""
    random = [given for given in checks if given.image is None]
    order = random + [fresh_input() for _ in range(repeats - len(random))]
    shuffle = secrets.SystemRandom()
    shuffle.shuffle(order)
    for given in [given for given in checks if given.image is not None][:IMAGE_CHECKS]:
        order.insert(shuffle.randrange(1, len(order) + 1), given)
    return order


_STATE_EVERY_S, _STATES = 1.0, 200


def _state(states: list[Telemetry], began: float, read_state: Callable[[str], Telemetry]) -> list[Telemetry]:
    """Read the device's state about once a second, some hundred times at most."""
    due = len(states) < _STATES and monotonic() - began > _STATE_EVERY_S * len(states)
    return [read_state("during")] if due else []
