"""The end of a run: the result of every submission, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from rtsr_bench.cli.causes import Cause, cause_of, grouped, not_measured, refused, without_weights
from rtsr_bench.cli.summary import UNFINISHED, how_they_failed, where_the_time_went, worst
from rtsr_bench.eligibility import failures
from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError
from rtsr_bench.text import counted

if TYPE_CHECKING:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.evaluate.settings import Settings
    from rtsr_bench.executors import Tally
    from rtsr_bench.executors.schedule import Pending
    from rtsr_bench.record import Record

GUEST_FAILED = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """A finished run at one place. `problems` are the errors of submissions that have no job; it `began` then."""

    settings: Settings
    waiting: Pending
    tally: Tally
    problems: Sequence[RtsrBenchError]
    began: float

    @property
    def records(self) -> list[Record]:
        """Every record of the run, those that were there before first."""
        return [*(record for _, record in self.waiting.known), *(one.record for one in self.tally.ended)]

    def say(self, display: Display) -> int:
        """Print the table and the summary; returns the exit code."""
        display.table(self.records)
        for line in self._lines():
            display.note(line)
        return self.exit_code

    @property
    def exit_code(self) -> int:
        """0 only if everything that was submitted and asked for was measured, and nothing failed.

        A model of a team whose weights are not available counts as not measured (2). A reference model is then left
        out, unless there was nothing else.
        """
        tally, records = self.tally, self.records
        codes = [GUEST_FAILED if how_they_failed(records) else 0]
        codes += [problem.exit_code for problem in (*self.problems, *(one.error for one in tally.lost))]
        without = tally.without_weights
        if any(one.task.job.submission.origin != "reference" for one in without) or (
            without and not records and not tally.not_started
        ):
            codes.append(UserError.exit_code)
        codes += [HarnessError.exit_code] if self._unwritten else []
        codes += [UNFINISHED] if tally.not_started else []
        return worst(codes)

    @property
    def _unwritten(self) -> int:
        return sum(len(one.unwritten) for one in self.tally.ended)

    def _causes(self) -> Iterator[tuple[str, Cause]]:
        """Every entry that failed, was refused or was not measured, with the cause."""
        for record in self.records:
            if failures(record):
                yield _name(record), cause_of(failures(record)[0])
        for problem in self.problems:
            name, _, said = str(problem).partition(": ")
            said = said.removeprefix(f"{name}: ")  # an error about a submission may come from one about its files
            yield name, refused(said) if isinstance(problem, UserError) else not_measured(said)
        for lost in self.tally.lost:
            yield lost.task.job.model.id, not_measured(str(lost.error))
        for without in self.tally.without_weights:
            yield without.task.job.model.id, without_weights(str(without.error))

    def _lines(self) -> Iterator[str]:
        tally, made, known = self.tally, self.tally.ended, len(self.waiting.known)
        measured = counted(len(made), "new record")
        yield f"{measured}, {known} existing (--again re-measures), in {self.settings.output.records}"
        failed = how_they_failed(self.records)
        if failed:
            yield failed
        if self.problems or tally.lost:
            refused = sum(isinstance(problem, UserError) for problem in self.problems)
            said = f" ({refused} refused)" if refused else ""
            yield f"{len(self.problems) + len(tally.lost)} without a record{said}"
        if tally.without_weights:
            models = len({one.task.job.model.id for one in tally.without_weights})
            yield f"{counted(models, 'model')} not measured: weights cannot be downloaded"
        yield from (f"  {line}" for line in grouped(self._causes()))
        if tally.not_started:
            why = "--fail-fast" if tally.stopped else f"--max-hours {self.settings.pace.max_hours:g}"
            yield f"{len(tally.not_started)} not started ({why}): run the same command to resume"
        if self._unwritten:
            yield f"{counted(self._unwritten, 'SR image')} could not be written: see above; the records are kept"
        if made:
            yield from where_the_time_went([one.record for one in made], monotonic() - self.began)


def _name(record: Record) -> str:
    """The model, with its execution where that is not the track's own."""
    other = any(option.startswith("--execution ") for option in record.overrides)
    return f"{record.model.id} ({record.protocol.backend})" if other else record.model.id
