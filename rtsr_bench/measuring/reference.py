"""The fixed references: a small stack of convolutions and bicubic, timed in eager fp32 in a process without a guest.

They are the same for every track, model and execution, so that the model's runtime can be given relative to them. What
changes their time (code, input, number of untimed calls) is another reference: then its id gets another number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter_ns

import torch
from torch.nn import functional

from rtsr_bench.measuring import memory, numerics
from rtsr_bench.measuring.clocks import Clock
from rtsr_bench.measuring.guest import no_gradients
from rtsr_bench.protocol import Size
from rtsr_bench.wire import ReferenceSamples, ReferenceTimed

SCALE = 2
CHANNELS = (3, 16, 16, 16, 3 * SCALE**2)
"""Of the stack: four 3x3 convolutions with ReLU between them, then a pixel shuffle; no trained weights are needed."""

_VERSION, _SEED = 1, 20230618
_Step = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """The LR input, and how much is called: at least `warmup` untimed calls that take `warm_ms`, then up to `calls`."""

    size: Size
    warmup: int
    warm_ms: float
    calls: int


AMOUNTS = {
    "cpu": Amount(size=Size(180, 320), warmup=2, warm_ms=0.0, calls=5),
    "cuda": Amount(size=Size(1080, 1920), warmup=3, warm_ms=100.0, calls=50),
}
"""By kind of device. On a card a small input would measure how fast the host launches kernels, and an idle card has to
raise its clocks first. CUDA: estimates, not yet tried."""

LEAST_CALLS, MOST_MS = 3, 300.0
"""On a slow or busy machine fewer calls are timed, so that they take no longer than this, but at least three."""


def time_references(device: torch.device, clock: Clock) -> ReferenceTimed:
    """Time both references on a device, with the clock and the settings of timed calls."""
    amount = AMOUNTS[device.type]
    numerics.settle(tf32=False)
    memory.keep_freed()
    torch.backends.cudnn.benchmark = True
    generator = torch.Generator().manual_seed(_SEED)
    image = torch.rand(1, 3, amount.size.height, amount.size.width, generator=generator).to(device)
    with no_gradients():
        convs = _timed(_stack(device, generator), image, clock, amount)
        bicubic = _timed(_enlarge, image, clock, amount)
    layers = "-".join(map(str, CHANNELS))
    return ReferenceTimed(
        convs=ReferenceSamples(id=f"convs-{layers}-{amount.size}/{_VERSION}", samples_ms=convs),
        bicubic=ReferenceSamples(id=f"bicubic-x{SCALE}-{amount.size}/{_VERSION}", samples_ms=bicubic),
    )


def _stack(device: torch.device, generator: torch.Generator) -> _Step:
    """Make the stack, with weights that keep the spread of values from layer to layer (He et al. 2015)."""
    weights = [
        (torch.randn(after, before, 3, 3, generator=generator) * math.sqrt(2 / (9 * before))).to(device)
        for before, after in pairwise(CHANNELS)
    ]

    def run(image: torch.Tensor) -> torch.Tensor:
        found = image
        for number, weight in enumerate(weights):
            found = functional.conv2d(functional.relu_(found) if number else found, weight, padding=1)
        return functional.pixel_shuffle(found, SCALE)

    return run


def _enlarge(image: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(image, scale_factor=SCALE, mode="bicubic", align_corners=False)


def _timed(step: _Step, image: torch.Tensor, clock: Clock, amount: Amount) -> tuple[float, ...]:
    began, done = perf_counter_ns(), 0
    while done < amount.warmup or perf_counter_ns() - began < amount.warm_ms * 1e6:
        step(image)
        clock.settle()
        done += 1
    samples: list[float] = []
    while len(samples) < amount.calls and (len(samples) < LEAST_CALLS or sum(samples) < MOST_MS):
        timed = clock.time(lambda: step(image))
        samples.append(timed.sample_ms)
        del timed  # freed outside of the next timed call
    return tuple(samples)
