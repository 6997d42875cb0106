"""`rtsr-bench import`: make submissions from entries of other challenges."""

from __future__ import annotations

from collections import Counter
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
    entry was left out, or if nothing was written. A branch without a model (`pass`) is not an entry.
    """
    from rtsr_bench.submissions.ntire_esr import import_entries

    done = []
    for result in import_entries(checkout, out, only=only):
        say(result.line)
        done.append(result)
    written = [result for result in done if result.folder is not None]
    lacking = Counter(top for result in written for top in result.lacking)
    free = sum(result.entry.placeholder for result in done)
    left_out = len(done) - len(written) - free
    want = f", {sum(bool(result.lacking) for result in written)} of them need packages that are not installed"
    named = f" ({', '.join(f'{top} {times}x' for top, times in lacking.most_common())})" if lacking else ""
    say(
        f"{len(written)} submissions{want if lacking else ''}{named}; {left_out} left out"
        + (f"; {free} placeholders without a model" if free else "")
    )
    context.exit(1 if left_out or not written else 0)
