"""The tables of a leaderboard: all columns of its rows, and the metrics by data set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rtsr_bench.division import Division
from rtsr_bench.metric import METRICS
from rtsr_bench.report.column import BoardColumn, Scope, board_columns
from rtsr_bench.report.tables import Column, Table, TableRow
from rtsr_bench.report.text import shorten
from rtsr_bench.score import PSNR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.leaderboard import Group, Leaderboard, Row

DIVISION = BoardColumn(
    key="division",
    label="Division",
    terminal=None,
    value=lambda row: row.division.value if row.division else None,
    explanation="closed: the track's own execution; open: another one.",
)


def scope_of(board: Leaderboard, group: Group) -> Scope:
    """The scope of a group's tables: the track's conventions, or all of the protocol if the track is unknown."""
    return Scope.of(
        group.protocol,
        board.track,
        is_open=group.division is Division.OPEN,
        transfers=any(row.record.transfers for row in group.rows),
    )


def board_table(
    board: Leaderboard,
    group: Group,
    table_id: str,
    caption: str,
    links: Mapping[str, str],
    anchors: Mapping[str, str],
) -> Table:
    """A group as a table; `links` and `anchors` map a row's source to its model page and its name on the board."""
    columns = [
        column
        for column in board_columns(scope_of(board, group))
        if not column.optional or any(column.of(row) is not None for row in group.rows)
    ]
    rows = tuple(
        TableRow(
            values={column.key: column.of(row) for column in columns},
            notes={column.key: column.notes(row) for column in columns},
            links={"model": links[row.source]},
            band=row.frame_band,
            muted=row.failed or bool(row.record.model.untrained) or (group.division is not None and row.rank is None),
            anchor=anchors[row.source],
            apart=row.apart,
        )
        for row in group.rows
    )
    return Table(id=table_id, caption=caption, columns=tuple(columns), rows=rows)


def executions_table(
    board: Leaderboard, group: Group, rows: Sequence[Row], table_id: str, caption: str, links: Mapping[str, str]
) -> Table:
    """Executions of the models in a group of the open division, side by side; `rows` are from `all_executions`."""
    scope = scope_of(board, group)
    known = {column.key: column for column in board_columns(scope)}
    psnr = METRICS.find(PSNR).column(scope.scored.key)
    keys = ("model", "execution", "score", psnr, "loss_db", "runtime_ms", "fps", "setup_s", "graph_bytes")
    chosen = [replace(known[key], shown=True) for key in keys if key in known]
    columns = (*chosen[:1], DIVISION, *chosen[1:])
    return Table(
        id=table_id,
        caption=caption,
        columns=columns,
        rows=tuple(
            TableRow(
                values={column.key: column.of(row) for column in columns},
                notes={column.key: column.notes(row) for column in columns},
                links={"model": links[row.source]},
                band=row.frame_band,
                muted=bool(row.reasons),
            )
            for row in rows
        ),
        mark_best=False,
    )


def set_table(board: Leaderboard, group: Group, table_id: str, caption: str) -> Table | None:
    """Fidelity by data set; None if there is only one. Its rows have no links: the table of the group has them."""
    sets = list(dict.fromkeys(name for row in group.rows for name in row.by_set))
    if len(sets) < 2:
        return None
    scope = scope_of(board, group)
    columns = [Column(key="model", label="Model", heading=True, explanation="Submission and model.")]
    shown = scope.pairs
    for index, name in enumerate(sets):
        columns += [
            Column(
                key=f"set{index}_{metric.column(convention.key)}",
                label=f"{metric.title} {scope.short(convention)}",
                unit=metric.unit,
                better=metric.better,
                digits=metric.digits,
                group=shorten(name, 40),
                explanation=f"{metric.explanation}: {convention.words}. On {name}.",
            )
            for convention, metric in shown
        ]
    rows = [
        TableRow(
            values={
                "model": row.record.model.id,
                **{
                    f"set{index}_{metric.column(convention.key)}": row.by_set[name].value(metric, convention.key)
                    for index, name in enumerate(sets)
                    if name in row.by_set
                    for convention, metric in shown
                },
            },
            muted=row.failed,
        )
        for row in group.rows
        if row.by_set
    ]
    return Table(id=table_id, caption=caption, columns=tuple(columns), rows=tuple(rows))
