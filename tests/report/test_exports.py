"""CSV, JSON, Markdown and LaTeX of a table: they parse back, they agree, and they run nothing."""

from __future__ import annotations

import csv
import io
import json
import math
import re

import pytest

from rtsr_bench.report.exports import as_csv, as_json, as_latex, as_markdown
from rtsr_bench.report.tables import Column, Table, TableRow

NASTY = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "<script>alert(1)</script>",
    "a|b",
    "$x^2$ & 50 % of #1 {_~\\}",
    "[link](https://example.org)",
    'say "hi", they said',
    "two\nlines",
    "\x00\x1b[31m",
    "فريق",
    "🚀",
]


def psnr(i):
    return None if i == 1 else 30 + math.pi + i


def table(names=NASTY):
    columns = (
        Column(key="name", label="Name", explanation="A name.", heading=True),
        Column(key="macs", label="MACs", unit="G", factor=1e9, digits=2, better="lower", explanation="Counted."),
        Column(key="psnr", label="PSNR", unit="dB", digits=3, better="higher", group="RGB", explanation="Measured."),
        Column(key="digest", label="Digest", shown=False, explanation="For machines."),
    )
    rows = tuple(
        TableRow(values={"name": name, "macs": 24_190_123_456 + i, "psnr": psnr(i), "digest": "d"})
        for i, name in enumerate(names)
    )
    return Table(id="t", caption="A table", columns=columns, rows=rows)


def test_csv_holds_every_digit_and_no_formula():
    lines = list(csv.DictReader(io.StringIO(as_csv(table()), newline="")))
    assert [int(line["macs"]) for line in lines] == [24_190_123_456 + i for i in range(len(NASTY))]
    assert float(lines[0]["psnr"]) == 30 + math.pi
    assert lines[1]["psnr"] == ""
    assert not any(line["name"].startswith(("=", "+", "-", "@", "\t", "\r")) for line in lines)
    assert lines[0]["name"] == "'=cmd|' /C calc'!A0"


def test_numbers_below_zero_stay_numbers_in_csv():
    one = table(["a"])
    row = TableRow(values={"name": "a", "psnr": -1.5})
    text = as_csv(Table(id="t", caption="", columns=one.columns, rows=(row,)))
    assert text.splitlines()[1] == "a,,-1.5,"


def test_json_is_strict_and_agrees_with_csv():
    def refuse(constant):
        raise AssertionError(constant)

    value = json.loads(as_json(table()), parse_constant=refuse)
    lines = list(csv.DictReader(io.StringIO(as_csv(table()), newline="")))
    for row, line in zip(value["rows"], lines, strict=True):
        assert str(row["macs"]) == line["macs"]
        assert ("" if row["psnr"] is None else repr(row["psnr"])) == line["psnr"]
        assert line["name"].lstrip("'") == row["name"]


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_json_has_no_infinite_number(value):
    one = table(["a"])
    text = as_json(Table(id="t", caption="", columns=one.columns, rows=(TableRow(values={"psnr": value}),)))
    assert json.loads(text)["rows"][0]["psnr"] is None


def test_markdown_rows_have_as_many_cells_as_the_head():
    lines = as_markdown(table()).splitlines()
    assert len(lines) == 2 + len(NASTY)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}
    assert "<script>" not in "".join(lines)
    assert "](https" not in "".join(lines)


def test_latex_escapes_what_it_would_run():
    text = as_latex(table())
    body = text[text.index("\\midrule") : text.index("\\bottomrule")]
    rows = [line for line in body.splitlines()[1:] if line]
    assert len(rows) == len(NASTY)
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {2}
    assert "\\$x\\textasciicircum{}2\\$ \\& 50 \\% of \\#1 \\{\\_\\textasciitilde{}\\textbackslash{}\\}" in body


def test_rounded_exports_show_what_pages_show():
    assert "24.19" in as_markdown(table())
    assert "33.142" in as_latex(table())
    assert "Digest" not in as_markdown(table())


def test_every_export_of_the_site_parses_and_agrees(site):
    out, _ = site
    files = sorted(out.glob("exports/*.csv"))
    assert len(files) > 50
    for file in files:
        lines = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
        value = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        assert lines[0] == [column["key"] for column in value["columns"]]
        assert len(set(lines[0])) == len(lines[0])
        assert len(lines) - 1 == len(value["rows"])
        assert {len(line) for line in lines} == {len(lines[0])}
        assert file.with_suffix(".md").is_file()
        assert file.with_suffix(".tex").is_file()


def test_exported_ranks_are_those_of_the_page(site):
    out, _ = site
    (file,) = [path for path in out.glob("exports/builtin-x2--nvidia*.json") if not path.name.endswith("--sets.json")]
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    ranked = [row for row in rows if row["rank"] is not None]
    assert [row["rank"] for row in ranked] == list(range(1, len(ranked) + 1))
    assert [row["score"] for row in ranked] == sorted((row["score"] for row in ranked), reverse=True)
    assert {row["standing"] for row in rows} == {"ranked", "not ranked", "failed"}
    assert all(row["reasons"] for row in rows if row["rank"] is None)
    assert all(1000 / row["runtime_ms"] == pytest.approx(row["fps"]) for row in ranked)
