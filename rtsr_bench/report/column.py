"""The definition of a leaderboard column, used by pages, exports and the terminal.

The members are the modules of `rtsr_bench/report/columns/` and those of plug-ins. A module has the columns under one
heading, which read the same part of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsr_bench.eligibility import counted_at
from rtsr_bench.errors import UserError
from rtsr_bench.leaderboard import Row
from rtsr_bench.metric import Metric, known
from rtsr_bench.plugins import Registry
from rtsr_bench.protocol import Colour, Convention, Size
from rtsr_bench.report.tables import Column, Note, Value

if TYPE_CHECKING:
    from rtsr_bench.protocol import Protocol
    from rtsr_bench.tracks import Track

AFTER_THE_SHIPPED = 100
"""The default order, after the shipped columns."""

ALL = "all"
VIEWS = {"overview": "Overview", "speed": "Speed", "quality": "Quality", "cost": "Cost", ALL: "All"}
"""The views of a leaderboard: what each is called. The first is shown at first, the last has every column."""

OVERVIEW = ("overview",)
EVERY_VIEW = tuple(VIEWS)

COLOURS = {Colour.RGB: "RGB", Colour.Y: "Y", Colour.Y_NTIRE23: "Y (NTIRE23)"}


def no_notes(row: Row) -> tuple[Note, ...]:
    """Return no notes."""
    del row
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardColumn(Column):
    """A column of a leaderboard: `value` and `notes` compute its cell from a row (None: there is no value).

    `terminal` is its heading in the table that `run` prints: empty for the label with its unit, None to omit the column
    there. An `optional` one is left out of a table, exports included, if no row has a value. `views` name the views
    (`VIEWS`) of a page that show it; the view of all columns always does.
    """

    value: Callable[[Row], Value]
    notes: Callable[[Row], tuple[Note, ...]] = no_notes
    terminal: str | None = ""
    optional: bool = False
    views: tuple[str, ...] = OVERVIEW

    def of(self, row: Row) -> Value:
        """The cell's value; UserError, naming the column, if computing it raises."""
        try:
            return self.value(row)
        except Exception as error:
            raise UserError(
                f"column {self.key!r}: the value of {row.record.model.id} raised {type(error).__name__}: {error}"
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The parameters of a table's columns: the track (None if unknown) and the part of the rules that is shown.

    `conventions` and `metrics` are those that have columns, `scored` is the convention of the score; `timed_at` and
    `counted_at` are LR sizes. `is_open`: rows of the open division are among them, so executions differ. `transfers`:
    some row has frames with their transfers.
    """

    track: Track | None
    conventions: tuple[Convention, ...]
    metrics: tuple[Metric, ...]
    scored: Convention
    timed_at: Size
    counted_at: Size
    is_open: bool = False
    transfers: bool = False

    @classmethod
    def of(cls, protocol: Protocol, track: Track | None, *, is_open: bool = False, transfers: bool = False) -> Scope:
        """The scope of rows measured under a protocol and scored by a track."""
        conventions = track.headline if track else protocol.conventions
        return cls(
            track=track,
            conventions=conventions,
            metrics=known(protocol.metrics),
            scored=track.score.convention if track else next(iter(conventions), Convention(Colour.RGB)),
            timed_at=protocol.input,
            counted_at=counted_at(protocol, track),
            is_open=is_open,
            transfers=transfers,
        )

    @property
    def pairs(self) -> tuple[tuple[Convention, Metric], ...]:
        """Each convention with each metric that supports it, in the order of the columns."""
        return tuple((one, metric) for one in self.conventions for metric in self.metrics if metric.knows(one))

    def short(self, convention: Convention) -> str:
        """A convention for a narrow heading: only the colour if no other shown convention has it."""
        alone = sum(other.colour is convention.colour for other in self.conventions) == 1
        return COLOURS[convention.colour] if alone else convention.words


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Neighbouring columns for a scope; a lower `order` is further left."""

    name: str
    make: Callable[[Scope], Iterable[BoardColumn]]
    order: int = AFTER_THE_SHIPPED


COLUMNS: Registry[Columns] = Registry("columns", "rtsr_bench.report.columns", lambda one: one.name)
"""All columns of leaderboards, those of plug-ins included."""


def add_column(column: BoardColumn, *, order: int = AFTER_THE_SHIPPED) -> BoardColumn:
    """Register a column that is the same on every leaderboard."""
    COLUMNS.add(Columns(name=column.key, make=lambda _: (column,), order=order))
    return column


def board_columns(scope: Scope) -> tuple[BoardColumn, ...]:
    """Return every column of a leaderboard's table, including export-only ones; UserError for a duplicate key."""
    found: dict[str, BoardColumn] = {}
    for columns in sorted(COLUMNS.all().values(), key=lambda one: (one.order, one.name)):
        for column in columns.make(scope):
            if column.key in found:
                raise UserError(f"column {column.key!r}: expected a unique key, found it twice; rename one")
            found[column.key] = column
    return tuple(found.values())
