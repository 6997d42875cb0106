"""The tracks of Efficient SR: a gate on unrounded PSNR, and the lower score leads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_records import record, with_mse

from rtsr_bench.eligibility import Ineligibility
from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.leaderboard.rows import derive_row
from rtsr_bench.record import Complexity, Count, Fidelity, Record
from rtsr_bench.tracks import find_track

TRACK = find_track("esr2024-x4")
KEY = TRACK.score.convention.key


def at(psnr_db: float, **changes: object) -> Record:
    """A record whose every image has this PSNR, bicubic 1 dB less."""
    one = record(track=TRACK.id, **changes)  # type: ignore[arg-type]  # passed on as it is
    assert isinstance(one.fidelity, Fidelity)
    mse, bicubic = (255.0**2 / 10 ** (value / 10) for value in (psnr_db, psnr_db - 1))
    images = tuple(with_mse(image, mse, bicubic=bicubic) for image in one.fidelity.images)
    return replace(one, fidelity=replace(one.fidelity, images=images))


def bars(one: Record) -> list[Ineligibility]:
    return [reason.kind for reason in derive_row("x.json", one, TRACK).reasons]


@pytest.mark.parametrize(("psnr_db", "found"), [(26.8999, [Ineligibility.BELOW_GATE]), (26.9001, []), (26.96, [])])
def test_the_gate_is_decided_on_unrounded_values(psnr_db: float, found: list[Ineligibility]) -> None:
    assert bars(at(psnr_db)) == found


def test_the_gate_says_what_was_found() -> None:
    (reason,) = derive_row("x.json", at(26.8999), TRACK).reasons
    assert reason.text == "PSNR on DIV2K_LSDIR valid is 26.8999 dB, below the track's gate of 26.90 dB."


def test_the_lower_score_leads_and_ranks_count_from_it() -> None:
    records = [
        ("slow.json", at(27.0, model="slow/x4", mean_ms=20.0)),
        ("fast.json", at(27.0, model="fast/x4", mean_ms=9.0)),
    ]
    (board,) = leaderboards(dict(records))
    rows = board.groups[0].rows
    assert [(row.rank, row.record.model.id) for row in rows] == [(1, "fast/x4"), (2, "slow/x4")]
    assert rows[0].score is not None
    assert rows[1].score is not None
    assert rows[0].score < rows[1].score


def test_a_count_that_is_not_whole_has_no_score() -> None:
    one = at(27.0)
    assert isinstance(one.complexity, Complexity)
    holes = tuple(replace(count, uncounted={"custom::op": 1}) for count in one.complexity.counts)
    row = derive_row("x.json", replace(one, complexity=replace(one.complexity, counts=holes)), TRACK)
    assert row.score is None
    assert [reason.kind for reason in row.reasons] == [Ineligibility.NO_COUNT]
    assert "(without custom::op x1)" in row.reasons[0].text
    elsewhere = tuple(
        count for count in one.complexity.counts if isinstance(count, Count) and count.input.height != 256
    )
    assert bars(replace(one, complexity=replace(one.complexity, counts=elsewhere))) == [Ineligibility.NO_COUNT]
