"""The score formula, against the organisers' own values and the published table."""

from __future__ import annotations

import math

import pytest

from rtsr_bench.score import (
    ESR_BASELINES,
    FORMULAS,
    Ingredients,
    mean_psnr_db,
    ntire23_rtsr,
    ntire23_runtime_ms,
    ntire_esr,
    psnr_db,
)

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
    with pytest.raises(ValueError, match="zero images"):
        mean_psnr_db([])
    with pytest.raises(ValueError, match="MSE"):
        psnr_db(-1e-9)


def esr(year: int, runtime_ms: float, macs: int | None, params: int | None) -> float | None:
    found = Ingredients(psnr_db=26.96, baseline_psnr_db=25.0, runtime_ms=runtime_ms, macs=macs, params=params)
    return FORMULAS[f"ntire-esr-{year}"].value(found)


@pytest.mark.parametrize(
    ("year", "runtime_ms", "macs", "params"),
    [
        (2024, 13.54, 19_670_000_000, 317_000),
        (2025, 16.69, 16_700_000_000, 276_000),
        (2026, 7.74, 9_830_000_000, 151_000),
    ],
)
def test_each_baseline_of_efficient_sr_scores_e_squared(year: int, runtime_ms: float, macs: int, params: int) -> None:
    """The organisers' own example: RLFN at its own values has 7.3891 in each part and in all."""
    assert esr(year, runtime_ms, macs, params) == pytest.approx(math.exp(2), rel=1e-12)
    assert round(math.exp(2), 4) == 7.3891


def test_the_parts_of_efficient_sr_carry_their_weights() -> None:
    assert esr(2024, 13.54 / 2, 0, 0) == pytest.approx(0.7 * math.e + 0.3)
    assert esr(2026, 0.001, 9_830_000_000, 0) == pytest.approx(0.8 * math.exp(0.002 / 7.74) + 0.1 * math.exp(2) + 0.1)
    assert ntire_esr(runtime=0, macs=0, params=0, weights=(0.7, 0.15, 0.15)) == pytest.approx(1.0)
    assert all(math.isclose(sum(one.weights), 1.0) for one in ESR_BASELINES.values())


def test_efficient_sr_has_no_score_without_a_whole_count() -> None:
    assert esr(2024, 10.0, None, 317_000) is None
    assert esr(2024, 10.0, 19_670_000_000, None) is None
    with pytest.raises(ValueError, match="shares of the baseline"):
        ntire_esr(runtime=math.nan, macs=1, params=1, weights=(0.7, 0.15, 0.15))


def test_only_efficient_sr_gives_the_better_model_the_lower_score() -> None:
    assert {name for name, formula in FORMULAS.items() if formula.lower_is_better} == set(ESR_BASELINES)
