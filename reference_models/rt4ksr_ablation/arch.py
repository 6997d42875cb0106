"""The rows of Table 1 of RT4KSR: from a plain network at full resolution to RT4KSR-S, one change at a time.

Zamfir, Conde and Timofte, "Towards Real-Time 4K Image Super-Resolution", CVPR Workshops 2023. The code of these rows
was never published: they are written from the paper's description and from its MAC column, which they give back to the
last digit (README). The NAFNet block is after Chen, Chu, Zhang and Sun, "Simple Baselines for Image Restoration", ECCV
2022.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS, BLOCKS = 24, 4
BLURS = ("convolution", "shifts")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a row of the table is made of.

    `block`: "conv" (3x3, GELU), "norm-conv" (the same behind a LayerNorm) or "naf". `branch`: with the high-frequency
    branch. `place`, where the body works: "full" (LR resolution), "down-and-up" (halved and doubled again by
    interpolation), "unshuffle" (half resolution, four times the channels), "squeeze" (the same, squeezed to a quarter
    of these channels and expanded again) or "input" (all of the network at half resolution, as RT4KSR).
    """

    block: str = "conv"
    branch: bool = False
    place: str = "full"


ROWS = {
    "a": Row(),
    "b": Row(branch=True),
    "a-down": Row(place="down-and-up"),
    "c": Row(branch=True, place="down-and-up"),
    "a-unshuffle": Row(place="unshuffle"),
    "d": Row(place="squeeze"),
    "e": Row(block="naf"),
    "e-hfb": Row(block="naf", branch=True),
    "e-down": Row(block="naf", place="down-and-up"),
    "f": Row(block="naf", branch=True, place="down-and-up"),
    "h": Row(block="norm-conv", branch=True, place="input"),
}
"""The rows by the paper's letters; those between two letters are named after the one before and what it adds."""

PRINTED_WITH = {
    "a": {"idle_branch": True, "own_hf_head": True},
    "b": {},
    "a-down": {"idle_branch": True, "own_hf_head": True},
    "c": {"own_hf_head": True},
    "a-unshuffle": {"idle_branch": True, "own_hf_head": True},
    "d": {"idle_branch": True, "own_hf_head": True},
    "e": {"idle_branch": True},
    "e-hfb": {"own_hf_head": True},
    "e-down": {"idle_branch": True},
    "f": {"own_hf_head": True},
    "h": {},
}
"""The options of `ablation` with which a row has as many parameters as the paper prints; its MACs stay the same."""


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel of `(N, C, H, W)`."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Zero mean and unit variance across the channels, then weight and bias."""
        mean = x.mean(dim=1, keepdim=True)
        variance = (x - mean).pow(2).mean(dim=1, keepdim=True)
        normal = (x - mean) / (variance + self.eps).sqrt()
        return self.weight.view(1, -1, 1, 1) * normal + self.bias.view(1, -1, 1, 1)


class NAFBlock(nn.Module):
    """NAFNet's block, reduced to what the printed counts leave room for: `(N, C, H, W)` to the same shape.

    Two residual halves, each behind a norm: 1x1 to 2C, depthwise 3x3, gate, 1x1, a learned scale; then 1x1 to 2C, gate,
    1x1. The gate is the product of the two halves of the channels. Weights at C = 24: 1152 + 432 + 576 and 1152 + 576.
    NAFNet's own block also has channel attention (576 weights), biases in its 1x1 convolutions and a second scale.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.narrow = nn.Conv2d(channels, channels, 1, bias=False)
        self.scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.widen2 = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.narrow2 = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The two halves, one after the other."""
        left, right = self.depthwise(self.widen(self.norm1(x))).chunk(2, dim=1)
        x = x + self.scale * self.narrow(left * right)
        left, right = self.widen2(self.norm2(x)).chunk(2, dim=1)
        return x + self.narrow2(left * right)


