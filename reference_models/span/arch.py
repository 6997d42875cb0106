"""SPAN: Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR Workshops 2024.

Written from the paper and from what the released code computes (github.com/hongyuanyu/SPAN at c77a591, Apache-2.0).
The network exists in two forms. In the *training form* each 3x3 convolution is an `ExpandedConv3x3`: three convolutions
beside a fourth. In the *deployed form* each of them has become one. The deployed form is what is timed and counted.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# name: channels. The paper's network by its size (see the README), the released code's default, and the network that
# won NTIRE 2024 Efficient SR (x4).
FAMILY = {"full": 52, "ch48": 48, "ch28": 28}

BLOCKS = 6
MEAN = (0.4488, 0.4371, 0.4040)
"""Mean R, G and B of DIV2K, subtracted from the input."""

# Name in a checkpoint of the deployed form, as NTIRE 2024 has it, -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("eval_conv.", ""),
    ("conv_1.", "head."),
    ("conv_2.", "tail."),
    ("conv_cat.", "fuse."),
    ("upsampler.0.", "to_pixels."),
    *((f"block_{number}.", f"body.{number - 1}.") for number in range(1, BLOCKS + 1)),
    (".c1_r.", ".conv1."),
    (".c2_r.", ".conv2."),
    (".c3_r.", ".conv3."),
)


class ExpandedConv3x3(nn.Module):
    """A 3x3 convolution in its training form: 1x1 to twice the channels, 3x3, 1x1; beside it a 1x1 from end to end."""

    def __init__(self, inside: int, outside: int, ratio: int = 2) -> None:
        super().__init__()
        self.skip = nn.Conv2d(inside, outside, 1)
        self.expand = nn.Conv2d(inside, ratio * inside, 1)
        self.conv3x3 = nn.Conv2d(ratio * inside, ratio * outside, 3)
        self.reduce = nn.Conv2d(ratio * outside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, inside, H, W)` to `(N, outside, H, W)`; zeros are padded on before the expansion."""
        return self.reduce(self.conv3x3(self.expand(F.pad(x, (1, 1, 1, 1))))) + self.skip(x)

    @torch.no_grad()
    def merged(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the zero-padded 3x3 convolution that computes the same: R K E + S, in float64."""
        convs = (self.expand, self.conv3x3, self.reduce, self.skip)
        expand, kernel, reduce, skip = (conv.weight.double() for conv in convs)
        expand_bias, bias, reduce_bias, skip_bias = (conv.bias.double() for conv in convs)
        reduce = reduce[:, :, 0, 0]
        weight = torch.einsum("om,mehw,ei->oihw", reduce, kernel, expand[:, :, 0, 0])
        weight[:, :, 1, 1] += skip[:, :, 0, 0]
        bias = reduce @ (kernel.sum(dim=(2, 3)) @ expand_bias + bias) + reduce_bias + skip_bias
        dtype = self.expand.weight.dtype
        return weight.to(dtype), bias.to(dtype)


class AttentionBlock(nn.Module):
    """SPAB: three convolutions with SiLU between them; the output weighs itself through sigmoid(x) - 1/2."""

    def __init__(self, channels: int, *, deployed: bool) -> None:
        super().__init__()
        self.conv1 = _conv3x3(channels, channels, deployed=deployed)
        self.conv2 = _conv3x3(channels, channels, deployed=deployed)
        self.conv3 = _conv3x3(channels, channels, deployed=deployed)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`(N, C, H, W)` to the block's output and the features behind its first SiLU, both of that shape."""
        first = F.silu(self.conv1(x))
        out = self.conv3(F.silu(self.conv2(first)))
        return (out + x) * (torch.sigmoid(out) - 0.5), first


class SPAN(nn.Module):
    """The network, in either form: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, around [0, 1], unclamped.

    Any H and W. The head, the first block, the middle of the last block and the end are joined by a 1x1 convolution.
    """

    def __init__(self, *, scale: int, channels: int, deployed: bool = False) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.head = _conv3x3(3, channels, deployed=deployed)
        self.body = nn.ModuleList(AttentionBlock(channels, deployed=deployed) for _ in range(BLOCKS))
        self.tail = _conv3x3(channels, channels, deployed=deployed)
        self.fuse = nn.Conv2d(4 * channels, channels, 1)
        self.to_pixels = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)
        with torch.no_grad():  # the features are on a scale of 255, the output is not: fresh weights start accordingly
            self.to_pixels.weight.div_(255)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        shallow = self.head((x - self.mean) * 255)
        features, first, middle = shallow, shallow, shallow
        for index, block in enumerate(self.body):
            features, middle = block(features)
            if index == 0:
                first = features
        joined = self.fuse(torch.cat((shallow, self.tail(features), first, middle), dim=1))
        return F.pixel_shuffle(self.to_pixels(joined), self.scale)

    @torch.no_grad()
    def deployed_form(self) -> SPAN:
        """The same function with every `ExpandedConv3x3` merged into one convolution."""
        state = self.state_dict()
        for name, module in self.named_modules():
            if isinstance(module, ExpandedConv3x3):
                for part in module.state_dict():
                    del state[f"{name}.{part}"]
                state[f"{name}.weight"], state[f"{name}.bias"] = module.merged()
        model = SPAN(scale=self.scale, channels=self.channels, deployed=True).to(self.fuse.weight)
        model.load_state_dict(state, strict=True)
        return model.eval()


def span(scale: int, size: str = "full", checkpoint: str | None = None) -> SPAN:
    """The model that the harness runs: deployed form, with the authors' weights in `checkpoint` or fresh ones.

    RuntimeError where the checkpoint is another network's: every tensor of it is accounted for.
    """
    model = SPAN(scale=scale, channels=FAMILY[size], deployed=True)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict({_name_here(name): tensor for name, tensor in state.items()}, strict=True)
    return model.eval()


def training(scale: int, size: str = "full") -> SPAN:
    """The training form with fresh weights."""
    return SPAN(scale=scale, channels=FAMILY[size])


def _conv3x3(inside: int, outside: int, *, deployed: bool) -> nn.Module:
    return nn.Conv2d(inside, outside, 3, padding=1) if deployed else ExpandedConv3x3(inside, outside)


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
