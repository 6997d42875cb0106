"""RFDN: Liu, Tang and Wu, "Residual Feature Distillation Network for Lightweight Image Super-Resolution", 2020.

Written from the paper and from what the released code computes (github.com/njulj/RFDN at 7cf4e25, MIT): the network
that won the AIM 2020 efficient super-resolution challenge, with four blocks of 50 channels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 50
BLOCKS = 4

# Name in the authors' checkpoint -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("fea_conv.", "head."),
    *((f"B{block + 1}.", f"body.{block}.") for block in range(BLOCKS)),
    *((f".c{step + 1}_d.", f".distil.{step}.") for step in range(3)),
    *((f".c{step + 1}_r.", f".refine.{step}.") for step in range(3)),
    (".c4.", ".last."),
    (".c5.", ".fuse."),
    ("esa.conv_max.", "attention.pooled.0."),
    ("esa.conv3.", "attention.pooled.1."),
    ("esa.conv3_.", "attention.pooled.2."),
    ("esa.conv1.", "attention.reduce."),
    ("esa.conv2.", "attention.stride."),
    ("esa.conv_f.", "attention.skip."),
    ("esa.conv4.", "attention.expand."),
    ("c.0.", "gather."),
    ("LR_conv.", "tail."),
    ("upsampler.0.", "to_pixels."),
)


class SpatialAttention(nn.Module):
    """Enhanced spatial attention: every pixel and channel of `(N, C, H, W)` weighed; H and W at least 15.

    A quarter of the channels goes through a stride of 2 and a 7x7 maximum with a stride of 3, is convolved there and
    comes back bilinearly.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        few = channels // 4
        self.reduce = nn.Conv2d(channels, few, 1)
        self.skip = nn.Conv2d(few, few, 1)
        self.stride = nn.Conv2d(few, few, 3, stride=2)
        self.pooled = nn.ModuleList(nn.Conv2d(few, few, 3, padding=1) for _ in range(3))
        self.expand = nn.Conv2d(few, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh `x` with factors between 0 and 1."""
        reduced = self.reduce(x)
        coarse = F.max_pool2d(self.stride(reduced), kernel_size=7, stride=3)
        for step, conv in enumerate(self.pooled):
            coarse = conv(coarse) if step == 2 else F.relu(conv(coarse))
        wide = F.interpolate(coarse, (x.shape[2], x.shape[3]), mode="bilinear", align_corners=False)
        return x * torch.sigmoid(self.expand(wide + self.skip(reduced)))


class DistillationBlock(nn.Module):
    """Residual feature distillation block: `(N, C, H, W)` to the same shape, without a skip around the whole.

    At each of three steps a 1x1 convolution keeps half of the channels and a 3x3 one, with a skip, refines all of them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.distil = nn.ModuleList(nn.Conv2d(channels, half, 1) for _ in range(3))
        self.refine = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3))
        self.last = nn.Conv2d(channels, half, 3, padding=1)
        self.fuse = nn.Conv2d(4 * half, channels, 1)
        self.attention = SpatialAttention(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Distil three times, gather what was kept, fuse and weigh it."""
        kept: list[Tensor] = []
        for distil, refine in zip(self.distil, self.refine, strict=True):
            kept.append(F.leaky_relu(distil(x), 0.05))
            x = F.leaky_relu(refine(x) + x, 0.05)
        kept.append(F.leaky_relu(self.last(x), 0.05))
        return self.attention(self.fuse(torch.cat(kept, dim=1)))


class RFDN(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, around [0, 255] with the authors' weights.

    Any H and W from 1 up. The attention needs 15 pixels each way: a smaller image is continued to the right and below
    by its last column and row, and the surplus is cut from the output; the released code fails there.
    """

    def __init__(self, *, scale: int, channels: int = CHANNELS, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.ModuleList(DistillationBlock(channels) for _ in range(blocks))
        self.gather = nn.Conv2d(blocks * channels, channels, 1)
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.to_pixels = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, `(N, 3, H, W)`."""
        height, width = x.shape[-2:]
        if height < 15 or width < 15:
            x = F.pad(x, (0, max(15 - width, 0), 0, max(15 - height, 0)), mode="replicate")
        shallow = self.head(x)
        features = shallow
        outputs: list[Tensor] = []
        for block in self.body:
            features = block(features)
            outputs.append(features)
        gathered = F.leaky_relu(self.gather(torch.cat(outputs, dim=1)), 0.05)
        out = F.pixel_shuffle(self.to_pixels(self.tail(gathered) + shallow), self.scale)
        return out[:, :, : height * self.scale, : width * self.scale]


def rfdn(scale: int, checkpoint: str | None = None) -> RFDN:
    """The model that the harness runs, with the weights in `checkpoint` or, without one, fresh ones.

    Raises `RuntimeError` where the checkpoint is another network's: every tensor of it is accounted for.
    """
    model = RFDN(scale=scale)
    if checkpoint is not None:
        official = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict({_name_here(name): tensor for name, tensor in official.items()}, strict=True)
    return model.eval()


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
