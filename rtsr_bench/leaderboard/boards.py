"""Rows to leaderboards: one per track and kind of device, in groups of comparable rows."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from rtsr_bench.eligibility import Ineligibility, differences, is_official
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.leaderboard.rows import Row, derive_row
from rtsr_bench.tracks import all_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.protocol import Protocol
    from rtsr_bench.record import Record
    from rtsr_bench.tracks import Track


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceKind:
    """Devices on which runtimes are comparable: a device name, and for a CPU the number of threads."""

    kind: str
    name: str
    threads: int | None = None

    @property
    def label(self) -> str:
        """The device for readers."""
        if self.threads is None:
            return self.name
        return f"{self.name}, {self.threads} thread{'' if self.threads == 1 else 's'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Comparable rows: measured under one protocol on the same data. Only official groups are ranked."""

    official: bool
    complete: bool
    protocol: Protocol
    data_digest: str
    how: str
    rows: tuple[Row, ...]

    @property
    def id(self) -> str:
        """Short name, stable as long as protocol and data are the same."""
        return f"{self.protocol.digest[:8]}-{self.data_digest[:8]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaderboard:
    """All rows of one track on one kind of device; `track` is None if the track is no longer shipped."""

    track_id: str
    track: Track | None
    device: DeviceKind
    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of every group, in the order shown."""
        return tuple(row for group in self.groups for row in group.rows)


def leaderboards(records: Mapping[str, Record], tracks: Mapping[str, Track] | None = None) -> tuple[Leaderboard, ...]:
    """Derive every leaderboard from records by file name: known tracks first, then by id and device.

    Of the records with the same `Record.key` the latest by `started` counts; of equally late ones, the one with the
    greater name.
    """
    known = all_tracks() if tracks is None else tracks
    rows = [derive_row(name, record, known.get(record.track), earlier) for name, record, earlier in _latest(records)]

    def board_key(row: Row) -> tuple[bool, str, str, str, int]:
        device = device_kind(row.record)
        return row.record.track not in known, row.record.track, device.kind, device.name, device.threads or 0

    boards = []
    for _, members in groupby(sorted(rows, key=board_key), key=board_key):
        mine = tuple(members)
        track = known.get(mine[0].record.track)
        device = device_kind(mine[0].record)
        boards.append(
            Leaderboard(track_id=mine[0].record.track, track=track, device=device, groups=_groups(mine, track))
        )
    return tuple(boards)


def device_kind(record: Record) -> DeviceKind:
    """The kind of device a record was measured on."""
    system = record.system
    threads = system.torch_threads if system.device_kind == "cpu" else None
    return DeviceKind(kind=system.device_kind, name=system.device_name, threads=threads)


def data_digest(record: Record) -> str:
    """SHA-256 (16 hex digits) over names and digests of the measured data sets, in order."""
    text = "\n".join(f"{use.name}={use.digest}" for use in record.data)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def how_measured(protocol: Protocol, device: str) -> str:
    """A protocol in one sentence, for a kind of device (`cpu`, `cuda`)."""
    precision = protocol.precision.get(device)
    images = "all images" if protocol.images is None else f"the first {protocol.images} images of each data set"
    if protocol.window is not None:
        images += f" (the central {protocol.window} pixels of HR)"
    return (
        f"LR input {protocol.input}, batch {protocol.batch}, {precision.value if precision else 'precision not named'}"
        f"{'' if protocol.backend == EAGER_FP32.backend else f', execution {protocol.backend}'},"
        f" {protocol.warmup} warm-up calls and {protocol.repeats} repeats; fidelity on {images}"
        f" of {', '.join(protocol.data_sets)}."
    )


def started_at(record: Record) -> datetime:
    """Start of the measurement in UTC; the first moment of year 1 if the text is not a time."""
    try:
        moment = datetime.fromisoformat(record.started)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _latest(records: Mapping[str, Record]) -> list[tuple[str, Record, int]]:
    """The latest record of each key, with its name and the number of earlier ones."""
    by_key: dict[str, list[tuple[datetime, str]]] = {}
    for name, record in records.items():
        by_key.setdefault(record.key, []).append((started_at(record), name))
    latest = ((max(answers)[1], len(answers) - 1) for answers in by_key.values())
    return [(name, records[name], earlier) for name, earlier in latest]


def _groups(rows: Sequence[Row], track: Track | None) -> tuple[Group, ...]:
    """Rows by protocol and data: official and complete first, then official, then the rest; the larger group first."""
    members: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        members.setdefault((row.record.protocol.digest, data_digest(row.record)), []).append(row)
    groups = [_group(mine, digest, track) for (_, digest), mine in members.items()]
    return tuple(
        sorted(groups, key=lambda one: (not one.official, not one.complete, -len(one.rows), one.id)),
    )


def _group(rows: Sequence[Row], digest: str, track: Track | None) -> Group:
    first = rows[0].record
    official = is_official(first, track)
    complete = any(all(reason.kind is not Ineligibility.INCOMPLETE_DATA for reason in row.reasons) for row in rows)
    models = [row.record.model.id for row in rows]
    rows = [replace(row, twin=models.count(row.record.model.id) > 1) for row in rows]
    ordered = sorted(rows, key=best_first)
    return Group(
        official=official,
        complete=complete,
        protocol=first.protocol,
        data_digest=digest,
        how=_how(first, track, official=official, complete=complete),
        rows=_ranked(ordered) if official else tuple(ordered),
    )


def _how(record: Record, track: Track | None, *, official: bool, complete: bool) -> str:
    """The sentence that introduces a group."""
    said = how_measured(record.protocol, record.system.device_kind)
    own = track is not None and not track.shipped
    whose = "the protocol of this track (not a shipped one)" if own else "the track's protocol"
    if official and not complete:
        return f"Measured under {whose}, but not on all of its data, and therefore not ranked: {said}"
    if official:
        return f"Measured under {whose}: {said}"
    if track is None:
        return f"Not ranked, because the track is unknown to this version: {said}"
    changed = differences(record.protocol, track.protocol)
    sentence = f"Unofficial, not ranked: {'; '.join(changed) or 'another protocol'}."
    precision = record.protocol.precision.get(record.system.device_kind)
    sentence += f" Timed in {precision.value}." if precision else ""
    if record.protocol.input != track.protocol.input:
        sentence += (
            f" Runtime, FPS and score apply to an input of {record.protocol.input}, not of {track.protocol.input}."
        )
    return sentence


def best_first(row: Row) -> tuple[int, float, float, str, str]:
    """Sort key: eligible rows by score, then other rows with a score, a gain, neither; the model's id breaks ties."""
    official_reasons = [reason for reason in row.reasons if reason.kind is not Ineligibility.UNOFFICIAL]
    tier = 0 if not official_reasons else 1
    if row.failed:
        tier = 3
    elif row.score is None:
        tier = 2
    gain = row.gain_db if row.gain_db is not None else -math.inf
    score = row.score or 0.0
    return tier, score if row.lower_is_better else -score, -gain, row.record.model.id, row.source


def _ranked(ordered: Sequence[Row]) -> tuple[Row, ...]:
    """Ranks 1, 2, 2, 4, ... by score; equal scores share a rank; ineligible rows have none."""
    rows: list[Row] = []
    rank, previous = 0, None
    for place, row in enumerate(ordered, start=1):
        if row.reasons or row.score is None:
            rows.append(row)
            continue
        rank = rank if row.score == previous else place
        previous = row.score
        rows.append(replace(row, rank=rank))
    return tuple(rows)
