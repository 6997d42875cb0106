"""A start from trained weights: of the same width, of no more blocks, of any scale.

A recipe that names this file and `grow_from` begins where the weights end (Net2Net, Chen et al. 2016). What a new block
does, the norm behind it takes away again, so that a deeper network computes the same as the one it comes from. Another
scale's last convolution is interpolated between the sub-pixels that the weights know.

A wider network is not made: each norm takes mean and variance over all channels, which copies of some of them change.
From 24 to 32 channels no choice of further channels keeps both; duplicates cost 3 to 8 dB at once.
"""

from __future__ import annotations

import torch
from arch import RT4KSR, deployed
from torch import Tensor

SHIFT = 9.0
"""What new blocks add to their normalised features, which are below 5.6 in size with 32 channels: there GELU is the
identity, to 1e-3 at the very end and to 1e-7 within four of the nine."""

__all__ = ["deployed", "grow"]


@torch.no_grad()
def grow(model: RT4KSR, weights: dict[str, Tensor]) -> None:
    """Set the weights of `model`, in deployed form, from those of another member of the family in deployed form.

    Raises `ValueError` where they are not of the same width and form, or of more blocks.
    """
    known = _blocks_of(weights)
    channels = weights["head.weight"].shape[0] if "head.weight" in weights else 0
    if "body.0.conv.expand.weight" in model.state_dict() or model.block_norm != "layernorm":
        raise ValueError("a deployed form with norm layernorm is grown, not another one")
    if channels != model.channels or not 0 < known <= model.blocks:
        raise ValueError(
            f"{known} blocks of {channels} channels don't grow to {model.blocks} of {model.channels}: "
            "the width stays, and blocks only become more"
        )
    state = {name: value for name, value in weights.items() if not name.startswith(("body.", "to_pixels."))}
    for place, source in enumerate(_order(known, model.blocks)):
        for name, value in _block(weights, source, channels).items():
            state[f"body.{place}.{name}"] = value
    side = 2 * model.scale
    for name in ("to_pixels.weight", "to_pixels.bias"):
        state[name] = _resampled(weights[name], side)
    model.load_state_dict(state, strict=True)


def _blocks_of(weights: dict[str, Tensor]) -> int:
    return len({name.split(".")[1] for name in weights if name.startswith("body.")})


def _order(known: int, wanted: int) -> list[int | None]:
    """Which block of the weights each block comes from; None for new ones, spread evenly, the last never among them."""
    new = wanted - known
    before = [number * known // new for number in range(new)]
    order: list[int | None] = []
    for source in range(known):
        order += [None] * before.count(source) + [source]
    return order


def _block(weights: dict[str, Tensor], source: int | None, channels: int) -> dict[str, Tensor]:
    names = ("norm.weight", "norm.bias", "conv.weight", "conv.bias")
    if source is not None:
        return {name: weights[f"body.{source}.{name}"] for name in names}
    kernel = torch.zeros(channels, channels, 3, 3)
    kernel[:, :, 1, 1] = torch.eye(channels)
    values = (torch.ones(channels), torch.zeros(channels), kernel, torch.full((channels,), SHIFT))
    return dict(zip(names, values, strict=True))


def _resampled(value: Tensor, side: int) -> Tensor:
    """The last convolution's weight or bias, `3 * r * r` long, at `3 * side * side`: linear in each direction."""
    before = round((value.shape[0] / 3) ** 0.5)
    if before == side:
        return value
    grid = value.reshape(3, before, before, *value.shape[1:])
    places = (torch.arange(side) + 0.5) * before / side - 0.5
    low = places.floor().clamp(0, before - 2).long()
    share = places - low
    for axis in (1, 2):
        shape = [1] * grid.ndim
        shape[axis] = side
        weight = share.reshape(shape)
        grid = grid.index_select(axis, low) * (1 - weight) + grid.index_select(axis, low + 1) * weight
    return grid.reshape(3 * side**2, *value.shape[1:])
