"""What is kept of SR images while their pixels are in memory: crops for the report, or all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.evaluate.baseline import Baseline, cut
from rtsr_bench.images.io import write_png

IMAGES = 4
"""Images of a record that get crops, spread evenly over all of them."""


class Keeper(Protocol):
    """Is shown every SR image once, in the threads that measure it."""

    def keep(self, index: int, data_set: str, image: str, sr: NDArray[np.uint8], baseline: Baseline) -> None:
        """Keep what is wanted of an SR image (uint8 H x W x 3); nothing may hold on to the array itself."""


class CropBook:
    """Collects crops of SR, bicubic and HR in a folder; `finish` writes the index that makes the folder count."""

    def __init__(self, folder: Path, images: int) -> None:
        self.folder = folder
        count = min(IMAGES, images)
        self._wanted = {round(i * (images - 1) / max(1, count - 1)) for i in range(count)}
        self._entries: dict[int, dict[str, Any]] = {}

    def keep(self, index: int, data_set: str, image: str, sr: NDArray[np.uint8], baseline: Baseline) -> None:
        """Write the crops of an image, if it is one of those that get crops."""
        if index not in self._wanted:
            return
        sr_crop = cut(sr, baseline.window)
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
