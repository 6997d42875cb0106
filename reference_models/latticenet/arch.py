"""LatticeNet: Luo et al., "LatticeNet: Towards Lightweight Image Super-Resolution with Lattice Block", ECCV 2020.

Written from the paper and from what the released code computes (github.com/ymff0592/super-resolution at 7bb1ce0).
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS, NARROW, BLOCKS = 64, 48, 4
MEAN = (0.4488, 0.4371, 0.4040)
"""Mean R, G and B of DIV2K, where the first and the last layer start from."""

# Name in the authors' checkpoints -> name here, replaced in this order.
OFFICIAL_NAMES = (
    *((f"body_unit{number}.", f"body.{number - 1}.") for number in range(1, BLOCKS + 1)),
    ("conv_block0.", "convs1."),
    ("conv_block1.", "convs2."),
    ("fea_ca", "features_weight"),
    ("x_ca", "input_weight"),
    (".conv_mean.", ".of_mean."),
    (".conv_std.", ".of_deviation."),
    *((f"T_tdm{number}.0.", f"deep.{number - 1}.") for number in range(1, BLOCKS)),
    *((f"L_tdm{number}.0.", f"shallow.{number - 1}.") for number in range(1, BLOCKS)),
    ("tail.0.", "tail."),
    ("tail.1.", "to_pixels."),
)


class CombinationWeight(nn.Module):
    """Weights in (0, 1), one for each channel, from the mean and the standard deviation of `(N, C, H, W)`."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.of_mean = _two_layers(channels, channels // reduction)
        self.of_deviation = _two_layers(channels, channels // reduction)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, 1, 1)`. The deviation is the sample's (divisor H * W - 1), as in the released code."""
        mean, deviation = x.mean(dim=(2, 3), keepdim=True), x.std(dim=(2, 3), keepdim=True)
        return (self.of_mean(mean) + self.of_deviation(deviation)) / 2


class LatticeBlock(nn.Module):
    """Two paths through two groups of three convolutions, crossing twice with learned weights."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.convs1 = _three_convs(channels, narrow)
        self.features_weight1 = CombinationWeight(channels)
        self.input_weight1 = CombinationWeight(channels)
        self.convs2 = _three_convs(channels, narrow)
        self.features_weight2 = CombinationWeight(channels)
        self.input_weight2 = CombinationWeight(channels)
        self.compress = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape."""
        features = self.convs1(x)
        upper = x + self.features_weight1(features) * features
        lower = features + self.input_weight1(x) * x
        features = self.convs2(upper)
        upper = features + self.features_weight2(lower) * lower
        lower = lower + self.input_weight2(features) * features
        return self.compress(torch.cat((upper, lower), dim=1))


class LatticeNet(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 255], unclamped.

    Any H and W that make at least two pixels: of one there is no standard deviation. The layers that take the mean
    colour away and put it back were trained with the rest; they are 1x1 convolutions like any other.
    """

    def __init__(self, *, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.sub_mean = _shift(-255.0)
        self.conv1 = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.conv2 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.body = nn.ModuleList(LatticeBlock(CHANNELS, NARROW) for _ in range(BLOCKS))
        self.deep = nn.ModuleList(nn.Conv2d(CHANNELS, CHANNELS // 2, 1) for _ in range(BLOCKS - 1))
        self.shallow = nn.ModuleList(nn.Conv2d(CHANNELS, CHANNELS // 2, 1) for _ in range(BLOCKS - 1))
        self.tail = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.to_pixels = nn.Conv2d(CHANNELS, 3 * scale**2, 3, padding=1)
        self.add_mean = _shift(255.0)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        start = self.conv2(self.conv1(self.sub_mean(x)))
        outputs = [start]
        for block in self.body:
            outputs.append(block(outputs[-1]))
        joined = outputs.pop()
        for deep, shallow in zip(self.deep, self.shallow):  # noqa: B905 - TorchScript knows no strict=
            joined = F.relu(torch.cat((deep(joined), shallow(outputs.pop())), dim=1))
        return self.add_mean(F.pixel_shuffle(self.to_pixels(self.tail(joined + start)), self.scale))


def latticenet(scale: int, checkpoint: str | None = None) -> LatticeNet:
    """The model that the harness runs, with the authors' weights in `checkpoint` or, without one, fresh ones.

    RuntimeError where the checkpoint is another network's: every tensor of it is accounted for.
    """
    model = LatticeNet(scale=scale)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict({_name_here(name): tensor for name, tensor in state.items()}, strict=True)
    return model.eval()


def _two_layers(channels: int, inner: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, inner, 1), nn.ReLU(), nn.Conv2d(inner, channels, 1), nn.Sigmoid())


def _three_convs(channels: int, narrow: int) -> nn.Sequential:
    widths = (channels, narrow, narrow, channels)
    layers: list[nn.Module] = []
    for inside, outside in pairwise(widths):
        layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.LeakyReLU(0.05)]
    return nn.Sequential(*layers)


def _shift(by: float) -> nn.Conv2d:
    """A 1x1 convolution that starts out adding `by` times the mean colour."""
    conv = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        conv.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
        conv.bias.copy_(by * torch.tensor(MEAN))
    return conv


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
