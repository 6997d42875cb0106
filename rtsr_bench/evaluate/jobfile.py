"""A job as JSON: what to measure by name and digest, and how; and back, once everything it names is available.

The file holds no images, weights or code. Whoever reads it needs the same submission, data sets, tracks and version of
this package; each is compared with what the job was planned with, so that its record answers the same question.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from rtsr_bench import __version__
from rtsr_bench.datasets import Dataset, Missing
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.data import find_set
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import DataUse, Failure
from rtsr_bench.submissions import ModelSpec, Submission, checkpoint_sha256, discover, with_packages
from rtsr_bench.submissions.hubs import is_address
from rtsr_bench.tracks import Track, find_track

FORM = 1
"""Version of the form of the file."""

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class _Submitted:
    """Which submission: where it was, its id, the digest of its files, whether its requirements are installed."""

    source: str
    id: str
    digest: str
    with_requirements: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Model:
    id: str
    scale: int
    checkpoint_sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rules:
    track: str
    track_digest: str
    protocol: Protocol
    overrides: Overrides


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """The whole file. Relative paths are relative to the current folder, or else to `planned_in`."""

    job: int
    harness: str
    planned_in: str
    submission: _Submitted
    model: _Model
    rules: _Rules
    data: tuple[DataUse, ...]
    data_roots: tuple[str, ...]
    place: Place
    unloadable: Failure | None = None


def encode_job(job: Job) -> bytes:
    """Turn a job into JSON that `read_job` understands."""
    assert job.model.scale is not None, "a plan knows the scale of each job"
    written = _Written(
        job=FORM,
        harness=__version__,
        planned_in=str(Path.cwd()),
        submission=_Submitted(
            source=job.submission.source.as_posix(),
            id=job.submission.id,
            digest=job.submission.digest,
            with_requirements=job.submission.packages is not None,
        ),
        model=_Model(
            id=job.model.id,
            scale=job.model.scale,
            checkpoint_sha256=checkpoint_sha256(job.model, job.submission),
        ),
        rules=_Rules(
            track=job.track.id,
            track_digest=job.track.protocol.digest,
            protocol=job.protocol,
            overrides=job.overrides,
        ),
        data=job.uses,
        data_roots=tuple(root.as_posix() for root in job.roots),
        place=job.place,
        unloadable=job.unloadable,
    )
    return (json.dumps(msgspec.to_builtins(written), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_job(file: Path, *, source: Path | None = None, roots: tuple[Path, ...] = (), device: str | None = None) -> Job:
    """Read a job and find what it names; UserError, one line, where anything is another than it was planned with.

    `source` and `roots` say where the submission and the data sets lie on this machine, `device` which one to measure
    on; by default all of them are the file's.
    """
    written = _read(file)
    where = _Where(file=file, planned_in=Path(written.planned_in))
    submission = _submission(written, where, source)
    rules, track, place = written.rules, _track(written, where), written.place
    if device is not None:
        place = replace(place, device=device)
        if place.device_kind != written.place.device_kind:
            raise where.differs("device", written.place.device_kind, place.device_kind, "name one of that kind")
    if rules.overrides.apply(track.protocol, place.device_kind) != rules.protocol:
        raise UserError(
            f"{file}: expected the protocol that track {track.id} and the overrides give, found another one; "
            "plan the job again"
        )
    found = roots or tuple(where.path(root) for root in written.data_roots)
    return Job(
        submission=submission,
        model=_model(written, submission, where),
        track=track,
        protocol=rules.protocol,
        overrides=rules.overrides,
        data=tuple(_data(use, rules.protocol, found, where) for use in written.data),
        roots=found,
        place=place,
        unloadable=written.unloadable,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Where:
    """The file that messages name, and the folder that relative paths may be relative to."""

    file: Path
    planned_in: Path

    def path(self, text: str) -> Path:
        """Return a path as it is written if something is there, else below the folder where the job was planned."""
        path = Path(text)
        return path if path.exists() else self.planned_in / path

    def differs(self, what: str, expected: str, found: str, hint: str) -> UserError:
        """Return the line about something that is not what the job was planned with."""
        return UserError(f"{self.file}: expected {what} {expected}, found {found}; {hint}")


def _read(file: Path) -> _Written:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: expected a job (JSON), found: {error.strerror}; check the path") from None
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"{len(data):,} bytes")
        raw = msgspec.json.decode(data, type=dict[str, Any])
        if raw.get("job") != FORM:
            raise ValueError(f"`job` is {raw.get('job')!r} where {FORM} is the version of the form")
        written = msgspec.convert(raw, _Written)
        _only_known(raw, msgspec.to_builtins(written), "")
    except (ValueError, msgspec.MsgspecError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{file}: expected a job as `rtsr-bench run --jobs-out DIR` writes it, found: {reason}; write it again"
        ) from None
    if written.harness != __version__:
        raise UserError(
            f"{file}: expected a job planned by rtsr-bench {__version__}, found {written.harness}; plan it again, or "
            "install that version"
        )
    return written


def _only_known(raw: Any, known: Any, place: str) -> None:
    """ValueError for a key that the form does not have."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            if key not in known:
                raise ValueError(f"unknown key `{place}{key}`")
            _only_known(value, known[key], f"{place}{key}.")
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for value, other in zip(raw, known, strict=False):
            _only_known(value, other, place)


def _submission(written: _Written, where: _Where, source: Path | None) -> Submission:
    told = written.submission
    path = source or (Path(told.source) if is_address(Path(told.source)) else where.path(told.source))
    found = discover(path)
    if len(found) != 1:
        raise where.differs("one submission", told.id, f"{len(found)} in {path}", "name its own folder")
    submission = found[0]
    hint = f"restore {path}, name another one with --submission, or plan the job again"
    if submission.id != told.id:
        raise where.differs("the submission", told.id, submission.id, hint)
    if submission.digest != told.digest:
        raise where.differs(f"files of {told.id} with the digest", told.digest, submission.digest, hint)
    return with_packages(submission) if told.with_requirements else submission


def _model(written: _Written, submission: Submission, where: _Where) -> ModelSpec:
    told, hint = written.model, "plan the job again"
    specs = (spec if spec.scale else spec.with_scale(told.scale) for spec in submission.models)
    model = next((spec for spec in specs if (spec.id, spec.scale) == (told.id, told.scale)), None)
    if model is None:
        raise where.differs("the model", told.id, ", ".join(spec.id for spec in submission.models), hint)
    found = checkpoint_sha256(model, submission)
    if found != told.checkpoint_sha256:
        raise where.differs(
            f"weights of {told.id} with SHA-256", told.checkpoint_sha256 or "(none)", found or "(none)", hint
        )
    return model


def _track(written: _Written, where: _Where) -> Track:
    track = find_track(written.rules.track)
    if track.protocol.digest != written.rules.track_digest:
        told = f"{track.id} with the digest"
        raise where.differs(
            "track", f"{told} {written.rules.track_digest}", track.protocol.digest, "plan the job again"
        )
    return track


def _data(use: DataUse, protocol: Protocol, roots: tuple[Path, ...], where: _Where) -> Dataset:
    found = find_set(use.id, protocol, roots)
    if isinstance(found, Missing):
        raise where.differs("the data set", use.name, f"none: {found.reason}", found.hint)
    if found.digest != use.digest:
        raise where.differs(
            f"images of {use.name} with the digest", use.digest, found.digest, "name others with --data-root"
        )
    return found
