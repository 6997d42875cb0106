"""A drawing surface for the vector scenes: polygons, strokes, boxes, shadows, gradients, all antialiased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin import raster
from rtsr_bench.datasets.builtin.kernels import in_bands
from rtsr_bench.datasets.builtin.maths import TAU, cosine, floor, sine

Point = tuple[float, float]
Colour = tuple[float, float, float]


def rgb(code: str) -> Colour:
    """A colour from six hexadecimal digits, as 0..1."""
    return int(code[0:2], 16) / 255.0, int(code[2:4], 16) / 255.0, int(code[4:6], 16) / 255.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Paint:
    """A colour, or a gradient between two points (radial: from the centre `start` to a circle through `end`)."""

    first: Colour
    second: Colour
    start: Point = (0.0, 0.0)
    end: Point = (0.0, 0.0)
    radial: bool = False
    opacity: float = 1.0

    def numbers(self) -> NDArray[np.float64]:
        """The layout `raster.lay` expects."""
        head = (1.0 if self.radial else 0.0, *self.start, *self.end, self.opacity)
        return np.array([*head, *self.first, *self.second], dtype=np.float64)


def flat(code: str, opacity: float = 1.0) -> Paint:
    """One colour."""
    return Paint(first=rgb(code), second=rgb(code), opacity=opacity)


def gradient(first: str, second: str, start: Point, end: Point, *, radial: bool = False, opacity: float = 1.0) -> Paint:
    """Two colours, blended from `start` to `end`."""
    return Paint(first=rgb(first), second=rgb(second), start=start, end=end, radial=radial, opacity=opacity)


def ellipse(cx: float, cy: float, rx: float, ry: float, *, sides: int = 96) -> list[Point]:
    """Corners of a polygon that stands for an ellipse."""
    return [(cx + rx * cosine(TAU * i / sides), cy + ry * sine(TAU * i / sides)) for i in range(sides)]


def rounded(points: Sequence[Point], *, rounds: int = 3, closed: bool = True) -> list[Point]:
    """Corners cut `rounds` times (Chaikin): nearly the quadratic B-spline of the points; open lines keep their ends."""
    ring = list(points)
    for _ in range(rounds):
        cut: list[Point] = [] if closed else [ring[0]]
        pairs = zip(ring, ring[1:] + ring[:1] if closed else ring[1:], strict=False)
        for (ax, ay), (bx, by) in pairs:
            cut.append((0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by))
            cut.append((0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by))
        ring = cut if closed else [*cut, ring[-1]]
    return ring


@dataclass(kw_only=True, slots=True)
class Canvas:
    """Width x height display values, painted over back to front; `clip` limits drawing to (x0, y0, x1, y1)."""

    width: int
    height: int
    background: str = "ffffff"
    pixels: NDArray[np.float32] = field(init=False)
    clip: tuple[int, int, int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.pixels = np.empty((self.height, self.width, 3), dtype=np.float32)
        self.pixels[:] = np.array(rgb(self.background), dtype=np.float32)
        self.clip = (0, 0, self.width, self.height)

    def _window(self, points: NDArray[np.float64], reach: float) -> tuple[int, int, int, int]:
        """The part of the clip that a shape can touch: left, top, width, height."""
        left = max(self.clip[0], floor(float(points[:, 0].min()) - reach))
        top = max(self.clip[1], floor(float(points[:, 1].min()) - reach))
        right = min(self.clip[2], floor(float(points[:, 0].max()) + reach) + 1)
        bottom = min(self.clip[3], floor(float(points[:, 1].max()) + reach) + 1)
        return left, top, max(0, right - left), max(0, bottom - top)

    def _lay(self, mask: NDArray[np.float64], left: int, top: int, paint: Paint) -> None:
        raster.lay(self.pixels, mask, left, top, np.array(self.clip, dtype=np.int64), paint.numbers())

    def polygon(self, rings: Sequence[Point] | Sequence[Sequence[Point]], paint: Paint) -> None:
        """Fill one ring of points, or several of which opposite windings cut holes."""
        parts: list[Any] = [rings] if isinstance(rings[0][0], (int, float)) else list(rings)
        points, starts = _packed(parts)
        left, top, width, height = self._window(points, 1.0)
        if width and height:
            mask = np.zeros((height, width + 2), dtype=np.float64)
            raster.polygon_mask(mask, points - np.array([left, top], dtype=np.float64), starts)
            self._lay(mask, left, top, paint)

    def stroke(self, lines: Sequence[Point] | Sequence[Sequence[Point]], width: float, paint: Paint) -> None:
        """Draw one or several polylines with round ends, `width` pixels wide."""
        parts: list[Any] = [lines] if isinstance(lines[0][0], (int, float)) else list(lines)
        points, starts = _packed(parts)
        left, top, wide, high = self._window(points, 0.5 * width + 2.0)
        if wide and high:
            mask = np.zeros((high, wide), dtype=np.float64)
            raster.stroke_mask(mask, points - np.array([left, top], dtype=np.float64), starts, 0.5 * width)
            self._lay(mask, left, top, paint)

    def circle(self, cx: float, cy: float, radius: float, paint: Paint) -> None:
        """Fill a circle."""
        self.box(cx - radius, cy - radius, 2.0 * radius, 2.0 * radius, paint, radius=radius)

    def box(
        self, x: float, y: float, width: float, height: float, paint: Paint, *, radius: float = 0.0, blur: float = 0.0
    ) -> None:
        """Fill a box from its top left corner, with round corners; `blur` makes it a soft shadow."""
        corners = np.array([(x, y), (x + width, y + height)], dtype=np.float64)
        left, top, wide, high = self._window(corners, blur + 1.0)
        if wide and high:
            mask = np.zeros((high, wide), dtype=np.float64)
            x0, y0 = x - left, y - top
            raster.box_mask(mask, x0, y0, x0 + width, y0 + height, radius, blur)
            self._lay(mask, left, top, paint)

    def finish(self) -> NDArray[np.uint8]:
        """The picture as uint8 RGB."""
        out = np.empty((self.height, self.width, 3), dtype=np.uint8)
        in_bands(raster.quantise, self.height, self.pixels, out)
        return out


def _packed(parts: Sequence[Sequence[Point]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lists of points as one array, and where each begins."""
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part))
    points = np.array([point for part in parts for point in part], dtype=np.float64)
    return points, np.array(starts, dtype=np.int64)
