"""`rtsr-bench run`: measure submissions and keep a record of each."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError
from rtsr_bench.protocol import Precision, Size

if TYPE_CHECKING:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.evaluate import Bench, Job, Plan
    from rtsr_bench.record import Failure, Record
    from rtsr_bench.submissions import ModelSpec, Submission

GUEST_FAILED = 1


class _SizeType(click.ParamType[Size]):
    name = "HEIGHTxWIDTH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        if isinstance(value, Size):
            return value
        height, _, width = str(value).lower().partition("x")
        if not (height.isdecimal() and width.isdecimal()):
            self.fail(f"expected HEIGHTxWIDTH such as 540x960, found {value!r}", param, ctx)
        return Size(int(height), int(width))


@click.command("run", short_help="Measure submissions; every model leaves a record.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--track", "track_ids", multiple=True, metavar="ID", help="Only this track (repeatable).")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:N, or auto: a GPU if there is one.")
@click.option(
    "--data-root", "roots", multiple=True, type=click.Path(path_type=Path), help="Where data sets lie (repeatable)."
)
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    default=Path("reports/records"),
    show_default=True,
    envvar="RTSR_BENCH_RECORDS",
    help="Where records are kept.",
)
@click.option("--again", is_flag=True, help="Measure anew what has a record already; the old one stays.")
@click.option("--threads", type=click.IntRange(0, 1024), default=0, help="CPU threads; 0 leaves the choice to torch.")
@click.option("--quick", is_flag=True, help="Smaller input, fewer repeats, a few images: for looking; unofficial.")
@click.option("--precision", type=click.Choice([p.value for p in Precision]), help="Other precision; unofficial.")
@click.option("--input", "size", type=_SizeType(), help="Other timed LR size; unofficial.")
@click.option("--warmup", type=int, help="Other number of untimed calls; unofficial.")
@click.option("--repeats", type=int, help="Other number of timed calls; unofficial.")
@click.option("--model", "models", multiple=True, metavar="ID", help="Only this model, such as rt4ksr/s-x2 or '*-x2'.")
@click.option("--images", type=int, help="Only the first so many images of each data set; unofficial.")
@click.option("--data", multiple=True, metavar="SET", help="Other data sets than the track's (repeatable); unofficial.")
@click.option(
    "--save-images", "gallery", type=click.Path(path_type=Path), help="Write every SR image as PNG below this."
)
@click.option(
    "--require-isolation",
    "isolation",
    type=click.Choice(["process", "bubblewrap"]),
    help="Refuse to run guests with less isolation than this.",
)
@click.option(
    "--with-requirements",
    is_flag=True,
    help="Install what a submission's requirements.txt asks for into an environment of its own, kept in the cache.",
)
@click.option(
    "--allow-pickle",
    is_flag=True,
    help="Let weights be read that may run code as they are: in the sandbox only, needs bubblewrap, is recorded.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say of each model and data set left out why it is.")
@click.pass_context
def run_command(
    context: click.Context,
    paths: tuple[Path, ...],
    track_ids: tuple[str, ...],
    device: str,
    roots: tuple[Path, ...],
    records: Path,
    again: bool,
    threads: int,
    quick: bool,
    precision: str | None,
    size: Size | None,
    warmup: int | None,
    repeats: int | None,
    models: tuple[str, ...],
    images: int | None,
    data: tuple[str, ...],
    gallery: Path | None,
    isolation: str | None,
    with_requirements: bool,
    allow_pickle: bool,
    verbose: bool,
) -> None:
    """Measure every model of the submissions at PATH... on every track of its scale whose data are at hand.

    A PATH is a submission's folder or archive, or a folder of them. What has a record already is not measured again.
    --save-images writes the images of what is measured: add --again where there is a record already.
    """
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.datasets import data_roots
    from rtsr_bench.evaluate import Bench, Overrides, plan
    from rtsr_bench.sandbox import Level
    from rtsr_bench.store import prepare
    from rtsr_bench.submissions import survey
    from rtsr_bench.submissions.selection import with_models
    from rtsr_bench.tracks import all_tracks, find_track

    overrides = Overrides(
        quick=quick,
        precision=Precision(precision) if precision else None,
        input=size,
        warmup=warmup,
        repeats=repeats,
        images=images,
        data=data,
    )
    tracks = [find_track(name) for name in dict.fromkeys(track_ids)] or list(all_tracks().values())
    handed_in = survey(*paths)
    if not handed_in.submissions:
        raise UserError(
            "; ".join(note.message for note in handed_in.refused) or "no submission is there to be measured"
        )
    prepare(records)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    required = Level(isolation) if isolation else None
    opened = Bench(device=device, threads=threads, required=required, allow_pickle=allow_pickle)
    with Display() as display, opened as bench:
        reason = f" ({bench.isolation.reason}); guests run with your rights" if bench.isolation.reason else ""
        display.note(f"isolation: {bench.isolation.level.value}{reason}")
        lacking = list[str]()
        equipped = _equipped(with_models(handed_in.submissions, models), display, lacking, install=with_requirements)
        made = plan(
            equipped,
            tracks=tracks,
            named=bool(track_ids),
            roots=data_roots(roots),
            device_kind=bench.device_kind,
            overrides=overrides,
            find_scale=lambda submission, model: _find_scale(bench, display, submission, model),
        )
        run = _Run(bench, display, records, gallery=gallery, again=again)
        run.refuse((*(note.message for note in handed_in.refused), *lacking))
        context.exit(run.all(made, verbose=verbose))


def _equipped(
    submissions: Sequence[Submission], display: Display, lacking: list[str], *, install: bool
) -> tuple[Submission, ...]:
    """Say what submissions require and is not there, or install it; who can't be helped is a line in `lacking`."""
    from rtsr_bench.submissions import unmet, with_packages

    ready = []
    for submission in submissions:
        if not install:
            for line in unmet(submission.requirements):
                display.note(f"{submission.id} requires {line}; --with-requirements installs it")
            ready.append(submission)
            continue
        try:
            ready.append(with_packages(submission))
        except UserError as error:
            lacking.append(str(error))
    if not ready:
        raise UserError("; ".join(lacking))
    return tuple(ready)


