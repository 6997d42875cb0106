"""Intervals of ranks and what can be told apart: a paired bootstrap over the images of the score."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from demo_records import demo, record

from rtsr_bench.leaderboard import leaderboards
from rtsr_bench.report.ranks import rank_intervals, resampled_levels, separated, with_rank_intervals
from rtsr_bench.score import ntire23_rtsr
from rtsr_bench.statistics import mean_interval


def ranked(records):
    """The ranked rows of the only board, with their intervals."""
    (board,) = (with_rank_intervals(one) for one in leaderboards(records))
    return [row for row in board.groups[0].rows if row.rank is not None]


def test_levels_are_the_scores_of_the_formula():
    levels = resampled_levels([[0.5] * 6, [1.2] * 6, [-0.1] * 6], [7.0, 12.0, 0.5], seed=1)
    scores = 20 * 2.0 ** levels[0]
    assert scores.tolist() == pytest.approx([ntire23_rtsr(0.5, 0, 7.0), ntire23_rtsr(1.2, 0, 12.0), 0.0])
    assert (levels == levels[0]).all()  # every image is equal


def test_models_that_differ_on_every_image_alike_have_certain_ranks():
    dice = random.Random(1)
    first = [dice.uniform(0.5, 2) for _ in range(12)]
    levels = resampled_levels([first, [one - 0.01 for one in first], [one - 0.02 for one in first]], [5.0] * 3, seed=3)
    assert rank_intervals(levels) == [(1, 1), (2, 2), (3, 3)]
    assert separated(levels) == [False, True, True]


def test_models_that_differ_by_the_choice_of_images_do_not():
    up, down = [1.0, 0.0] * 6, [0.0, 1.0] * 6
    levels = resampled_levels([up, down, [5.0] * 12], [5.0] * 3, seed=3)[:, [2, 0, 1]]
    assert rank_intervals(levels) == [(1, 1), (2, 3), (2, 3)]
    assert separated(levels) == [False, True, False]


def test_equal_models_share_every_rank():
    dice = random.Random(2)
    same = [dice.uniform(0.1, 2) for _ in range(30)]
    assert rank_intervals(resampled_levels([same, list(same)], [5.0] * 2, seed=9)) == [(1, 1), (1, 1)]


def test_two_models_are_told_apart_where_the_interval_of_their_difference_is_above_0():
    dice = random.Random(4)
    for shift in (0.0, 0.02, 0.05, 0.1, 0.2):
        other = [dice.gauss(0.5, 0.2) for _ in range(30)]
        one = [gain + shift + dice.gauss(0, 0.15) for gain in other]
        if np.mean(one) < np.mean(other):
            one, other = other, one
        low, _ = mean_interval([a - b for a, b in zip(one, other, strict=True)])
        if abs(low) > 0.005:  # nearer to 0 the two draws of resamples may differ
            assert separated(resampled_levels([one, other], [5.0] * 2, seed=5))[1] == (low > 0), shift


def test_a_line_separates_all_above_from_all_below():
    """a and b, b and c differ clearly as neighbours of one another, a and c are mixed: no line is drawn between."""
    levels = np.array([[3.0, 2.0, 1.0]] * 90 + [[1.0, 2.0, 3.0]] * 10)
    assert separated(levels) == [False, False, False]
    assert separated(np.array([[3.0, 2.0, 1.0]] * 99 + [[3.0, 1.0, 2.0]])) == [False, True, True]


def test_rows_of_a_board_have_intervals_around_their_ranks():
    boards = [with_rank_intervals(board) for board in leaderboards(demo())]
    rows = [row for board in boards for group in board.groups for row in group.rows]
    assert sum(row.rank_interval is not None for row in rows) > 15
    for row in rows:
        if row.rank is None:
            assert row.rank_interval is None
            assert not row.apart
        elif row.rank_interval:
            low, high = row.rank_interval
            assert 1 <= low <= row.rank <= high
    assert any(row.apart for row in rows)
    again = leaderboards(dict(reversed(demo().items())))
    assert [with_rank_intervals(board) for board in again] == boards


def test_an_image_on_which_bicubic_is_exact_does_not_count():
    one, other = record(model="a/x2", gain_db=0.5), record(model="b/x2", gain_db=0.4)
    assert [row.rank_interval is not None for row in ranked({"a": one, "b": other})] == [True, True]

    def flat(some):
        first, *rest = some.fidelity.images
        first = replace(
            first, baseline={key: 0.0 if key[:3] == "mse" else value for key, value in first.baseline.items()}
        )
        return replace(some, fidelity=replace(some.fidelity, images=(first, *rest)))

    assert [row.rank_interval for row in ranked({"a": flat(one), "b": flat(other)})] == [None, None]  # five are left


def test_without_what_is_compared_there_is_no_interval():
    one = record(model="a/x2", gain_db=0.5)
    assert ranked({"a": one})[0].rank_interval is None
    few = {"a": record(model="a/x2", track="rtsr2023-x2"), "b": record(model="b/x2", track="rtsr2023-x2")}
    assert len(few["a"].fidelity.images) < 6
    assert [row.rank_interval for row in ranked(few)] == [None, None]
    efficient = {name: record(model=f"{name}/x4", track="esr2024-x4") for name in "ab"}
    (board,) = leaderboards(efficient)
    assert with_rank_intervals(board) is board


def test_another_model_leaves_the_resamples_as_they_are():
    some = [[0.5, 0.1] * 5, [0.4, 0.3] * 5]
    both = resampled_levels(some, [5.0, 6.0], seed=7)
    assert (resampled_levels([*some, [0.2] * 10], [5.0, 6.0, 7.0], seed=7)[:, :2] == both).all()
