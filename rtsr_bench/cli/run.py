"""`rtsr-bench run`: measure submissions and keep a record of each."""

from __future__ import annotations

import math
import signal
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import click

from rtsr_bench.errors import UserError
from rtsr_bench.protocol import Precision, Size


class _SizeType(click.ParamType[Size]):
    name = "HEIGHTxWIDTH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        if isinstance(value, Size):
            return value
        height, _, width = str(value).lower().partition("x")
        if not (height.isdecimal() and width.isdecimal()):
            self.fail(f"expected HEIGHTxWIDTH such as 540x960, found {value!r}", param, ctx)
        return Size(int(height), int(width))


class _LimitType(click.ParamType[tuple[str, float]]):
    name = "NAME=SECONDS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        name, _, seconds = str(value).partition("=")
        try:
            return name.strip(), float(seconds)
        except ValueError:
            self.fail(f"expected NAME=SECONDS such as runtime=600, found {value!r}", param, ctx)


class _HoursType(click.ParamType[float]):
    name = "HOURS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from rtsr_bench.evaluate.campaign import LONGEST_HOURS

        try:
            hours = float(value)
        except ValueError:
            hours = math.nan
        if not 0 <= hours <= LONGEST_HOURS:  # NaN is in no range, and click's own types take it all the same
            self.fail(f"expected hours from 0 to {LONGEST_HOURS:,}, found {value!r}", param, ctx)
        return hours


@click.command("run", short_help="Measure submissions; every model leaves a record.")
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--track", "track_ids", multiple=True, metavar="ID", help="Only this track (repeatable).")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto: a GPU if there is one.")
@click.option(
    "--data-root", "roots", multiple=True, type=click.Path(path_type=Path), help="Where data sets lie (repeatable)."
)
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    default=Path("reports/records"),
    show_default=True,
    envvar="RTSR_BENCH_RECORDS",
    help="Where records are kept.",
)
@click.option("--again", is_flag=True, help="Measure anew what has a record already; the old one stays.")
@click.option("--threads", type=click.IntRange(0, 1024), default=0, help="CPU threads; 0 leaves the choice to torch.")
@click.option("--quick", is_flag=True, help="Smaller input, fewer repeats, a few images: for looking; unofficial.")
@click.option("--precision", type=click.Choice([p.value for p in Precision]), help="Other precision; unofficial.")
@click.option("--input", "size", type=_SizeType(), help="Other timed LR size; unofficial.")
@click.option("--warmup", type=int, help="Other number of untimed calls; unofficial.")
@click.option("--repeats", type=int, help="Other number of timed calls; unofficial.")
@click.option("--model", "models", multiple=True, metavar="ID", help="Only this model, such as rt4ksr/s-x2 or '*-x2'.")
@click.option("--images", type=int, help="Only the first so many images of each data set; unofficial.")
@click.option("--data", multiple=True, metavar="SET", help="Other data sets than the track's (repeatable); unofficial.")
@click.option(
    "--save-images", "gallery", type=click.Path(path_type=Path), help="Write every SR image as PNG below this."
)
@click.option(
    "--require-isolation",
    "isolation",
    type=click.Choice(["process", "bubblewrap"]),
    help="Refuse to run guests with less isolation than this.",
)
@click.option(
    "--with-requirements",
    is_flag=True,
    help="Install what a submission's requirements.txt asks for into an environment of its own, kept in the cache.",
)
@click.option(
    "--allow-pickle",
    is_flag=True,
    help="Let weights be read that may run code as they are: in the sandbox only, needs bubblewrap, is recorded.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    type=_LimitType(),
    help="Other limit of load, enhance, runtime or complexity; unofficial.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Models at work at once; timing is alone all the same.",
)
@click.option("--max-hours", type=_HoursType(), help="Begin no model after this long; the same command goes on.")
@click.option("--fail-fast", is_flag=True, help="Begin no model after the first that failed.")
@click.option("--campaign", type=click.Path(path_type=Path), help="Take submissions and settings from this TOML file.")
@click.option("-v", "--verbose", is_flag=True, help="Say of each model and data set left out why it is.")
@click.pass_context
def run_command(
    context: click.Context,
    paths: tuple[Path, ...],
    track_ids: tuple[str, ...],
    device: str,
    roots: tuple[Path, ...],
    records: Path,
    again: bool,
    threads: int,
    quick: bool,
    precision: str | None,
    size: Size | None,
    warmup: int | None,
    repeats: int | None,
    models: tuple[str, ...],
    images: int | None,
    data: tuple[str, ...],
    gallery: Path | None,
    isolation: str | None,
    with_requirements: bool,
    allow_pickle: bool,
    limits: tuple[tuple[str, float], ...],
    jobs: int,
    max_hours: float | None,
    fail_fast: bool,
    campaign: Path | None,
    verbose: bool,
) -> None:
    """Measure every model of the submissions at PATH... on every track of its scale whose data are at hand.

    A PATH is a submission's folder or archive, or a folder of them. What has a record already is not measured again.
    --save-images writes the images of what is measured: add --again where there is a record already.
    """
    from rtsr_bench.cli.carry import carry_out
    from rtsr_bench.evaluate.campaign import Settings, read_campaign
    from rtsr_bench.evaluate.overrides import Overrides

    if campaign is not None:
        settings = read_campaign(campaign)
        _only_beside_a_campaign(context)
        settings = replace(settings, again=again, gallery=gallery)
    elif not paths:
        raise UserError("nothing to measure: name a submission's folder or archive, or a --campaign")
    else:
        settings = Settings(
            paths=paths,
            records=records,
            tracks=tuple(dict.fromkeys(track_ids)),
            devices=(device,),
            roots=roots,
            models=models,
            threads=threads,
            jobs=jobs,
            isolation=isolation,
            with_requirements=with_requirements,
            allow_pickle=allow_pickle,
            max_hours=max_hours,
            fail_fast=fail_fast,
            again=again,
            gallery=gallery,
            overrides=Overrides(
                quick=quick,
                precision=Precision(precision) if precision else None,
                input=size,
                warmup=warmup,
                repeats=repeats,
                images=images,
                data=data,
                limits=limits,
            ),
        )
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:  # Windows has no SIGHUP
        signal.signal(number, _terminate)
    context.exit(carry_out(settings, verbose=verbose))


def _only_beside_a_campaign(context: click.Context) -> None:
    """UserError for an argument that a campaign file decides: two places to look at would be one too many."""
    given = click.core.ParameterSource.COMMANDLINE
    for name in context.params:
        if name not in ("campaign", "again", "gallery", "verbose") and context.get_parameter_source(name) is given:
            raise UserError(f"--campaign decides this: leave {name.replace('_', ' ')} to the file")


def _terminate(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
