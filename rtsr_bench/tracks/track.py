"""A track, read from its TOML file: its protocol and its score."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from rtsr_bench import plugins
from rtsr_bench.backends import BACKENDS
from rtsr_bench.errors import UserError
from rtsr_bench.files.toml import read_toml
from rtsr_bench.metric import METRICS
from rtsr_bench.protocol import DEFAULT_METRICS, EVEN, SCALES, Colour, Convention, Limits, Precision, Protocol, Size
from rtsr_bench.score import FORMULAS, PSNR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")

QUICK_WARMUP = 3
QUICK_REPEATS = 15
QUICK_IMAGES = 2
QUICK_WINDOW = Size(720, 960)
"""`--quick`: a twelfth of a 4K image, so a heavy model takes seconds on a CPU; divisible by every scale."""
QUICK_SHRINK = 4
"""`--quick`: the timed input is smaller by this factor in each direction."""
QUICK_LIMITS = Limits(load_s=60.0, enhance_s=120.0, runtime_s=300.0, complexity_s=60.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRule:
    """The score of a track: formula, convention of its PSNR, and data sets it is over (empty: all of them).

    The baseline is bicubic, measured on the same images. `gates` are the minimum mean PSNR in dB on a data set, by its
    id; a lower unrounded value has no rank.
    """

    formula: str
    convention: Convention
    sets: tuple[str, ...] = ()
    gates: dict[str, float] = field(default_factory=dict)

    @property
    def lower_is_better(self) -> bool:
        """Whether a better model has a lower score."""
        return FORMULAS[self.formula].lower_is_better


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """What is asked: `protocol` says how it is measured, `score` how it is scored, the texts are for readers.

    `order` is its position among the tracks. A track that `yields_to` another is not selected by default if the
    other's data are available. A track that is not `shipped` came with a plug-in.
    """

    id: str
    title: str
    summary: str
    source: str
    protocol: Protocol
    score: ScoreRule
    headline: tuple[Convention, ...]
    order: int = 0
    yields_to: str = ""
    shipped: bool = True

    @property
    def heading(self) -> str:
        """The title for readers; it marks a track that is not shipped."""
        return self.title if self.shipped else f"{self.title} (own track)"

    @property
    def scale(self) -> int:
        """The upscaling factor: 2, 3 or 4."""
        return self.protocol.scale


def quick(protocol: Protocol) -> Protocol:
    """The same rules on a smaller input, with at most a few calls, on the centre of a few images: never official.

    A side that is even stays even, because many networks unshuffle by 2.
    """
    size = Size(_quick_side(protocol.input.height), _quick_side(protocol.input.width))
    return replace(
        protocol,
        input=size,
        warmup=min(protocol.warmup, QUICK_WARMUP),
        repeats=min(protocol.repeats, QUICK_REPEATS),
        images=QUICK_IMAGES,
        window=QUICK_WINDOW,
        limits=QUICK_LIMITS,
    )


def _quick_side(side: int) -> int:
    small = side // QUICK_SHRINK
    return max(small, 1) if side % 2 else max(small - small % 2, 2)


def all_tracks() -> dict[str, Track]:
    """Every track by id: the shipped ones in their order, the challenge's own first, then those of plug-ins.

    UserError for a plug-in's track that is invalid, or has the id or title of another.
    """
    return _tracks(plugins.toml_files("track"))


@cache
def _tracks(added: tuple[Path, ...]) -> dict[str, Track]:
    folder = resources.files(__package__)
    shipped = [load_track(file) for file in folder.iterdir() if file.name.endswith(".toml")]
    tracks = {track.id: track for track in sorted(shipped, key=_order)}
    own = [(file, replace(load_track(file), shipped=False)) for file in added]
    for file, track in sorted(own, key=lambda one: _order(one[1])):
        taken = {name.lower() for known in tracks.values() for name in (known.id, known.title)}
        for name in (track.id, track.title):
            if name.lower() in taken:
                raise UserError(f"track file {file}: {name!r} is the name of another track; choose another name")
        tracks[track.id] = track
    return tracks


def _order(track: Track) -> tuple[int, str]:
    return track.order, track.id


def find_track(track_id: str) -> Track:
    """The track of this id; UserError if there is none."""
    try:
        return all_tracks()[track_id]
    except KeyError:
        known = ", ".join(all_tracks())
        raise UserError(f"no track {track_id!r}: expected one of {known} (see `rtsr-bench tracks`)") from None


def load_track(file: Traversable | Path) -> Track:
    """Read a track file; UserError if it is invalid."""
    table = read_toml(file, what="a track file")
    try:
        return _track(table)
    except (KeyError, ValueError, TypeError, AttributeError, UserError) as error:
        raise UserError(f"track file {file.name}: {_reason(error)}; see docs/tracks.md for the form") from error


def _reason(error: Exception) -> str:
    return f"key {error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


def _track(table: Mapping[str, Any]) -> Track:
    _only(table, {"track", "data", "runtime", "fidelity", "score", "limits"}, "the file")
    head, data, timing, judged = table["track"], table["data"], table["runtime"], table["score"]
    _only(head, {"id", "title", "summary", "source", "scale", "order", "yields_to"}, "[track]")
    _only(data, {"sets", "degradation"}, "[data]")
    _only(timing, {"input", "batch", "precision", "warmup", "repeats", "tf32", "execution"}, "[runtime]")
    _only(judged, {"formula", "metric", "sets", "gates"}, "[score]")
    _only(table["fidelity"], {"headline", "also", "metrics"}, "[fidelity]")
    _names(head)
    scale = int(head["scale"])
    if scale not in SCALES:
        raise ValueError(f"scale: expected one of {SCALES}, found {scale}")
    height, width = timing["input"]
    headline = tuple(_conventions(table["fidelity"]["headline"], scale))
    also = tuple(_conventions(table["fidelity"].get("also", []), scale))
    if judged["formula"] not in FORMULAS:
        raise ValueError(f"score formula: expected one of {sorted(FORMULAS)}, found {judged['formula']!r}")
    score = ScoreRule(
        formula=judged["formula"],
        convention=next(_conventions([judged["metric"]], scale)),
        sets=tuple(judged.get("sets", ())),
        gates={name: float(least) for name, least in judged.get("gates", {}).items()},
    )
    if not set(score.sets) <= set(data["sets"]):
        raise ValueError(f"[score] sets: expected some of [data] sets, found {', '.join(score.sets)}")
    if score.convention not in headline:
        raise ValueError(f"[score] metric: expected one of [fidelity] headline, found {judged['metric']!r}")
    protocol = Protocol(
        scale=scale,
        data_sets=tuple(data["sets"]),
        degradation=data["degradation"],
        conventions=tuple(dict.fromkeys((*headline, *also))),
        input=Size(int(height), int(width)),
        batch=int(timing.get("batch", 1)),
        precision={kind: Precision(name) for kind, name in timing["precision"].items()},
        warmup=int(timing["warmup"]),
        repeats=int(timing["repeats"]),
        limits=Limits(**table.get("limits", {})),
        tf32=_flag(timing.get("tf32", False)),
        **(BACKENDS.find(timing["execution"]).rules() if "execution" in timing else {}),
        metrics=_metrics(table["fidelity"].get("metrics", DEFAULT_METRICS)),
    )
    return Track(
        id=head["id"],
        title=head["title"],
        summary=head["summary"],
        source=head["source"],
        protocol=protocol,
        score=score,
        headline=headline,
        order=int(head.get("order", 0)),
        yields_to=head.get("yields_to", ""),
    )


def _names(head: Mapping[str, Any]) -> None:
    """ValueError for an id that cannot be part of a file name, and for values that are not text."""
    for key in ("id", "title", "summary", "source"):
        if not isinstance(head[key], str):
            raise ValueError(f"{key}: expected a text, found {head[key]!r}")  # noqa: TRY004 - one kind for all mistakes
    if not _ID.fullmatch(head["id"]):
        raise ValueError(f"id: expected lower-case letters, digits, - and _, found {head['id']!r}")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"tf32: expected true or false, found {value!r}")
    return value


def _metrics(names: Sequence[str]) -> tuple[str, ...]:
    """Check names of metrics; the default ones are not looked up, so most track files import no metric."""
    unknown = [name for name in names if name not in DEFAULT_METRICS and name not in METRICS.all()]
    if unknown:
        known = ", ".join(METRICS.all())
        what = f"expected some of {known}, found {unknown[0]!r}; name the file of your own metric with --plugin"
        raise ValueError(f"[fidelity] metrics: {what}")
    if PSNR not in names:
        raise ValueError(f"[fidelity] metrics: expected {PSNR!r} among them, because scores use it, found {names}")
    return tuple(dict.fromkeys(names))


def _conventions(names: list[str], scale: int) -> Iterator[Convention]:
    """Parse `rgb/0`, `y/scale`, `rgb/0/even`: colour, border in pixels or the word `scale`, and LR cropped to even."""
    for name in names:
        colour, border, *rest = name.split("/")
        if rest not in ([], ["even"]):
            raise ValueError(f"fidelity convention: expected colour/border or colour/border/even, found {name!r}")
        pixels = scale if border == "scale" else int(border)
        yield Convention(Colour(colour), pixels, EVEN if rest else 1)


def _only(table: Mapping[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r} in {where}; expected {', '.join(sorted(allowed))}")
