"""RT4KSR: Zamfir, Conde and Timofte, "Towards Real-Time 4K Image Super-Resolution", CVPR Workshops 2023.

Written from the paper and from what the released code computes (github.com/eduardzamfir/RT4KSR at fd6627a, Apache-2.0).
The network exists in two forms. In the *training form* each block is an `ExpandedConv3x3`, three convolutions and two
skips without anything non-linear between them; in the *deployed form* each of them has become the one 3x3 convolution
that it is equal to. The deployed form is what is timed and counted.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# name: (blocks, channels). Table 3b of the paper; the deployed parameters that it prints follow from these.
FAMILY = {
    "XXS": (2, 24),
    "XS": (2, 32),
    "S": (4, 24),
    "M": (4, 32),
    "L": (6, 24),
    "XL": (6, 32),
    "XXL": (8, 24),
    "XXXL": (8, 32),
}

FUSIONS = ("none", "inject")
HIGH_FREQUENCIES = ("gaussian", "down-and-up")
NORMS = ("layernorm", "plain", "residual")
BLURS = ("convolution", "shifts")

# Name in the authors' checkpoints -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("module.", ""),
    ("head.0.", "head."),
    ("hfb.0.", "hf_conv."),
    (".conv1.", ".conv."),
    ("tail.0.", "tail.norm."),
    ("tail.1.", "tail.conv."),
    ("upsample.0.", "to_pixels."),
    ("expand_conv", "expand"),
    ("fea_conv", "conv3x3"),
    ("reduce_conv", "reduce"),
)


class ExpandedConv3x3(nn.Module):
    """A 3x3 convolution in its training form (the paper's RRB): `(N, C, H, W)` to the same shape.

    1x1 to twice the channels; 3x3 plus identity; 1x1 back; plus identity.
    """

    folded = False
    """Whether `forward` merges the three first: the same function and gradients, at under a quarter of the work."""

    def __init__(self, channels: int, ratio: int = 2) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, ratio * channels, 1)
        self.conv3x3 = nn.Conv2d(ratio * channels, ratio * channels, 3)
        self.reduce = nn.Conv2d(ratio * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The three convolutions and two skips, one after the other or (`folded`) as the one that they are equal to."""
        if self.folded:
            weight, bias = self.merged()
            return F.conv2d(x, weight, bias, padding=1)
        # Zeros padded on before the expansion come out of it as its bias: what the released code writes into the
        # border of the expanded features, and the reason why one zero-padded convolution can equal the three.
        wide = self.expand(F.pad(x, (1, 1, 1, 1)))
        return self.reduce(self.conv3x3(wide) + wide[:, :, 1:-1, 1:-1]) + x

    def merged(self) -> tuple[Tensor, Tensor]:
        """Weight `(C, C, 3, 3)` and bias `(C,)` of the zero-padded 3x3 convolution that computes the same.

        With E, K, R for the three weights and I for an identity at the kernel's centre, the weight is R (K + I) E + I.
        The sums are carried out in float64 and rounded once, to the dtype of the parameters; gradients flow through.
        """
        expand, kernel, reduce = (conv.weight.double() for conv in (self.expand, self.conv3x3, self.reduce))
        expand_bias, bias, reduce_bias = (conv.bias.double() for conv in (self.expand, self.conv3x3, self.reduce))
        expand, reduce = expand[:, :, 0, 0], reduce[:, :, 0, 0]
        kernel = kernel + _centred_identity(kernel)
        weight = torch.einsum("om,mehw,ei->oihw", reduce, kernel, expand)
        weight = weight + _centred_identity(weight)
        bias = reduce @ (kernel.sum(dim=(2, 3)) @ expand_bias + bias) + reduce_bias
        dtype = self.expand.weight.dtype
        return weight.to(dtype), bias.to(dtype)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel of `(N, C, H, W)`."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Zero mean and unit variance across the channels, then weight and bias."""
        # The released code's own order of operations. F.layer_norm wants the channels last, and rounds differently.
        mean = x.mean(dim=1, keepdim=True)
        variance = (x - mean).pow(2).mean(dim=1, keepdim=True)
        normal = (x - mean) / (variance + self.eps).sqrt()
        return self.weight.view(1, -1, 1, 1) * normal + self.bias.view(1, -1, 1, 1)


class NormConv(nn.Module):
    """`ChannelNorm` and a block convolution: the network's tail, and with a GELU behind it each block of its body.

    Without `norm` the convolution alone.
    """

    def __init__(self, channels: int, *, deployed: bool, norm: bool = True) -> None:
        super().__init__()
        self.norm: nn.Module = ChannelNorm(channels) if norm else nn.Identity()
        self.conv = _block_conv(channels, deployed=deployed)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, then convolve: `(N, C, H, W)` to the same shape."""
        return self.conv(self.norm(x))


class RT4KSR(nn.Module):
    """The network, in either form: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped.

    All features live at half the LR's height and width (`PixelUnshuffle(2)`). An odd H or W is made even by repeating
    the last row or column, and the surplus is cut from the output; the released code takes even sizes only, and gives
    the same there. H and W are at least 3: the blur that separates the high frequencies reflects two pixels.

    `fusion`, what becomes of the high-frequency branch:
    "none": computed and then not used, as in the released code (`forget=False`). Its checkpoints were trained that way,
    the MACs that the paper prints contain the branch, and `gamma`, which would weigh it, is stored and counted.
    "inject": `gamma * body + branch` goes into the tail, as the paper's figure has it (`forget=True` in the code).

    `high_frequencies`, how they are taken from the LR (Table 2a): "gaussian", LR minus its blur, or "down-and-up", LR
    minus its halved and doubled self (`down_and_up`).

    `norm`, what a block of the body does besides convolution and GELU (Table 2b): "layernorm", "plain" (nothing) or
    "residual" (nothing, but a skip around the block). The tail has its norm in all three, as in the released code.

    `blur`, how the Gaussian is computed: "convolution", a depthwise one as in the released code, which is what its
    authors timed; or "shifts", the same sums without a convolution, as the MACs of their tables are counted.
    """

    def __init__(
        self,
        *,
        scale: int,
        blocks: int,
        channels: int,
        fusion: str = "none",
        high_frequencies: str = "gaussian",
        norm: str = "layernorm",
        blur: str = "convolution",
        deployed: bool = False,
    ) -> None:
        super().__init__()
        _one_of("fusion", fusion, FUSIONS)
        _one_of("blur", blur, BLURS)
        _one_of("high_frequencies", high_frequencies, HIGH_FREQUENCIES)
        _one_of("norm", norm, NORMS)
        self.scale, self.blocks, self.channels = scale, blocks, channels
        self.fusion, self.high_frequencies, self.block_norm = fusion, high_frequencies, norm
        self.blur = blur
        # Not learned, and in no checkpoint; a buffer all the same, so that it follows the model's device and precision.
        self.register_buffer("kernel", gaussian_kernel(), persistent=False)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.head = nn.Conv2d(3 * 2**2, channels, 3, padding=1)
        self.hf_conv = _block_conv(channels, deployed=deployed)
        self.body = nn.ModuleList(
            NormConv(channels, deployed=deployed, norm=norm == "layernorm") for _ in range(blocks)
        )
        self.tail = NormConv(channels, deployed=deployed)
        self.to_pixels = nn.Conv2d(channels, 3 * (2 * scale) ** 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, `(N, 3, H, W)` with H and W at least 3."""
        height, width = x.shape[-2:]
        if height % 2 or width % 2:
            x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        fine = self.high_frequency_features(x)
        features = self.head(F.pixel_unshuffle(x, 2))
        for block in self.body:
            new = F.gelu(block(features))
            features = features + new if self.block_norm == "residual" else new
        if self.fusion == "inject":
            features = self.gamma * features + fine
        out = F.pixel_shuffle(self.to_pixels(self.tail(features)), 2 * self.scale)
        return out[:, :, : height * self.scale, : width * self.scale]

    def high_frequency_features(self, x: Tensor) -> Tensor:
        """What blurring takes away from `x`, through the shared head: `(N, C, H / 2, W / 2)`."""
        if self.high_frequencies != "gaussian":
            low = down_and_up(x)
        else:
            low = gaussian_blur(x, self.kernel) if self.blur == "convolution" else gaussian_blur_by_shifts(x)
        return F.gelu(self.hf_conv(self.head(F.pixel_unshuffle(x - low, 2))))

    @torch.no_grad()
    def deployed_form(self) -> RT4KSR:
        """The same function with every `ExpandedConv3x3` merged into one convolution; within 1e-5 of it in float32."""
        state = self.state_dict()
        for name, module in self.named_modules():
            if isinstance(module, ExpandedConv3x3):
                for part in module.state_dict():
                    del state[f"{name}.{part}"]
                state[f"{name}.weight"], state[f"{name}.bias"] = module.merged()
        model = RT4KSR(
            scale=self.scale,
            blocks=self.blocks,
            channels=self.channels,
            fusion=self.fusion,
            high_frequencies=self.high_frequencies,
            norm=self.block_norm,
            blur=self.blur,
            deployed=True,
        ).to(self.gamma)
        model.load_state_dict(state, strict=True)
        return model


def gaussian_blur(x: Tensor, kernel: Tensor) -> Tensor:
    """5x5 Gaussian blur with sigma 1 of `(N, 3, H, W)`, reflected at the border; H and W at least 3.

    A depthwise convolution with `gaussian_kernel()`, as in the released code: 0.16 of 24.34 GMAC at x2 and 1080x1920.
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


def down_and_up(x: Tensor) -> Tensor:
    """`(N, C, H, W)` with even H and W, halved by 2x2 means and doubled again bilinearly: its low frequencies."""
    return F.interpolate(F.avg_pool2d(x, 2), scale_factor=2.0, mode="bilinear", align_corners=False)


def gaussian_taps() -> tuple[float, float, float]:
    """Weights at distance 0, 1 and 2 of a sampled Gaussian with sigma 1; the five taps sum to one."""
    centre, near, far = (math.exp(-0.5 * distance**2) for distance in (0, 1, 2))
    total = centre + 2 * near + 2 * far
    return centre / total, near / total, far / total


def _member(size: str) -> tuple[int, int]:
    """Blocks and channels of a size; raises `ValueError` where the family has none of that name."""
    if size not in FAMILY:
        raise ValueError(f"size: expected one of {', '.join(FAMILY)}, found {size!r}")
    return FAMILY[size]


def load_official(path: str, *, scale: int, size: str = "S") -> RT4KSR:
    """The training form with the weights of one of the authors' checkpoints, every tensor of it accounted for.

    Raises `RuntimeError` where the checkpoint is another network's, `ValueError` where it has not the authors' form.
    """
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    names = list(checkpoint) if isinstance(checkpoint, dict) else []
    if not hasattr(checkpoint["state_dict"] if "state_dict" in names else None, "items"):
        found = f"the keys {', '.join(map(str, names[:3]))}" if names else f"a {type(checkpoint).__name__}"
        raise ValueError(f"checkpoint: expected one of the RT4KSR authors, with weights in 'state_dict', found {found}")
    blocks, channels = _member(size)
    model = RT4KSR(scale=scale, blocks=blocks, channels=channels)
    model.load_state_dict({_name_here(name): tensor for name, tensor in checkpoint["state_dict"].items()}, strict=True)
    return model


def rt4ksr(scale: int, size: str = "S", checkpoint: str | None = None) -> RT4KSR:
    """The released model as the harness runs it: deployed form, with the weights in `checkpoint` or fresh ones."""
    if checkpoint is not None:
        return load_official(checkpoint, scale=scale, size=size).deployed_form().eval()
    return deployed(scale, size)


def deployed(
    scale: int,
    size: str = "S",
    fusion: str = "none",
    high_frequencies: str = "gaussian",
    norm: str = "layernorm",
    blur: str = "convolution",
) -> RT4KSR:
    """Any member of the family in its deployed form, with fresh weights: the harness loads the manifest's into it."""
    blocks, channels = _member(size)
    return RT4KSR(
        scale=scale,
        blocks=blocks,
        channels=channels,
        fusion=fusion,
        high_frequencies=high_frequencies,
        norm=norm,
        blur=blur,
        deployed=True,
    ).eval()


def training(
    scale: int, size: str = "S", fusion: str = "none", high_frequencies: str = "gaussian", norm: str = "layernorm"
) -> RT4KSR:
    """Any member of the family in its training form, folded: trained as the paper does, at the deployed form's cost."""
    blocks, channels = _member(size)
    model = RT4KSR(
        scale=scale,
        blocks=blocks,
        channels=channels,
        fusion=fusion,
        high_frequencies=high_frequencies,
        norm=norm,
    )
    for module in model.modules():
        if isinstance(module, ExpandedConv3x3):
            module.folded = True
    return model


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, found {value!r}")


def _block_conv(channels: int, *, deployed: bool) -> nn.Module:
    return nn.Conv2d(channels, channels, 3, padding=1) if deployed else ExpandedConv3x3(channels)


def _centred_identity(kernel: Tensor) -> Tensor:
    """The 3x3 kernel, shaped like the square `kernel`, that gives each channel back."""
    identity = torch.zeros_like(kernel)
    identity[:, :, 1, 1] = torch.eye(kernel.shape[0])
    return identity


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
