"""`rtsr-bench new` and `rtsr-bench check`: from nothing to a submission that meets the contract."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from rtsr_bench.cli.children import Children
    from rtsr_bench.record import Failure
    from rtsr_bench.sandbox import Child, Counted
    from rtsr_bench.submissions import ModelSpec, Submission

SIZES = ((64, 96), (65, 97), (48, 33), (120, 80))
"""LR heights and widths that are tried: even, odd, one of each, upright."""

LIMIT_S = 120.0

_PLAIN_WIDTH, _LEAST_WIDTH = 160, 60
"""Columns of a line where nobody says how wide the terminal is, and at least."""


@click.command("new", short_help="Write a working submission to start from.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--scale", type=click.Choice(["2", "3", "4"]), default="2", show_default=True, help="Scale of its model.")
@click.option(
    "--format",
    "form",
    default="python",
    show_default=True,
    metavar="NAME",
    help="How the model is submitted: python, torchscript, torch-export, onnx, or reference (weights alone).",
)
def new_command(folder: Path, scale: str, form: str) -> None:
    """Write a working submission into FOLDER, which must be empty or absent."""
    from rtsr_bench.submissions.skeleton import create_skeleton

    for path in create_skeleton(folder, scale=int(scale), form=form):
        click.echo(f"wrote {path}")
    click.echo(f"next: rtsr-bench check {shlex.quote(str(folder))}")


@click.command("check", short_help="Tell within seconds whether a submission meets the contract.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto.")
@click.option("--with-requirements", is_flag=True, help="Install what requirements.txt asks for, apart and cached.")
@click.option("--allow-pickle", is_flag=True, help="Let weights be read that may run code; needs bubblewrap.")
@click.pass_context
def check_command(
    context: click.Context, paths: tuple[Path, ...], device: str, with_requirements: bool, allow_pickle: bool
) -> None:
    """Check submissions without any data: loads, right shapes, finite, deterministic, half precision, params, MACs.

    One that can't be accepted is told, and the others are checked; so is a model whose weights can't be had.
    """
    from rtsr_bench.cli.children import Children
    from rtsr_bench.sandbox import allow_pickles, obtainable, why_not
    from rtsr_bench.submissions import survey

    if allow_pickle:
        allow_pickles(obtainable())
    unable = why_not()
    children = None if unable else context.with_resource(Children(device))  # imports torch while manifests are read
    found = survey(*paths)
    if children is not None:
        children.left = sum(len(submission.models) for submission in found.submissions)
    troubles = [note.message for note in found.refused]
    if not found.submissions:
        raise UserError("; ".join(troubles))
    for submission in found.submissions if unable else ():
        click.echo(f"{submission.id}: its manifest is in order: {', '.join(model.id for model in submission.models)}")
    troubles += [unable] if unable else []
    good = complete = True
    for submission in found.submissions:
        if children is None:
            break
        try:
            kept, had = _check_all(submission, children, install=with_requirements, allow_pickle=allow_pickle)
            good, complete = kept and good, had and complete
        except UserError as error:
            if len(found.submissions) == 1 and not troubles:
                raise
            troubles.append(str(error))
    for trouble in dict.fromkeys(troubles):
        click.echo(f"error: {' '.join(trouble.split())}", err=True)
    context.exit(UserError.exit_code if troubles or not complete else 0 if good else 1)


def _check_all(submission: Submission, children: Children, *, install: bool, allow_pickle: bool) -> tuple[bool, bool]:
    """Check the models of one submission: whether those checked are good, and whether the weights of all could be had.

    UserError where its packages or the device can't be had.
    """
    from rtsr_bench.submissions import load_request, resolve_checkpoint, unmet, with_packages

    if install:
        submission = with_packages(submission)
    for line in () if install else unmet(submission.requirements):
        click.echo(f"{submission.id} requires {line}; --with-requirements installs it", err=True)
    good = complete = True
    for model in submission.models:
        try:
            checkpoint = resolve_checkpoint(model, submission)
            request = load_request(model, submission, checkpoint, allow_pickle=allow_pickle)
        except UserError as error:
            click.echo(f"error: {model.id} is not checked: {' '.join(str(error).split())}", err=True)
            complete = False
        else:
            good = _check(submission, model, children, request) and good
    return good, complete


def _check(submission: Submission, model: ModelSpec, children: Children, request: dict[str, Any]) -> bool:
    from rtsr_bench.record import Failure
    from rtsr_bench.sandbox import Findings, Loaded
    from rtsr_bench.wire import Op

    with children.take() as child:
        click.echo(f"{model.id}  ({submission.title}, {model.format}, data range {model.data_range:g})")
        click.echo(f"  loading, {LIMIT_S:g} s at most a stage", err=True)
        loaded = child.ask(Op.LOAD, Loaded, {**request, "scale": model.scale}, limit_s=LIMIT_S)
        if isinstance(loaded, Failure):
            return _broken(loaded)
        if model.untrained:
            _say("note", "weights", f"not trained ({model.untrained}): its fidelity will not be measured")
        for note in loaded.notes:
            _say("note", "loading", note)
        if model.scale is None:
            _say("ok", "scale", f"x{loaded.scale}, found by running it")
        answer = child.ask(Op.CHECK, Findings, {"scale": loaded.scale, "sizes": SIZES}, limit_s=LIMIT_S)
        if isinstance(answer, Failure):
            return _broken(answer)
        good = bool(answer.findings)
        for finding in answer.findings:
            _say({True: "ok", False: "BAD", None: "note"}[finding.ok], finding.question, finding.answer)
            good = good and finding.ok is not False
        counted = _count(child, children.device, request, loaded.scale)
        if isinstance(counted, Failure):
            return _broken(counted)
    _show_counts(counted)
    click.echo(f"  {'meets the contract' if good else 'breaks the contract: see the lines marked BAD'}")
    return good


def _say(sign: str, about: str, text: str) -> None:
    """Print one answer; what is longer than a line goes on below its beginning."""
    first = f"  {sign:<4} {about:<16} "
    width = max(_LEAST_WIDTH, shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns)
    wrapped = textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=" " * len(first),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    click.echo(wrapped)


def _count(child: Child, device: str, request: dict[str, Any], scale: int) -> Counted | Failure:
    from rtsr_bench.protocol import Size
    from rtsr_bench.sandbox import Child, count_model
    from rtsr_bench.tracks import find_track

    return count_model(
        child,
        {**request, "scale": scale},
        (find_track(f"builtin-x{scale}").protocol.input, Size(256, 256)),
        start=lambda: Child(device=device),
        load_s=LIMIT_S,
        count_s=LIMIT_S,
    )


def _show_counts(counted: Counted) -> None:
    _say("ok", "parameters", f"{counted.params:,}")
    for count in counted.counts:
        macs = f"{count.macs / 1e9:.2f} GMAC ({count.flops / 1e9:.2f} GFLOP), {count.convs} convs"
        missing = ", ".join(f"{name} x{times}" for name, times in count.uncounted.items())
        note = f"; not counted: {missing}" if missing else ""
        _say("note" if missing else "ok", f"at {count.input}", f"{macs}{note}")


def _broken(failure: Failure) -> bool:
    _say("BAD", failure.stage.value, f"{failure.kind.value}: {failure.message}")
    for line in failure.detail.splitlines()[-12:]:
        click.echo(f"       | {line}")
    click.echo("  breaks the contract: see the lines marked BAD")
    return False
