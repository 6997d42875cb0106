"""Rows to leaderboards: one per track and kind of device, in groups of comparable rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from rtsr_bench.division import Division, division
from rtsr_bench.eligibility import Ineligibility, differences
from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.leaderboard.executions import best_executions
from rtsr_bench.leaderboard.rows import Row, best_first, derive_row
from rtsr_bench.tracks import all_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rtsr_bench.protocol import Protocol
    from rtsr_bench.record import Record
    from rtsr_bench.record.realtime import Realtime
    from rtsr_bench.tracks import Track


_OPEN = "open"
"""The rules in the id of a group of the open division; a digest has 16 hex digits."""


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
    """Comparable rows: measured under one protocol on the same data. Only groups of a division are ranked.

    `division` is None for unofficial rows. In the open division, executions differ and `protocol` is the track's: each
    model has one row, that of its best execution; `others` are the rows of its other executions.
    """

    division: Division | None
    complete: bool
    protocol: Protocol
    data_digest: str
    how: str
    rows: tuple[Row, ...]
    others: tuple[Row, ...] = ()

    def is_of_data(self, row: Row) -> bool:
        """Whether a row was measured on the same data as this group."""
        return self.data_digest == data_digest(row.record)

    @property
    def official(self) -> bool:
        """Whether its rows were measured under exactly the track's protocol."""
        return self.division is Division.CLOSED

    @property
    def id(self) -> str:
        """Short name, stable as long as protocol and data are the same."""
        rules = _OPEN if self.division is Division.OPEN else self.protocol.digest[:8]
        return f"{rules}-{self.data_digest[:8]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaderboard:
    """All rows of one track on one kind of device; `track` is None if the track is no longer shipped."""

    track_id: str
    track: Track | None
    device: DeviceKind
    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of every group in the order shown, each group's other executions after them."""
        return tuple(row for group in self.groups for row in (*group.rows, *group.others))


def leaderboards(records: Mapping[str, Record], tracks: Mapping[str, Track] | None = None) -> tuple[Leaderboard, ...]:
    """Derive every leaderboard from records by file name: known tracks in their order, then others by id; by device.

    Of the records with the same `Record.key` the latest by `started` counts; of equally late ones, the one with the
    greater name.
    """
    known = all_tracks() if tracks is None else tracks
    places = {name: place for place, name in enumerate(known)}
    rows = [derive_row(name, record, known.get(record.track), earlier) for name, record, earlier in _latest(records)]

    def board_key(row: Row) -> tuple[int, str, str, str, int]:
        device, track = device_kind(row.record), row.record.track
        return places.get(track, len(places)), track, device.kind, device.name, device.threads or 0

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


def how_measured(protocol: Protocol, device: str, *, any_execution: bool = False) -> str:
    """A protocol in one sentence, for a kind of device (`cpu`, `cuda`); without its execution if that may be any."""
    precision = protocol.precision.get(device)
    execution = f", {precision.value if precision else 'precision not named'}"
    if protocol.backend != EAGER_FP32.backend:
        execution += f", execution {protocol.backend}"
    images = "all images" if protocol.images is None else f"the first {protocol.images} images of each data set"
    if protocol.window is not None:
        images += f" (the central {protocol.window} pixels of HR)"
    return (
        f"LR input {protocol.input}, batch {protocol.batch}{'' if any_execution else execution},"
        f" {protocol.warmup} warm-up calls and {protocol.repeats} repeats; fidelity on {images}"
        f" of {', '.join(protocol.data_sets)}."
    )


def started_at(record: Record | Realtime) -> datetime:
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
    """Rows by protocol and data, those of the open division by data only.

    Closed and complete ones first, then open and complete, incomplete, and unofficial ones; the larger group first.
    """
    members: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        rules = _OPEN if row.division is Division.OPEN else row.record.protocol.digest
        members.setdefault((rules, data_digest(row.record)), []).append(row)
    groups = [_group(mine, digest, track) for (_, digest), mine in members.items()]

    def place(group: Group) -> tuple[bool, bool, bool, int, str]:
        kind = group.division
        return kind is None, not group.complete, kind is Division.OPEN, -len(group.rows), group.id

    return tuple(sorted(groups, key=place))


def _group(rows: Sequence[Row], digest: str, track: Track | None) -> Group:
    first = rows[0].record
    kind = division(first, track)
    complete = any(all(reason.kind is not Ineligibility.INCOMPLETE_DATA for reason in row.reasons) for row in rows)
    others: Sequence[Row] = ()
    if kind is Division.OPEN:
        rows, others = best_executions(rows)
    models = [row.record.model.id for row in rows]
    rows = [replace(row, twin=row.twin or models.count(row.record.model.id) > 1) for row in rows]
    ordered = sorted(rows, key=best_first)
    return Group(
        division=kind,
        complete=complete,
        protocol=track.protocol if track and kind else first.protocol,
        data_digest=digest,
        how=_how(first, track, kind, complete=complete),
        rows=_ranked(ordered) if kind else tuple(ordered),
        others=tuple(sorted(others, key=best_first)),
    )


def _how(record: Record, track: Track | None, kind: Division | None, *, complete: bool) -> str:
    """The sentence that introduces a group."""
    said = how_measured(record.protocol, record.system.device_kind, any_execution=kind is Division.OPEN)
    own = track is not None and not track.shipped
    whose = "the protocol of this track (not a shipped one)" if own else "the track's protocol"
    unranked = "" if complete else ", but not on all of its data, and therefore not ranked"
    if kind is Division.OPEN:
        return (
            f"Measured under {whose} except for the execution{unranked}: {said} One row per model, with its best"
            " execution; all of them are below the table."
        )
    if kind is Division.CLOSED:
        return f"Measured under {whose}{unranked}: {said}"
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
