"""Published results: typed as printed, and in agreement with our formula."""

from __future__ import annotations

import pytest

from rtsr_bench.report.literature import all_published
from rtsr_bench.tracks import all_tracks

TRACK1 = next(one for one in all_published() if one.id == "rtsr2023-x2")


def test_published_results_are_of_tracks_that_exist():
    assert all(one.track in all_tracks() for one in all_published())


@pytest.mark.parametrize("row", [row for row in TRACK1.rows if row.score], ids=lambda row: row.team)
def test_our_formula_gives_every_published_score(row):
    assert TRACK1.recomputed_score(row) == pytest.approx(row.score, abs=0.08)


def test_the_table_is_whole():
    assert len(TRACK1.rows) == 25  # 23 teams, the organisers' RT4KSR-S, bicubic
    assert TRACK1.baseline_psnr_rgb_db == 33.916
    assert TRACK1.rows[-1].score is None
    assert TRACK1.recomputed_score(TRACK1.rows[-1]) == 0


def test_every_published_table_names_its_source_and_its_limits():
    for one in all_published():
        assert one.source
        assert any("never released" in note for note in one.notes)
