"""Rows, ranks, groups and bands."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from demo_records import CPU, GPU, demo, failure, record, untrained, with_mse

from rtsr_bench.eligibility import Ineligibility
from rtsr_bench.leaderboard import BANDS, band, leaderboards, pareto_front
from rtsr_bench.leaderboard.rows import derive_row
from rtsr_bench.score import ntire23_rtsr
from rtsr_bench.tracks import find_track


def board(*records):
    boards = leaderboards({f"{index}.json": one for index, one in enumerate(records)})
    assert len(boards) == 1
    return boards[0]


def ranks(group):
    return {row.record.model.id: row.rank for row in group.rows}


@pytest.mark.parametrize(
    ("fps", "label"),
    [
        (0.01, "< 24 FPS"),
        (23.999, "< 24 FPS"),
        (24, "24–30 FPS"),
        (29.999, "24–30 FPS"),
        (30, "30–60 FPS"),
        (59.999, "30–60 FPS"),
        (60, "60–120 FPS"),
        (120, "60–120 FPS"),
        (120.0001, "> 120 FPS"),
        (5000, "> 120 FPS"),
    ],
)
def test_bands_at_their_edges(fps, label):
    assert band(fps).label == label


def test_bands_meet_and_each_has_its_own_sign():
    assert all(lower.below == upper.least for lower, upper in itertools.pairwise(BANDS))
    assert len({one.sign for one in BANDS}) == len({one.id for one in BANDS}) == 5


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_no_band_for_what_is_no_rate(fps):
    with pytest.raises(ValueError, match="frames per second"):
        band(fps)


def test_the_score_is_the_formula_on_the_means():
    row = board(record(gain_db=0.5, mean_ms=7.0)).rows[0]
    assert row.gain_db == pytest.approx(0.5, abs=1e-9)
    psnr, baseline = row.fidelity.psnr_db["rgb_b0"], row.fidelity.baseline_psnr_db["rgb_b0"]
    assert row.score == ntire23_rtsr(psnr, baseline, row.runtime.mean_ms)
    assert row.score == pytest.approx(20 * 2**0.5 / row.runtime.mean_ms**0.5)
    assert row.runtime.fps == pytest.approx(1000 / row.runtime.mean_ms)


def test_ranks_follow_the_score():
    (group,) = board(record(model="a/x2", gain_db=0.1), record(model="b/x2", gain_db=0.9)).groups
    assert ranks(group) == {"b/x2": 1, "a/x2": 2}
    assert [row.rank for row in group.rows] == [1, 2]


def test_equal_scores_share_a_rank_and_the_next_is_skipped():
    best, low = record(model="a/x2", gain_db=0.9), record(model="d/x2", gain_db=0.1)
    twin = replace(best, model=replace(best.model, id="b/x2"))
    assert ranks(board(low, twin, best).groups[0]) == {"a/x2": 1, "b/x2": 1, "d/x2": 3}


def test_what_fails_or_does_not_gain_is_listed_unranked_at_the_end():
    rows = board(
        record(model="broken/x2", fidelity=failure(), runtime=failure()),
        record(model="below/x2", gain_db=-0.1),
        record(model="fine/x2", gain_db=0.1),
    ).rows
    assert [(row.record.model.id, row.rank) for row in rows] == [
        ("fine/x2", 1),
        ("below/x2", None),
        ("broken/x2", None),
    ]
    assert rows[1].score == 0
    assert not rows[1].failed
    assert rows[2].failed
    assert rows[2].score is None


@pytest.mark.parametrize("looking", [False, True])
def test_an_untrained_model_stands_among_the_others_without_score_or_rank(looking):
    plan = untrained(record(model="plan/x2", mean_ms=0.1, looking=looking))
    below, fine = record(model="below/x2", gain_db=-0.1, looking=looking), record(model="fine/x2", looking=looking)
    broken = record(model="broken/x2", fidelity=failure(), runtime=failure(), looking=looking)
    for order in itertools.permutations((plan, below, fine, broken)):
        (group,) = board(*order).groups
        assert ranks(group) == {"fine/x2": None if looking else 1, "below/x2": None, "plan/x2": None, "broken/x2": None}
        assert [row.record.model.id for row in group.rows] == ["fine/x2", "below/x2", "plan/x2", "broken/x2"]
    row = group.rows[2]
    assert (row.score, row.gain_db, row.fidelity, row.by_set, row.failed) == (None, None, None, {}, False)
    assert row.runtime.mean_ms == pytest.approx(0.1, rel=0.1)


def test_a_board_of_untrained_models_alone_is_one_without_ranks():
    rows = board(untrained(record(model="a/x2")), untrained(record(model="b/x2"))).rows
    assert [row.rank for row in rows] == [None, None]


def test_an_unranked_row_takes_no_rank_from_the_others():
    fast = record(model="a/x2", gain_db=2.0)
    fast = replace(fast, runtime=replace(fast.runtime, warmup=0))
    assert ranks(board(fast, record(model="b/x2", gain_db=0.1)).groups[0]) == {"a/x2": None, "b/x2": 1}


def test_unofficial_rows_stand_apart_by_score_without_ranks():
    official, looking = record(model="a/x2"), record(model="b/x2", gain_db=3.0, looking=True)
    other = record(model="c/x2", gain_db=4.0, looking=True)
    first, second = board(looking, official, other).groups
    assert (first.official, ranks(first)) == (True, {"a/x2": 1})
    assert (second.official, ranks(second)) == (False, {"c/x2": None, "b/x2": None})
    assert "input 270x480 instead of 1080x1920" in second.how
    assert "15 repeats instead of 244" in second.how


def test_rows_on_other_data_are_not_ranked_together():
    one = record(model="a/x2")
    other = replace(one, model=replace(one.model, id="b/x2"), data=(replace(one.data[0], digest="0" * 16),))
    groups = board(one, other).groups
    assert len(groups) == 2
    assert [row.rank for group in groups for row in group.rows] == [1, 1]


def test_incomplete_data_comes_after_complete_data():
    part = record(track="classic-x2", model="a/x2", sets=("set5",), gain_db=9)
    groups = board(part, record(track="classic-x2", model="b/x2")).groups
    assert [(group.complete, [row.rank for row in group.rows]) for group in groups] == [(True, [1]), (False, [None])]


def test_one_row_with_a_missing_image_does_not_unrank_the_others():
    whole, part = record(model="a/x2"), record(model="b/x2")
    part = replace(part, fidelity=replace(part.fidelity, images=part.fidelity.images[1:]))
    (group,) = board(whole, part).groups
    assert group.complete
    assert ranks(group) == {"a/x2": 1, "b/x2": None}


def test_the_latest_record_answers_and_earlier_ones_are_counted():
    old, new = record(gain_db=0.2), replace(record(gain_db=0.6), started="2026-11-02T11:00:00+00:00")
    for order in ((old, new), (new, old)):
        (row,) = board(*order).rows
        assert (round(row.gain_db, 6), row.earlier) == (0.6, 1)


def test_started_is_compared_as_time_and_not_as_text():
    early = replace(record(gain_db=0.2), started="2026-11-02T11:30:00+02:00")  # 09:30 UTC
    late = replace(record(gain_db=0.6), started="2026-11-02T10:00:00Z")
    (row,) = board(early, late).rows
    assert row.gain_db == pytest.approx(0.6)


def test_devices_have_boards_of_their_own_and_cpus_one_for_each_number_of_threads():
    records = [record(), record(system=CPU), record(system=replace(CPU, torch_threads=1))]
    records.append(record(system=replace(GPU, torch_threads=3), model="b/x2"))
    boards = leaderboards({str(index): one for index, one in enumerate(records)})
    assert [one.device.label for one in boards] == [
        "AMD Ryzen 9 5950X, 1 thread",
        "AMD Ryzen 9 5950X, 8 threads",
        "NVIDIA GeForce RTX 3090",
    ]


def test_a_record_of_a_track_that_is_gone_is_still_listed():
    one = board(replace(record(), track="rtsr2021-x2"))
    assert one.track is None
    (row,) = one.rows
    assert (row.rank, row.score) == (None, None)
    assert [reason.kind for reason in row.reasons] == [Ineligibility.NO_TRACK]
    assert row.gain_db == pytest.approx(0.5)


def test_a_record_without_the_scores_convention_is_no_crash():
    one = record()
    blank = replace(one.fidelity.images[0], values={})
    (row,) = board(replace(one, fidelity=replace(one.fidelity, images=(blank, *one.fidelity.images[1:])))).rows
    assert [reason.kind for reason in row.reasons] == [Ineligibility.UNUSABLE]
    assert row.score is None
    (row,) = board(replace(one, fidelity=replace(one.fidelity, images=()))).rows
    assert Ineligibility.UNUSABLE in [reason.kind for reason in row.reasons]


def test_an_image_like_hr_has_no_score():
    one = record()
    same = with_mse(one.fidelity.images[0], 0.0)
    (row,) = board(replace(one, fidelity=replace(one.fidelity, images=(same, *one.fidelity.images[1:])))).rows
    assert (row.rank, row.score) == (None, None)


def exact(image, *, model: float | None = None):
    """The same image with bicubic exact on it, and with the model's MSE there, 0 where none is named."""
    return replace(with_mse(image, model or 0.0, bicubic=0.0), name=f"flat-{image.name}")


