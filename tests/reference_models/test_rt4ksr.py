"""RT4KSR: as many parameters and operations as published, one function in two forms, the authors' own figures."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

GOLDEN_DB = 2e-4  # float32 sums in another order move a few pixels by one step


def params(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def awake(model: torch.nn.Module) -> torch.nn.Module:
    """Give every parameter a value that matters: at their start, norms and gamma hide what a wrong merge would do."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand(parameter.shape, generator=generator) * 0.2 - 0.1)
    return model.eval()


@pytest.mark.parametrize(
    ("size", "scale", "published"),
    [("S", 2, 44_521), ("S", 3, 57_541), ("XL", 2, 91_793), ("XXXL", 2, 110_417)],
)
def test_deployed_parameters_are_the_papers(rt4ksr: ModuleType, size: str, scale: int, published: int) -> None:
    assert params(rt4ksr.rt4ksr(scale, size)) == published


@pytest.mark.parametrize(("scale", "stored"), [(2, 152_233), (3, 165_253)])
def test_training_form_has_the_checkpoints_parameters(rt4ksr: ModuleType, scale: int, stored: int) -> None:
    blocks, channels = rt4ksr.FAMILY["S"]
    assert params(rt4ksr.RT4KSR(scale=scale, blocks=blocks, channels=channels)) == stored


@pytest.mark.parametrize(
    ("scale", "lr", "gmac"),
    [(2, (1080, 1920), 24.19), (3, (720, 1280), 13.74), (2, (3840, 3840), 171.99), (3, (3840, 3840), 219.77)],
)
def test_macs_are_the_papers_and_25_more_a_value_with_the_blur_as_it_ran(
    rt4ksr: ModuleType, scale: int, lr: tuple[int, int], gmac: float
) -> None:
    macs = {}
    for blur in rt4ksr.BLURS:
        with torch.device("meta"):
            model, image = rt4ksr.deployed(scale, blur=blur), torch.zeros(1, 3, *lr)
        with FlopCounterMode(display=False) as counter:
            model(image)
        macs[blur] = counter.get_total_flops() // 2
    assert round(macs["shifts"] / 1e9, 2) == gmac
    assert macs["convolution"] - macs["shifts"] == 25 * image.numel()


def test_the_blur_is_a_convolution_unless_it_is_asked_for_otherwise(rt4ksr: ModuleType) -> None:
    assert rt4ksr.rt4ksr(2).blur == rt4ksr.training(2).blur == rt4ksr.training(2).deployed_form().blur == "convolution"
    torch.manual_seed(0)
    model = awake(rt4ksr.deployed(2, fusion="inject"))
    image = torch.rand(1, 3, 15, 20)
    with torch.no_grad():
        expected = model(image)
        model.blur = "shifts"
        found = model(image)
    assert not torch.equal(found, expected), "the two are computed alike"
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert not any("kernel" in name for name in model.state_dict())


