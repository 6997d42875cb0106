"""What there is to measure: which model on which track with which data, and what had to be left out and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.datasets import Dataset, Missing, find_dataset
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import DataUse, Failure, record_key
from rtsr_bench.submissions import ModelSpec, Submission, checkpoint_sha256, resolve_checkpoint
from rtsr_bench.tracks import Track


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One model on one track: everything that is decided before a guest is started."""

    submission: Submission
    model: ModelSpec
    track: Track
    protocol: Protocol
    overrides: Overrides
    data: tuple[Dataset, ...]
    roots: tuple[Path, ...] = ()
    unloadable: Failure | None = None

    @property
    def uses(self) -> tuple[DataUse, ...]:
        """What the record keeps of the data sets."""
        whole = self.protocol.images is None
        return tuple(
            DataUse(id=data.id, name=data.title, digest=data.digest, images=len(data.pairs), verified=data.verified,
                    complete=whole, note=data.note)
            for data in self.data
        )  # fmt: skip

    def key(self, device_name: str, torch_threads: int) -> str:
        """The key of the record that this job would leave on such a system."""
        return record_key(
            track=self.track.id,
            protocol=self.protocol,
            submission=self.submission.id,
            submission_digest=self.submission.digest,
            model=self.model.id,
            checkpoint_sha256=checkpoint_sha256(self.model, self.submission),
            device_name=device_name,
            torch_threads=torch_threads,
            data=self.uses,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The jobs in order, and one line for everything that was left out, with the way to get it."""

    jobs: tuple[Job, ...]
    left_out: tuple[str, ...]


def plan(
    submissions: Sequence[Submission],
    *,
    tracks: Sequence[Track],
    named: bool,
    roots: Sequence[Path],
    device_kind: str,
    overrides: Overrides,
    find_scale: Callable[[Submission, ModelSpec], int | Failure],
) -> Plan:
    """Pair every model with every track of its scale whose data are at hand.

    `named` says that the user asked for these very tracks: then a track without data is a UserError, and so is a plan
    without a job. A model whose manifest names no scale is run once by `find_scale`; where that fails the guest failed,
    which is a record, not an error: it stands as an unloadable job on the first track asked for.
    """
    data = _Data(roots=roots, overrides=overrides, device_kind=device_kind, named=named)
    jobs: list[Job] = []
    left_out: list[str] = []
    for submission in submissions:
        for model in submission.models:
            more, lines = _jobs(submission, model, tracks, data, find_scale)
            jobs += more
            left_out += lines
    left_out = list(dict.fromkeys(left_out))
    if not jobs:
        raise UserError(f"nothing to measure: {'; '.join(left_out) or 'no submission holds a model'}")
    measured = {job.track.id for job in jobs}
    for track in tracks if named else ():
        if track.id not in measured and data.lines(track):
            raise UserError(f"track {track.id} cannot be measured: {'; '.join(data.lines(track))}")
    return Plan(jobs=tuple(jobs), left_out=tuple(left_out))


def _jobs(
    submission: Submission,
    model: ModelSpec,
    tracks: Sequence[Track],
    data: _Data,
    find_scale: Callable[[Submission, ModelSpec], int | Failure],
) -> tuple[list[Job], list[str]]:
    try:
        resolve_checkpoint(model, submission)
    except UserError as error:
        return [], [f"{model.id}: {error}"]
    unloadable = None
    if model.scale is None:
        found = find_scale(submission, model)
        unloadable = found if isinstance(found, Failure) else None
        model = model.with_scale(tracks[0].scale if isinstance(found, Failure) else found)
    fitting = [track for track in tracks if track.scale == model.scale]
    jobs: list[Job] = []
    left_out = [] if fitting else [f"{model.id}: none of the tracks asked for has scale {model.scale}"]
    by_id = {track.id: track for track in tracks}
    for track in fitting[:1] if unloadable else fitting:
        better = by_id.get(track.yields_to)
        if better is not None and not data.named and data.of(better)[0]:
            left_out.append(
                f"{track.id}: {better.id} is at hand and takes its place; ask for it with --track {track.id}"
            )
            continue
        sets, lines = data.of(track)
        left_out += lines
        if sets:
            job = Job(
                submission=submission,
                model=model,
                track=track,
                protocol=data.overrides.apply(track.protocol, data.device_kind),
                overrides=data.overrides,
                data=sets,
                roots=tuple(data.roots) if any(one.folder for one in sets) else (),
                unloadable=unloadable,
            )
            jobs.append(job)
    return jobs, left_out


class _Data:
    """Looks each track's data sets up once. Of tracks that nobody named, broken data are a line and no error."""

    def __init__(self, *, roots: Sequence[Path], overrides: Overrides, device_kind: str, named: bool) -> None:
        self.named = named
        self.roots, self.overrides, self.device_kind = roots, overrides, device_kind
        self._found: dict[str, tuple[tuple[Dataset, ...], tuple[str, ...]]] = {}

    def of(self, track: Track) -> tuple[tuple[Dataset, ...], tuple[str, ...]]:
        """Return the data sets at hand and a line for each other."""
        if track.id not in self._found:
            protocol = self.overrides.apply(track.protocol, self.device_kind)
            results = [self._find(name, track, protocol) for name in protocol.data_sets]
            sets = tuple(data for data in results if isinstance(data, Dataset))
            if protocol.images is not None:
                sets = tuple(data.first(protocol.images) for data in sets)
            if protocol.window is not None:
                sets = tuple(data.windowed(protocol.window) for data in sets)
            self._found[track.id] = (sets, tuple(_lines(track, results, some=bool(sets))))
        return self._found[track.id]

    def _find(self, name: str, track: Track, protocol: Protocol) -> Dataset | Missing:
        try:
            return find_dataset(name, scale=track.scale, degradation=protocol.degradation, roots=self.roots)
        except UserError as error:
            if self.named:
                raise
            return Missing(id=name, title=name, reason=str(error), way_out=f"rtsr-bench data verify {name} says more")

    def lines(self, track: Track) -> tuple[str, ...]:
        """Return the lines about data sets of a track that are not at hand."""
        return self._found[track.id][1] if track.id in self._found else ()


def _lines(track: Track, results: Iterable[Dataset | Missing], *, some: bool) -> Iterable[str]:
    for missing in (result for result in results if isinstance(result, Missing)):
        without = "without " if some else "needs "
        yield f"{track.id} {without}{missing.title}: {missing.reason}; {missing.way_out}"
