"""A table as data: columns with label, unit, direction and digits; rows of plain values, notes and links."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rtsr_bench.report.text import MISSING, number
from rtsr_bench.text import replaced

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Band

Value = str | float | int | bool | None
Tone = Literal["sub", "warn", "bad"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """The content of a column and its display.

    `better` is the better direction; numbers are divided by `factor` before they are shown with `unit` and `digits`,
    but not in CSV and JSON. `group` is a heading over neighbouring columns. A column that is not `shown` is only in CSV
    and JSON. `heading` marks the column that names the row.
    """

    key: str
    label: str
    explanation: str
    unit: str = ""
    better: Literal["higher", "lower", ""] = ""
    digits: int | None = None
    factor: float = 1.0
    signed: bool = False
    group: str = ""
    heading: bool = False
    shown: bool = True
    emphasis: bool = False

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.digits is not None

    def text(self, value: Value) -> str:
        """A value as displayed."""
        if value is None or value == "":
            return MISSING
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return replaced(value)
        return number(value / self.factor if self.factor != 1 else value, self.digits or 0, signed=self.signed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A note under a value: a detail (`sub`), a warning (`warn`) or why the row is not ranked (`bad`)."""

    tone: Tone
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRow:
    """Values by column key, with notes and links by the same keys, and the FPS band if there is one.

    `anchor` is the row's id on its page, without the prefix; `apart`: rows above can be told apart from this and later
    ones.
    """

    values: dict[str, Value]
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    band: Band | None = None
    muted: bool = False
    anchor: str = ""
    apart: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Columns and rows with an `id` (a slug, unique in the site) and a caption."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    mark_best: bool = True

    @property
    def visible(self) -> tuple[Column, ...]:
        """The displayed columns: those with values, and the one that names the row."""
        return tuple(
            column
            for column in self.columns
            if column.shown and (column.heading or any(row.values.get(column.key) is not None for row in self.rows))
        )

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Headings over the visible columns with the number of columns each spans; empty if there are none."""
        spans: list[tuple[str, int]] = []
        for column in self.visible:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return tuple(spans) if any(name for name, _ in spans) else ()

    @property
    def best(self) -> dict[str, float]:
        """The best value of each column that has a direction, among rows that are not muted (at least two of them)."""
        found = {}
        for column in self.columns:
            values = [
                value
                for row in self.rows
                if not row.muted
                and isinstance(value := row.values.get(column.key), int | float)
                and math.isfinite(value)
            ]
            if self.mark_best and column.better and len(values) > 1 and min(values) != max(values):
                found[column.key] = max(values) if column.better == "higher" else min(values)
        return found
