"""The sessions of a comparison: B against A, a model against itself, the interval and the noise floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtsr_bench.comparison import percent, shown_percent
from rtsr_bench.report.figures.svg import ACCENT, BANDS, INK, LINE, MUTED, PAPER, drawing, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from rtsr_bench.comparison import RuntimeComparison

SIZE = (860.0, 260.0)
_PLOT, _LEGEND = (0.07, 0.18, 0.92, 0.7), 0.95


def ratios_figure(runtime: RuntimeComparison, name: str, *, title: str) -> Markup:
    """Percent by which B took longer than A in each session, as SVG: dots; hollow for two processes of one model.

    The mean is a line with its interval as a band around it, the noise floor two dashed lines.
    """
    from matplotlib.figure import Figure

    with drawing(name):
        figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72), dpi=72)
        axes = figure.add_axes(_PLOT)
        _lines(axes, runtime)
        ratios = [percent(one.ratio) for one in runtime.sessions]
        nulls = [percent(one.null) for one in runtime.sessions]
        _dots(axes, nulls, filled=False)
        _dots(axes, ratios, filled=True)
        _axes(axes, len(ratios))
        figure.text(
            _PLOT[0], _LEGEND, "● B against A   ○ a model against itself   - - noise floor", fontsize=10.5, color=MUTED
        )
        shown = ", ".join(shown_percent(one.ratio) for one in runtime.sessions)
        words = f"{runtime.words}. B against A by session, percent: {shown}."
        return to_svg(figure, name, title=title, words=words)


def _dots(axes: Any, values: Sequence[float], *, filled: bool) -> None:
    axes.plot(
        range(1, len(values) + 1), values, linestyle="none", marker="o", markersize=6, zorder=5 if filled else 4,
        markerfacecolor=ACCENT if filled else PAPER, markeredgecolor=ACCENT if filled else MUTED, markeredgewidth=1.2,
    )  # fmt: skip


def _lines(axes: Any, runtime: RuntimeComparison) -> None:
    axes.axhline(0, color=INK, linewidth=0.8)
    if runtime.floor is not None:
        for value in (percent(runtime.floor), percent(-runtime.floor)):
            axes.axhline(value, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    if runtime.interval is not None:
        axes.axhspan(*map(percent, runtime.interval), facecolor=BANDS["b4"], edgecolor="none", zorder=0)
        axes.axhline(percent(runtime.ratio), color=ACCENT, linewidth=1.2)


def _axes(axes: Any, count: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0.4, count + 0.6)
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:+g}".replace("-", "−") if tick else "0"))
    axes.set_xlabel("session", fontsize=11)
    axes.set_ylabel("time of B over A, %", fontsize=11)
    axes.grid(visible=True, axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, labelsize=10.5, labelcolor=MUTED)