class Ablation(nn.Module):
    """A row of the table: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped.

    An odd H or W is made even by repeating the last row or column, and the surplus is cut from the output. H and W are
    at least 3: the blur of some rows reflects two pixels.

    The branch takes the high frequencies through the head that the LR goes through, or through one of its own
    (`own_hf_head`: as many MACs, more parameters), and `gamma * body + branch` goes on, as the paper draws it.
    `idle_branch` builds the branch in rows that do not run it too: a reading of the printed parameters, see the README.
    `blur`, how the Gaussian is computed: "convolution", a depthwise one, or "shifts", which the paper's MACs leave out.
    """

    def __init__(
        self,
        *,
        row: Row,
        scale: int,
        idle_branch: bool = False,
        own_hf_head: bool = False,
        blur: str = "convolution",
    ) -> None:
        super().__init__()
        if blur not in BLURS:
            raise ValueError(f"blur: expected one of {', '.join(BLURS)}, found {blur!r}")
        self.blur = blur
        self.register_buffer("kernel", gaussian_kernel(), persistent=False)
        self.scale, self.branch, self.place = scale, row.branch, row.place
        self.shuffle = 2 if row.place == "input" else 1
        colours = 3 * self.shuffle**2
        self.head = nn.Conv2d(colours, CHANNELS, 3, padding=1)
        self.own_hf_head = own_hf_head
        built = row.branch or idle_branch
        self.hf_head = nn.Conv2d(colours, CHANNELS, 3, padding=1) if built and own_hf_head else nn.Identity()
        self.hf_conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) if built else nn.Identity()
        if built:
            self.gamma = nn.Parameter(torch.zeros(1))
        else:
            self.register_buffer("gamma", torch.ones(1), persistent=False)
        self.body = _body(row)
        self.tail = nn.Sequential(ChannelNorm(CHANNELS), nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))
        self.to_pixels = nn.Conv2d(CHANNELS, 3 * (self.shuffle * scale) ** 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, `(N, 3, H, W)` with H and W at least 3."""
        height, width = x.shape[-2:]
        if height % 2 or width % 2:
            x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        features = self.head(F.pixel_unshuffle(x, self.shuffle))
        if self.place == "down-and-up":
            features = _doubled(self.body(F.avg_pool2d(features, 2)))
        else:
            features = self.body(features)
        if self.branch:
            if self.place == "down-and-up":
                low = down_and_up(x)
            else:
                low = gaussian_blur(x, self.kernel) if self.blur == "convolution" else gaussian_blur_by_shifts(x)
            fine = F.pixel_unshuffle(x - low, self.shuffle)
            fine = self.hf_head(fine) if self.own_hf_head else self.head(fine)
            features = self.gamma * features + F.gelu(self.hf_conv(fine))
        out = F.pixel_shuffle(self.to_pixels(self.tail(features)), self.shuffle * self.scale)
        return out[:, :, : height * self.scale, : width * self.scale]


def down_and_up(x: Tensor) -> Tensor:
    """`(N, C, H, W)` with even H and W, halved by 2x2 means and doubled again bilinearly: its low frequencies."""
    return _doubled(F.avg_pool2d(x, 2))


def gaussian_blur(x: Tensor, kernel: Tensor) -> Tensor:
    """5x5 Gaussian blur with sigma 1 of `(N, 3, H, W)`, reflected at the border; H and W at least 3.

    A depthwise convolution with `gaussian_kernel()`, as in RT4KSR's released code.
    """
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)


def gaussian_kernel() -> Tensor:
    """The filters `(3, 1, 5, 5)` of `gaussian_blur`, the same one for each colour."""
    centre, near, far = gaussian_taps()
    taps = torch.tensor([far, near, centre, near, far], dtype=torch.float64)
    return torch.outer(taps, taps).to(torch.get_default_dtype()).expand(3, 1, 5, 5).clone()


def gaussian_blur_by_shifts(x: Tensor) -> Tensor:
    """The same blur without a convolution: sums of shifted images, columns, then rows; nothing of it counts as MACs."""
    centre, near, far = gaussian_taps()
    x = F.pad(x, (2, 2, 2, 2), mode="reflect")
    x = centre * x[..., 2:-2] + near * (x[..., 1:-3] + x[..., 3:-1]) + far * (x[..., :-4] + x[..., 4:])
    x = x.transpose(-1, -2)
    x = centre * x[..., 2:-2] + near * (x[..., 1:-3] + x[..., 3:-1]) + far * (x[..., :-4] + x[..., 4:])
    return x.transpose(-1, -2)


def gaussian_taps() -> tuple[float, float, float]:
    """Weights at distance 0, 1 and 2 of a sampled Gaussian with sigma 1; the five taps sum to one."""
    centre, near, far = (math.exp(-0.5 * distance**2) for distance in (0, 1, 2))
    total = centre + 2 * near + 2 * far
    return centre / total, near / total, far / total


def ablation(
    row: str, scale: int, *, idle_branch: bool = False, own_hf_head: bool = False, blur: str = "convolution"
) -> Ablation:
    """A row by its name in `ROWS`, with fresh weights: no others were ever published."""
    if row not in ROWS:
        raise ValueError(f"row: expected one of {', '.join(ROWS)}, found {row!r}")
    return Ablation(row=ROWS[row], scale=scale, idle_branch=idle_branch, own_hf_head=own_hf_head, blur=blur).eval()


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _body(row: Row) -> nn.Sequential:
    """The blocks, with what brings the features to where they work and back."""
    wide = 4 * CHANNELS
    layers = [_block(row.block, wide if row.place == "unshuffle" else CHANNELS) for _ in range(BLOCKS)]
    if row.place == "squeeze":
        layers = [nn.Conv2d(wide, CHANNELS, 1), *layers, nn.Conv2d(CHANNELS, wide, 1)]
    if row.place in ("unshuffle", "squeeze"):
        layers = [nn.PixelUnshuffle(2), *layers, nn.PixelShuffle(2)]
    return nn.Sequential(*layers)


def _block(kind: str, channels: int) -> nn.Module:
    if kind == "naf":
        return NAFBlock(channels)
    conv: list[nn.Module] = [nn.Conv2d(channels, channels, 3, padding=1), nn.GELU()]
    return nn.Sequential(*([ChannelNorm(channels), *conv] if kind == "norm-conv" else conv))
