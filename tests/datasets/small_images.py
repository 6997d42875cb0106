"""Small pictures to make data sets of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

PairFolder = Callable[..., Path]
"""The fixture `pair_folder`: folder, layout, scale, stems and HR size, written and returned."""


def draw(path: Path, height: int, width: int) -> Path:
    """Write a picture whose pixels follow from its name."""
    seed = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:4], "big")
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
