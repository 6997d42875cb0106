from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from PIL import Image

from rtsr_bench.images.io import read_rgb
from rtsr_bench.metrics.literature import matlab_double_y
from rtsr_bench.score import psnr_db


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "scale", "psnr", "precise", "ssim"),
    [
        ("Set5", 2, 33.66, 33.656, 0.9299),
        ("Set5", 3, 30.39, 30.390, 0.8682),
        ("Set5", 4, 28.42, 28.420, 0.8104),
        ("Set14", 2, 30.24, 30.230, 0.8688),
        ("Set14", 3, 27.55, 27.540, 0.7742),
        ("Set14", 4, 26.00, 26.000, 0.7027),
    ],
)
def test_the_bicubic_rows_of_the_literature_come_out(
    shared: Path, name: str, scale: int, psnr: float, precise: float, ssim: float
) -> None:
    files = sorted((shared / "data" / "SelfExSR" / "data" / name / f"image_SRF_{scale}").glob("*_HR.png"))
    rows = [matlab_double_y(read_rgb(file), scale, grey=_one_channel(file)) for file in files]
    mean_psnr = fmean(psnr_db(mse) for mse, _ in rows)
    assert mean_psnr == pytest.approx(psnr, abs=0.012)
    assert mean_psnr == pytest.approx(precise, abs=0.0015)
    assert fmean(row[1] for row in rows) == pytest.approx(ssim, abs=0.001)


def _one_channel(file: Path) -> bool:
    with Image.open(file) as image:
        return image.mode == "L"


def test_a_grey_file_is_not_squeezed_into_the_studio_range() -> None:
    grey = np.repeat(np.random.default_rng(2).integers(0, 256, (48, 48, 1), dtype=np.uint8), 3, axis=2)
    as_file, as_colour = matlab_double_y(grey, 2, grey=True)[0], matlab_double_y(grey, 2)[0]
    assert as_file / as_colour == pytest.approx((255 / 219) ** 2, rel=0.01)
