"""Peak memory of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.record import Memory
from rtsr_bench.report.column import BoardColumn, add_column

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row


def memory_bytes(row: Row) -> int | None:
    """Return peak memory less what was in use before, None if it was not measured."""
    memory = row.record.memory
    return max(0, memory.peak_bytes - memory.baseline_bytes) if isinstance(memory, Memory) else None


add_column(
    BoardColumn(
        key="memory_bytes",
        label="Memory",
        unit="MiB",
        better="lower",
        digits=0,
        factor=2.0**20,
        views=("overview", "cost"),
        terminal=None,
        value=memory_bytes,
        explanation="Peak memory of a call, less what was in use before the model was loaded.",
    ),
    order=60,
)
