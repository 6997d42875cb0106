"""The description of a metric: name, display, aggregation, and the function that measures an image pair.

The members are the modules of `rtsr_bench/metrics/members/`, one per metric, and those of plug-ins. Reports load these
descriptions too, so a member imports numpy, torch and the like only inside `measure`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rtsr_bench.errors import UserError
from rtsr_bench.plugins import Registry
from rtsr_bench.protocol import Colour, Convention
from rtsr_bench.score import PSNR

Measure = Callable[[Any, Any, Convention], float]
"""SR and HR (numpy, uint8 H x W x 3, of one shape) to an observation under a convention; may run in several threads."""

Fused = Callable[[Any, Any, Sequence[Convention], frozenset[str]], dict[str, float]]
"""The same for several conventions and observations (by name) in one call: values by `NAME/CONVENTION`."""


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, summed exactly; infinite if a value is."""
    return math.fsum(values) / len(values)


def _as_observed(value: float) -> float:
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One named quantity over an SR/HR pair.

    `name` (a-z, 0-9, _) is used in records, track files and column keys; `title`, `unit` and `digits` in tables.
    `explanation` is a sentence without its full stop; tables add the convention. `better` is the direction.

    `measure` returns the observation that a record stores as `observed/CONVENTION` (`observed` defaults to `name`);
    `shown` converts it to the value. PSNR stores the MSE, which is finite and exact. `bounds` are the minimum and
    maximum possible observation. `aggregate` computes the value of a data set from the values of its images (at least
    one). Metrics with the same `fused` function are measured by one call of it.

    `colours` are the supported ones; `least_side` is the minimum side in pixels, inside the border. `baseline`: bicubic
    is measured too, and pages show the gain. `leaves_out_exact`: the aggregate excludes images on which bicubic is
    exact.
    """

    name: str
    title: str
    explanation: str
    measure: Measure
    digits: int
    unit: str = ""
    better: Literal["higher", "lower"] = "higher"
    colours: tuple[Colour, ...] = tuple(Colour)
    least_side: int = 1
    observed: str = ""
    bounds: tuple[float, float] = (-math.inf, math.inf)
    shown: Callable[[float], float] = _as_observed
    aggregate: Callable[[Sequence[float]], float] = mean
    baseline: bool = False
    leaves_out_exact: bool = False
    fused: Fused | None = None

    def __post_init__(self) -> None:
        for name in (self.name, self.observed or self.name):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise UserError(f"metric {name!r}: expected a name of a-z, 0-9 and _, beginning with a letter")

    @property
    def observation(self) -> str:
        """The name under which records store the observation."""
        return self.observed or self.name

    def knows(self, convention: Convention) -> bool:
        """Whether it supports a convention."""
        return convention.colour in self.colours

    def key(self, convention: str) -> str:
        """The key of its value under a convention (a key), such as `psnr/y_b2`."""
        return f"{self.name}/{convention}"

    def observed_as(self, convention: str) -> str:
        """The key of its observation in a record, such as `mse/y_b2`."""
        return f"{self.observation}/{convention}"

    def column(self, convention: str = "", *, part: str = "") -> str:
        """A column's key: `psnr_rgb_b0_db`, or `psnr_db` without a convention.

        `part` names a derived number, such as `gain`. The key is then `gain_rgb_b0_db` for the metric that scores use,
        and `gain_ms_ssim_rgb_b0` for another one.
        """
        name = self.name
        if part:
            name = part if name == PSNR else f"{part}_{name}"
        return "_".join(filter(None, (name, convention, re.sub(r"[^a-z0-9]", "", self.unit.lower()))))


METRICS: Registry[Metric] = Registry("metric", "rtsr_bench.metrics.members", lambda one: one.name)
"""Every metric, those of plug-ins included."""


def known(names: Iterable[str]) -> tuple[Metric, ...]:
    """Return the metrics of these names, in their order; names that are not registered are left out."""
    members = METRICS.all()
    return tuple(members[name] for name in dict.fromkeys(names) if name in members)


def bounds() -> dict[str, tuple[float, float]]:
    """Return the minimum and maximum possible value of every observation, by its name."""
    return {one.observation: one.bounds for one in METRICS.all().values()}
