"""The trained network: construction by the recipe's code, weight averaging, loss and validation PSNR."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from rtsr_bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from rtsr_bench.training.recipe import Recipe


def build(recipe: Recipe) -> nn.Module:
    """The recipe's network with initial weights from its seed, in training form; UserError if its code fails.

    The recipe and its code are trusted, being the user's own: unlike a guest's, they run in this process.
    """
    where = f"{recipe.file}: {recipe.entry} of {recipe.arch}"
    side = recipe.lr_crop
    try:
        module = _module(recipe.arch)
        entry = getattr(module, recipe.entry)
        torch.manual_seed(recipe.seed)
        model = entry(**recipe.args)
    except Exception as error:
        raise UserError(f"{where}: expected a network, found {_said(error)}; correct arch, entry or args") from error
    if not isinstance(model, nn.Module):
        raise UserError(f"{where}: expected a torch.nn.Module, found {type(model).__name__}; correct entry")
    try:
        with torch.inference_mode():
            shape = tuple(model.eval()(torch.zeros(1, 3, side, side)).shape)
    except Exception as error:
        raise UserError(
            f"{where}: expected a network that takes 3x{side}x{side}, found {_said(error)}; correct arch, entry or args"
        ) from error
    if shape != (1, 3, recipe.hr_crop, recipe.hr_crop):
        raise UserError(f"{where}: expected x{recipe.scale} of {side}x{side}, found an output {shape}; correct scale")
    if recipe.grow_from is not None:
        _grow(model, recipe.grow_from, getattr(module, "grow", None), where)
    return model.train()


def _grow(
    model: nn.Module, weights: Path, grow: Callable[[nn.Module, dict[str, Tensor]], None] | None, where: str
) -> None:
    """Start from trained weights: by the `grow` function of the network's code, or strictly if it has none."""
    try:
        known = load_file(weights)
        if grow is None:
            model.load_state_dict(known, strict=True)
        else:
            grow(model, known)
    except Exception as error:
        raise UserError(
            f"{where}: grow_from {weights}: expected weights that this network can start from, found {_said(error)}; "
            "name others, or correct args"
        ) from error


def deployed(model: nn.Module) -> nn.Module:
    """The module to ship: its `deployed_form()` if it has one, else the module itself."""
    form = getattr(model, "deployed_form", None)
    shipped: Any = form() if callable(form) else model
    assert isinstance(shipped, nn.Module), "a deployed form is a module"
    return shipped.eval()


class Average:
    """Exponential moving average of a network's parameters: each step keeps `decay` of the old value.

    During the first steps the decay is lower, `(1 + n) / (10 + n)`, so that the initial weights lose influence quickly.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def take(self, model: nn.Module, step: int) -> None:
        """Add the weights after step `step` (from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)


def high_frequencies(images: Tensor) -> Tensor:
    """What a 5x5 Gaussian blur of sigma 1 removes from `(N, C, H, W)`, without a border of two pixels.

    The auxiliary loss of the RT4KSR paper is L1 between those of SR and of HR.
    """
    taps = torch.exp(-0.5 * torch.arange(-2.0, 3.0, device=images.device, dtype=images.dtype) ** 2)
    taps = taps / taps.sum()
    channels = images.shape[1]
    kernel = torch.outer(taps, taps).expand(channels, 1, 5, 5)
    return images[..., 2:-2, 2:-2] - nn.functional.conv2d(images, kernel, groups=channels)


def loss_of(sr: Tensor, hr: Tensor, high_frequency_weight: float) -> Tensor:
    """L1, plus the weight times L1 of the high frequencies; in float32, both in [0, 1]."""
    sr = sr.float()
    loss = nn.functional.l1_loss(sr, hr)
    if high_frequency_weight:
        loss = loss + high_frequency_weight * nn.functional.l1_loss(high_frequencies(sr), high_frequencies(hr))
    return loss


@torch.inference_mode()
def mean_psnr(sr: Tensor, hr: Tensor) -> float:
    """Mean over the images of PSNR in dB over all channels, after rounding to 8 bits; `hr` is uint8, `sr` in [0, 1].

    It is for monitoring a training on small crops; `rtsr-bench run` measures a model.
    """
    difference = sr.float().clamp(0, 1).mul(255).round().double() - hr.double()
    mse = difference.pow(2).mean(dim=(1, 2, 3)).clamp(min=1e-3)
    return float((10 * torch.log10(255**2 / mse)).mean())


def _said(error: Exception) -> str:
    """An exception of the user's code on one line: its type, and its message if it has one."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def _module(path: Path) -> ModuleType:
    name = f"rtsr_bench_trained_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))  # like a script, it may import modules next to it
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module
