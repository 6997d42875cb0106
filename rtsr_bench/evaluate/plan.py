"""The jobs of a run, and what happens to every submission without one.

A plan accounts for every model of every submission: it has a job, or it is refused, or it is left out because it was
not asked for. Nothing is dropped without a line (docs/decisions/0022-jobs-and-executors.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rtsr_bench.datasets import Dataset
from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError
from rtsr_bench.evaluate.data import TrackData
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.record import Failure
from rtsr_bench.submissions import ModelSpec, Submission, weights_available
from rtsr_bench.submissions.selection import is_chosen
from rtsr_bench.tracks import Track

FindScale = Callable[[Submission, ModelSpec], int | Failure]
"""Runs a model whose manifest gives no scale: the scale it has, or how it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """One thing that is not measured and that the user did not name: the reason in a line, and fields for the summary.

    `scale` is that of a model of the submission for which no track was asked, `data_set` the title of a set that is not
    available.
    """

    line: str
    submission: str = ""
    scale: int | None = None
    data_set: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A submission or model that was asked for and that no job can measure; `error` names it and says why."""

    submission: str
    error: RtsrBenchError


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The jobs in order, what is refused, and what is left out."""

    jobs: tuple[Job, ...] = ()
    refused: tuple[Refused, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @classmethod
    def joined(cls, parts: Iterable[Plan]) -> Plan:
        """Put plans together; what several of them leave out or refuse is left out or refused once."""
        parts = list(parts)
        return cls(
            jobs=tuple(job for part in parts for job in part.jobs),
            refused=tuple({(one.submission, str(one.error)): one for part in parts for one in part.refused}.values()),
            left_out=tuple(dict.fromkeys(one for part in parts for one in part.left_out)),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked for: these tracks, of these models, measured in this way at this place.

    `named` says that the user named the tracks. `models` are patterns on ids of models, empty for all. `optional`: what
    this execution cannot run is left out with a line, because it is one of `all`.
    """

    tracks: Sequence[Track]
    named: bool
    roots: Sequence[Path]
    place: Place
    overrides: Overrides
    models: Sequence[str] = ()
    optional: bool = False


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
        lines.append(f"data sets not available: {', '.join(titles)}: `rtsr-bench data list` (or -v) shows why")
    return tuple(lines)


def plan(submissions: Sequence[Submission], asked: Sequence[Asked], find_scale: FindScale) -> Plan:
    """Pair every model with every track of its scale whose data are available, in each of the ways `asked`.

    A model whose manifest gives no scale is run once by `find_scale`. If that fails, the failure becomes a record on
    the first track with available data, and is refused if there is none. A submission of a team is refused if no track
    asked for has the scale of any of its models; reference models are only left out then. Nothing is downloaded here;
    models whose weights need a download come last, so that none waits for the server of another. The jobs of a model
    follow each other.

    UserError if nothing can be measured (HarnessError if that is no submission's fault), and for a track that the user
    named and whose data are not available.
    """
    scales: dict[str, int | Failure] = {}

    def found(submission: Submission, model: ModelSpec) -> int | Failure:
        key = f"{submission.id}\n{model.id}"
        if key not in scales:
            scales[key] = find_scale(submission, model)
        return scales[key]

    made = Plan.joined(_in_one_way(submissions, one, found) for one in asked)
    if not made.jobs:
        raise _nothing(made)
    order: dict[tuple[str, str], int] = {}
    for job in made.jobs:
        order.setdefault((job.submission.id, job.model.id), len(order))
    jobs = sorted(made.jobs, key=lambda job: (not weights_available(job.model), order[job.submission.id, job.model.id]))
    return replace(made, jobs=tuple(jobs))


def _in_one_way(submissions: Sequence[Submission], asked: Asked, find_scale: FindScale) -> Plan:
    data = TrackData(roots=asked.roots, overrides=asked.overrides, place=asked.place, named=asked.named)
    lacks = {track.id: data.lacks(track) for track in asked.tracks} if asked.optional else {}
    asked = replace(asked, tracks=[track for track in asked.tracks if not lacks.get(track.id)])
    cannot = tuple(LeftOut(line=line) for line in dict.fromkeys(filter(None, lacks.values())))
    if cannot and not asked.tracks:
        return Plan(left_out=cannot)
    made = Plan.joined(_of_submission(submission, asked, data, find_scale) for submission in submissions)
    if asked.optional:  # what no execution can measure is refused under eager, which is among all and runs every track
        return replace(made, refused=() if cannot else made.refused, left_out=(*made.left_out, *cannot))
    if not made.jobs:
        raise _nothing(made)
    measured = {job.track.id for job in made.jobs}
    for track in asked.tracks if asked.named else ():
        if track.id not in measured and data.missing(track):
            raise UserError(f"track {track.id} cannot be measured: {'; '.join(data.missing(track))}")
    return replace(made, left_out=(*made.left_out, *_unused(asked, measured)))


def _nothing(made: Plan) -> RtsrBenchError:
    """Say why nothing can be measured: what is refused first, then what is left out."""
    refused = {one.submission for one in made.refused}
    others = summed_up([one for one in made.left_out if one.submission not in refused or not one.scale], data=False)
    reasons = [*(str(one.error) for one in made.refused), *others]
    kind = HarnessError if any(isinstance(one.error, HarnessError) for one in made.refused) else UserError
    return kind(f"nothing to measure: {'; '.join(reasons) or 'no submission was named'}")


def _unused(asked: Asked, measured: set[str]) -> Iterator[LeftOut]:
    """Tracks that the user named and that no model has the scale of."""
    for track in asked.tracks if asked.named else ():
        if track.id not in measured:
            yield LeftOut(line=f"track {track.id}: no model to be measured has scale {track.scale}")


def _of_submission(submission: Submission, asked: Asked, data: TrackData, find_scale: FindScale) -> Plan:
    made = Plan.joined(_of_model(submission, model, asked, data, find_scale) for model in submission.models)
    if made.jobs or made.refused or submission.origin == "reference":
        return made
    scales = sorted({one.scale for one in made.left_out if one.scale is not None})
    if scales:
        have = " or ".join(map(str, scales))
        return Plan.joined(
            [made, _refusal(submission, f"{submission.id}: none of the tracks asked for has scale {have}")]
        )
    if not submission.models:
        return _refusal(submission, f"{submission.id}: expected a model, found none")
    return made


def _of_model(submission: Submission, model: ModelSpec, asked: Asked, data: TrackData, find_scale: FindScale) -> Plan:
    if model.scale is None:
        found = _scale(submission, model, find_scale)
        if isinstance(found, Plan):
            return found
        if isinstance(found, Failure):
            return _unloadable(submission, model, found, asked, data)
        model = model.with_scale(found)
        if not is_chosen(model, asked.models):
            return Plan(left_out=(LeftOut(line=f"{model.id}: not among the models of --model"),))
    fitting = [track for track in asked.tracks if track.scale == model.scale]
    if not fitting:
        line = f"{model.id}: none of the tracks asked for has scale {model.scale}"
        return Plan(left_out=(LeftOut(line=line, submission=submission.id, scale=model.scale),))
    jobs: list[Job] = []
    left_out: list[LeftOut] = []
    for track in fitting:
        sets, lines = data.of(track, asked.tracks)
        left_out += [LeftOut(line=line, data_set=title) for line, title in lines]
        if sets:
            jobs.append(_job(submission, model, track, asked, data, sets))
    made = Plan(jobs=tuple(jobs), left_out=tuple(left_out))
    if jobs:
        return made
    names = ", ".join(track.id for track in fitting)
    return Plan.joined([made, _refusal(submission, f"{model.id}: no data available for {names}")])


def _scale(submission: Submission, model: ModelSpec, find_scale: FindScale) -> int | Failure | Plan:
    """Find a scale; a plan that refuses the model where that breaks for a reason that is not the model's."""
    try:
        return find_scale(submission, model)
    except RtsrBenchError as error:
        trouble = type(error)(f"{model.id}: its scale could not be found: {error}")
    except Exception as error:
        if os.environ.get("RTSR_BENCH_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error} (RTSR_BENCH_DEBUG=1 shows where)"
        trouble = HarnessError(f"{model.id}: its scale could not be found: {what}")
    return Plan(refused=(Refused(submission=submission.id, error=trouble),))


def _unloadable(submission: Submission, model: ModelSpec, failure: Failure, asked: Asked, data: TrackData) -> Plan:
    """Make the failure of a model without a known scale a record of the first track whose data are available."""
    left_out: list[LeftOut] = []
    for track in asked.tracks:
        sets, lines = data.of(track, asked.tracks)
        if sets:
            model = model.with_scale(track.scale)
            return Plan(jobs=(_job(submission, model, track, asked, data, sets, unloadable=failure),))
        left_out += [LeftOut(line=line, data_set=title) for line, title in lines]
    said = (
        f"{model.id}: it could not be loaded ({failure.kind.value.replace('_', ' ')}: {failure.brief}), and no track "
        "asked for has data available, so no record can be written"
    )
    return Plan.joined([Plan(left_out=tuple(left_out)), _refusal(submission, said)])


def _refusal(submission: Submission, line: str) -> Plan:
    return Plan(refused=(Refused(submission=submission.id, error=UserError(line)),))


def _job(
    submission: Submission,
    model: ModelSpec,
    track: Track,
    asked: Asked,
    data: TrackData,
    sets: tuple[Dataset, ...],
    unloadable: Failure | None = None,
) -> Job:
    protocol = data.protocol(track)
    own = replace(asked.overrides, execution=None)  # an execution that is the track's own overrides nothing
    return Job(
        submission=submission,
        model=model,
        track=track,
        protocol=protocol,
        overrides=own if own.apply(track.protocol, asked.place.device_kind) == protocol else asked.overrides,
        data=sets,
        roots=tuple(asked.roots) if any(one.folder for one in sets) else (),
        place=asked.place,
        unloadable=unloadable,
    )
