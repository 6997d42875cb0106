"""Progress of a run: bars on a terminal, plain lines elsewhere, a table at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

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

from rtsr_bench.cli.causes import short
from rtsr_bench.cli.console import fit, steady_console
from rtsr_bench.cli.known import dated_ahead
from rtsr_bench.cli.summary import clock
from rtsr_bench.eligibility import failures
from rtsr_bench.evaluate import Listener

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row
    from rtsr_bench.record import Record
    from rtsr_bench.report.column import BoardColumn

PLAIN_WIDTH = 160


class Display:
    """Displays the progress of a run. Progress goes to stderr, the table to stdout."""

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
            refresh_per_second=2,  # drawing must not disturb the timing
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
        """Warn about an existing record that is dated in the future, because it would count as the latest."""
        ahead = dated_ahead(name, record)
        if ahead:
            self.note(ahead)

    def begin(self, to_do: int, existing: int) -> None:
        """Show how many models will be measured, and how many already have a record."""
        self._began = monotonic()
        self._done, self._to_do = 0, to_do
        self._progress.update(self._jobs, total=to_do, completed=0)
        if existing and to_do:
            self.note(f"{existing} have a record, {to_do} to measure")

    @contextlib.contextmanager
    def job(self, number: int, total: int, label: str) -> Iterator[Listener]:
        """Show the measurement of a model while it runs; several may be shown at once."""
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
        """Elapsed time, estimated time left, and number of failures; empty before the first model is done."""
        if not self._done:
            return ""
        gone = monotonic() - self._began
        left = gone / self._done * (self._to_do - self._done)
        failed = f", {self._failed} failed" if self._failed else ""
        return f"  (elapsed {clock(gone)}, about {clock(left)} left{failed})"

    def waiting(self, whom: str) -> None:
        """Show that another run uses the device."""
        self.note(f"  {whom}")

    def note(self, line: str) -> None:
        """Print a permanent line."""
        self._errors.print(fit(line), soft_wrap=True, highlight=False)

    def result(self, record: Record, *, failed: bool = False) -> None:
        """Print the result of a measurement."""
        self._failed += failed
        row = _row(record)
        if row.reasons and row.failed:
            reasons = [reason.brief for reason in row.reasons if reason.kind.value == "failed"]
            self.note(f"  {record.model.id}: {' '.join(reasons)}")
            return
        said = [f"{heading} {text}" for heading, text in _brief(row) if text]
        said += _crop_words(row) + _shared_words(row)
        said += [reason.short for reason in row.reasons if reason.kind.value == "untrained"]
        self.note(f"  {record.model.id}: " + ", ".join(said))
        if record.submitted_images is not None:
            self.note(f"  {record.model.id}: {record.submitted_images.words}")

    def table(self, records: Sequence[Record]) -> None:
        """Print one table per track, in the order of its leaderboard: the best score first."""
        from rtsr_bench.leaderboard import best_first

        self._progress.stop()
        for track in dict.fromkeys(record.track for record in records):
            mine = [_row(record) for record in records if record.track == track]
            mine.sort(key=best_first)
            first, columns = mine[0], _columns(mine)
            executions = [_execution(row.record) for row in mine]
            several = len(set(executions)) > 1 and all(column.key != "execution" for column in columns)
            title, changed = track, [one for one in first.record.overrides if not (several and "--execution" in one)]
            if changed and first.division is None:
                title += f", unofficial: {' '.join(changed)}; MACs at {first.counted_at}"
            table = Table(title=fit(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
            for column in columns:
                justify: Literal["left", "right"] = "right" if column.numeric else "left"
                table.add_column(fit(_heading(column)), justify=justify, no_wrap=True)
            if several:
                table.add_column("execution", no_wrap=True)
            table.add_column("note")
            for row, execution in zip(mine, executions, strict=True):
                cells = [*(_cell(column, row) for column in columns), *([execution] if several else [])]
                table.add_row(*map(fit, cells), fit(_note(row, columns)))
            self._out.print(table)
            self._out.print()

    def pairs(self, title: str, rows: Iterable[tuple[str, str]]) -> None:
        """Print labels and values below a title."""
        self._progress.stop()
        table = Table(title=fit(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
        table.show_header = False
        for label, value in rows:
            table.add_row(fit(label), fit(value))
        self._out.print(table)


class _Job(Listener):
    """The bar of one model."""

    def __init__(self, display: Display, progress: Progress, task: TaskID, label: str) -> None:
        self._display, self._progress, self._task, self._label = display, progress, task, label

    def stage(self, what: str, total: int) -> None:
        description = fit(f"{self._label}: {what}")
        self._progress.reset(self._task, total=total, completed=0, visible=True, description=description)

    def step(self, done: int) -> None:
        self._progress.update(self._task, completed=done)

    def waiting(self, whom: str) -> None:
        self._display.waiting(f"{self._label} waits for {whom}")

    def note(self, line: str) -> None:
        self._display.note(f"  {self._label}: {line}")


_BRIEF = ("gain_db", "runtime_ms", "fps", "score")
"""Keys of the columns in the line about one model, after the PSNR of its score."""


def _execution(record: Record) -> str:
    return record.execution.words if record.execution else record.protocol.backend


def _row(record: Record) -> Row:
    from rtsr_bench.leaderboard import derive_row
    from rtsr_bench.tracks import all_tracks

    return derive_row("", record, all_tracks().get(record.track))


def _columns(rows: Sequence[Row]) -> tuple[BoardColumn, ...]:
    """The columns of a leaderboard that the terminal shows, for the rules of the first row."""
    from rtsr_bench.division import Division
    from rtsr_bench.report.column import Scope, board_columns

    is_open = any(row.division is Division.OPEN for row in rows)
    transfers = any(row.record.transfers for row in rows)
    scope = Scope.of(rows[0].record.protocol, rows[0].track, is_open=is_open, transfers=transfers)
    return tuple(column for column in board_columns(scope) if column.terminal is not None)


def _heading(column: BoardColumn) -> str:
    return column.terminal or " ".join(filter(None, (column.label, column.unit)))


def _cell(column: BoardColumn, row: Row) -> str:
    """A number as on pages, but in plain characters; a text as it is; empty if there is no value."""
    value = column.of(row)
    if value is None or isinstance(value, str):
        return value or ""
    return column.text(value).replace("−", "-").replace("\u202f", ",")


def _note(row: Row, columns: Sequence[BoardColumn]) -> str:
    """Failures, reasons and warnings of the row, in a few words each."""
    said = [short(failure) for failure in failures(row.record)] if row.failed else []
    said += [reason.short for reason in row.reasons if reason.kind.value not in ("unofficial", "failed")]
    said += _crop_words(row) + _shared_words(row)
    said += [warning.short for warning in row.warnings]
    said += [note.text for column in columns for note in column.notes(row) if note.tone == "warn"]
    return "; ".join(dict.fromkeys(said))


def _crop_words(row: Row) -> list[str]:
    return [f"PSNR on the central {row.crop} of each image"] if row.crop else []


def _shared_words(row: Row) -> list[str]:
    shared = row.record.shared_runtime
    return [shared.words] if shared else []


def _brief(row: Row) -> Iterator[tuple[str, str]]:
    """Heading and text of the numbers in the line about one model."""
    from rtsr_bench.metric import METRICS
    from rtsr_bench.score import PSNR

    columns = {column.key: column for column in _columns([row])}
    psnr = METRICS.find(PSNR)
    shown = [key for key in columns if key in {psnr.column(one.key) for one in row.record.protocol.conventions}]
    for key in dict.fromkeys((psnr.column(row.scored_under), *shown, *_BRIEF)):
        if key in columns:
            yield _heading(columns[key]), _cell(columns[key], row)
