"""A runtime that was taken from another track, on pages and in exports; nowhere where no record has one."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from demo_records import CPU, record
from test_pages import Page

from rtsr_bench.record import Record, Runtime, SharedRuntime
from rtsr_bench.report.site import compose

TIMED = record("Team A", "a/x2", track="open4k-x2", mean_ms=41.0, system=CPU)
assert isinstance(TIMED.runtime, Runtime)


def taken(source: str = "a.json", track: str = "open4k-x2") -> Record:
    """The same model on another track, with a confirmation that took 2 % more."""
    assert isinstance(TIMED.runtime, Runtime)
    check = replace(TIMED.runtime, samples_ms=tuple(1.02 * one for one in TIMED.runtime.samples_ms[:24]))
    shared = SharedRuntime(record=source, track=track, started=TIMED.started, check=check)
    return replace(
        record("Team A", "a/x2", track="classic-x2", system=CPU), runtime=TIMED.runtime, shared_runtime=shared
    )


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    found, problems = compose({"a.json": TIMED, "b.json": taken()})
    assert problems == ()
    return found


def test_the_board_and_the_models_page_say_where_it_was_timed(files: dict[str, bytes]) -> None:
    boards = {path: data.decode() for path, data in files.items() if path.startswith("boards/")}
    (classic,) = (text for path, text in boards.items() if "classic-x2" in path)
    assert "timed on open4k-x2, 2026-11-02" in classic
    assert not any("timed on" in text for path, text in boards.items() if "classic-x2" not in path)
    (page,) = (data.decode() for path, data in files.items() if path.startswith("models/") and b"<bdi>b.json" in data)
    assert Page(page).faults == []
    assert "24 repeats confirmed it" in page
    assert "<dt>Runtime from</dt><dd><bdi>a.json" in page


def test_exports_name_the_record(files: dict[str, bytes]) -> None:
    (name,) = (path for path in files if re.fullmatch(r"exports/classic-x2--amd[^.]*-[0-9a-f]{8}\.csv", path))
    (row,) = csv.DictReader(io.StringIO(files[name].decode(), newline=""))
    assert row["runtime_from"] == "a.json"
    long = {one["record"]: one for one in csv.DictReader(io.StringIO(files["exports/long/all-records.csv"].decode()))}
    assert (long["a.json"]["runtime_from"], long["b.json"]["runtime_from"]) == ("", "a.json")


def test_names_from_a_record_stay_text() -> None:
    for path, data in compose({"b.json": taken("<script>alert(1)", "<script>alert(2)" * 50)})[0].items():
        if path.endswith(".html"):
            assert b"<script>alert" not in data


def test_a_site_without_such_a_record_has_none_of_it() -> None:
    for path, data in compose({"a.json": TIMED})[0].items():
        if path.startswith(("boards/", "models/", "exports/")) and not path.startswith("exports/columns."):
            assert b"runtime_from" not in data, path
            assert b"Runtime from" not in data, path
