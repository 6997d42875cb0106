"""What a run shows while it works: bars on a terminal, plain lines elsewhere, a table at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from rtsr_bench.cli.console import fit, steady_console
from rtsr_bench.cli.known import dated_ahead
from rtsr_bench.cli.summary import clock
from rtsr_bench.evaluate import Listener

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row
    from rtsr_bench.protocol import Size
    from rtsr_bench.record import Record

PLAIN_WIDTH = 160


class Display:
    """Tells the reader what is being done. Progress goes to stderr, the table to stdout."""

    def __init__(self) -> None:
        self._errors = steady_console(stderr=True)
        self._lively = self._errors.is_terminal
        out = steady_console()
        self._out = out if out.is_terminal else steady_console(width=PLAIN_WIDTH)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._errors,
            transient=True,
            refresh_per_second=2,  # drawing the bar must not take a processor from what is being timed
            disable=not self._lively,
        )
        self._jobs = self._progress.add_task("models", total=None)
        self._began = monotonic()
        self._done = self._failed = self._to_do = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def found(self, name: str, record: Record) -> None:
        """Tell of a record at hand if it is dated in the future: it would win over what is measured today."""
        ahead = dated_ahead(name, record)
        if ahead:
            self.note(ahead)

    def begin(self, to_do: int, at_hand: int) -> None:
        """Tell how many models are to be measured, and how many have been before."""
        self._began = monotonic()
        self._done, self._to_do = 0, to_do
        self._progress.update(self._jobs, total=to_do, completed=0)
        if at_hand and to_do:
            self.note(f"{at_hand} have a record, {to_do} to measure")

    @contextlib.contextmanager
    def job(self, number: int, total: int, label: str) -> Iterator[Listener]:
        """Show a model's measurement while it lasts; several may be shown at once."""
        if not self._lively:
            self.note(f"[{number}/{total}] {label}{self._standing()}")
        task = self._progress.add_task("", total=None, visible=False)
        try:
            yield _Job(self, self._progress, task, label)
        finally:
            self._progress.remove_task(task)
            self._done += 1
            self._progress.update(self._jobs, completed=self._done)

    def _standing(self) -> str:
        """How long it took so far, how long it may take yet, and how many failed; nothing before the first is done."""
        if not self._done:
            return ""
        gone = monotonic() - self._began
        left = gone / self._done * (self._to_do - self._done)
        failed = f", {self._failed} failed" if self._failed else ""
        return f"  (elapsed {clock(gone)}, about {clock(left)} left{failed})"

    def waiting(self, whom: str) -> None:
        """Tell that the device is somebody else's for now."""
        self.note(f"  {whom}")

    def note(self, line: str) -> None:
        """Say one line that stays."""
        self._errors.print(fit(line), soft_wrap=True, highlight=False)

    def result(self, record: Record, *, failed: bool = False) -> None:
        """Say how a measurement ended."""
        self._failed += failed
        row = _row(record)
        if row.reasons and row.failed:
            reasons = [reason.brief for reason in row.reasons if reason.bar.value == "failed"]
            self.note(f"  {record.model.id}: {' '.join(reasons)}")
            return
        cells = dict(zip(_HEADINGS, _cells(row), strict=True))
        wanted = ("PSNR RGB dB", "gain dB", "runtime ms", "FPS", "score")
        said = [f"{name} {cells[name]}" for name in wanted if cells[name]]
        said += [f"PSNR of the middle {row.crop} of each image"] if row.crop else []
        said += [reason.short for reason in row.reasons if reason.bar.value == "untrained"]
        self.note(f"  {record.model.id}: " + ", ".join(said))
        if record.handed_in is not None:
            self.note(f"  {record.model.id}: {record.handed_in.words}")

    def table(self, records: Sequence[Record]) -> None:
        """Print one table a track, in the order of its leaderboard: the best score first, whichever way it goes."""
        from rtsr_bench.leaderboard import best_first

        self._progress.stop()
        for track in dict.fromkeys(record.track for record in records):
            mine = [_row(record) for record in records if record.track == track]
            mine.sort(key=best_first)
            heading = track
            if mine[0].record.overrides:
                heading += f", unofficial: {' '.join(mine[0].record.overrides)}; MACs at {_counted_at(mine[0].record)}"
            table = Table(title=fit(heading), title_justify="left", title_style="bold", box=None, pad_edge=False)
            for heading in _HEADINGS:
                table.add_column(
                    heading, justify="left" if heading in ("model", "note") else "right", no_wrap=heading != "note"
                )
            for row in mine:
                table.add_row(*map(fit, _cells(row)))
            self._out.print(table)
            self._out.print()


class _Job(Listener):
    """One model's bar."""

    def __init__(self, display: Display, progress: Progress, task: TaskID, label: str) -> None:
        self._display, self._progress, self._task, self._label = display, progress, task, label

    def stage(self, what: str, total: int) -> None:
        description = fit(f"{self._label}: {what}")
        self._progress.reset(self._task, total=total, completed=0, visible=True, description=description)

    def step(self, done: int) -> None:
        self._progress.update(self._task, completed=done)

    def waiting(self, whom: str) -> None:
        self._display.waiting(f"{self._label} waits for {whom}")


_HEADINGS = ("model", "PSNR RGB dB", "gain dB", "SSIM RGB", "runtime ms", "FPS", "params", "GMACs", "score", "note")


def _row(record: Record) -> Row:
    from rtsr_bench.leaderboard import derive_row
    from rtsr_bench.tracks import all_tracks

    return derive_row("", record, all_tracks().get(record.track))


def _cells(row: Row) -> tuple[str, ...]:
    from rtsr_bench.record import Complexity

    record, means, runtime = row.record, row.fidelity, row.runtime
    complexity = record.complexity if isinstance(record.complexity, Complexity) else None
    notes = [reason.short for reason in row.reasons if reason.bar.value != "unofficial"]
    notes += [f"PSNR of the middle {row.crop} of each image"] if row.crop else []
    notes += [warning.short for warning in row.warnings]
    return (
        record.model.id,
        f"{means.psnr_db[row.scored_under]:.3f}" if means and row.scored_under in means.psnr_db else "",
        f"{row.gain_db:+.3f}" if row.gain_db is not None else "",
        f"{means.ssim[row.scored_under]:.4f}" if means and row.scored_under in means.ssim else "",
        f"{runtime.mean_ms:.2f}" if runtime else "",
        f"{runtime.fps:.1f}" if runtime else "",
        f"{complexity.params:,}" if complexity else "",
        _gmacs(record),
        f"{row.score:.3f}" if row.score is not None else "",
        "; ".join(notes),
    )


def _counted_at(record: Record) -> Size:
    from rtsr_bench.eligibility import counted_at
    from rtsr_bench.tracks import all_tracks

    return counted_at(record.protocol, all_tracks().get(record.track))


def _gmacs(record: Record) -> str:
    """GMACs at the size that the row's board shows them for; `>=` where some operators were not counted."""
    from rtsr_bench.eligibility import count_at

    count = count_at(record.complexity, _counted_at(record))
    return "" if count is None else f"{'>= ' if count.uncounted else ''}{count.macs / 1e9:.2f}"
