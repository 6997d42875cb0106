"""Values computed for the paper's tables, stored with the records so that the report can show them.

History of the schema: 1 (2026-11), the first.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rtsr_bench.errors import UserError
from rtsr_bench.files.writing import write_whole
from rtsr_bench.protocol import Size

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
KEPT_IN = "paper.reproduction"
"""File in the folder of records; its suffix differs from that of a record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedCount:
    """Parameters, and MACs by LR size, of a model that was built, or the `trouble` why it could not be."""

    key: str
    params: int = 0
    macs: tuple[tuple[Size, int], ...] = ()
    trouble: str = ""

    def macs_at(self, size: Size) -> int | None:
        """MACs of one pass at this LR size; None if not counted."""
        return dict(self.macs).get(size)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedBicubic:
    """Bicubic's mean PSNR and SSIM over a set's images, under the convention in the key."""

    key: str
    psnr_db: float
    ssim: float
    images: int
    verified: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """All computed values; empty if nothing was computed yet."""

    harness: str = ""
    torch: str = ""
    counts: tuple[ObservedCount, ...] = ()
    bicubic: tuple[ObservedBicubic, ...] = ()

    def count(self, key: str) -> ObservedCount | None:
        """The counts of a key."""
        return next((one for one in self.counts if one.key == key), None)

    def bicubic_row(self, key: str) -> ObservedBicubic | None:
        """Bicubic's means of a key."""
        return next((one for one in self.bicubic if one.key == key), None)

    def encode(self) -> bytes:
        """Encode as JSON, the same bytes for the same values."""
        return (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, allow_nan=False) + "\n").encode()


def keep_observed(observed: Observed, folder: Path) -> Path:
    """Write the computed values into a folder of records, replacing earlier ones; UserError if that fails."""
    path = folder / KEPT_IN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, observed.encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; name another folder with --records") from None
    return path


def load_observed(folder: Path) -> Observed:
    """The stored values; empty if there are none. ValueError with one sentence if the file is unusable."""
    try:
        return decode((folder / KEPT_IN).read_bytes())
    except FileNotFoundError:
        return Observed()
    except (OSError, ValueError) as error:
        raise ValueError(f"{KEPT_IN} {error}") from None


def decode(data: bytes) -> Observed:
    """Read what `Observed.encode` wrote; ValueError with one sentence for anything else."""
    try:
        raw = json.loads(data)
        if raw["schema"] != SCHEMA:
            raise ValueError(f"its schema is {raw['schema']!r}, expected {SCHEMA}")
        return Observed(
            harness=str(raw["harness"]),
            torch=str(raw["torch"]),
            counts=tuple(_count(one) for one in raw["counts"]),
            bicubic=tuple(_bicubic(one) for one in raw["bicubic"]),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"is damaged: {type(error).__name__}: {error}; `rtsr-bench reproduce` writes it again"
        ) from None


def _count(raw: dict[str, Any]) -> ObservedCount:
    macs = tuple((Size(int(size["height"]), int(size["width"])), int(value)) for size, value in raw["macs"])
    return ObservedCount(key=str(raw["key"]), params=int(raw["params"]), macs=macs, trouble=str(raw["trouble"]))


def _bicubic(raw: dict[str, Any]) -> ObservedBicubic:
    psnr, ssim = float(raw["psnr_db"]), float(raw["ssim"])
    if not (math.isfinite(psnr) and math.isfinite(ssim)):
        raise ValueError("a mean is not finite")
    return ObservedBicubic(
        key=str(raw["key"]), psnr_db=psnr, ssim=ssim, images=int(raw["images"]), verified=raw["verified"] is True
    )
