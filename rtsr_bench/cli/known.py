"""Checks before a run: existing records, records dated in the future, and the folder for SR images."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rtsr_bench.record import Record

CLOCKS_APART = timedelta(minutes=10)
"""How far the clocks of two machines may differ before a record counts as dated in the future."""


def existing_records(folder: Path) -> dict[str, tuple[str, Record]]:
    """The latest record of each key below a folder, with its file name; the leaderboard shows these."""
    from rtsr_bench.leaderboard import started_at
    from rtsr_bench.store import load_records

    found: dict[str, tuple[str, Record]] = {}
    for stored in load_records(folder).records:
        before = found.get(stored.record.key)
        if before is None or started_at(before[1]) <= started_at(stored.record):
            found[stored.record.key] = stored.name, stored.record
    return found


def dated_ahead(name: str, record: Record, now: datetime | None = None) -> str:
    """A warning if a record is dated in the future; empty otherwise."""
    from rtsr_bench.leaderboard import started_at

    if started_at(record) <= (now or datetime.now(UTC)) + CLOCKS_APART:
        return ""
    return (
        f"{name} is dated in the future ({record.started}): until then it counts as the latest record of "
        f"{record.model.id}; check the clock of its machine, and remove the record or correct `started`"
    )


def all_dated_ahead(records: Mapping[str, Record], now: datetime | None = None) -> list[str]:
    """A warning for each record that is dated in the future."""
    return [said for name, record in sorted(records.items()) if (said := dated_ahead(name, record, now))]


def prepare_gallery(folder: Path | None) -> None:
    """Check before a run that SR images can be written below a folder; UserError if not.

    The folder is created with the first image.
    """
    if folder is None:
        return
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    found = "" if place.is_dir() else "a file in its place"
    if not found and not os.access(place, os.W_OK | os.X_OK):
        found = f"no permission to write in {place}"
    if found:
        raise UserError(
            f"--save-images {folder}: expected a folder that can be written, found {found}; name another one"
        )
