"""The tables of a leaderboard: all columns of its rows, and the metrics by data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.report.column import Scope, board_columns
from rtsr_bench.report.tables import Column, Table, TableRow
from rtsr_bench.report.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtsr_bench.leaderboard import Group, Leaderboard


def scope_of(board: Leaderboard, group: Group) -> Scope:
    """The scope of a group's tables: the track's conventions, or all of the protocol if the track is unknown."""
    return Scope.of(group.protocol, board.track)


def board_table(board: Leaderboard, group: Group, table_id: str, caption: str, links: Mapping[str, str]) -> Table:
    """A group as a table; `links` maps a row's source to its model page."""
    columns = board_columns(scope_of(board, group))
    rows = tuple(
        TableRow(
            values={column.key: column.of(row) for column in columns},
            notes={column.key: column.notes(row) for column in columns},
            links={"model": links[row.source]},
            band=row.frame_band,
            muted=row.failed or bool(row.record.model.untrained) or (group.official and row.rank is None),
        )
        for row in group.rows
    )
    return Table(id=table_id, caption=caption, columns=columns, rows=rows)


def set_table(board: Leaderboard, group: Group, table_id: str, caption: str, links: Mapping[str, str]) -> Table | None:
    """Fidelity by data set; None if there is only one."""
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
            links={"model": links[row.source]},
            muted=row.failed,
        )
        for row in group.rows
        if row.by_set
    ]
    return Table(id=table_id, caption=caption, columns=tuple(columns), rows=tuple(rows))
