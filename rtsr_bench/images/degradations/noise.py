"""`noiseS`: additive white Gaussian noise with a standard deviation of S grey levels (of 255), the same on any machine.

Each sample of each channel is one of 2^16 equally likely quantiles of the normal distribution, at most 4.3 standard
deviations from the mean. The arithmetic uses integers, and the bits come from PCG64, whose stream numpy guarantees:
unlike with `Generator.normal`, the same seed gives the same pixels with every version.
"""

from __future__ import annotations

import functools
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.images.degradations import DEGRADATIONS, Effect, Pixels, Settings

_LEVELS = 1 << 16
_UNIT = 1 << 12
"""Quantiles are in units of 1/4096 of the standard deviation, which is in tenths of a grey level."""

_STEPS = 10 * _UNIT


@functools.cache
def _quantiles() -> NDArray[np.int32]:
    normal = NormalDist()
    upper = [round(_UNIT * normal.inv_cdf((level + 0.5) / _LEVELS)) for level in range(_LEVELS // 2, _LEVELS)]
    return np.array([*(-value for value in reversed(upper)), *upper], dtype=np.int32)


def _alter(image: Pixels, settings: Settings, seed: int) -> Pixels:
    words = np.random.PCG64(seed).random_raw(-(-image.size // 4)).astype("<u8")
    drawn = _quantiles()[words.view("<u2")[: image.size]].reshape(image.shape)
    tenths = 10 * int(settings["whole"]) + int(settings["tenth"] or 0)
    summed = image.astype(np.int32) * _STEPS + tenths * drawn
    return np.asarray(np.clip((summed + _STEPS // 2) // _STEPS, 0, 255), dtype=np.uint8)


def _words(settings: Settings) -> str:
    sigma = settings["whole"] + (f".{settings['tenth']}" if settings["tenth"] else "")
    return f"white Gaussian noise of standard deviation {sigma}"


DEGRADATIONS.add(
    Effect(
        name="noise",
        settings=r"(?P<whole>\d{1,2})(?:\.(?P<tenth>\d))?",
        form="noiseS (S grey levels below 100, with at most one decimal)",
        words=_words,
        alter=_alter,
        random=True,
    )
)
