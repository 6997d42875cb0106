"""Pages and exports of a board with an open division, and what boards of closed rows alone do not have."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from demo_records import CPU, failure, record, under
from test_pages import Page

from rtsr_bench.protocol import Precision
from rtsr_bench.record import Setup, Stage
from rtsr_bench.report.frames import frames
from rtsr_bench.report.site import compose

COLUMNS = ("execution", "loss_db", "setup_s", "graph_bytes", "setup_peak_bytes")


def records():
    one = record("Team A", "a/x2", gain_db=0.5, mean_ms=40.0, system=CPU)
    other = record("<b>B</b>", "b/x2", gain_db=0.9, mean_ms=90.0, system=CPU)
    why = failure(Stage.EXPORT, message="cannot export <i>roll</i>")
    hostile = {"<script>alert(2)</script>": "=1+1"}
    bf16 = {"precision": Precision.BF16, "loss_db": 0.1}
    return {
        "a-closed.json": one,
        "b-closed.json": other,
        "a-compile.json": under(one, "compile", mean_ms=30.0, loss_db=0.001),
        "a-openvino.json": under(one, "openvino", mean_ms=10.0, setup=Setup(seconds=5.5), **bf16),
        "a-onnx.json": under(one, "onnxruntime", fidelity=why, runtime=why, setup=None),
        "b-onnx.json": under(other, "<img src=x>", mean_ms=50.0, options=hostile),
        "look.json": record("Team A", "a/x2", looking=True, system=CPU),
    }


@pytest.fixture(scope="module")
def files():
    found, problems = compose(records())
    assert problems == ()
    return found


@pytest.fixture(scope="module")
def board(files):
    (page,) = (data.decode() for path, data in files.items() if path.startswith("boards/"))
    return page


def model_page(files, record_name: str) -> str:
    """The page whose evidence names a record."""
    pages = (data.decode() for path, data in files.items() if path.startswith("models/"))
    (page,) = (page for page in pages if f"<dt>Record</dt><dd><bdi>{record_name}</bdi>" in page)
    return page


def table(files, ending: str) -> list[dict[str, object]]:
    """Rows of the JSON export whose name ends so."""
    (path,) = (path for path in files if path.startswith("exports/") and path.endswith(f"{ending}.json"))
    rows = json.loads(files[path])["rows"]
    with_csv = list(csv.DictReader(io.StringIO(files[path.replace(".json", ".csv")].decode(), newline="")))
    assert [row["model"] for row in with_csv] == [row["model"] for row in rows]
    return rows


def open_id(files) -> str:
    (path,) = (path for path in files if re.search(r"exports/builtin.*--open-[0-9a-f]{8}\.json", path))
    return path.removesuffix(".json")


def test_the_board_has_both_divisions_and_a_list_that_needs_no_script(board) -> None:
    headings = re.findall(r"<h2 id=\"group-[^>]*>([^<]*) <span class=\"tag (\w+)\">([^<]*)", board)
    assert headings == [
        ("Closed division", "official", "official protocol"),
        ("Open division", "open", "other executions"),
        ("Unofficial runs (not ranked)", "unofficial", "unofficial"),
    ]
    (listed,) = re.findall(r"<details class=\"executions\">(.*?)</details>", board, re.DOTALL)
    assert "<summary>All executions (6)</summary>" in listed
    rows = listed.partition("<tbody>")[2].partition("</tbody>")[0].strip().splitlines()
    assert [re.findall(r"<td class=\"text\"[^>]*><bdi>(\w+)</bdi>", row)[0] for row in rows] == [
        "open", "open", "closed", "open", "open", "closed",
    ]  # fmt: skip
    assert "cannot export &lt;i&gt;roll&lt;/i&gt;" in listed
    assert "the reference" in listed
    assert "loses 0.10 dB against eager fp32" in listed


def test_pages_are_well_formed_and_names_stay_text(files) -> None:
    for path, data in files.items():
        if path.endswith(".html"):
            text = data.decode()
            page = Page(text)
            assert page.faults == [], path
            assert [one for one, times in page.ids.items() if times > 1] == [], path
            assert "<img src=x" not in text
            assert "<script>alert" not in text
            assert not page.handlers
    board = next(data.decode() for path, data in files.items() if path.startswith("boards/"))
    assert "&lt;img src=x&gt;, fp32, &lt;script&gt;alert(2)&lt;/script&gt; =1+1" in board


def test_every_record_has_a_page_and_every_link_leads_to_one(files) -> None:
    assert sum(path.startswith("models/") for path in files) == len(records())
    for path, data in files.items():
        if path.startswith(("boards/", "models/")) and path.endswith(".html"):
            links = [link.removeprefix("../") for link in Page(data.decode()).links if link.startswith("../")]
            assert all(link in files for link in links if "#" not in link), path


def test_open_tables_have_the_columns_in_every_export_and_closed_ones_do_not(files) -> None:
    name = open_id(files)
    rows = json.loads(files[f"{name}.json"])["rows"]
    assert [(row["model"], row["rank"], row["execution"], row["setup_s"]) for row in rows] == [
        ("a/x2", 1, "openvino, bf16", 5.5),
        ("b/x2", 2, "<img src=x>, fp32, <script>alert(2)</script> =1+1", 21.5),
    ]
    assert rows[0]["loss_db"] == pytest.approx(0.1)
    assert rows[1]["graph_bytes"] == 3 << 20
    headings = ((".md", "Execution"), (".tex", "Execution"), (".md", r"Loss \[dB\]"), (".tex", "Set-up [s]"))
    for ending, heading in headings:
        assert heading in files[f"{name}{ending}"].decode(), (ending, heading)
    others = [path for path in files if re.search(r"exports/builtin[^.]*\.csv", path)]
    plain = [path for path in others if not path.startswith(name) and "executions" not in path and "models" not in path]
    assert len(plain) > 2
    for path in plain:
        assert not set(files[path].decode().splitlines()[0].split(",")) & set(COLUMNS), path


def test_the_list_of_executions_is_exported(files) -> None:
    rows = table(files, f"{open_id(files).removeprefix('exports/')}--executions")
    found = [(row["model"], row["division"], row["execution"].partition(",")[0]) for row in rows]
    assert found == [
        ("a/x2", "open", "openvino"),
        ("a/x2", "open", "compile"),
        ("a/x2", "closed", "eager"),
        ("a/x2", "open", "onnxruntime"),
        ("b/x2", "open", "<img src=x>"),
        ("b/x2", "closed", "eager"),
    ]
    assert [row["loss_db"] is None for row in rows] == [False, False, True, True, False, True]


def test_a_board_of_closed_rows_alone_is_as_it_was() -> None:
    some = {name: one for name, one in records().items() if "closed" in name or name == "look.json"}
    text = {path: data.decode() for path, data in compose(some)[0].items() if path.startswith(("boards/", "exports/b"))}
    (board,) = (page for path, page in text.items() if path.startswith("boards/"))
    assert ">Ranked <span" in board
    assert "division" not in board
    assert not [path for path, page in text.items() if any(column in page for column in COLUMNS)]


def test_a_models_page_has_its_execution_setup_and_loss(files) -> None:
    best = model_page(files, "a-openvino.json")
    assert "<dt>Execution</dt><dd>openvino<small>bf16</small>" in best
    assert "<dt>Loss</dt><dd>+0.100 dB<small>against eager fp32</small>" in best
    assert "<dt>Set-up</dt><dd>5.5 s</dd>" in best
    assert "Rank <strong>1</strong> of 2 in the open division of" in best
    assert "Under the timed execution: openvino, bf16. Under eager fp32 the PSNR is" in best
    assert "(+0.1000 dB compared with the timed execution)" in best
    second = model_page(files, "a-compile.json")
    assert "graph 3.0 MiB, peak memory 90.0 MiB" in second
    assert "another execution</a> of this model is better" in second


def test_a_models_page_lists_its_executions_and_no_others(files) -> None:
    for name in ("a-openvino.json", "a-closed.json", "a-onnx.json"):
        page = model_page(files, name)
        section = page.partition('<h2 id="executions">')[2].partition("<h2")[0]
        assert section.count('<th scope="row"') == 4, name
        assert "b/x2" not in section
    assert 'id="executions"' not in model_page(files, "look.json")


def test_the_index_counts_open_models_apart_from_unofficial_rows(files) -> None:
    (row,) = json.loads(files["exports/leaderboards.json"])["rows"]
    assert {key: row[key] for key in ("leader", "ranked", "failed", "open", "unofficial")} == {
        "leader": "a/x2", "ranked": 2, "failed": 0, "open": 2, "unofficial": 1,
    }  # fmt: skip
    assert row["runtime_ms"] == pytest.approx(40, rel=0.05)  # the leader of the closed division
    alone = {name: one for name, one in records().items() if name == "a-openvino.json"}
    index = compose(alone)[0]["index.html"].decode()
    assert "open division: openvino, bf16" in index
    closed = {name: one for name, one in records().items() if "closed" in name}
    (row,) = json.loads(compose(closed)[0]["exports/leaderboards.json"])["rows"]
    assert "open" not in row


def test_the_long_table_has_division_loss_and_setup_of_every_record() -> None:
    some = records()
    lines = frames(some)["records"].set_index("record")
    assert lines["division"].fillna("").to_dict() == {
        name: "closed" if "closed" in name else "" if name == "look.json" else "open" for name in some
    }
    assert lines["standing"].to_dict() == {
        "a-closed.json": "ranked", "b-closed.json": "ranked", "b-onnx.json": "ranked", "a-openvino.json": "ranked",
        "a-compile.json": "other execution", "a-onnx.json": "failed", "look.json": "not ranked",
    }  # fmt: skip
    best = lines.loc["a-openvino.json"]
    assert (best["rank"], best["execution"], best["setup_s"]) == (1, "openvino, bf16", 5.5)
    assert best["loss_db"] == pytest.approx(0.1)
    assert pd.isna(best["graph_bytes"])
    assert lines.loc["a-compile.json", "graph_bytes"] == 3 << 20
    assert lines.loc["a-compile.json", "setup_peak_bytes"] == 90 << 20
    assert pd.isna(lines.loc["a-closed.json", "loss_db"])
    assert not lines.loc["a-openvino.json", "official"]


def test_how_to_read_explains_divisions_and_their_columns(files) -> None:
    page = files["how-to-read.html"].decode()
    assert 'id="divisions"' in page
    for heading in ("Execution", "Loss", "Set-up", "Graph"):
        assert f"<bdi>{heading}</bdi>" in page


def test_closed_rows_of_other_data_are_not_listed() -> None:
    one = record("Team A", "a/x2", system=CPU)
    elsewhere = replace(one, data=(replace(one.data[0], digest="0" * 16),))
    files, _ = compose({"a.json": elsewhere, "b.json": under(one)})
    (board,) = (data.decode() for path, data in files.items() if path.startswith("boards/"))
    assert "All executions (1)" in board
