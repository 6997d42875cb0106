"""The fidelity metrics of `metrics.fidelity` by torch on a device: for images that lie beside a CUDA card anyway.

A second kernel, not a second metric: constants, luma and checks are the same, MSE comes from the same whole numbers,
and the tests hold every value against the plain definition and against `fidelity.measure`. Evaluation does not use it
(docs/decisions/0003-fidelity-kernels.md says why).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.errors import UserError
from rtsr_bench.images.colour import LUMA_DIVISOR, LUMA_OFFSET, LUMA_WEIGHTS
from rtsr_bench.metrics.fidelity import Values, refuse_unlike  # one set of refusals for both kernels
from rtsr_bench.metrics.window import C1, C2, RADIUS, WINDOW, gaussian
from rtsr_bench.protocol import Colour, Convention

if TYPE_CHECKING:
    from torch import Tensor, device

_BAND_PIXELS = 2**20
"""Pixels a band of rows has at most: 8.4 MB for each float64 plane of it, of which some thirty may live at once."""


def measure_on(
    device: str, sr: NDArray[np.uint8], hr: NDArray[np.uint8], conventions: Sequence[Convention], *, ssim: bool = True
) -> Values:
    """MSE and SSIM of an SR image against HR (uint8 H x W x 3 each, in main memory), computed on `cpu` or `cuda[:N]`.

    The values of `fidelity.measure`: MSE is the same number (whole-number sums, divided once), SSIM within 1e-9 of
    `definition.ssim` (float64 throughout). The device holds both images and what one band of rows of one plane needs,
    about 0.35 GB at 4K (seen on the CPU). It returns when the device is done. ValueError and UserError as
    `fidelity.measure`; UserError too where there is no such device; ValueError for a kind other than `cpu` and `cuda`.
    """
    refuse_unlike(sr, hr, conventions, window=WINDOW if ssim else 1)
    if not conventions:
        return Values(mse={}, ssim={})
    place = _device(device)
    pair = _uploaded(sr, place), _uploaded(hr, place)
    borders = sorted({convention.border for convention in conventions})
    products = _products(*pair, borders)
    ssims = {
        (colour, border): value
        for colour in (sorted({convention.colour for convention in conventions}) if ssim else ())
        for border, value in _ssims(*pair, colour, borders).items()
    }
    return Values(
        mse={c.key: _mse(products[c.border], c, sr.shape[0], sr.shape[1]) for c in conventions},
        ssim={c.key: ssims[c.colour, c.border] for c in conventions} if ssim else {},
    )


def _device(name: str) -> device:
    import torch

    place = torch.device(name)
    if place.type not in {"cpu", "cuda"}:
        raise ValueError(f"expected the device cpu or cuda, found {name}: not every other kind has float64")
    if place.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (place.index or 0) >= count:
            raise UserError(f"fidelity on {name}: torch sees {count} CUDA devices here; take cpu or one that is there")
    return place


def _uploaded(image: NDArray[np.uint8], place: device) -> Tensor:
    import torch

    return torch.tensor(np.ascontiguousarray(image), device=place)  # a copy: memory maps are read-only, tensors never


def _bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First row and the one after the last, of bands that hold at most `_BAND_PIXELS`."""
    rows = max(1, _BAND_PIXELS // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def _inside(band: Tensor, top: int, height: int, border: int) -> Tensor:
    """What lies inside the border of a band (... x rows x W) that begins at row `top` of `height`; may be empty."""
    first, last = max(border - top, 0), max(height - border - top, 0)
    return band[..., first:last, border : band.shape[-1] - border]


def _products(sr: Tensor, hr: Tensor, borders: Sequence[int]) -> dict[int, list[int]]:
    """By border, the sums of the nine products of the channel differences SR - HR, exact: rr, rg, rb, gr, gg, ..."""
    import torch

    height, width = sr.shape[:2]
    totals = torch.zeros((len(borders), 9), dtype=torch.int64, device=sr.device)
    for top, bottom in _bands(height, width):
        channels = (sr[top:bottom].int() - hr[top:bottom].int()).unbind(-1)
        for place, (one, other) in enumerate((one, other) for one in channels for other in channels):
            product = one * other
            for rank, border in enumerate(borders):
                totals[rank, place] += _inside(product, top, height, border).sum(dtype=torch.int64)
    return dict(zip(borders, totals.tolist(), strict=True))


def _mse(products: Sequence[int], convention: Convention, height: int, width: int) -> float:
    """The quadratic form of the sums in Python's whole numbers, divided once."""
    pixels = (height - 2 * convention.border) * (width - 2 * convention.border)
    if convention.colour is Colour.RGB:
        return sum(products[::4]) / (3 * pixels)
    weights = LUMA_WEIGHTS[convention.colour]
    pairs = (one * other for one in weights for other in weights)
    total = sum(factor * product for factor, product in zip(pairs, products, strict=True))
    return total / (LUMA_DIVISOR * LUMA_DIVISOR * pixels)


def _ssims(sr: Tensor, hr: Tensor, colour: Colour, borders: Sequence[int]) -> dict[int, float]:
    """By border, the mean of the SSIM map over its windows and over the planes of a colour."""
    import torch

    height, width = sr.shape[0] - 2 * RADIUS, sr.shape[1] - 2 * RADIUS
    planes = 3 if colour is Colour.RGB else 1
    sums: list[list[Tensor]] = [[] for _ in borders]
    for plane in range(planes):
        for top, bottom in _bands(height, width):
            rows = slice(top, bottom + 2 * RADIUS)
            ssim_map = _ssim_map(_plane(sr[rows], colour, plane), _plane(hr[rows], colour, plane))
            for rank, border in enumerate(borders):
                sums[rank].append(_inside(ssim_map, top, height, border).sum())
    totals = torch.stack(
        [torch.stack(one) for one in sums]
    ).tolist()  # the host waits for the device here, once a colour
    return {
        border: math.fsum(total) / (planes * (height - 2 * border) * (width - 2 * border))
        for border, total in zip(borders, totals, strict=True)
    }


def _plane(pixels: Tensor, colour: Colour, plane: int) -> Tensor:
    """Float64 H x W of one channel, or the luma of `images.colour.luma`, from uint8 H x W x 3."""
    if colour is Colour.RGB:
        return pixels[..., plane].double()
    red, green, blue = LUMA_WEIGHTS[colour]
    thousandths = pixels[..., 0].int() * red + pixels[..., 1].int() * green + pixels[..., 2].int() * blue
    return thousandths.double() / LUMA_DIVISOR + LUMA_OFFSET


def _ssim_map(x: Tensor, y: Tensor) -> Tensor:
    """`definition.ssim_map` of two planes, from the four means that it needs."""
    import torch

    mean_x, mean_y, mean_squares, mean_product = _blurred(torch.stack((x, y, x * x + y * y, x * y))).unbind()
    cross = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    over = (2.0 * cross + C1) * (2.0 * (mean_product - cross) + C2)
    return over / ((squares + C1) * (mean_squares - squares + C2))


def _blurred(planes: Tensor) -> Tensor:
    """Planes (N x H x W) under the Gaussian window wherever it lies wholly inside: N x (H - 10) x (W - 10)."""
    first, *others = gaussian()
    for axis in (-1, -2):
        length = planes.shape[axis] - 2 * RADIUS
        filtered = planes.narrow(axis, 0, length) * first
        for tap, weight in enumerate(others, start=1):
            filtered.add_(planes.narrow(axis, tap, length), alpha=weight)
        planes = filtered
    return planes
