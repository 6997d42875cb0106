"""`rtsr-bench new` and `rtsr-bench check`: from nothing to a submission that meets the contract."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtsr_bench.cli.causes import refused
from rtsr_bench.cli.options import WITH_REQUIREMENTS
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from rtsr_bench.cli.checking import Options, Outcome
    from rtsr_bench.cli.children import Children
    from rtsr_bench.submissions import Submission


class _FormatOption(click.Option):
    """An option whose help lists the formats that have a skeleton, plug-ins included."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from rtsr_bench.submissions.skeleton import skeletons

        self.help = f"How the model is submitted: {', '.join(skeletons())}."
        return super().get_help_record(ctx)


@click.command("new", short_help="Write a working submission to start from.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--scale", type=click.Choice(["2", "3", "4"]), default="2", show_default=True, help="Scale of its model.")
@click.option(
    "--format",
    "form",
    default="python",
    show_default=True,
    metavar="NAME",
    cls=_FormatOption,
)
def new_command(folder: Path, scale: str, form: str) -> None:
    """Write a working submission into FOLDER, which must be empty or absent."""
    from rtsr_bench.submissions.skeleton import create_skeleton

    for path in create_skeleton(folder, scale=int(scale), form=form):
        click.echo(f"wrote {path}")
    click.echo(f"next: rtsr-bench check {shlex.quote(str(folder))}")


@click.command("check", short_help="Check within seconds whether a submission meets the contract.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto.")
@WITH_REQUIREMENTS
@click.option(
    "--allow-pickle",
    is_flag=True,
    help="Allow loading pickled weights, which can execute code; requires bubblewrap.",
)
@click.option("--stub-missing", is_flag=True, help="Replace missing packages with stubs; a stub fails when used.")
@click.option(
    "--data-root", "roots", multiple=True, type=click.Path(path_type=Path),
    help="Folder of data sets whose image sizes are checked (repeatable).",
)  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="Show all checks for every model.")
@click.pass_context
def check_command(
    context: click.Context,
    paths: tuple[Path, ...],
    device: str,
    with_requirements: bool,
    allow_pickle: bool,
    stub_missing: bool,
    roots: tuple[Path, ...],
    verbose: bool,
) -> None:
    """Check submissions without running a track: loads, right shapes, finite, deterministic, half precision, counts.

    Invalid submissions and models without available weights are reported; the rest are still checked. A single
    submission gets one line per check. Several submissions get at most three lines per model and a summary by cause;
    -v shows all checks.
    """
    from rtsr_bench.cli.checking import Options, Outcome
    from rtsr_bench.cli.children import Children
    from rtsr_bench.cli.console import say
    from rtsr_bench.datasets import data_roots
    from rtsr_bench.sandbox import allow_pickles, obtainable, why_not
    from rtsr_bench.submissions import survey

    tell = functools.partial(click.echo, err=True)
    if allow_pickle:
        allow_pickles(obtainable())
    unable = why_not()
    # imports torch while manifests are read
    children = None if unable else context.with_resource(Children(device, tell, allow_pickle=allow_pickle))
    found = survey(*paths, tell=tell)
    troubles = {str(note.source): note.message for note in found.refused}
    if not found.submissions:
        raise UserError("; ".join(troubles.values()))
    options = Options(
        install=with_requirements,
        allow_pickle=allow_pickle,
        stub_missing=stub_missing,
        roots=data_roots(roots),
        whole=verbose or len(found.submissions) == 1,
    )
    outcome = Outcome()
    if children is None:
        for submission in found.submissions:
            models = ", ".join(model.id for model in submission.models)
            click.echo(f"{submission.id}: its manifest is in order: {models}")
    else:
        _check_each(found.submissions, children, options, outcome, troubles)
    for trouble in dict.fromkeys((*troubles.values(), *([unable] if unable else []))):
        click.echo(f"error: {' '.join(trouble.split())}", err=True)
    outcome.unchecked += [(name, refused(message)) for name, message in troubles.items()]
    for line in outcome.lines:
        say(line)
    good = all(verdict.good for verdict in outcome.verdicts)
    context.exit(UserError.exit_code if outcome.unchecked or unable else 0 if good else 1)


def _check_each(
    submissions: Sequence[Submission], children: Children, options: Options, outcome: Outcome, troubles: dict[str, str]
) -> None:
    """Check one submission after the other; one whose packages or device are not available is added to `troubles`."""
    from rtsr_bench.cli.checking import check_submission
    from rtsr_bench.tracks import all_tracks

    all_tracks()  # the checks need them, and the first child is importing torch meanwhile
    children.left = sum(len(submission.models) for submission in submissions)
    for submission in submissions:
        try:
            check_submission(submission, children, options, outcome)
        except UserError as error:
            if len(submissions) == 1 and not troubles:
                raise
            troubles[submission.id] = str(error)