def with_images(one, change, count=1):
    """The same record with the first so many images changed."""
    images = one.fidelity.images
    changed = (*map(change, images[:count]), *images[count:])
    return replace(one, fidelity=replace(one.fidelity, images=changed),
                   fidelity_fp32=replace(one.fidelity, precision="fp32", images=changed))  # fmt: skip


@pytest.mark.parametrize("model", [None, 0.4])
def test_an_image_on_which_bicubic_is_exact_changes_no_mean(model):
    plain = record(gain_db=0.5)
    (without,) = board(with_images(plain, lambda image: image, 0)).rows
    rest = replace(plain.fidelity, images=plain.fidelity.images[1:])
    expected = derive_row("x.json", replace(plain, fidelity=rest), find_track("builtin-x2"))
    (row,) = board(with_images(plain, lambda image: exact(image, model=model))).rows
    assert row.fidelity.psnr_db == expected.fidelity.psnr_db
    assert row.fidelity.baseline_psnr_db == expected.fidelity.baseline_psnr_db
    assert row.gain_db == expected.gain_db
    assert row.score == expected.score
    assert row.rank == 1
    assert row.reasons == ()
    assert row.fidelity.images == without.fidelity.images
    assert row.fidelity.exact == dict.fromkeys(row.fidelity.psnr_db, 1)
    assert next(iter(row.by_set.values())).psnr_db == row.fidelity.psnr_db


