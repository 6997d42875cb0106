"""Degradations: LR made from HR by a name that is used in tracks, digests of data sets and records."""

from __future__ import annotations

import functools
import hashlib
import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from rtsr_bench.errors import UserError
from rtsr_bench.images.degradations import DEGRADATIONS, Codec, Effect, Pixels, Resize, Settings
from rtsr_bench.protocol import SCALES, Size


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step after the resize: its text, its kind, and the settings in the text."""

    text: str
    kind: Effect | Codec
    settings: Settings

    @property
    def words(self) -> str:
        """The step for readers."""
        return self.kind.words(self.settings)

    def applied(self, lr: Pixels, image: str) -> Pixels:
        """LR after this step; random steps derive their seed from `image`, the image's name."""
        if isinstance(self.kind, Codec):
            return decoded(self.kind.encode(lr, self.settings))
        seed = int.from_bytes(hashlib.sha256(f"{self.text}\n{image}".encode("utf-8", "surrogatepass")).digest()[:16])
        return self.kind.alter(lr, self.settings, seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Degradation:
    """A resize and the steps after it; the complete `name` is its identity."""

    name: str
    resize: Resize
    steps: tuple[Step, ...]

    @property
    def sentence(self) -> str:
        """The degradation in words, for captions and cards."""
        return ", then ".join((self.resize.words, *(step.words for step in self.steps)))

    @property
    def random(self) -> bool:
        """Whether LR depends on the image's name."""
        return any(isinstance(step.kind, Effect) and step.kind.random for step in self.steps)

    @property
    def suffix(self) -> str:
        """File suffix of LR in a prepared set: that of the last step's codec, or `.png`."""
        last = self.steps[-1].kind if self.steps else None
        return (last.suffix if isinstance(last, Codec) else "") or ".png"


@functools.lru_cache(maxsize=256)
def parse_degradation(name: str) -> Degradation:
    """Parse a name `RESIZE[+STEP...]`, such as `pillow-bicubic+jpeg90` (4:2:0 by default).

    Other examples: `matlab-bicubic`, `pillow-bicubic+jpeg90-444`, `pillow-bicubic+noise5`. UserError for invalid names.
    """
    first, *others = name.split("+")
    resize = DEGRADATIONS.all().get(first)
    steps = [_step(text) for text in others]
    if not isinstance(resize, Resize) or None in steps:
        kinds = DEGRADATIONS.all().values()
        resizes = ", ".join(kind.name for kind in kinds if isinstance(kind, Resize))
        forms = ", ".join(f"+{kind.form}" for kind in kinds if not isinstance(kind, Resize))
        raise UserError(
            f"degradation {name!r}: expected one of {resizes}, followed by any of {forms}: see docs/metrics.md"
        )
    return Degradation(name=name, resize=resize, steps=tuple(step for step in steps if step is not None))


def _step(text: str) -> Step | None:
    for kind in DEGRADATIONS.all().values():
        if not isinstance(kind, Resize) and (
            match := re.fullmatch(re.escape(kind.name) + f"(?:{kind.settings})", text)
        ):
            return Step(text=text, kind=kind, settings=match.groupdict(default=""))
    return None


def crop_to_multiple(hr: Pixels, scale: int) -> Pixels:
    """Crop HR, from the top left, to multiples of `scale`; C-contiguous, a copy only if needed."""
    height, width = (length - length % scale for length in hr.shape[:2])
    return np.ascontiguousarray(hr[:height, :width])


def degrade(hr: Pixels, scale: int, degradation: str, *, image: str = "") -> Pixels:
    """LR of an HR image, uint8 H/scale x W/scale x 3; HR is cropped by `crop_to_multiple` first.

    `image` is the image's name, from which random degradations derive their seed. UserError for a degradation that is
    unknown, whose encoder this Pillow lacks, or whose result is not LR; ValueError for a scale other than 2, 3, 4 or an
    image smaller than one LR pixel.
    """
    rules = parse_degradation(degradation)
    lr = _shrunk(hr, scale, rules)
    for step in rules.steps:
        lr = _checked(step.applied(lr, image), lr.shape, step.text)
    return lr


def degraded_file(hr: Pixels, scale: int, degradation: str, *, image: str = "") -> tuple[Pixels, bytes | None]:
    """LR's pixels as in `degrade`, and the encoded file; None if the file should be a PNG."""
    rules = parse_degradation(degradation)
    last = rules.steps[-1] if rules.steps else None
    if last is None or not isinstance(last.kind, Codec) or not last.kind.suffix:
        return degrade(hr, scale, degradation, image=image), None
    before = degrade(hr, scale, degradation.removesuffix(f"+{last.text}"), image=image)
    data = last.kind.encode(before, last.settings)
    return decoded(data), data


def decoded(data: bytes) -> Pixels:
    """The uint8 H x W x 3 pixels of an encoded image."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def _shrunk(hr: Pixels, scale: int, rules: Degradation) -> Pixels:
    if scale not in SCALES or min(hr.shape[:2]) < scale:
        raise ValueError(f"expected a scale in {SCALES} and HR of at least one LR pixel, found x{scale} of {hr.shape}")
    cropped = crop_to_multiple(hr, scale)
    size = Size(cropped.shape[0] // scale, cropped.shape[1] // scale)
    shape = (size.height, size.width, *cropped.shape[2:])
    return _checked(rules.resize.shrink(cropped, size), shape, rules.resize.name)


def _checked(lr: object, shape: tuple[int, ...], step: str) -> Pixels:
    """Check the result of a step, which may come from a plug-in."""
    if isinstance(lr, np.ndarray) and lr.dtype == np.uint8 and lr.shape == shape:
        return lr
    found = f"{lr.dtype} {lr.shape}" if isinstance(lr, np.ndarray) else type(lr).__name__
    raise UserError(f"degradation {step!r}: expected an array uint8 {shape}, found {found}: correct its plug-in")
