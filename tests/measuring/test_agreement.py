"""When a timed output is believed: what another process made but for rounding, and related to its input."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from rtsr_bench.backends import same_algorithm
from rtsr_bench.evaluate.agreement import (
    beyond_rounding,
    check_answers,
    check_outputs,
    differences,
    distance,
    images_apart,
    relation,
)
from rtsr_bench.evaluate.conduct import Seen
from rtsr_bench.evaluate.detail import telling_places
from rtsr_bench.evaluate.inputs import BLOCKS, Input
from rtsr_bench.execution import EAGER_FP32, Execution
from rtsr_bench.protocol import Precision
from rtsr_bench.record import Failure, FailureKind


def inconsistent(failure: Failure | None, *words: str) -> bool:
    assert failure is not None
    assert all(word in failure.message for word in words), failure.message
    return failure.kind is FailureKind.INCONSISTENT


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
    noise, image = Input(seed=1), Input(image=b"x")
    alike = differences({noise: values[0]}, {noise: values[0], image: values[1]})
    assert check_outputs(alike, same_algorithm(EAGER_FP32, "cpu")) is None
    other = differences({noise: values[0]}, {noise: values[1]})
    assert inconsistent(
        check_outputs(other, same_algorithm(Execution(precision=Precision.FP16), "cpu")), "random numbers"
    )
    other = differences({image: (7.0,) * 256}, {image: values[1]})
    assert inconsistent(check_outputs(other, same_algorithm(EAGER_FP32, "cpu")), "an image")
    assert inconsistent(check_outputs({noise: math.nan}, same_algorithm(EAGER_FP32, "cpu")), "random numbers")


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_an_image_gives_the_pixels_of_its_sr_image(data_range: float) -> None:
    draw, image = random.Random(3), Input(image=b"x")
    pixels = tuple(float(draw.randrange(256)) for _ in range(256))
    raw = tuple((value + draw.uniform(-0.4, 0.4)) / 255 * data_range for value in pixels)
    assert differences({image: pixels}, {image: raw}, data_range)[image] == 0
    clipped = tuple(2 * data_range if value == 255 else value / 255 * data_range for value in pixels)
    assert differences({image: pixels}, {image: clipped}, data_range)[image] == 0
    middle = tuple(min(250.0, value) for value in pixels)
    other = tuple((value + 3) / 255 * data_range for value in middle)
    assert differences({image: middle}, {image: other}, data_range)[image] == pytest.approx(2.5**2)
    for found in ((None, *raw[1:]), (None,) * 256, raw[1:]):
        assert differences({image: pixels}, {image: found}, data_range)[image] == math.inf


def test_a_value_between_two_levels_may_round_either_way() -> None:
    assert beyond_rounding(127, 127.5 / 255) == beyond_rounding(128, 127.5 / 255) == pytest.approx(0, abs=1e-9)
    assert beyond_rounding(128, 127.4 / 255) == pytest.approx(0.1)
    assert beyond_rounding(0, -3.0) == beyond_rounding(255, 7.0) == 0


def test_two_sr_images_that_differ_by_one_level_are_the_same_but_for_rounding() -> None:
    one = np.full((4, 4, 3), 100, dtype=np.uint8)
    other = one + np.eye(4, dtype=np.uint8)[:, :, None]
    assert images_apart(one, other) == 0
    assert images_apart(one, one + np.uint8(3)) == 4
    assert images_apart(one, one - np.uint8(3)) == 4


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
    image, tolerance = Input(image=b"x"), same_algorithm(Execution(precision=precision), device)
    assert check_outputs({image: allowed}, tolerance) is None
    assert inconsistent(check_outputs({image: refused}, tolerance), "for an image the timed", f"{refused:g}")


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


def seen(output: list[float | None], given: list[float | None]) -> Seen:
    return Seen(output=tuple(output), given=tuple(given))


def test_an_output_that_enlarges_its_input_correlates_with_it() -> None:
    draw = np.random.default_rng(4)
    given = draw.normal(size=BLOCKS)
    enlarged = (0.1 * given[:, None] + 0.01 * draw.normal(size=(BLOCKS, 4)) + 0.4).ravel()
    assert relation(seen(enlarged.tolist(), given.tolist())) == pytest.approx(1, abs=0.01)
    stranger = relation(seen(draw.normal(size=4 * BLOCKS).tolist(), given.tolist()))
    assert stranger is not None
    assert abs(stranger) < 0.4
    assert relation(seen([0.0] * 4 * BLOCKS, given.tolist())) == 0
    assert relation(seen([None] * 4 * BLOCKS, given.tolist())) is None
    assert relation(Seen(output=(1.0, 2.0))) is None


def test_an_output_that_is_the_same_everywhere_is_no_image() -> None:
    draw = np.random.default_rng(5)
    given = draw.normal(size=BLOCKS).tolist()
    zeros, image = seen([0.0] * 4 * BLOCKS, given), seen(draw.normal(size=4 * BLOCKS).tolist(), given)
    assert check_answers([image] * 14 + [zeros] * 2) is None
    assert inconsistent(check_answers([image] * 14 + [zeros] * 3), "3 of 17 calls")
    assert check_answers([Seen(output=(1.0, 1.0))]) is None
