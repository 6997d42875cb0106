"""Bicubic's rows of Table 4 on the available sets, under the paper's conventions and under the canonical ones."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from rtsr_bench.datasets import Missing, find_dataset
from rtsr_bench.datasets.dataset import ImageFile
from rtsr_bench.paper import BicubicAsk, ObservedBicubic
from rtsr_bench.protocol import Colour, Convention
from rtsr_bench.score import psnr_db

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rtsr_bench.datasets import ImagePair

_FILES = "files: as distributed"


def bicubic_rows(
    asks: Iterable[BicubicAsk], roots: Sequence[Path], *, on_row: Callable[[str], None] = lambda _: None
) -> tuple[tuple[ObservedBicubic, ...], tuple[str, ...]]:
    """Measure bicubic on every available set, and return a line for each missing one.

    UserError if data exist but are invalid.
    """
    found, missing = [], []
    for ask in asks:
        data = find_dataset(ask.data_set, scale=ask.scale, degradation=_FILES, roots=roots)
        if isinstance(data, Missing):
            missing.append(f"{data.title}: {data.reason} ({data.hint})")
            continue
        on_row(ask.key)
        values = [_measured(ask, pair) for pair in data.pairs]
        found.append(
            ObservedBicubic(
                key=ask.key,
                psnr_db=statistics.fmean(psnr for psnr, _ in values),
                ssim=statistics.fmean(ssim for _, ssim in values),
                images=len(values),
                verified=data.verified,
            )
        )
    return tuple(found), tuple(dict.fromkeys(missing))


def _measured(ask: BicubicAsk, pair: ImagePair) -> tuple[float, float]:
    """PSNR in dB and SSIM of bicubic on one image pair."""
    import numpy as np

    from rtsr_bench.images.degrade import crop_to_multiple
    from rtsr_bench.images.resize import matlab_imresize, torch_bicubic
    from rtsr_bench.metrics.fidelity import measure
    from rtsr_bench.metrics.literature import matlab_double_y

    hr = pair.hr()
    if ask.convention == "canonical":
        mse, ssim = matlab_double_y(hr, ask.scale, grey=_single_channel(pair))
        return psnr_db(mse), ssim
    lr = pair.lr()
    if ask.hr_multiple:
        hr = np.ascontiguousarray(crop_to_multiple(hr, ask.hr_multiple))
        lr = np.asarray(matlab_imresize(hr, 1 / ask.scale))
    convention = Convention(Colour.Y_NTIRE23)
    values = measure(torch_bicubic(lr, ask.scale), hr, [convention])
    return psnr_db(values.mse[convention.key]), values.ssim[convention.key]


def _single_channel(pair: ImagePair) -> bool:
    """Whether HR is a file with one channel, which the literature's code uses as Y."""
    from PIL import Image

    if not isinstance(pair.hr_source, ImageFile):
        return False
    with Image.open(pair.hr_source.path) as image:
        return image.mode == "L"
