"""Where a runtime comes from that was measured on another track of the same input."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rtsr_bench.record.measurements import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedRuntime:
    """The record whose runtime was taken over, and the calls that confirmed it on this record's own images.

    Memory, set-up, complexity, frames with transfers and the fixed references come from the same record. `record` is
    the name of its file, `track` and `started` (UTC in ISO 8601) are its own. `check` has the few calls that were timed
    in a process of this record's; its samples are no part of any runtime.
    """

    record: str
    track: str
    started: str
    check: Runtime

    def __post_init__(self) -> None:
        try:
            datetime.fromisoformat(self.started)
        except ValueError:
            raise ValueError(f"expected `started` as a time in ISO 8601, found {self.started!r}") from None

    @property
    def words(self) -> str:
        """Track and day: `timed on open4k-x2, 2026-11-30`."""
        return f"timed on {self.track}, {self.started[:10]}"
