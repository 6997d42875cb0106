"""`rtsr-bench compare`: whether two models differ, and by how much."""

from __future__ import annotations

import math
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from rtsr_bench.cli.options import DATA_ROOTS, WITH_REQUIREMENTS, grouped
from rtsr_bench.cli.run import PLACE, LimitType, SizeType, overrides_of
from rtsr_bench.errors import UserError
from rtsr_bench.protocol import Precision

if TYPE_CHECKING:
    from rtsr_bench.compare.comparing import Wanted
    from rtsr_bench.compare.judging import Stopping
    from rtsr_bench.evaluate.overrides import Overrides
    from rtsr_bench.evaluate.place import Place

    _OfNumber = click.ParamType[float]
else:  # before click 8.4 it takes no type
    _OfNumber = click.ParamType


class _Number(_OfNumber):
    """A positive number with a unit that may be left out: `3%` or `0.05dB`, divided by `per`."""

    def __init__(self, unit: str, per: float, most: float) -> None:
        self.name, self._unit, self._per, self._most = f"N{unit}", unit, per, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            number = float(str(value).strip().lower().removesuffix(self._unit.lower()))
        except ValueError:
            number = math.nan
        if not 0 < number <= self._most:  # NaN is in no range
            self.fail(f"expected a number from 0 to {self._most:g}, such as 1{self._unit}, found {value!r}", param, ctx)
        return number / self._per


PERCENT, DECIBEL = _Number("%", 100.0, 1000.0), _Number("dB", 1.0, 100.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where models and data come from: options that records have no use for."""

    track: str | None
    models: tuple[str, ...]
    roots: tuple[Path, ...]
    with_requirements: bool


_SOURCE = grouped(
    "source",
    Source,
    click.option("--track", metavar="ID", help="Compare under this track; default: the first with available data."),
    click.option(
        "--model", "models", multiple=True, metavar="ID", help="Only this model of both sides, such as '*-x2'."
    ),
    DATA_ROOTS,
    WITH_REQUIREMENTS,
)


_RULES = grouped(
    "overrides",
    overrides_of,
    click.option("--quick", is_flag=True, help="Smaller input and a few images."),
    click.option("--execution", metavar="NAME", help="Other execution than the track's, such as compile or openvino."),
    click.option("--precision", type=click.Choice([p.value for p in Precision]), help="Other precision."),
    click.option("--input", "size", type=SizeType(), help="Other timed LR size."),
    click.option("--images", type=int, help="Only the first images of each data set, this many."),
    click.option("--data", multiple=True, metavar="SET", help="Other data sets than the track's (repeatable)."),
    click.option("--limit", "limits", multiple=True, type=LimitType(), help="Other limit of load, export or enhance."),
)


def _stopping(sessions: int, max_minutes: float, resolution: float | None) -> Stopping:
    from rtsr_bench.compare.judging import RESOLUTION, Stopping

    return Stopping(
        most_sessions=sessions,
        most_s=60 * max_minutes,
        resolution=math.log1p(RESOLUTION if resolution is None else resolution),
    )


_STOPPING = grouped(
    "stopping",
    _stopping,
    click.option(
        "--sessions", type=click.IntRange(1, 1000), default=40, show_default=True, help="Time at most N sessions."
    ),
    click.option(
        "--max-minutes",
        type=click.FloatRange(0, 10_000, min_open=True),
        default=15.0,
        show_default=True,
        help="Start no session that would end later than this.",
    ),
    click.option(
        "--resolution",
        type=PERCENT,
        help="Stop once the noise floor is this low; differences of twice as much are found.  [default: 2.5%]",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """Limits of differences: 0.03 for 3 %, and in dB."""

    slower: float | None
    worse_db: float | None


_GATES = grouped(
    "gates",
    Gates,
    click.option("--fail-if-slower", "slower", type=PERCENT, help="Exit with 1 if B is slower by more than this."),
    click.option(
        "--fail-if-worse", "worse_db", type=DECIBEL, help="Exit with 1 if the mean PSNR of B is lower by more."
    ),
)

_WITH_RECORDS = ("a", "b", "only", "out", "slower", "worse_db")
"""Parameters that a comparison of records has a use for."""


@click.command("compare", short_help="Compare two models: runtime in turns, fidelity image by image.")
@click.argument("a")
@click.argument("b")
@click.option("--only", type=click.Choice(["runtime", "fidelity"]), help="Compare only this.")
@_SOURCE
@_RULES
@PLACE
@_STOPPING
@_GATES
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write comparison.html and comparison.json to this folder."
)
@click.pass_context
def compare_command(
    context: click.Context,
    a: str,
    b: str,
    only: Literal["runtime", "fidelity"] | None,
    source: Source,
    overrides: Overrides,
    place: Place,
    stopping: Stopping,
    gates: Gates,
    out: Path | None,
) -> None:
    """Say whether the models A and B differ in runtime, PSNR and SSIM, and by how much.

    A and B are submissions as `run` takes them, with PATH#MODEL where one has several models, or two records (.json).
    Submissions are timed in turns, in several sessions of fresh processes. Exit codes: 0 compared; 1 a model failed, or
    a --fail-if limit is exceeded; 2 the request is invalid; 3 the machine was too busy or the harness failed; 4 a
    --fail-if limit could not be decided.
    """
    from rtsr_bench.cli.comparing import compare, prepare_out
    from rtsr_bench.cli.signals import end_on_signals
    from rtsr_bench.store import is_record_name

    records = [is_record_name(text) for text in (a, b)]
    if any(records) and not all(records):
        raise UserError("expected two submissions or two records (.json), found one of each; name two of a kind")
    if all(records):
        _refuse_with_records(context)
    prepare_out(out)
    end_on_signals()
    context.exit(compare((a, b), _wanted(only, gates), source, overrides, place, stopping, out))


def _refuse_with_records(context: click.Context) -> None:
    given = click.core.ParameterSource.COMMANDLINE
    for option in context.command.params:
        name = option.name or ""
        if name not in _WITH_RECORDS and context.get_parameter_source(name) is given and option.expose_value:
            raise UserError(f"{option.opts[0]}: two records are compared as they are; leave it out")


def _wanted(only: str | None, gates: Gates) -> Wanted:
    from rtsr_bench.compare.comparing import Wanted

    if gates.slower is not None and only == "fidelity":
        raise UserError("--fail-if-slower: expected a comparison of runtime, found --only fidelity; leave one out")
    if gates.worse_db is not None and only == "runtime":
        raise UserError("--fail-if-worse: expected a comparison of fidelity, found --only runtime; leave one out")
    return Wanted(
        runtime=only != "fidelity",
        fidelity=only != "runtime",
        slower=gates.slower,
        worse_db=gates.worse_db,
        command=f"rtsr-bench {shlex.join(sys.argv[1:])}",
    )
