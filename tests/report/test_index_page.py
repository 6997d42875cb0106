"""The first screen of the index: models for a budget, and the leaders by track and device."""

from __future__ import annotations

import json
import re

import pytest
from demo_records import CPU, GPU, TEAMS, demo, record

from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.report.budget import MOST, RATES, choices
from rtsr_bench.report.site import compose


def chosen(records):
    boards = [(board, f"boards/{place}.html") for place, board in enumerate(leaderboards(records))]
    return choices(boards, {row.source: f"models/{row.source}.html" for board, _ in boards for row in board.rows})


def test_the_best_three_by_psnr_that_are_fast_enough():
    records = demo()
    (choice,) = (one for one in chosen(records) if one.scale == 2 and "3090" in one.device)
    board = next(one for one in leaderboards(records) if one.track and one.track.title == choice.title)
    rows = [row for row in board.groups[0].rows if row.rank is not None]
    key = board.track.score.convention.key
    assert [rate for rate, _ in choice.best] == list(RATES)
    for rate, best in choice.best:
        fast = [row for row in rows if row.runtime.fps >= rate]
        fast.sort(key=lambda row: -row.fidelity.psnr_db[key])
        assert [one.name for one in best] == [row.record.model.id for row in fast[:MOST]]


def test_only_ranked_rows_of_the_closed_division_count():
    look = {"a.json": record(model="a/x2", system=CPU, looking=True), "b.json": record(model="b/x2", gain_db=-0.1)}
    assert chosen(look) == ()
    index = compose(look)[0]["index.html"].decode()
    assert 'id="picker"' not in index
    assert 'id="leaders"' in index


def test_a_device_and_scale_has_the_first_of_its_tracks_and_names_the_others():
    some = {track: record(model="a/x2", track=track) for track in ("builtin-x2", "classic-x2", "open4k-x2")}
    (choice,) = chosen(some)
    assert choice.title == "Open4K x2"
    assert [title.partition(":")[0] for title, _ in choice.others] == ["Classic sets x2", "Built-in set x2"]


def test_the_index_works_as_a_table_and_is_in_the_order_of_the_tracks():
    records = {}
    for track in ("classic-x2", "open4k-x2", "open4k-x3"):
        for system in (CPU, GPU):
            for team, model, gain, ms, params, gmacs in TEAMS[1:5]:
                one = record(
                    team, model, track=track, gain_db=gain, mean_ms=ms, params=params, gmacs=gmacs, system=system
                )
                records[f"{track}-{system.device_kind}-{model.replace('/', '-')}.json"] = one
    files, problems = compose(records)
    assert problems == ()
    index = files["index.html"].decode()
    bodies = re.findall(r'<tbody data-device="([^"]*)" data-scale="(\d)" data-rate="(\d+)">', index)
    assert len(bodies) == 2 * 2 * len(RATES)
    assert len(set(bodies)) == len(bodies)
    assert bodies[0][0] == GPU.device_name  # GPUs first
    assert index.count('<figure class="on"') == 1
    assert len(re.findall(r"<figure[^>]* data-device=", index)) == 4
    assert index.index('id="pick"') < index.index('id="leaders"') < index.index('id="tracks"')
    rows = json.loads(files["exports/leaders.json"])["rows"]
    assert [row["track"].partition(":")[0] for row in rows] == ["Open4K x2", "Open4K x3", "Classic sets x2"]
    assert {row["device0"] for row in rows} == {"noah/x2"}
    listed = json.loads(files["exports/leaderboards.json"])["rows"]
    assert [row["track"].partition(":")[0] for row in listed[:2]] == ["Open4K x2", "Open4K x2"]


def test_a_rate_that_nobody_reaches_says_so():
    (choice,) = chosen({"a.json": record(mean_ms=30.0)})
    assert [len(best) for _, best in choice.best] == [1, 1, 0, 0]
    index = compose({"a.json": record(mean_ms=30.0)})[0]["index.html"].decode()
    assert index.count("No ranked model is this fast.") == 2


@pytest.mark.parametrize("name", ["<b>GPU</b>", 'a" onload="x'])
def test_names_of_devices_stay_text(name):
    from dataclasses import replace

    index = compose({"a.json": record(system=replace(GPU, device_name=name))})[0]["index.html"].decode()
    assert "<b>GPU" not in index
    assert 'onload="x"' not in index
