"""Renders templates and tables to the site's files, in memory, by path."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from rtsr_bench import __version__
from rtsr_bench.leaderboard import BANDS
from rtsr_bench.report.exports import FORMATS
from rtsr_bench.report.markup import with_code
from rtsr_bench.report.text import one_line, shorten
from rtsr_bench.text import replaced

if TYPE_CHECKING:
    from rtsr_bench.report.tables import Table, Value


STATIC = ("style.css", "sort.js", "regions.js", "board.js", "budget.js", "compare.js", "comparing.js", "gallery.js")
"""The files that pages load."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A table for a page: label and path of its exports, and the visible columns that start a group."""

    table: Table
    exports: tuple[tuple[str, str], ...]
    edges: frozenset[int]


class Press:
    """Collects a site's files: `files` by path relative to the site, `/` between folders."""

    def __init__(self, record_count: int) -> None:
        import jinja2

        self.files: dict[str, bytes] = {}
        self.problems: list[str] = []
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("rtsr_bench.report"),
            autoescape=True,  # every name is untrusted
            undefined=jinja2.StrictUndefined,
            finalize=_fit,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["short"] = lambda value, most: shorten(str(value), most)
        self._environment.filters["line"] = lambda value: one_line(str(value))
        self._environment.filters["plain"] = _plain
        self._environment.filters["code"] = with_code
        self._environment.globals.update(bands=BANDS, version=__version__, record_count=record_count)
        for name in STATIC:
            self.files[f"assets/{name}"] = (resources.files(__package__) / "static" / name).read_bytes()

    def page(self, path: str, template: str, **context: Any) -> None:
        """Render a page; links in templates start with `root`, the relative path to the top of the site."""
        root = "../" * path.count("/")
        text = self._environment.get_template(template).render(root=root, **{"here": "", **context})
        self.files[path] = text.encode("utf-8")

    def table(self, table: Table) -> View:
        """Render a table's exports and return its view for a page."""
        exports = []
        for ending, (label, write) in FORMATS.items():
            address = f"exports/{table.id}.{ending}"
            self.files[address] = write(table).encode("utf-8")
            exports.append((label, address))
        edges, place = set(), 0
        for _, span in table.groups:
            edges.add(place)
            place += span
        return View(table=table, exports=tuple(exports), edges=frozenset(edges - {0}))


def _fit(value: Any) -> Any:
    """Clean a value before a template prints it: text without control characters, markup unchanged."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return replaced(value)
    return value


def _plain(value: Value) -> str:
    """A value as a sort key: a number unrounded, text on one line."""
    return shorten(value, 400) if isinstance(value, str) else repr(value)
