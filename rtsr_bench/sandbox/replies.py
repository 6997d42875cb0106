"""Shapes of a child's answers. A guest's code may have written them: every field is checked before it is believed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from rtsr_bench.protocol import SCALES
from rtsr_bench.record import Count

Reply = TypeVar("Reply")
_MAX_FACTS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Hello:
    """What the child knows of the device before any guest is there."""

    device: str
    device_name: str
    device_uuid: str
    torch: str
    python: str
    threads: int
    facts: dict[str, str]

    def __post_init__(self) -> None:
        if len(self.facts) > _MAX_FACTS:
            raise ValueError(f"more than {_MAX_FACTS} facts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """The model stands; `scale` is the declared one, or the one found by running it."""

    scale: int

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"a scale of {self.scale}, expected one of {SCALES}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Enhanced:
    """The SR image lies in its file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakMemory:
    """Bytes in use at most while timing, and before the model was built."""

    kind: str
    peak_bytes: int
    baseline_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Warmed:
    """The untimed calls are done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """Milliseconds of one call, on the device and (for CUDA) on the host; values of the output of the call before."""

    sample_ms: float
    host_ms: float | None = None
    probe: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sample_ms) and self.sample_ms > 0 and math.isfinite(self.host_ms or 0.0)):
            raise ValueError("a sample that is no positive number of milliseconds")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Values of the last output, and the peak of memory where the system tells."""

    probe: tuple[float | None, ...] = ()
    memory: PeakMemory | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """Parameters and operations."""

    params: int
    counts: tuple[Count, ...]

    def __post_init__(self) -> None:
        numbers = [self.params]
        for count in self.counts:
            numbers += [count.macs, count.flops, count.activations, count.convs, *count.uncounted.values()]
        if min(numbers) < 0:
            raise ValueError("a negative count")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One question of the contract check; `ok` is None where the answer is neither good nor bad."""

    question: str
    ok: bool | None
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All answers of the contract check."""

    findings: tuple[Finding, ...] = field(default=())


def convert(message: dict[str, Any], kind: type[Reply]) -> Reply:
    """Turn a `done` message into its shape; ValueError with a sentence where it does not fit."""
    try:
        return msgspec.convert(message, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"the answer does not fit: {error}") from None
