"""CARN-M: Ahn, Kang and Sohn, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network", 2018.

Written from the paper and from what the released code computes (github.com/nmhkahn/CARN-pytorch at 40d3514, MIT): CARN
with grouped convolutions, and with one residual block that stands in all three places of a cascade.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 64
GROUPS = 4
PLACES = 3  # in each cascade, and in the cascade of cascades
SCALES = (2, 3, 4)  # that the authors' one file holds upsamplers for
MEAN = (0.4488, 0.4371, 0.4040)  # R, G and B of DIV2K

# Name in the authors' checkpoint -> name here, replaced in this order. `b1.` at the start of a name is a cascade,
# within one it is its residual block; `c1.` is a fusion in either place.
OFFICIAL_NAMES = (
    ("entry.", "head."),
    ("exit.", "to_pixels."),
    (".b1.body.0.", ".residual.first."),
    (".b1.body.2.", ".residual.second."),
    (".b1.body.4.", ".residual.mix."),
    *((f"c{place + 1}.body.0.", f"fusions.{place}.") for place in range(PLACES)),
    *((f"b{place + 1}.", f"cascades.{place}.") for place in range(PLACES)),
    *((f"upsample.up{scale}.body.0.", f"upsampler_x{scale}.convs.0.") for scale in SCALES),
    ("upsample.up4.body.3.", "upsampler_x4.convs.1."),
)


class Residual(nn.Module):
    """Two grouped 3x3 convolutions, a 1x1 one and a skip: `(N, C, H, W)` to the same shape."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, groups=groups)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, groups=groups)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Refine `x`."""
        return F.relu(self.mix(F.relu(self.second(F.relu(self.first(x))))) + x)


class Cascade(nn.Module):
    """One residual block three times over; before each next time, all results so far are fused to as many channels."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.residual = Residual(channels, groups)
        self.fusions = _fusions(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Refine `x`, `(N, C, H, W)`, to the same shape."""
        results = [x]
        for fusion in self.fusions:
            results.append(self.residual(x))
            x = F.relu(fusion(torch.cat(results, dim=1)))
        return x


class Upsampler(nn.Module):
    """Grouped 3x3 convolution, ReLU and pixel shuffle, once (x2, x3) or twice (x4): `(N, C, H, W)`, C as before."""

    def __init__(self, *, scale: int, channels: int, groups: int) -> None:
        super().__init__()
        self.factor = 3 if scale == 3 else 2
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, channels * self.factor**2, 3, padding=1, groups=groups)
            for _ in range(2 if scale == 4 else 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge the features."""
        for conv in self.convs:
            x = F.pixel_shuffle(F.relu(conv(x)), self.factor)
        return x


class CARNM(nn.Module):
    """The network of one scale: `(N, 3, H, W)` to `(N, 3, H * scale, W * scale)`, both around [0, 1], unclamped.

    Takes any H and W. The mean that is taken off and put back is a constant here; in the authors' file it is two 1x1
    convolutions of 12 frozen parameters each.
    """

    def __init__(self, *, scale: int, channels: int = CHANNELS, groups: int = GROUPS) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.cascades = nn.ModuleList(Cascade(channels, groups) for _ in range(PLACES))
        self.fusions = _fusions(channels)
        self.upsampler = Upsampler(scale=scale, channels=channels, groups=groups)
        self.to_pixels = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale `x`, `(N, 3, H, W)`."""
        x = self.head(x - self.mean)
        results = [x]
        for cascade, fusion in zip(self.cascades, self.fusions, strict=True):
            results.append(cascade(x))
            x = F.relu(fusion(torch.cat(results, dim=1)))
        return self.to_pixels(self.upsampler(x)) + self.mean


def carn_m(scale: int, checkpoint: str | None = None) -> CARNM:
    """The model that the harness runs, with the weights in `checkpoint` or, without one, fresh ones.

    Raises `RuntimeError` where the checkpoint is another network's: every tensor of it is accounted for, those of the
    other scales too.
    """
    model = CARNM(scale=scale)
    if checkpoint is not None:
        official = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state = {_name_here(name): tensor for name, tensor in official.items()}
        _take_off_mean(state)
        for other in SCALES:
            part = {name: state.pop(name) for name in list(state) if name.startswith(f"upsampler_x{other}.")}
            part = {name.partition(".")[2]: tensor for name, tensor in part.items()}
            upsampler = Upsampler(scale=other, channels=CHANNELS, groups=GROUPS)
            upsampler.load_state_dict(part, strict=True)
            if other == scale:
                state |= {f"upsampler.{name}": tensor for name, tensor in part.items()}
        model.load_state_dict(state, strict=True)
    return model.eval()


def _fusions(channels: int) -> nn.ModuleList:
    """The 1x1 convolutions that fuse the input and 1, 2 and 3 results."""
    return nn.ModuleList(nn.Conv2d((place + 2) * channels, channels, 1) for place in range(PLACES))


def _take_off_mean(state: dict[str, Tensor]) -> None:
    """Drop the mean shifts from the checkpoint's tensors; RuntimeError where they are others than the constant's."""
    identity = torch.eye(3).view(3, 3, 1, 1)
    for part, sign in (("sub_mean", -1), ("add_mean", 1)):
        weight, bias = (state.pop(f"{part}.shifter.{name}", torch.empty(0)) for name in ("weight", "bias"))
        if not torch.equal(weight, identity) or not torch.equal(bias, sign * torch.tensor(MEAN)):
            raise RuntimeError(f"{part} of the checkpoint: expected a shift by the mean of DIV2K, found something else")


def _name_here(official: str) -> str:
    for old, new in OFFICIAL_NAMES:
        official = official.replace(old, new)
    return official
