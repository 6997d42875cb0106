"""`rtsr-bench run`: measure submissions and write a record for each model."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtsr_bench.cli.options import DATA_ROOTS, WITH_REQUIREMENTS, grouped
from rtsr_bench.errors import UserError
from rtsr_bench.protocol import Precision, Size

if TYPE_CHECKING:
    from rtsr_bench.evaluate.overrides import Overrides
    from rtsr_bench.evaluate.place import Place
    from rtsr_bench.evaluate.settings import Output, Pace, Selection, Settings


if TYPE_CHECKING:
    _OfSize = click.ParamType[Size]
    _OfLimit = click.ParamType[tuple[str, float]]
    _OfHours = click.ParamType[float]
else:  # before click 8.4 it takes no type
    _OfSize = _OfLimit = _OfHours = click.ParamType


class SizeType(_OfSize):
    """HEIGHTxWIDTH, such as 540x960."""

    name = "HEIGHTxWIDTH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        """Return the size; fails with the expected form."""
        if isinstance(value, Size):
            return value
        height, _, width = str(value).lower().partition("x")
        if not (height.isdecimal() and width.isdecimal()):
            self.fail(f"expected HEIGHTxWIDTH such as 540x960, found {value!r}", param, ctx)
        return Size(int(height), int(width))


class LimitType(_OfLimit):
    """NAME=SECONDS, such as runtime=600."""

    name = "NAME=SECONDS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Return name and seconds; fails with the expected form."""
        name, _, seconds = str(value).partition("=")
        try:
            return name.strip(), float(seconds)
        except ValueError:
            self.fail(f"expected NAME=SECONDS such as runtime=600, found {value!r}", param, ctx)


class _HoursType(_OfHours):
    name = "HOURS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from rtsr_bench.evaluate.campaign import LONGEST_HOURS

        try:
            hours = float(value)
        except ValueError:
            hours = math.nan
        if not 0 <= hours <= LONGEST_HOURS:  # NaN is in no range; click's own types accept it
            self.fail(f"expected hours from 0 to {LONGEST_HOURS:,}, found {value!r}", param, ctx)
        return hours


def _selection(track_ids: tuple[str, ...], **values: Any) -> Selection:
    from rtsr_bench.evaluate.settings import Selection

    return Selection(tracks=tuple(dict.fromkeys(track_ids)), **values)


_SELECTION = grouped(
    "selection",
    _selection,
    click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path)),
    click.option("--track", "track_ids", multiple=True, metavar="ID", help="Only this track (repeatable)."),
    click.option(
        "--model", "models", multiple=True, metavar="ID", help="Only this model, such as rt4ksr/s-x2 or '*-x2'."
    ),
    DATA_ROOTS,
    WITH_REQUIREMENTS,
)


def _place(device: str, threads: int, isolation: str | None, *, allow_pickle: bool, stub_missing: bool) -> Place:
    from rtsr_bench.evaluate.place import Place
    from rtsr_bench.sandbox import Level

    required = Level(isolation) if isolation else None
    return Place(
        device=device, threads=threads, isolation=required, allow_pickle=allow_pickle, stub_missing=stub_missing
    )


PLACE = grouped(
    "place",
    _place,
    click.option(
        "--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto: a GPU if there is one."
    ),
    click.option(
        "--threads", type=click.IntRange(0, 1024), default=0, help="CPU threads; 0 leaves the choice to torch."
    ),
    click.option(
        "--require-isolation",
        "isolation",
        type=click.Choice(["process", "bubblewrap"]),
        help="Refuse to run guests with less isolation than this.",
    ),
    click.option(
        "--allow-pickle",
        is_flag=True,
        help="Allow loading pickled weights, which can execute code; requires bubblewrap; recorded.",
    ),
    click.option(
        "--stub-missing",
        is_flag=True,
        help="Replace missing packages with stubs; a stub fails when used; recorded.",
    ),
)


def overrides_of(precision: str | None, size: Size | None, **values: Any) -> Overrides:
    """The overrides that options of a command give."""
    from rtsr_bench.evaluate.overrides import Overrides

    return Overrides(precision=Precision(precision) if precision else None, input=size, **values)


_OVERRIDES = grouped(
    "overrides",
    overrides_of,
    click.option("--quick", is_flag=True, help="Smaller input, fewer repeats, a few images; unofficial."),
    click.option(
        "--precision", type=click.Choice([p.value for p in Precision]), help="Other precision; in the open division."
    ),
    click.option("--input", "size", type=SizeType(), help="Other timed LR size; unofficial."),
    click.option("--warmup", type=int, help="Other number of untimed calls; unofficial."),
    click.option("--repeats", type=int, help="Other number of timed calls; unofficial."),
    click.option("--images", type=int, help="Only the first images of each data set, this many; unofficial."),
    click.option(
        "--data", multiple=True, metavar="SET", help="Other data sets than the track's (repeatable); unofficial."
    ),
    click.option(
        "--limit",
        "limits",
        multiple=True,
        type=LimitType(),
        help="Other limit of load, export, enhance, runtime or complexity; unofficial.",
    ),
)


