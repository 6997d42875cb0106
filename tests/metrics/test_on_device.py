"""The torch kernel is held against the definition and the numba one: on the CPU here, with `-m gpu` on a card too."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtsr_bench.errors import UserError
from rtsr_bench.metrics import definition, on_device
from rtsr_bench.metrics.fidelity import Values, measure
from rtsr_bench.metrics.on_device import measure_on
from rtsr_bench.protocol import Colour, Convention

RGB = Convention(Colour.RGB)
EVERY = tuple(Convention(colour, border) for border in (0, 2, 3) for colour in Colour)


@pytest.fixture(scope="module", params=["cpu", pytest.param("cuda:0", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    import torch

    name: str = request.param
    if name.startswith("cuda") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device and a torch with CUDA")
    return name


def _pair(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    hr = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.clip(hr + rng.integers(-9, 10, hr.shape), 0, 255).astype(np.uint8), hr


def _agrees(device: str, sr: np.ndarray, hr: np.ndarray, conventions: tuple[Convention, ...]) -> None:
    """MSE is `measure`'s to the last bit, for both divide the same whole numbers once; SSIM is float64 in all three."""
    values, fast = measure_on(device, sr, hr, conventions), measure(sr, hr, conventions)
    assert values.mse == fast.mse
    assert values.ssim == pytest.approx(fast.ssim, rel=0, abs=1e-9)
    for one in conventions:
        assert values.mse[one.key] == pytest.approx(definition.mse(sr, hr, one), rel=1e-12, abs=1e-20), one
        assert values.ssim[one.key] == pytest.approx(definition.ssim(sr, hr, one), rel=0, abs=1e-9), one


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(11, 40), st.integers(11, 40)),
    kinds=st.tuples(*[st.sampled_from(["constant", "checkerboard", "saturated", "noise", "one pixel"])] * 2),
    border=st.integers(0, 14),
    seed=st.integers(0, 2**32 - 1),
)
def test_awkward_images_agree_with_the_definition_and_with_measure(
    device: str, size: tuple[int, int], kinds: tuple[str, str], border: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    images: list[np.ndarray] = []
    for kind in kinds:
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        if kind == "constant":
            image[:] = image[0, 0]
        elif kind == "checkerboard":
            image = np.repeat((np.indices(size).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
        elif kind == "saturated":
            image = (image // 128 * 255).astype(np.uint8)
        elif kind == "one pixel" and images:
            image = images[0].copy()
            image[rng.integers(size[0]), rng.integers(size[1])] ^= np.uint8(255)
        images.append(image)
    widest = min(border, (min(size) - 11) // 2)
    borders = sorted({0, widest // 2, widest})
    _agrees(device, images[1], images[0], tuple(Convention(colour, b) for b in borders for colour in Colour))


@pytest.mark.parametrize("band_rows", [1, 2, 7, 64])
def test_bands_and_borders_may_fall_anywhere(device: str, band_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sr, hr = _pair(41, 53)
    whole = measure_on(device, sr, hr, EVERY)
    monkeypatch.setattr(on_device, "_BAND_PIXELS", band_rows * 53)
    banded = measure_on(device, sr, hr, EVERY)
    assert banded.mse == whole.mse
    assert banded.ssim == pytest.approx(whole.ssim, rel=0, abs=1e-13)
    _agrees(device, sr, hr, EVERY)


def test_flat_bright_areas_lose_no_digits(device: str) -> None:
    hr = np.full((40, 50, 3), 254, np.uint8)
    sr = hr.copy()
    sr[::3, ::2, 1] = 255
    _agrees(device, sr, hr, EVERY)


def test_opposite_extremes_overflow_nothing(device: str) -> None:
    black, white = np.zeros((300, 400, 3), np.uint8), np.full((300, 400, 3), 255, np.uint8)
    values = measure_on(device, black, white, [RGB, Convention(Colour.Y)], ssim=False)
    assert values == Values(mse={"rgb_b0": 255.0**2, "y_b0": 219.0**2}, ssim={})


def test_an_image_equals_itself(device: str) -> None:
    _, hr = _pair(33, 28)
    values = measure_on(device, hr, hr, EVERY)
    assert set(values.mse.values()) == {0.0}
    assert all(ssim == pytest.approx(1.0, abs=1e-12) for ssim in values.ssim.values())


def test_views_and_read_only_pixels_are_accepted(device: str) -> None:
    sr, hr = _pair(20, 24)
    expected = measure_on(device, sr[3:, ::-1].copy(), hr[3:, ::-1].copy(), [RGB])
    for image in (sr, hr):
        image.setflags(write=False)
    assert measure_on(device, sr[3:, ::-1], hr[3:, ::-1], [RGB]) == expected


def test_conventions_that_differ_in_lr_alone_keep_their_keys(device: str) -> None:
    even = Convention(Colour.RGB, 0, lr_multiple=2)
    values = measure_on(device, *_pair(20, 24), [RGB, even])
    assert values.mse[even.key] == values.mse[RGB.key] > 0
    assert values.ssim.keys() == {RGB.key, even.key}


def test_what_measure_refuses_is_refused_alike(device: str) -> None:
    assert measure_on(device, *_pair(12, 12), []) == Values(mse={}, ssim={})
    with pytest.raises(ValueError, match="one shape"):
        measure_on(device, _pair(12, 12)[0], _pair(12, 13)[1], [RGB])
    with pytest.raises(UserError, match="SSIM needs 11x11"):
        measure_on(device, *_pair(12, 12), [Convention(Colour.RGB, 1)])
    with pytest.raises(UserError, match="MSE needs a pixel"):
        measure_on(device, *_pair(12, 12), [Convention(Colour.RGB, 6)], ssim=False)


def test_a_device_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="torch sees 0 CUDA devices") as refusal:
        measure_on("cuda:0", *_pair(12, 12), [RGB])
    assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match="cpu or cuda"):
        measure_on("meta", *_pair(12, 12), [RGB])


def test_importing_it_loads_no_torch() -> None:
    code = "import rtsr_bench.metrics.on_device, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.gpu
def test_a_4k_pair_takes_less_than_a_gigabyte_of_the_card() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device and a torch with CUDA")
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    _agrees("cuda:0", *_pair(2160, 3840), (RGB, Convention(Colour.Y, 2)))
    assert torch.cuda.max_memory_allocated() - before < 1e9
