"""How a model was run, what that loses against eager fp32, and what it needs before its first call; open rows only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.execution import EAGER_FP32
from rtsr_bench.number_warnings import WarningKind
from rtsr_bench.report.column import COLUMNS, EVERY_VIEW, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note
from rtsr_bench.report.text import shorten

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row

WORDS_LENGTH = 80


def execution_words(row: Row) -> str | None:
    """Return a row's execution for readers, None if it is not known."""
    return shorten(row.execution.words, WORDS_LENGTH) if row.execution else None


def _losses(row: Row) -> tuple[Note, ...]:
    if row.execution == EAGER_FP32:
        return (Note(tone="sub", text="the reference"),)
    return tuple(Note(tone="warn", text=one.short) for one in row.warnings if one.kind is WarningKind.EXECUTION_LOSS)


def _execution(scope: Scope) -> tuple[BoardColumn, ...]:
    column = BoardColumn(
        key="execution",
        label="Execution",
        terminal="execution",
        value=execution_words,
        views=EVERY_VIEW,
        explanation="How the model was run: backend, precision and options. In the open division only.",
    )
    return (column,) if scope.is_open else ()


def _loss(scope: Scope) -> tuple[BoardColumn, ...]:
    column = BoardColumn(
        key="loss_db",
        label="Loss",
        unit="dB",
        digits=3,
        signed=True,
        terminal="loss dB",
        value=lambda row: row.loss_db,
        views=("overview", "quality"),
        notes=_losses,
        explanation=(
            "PSNR under eager fp32 less that under this execution, under the score's convention; positive is worse."
            " In the open division only."
        ),
    )
    return (column,) if scope.is_open else ()


def _setup(scope: Scope) -> tuple[BoardColumn, ...]:
    columns = (
        BoardColumn(
            key="setup_s", label="Set-up", unit="s", better="lower", digits=1, terminal="set-up s",
            views=("overview", "speed", "cost"),
            value=lambda row: row.record.setup.seconds if row.record.setup else None,
            explanation="From the loaded model to its first output: exporting, compiling. In the open division only.",
        ),
        BoardColumn(
            key="graph_bytes", label="Graph", unit="MiB", digits=1, factor=2.0**20, shown=False, terminal=None,
            value=lambda row: (row.record.setup.graph_bytes or None) if row.record.setup else None,
            explanation="Size of the exported graph or the compiled code. In the open division only.",
        ),
        BoardColumn(
            key="setup_peak_bytes", label="Set-up memory", unit="MiB", digits=0, factor=2.0**20, shown=False,
            terminal=None, value=lambda row: row.record.setup.peak_bytes if row.record.setup else None,
            explanation="How far memory rose during the set-up. In the open division only.",
        ),
    )  # fmt: skip
    return columns if scope.is_open else ()


COLUMNS.add(Columns(name="execution", make=_execution, order=15))
COLUMNS.add(Columns(name="loss", make=_loss, order=25))
COLUMNS.add(Columns(name="setup", make=_setup, order=65))
