"""The checks of `rtsr-bench check`, one model after the other, and the summary at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtsr_bench.cli.causes import Cause, grouped, without_weights
from rtsr_bench.cli.verdict import BAD, NOTE, OK, Verdict
from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from rtsr_bench.cli.children import Children
    from rtsr_bench.record import Failure
    from rtsr_bench.sandbox import Child
    from rtsr_bench.submissions import ModelSpec, Submission
    from rtsr_bench.wire import Counted, Findings, Loaded, LoadModel

SIZES = ((64, 96), (65, 97), (48, 33), (120, 80))
"""LR heights and widths that are tried: even, odd, one of each, upright."""

LIMIT_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How models are checked; `whole` prints every answer about each of them."""

    install: bool
    allow_pickle: bool
    stub_missing: bool
    roots: Sequence[Path]
    whole: bool


@dataclass(kw_only=True, slots=True)
class Outcome:
    """The result for all models: `verdicts` of those checked, `unchecked` those that could not be, with the cause."""

    verdicts: list[Verdict] = field(default_factory=list)
    unchecked: list[tuple[str, Cause]] = field(default_factory=list)

    @property
    def lines(self) -> Iterator[str]:
        """The summary, for more than one model: how many meet the contract, and why the others do not."""
        good = [verdict for verdict in self.verdicts if verdict.good]
        total = len(self.verdicts) + len(self.unchecked)
        if total < 2:
            return
        limited = sum(verdict.limited for verdict in good)
        within = f" ({limited} with limits)" if limited else ""
        unchecked = f"; {len(self.unchecked)} not checked" if self.unchecked else ""
        yield f"{len(good)} of {total} models meet the contract{within}{unchecked}"
        broken = [(verdict.name, verdict.causes[0]) for verdict in self.verdicts if verdict.causes]
        yield from (f"  {line}" for line in grouped([*broken, *self.unchecked]))


def check_submission(submission: Submission, children: Children, options: Options, outcome: Outcome) -> None:
    """Check the models of one submission; UserError if its packages or the device are not available."""
    from rtsr_bench.cli.preparing import with_requirements
    from rtsr_bench.submissions import load_request, resolve_checkpoint

    said: list[str] = []
    tell = said.append if not options.whole and not options.install else lambda line: click.echo(line, err=True)
    submission = with_requirements(submission, tell, install=options.install, stub=options.stub_missing)
    lacking = tuple(said)
    for model in submission.models:
        try:
            checkpoint = resolve_checkpoint(model, submission)
            request = load_request(
                model, submission, checkpoint, allow_pickle=options.allow_pickle, stub_missing=options.stub_missing
            )
        except UserError as error:
            click.echo(f"error: {model.id} is not checked: {' '.join(str(error).split())}", err=True)
            outcome.unchecked.append((model.id, without_weights(str(error))))
        else:
            outcome.verdicts.append(_check(submission, model, request, children, options, lacking))


def _check(
    submission: Submission, model: ModelSpec, request: LoadModel, children: Children, options: Options,
    lacking: Sequence[str],
) -> Verdict:  # fmt: skip
    from rtsr_bench.record import Failure

    with children.take() as child:
        verdict = Verdict(
            name=model.id,
            about=f"{submission.title}, {model.format}, data range {model.data_range:g}",
            whole=options.whole,
        )
        for line in lacking if not options.whole else ():
            verdict.add(NOTE, "requirements", line)
        if options.whole:
            click.echo(f"  loading (limit {LIMIT_S:g} s per stage)", err=True)
        failure = _ask(child, model, request, verdict, children.device, options)
    if isinstance(failure, Failure):
        verdict.failed(failure)
    verdict.end()
    return verdict


def _ask(
    child: Child, model: ModelSpec, request: LoadModel, verdict: Verdict, device: str, options: Options
) -> Failure | None:
    """Ask everything about a model; the failure that ended it, if one did."""
    from rtsr_bench.record import Failure

    loaded = child.ask(request, limit_s=LIMIT_S)
    if isinstance(loaded, Failure):
        return loaded
    if model.untrained:
        verdict.add(NOTE, "weights", f"not trained ({model.untrained}): its fidelity will not be measured")
    for note in loaded.notes:
        verdict.add(NOTE, "loading", note)
    if model.scale is None:
        verdict.add(OK, "scale", f"x{loaded.scale}, found by running it")
    failure = _ask_contract(child, loaded, verdict, options)
    if failure is not None:
        return failure
    counted = _count(child, device, request, loaded.scale)
    if isinstance(counted, Failure):
        return counted
    verdict.counts(counted)
    return None


def _ask_contract(child: Child, loaded: Loaded, verdict: Verdict, options: Options) -> Failure | None:
    """Ask what a model does in fp32, then in each half precision; building it for one is a step of its own."""
    from rtsr_bench.execution import EAGER_FP32, Precision
    from rtsr_bench.protocol import Size
    from rtsr_bench.record import Failure
    from rtsr_bench.wire import CheckContract

    sizes = tuple(Size(height, width) for height, width in SIZES)
    answer = child.ask(CheckContract(scale=loaded.scale, sizes=sizes), limit_s=LIMIT_S)
    if isinstance(answer, Failure):
        return answer
    _show(answer, verdict)
    _say_limits(answer, loaded.scale, verdict, options)
    for precision in (Precision.FP16, Precision.BF16):
        ready = child.prepare(EAGER_FP32.in_precision(precision), limit_s=LIMIT_S)
        if isinstance(ready, Failure) and child.alive:
            verdict.add(NOTE, f"{precision.value} safe", f"no: {ready.message}")
            continue
        asked = CheckContract(scale=loaded.scale, precisions=(precision,))
        answer = child.ask(asked, limit_s=LIMIT_S) if not isinstance(ready, Failure) else ready
        if isinstance(answer, Failure):
            return answer
        _show(answer, verdict)
    return None


def _show(answer: Findings, verdict: Verdict) -> None:
    for finding in answer.findings:
        verdict.add({True: OK, False: BAD, None: NOTE}[finding.ok], finding.question, finding.answer)


def _say_limits(answer: Findings, scale: int, verdict: Verdict, options: Options) -> None:
    """Name the tracks and images whose sizes the model does not take: a note, not a breach of the contract."""
    from rtsr_bench.evaluate.reach import Sides, reaches

    sides = Sides(multiple=answer.multiple, least=answer.least)
    if sides.all:
        return
    found = reaches(scale, sides, options.roots)
    out = [reach.words for reach in found if not reach.whole]
    whole = [reach.track for reach in found if reach.whole and not reach.unknown]
    unknown = [reach.track for reach in found if reach.whole and reach.unknown]
    said = [f"takes {sides.words}"]
    said += [f"other sizes are needed by {', '.join(out)}"] if out else []
    said += [f"enough for {', '.join(whole)}"] if whole else []
    said += [f"not known for {', '.join(unknown)}, whose images are not available"] if unknown else []
    verdict.limited = True
    verdict.add(NOTE, "input sizes", "; ".join(said))


def _count(child: Child, device: str, request: LoadModel, scale: int) -> Counted | Failure:
    from msgspec.structs import replace

    from rtsr_bench.protocol import Size
    from rtsr_bench.sandbox import Child, count_model
    from rtsr_bench.tracks import find_track

    return count_model(
        child,
        replace(request, scale=scale),
        (find_track(f"builtin-x{scale}").protocol.input, Size(256, 256)),
        start=lambda: Child(device=device),
        load_s=LIMIT_S,
        count_s=LIMIT_S,
    )
