"""What `rtsr-bench run` does: every submission asked for is measured, or a line gives the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from rtsr_bench.errors import RtsrBenchError, UserError
from rtsr_bench.text import counted

if TYPE_CHECKING:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.evaluate import Asked, Plan
    from rtsr_bench.evaluate.place import Place
    from rtsr_bench.evaluate.settings import Settings
    from rtsr_bench.executors import Executor
    from rtsr_bench.submissions import Submission


def run_submissions(settings: Settings, *, verbose: bool = False) -> int:
    """Measure at one place after another; returns the exit code. UserError if there is nothing to measure."""
    from rtsr_bench.cli.console import say
    from rtsr_bench.cli.known import prepare_gallery
    from rtsr_bench.cli.preparing import name_skipped
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.cli.summary import worst
    from rtsr_bench.executors import EXECUTORS
    from rtsr_bench.store import prepare
    from rtsr_bench.submissions import survey
    from rtsr_bench.tracks import find_track

    EXECUTORS.find(settings.executor)
    for name in settings.selection.tracks:
        find_track(name)
    found = survey(*settings.selection.paths, tell=lambda line: say(line, err=True))
    if not found.submissions:
        raise UserError("; ".join(note.message for note in found.refused) or "no submissions found")
    prepare(settings.output.records)
    prepare_gallery(settings.output.gallery)
    hours = settings.pace.max_hours
    ends = monotonic() + 3600 * hours if hours is not None else None
    codes = []
    with Display() as display:
        if settings.title:
            display.note(f"{settings.title}: {counted(len(found.submissions), 'submission')}")
        name_skipped(found.skipped, display, verbose=verbose)
        refused = [UserError(note.message) for note in found.refused]
        for place in settings.places:
            run = _Run(settings=settings, place=place, display=display, ends=ends, verbose=verbose)
            codes.append(run.measure(found.submissions, refused))
            refused = []
            if codes[-1] and settings.pace.fail_fast:
                break
    return worst(codes)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One run at one place; `ends` is when no new model is started any more, on the monotonic clock."""

    settings: Settings
    place: Place
    display: Display
    ends: float | None
    verbose: bool

    def measure(self, submissions: Sequence[Submission], refused: Sequence[RtsrBenchError]) -> int:
        """Plan the jobs, run them (or write them into files), and report the results."""
        from rtsr_bench.cli.known import existing_records
        from rtsr_bench.executors import EXECUTORS, Order, Schedule, pending, run_plan

        settings, began = self.settings, monotonic()
        order = Order(
            place=self.place,
            records=settings.output.records,
            observer=self.display,
            gallery=settings.output.gallery,
            at_once=settings.pace.at_once,
            share_runtimes=settings.pace.share_runtimes,
        )
        with EXECUTORS.find(settings.executor)(order) as executor:
            self._refuse(refused)
            made, troubles = self._plan(submissions, executor)
            records = existing_records(settings.output.records)
            if not settings.pace.again:
                executor.remember(records.values())
            waiting = pending(made, executor, records, self.display, again=settings.pace.again)
            problems = [*refused, *troubles]
            if settings.output.jobs is not None:
                from rtsr_bench.cli.jobs import write_jobs

                return write_jobs(waiting, settings.output.jobs, self.display, problems)
            schedule = Schedule(ends=self.ends, fail_fast=settings.pace.fail_fast)
            tally = run_plan(waiting, executor, self.display, schedule)

        from rtsr_bench.cli.conclusion import Conclusion

        return Conclusion(settings=settings, waiting=waiting, tally=tally, problems=problems, began=began).say(
            self.display
        )

    def _plan(self, submissions: Sequence[Submission], executor: Executor) -> tuple[Plan, list[RtsrBenchError]]:
        """Plan what the submissions hold; errors of those that cannot be measured are said and returned."""
        from rtsr_bench.cli.preparing import equipped
        from rtsr_bench.evaluate import plan
        from rtsr_bench.protocol import Limits
        from rtsr_bench.submissions.selection import with_models

        selection = self.settings.selection
        chosen = with_models(submissions, selection.models)
        ready, troubles = equipped(
            chosen, self.display, install=selection.with_requirements, stub=self.place.stub_missing
        )
        self._refuse(troubles)
        limits = Limits(**{f"{name}_s": seconds for name, seconds in self.settings.overrides.limits})
        asked = [self._asked(executor, name, optional=optional) for name, optional in self._executions()]
        made = plan(ready, asked, lambda one, model: executor.find_scale(one, model, limit_s=limits.load_s))
        self._say_left_out(made)
        self._refuse(one.error for one in made.refused)
        return made, [*troubles, *(one.error for one in made.refused)]

    def _executions(self) -> Iterator[tuple[str | None, bool]]:
        """Each execution asked for (None: that of each track), and whether it is one of `all`."""
        from rtsr_bench.backends import BACKENDS
        from rtsr_bench.evaluate.overrides import ALL

        named = self.settings.executions
        for one in named or (None,):
            if one != ALL:
                yield one, False
        for backend in BACKENDS.all().values() if ALL in named else ():
            if backend.lacks:
                self.display.note(f"left out: {backend.lacks}")
            elif backend.name not in named:
                yield backend.name, True

    def _asked(self, executor: Executor, execution: str | None, *, optional: bool) -> Asked:
        from rtsr_bench.datasets import data_roots
        from rtsr_bench.evaluate import Asked
        from rtsr_bench.tracks import all_tracks, find_track

        selection = self.settings.selection
        return Asked(
            tracks=[find_track(name) for name in selection.tracks] or list(all_tracks().values()),
            named=bool(selection.tracks),
            roots=data_roots(selection.roots),
            place=executor.place,
            overrides=replace(self.settings.overrides, execution=execution),
            models=selection.models,
            optional=optional,
        )

    def _say_left_out(self, made: Plan) -> None:
        from rtsr_bench.evaluate import summed_up

        for line in [one.line for one in made.left_out] if self.verbose else summed_up(made.left_out):
            self.display.note(f"left out: {line}")
        for use in dict.fromkeys(use for job in made.jobs for use in job.uses if not use.verified):
            self.display.note(f"data not verified: {use.name}: {use.note or 'no published hashes to compare with'}")

    def _refuse(self, errors: Iterable[RtsrBenchError]) -> None:
        """Say what was submitted and cannot be measured; the others run."""
        for error in errors:
            refused = isinstance(error, UserError)
            self.display.note(f"{'refused' if refused else 'not measured'}: {error}")
