"""What has to be known before a model is timed: what a call costs without one, and what its outputs have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets import Dataset
from rtsr_bench.evaluate.clocks import Gap
from rtsr_bench.evaluate.conduct import Call, Conductor, Values
from rtsr_bench.evaluate.detail import telling_places
from rtsr_bench.evaluate.inputs import PLACES, Crops, Input, image_input, random_input
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import Failure, Stage
from rtsr_bench.sandbox import Child

RANDOM_CHECKS, IMAGE_CHECKS, SPARE = 3, 4, 4
"""Inputs whose outputs are computed in two processes, and images more that are kept back for further tries: a guest has
seen the others. Those of random numbers are ordinary repeats. Half of the images are crops like all others."""

_GAPS_WARM, _GAPS, _GAPS_S = 3, 8, 1.0
"""Calls without a model: those that are thrown away, the most that are kept, and seconds after which half will do."""

Made = tuple[bytes, NDArray[np.uint8]]
"""LR pixels of the timed size, and the SR image that was measured for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What timed calls have to give, by input, and what makes new crops.

    Outputs are values for random numbers and pixel values of the SR image for images. `spare` are images that are shown
    only where the times of the others disagree.
    """

    outputs: Mapping[Input, Values]
    crops: Crops
    spare: tuple[Input, ...] = ()


def measure_gap(child: Child, protocol: Protocol, execution: Execution) -> Gap | Failure:
    """Measure what a call costs beside the model, while no guest is in the child; the first few calls do not count."""
    conductor = Conductor(child, protocol, execution)
    failure = conductor.begin(0)
    calls: list[Call] = []
    began = monotonic()
    image = bytes(protocol.input.pixels * 3)
    while failure is None and len(calls) < 2 * _GAPS + _GAPS_WARM:
        number = len(calls) - _GAPS_WARM
        if number >= _GAPS and monotonic() - began > _GAPS_S:
            break
        # Images after every other call, so that each kind follows the other one, as it does when a model is timed.
        given = image_input(image) if number % 2 else random_input()
        made = conductor.call(given)
        if isinstance(made, Failure):
            return made
        calls.append(made)
    failure = failure or conductor.finish()
    return failure or Gap.of(calls[_GAPS_WARM:])


def expect_outputs(
    child: Child, data: Sequence[Dataset], protocol: Protocol, execution: Execution, known: Sequence[Made] = ()
) -> Expected | Failure:
    """Let the model compute, in the child of the images, what timed calls will have to give in another process.

    What an image must give is its SR image: of those `known`, the one that fidelity was measured on; of crops, made
    where the data have too few of the timed size, the one that the child makes here as it makes all. They are looked
    into where there is most detail: there models differ.
    """
    conductor = Conductor(child, protocol, execution)
    failure = conductor.begin(0)
    for _ in range(min(RANDOM_CHECKS, protocol.repeats)):
        made = failure or conductor.call(random_input())
        if isinstance(made, Failure):
            return made
    failure = conductor.finish()
    if failure is not None:
        return failure
    outputs: dict[Input, Values] = dict(conductor.outputs)
    size = protocol.input
    bases = [np.frombuffer(lr, dtype=np.uint8).reshape(size.height, size.width, 3) for lr, _ in known]
    crops = Crops(bases, size) if len(bases) > 1 else Crops.of(data, size)
    ready, spare = list(known), []
    for number in range(IMAGE_CHECKS + SPARE):
        image = ready.pop() if ready and number % 2 else _enhanced(child, crops.fresh(), protocol, execution)
        if isinstance(image, Failure):
            return image
        given, values = _compared(*image)
        outputs[given] = values
        spare += [given] if number >= IMAGE_CHECKS else []
    return Expected(outputs=outputs, crops=crops, spare=tuple(spare))


def _enhanced(child: Child, lr: bytes, protocol: Protocol, execution: Execution) -> Made | Failure:
    """Let the child make the SR image of an LR image of the timed size, as it makes all."""
    size, limit_s = protocol.input, protocol.limits.enhance_s
    sr = child.enhance(lr, size=size, scale=protocol.scale, execution=execution, limit_s=limit_s)
    if isinstance(sr, Failure):
        return replace(sr, stage=Stage.RUNTIME)
    hr = size.times(protocol.scale)
    return lr, np.frombuffer(sr, dtype=np.uint8).reshape(hr.height, hr.width, 3)


def _compared(lr: bytes, sr: NDArray[np.uint8]) -> tuple[Input, Values]:
    """Return an image as an input, and the pixel values that its output has to give at the places it is looked into."""
    at, _ = telling_places(sr, PLACES)
    height, width, _ = sr.shape
    rows, columns = np.divmod(np.array(at) % (height * width), width)
    values = tuple(map(float, sr[rows, columns, np.array(at) // (height * width)]))
    return image_input(lr, at=at), values
