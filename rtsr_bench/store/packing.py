"""Many records in little space: each compressed, and each crop of an image kept once for all records that show it."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtsr_bench.division import Division, division
from rtsr_bench.errors import UserError
from rtsr_bench.files.writing import write_whole
from rtsr_bench.store import CROPS, PACKED, SHARED_CROPS, Stored, load_records, record_bytes
from rtsr_bench.tracks import all_tracks

_NAME_LENGTH = 32
"""Hex digits of a SHA-256 that name a crop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """What a folder holds after packing: the number of records, and bytes of records and of crops."""

    records: int
    record_bytes: int
    crop_bytes: int


def pack(folder: Path, *, crops: int) -> Packed:
    """Compress every record at or below a folder, and keep crops of at most `crops` images of each.

    Only records of the closed division keep crops: other executions make the same images. Nothing that a record says is
    changed; a site of packed records has the same pages, but for the crops that were left out. UserError for a file
    that is no record, or that cannot be written.
    """
    loaded = load_records(folder)
    if loaded.problems:
        raise UserError(f"{folder}: {loaded.problems[0]}; remove or repair it before records are packed")
    try:
        for stored in loaded.records:
            closed = division(stored.record, all_tracks().get(stored.record.track)) is Division.CLOSED
            _pack_crops(stored, crops if closed else 0)
            _pack_record(stored.path)
        for place in {stored.path.parent for stored in loaded.records}:
            _remove_unused(place)
        kept = load_records(folder).records
        return Packed(
            records=len(kept),
            record_bytes=sum(one.path.stat().st_size for one in kept),
            crop_bytes=sum(one.stat().st_size for one in folder.rglob(f"*{CROPS}/*")),
        )
    except OSError as error:
        raise UserError(f"cannot pack records in {folder}: {error.strerror}; expected a writable folder") from None


def _pack_record(path: Path) -> None:
    if path.name.endswith(PACKED):
        return
    data = gzip.compress(record_bytes(path), 9, mtime=0)  # the same bytes for the same record
    write_whole(path.with_name(f"{path.name}{PACKED}"), data, durable=True)
    path.unlink()


def _pack_crops(stored: Stored, most: int) -> None:
    folder = stored.crops
    if folder is None:
        return
    if most <= 0:
        shutil.rmtree(folder)
        return
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    kept = [_shared(folder, entry) for entry in _spread(entries, most)]
    write_whole(folder / "index.json", (json.dumps(kept, indent=1) + "\n").encode(), durable=True)
    for file in folder.glob("*.png"):
        file.unlink()


def _spread(entries: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most so many entries, spread evenly."""
    if len(entries) <= most:
        return list(entries)
    return [entries[round(place * (len(entries) - 1) / max(1, most - 1))] for place in range(most)]


def _shared(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """Copy the files of a crop to the shared folder, under the names that their content gives."""
    shared = folder.parent / SHARED_CROPS
    shared.mkdir(exist_ok=True)
    names = {}
    for part, name in entry["files"].items():
        own = folder / name
        if not own.is_file():  # it is shared already
            names[part] = name
            continue
        data = own.read_bytes()
        names[part] = f"{hashlib.sha256(data).hexdigest()[:_NAME_LENGTH]}.png"
        if not (shared / names[part]).is_file():
            write_whole(shared / names[part], data, durable=True)
    return {**entry, "files": names}


def _remove_unused(place: Path) -> None:
    """Remove shared crops that no record in a folder shows any more."""
    used: set[str] = set()
    for index in place.glob(f"*{CROPS}/index.json"):
        for entry in json.loads(index.read_text(encoding="utf-8")):
            used.update(entry["files"].values())
    for file in (place / SHARED_CROPS).glob("*.png"):
        if file.name not in used:
            file.unlink()
