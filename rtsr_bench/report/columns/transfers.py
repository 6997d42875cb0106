"""Frames per second with transfers, beside those of the model alone; only where a GPU was measured with them."""

from __future__ import annotations

from rtsr_bench.report.column import COLUMNS, BoardColumn, Columns, Scope


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    column = BoardColumn(
        key="fps_transfers",
        label="FPS with transfers",
        better="higher",
        digits=1,
        group=f"Runtime at {scope.timed_at}",
        views=("overview", "speed"),
        terminal="FPS with transfers",
        value=lambda row: row.record.transfers.fps if row.record.transfers else None,
        explanation=(
            "Frames from host memory to host memory: 8-bit pixels are uploaded, converted, enhanced, rounded and"
            " downloaded, transfers beside the model. The score uses the runtime of the model alone."
        ),
    )
    return (column,) if scope.transfers else ()


COLUMNS.add(Columns(name="transfers", make=_columns, order=41))
