"""PlainSR: five 3x3 convolutions at the LR's size on top of a repeated pixel, and a pixel shuffle.

In the spirit of the fast entries of NTIRE 2023 Real-Time 4K SR and of Mobile AI: nothing but plain convolutions and
ReLUs when it runs, wider convolutions when it trains, merged into the plain ones exactly. This file needs torch alone.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WideConv3x3(nn.Module):
    """A 3x3 convolution in its training form: `(N, I, H, W)` to `(N, O, H, W)`.

    A 3x3 convolution to `ratio` times the outputs, a 1x1 back, and an identity where inputs and outputs are as many.
    Nothing in it is non-linear, so it can do what one 3x3 convolution can; the extra factors only change how it learns.
    """

    def __init__(self, inputs: int, outputs: int, ratio: int = 4) -> None:
        super().__init__()
        self.widen = nn.Conv2d(inputs, ratio * outputs, 3, padding=1)
        self.reduce = nn.Conv2d(ratio * outputs, outputs, 1)
        self.skips = inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """The sum of all paths: merged first and convolved once, which costs less and has the same gradients."""
        weight, bias = self.merged()
        return F.conv2d(x, weight, bias, padding=1)

    def merged(self) -> tuple[Tensor, Tensor]:
        """Weight `(O, I, 3, 3)` and bias `(O,)` of the one convolution that computes the same; summed in float64."""
        reduce = self.reduce.weight.double()[:, :, 0, 0]
        weight = torch.einsum("om,mihw->oihw", reduce, self.widen.weight.double())
        if self.skips:
            identity = torch.eye(len(weight), dtype=weight.dtype)[:, :, None, None]
            weight = weight + F.pad(identity, (1, 1, 1, 1))
        bias = reduce @ self.widen.bias.double() + self.reduce.bias.double()
        dtype = self.widen.weight.dtype
        return weight.to(dtype), bias.to(dtype)


class PlainSR(nn.Module):
    """`(N, 3, H, W)` in [0, 1] to `(N, 3, H * scale, W * scale)`, unclamped, for any H and W from 1 up.

    The convolutions learn what has to be added to each LR pixel, repeated `scale` times in both directions, and the
    addition is made before the pixel shuffle, where it needs no second tensor of the output's size.
    """

    def __init__(self, *, scale: int, channels: int, depth: int, deployed: bool = True) -> None:
        super().__init__()
        self.scale, self.channels, self.depth = scale, channels, depth
        widths = [3, *[channels] * depth, 3 * scale**2]
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1) if deployed else WideConv3x3(inputs, outputs)
            for inputs, outputs in itertools.pairwise(widths)
        )
        if not deployed:  # training starts near the repeated pixel instead of far from any image
            with torch.no_grad():
                self.convs[-1].reduce.weight.mul_(0.1)
                self.convs[-1].reduce.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, a float tensor `(N, 3, H, W)`."""
        features = x
        for position, conv in enumerate(self.convs):
            features = conv(features) if position == 0 else conv(F.relu(features))
        repeated = x.repeat_interleave(self.scale * self.scale, dim=1)
        return F.pixel_shuffle(features + repeated, self.scale)

    @torch.no_grad()
    def deployed_form(self) -> PlainSR:
        """The same function with each `WideConv3x3` merged into one plain convolution."""
        state = {}
        for position, conv in enumerate(self.convs):
            state[f"convs.{position}.weight"], state[f"convs.{position}.bias"] = conv.merged()
        model = PlainSR(scale=self.scale, channels=self.channels, depth=self.depth)
        model.load_state_dict(state, strict=True)
        return model


def plain_sr(scale: int, channels: int, depth: int) -> PlainSR:
    """The model that the harness runs; it loads the checkpoint named in submission.toml into it."""
    return PlainSR(scale=scale, channels=channels, depth=depth)
