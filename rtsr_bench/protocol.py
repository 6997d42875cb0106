"""How it is measured: the measuring rules of a track as one value with a digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

SCALES = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Size:
    """Height and width in pixels, in this order; never a bare pair."""

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


class Precision(StrEnum):
    """Number formats of a timed pass: `fp16`/`bf16` convert weights and input, `amp-*` is autocast around fp32."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    AMP_FP16 = "amp-fp16"
    AMP_BF16 = "amp-bf16"


class Colour(StrEnum):
    """What a metric looks at.

    `rgb`: all three channels. `y`: BT.601 studio luma of RGB. `y_ntire23`: the same weights with R and B swapped, as in
    every published PSNR-Y of the NTIRE 2023 RTSR challenge and the RT4KSR paper (its code feeds RGB to `bgr2ycbcr`).
    """

    RGB = "rgb"
    Y = "y"
    Y_NTIRE23 = "y_ntire23"


@dataclass(frozen=True, slots=True, order=True)
class Convention:
    """Colour space and the border in pixels that is shaved on each side before a fidelity metric is taken."""

    colour: Colour
    border: int = 0

    @property
    def key(self) -> str:
        """The name under which records hold values of this convention, such as `rgb_b0` or `y_b2`."""
        return f"{self.colour.value}_b{self.border}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Wall-clock seconds a guest may take: to load, for one image, for the whole timing, for the counting."""

    load_s: float = 120.0
    enhance_s: float = 300.0
    runtime_s: float = 3600.0
    complexity_s: float = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """The measuring rules of a track. Equal digests mean measured alike; the score formula is not part of it.

    `input` is the LR size of the timed random tensor; `precision` maps a device kind (`cpu`, `cuda`) to the precision
    that is timed there; `images` limits each data set to its first so many images (None: all of them).
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
    limits: Limits = field(default_factory=Limits)

    @property
    def digest(self) -> str:
        """SHA-256 (first 16 hex digits) of the rules as canonical JSON."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
