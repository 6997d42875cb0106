"""Whether the outputs of timed calls are those of the model: against another process, and against their own inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.backends import Tolerance
from rtsr_bench.evaluate.clocks import inconsistent
from rtsr_bench.evaluate.conduct import Seen, Values
from rtsr_bench.evaluate.inputs import BLOCKS, Input
from rtsr_bench.record import Failure

_FEW_PAIRS = BLOCKS // 4
_SILENT = 0.125
"""Share of the calls on random numbers whose output may be the same everywhere."""


def differences(
    expected: Mapping[Input, Values], found: Mapping[Input, Values], data_range: float = 1.0
) -> dict[Input, float]:
    """Say of each input that two processes were given how far its outputs are apart.

    Of random numbers that is `distance`. Of an image it is the mean square of `beyond_rounding`, on 0..255, between the
    pixels of its SR image and the values that a timed call gave.
    """
    return {
        given: distance(values, found[given])
        if given.image is None
        else _pixels_apart(values, found[given], data_range)
        for given, values in expected.items()
        if given in found
    }


def _pixels_apart(pixels: Values, found: Values, data_range: float) -> float:
    if len(pixels) != len(found) or None in pixels or None in found:
        return math.inf  # an SR image is finite everywhere, or there is none
    pairs = [(a, b) for a, b in zip(pixels, found, strict=True) if a is not None and b is not None]
    return math.fsum(beyond_rounding(a, b / data_range) ** 2 for a, b in pairs) / len(pairs)


def beyond_rounding(pixel: float, value: float) -> float:
    """Return how far 255 * clamp(value, 0, 1) lies outside of the interval of values that round to the pixel.

    A value in the middle between two levels rounds either way, by errors of the last bit: both pixels are right.
    """
    return max(0.0, abs(min(1.0, max(0.0, value)) * 255 - pixel) - 0.5)


def images_apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean square (on 0..255) of what rounding cannot explain between two SR images: a difference of one level can."""
    apart = np.abs(one.astype(np.int16) - other) - 1
    return float(np.mean(np.maximum(apart, 0).astype(np.float64) ** 2))


def check_outputs(apart: Mapping[Input, float], tolerance: Tolerance) -> Failure | None:
    """Check that the outputs of timed calls are those of another process for the same inputs."""
    for given, difference in apart.items():
        if given.image is None and not difference <= tolerance.spread:
            return inconsistent(
                "for random numbers the timed output differs from the reference output (of another process) by "
                f"{difference:.3g} of its spread, expected at most {tolerance.spread:g}"
            )
        if given.image is not None and not difference <= tolerance.most_mse:
            return inconsistent(
                "for an image the timed output differs from the reference output (its SR image) by a mean square of "
                f"{difference:.3g} (pixel values 0..255), expected at most {tolerance.most_mse:.2g}"
            )
    return None


def distance(expected: Values, found: Values) -> float:
    """Root mean square of the difference over the spread of what is expected; not finite is equal to not finite."""
    if len(expected) != len(found):
        return math.inf
    finite = [a for a in expected if a is not None]
    odd = sum((a is None) != (b is None) for a, b in zip(expected, found, strict=True))
    # A value at the edge of what half precision holds may fall on either side of it.
    if odd > 0.1 * len(expected):
        return math.inf
    pairs = [(a, b) for a, b in zip(expected, found, strict=True) if a is not None and b is not None]
    if not pairs:
        return 0.0
    mean = math.fsum(finite) / len(finite)
    spread = math.sqrt(math.fsum((a - mean) ** 2 for a in finite) / len(finite))
    error = math.sqrt(math.fsum((a - b) ** 2 for a, b in pairs) / len(pairs))
    return error / max(spread, 1e-3 * abs(mean), 1e-6)


def relation(seen: Seen) -> float | None:
    """Return the correlation (-1..1) of a random input with the output over it, each block of which is averaged.

    0 where the output is the same everywhere; None where too few blocks are finite to tell. A model that removes noise
    has little of it, which is no fault: the figure stands in the record, and a low one is a warning.
    """
    pairs = _pairs(seen)
    if len(pairs) < _FEW_PAIRS:
        return None
    given, means = np.asarray(pairs).T
    if means.min() == means.max() or given.min() == given.max():
        return 0.0
    return float(np.corrcoef(given, means)[0, 1])


def _pairs(seen: Seen) -> list[tuple[float, float]]:
    """Values of the input, each with the mean of the finite block of the output over it."""
    size = len(seen.output) // max(1, len(seen.given))
    found = []
    for place, value in enumerate(seen.given):
        block = [one for one in seen.output[place * size : (place + 1) * size] if one is not None]
        if value is not None and len(block) == size:
            found.append((value, math.fsum(block) / size))
    return found


def check_answers(seen: Iterable[Seen]) -> Failure | None:
    """See that a model answers random numbers with an image: an output that is the same everywhere is none."""
    answered = [one.output for one in seen if len(_pairs(one)) >= _FEW_PAIRS]
    silent = sum(len(set(values)) == 1 for values in answered)
    if silent <= _SILENT * len(answered):
        return None
    return inconsistent(f"in {silent} of {len(answered)} calls on random numbers the output is the same everywhere")
