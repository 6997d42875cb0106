"""A start for training that upscales as bicubic does, from the first step on.

The network has no skip from input to output, and each block's norm divides the brightness of a pixel away: from random
weights, tens of thousands of steps go by before bicubic is reached. Here the weights are laid so that every block
passes its input on and the last convolution interpolates; what is random is small. It is a start only: everything is
trained.

How brightness survives the norms: features come in pairs `s + x` and `s - x`, the sign s differing from pair to pair,
so that their mean is zero and their spread nearly constant, whatever x is. How it survives the GELUs: each convolution
adds 3. The norms take s away and the convolutions add it again: what is multiplied by a weight stays small, or Adam's
first steps would undo it all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from arch import RT4KSR, ExpandedConv3x3, training
from torch import Tensor, nn

CONTRAST = 0.5
"""Of x within a feature, beside the sign's 1: more bends the interpolation, less drowns it in fp16's rounding."""
SHIFT = 3.0
"""Where GELU is nearly the identity."""
RIDGE = 1e-8
NOISE = 0.1
"""Of what the usual initialisation draws, in what is left random."""


@torch.no_grad()
def from_bicubic(
    scale: int, size: str = "S", fusion: str = "none", high_frequencies: str = "gaussian", norm: str = "layernorm"
) -> RT4KSR:
    """As `arch.training`, with weights that upscale nearly as bicubic does (with the norm of the released code)."""
    if norm != "layernorm":
        raise ValueError(f"norm: expected layernorm, for which this start is made, found {norm!r}")
    model = training(scale, size, fusion, high_frequencies, norm)
    for module in model.modules():
        if isinstance(module, ExpandedConv3x3):
            _pass_on(module)
    signs = _signs(model.channels)
    for block in model.body:
        block.norm.bias.copy_(-signs)
        block.conv.reduce.bias.copy_(signs + SHIFT)
    model.tail.norm.bias.copy_(-signs)
    _silence(model.hf_conv)
    model.gamma.fill_(1.0)
    _lay_head(model.head)
    _fit_interpolation(model)
    return model


def _pass_on(conv: ExpandedConv3x3) -> None:
    """Its own skip passes the input on: make what is added to it small."""
    conv.reduce.weight.mul_(NOISE)
    for part in (conv.expand, conv.conv3x3, conv.reduce):
        part.bias.zero_()


def _silence(conv: ExpandedConv3x3) -> None:
    """Make the convolution give next to nothing: minus the identity, against its skip."""
    channels = conv.reduce.weight.shape[0]
    identity = torch.eye(channels)[:, :, None, None]
    conv.conv3x3.weight.mul_(NOISE)
    conv.expand.weight[:channels] = identity
    conv.reduce.weight[:, :channels] = -identity


def _lay_head(head: nn.Conv2d) -> None:
    """The pixels of each 2x2 block, each into a pair of channels; further channels hold noise."""
    pixels = head.in_channels
    centre = torch.zeros_like(head.weight)
    bias = _signs(head.out_channels)
    for pixel in range(pixels):
        centre[pixel, pixel, 1, 1] = CONTRAST
        centre[pixel + pixels, pixel, 1, 1] = -CONTRAST
        bias[pixel] -= CONTRAST / 2
        bias[pixel + pixels] += CONTRAST / 2
    head.weight.mul_(NOISE).add_(centre)
    head.bias.copy_(bias)


def _signs(channels: int) -> Tensor:
    """The sign of each channel: the same in both of a pair, as often plus as minus."""
    signs = torch.ones(channels)
    signs[1::2] = -1
    return signs


def _fit_interpolation(model: RT4KSR) -> None:
    """Set the last convolution to what comes nearest to bicubic (a = -0.75), by least squares over drawn pictures."""
    features: list[Tensor] = []
    hook = model.tail.register_forward_hook(lambda _, __, output: features.append(output))
    side = 2 * model.scale
    rows = model.to_pixels.weight[0].numel() + 1
    gram, moment = torch.zeros(rows, rows, dtype=torch.float64), torch.zeros(rows, 3 * side**2, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for _ in range(32):
        lr = _picture(generator)
        model(lr)
        patches = F.unfold(features.pop(), 3, padding=1).double()
        ones = torch.ones(patches.shape[0], 1, patches.shape[2], dtype=torch.float64)
        inputs = torch.cat((patches, ones), dim=1)
        bicubic = F.interpolate(lr, scale_factor=float(model.scale), mode="bicubic", align_corners=False)
        targets = F.pixel_unshuffle(bicubic, side).flatten(2).double()
        gram += torch.einsum("nip,njp->ij", inputs, inputs)
        moment += torch.einsum("nip,njp->ij", inputs, targets)
    hook.remove()
    ridge = RIDGE * gram.diagonal().mean() * torch.eye(rows, dtype=torch.float64)
    solution = torch.linalg.solve(gram + ridge, moment).T
    model.to_pixels.weight.copy_(solution[:, :-1].reshape(model.to_pixels.weight.shape))
    model.to_pixels.bias.copy_(solution[:, -1])


def _picture(generator: torch.Generator) -> Tensor:
    """Four pictures with detail of every size and some range of colour, `(4, 3, 48, 48)` in [0, 1]."""
    picture = torch.rand(4, 3, 1, 1, generator=generator).expand(4, 3, 48, 48)
    for cells in (3, 6, 12, 24, 48):
        noise = torch.randn(4, 3, cells, cells, generator=generator) * 0.12 * (3 / cells) ** 0.5
        picture = picture + F.interpolate(noise, size=(48, 48), mode="bicubic", align_corners=False)
    return picture.clamp(0, 1)
