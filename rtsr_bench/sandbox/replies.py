"""Shapes of a child's answers. A guest's code may have written them: every field is checked before it is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from rtsr_bench.protocol import SCALES
from rtsr_bench.record import LEAST_MS, MOST_MS, Count

Reply = TypeVar("Reply")
_MAX_FACTS, _MAX_COUNTS, _MAX_UNCOUNTED, _MAX_FINDINGS, _MAX_NAME = 64, 16, 200, 64, 300
_MOST = 1 << 62
"""No count of anything comes near; what is larger no reader of a record could take for a number."""

_LARGEST_VALUE = 4e38
"""Somewhat more than a 32-bit float holds: what is larger would overflow when it is squared."""


def _see_values(probe: tuple[float | None, ...]) -> None:
    if any(value is not None and abs(value) > _LARGEST_VALUE for value in probe):
        raise ValueError("a value of an output beyond what 32 bits hold")


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """The plug-ins are imported."""


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
    """The model is loaded; `scale` is the declared one, or the one found by running it.

    `notes`: what had to be done to load it, one sentence each. `stubs`: missing packages in whose place a stub stands.
    """

    scale: int
    notes: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.stubs) > _MAX_FINDINGS or any(len(name) > _MAX_NAME for name in self.stubs):
            raise ValueError(f"more than {_MAX_FINDINGS} stubs, or one of more than {_MAX_NAME} characters")
        if len(self.notes) > _MAX_FINDINGS or any(len(note) > _MAX_NAME for note in self.notes):
            raise ValueError(f"more than {_MAX_FINDINGS} notes, or one of more than {_MAX_NAME} characters")
        if self.scale not in SCALES:
            raise ValueError(f"a scale of {self.scale}, expected one of {SCALES}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """The model is ready for an execution."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enhanced:
    """The SR image lies in its file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakMemory:
    """Bytes in use at most while timing, and before the model was built."""

    kind: str
    peak_bytes: int
    baseline_bytes: int

    def __post_init__(self) -> None:
        if not (0 <= self.peak_bytes < _MOST and 0 <= self.baseline_bytes < _MOST and len(self.kind) <= _MAX_NAME):
            raise ValueError("a peak of memory that no machine has")


@dataclass(frozen=True, kw_only=True, slots=True)
class Warmed:
    """The untimed calls are done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """Milliseconds of one call, on the device and (for CUDA) on the host.

    `probe` and `given`: values of the output and the input of the call before; `idle_ms`: how long the device had no
    call of the model to work on before this one.
    """

    sample_ms: float
    host_ms: float | None = None
    idle_ms: float | None = None
    probe: tuple[float | None, ...] = ()
    given: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if not (LEAST_MS <= self.sample_ms <= MOST_MS and 0.0 <= (self.host_ms or 0.0) <= MOST_MS):
            raise ValueError("a sample that is no positive number of milliseconds")
        if not 0.0 <= (self.idle_ms or 0.0) <= MOST_MS:
            raise ValueError("a pause that is no number of milliseconds")
        _see_values(self.probe + self.given)


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """Values of the output and the input of the call before."""

    probe: tuple[float | None, ...] = ()
    given: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        _see_values(self.probe + self.given)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Values of the last output and its input, and the peak of memory where the system tells."""

    probe: tuple[float | None, ...] = ()
    given: tuple[float | None, ...] = ()
    memory: PeakMemory | None = None

    def __post_init__(self) -> None:
        _see_values(self.probe + self.given)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """Parameters and operations."""

    params: int
    counts: tuple[Count, ...]

    def __post_init__(self) -> None:
        numbers = [self.params]
        for count in self.counts:
            numbers += [count.macs, count.flops, count.activations, count.convs, *count.uncounted.values()]
        if min(numbers) < 0 or max(numbers) > _MOST:
            raise ValueError("a count that is negative or astronomic")
        names = [name for count in self.counts for name in count.uncounted]
        if len(self.counts) > _MAX_COUNTS or len(names) > _MAX_UNCOUNTED or max(map(len, names), default=0) > _MAX_NAME:
            raise ValueError("more counts, or longer names of operators, than any model has")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One question of the contract check; `ok` is None where the answer is neither good nor bad."""

    question: str
    ok: bool | None
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All answers of the contract check; sides of images work that are multiples of `multiple`, `least` at least."""

    findings: tuple[Finding, ...] = field(default=())
    multiple: int = 1
    least: int = 1

    def __post_init__(self) -> None:
        if len(self.findings) > _MAX_FINDINGS:
            raise ValueError(f"more than {_MAX_FINDINGS} findings")
        if not (0 < self.multiple < _MOST and 0 < self.least < _MOST):
            raise ValueError("sides of images that are no number of pixels")


def convert(message: dict[str, Any], kind: type[Reply]) -> Reply:
    """Turn a `done` message into its shape; ValueError with a sentence where it does not fit."""
    try:
        return msgspec.convert(message, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"the answer does not fit: {error}") from None
