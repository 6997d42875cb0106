"""When a runtime is believed: what agrees on a busy machine does, what hides work does not."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rtsr_bench.evaluate.agreement import (
    Gap,
    check_clock,
    check_images,
    check_outputs,
    check_threads,
    differences,
    distance,
)
from rtsr_bench.evaluate.conduct import Call, Input
from rtsr_bench.evaluate.detail import telling_places
from rtsr_bench.protocol import Precision
from rtsr_bench.record import Failure, FailureKind

GAP = Gap(usual_ms=25.0, worst_ms=40.0, copy_ms=30.0)


def calls(samples: Sequence[float], besides: Sequence[float]) -> list[Call]:
    return [
        Call(given=Input(seed=number), sample_ms=sample, host_ms=None, bracket_s=(sample + beside) / 1e3)
        for number, (sample, beside) in enumerate(zip(samples, besides, strict=True))
    ]


@pytest.mark.parametrize("load", [1, 2, 4])
def test_a_busy_machine_is_no_cheat(load: int) -> None:
    """Everything takes `load` times as long as it did while the gap was measured, with bursts on top."""
    draw = random.Random(load)
    busy = [load * (10 if draw.random() < 0.2 else 1 + draw.random() / 2) for _ in range(244)]
    honest = calls([150 * one for one in busy], [25 * draw.choice(busy) for _ in busy])
    assert check_clock(honest, GAP, "cpu") is None


def inconsistent(failure: Failure | None, *words: str) -> bool:
    assert failure is not None
    assert all(word in failure.message for word in words), failure.message
    return failure.kind is FailureKind.INCONSISTENT


def test_work_hidden_beside_the_samples_is_seen_with_both_numbers() -> None:
    hidden = calls([10.0] * 244, [25.0 + 400.0] * 244)
    assert inconsistent(check_clock(hidden, GAP, "cpu"), "10.00 ms", "425.00 ms")


def test_samples_longer_than_what_passed_are_seen() -> None:
    more = calls([100.0] * 244, [-60.0] * 244)
    assert inconsistent(check_clock(more, GAP, "cpu"), "24400.0 ms", "9760.0 ms")


def test_one_image_in_time_is_enough_and_none_is_not() -> None:
    usual = calls([100.0] * 244, [25.0] * 244)
    assert check_images(usual, calls([900.0, 130.0], [25.0, 25.0]), GAP, "cpu") is None
    assert inconsistent(check_images(usual, calls([900.0, 700.0], [25.0, 25.0]), GAP, "cpu"), "100.00", "700.00")


def test_of_a_few_repeats_the_longest_speaks_for_all() -> None:
    images = calls([900.0, 700.0], [25.0, 25.0])
    assert check_images(calls([3.0, 550.0], [25.0, 25.0]), images, GAP, "cpu") is None
    assert inconsistent(check_images(calls([3.0] * 8, [25.0] * 8), images, GAP, "cpu"), "3.00 ms", "quickest of 2")


def test_an_image_that_claims_to_be_quick_is_held_to_the_harness_clock() -> None:
    usual = calls([100.0] * 244, [25.0] * 244)
    assert inconsistent(check_images(usual, calls([1.0], [900.0]), GAP, "cpu"), "100.00", "781.00")


def test_outputs_of_another_input_or_of_nothing_are_far_away() -> None:
    draw = random.Random(1)
    one, other = (tuple(draw.gauss(0, 1) for _ in range(256)) for _ in range(2))
    assert distance(one, one) == 0
    assert distance(one, other) == pytest.approx(math.sqrt(2), abs=0.2)
    assert distance(one, tuple(0.0 for _ in one)) == pytest.approx(1, abs=0.1)
    assert distance(one, tuple(value * 1.005 for value in one)) < 0.01
    assert distance(one, one[:-1]) == math.inf
    assert distance((0.5,) * 256, (0.5,) * 256) == 0


def test_what_is_not_finite_is_compared_as_such() -> None:
    assert distance((None,) * 4, (None,) * 4) == 0
    assert distance((None,) * 4, (1.0,) * 4) == math.inf
    assert distance((None, *(float(n) for n in range(255))), tuple(float(n) for n in range(-1, 255))) == 0


def test_a_disagreement_names_the_kind_of_input() -> None:
    draw = random.Random(2)
    values = [tuple(draw.gauss(0, 1) for _ in range(256)) for _ in range(2)]
    noise, image = Input(seed=1), Input(image=b"x", whole=True)
    alike = differences({noise: values[0]}, {noise: values[0], image: values[1]})
    assert check_outputs(alike, Precision.FP32, "cpu") is None
    other = differences({noise: values[0]}, {noise: values[1]})
    assert inconsistent(check_outputs(other, Precision.FP16, "cpu"), "random numbers")
    other = differences({image: (7.0,) * 256}, {image: values[1]})
    assert inconsistent(check_outputs(other, Precision.FP32, "cpu"), "an image")
    assert inconsistent(check_outputs({noise: math.nan}, Precision.FP32, "cpu"), "random numbers")


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_an_image_gives_the_pixels_of_its_sr_image(data_range: float) -> None:
    draw, image = random.Random(3), Input(image=b"x", whole=True)
    pixels = tuple(float(draw.randrange(256)) for _ in range(256))
    raw = tuple((value + draw.uniform(-0.4, 0.4)) / 255 * data_range for value in pixels)
    assert differences({image: pixels}, {image: raw}, data_range)[image] == 0
    clipped = tuple(2 * data_range if value == 255 else value / 255 * data_range for value in pixels)
    assert differences({image: pixels}, {image: clipped}, data_range)[image] == 0
    middle = tuple(min(250.0, value) for value in pixels)
    other = tuple((value + 3) / 255 * data_range for value in middle)
    assert differences({image: middle}, {image: other}, data_range)[image] == pytest.approx(9)
    for found in ((None, *raw[1:]), (None,) * 256, raw[1:]):
        assert differences({image: pixels}, {image: found}, data_range)[image] == math.inf


@pytest.mark.parametrize(
    ("precision", "device", "allowed", "refused"),
    [
        (Precision.FP32, "cpu", 0.06, 0.07),
        (Precision.AMP_FP16, "cpu", 0.6, 0.7),
        (Precision.BF16, "cpu", 12, 14),
        (Precision.FP32, "cuda", 4, 4.5),
        (Precision.FP16, "cuda", 4, 4.5),
        (Precision.BF16, "cuda", 60, 70),
    ],
)
def test_an_image_may_differ_by_what_the_number_format_makes_and_no_more(
    precision: Precision, device: str, allowed: float, refused: float
) -> None:
    image = Input(image=b"x", whole=True)
    assert check_outputs({image: allowed}, precision, device) is None
    assert inconsistent(check_outputs({image: refused}, precision, device), "for an image differs", f"{refused:g}")


def test_places_are_where_the_detail_is_and_others_each_time() -> None:
    pixels = np.full((200, 300, 3), 90, dtype=np.uint8)
    pixels[50:80, 100:160, 1] = np.random.default_rng(1).integers(0, 256, (30, 60))
    (first, detail), (second, _) = (telling_places(pixels, 256) for _ in range(2))
    assert len(first) == 256
    assert first != second
    assert detail > 50
    planes, rest = np.divmod(np.array(first), 200 * 300)
    rows, columns = np.divmod(rest, 300)
    inside = (planes == 1) & (abs(rows - 64.5) < 17) & (abs(columns - 129.5) < 32)
    assert inside.mean() > 0.2  # where one in a hundred values lies
    assert telling_places(np.zeros((1, 2, 3), dtype=np.uint8), 4)[1] == 0


def test_what_was_put_off_until_somebody_looks_is_part_of_the_call() -> None:
    usual, gap = calls([1.0] * 244, [25.0] * 244), replace(GAP, look_ms=1.0)
    (image,) = calls([1.0], [25.0])
    assert check_images(usual, [replace(image, look_s=0.05)], gap, "cpu") is None
    assert inconsistent(check_images(usual, [replace(image, look_s=0.4)], gap, "cpu"), "1.00 ms", "398.00 ms")


def test_more_processors_than_threads_were_given_are_seen() -> None:
    assert check_threads(worked_s=10.2, passed_s=10.0, threads=1) is None
    assert check_threads(worked_s=39.0, passed_s=10.0, threads=4) is None
    assert inconsistent(check_threads(worked_s=19.0, passed_s=10.0, threads=1), "19.0 s of processor time in 10.0 s")