@pytest.mark.parametrize("size", ["XXS", "S", "M"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_deployed_form_equals_training_form(rt4ksr: ModuleType, scale: int, size: str) -> None:
    torch.manual_seed(scale)
    blocks, channels = rt4ksr.FAMILY[size]
    training = awake(rt4ksr.RT4KSR(scale=scale, blocks=blocks, channels=channels))
    image = torch.rand(2, 3, 25, 30)
    with torch.no_grad():
        expected, found = training(image), training.deployed_form()(image)
    assert not torch.equal(expected, found), "the forms are one and the same"
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * max(1.0, float(expected.abs().max())))


def test_merge_is_exact_in_float64(rt4ksr: ModuleType) -> None:
    torch.manual_seed(0)
    block = awake(rt4ksr.ExpandedConv3x3(6).double())
    features = torch.rand(1, 6, 9, 8, dtype=torch.float64)
    with torch.no_grad():
        merged = torch.nn.functional.conv2d(features, *block.merged(), padding=1)
        torch.testing.assert_close(merged, block(features), rtol=0, atol=1e-13)


def test_expanded_features_are_padded_with_the_expansions_bias(rt4ksr: ModuleType) -> None:
    torch.manual_seed(0)
    block = awake(rt4ksr.ExpandedConv3x3(4))
    features = torch.rand(1, 4, 5, 6)
    with torch.no_grad():
        wide = block.expand(features)
        framed = block.expand.bias.view(1, -1, 1, 1).expand(1, 8, 7, 8).clone()
        framed[:, :, 1:-1, 1:-1] = wide
        expected = block.reduce(block.conv3x3(framed) + wide) + features
        torch.testing.assert_close(block(features), expected, rtol=0, atol=1e-6)


def test_blur_is_the_5x5_gaussian_of_sigma_1(rt4ksr: ModuleType) -> None:
    ramp = torch.linspace(-2, 2, 5)
    taps = torch.exp(-0.5 * ramp**2)
    kernel = torch.outer(taps / taps.sum(), taps / taps.sum()).expand(3, 1, 5, 5)
    image = torch.rand(1, 3, 11, 14)
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2), mode="reflect")
    expected = torch.nn.functional.conv2d(padded, kernel, groups=3)
    found = rt4ksr.gaussian_blur(image, rt4ksr.gaussian_kernel())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(rt4ksr.gaussian_blur_by_shifts(image), expected, rtol=0, atol=1e-6)


def test_even_sizes_do_not_see_the_padding_of_odd_ones(rt4ksr: ModuleType) -> None:
    model = awake(rt4ksr.rt4ksr(2))
    image = torch.rand(1, 3, 15, 21)
    repeated = torch.nn.functional.pad(image, (0, 1, 0, 1), mode="replicate")
    with torch.no_grad():
        assert torch.equal(model(image), model(repeated)[:, :, :30, :42])


def test_a_checkpoint_of_another_net_is_refused(rt4ksr: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"state_dict": {"module.gamma": torch.zeros(1)}}, path)
    with pytest.raises(RuntimeError, match="Missing key"):
        rt4ksr.rt4ksr(2, checkpoint=str(path))


@pytest.mark.parametrize("content", [{"gamma": torch.zeros(1)}, torch.zeros(1), {"state_dict": torch.zeros(1)}])
def test_a_checkpoint_of_another_form_is_refused_in_words(rt4ksr: ModuleType, tmp_path: Path, content: object) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(ValueError, match="with weights in 'state_dict', found"):
        rt4ksr.rt4ksr(2, checkpoint=str(path))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.shared
@pytest.mark.parametrize("scale", [2, 3])
def test_set5_is_the_official_codes_image_by_image(rt4ksr: ModuleType, shared: Path, scale: int) -> None:
    checkpoint = str(shared / "weights" / f"rt4ksr_x{scale}.pth")
    model = rt4ksr.rt4ksr(scale, checkpoint=checkpoint)
    training = rt4ksr.load_official(checkpoint, scale=scale).eval()
    folder = shared / "data" / "SelfExSR" / "data" / "Set5" / f"image_SRF_{scale}"
    rows = json.loads((shared / "golden" / "rt4ksr_classic.json").read_text())[f"Set5_x{scale}"]["rows"]
    assert len(rows) == 5
    for row in rows:
        lr = read(folder / row["name"].replace("_HR", "_LR"))
        lr = lr[: lr.shape[0] // 2 * 2, : lr.shape[1] // 2 * 2]  # the official code drops an odd last row and column
        image = torch.from_numpy(lr.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            out = model(image)
            torch.testing.assert_close(out, training(image), rtol=0, atol=1e-5)
        sr = (out.clamp(0, 1) * 255).round()[0].permute(1, 2, 0).numpy().astype(np.uint8)
        hr = read(folder / row["name"])[: sr.shape[0], : sr.shape[1]]
        psnr = 10 * np.log10(255**2 / np.mean((sr.astype(np.float64) - hr) ** 2))
        assert abs(psnr - row["rt4ksr_psnr_rgb_b0"]) < GOLDEN_DB, row["name"]


def test_unknown_size_is_reported_with_known_sizes(rt4ksr: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"size: expected one of XXS, .*XXXL, found 'HUGE'"):
        rt4ksr.deployed(2, "HUGE")
