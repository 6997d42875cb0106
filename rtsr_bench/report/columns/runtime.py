"""Statistics of the timed repeats, at the size in the heading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.report.column import COLUMNS, EVERY_VIEW, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note
from rtsr_bench.report.text import number, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtsr_bench.leaderboard import Row
    from rtsr_bench.statistics import RuntimeSummary


def _of(value: Callable[[RuntimeSummary], float | None]) -> Callable[[Row], float | None]:
    """A number of the summary; None if nothing was timed."""
    return lambda row: value(row.runtime) if row.runtime else None


def _end(place: int) -> Callable[[Row], float | None]:
    """An end of the interval."""
    return _of(lambda runtime: runtime.ci_ms[place] if runtime.ci_ms else None)


def _notes(row: Row) -> tuple[Note, ...]:
    interval = row.runtime.ci_ms if row.runtime else None
    found = [Note(tone="sub", text=f"{number(interval[0], 2)}–{number(interval[1], 2)}")] if interval else []
    shared = row.record.shared_runtime
    found += [Note(tone="sub", text=shorten(shared.words, 60))] if shared else []
    return (*found, *(Note(tone="warn", text=one.short) for one in row.warnings if one.about == "runtime"))


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    timed = f"Runtime at {scope.timed_at}"
    return (
        BoardColumn(
            key="runtime_ms", label="Mean", unit="ms", better="lower", digits=2, group=timed, emphasis=True,
            views=("overview", "speed"),
            terminal="runtime ms", value=_of(lambda runtime: runtime.mean_ms), notes=_notes,
            explanation="Mean of the timed repeats (the official figure), with its 95 % interval below.",
        ),
        BoardColumn(
            key="runtime_ci_low_ms", label="CI low", unit="ms", digits=3, shown=False, group=timed, terminal=None,
            value=_end(0), explanation="Lower end of the 95 % bootstrap interval of the mean.",
        ),
        BoardColumn(
            key="runtime_ci_high_ms", label="CI high", unit="ms", digits=3, shown=False, group=timed, terminal=None,
            value=_end(1), explanation="Upper end of the 95 % bootstrap interval of the mean.",
        ),
        BoardColumn(
            key="median_ms", label="Median", unit="ms", better="lower", digits=2, group=timed, terminal=None,
            views=("speed",),
            value=_of(lambda runtime: runtime.median_ms), explanation="Half of the repeats are faster.",
        ),
        BoardColumn(
            key="p95_ms", label="p95", unit="ms", better="lower", digits=2, group=timed, terminal=None,
            views=("speed",),
            value=_of(lambda runtime: runtime.p95_ms), explanation="95 % of the repeats are faster.",
        ),
        BoardColumn(
            key="p99_ms", label="p99", unit="ms", better="lower", digits=2, group=timed, terminal=None,
            views=("speed",),
            value=_of(lambda runtime: runtime.p99_ms), explanation="99 % of the repeats are faster.",
        ),
        BoardColumn(
            key="fps", label="FPS", better="higher", digits=1, group=timed, terminal="FPS",
            views=EVERY_VIEW,
            value=_of(lambda runtime: runtime.fps), explanation="1000 / mean runtime in ms, with its band.",
        ),
        BoardColumn(
            key="band", label="Band", shown=False, terminal=None, explanation="The FPS band.",
            value=lambda row: row.frame_band.label if row.frame_band else None,
        ),
        BoardColumn(
            key="runtime_from", label="Runtime from", shown=False, optional=True, terminal=None,
            value=lambda row: row.record.shared_runtime.record if row.record.shared_runtime else None,
            explanation="The record of another track that the runtime was taken from.",
        ),
    )  # fmt: skip


COLUMNS.add(Columns(name="runtime", make=_columns, order=40))
