"""Pillow's lossy still-image encoders, with a quality from 0 to 100 and a chroma subsampling."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from rtsr_bench.images.degradations import Pixels, Settings

SUBSAMPLINGS = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}
SETTINGS = rf"(?P<quality>100|0?\d{{1,2}})(?:-(?P<subsampling>{'|'.join(SUBSAMPLINGS)}))?"
"""After a codec's name: its quality, and the subsampling if it is not 4:2:0."""


def encoded_by_pillow(image: Pixels, form: str, settings: Settings) -> bytes:
    """The bytes of an image in one of Pillow's formats; the decoded pixels depend on the encoder's version."""
    file = io.BytesIO()
    quality, subsampling = int(settings["quality"]), _subsampling(settings)
    Image.fromarray(np.ascontiguousarray(image)).save(file, format=form, quality=quality, subsampling=subsampling)
    return file.getvalue()


def codec_words(form: str, settings: Settings) -> str:
    """A codec with its settings for readers, such as `JPEG quality 90 4:2:0`."""
    return f"{form} quality {int(settings['quality'])} {_subsampling(settings)}"


def _subsampling(settings: Settings) -> str:
    return SUBSAMPLINGS[settings["subsampling"] or "420"]
