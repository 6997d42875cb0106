"""The middle of each image: LR and HR of one window lie over each other, and the digest tells it from the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtsr_bench.datasets import Dataset, find_dataset
from rtsr_bench.protocol import Size

WINDOW = Size(110, 131)


@pytest.fixture(params=[2, 3, 4])
def whole(request: pytest.FixtureRequest) -> Dataset:
    """A photograph of the built-in set: 300 x 451 pixels, no two parts of which are alike."""
    found = find_dataset("builtin", scale=request.param, degradation="pillow-bicubic", roots=())
    assert isinstance(found, Dataset)
    return replace(found, pairs=tuple(pair for pair in found.pairs if pair.name == "photo-chelsea.png"))


def test_a_window_is_the_middle_of_both(whole: Dataset) -> None:
    scale = whole.scale
    small = whole.windowed(WINDOW)
    (pair,) = small.pairs
    assert pair.size == Size(110 // scale * scale, 131 // scale * scale)
    hr, lr = pair.both()
    assert hr.shape == (pair.size.height, pair.size.width, 3)
    assert np.array_equal(hr, pair.hr())
    assert np.array_equal(lr, pair.lr())
    large_hr, large_lr = whole.pairs[0].both()
    left = (large_hr.shape[1] - hr.shape[1]) // 2 // scale
    columns = slice(left, left + lr.shape[1])
    starts = range(large_lr.shape[0] - lr.shape[0])
    tops = [top for top in starts if np.array_equal(large_lr[top : top + lr.shape[0], columns], lr)]
    assert tops, "LR is a part of the whole LR, not made from a part of HR"
    top = tops[0] * scale
    assert abs(top - (large_hr.shape[0] - hr.shape[0]) / 2) <= scale
    assert np.array_equal(large_hr[top : top + hr.shape[0], left * scale : left * scale + hr.shape[1]], hr)


def test_a_window_has_a_digest_of_its_own(whole: Dataset) -> None:
    small = whole.windowed(WINDOW)
    assert small.digest != whole.digest
    assert small.windowed(Size(50, 50)).pairs[0].whole == whole.pairs[0].size
    assert whole.windowed(Size(9000, 9000)) == whole
