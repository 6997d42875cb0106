"""The score formula, against the organisers' own values and the published table."""

from __future__ import annotations

import math

import pytest

from rtsr_bench.score import mean_psnr_db, ntire23_rtsr, ntire23_runtime_ms, psnr_db

ORACLES = [  # calc_scoring.ipynb of eduardzamfir/NTIRE23-RTSR, bicubic 31.697655
    (32.0, 27.86, 4.672554263632112),
    (32.0, 10.0, 7.799107556867665),
    (32.1, 10.0, 8.358876510917035),
    (32.0, 9.0, 8.220981198777668),
    (32.0, 15.0, 6.3679446544700395),
    (32.1, 15.0, 6.824994091560841),
    (32.15, 15.0, 7.065676988417572),
    (32.5, 135.99, 2.990931182912891),
    (32.5, 170.10, 2.6742853838652163),
]


@pytest.mark.parametrize(("psnr", "runtime", "score"), ORACLES)
def test_the_organisers_examples_come_out(psnr: float, runtime: float, score: float) -> None:
    assert ntire23_rtsr(psnr, 31.697655, runtime) == pytest.approx(score, rel=1e-12)


def test_no_gain_over_bicubic_scores_nothing() -> None:
    assert ntire23_rtsr(30.0, 30.0, 1.0) == 0.0
    assert ntire23_rtsr(29.0, 30.0, 1.0) == 0.0


def test_one_decibel_is_worth_a_factor_of_four_in_runtime() -> None:
    assert ntire23_rtsr(33.0, 31.0, 4.0) == pytest.approx(ntire23_rtsr(32.0, 31.0, 1.0))


def test_a_contour_is_the_formula_solved_for_runtime() -> None:
    assert ntire23_rtsr(31.5, 31.0, ntire23_runtime_ms(9.0, 0.5)) == pytest.approx(9.0)


def test_what_has_no_score_is_refused() -> None:
    for runtime in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="runtime"):
            ntire23_rtsr(32.0, 31.0, runtime)
    with pytest.raises(ValueError, match="PSNR"):
        ntire23_rtsr(math.nan, 31.0, 1.0)


def test_psnr_of_known_errors() -> None:
    assert psnr_db(1.0) == pytest.approx(48.1308036086791)
    assert psnr_db(255.0**2) == 0.0
    assert psnr_db(0.0) == math.inf
    assert mean_psnr_db([1.0, 255.0**2]) == pytest.approx(48.1308036086791 / 2)
    with pytest.raises(ValueError, match="no image"):
        mean_psnr_db([])
    with pytest.raises(ValueError, match="MSE"):
        psnr_db(-1e-9)
