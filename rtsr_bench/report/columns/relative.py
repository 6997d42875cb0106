"""Runtime relative to the fixed reference; only where a row has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.report.column import COLUMNS, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row


def _notes(row: Row) -> tuple[Note, ...]:
    return tuple(Note(tone="warn", text=one.short) for one in row.warnings if one.about == "relative")


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    column = BoardColumn(
        key="relative", label="Relative", unit="×", better="lower", digits=2, optional=True, terminal=None,
        views=("overview", "speed"),
        group=f"Runtime at {scope.timed_at}", value=lambda row: row.relative, notes=_notes,
        explanation=(
            "Mean runtime over that of a fixed stack of convolutions, which is the same for all tracks and is timed"
            " right before and after each model. Roughly comparable across machines of one kind."
        ),
    )  # fmt: skip
    return (column,)


COLUMNS.add(Columns(name="relative", make=_columns, order=45))
