"""LapSRN: Lai, Huang, Ahuja and Yang, "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution", 2017.

Written from the paper and from what the released code computes (github.com/phoenix104104/LapSRN at 95154bb): luma is
doubled once or twice, each time by a learned kernel plus a residual. Chroma is enlarged bicubically, inside the model.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 64
SLOPE = 0.2  # of every leaky ReLU


class Level(nn.Module):
    """One doubling: features `(N, C, H, W)` and luma `(N, 1, H, W)` to both at twice the height and width.

    `depth` 3x3 convolutions, a transposed convolution with a `kernel` of 3 (the released code) or 4 (the text of the
    paper), and a 3x3 convolution to the residual that is added to the luma.
    """

    def __init__(self, *, channels: int, depth: int, kernel: int) -> None:
        super().__init__()
        self.slope = SLOPE
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth))
        # With 3, the row and column that stand over are cut off below and right, as released: see `forward`.
        self.enlarge = nn.ConvTranspose2d(channels, channels, kernel, stride=2, padding=1 if kernel == 4 else 0)
        self.residual = nn.Conv2d(channels, 1, 3, padding=1)
        self.enlarge_luma = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        bilinear = torch.tensor([0.25, 0.75, 0.75, 0.25])  # where the authors' training starts
        self.enlarge_luma.weight.data = torch.outer(bilinear, bilinear).view(1, 1, 4, 4)

    def forward(self, features: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Refine and double the features, double the luma, and add what the features say is missing from it."""
        for conv in self.convs:
            features = F.leaky_relu(conv(features), self.slope)
        height, width = features.shape[2:]
        features = self.enlarge(features)[:, :, : 2 * height, : 2 * width]
        features = F.leaky_relu(features, self.slope)
        return features, self.enlarge_luma(y) + self.residual(features)


class LapSRN(nn.Module):
    """The network: RGB `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, around [0, 1], unclamped, for any H and W.

    `scale` is 2 or 4. `depth` and `kernel` say which of the two networks of that name it is: see the README.
    """

    def __init__(self, *, scale: int, depth: int = 10, kernel: int = 3) -> None:
        super().__init__()
        self.scale = scale
        self.slope = SLOPE
        self.head = nn.Conv2d(1, CHANNELS, 3, padding=1)
        self.levels = nn.ModuleList(
            Level(channels=CHANNELS, depth=depth, kernel=kernel) for _ in range(2 if scale == 4 else 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`: its luma by the network, its chroma bicubically."""
        wide = F.interpolate(x, scale_factor=float(self.scale), mode="bicubic", align_corners=False)
        return with_luma(wide, self.upscale_luma(luma(x)))

    def upscale_luma(self, y: Tensor) -> Tensor:
        """What the paper's network does: `(N, 1, H, W)` to `(N, 1, H * scale, W * scale)`."""
        features = F.leaky_relu(self.head(y), self.slope)
        for level in self.levels:
            features, y = level(features, y)
        return y


def luma(rgb: Tensor) -> Tensor:
    """BT.601 studio luma of `(N, 3, H, W)` in [0, 1], as MATLAB's rgb2ycbcr: `(N, 1, H, W)` from 16 to 235 / 255."""
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    return 65.481 / 255 * red + 128.553 / 255 * green + 24.966 / 255 * blue + 16 / 255


def with_luma(rgb: Tensor, y: Tensor) -> Tensor:
    """`rgb` with its luma replaced by `y` and its chroma kept.

    To YCbCr, exchange Y, and back: as both ways are linear and R, G and B contain Y alike, this adds the same to each.
    """
    return rgb + (y - luma(rgb)) * (255 / 219)


def official_names(scale: int) -> dict[str, str]:
    """Name in the authors' file -> name here. `_f` are filters, `_b` biases; their level 1 is the last doubling."""
    names = {"input_conv": "head"}
    levels = 2 if scale == 4 else 1
    for place in range(levels):
        official, here = f"level{levels - place}", f"levels.{place}"
        names |= {f"{official}_conv{conv + 1}": f"{here}.convs.{conv}" for conv in range(10)}
        names |= {f"{official}_upconv": f"{here}.enlarge", f"{official}_residual_conv": f"{here}.residual"}
        names |= {f"{official}_img_up": f"{here}.enlarge_luma"}
    parts = (("_f", ".weight"), ("_b", ".bias"))
    return {old + suffix: new + part for old, new in names.items() for suffix, part in parts}


def load_official(path: str, *, scale: int) -> LapSRN:
    """The released network with the weights in one of the authors' files, every tensor of it accounted for.

    The files are MATLAB's, of MatConvNet: data, nothing that could be executed; SciPy reads them. Filters are stored as
    height, width, inputs, outputs (transposed ones: outputs, inputs), trailing ones left out. Raises `RuntimeError` or
    `KeyError` where the file is another network's, `ValueError` where it is none of MATLAB's.
    """
    from scipy.io import loadmat

    model, names = LapSRN(scale=scale), official_names(scale)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    state = {}
    for record in loadmat(path, variable_names=["net"])["net"]["params"][0, 0][0]:
        name, value = names[str(record["name"][0])], torch.from_numpy(record["value"].copy())
        if name.endswith(".weight"):
            value = value[(...,) + (None,) * (4 - value.dim())].permute(3, 2, 0, 1)
        state[name] = value.reshape(shapes[name]) if name.endswith(".bias") else value.contiguous()
    model.load_state_dict(state, strict=True)
    return model


def lapsrn(scale: int, depth: int = 10, kernel: int = 3, checkpoint: str | None = None) -> LapSRN:
    """The model that the harness runs, with the weights in `checkpoint` or, without one, fresh ones."""
    if checkpoint is not None:
        return load_official(checkpoint, scale=scale).eval()
    return LapSRN(scale=scale, depth=depth, kernel=kernel).eval()
