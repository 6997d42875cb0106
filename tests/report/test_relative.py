"""Runtime relative to the fixed reference: derived from a record, on pages and in exports where a row has it."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from demo_records import CPU, demo, failure, record
from test_pages import Page

from rtsr_bench.leaderboard import derive_row
from rtsr_bench.number_warnings import REFERENCE_DRIFT_LIMIT, WarningKind
from rtsr_bench.record import Record, References, ReferenceTimes, Runtime
from rtsr_bench.report.frames import frames
from rtsr_bench.report.site import compose
from rtsr_bench.statistics import reference_drift, reference_ms
from rtsr_bench.store import decode, encode
from rtsr_bench.tracks import find_track

CONVS, BICUBIC = "convs-3-16-16-16-12-180x320/1", "bicubic-x2-180x320/1"


def times(before: float, after: float, name: str = CONVS) -> ReferenceTimes:
    """Three samples around each median; one of them disturbed."""
    return ReferenceTimes(id=name, before_ms=(before, before - 0.1, 9 * before), after_ms=(after, after - 0.1, after))


def beside(one: Record, before: float = 8.0, after: float = 8.4, **changes: float) -> Record:
    """The same record with references of these medians."""
    found = References(convs=times(before, after), bicubic=times(2.0, 2.0, BICUBIC), foreign_load=0.021)
    return replace(one, references=replace(found, **changes))


def row(one: Record):
    return derive_row("a.json", one, find_track(one.track))


A = record("Team A", "a/x2", mean_ms=41.0, system=CPU, timing={"samples_ms": (40.0, 42.0)})
B = record("Team B", "b/x2", gain_db=0.9, mean_ms=90.0, system=CPU)


def test_the_reference_is_the_mean_of_its_medians_before_and_after() -> None:
    assert reference_ms(times(8.0, 8.4)) == pytest.approx(8.2)
    assert reference_drift(times(8.0, 8.4)) == pytest.approx(0.05)
    assert row(beside(A)).relative == pytest.approx(41 / 8.2)
    assert row(A).relative is None
    assert row(beside(replace(A, runtime=failure()))).relative is None


def test_a_batch_is_compared_frame_by_frame() -> None:
    assert isinstance(A.runtime, Runtime)
    two = replace(A, runtime=replace(A.runtime, batch=2))
    assert row(beside(two)).relative == pytest.approx(20.5 / 8.2)


@pytest.mark.parametrize(("after", "warned"), [(8.0, False), (9.9, False), (6.1, False), (10.1, True), (5.9, True)])
def test_a_reference_that_changed_is_a_warning(after: float, warned: bool) -> None:
    assert (abs(after / 8.0 - 1) > REFERENCE_DRIFT_LIMIT) is warned
    found = [one for one in row(beside(A, 8.0, after)).warnings if one.kind is WarningKind.REFERENCE]
    assert bool(found) is warned
    if found:
        assert found[0].short == f"reference changed by {100 * (after / 8 - 1):+.0f} %"
        assert "the speed of the machine changed" in found[0].text


def test_a_record_keeps_every_sample() -> None:
    one = beside(A)
    assert decode(encode(one)) == one
    assert decode(encode(A)).references is None


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"before_ms": ()}, "samples of the reference 'x' before and after"),
        ({"after_ms": (0.0,)}, "expected a sample of"),
        ({"after_ms": (float("nan"),)}, "expected a sample of"),
    ],
)
def test_impossible_times_are_refused(bad: dict[str, tuple[float, ...]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ReferenceTimes(**{"id": "x", "before_ms": (1.0,), "after_ms": (1.0,), **bad})
    with pytest.raises(ValueError, match="share of a machine"):
        beside(A, foreign_load=1.5)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    found, problems = compose({"a.json": beside(A, 8.0, 11.0), "b.json": B})
    assert problems == ()
    return found


def test_the_board_has_the_column_on_the_page_and_in_every_export(files: dict[str, bytes]) -> None:
    (name,) = (path for path in files if re.fullmatch(r"exports/builtin-x2--amd[^.]*-[0-9a-f]{8}\.csv", path))
    rows = {one["model"]: one for one in csv.DictReader(io.StringIO(files[name].decode(), newline=""))}
    assert float(rows["a/x2"]["relative"]) == pytest.approx(41 / 9.5)
    assert rows["b/x2"]["relative"] == ""
    (markdown,) = (data.decode() for path, data in files.items() if path == name.replace(".csv", ".md"))
    assert "Relative" in markdown
    assert "| 4.32 |" in markdown
    (board,) = (data.decode() for path, data in files.items() if path.startswith("boards/"))
    assert 'title="Mean runtime over that of a fixed stack of convolutions' in board
    assert "reference changed by +38 %" in board


def test_a_models_page_has_both_references_before_and_after(files: dict[str, bytes]) -> None:
    pages = (data.decode() for path, data in files.items() if path.startswith("models/"))
    (page,) = (page for page in pages if "<dt>Record</dt><dd><bdi>a.json" in page)
    assert Page(page).faults == []
    assert "<dt>Relative runtime</dt><dd>4.32 ×<small>of the fixed reference, 9.50 ms</small>" in page
    section = page.partition('<h3 id="relative">')[2].partition("<h2")[0]
    assert "is 4.32 times that of the fixed reference" in section
    assert "Other work used at most 2 % of the processors meanwhile." in section
    for text in (CONVS, BICUBIC, "8.000", "11.000", "+37.5"):
        assert text in section
    (path,) = (path for path in files if path.endswith("--references.json"))
    assert [one["reference"] for one in json.loads(files[path])["rows"]] == [CONVS, BICUBIC]


def test_names_from_a_record_stay_text() -> None:
    one = replace(A, references=References(convs=times(8.0, 8.0, "<script>alert(1)"), bicubic=times(2.0, 2.0)))
    for path, data in compose({"a.json": one})[0].items():
        if path.endswith(".html"):
            assert b"<script>alert" not in data


def test_a_site_of_records_without_references_has_none_of_it() -> None:
    files, _ = compose(demo())
    for path, data in files.items():
        text = data.decode(errors="replace")
        if path.startswith(("boards/", "models/", "exports/builtin", "exports/classic", "exports/rtsr")):
            assert "relative" not in text.lower().replace("relative standard", ""), path


def test_the_long_table_has_the_references_of_every_record() -> None:
    lines = frames({"a.json": beside(A), "b.json": B})["records"].set_index("record")
    assert lines.loc["a.json", "relative"] == pytest.approx(41 / 8.2)
    assert lines.loc["a.json", "reference_ms"] == pytest.approx(8.2)
    assert lines.loc["a.json", "reference_drift"] == pytest.approx(0.05)
    assert pd.isna(lines.loc["b.json", "relative"])


def test_how_to_read_explains_it() -> None:
    page = compose({})[0]["how-to-read.html"].decode()
    assert 'id="relative"' in page
    assert "<bdi>Runtime Relative</bdi>" in page
    assert "over 25 % slower or faster" in page
