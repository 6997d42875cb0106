"""The compared tables on a terminal, and all their cells as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from rich.table import Table

from rtsr_bench.cli.console import fit, steady_console
from rtsr_bench.cli.progress import PLAIN_WIDTH
from rtsr_bench.paper import QUANTITIES, Verdict
from rtsr_bench.report.exports import csv_cell
from rtsr_bench.report.reproduction import difference_shown, ours_shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from rtsr_bench.paper import Cell, Compared

_STYLES = {Verdict.MISMATCH: "bold red", Verdict.EQUAL: "green", Verdict.AS_READ: "green", Verdict.DIFFERS: "yellow"}
_LEAST_LABEL = 14


def show(compared: Sequence[Compared]) -> None:
    """Print every table; one that is too wide is split into parts below each other."""
    terminal = steady_console()
    out = terminal if terminal.is_terminal else steady_console(width=PLAIN_WIDTH)
    for one in compared:
        _show(one, out)


def _show(one: Compared, out: Console) -> None:
    marks = {reason.id: chr(ord("a") + place) for place, reason in enumerate(one.reasons)}
    out.print(fit(one.table.title), style="bold")
    for keys in _pages(one, marks, out.width):
        out.print(_table(one, keys, marks))
        out.print()
    for line in _beside(one):
        out.print(fit(line), highlight=False)
    for reason in one.reasons:
        out.print(fit(f"{marks[reason.id]}  {reason.short}: {reason.text}"), highlight=False)
    out.print(fit(f"{one.table.title.partition(':')[0]}: {one.tally}"), style="bold", highlight=False)
    out.print()


def _pages(one: Compared, marks: dict[str, str], width: int) -> Iterator[list[str]]:
    """The quantities in parts that fit the width next to the rows' names."""
    label = max(_LEAST_LABEL, *(len(_label(row.label, row.scale)) for row in one.rows))
    page: list[str] = []
    used = label
    for key in one.table.quantities:
        needed = sum(_widths(one, key, marks))
        if page and used + needed > width:
            yield page
            page, used = [], label
        page.append(key)
        used += needed
    yield page


def _widths(one: Compared, key: str, marks: dict[str, str]) -> list[int]:
    columns = zip(*[_texts(row.cells.get(key), marks) for row in one.rows], strict=True)
    widths = [max(len(head), *map(len, texts)) + 2 for head, texts in zip(_HEADS, columns, strict=True)]
    return widths if _printed(one, key) else [max(widths[1], len(_heading(key)) + 2)]


_HEADS = ("published", "ours", "difference")


def _table(one: Compared, keys: Sequence[str], marks: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for key in keys:
        first, *others = _HEADS if _printed(one, key) else ("ours",)
        table.add_column(f"{fit(_heading(key))}\n{first}", justify="right", no_wrap=True)
        for head in others:
            table.add_column(f"\n{head}", justify="right", no_wrap=True)
    for row in one.rows:
        texts = [fit(_label(row.label, row.scale))]
        for key in keys:
            cell = row.cells.get(key)
            shown = [fit(text) for text in _texts(cell, marks)]
            if cell is not None and cell.verdict in _STYLES and shown[2]:
                shown[2] = f"[{_STYLES[cell.verdict]}]{shown[2]}[/]"
            texts += shown if _printed(one, key) else shown[1:2]
        table.add_row(*texts)
    return table


def _texts(cell: Cell | None, marks: dict[str, str]) -> tuple[str, str, str]:
    """Published, ours, difference with the letter of the reason; a dash if ours is missing."""
    if cell is None:
        return "", "", ""
    mark = marks[cell.reason.id] if cell.reason else ""
    wrong = "WRONG" if cell.verdict is Verdict.MISMATCH else ""
    difference = " ".join(filter(None, (difference_shown(cell), mark, wrong)))
    return cell.printed.text if cell.printed else "", ours_shown(cell) or "–", difference


def _beside(one: Compared) -> list[str]:
    said: dict[str, list[str]] = {}
    for row in one.rows:
        for cell in row.cells.values():
            if cell.beside:
                said.setdefault(f"{QUANTITIES[cell.quantity].label}, {cell.beside}", []).append(
                    _label(row.label, row.scale)
                )
    return [f"{words}: {'; '.join(rows)}" for words, rows in said.items()]


def _label(label: str, scale: int) -> str:
    return f"x{scale} {label}" if scale else label


def _heading(key: str) -> str:
    quantity = QUANTITIES[key]
    return " ".join(filter(None, (quantity.label, quantity.unit)))


def _printed(one: Compared, key: str) -> bool:
    return any(cell.quantity == key for cell in one.cells)


def as_csv(compared: Sequence[Compared]) -> str:
    """One line per cell: table, row, scale, quantity, published, ours, difference, verdict, reason, beside."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    cells = list(_cells(compared))
    writer.writerow(cells[0].keys())
    writer.writerows([csv_cell(value) for value in cell.values()] for cell in cells)
    return out.getvalue()


def as_json(compared: Sequence[Compared]) -> str:
    """The tallies by table, and the cells as in the CSV."""
    tallies = {
        one.table.id: {name: getattr(one.tally, name) for name in one.tally.__dataclass_fields__} for one in compared
    }
    value = {"tallies": tallies, "cells": list(_cells(compared))}
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _cells(compared: Sequence[Compared]) -> Iterator[dict[str, Any]]:
    for one in compared:
        for row in one.rows:
            for cell in row.cells.values():
                yield {
                    "table": one.table.id,
                    "row": row.label,
                    "scale": row.scale or None,
                    "quantity": cell.quantity,
                    "unit": QUANTITIES[cell.quantity].unit,
                    "published": cell.printed.value if cell.printed else None,
                    "ours": cell.ours,
                    "difference": cell.difference,
                    "verdict": cell.verdict.value,
                    "reason": cell.reason.text if cell.reason else "",
                    "beside": cell.beside,
                }
