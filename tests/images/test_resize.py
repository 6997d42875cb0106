from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtsr_bench.images.degrade import crop_to_multiple
from rtsr_bench.images.io import read_rgb
from rtsr_bench.images.resize import matlab_imresize, pillow_bicubic, torch_bicubic
from rtsr_bench.protocol import Size

NAMES = ("baby", "bird", "butterfly", "head", "woman")


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.shared
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_matlab_imresize_gives_the_canonical_lr_bit_for_bit(shared: Path, name: str, scale: int) -> None:
    folder = shared / "data" / "canonical" / "Set5"
    hr = crop_to_multiple(read_rgb(folder / "HR" / f"{name}.png"), scale)
    lr = read_rgb(folder / "LR_bicubic" / f"X{scale}" / f"{name}x{scale}.png")
    assert np.array_equal(matlab_imresize(hr, 1 / scale), lr)
    assert np.array_equal(matlab_imresize(hr, Size(*lr.shape[:2])), lr)


def _imresize_of_one_sample(line: list[float], position: float, scale: float) -> float:
    """MATLAB's documented sum for one output sample of a line, spelled out."""

    def kernel(x: float) -> float:
        a = abs(x)
        return 1.5 * a**3 - 2.5 * a**2 + 1 if a <= 1 else -0.5 * a**3 + 2.5 * a**2 - 4 * a + 2 if a <= 2 else 0.0

    stretch = min(scale, 1.0)
    centre = (position + 0.5) / scale - 0.5
    total = weights = 0.0
    for i in range(-4 * len(line), 5 * len(line)):
        weight = kernel(stretch * (centre - i))
        mirrored = i % (2 * len(line))
        total += weight * line[mirrored if mirrored < len(line) else 2 * len(line) - 1 - mirrored]
        weights += weight
    return total / weights


@pytest.mark.parametrize(
    ("length", "scale"), [(16, 0.5), (17, 1 / 3), (13, 0.25), (5, 2.0), (7, 3.0), (3, 0.5), (9, 0.6)]
)
def test_floating_point_is_neither_rounded_nor_clipped(length: int, scale: float) -> None:
    line = np.random.default_rng(length).uniform(-50, 300, length)
    plane = np.repeat(line[:, None], 4, axis=1)
    resized = matlab_imresize(plane, Size(int(np.ceil(length * scale)), 4) if scale != 0.6 else 0.6)
    used = resized.shape[0] / length if scale != 0.6 else 0.6
    expected = [_imresize_of_one_sample(list(line), i, used) for i in range(resized.shape[0])]
    np.testing.assert_allclose(resized[:, 0], expected, rtol=0, atol=1e-10)


def test_the_size_of_the_output_is_rounded_up() -> None:
    assert matlab_imresize(_noise(11, 14, 3), 0.5).shape == (6, 7, 3)
    assert matlab_imresize(_noise(11, 14), 3).shape == (33, 42)


def test_the_dimension_that_shrinks_more_goes_first() -> None:
    image = _noise(32, 32, 3)
    rows_first = matlab_imresize(matlab_imresize(image, Size(8, 32)), Size(8, 16))
    columns_first = matlab_imresize(matlab_imresize(image, Size(32, 16)), Size(8, 16))
    assert not np.array_equal(rows_first, columns_first)
    assert np.array_equal(matlab_imresize(image, Size(8, 16)), rows_first)
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    assert np.array_equal(matlab_imresize(turned, Size(16, 8)), rows_first.transpose(1, 0, 2))


def test_halves_are_rounded_up_after_each_pass() -> None:
    column = np.array([[0], [1]], dtype=np.uint8)  # x0.5: one sample of weight one half each
    assert matlab_imresize(np.repeat(column, 4, axis=1), Size(1, 4)).tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize("value", [0, 1, 127, 255])
@pytest.mark.parametrize("scale", [0.25, 1 / 3, 0.5, 2.0, 3.0])
def test_a_constant_image_stays_constant(value: int, scale: float) -> None:
    image = np.full((24, 36, 3), value, np.uint8)
    assert (matlab_imresize(image, scale) == value).all()


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.int32), np.zeros((4, 4), bool)])
def test_matlab_imresize_takes_bytes_and_floats_only(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 or floating point"):
        matlab_imresize(wrong, 2)


def test_an_empty_output_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1x1"):
        matlab_imresize(_noise(4, 4), Size(0, 2))


def test_the_bicubics_differ_and_none_is_another_by_mistake() -> None:
    image = _noise(24, 24, 3)
    small = pillow_bicubic(image, Size(12, 12))
    large = (pillow_bicubic(small, Size(24, 24)), matlab_imresize(small, 2), torch_bicubic(small, 2))
    assert small.shape == (12, 12, 3)
    assert {each.shape for each in large} == {(24, 24, 3)}
    inside = slice(4, -4)  # MATLAB mirrors the image at its border, Pillow cuts the kernel off
    differences = (small.astype(int) - matlab_imresize(image, 0.5), large[0].astype(int) - large[1])
    assert all(1 <= np.abs(difference[inside, inside]).max() <= 2 for difference in differences)
    assert np.abs(large[0].astype(int) - large[2])[inside, inside].max() > 4


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_baseline_is_the_kernel_with_a_three_quarters(scale: int) -> None:
    image = _noise(9, 11, 3)
    a = -0.75

    def kernel(x: float) -> float:
        x = abs(x)
        return (
            (a + 2) * x**3 - (a + 3) * x**2 + 1
            if x <= 1
            else a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
            if x < 2
            else 0.0
        )

    large = torch_bicubic(image, scale)
    for row, column in [(0, 0), (scale * 4, scale * 5 + 1), (9 * scale - 1, 11 * scale - 1)]:
        y, x = (row + 0.5) / scale - 0.5, (column + 0.5) / scale - 0.5
        value = sum(
            kernel(y - i) * kernel(x - j) * image[np.clip(i, 0, 8), np.clip(j, 0, 10)].astype(float)
            for i in range(int(np.floor(y)) - 1, int(np.floor(y)) + 3)
            for j in range(int(np.floor(x)) - 1, int(np.floor(x)) + 3)
        )
        np.testing.assert_allclose(large[row, column], np.clip(value, 0, 255), atol=0.51)
