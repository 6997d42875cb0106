"""The measurements of a model: fidelity, runtime, complexity, memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from rtsr_bench.protocol import Precision, Size

MSE = "mse"
"""The observation that a record stores for PSNR; bicubic is exact where it is 0."""

LEAST_MS, MOST_MS = 1e-6, 1e9
"""Range of a sample: a nanosecond to eleven days. Values outside it would overflow in a report."""


def by_convention(values: Mapping[str, float], name: str) -> dict[str, float]:
    """Select the values whose key `NAME/CONVENTION` has this name, by convention."""
    return {key.removeprefix(f"{name}/"): value for key, value in values.items() if key.startswith(f"{name}/")}


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFidelity:
    """Metric observations of one image, unrounded, by `NAME/CONVENTION` such as `mse/rgb_b0` or `ssim/y_b2`.

    `baseline` holds those of bicubic on the same image, for the metrics that compare with it.
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
        """Whether bicubic has no error under a convention (a key), as on a flat image; means of PSNR exclude it."""
        return self.baseline.get(f"{MSE}/{convention}") == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fidelity:
    """Metrics of the SR images against HR, in one precision."""

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
    """The device at one moment; None for what it does not report. Clocks in MHz, power in W, temperature in °C."""

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

    `parent_wall_s` is their time on the harness's clock, less the overhead of a repeat without a model. `image_ms`:
    calls on image crops, interleaved with the repeats; these are not samples. `idle_ms`: the pause before each repeat
    since the previous call. `foreign_load` and `foreign_gpu`: share (0..1) of all processors, and of the GPU, that
    other work used during the kept calls, None if unknown. `retimed`: number of calls repeated because other work
    disturbed them. `input_correlation`: median over the repeats of the correlation of the box-downsampled output with
    the input. The fields after `parent_wall_s` exist since schema 6.
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
            raise ValueError("expected at least one sample in a runtime, found none")
        for share in (self.foreign_load, self.foreign_gpu):
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"expected a share of a machine in 0..1, found {share!r}")
        for value in (*self.samples_ms, *self.image_ms):
            if not LEAST_MS <= value <= MOST_MS:
                raise ValueError(f"expected a sample of {LEAST_MS:g} to {MOST_MS:g} ms, found {value!r}")
        if self.batch < 1 or self.input.pixels < 1 or self.warmup < 0:
            raise ValueError(f"impossible timed input: {self.input}, batch {self.batch}, warm-up {self.warmup}")


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
    """Parameters as deployed, and operations; the count at the track's LR size comes first."""

    params: int
    counts: tuple[Count, ...]

    def __post_init__(self) -> None:
        if self.params < 0 or any(min(one.macs, one.flops, one.activations, one.convs) < 0 for one in self.counts):
            raise ValueError("expected counts of at least 0, found a negative one")


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Peak bytes of a call; `kind` names the source, such as `cuda-allocator` or `rss` (less what was used before)."""

    kind: str
    peak_bytes: int
    baseline_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """What an execution needs before its first call, such as exporting and compiling, in the process that was timed.

    `seconds`: from the loaded PyTorch model to its first output at the timed size, on the harness's clock.
    `graph_bytes`: size of the exported graph or of the compiled code, 0 if the backend does not tell. `peak_bytes`: how
    far the child's memory rose meanwhile, None if the system does not tell.
    """

    seconds: float
    graph_bytes: int = 0
    peak_bytes: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.seconds < math.inf) or self.graph_bytes < 0:
            raise ValueError(f"impossible set-up: {self.seconds!r} s, {self.graph_bytes!r} bytes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Throughput:
    """Frames from host memory to host memory, as many as possible: uploaded, converted, enhanced, rounded, downloaded.

    Transfers overlap with the model where the device can do that. `wall_s` is on the harness's clock.
    """

    frames: int
    wall_s: float

    def __post_init__(self) -> None:
        if self.frames < 1 or not 0 < self.wall_s < math.inf:
            raise ValueError(f"impossible throughput: {self.frames!r} frames in {self.wall_s!r} s")

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.frames / self.wall_s
