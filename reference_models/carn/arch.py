"""CARN: Ahn, Kang and Sohn, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network", 2018.

Written from the paper and from what the released code computes (github.com/nmhkahn/CARN-pytorch at 40d3514, MIT).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 64
PLACES = 3  # in each cascade, and in the cascade of cascades
MEAN = (0.4488, 0.4371, 0.4040)  # R, G and B of DIV2K


class Residual(nn.Module):
    """Two 3x3 convolutions and a skip: `(N, C, H, W)` to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Refine `x`."""
        return F.relu(self.second(F.relu(self.first(x))) + x)


class Cascade(nn.Module):
    """Three parts, one after the other; before each next one, all results so far are fused to as many channels."""

    def __init__(self, parts: list[nn.Module], channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.fusions = nn.ModuleList(nn.Conv2d((place + 2) * channels, channels, 1) for place in range(len(parts)))

    def forward(self, x: Tensor) -> Tensor:
        """Refine `x`, `(N, C, H, W)`, to the same shape."""
        results = [x]
        for part, fusion in zip(self.parts, self.fusions, strict=True):
            results.append(part(x))
            x = F.relu(fusion(torch.cat(results, dim=1)))
        return x


class Upsampler(nn.Module):
    """3x3 convolution, ReLU and pixel shuffle, once (x2, x3) or twice (x4): `(N, C, H, W)`, C as before."""

    def __init__(self, *, scale: int, channels: int) -> None:
        super().__init__()
        self.factor = 3 if scale == 3 else 2
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, channels * self.factor**2, 3, padding=1) for _ in range(2 if scale == 4 else 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge the features."""
        for conv in self.convs:
            x = F.pixel_shuffle(F.relu(conv(x)), self.factor)
        return x


class CARN(nn.Module):
    """The network of one scale: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped.

    Takes any H and W. The mean that is taken off and put back is a constant here; in the released code it is two 1x1
    convolutions of 12 frozen parameters each.
    """

    def __init__(self, *, scale: int, channels: int = CHANNELS) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        cascades: list[nn.Module] = [
            Cascade([Residual(channels) for _ in range(PLACES)], channels) for _ in range(PLACES)
        ]
        self.body = Cascade(cascades, channels)
        self.upsampler = Upsampler(scale=scale, channels=channels)
        self.to_pixels = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, `(N, 3, H, W)`."""
        return self.to_pixels(self.upsampler(self.body(self.head(x - self.mean)))) + self.mean


def carn(scale: int) -> CARN:
    """The model that the harness runs, with fresh weights."""
    return CARN(scale=scale).eval()
