"""What was observed of a model: fidelity, runtime, complexity, memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from rtsr_bench.protocol import Precision, Size

MSE = "mse"
"""The observation that a record keeps of PSNR, and by which bicubic is known to be exact."""

LEAST_MS, MOST_MS = 1e-6, 1e9
"""What can be a sample: a nanosecond to eleven days. Outside of it the arithmetic of a report would overflow."""


def by_convention(values: Mapping[str, float], name: str) -> dict[str, float]:
    """Return those of values by `NAME/CONVENTION` that have this name, by convention."""
    return {key.removeprefix(f"{name}/"): value for key, value in values.items() if key.startswith(f"{name}/")}


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFidelity:
    """What metrics observed of one image, unrounded, by `NAME/CONVENTION` such as `mse/rgb_b0` or `ssim/y_b2`.

    `baseline` holds the same of bicubic on this image, for the metrics that compare with it.
    """

    name: str
    data_set: str
    size: Size
    values: dict[str, float]
    baseline: dict[str, float]

    def observed(self, name: str) -> dict[str, float]:
        """Observations of a name by convention key."""
        return by_convention(self.values, name)

    def of_bicubic(self, name: str) -> dict[str, float]:
        """Bicubic's observations of a name by convention key."""
        return by_convention(self.baseline, name)

    def bicubic_is_exact(self, convention: str) -> bool:
        """Whether bicubic makes no error under a convention (a key), as on a flat image: means of PSNR leave it out."""
        return self.baseline.get(f"{MSE}/{convention}") == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fidelity:
    """How near the SR images come to HR, in the precision named."""

    precision: Precision
    images: tuple[ImageFidelity, ...]
    wall_s: float

    def __post_init__(self) -> None:
        from rtsr_bench.metric import bounds  # the child, which imports records too, has no metrics

        limits = bounds()
        for image in self.images:
            for key, value in (*image.values.items(), *image.baseline.items()):
                low, high = limits.get(key.partition("/")[0], (-math.inf, math.inf))
                if not (math.isfinite(value) and low <= value <= high):
                    raise ValueError(
                        f"expected `{key}` to be finite and in [{low:g}, {high:g}], found {value!r} at {image.name!r}"
                    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Telemetry:
    """The device at one moment; None where the device does not tell. Clocks in MHz, power in W, temperature in °C."""

    when: str
    sm_clock_mhz: int | None = None
    memory_clock_mhz: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    utilization_percent: int | None = None
    throttle_reasons: tuple[str, ...] = ()
    load_average: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """Milliseconds of each timed repetition of the model call, in order.

    `parent_wall_s` is the same on the harness's own clock, less what a repeat costs without a model. `image_ms`: calls
    on image crops, interleaved with the repeats; no samples. `idle_ms`: the pause before each repeat since the call
    before. `foreign_load` and `foreign_gpu`: share (0..1) of all processors, and of the GPU, that other work used while
    the kept calls were timed, None where unknown. `retimed`: calls timed again because other work had disturbed them.
    `input_correlation`: median over the repeats of the correlation of the box-downsampled output with the input. All
    of these since schema 6.
    """

    samples_ms: tuple[float, ...]
    input: Size
    batch: int
    precision: Precision
    warmup: int
    wall_s: float
    parent_wall_s: float
    host_ms: tuple[float, ...] = ()
    telemetry: tuple[Telemetry, ...] = ()
    image_ms: tuple[float, ...] = ()
    idle_ms: tuple[float, ...] = ()
    foreign_load: float | None = None
    foreign_gpu: float | None = None
    retimed: int = 0
    input_correlation: float | None = None

    def __post_init__(self) -> None:
        if not self.samples_ms:
            raise ValueError("a runtime holds at least one sample")
        for share in (self.foreign_load, self.foreign_gpu):
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"a share of a machine lies in 0..1, found {share!r}")
        for value in (*self.samples_ms, *self.image_ms):
            if not LEAST_MS <= value <= MOST_MS:
                raise ValueError(f"a sample is a positive number of milliseconds up to {MOST_MS:g}, found {value!r}")
        if self.batch < 1 or self.input.pixels < 1 or self.warmup < 0:
            raise ValueError(f"no such input was ever timed: {self.input}, batch {self.batch}, warm-up {self.warmup}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """Operations of one forward pass at one LR size. 1 MAC = 2 FLOPs; `uncounted`: operators without a formula."""

    input: Size
    macs: int
    flops: int
    activations: int
    convs: int
    uncounted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Complexity:
    """Parameters as deployed and operations, at the track's LR size first."""

    params: int
    counts: tuple[Count, ...]

    def __post_init__(self) -> None:
        if self.params < 0 or any(min(one.macs, one.flops, one.activations, one.convs) < 0 for one in self.counts):
            raise ValueError("a count is at least 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Peak bytes during the timed passes; `kind` says whose: `cuda-allocator` or `rss` (less what was there before)."""

    kind: str
    peak_bytes: int
    baseline_bytes: int
