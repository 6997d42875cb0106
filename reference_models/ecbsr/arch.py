"""ECBSR: Zhang, Zeng and Zhang, "Edge-oriented Convolution Block for Real-time Super Resolution on Mobile Devices".

ACM Multimedia 2021. Written from the paper and from what the released code computes (github.com/xindongzhang/ECBSR at
c60b1d2, Apache-2.0). In the *training form* each block adds five branches up; in the *deployed form* each of them has
become one 3x3 convolution. The deployed form is what is timed and counted.

The paper's network upscales luma and nothing else. Here it gets an RGB image all the same: `LumaUpscaler` takes the
luma out, lets the network upscale it, enlarges the chroma bicubically and gives RGB back. Parameters and MACs are thus
those of the paper's network, and the runtime is that of the whole job.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# name: (blocks between the first and the last, channels), the paper's M and C.
FAMILY = {"m4c8": (4, 8), "m4c16": (4, 16), "m10c16": (10, 16), "m10c32": (10, 32), "m16c64": (16, 64)}

SOBEL_X = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))
SOBEL_Y = ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0))
LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


class ExpandedBranch(nn.Module):
    """A 1x1 convolution to `ratio` times the output's channels, then a 3x3 one."""

    def __init__(self, inside: int, outside: int, ratio: int = 2) -> None:
        super().__init__()
        self.expand = nn.Conv2d(inside, ratio * outside, 1)
        self.conv3x3 = nn.Conv2d(ratio * outside, outside, 3)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, inside, H, W)` to `(N, outside, H, W)`; zeros are padded on before the expansion."""
        return self.conv3x3(self.expand(F.pad(x, (1, 1, 1, 1))))

    def kernel(self) -> tuple[Tensor, Tensor]:
        """The 3x3 kernel and its bias, behind the 1x1 convolution."""
        return self.conv3x3.weight, self.conv3x3.bias


class EdgeBranch(nn.Module):
    """A 1x1 convolution, then a fixed edge filter on each channel, with a learned gain and bias."""

    def __init__(self, inside: int, outside: int, pattern: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        self.expand = nn.Conv2d(inside, outside, 1)
        self.gain = nn.Parameter(torch.randn(outside, 1, 1, 1) * 1e-3)
        self.bias = nn.Parameter(torch.randn(outside) * 1e-3)
        self.register_buffer("pattern", torch.tensor(pattern), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, inside, H, W)` to `(N, outside, H, W)`; zeros are padded on before the expansion."""
        wide = self.expand(F.pad(x, (1, 1, 1, 1)))
        return F.conv2d(wide, self.gain * self.pattern, self.bias, groups=wide.shape[1])

    def kernel(self) -> tuple[Tensor, Tensor]:
        """The filters as a 3x3 kernel over all channels, and the bias, behind the 1x1 convolution."""
        return torch.diag_embed((self.gain * self.pattern).squeeze(1).permute(1, 2, 0)).permute(2, 3, 0, 1), self.bias


class EdgeBlock(nn.Module):
    """ECB in its training form: a plain 3x3 convolution, an expanded one, Sobel x, Sobel y and Laplacian, added up."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.plain = nn.Conv2d(inside, outside, 3, padding=1)
        self.expanded = ExpandedBranch(inside, outside)
        self.edges = nn.ModuleList(EdgeBranch(inside, outside, p) for p in (SOBEL_X, SOBEL_Y, LAPLACIAN))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, inside, H, W)` to `(N, outside, H, W)`."""
        out = self.plain(x) + self.expanded(x)
        for branch in self.edges:
            out = out + branch(x)
        return out

    @torch.no_grad()
    def merged(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the zero-padded 3x3 convolution that computes the same, summed in float64."""
        weight, bias = self.plain.weight.double(), self.plain.bias.double()
        for branch in (self.expanded, *self.edges):
            kernel, shift = (tensor.double() for tensor in branch.kernel())
            expand = branch.expand.weight.double()[:, :, 0, 0]
            weight = weight + torch.einsum("omhw,mi->oihw", kernel, expand)
            bias = bias + kernel.sum(dim=(2, 3)) @ branch.expand.bias.double() + shift
        dtype = self.plain.weight.dtype
        return weight.to(dtype), bias.to(dtype)


class ECBSR(nn.Module):
    """The paper's network, in either form: `(N, 1, H, W)` to `(N, 1, H * scale, W * scale)`, around [0, 1]; any size.

    Every 3x3 convolution but the last is followed by a PReLU with a slope for each channel; the input is added to each
    channel before the pixel shuffle.
    """

    def __init__(self, *, scale: int, blocks: int, channels: int, deployed: bool = False) -> None:
        super().__init__()
        self.scale, self.blocks, self.channels = scale, blocks, channels
        widths = (1, *(channels for _ in range(blocks)))
        self.body = nn.ModuleList(
            nn.Sequential(_block(inside, channels, deployed=deployed), nn.PReLU(channels)) for inside in widths
        )
        self.to_pixels = _block(channels, scale**2, deployed=deployed)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, luma of the shape `(N, 1, H, W)`."""
        features = x
        for block in self.body:
            features = block(features)
        return F.pixel_shuffle(self.to_pixels(features) + x, self.scale)

    @torch.no_grad()
    def deployed_form(self) -> ECBSR:
        """The same function with every block merged into one convolution."""
        state = self.state_dict()
        for name, module in self.named_modules():
            if isinstance(module, EdgeBlock):
                for part in module.state_dict():
                    del state[f"{name}.{part}"]
                state[f"{name}.weight"], state[f"{name}.bias"] = module.merged()
        model = ECBSR(scale=self.scale, blocks=self.blocks, channels=self.channels, deployed=True)
        model.to(next(self.parameters())).load_state_dict(state, strict=True)
        return model.eval()


class LumaUpscaler(nn.Module):
    """RGB around a network for luma: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, around [0, 1]; any H and W."""

    def __init__(self, network: ECBSR) -> None:
        super().__init__()
        self.network = network
        self.scale = float(network.scale)

    def forward(self, x: Tensor) -> Tensor:
        """Luma of BT.601 by the network, chroma bicubically (a = -0.75); full range, so that no offsets are needed."""
        red, green, blue = x[:, 0:1], x[:, 1:2], x[:, 2:3]
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        chroma = torch.cat(((blue - luma) / 1.772, (red - luma) / 1.402), dim=1)
        luma = self.network(luma)
        chroma = F.interpolate(chroma, scale_factor=self.scale, mode="bicubic", align_corners=False)
        cb, cr = chroma[:, 0:1], chroma[:, 1:2]
        return torch.cat((luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb), dim=1)

    @torch.no_grad()
    def deployed_form(self) -> LumaUpscaler:
        """The same around the network's deployed form."""
        return LumaUpscaler(self.network.deployed_form()).eval()


def ecbsr(scale: int, size: str = "m4c16") -> LumaUpscaler:
    """The model that the harness runs: deployed form, fresh weights. No weights were published."""
    blocks, channels = FAMILY[size]
    return LumaUpscaler(ECBSR(scale=scale, blocks=blocks, channels=channels, deployed=True)).eval()


def training(scale: int, size: str = "m4c16") -> LumaUpscaler:
    """The training form with fresh weights."""
    blocks, channels = FAMILY[size]
    return LumaUpscaler(ECBSR(scale=scale, blocks=blocks, channels=channels))


def _block(inside: int, outside: int, *, deployed: bool) -> nn.Module:
    return nn.Conv2d(inside, outside, 3, padding=1) if deployed else EdgeBlock(inside, outside)
