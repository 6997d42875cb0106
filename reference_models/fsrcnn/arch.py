"""FSRCNN: Dong, Loy and Tang, "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016.

Written from the paper: features of luma, shrunk, mapped, expanded, and enlarged by one transposed convolution. Chroma
is enlarged bicubically, inside of the model.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS, SHRUNK, MAPPINGS = 56, 12, 4  # the paper's d, s and m


class FSRCNN(nn.Module):
    """The network: RGB `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, around [0, 1], unclamped, for any H and W.

    FSRCNN(d, s, m): 5x5 to d channels, 1x1 to s, m times 3x3, 1x1 to d, each with a PReLU of one slope a channel, and a
    9x9 transposed convolution with a stride of `scale`.
    """

    def __init__(self, *, scale: int, channels: int = CHANNELS, shrunk: int = SHRUNK, mappings: int = MAPPINGS) -> None:
        super().__init__()
        self.scale = scale
        widths = [1, channels, shrunk, *([shrunk] * mappings), channels]
        kernels = [5, 1, *([3] * mappings), 1]
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
            for inputs, outputs, kernel in zip(widths[:-1], widths[1:], kernels, strict=True)
        )
        self.slopes = nn.ModuleList(nn.PReLU(width) for width in widths[1:])
        self.to_pixels = nn.ConvTranspose2d(channels, 1, 9, stride=scale, padding=4, output_padding=scale - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`: its luma by the network, its chroma bicubically."""
        wide = F.interpolate(x, scale_factor=float(self.scale), mode="bicubic", align_corners=False)
        return with_luma(wide, self.upscale_luma(luma(x)))

    def upscale_luma(self, y: Tensor) -> Tensor:
        """What the paper's network does: `(N, 1, H, W)` to `(N, 1, H * scale, W * scale)`."""
        for conv, slope in zip(self.convs, self.slopes, strict=True):
            y = slope(conv(y))
        return self.to_pixels(y)


def luma(rgb: Tensor) -> Tensor:
    """BT.601 studio luma of `(N, 3, H, W)` in [0, 1], as MATLAB's rgb2ycbcr: `(N, 1, H, W)` from 16 to 235 / 255."""
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    return 65.481 / 255 * red + 128.553 / 255 * green + 24.966 / 255 * blue + 16 / 255


def with_luma(rgb: Tensor, y: Tensor) -> Tensor:
    """`rgb` with its luma replaced by `y` and its chroma kept.

    To YCbCr, exchange Y, and back: as both ways are linear and R, G and B contain Y alike, this adds the same to each.
    """
    return rgb + (y - luma(rgb)) * (255 / 219)


def fsrcnn(scale: int) -> FSRCNN:
    """The model that the harness runs, with fresh weights."""
    return FSRCNN(scale=scale).eval()
