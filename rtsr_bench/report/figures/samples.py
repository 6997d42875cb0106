"""The timed samples of one model: their distribution and order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtsr_bench.report.figures.svg import ACCENT, INK, LINE, MUTED, drawing, to_svg
from rtsr_bench.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from rtsr_bench.statistics import RuntimeSummary

SIZE = (860.0, 230.0)


def samples_figure(samples_ms: Sequence[float], summary: RuntimeSummary, name: str, *, title: str) -> Markup:
    """Histogram (left, with mean and p95) and trace in order (right) of samples in ms per frame, as SVG."""
    from matplotlib.figure import Figure

    with drawing(name):
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        _histogram(figure.add_axes((0.05, 0.2, 0.4, 0.66)), samples_ms, summary)
        _trace(figure.add_axes((0.54, 0.2, 0.45, 0.66)), samples_ms, summary)
        words = (
            f"Left: histogram of {summary.samples} timed repeats from {summary.least_ms:.3f} to {summary.most_ms:.3f}"
            f" ms, mean {summary.mean_ms:.3f}, p95 {summary.p95_ms:.3f} ms. Right: the repeats in their order."
        )
        return to_svg(figure, name, title=title, words=words)


def _histogram(axes: Any, samples: Sequence[float], summary: RuntimeSummary) -> None:
    low, high = summary.least_ms, summary.most_ms
    if low == high:
        low, high = low * 0.95, high * 1.05
    axes.hist(samples, bins=_bins(samples), range=(low, high), color=ACCENT, alpha=0.55, edgecolor="none")
    close = summary.p95_ms - summary.mean_ms < 0.25 * (high - low)
    for value, text, height in ((summary.mean_ms, "mean", 1.0), (summary.p95_ms, "p95", 1.12 if close else 1.0)):
        axes.axvline(value, color=INK, linewidth=1.0, linestyle="-" if text == "mean" else (0, (3, 2)))
        axes.text(
            value,
            height,
            text,
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=10.5,
            color=INK,
        )
    axes.set_xlabel("ms per frame", fontsize=11)
    axes.set_ylabel("repeats", fontsize=11)
    _plain(axes)


def _bins(samples: Sequence[float]) -> int:
    """Freedman and Diaconis' rule, between 8 and 60."""
    width = 2 * (percentile(samples, 75) - percentile(samples, 25)) / len(samples) ** (1 / 3)
    extent = max(samples) - min(samples)
    return 8 if width <= 0 else max(8, min(60, round(extent / width)))


def _trace(axes: Any, samples: Sequence[float], summary: RuntimeSummary) -> None:
    axes.plot(
        range(1, len(samples) + 1), samples, color=ACCENT, linewidth=0.6, marker="o", markersize=2, markeredgewidth=0
    )
    axes.axhline(summary.mean_ms, color=INK, linewidth=1.0)
    axes.set_xlabel("repeat, in order", fontsize=11)
    axes.set_ylabel("ms per frame", fontsize=11)
    axes.grid(visible=True, axis="y", color=LINE, linewidth=0.6)
    _plain(axes)


def _plain(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    axes.tick_params(length=3, labelsize=10.5, labelcolor=MUTED)