@pytest.mark.parametrize(("model", "said"), [(None, "so is the model"), (0.4, "the model's PSNR there is 52.11 dB")])
def test_an_image_on_which_bicubic_is_exact_is_named(model, said):
    (row,) = board(with_images(record(), lambda image: exact(image, model=model))).rows
    (warning,) = [one for one in row.warnings if one.kind == "exact"]
    assert warning.short == "1 image left out: bicubic exact"
    assert warning.text == (
        f"Bicubic is exact on flat-builtin-001.png, as on a flat image ({said}): PSNR and gain are means over the other"
        " 5 of 6 images."
    )


def test_a_flat_image_does_not_let_a_model_seem_to_lose_precision_or_to_gain_nothing():
    one = with_images(record(gain_db=0.005), lambda image: exact(image, model=0.4), 2)
    assert {warning.kind for warning in board(one).rows[0].warnings} == {"exact", "small_gain"}


def test_flat_images_alone_have_no_mean_and_no_score():
    one = with_images(record(), exact, 6)
    (row,) = board(one).rows
    assert (row.rank, row.score, row.gain_db, row.fidelity.psnr_db) == (None, None, None, {})
    assert len(row.fidelity.values) == len(one.fidelity.images[0].observed("ssim"))
    assert "Bicubic is exact on every image" in row.reasons[0].text


def test_what_only_the_model_gets_exactly_is_not_ranked_and_named():
    same = with_images(record(), lambda image: replace(with_mse(image, 0.0), name="known.png"))
    (row,) = board(with_images(same, lambda image: image, 0)).rows
    (reason,) = row.reasons
    assert reason.text.startswith(
        "The output for known.png is identical to HR, but bicubic's is not: the PSNR is infinite"
    )
    both = with_images(record(), exact)
    both = replace(both, fidelity=replace(both.fidelity, images=(*both.fidelity.images[:5], same.fidelity.images[0])))
    assert board(both).rows[0].reasons[0].text.startswith("The output for known.png is identical to HR")


def test_a_score_without_psnr_is_defined_for_an_exact_image():
    track = find_track("esr2024-x4")
    one = with_images(record(track=track.id, gain_db=9), lambda image: with_mse(image, 0.0))
    row = derive_row("x.json", one, track)
    assert row.score is not None
    assert Ineligibility.UNUSABLE not in [reason.kind for reason in row.reasons]


def test_means_by_data_set():
    row = board(record(track="classic-x2", gain_db=2.0)).rows[0]
    assert list(row.by_set) == ["Set5", "Set14", "BSD100", "Urban100"]
    assert sum(means.images for means in row.by_set.values()) == row.fidelity.images
    assert all(means.gain_db("y_b2") == pytest.approx(2.0) for means in row.by_set.values())


def test_boards_do_not_depend_on_the_order_of_the_records():
    records = demo()
    shuffled = list(records.items())
    random.Random(4).shuffle(shuffled)
    assert leaderboards(records) == leaderboards(dict(shuffled))


def test_pareto_front():
    points = [(3.0, 30.0), (1.0, 29.0), (2.0, 28.0), (3.0, 31.0), (4.0, 31.0), (1.0, 29.0)]
    assert pareto_front(points) == (1, 3)
    assert pareto_front([]) == ()


def test_a_row_measured_on_a_set_of_ones_own_shows_its_fidelity() -> None:
    own = record(track="open4k-x2", model="a/x2", sets=("set5",), gain_db=1.5)  # none that the track is judged by
    row = derive_row("own.json", own, find_track("open4k-x2"))
    assert row.fidelity is not None
    assert row.gain_db == pytest.approx(1.5, abs=0.01)
    assert row.reasons
    assert not any(reason.kind is Ineligibility.UNUSABLE for reason in row.reasons)
