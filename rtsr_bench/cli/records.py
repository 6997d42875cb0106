"""`rtsr-bench records`: check records from elsewhere, keep many of them small, show them as Markdown."""

from __future__ import annotations

from pathlib import Path

import click

from rtsr_bench.cli.console import say
from rtsr_bench.cli.options import DATA_ROOTS
from rtsr_bench.errors import UserError
from rtsr_bench.text import counted

_MOST_SHOWN = 20


@click.group("records", short_help="Check records from elsewhere, pack them, show them as Markdown.")
def records_group() -> None:
    """Check records from elsewhere, pack them, show them as Markdown."""


@records_group.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--submission", "paths", multiple=True, required=True, type=click.Path(path_type=Path),
    help="Expected submissions: a folder or archive, or a folder of them (repeatable).",
)  # fmt: skip
@click.option("--track", "tracks", multiple=True, required=True, metavar="ID", help="Expected track (repeatable).")
@DATA_ROOTS
@click.option("--into", type=click.Path(path_type=Path), help="Keep the records in this folder if nothing is wrong.")
def check_command(
    folder: Path, paths: tuple[Path, ...], tracks: tuple[str, ...], roots: tuple[Path, ...], into: Path | None
) -> None:
    """Check that FOLDER holds official records of expected submissions and nothing else.

    Nothing in FOLDER is trusted. With --into, records are written anew into that folder, all of them or none. Exits
    with 2 if something is wrong.
    """
    from rtsr_bench.datasets import data_roots
    from rtsr_bench.evaluate.received import Expected, faults, read_received
    from rtsr_bench.store import load_records, prepare, save_as
    from rtsr_bench.submissions import survey
    from rtsr_bench.tracks import find_track

    for track in tracks:
        find_track(track)
    found = survey(*paths)
    existing = load_records(into).records if into is not None and into.is_dir() else ()
    expected = Expected(
        submissions=found.submissions,
        tracks=tracks,
        roots=data_roots(roots),
        existing={one.name: one.record for one in existing},
    )
    records = read_received(folder)
    wrong = list(faults(records, expected))
    for line in wrong[:_MOST_SHOWN]:
        say(f"refused: {line}", err=True)
    if wrong:
        raise UserError(f"{folder}: {counted(len(wrong), 'fault')} in {counted(len(records), 'record')}, none is kept")
    if into is not None:
        prepare(into)
        for name, record in records.items():
            save_as(record, into / name)
    for name in records:
        say(name)
    say(f"{counted(len(records), 'record')}{f' kept in {into}' if into else ' checked'}")


@records_group.command("table")
@click.argument("folder", type=click.Path(path_type=Path))
def table_command(folder: Path) -> None:
    """Print the leaderboards of the records in FOLDER as Markdown. Nothing in FOLDER is trusted."""
    from rtsr_bench.evaluate.received import read_received
    from rtsr_bench.report.comment import boards_as_markdown

    say(boards_as_markdown(read_received(folder)))


@records_group.command("pack")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--crops", type=click.IntRange(0, 64), default=2, show_default=True,
    help="Images of each record of the closed division whose crops are kept.",
)  # fmt: skip
def pack_command(folder: Path, crops: int) -> None:
    """Compress the records in FOLDER, and keep each crop once for all records that show it.

    Every command reads packed records like others.
    """
    from rtsr_bench.store.packing import pack

    found = pack(folder, crops=crops)
    sizes = f"{found.record_bytes / 1e6:.2f} MB, crops {found.crop_bytes / 1e6:.2f} MB"
    say(f"{counted(found.records, 'record')}: {sizes}")
