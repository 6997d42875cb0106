"""Tables for other programs and for papers: CSV and JSON with every digit, Markdown and LaTeX as shown."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING

from rtsr_bench.report.text import MISSING, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtsr_bench.report.tables import Column, Table, Value

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a text cell with such a start as a formula; OWASP recommends an apostrophe before it."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "−": r"$-$",
    "±": r"$\pm$",
    "∞": r"$\infty$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "–": "--",
    "\u202f": r"\,",
}


def as_csv(table: Table) -> str:
    """CSV (RFC 4180, UTF-8): keys as header, numbers unrounded, missing values empty, formulas in text disarmed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        writer.writerow([csv_cell(row.values.get(column.key)) for column in table.columns])
    return out.getvalue()


def as_json(table: Table) -> str:
    """Strict JSON: id, caption, the columns with label, unit and direction, the rows as objects; infinite is null."""
    value = {
        "id": table.id,
        "caption": one_line(table.caption),
        "columns": [
            {
                "key": column.key,
                "label": " ".join(filter(None, (column.group, column.label))),
                "unit": column.unit if column.factor == 1 else "",
                "better": column.better,
                "explanation": column.explanation,
            }
            for column in table.columns
        ],
        "rows": [
            {column.key: _json_value(row.values.get(column.key)) for column in table.columns} for row in table.rows
        ],
    }
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_markdown(table: Table) -> str:
    """A pipe table of the visible columns, formatted as on the page."""
    columns = table.visible
    lines = [
        "| " + " | ".join(markdown_text(_head(column)) for column in columns) + " |",
        "| " + " | ".join("---:" if column.numeric else "---" for column in columns) + " |",
    ]
    lines += ["| " + " | ".join(cells) + " |" for cells in _cells(table, markdown_text)]
    return "\n".join(lines) + "\n"


def as_latex(table: Table) -> str:
    """A booktabs tabular of the visible columns, formatted as on the page; non-Latin names need XeLaTeX or LuaLaTeX."""
    columns = table.visible
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{tabular}{" + "".join("r" if column.numeric else "l" for column in columns) + "}",
        "\\toprule",
        " & ".join(_latex(_head(column)) for column in columns) + r" \\",
        "\\midrule",
        *(" & ".join(cells) + r" \\" for cells in _cells(table, _latex)),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


FORMATS: dict[str, tuple[str, Callable[[Table], str]]] = {
    "csv": ("CSV", as_csv),
    "md": ("Markdown", as_markdown),
    "tex": ("LaTeX", as_latex),
    "json": ("JSON", as_json),
}
"""File suffix to the format's name and writer."""


def _head(column: Column) -> str:
    arrow = {"higher": " ↑", "lower": " ↓", "": ""}[column.better]
    unit = f" [{column.unit}]" if column.unit else ""
    return " ".join(filter(None, (column.group, column.label))) + unit + arrow


def _cells(table: Table, escape: Callable[[str], str]) -> list[list[str]]:
    columns = table.visible  # once: it looks at every row
    return [[escape(column.text(row.values.get(column.key))) for column in columns] for row in table.rows]


def csv_cell(value: Value) -> str:
    """A value as a CSV cell: numbers unrounded, and text that a spreadsheet will not run as a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = one_line(value)
        return "'" + text if text.startswith(_FORMULA) else text
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _json_value(value: Value) -> Value:
    if isinstance(value, str):
        return one_line(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def markdown_text(text: str) -> str:
    """Escape characters that Markdown or HTML would interpret as markup."""
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]()#|~!$])", r"\\\1", line)
    return re.sub(r"(?i)(https?|www|mailto)(?=[:.])", r"\1&#8203;", line) if line != MISSING else line


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in one_line(text))
