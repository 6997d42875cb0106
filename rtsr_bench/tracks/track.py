"""A track, read from its TOML file: its protocol and its score."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from rtsr_bench import plugins
from rtsr_bench.backends import BACKENDS
from rtsr_bench.errors import UserError
from rtsr_bench.files.table import Table, closest, shown
from rtsr_bench.files.toml import read_toml
from rtsr_bench.metric import METRICS
from rtsr_bench.protocol import DEFAULT_METRICS, EVEN, SCALES, Colour, Convention, Limits, Precision, Protocol, Size
from rtsr_bench.score import FORMULAS, PSNR

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_CONVENTION = re.compile(rf"({'|'.join(Colour)})/([0-9]{{1,4}}|scale)(/even)?")
_DEVICES = ("cpu", "cuda")
_LONGEST = 1000
"""Maximum characters of a text for readers."""
_LAST = 1_000_000
_FORM = "docs/tracks.md"
_KEYS = {
    "track": ("id", "title", "summary", "source", "scale", "order", "yields_to"),
    "data": ("sets", "degradation"),
    "fidelity": ("headline", "also", "metrics"),
    "runtime": ("input", "batch", "precision", "warmup", "repeats", "tf32", "execution"),
    "score": ("formula", "metric", "sets", "gates"),
    "limits": tuple(one.name for one in fields(Limits)),
}

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
    """Read a track file; UserError, one line, if it is invalid."""
    root = Table(read_toml(file, what="a track file"), str(file))
    root.only(_KEYS)
    return _track({name: root.section(name, _KEYS[name], form=_FORM, required=name != "limits") for name in _KEYS})


def _track(tables: Mapping[str, Table]) -> Track:
    head, data, timing, fidelity = (tables[name] for name in ("track", "data", "runtime", "fidelity"))
    scale = int(head.choice("scale", SCALES, example="2"))
    headline = _conventions(fidelity, "headline", scale, required=True)
    protocol = Protocol(
        scale=scale,
        data_sets=data.texts("sets", required=True),
        degradation=data.text("degradation", limit=_LONGEST, example='"pillow-bicubic"'),
        conventions=tuple(dict.fromkeys((*headline, *_conventions(fidelity, "also", scale)))),
        input=Size(*timing.wholes("input", 1, count=2, example="[1080, 1920]")),
        batch=timing.whole("batch", 1, default=1),
        precision=_precision(timing),
        warmup=timing.whole("warmup", 0, example=50),
        repeats=timing.whole("repeats", 1, example=244),
        limits=_limits(tables["limits"]),
        tf32=timing.flag("tf32"),
        metrics=_metrics(fidelity),
        **_backend(timing),
    )
    return Track(
        id=_id(head),
        title=head.text("title", limit=_LONGEST, example='"My track x2"'),
        summary=head.paragraph("summary", limit=_LONGEST, required=True),
        source=head.paragraph("source", limit=_LONGEST, required=True),
        protocol=protocol,
        score=_score(tables["score"], protocol, headline),
        headline=headline,
        order=head.whole("order", -_LAST, _LAST, default=0),
        yields_to=head.text("yields_to", limit=_LONGEST, default="", example='"open4k-x2"'),
    )


def _id(head: Table) -> str:
    """The id, which becomes part of file names."""
    name = head.text("id", limit=100, example='"my-x2"')
    if not _ID.fullmatch(name):
        expected = "lower-case letters, digits, - and _, with a letter or digit first"
        raise head.mistake("id", expected=expected, hint='write id = "my-x2"')
    return name


def _precision(timing: Table) -> dict[str, Precision]:
    """The precision by kind of device, in the order of the file."""
    table = Table(timing.table("precision"), f"{timing.where} precision")
    table.only(_DEVICES)
    if not tuple(table):
        example = '{ cuda = "fp16", cpu = "fp32" }'
        raise timing.mistake("precision", expected="a precision for cpu or cuda", hint=f"write precision = {example}")
    return {kind: Precision(table.option(kind, tuple(Precision))) for kind in table}


def _limits(table: Table) -> Limits:
    return Limits(**{name: table.number(name, 0.001, 999_999, example=60.0) for name in table})


def _backend(timing: Table) -> dict[str, Any]:
    """The fields of the protocol that `execution` selects."""
    if not timing.has("execution"):
        return {}
    return BACKENDS.find(timing.option("execution", tuple(BACKENDS.all()))).rules()


def _score(table: Table, protocol: Protocol, headline: tuple[Convention, ...]) -> ScoreRule:
    formula = table.option("formula", tuple(FORMULAS))
    convention = _convention(table, "metric", table.text("metric", limit=100, example='"rgb/0"'), protocol.scale)
    if convention not in headline:
        raise table.mistake("metric", expected="one of [fidelity] headline", hint="add it there or choose one of them")
    sets = table.texts("sets")
    for name in sets:
        if name not in protocol.data_sets:
            hint = f"correct or remove it{closest(name, protocol.data_sets)}"
            found = f"the text {shown(name)} in it"
            raise table.mistake("sets", expected="some of [data] sets", found=found, hint=hint)
    gates = Table(table.table("gates"), f"{table.where} gates")
    return ScoreRule(
        formula=formula,
        convention=convention,
        sets=sets,
        gates={name: float(gates.number(name, 0.0, 1000.0, example=30.0)) for name in gates},
    )


def _metrics(fidelity: Table) -> tuple[str, ...]:
    """Names of metrics; the default ones are not looked up, so most track files import no metric."""
    names = fidelity.texts("metrics") if fidelity.has("metrics") else DEFAULT_METRICS
    for name in names:
        if name not in DEFAULT_METRICS and name not in METRICS.all():
            known = tuple(METRICS.all())
            hint = f"name the file of your own metric with --plugin{closest(name, known)}"
            found = f"the text {shown(name)} in it"
            raise fidelity.mistake("metrics", expected=f"some of {', '.join(known)}", found=found, hint=hint)
    if PSNR not in names:
        expected = f'"{PSNR}" among them, because scores use it'
        raise fidelity.mistake("metrics", expected=expected, found=shown(list(names)), hint="add it")
    return names


def _conventions(table: Table, key: str, scale: int, *, required: bool = False) -> tuple[Convention, ...]:
    names = table.texts(key, required=required)
    return tuple(dict.fromkeys(_convention(table, key, name, scale) for name in names))


def _convention(table: Table, key: str, name: str, scale: int) -> Convention:
    """Parse `rgb/0`, `y/scale`, `rgb/0/even`: colour, border in pixels or the word `scale`, and LR cropped to even."""
    match = _CONVENTION.fullmatch(name)
    if match is None:
        raise table.mistake(
            key,
            expected=f"colour/border or colour/border/even, with colour {' or '.join(Colour)} and border in pixels or "
            "scale",
            found=f"the text {shown(name)}",
            hint='write it as "rgb/0" or "y/scale"',
        )
    colour, border, even = match.groups()
    return Convention(Colour(colour), scale if border == "scale" else int(border), EVEN if even else 1)
