"""`rtsr-bench data`: list, locate, verify and fetch data sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from rtsr_bench.cli.console import fit, say, steady_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from rtsr_bench.datasets.findings import Audit
    from rtsr_bench.datasets.originals import Original
    from rtsr_bench.datasets.recipes import SetRecipe

FAULTY = 1
PLAIN_EVERY_S = 3.0
"""Seconds between plain progress lines of a fetch, if there is no terminal for a bar."""

_roots_option = click.option(
    "--data-root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder of data sets (repeatable); RTSR_BENCH_DATA_ROOT is searched as well.",
)


@click.group("data", short_help="List, locate, verify and fetch data sets.")
def data_group() -> None:
    """List, locate, verify and fetch data sets."""


@data_group.command("list")
@_roots_option
def list_command(roots: tuple[Path, ...]) -> None:
    """Show every known data set: at which scales it is available and where, or how to get it."""
    from rich.table import Table

    from rtsr_bench.datasets import known_sets, own_sets

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("set", "title", "scales", "available", "where, or how to get it"):
        table.add_column(heading, overflow="fold")
    for recipe in (*known_sets(), *own_sets(roots)):
        scales = " ".join(f"x{scale}" for scale in recipe.scales)
        available, lines = _standing(recipe, roots)
        table.add_row(recipe.id, fit(recipe.title), scales, available, fit("\n".join(lines)))
    _console().print(table)


@data_group.command("where")
@_roots_option
@click.pass_context
def where_command(context: click.Context, roots: tuple[Path, ...]) -> None:
    """Print the folders that are searched for data, in order, and the cache and mirror folders."""
    from rtsr_bench.datasets.places import PARENTS, ROOTS_VARIABLE, data_folder, data_roots
    from rtsr_bench.errors import UserError
    from rtsr_bench.files.cache import CACHE_VARIABLE, MIRROR_VARIABLE, cache_folder, folders_of

    def said(folders: Callable[[], Sequence[Path]], none: str) -> str:
        try:
            return ", ".join(map(str, folders())) or f"none ({none})"
        except UserError as error:
            wrong.append(error)
            return str(error)

    wrong: list[UserError] = []
    say(f"data roots   {said(lambda: data_roots(roots), f'--data-root, or {ROOTS_VARIABLE}')}")
    say(f"fetched      {data_folder()}")
    say(f"cache        {cache_folder()}  ({CACHE_VARIABLE})")
    say(f"mirrors      {said(lambda: folders_of(MIRROR_VARIABLE), MIRROR_VARIABLE)}")
    say(f"below each root: a set's folder, or one of {', '.join(filter(None, PARENTS))} that contains it")
    context.exit(UserError.exit_code if wrong else 0)


@data_group.command("verify")
@click.argument("name", metavar="SET")
@_roots_option
@click.pass_context
def verify_command(context: click.Context, name: str, roots: tuple[Path, ...]) -> None:
    """Compare every file of SET with its published hash and name each that is missing, damaged or foreign.

    Exit code 0: no faults; 1: faults, or the set is not available.
    """
    from rtsr_bench.datasets.audit import audit
    from rtsr_bench.datasets.catalog import find_recipe

    parts = audit(name, roots)
    for part in parts:
        _show(part)
    recipe = find_recipe(name, roots)
    if (recipe.base_url or recipe.archives or recipe.preparation) and any(
        part.missing or part.damaged for part in parts
    ):
        say(f"`rtsr-bench data fetch {recipe.id}` downloads what is missing or damaged")
    whole = any(part.ok for part in parts) and not any(part.faults for part in parts)
    context.exit(0 if whole else FAULTY)


@data_group.command("fetch")
@click.argument("names", metavar="SET...", nargs=-1, required=True)
@click.option("--scale", "scales", multiple=True, type=int, help="Only this scale (repeatable).")
@click.option("--to", "root", type=click.Path(path_type=Path), help="Download to this folder instead of the cache.")
@_roots_option
def fetch_command(names: tuple[str, ...], scales: tuple[int, ...], root: Path | None, roots: tuple[Path, ...]) -> None:
    """Download data sets from their publishers, or copy them from a folder named in RTSR_BENCH_MIRROR.

    Source and licence are shown first. Every file is verified by SHA-256; interrupted downloads are resumed. A set
    whose images are made from originals (Open4K) is prepared as well. A set of your own, found by --data-root, is
    fetched into its folder.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from rtsr_bench.datasets.catalog import find_recipe
    from rtsr_bench.datasets.collect import collect, files_of

    recipes = [find_recipe(name, roots) for name in names]
    for recipe in recipes:
        files = files_of(recipe, scales)
        counts = [file.bytes for file in files.values() if file.bytes is not None]
        size = f"{sum(counts) / 1e6:.1f} MB" if len(counts) == len(files) else "size unknown"
        say(f"{recipe.title}: {len(files)} files, {size}")
        say(f"  source   {recipe.source or 'not stated'}")
        say(f"  licence  {recipe.license or 'none stated'}")
        if recipe.preparation:
            for line in _licences(recipe.preparation.originals):
                say(f"           {line}")
            say("  then     HR and LR are prepared from these files, once: a minute or two")
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(), TimeRemainingColumn())
    console = _console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        for recipe in recipes:
            task = bars.add_task(recipe.title, total=None)

            said = [monotonic()]

            def show(done: int, total: int, task: TaskID = task, title: str = recipe.title, said: Any = said) -> None:
                bars.update(task, completed=done, total=total)
                if bars.disable and monotonic() - said[0] > PLAIN_EVERY_S:
                    said[0] = monotonic()
                    say(f"{title}: {done} of {total} steps", err=True)

            def within(name: str, have: int, size: int | None, task: TaskID = task, said: Any = said) -> None:
                of = f" of {size / 1e6:.1f}" if size else ""
                bars.update(task, description=fit(f"{name} {have / 1e6:.1f}{of} MB"))
                if bars.disable and monotonic() - said[0] > PLAIN_EVERY_S:
                    said[0] = monotonic()
                    say(f"{name}: {have / 1e6:.1f}{of} MB", err=True)

            folder = collect(recipe, scales=scales, root=root, progress=show, within=within)
            say(f"{recipe.title}: {_fetched(recipe, folder, scales, roots)}")


