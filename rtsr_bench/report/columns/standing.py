"""Whether a row is ranked, with reasons and warnings as sentences; for exports only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.report.column import COLUMNS, BoardColumn, Columns, Scope

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row


def standing(row: Row) -> str:
    """Return a row's standing in a word or two."""
    if row.failed:
        return "failed"
    if row.best_source:
        return "other execution"
    return "ranked" if row.rank is not None else "not ranked"


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    del scope
    return (
        BoardColumn(
            key="standing", label="Standing", shown=False, terminal=None, value=standing,
            explanation="ranked, not ranked or failed.",
        ),
        BoardColumn(
            key="reasons", label="Reasons", shown=False, terminal=None,
            value=lambda row: " ".join(reason.text for reason in row.reasons),
            explanation="Why the row is not ranked.",
        ),
        BoardColumn(
            key="warnings", label="Warnings", shown=False, terminal=None,
            value=lambda row: " ".join(warning.text for warning in row.warnings),
            explanation="Why its numbers may be unreliable.",
        ),
    )  # fmt: skip


COLUMNS.add(Columns(name="standing", make=_columns, order=70))
