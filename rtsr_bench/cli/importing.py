"""`rtsr-bench import`: make submissions from entries of other challenges."""

from __future__ import annotations

from pathlib import Path

import click

from rtsr_bench.cli.console import say


@click.group("import", short_help="Make submissions from another challenge's repository.")
def import_group() -> None:
    """Make submissions from another challenge's repository."""


@import_group.command("ntire-esr", short_help="An NTIRE Efficient-SR repository: one submission per team.")
@click.argument("checkout", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the submissions.")
@click.option("--only", multiple=True, type=int, metavar="N", help="Only this entry (repeatable).")
@click.pass_context
def ntire_esr_command(context: click.Context, checkout: Path, out: Path, only: tuple[int, ...]) -> None:
    """Turn CHECKOUT, with its test_demo.py, models/ and model_zoo/, into one submission per entry.

    Its code is parsed and copied, but neither run nor changed. Each entry's line says what it lacks. Exits with 1 if an
    entry was left out.
    """
    from rtsr_bench.submissions.ntire_esr import import_entries

    written = left_out = lacking = 0
    for result in import_entries(checkout, out, only=only):
        say(result.line)
        written += result.folder is not None
        left_out += result.folder is None
        lacking += result.folder is not None and bool(result.lacking)
    say(f"{written} submissions, {lacking} of them need packages that are not installed; {left_out} left out")
    context.exit(1 if left_out else 0)
