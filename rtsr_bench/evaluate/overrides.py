"""Changes to the protocol that a user may ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rtsr_bench.backends import installed, rules_of
from rtsr_bench.errors import UserError
from rtsr_bench.files.table import closest
from rtsr_bench.protocol import Precision, Protocol, Size
from rtsr_bench.tracks import quick

ALL = "all"
"""Instead of the name of an execution: every available one."""

_LARGEST_SIDE = 16384
LIMITS = ("load", "export", "enhance", "runtime", "complexity")
"""What a guest's seconds can be limited of: the fields of `rtsr_bench.protocol.Limits`."""
LONGEST_S = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Overrides:
    """Changes to a track's protocol, None (or False) where the track decides."""

    quick: bool = False
    execution: str | None = None
    precision: Precision | None = None
    input: Size | None = None
    warmup: int | None = None
    repeats: int | None = None
    images: int | None = None
    data: tuple[str, ...] = ()
    limits: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.execution is not None:
            installed(self.execution)
        for name, least in (("warmup", 0), ("repeats", 1), ("images", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name}: expected at least {least}, found {value}")
        for name, seconds in self.limits:
            if name not in LIMITS:
                raise UserError(f"--limit {name}: expected one of {', '.join(LIMITS)}{closest(name, LIMITS)}")
            if not 0 < seconds < LONGEST_S:
                raise UserError(f"--limit {name}: expected seconds between 0 and {LONGEST_S}, found {seconds:g}")
        if self.input is not None and not 1 <= min(self.input.height, self.input.width) <= _LARGEST_SIDE:
            raise UserError(f"--input: expected HEIGHTxWIDTH such as 540x960, found {self.input}")

    def apply(self, protocol: Protocol, device_kind: str) -> Protocol:
        """Return the protocol to measure under on this kind of device."""
        if self.quick:
            protocol = quick(protocol)
        if self.execution is not None:
            protocol = replace(protocol, **rules_of(self.execution))
        if self.precision is not None:
            protocol = replace(protocol, precision={**protocol.precision, device_kind: self.precision})
        given = {name: getattr(self, name) for name in ("input", "warmup", "repeats", "images")}
        if self.data:
            protocol = replace(protocol, data_sets=self.data)
        if self.limits:
            limits = {f"{name}_s": seconds for name, seconds in self.limits}
            protocol = replace(protocol, limits=replace(protocol.limits, **limits))
        return replace(protocol, **{name: value for name, value in given.items() if value is not None})

    @property
    def options(self) -> tuple[str, ...]:
        """The command-line options that stand for these changes, as a user would type them."""
        options = ["--quick"] if self.quick else []
        for name in ("execution", "precision", "input", "warmup", "repeats", "images"):
            value = getattr(self, name)
            if value is not None:
                options.append(f"--{name} {value}")
        options += [f"--data {name}" for name in self.data]
        return (*options, *(f"--limit {name}={seconds:g}" for name, seconds in self.limits))
