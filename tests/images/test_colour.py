from __future__ import annotations

import numpy as np
import pytest

from rtsr_bench.images.colour import luma
from rtsr_bench.protocol import Colour


def test_black_and_white_are_the_ends_of_the_studio_range() -> None:
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert luma(ends, Colour.Y).tolist() == [[16.0, 235.0]]
    assert luma(ends, Colour.Y_NTIRE23).tolist() == [[16.0, 235.0]]


def test_the_weights_of_each_convention() -> None:
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(luma(primaries, Colour.Y) - 16, [[65.481, 128.553, 24.966]], rtol=0, atol=1e-13)
    np.testing.assert_allclose(luma(primaries, Colour.Y_NTIRE23) - 16, [[24.966, 128.553, 65.481]], rtol=0, atol=1e-13)


def test_the_challenge_luma_is_the_luma_of_the_image_read_backwards() -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    assert np.array_equal(luma(image, Colour.Y_NTIRE23), luma(image[..., ::-1], Colour.Y))
    assert luma(image, Colour.Y).dtype == np.float64


def test_rgb_has_no_luma() -> None:
    with pytest.raises(ValueError, match="no luma weights"):
        luma(np.zeros((1, 1, 3), np.uint8), Colour.RGB)
