"""Every metric of the protocol under every convention shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.protocol import Colour
from rtsr_bench.report.column import COLUMNS, BoardColumn, Columns, Scope
from rtsr_bench.report.tables import Note
from rtsr_bench.score import PSNR

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row
    from rtsr_bench.metric import Metric
    from rtsr_bench.protocol import Convention


def _crop(row: Row) -> tuple[Note, ...]:
    return (Note(tone="sub", text=f"crop of {row.crop}"),) if row.crop else ()


def _is_literatures(metric: Metric, convention: Convention) -> bool:
    """Whether it is the number that papers on classic sets print: PSNR of Y with a border."""
    return metric.name == PSNR and convention.colour is Colour.Y and convention.border > 0


def _column(metric: Metric, convention: Convention, scope: Scope) -> BoardColumn:
    heading = " ".join(filter(None, (metric.title, scope.short(convention), metric.unit)))
    return BoardColumn(
        key=metric.column(convention.key),
        label=metric.title,
        unit=metric.unit,
        better=metric.better,
        digits=metric.digits,
        group=convention.words,
        explanation=f"{metric.explanation}: {convention.words}.",
        views=("overview", "quality") if convention == scope.scored or metric.name == PSNR else ("quality",),
        terminal=heading if convention == scope.scored or _is_literatures(metric, convention) else None,
        value=lambda row: row.fidelity.value(metric, convention.key) if row.fidelity else None,
        notes=_crop,
    )


COLUMNS.add(
    Columns(
        name="fidelity",
        make=lambda scope: (_column(metric, convention, scope) for convention, metric in scope.pairs),
        order=30,
    )
)
