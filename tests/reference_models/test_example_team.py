"""The example to copy: trained in one form and run in another, better than bicubic on images it has never seen."""

from __future__ import annotations

from types import ModuleType

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
    photographs = [image for image in builtin_images(role="test") if image.category == "photograph"]
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


def psnr(sr: torch.Tensor, hr: np.ndarray) -> float:
    pixels = (sr[0].clamp(0, 1) * 255).round().permute(1, 2, 0).double().numpy()
    return float(10 * np.log10(255**2 / np.mean((pixels - hr) ** 2)))
