"""The index, the page that explains the others, and the pages of published results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.division import Division
from rtsr_bench.leaderboard import Leaderboard
from rtsr_bench.metric import known
from rtsr_bench.number_warnings import (
    DRIFT_LIMIT,
    FEW_REPEATS,
    FIDELITY_LOSS_LIMIT_DB,
    QUIET_SHARE,
    REFERENCE_DRIFT_LIMIT,
    SPREAD_LIMIT,
)
from rtsr_bench.report.board_page import board_title
from rtsr_bench.report.budget import choices
from rtsr_bench.report.column import Scope, board_columns
from rtsr_bench.report.literature import all_published, published_table
from rtsr_bench.report.matrix import leader_notes, leader_of, matrix_table
from rtsr_bench.report.tables import Column, Table, TableRow
from rtsr_bench.report.text import shorten
from rtsr_bench.statistics import RESAMPLES
from rtsr_bench.tracks import all_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.report.press import Press

Addressed = tuple[Leaderboard, str]


def print_index(
    press: Press, boards: Sequence[Addressed], problems: Sequence[str], links: Mapping[str, str] | None = None
) -> None:
    """Render the index, also for a site without records; `links` are the paths of model pages by source."""
    press.page(
        "index.html",
        "index.html",
        here="index",
        boards=press.table(_boards_table(boards)) if boards else None,
        matrix=press.table(matrix_table(boards)) if boards else None,
        choices=choices(boards, links or {}),
        tracks=press.table(_tracks_table(boards)),
        published=[{"data": one} for one in all_published()],
        problems=[shorten(problem, 400) for problem in problems],
    )


def print_published(press: Press, boards: Sequence[Addressed]) -> None:
    """Render a page for each published table, even if nothing was measured."""
    for one in all_published():
        press.page(
            f"published/{one.id}.html",
            "published.html",
            block={"data": one, "view": press.table(published_table(one))},
            boards=[(f"{board_title(board)} on {board.device.label}", where) for board, where in boards
                    if board.track_id == one.track],
        )  # fmt: skip


def print_reading(press: Press, *, transfers: bool = False) -> None:
    """Render the page that explains every number; explanations of columns come from their definitions.

    `transfers`: some record has frames with their transfers.
    """
    press.page(
        "how-to-read.html",
        "reading.html",
        here="reading",
        resamples=RESAMPLES,
        spread=f"{100 * SPREAD_LIMIT:.0f}",
        drift=f"{100 * DRIFT_LIMIT:.0f}",
        quiet=f"{100 * QUIET_SHARE['cpu']:.0f}",
        reference=f"{100 * REFERENCE_DRIFT_LIMIT:.0f}",
        few=FEW_REPEATS,
        loss=FIDELITY_LOSS_LIMIT_DB,
        metrics=_listed(_metric_titles()),
        columns=press.table(_columns_table(transfers=transfers)),
    )


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _metric_titles() -> list[str]:
    """The titles of the metrics that tracks list."""
    names = [name for track in all_tracks().values() for name in track.protocol.metrics]
    return [metric.title for metric in known(names)]


def _boards_table(boards: Sequence[Addressed]) -> Table:
    opened = any(group.division is Division.OPEN for board, _ in boards for group in board.groups)
    columns = (
        Column(key="track", label="Track", heading=True, explanation="The track's title."),
        Column(key="device", label="Device", explanation="The measured device."),
        Column(key="leader", label="Leader", explanation="The best score of the first group."),
        Column(key="score", label="Score", digits=2, emphasis=True, explanation="Of the leader."),
        Column(key="gain_db", label="Gain", unit="dB", digits=3, signed=True, explanation="Of the leader."),
        Column(key="runtime_ms", label="Runtime", unit="ms", digits=2, explanation="Mean of the leader."),
        Column(key="fps", label="FPS", digits=1, explanation="Of the leader."),
        Column(key="ranked", label="Ranked", digits=0, explanation="Models with a rank."),
        Column(key="unranked", label="Not ranked", digits=0, explanation="Official rows that a rule excludes."),
        Column(key="failed", label="Failed", digits=0, explanation="Models that failed."),
        *([_OPEN] if opened else []),
        Column(key="unofficial", label="Unofficial", digits=0, explanation="Rows measured under another protocol."),
    )
    rows = []
    for board, address in boards:
        shown = [(group.division, row) for group in board.groups for row in group.rows]
        official = [row for kind, row in shown if kind is Division.CLOSED]
        failed = [row for _, row in shown if row.failed]
        leader = leader_of(board)
        runtime = leader.runtime if leader else None
        rows.append(
            TableRow(
                values={
                    "track": board_title(board),
                    "device": shorten(board.device.label, 60),
                    "leader": leader.record.model.id if leader else None,
                    "score": leader.score if leader else None,
                    "gain_db": leader.gain_db if leader else None,
                    "runtime_ms": runtime.mean_ms if runtime else None,
                    "fps": runtime.fps if runtime else None,
                    "ranked": sum(row.rank is not None for row in official),
                    "unranked": sum(row.rank is None and not row.failed for row in official),
                    "failed": len(failed),
                    "open": sum(kind is Division.OPEN and row.rank is not None for kind, row in shown),
                    "unofficial": sum(kind is None and not row.failed for kind, row in shown),
                },
                notes={"leader": leader_notes(leader) if leader else ()},
                links={"track": address},
                band=leader.frame_band if leader else None,
            )
        )
    return Table(id="leaderboards", caption="Leaderboards", columns=columns, rows=tuple(rows))


_OPEN = Column(
    key="open", label="Open", digits=0, explanation="Models with a rank in the open division: under other executions."
)


def _tracks_table(boards: Sequence[Addressed]) -> Table:
    columns = (
        Column(key="id", label="Track", heading=True, explanation="The id for --track."),
        Column(key="title", label="Title", explanation="Its name."),
        Column(key="scale", label="Scale", digits=0, explanation="Upscaling factor."),
        Column(key="data", label="Data sets", explanation="Data sets for fidelity."),
        Column(key="degradation", label="Degradation", explanation="How LR is made from HR."),
        Column(key="input", label="Timed input", explanation="LR height and width."),
        Column(key="precision", label="Precision", explanation="Timed precision by kind of device."),
        Column(key="repeats", label="Repeats", explanation="Warm-up calls and timed repeats."),
        Column(key="digest", label="Protocol", explanation="Digest of the measuring rules."),
        Column(key="leaderboards", label="Leaderboards", digits=0, explanation="Kinds of device with records."),
    )
    rows = tuple(
        TableRow(
            values={
                "id": track.id,
                "title": track.heading,
                "scale": track.scale,
                "data": ", ".join(track.protocol.data_sets),
                "degradation": track.protocol.degradation,
                "input": str(track.protocol.input),
                "precision": ", ".join(f"{kind} {how.value}" for kind, how in sorted(track.protocol.precision.items())),
                "repeats": f"{track.protocol.warmup} + {track.protocol.repeats}",
                "digest": track.protocol.digest,
                "leaderboards": sum(board.track_id == track.id for board, _ in boards),
            }
        )
        for track in all_tracks().values()
    )
    return Table(id="tracks", caption="Tracks", columns=columns, rows=rows)


def _columns_table(*, transfers: bool) -> Table:
    """The columns of a leaderboard with their explanations."""
    track = next(iter(all_tracks().values()))
    columns = board_columns(Scope.of(track.protocol, track, is_open=True, transfers=transfers))
    shown = (
        Column(key="label", label="Column", heading=True, explanation="Its heading."),
        Column(key="unit", label="Unit", explanation="Its unit."),
        Column(key="better", label="Better", explanation="Which direction is better."),
        Column(key="explanation", label="Meaning", explanation="In a sentence."),
        Column(key="where", label="Where", explanation="On pages and in exports, or only in CSV and JSON."),
    )
    rows = tuple(
        TableRow(
            values={
                "label": " ".join(filter(None, (column.group.split(" at ")[0], column.label))),
                "unit": column.unit or None,
                "better": column.better or None,
                "explanation": column.explanation,
                "where": "everywhere" if column.shown else "CSV and JSON",
            }
        )
        for column in columns
    )
    return Table(id="columns", caption="The columns of a leaderboard", columns=shown, rows=rows)
