"""ESPCN: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN", CVPR 2016.

Written from the paper: three convolutions on luma at the size of the LR image, then the pixel shuffle that this paper
introduced. Chroma is enlarged bicubically, inside of the model.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ESPCN(nn.Module):
    """The network: RGB `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, around [0, 1], unclamped, for any H and W.

    The paper's setting: 5x5 to 64 channels, 3x3 to 32, 3x3 to scale^2, with tanh between.
    """

    def __init__(self, *, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(1, 64, 5, padding=2)
        self.second = nn.Conv2d(64, 32, 3, padding=1)
        self.to_pixels = nn.Conv2d(32, scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`: its luma by the network, its chroma bicubically."""
        wide = F.interpolate(x, scale_factor=float(self.scale), mode="bicubic", align_corners=False)
        return with_luma(wide, self.upscale_luma(luma(x)))

    def upscale_luma(self, y: Tensor) -> Tensor:
        """What the paper's network does: `(N, 1, H, W)` to `(N, 1, H * scale, W * scale)`."""
        return F.pixel_shuffle(self.to_pixels(torch.tanh(self.second(torch.tanh(self.first(y))))), self.scale)


def luma(rgb: Tensor) -> Tensor:
    """BT.601 studio luma of `(N, 3, H, W)` in [0, 1], as MATLAB's rgb2ycbcr: `(N, 1, H, W)` from 16 to 235 / 255."""
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    return 65.481 / 255 * red + 128.553 / 255 * green + 24.966 / 255 * blue + 16 / 255


def with_luma(rgb: Tensor, y: Tensor) -> Tensor:
    """`rgb` with its luma replaced by `y` and its chroma kept.

    To YCbCr, exchange Y, and back: as both ways are linear and R, G and B contain Y alike, this adds the same to each.
    """
    return rgb + (y - luma(rgb)) * (255 / 219)


def espcn(scale: int) -> ESPCN:
    """The model that the harness runs, with fresh weights."""
    return ESPCN(scale=scale).eval()
