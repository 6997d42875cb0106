"""What a run shows while it works: bars on a terminal, plain lines elsewhere, a table at the end."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from rtsr_bench.evaluate import Listener

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row
    from rtsr_bench.record import Record

PLAIN_WIDTH = 160


class Display(Listener):
    """Tells the reader what is being done. Progress goes to stderr, the table to stdout."""

    def __init__(self) -> None:
        self._errors = Console(stderr=True)
        self._lively = self._errors.is_terminal
        out = Console()
        self._out = out if out.is_terminal else Console(width=PLAIN_WIDTH)
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
        self._stage = self._progress.add_task("", total=None, visible=False)
        self._label = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def job(self, number: int, total: int, label: str) -> None:
        """Tell that a model's measurement begins."""
        self._label = label
        self._progress.update(self._jobs, total=total, completed=number - 1)
        if not self._lively:
            self._errors.print(escape(f"[{number}/{total}] {label}"), soft_wrap=True, highlight=False)

    def stage(self, what: str, total: int) -> None:
        """Tell that a stage begins, with so many steps."""
        self._progress.reset(
            self._stage, total=total, completed=0, visible=True, description=escape(f"{self._label}: {what}")
        )

    def step(self, done: int) -> None:
        """Tell that so many steps of the stage are done."""
        self._progress.update(self._stage, completed=done)

    def note(self, line: str) -> None:
        """Say one line that stays."""
        self._errors.print(escape(line), soft_wrap=True, highlight=False)

    def result(self, record: Record) -> None:
        """Say how a measurement ended."""
        row = _row(record)
        if row.reasons and row.failed:
            failed = [reason.text for reason in row.reasons if reason.bar.value == "failed"]
            self.note(f"  {record.model.id}: {' '.join(failed)}")
            return
        cells = dict(zip(_HEADINGS, _cells(row), strict=True))
        wanted = ("PSNR RGB dB", "gain dB", "runtime ms", "FPS", "score")
        said = [f"{name} {cells[name]}" for name in wanted if cells[name]]
        said += [reason.short for reason in row.reasons if reason.bar.value == "untrained"]
        self.note(f"  {record.model.id}: " + ", ".join(said))
        if record.handed_in is not None:
            self.note(f"  {record.model.id}: {record.handed_in.words}")

    def table(self, records: Sequence[Record]) -> None:
        """Print one table a track, best score first."""
        self._progress.stop()
        for track in dict.fromkeys(record.track for record in records):
            mine = [_row(record) for record in records if record.track == track]
            mine.sort(key=lambda row: (row.failed, row.score is None, -(row.score or 0.0), row.record.model.id))
            heading = (
                track if not mine[0].record.overrides else f"{track}, unofficial: {' '.join(mine[0].record.overrides)}"
            )
            table = Table(title=escape(heading), title_justify="left", title_style="bold", box=None, pad_edge=False)
            for heading in _HEADINGS:
                table.add_column(
                    heading, justify="left" if heading in ("model", "note") else "right", no_wrap=heading != "note"
                )
            for row in mine:
                table.add_row(*map(escape, _cells(row)))
            self._out.print(table)
            self._out.print()


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
    notes += [warning.short for warning in row.warnings]
    return (
        record.model.id,
        f"{means.psnr_db[row.scored_under]:.3f}" if means else "",
        f"{row.gain_db:+.3f}" if row.gain_db is not None else "",
        f"{means.ssim[row.scored_under]:.4f}" if means else "",
        f"{runtime.mean_ms:.2f}" if runtime else "",
        f"{runtime.fps:.1f}" if runtime else "",
        f"{complexity.params:,}" if complexity else "",
        f"{complexity.counts[min(1, len(complexity.counts) - 2)].macs / 1e9:.2f}" if complexity else "",
        f"{row.score:.3f}" if row.score is not None else "",
        "; ".join(notes),
    )
