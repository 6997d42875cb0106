"""SwinIR, lightweight: Liang et al., "SwinIR: Image Restoration Using Swin Transformer", ICCV Workshops 2021.

Written from the paper and from what the released code computes (github.com/JingyunLiang/SwinIR at 6545850, Apache-2.0).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS, HEADS, WINDOW, GROUPS, LAYERS = 60, 6, 8, 4, 6
MEAN = (0.4488, 0.4371, 0.4040)
"""Mean R, G and B of DIV2K, subtracted from the input and added to the output."""

# Name in the authors' checkpoints -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("conv_first.", "head."),
    ("patch_embed.norm.", "norm_in."),
    ("conv_after_body.", "tail."),
    ("upsample.0.", "to_pixels."),
    ("layers.", "body."),
    ("residual_group.blocks.", "layers."),
    ("attn.relative_position_bias_table", "attention.offset_bias"),
    ("attn.", "attention."),
    ("mlp.fc1.", "expand."),
    ("mlp.fc2.", "reduce."),
)

# Buffers in the authors' checkpoints that this code computes: positions inside a window, masks for one image size.
DERIVED = ("relative_position_index", "attn_mask")


class WindowAttention(nn.Module):
    """Multi-head self-attention among the 64 pixels of a window, with a learned bias for each offset between two."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(CHANNELS, 3 * CHANNELS)
        self.proj = nn.Linear(CHANNELS, CHANNELS)
        self.offset_bias = nn.Parameter(torch.randn((2 * WINDOW - 1) ** 2, HEADS) * 0.02)
        self.register_buffer("offsets", _offsets(), persistent=False)
        self.heads, self.pixels = HEADS, WINDOW**2

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`(N * windows, 64, C)` to the same shape; `mask`, `(windows, 64, 64)` or empty, is added to the logits."""
        windows, pixels, channels = x.shape
        q, k, v = (
            self.qkv(x).reshape(windows, pixels, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        )
        logits = (q * (channels // self.heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.offset_bias[self.offsets].view(self.pixels, self.pixels, self.heads)
        logits = logits + bias.permute(2, 0, 1).unsqueeze(0)
        if mask.numel() > 0:
            logits = logits.view(-1, mask.shape[0], self.heads, pixels, pixels) + mask.unsqueeze(1)
            logits = logits.view(windows, self.heads, pixels, pixels)
        return self.proj((logits.softmax(dim=-1) @ v).transpose(1, 2).reshape(windows, pixels, channels))


class SwinLayer(nn.Module):
    """Attention inside windows, shifted by half a window in every second layer, then two linear layers with a GELU."""

    def __init__(self, *, shift: int) -> None:
        super().__init__()
        self.shift, self.window = shift, WINDOW
        self.norm1 = nn.LayerNorm(CHANNELS)
        self.attention = WindowAttention()
        self.norm2 = nn.LayerNorm(CHANNELS)
        self.expand = nn.Linear(CHANNELS, 2 * CHANNELS)
        self.reduce = nn.Linear(2 * CHANNELS, CHANNELS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`(N, H, W, C)` to the same shape, H and W multiples of the window; `mask` keeps shifted windows apart."""
        batch, height, width, channels = x.shape
        side = self.window
        out = self.norm1(x)
        if self.shift > 0:
            out = torch.roll(out, shifts=(-self.shift, -self.shift), dims=(1, 2))
        out = out.view(batch, height // side, side, width // side, side, channels).permute(0, 1, 3, 2, 4, 5)
        out = self.attention(out.reshape(-1, side * side, channels), mask if self.shift > 0 else mask[:0])
        out = out.view(batch, height // side, width // side, side, side, channels).permute(0, 1, 3, 2, 4, 5)
        out = out.reshape(batch, height, width, channels)
        if self.shift > 0:
            out = torch.roll(out, shifts=(self.shift, self.shift), dims=(1, 2))
        x = x + out
        return x + self.reduce(F.gelu(self.expand(self.norm2(x))))


class ResidualGroup(nn.Module):
    """RSTB: six layers, a 3x3 convolution, a skip around them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(SwinLayer(shift=WINDOW // 2 * (number % 2)) for number in range(LAYERS))
        self.conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`(N, H, W, C)` to the same shape."""
        out = x
        for layer in self.layers:
            out = layer(out, mask)
        return self.conv(out.permute(0, 3, 1, 2)).permute(0, 2, 3, 1) + x


class SwinIRLight(nn.Module):
    """The network: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped.

    H and W are made multiples of the window, 8, by reflection at the bottom and the right as in the released code, and
    the surplus is cut from the output; a side of less than 5, which cannot be reflected that far, repeats its last row.
    """

    def __init__(self, *, scale: int) -> None:
        super().__init__()
        self.scale, self.window = scale, WINDOW
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.head = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.norm_in = nn.LayerNorm(CHANNELS)
        self.body = nn.ModuleList(ResidualGroup() for _ in range(GROUPS))
        self.norm = nn.LayerNorm(CHANNELS)
        self.tail = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.to_pixels = nn.Conv2d(CHANNELS, 3 * scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        height, width = x.shape[-2:]
        below, right = -height % self.window, -width % self.window
        if below > 0 or right > 0:
            reflects = below < height and right < width
            x = F.pad(x, (0, right, 0, below), mode="reflect" if reflects else "replicate")
        shallow = self.head(x - self.mean)
        mask = shift_mask(shallow, self.window)
        features = self.norm_in(shallow.permute(0, 2, 3, 1))
        for group in self.body:
            features = group(features, mask)
        features = self.tail(self.norm(features).permute(0, 3, 1, 2)) + shallow
        out = F.pixel_shuffle(self.to_pixels(features), self.scale) + self.mean
        return out[:, :, : height * self.scale, : width * self.scale]


def shift_mask(features: Tensor, window: int) -> Tensor:
    """What shifted windows add to their logits: -100 between pixels that are neighbours only because of the shift.

    `features`, `(N, C, H, W)`, gives size, dtype and device; the mask is `(windows, window**2, window**2)`.
    """
    height, width = features.shape[-2:]
    rows = _zones(height, window, features)
    columns = _zones(width, window, features)
    zones = (3 * rows.unsqueeze(1) + columns.unsqueeze(0)).view(height // window, window, width // window, window)
    zones = zones.permute(0, 2, 1, 3).reshape(-1, window * window)
    return (zones.unsqueeze(1) != zones.unsqueeze(2)).to(features.dtype) * -100.0


def swinir_light(scale: int, checkpoint: str | None = None) -> SwinIRLight:
    """The model that the harness runs, with the authors' weights in `checkpoint` or, without one, fresh ones.

    RuntimeError where the checkpoint is another network's: every tensor of it is accounted for, but for `DERIVED`.
    """
    model = SwinIRLight(scale=scale)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state = state.get("params", state)
        state = {_name_here(name): tensor for name, tensor in state.items() if not name.endswith(DERIVED)}
        model.load_state_dict(state, strict=True)
    return model.eval()


def _zones(length: int, window: int, like: Tensor) -> Tensor:
    """0, 1 or 2 for each row: untouched by the shift, kept, wrapped around."""
    places = torch.arange(length, device=like.device)
    return (places >= length - window).long() + (places >= length - window // 2).long()


def _offsets() -> Tensor:
    """For each pair of a window's pixels, which of the 15 x 15 offsets lies between them; flat, 64 * 64."""
    row = torch.arange(WINDOW).repeat_interleave(WINDOW)
    column = torch.arange(WINDOW).repeat(WINDOW)
    down = row.unsqueeze(1) - row.unsqueeze(0) + WINDOW - 1
    right = column.unsqueeze(1) - column.unsqueeze(0) + WINDOW - 1
    return (down * (2 * WINDOW - 1) + right).flatten()


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
