"""The score, and the gain over bicubic that it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.number_warnings import WarningKind
from rtsr_bench.report.column import COLUMNS, EVERY_VIEW, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtsr_bench.leaderboard import Row

RISES = "Value of the track's published formula: increases with the gain, decreases with the runtime."
FALLS = "Value of the track's published formula: increases with runtime, MACs and parameters; PSNR is a gate."


def _fidelity_notes(scope: Scope) -> Callable[[Row], tuple[Note, ...]]:
    """Warnings about fidelity, except the loss of an execution if that has a column of its own."""

    def notes(row: Row) -> tuple[Note, ...]:
        return tuple(
            Note(tone="warn", text=one.short)
            for one in row.warnings
            if one.about == "fidelity" and not (scope.is_open and one.kind is WarningKind.EXECUTION_LOSS)
        )

    return notes


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    falls = scope.track is not None and scope.track.score.lower_is_better
    return (
        BoardColumn(
            key="score", label="Score", better="lower" if falls else "higher", digits=2, emphasis=True,
            views=EVERY_VIEW, terminal="score", value=lambda row: row.score, explanation=FALLS if falls else RISES,
        ),
        BoardColumn(
            key="gain_db", label="Gain", unit="dB", better="higher", digits=3, signed=True, terminal="gain dB",
            views=("overview", "quality"),
            value=lambda row: row.gain_db, notes=_fidelity_notes(scope),
            explanation="PSNR less bicubic's on the same images, under the score's convention.",
        ),
    )  # fmt: skip


COLUMNS.add(Columns(name="score", make=_columns, order=20))
