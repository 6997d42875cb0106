"""The SR images that a team submitted (`results/`), compared with those computed here for the same LR images.

They are a stranger's files: looked at without following links, by their header before anything is decoded, and only
PNGs of the very size that is expected are decoded at all. What can't be compared is a line, never an error.
"""

from __future__ import annotations

import os
import stat
import struct
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets import Dataset
from rtsr_bench.errors import RtsrBenchError
from rtsr_bench.evaluate.baseline import Baseline
from rtsr_bench.images.io import read_rgb
from rtsr_bench.protocol import Size
from rtsr_bench.record import PixelDifference, SubmittedImages
from rtsr_bench.record.checks import MOST_LINES
from rtsr_bench.submissions import ModelSpec, Submission
from rtsr_bench.text import ascii_safe

FOLDER = "results"
_SIGNATURE, _HEADER = b"\x89PNG\r\n\x1a\n", 26
_MOST_FILES = 20_000
_MOST_NAME = 100


def difference(image: str, data_set: str, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> PixelDifference:
    """Compare two uint8 images of one shape."""
    apart = np.abs(one.astype(np.int16) - other)
    mse = float(np.mean(apart.astype(np.float64) ** 2))
    return PixelDifference(image=image, data_set=data_set, mse=mse, largest=int(apart.max()))


@dataclass(kw_only=True, slots=True)
class Comparison:
    """Is shown every SR image once and compares it with the file of its name, if there is one; safe in threads."""

    folder: str
    files: dict[str, Path]
    wanted: tuple[str, ...]
    _images: dict[int, PixelDifference] = field(default_factory=dict)
    _refused: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, submission: Submission, model: ModelSpec, data: Sequence[Dataset]) -> Comparison | None:
        """Look for PNGs in `results/x2/` (`results/s-x2/` of a variant), else in `results/`; None where none are."""
        wanted = tuple(_key(pair.name) for one in data for pair in one.pairs)
        for folder in (f"{FOLDER}/{model.id.rpartition('/')[2]}", FOLDER):
            files = _pngs(submission.folder / folder)
            if files:
                return cls(folder=folder, files=files, wanted=wanted)
        return None

    def keep(self, index: int, data_set: str, image: str, sr: NDArray[np.uint8], baseline: Baseline) -> None:
        """Compare the SR image (uint8 H x W x 3) with the one submitted."""
        del baseline
        path = self.files.get(_key(image))
        if path is None:
            return
        found = _read(path, Size(sr.shape[0], sr.shape[1]))
        with self._lock:
            if isinstance(found, str):
                self._refused[index] = f"{_name(path.name)}: {found}"
            else:
                self._images[index] = difference(image, data_set, sr, found)

    def outcome(self) -> SubmittedImages:
        """What came of it."""
        missing = [name for name in self.wanted if name not in self.files]
        extra = sorted(set(self.files) - set(self.wanted))
        refused = [line for _, line in sorted(self._refused.items())]
        return SubmittedImages(
            folder=self.folder,
            images=tuple(one for _, one in sorted(self._images.items())),
            missing=len(missing),
            missing_names=tuple(map(_name, missing[:MOST_LINES])),
            extra=len(extra),
            extra_names=tuple(map(_name, extra[:MOST_LINES])),
            refused_files=len(refused),
            refused=tuple(refused[:MOST_LINES]),
        )


def _key(name: str) -> str:
    """What images are matched by: the name without its ending, accents composed: macOS writes them apart."""
    return unicodedata.normalize("NFC", ascii_safe(Path(name).stem))


def _name(text: str) -> str:
    return ascii_safe(text)[:_MOST_NAME]


def _pngs(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    try:
        if folder.is_symlink():
            return {}
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.lower().endswith(".png") and not entry.name.startswith("."):
                    found[_key(entry.name)] = folder / entry.name
                    if len(found) >= _MOST_FILES:
                        break
    except OSError:
        return {}
    return found


def _read(path: Path, expected: Size) -> NDArray[np.uint8] | str:
    """Read the PNG, or say in a few words why it can't be compared."""
    try:
        header = _header(path, expected)
        if isinstance(header, str):
            return header
        pixels = read_rgb(path, what="submitted image")
    except RtsrBenchError as error:
        return ascii_safe(str(error).removeprefix(f"{path}: "))[:300]
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if pixels.shape != (expected.height, expected.width, 3):
        return f"found another size than its header says, expected {expected}"
    return pixels


def _header(path: Path, expected: Size) -> Size | str:
    """Look at the file and its first bytes: a plain file of sensible length, a PNG of 8 bits and the expected size."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(handle)
        head = os.read(handle, _HEADER) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(handle)
    if not stat.S_ISREG(status.st_mode):
        return "expected a plain file, found a device, folder or pipe"
    if len(head) < _HEADER or not head.startswith(_SIGNATURE) or head[12:16] != b"IHDR":
        return "expected a PNG, found another kind of file"
    width, height, depth = struct.unpack(">IIB", head[16:25])
    if (height, width) != (expected.height, expected.width):
        return f"expected {expected}, found {height}x{width}"
    if depth != 8:
        return f"expected 8 bits per channel, found {depth}"
    if status.st_size > 8 * expected.pixels + (1 << 20):  # twice what four channels take without any compression
        return f"expected a PNG of {expected}, found {status.st_size:,} bytes"
    return expected
