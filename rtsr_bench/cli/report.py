"""`rtsr-bench report`: rank and publish the records."""

from __future__ import annotations

from pathlib import Path

import click

from rtsr_bench.cli.console import say


@click.command("report")
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    default=Path("reports/records"),
    show_default=True,
    envvar="RTSR_BENCH_RECORDS",
    help="Folder of records.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Folder of results of `realtime`.  [default: realtime, beside the records]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Folder of the site; other files in it are not changed.",
)
def report_command(records: Path, results: Path | None, out: Path) -> None:
    """Turn a folder of records into static pages; the same records give the same pages."""
    from rtsr_bench.cli.known import all_dated_ahead
    from rtsr_bench.report import build

    site = build(records, out, results)
    # This depends on the current time, so it is not on a page: the same records must give the same pages.
    ahead = all_dated_ahead(site.records)
    for problem in (*site.problems, *ahead):
        say(f"problem: {' '.join(problem.split())}", err=True)
    count = len(site.pages)
    problems = len(site.problems) + len(ahead)
    say(f"{count} pages, {problems} problem{'' if problems == 1 else 's'}")
    say(f"report: {site.index.resolve()}")
