"""PSNR against runtime: FPS bands, Pareto front, contours of equal score, labelled points that a page can pick.

Drawn directly as SVG, without matplotlib: a page has it in its own colours, and its script finds the points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markupsafe import Markup

from rtsr_bench.leaderboard import BANDS, pareto_front
from rtsr_bench.report.figures.labels import Box, place_labels
from rtsr_bench.report.text import number, shorten
from rtsr_bench.score import ntire23_runtime_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDE = (900.0, 430.0)
SMALL = (520.0, 330.0)
_MARGINS = Box(left=62, bottom=44, right=14, top=24)
"""Space around the plane, in the figure's units."""

_LABELS = 30
_LABEL_SIZE = 11.0
_LEVELS = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0)
_MOST_GAIN_DB = 400.0
"""Above it the formula overflows."""

_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One model: its name, runtime in ms, value, and the key by which the page's script finds its row."""

    name: str
    runtime_ms: float
    value: float
    key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plane:
    """The mapping from runtime (logarithmic) and value to the figure's units, y downwards."""

    width: float
    height: float
    runtimes: tuple[float, float]
    values: tuple[float, float]

    @property
    def box(self) -> Box:
        """The plane itself; `top` is the smaller number."""
        return Box(_MARGINS.left, self.height - _MARGINS.bottom, self.width - _MARGINS.right, _MARGINS.top)

    def x(self, runtime_ms: float) -> float:
        """Place of a runtime."""
        low, high = self.runtimes
        return self.box.left + (self.box.right - self.box.left) * math.log(runtime_ms / low) / math.log(high / low)

    def y(self, value: float) -> float:
        """Place of a value."""
        low, high = self.values
        return self.box.bottom - (self.box.bottom - self.box.top) * (value - low) / (high - low)


def scatter_figure(
    points: Sequence[Point],
    name: str,
    *,
    title: str,
    label: str,
    digits: int,
    baseline_db: float | None = None,
    size: tuple[float, float] = WIDE,
) -> Markup:
    """The scatter plot as SVG. With `baseline_db` (bicubic's PSNR) it has contours of equal NTIRE 2023 score.

    Values have `digits` after the point; `label` is the axis's, ids start with `name`. ValueError without points.
    """
    if not points:
        raise ValueError("expected at least one point, found none")
    plane = _plane(points, size)
    front = pareto_front([(point.runtime_ms, point.value) for point in points])
    best = ", ".join(shorten(points[index].name, 40) for index in front)
    words = f"{label} against mean runtime in milliseconds of {len(points)} models. Pareto front: {best}."
    root = ET.Element("svg", {
        "class": "figure plane", "viewBox": f"0 0 {size[0]:g} {size[1]:g}", "xmlns": "http://www.w3.org/2000/svg",
        "role": "img", "aria-labelledby": f"{name}-title {name}-words",
    })  # fmt: skip
    ET.SubElement(root, "title", {"id": f"{name}-title"}).text = title
    ET.SubElement(root, "desc", {"id": f"{name}-words"}).text = words
    _bands(root, plane)
    _axes(root, plane, label)
    if baseline_db is not None:
        _contours(root, plane, baseline_db)
    line = [(plane.x(points[index].runtime_ms), plane.y(points[index].value)) for index in front]
    _line(root, "front", line)
    _points(root, plane, points, front, digits)
    _names(root, plane, points, front)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - the serialiser escapes all text


def _plane(points: Sequence[Point], size: tuple[float, float]) -> _Plane:
    low, high = min(point.runtime_ms for point in points) / 1.5, max(point.runtime_ms for point in points) * 1.7
    if high / low < 8:
        centre = math.sqrt(low * high)
        low, high = centre / math.sqrt(8), centre * math.sqrt(8)
    least, most = min(point.value for point in points), max(point.value for point in points)
    room = (most - least) or 1.0
    return _Plane(width=size[0], height=size[1], runtimes=(low, high), values=(least - 0.10 * room, most + 0.16 * room))


def _text(root: ET.Element, x: float, y: float, text: str, style: str = "", anchor: str = "middle") -> None:
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    ET.SubElement(root, "text", attributes | ({"class": style} if style else {})).text = text


def _line(root: ET.Element, style: str, line: Sequence[tuple[float, float]]) -> None:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    ET.SubElement(root, "polyline", {"class": style, "points": places})


