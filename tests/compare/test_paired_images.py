"""Fidelity of two models: paired differences, intervals and the sign-flip test."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from rtsr_bench.compare import fidelity
from rtsr_bench.compare.fidelity import compare_images, judge_differences, sign_flip_p
from rtsr_bench.comparison import Verdict
from rtsr_bench.metric import METRICS, known
from rtsr_bench.protocol import Size
from rtsr_bench.record import ImageFidelity

KEY = "rgb_b0"


def image(name: str, psnr: float, ssim: float = 0.9, bicubic: float = 30.0) -> ImageFidelity:
    """An image with these values; a PSNR of infinity is an MSE of 0."""
    mse, baseline = (255.0**2 / 10 ** (value / 10) for value in (psnr, bicubic))
    values = {f"mse/{KEY}": mse, f"ssim/{KEY}": ssim}
    return ImageFidelity(
        name=name, data_set="Set14", size=Size(64, 64), values=values, baseline={f"mse/{KEY}": baseline}
    )


def pairs(differences: list[float], **more: Any) -> tuple[list[ImageFidelity], list[ImageFidelity]]:
    a = [image(f"{number}.png", 30 + number) for number in range(len(differences))]
    b = [image(f"{number}.png", 30 + number + less) for number, less in enumerate(differences)]
    return a, b


def of_psnr(differences: list[float]) -> Any:
    (found,), _ = compare_images(*pairs(differences), known(("psnr",)), KEY)
    return found


def drawn(mean: float, spread: float, count: int = 14) -> list[float]:
    dice = random.Random(7)
    raw = [dice.gauss(0, spread) for _ in range(count)]
    return [mean + one - sum(raw) / count for one in raw]


def test_two_hundredths_of_a_db_on_fourteen_images_are_what_the_interval_says() -> None:
    clear, hidden = of_psnr(drawn(0.02, 0.01)), of_psnr(drawn(0.02, 0.2))
    assert clear.difference == pytest.approx(0.02)
    assert (clear.verdict, clear.images, clear.exact) == (Verdict.BETTER, 14, True)
    assert 0.01 < clear.interval[0] < 0.02 < clear.interval[1] < 0.03
    assert clear.p_value < 0.001
    assert hidden.difference == pytest.approx(0.02)
    assert hidden.verdict is Verdict.SAME
    assert hidden.interval[0] < 0 < hidden.interval[1]
    assert of_psnr(drawn(-0.02, 0.01)).verdict is Verdict.WORSE


def test_identical_values_are_the_same_on_any_number_of_images() -> None:
    found = of_psnr([0.0, 0.0])
    assert (found.verdict, found.difference, found.p_value) == (Verdict.SAME, 0.0, 1.0)
    assert "exactly the same" in found.reason


def test_few_images_are_ambiguous() -> None:
    found = of_psnr([0.5, 0.6, 0.5, 0.7, 0.6])
    assert found.verdict is Verdict.AMBIGUOUS
    assert found.p_value == 2 / 2**5
    assert "at least 6" in found.reason
    assert of_psnr([0.5, 0.6, 0.5, 0.7, 0.6, 0.6]).verdict is Verdict.BETTER


def test_interval_and_test_that_disagree_are_ambiguous() -> None:
    assert judge_differences([0.1] * 9 + [0.2], (0.01, 0.2), 0.07, higher_is_better=True)[0] is Verdict.AMBIGUOUS
    assert judge_differences([0.1] * 9 + [0.2], (-0.01, 0.2), 0.04, higher_is_better=True)[0] is Verdict.AMBIGUOUS


def test_a_metric_whose_lower_values_are_better() -> None:
    assert judge_differences([0.1] * 9 + [0.2], (0.01, 0.2), 0.01, higher_is_better=False)[0] is Verdict.WORSE


def test_images_without_a_finite_difference_are_left_out() -> None:
    a = [image(f"{number}.png", 30.0) for number in range(8)]
    b = [image(f"{number}.png", 30.1) for number in range(8)]
    a[0], b[0] = image("0.png", float("inf")), image("0.png", 30.0)
    a[1] = image("1.png", 40.0, bicubic=float("inf"))  # bicubic is exact: every mean of PSNR leaves it out
    (psnr, ssim), images = compare_images(a, b, known(("psnr", "ssim")), KEY)
    assert (psnr.images, psnr.left_out) == (6, 2)
    assert psnr.difference == pytest.approx(0.1)
    assert images[0].values[f"psnr/{KEY}"] == (None, pytest.approx(30.0))
    assert (ssim.images, ssim.left_out, ssim.verdict) == (8, 0, Verdict.SAME)


def test_a_metric_that_was_not_measured_is_left_out() -> None:
    found, _ = compare_images(*pairs([0.1]), [METRICS.find("ms_ssim")], KEY)
    assert found == ()


def test_p_of_few_images_is_that_of_all_sign_patterns() -> None:
    values = [0.3, -0.1, 0.25, 0.4, -0.05, 0.2, 0.1]
    least = abs(sum(values)) - 1e-9
    sums = [sum(sign * one for sign, one in zip(signs, values, strict=True)) for signs in _signs(len(values))]
    assert sign_flip_p(values) == sum(abs(one) >= least for one in sums) / len(sums)


def _signs(count: int) -> Any:
    return itertools.product((1, -1), repeat=count)


def test_drawn_p_is_close_to_the_exact_one_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    values = drawn(0.03, 0.1, 12)
    exact = sign_flip_p(values)
    monkeypatch.setattr(fidelity, "EXACT_IMAGES", 0)
    assert 0.05 < exact < 0.5
    assert sign_flip_p(values) == pytest.approx(exact, abs=0.01)
    assert sign_flip_p(values) == sign_flip_p(values)
    assert sign_flip_p([0.1] * 40) == pytest.approx(1 / 100_001), "never 0: the observed signs count"
