"""MS-SSIM against scikit-image: its SSIM map, and with a huge K1 its contrast-structure map, on scales halved here.

Tolerance 1e-9: both sides are float64 and differ in the order of additions.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut
from skimage.measure import block_reduce
from skimage.metrics import structural_similarity

from rtsr_bench.errors import UserError
from rtsr_bench.images.colour import luma
from rtsr_bench.metric import METRICS
from rtsr_bench.metrics.multiscale import ms_ssim
from rtsr_bench.metrics.window import SCALE_WEIGHTS
from rtsr_bench.protocol import Colour, Convention

RGB = Convention(Colour.RGB)


def of_plane(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "full": True}
    product = 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        last = scale == len(SCALE_WEIGHTS) - 1
        _, terms = structural_similarity(x, y, K1=0.01 if last else 1e9, **settings)  # luminance is 1 for a huge C1
        product *= float(np.mean(terms[5:-5, 5:-5])) ** weight
        x, y = (block_reduce(np.pad(one, [(0, n % 2) for n in one.shape], "symmetric"), 2, np.mean) for one in (x, y))
    return product


def pair(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    hr = np.ascontiguousarray(astronaut()[:height, :width])
    noise = np.random.default_rng(0).normal(0, 12, hr.shape)
    return np.clip(0.8 * hr + 20 + noise, 0, 255).astype(np.uint8), hr


@pytest.mark.parametrize("shape", [(176, 192), (161, 161), (189, 250), (300, 163)])
def test_it_is_what_scikit_image_s_terms_give(shape: tuple[int, int]) -> None:
    sr, hr = pair(*shape)
    channels = [of_plane(sr[..., c].astype(float), hr[..., c].astype(float)) for c in range(3)]
    assert ms_ssim(sr, hr, RGB) == pytest.approx(np.mean(channels), abs=1e-9)
    expected = of_plane(luma(sr, Colour.Y), luma(hr, Colour.Y))
    assert ms_ssim(sr, hr, Convention(Colour.Y)) == pytest.approx(expected, abs=1e-9)
    assert 0.5 < expected < 0.999


def test_a_border_is_shaved_before() -> None:
    sr, hr = pair(181, 190)
    inside = np.s_[4:-4, 4:-4]
    assert ms_ssim(sr, hr, Convention(Colour.RGB, 4)) == ms_ssim(sr[inside].copy(), hr[inside].copy(), RGB)


def test_bands_change_nothing_but_the_order_of_additions(monkeypatch: pytest.MonkeyPatch) -> None:
    sr, hr = pair(200, 170)
    whole = ms_ssim(sr, hr, RGB)
    monkeypatch.setattr("rtsr_bench.metrics.multiscale._BAND", 7)
    assert ms_ssim(sr, hr, RGB) == pytest.approx(whole, abs=1e-13)


def test_an_image_equals_itself_and_is_unlike_its_negative() -> None:
    _, hr = pair(180, 180)
    assert ms_ssim(hr, hr, RGB) == pytest.approx(1.0, abs=1e-12)
    assert ms_ssim(255 - hr, hr, RGB) == 0.0  # negative terms have no such power


@pytest.mark.parametrize(("side", "border"), [(160, 0), (164, 2)])
def test_an_image_too_small_for_five_scales_is_refused_in_one_line(side: int, border: int) -> None:
    sr, hr = pair(side, 300)
    with pytest.raises(UserError, match="MS-SSIM needs 161x161 pixels") as caught:
        METRICS.find("ms_ssim").measure(sr, hr, Convention(Colour.RGB, border))
    assert "\n" not in str(caught.value)
