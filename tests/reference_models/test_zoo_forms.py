"""What single models of the zoo promise beside the contract that all of them keep."""

from __future__ import annotations

import copy
import sys

import pytest
import torch
from shipped import ROOT, load_arch


def image(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3))


def test_fmen_balanced_stays_finite_in_half_precision() -> None:
    arch = load_arch(ROOT / "reference_models" / "fmen")
    torch.manual_seed(0)
    block = arch.Attention(50, 12, 2)
    features = torch.randn(1, 50, 9, 11, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        for conv in (block.squeeze, block.middle[0].conv1, block.middle[1].conv2):
            conv.weight.mul_(2.0**7)  # the authors' weights reach 1e7 there
        block.excite.weight.mul_(2.0**-21)
        expected = block(features)
        published = copy.deepcopy(block).half()
        assert not published(features.half()).isfinite().all(), "nothing overflows: the test shows nothing"
        block.balance()
        torch.testing.assert_close(block.half()(features.half()).float(), expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("factor", [2.0**5, 2.0**12])
def test_fmen_balance_changes_no_bit_in_float32(factor: float) -> None:
    arch = load_arch(ROOT / "reference_models" / "fmen")
    torch.manual_seed(0)
    block = arch.Attention(50, 16, 1)
    features = torch.randn(1, 50, 9, 11, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        block.squeeze.weight.mul_(factor)
        expected, weight = block(features), block.squeeze.weight.clone()
        block.balance()
        assert not torch.equal(block.squeeze.weight, weight), "nothing was moved"
        assert torch.equal(block(features), expected)


def test_ecbsr_leaves_colour_to_bicubic() -> None:
    arch = load_arch(ROOT / "reference_models" / "ecbsr")
    model = arch.ecbsr(2)
    grey = image(9, 12)[:, :1].expand(-1, 3, -1, -1)
    with torch.no_grad():
        out = model(grey)
        torch.testing.assert_close(out, model.network(grey[:, :1]).expand(-1, 3, -1, -1), rtol=0, atol=1e-6)
        picture = image(9, 12)
        weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        found = (model(picture) * weights).sum(dim=1, keepdim=True)
        expected = model.network((picture * weights).sum(dim=1, keepdim=True))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_swinir_mask_parts_pixels_that_only_the_shift_made_neighbours() -> None:
    arch = load_arch(ROOT / "reference_models" / "swinir_light")
    mask = arch.shift_mask(torch.zeros(1, 1, 16, 24), 8)
    assert mask.shape == (6, 64, 64)
    assert not mask[0].any()  # top left: a window of real neighbours
    assert mask[-1, 0, 0] == 0
    assert mask[-1, 0, 63] == -100  # bottom right: its first and last pixel come from opposite corners
    assert torch.equal(mask, mask.transpose(1, 2))


def test_bicubic_pp_even_sizes_do_not_see_the_padding_of_odd_ones() -> None:
    model = load_arch(ROOT / "reference_models" / "bicubic_pp").bicubic_pp(3)
    picture = image(15, 21)
    repeated = torch.nn.functional.pad(picture, (0, 1, 0, 1), mode="replicate")
    with torch.no_grad():
        assert torch.equal(model(picture), model(repeated)[:, :, :45, :63])


def test_rlfn_small_images_are_enlarged_and_others_left_alone() -> None:
    model = load_arch(ROOT / "reference_models" / "rlfn").rlfn(2, "ntire")
    small = image(7, 20)
    with torch.no_grad():
        repeated = torch.nn.functional.pad(small, (0, 0, 0, 8), mode="replicate")
        assert torch.equal(model(small), model(repeated)[:, :, :14])


def test_an_untrained_model_is_one_network_in_every_build(monkeypatch: pytest.MonkeyPatch) -> None:
    from rtsr_bench.measuring.loading import load
    from rtsr_bench.wire import LoadModel

    folder = ROOT / "reference_models" / "ecbsr"
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "arch", sys)  # put back afterwards, whatever another test had left there,
    del sys.modules["arch"]  # and not taken for this model's
    request = LoadModel(format="python", folder=folder, entry="arch:ecbsr", args={"scale": 2, "size": "m4c8"})
    state = torch.random.get_rng_state()
    guest = load(request, torch.device("cpu"))
    assert torch.equal(torch.random.get_rng_state(), state)  # what is drawn while it runs stays random
    torch.rand(5)
    for first, second in zip(guest.build().parameters(), guest.build().parameters(), strict=True):
        assert torch.equal(first, second)
