"""The five FPS bands, and the Pareto front."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Frames per second from `least` (inclusive) to `below` (exclusive); `sign` shows the band without colour."""

    id: str
    label: str
    sign: str
    least: float
    below: float


BANDS = (
    Band(id="b0", label="< 24 FPS", sign="▁", least=0.0, below=24.0),
    Band(id="b1", label="24–30 FPS", sign="▂", least=24.0, below=30.0),
    Band(id="b2", label="30–60 FPS", sign="▄", least=30.0, below=60.0),
    Band(id="b3", label="60–120 FPS", sign="▆", least=60.0, below=math.nextafter(120.0, math.inf)),
    Band(id="b4", label="> 120 FPS", sign="█", least=math.nextafter(120.0, math.inf), below=math.inf),
)
"""The five bands of the RT4KSR paper's Table 1 (Zamfir et al., CVPRW 2023); a shared edge belongs to the upper band."""


def band(fps: float) -> Band:
    """The band of a positive, finite number of frames per second."""
    if not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"expected positive, finite frames per second, found {fps!r}")
    return next(one for one in BANDS if one.least <= fps < one.below)


def pareto_front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Indices of the points (cost, worth) that no other point dominates (less cost, more worth), by rising cost.

    Of equal points only the first is included.
    """
    front: list[int] = []
    best = -math.inf
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i)):
        if points[index][1] > best:
            best = points[index][1]
            front.append(index)
    return tuple(front)
