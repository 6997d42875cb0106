"""RTSRN: the plain network that the NTIRE 2023 real-time 4K challenge gave its participants to start from.

Written from its description (github.com/eduardzamfir/NTIRE23-RTSR at 2bc37ba, Apache-2.0), which follows the networks
of the mobile challenges (arXiv:2211.05910): 3x3 convolutions in a row, one skip, and a pixel shuffle.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 64
BLOCKS = 5


class RTSRN(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped, for any H and W.

    A 3x3 convolution to `channels`, `blocks` of them with ReLUs between, a skip around those, and one to the pixels.
    """

    def __init__(self, *, scale: int, channels: int = CHANNELS, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(blocks - 1))
        self.last = nn.Conv2d(channels, channels, 3, padding=1)
        self.to_pixels = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, `(N, 3, H, W)`."""
        shallow = self.head(x)
        features = shallow
        for conv in self.body:
            features = F.relu(conv(features))
        return F.pixel_shuffle(self.to_pixels(self.last(features) + shallow), self.scale)


def rtsrn(scale: int) -> RTSRN:
    """The model that the harness runs, with fresh weights."""
    return RTSRN(scale=scale).eval()