def _bands(root: ET.Element, plane: _Plane) -> None:
    """Tint the FPS bands; those that are wide enough have their names above the plane."""
    low, high = plane.runtimes
    box = plane.box
    for one in BANDS:
        left = max(low, 0.0 if math.isinf(one.below) else 1000.0 / one.below)
        right = min(high, math.inf if one.least == 0 else 1000.0 / one.least)
        if left >= right:
            continue
        x, width = plane.x(left), plane.x(right) - plane.x(left)
        places = {"x": x, "y": box.top, "width": width, "height": box.bottom - box.top}
        ET.SubElement(root, "rect", {"class": one.id, **{key: f"{value:.1f}" for key, value in places.items()}})
        if width > 72:
            _text(root, x + width / 2, box.top - 7, one.label)


def _axes(root: ET.Element, plane: _Plane, label: str) -> None:
    box, (low, high) = plane.box, plane.runtimes
    step = _step(plane.values[1] - plane.values[0])
    first = math.ceil(plane.values[0] / step)
    power = math.floor(math.log10(step) + 1e-9)
    decimals = max(0, (round(step / 10.0**power, 3) == 2.5) - power)
    for index in range(first, math.floor(plane.values[1] / step) + 1):
        y = plane.y(index * step)
        _line(root, "grid", [(box.left, y), (box.right, y)])
        _text(root, box.left - 7, y + 4, number(index * step, decimals), anchor="end")
    _line(root, "axis", [(box.left, box.top), (box.left, box.bottom), (box.right, box.bottom)])
    for tick in (digit * 10.0**power for power in range(-6, 10) for digit in (1, 2, 5)):
        if low <= tick <= high:
            x = plane.x(tick)
            _line(root, "axis", [(x, box.bottom), (x, box.bottom + 3)])
            _text(root, x, box.bottom + 16, f"{tick:g}")
    _text(root, (box.left + box.right) / 2, plane.height - 8, "mean runtime, ms per frame (log)")
    middle = (box.top + box.bottom) / 2
    _text(root, 14, middle, label)
    root[-1].set("transform", f"rotate(-90 14 {middle:.1f})")


def _step(extent: float) -> float:
    """A round distance of the lines of a grid: at most six of them."""
    power = 10.0 ** math.floor(math.log10(extent / 6))
    return next(power * digit for digit in (1, 2, 2.5, 5, 10, 20) if extent / (power * digit) <= 6)


def _contours(root: ET.Element, plane: _Plane, baseline_db: float) -> None:
    """Contours of equal score, each labelled at its upper end."""
    (low, high), (bottom, top) = plane.runtimes, plane.values
    if top <= baseline_db:
        return
    first = max(bottom, baseline_db + 1e-6)
    heights = [first + (top - first) * step / 60 for step in range(61)]
    heights = [height for height in heights if height - baseline_db < _MOST_GAIN_DB]
    for level in _LEVELS:
        line = [(ntire23_runtime_ms(level, height - baseline_db), height) for height in heights]
        line = [(x, y) for x, y in line if low <= x <= high]
        if len(line) < 6:
            continue
        places = [(plane.x(x), plane.y(y)) for x, y in line]
        _line(root, "contour", places)
        x, y = places[-1]
        _text(root, min(x, plane.box.right - 8), max(y, plane.box.top) + 10, f"{level:g}", "level")


def _points(root: ET.Element, plane: _Plane, points: Sequence[Point], front: Sequence[int], digits: int) -> None:
    for index, point in enumerate(points):
        group = ET.SubElement(root, "g", {"class": f"point{' best' * (index in front)}"})
        if point.key:
            group.set("data-key", point.key)
        ET.SubElement(group, "title").text = (
            f"{shorten(point.name, 80)}: {number(point.value, digits)}, {number(point.runtime_ms, 2)} ms,"
            f" {number(1000 / point.runtime_ms, 1)} FPS"
        )
        ET.SubElement(group, "circle", {
            "cx": f"{plane.x(point.runtime_ms):.1f}", "cy": f"{plane.y(point.value):.1f}", "r": "4.5",
        })  # fmt: skip


def _names(root: ET.Element, plane: _Plane, points: Sequence[Point], front: Sequence[int]) -> None:
    """Label the Pareto front first, then the best values, while there is room."""
    order = [*front, *(i for i in sorted(range(len(points)), key=lambda i: -points[i].value) if i not in front)]
    texts = [shorten(points[index].name, 26) for index in order][:_LABELS]
    spots = [(plane.x(points[index].runtime_ms), plane.height - plane.y(points[index].value)) for index in order]
    box = plane.box
    area = Box(box.left + 2, plane.height - box.bottom + 2, box.right - 2, plane.height - box.top - 10)
    for (x, y), text, place in zip(spots, texts, place_labels(spots, texts, area, _LABEL_SIZE), strict=False):
        if place is not None:
            _text(root, x + place.dx, plane.height - (y + place.dy), text, "name", _ANCHORS[place.align])
