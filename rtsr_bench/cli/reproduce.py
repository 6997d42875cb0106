"""`rtsr-bench reproduce`: the RT4KSR paper's tables and Track 1's scores, compared with ours cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtsr_bench.cli.console import say
from rtsr_bench.cli.options import DATA_ROOTS
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rtsr_bench.paper import Observed
    from rtsr_bench.record import Record

MISMATCH = 1


@click.command("reproduce", short_help="Compare the RT4KSR paper's tables with values computed here.")
@DATA_ROOTS
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    default=Path("reports/records"),
    show_default=True,
    envvar="RTSR_BENCH_RECORDS",
    help="Folder of records for measured cells; the computed values are stored there for the report.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    default=Path("reference_models"),
    show_default=True,
    help="Folder of the reference models to build and count; the shipped ones if it does not exist.",
)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="Write every cell as CSV.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write every cell as JSON.")
@click.pass_context
def reproduce_command(
    context: click.Context,
    roots: tuple[Path, ...],
    records: Path,
    models: Path,
    csv_file: Path | None,
    json_file: Path | None,
) -> None:
    """Print Tables 1, 2a, 2b, 2c, 3b and 4 of the RT4KSR paper and Track 1's scores: published, ours, difference.

    Models are built and counted, scores computed, bicubic's rows measured on the available sets; values of trained
    models come from records. Every other cell has the reason why it cannot be computed. Exits with 1 if a cell that
    must be equal is not.
    """
    from rtsr_bench.cli.papertables import as_csv, as_json, show
    from rtsr_bench.paper import keep_observed
    from rtsr_bench.report.reproduction import reproduce_all
    from rtsr_bench.submissions.references import named_by

    folder, *_ = named_by(models)
    observed = _observed(folder, roots, records)
    compared = reproduce_all(observed, _records(records))
    show(compared)
    kept = keep_observed(observed, records)
    say(f"stored the computed values in {kept}: `rtsr-bench report` makes a page from them", err=True)
    for file, write in ((csv_file, as_csv), (json_file, as_json)):
        if file is not None:
            _write(file, write(compared))
    context.exit(MISMATCH if any(one.tally.mismatched for one in compared) else 0)


def _observed(models: Path, roots: Sequence[Path], records: Path) -> Observed:
    """The values computed now, and bicubic's rows of an earlier call on sets that are not available now."""
    from rtsr_bench import __version__
    from rtsr_bench.datasets import data_roots
    from rtsr_bench.paper import Observed, all_tables, load_observed
    from rtsr_bench.reproduce import bicubic_rows, count_models

    try:
        before = load_observed(records)
    except ValueError as error:
        say(f"problem: {error}", err=True)
        before = Observed()
    rows = [row for table in all_tables() for row in table.rows]
    asks = [ask for row in rows for ask in (row.count, row.running) if ask is not None]
    say("building and counting the models of the tables", err=True)
    counts, torch = count_models(asks, models, on_folder=lambda name: say(f"  {name}", err=True))
    for trouble in dict.fromkeys(one.trouble for one in counts if one.trouble):
        say(f"not counted: {' '.join(trouble.split())}", err=True)
    bicubic, missing = bicubic_rows(
        [row.bicubic for row in rows if row.bicubic is not None],
        data_roots(roots),
        on_row=lambda key: say(f"  bicubic on {key}", err=True),
    )
    for line in missing:
        say(f"not measured: {line}", err=True)
    now = {one.key for one in bicubic}
    earlier = tuple(one for one in before.bicubic if one.key not in now)
    if earlier:
        say(f"from an earlier call: {', '.join(one.key for one in earlier)}", err=True)
    return Observed(
        harness=__version__,
        torch=torch,
        counts=counts,
        bicubic=tuple(sorted((*bicubic, *earlier), key=lambda one: one.key)),
    )


def _records(folder: Path) -> list[Record]:
    from rtsr_bench.store import load_records

    if not folder.is_dir():
        return []
    loaded = load_records(folder)
    _say_problems(loaded.problems)
    return [stored.record for stored in loaded.records]


def _say_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        say(f"problem: {' '.join(problem.split())}", err=True)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}; name a file in a writable folder") from None
