"""A column that one file adds from outside the package stands on the page, in all exports and on the terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import record
from run_with_plugins import measured

from rtsr_bench import plugins
from rtsr_bench.cli.progress import Display
from rtsr_bench.errors import UserError
from rtsr_bench.report.column import COLUMNS, BoardColumn, add_column
from rtsr_bench.report.site import compose

DUMMY = Path(__file__).with_name("column_images.py")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the one file, and forget it after the test."""
    monkeypatch.setattr(COLUMNS, "_members", COLUMNS.all())
    monkeypatch.setattr(plugins, "_process", plugins._Process())
    monkeypatch.setenv(plugins.ENVIRONMENT, str(DUMMY))


def test_it_is_one_file() -> None:
    assert plugins.python_files() == (DUMMY,)
    COLUMNS.find("images")


def test_it_is_on_the_page_in_all_exports_and_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    one = record()
    count = len(one.fidelity.images)  # type: ignore[union-attr]  # it was measured
    files, problems = compose({"a.json": one})
    assert problems == ()
    (page,) = [data.decode() for path, data in files.items() if path.startswith("boards/")]
    assert re.search(rf'<th[^>]*title="How many images the means are over."[^>]*>Images</th>.*<bdi>{count}</bdi>', page,
                     re.DOTALL)  # fmt: skip
    mine = {path: data.decode() for path, data in files.items() if path.startswith("exports/builtin-x2--nvidia")}
    exports = {path.rpartition(".")[2]: text for path, text in mine.items()}
    assert next(csv.DictReader(io.StringIO(exports["csv"])))["images"] == str(count)
    assert json.loads(exports["json"])["rows"][0]["images"] == count
    assert "Images" in exports["md"].splitlines()[0]
    assert f"| {count} |" in exports["md"].splitlines()[2]
    assert "& Images" in exports["tex"]
    (reading,) = [data.decode() for path, data in files.items() if path == "how-to-read.html"]
    assert "How many images the means are over." in reading

    with Display() as display:
        display.table([one])
    heading, row = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()][1:3]
    assert "Images" in heading
    assert str(count) in row


def test_the_report_of_a_run_has_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    _, page = measured(tmp_path_factory.getbasetemp())
    assert re.search(r'<th[^>]*title="How many images the means are over."[^>]*>Images</th>', page)


def test_a_column_that_raises_is_one_line_that_names_it() -> None:
    add_column(BoardColumn(key="broken", label="Broken", explanation="Raises.", value=lambda row: 1 / 0))
    with pytest.raises(UserError, match=r"column .broken.: the value of team_x.s-x2 raised ZeroDivision") as e:
        compose({"a.json": record()})
    assert "\n" not in str(e.value)


def test_two_columns_of_one_key_are_refused() -> None:
    add_column(replace(COLUMNS.find("memory_bytes").make(None)[0], key="fps"))  # type: ignore[arg-type,index]  # it reads no scope
    with pytest.raises(UserError, match="column 'fps': expected a unique key"):
        compose({"a.json": record()})


def test_the_documented_example_is_this_file() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.DOTALL)
    ours = DUMMY.read_text(encoding="utf-8").partition('"""\n\n')[2]
    assert ours in blocks
