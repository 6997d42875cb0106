"""The protocol: the measuring rules of a track as one value with a digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from rtsr_bench.execution import Execution, MemoryFormat, Option, Precision

__all__ = ["EVEN", "SCALES", "Colour", "Convention", "Limits", "Precision", "Protocol", "Size"]

SCALES = (2, 3, 4)

_FIRST = frozenset({
    "Protocol.version", "Protocol.batch", "Protocol.warmup", "Protocol.repeats", "Protocol.images", "Protocol.limits",
    "Limits.load_s", "Limits.enhance_s", "Limits.runtime_s", "Limits.complexity_s",
    "Convention.border", "Convention.lr_multiple",
})  # fmt: skip
"""Fields with a default that were hashed when the first digests were published. This set never grows: any other field
is left out of a digest at its default, so that adding one changes no digest."""


@dataclass(frozen=True, slots=True)
class Size:
    """Height and width in pixels, in this order; used instead of a bare pair."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.height * self.width

    def times(self, scale: int) -> Size:
        """The size of the SR image of an LR image of this size."""
        return Size(self.height * scale, self.width * scale)


class Colour(StrEnum):
    """The channels that a metric compares.

    `rgb`: all three channels. `y`: BT.601 studio luma of RGB. `y_ntire23`: the same weights with R and B swapped, as in
    every published PSNR-Y of the NTIRE 2023 RTSR challenge and the RT4KSR paper (its code feeds RGB to `bgr2ycbcr`).
    """

    RGB = "rgb"
    Y = "y"
    Y_NTIRE23 = "y_ntire23"


_COLOUR_WORDS = {Colour.RGB: "RGB", Colour.Y: "Y", Colour.Y_NTIRE23: "Y (NTIRE23)"}
DEFAULT_METRICS = ("psnr", "ssim")
"""The metrics of a track that does not list any."""

EVEN = 2
"""The multiple to which LR sides may be cropped; the only other value is 1, no crop."""


@dataclass(frozen=True, slots=True, order=True)
class Convention:
    """How a fidelity metric is taken: colour space, border in pixels cropped on each side, and crop of the LR input.

    `lr_multiple` 2 means that the LR image is first cropped (from the top left) to even sides, and HR accordingly, as
    in the official code of the NTIRE 2023 challenge and of RT4KSR; it affects only images with an odd LR side.
    """

    colour: Colour
    border: int = 0
    lr_multiple: int = 1

    @property
    def key(self) -> str:
        """The name under which records hold values of this convention, such as `rgb_b0`, `y_b2` or `rgb_b0_even`."""
        return f"{self.colour.value}_b{self.border}{'_even' if self.lr_multiple == EVEN else ''}"

    @property
    def words(self) -> str:
        """The convention for readers, such as `RGB, border 0, LR cropped to even`."""
        return (
            f"{_COLOUR_WORDS[self.colour]}, border {self.border}{', LR cropped to even' * (self.lr_multiple == EVEN)}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of a guest in wall-clock seconds: to load, for one image, for the whole timing, for counting.

    `export_s`: to export and compile the model, for executions that do.
    """

    load_s: float = 120.0
    enhance_s: float = 300.0
    runtime_s: float = 3600.0
    complexity_s: float = 120.0
    export_s: float = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """The measuring rules of a track. Equal digests mean equal rules; the score formula is not part of it.

    `input` is the LR size of the timed random tensor; `precision` maps a device kind (`cpu`, `cuda`) to the timed
    precision; `images` limits each data set to its first images, this many (None: all), and `window` each image to the
    centre of its HR, this size (None: the whole image). `tf32`, `backend`, `memory_format` and `options` are those of
    the `execution`. `metrics` names the measured members of `metric.METRICS`, each under all of `conventions` that it
    supports.
    """

    version: int = 1
    scale: int
    data_sets: tuple[str, ...]
    degradation: str
    conventions: tuple[Convention, ...]
    input: Size
    batch: int = 1
    precision: dict[str, Precision]
    warmup: int = 50
    repeats: int = 244
    images: int | None = None
    window: Size | None = None
    limits: Limits = field(default_factory=Limits)
    tf32: bool = False
    backend: str = "eager"
    memory_format: MemoryFormat = MemoryFormat.CONTIGUOUS
    options: dict[str, Option] = field(default_factory=dict)
    metrics: tuple[str, ...] = DEFAULT_METRICS

    @property
    def digest(self) -> str:
        """SHA-256 (first 16 hex digits) of the rules as canonical JSON, without later fields at their defaults."""
        text = json.dumps(_rules(self), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def execution(self, device_kind: str) -> Execution:
        """Return the execution on a kind of device (`cpu`, `cuda`); KeyError if the rules name no precision for it."""
        return Execution(
            backend=self.backend,
            precision=self.precision[device_kind],
            memory_format=self.memory_format,
            tf32=self.tf32,
            options=self.options,
        )


def _rules(value: Any) -> Any:
    """A value as plain JSON, without the fields that `_FIRST` does not name and that have their defaults."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = (one for one in fields(value) if not _is_skipped(one, value))
        return {one.name: _rules(getattr(value, one.name)) for one in kept}
    if isinstance(value, dict):
        return {key: _rules(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rules(one) for one in value]
    return value


def _is_skipped(one: Field[Any], value: Any) -> bool:
    if f"{type(value).__name__}.{one.name}" in _FIRST:
        return False
    default = one.default if one.default_factory is MISSING else one.default_factory()
    return bool(getattr(value, one.name) == default)
