"""FMEN: Du et al., "Fast and Memory-Efficient Network Towards Efficient Image Super-Resolution", CVPR Workshops 2022.

Written from the paper and from what the released code computes (github.com/NJU-Jet/FMEN at a1def16, Apache-2.0). The
network exists in two forms. In the *training form* the convolutions of its residual blocks are expanded and its
attention is normalised over the batch; in the *deployed form* all of that has become plain 3x3 convolutions. The
deployed form is what the authors published weights of, and what is timed and counted.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The network of NTIRE 2022 Efficient SR (FMEN-S): convolution pairs, channels, channels inside an attention block.
PAIRS, CHANNELS, INNER = 4, 50, 16

# Name in the authors' checkpoint -> name here, replaced in this order.
OFFICIAL_NAMES = (
    ("tail.0.", "to_pixels."),
    ("lr_conv.", "tail."),
    ("warmup.0.", "first."),
    ("warmup.1.", "attention.0."),
    *((f"HFABs.{number}.", f"attention.{number + 1}.") for number in range(PAIRS)),
    ("ERBs.", "blocks."),
    ("convs.", "middle."),
    ("rep_conv.", ""),
    ("excitate.", "excite."),
)


class ExpandedConv3x3(nn.Module):
    """A 3x3 convolution in its training form (RRRB): 1x1 to twice the channels, 3x3 + skip, 1x1 back, + skip."""

    def __init__(self, channels: int, ratio: int = 2) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, ratio * channels, 1)
        self.conv3x3 = nn.Conv2d(ratio * channels, ratio * channels, 3)
        self.reduce = nn.Conv2d(ratio * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape; the expanded features are padded with what zeros expand to, the bias."""
        wide = self.expand(F.pad(x, (1, 1, 1, 1)))
        return self.reduce(self.conv3x3(wide) + wide[:, :, 1:-1, 1:-1]) + x

    @torch.no_grad()
    def merged(self) -> dict[str, Tensor]:
        """Weight and bias of the zero-padded 3x3 convolution that computes the same: R (K + I) E + I, in float64."""
        expand, kernel, reduce = (conv.weight.double() for conv in (self.expand, self.conv3x3, self.reduce))
        expand_bias, bias, reduce_bias = (conv.bias.double() for conv in (self.expand, self.conv3x3, self.reduce))
        expand, reduce = expand[:, :, 0, 0], reduce[:, :, 0, 0]
        kernel = kernel + _centred_identity(kernel)
        weight = torch.einsum("om,mehw,ei->oihw", reduce, kernel, expand)
        weight = weight + _centred_identity(weight)
        bias = reduce @ (kernel.sum(dim=(2, 3)) @ expand_bias + bias) + reduce_bias
        return {"weight": weight.to(self.expand.weight.dtype), "bias": bias.to(self.expand.weight.dtype)}


