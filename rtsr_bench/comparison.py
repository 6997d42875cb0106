"""The comparison of two models A and B: what was observed, intervals, and a verdict in words.

Differences are B relative to A. Runtimes are compared as logarithms of ratios, which are symmetric: -x undoes x. Pages
and the terminal show them as percent.

History of the JSON's schema, newest first:

- 1 (2026-11): the first.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from rtsr_bench.text import counted

SCHEMA = 1

Bounds = tuple[float, float]
"""Lower and upper end of a 95 % confidence interval."""


class Verdict(StrEnum):
    """What a comparison found, of B relative to A."""

    FASTER = "faster"
    SLOWER = "slower"
    BETTER = "better"
    WORSE = "worse"
    SAME = "same within noise"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two models: where it is, its ids, and the digests of its files and weights.

    `source` is what the user named. `record` is the name of its record's file, empty if it was measured now.
    """

    source: str
    submission: str
    model: str
    team: str
    digest: str
    checkpoint_sha256: str
    record: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Two processes of each model, started together and timed in turns: milliseconds per frame of each.

    `calls` is the number of timed calls of each process that were kept. `foreign_load` is the share (0..1) of the
    processors that other work used meanwhile, None if unknown; `retimed` counts calls that other work disturbed and
    that were made again. `began_s` is the start in seconds since the start of the first session.
    """

    a_ms: tuple[float, float]
    b_ms: tuple[float, float]
    calls: int
    began_s: float
    foreign_load: float | None = None
    retimed: int = 0

    @property
    def ratio(self) -> float:
        """Logarithm of the runtime of B over that of A: the geometric means of their processes."""
        (a, a_again), (b, b_again) = _logs(self.a_ms), _logs(self.b_ms)
        return (b + b_again - a - a_again) / 2

    @property
    def null(self) -> float:
        """The same with one process of each model on either side: 0 but for noise, and with the noise of `ratio`."""
        (a, a_again), (b, b_again) = _logs(self.a_ms), _logs(self.b_ms)
        return (a_again + b_again - a - b) / 2


def _logs(pair: tuple[float, float]) -> tuple[float, float]:
    return math.log(pair[0]), math.log(pair[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeComparison:
    """The runtimes of A and B in ms per frame, and the logarithm of B over A with its interval.

    `floor`: within plus and minus this a model compared with itself stays. `sessions` are empty if records were
    compared. `ended` says why no further session was timed, `reason` what the verdict follows from.
    """

    verdict: Verdict
    reason: str
    a_ms: float
    b_ms: float
    ratio: float
    interval: Bounds | None
    floor: float | None
    sessions: tuple[Session, ...] = ()
    ended: str = ""

    @property
    def words(self) -> str:
        """The difference in a sentence without its full stop."""
        change = percent(self.ratio)
        if change == 0:
            said = "B takes as long as A"
        else:
            said = f"B takes {abs(change):.2f} % {'more' if change > 0 else 'less'} time than A"
        parts = []
        if self.interval is not None:
            parts.append(f"95 % interval {shown_percent(self.interval[0])} to {shown_percent(self.interval[1])} %")
        if self.floor is not None:
            parts.append(f"noise floor {percent(self.floor):.2f} %")
        return f"{said} ({', '.join(parts)})" if parts else said


def percent(logarithm: float) -> float:
    """Percent that a logarithm of a ratio stands for."""
    return 100.0 * math.expm1(logarithm)


def shown_percent(logarithm: float) -> str:
    """The same with a sign and two digits."""
    return f"{percent(logarithm):+z.2f}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricComparison:
    """One metric under one convention (a key): means over the images, and the mean paired difference, B less A.

    `p_value` is that of the sign-flip test, `exact` if all sign patterns were counted. `images` counts the compared
    images, `left_out` those without a finite difference. `better` is the direction of the metric.
    """

    verdict: Verdict
    reason: str
    metric: str
    title: str
    unit: str
    digits: int
    better: Literal["higher", "lower"]
    convention: str
    images: int
    a: float
    b: float
    difference: float
    interval: Bounds | None = None
    p_value: float | None = None
    exact: bool = False
    left_out: int = 0

    @property
    def key(self) -> str:
        """Metric and convention, such as `psnr/rgb_b0`: the key of its values in `ImageValues`."""
        return f"{self.metric}/{self.convention}"

    @property
    def words(self) -> str:
        """The difference in a sentence without its full stop."""
        digits = self.digits + 1
        said = f"B less A: {self.difference:+z.{digits}f} {self.unit}".rstrip()
        parts = [f"{self.a:.{self.digits}f} and {self.b:.{self.digits}f} over {counted(self.images, 'image')}"]
        if self.interval is not None:
            parts.append(f"95 % interval {self.interval[0]:+z.{digits}f} to {self.interval[1]:+z.{digits}f}")
        if self.p_value is not None:
            parts.append(f"p = {self.p_value:.2g}")
        return f"{said} ({', '.join(parts)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageValues:
    """One image: values of A and B by `METRIC/CONVENTION`; None where a value is not finite."""

    name: str
    data_set: str
    values: dict[str, tuple[float | None, float | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A limit that the user set, such as `--fail-if-slower 3%`: `passed`, or None if it could not be decided."""

    option: str
    passed: bool | None
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two models under one protocol on one system. `runtime` is None and `metrics` are empty if not asked for.

    `execution` is how both were run, in words; `input` the timed LR size. `system` describes the device. `notes` are
    sentences about what limits the result. `started` is UTC in ISO 8601.
    """

    schema: int = SCHEMA
    harness: str
    started: str
    command: str
    a: Side
    b: Side
    track: str
    protocol_digest: str
    execution: str
    input: str
    system: dict[str, str]
    data: tuple[str, ...] = ()
    runtime: RuntimeComparison | None = None
    metrics: tuple[MetricComparison, ...] = ()
    images: tuple[ImageValues, ...] = ()
    gates: tuple[Gate, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def of_records(self) -> bool:
        """Whether two records were compared and nothing was measured."""
        return bool(self.a.record)


def encode(comparison: Comparison) -> bytes:
    """Encode a comparison as JSON; ValueError if a number is not finite."""
    return (json.dumps(_plain(comparison), indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _plain(comparison: Comparison) -> dict[str, Any]:
    """All fields, and of each session the two derived logarithms that the interval is over."""
    raw = asdict(comparison)
    if comparison.runtime is not None:
        for values, session in zip(raw["runtime"]["sessions"], comparison.runtime.sessions, strict=True):
            values |= {"ratio": session.ratio, "null": session.null}
    return raw
