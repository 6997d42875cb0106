"""The divisions of a track: *closed* rows are measured under its protocol, *open* rows under another execution.

The words are those of MLPerf. A record that differs from the protocol in anything else is unofficial and in neither.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from rtsr_bench.execution import EAGER_FP32, Execution, Precision

if TYPE_CHECKING:
    from rtsr_bench.protocol import Protocol
    from rtsr_bench.record import Record
    from rtsr_bench.tracks import Track

EXECUTION_FIELDS = ("backend", "memory_format", "options", "precision", "tf32")
"""The fields of a protocol that its executions are made of."""


class Division(StrEnum):
    """Whether a row was measured under its track's own execution or under another one."""

    CLOSED = "closed"
    OPEN = "open"


def division(record: Record, track: Track | None) -> Division | None:
    """Return the division of a record on its track, shipped or from a plug-in; None if it is unofficial."""
    return None if track is None else division_of(record.protocol, track.protocol)


def division_of(measured: Protocol, official: Protocol) -> Division | None:
    """Return the division of what is measured under a protocol, beside its track's; None if it is unofficial."""
    if measured.digest == official.digest:
        return Division.CLOSED
    limits = replace(measured.limits, export_s=official.limits.export_s)  # only engines export, so it goes with them
    own = {name: getattr(official, name) for name in EXECUTION_FIELDS}
    under_its_own = replace(measured, limits=limits, **own)
    return Division.OPEN if under_its_own.digest == official.digest else None


def execution_of(record: Record) -> Execution | None:
    """Return how the model was run: as recorded, else as its protocol says; None if neither tells."""
    try:
        return record.execution or record.protocol.execution(record.system.device_kind)
    except KeyError:
        return None


def is_plain_eager(record: Record) -> bool:
    """Return whether the model was run as in eager fp32 except for the precision; also if that is not known."""
    execution = execution_of(record)
    return execution is None or execution.in_precision(Precision.FP32) == EAGER_FP32
