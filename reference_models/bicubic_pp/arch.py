"""Bicubic++: Bilecen and Ayazoglu, "Bicubic++: Slim, Slimmer, Slimmest", CVPR Workshops 2023.

Written from the paper and from what the released code computes (github.com/aselsan-research-imaging-team/
bicubic-plusplus at 52084c8). The network is the pruned, bias-free one that won track 2 (x3) of NTIRE 2023 RTSR.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Name in the authors' checkpoint -> name here, replaced in this order.
OFFICIAL_NAMES = (("conv0.", "shrink."), ("conv_out.", "to_pixels."))


class BicubicPP(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped.

    The first convolution has a stride of 2: everything behind it lives at half the LR's height and width, and the
    pixel shuffle goes up by 2 * scale. An odd H or W is made even by repeating the last row or column, and the surplus
    is cut from the output; the released code takes even sizes only, and gives the same there.
    """

    def __init__(self, *, scale: int, channels: int = 32) -> None:
        super().__init__()
        self.scale = scale
        self.shrink = nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.to_pixels = nn.Conv2d(channels, 3 * (2 * scale) ** 2, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        height, width = x.shape[-2:]
        if height % 2 or width % 2:
            x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        small = F.leaky_relu(self.shrink(x), 0.1)
        features = F.leaky_relu(self.conv1(small), 0.1)
        features = F.leaky_relu(self.conv2(features), 0.1) + small
        out = F.pixel_shuffle(self.to_pixels(features), 2 * self.scale)
        return out[:, :, : height * self.scale, : width * self.scale]


def bicubic_pp(scale: int, checkpoint: str | None = None) -> BicubicPP:
    """The model that the harness runs, with the authors' weights in `checkpoint` or, without one, fresh ones.

    RuntimeError where the checkpoint is another network's: every tensor of it is accounted for.
    """
    model = BicubicPP(scale=scale)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict({_name_here(name): tensor for name, tensor in state.items()}, strict=True)
    return model.eval()


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
