"""Long form for those who analyse: every observation once, every digit kept, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from demo_records import CPU, demo, failure, record, untrained, with_mse

from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.record import Fidelity, ImageFidelity, Runtime
from rtsr_bench.report.frames import as_long_csv, frames
from rtsr_bench.report.site import compose
from rtsr_bench.score import psnr_db

NAMES = ("records", "images", "samples")


@pytest.fixture(scope="module")
def records():
    return demo()


@pytest.fixture(scope="module")
def tables(records):
    return frames(records)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_observation_stands_there_once(records, tables):
    assert tuple(tables) == NAMES
    assert list(tables["records"]["record"]) == sorted(records)
    samples = {name: len(one.runtime.samples_ms) for name, one in records.items() if isinstance(one.runtime, Runtime)}
    assert tables["samples"].groupby("record").size().to_dict() == samples
    keys = {
        (name, image.data_set, image.name, key)
        for name, one in records.items()
        if isinstance(one.fidelity, Fidelity)
        for image in one.fidelity.images
        for key in image.observed("mse")
    }
    columns = ["record", "data_set", "image", "convention"]
    assert len(tables["images"]) == len(keys)
    assert set(tables["images"][columns].itertuples(index=False, name=None)) == keys


def test_derived_numbers_are_those_of_the_leaderboards(records, tables):
    table = tables["records"].set_index("record")
    rows = {row.source: row for board in leaderboards(records) for row in board.rows}
    assert set(table.index[table["latest"]]) == set(rows)
    for source, row in rows.items():
        line = table.loc[source]
        expected = {
            "rank": row.rank,
            "score": row.score,
            "gain_db": row.gain_db,
            "runtime_ms": row.runtime.mean_ms if row.runtime else None,
            "psnr_db": row.fidelity.psnr_db[row.scored_under] if row.fidelity else None,
        }
        assert {name: None if pd.isna(line[name]) else line[name] for name in expected} == expected


def test_an_earlier_answer_is_kept_without_a_rank(records, tables):
    (earlier,) = tables["records"][~tables["records"]["latest"]].to_dict("records")
    assert earlier["started"] == "2026-10-01T10:00:00Z"
    assert pd.isna(earlier["rank"])
    assert earlier["score"] > 0


def test_an_image_s_numbers_are_the_stored_ones(tables):
    one = record()
    images = frames({"a.json": one})["images"]
    for image in one.fidelity.images:
        for key, mse in image.observed("mse").items():
            (line,) = images[(images["image"] == image.name) & (images["convention"] == key)].to_dict("records")
            assert (line["mse"], line["ssim"]) == (mse, image.observed("ssim")[key])
            assert line["psnr_db"] == psnr_db(mse)
            assert line["gain_db"] == psnr_db(mse) - psnr_db(image.baseline[f"mse/{key}"])
            assert (line["height"], line["width"]) == (image.size.height, image.size.width)


def test_samples_are_in_order_and_per_frame_beside(tables):
    one = record(timing={"batch": 4}, system=CPU)
    samples = frames({"a.json": one})["samples"]
    assert list(samples["repeat"]) == list(range(1, len(one.runtime.samples_ms) + 1))
    assert tuple(samples["sample_ms"]) == one.runtime.samples_ms
    assert tuple(samples["frame_ms"]) == tuple(sample / 4 for sample in one.runtime.samples_ms)
    assert tuple(samples["host_ms"]) == one.runtime.host_ms


def test_what_is_missing_or_failed_is_missing_and_whole_numbers_stay_whole():
    broken = record(fidelity=failure(), runtime=None, complexity=None, memory=None)
    tables = frames({"a.json": broken, "b.json": record(model="b/x2", params=44_521)})
    first, second = tables["records"].to_dict("records")
    assert all(pd.isna(first[name]) for name in ("score", "psnr_db", "runtime_ms", "samples", "params", "macs"))
    assert first["standing"] == "failed"
    assert "boom" in first["failures"]
    assert set(tables["images"]["record"]) == set(tables["samples"]["record"]) == {"b.json"}
    lines = read(as_long_csv(tables["records"]))
    assert (lines[0]["params"], lines[1]["params"]) == ("", "44521")
    assert second["official"] is True
    assert lines[1]["official"] == "true"


def test_an_untrained_model_is_a_row_that_says_so_without_fidelity():
    (row,) = frames({"x.json": untrained(record())})["records"].to_dict("records")
    assert (row["untrained"], row["standing"]) == ("architecture only", "not ranked")
    assert row["runtime_ms"] > 0
    assert row["params"] == 44_521
    assert all(pd.isna(row[name]) for name in ("psnr_db", "ssim", "gain_db", "score", "rank", "images"))


def test_an_image_like_hr_is_infinite_and_one_that_bicubic_gets_exactly_has_no_gain():
    one = record()
    perfect, both = one.fidelity.images[:2]
    images = (with_mse(perfect, 0.0), with_mse(both, bicubic=0.0))
    table = frames({"a.json": replace(one, fidelity=replace(one.fidelity, images=images))})["images"]
    assert set(table[table.image == perfect.name].gain_db) == {math.inf}
    assert table[table.image == both.name].gain_db.isna().all()
    assert table[table.image == both.name].psnr_db.notna().all()


def test_a_convention_that_only_some_images_have_is_missing_in_the_others():
    one = record()
    image = ImageFidelity(name="x.png", data_set="Set5", size=one.protocol.input, values={"mse/y_b9": 1.0}, baseline={})
    table = frames({"a.json": replace(one, fidelity=replace(one.fidelity, images=(image,)))})["images"]
    (line,) = table.to_dict("records")
    assert line["convention"] == "y_b9"
    assert pd.isna(line["ssim"])
    assert pd.isna(line["gain_db"])


def test_no_records_are_three_empty_frames_of_the_same_columns_and_types(tables):
    empty = frames({})
    assert tuple(empty) == NAMES
    for name in NAMES:
        assert empty[name].empty
        assert empty[name].dtypes.astype(str).to_dict() == tables[name].dtypes.astype(str).to_dict()


def test_order_and_known_boards_change_nothing(records, tables):
    again = frames(dict(reversed(records.items())), boards=leaderboards(records))
    for name in NAMES:
        pd.testing.assert_frame_equal(again[name], tables[name], check_exact=True)


def test_csv_holds_every_digit_and_no_formula(records, tables):
    for name in NAMES:
        text = as_long_csv(tables[name])
        assert text.count("\n") == text.count("\r\n") == len(tables[name]) + 1
        lines = read(text)
        for column in tables[name].select_dtypes("float64"):
            found = [float(line[column]) if line[column] else math.nan for line in lines]
            pd.testing.assert_series_equal(pd.Series(found, name=column), tables[name][column], check_exact=True)
        for column in tables[name].select_dtypes("string"):
            assert not any(line[column].startswith(("=", "+", "-", "@", "\t", "\r")) for line in lines)
    teams = {line["team"] for line in read(as_long_csv(tables["records"]))}
    assert {"'=cmd|' /C calc'!A0", "<script>alert(1)</script>", "فريق الدقة الفائقة"} <= teams


def test_hostile_text_is_one_clean_line():
    table = frames({"a.json": record("a\x00b\n\u202ec\udc80")})["records"]
    (line,) = read(as_long_csv(table).encode("utf-8").decode("utf-8"))
    assert line["team"] == "a\ufffdb \ufffdc\ufffd"


def test_invented_count_does_not_stop_the_report():
    table = frames({"a.json": record(params=10**30), "b.json": record(model="b/x2", params=2**63 - 1)})["records"]
    assert table["params"].isna().tolist() == [True, False]
    assert table["params"][1] == 2**63 - 1
    assert compose({"a.json": record(params=10**30)})[0]


def test_the_site_carries_them_and_its_index_links_them(records, tables):
    files, _ = compose({"a.json": record()})
    index = files["index.html"].decode()
    for name in NAMES:
        address = f"exports/long/all-{name}.csv"
        assert files[address].decode("utf-8") == as_long_csv(frames({"a.json": record()})[name])
        assert f'href="{address}"' in index
    assert not any("long/" in path for path in compose({})[0])
    assert "exports/long" not in compose({})[0]["index.html"].decode()


def test_importing_it_loads_no_pandas():
    code = "import rtsr_bench.report.frames, sys; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
