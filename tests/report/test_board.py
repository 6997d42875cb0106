"""A board's page: views of columns, links to rows, ranks, the figure, and what only its script adds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from demo_records import record
from test_pages import Page

from rtsr_bench.report.column import VIEWS, BoardColumn
from rtsr_bench.report.markup import with_code
from rtsr_bench.report.site import compose
from rtsr_bench.report.tables import Column, Table, TableRow
from rtsr_bench.report.views import table_views, view_style


@pytest.fixture(scope="module")
def board(site):
    out, _ = site
    (path,) = out.glob("boards/builtin-x2--nvidia*.html")
    return path.read_text(encoding="utf-8")


def heads(table: str) -> list[str]:
    """The keys of a board's columns, in order."""
    return re.findall(r'<th scope="col"[^>]* data-key="(\w+)"', table)


def hidden(page: str, view: str) -> set[int]:
    found = re.search(rf"view-{view}:checked\) #table-\S+ tr:not\(.heads\)>:is\(([^{{]*)\){{display:none}}", page)
    return {int(place) for place in re.findall(r"nth-child\((\d+)\)", found[1])} if found else set()


def shown(page: str, view: str) -> list[str]:
    gone = hidden(page, view)
    return [key for place, key in enumerate(heads(page), start=1) if place not in gone]


def test_each_view_has_its_columns(board):
    every = heads(board)
    assert shown(board, "all") == every
    assert shown(board, "overview") == [
        "rank", "model", "score", "gain_db", "psnr_rgb_b0_db", "ssim_rgb_b0", "psnr_y_b0_db", "runtime_ms", "fps",
        "params", "macs", "memory_bytes",
    ]  # fmt: skip
    assert shown(board, "speed") == ["rank", "model", "score", "runtime_ms", "median_ms", "p95_ms", "p99_ms", "fps"]
    assert shown(board, "quality")[4:-1] == ["psnr_rgb_b0_db", "ssim_rgb_b0", "psnr_y_b0_db", "ssim_y_b0"]
    assert shown(board, "cost")[4:] == ["params", "macs", "flops", "activations", "memory_bytes"]
    assert set(every) == {key for view in VIEWS for key in shown(board, view)}


def test_headings_over_columns_span_those_of_the_view(board):
    table = board.partition('<table class="sortable board')[2].partition("</table>")[0]
    for view in VIEWS:
        (row,) = re.findall(rf'<tr class="heads for-{view}">(.*?)</tr>', table)
        assert sum(map(int, re.findall(r'colspan="(\d+)"', row))) == len(shown(board, view))
    (row,) = re.findall(r'<tr class="heads for-speed">(.*?)</tr>', table)
    assert re.findall(r'colspan="(\d+)"[^>]*>([^<]*)<', row) == [("3", ""), ("5", "Runtime at 1080x1920")]


def test_a_view_of_columns_that_no_view_names_is_the_overview_and_all():
    one = BoardColumn(key="own", label="Own", explanation="Own.", value=lambda row: 1)
    table = Table(
        id="t",
        caption="T",
        columns=(
            Column(key="model", label="Model", heading=True, explanation=""),
            one,
            replace(one, key="x", group="G"),
        ),
        rows=(TableRow(values={"model": "a", "own": 1, "x": 2}),),
    )
    assert {view.id: view.hidden for view in table_views(table)} == {
        "overview": (), "speed": (2, 3), "quality": (2, 3), "cost": (2, 3), "all": (),
    }  # fmt: skip
    assert table_views(table)[0].edges == (3,)
    assert "#view-speed:checked) #table-t tr:not(.heads)>:is(:nth-child(2),:nth-child(3)){display:none}" in view_style(
        table
    )


def test_ranks_have_their_intervals_and_lines_between_what_can_be_told_apart(board):
    cells = re.findall(
        r'<td class="num rank" data-v="(\d+)">\s*<bdi>\d+</bdi><small class="note"><bdi>\((\d+)(?:–(\d+))?\)', board
    )
    assert len(cells) > 10
    assert all(int(low) <= int(rank) <= int(high or low) for rank, low, high in cells)
    assert re.search(r'<tr id="m-[^>]* class=" apart">', board)
    assert "A line between rows separates groups that can be told apart" in board


def test_every_row_has_a_link_to_itself_that_lasts(board):
    ids = re.findall(r'<tr id="(m-[a-z0-9_-]+)"', board)
    assert len(ids) == len(set(ids)) > 15
    assert "m-noah-x2" in ids
    assert set(re.findall(r'href="#(m-[a-z0-9_-]+)"', board)) == set(ids)
    one = record("A", "noah/x2")
    newer = replace(one, submission=replace(one.submission, digest="f" * 64))
    files, _ = compose({"a.json": newer})
    assert any(b'id="m-noah-x2"' in data for path, data in files.items() if path.startswith("boards/"))


def test_the_figure_is_of_psnr_and_its_points_are_rows(board):
    figures = re.findall(r'<svg class="figure plane".*?</svg>', board, re.DOTALL)
    assert figures
    assert "Score against runtime" not in board
    ids = set(re.findall(r'<tr id="m-([a-z0-9_-]+)"', board))
    keys = set(re.findall(r'data-key="([a-z0-9_-]+)"', figures[0]))
    assert len(keys) > 10
    assert keys <= ids
    assert "<a " not in figures[0]


def test_the_sign_of_a_band_is_not_before_a_number(site):
    out, built = site
    for path in built.pages:
        text = (out / path).read_text(encoding="utf-8")
        assert not re.search(r"[▁▂▄▆█](?:<[^>]*>)*\s*[\d.]+<", re.sub(r"<dd>.*?</dd>", "", text)), path


def test_no_heading_is_empty_and_no_backtick_is_left(site):
    out, built = site
    for path in built.pages:
        text = (out / path).read_text(encoding="utf-8")
        assert not re.search(r"<th[^>]*>\s*</th>", text), path
        assert "`" not in text, path


def test_code_in_text_is_escaped_and_lone_backticks_stay():
    assert with_code("a <b> `run <x>` c") == "a &lt;b&gt; <code>run &lt;x&gt;</code> c"
    assert with_code("a ` b") == "a ` b"
    assert with_code("plain") == "plain"


def test_a_row_has_two_lines_unless_it_is_not_ranked(board):
    for row in re.findall(r"<tr id=\"m-.*?</tr>", board, re.DOTALL):
        if " muted" in row.partition(">")[0] or 'class="muted' in row.partition(">")[0]:
            continue
        for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL):
            assert len(re.findall(r"<small", cell)) <= 1, cell


def test_tab_stops_are_few_without_a_script_too(board):
    page = Page(board)
    ranked = len(re.findall(r'<tr id="m-', board))
    links = len(re.findall(r"<a (?![^>]*tabindex=\"-1\")", board))
    assert links < ranked + 60
    assert page.tags["button"] == 0
