"""The latency of frames over time, with the deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.report.figures.svg import ACCENT, INK, LINE, MUTED, drawing, to_svg
from rtsr_bench.statistics import summarise_frames

if TYPE_CHECKING:
    from markupsafe import Markup

    from rtsr_bench.record.realtime import Frames

SIZE = (860.0, 230.0)
MOST_POINTS = 1500
"""Points of the line; of more frames each point is the slowest of several."""


def latency_figure(run: Frames, deadline_ms: float, name: str, *, title: str) -> Markup:
    """Latency in ms over the seconds at which frames arrived, the deadline, and a mark for each dropped frame."""
    from matplotlib.figure import Figure

    summary = summarise_frames(run.latency_ms, deadline_ms)
    step = -(-len(run.latency_ms) // MOST_POINTS)
    parts = [run.latency_ms[at : at + step] for at in range(0, len(run.latency_ms), step)]
    seconds = [at * step / run.fps for at in range(len(parts))]
    slowest = [max((one for one in part if one is not None), default=None) for part in parts]
    shown = [(at, value) for at, value in zip(seconds, slowest, strict=True) if value is not None]
    dropped = [at for at, part in zip(seconds, parts, strict=True) if None in part]
    with drawing(name):
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        axes = figure.add_axes((0.06, 0.2, 0.92, 0.68))
        axes.plot(*zip(*shown, strict=True) if shown else ([], []), color=ACCENT, linewidth=0.7)
        axes.axhline(deadline_ms, color=INK, linewidth=1.0, linestyle=(0, (3, 2)))
        axes.text(1.0, deadline_ms, "deadline", transform=axes.get_yaxis_transform(), ha="right", va="bottom",
                  fontsize=10.5, color=INK)  # fmt: skip
        top = max([deadline_ms, *(value for _, value in shown)]) * 1.15
        if dropped:
            axes.plot(dropped, [0.02 * top] * len(dropped), color=INK, linestyle="none", marker="|", markersize=6)
        axes.set_ylim(0, top)
        axes.set_xlim(0, len(run.latency_ms) / run.fps)
        axes.set_xlabel("seconds", fontsize=11)
        axes.set_ylabel("ms", fontsize=11)
        axes.grid(visible=True, axis="y", color=LINE, linewidth=0.6)
        axes.tick_params(length=3, labelsize=10.5, labelcolor=MUTED)
        of = f", each point the slowest of {step} frames" if step > 1 else ""
        words = (
            f"Latency of {summary.frames} frames at {run.fps:g} FPS{of}; deadline {deadline_ms:.2f} ms, "
            f"{summary.late} late. Marks below: {summary.dropped} dropped frames."
        )
        return to_svg(figure, name, title=title, words=words)
