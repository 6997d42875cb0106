"""VapSR: Zhou et al., "Efficient Image Super-Resolution Using Vast-Receptive-Field Attention", ECCV Workshops 2022.

Written from the paper and from what the released code computes (github.com/zhoumumu/VapSR at 404c584).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# (size, scale): (blocks, channels, groups of the body's last convolution). VapSR has one block more at x4; the paper's
# light version exists at x4 only.
FAMILY = {("full", 2): (20, 48, 1), ("full", 3): (20, 48, 1), ("full", 4): (21, 48, 1), ("s", 4): (11, 32, 2)}

# Name in the authors' checkpoints -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("conv_first.", "head."),
    ("conv_body.", "tail."),
    ("proj_1.", "expand."),
    ("proj_2.", "reduce."),
    ("atten_branch.", "attention."),
    ("depthwise_dilated.", "far."),
    ("depthwise.", "near."),
    ("pointwise.", "mix."),
    ("pixel_norm.", "norm."),
    ("upsampler.0.", "up1."),
    ("upsampler.2.", "up2."),  # x2 and x3
    ("upsampler.3.", "up2."),  # x4
)


class VastAttention(nn.Module):
    """Multiplies each value by one that 17 x 17 pixels around it decide: 1x1, depthwise 5x5, depthwise dilated 5x5."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 1)
        self.near = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.far = nn.Conv2d(channels, channels, 5, padding=6, dilation=3, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape."""
        return x * self.far(self.near(self.mix(x)))


class AttentionBlock(nn.Module):
    """VAB: expand, GELU, attention, reduce, skip; then each pixel is normalised over its channels."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, inner, 1)
        self.attention = VastAttention(inner)
        self.reduce = nn.Conv2d(inner, channels, 1)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape."""
        out = self.reduce(self.attention(F.gelu(self.expand(x)))) + x
        return self.norm(out.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).contiguous()


class VapSR(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped; any H and W.

    x2 and x3 go up in one pixel shuffle behind two convolutions, x4 in two shuffles of 2.
    """

    def __init__(self, *, scale: int, blocks: int, channels: int, groups: int = 1, inner: int = 64) -> None:
        super().__init__()
        self.steps = (2, 2) if scale == 4 else (1, scale)
        between = 64 if scale == 4 else 56
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.ModuleList(AttentionBlock(channels, inner) for _ in range(blocks))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1, groups=groups)
        self.up1 = nn.Conv2d(channels, between, 3, padding=1)
        self.up2 = nn.Conv2d(between // self.steps[0] ** 2, 3 * self.steps[1] ** 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        shallow = self.head(x)
        features = shallow
        for block in self.body:
            features = block(features)
        up = self.up1(self.tail(features) + shallow)
        if self.steps[0] > 1:
            up = F.pixel_shuffle(up, self.steps[0])
        return F.pixel_shuffle(self.up2(F.leaky_relu(up, 0.1)), self.steps[1])


def vapsr(scale: int, size: str = "full", checkpoint: str | None = None) -> VapSR:
    """The model that the harness runs, with the authors' weights in `checkpoint` or, without one, fresh ones.

    Of the two sets of weights in a checkpoint it takes the averaged one, `params_ema`, as the authors' tests do.
    RuntimeError where the checkpoint is another network's: every tensor of that set is accounted for.
    """
    blocks, channels, groups = FAMILY[size, scale]
    model = VapSR(scale=scale, blocks=blocks, channels=channels, groups=groups)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["params_ema"]
        model.load_state_dict({_name_here(name): tensor for name, tensor in state.items()}, strict=True)
    return model.eval()


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
