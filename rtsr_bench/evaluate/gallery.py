"""Every SR image as a PNG, if the user asks for them; an image that cannot be written is reported and no failure."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.errors import HarnessError
from rtsr_bench.evaluate.baseline import Baseline
from rtsr_bench.files.slug import slug
from rtsr_bench.images.io import write_png
from rtsr_bench.text import ascii_safe

_ENDING = ".png"
_MOST_BYTES = 255
"""What file systems take for a name; some encrypted ones take less, which is reported like any other error."""

_NOT_PORTABLE = re.compile(r'[<>:"/\\|?*]')
"""What a name may not hold on Windows and in its file systems, and the slash."""


class Gallery:
    """Writes every SR image as PNG into `folder/data_set/image.png`; safe in threads.

    `lost` holds a line for each image that could not be written. Sets and images whose names would fall together on any
    file system, in another case or Unicode form, have eight digits of a hash behind theirs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lost: list[str] = []
        self._names: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()
        self._guard = threading.Lock()

    def keep(self, index: int, data_set: str, image: str, sr: NDArray[np.uint8], baseline: Baseline) -> None:
        """Write the SR image, replacing one of an earlier run."""
        del index, baseline
        with self._guard:
            place = self._name("", data_set, slug(data_set, most=_MOST_BYTES, empty="set"), "")
            name = self._name(data_set, image, _NOT_PORTABLE.sub("_", ascii_safe(Path(image).stem)), _ENDING)
        try:
            (self.folder / place).mkdir(parents=True, exist_ok=True)
            write_png(self.folder / place / name, sr)
        except (HarnessError, OSError) as error:
            with self._guard:
                self.lost.append(str(error))

    def _name(self, group: str, original: str, wanted: str, ending: str) -> str:
        """The name within a group that stands for an original one, the same each time and unique."""
        known = self._names.get((group, original))
        if known is None:
            known = _cut(wanted, "", ending)
            if (group, _folded(known)) in self._taken or known != wanted + ending:
                digest = hashlib.sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:8]
                known = _cut(wanted, f"-{digest}", ending)
            self._taken.add((group, _folded(known)))
            self._names[group, original] = known
        return known


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _cut(name: str, mark: str, ending: str) -> str:
    """The name with a mark and an ending, cut between characters to what file systems take."""
    room = _MOST_BYTES - len((mark + ending).encode())
    return name.encode()[:room].decode(errors="ignore") + mark + ending
