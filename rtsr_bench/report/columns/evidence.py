"""The evidence of a row: precision, time, digests and the record; for exports only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.leaderboard import data_digest
from rtsr_bench.report.column import COLUMNS, BoardColumn, Columns, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtsr_bench.leaderboard import Row
    from rtsr_bench.report.tables import Value


def _precision(row: Row) -> str | None:
    return row.record.protocol.precision.get(row.record.system.device_kind, "") if row.runtime else None


def _hidden(key: str, label: str, value: Callable[[Row], Value], explanation: str) -> BoardColumn:
    return BoardColumn(key=key, label=label, shown=False, terminal=None, value=value, explanation=explanation)


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    del scope
    return (
        _hidden("precision", "Precision", _precision, "Timed precision."),
        _hidden("started", "Measured", lambda row: row.record.started, "Start of the measurement, UTC."),
        _hidden(
            "submission_digest", "Submission", lambda row: row.record.submission.digest, "SHA-256 of the submission."
        ),
        _hidden(
            "protocol_digest", "Protocol", lambda row: row.record.protocol.digest, "Digest of the measuring rules."
        ),
        _hidden("data_digest", "Data", lambda row: data_digest(row.record), "Digest of the measured data sets."),
        _hidden("record", "Record", lambda row: row.source, "The row's record file."),
    )


COLUMNS.add(Columns(name="evidence", make=_columns, order=80))
