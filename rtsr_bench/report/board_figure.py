"""The figure of a group: PSNR against runtime, with contours of equal score where the formula has them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rtsr_bench.report.board_table import scope_of
from rtsr_bench.report.figures import Point, scatter_figure
from rtsr_bench.report.figures.scatter import WIDE
from rtsr_bench.score import NTIRE23

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtsr_bench.leaderboard import Group, Leaderboard


def scatter_of(
    board: Leaderboard,
    group: Group,
    anchors: Mapping[str, str],
    name: str,
    *,
    size: tuple[float, float] = WIDE,
) -> dict[str, Any] | None:
    """PSNR under the score's convention against runtime, as title, words and SVG; None unless two models have both.

    `anchors` are the names of rows by source, by which the page's script finds the row of a point; `name` starts the
    ids of the SVG.
    """
    conventions = scope_of(board, group).conventions
    convention = board.track.score.convention if board.track else next(iter(conventions), None)
    if convention is None:
        return None
    points = [
        Point(name=row.record.model.id, runtime_ms=row.runtime.mean_ms, value=psnr, key=anchors.get(row.source, ""))
        for row in group.rows
        if row.runtime
        and row.fidelity
        and not row.failed
        and math.isfinite(psnr := row.fidelity.psnr_db.get(convention.key, math.inf))
    ]
    if len(points) < 2:
        return None
    baseline = _baseline(board, group, convention.key)
    title = "PSNR against runtime."
    label = f"PSNR {convention.words}, dB"
    svg = scatter_figure(points, name, title=title, label=label, digits=3, baseline_db=baseline, size=size)
    lines = " Thin lines are contours of equal score (numbers)." if baseline is not None else ""
    return {
        "title": title,
        "words": f"The upper left is better; filled points are the Pareto front.{lines}",
        "svg": svg,
    }


def _baseline(board: Leaderboard, group: Group, key: str) -> float | None:
    """Bicubic's PSNR if all rows agree on it and the contours of the track's formula are known."""
    if board.track is None or board.track.score.formula != NTIRE23:
        return None
    found = [row.fidelity.baseline_psnr_db[key] for row in group.rows if row.fidelity and row.score is not None]
    alike = found and max(found) - min(found) < 0.005 and math.isfinite(found[0])
    return found[0] if alike else None
