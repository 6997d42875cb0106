"""Crops for the report, kept beside the record while the pixels are at hand: no second inference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.evaluate.baseline import Baseline
from rtsr_bench.images.io import write_png

IMAGES = 4
"""Images of a record that get crops, spread evenly over all of them."""


class CropBook:
    """Collects crops of SR, bicubic and HR in a folder; `finish` writes the index that makes the folder count."""

    def __init__(self, folder: Path, images: int) -> None:
        self.folder = folder
        count = min(IMAGES, images)
        self._wanted = {round(i * (images - 1) / max(1, count - 1)) for i in range(count)}
        self._entries: dict[int, dict[str, Any]] = {}

    def wants(self, index: int) -> bool:
        """Whether the image of this index gets crops."""
        return index in self._wanted

    def add(self, index: int, data_set: str, image: str, sr_crop: NDArray[np.uint8], baseline: Baseline) -> None:
        """Write the crops of one image."""
        files = {"hr": f"{index}-hr.png", "sr": f"{index}-sr.png", "bicubic": f"{index}-bicubic.png"}
        for part, crop in (("hr", baseline.hr_crop), ("sr", sr_crop), ("bicubic", baseline.bicubic_crop)):
            write_png(self.folder / files[part], crop, compress_level=6)
        top, left, height, width = baseline.window
        self._entries[index] = {
            "image": image,
            "data_set": data_set,
            "top": top,
            "left": left,
            "height": height,
            "width": width,
            "files": files,
        }

    def finish(self) -> None:
        """Write the index; a folder without one is no evidence."""
        if self._entries:
            entries = [self._entries[index] for index in sorted(self._entries)]
            (self.folder / "index.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
