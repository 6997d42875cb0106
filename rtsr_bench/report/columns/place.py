"""Rank, model and team of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.eligibility import Ineligibility
from rtsr_bench.report.column import COLUMNS, EVERY_VIEW, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note
from rtsr_bench.report.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtsr_bench.leaderboard import Row

REASON_LENGTH = 150


def _notes(row: Row) -> tuple[Note, ...]:
    record = row.record
    found = [Note(tone="sub", text=shorten(record.submission.team, 80))]
    if record.model.trained_by:
        found.append(Note(tone="sub", text=f"weights: {shorten(record.model.trained_by, 80)}"))
    if row.twin:
        found.append(Note(tone="sub", text=f"submission {record.submission.digest[:8]}"))
    found += [
        Note(tone="sub", text=shorten(reason.short, REASON_LENGTH))
        if reason.kind is Ineligibility.UNTRAINED
        else Note(tone="bad", text=shorten(reason.brief or reason.text, REASON_LENGTH))
        for reason in row.reasons
        if reason.kind is not Ineligibility.UNOFFICIAL
    ]
    return tuple(found)


def _interval(row: Row) -> tuple[Note, ...]:
    """The interval of the rank, such as (1–3)."""
    if row.rank_interval is None:
        return ()
    low, high = row.rank_interval
    return (Note(tone="sub", text=f"({low}–{high})" if low != high else f"({low})"),)


def _end(place: int) -> Callable[[Row], int | None]:
    return lambda row: row.rank_interval[place] if row.rank_interval else None


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    del scope
    return (
        BoardColumn(
            key="rank", label="#", digits=0, better="", terminal=None, value=lambda row: row.rank, notes=_interval,
            views=EVERY_VIEW,
            explanation=(
                "Rank by score; equal scores share a rank. In brackets: the ranks in the central 95 % of resamples of"
                " the images, the same for all models, with runtimes as measured."
            ),
        ),
        BoardColumn(
            key="rank_low", label="Rank from", digits=0, shown=False, terminal=None, value=_end(0),
            explanation="Lower end of the interval of the rank.",
        ),
        BoardColumn(
            key="rank_high", label="Rank to", digits=0, shown=False, terminal=None, value=_end(1),
            explanation="Upper end of the interval of the rank.",
        ),
        BoardColumn(
            key="model", label="Model", heading=True, terminal="model", value=lambda row: row.record.model.id,
            notes=_notes, views=EVERY_VIEW,
            explanation="Submission and model; the team below.",
        ),
        BoardColumn(
            key="team", label="Team", shown=False, terminal=None, value=lambda row: row.record.submission.team,
            explanation="The team that submitted it.",
        ),
    )  # fmt: skip


COLUMNS.add(Columns(name="place", make=_columns, order=10))
