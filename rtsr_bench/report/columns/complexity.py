"""Parameters, and the operations of one frame at the size in the heading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.eligibility import count_at
from rtsr_bench.record import Complexity, Failure
from rtsr_bench.report.column import COLUMNS, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note
from rtsr_bench.report.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtsr_bench.leaderboard import Row
    from rtsr_bench.record import Count


def _params(row: Row) -> int | None:
    complexity = row.record.complexity
    return complexity.params if isinstance(complexity, Complexity) else None


def _of(value: Callable[[Count], int], scope: Scope) -> Callable[[Row], int | None]:
    """A number of the count at the size shown; None if there is none."""

    def take(row: Row) -> int | None:
        count = count_at(row.record.complexity, scope.counted_at)
        return value(count) if count else None

    return take


def _uncounted(scope: Scope) -> Callable[[Row], tuple[Note, ...]]:
    def notes(row: Row) -> tuple[Note, ...]:
        count = count_at(row.record.complexity, scope.counted_at)
        if not (count and count.uncounted):
            return ()
        names = ", ".join(f"{name.removeprefix('aten.')} ×{times}" for name, times in sorted(count.uncounted.items()))
        return (Note(tone="warn", text=shorten(f"without {names}", 80)),)

    return notes


def _failed(row: Row) -> tuple[Note, ...]:
    return (Note(tone="warn", text="not counted"),) if isinstance(row.record.complexity, Failure) else ()


def _columns(scope: Scope) -> tuple[BoardColumn, ...]:
    counted = f"Complexity at {scope.counted_at}"
    return (
        BoardColumn(
            key="params", label="Params", unit="K", better="lower", digits=1, factor=1e3, group=counted,
            terminal="params K", views=("overview", "cost"), value=_params, notes=_failed,
            explanation="Parameters as deployed.",
        ),
        BoardColumn(
            key="macs", label="MACs", unit="G", better="lower", digits=2, factor=1e9, group=counted, terminal="GMACs",
            views=("overview", "cost"),
            value=_of(lambda count: count.macs, scope), notes=_uncounted(scope),
            explanation="Multiply-accumulates of one frame.",
        ),
        BoardColumn(
            key="flops", label="FLOPs", unit="G", better="lower", digits=2, factor=1e9, group=counted, terminal=None,
            views=("cost",),
            value=_of(lambda count: count.flops, scope),
            explanation="Floating-point operations of one frame: twice the MACs.",
        ),
        BoardColumn(
            key="activations", label="Act.", unit="M", better="lower", digits=1, factor=1e6, group=counted,
            terminal=None, views=("cost",), value=_of(lambda count: count.activations, scope),
            explanation="Output elements of all convolutions.",
        ),
    )  # fmt: skip


COLUMNS.add(Columns(name="complexity", make=_columns, order=50))