def _licences(originals: Sequence[Original]) -> list[str]:
    """The number of images by licence and source."""
    counts: dict[tuple[str, str], int] = {}
    for original in originals:
        key = (original.license, original.repo)
        counts[key] = counts.get(key, 0) + 1
    return [f"{count} of {repo}: {license_}" for (license_, repo), count in counts.items()]


def _fetched(recipe: SetRecipe, folder: Path, scales: Sequence[int], roots: Sequence[Path]) -> str:
    """The state after a fetch: verified, or the differences from the pinned hashes.

    UserError if there are no image pairs among the fetched files, for example if an archive's folder is not named.
    """
    from rtsr_bench.datasets.prepared import assembled

    if recipe.own:
        return _own_fetched(recipe, folder, scales, (*roots, folder))

    notes = []
    for scale in (scales or recipe.scales) if recipe.preparation else ():
        found = assembled(recipe, folder, scale, "files")
        notes += [found.note] if found and found.note else []
    if notes:
        return f"prepared in {folder}; warning: {'; '.join(dict.fromkeys(notes))}"
    return f"complete and verified in {folder}"


def _own_fetched(recipe: SetRecipe, folder: Path, scales: Sequence[int], roots: Sequence[Path]) -> str:
    """The number of image pairs of a user's own set, or of HR images alone, from which LR can be made."""
    from rtsr_bench.datasets import Missing, find_dataset
    from rtsr_bench.errors import UserError
    from rtsr_bench.protocol import SCALES

    there, lacking = [], []
    for scale in scales or recipe.scales:
        found, what = find_dataset(recipe.id, scale=scale, degradation="files", roots=roots), "image pairs"
        if isinstance(found, Missing):
            lacks = found.reason
            found, what = find_dataset(recipe.id, scale=scale, degradation="pillow-bicubic", roots=roots), "HR images"
        if isinstance(found, Missing):
            lacking.append(lacks)
        else:
            there.append(f"{len(found.pairs)} {what} at x{scale}")
    if lacking and (scales or recipe.scales != SCALES or not there):  # `scales` is optional in a recipe
        raise UserError(
            f"{recipe.title}: fetched, but {lacking[0]}: correct layout, scales, or inside of [[archive]] in the recipe"
        )
    said = f"{', '.join(there)} in {folder}"
    if recipe.pins:
        return f"complete and verified: {said}"
    return f"{said}; no hashes to compare with: `rtsr-bench data verify {recipe.id}` checks each image"


def _standing(recipe: SetRecipe, roots: Sequence[Path]) -> tuple[str, list[str]]:
    """The available scales, and lines with the set's folder, differences, or how to get it."""
    from rtsr_bench.datasets import Missing, find_dataset
    from rtsr_bench.errors import UserError

    if recipe.rendered:
        return "always", [recipe.hint]
    available, lines, lacking = [], [], []
    broken = False
    for scale in recipe.scales:
        try:
            found = find_dataset(recipe.id, scale=scale, degradation="files", roots=roots)
        except UserError as error:
            lines.append(f"x{scale} broken: {error}")
            broken = True
            continue
        if isinstance(found, Missing):
            lacking.append(found)
            continue
        available.append(f"x{scale}")
        lines.append(f"{found.folder}")
        if found.note:
            lines.append(f"x{scale} {'' if found.verified else 'unverified: '}{found.note}")
    if lacking and not available:
        lines.append(f"{lacking[0].reason}: {lacking[0].hint}")
    if broken and (recipe.base_url or recipe.archives or recipe.preparation):
        lines.append(f"`rtsr-bench data fetch {recipe.id}` downloads what is missing or damaged")
    return " ".join(available) or "no", list(dict.fromkeys(lines))


def _show(part: Audit) -> None:
    if part.absent:
        say(f"{part.part}: not available: {part.absent}")
        return
    verdict = f"{part.faults} faulty" if part.faults else f"{part.images} without faults"
    where = f" in {part.where}" if part.where else ""
    note = f" ({part.note})" if part.note else ""
    say(f"{part.part}: {verdict}{where}{note}")
    for state, names in (("missing", part.missing), ("damaged", part.damaged), ("foreign", part.foreign)):
        for name in names:
            say(f"  {state}  {name}")


def _console(*, stderr: bool = False) -> Console:
    console = steady_console(stderr=stderr)
    return console if console.is_terminal else steady_console(stderr=stderr, width=400)  # no wrapping in a pipe
