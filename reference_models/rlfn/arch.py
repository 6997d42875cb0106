"""RLFN: Kong et al., "Residual Local Feature Network for Efficient Super-Resolution", CVPR Workshops 2022.

Written from the paper and from what the released code computes (github.com/bytedance/RLFN at bccfde9, Apache-2.0).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# name: (blocks, channels, channels inside a block). RLFN and RLFN-S are the paper's; "ntire" won the runtime track of
# NTIRE 2022 Efficient SR and is the baseline of 2024.
FAMILY = {"full": (6, 52, 52), "s": (6, 48, 48), "ntire": (4, 46, 48)}

# Name in the authors' checkpoints -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("conv_1.", "head."),
    ("conv_2.", "tail."),
    ("upsampler.0.", "to_pixels."),
    (".c1_r.", ".conv1."),
    (".c2_r.", ".conv2."),
    (".c3_r.", ".conv3."),
    (".c5.", ".fuse."),
    (".esa.conv1.", ".attention.squeeze."),
    (".esa.conv_f.", ".attention.local."),
    (".esa.conv2.", ".attention.shrink."),
    (".esa.conv3.", ".attention.smooth."),
    (".esa.conv4.", ".attention.excite."),
    *((f"block_{number}.", f"body.{number - 1}.") for number in range(1, 7)),
)


class SpatialAttention(nn.Module):
    """ESA as RLFN slims it: a mask in (0, 1) for each value of `(N, C, H, W)`; H and W at least 15.

    (A stride of 2 without padding, then a 7x7 maximum, need that many.)
    """

    def __init__(self, channels: int, inner: int = 16) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, inner, 1)
        self.local = nn.Conv2d(inner, inner, 1)
        self.shrink = nn.Conv2d(inner, inner, 3, stride=2)
        self.smooth = nn.Conv2d(inner, inner, 3, padding=1)
        self.excite = nn.Conv2d(inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`x` times its mask."""
        squeezed = self.squeeze(x)
        wide = self.smooth(F.max_pool2d(self.shrink(squeezed), kernel_size=7, stride=3))
        wide = F.interpolate(wide, [x.shape[2], x.shape[3]], mode="bilinear", align_corners=False)
        return x * torch.sigmoid(self.excite(wide + self.local(squeezed)))


class FeatureBlock(nn.Module):
    """RLFB: three 3x3 convolutions around one skip, a 1x1 convolution, attention."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, inner, 3, padding=1)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1)
        self.conv3 = nn.Conv2d(inner, channels, 3, padding=1)
        self.fuse = nn.Conv2d(channels, channels, 1)
        self.attention = SpatialAttention(channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape."""
        out = F.leaky_relu(self.conv1(x), 0.05)
        out = F.leaky_relu(self.conv2(out), 0.05)
        out = F.leaky_relu(self.conv3(out), 0.05)
        return self.attention(self.fuse(out + x))


class RLFN(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 255], unclamped.

    An LR image with fewer than 15 rows or columns is enlarged to that by repeating the last row or column, and
    the surplus is cut from the output; the released code refuses it. All larger sizes pass as they are.
    """

    def __init__(self, *, scale: int, blocks: int, channels: int, inner: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.ModuleList(FeatureBlock(channels, inner) for _ in range(blocks))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.to_pixels = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        height, width = x.shape[-2:]
        if height < 15 or width < 15:
            x = F.pad(x, (0, max(15 - width, 0), 0, max(15 - height, 0)), mode="replicate")
        shallow = self.head(x)
        features = shallow
        for block in self.body:
            features = block(features)
        out = F.pixel_shuffle(self.to_pixels(self.tail(features) + shallow), self.scale)
        return out[:, :, : height * self.scale, : width * self.scale]


def rlfn(scale: int, size: str = "full", checkpoint: str | None = None) -> RLFN:
    """The model that the harness runs, with the authors' weights in `checkpoint` or, without one, fresh ones.

    RuntimeError where the checkpoint is another network's: every tensor of it is accounted for.
    """
    blocks, channels, inner = FAMILY[size]
    model = RLFN(scale=scale, blocks=blocks, channels=channels, inner=inner)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict({_name_here(name): tensor for name, tensor in state.items()}, strict=True)
    return model.eval()


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