def _terminate(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _find_scale(bench: Bench, display: Display, submission: Submission, model: ModelSpec) -> int | Failure:
    from rtsr_bench.protocol import Limits
    from rtsr_bench.record import Failure
    from rtsr_bench.sandbox import Loaded
    from rtsr_bench.submissions import load_request, resolve_checkpoint
    from rtsr_bench.wire import Op

    display.note(f"{submission.id}: no manifest says its scale, running it once to find out")
    with bench.start_child() as child:
        checkpoint = resolve_checkpoint(model, submission)
        request = load_request(model, submission, checkpoint, allow_pickle=bench.allow_pickle)
        loaded = child.ask(Op.LOAD, Loaded, {**request, "scale": None}, limit_s=Limits().load_s)
        return loaded if isinstance(loaded, Failure) else loaded.scale


class _Run:
    """Carries out a plan; nothing that goes wrong with one job keeps the next from being measured."""

    def __init__(self, bench: Bench, display: Display, records: Path, *, gallery: Path | None, again: bool) -> None:
        self._bench, self._display, self._folder, self._gallery, self._again = bench, display, records, gallery, again
        self._problems: list[RtsrBenchError] = []
        self._rows: list[tuple[str, Record]] = []

    def refuse(self, lines: Iterable[str]) -> None:
        """Say what was handed in and is no submission; the others run."""
        for line in lines:
            self._problems.append(UserError(line))
            self._display.note(f"refused: {line}")

    def all(self, plan: Plan, *, verbose: bool = False) -> int:
        """Measure every job; returns the exit code. With `verbose` each thing left out has a line of its own."""
        from rtsr_bench.eligibility import failures
        from rtsr_bench.evaluate import answers, summed_up
        from rtsr_bench.store import load_records

        known: dict[str, tuple[str, Record]] = {}
        for stored in load_records(self._folder).records:
            known[stored.record.key] = (stored.path.name, stored.record)
        for line in [one.line for one in plan.left_out] if verbose else summed_up(plan.left_out):
            self._display.note(f"left out: {line}")
        for use in dict.fromkeys(use for job in plan.jobs for use in job.uses if not use.verified):
            self._display.note(f"data not verified: {use.name}: {use.note or 'no published hashes to compare with'}")
        threads = self._bench.hello.threads
        kept = 0
        try:
            for number, job in enumerate(plan.jobs, 1):
                before = known.get(job.key(self._bench.device_name, threads))
                if before is not None and not self._again and answers(before[1], self._bench):
                    kept += 1
                    self._rows.append(before)
                    continue
                self._display.job(number, len(plan.jobs), f"{job.model.id} on {job.track.id}")
                self._one(job)
        except KeyboardInterrupt:
            self._display.note(
                f"interrupted: {len(self._rows) - kept} new records are kept; the same command goes on with the rest"
            )
            raise
        self._finish(kept)
        failed = any(failures(record) for _, record in self._rows)
        return max([GUEST_FAILED if failed else 0, *(problem.exit_code for problem in self._problems)])

    def _one(self, job: Job) -> None:
        try:
            path, record = self._measured(job)
        except RtsrBenchError as error:
            self._problems.append(error)
            self._display.note(f"no record of {job.model.id} on {job.track.id}: {error}")
        except Exception as error:
            if os.environ.get("RTSR_BENCH_DEBUG"):
                raise
            problem = HarnessError(f"{type(error).__name__}: {error} (RTSR_BENCH_DEBUG=1 shows where)")
            self._problems.append(problem)
            self._display.note(f"no record of {job.model.id} on {job.track.id}: {problem}")
        else:
            self._rows.append((path.name, record))
            self._display.result(record)

    def _measured(self, job: Job) -> tuple[Path, Record]:
        from rtsr_bench.evaluate import CropBook, Gallery, measure
        from rtsr_bench.store import crops_workplace, save

        with crops_workplace(self._folder) as place:
            book = CropBook(place, sum(len(data.pairs) for data in job.data))
            gallery = self._gallery / job.track.id / job.model.id if self._gallery else None
            record = measure(
                job, self._bench, book=book, gallery=Gallery(gallery) if gallery else None, listener=self._display
            )
            book.finish()
            return save(record, self._folder, place), record

    def _finish(self, kept: int) -> None:
        self._display.table([record for _, record in self._rows])
        new = len(self._rows) - kept
        self._display.note(f"{new} new records, {kept} at hand already (--again measures anew), in {self._folder}")
        if self._problems:
            self._display.note(f"{len(self._problems)} have no record: see the lines above")
