"""The views of a leaderboard's table: which of its columns each shows. They work without a script, by radio buttons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rtsr_bench.report.column import ALL, VIEWS, BoardColumn

if TYPE_CHECKING:
    from rtsr_bench.report.tables import Column, Table


@dataclass(frozen=True, kw_only=True, slots=True)
class TableView:
    """A view of a table: its id, the headings over its columns with their spans, and what its style sheet needs.

    `hidden` are the places (from 1) of the visible columns that it does not show, `edges` of those that start a group.
    """

    id: str
    heads: tuple[tuple[str, int], ...]
    hidden: tuple[int, ...]
    edges: tuple[int, ...]


def table_views(table: Table) -> tuple[TableView, ...]:
    """Every view of a table, in their order."""
    return tuple(_view(table, name) for name in VIEWS)


def view_style(table: Table) -> str:
    """The rules by which the radio button of a view hides columns and marks the start of groups; CSS."""
    rules = []
    for view in table_views(table):
        cells = f"main:has(#view-{view.id}:checked) #table-{table.id} tr:not(.heads)>"
        for places, rule in ((view.hidden, "display:none"), (view.edges, "border-left:1px solid var(--line)")):
            if places:
                rules.append(f"{cells}:is({','.join(f':nth-child({place})' for place in places)}){{{rule}}}")
    return "\n".join(rules)


def _view(table: Table, name: str) -> TableView:
    places = [place for place, column in enumerate(table.visible, start=1) if _shows(column, name)]
    columns = tuple(table.visible[place - 1] for place in places)
    heads = replace(table, columns=columns).groups
    edges, at = [], 0
    for _, span in heads:
        edges.append(places[at])
        at += span
    return TableView(
        id=name,
        heads=heads,
        hidden=tuple(place for place in range(1, len(table.visible) + 1) if place not in places),
        edges=tuple(edges[1:]),
    )


def _shows(column: Column, view: str) -> bool:
    return view == ALL or column.heading or not isinstance(column, BoardColumn) or view in column.views
