"""The page of a leaderboard: its groups with table, warnings and figures, then published results and rules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rtsr_bench.division import Division
from rtsr_bench.leaderboard import Group, Leaderboard, all_executions, how_measured
from rtsr_bench.report.board_table import board_table, executions_table, scope_of, set_table
from rtsr_bench.report.figures import Point, scatter_figure
from rtsr_bench.report.literature import all_published, published_table
from rtsr_bench.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtsr_bench.report.press import Press, View

CONTOURS_FOR = "ntire23-rtsr"


def board_title(board: Leaderboard) -> str:
    """A leaderboard's name: its track's title, or the id of an unknown track."""
    return board.track.heading if board.track else f"{one_line(board.track_id)} (no such track)"


def group_heading(group: Group, board: Leaderboard) -> str:
    """The heading of a group."""
    if board.track is None:
        return "Records without a track"
    if group.division is None:
        return "Unofficial runs (not ranked)"
    if not any(one.division is Division.OPEN for one in board.groups):
        return "Ranked" if group.complete else "Incomplete data"
    name = f"{group.division.value.capitalize()} division"
    return name if group.complete else f"{name}, incomplete data"


def group_tag(group: Group, board: Leaderboard) -> dict[str, str]:
    """The tag beside the heading of a group: its class and its words."""
    if group.division is None:
        return {"class": "unofficial", "words": "unofficial"}
    own = board.track is not None and not board.track.shipped
    if group.division is Division.OPEN:
        return {"class": "open", "words": "other executions"}
    return {"class": "official", "words": "own track's protocol" if own else "official protocol"}


def print_board(press: Press, board: Leaderboard, slug: str, links: Mapping[str, str]) -> str:
    """Render the page of a board; returns its path."""
    address = f"boards/{slug}.html"
    published = [one for one in all_published() if one.track == board.track_id]
    press.page(
        address,
        "board.html",
        title=board_title(board),
        board=board,
        groups=[_group(press, board, group, slug, links) for group in board.groups],
        published=[{"data": one, "view": press.table(published_table(one))} for one in published],
        official_how=how_measured(board.track.protocol, board.device.kind) if board.track else "",
        score_convention=board.track.score.convention.words if board.track else "",
    )
    return address


def _group(press: Press, board: Leaderboard, group: Group, slug: str, links: Mapping[str, str]) -> dict[str, Any]:
    table_id = f"{slug}--{group.id}"
    heading = group_heading(group, board)
    where = f"{board_title(board)} on {board.device.label}: {heading.lower()}"
    sets = set_table(board, group, f"{table_id}--sets", f"{where}, by data set", links)
    torch = sorted({row.record.system.torch for row in group.rows})
    return {
        "group": group,
        "heading": heading,
        "tag": group_tag(group, board),
        "data": _data_words(group),
        "torch": torch,
        "view": press.table(board_table(board, group, table_id, where, links)),
        "sets": press.table(sets) if sets else None,
        "executions": _executions(press, board, group, f"{table_id}--executions", where, links),
        "warnings": [
            (row.record.model.id, links[row.source], warning) for row in group.rows for warning in row.warnings
        ],
        "figures": _figures(board, group, links),
    }


def _executions(
    press: Press, board: Leaderboard, group: Group, table_id: str, where: str, links: Mapping[str, str]
) -> View | None:
    """Every execution of the models in a group of the open division; None for other groups."""
    if group.division is not Division.OPEN:
        return None
    rows = all_executions(board, group)
    return press.table(executions_table(board, group, rows, table_id, f"{where}, all executions", links))


def _data_words(group: Group) -> str:
    uses = group.rows[0].record.data
    words = [
        f"{use.name} ({use.images} image{'' if use.images == 1 else 's'}{'' if use.verified else ', not verified'})"
        for use in uses
    ]
    return ", ".join(words) or "none"


def _figures(board: Leaderboard, group: Group, links: Mapping[str, str]) -> list[dict[str, Any]]:
    """Score and PSNR against runtime, if at least two models have both (and a score above 0)."""
    rows = [row for row in group.rows if row.runtime and not row.failed]
    conventions = scope_of(board, group).conventions
    convention = board.track.score.convention if board.track else next(iter(conventions), None)
    if convention is None:
        return []
    figures = []
    scored = [
        Point(name=row.record.model.id, runtime_ms=row.runtime.mean_ms, value=row.score, address=_up(links[row.source]))
        for row in rows
        if row.runtime and row.score and not row.lower_is_better  # lower is better: not for this figure
    ]
    if len(scored) > 1:
        title = "Score against runtime."
        svg = scatter_figure(scored, f"score-{group.id}", title=title, label="score", digits=2)
        words = "The upper left is better; filled points are on the Pareto front."
        figures.append({"title": title, "words": words, "svg": svg})
    faithful = [
        Point(name=row.record.model.id, runtime_ms=row.runtime.mean_ms, value=psnr, address=_up(links[row.source]))
        for row in rows
        if row.runtime and row.fidelity and math.isfinite(psnr := row.fidelity.psnr_db.get(convention.key, math.inf))
    ]
    if len(faithful) > 1:
        baseline = _baseline(board, group, convention.key)
        title = "PSNR against runtime."
        svg = scatter_figure(
            faithful,
            f"psnr-{group.id}",
            title=title,
            label=f"PSNR {convention.words}, dB",
            digits=3,
            baseline_db=baseline,
        )
        words = "Thin lines are contours of equal score (numbers)." if baseline is not None else ""
        figures.append({"title": title, "words": words, "svg": svg})
    return figures


def _baseline(board: Leaderboard, group: Group, key: str) -> float | None:
    """Bicubic's PSNR if all rows agree on it and the contours of the track's formula are known."""
    if board.track is None or board.track.score.formula != CONTOURS_FOR:
        return None
    found = [row.fidelity.baseline_psnr_db[key] for row in group.rows if row.fidelity and row.score is not None]
    alike = found and max(found) - min(found) < 0.005 and math.isfinite(found[0])
    return found[0] if alike else None


def _up(address: str) -> str:
    """A path relative to a page one folder down."""
    return f"../{address}"
