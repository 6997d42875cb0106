"""The example to copy: trained in one form and run in another, better than bicubic on images it has never seen."""

from __future__ import annotations

import hashlib
import importlib.util
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from shipped import CASES, ROOT, Case, load_arch

from rtsr_bench.datasets.builtin import builtin_images, image_pixels

FOLDER = ROOT / "submissions" / "example_team"
OURS = [case for case in CASES if case.folder == FOLDER]


@pytest.fixture(scope="module")
def arch() -> ModuleType:
    return load_arch(FOLDER)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_deployed_form_equals_training_form(arch: ModuleType, scale: int) -> None:
    torch.manual_seed(scale)
    training = arch.PlainSR(scale=scale, channels=8, depth=3, deployed=False)
    image = torch.rand(2, 3, 17, 20)
    with torch.no_grad():
        torch.testing.assert_close(training.deployed_form()(image), training(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("inputs", "outputs"), [(6, 6), (3, 8)])
def test_merged_convolution_is_the_sum_of_its_paths(arch: ModuleType, inputs: int, outputs: int) -> None:
    torch.manual_seed(0)
    block = arch.WideConv3x3(inputs, outputs).double()
    features = torch.rand(1, inputs, 9, 8, dtype=torch.float64)
    with torch.no_grad():
        step_by_step = block.reduce(block.widen(features))
        if inputs == outputs:
            step_by_step = step_by_step + features
        torch.testing.assert_close(block(features), step_by_step, rtol=0, atol=1e-13)


def test_training_reaches_every_parameter(arch: ModuleType) -> None:
    training = arch.PlainSR(scale=2, channels=8, depth=2, deployed=False)
    training(torch.rand(1, 3, 12, 12)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in training.parameters())


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.id)
def test_weights_are_small(case: Case) -> None:
    assert case.weights is not None
    assert case.weights.stat().st_size < 300_000


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.id)
def test_each_photograph_gains_over_bicubic(case: Case) -> None:
    model = case.build()
    photographs = [image for image in builtin_images() if image.category == "photograph"]
    assert photographs
    gains = {}
    for photograph in photographs:
        hr = image_pixels(photograph)
        hr = hr[: hr.shape[0] // case.scale * case.scale, : hr.shape[1] // case.scale * case.scale]
        size = (hr.shape[1] // case.scale, hr.shape[0] // case.scale)
        small = np.array(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))
        lr = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
        bicubic = torch.nn.functional.interpolate(lr, scale_factor=case.scale, mode="bicubic", align_corners=False)
        gains[photograph.name] = psnr(model(lr), hr) - psnr(bicubic, hr)
    assert min(gains.values()) > 0.1, gains  # README: 0.17 dB is the least, of the cat at x3
    assert sum(gains.values()) / len(gains) > 0.4, gains


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_team_pictures", FOLDER / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_training_picture_is_measured_on(pictures: ModuleType) -> None:
    hashes = {sha256 for sha256, _ in pictures.PICTURES.values()}
    assert len(hashes) == len(pictures.PICTURES)
    assert not hashes & {image.sha256 for image in builtin_images()}


@pytest.mark.parametrize("name", ["photo-rocket", "photo-hubble-deep-field", "photo-retina"])
def test_training_photographs_have_the_pinned_pixels(pictures: ModuleType, name: str) -> None:
    sha256, make = pictures.PICTURES[name]
    assert hashlib.sha256(make().tobytes()).hexdigest() == sha256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("fractal-seahorses", "27901c754f666485fc5488c5ddada611abf25d3ed3f958e1c7abcb59b25959ae"),
        ("fabric-pullover", "5c63c54d09923a7d7fcb47bc7fcd3439c549dcbc6c31331b5b3acd021504987c"),
    ],
)
def test_every_eighth_band_of_the_drawn_training_pictures_is_pinned(
    pictures: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, sha256: str
) -> None:
    """The whole picture is compared with its pin wherever it is drawn for training."""
    bands: list[tuple[int, int]] = []

    def in_some_bands(draw: Any, height: int, *args: Any) -> None:
        bands[:] = [(start, start + 60) for start in range(0, height, 480)]
        for band in bands:
            draw(*band, *args)

    for module in (pictures, pictures.fractals):
        monkeypatch.setattr(module, "in_bands", in_some_bands)
    pixels = pictures.PICTURES[name][1]()
    drawn = b"".join(pixels[first:end].tobytes() for first, end in bands)
    assert hashlib.sha256(drawn).hexdigest() == sha256


def test_a_picture_that_is_not_as_pinned_stops_the_training(
    pictures: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PICTURES", {"grey": ("0" * 64, lambda: np.zeros((2, 2, 3), dtype=np.uint8))})
    with pytest.raises(SystemExit, match="grey: expected pixels with SHA-256 0000"):
        list(pictures.training_pictures())


def psnr(sr: torch.Tensor, hr: np.ndarray) -> float:
    pixels = (sr[0].clamp(0, 1) * 255).round().permute(1, 2, 0).double().numpy()
    return float(10 * np.log10(255**2 / np.mean((pixels - hr) ** 2)))