class ConvPair(nn.Module):
    """ERB: two 3x3 convolutions with a LeakyReLU between them; in the training form each of them is expanded."""

    def __init__(self, channels: int, *, deployed: bool) -> None:
        super().__init__()
        self.conv1 = _conv3x3(channels, channels) if deployed else ExpandedConv3x3(channels)
        self.conv2 = _conv3x3(channels, channels) if deployed else ExpandedConv3x3(channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape."""
        return self.conv2(F.leaky_relu(self.conv1(x), 0.1))


class Attention(nn.Module):
    """HFAB, deployed: squeeze, convolution pairs, excite and a sigmoid make the mask that weighs the input."""

    def __init__(self, channels: int, inner: int, pairs: int) -> None:
        super().__init__()
        self.squeeze = _conv3x3(channels, inner)
        self.middle = nn.Sequential(*(ConvPair(inner, deployed=True) for _ in range(pairs)))
        self.excite = _conv3x3(inner, channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape."""
        out = self.middle(F.leaky_relu(self.squeeze(x), 0.1))
        return torch.sigmoid(self.excite(F.leaky_relu(out, 0.1))) * x

    @torch.no_grad()
    def balance(self) -> None:
        """Move powers of two from all convolutions to the last: the same function, to the bit in float32.

        Folded norms let the features between them grow to 1e7 with the authors' weights, which half precision cannot
        hold. A LeakyReLU passes a positive factor on, so each convolution may give it away and the last take it back.
        """
        convs = [self.squeeze]
        for pair in self.middle:
            convs += [pair.conv1, pair.conv2]
        taken = 0
        for conv in convs:
            excess = max(0, math.ceil(math.log2(float(conv.weight.flatten(1).norm(dim=1).max()))))
            taken += excess
            conv.weight.mul_(2.0**-excess)
            conv.bias.mul_(2.0**-taken)
        self.excite.weight.mul_(2.0**taken)


class NormalisedAttention(nn.Module):
    """HFAB, training: a batch norm before `squeeze`, one before and one behind `excite`."""

    def __init__(self, channels: int, inner: int, pairs: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.squeeze = nn.Conv2d(channels, inner, 3)
        self.middle = nn.Sequential(*(ConvPair(inner, deployed=False) for _ in range(pairs)))
        self.norm2 = nn.BatchNorm2d(inner)
        self.excite = nn.Conv2d(inner, channels, 3)
        self.norm3 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape; padded with what the norms make of zeros, so that they can be folded."""
        out = self.middle(F.leaky_relu(self.squeeze(_normed_and_padded(self.norm1, x)), 0.1))
        out = self.excite(_normed_and_padded(self.norm2, F.leaky_relu(out, 0.1)))
        return torch.sigmoid(self.norm3(out)) * x

    @torch.no_grad()
    def merged(self) -> dict[str, Tensor]:
        """The two convolutions of the deployed form, each with the norms around it folded in, in float64."""
        (gain1, shift1), (gain2, shift2), (gain3, shift3) = map(_affine, (self.norm1, self.norm2, self.norm3))
        squeeze, excite = self.squeeze.weight.double(), self.excite.weight.double()
        bias1 = self.squeeze.bias.double() + squeeze.sum(dim=(2, 3)) @ shift1
        bias2 = self.excite.bias.double() + excite.sum(dim=(2, 3)) @ shift2
        state = {
            "squeeze.weight": squeeze * gain1.view(1, -1, 1, 1),
            "squeeze.bias": bias1,
            "excite.weight": excite * gain2.view(1, -1, 1, 1) * gain3.view(-1, 1, 1, 1),
            "excite.bias": bias2 * gain3 + shift3,
        }
        return {name: tensor.to(self.squeeze.weight.dtype) for name, tensor in state.items()}


class FMEN(nn.Module):
    """The network, in either form: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, around [0, 255], unclamped.

    Any H and W. The first attention block is narrower by 4 channels and has two convolution pairs, the others one.
    """

    def __init__(self, *, scale: int, deployed: bool = False) -> None:
        super().__init__()
        self.scale = scale
        attention = Attention if deployed else NormalisedAttention
        self.head = _conv3x3(3, CHANNELS)
        self.first = _conv3x3(CHANNELS, CHANNELS)
        self.blocks = nn.ModuleList(ConvPair(CHANNELS, deployed=deployed) for _ in range(PAIRS))
        self.attention = nn.ModuleList([attention(CHANNELS, INNER - 4, 2)])
        self.attention.extend(attention(CHANNELS, INNER, 1) for _ in range(PAIRS))
        self.tail = _conv3x3(CHANNELS, CHANNELS)
        self.to_pixels = _conv3x3(CHANNELS, 3 * scale**2)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        shallow = self.head(x)
        features = self.first(shallow)
        for index, attention in enumerate(self.attention):
            features = attention(features)
            for number, block in enumerate(self.blocks):
                if number == index:  # TorchScript indexes no module list by a variable
                    features = block(features)
        return F.pixel_shuffle(self.to_pixels(self.tail(features) + shallow), self.scale)

    @torch.no_grad()
    def deployed_form(self) -> FMEN:
        """The same function, in evaluation mode, with everything merged into plain convolutions; 1e-5 of it apart."""
        state = {name: tensor for name, tensor in self.state_dict().items() if ".norm" not in name}
        for kind in (ExpandedConv3x3, NormalisedAttention):
            for name, module in self.named_modules():
                if isinstance(module, kind):
                    if kind is ExpandedConv3x3:
                        state = {key: tensor for key, tensor in state.items() if not key.startswith(f"{name}.")}
                    state |= {f"{name}.{key}": tensor for key, tensor in module.merged().items()}
        model = FMEN(scale=self.scale, deployed=True).to(self.head.weight)
        model.load_state_dict(state, strict=True)
        return model.eval()


def fmen(scale: int, checkpoint: str | None = None) -> FMEN:
    """The model that the harness runs: deployed form, with the authors' weights in `checkpoint` or fresh ones.

    RuntimeError where the checkpoint is another network's: every tensor of it is accounted for.
    """
    model = FMEN(scale=scale, deployed=True)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict({_name_here(name): tensor for name, tensor in state.items()}, strict=True)
        for attention in model.attention:
            attention.balance()
    return model.eval()


def training(scale: int) -> FMEN:
    """The training form with fresh weights."""
    return FMEN(scale=scale)


def _conv3x3(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, padding=1)


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Gain and shift of each channel in evaluation mode, float64."""
    gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return gain, norm.bias.double() - norm.running_mean.double() * gain


def _normed_and_padded(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    shift = _affine(norm)[1].to(x.dtype).view(1, -1, 1, 1)
    return F.pad(norm(x) - shift, (1, 1, 1, 1)) + shift


def _centred_identity(kernel: Tensor) -> Tensor:
    """The 3x3 kernel, shaped like the square `kernel`, that gives each channel back."""
    identity = torch.zeros_like(kernel)
    identity[:, :, 1, 1] = torch.eye(kernel.shape[0])
    return identity


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
