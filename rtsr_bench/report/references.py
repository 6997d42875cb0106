"""The fixed references on a model's page: the runtime relative to them, in words and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtsr_bench.report.tables import Column, Table, TableRow
from rtsr_bench.report.text import number
from rtsr_bench.statistics import median, reference_drift, reference_ms

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row


def relative_facts(row: Row) -> list[dict[str, Any]]:
    """The relative runtime as a fact of a page; nothing if there is none."""
    references = row.record.references
    if row.relative is None or references is None:
        return []
    small = f"of the fixed reference, {number(reference_ms(references.convs), 2)} ms"
    return [{"label": "Relative runtime", "value": f"{number(row.relative, 2)} ×", "small": small, "band": None}]


def relative_words(row: Row) -> str:
    """What the relative runtime is and how far it can be compared; empty if there is none."""
    references, runtime = row.record.references, row.runtime
    if row.relative is None or references is None or runtime is None:
        return ""
    load = references.foreign_load
    busy = "" if load is None else f" Other work used at most {number(100 * load, 0)} % of the processors meanwhile."
    return (
        f"The mean runtime at {row.record.protocol.input} is {number(row.relative, 2)} times that of the fixed"
        f" reference, a small stack of convolutions ({number(reference_ms(references.convs), 3)} ms). The reference is"
        " the same for all tracks and executions; it is timed right before and right after each model, in a process of"
        f" its own. Compare across machines only roughly.{busy}"
    )


def references_table(row: Row, slug: str) -> Table | None:
    """Both references before and after the model; None if they were not timed."""
    references = row.record.references
    if references is None:
        return None
    columns = (
        Column(key="reference", label="Reference", heading=True, explanation="Its id: what is computed, LR input."),
        Column(key="calls", label="Calls", digits=0, explanation="Timed calls, before and after alike."),
        Column(key="before_ms", label="Before", unit="ms", digits=3, explanation="Median before the model was timed."),
        Column(key="after_ms", label="After", unit="ms", digits=3, explanation="Median after the model was timed."),
        Column(key="change", label="Change", unit="%", digits=1, factor=0.01, signed=True,
               explanation="From before to after: how much the speed of the machine changed."),
        Column(key="relative", label="Model", unit="×", digits=2,
               explanation="Mean runtime of the model over the mean of both medians."),
    )  # fmt: skip
    rows = tuple(
        TableRow(
            values={
                "reference": times.id,
                "calls": min(len(times.before_ms), len(times.after_ms)),
                "before_ms": median(times.before_ms),
                "after_ms": median(times.after_ms),
                "change": reference_drift(times),
                "relative": row.runtime.mean_ms / reference_ms(times) if row.runtime else None,
            }
        )
        for times in (references.convs, references.bicubic)
    )
    return Table(id=f"{slug}--references", caption="Fixed references", columns=columns, rows=rows, mark_best=False)
