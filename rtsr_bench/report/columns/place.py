"""Rank, model and team of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.eligibility import Ineligibility
from rtsr_bench.report.column import COLUMNS, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note
from rtsr_bench.report.text import shorten

if TYPE_CHECKING:
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


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    del scope
    return (
        BoardColumn(
            key="rank", label="#", digits=0, better="", terminal=None, value=lambda row: row.rank,
            explanation="Rank by score; equal scores share a rank.",
        ),
        BoardColumn(
            key="model", label="Model", heading=True, terminal="model", value=lambda row: row.record.model.id,
            notes=_notes, explanation="Submission and model; the team below.",
        ),
        BoardColumn(
            key="team", label="Team", shown=False, terminal=None, value=lambda row: row.record.submission.team,
            explanation="The team that submitted it.",
        ),
    )  # fmt: skip


COLUMNS.add(Columns(name="place", make=_columns, order=10))
