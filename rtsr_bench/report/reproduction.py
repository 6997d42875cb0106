"""The RT4KSR paper's tables and the scores of Track 1, compared with ours: as tables, and as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtsr_bench.paper import (
    QUANTITIES,
    Cell,
    Compared,
    ComparedRow,
    PaperRow,
    PaperTable,
    Printed,
    Verdict,
    all_tables,
    compare,
)
from rtsr_bench.report.literature import Published, all_published
from rtsr_bench.report.tables import Column, Note, Table, TableRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.paper import Observed, Quantity
    from rtsr_bench.record import Record
    from rtsr_bench.report.press import Press
    from rtsr_bench.report.tables import Value

PAGE = "reproduction.html"
SCORE_WITHIN = 0.08
"""Maximum effect on a score of Track 1 of rounding the printed PSNR and runtime."""

_UNPRINTED_DIGITS = {"params": 1, "running_params": 1, "macs": 2, "frame_macs": 2}


def reproduce_all(observed: Observed, records: Sequence[Record]) -> tuple[Compared, ...]:
    """Every reproduced table, compared: those of the paper, then Track 1's score column."""
    tables = [*all_tables(), *(_scores(one) for one in all_published() if one.id == "rtsr2023-x2")]
    return compare(tables, observed, records)


def print_reproduction(press: Press, compared: Sequence[Compared]) -> None:
    """Render the page."""
    press.page(
        PAGE,
        "reproduction.html",
        blocks=[{"data": one, "view": press.table(comparison_table(one))} for one in compared],
    )


def comparison_table(compared: Compared) -> Table:
    """A compared table in columns: printed, ours and difference of each quantity; reasons as notes.

    Visible values have as many digits as the printed ones; hidden columns have unrounded values and complete reasons.
    """
    shown = [QUANTITIES[key] for key in compared.table.quantities]
    columns = [Column(key="row", label="Row", heading=True, explanation="As printed.")]
    if any(row.scale for row in compared.rows):
        columns.append(Column(key="scale", label="Scale", explanation="Upscaling factor."))
    for quantity in shown:
        columns += _columns(quantity, printed=any(cell.quantity == quantity.key for cell in compared.cells))
    rows = tuple(_table_row(row, shown) for row in compared.rows)
    return Table(
        id=f"paper-{compared.table.id}",
        caption=f"{compared.table.title}: published and ours",
        columns=tuple(columns),
        rows=rows,
        mark_best=False,
    )


def ours_shown(cell: Cell) -> str:
    """Our value with as many digits as the printed one; empty if there is none."""
    if cell.ours is None:
        return ""
    if cell.printed is None:
        return f"{cell.ours:.{_UNPRINTED_DIGITS.get(cell.quantity, 3)}f}"
    return cell.printed.shown(cell.ours)


def difference_shown(cell: Cell) -> str:
    """`equal`, `equal as read`, or the difference with the printed digits, plus one if it would round to zero.

    Empty without a difference.
    """
    if cell.printed is None or cell.difference is None:
        return ""
    if cell.verdict in (Verdict.EQUAL, Verdict.AS_READ):
        return cell.verdict.value
    digits = cell.printed.digits
    text = f"{cell.difference:+.{digits}f}"
    if not float(text):
        text = f"{cell.difference:+.{digits + 1}f}"
    return text.replace("-", "−")


def _columns(quantity: Quantity, *, printed: bool) -> list[Column]:
    heading = " ".join(filter(None, (quantity.label, f"[{quantity.unit}]" if quantity.unit else "")))
    key, said = quantity.key, quantity.explanation
    ours = Column(key=f"{key}_ours", label="ours", group=heading, digits=3, explanation=said)
    exact = Column(
        key=f"{key}_ours_exact", label="ours, every digit", group=heading, digits=6, shown=False, explanation=said
    )
    if not printed:
        return [ours, exact]
    return [
        Column(key=f"{key}_published", label="published", group=heading, digits=3, explanation=said),
        ours,
        Column(key=f"{key}_verdict", label="difference", group=heading, digits=3,
               explanation="`equal` to the last printed digit (`as read`: under the reading in the note, not as the "
               "model runs), or ours less the published value."),
        exact,
        Column(key=f"{key}_difference", label="difference, every digit", group=heading, digits=6, shown=False,
               explanation="Ours less the published value, unrounded."),
        Column(key=f"{key}_reason", label="reason", group=heading, shown=False,
               explanation="Why they differ, or why ours is missing."),
    ]  # fmt: skip


def _table_row(row: ComparedRow, shown: Sequence[Quantity]) -> TableRow:
    values: dict[str, Value] = {"row": row.label, "scale": f"x{row.scale}" if row.scale else None}
    notes: dict[str, tuple[Note, ...]] = {}
    for quantity in shown:
        cell = row.cells.get(quantity.key)
        if cell is None:
            continue
        key = cell.quantity
        values |= {
            f"{key}_published": cell.printed.text if cell.printed else None,
            f"{key}_ours": ours_shown(cell) or (cell.reason.short if cell.reason else None),
            f"{key}_verdict": difference_shown(cell) or None,
            f"{key}_ours_exact": cell.ours,
            f"{key}_difference": cell.difference,
            f"{key}_reason": cell.reason.text if cell.reason else None,
        }
        said = [_reason_note(cell)] if cell.reason and cell.ours is not None else []
        said += [Note(tone="sub", text=cell.beside)] if cell.beside else []
        if cell.verdict is Verdict.MISMATCH:
            said.append(Note(tone="bad", text="should be equal"))
        if said:
            notes[f"{key}_ours"] = tuple(said)
    return TableRow(values=values, notes=notes)


def _reason_note(cell: Cell) -> Note:
    assert cell.reason is not None
    return Note(tone="warn", text=cell.reason.short)


def _scores(published: Published) -> PaperTable:
    rows = []
    for row in published.rows:
        if row.score is None or row.psnr_rgb_db is None or row.runtime_ms is None:
            continue
        rows.append(
            PaperRow(
                label=row.team,
                printed={"score": Printed(f"{row.score:.2f}")},
                score_of=(row.psnr_rgb_db, published.baseline_psnr_rgb_db, row.runtime_ms),
                reasons={"score": "rounded"},
                within={"score": SCORE_WITHIN},
            )
        )
    return PaperTable(
        id="track-1",
        title="Track 1 of NTIRE 2023 Real-Time 4K SR: the score column",
        source=published.source,
        quantities=("score",),
        rows=tuple(sorted(rows, key=lambda row: -row.printed["score"].value)),
        notes=(
            f"The formula on printed PSNR and runtime, with bicubic at {published.baseline_psnr_rgb_db} dB.",
            "PSNR, runtime and the rest of the table are from a test set that was never released, and an RTX 3090.",
        ),
    )