def _output(records: Path, gallery: Path | None, jobs_out: Path | None) -> Output:
    from rtsr_bench.evaluate.settings import Output

    return Output(records=records, gallery=gallery, jobs=jobs_out)


_OUTPUT = grouped(
    "output",
    _output,
    click.option(
        "--records",
        type=click.Path(path_type=Path),
        default=Path("reports/records"),
        show_default=True,
        envvar="RTSR_BENCH_RECORDS",
        help="Folder of records.",
    ),
    click.option(
        "--save-images", "gallery", type=click.Path(path_type=Path), help="Write every SR image as PNG to this folder."
    ),
    click.option(
        "--jobs-out",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Write job files for `rtsr-bench measure` instead of measuring.",
    ),
)


def _pace(jobs: int, *, no_shared_runtime: bool, **values: Any) -> Pace:
    from rtsr_bench.evaluate.settings import Pace

    return Pace(at_once=jobs, share_runtimes=not no_shared_runtime, **values)


_PACE = grouped(
    "pace",
    _pace,
    click.option("--again", is_flag=True, help="Re-measure even if a record exists (old records are kept)."),
    click.option(
        "--no-shared-runtime",
        is_flag=True,
        help="Time a model on each track, even if its runtime is known from another track of the same input.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="Models measured at once; timing still runs alone.",
    ),
    click.option(
        "--max-hours", type=_HoursType(), help="Start no new model after N hours; run the same command to resume."
    ),
    click.option("--fail-fast", is_flag=True, help="Start no new model after one has failed."),
)

_BESIDE_A_CAMPAIGN = ("campaign", "again", "gallery", "jobs_out", "executor", "verbose")
_KEYS = {
    "paths": "submissions", "track_ids": "tracks", "roots": "data_roots", "device": "devices",
    "isolation": "require_isolation", "executions": "execution", "limits": "[limits]",
}  # fmt: skip
"""Keys of a campaign file whose names differ from those of the parameters."""

_NOT_IN_A_CAMPAIGN = {
    "quick": "--quick", "precision": "--precision", "size": "--input", "warmup": "--warmup", "repeats": "--repeats",
    "images": "--images", "data": "--data",
}  # fmt: skip
"""Parameters, with their options, that make records unofficial and that a campaign file cannot hold."""


@click.command("run", short_help="Measure submissions; write a record per model.")
@_SELECTION
@PLACE
@_OVERRIDES
@_OUTPUT
@_PACE
@click.option("--executor", default="local", show_default=True, metavar="NAME", help="Where the jobs run.")
@click.option(
    "--execution",
    "executions",
    multiple=True,
    metavar="NAME",
    help="Other execution than the track's, such as compile or openvino (repeatable); all: every available one.",
)
@click.option("--campaign", type=click.Path(path_type=Path), help="Take submissions and settings from this TOML file.")
@click.option("-v", "--verbose", is_flag=True, help="Say why each model and data set was left out.")
@click.pass_context
def run_command(
    context: click.Context,
    selection: Selection,
    place: Place,
    overrides: Overrides,
    output: Output,
    pace: Pace,
    executor: str,
    executions: tuple[str, ...],
    campaign: Path | None,
    verbose: bool,
) -> None:
    """Measure every model of the submissions at PATH... on every track of its scale whose data are available.

    A PATH is a submission's folder or archive, or a folder of them. A model that has a record is not measured again.
    --save-images writes the images of measured models: add --again if there is a record.
    """
    from rtsr_bench.cli.running import run_submissions
    from rtsr_bench.cli.signals import end_on_signals
    from rtsr_bench.evaluate.settings import Settings

    if campaign is not None:
        settings = _of_campaign(context, campaign, output, pace)
    elif not selection.paths:
        raise UserError("nothing to measure: name a submission's folder or archive, or a --campaign")
    else:
        settings = Settings(
            selection=selection,
            output=output,
            pace=pace,
            places=(place,),
            overrides=overrides,
            executions=tuple(dict.fromkeys(executions)),
        )
    end_on_signals()
    context.exit(run_submissions(replace(settings, executor=executor), verbose=verbose))


def _of_campaign(context: click.Context, file: Path, output: Output, pace: Pace) -> Settings:
    """Read a campaign; UserError for a command-line argument that belongs to the campaign's file."""
    from rtsr_bench.evaluate.campaign import read_campaign

    settings = read_campaign(file)
    given = click.core.ParameterSource.COMMANDLINE
    for name in context.params:
        if name not in _BESIDE_A_CAMPAIGN and context.get_parameter_source(name) is given:
            if name in _NOT_IN_A_CAMPAIGN:
                raise UserError(f"--campaign: {_NOT_IN_A_CAMPAIGN[name]} has no key in a campaign file; leave it out")
            raise UserError(f"--campaign: set {_KEYS.get(name, name)} in the campaign file")
    return replace(
        settings,
        output=replace(settings.output, gallery=output.gallery, jobs=output.jobs),
        pace=replace(settings.pace, again=pace.again),
    )
