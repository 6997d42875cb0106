"""Records that were measured elsewhere: every file of a folder is checked before one of them is kept.

The folder is hostile input: strangers' code ran in the job that made it. Nothing of it is believed but numbers that a
record may hold: names, texts, digests and rules are compared with the submissions, tracks and data sets that are here.
That a number was measured at all cannot be checked (see `.github/workflows/leaderboard.yml`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rtsr_bench import __version__
from rtsr_bench.datasets import Missing
from rtsr_bench.division import division
from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.evaluate.data import find_set
from rtsr_bench.leaderboard import started_at
from rtsr_bench.record import Record
from rtsr_bench.store import decode, encode, record_name
from rtsr_bench.submissions import ModelSpec, Submission, checkpoint_sha256
from rtsr_bench.text import ascii_safe, cut
from rtsr_bench.tracks import all_tracks

MOST_FILES = 500
MOST_BYTES = 4 * 1024 * 1024
"""An official record of 60 images has about 100 kB."""

AHEAD = timedelta(minutes=10)
"""How far the clock of another machine may be ahead: a record dated in the future would stay the latest one."""

_NAME = re.compile(r"[a-z0-9][A-Za-z0-9._-]*\.json")
_LONGEST_NAME = 255
_COMMAND = re.compile(r"rtsr-bench run [A-Za-z0-9 _./:=,*@#'-]+")
"""The command on the page of a record is there to be copied into a shell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What records may be of: these submissions on these tracks, with data sets that are below these roots.

    `existing` are the records that are kept already, by file name.
    """

    submissions: Sequence[Submission]
    tracks: Sequence[str]
    roots: Sequence[Path] = ()
    existing: Mapping[str, Record]


def read_received(folder: Path) -> dict[str, Record]:
    """Read a folder that holds records and nothing else, by file name.

    UserError, one line, for the first thing that is something else: a link, a folder, another name, a file that is too
    large or no record.
    """
    found: dict[str, Record] = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"{folder}: expected a folder of records, found: {error.strerror}; check the path") from None
    if len(entries) > MOST_FILES:
        raise UserError(f"{folder}: expected at most {MOST_FILES} records, found {len(entries)} files")
    for entry in entries:
        shown = cut(ascii_safe(entry.name), 80)
        if not _NAME.fullmatch(entry.name) or len(entry.name) > _LONGEST_NAME:
            raise UserError(f"{folder}: expected names of records only, found {shown!r}")
        try:
            found[entry.name] = decode(_bytes(entry))
            encode(found[entry.name])
        except (ValueError, OSError, RecursionError) as error:
            raise UserError(f"{folder}: {shown} {cut(ascii_safe(str(error)), 300)}; records only are kept") from None
    return found


def _bytes(entry: os.DirEntry[str]) -> bytes:
    """The bytes of a plain file of limited size; ValueError for anything else."""
    if entry.is_symlink() or not entry.is_file(follow_symlinks=False):
        raise ValueError("is no plain file")
    with Path(entry.path).open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES:,} bytes, the limit for a received record")
    return data


def faults(records: Mapping[str, Record], expected: Expected, now: datetime | None = None) -> Iterator[str]:
    """Yield a line for everything in records that a measurement of what is expected could not have left."""
    keys: dict[str, str] = {}
    for name, record in records.items():
        for line in _faults(name, record, records, expected, now or datetime.now(UTC)):
            yield f"{name}: {cut(ascii_safe(line), 400)}"
        if record.key in keys:
            yield f"{name}: answers the same question as {keys[record.key]}"
        keys[record.key] = name


def _faults(
    name: str, record: Record, records: Mapping[str, Record], expected: Expected, now: datetime
) -> Iterator[str]:
    if not re.fullmatch(rf"{re.escape(record_name(record))}(-\d{{1,3}})?\.json", name):
        yield f"expected the name {record_name(record)}.json"
    if name in expected.existing:
        yield "a record of this name exists"
    if record.harness != __version__:
        yield f"expected a record of rtsr-bench {__version__}, found {record.harness}"
    if started_at(record) > now + AHEAD:
        yield f"is dated in the future ({record.started})"
    if record.pickle_allowed or record.stubs_allowed:
        yield "was measured with pickles or stubs allowed"
    if not _COMMAND.fullmatch(record.command):
        yield f"expected the command of a run, found {record.command!r}"
    yield from _of_submission(record, expected)
    yield from _of_rules(record, expected)
    yield from _of_runtime(record, {**expected.existing, **records})


def _of_submission(record: Record, expected: Expected) -> Iterator[str]:
    """Whether submission and model are one of those expected, in every text and digest."""
    submission = next((one for one in expected.submissions if one.id == record.submission.id), None)
    if submission is None:
        yield f"expected one of the submissions {_listed(one.id for one in expected.submissions)}, found another"
        return
    if record.submission != submission.facts:
        yield f"expected the submission {submission.id} as it is here (digest {submission.digest}), found another"
    if not any(_is_of(record, model, submission) for model in submission.models):
        yield f"expected one of the models {_listed(one.id for one in submission.models)}, found {record.model.id}"


def _is_of(record: Record, model: ModelSpec, submission: Submission) -> bool:
    try:
        known = model if model.scale is not None else model.with_scale(record.model.scale)
    except HarnessError:  # no scale that there is
        return False
    return known.facts(checkpoint_sha256(known, submission)) == record.model


def _of_rules(record: Record, expected: Expected) -> Iterator[str]:
    """Whether it was measured under the rules of its track, on the data sets that are here."""
    track = all_tracks().get(record.track)
    if track is None or record.track not in expected.tracks:
        yield f"expected one of the tracks {_listed(expected.tracks)}, found {record.track}"
        return
    if record.track_digest != track.protocol.digest or record.model.scale != track.scale:
        yield f"expected the rules of {track.id} ({track.protocol.digest}), found {record.track_digest}"
    if division(record, track) is None:
        yield f"expected an official protocol of {track.id}, found an unofficial one"
    for use in record.data:
        here = find_set(use.id, track.protocol, expected.roots) if use.id in track.protocol.data_sets else None
        if here is None or isinstance(here, Missing):
            yield f"expected data sets of {track.id} that are available here, found {use.id}"
        elif (use.name, use.digest, use.images, use.verified, use.note) != (
            here.title, here.digest, len(here.pairs), here.verified, here.note
        ):  # fmt: skip
            yield f"expected {here.title} with the digest {here.digest}, found {use.name} with {use.digest}"


def _of_runtime(record: Record, known: Mapping[str, Record]) -> Iterator[str]:
    """Whether a runtime that was taken over is that of the record it names."""
    shared = record.shared_runtime
    if shared is None:
        return
    source = known.get(shared.record)
    if source is None or source.shared_runtime is not None:
        yield f"expected the record that its runtime is from, {shared.record}, found none"
        return
    whole = (source.track, source.started, source.submission.digest, source.model.id)
    same = whole == (shared.track, shared.started, record.submission.digest, record.model.id)
    for name in ("runtime", "memory", "complexity", "setup", "transfers", "references", "execution", "system"):
        same = same and getattr(source, name) == getattr(record, name)
    if not same:
        yield f"expected the runtime of {shared.record}, and what was measured with it, found another"


def _listed(names: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(names) or "(none)"
