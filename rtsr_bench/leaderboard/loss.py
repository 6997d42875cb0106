"""What an execution loses against eager fp32."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rtsr_bench.leaderboard.means import fidelity_means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.record import ImageFidelity


def loss_db(timed: Sequence[ImageFidelity], full: Sequence[ImageFidelity], convention: str) -> float | None:
    """PSNR under eager fp32 (`full`) less that of the timed execution, in dB, under a convention (a key).

    None if they are not of the same images, or if either has no finite mean.
    """
    if not timed or _names(timed) != _names(full):
        return None
    try:
        here, there = (fidelity_means(images).psnr_db.get(convention, math.inf) for images in (timed, full))
    except ValueError:
        return None  # eligibility reports what is wrong with the record
    return there - here if math.isfinite(there) and math.isfinite(here) else None


def _names(images: Sequence[ImageFidelity]) -> set[tuple[str, str]]:
    return {(image.data_set, image.name) for image in images}
