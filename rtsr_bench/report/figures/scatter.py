"""Score or PSNR against runtime: FPS bands, Pareto front, contours of equal score, labelled points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtsr_bench.leaderboard import BANDS as FPS_BANDS
from rtsr_bench.leaderboard import pareto_front
from rtsr_bench.report.figures.labels import Box, place_labels
from rtsr_bench.report.figures.svg import ACCENT, BANDS, INK, LINE, MUTED, PAPER, drawing, to_svg
from rtsr_bench.report.text import shorten
from rtsr_bench.score import ntire23_runtime_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

SIZE = (640.0, 420.0)
_AREA = Box(0.095, 0.13, 0.985, 0.93)
_LABELS = 30
_LEVELS = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One model: its name, runtime in ms, value, and page."""

    name: str
    runtime_ms: float
    value: float
    address: str


def scatter_figure(
    points: Sequence[Point], name: str, *, title: str, label: str, digits: int, baseline_db: float | None = None
) -> Markup:
    """The scatter plot as SVG. With `baseline_db` (bicubic's PSNR) it has contours of equal NTIRE 2023 score."""
    from matplotlib.figure import Figure

    front = pareto_front([(point.runtime_ms, point.value) for point in points])
    with drawing(name):
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        axes = figure.add_axes((_AREA.left, _AREA.bottom, _AREA.right - _AREA.left, _AREA.top - _AREA.bottom))
        _axes(axes, points, label)
        _bands(axes)
        if baseline_db is not None:
            _contours(axes, baseline_db)
        axes.plot(
            [points[index].runtime_ms for index in front],
            [points[index].value for index in front],
            color=ACCENT, linewidth=1.2, linestyle=(0, (4, 2)), zorder=3,
        )  # fmt: skip
        for index, point in enumerate(points):
            best = index in front
            axes.plot(
                [point.runtime_ms], [point.value], marker="o", markersize=7, gid=f"point{index}", zorder=5,
                markerfacecolor=ACCENT if best else PAPER, markeredgecolor=ACCENT if best else MUTED,
                markeredgewidth=1.4,
            )  # fmt: skip
        _names(axes, points, front)
        links = {
            f"point{index}": (
                point.address,
                f"{shorten(point.name, 80)}: {point.runtime_ms:.2f} ms, {point.value:.{digits}f}",
            )
            for index, point in enumerate(points)
        }
        best_names = ", ".join(shorten(points[index].name, 40) for index in front)
        words = f"{label} against mean runtime in milliseconds of {len(points)} models. Pareto front: {best_names}."
        return to_svg(figure, name, title=title, words=words, links=links)


def _axes(axes: Any, points: Sequence[Point], label: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = min(point.runtime_ms for point in points), max(point.runtime_ms for point in points)
    low, high = low / 1.5, high * 1.7
    if high / low < 8:
        centre = math.sqrt(low * high)
        low, high = centre / math.sqrt(8), centre * math.sqrt(8)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [digit * 10.0**power for power in range(-4, 7) for digit in (1, 2, 5)]
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    values = [point.value for point in points]
    room = (max(values) - min(values)) or 1.0
    axes.set_ylim(min(values) - 0.10 * room, max(values) + 0.16 * room)
    axes.set_xlabel("mean runtime, ms per frame (log)", fontsize=11)
    axes.set_ylabel(label, fontsize=11)
    axes.grid(visible=True, axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, labelsize=10.5)


def _bands(axes: Any) -> None:
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top)
    for one in FPS_BANDS:
        left = max(low, 0.0 if math.isinf(one.below) else 1000.0 / one.below)
        right = min(high, math.inf if one.least == 0 else 1000.0 / one.least)
        if left >= right:
            continue
        axes.axvspan(left, right, facecolor=BANDS[one.id], edgecolor="none", alpha=0.55, zorder=0)
        share = math.log(right / left) / math.log(high / low)
        if share > 0.115:
            middle = math.sqrt(left * right)
            axes.text(
                middle, 1.012, one.label, transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                fontsize=10, color=MUTED,
            )  # fmt: skip


def _contours(axes: Any, baseline_db: float) -> None:
    """Contours of equal score, each labelled at its upper end."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    span = top - bottom
    if top <= baseline_db:
        return
    steps = 60
    first = max(bottom, baseline_db + 1e-6)
    heights = [first + (top - first) * step / steps for step in range(steps + 1)]
    for level in _LEVELS:
        line = [(ntire23_runtime_ms(level, height - baseline_db), height) for height in heights]
        line = [(x, y) for x, y in line if low <= x <= high]
        if len(line) < 6:
            continue
        axes.plot([x for x, _ in line], [y for _, y in line], color=MUTED, linewidth=0.7, alpha=0.7, zorder=1)
        x, y = line[-1]
        y = min(y, top - 0.012 * span)
        at_right = x > high / 1.12
        axes.text(
            x, y, f"{level:g}", fontsize=9, color=MUTED, ha="right" if at_right else "center", va="top",
            zorder=2, bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.7},
        )  # fmt: skip


def _names(axes: Any, points: Sequence[Point], front: Sequence[int]) -> None:
    """Label the Pareto front first, then the best values, while there is room."""
    order = [*front, *(i for i in sorted(range(len(points)), key=lambda i: -points[i].value) if i not in front)]
    texts = [shorten(points[index].name, 26) for index in order][:_LABELS]
    spots = [
        tuple(float(part) for part in axes.transData.transform((points[index].runtime_ms, points[index].value)))
        for index in order
    ]
    area = Box(
        _AREA.left * SIZE[0] + 2, _AREA.bottom * SIZE[1] + 2, _AREA.right * SIZE[0] - 2, _AREA.top * SIZE[1] - 10
    )
    places = place_labels([(spot[0], spot[1]) for spot in spots], texts, area, 10.5)
    for index, text, place in zip(order, texts, places, strict=False):
        if place is not None:
            axes.annotate(
                text, (points[index].runtime_ms, points[index].value), xytext=(place.dx, place.dy),
                textcoords="offset points", ha=place.align, va="baseline", fontsize=10.5, color=INK, zorder=6,
            )  # fmt: skip
