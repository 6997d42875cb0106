"""Carrying out a run: every submission asked for is measured or its trouble said, whatever the others do."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError

if TYPE_CHECKING:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.evaluate import Bench, Job, Listener, Plan
    from rtsr_bench.evaluate.campaign import Settings
    from rtsr_bench.record import Record
    from rtsr_bench.submissions import Submission

GUEST_FAILED = 1
_NAMED = 5


def carry_out(settings: Settings, *, verbose: bool = False) -> int:
    """Measure on every device in turn; returns the exit code. UserError where there is nothing to measure."""
    from rtsr_bench.cli.known import prepare_gallery
    from rtsr_bench.cli.preparing import name_skipped
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.cli.summary import worst
    from rtsr_bench.store import prepare
    from rtsr_bench.submissions import survey
    from rtsr_bench.tracks import find_track

    for name in settings.tracks:
        find_track(name)
    handed_in = survey(*settings.paths)
    if not handed_in.submissions:
        raise UserError(
            "; ".join(note.message for note in handed_in.refused) or "no submission is there to be measured"
        )
    prepare(settings.records)
    prepare_gallery(settings.gallery)
    ends = monotonic() + 3600 * settings.max_hours if settings.max_hours is not None else None
    codes = []
    with Display() as display:
        if settings.title:
            display.note(f"{settings.title}: {len(handed_in.submissions)} submissions")
        name_skipped(handed_in.skipped, display, verbose=verbose)
        refused = [UserError(note.message) for note in handed_in.refused]
        for device in settings.devices:
            codes.append(_on(device, settings, handed_in.submissions, refused, display, ends, verbose=verbose))
            refused = []
            if codes[-1] and settings.fail_fast:
                break
    return worst(codes)


def _on(
    device: str,
    settings: Settings,
    submissions: Sequence[Submission],
    refused: Sequence[RtsrBenchError],
    display: Display,
    ends: float | None,
    *,
    verbose: bool,
) -> int:
    from rtsr_bench.cli.preparing import equipped, find_scale
    from rtsr_bench.datasets import data_roots
    from rtsr_bench.evaluate import Bench, plan
    from rtsr_bench.protocol import Limits
    from rtsr_bench.sandbox import Level
    from rtsr_bench.submissions.selection import with_models
    from rtsr_bench.tracks import all_tracks, find_track

    required = Level(settings.isolation) if settings.isolation else None
    opened = Bench(device=device, threads=settings.threads, required=required, allow_pickle=settings.allow_pickle)
    with opened as bench:
        reason = f" ({bench.isolation.reason}); guests run with your rights" if bench.isolation.reason else ""
        display.note(f"isolation: {bench.isolation.level.value}{reason}")
        run = _Run(bench, display, settings, ends)
        run.refuse(refused)
        chosen = with_models(submissions, settings.models)
        ready, troubles = equipped(chosen, display, install=settings.with_requirements)
        run.refuse(troubles)
        limits = Limits(**{f"{name}_s": seconds for name, seconds in settings.overrides.limits})
        made = plan(
            ready,
            tracks=[find_track(name) for name in settings.tracks] or list(all_tracks().values()),
            named=bool(settings.tracks),
            roots=data_roots(settings.roots),
            device_kind=bench.device_kind,
            overrides=settings.overrides,
            find_scale=lambda submission, model: find_scale(bench, display, limits, submission, model),
        )
        return run.all(made, verbose=verbose)


class _Run:
    """Carries out a plan; nothing that goes wrong with one job keeps the next from being measured."""

    def __init__(self, bench: Bench, display: Display, settings: Settings, ends: float | None) -> None:
        self._bench, self._display, self._settings, self._ends = bench, display, settings, ends
        self._problems: list[RtsrBenchError] = []
        self._lacking: dict[str, UserError] = {}
        self._refused = self._images_lost = 0
        self._rows: list[tuple[str, Record]] = []
        self._todo: list[tuple[int, Job]] = []
        self._total = 0
        self._began = monotonic()
        self._guard = threading.Lock()
        self._given_up = self._stopped = False

    def refuse(self, troubles: Iterable[RtsrBenchError]) -> None:
        """Say what was handed in and can't be taken, or not be made ready; the others run."""
        for trouble in troubles:
            refused = isinstance(trouble, UserError)
            self._refused += refused
            self._problems.append(trouble)
            self._display.note(f"{'refused' if refused else 'not measured'}: {trouble}")

    def all(self, plan: Plan, *, verbose: bool = False) -> int:
        """Measure every job; returns the exit code. With `verbose` each thing left out has a line of its own."""
        from rtsr_bench.cli.known import dated_ahead, records_at_hand
        from rtsr_bench.evaluate import answers, summed_up
        from rtsr_bench.submissions import at_hand

        known = records_at_hand(self._settings.records)
        for line in [one.line for one in plan.left_out] if verbose else summed_up(plan.left_out):
            self._display.note(f"left out: {line}")
        for use in dict.fromkeys(use for job in plan.jobs for use in job.uses if not use.verified):
            self._display.note(f"data not verified: {use.name}: {use.note or 'no published hashes to compare with'}")
        threads = self._bench.hello.threads
        kept = []
        for number, job in enumerate(plan.jobs, 1):
            before = known.get(job.key(self._bench.device_name, threads, self._bench.hello.device_uuid))
            ahead = dated_ahead(*before) if before is not None else ""
            if ahead:
                self._display.note(ahead)
            if before is not None and not self._settings.again and answers(before[1], self._bench):
                kept.append(before)
            else:
                self._todo.append((number, job))
        waiting = dict.fromkeys(job.model.id for _, job in self._todo if not at_hand(job.model))
        if waiting:
            some = f"{', '.join([*waiting][:_NAMED])}{', ...' if len(waiting) > _NAMED else ''}"
            self._display.note(f"weights not at hand, fetched after the others are measured: {some}")
        self._todo.reverse()
        self._total = len(plan.jobs)
        self._display.begin(len(self._todo), len(kept))
        try:
            self._work_through()
        except KeyboardInterrupt:
            self._given_up = True
            self._display.note(
                f"interrupted: {len(self._rows)} new records are kept; the same command goes on with the rest"
            )
            raise
        return self._finish(kept)

    def _work_through(self) -> None:
        """Measure what is at hand, then what has to be fetched: a slow server keeps nobody else waiting.

        What is fetched comes one at a time, so that nothing is timed while a download is under way.
        """
        workers = min(self._settings.jobs, len(self._todo))
        if workers > 1:
            self._side_by_side(workers)
        self._work(fetch=True)

    def _side_by_side(self, workers: int) -> None:
        threads = [threading.Thread(target=self._work, name=f"job {number}") for number in range(workers)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            self._given_up = True
            self._bench.give_up()
            for thread in threads:
                thread.join()
            raise

    def _work(self, *, fetch: bool = False) -> None:
        """Take one job after another, until there is none or no time left; several threads may do so at once.

        Without `fetch` it ends before the first whose weights are not at hand.
        """
        from rtsr_bench.evaluate.turns import Interrupted
        from rtsr_bench.submissions import at_hand

        while True:
            with self._guard:
                late = self._ends is not None and monotonic() >= self._ends
                if self._given_up or self._stopped or late or not self._todo:
                    return
                if not (fetch or at_hand(self._todo[-1][1].model)):
                    return
                number, job = self._todo.pop()
            with self._display.job(number, self._total, f"{job.model.id} on {job.track.id}") as listener:
                try:
                    self._one(job, listener)
                except Interrupted:
                    return

    def _one(self, job: Job, listener: Listener) -> None:
        try:
            if not self._has_weights(job, listener):
                return
            path, record = self._measured(job, listener)
        except _Abandoned:
            return
        except RtsrBenchError as error:
            self._trouble(job, error)
        except Exception as error:
            if os.environ.get("RTSR_BENCH_DEBUG"):
                raise
            self._trouble(job, HarnessError(f"{type(error).__name__}: {error} (RTSR_BENCH_DEBUG=1 shows where)"))
        else:
            from rtsr_bench.eligibility import failures

            failed = bool(failures(record))
            with self._guard:
                self._rows.append((path.name, record))
                self._stopped = self._stopped or (failed and self._settings.fail_fast)
            self._display.result(record, failed=failed)

    def _has_weights(self, job: Job, listener: Listener) -> bool:
        """Fetch a model's weights where they are not at hand; those that can't be had are asked for once a run."""
        from rtsr_bench.submissions import at_hand, resolve_checkpoint

        if job.model.id in self._lacking:
            return False
        if not at_hand(job.model):
            listener.stage("fetching its weights", 1)
        try:
            resolve_checkpoint(job.model, job.submission)
        except UserError as error:
            self._lacking[job.model.id] = error
            self._display.note(f"left out: {job.model.id}: {error}")
            return False
        return True

    def _trouble(self, job: Job, error: RtsrBenchError) -> None:
        if self._given_up:
            return
        with self._guard:
            self._problems.append(error)
            self._stopped = self._stopped or self._settings.fail_fast
        self._display.note(f"no record of {job.model.id} on {job.track.id}: {error}")

    def _measured(self, job: Job, listener: Listener) -> tuple[Path, Record]:
        from rtsr_bench.evaluate import CropBook, Gallery, measure
        from rtsr_bench.store import crops_workplace, save

        gallery = self._settings.gallery
        with crops_workplace(self._settings.records) as place:
            book = CropBook(place, sum(len(data.pairs) for data in job.data))
            kept = Gallery(gallery / job.track.id / job.model.id) if gallery else None
            record = measure(job, self._bench, book=book, gallery=kept, listener=listener)
            book.finish()
            if kept is not None and kept.lost and not self._given_up:
                self._images_lost += len(kept.lost)
                self._display.note(f"{len(kept.lost)} SR images of {job.model.id} not written: {kept.lost[0]}")
            if self._given_up:  # its processes were killed: what looks like the guest's failure is none
                raise _Abandoned
            return save(record, self._settings.records, place), record

    def _finish(self, kept: Sequence[tuple[str, Record]]) -> int:
        from rtsr_bench.cli.summary import UNFINISHED, how_they_failed, where_the_time_went, worst

        made = [record for _, record in self._rows]
        records = [*(record for _, record in kept), *made]
        self._display.table(records)
        folder = self._settings.records
        said = [f"{len(made)} new records, {len(kept)} at hand already (--again measures anew), in {folder}"]
        failed = how_they_failed(records)
        said += [failed] if failed else []
        if self._problems:
            refused = f" ({self._refused} of them refused)" if self._refused else ""
            said.append(f"{len(self._problems)} have no record{refused}: see the lines above")
        if self._lacking:
            said.append(f"{len(self._lacking)} left out, because their weights cannot be had: see the lines above")
        if self._todo:
            why = "--fail-fast" if self._stopped else f"--max-hours {self._settings.max_hours:g}"
            said.append(f"{len(self._todo)} not begun ({why}): the same command goes on with them")
        if self._images_lost:
            said.append(
                f"{self._images_lost} SR images could not be written: see the lines above; the records are kept"
            )
        said += where_the_time_went(made, monotonic() - self._began) if made else []
        for line in said:
            self._display.note(line)
        codes = [GUEST_FAILED if failed else 0, *(problem.exit_code for problem in self._problems)]
        if self._lacking and not records and not self._todo:  # there was nothing else to measure
            codes.append(UserError.exit_code)
        codes += [HarnessError.exit_code] if self._images_lost else []
        codes += [UNFINISHED] if self._todo else []
        return worst(codes)


class _Abandoned(Exception):  # noqa: N818 - not an error: the run was interrupted while this was measured
    """What was measured is not to be kept."""
