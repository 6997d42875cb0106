"""Networks of the literature: counted as published, luma alone through those that see luma, MATLAB files in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from shipped import ROOT, load_arch
from torch import Tensor, nn

LUMA_ALONE = ("espcn", "fsrcnn", "lapsrn")
KERNEL = 4  # dimensions of a convolution's weight


def build(name: str, scale: int, **args: object) -> nn.Module:
    torch.manual_seed(scale)
    model = getattr(load_arch(ROOT / "reference_models" / name), name)(scale=scale, **args)
    assert isinstance(model, nn.Module)
    return model.eval().requires_grad_(requires_grad=False)


def params(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("name", "published"), [("carn", 1_591_963), ("carn_m", 414_811)])
def test_cascading_networks_have_the_published_size_with_all_scales_and_both_mean_shifts(
    name: str, published: int
) -> None:
    models = [build(name, scale) for scale in (2, 3, 4)]
    upsamplers = [params(model.get_submodule("upsampler")) for model in models]
    (trunk,) = {params(model) - upsampler for model, upsampler in zip(models, upsamplers, strict=True)}
    mean_shift = 3 * 3 + 3
    assert trunk + sum(upsamplers) + 2 * mean_shift == published


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_fsrcnn_has_the_papers_weights_and_biases_and_slopes_beside_them(scale: int) -> None:
    model = build("fsrcnn", scale)
    weights = sum(parameter.numel() for parameter in model.parameters() if parameter.dim() == KERNEL)
    assert weights == 12_464
    assert params(model) - weights == 173 + 172


def ycbcr(rgb: Tensor) -> Tensor:
    """BT.601 studio YCbCr of `(N, 3, H, W)` in [0, 1], times 255, by the standard's matrix."""
    matrix = torch.tensor([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
    return torch.einsum("dc,nchw->ndhw", matrix.double(), rgb.double()) + torch.tensor([16, 128, 128]).view(1, 3, 1, 1)


@pytest.mark.parametrize("name", LUMA_ALONE)
def test_luma_goes_through_the_network_and_chroma_is_enlarged_bicubically(name: str) -> None:
    model = build(name, 2)
    image = torch.rand(1, 3, 9, 14)
    bicubic = ycbcr(nn.functional.interpolate(image, scale_factor=2.0, mode="bicubic", align_corners=False))
    found = ycbcr(model(image))
    luma = model.upscale_luma((ycbcr(image)[:, :1] / 255).float())
    torch.testing.assert_close(found[:, :1], luma.double() * 255, rtol=0, atol=1e-3)
    torch.testing.assert_close(found[:, 1:], bicubic[:, 1:], rtol=0, atol=1e-3)
    assert (found[:, :1] - bicubic[:, :1]).abs().max() > 1


def as_matlab(model: nn.Module, scale: int, path: Path) -> dict[str, Tensor]:
    """Write a model's state as the authors' files are laid out: MatConvNet's names, dimensions and missing ones."""
    state = model.state_dict()
    names = load_arch(ROOT / "reference_models" / "lapsrn").official_names(scale)
    known = {old: new for old, new in names.items() if new in state}
    records = np.zeros((1, len(known)), dtype=[("name", object), ("value", object)])
    for record, (old, new) in zip(records[0], known.items(), strict=True):
        value = state[new].numpy()
        value = value.transpose(2, 3, 1, 0) if value.ndim == KERNEL else value[None]
        while value.ndim > 2 and value.shape[-1] == 1:  # MATLAB stores no trailing dimension of 1
            value = value[..., 0]
        record["name"], record["value"] = old, value
    savemat(path, {"net": {"params": records}})
    return state


@pytest.mark.parametrize("scale", [2, 4])
def test_lapsrn_reads_a_matlab_file_tensor_by_tensor(scale: int, tmp_path: Path) -> None:
    path = tmp_path / "net.mat"
    written = as_matlab(build("lapsrn", scale), scale, path)
    torch.manual_seed(99)
    read = load_arch(ROOT / "reference_models" / "lapsrn").lapsrn(scale, checkpoint=str(path)).state_dict()
    assert set(read) == set(written)
    assert all(torch.equal(read[name], written[name]) for name in written)


def test_lapsrn_refuses_the_file_of_another_scale(tmp_path: Path) -> None:
    path = tmp_path / "net.mat"
    as_matlab(build("lapsrn", 2), 2, path)
    with pytest.raises(RuntimeError, match="Missing key"):
        build("lapsrn", 4, checkpoint=str(path))


def test_lapsrn_starts_from_bilinear_doubling() -> None:
    level = build("lapsrn", 2).get_submodule("levels.0")
    image = torch.rand(1, 1, 8, 8)
    expected = nn.functional.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)
    found = level.get_submodule("enlarge_luma")(image)
    torch.testing.assert_close(found[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], rtol=0, atol=1e-6)
