"""`rtsr-bench realtime`: play a video with one model: deadlines, latency, the highest frame rate that is held."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtsr_bench.cli.options import WITH_REQUIREMENTS, grouped
from rtsr_bench.cli.run import PLACE, SizeType
from rtsr_bench.errors import RtsrBenchError, UserError
from rtsr_bench.protocol import Precision, Size

if TYPE_CHECKING:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.evaluate import Bench, Job, Overrides
    from rtsr_bench.evaluate.place import Place
    from rtsr_bench.evaluate.realtime import Playback
    from rtsr_bench.protocol import Protocol
    from rtsr_bench.record.realtime import Realtime
    from rtsr_bench.submissions import ModelSpec, Submission
    from rtsr_bench.tracks import Track

GUEST_FAILED = 1
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%?")

if TYPE_CHECKING:
    _OfPercent = click.ParamType[float]
else:  # before click 8.4 it takes no type
    _OfPercent = click.ParamType


class _PercentType(_OfPercent):
    name = "PERCENT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _PERCENT.fullmatch(str(value).strip())
        if found is None or float(found[1]) > 100:
            self.fail(f"expected a percentage such as 0.1%, found {value!r}", param, ctx)
        return float(found[1])


def _playback(**values: Any) -> Playback:
    from rtsr_bench.evaluate.realtime import Playback

    return Playback(search=not values.pop("no_search"), **values)


_PLAYBACK = grouped(
    "playback",
    _playback,
    click.option("--fps", type=float, default=60.0, show_default=True, help="Frame rate of the arriving frames."),
    click.option("--seconds", type=float, default=30.0, show_default=True, help="Length of the run at that rate."),
    click.option(
        "--latency-frames",
        type=int,
        default=2,
        show_default=True,
        help="Periods from the arrival of a frame to its deadline.",
    ),
    click.option("--no-search", is_flag=True, help="Do not search the highest frame rate that is held."),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rules:
    """What decides how the model is run; None where the track does."""

    track: str | None
    model: str | None
    execution: str | None
    precision: str | None
    size: Size | None
    with_requirements: bool

    def overrides(self) -> Overrides:
        """Changes to the track's protocol; UserError where one cannot be meant or is not installed."""
        from rtsr_bench.evaluate.overrides import ALL, Overrides

        if self.execution == ALL:
            raise UserError(f"--execution {ALL}: expected the name of one execution; run the command once for each")
        precision = Precision(self.precision) if self.precision else None
        return Overrides(execution=self.execution, precision=precision, input=self.size)

    def track_of(self, model: ModelSpec) -> Track:
        """The track asked for, else the first of the model's scale; UserError for one of another scale."""
        from rtsr_bench.tracks import all_tracks, find_track

        if self.track is None:
            return next(track for track in all_tracks().values() if track.scale == model.scale)
        track = find_track(self.track)
        if track.scale != model.scale:
            raise UserError(
                f"--track {track.id}: expected a track of scale {model.scale}, found one of scale {track.scale}"
            )
        return track

    def protocol(self, model: ModelSpec, place: Place) -> tuple[Track, Protocol]:
        """The track and the rules to play by; UserError where the device does not run the execution."""
        from dataclasses import replace

        from rtsr_bench.evaluate.data import TrackData

        track = self.track_of(model)
        data = TrackData(roots=(), overrides=self.overrides(), place=place, named=True)
        lacks = data.lacks(track)
        if lacks:
            raise UserError(f"{model.id} cannot be played: {lacks}")
        return track, replace(data.protocol(track), batch=1)


_RULES = grouped(
    "rules",
    _Rules,
    click.option("--model", metavar="ID", help="Which model of the submission, such as rt4ksr/s-x2."),
    click.option(
        "--track", metavar="ID", help="Take input and execution from this track, not from the first that fits."
    ),
    click.option("--execution", metavar="NAME", help="Other execution than the track's, such as compile."),
    click.option("--precision", type=click.Choice([p.value for p in Precision]), help="Other precision."),
    click.option("--input", "size", type=SizeType(), help="Other LR size of a frame."),
    WITH_REQUIREMENTS,
)


@click.command("realtime", short_help="Play a video with a model; report deadlines and latency.")
@click.argument("path", metavar="MODEL", type=click.Path(path_type=Path))
@_PLAYBACK
@_RULES
@PLACE
@click.option(
    "--fail-if-missed",
    "most_missed",
    type=_PercentType(),
    help="Exit with 1 if more deadlines were missed, as in 0.1%.",
)
@click.option(
    "--results", type=click.Path(path_type=Path), help="Folder of results.  [default: realtime, beside the records]"
)
@click.pass_context
def realtime_command(
    context: click.Context,
    path: Path,
    playback: Playback,
    rules: _Rules,
    place: Place,
    most_missed: float | None,
    results: Path | None,
) -> None:
    """Play frames of a moving scene with MODEL, from 8-bit pixels in host memory to 8-bit pixels in host memory.

    MODEL is a submission's folder or archive, with #ID behind it where it has several models. Reported are the frames
    that missed their deadline at --fps, percentiles of latency, throughput without a cadence, the state of the device
    over time, and the highest frame rate at which 99.9 % of the deadlines are met. `rtsr-bench report` shows the result
    on the model's page.
    """
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.cli.signals import end_on_signals
    from rtsr_bench.evaluate import Bench
    from rtsr_bench.store import prepare
    from rtsr_bench.store.realtime import beside, save_realtime

    folder = results or beside(Path(os.environ.get("RTSR_BENCH_RECORDS") or "reports/records"))
    submission, model = _chosen(path, rules.model)
    rules.overrides()  # what is known to be wrong is said before a process is started
    if model.scale is not None and place.device_kind in ("cpu", "cuda"):
        rules.protocol(model, place)
    prepare(folder, what="results")
    end_on_signals()
    with Display() as display, Bench.at(place) as bench:
        job = _job(submission, model, rules, bench, display, place)
        result = _play(job, bench, playback, display)
        saved = save_realtime(result, folder)
        _report(result, display)
        display.note(f"result: {saved}")
        code = _exit_code(result, most_missed)
        if code and result.failure is None:
            display.note(f"more than {most_missed:g} % of the deadlines were missed (--fail-if-missed)")
    context.exit(code)


