"""What there is to measure: which model on which track with which data, and what had to be left out and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtsr_bench.backends import BACKENDS
from rtsr_bench.datasets import Dataset, Missing, find_dataset
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.protocol import Protocol
from rtsr_bench.record import DataUse, Failure, record_key
from rtsr_bench.submissions import ModelSpec, Submission, at_hand, checkpoint_sha256
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

    def key(self, device_name: str, torch_threads: int, device_uuid: str = "") -> str:
        """The key of the record that this job would leave on such a system."""
        return record_key(
            track=self.track.id,
            protocol=self.protocol,
            submission=self.submission.id,
            submission_digest=self.submission.digest,
            model=self.model.id,
            checkpoint_sha256=checkpoint_sha256(self.model, self.submission),
            device_name=device_name,
            device_uuid=device_uuid,
            torch_threads=torch_threads,
            data=self.uses,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """One thing that is not measured: the whole reason in a line, and what it can be summed up by.

    `scale` is that of a model for which no track was asked, `data_set` the title of a set that is not at hand.
    """

    line: str
    scale: int | None = None
    data_set: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The jobs in order, and everything that was left out, with the way to get it."""

    jobs: tuple[Job, ...]
    left_out: tuple[LeftOut, ...]


def summed_up(left_out: Sequence[LeftOut], *, data: bool = True) -> tuple[str, ...]:
    """Lines about what was left out: one for all models of other scales, and with `data` one for all absent data sets.

    What happens to one model or one broken file keeps a line of its own, and so does the only model of another scale.
    """
    scales = [one.scale for one in left_out if one.scale is not None]
    titles = list(dict.fromkeys(one.data_set for one in left_out if one.data_set)) if data else []
    lines = [one.line for one in left_out if not (one.data_set and data) and (one.scale is None or len(scales) == 1)]
    if len(scales) > 1:
        have = ", ".join(f"x{scale}" for scale in sorted(set(scales)))
        lines.append(f"{len(scales)} models of {have}: none of the tracks asked for has that scale")
    if titles:
        lines.append(f"data sets not at hand: {', '.join(titles)}: `rtsr-bench data list` (or -v) tells why")
    return tuple(lines)


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
    which is a record, not an error: it stands as an unloadable job on the first track asked for. Nothing is fetched
    here; models whose weights are not at hand come last, so that nobody waits for a server that others chose.
    """
    data = _Data(roots=roots, overrides=overrides, device_kind=device_kind, named=named)
    jobs: list[Job] = []
    left_out: list[LeftOut] = []
    for submission in submissions:
        for model in submission.models:
            more, lines = _jobs(submission, model, tracks, data, find_scale)
            jobs += more
            left_out += lines
    left_out = list(dict.fromkeys(left_out))
    if not jobs:
        raise UserError(
            f"nothing to measure: {'; '.join(summed_up(left_out, data=False)) or 'no submission holds a model'}"
        )
    measured = {job.track.id for job in jobs}
    for track in tracks if named else ():
        if track.id not in measured and data.lines(track):
            raise UserError(f"track {track.id} cannot be measured: {'; '.join(data.lines(track))}")
    jobs.sort(key=lambda job: not at_hand(job.model))
    return Plan(jobs=tuple(jobs), left_out=tuple(left_out))


def _jobs(
    submission: Submission,
    model: ModelSpec,
    tracks: Sequence[Track],
    data: _Data,
    find_scale: Callable[[Submission, ModelSpec], int | Failure],
) -> tuple[list[Job], list[LeftOut]]:
    unloadable = None
    if model.scale is None:
        found = find_scale(submission, model)
        unloadable = found if isinstance(found, Failure) else None
        model = model.with_scale(tracks[0].scale if isinstance(found, Failure) else found)
    fitting = [track for track in tracks if track.scale == model.scale]
    jobs: list[Job] = []
    left_out = []
    if not fitting:
        line = f"{model.id}: none of the tracks asked for has scale {model.scale}"
        left_out.append(LeftOut(line=line, scale=model.scale))
    by_id = {track.id: track for track in tracks}
    for track in fitting[:1] if unloadable else fitting:
        better = by_id.get(track.yields_to)
        if better is not None and not data.named and data.of(better)[0]:
            line = f"{track.id}: {better.id} is at hand and takes its place; ask for it with --track {track.id}"
            left_out.append(LeftOut(line=line))
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
        self._found: dict[str, tuple[tuple[Dataset, ...], tuple[LeftOut, ...]]] = {}
        self._broken: set[tuple[str, int]] = set()

    def of(self, track: Track) -> tuple[tuple[Dataset, ...], tuple[LeftOut, ...]]:
        """Return the data sets at hand and a line for each other."""
        if track.id not in self._found:
            protocol = self.overrides.apply(track.protocol, self.device_kind)
            lacks = BACKENDS.find(protocol.backend).lacks
            if lacks:
                if self.named:
                    raise UserError(f"track {track.id} cannot be measured: {lacks}")
                self._found[track.id] = (), (LeftOut(line=f"{track.id}: {lacks}"),)
                return self._found[track.id]
            results = [self._find(name, track, protocol) for name in protocol.data_sets]
            sets = tuple(data for data in results if isinstance(data, Dataset))
            if protocol.images is not None:
                sets = tuple(data.first(protocol.images) for data in sets)
            if protocol.window is not None:
                sets = tuple(data.windowed(protocol.window) for data in sets)
            self._found[track.id] = (sets, tuple(self._lines(track, results, some=bool(sets))))
        return self._found[track.id]

    def _find(self, name: str, track: Track, protocol: Protocol) -> Dataset | Missing:
        try:
            return find_dataset(name, scale=track.scale, degradation=protocol.degradation, roots=self.roots)
        except UserError as error:
            if self.named:
                raise
            self._broken.add((name, track.scale))
            return Missing(id=name, title=name, reason=str(error), way_out=f"rtsr-bench data verify {name} says more")

    def lines(self, track: Track) -> tuple[str, ...]:
        """Return the lines about data sets of a track that are not at hand."""
        return tuple(one.line for one in self._found[track.id][1]) if track.id in self._found else ()

    def _lines(self, track: Track, results: Iterable[Dataset | Missing], *, some: bool) -> Iterable[LeftOut]:
        for missing in (result for result in results if isinstance(result, Missing)):
            without = "without " if some else "needs "
            line = f"{track.id} {without}{missing.title}: {missing.reason}; {missing.way_out}"
            yield LeftOut(line=line, data_set="" if (missing.id, track.scale) in self._broken else missing.title)
