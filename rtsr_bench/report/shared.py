"""A runtime that was taken from another track, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.record import Runtime
from rtsr_bench.report.text import number, shorten
from rtsr_bench.statistics import median

if TYPE_CHECKING:
    from rtsr_bench.record import Record


def shared_words(record: Record) -> str:
    """Where the runtime is from and what confirmed it; empty if it was measured for this record."""
    shared, runtime = record.shared_runtime, record.runtime
    if shared is None or not isinstance(runtime, Runtime):
        return ""
    check = shared.check
    confirmed = median(check.samples_ms)
    there = median(runtime.samples_ms)
    return (
        f"The model was {shorten(shared.words, 80)}, under the same execution, input and system; the numbers here,"
        f" memory, operations and the fixed reference are of that record, {shorten(shared.record, 200)}. On this track"
        f" {len(check.samples_ms)} repeats confirmed it: median {number(confirmed / check.batch, 3)} ms,"
        f" {number(confirmed / there, 3)} times that of the repeats there. "
    )
