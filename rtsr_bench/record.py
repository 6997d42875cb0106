"""What is kept of one model on one track under one protocol on one system.

Observations are stored, everything else is derived: per-image MSE and SSIM, every timed sample, unrounded. An outcome
field is the measurement, a `Failure` (tried and failed) or None (not asked for); nothing else is possible.

History of the schema, newest first (loaders upgrade step by step, see `store`):

- 2 (2026-11): `model.untrained` says why a model has no weights worth a fidelity; such a record holds none.
- 1 (2026-11): the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .protocol import Precision, Protocol, Size

SCHEMA = 2
LEAST_MS, MOST_MS = 1e-6, 1e9
"""What can be a sample: a nanosecond to eleven days. Outside of it the arithmetic of a report would overflow."""


class Stage(StrEnum):
    """Where a guest failed."""

    LOAD = "load"
    ENHANCE = "enhance"
    RUNTIME = "runtime"
    COMPLEXITY = "complexity"


class FailureKind(StrEnum):
    """How a guest failed."""

    EXCEPTION = "exception"
    BAD_OUTPUT = "bad_output"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    NO_RESULT = "no_result"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The guest broke: at which stage, how, in one line (`message`), and the guest's own words (`detail`)."""

    stage: Stage
    kind: FailureKind
    message: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionFacts:
    """Who handed in what; `digest` is the SHA-256 over the names and bytes of the submission's files."""

    id: str
    team: str
    title: str
    digest: str
    origin: str = "guest"
    authors: str = ""
    paper: str = ""
    code: str = ""
    license: str = ""
    notes: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """Which model of the submission; `id` is `submission/variant-xN`, `checkpoint_sha256` empty where it has none.

    `untrained` says in a few words why the model has no trained weights ("architecture only"); empty where it has.
    """

    id: str
    scale: int
    variant: str = ""
    format: str = "python"
    data_range: float = 1.0
    checkpoint: str = ""
    checkpoint_sha256: str = ""
    untrained: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """The hardware and software measured on. `facts` holds what only one kind of device has, as text."""

    device_kind: str
    device_name: str
    device_index: int | None = None
    cpu_model: str
    cpu_cores: int
    torch_threads: int
    memory_bytes: int
    os: str
    python: str
    torch: str
    facts: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    isolation: str = "process"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataUse:
    """A data set as measured on: `id` as the protocol asks for it, `name` as readers are shown it.

    `digest` is over its image pairs, `verified` when every file matched a pinned hash.
    """

    id: str
    name: str
    digest: str
    images: int
    verified: bool
    complete: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFidelity:
    """Sufficient statistics of one image: MSE on 0..255 and SSIM by convention key, and bicubic's MSE beside them."""

    name: str
    data_set: str
    size: Size
    mse: dict[str, float]
    ssim: dict[str, float]
    baseline_mse: dict[str, float]

    def __post_init__(self) -> None:
        for value in (*self.mse.values(), *self.baseline_mse.values()):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"an MSE is finite and at least 0, found {value!r} at image {self.name!r}")
        for value in self.ssim.values():
            if not -1.0 <= value <= 1.0 + 1e-9:
                raise ValueError(f"an SSIM lies in [-1, 1], found {value!r} at image {self.name!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fidelity:
    """How near the SR images come to HR, in the precision named."""

    precision: Precision
    images: tuple[ImageFidelity, ...]
    wall_s: float


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

    `parent_wall_s` is the same on the harness's own clock, less what a repeat costs without a model.
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

    def __post_init__(self) -> None:
        if not self.samples_ms:
            raise ValueError("a runtime holds at least one sample")
        for value in self.samples_ms:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One model on one track under one protocol on one system; the evidence everything published is derived from.

    `started` is UTC in ISO 8601; `wall_s` the whole measurement's seconds; `overrides` the command-line overrides that
    made it unofficial, in words. `fidelity` is in the timed precision, `fidelity_fp32` beside it where that is another;
    a model that says `untrained` has neither. `data` are the sets that fidelity is (or would be) measured on.
    """

    schema: int = SCHEMA
    track: str
    track_digest: str
    protocol: Protocol
    overrides: tuple[str, ...] = ()
    submission: SubmissionFacts
    model: ModelFacts
    system: System
    data: tuple[DataUse, ...]
    started: str
    wall_s: float
    harness: str
    command: str = ""
    fidelity: Fidelity | Failure | None = None
    fidelity_fp32: Fidelity | Failure | None = None
    runtime: Runtime | Failure | None = None
    complexity: Complexity | Failure | None = None
    memory: Memory | Failure | None = None

    def __post_init__(self) -> None:
        try:
            datetime.fromisoformat(self.started)
        except ValueError:
            raise ValueError(f"`started` is a time in ISO 8601, found {self.started!r}") from None
        if self.model.untrained and (self.fidelity is not None or self.fidelity_fp32 is not None):
            raise ValueError(f"a model without trained weights ({self.model.untrained!r}) has no fidelity, found one")

    @property
    def key(self) -> str:
        """What makes two records answers to the same question; the latest one answers it."""
        return record_key(
            track=self.track,
            protocol=self.protocol,
            submission=self.submission.id,
            submission_digest=self.submission.digest,
            model=self.model.id,
            checkpoint_sha256=self.model.checkpoint_sha256,
            device_name=self.system.device_name,
            torch_threads=self.system.torch_threads,
            data=self.data,
        )


def record_key(
    *,
    track: str,
    protocol: Protocol,
    submission: str,
    submission_digest: str,
    model: str,
    checkpoint_sha256: str,
    device_name: str,
    torch_threads: int,
    data: tuple[DataUse, ...],
) -> str:
    """Return a record's key before there is one: who, with which files, on what, by which rules, on what device."""
    sets = ",".join(f"{use.name}={use.digest}" for use in data)
    system = f"{device_name}, {torch_threads} threads"
    parts = (track, protocol.digest, submission, submission_digest, model, checkpoint_sha256, system, sets)
    return "|".join(parts)
