"""From two paths to two models under the same rules: which models, which track, which data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rtsr_bench.compare.sessions import SideFailedError
from rtsr_bench.datasets import Dataset
from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.data import TrackData
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.place import Place
from rtsr_bench.record import Failure
from rtsr_bench.submissions import ModelSpec, Submission, survey
from rtsr_bench.submissions.hubs import is_address
from rtsr_bench.submissions.selection import with_models
from rtsr_bench.text import ascii_safe
from rtsr_bench.tracks import Track, all_tracks, find_track

NAMES = ("A", "B")
_SHOWN = 4

Candidate = tuple[Submission, ModelSpec]
FindScale = Callable[[Submission, ModelSpec], int | Failure]
"""Runs a model whose manifest gives no scale: the scale it has, or how it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked for: a track (None: the first whose data are available), models, data, rules, place.

    `models` are patterns that hold for both sides. `images`: fidelity is compared, so the track needs data.
    """

    track: str | None
    models: tuple[str, ...]
    roots: tuple[Path, ...]
    overrides: Overrides
    place: Place
    images: bool = True


def split_model(text: str) -> tuple[Path, str]:
    """Split `PATH#MODEL` into both; the model is empty if none is named.

    An address on a hub may hold a `#` of its own (`gh:ORG/NAME#path`): only a second one names a model there.
    """
    path, mark, model = text.rpartition("#")
    whole = not mark or Path(text).exists() or (is_address(Path(text)) and text.count("#") < 2)
    return (Path(text), "") if whole else (Path(path), model)


def candidates(text: str, models: Sequence[str], tell: Callable[[str], object]) -> list[Candidate]:
    """Return the models at `PATH#MODEL` that match; UserError if there are none.

    MODEL is an id or pattern as of `--model`; the id of the submission in front of it may be left out.
    """
    path, named = split_model(text)
    found = survey(path, tell=tell)
    if found.refused or not found.submissions:
        raise UserError("; ".join(note.message for note in found.refused) or f"{path}: no submission found")
    patterns = list(models)
    if named:
        patterns = [named if "/" in named else f"*/{named}"]
    try:
        chosen = with_models(found.submissions, patterns)
    except UserError as error:
        reason = str(error).partition(": ")[2] if named else str(error)  # without `--model`, which was not used
        raise UserError(f"{ascii_safe(text)}: {reason}") from None
    return [(submission, model) for submission in chosen for model in submission.models]


def choose(sides: Sequence[Sequence[Candidate]], track: Track | None, find_scale: FindScale) -> tuple[Candidate, ...]:
    """Choose one model of each side, both of one scale: that of the track, or the one they share.

    UserError if a side is left with none or with several. SideFailedError if a model without a declared scale does not
    run.
    """
    known = [[_scaled(one, side, find_scale) for one in found] for side, found in enumerate(sides)]
    common = {model.scale for _, model in known[0]} & {model.scale for _, model in known[1]}
    if track is not None:
        common &= {track.scale}
    if not common:
        have = ", ".join(f"{name} has {_scales(found)}" for name, found in zip(NAMES, known, strict=True))
        wanted = f"models of scale {track.scale}, that of {track.id}" if track else "two models of one scale"
        raise UserError(f"expected {wanted}, found none: {have}; name others")
    return tuple(
        _only([one for one in found if one[1].scale in common], name) for name, found in zip(NAMES, known, strict=True)
    )


def _scaled(one: Candidate, side: int, find_scale: FindScale) -> Candidate:
    submission, model = one
    if model.scale is not None:
        return one
    scale = find_scale(submission, model)
    if isinstance(scale, Failure):
        raise SideFailedError(side, scale)
    return submission, model.with_scale(scale)


def _scales(found: Sequence[Candidate]) -> str:
    return " and ".join(f"x{scale}" for scale in sorted({model.scale or 0 for _, model in found}))


def _only(found: Sequence[Candidate], name: str) -> Candidate:
    if len(found) > 1:
        ids = [model.id for _, model in found]
        some = ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")
        raise UserError(f"{name}: expected one model, found {len(ids)}: {some}; name one of them as PATH#{ids[0]}")
    return found[0]


def make_jobs(chosen: Sequence[Candidate], asked: Asked) -> tuple[Job, Job]:
    """Put both models under the rules of one track; UserError if its data or its execution are not available."""
    scale = chosen[0][1].scale
    tracks = [find_track(asked.track)] if asked.track else [one for one in all_tracks().values() if one.scale == scale]
    track, data = _with_data(tracks, asked)
    protocol = asked.overrides.apply(track.protocol, asked.place.device_kind)
    first, second = (
        Job(
            submission=submission,
            model=model,
            track=track,
            protocol=protocol,
            overrides=asked.overrides,
            data=data,
            roots=asked.roots,
            place=asked.place,
        )
        for submission, model in chosen
    )
    return first, second


def _with_data(tracks: Sequence[Track], asked: Asked) -> tuple[Track, tuple[Dataset, ...]]:
    """The first track that can be measured here, with its data sets; without images any data set is done without."""
    found = TrackData(
        roots=asked.roots, overrides=asked.overrides, place=asked.place, named=asked.track is not None and asked.images
    )
    reasons: list[str] = []
    for track in tracks:
        if not asked.images:
            lacks = found.lacks(track)
            if not lacks:
                return track, ()
            reasons.append(f"{track.id}: {lacks}")
            continue
        data, lines = found.of(track, ())
        if data:
            return track, data
        reasons += [line for line, _ in lines]
    raise UserError(f"nothing to compare on: {'; '.join(reasons)}; --only runtime needs no images")


def unverified(jobs: Sequence[Job]) -> Iterator[str]:
    """Lines about data sets that match no published hashes."""
    for use in jobs[0].uses:
        if not use.verified:
            yield f"data not verified: {use.name}: {use.note or 'no published hashes to compare with'}"


def at_device(asked: Asked, device: str) -> Asked:
    """The same at the device that was found."""
    return replace(asked, place=replace(asked.place, device=device))
