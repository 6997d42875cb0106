"""Comparison of printed and computed values: a verdict per cell, with the reason if it is not `equal`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rtsr_bench.paper.measured import Measured
from rtsr_bench.paper.printed import (
    AS_PRINTED,
    QUANTITIES,
    CountAsk,
    PaperRow,
    PaperTable,
    Printed,
    Reason,
    all_reasons,
)
from rtsr_bench.protocol import Size
from rtsr_bench.score import ntire23_rtsr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rtsr_bench.paper.observed import Observed
    from rtsr_bench.record import Record

_FRAME = Size(2160, 3840)
_CARD = "RTX 3090"
_BROKEN = ("unbuilt", "operators")
"""Reasons for a missing value that are faults here, not properties of the paper: such a cell is a mismatch."""


class Verdict(StrEnum):
    """The result for a printed value; `beside` marks a cell of ours without a printed value.

    `as_read` is equal under the reading of the row that the cell names, but not as the model runs. Only `mismatch` is
    an error: the cell should be equal and is not, or a fault here prevents computing it.
    """

    EQUAL = "equal"
    AS_READ = "equal as read"
    DIFFERS = "differs"
    ABSENT = "absent"
    MISMATCH = "mismatch"
    BESIDE = "beside"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A printed value and ours, both in the printed unit; `reason` if they differ or ours is absent.

    `beside` is a short text, or a related value, that is shown with the cell.
    """

    quantity: str
    printed: Printed | None
    ours: float | None
    verdict: Verdict
    reason: Reason | None = None
    beside: str = ""

    @property
    def difference(self) -> float | None:
        """Ours less the printed value, unrounded; None if either is missing."""
        return None if self.printed is None or self.ours is None else self.ours - self.printed.value


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedRow:
    """A row's cells by quantity, without quantities that are neither printed nor computed."""

    label: str
    scale: int
    cells: dict[str, Cell]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Number of printed cells by result; `as_read` of the `equal` ones are equal only under a reading."""

    cells: int
    equal: int
    as_read: int
    differing: int
    absent: int
    mismatched: int

    def __str__(self) -> str:
        split = (
            f" ({self.equal - self.as_read} as the network runs, {self.as_read} under the reading named in the note)"
            if self.as_read
            else ""
        )
        wrong = f", {self.mismatched} that should be equal and are not" if self.mismatched else ""
        return (
            f"{self.cells} cells: {self.equal} equal to the last printed digit{split}, "
            f"{self.differing} differing with a reason, {self.absent} not computable here with a reason{wrong}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A compared table."""

    table: PaperTable
    rows: tuple[ComparedRow, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell with a printed value."""
        return tuple(cell for row in self.rows for cell in row.cells.values() if cell.printed is not None)

    @property
    def tally(self) -> Tally:
        """The summary line of a table."""
        count = {verdict: sum(cell.verdict is verdict for cell in self.cells) for verdict in Verdict}
        return Tally(
            cells=len(self.cells),
            equal=count[Verdict.EQUAL] + count[Verdict.AS_READ],
            as_read=count[Verdict.AS_READ],
            differing=count[Verdict.DIFFERS],
            absent=count[Verdict.ABSENT],
            mismatched=count[Verdict.MISMATCH],
        )

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every reason in the table's cells, in the order of their appearance."""
        return tuple(dict.fromkeys(cell.reason for cell in self.cells if cell.reason is not None))


def compare(tables: Iterable[PaperTable], observed: Observed, records: Sequence[Record] = ()) -> tuple[Compared, ...]:
    """Compare tables with computed values and with records; a pure function of the three."""
    measured = Measured(records)
    return tuple(
        Compared(table=table, rows=tuple(_row(table, row, observed, measured) for row in table.rows))
        for table in tables
    )


def _row(table: PaperTable, row: PaperRow, observed: Observed, measured: Measured) -> ComparedRow:
    cells = {}
    for key in table.quantities:
        printed = row.printed.get(key)
        ours, missing = _ours(row, key, observed, measured)
        if printed is None and ours is None:
            continue
        cells[key] = _judged(table, row, key, printed, ours, missing, measured)
    return ComparedRow(label=row.label, scale=row.scale, cells=cells)


def _judged(
    table: PaperTable,
    row: PaperRow,
    key: str,
    printed: Printed | None,
    ours: float | None,
    missing: str,
    measured: Measured,
) -> Cell:
    given = row.reasons.get(key) or table.reasons.get(key, "")
    reading = row.reading.get(key, "")
    reason, beside = "", reading or row.beside.get(key, "")
    if key == "psnr" and row.model and not row.data_set:
        beside = measured.on_open4k(row.model)
    if printed is None:
        verdict = Verdict.BESIDE
    elif ours is None:
        reason = missing or given
        verdict = Verdict.MISMATCH if reason in _BROKEN else Verdict.ABSENT
    elif printed.same(ours):
        verdict = Verdict.AS_READ if reading else Verdict.EQUAL
    elif key == "runtime":
        verdict, reason = Verdict.DIFFERS, "stack"
    elif key in row.must or not given or abs(ours - printed.value) > row.within.get(key, float("inf")):
        verdict = Verdict.MISMATCH
    else:
        verdict, reason = Verdict.DIFFERS, given
    return Cell(
        quantity=key,
        printed=printed,
        ours=ours,
        verdict=verdict,
        reason=all_reasons()[reason] if reason else None,
        beside=beside,
    )


def _ours(row: PaperRow, key: str, observed: Observed, measured: Measured) -> tuple[float | None, str]:
    """Our value in the printed unit, or None and the id of the reason (empty: the table's reason)."""
    if key in ("params", "running_params", "macs", "frame_macs"):
        ask = (row.running or row.count) if key in ("running_params", "frame_macs") else row.count
        return _counted(ask, key, observed) if ask else (None, "uncounted")
    if key == "score" and row.score_of is not None:
        return ntire23_rtsr(*row.score_of), ""
    if key == "runtime" and row.model:
        return measured.runtime_ms(row.model, card=_CARD), ""
    if key in ("psnr", "ssim") and row.bicubic is not None:
        found = observed.bicubic_row(row.bicubic.key)
        return (None, "nodata") if found is None else (found.psnr_db if key == "psnr" else found.ssim, "")
    if key in ("psnr", "ssim") and row.data_set:
        means = measured.on_set(row.model, row.data_set, row.convention)
        return (None, row.reasons.get("missing", "norecord")) if means is None else (means[key == "ssim"], "")
    return None, ""


def _counted(ask: CountAsk, key: str, observed: Observed) -> tuple[float | None, str]:
    found = observed.count(ask.key)
    if found is None or found.trouble:
        return None, "unbuilt" if found else "uncounted"
    if key in ("params", "running_params"):
        return found.params / QUANTITIES[key].factor, ""
    macs = found.macs_at(AS_PRINTED if key == "macs" else frame_input(ask.scale))
    return (None, "operators") if macs is None else (macs / QUANTITIES[key].factor, "")


def frame_input(scale: int) -> Size:
    """The LR size of a 4K frame at this scale."""
    return Size(_FRAME.height // scale, _FRAME.width // scale)
