"""Placement of point labels so that they overlap neither each other nor the points."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Box(NamedTuple):
    """A rectangle in points, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )


class Place(NamedTuple):
    """Position of a label: offset from its point in points, and alignment."""

    dx: float
    dy: float
    align: str


_PLACES = (
    Place(7, -3.5, "left"),
    Place(-7, -3.5, "right"),
    Place(0, 8, "center"),
    Place(0, -16, "center"),
    Place(6, 6, "left"),
    Place(6, -13, "left"),
    Place(-6, 6, "right"),
    Place(-6, -13, "right"),
)


def text_width(text: str, size: float) -> float:
    """Estimated width of a text in points; rather too wide, because the browser chooses the font."""
    return size * sum(1.05 if unicodedata.east_asian_width(char) in "WF" else 0.56 for char in text)


def place_labels(
    points: Sequence[tuple[float, float]], texts: Sequence[str], area: Box, size: float
) -> list[Place | None]:
    """A place for each text next to its point, in the given order (most important first); None if none is free.

    `points` beyond the texts have no label, but are not covered either.
    """
    radius = 4.5
    taken = [Box(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    placed: list[Place | None] = []
    for index, text in enumerate(texts):
        x, y = points[index]
        width = text_width(text, size)
        found = None
        for place in _PLACES:
            left = x + place.dx - {"left": 0.0, "right": width, "center": width / 2}[place.align]
            box = Box(left, y + place.dy - 1, left + width, y + place.dy + size)
            inside = box.left >= area.left and box.right <= area.right
            inside = inside and box.bottom >= area.bottom and box.top <= area.top
            if inside and not any(box.meets(other) for number, other in enumerate(taken) if number != index):
                found = place
                taken.append(box)
                break
        placed.append(found)
    return placed
