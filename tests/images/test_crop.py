from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtsr_bench.images.crop import busiest_crop
from rtsr_bench.protocol import Size


@pytest.mark.parametrize("corner", [(0, 0), (0, 64), (37, 20), (68, 96)])
def test_the_window_goes_where_the_detail_is(corner: tuple[int, int]) -> None:
    hr = np.full((100, 128, 3), 90, np.uint8)
    top, left = corner
    hr[top : top + 32, left : left + 32] = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    found = busiest_crop(hr, Size(32, 32))
    assert abs(found[0] - top) <= 4
    assert abs(found[1] - left) <= 4


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_small_windows_are_searched_exhaustively(height: int, width: int, data: st.DataObject) -> None:
    hr = np.random.default_rng(height * 31 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    size = Size(data.draw(st.integers(1, min(height, 15))), data.draw(st.integers(1, min(width, 15))))
    grey = hr.astype(int) @ [1, 2, 1]
    detail = np.zeros((height, width), int)
    detail[:, 1:] += np.abs(np.diff(grey, axis=1))
    detail[1:] += np.abs(np.diff(grey, axis=0))
    sums = {
        (top, left): detail[top : top + size.height, left : left + size.width].sum()
        for top in range(height - size.height + 1)
        for left in range(width - size.width + 1)
    }
    most = max(sums.values())
    assert busiest_crop(hr, size) == min(place for place, total in sums.items() if total == most)


def test_a_flat_image_gives_its_corner() -> None:
    assert busiest_crop(np.zeros((40, 40, 3), np.uint8), Size(16, 16)) == (0, 0)


@pytest.mark.parametrize("size", [Size(41, 10), Size(10, 41), Size(0, 10)])
def test_a_window_that_does_not_fit_is_refused(size: Size) -> None:
    with pytest.raises(ValueError, match="expected a window"):
        busiest_crop(np.zeros((40, 40, 3), np.uint8), size)
