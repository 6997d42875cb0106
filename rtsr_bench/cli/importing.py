"""`rtsr-bench import`: entries of other challenges, made into submissions."""

from __future__ import annotations

from pathlib import Path

import click

from rtsr_bench.cli.console import say


@click.group("import", short_help="Make submissions of another challenge's repository.")
def import_group() -> None:
    """Make submissions of another challenge's repository."""


@import_group.command("ntire-esr", short_help="An NTIRE Efficient-SR repository: one submission a team.")
@click.argument("checkout", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the submissions.")
@click.option("--only", multiple=True, type=int, metavar="N", help="Entries by number; may be given several times.")
@click.pass_context
def ntire_esr_command(context: click.Context, checkout: Path, out: Path, only: tuple[int, ...]) -> None:
    """Turn CHECKOUT, with its test_demo.py, models/ and model_zoo/, into one submission an entry.

    Its code is read and copied, neither run nor changed. What an entry lacks is said in its line. Exits with 1 where
    an entry had to be left out.
    """
    from rtsr_bench.submissions.ntire_esr import import_entries

    written = left_out = lacking = 0
    for result in import_entries(checkout, out, only=only):
        say(result.line)
        written += result.folder is not None
        left_out += result.folder is None
        lacking += result.folder is not None and bool(result.lacking)
    say(f"{written} submissions, {lacking} of them want packages that are not installed; {left_out} left out")
    context.exit(1 if left_out else 0)