def _play(job: Job, bench: Bench, playback: Playback, display: Display) -> Realtime:
    from rtsr_bench.evaluate.realtime import measure_realtime

    with display.job(1, 1, f"{job.model.id} at {job.protocol.input}, {playback.fps:g} FPS") as listener:
        return measure_realtime(job, bench, playback, command=_command(job, bench, playback), listener=listener)


def _chosen(path: Path, wanted: str | None) -> tuple[Submission, ModelSpec]:
    """Find the submission and the one model of it that is asked for; UserError if there is none or several."""
    from rtsr_bench.cli.console import say
    from rtsr_bench.submissions import survey
    from rtsr_bench.submissions.hubs import is_address
    from rtsr_bench.submissions.selection import with_models

    text, behind, named = str(path).rpartition("#")
    if behind and not path.exists() and not is_address(path):
        path, wanted = Path(text), wanted or named
    found = survey(path, tell=lambda line: say(line, err=True))
    if found.refused:
        raise UserError(found.refused[0].message)
    if wanted and "/" not in wanted and len(found.submissions) == 1:
        wanted = f"{found.submissions[0].id}/{wanted}"
    chosen = with_models(found.submissions, [wanted] if wanted else [])
    models = [(submission, model) for submission in chosen for model in submission.models]
    if len(models) != 1:
        ids = ", ".join(model.id for _, model in models[:8]) + (", ..." if len(models) > 8 else "")
        raise UserError(f"{path}: expected one model, found {len(models)}: {ids}; choose one with --model ID")
    return models[0]


def _job(submission: Submission, model: ModelSpec, rules: _Rules, bench: Bench, display: Display, place: Place) -> Job:
    """Make the job on the device that was found."""
    from dataclasses import replace

    from rtsr_bench.cli.preparing import with_requirements
    from rtsr_bench.evaluate import Job

    reason = f" ({bench.isolation.reason}); guests run with your rights" if bench.isolation.reason else ""
    display.note(f"isolation: {bench.isolation.level.value}{reason}")
    submission = with_requirements(submission, display.note, install=rules.with_requirements, stub=place.stub_missing)
    model = model if model.scale else _with_scale(submission, model, bench, display)
    here = replace(place, device=bench.device)
    track, protocol = rules.protocol(model, here)
    return Job(
        submission=submission, model=model, track=track, protocol=protocol, overrides=rules.overrides(), data=(),
        place=here,
    )  # fmt: skip


def _with_scale(submission: Submission, model: ModelSpec, bench: Bench, display: Display) -> ModelSpec:
    """Run a model whose manifest gives no scale once to find it."""
    from rtsr_bench.evaluate.probe import find_scale
    from rtsr_bench.protocol import Limits
    from rtsr_bench.record import Failure

    display.note(f"{submission.id}: its scale is not given, running it once to find it")
    found = find_scale(
        bench, submission, model, limit_s=Limits().load_s, waiting=lambda whom: display.note(f"waits for {whom}")
    )
    if isinstance(found, Failure):
        raise _FailedToLoadError(f"{model.id} could not be loaded: {found.message}")
    return model.with_scale(found)


class _FailedToLoadError(RtsrBenchError):
    """A model failed before it was known what to play with it."""

    exit_code = GUEST_FAILED


def _command(job: Job, bench: Bench, playback: Playback) -> str:
    """Return the command that plays this again."""
    parts = ["rtsr-bench", "realtime", shlex.quote(job.submission.source.as_posix()), "--model", job.model.id]
    parts += ["--fps", f"{playback.fps:g}", "--seconds", f"{playback.seconds:g}"]
    parts += ["--latency-frames", str(playback.latency_frames), *([] if playback.search else ["--no-search"])]
    parts += ["--track", job.track.id, *job.overrides.options, "--device", bench.device]
    parts += ["--with-requirements"] if job.submission.packages is not None else []
    parts += ["--allow-pickle"] if bench.allow_pickle else []
    parts += ["--stub-missing"] if bench.stub_missing else []
    return " ".join([*parts, *(["--threads", str(bench.threads)] if bench.threads else [])])


def _report(result: Realtime, display: Display) -> None:
    """Print the table of a result, and how the model failed if it did."""
    from rtsr_bench.cli.playback import rows_of

    display.pairs(f"{result.model.id}, {result.execution.words}, {result.input}", rows_of(result))
    if result.failure is not None:
        display.note(f"{result.model.id} failed ({result.failure.stage.value}): {result.failure.message}")


def _exit_code(result: Realtime, most_missed: float | None) -> int:
    """1 if the model failed or missed more deadlines than allowed."""
    from rtsr_bench.statistics import summarise_frames

    if result.failure is not None or result.run is None:
        return GUEST_FAILED
    missed = summarise_frames(result.run.latency_ms, result.deadline_ms).missed_share
    return GUEST_FAILED if most_missed is not None and 100 * missed > most_missed else 0
