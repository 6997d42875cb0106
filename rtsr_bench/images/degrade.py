"""Degradations: how LR comes of HR, by a name that stands in the track and in the record's digest."""

from __future__ import annotations

import functools
import io
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from rtsr_bench.errors import UserError
from rtsr_bench.images.resize import matlab_imresize, pillow_bicubic
from rtsr_bench.protocol import SCALES, Size

RESIZES = ("pillow-bicubic", "matlab-bicubic")
CODECS = ("jpeg", "avif")
SUBSAMPLINGS = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}

_NAME = re.compile(
    rf"(?P<resize>{'|'.join(RESIZES)})"
    rf"(?:\+(?P<codec>{'|'.join(CODECS)})(?P<quality>\d{{1,3}})(?:-(?P<subsampling>{'|'.join(SUBSAMPLINGS)}))?)?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Degradation:
    """A resize and, where `codec` is not empty, a lossy codec after it; `quality` is the encoder's 0..100."""

    resize: str
    codec: str = ""
    quality: int = 0
    subsampling: str = "4:2:0"

    @property
    def sentence(self) -> str:
        """The degradation in words, for captions and cards."""
        resize = {"pillow-bicubic": "Pillow bicubic", "matlab-bicubic": "MATLAB imresize bicubic"}[self.resize]
        if not self.codec:
            return f"{resize}, antialiased"
        return f"{resize}, antialiased, then {self.codec.upper()} quality {self.quality} {self.subsampling}"


def parse_degradation(name: str) -> Degradation:
    """Read a name `RESIZE[+CODECquality[-SUBSAMPLING]]`, such as `pillow-bicubic+jpeg90`, where 4:2:0 is meant.

    Other names: `matlab-bicubic`, `pillow-bicubic+jpeg90-444`, `pillow-bicubic+avif50`. UserError for anything else.
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match["quality"] or 0) > 100:
        known = ", ".join(RESIZES)
        raise UserError(
            f"degradation {name!r}: expected one of {known}, "
            "with +jpegQ or +avifQ (Q 0..100) if compressed: see docs/metrics.md"
        )
    return Degradation(
        resize=match["resize"],
        codec=match["codec"] or "",
        quality=int(match["quality"] or 0),
        subsampling=SUBSAMPLINGS[match["subsampling"] or "420"],
    )


def crop_to_multiple(hr: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """The top left part of HR whose height and width are multiples of `scale`; C-contiguous, a copy only if needed."""
    height, width = (length - length % scale for length in hr.shape[:2])
    return np.ascontiguousarray(hr[:height, :width])


def degrade(hr: NDArray[np.uint8], scale: int, degradation: str) -> NDArray[np.uint8]:
    """LR of an HR image, uint8 H/scale x W/scale x 3; HR is cropped by `crop_to_multiple` first.

    UserError for a degradation that is unknown or whose encoder this Pillow lacks; ValueError for another scale than
    2, 3, 4 or an image smaller than one LR pixel.
    """
    if scale not in SCALES or min(hr.shape[:2]) < scale:
        raise ValueError(f"expected a scale in {SCALES} and HR of at least one LR pixel, found x{scale} of {hr.shape}")
    rules = parse_degradation(degradation)
    cropped = crop_to_multiple(hr, scale)
    size = Size(cropped.shape[0] // scale, cropped.shape[1] // scale)
    small = pillow_bicubic(cropped, size) if rules.resize == "pillow-bicubic" else matlab_imresize(cropped, size)
    return decoded(encoded(small, degradation)) if rules.codec else np.asarray(small, dtype=np.uint8)


def encoded(lr: NDArray[np.uint8], degradation: str) -> bytes:
    """The bytes of LR in the degradation's codec (JPEG by Pillow's libjpeg-turbo, AVIF by its libavif).

    The decoded pixels depend on the encoder's version, hence pinned hashes where a set must be the same everywhere.
    UserError where this Pillow has no such encoder; ValueError for a degradation without a codec.
    """
    rules = parse_degradation(degradation)
    if not rules.codec:
        raise ValueError(f"degradation {degradation!r} has no codec")
    if rules.codec == "avif" and not _has_avif():
        raise UserError(
            f"degradation {degradation!r}: this Pillow has no AVIF encoder: install Pillow's own wheel, 11.3 or newer"
        )
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(lr)).save(
        file, format=rules.codec.upper(), quality=rules.quality, subsampling=rules.subsampling
    )
    return file.getvalue()


def decoded(data: bytes) -> NDArray[np.uint8]:
    """The uint8 H x W x 3 pixels of an image that `encoded` made."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


@functools.cache
def _has_avif() -> bool:
    return bool(features.check("avif"))
