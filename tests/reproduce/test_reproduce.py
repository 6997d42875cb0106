"""The paper's tables beside ours: what is printed is well formed, what is computed is judged, and the page says it."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import record

from rtsr_bench.cli import cli
from rtsr_bench.errors import UserError
from rtsr_bench.paper import (
    AS_PRINTED,
    KEPT_IN,
    CountAsk,
    Observed,
    ObservedCount,
    Printed,
    Verdict,
    all_reasons,
    all_tables,
    compare,
    keep_observed,
    load_observed,
)
from rtsr_bench.paper.observed import decode
from rtsr_bench.report import build
from rtsr_bench.report.reproduction import reproduce_all
from rtsr_bench.reproduce import bicubic_rows, count_models

MODELS = Path(__file__).parents[2] / "reference_models"


def table(name):
    return next(one for one in all_tables() if one.id == name)


@pytest.fixture(scope="module")
def counted():
    asks = [ask for row in table("table-1").rows for ask in (row.count, row.running) if ask is not None]
    counts, torch = count_models(asks, MODELS)
    return Observed(harness="test", torch=torch, counts=counts)


@pytest.mark.parametrize(
    ("text", "ours", "same"),
    [("35.2", 35.2499, True), ("35.2", 35.2501, False), (".8834", 0.88344, True), ("694", 694.404, True)],
)
def test_equal_means_to_the_last_printed_digit(text, ours, same):
    assert Printed(text).same(ours) is same


def test_every_reason_that_is_named_is_known_and_every_known_one_can_be_met():
    named = {name for one in all_tables() for name in one.reasons.values()}
    named |= {name for one in all_tables() for row in one.rows for name in row.reasons.values()}
    given_by_the_judge = {"stack", "uncounted", "unbuilt", "operators", "nodata", "norecord"}
    assert named | given_by_the_judge == set(all_reasons())


def test_every_mac_and_parameter_of_table_1_is_equal_to_the_print(counted):
    (judged,) = compare([table("table-1")], counted)
    cells = [cell for cell in judged.cells if cell.quantity in ("params", "macs")]
    assert len(cells) == 26
    assert {cell.verdict for cell in cells} == {Verdict.EQUAL, Verdict.AS_READ}


def test_equal_under_a_reading_differs_from_equal_as_it_runs(counted):
    (judged,) = compare([table("table-1")], counted)
    by_verdict = defaultdict(list)
    for row in judged.rows:
        if "params" in row.cells:
            by_verdict[row.cells["params"].verdict].append(row.label)
    assert by_verdict[Verdict.EQUAL] == ["(b) + HFB", "(h) RT4KSR-S", "(h) RT4KSR-S"]
    assert by_verdict[Verdict.AS_READ].count("(a) Baseline") == 2
    assert {row.cells["macs"].verdict for row in judged.rows if "macs" in row.cells} == {Verdict.EQUAL}
    assert (judged.tally.equal, judged.tally.as_read) == (26, 10)
    assert "26 equal to the last printed digit (16 as the network runs, 10 under the reading named in the note)" in str(
        judged.tally
    )
    assert "reading" not in str(next(one for one in reproduce_all(Observed(), ()) if one.table.id == "track-1").tally)


def test_a_row_is_read_where_its_count_builds_what_does_not_run_and_nowhere_else():
    options = {"idle_branch": "branch idle", "own_hf_head": "own head"}
    for row in (row for one in all_tables() for row in one.rows):
        built = [words for option, words in options.items() if row.count and row.count.args.get(option)]
        assert row.reading == ({"params": ", ".join(built)} if built else {}), row.label


@pytest.mark.parametrize(
    "row", [row for row in table("table-4").rows if row.model], ids=lambda row: f"{row.label}-x{row.scale}"
)
def test_a_missing_record_is_put_down_to_missing_weights_only_where_the_manifest_has_none(row):
    submission, _, rest = row.model.partition("/")
    models = tomllib.loads((MODELS / submission / "submission.toml").read_text(encoding="utf-8"))["model"]
    (model,) = [one for one in models if "-".join(filter(None, (one.get("variant"), f"x{one['scale']}"))) == rest]
    expected = {"architecture only": "architecture", "not yet trained": "untrained", None: "norecord"}
    assert row.reasons.get("missing", "norecord") == expected[model.get("untrained")]


def test_the_variant_of_lapsrn_that_the_print_counts_is_named():
    row = next(row for row in table("table-4").rows if row.label == "LapSRN")
    d5 = CountAsk(submission="lapsrn", entry="arch:lapsrn", args={"scale": 2, "depth": 5, "kernel": 4}, scale=2)
    (as_published, variant), _ = count_models([row.count, d5], MODELS)
    text = all_reasons()[row.reasons["params"]].text
    assert row.printed["params"].same(variant.params / 1e3)
    for counted, said in ((as_published, "407 441"), (variant, "lapsrn/d5-x2 with 251 473")):
        assert f"{counted.params:,}".replace(",", " ") in said
        assert said in text


def test_a_wrong_count_is_a_mismatch_and_not_explained_away(counted):
    wrong = tuple(
        replace(one, macs=tuple((size, macs + 10**7 * (size == AS_PRINTED)) for size, macs in one.macs))
        for one in counted.counts
    )
    (judged,) = compare([table("table-1")], replace(counted, counts=wrong))
    assert judged.tally.mismatched == 13
    assert "13 that should be equal and are not" in str(judged.tally)


def test_a_model_that_cannot_be_built_is_a_mismatch_but_one_not_yet_counted_is_not(counted):
    broken = tuple(ObservedCount(key=one.key, trouble="it broke") for one in counted.counts)
    (judged,) = compare([table("table-1")], replace(counted, counts=broken))
    assert judged.tally.mismatched == 26
    (judged,) = compare([table("table-1")], Observed())
    assert judged.tally.mismatched == 0
    assert judged.tally.absent == judged.tally.cells


def test_a_folder_that_is_not_there_leaves_its_trouble_in_words(tmp_path):
    ask = next(row.count for row in table("table-1").rows if row.count)
    ((one,), _) = count_models([ask], tmp_path)
    assert "rt4ksr_ablation" in one.trouble
    with pytest.raises(UserError, match="no folder of reference models"):
        count_models([ask], tmp_path / "nowhere")


def test_every_score_of_track_1_comes_back_within_its_rounding():
    judged = next(one for one in reproduce_all(Observed(), ()) if one.table.id == "track-1")
    assert judged.tally.cells == 24
    assert judged.tally.mismatched == judged.tally.absent == 0
    assert max(abs(cell.difference) for cell in judged.cells) < 0.08


def test_every_printed_cell_has_a_verdict_and_none_is_without_reason_where_it_is_not_equal():
    for one in reproduce_all(Observed(), ()):
        assert one.tally.as_read <= one.tally.equal
        assert one.tally.cells == one.tally.equal + one.tally.differing + one.tally.absent
        assert all(
            cell.reason is not None for cell in one.cells if cell.verdict not in (Verdict.EQUAL, Verdict.AS_READ)
        )


@pytest.mark.shared
def test_bicubic_on_set5_is_34_01_under_the_papers_conventions_and_33_66_under_the_canonical_ones(shared):
    asks = [row.bicubic for row in table("table-4").rows if row.bicubic and row.data_set == "set5"]
    rows, missing = bicubic_rows(asks, [shared / "data" / "SelfExSR" / "data"])
    assert not missing
    found = {one.key: (round(one.psnr_db, 2), round(one.ssim, 4)) for one in rows}
    assert found["set5 x2 paper"] == (34.01, 0.9309)
    assert found["set5 x4 paper mod12"] == (28.76, 0.8113)
    assert found["set5 x2 canonical"][0] == 33.66
    assert found["set5 x4 canonical"][0] == 28.42
    (judged,) = compare([table("table-4")], Observed(bicubic=rows))
    assert judged.tally.mismatched == 0


def test_what_was_computed_is_kept_beside_the_records_and_read_back(tmp_path, counted):
    path = keep_observed(counted, tmp_path)
    assert path.name == KEPT_IN
    assert load_observed(tmp_path) == counted == decode(counted.encode())
    assert [file.name for file in tmp_path.iterdir()] == [KEPT_IN]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"schema": 7}', '{"schema": 1, "counts": 3}'])
def test_a_damaged_file_is_a_problem_of_the_report_and_no_end_of_it(tmp_path, damage):
    records = tmp_path / "records"
    records.mkdir()
    (records / KEPT_IN).write_text(damage)
    site = build(records, tmp_path / "out")
    assert any(KEPT_IN in problem for problem in site.problems)
    assert "reproduction.html" in site.pages


def test_the_page_shows_the_counts_and_the_index_leads_to_it(tmp_path, counted):
    keep_observed(counted, tmp_path / "records")
    site = build(tmp_path / "records", tmp_path / "out")
    page = (tmp_path / "out" / "reproduction.html").read_text(encoding="utf-8")
    assert "429.98" in page
    assert "26 equal to the last printed digit (16 as the network runs" in page
    assert page.count(">equal as read<") == 10
    row = re.search(r'<tr><th scope="row"><a href="#table-1">.*?</tr>', page, re.DOTALL)
    assert row
    assert re.findall(r'class="num">(\d+)<', row[0])[:3] == ["71", "16", "10"]
    assert "set unreleased" in page
    assert 'href="reproduction.html"' in site.index.read_text(encoding="utf-8")


def test_the_command_prints_keeps_and_fails_where_a_model_is_missing(tmp_path):
    (tmp_path / "models").mkdir()
    arguments = ["reproduce", "--models", str(tmp_path / "models"), "--records", str(tmp_path / "records")]
    result = CliRunner().invoke(cli, [*arguments, "--json", str(tmp_path / "cells.json")], terminal_width=200)
    assert result.exit_code == 1
    assert "Track 1 of NTIRE 2023" in result.output
    cells = json.loads((tmp_path / "cells.json").read_text(encoding="utf-8"))
    assert cells["tallies"]["track-1"]["cells"] == 24
    assert (tmp_path / "records" / KEPT_IN).is_file()


def test_unwritable_file_keeps_computed_results(tmp_path):
    (tmp_path / "models").mkdir()
    arguments = ["reproduce", "--models", str(tmp_path / "models"), "--records", str(tmp_path / "records")]
    result = CliRunner().invoke(cli, [*arguments, "--csv", str(tmp_path / "nowhere" / "cells.csv")])
    assert isinstance(result.exception, UserError)
    assert "cells.csv" in str(result.exception)
    assert (tmp_path / "records" / KEPT_IN).is_file()


@pytest.mark.parametrize(("trained_by", "words"), [("", ""), ("Lab Y", ", weights: Lab Y")])
def test_a_value_on_open4k_says_whose_weights_it_is_of(trained_by, words):
    plain = record("Lab X", "rt4ksr/xxs-x2", track="open4k-x2", gain_db=0.4)
    one = replace(plain, model=replace(plain.model, trained_by=trained_by))
    (judged,) = compare([table("table-3b")], Observed(), [one])
    (beside,) = (row.cells["psnr"].beside for row in judged.rows if row.label == "RT4KSR-XXS")
    assert re.fullmatch(r"Open4K, JPEG: \d\d\.\d\d \(\+0\.40\)" + words, beside)


def test_the_parameters_that_run_are_those_of_the_model_that_a_leaderboard_counts(counted):
    (judged,) = compare([table("table-1")], counted)
    ran = {(row.label, row.scale): row.cells["running_params"].ours for row in judged.rows if row.cells.get("macs")}
    assert ran["(b) + HFB", 2] == ran["(c) + HFB + Down-and-Up", 2] == 34.573
    assert ran["NAFNet + HFB", 2] == ran["(f) NAFNet + HFB + Down-and-Up", 2] == 29.965
