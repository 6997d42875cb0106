"""Weights without code: spandrel tells the architecture, and the network is run as spandrel would run it."""

from __future__ import annotations

import builtins
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from rtsr_bench.execution import EAGER_FP32, Precision
from rtsr_bench.formats.spandrel import loading
from rtsr_bench.measuring import contract
from rtsr_bench.measuring.enhance import forward
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.measuring.loading import load
from rtsr_bench.measuring.stubs import Stubs
from rtsr_bench.wire import LoadModel


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package, with a stub for torchvision where that is missing."""
    if not find_spec("spandrel"):
        pytest.skip("needs spandrel (the extra zoo, or pip install --no-deps spandrel einops)")
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    Stubs.install()
    return loading._spandrel()  # imported by the harness: the tests' own frames catch what they like


def guest_of(path: Path, **more: Any) -> Guest:
    return load(
        LoadModel(format="spandrel", folder=path.parent, checkpoint=path, stub_missing=True, **more),
        torch.device("cpu"),
    )


def image(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(2))


def compact(**more: Any) -> torch.nn.Module:
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(1)
    made: torch.nn.Module = Compact(**{"num_feat": 8, "num_conv": 2, "upscale": 2, **more})
    return made.eval()


def test_the_averaged_weights_of_a_file_become_the_network_that_they_are_of(spandrel: Any, tmp_path: Path) -> None:
    net = compact()
    ema = {f"_orig_mod.{name}": value * 0.5 for name, value in net.state_dict().items()}
    torch.save({"params": net.state_dict(), "params_ema": ema}, tmp_path / "net.pth")
    net.load_state_dict({name.removeprefix("_orig_mod."): value for name, value in ema.items()})
    guest = guest_of(tmp_path / "net.pth")
    assert contract.find_scale(guest) == 2
    assert guest.notes[:2] == [
        "net.pth: the weights are those in `params_ema`",
        f"spandrel {spandrel.__version__} takes net.pth for RealESRGAN Compact (8nf, 2nc), x2",
    ]
    with torch.no_grad():
        torch.testing.assert_close(forward(guest, image(13, 17), EAGER_FP32), net(image(13, 17)))
    chosen = guest_of(tmp_path / "net.pth", weights_key="params").build().state_dict()
    assert all(torch.equal(chosen[f"model.{name}"], 2 * value) for name, value in net.state_dict().items())
    with pytest.raises(BadGuest, match=r"weights_key: expected the name of weights in net.pth .*, found 'ema'"):
        guest_of(tmp_path / "net.pth", weights_key="ema")
    half = forward(guest, image(13, 17), EAGER_FP32.in_precision(Precision.BF16))
    assert half.dtype is torch.bfloat16
    assert guest.build() is not guest.build()


@pytest.mark.filterwarnings("ignore:torch.meshgrid")  # in spandrel's code
def test_sizes_that_a_network_does_not_take_are_padded_as_spandrel_does(spandrel: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from spandrel.architectures.SwinIR import SwinIR

    torch.manual_seed(1)
    net = SwinIR(embed_dim=12, depths=[2], num_heads=[2], window_size=8, upscale=3, upsampler="pixelshuffledirect")
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    guest = guest_of(tmp_path / "net.safetensors", scale=3)
    described = spandrel.MAIN_REGISTRY.load(net.state_dict())
    for size in ((64, 48), (29, 43), (9, 70)):
        ours = forward(guest, image(*size), EAGER_FP32)
        torch.testing.assert_close(ours.clamp(0, 1), described(image(*size)).clone())


def refused(path: Path, **more: Any) -> str:
    with pytest.raises(BadGuest) as caught:
        guest_of(path, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unsuitable_weights_are_one_line(spandrel: Any, tmp_path: Path) -> None:
    file = tmp_path / "net.pth"
    torch.save({"some.weight": torch.zeros(3)}, file)
    assert "holds weights of no architecture that spandrel" in refused(file)
    torch.save(compact(num_in_ch=1, num_out_ch=1).state_dict(), file)
    assert "is a RealESRGAN Compact of 1 channels in and 1 out; expected 3 and 3 (RGB)" in refused(file)
    torch.save(compact().state_dict(), file)
    assert "is a RealESRGAN Compact of scale 2; expected x3" in refused(file, scale=3)
    torch.save(compact(upscale=1).state_dict(), file)
    assert "of scale 1; expected x2, x3, x4" in refused(file)
    torch.save([1, 2], file)
    assert "holds a list, expected a state dict" in refused(file)


def test_missing_spandrel_is_one_line_with_a_solution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    monkeypatch.setitem(sys.modules, "spandrel", None)
    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "net.pth")
    assert 'pip install "rtsr-bench[zoo]"' in refused(tmp_path / "net.pth")
