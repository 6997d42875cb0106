"""IMDN: Hui et al., "Lightweight Image Super-Resolution with Information Multi-distillation Network", ACM MM 2019.

Written from the paper and from what the released code computes (github.com/Zheng222/IMDN at 8f158e6): six blocks that
each keep a quarter of their channels at every step and pass the rest on.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 64
BLOCKS = 6

# Name in the authors' checkpoints -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("module.", ""),
    ("fea_conv.", "head."),
    *((f"IMDB{block + 1}.", f"body.{block}.") for block in range(BLOCKS)),
    ("cca.conv_du.0.", "attention.squeeze."),
    ("cca.conv_du.2.", "attention.excite."),
    (".c1.", ".steps.0."),
    (".c2.", ".steps.1."),
    (".c3.", ".steps.2."),
    (".c4.", ".last."),
    (".c5.", ".fuse."),
    ("c.0.", "gather."),
    ("LR_conv.", "tail."),
    ("upsampler.0.", "to_pixels."),
)


class ContrastAttention(nn.Module):
    """Contrast-aware channel attention: each channel of `(N, C, H, W)` weighed by its deviation plus its mean."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels with factors between 0 and 1."""
        # The released code sums over all pixels and divides then: in half precision a sum over a 2K frame is infinite.
        contrast = torch.std(x, dim=(2, 3), correction=0, keepdim=True) + x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(contrast))))


class DistillationBlock(nn.Module):
    """Information multi-distillation block: `(N, C, H, W)` to the same shape.

    Each of three 3x3 convolutions hands a quarter of its channels to the end of the block and three quarters to the
    next one; the quarters are weighed, fused by a 1x1 convolution and added to the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kept = channels // 4
        self.passed = channels - self.kept
        self.steps = nn.ModuleList(
            nn.Conv2d(inputs, channels, 3, padding=1) for inputs in (channels, self.passed, self.passed)
        )
        self.last = nn.Conv2d(self.passed, self.kept, 3, padding=1)
        self.attention = ContrastAttention(channels)
        self.fuse = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Distil three times, gather what was kept, and add it to `x`."""
        kept: list[Tensor] = []
        features = x
        for step in self.steps:
            features = F.leaky_relu(step(features), 0.05)
            kept.append(features[:, : self.kept])
            features = features[:, self.kept :]
        kept.append(self.last(features))
        return self.fuse(self.attention(torch.cat(kept, dim=1))) + x


class IMDN(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped, for any H and W."""

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
        shallow = self.head(x)
        features = shallow
        outputs: list[Tensor] = []
        for block in self.body:
            features = block(features)
            outputs.append(features)
        gathered = F.leaky_relu(self.gather(torch.cat(outputs, dim=1)), 0.05)
        return F.pixel_shuffle(self.to_pixels(self.tail(gathered) + shallow), self.scale)


def imdn(scale: int, checkpoint: str | None = None) -> IMDN:
    """The model that the harness runs, with the weights in `checkpoint` or, without one, fresh ones.

    Raises `RuntimeError` where the checkpoint is another network's: every tensor of it is accounted for.
    """
    model = IMDN(scale=scale)
    if checkpoint is not None:
        official = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict({_name_here(name): tensor for name, tensor in official.items()}, strict=True)
    return model.eval()


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
