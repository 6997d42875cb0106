"""A start for training that upscales about as well as bicubic does, from the first step on.

The network has no skip from input to output, and each block's norm divides the brightness of a pixel away: from random
weights, tens of thousands of steps go by before bicubic is reached. Here the weights are laid so that every block
passes its input on and the last convolution interpolates; what is random is small. It is a start only: everything is
trained.

How brightness survives the norms: features come in pairs `s + x` and `s - x`, the sign s differing from pair to pair,
so that their mean is zero and their spread nearly constant, whatever x is. How it survives the GELUs: each convolution
takes the difference of a pair, which is linear in x (`gelu(x) - gelu(-x) = x`), and adds `1 + s`: half of the pairs
then lie where GELU bends, and can learn to. The norms take s away before the convolutions add it again: what is
multiplied by a weight stays small, or Adam's first steps would undo it all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from arch import RT4KSR, ExpandedConv3x3, training
from torch import Tensor, nn

PIXELS = 3 * 2**2
"""Of a 2x2 block of LR: as many pairs of features."""
CONTRAST = 0.5
"""Of x within a feature, beside the sign's 1: more bends the interpolation, less drowns it in fp16's rounding."""
SHIFT = 1.0
"""Added by each convolution: pairs lie at 0 and at 2."""
NOISE = 0.1
"""Of what the usual initialisation draws, in what is left random."""
RIDGE = 1e-6
"""Of the mean square of the features, against weights that would only magnify noise."""
DISCS = 150
"""On each drawn picture."""


@torch.no_grad()
def from_interpolation(
    scale: int, size: str = "S", fusion: str = "none", high_frequencies: str = "gaussian", norm: str = "layernorm"
) -> RT4KSR:
    """As `arch.training`, with weights that interpolate (for the norm of the released code)."""
    if norm != "layernorm":
        raise ValueError(f"norm: expected layernorm, for which this start is made, found {norm!r}")
    model = training(scale, size, fusion, high_frequencies, norm)
    for module in model.modules():
        if isinstance(module, ExpandedConv3x3):
            _quieten(module)
            if module is not model.hf_conv:
                _pass_on(module, first=module is model.body[0].conv)
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


def _quieten(conv: ExpandedConv3x3) -> None:
    """Make small what is added to the convolution's own skip."""
    conv.reduce.weight.mul_(NOISE)
    for part in (conv.expand, conv.conv3x3, conv.reduce):
        part.bias.zero_()


def _pass_on(conv: ExpandedConv3x3, *, first: bool) -> None:
    """Give the difference of each pair to one of it and its negative to the other; further channels as they are.

    The pairs are scaled back to `x` and `-x`: by a half where no GELU came before, by what GELU's slope at 2 leaves
    (2 * 1.085) where s is 1, and not at all where it is -1.
    """
    channels = conv.reduce.weight.shape[0]
    identity = torch.eye(channels)
    mixed = identity.clone()
    for pixel in range(PIXELS):
        other = pixel + PIXELS
        gain = 0.5 if first else (1 / 2.17 if pixel % 2 == 0 else 1.0)
        mixed[pixel, pixel] = mixed[other, other] = gain
        mixed[pixel, other] = mixed[other, pixel] = -gain
    conv.conv3x3.weight[:channels].mul_(NOISE)
    conv.conv3x3.weight[:, :channels].mul_(NOISE)
    conv.expand.weight[:channels] = identity[:, :, None, None]
    conv.reduce.weight[:, :channels] = (mixed - identity)[:, :, None, None]


def _silence(conv: ExpandedConv3x3) -> None:
    """Make the convolution give next to nothing: minus the identity, against its skip."""
    channels = conv.reduce.weight.shape[0]
    identity = torch.eye(channels)[:, :, None, None]
    conv.conv3x3.weight.mul_(NOISE)
    conv.expand.weight[:channels] = identity
    conv.reduce.weight[:, :channels] = -identity


def _lay_head(head: nn.Conv2d) -> None:
    """The pixels of each 2x2 block, each into a pair of channels; further channels hold noise."""
    centre = torch.zeros_like(head.weight)
    bias = _signs(head.out_channels)
    for pixel in range(PIXELS):
        centre[pixel, pixel, 1, 1] = CONTRAST
        centre[pixel + PIXELS, pixel, 1, 1] = -CONTRAST
        bias[pixel] -= CONTRAST / 2
        bias[pixel + PIXELS] += CONTRAST / 2
    head.weight.mul_(NOISE).add_(centre)
    head.bias.copy_(bias)


def _signs(channels: int) -> Tensor:
    """The sign of each channel: the same in both of a pair, as often plus as minus."""
    signs = torch.ones(channels)
    signs[1::2] = -1
    return signs


def _fit_interpolation(model: RT4KSR) -> None:
    """Set the last convolution to what comes nearest to HR, by least squares over drawn pictures."""
    features: list[Tensor] = []
    hook = model.tail.register_forward_hook(lambda _, __, output: features.append(output))
    side = 2 * model.scale
    rows = model.to_pixels.weight[0].numel() + 1
    gram, moment = torch.zeros(rows, rows, dtype=torch.float64), torch.zeros(rows, 3 * side**2, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for _ in range(32):
        hr = _picture(generator, 48 * model.scale)
        lr = F.interpolate(hr, size=(48, 48), mode="bicubic", align_corners=False, antialias=True)
        lr = lr.clamp(0, 1).mul(255).round().div(255)
        model(lr)
        patches = F.unfold(features.pop(), 3, padding=1).double()
        ones = torch.ones(patches.shape[0], 1, patches.shape[2], dtype=torch.float64)
        inputs = torch.cat((patches, ones), dim=1)
        targets = F.pixel_unshuffle(hr, side).flatten(2).double()
        gram += torch.einsum("nip,njp->ij", inputs, inputs)
        moment += torch.einsum("nip,njp->ij", inputs, targets)
    hook.remove()
    ridge = RIDGE * gram.diagonal().mean() * torch.eye(rows, dtype=torch.float64)
    solution = torch.linalg.solve(gram + ridge, moment).T
    model.to_pixels.weight.copy_(solution[:, :-1].reshape(model.to_pixels.weight.shape))
    model.to_pixels.bias.copy_(solution[:, -1])


def _picture(generator: torch.Generator, side: int) -> Tensor:
    """Four pictures of discs over discs, of every size and colour, slightly soft, `(4, 3, side, side)` in [0, 1]."""
    big = 2 * side
    rows, columns = torch.arange(big)[:, None], torch.arange(big)[None, :]
    pictures = torch.rand(4, 3, 1, 1, generator=generator).expand(4, 3, big, big).clone()
    for picture in pictures:
        for _ in range(DISCS):
            y, x = (torch.rand(2, generator=generator) * big).tolist()
            radius = big / 2 * float(torch.rand((), generator=generator)) ** 3 + 1
            colour = torch.rand(3, 1, 1, generator=generator)
            inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
            picture[:, inside] = colour.flatten()[:, None]
    return F.avg_pool2d(pictures, 2)
