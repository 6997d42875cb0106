"""When a runtime is believed: the parent's clock agrees, and images take what random numbers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rtsr_bench.evaluate.clocks import (
    Gap,
    check_besides,
    check_images,
    check_known_images,
    check_repeated,
    check_sum,
    check_threads,
)
from rtsr_bench.evaluate.conduct import Call
from rtsr_bench.evaluate.inputs import Input
from rtsr_bench.record import Failure, FailureKind

GAP = Gap(usual_ms=25.0, high_ms=30.0, image_ms=40.0, look_ms=1.0)


def calls(samples: Sequence[float], beside: float = 25.0, image: bytes | None = None) -> list[Call]:
    return [
        Call(given=Input(seed=number, image=image), sample_ms=sample, host_ms=None, bracket_s=(sample + beside) / 1e3)
        for number, sample in enumerate(samples)
    ]


def images(samples: Sequence[float], beside: float = 35.0) -> list[Call]:
    return calls(samples, beside, b"")


def inconsistent(failure: Failure | None, *words: str) -> bool:
    assert failure is not None
    assert all(word in failure.message for word in words), failure.message
    return failure.kind is FailureKind.INCONSISTENT


def test_samples_longer_than_what_passed_are_seen() -> None:
    assert check_sum(calls([100.0] * 244), "cpu") is None
    assert inconsistent(check_sum(calls([100.0] * 244, -60.0), "cpu"), "24400.0 ms", "9760.0 ms")


def test_work_hidden_beside_the_samples_is_seen_with_both_numbers() -> None:
    """1.5 times what a call without a model costs, 5 % of a frame and 5 ms: 1.5 * 30 + 0.5 + 5 = 50.5."""
    assert check_besides(calls([10.0] * 244, 50.4), GAP, "cpu") is None
    assert inconsistent(check_besides(calls([10.0] * 244, 50.6), GAP, "cpu"), "random numbers", "10.00 ms", "50.60 ms")
    assert check_besides(images([10.0] * 16, 65.4), GAP, "cpu") is None
    assert inconsistent(check_besides(images([10.0] * 16, 65.6), GAP, "cpu"), "on images")


@pytest.mark.parametrize("frame", [3.0, 200.0])
def test_images_may_take_a_quarter_longer_and_3_percent_of_a_frame(frame: float) -> None:
    allowed = 1.28 * frame + 0.2
    noise = calls([frame] * 244)
    assert check_images(noise, images([allowed - 0.01] * 31), GAP, "cpu") is None
    assert inconsistent(check_images(noise, images([allowed + 0.01] * 31), GAP, "cpu"), "50 % of 244 calls")
    few_slow = images([frame] * 25 + [10 * frame] * 6)
    assert check_images(noise, few_slow, GAP, "cpu") is None


def test_work_skipped_for_a_part_of_the_random_numbers_shows_in_the_quartiles() -> None:
    noise, honest = calls([5.0] * 70 + [10.0] * 174), images([10.0] * 31)
    assert inconsistent(check_images(noise, honest, GAP, "cpu"), "25 % of 244 calls")


def test_what_was_put_off_until_somebody_looks_is_part_of_the_call() -> None:
    noise, late = calls([100.0] * 244), images([100.0] * 31)
    assert check_images(noise, [replace(call, look_s=0.025) for call in late], GAP, "cpu") is None
    assert inconsistent(check_images(noise, [replace(call, look_s=0.05) for call in late], GAP, "cpu"), "148.00")


@pytest.mark.parametrize("skipped", [0.06, 0.15, 0.24])
def test_work_skipped_for_a_few_random_numbers_shows_in_the_low_quantiles(skipped: float) -> None:
    few = round(244 * skipped)
    failure = check_images(calls([1.0] * few + [81.0] * (244 - few)), images([100.0] * 31), GAP, "cpu")
    assert inconsistent(failure, "% of 244 calls took up to 1.00 ms")


def test_half_of_the_known_images_in_time_are_enough_and_fewer_are_not() -> None:
    """1.28 * 100 + 0.2 = 128.2."""
    noise = calls([100.0] * 244)
    assert check_known_images(noise, images([900.0, 128.1, 128.1, 100.0]), GAP, "cpu") is None
    assert inconsistent(check_known_images(noise, images([1.0, 900.0, 300.0, 200.0]), GAP, "cpu"), "100.00", "250.00")


def test_an_input_seen_before_must_not_be_answered_from_memory() -> None:
    noise = calls([10.0] * 15)
    assert check_repeated(noise, calls([4.9] * 4), "cpu") is None
    assert inconsistent(check_repeated(noise, calls([0.1] * 4), "cpu"), "0.10 ms", "10.00 ms", "remembered")


def test_more_processors_than_threads_were_given_are_seen() -> None:
    assert check_threads(worked_s=10.2, passed_s=10.0, threads=1) is None
    assert check_threads(worked_s=39.0, passed_s=10.0, threads=4) is None
    assert inconsistent(check_threads(worked_s=19.0, passed_s=10.0, threads=1), "19.0 s of processor time in 10.0 s")


def test_the_gap_is_a_quantile_and_not_the_worst_call() -> None:
    noise = calls([1.0] * 20, 25.0) + calls([1.0], 900.0)
    looks = [replace(call, look_s=0.002) for call in images([30.0] * 20)]
    gap = Gap.of([*noise, *looks])
    assert (gap.usual_ms, gap.high_ms, gap.image_ms, gap.look_ms) == pytest.approx((25.0, 25.0, 35.0, 2.0))
