"""Where the bicubic rows of the literature come from: the same images on every convention, side by side.

    python benchmarks/bicubic_rows.py SETS_FOLDER [--canonical FOLDER] [--markdown]

SETS_FOLDER holds `Set5/image_SRF_2/img_001_SRF_2_HR.png` and so on, as SelfExSR distributes them; FOLDER holds
`HR/baby.png` and `LR_bicubic/X2/babyx2.png`, the LR images of the literature. Prints mean PSNR / SSIM per set, scale
and convention.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rtsr_bench.images.degrade import crop_to_multiple
from rtsr_bench.images.io import read_rgb
from rtsr_bench.images.resize import matlab_imresize, torch_bicubic
from rtsr_bench.metrics.fidelity import measure
from rtsr_bench.metrics.literature import matlab_double_y
from rtsr_bench.protocol import SCALES, Colour, Convention
from rtsr_bench.score import psnr_db

Pixels = NDArray[np.uint8]
Row = tuple[float, float]
LITERATURE = {
    ("Set5", 2): (33.66, 0.9299),
    ("Set5", 3): (30.39, 0.8682),
    ("Set5", 4): (28.42, 0.8104),
    ("Set14", 2): (30.24, 0.8688),
    ("Set14", 3): (27.55, 0.7742),
    ("Set14", 4): (26.00, 0.7027),
    ("BSD100", 2): (29.56, 0.8431),
    ("BSD100", 3): (27.21, 0.7385),
    ("BSD100", 4): (25.96, 0.6675),
    ("Urban100", 2): (26.88, 0.8403),
    ("Urban100", 3): (24.46, 0.7349),
    ("Urban100", 4): (23.14, 0.6577),
}
"""Bicubic's row in twenty years of papers, PSNR dB / SSIM."""


def main() -> None:
    """Print one line per convention and one column per available set and scale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("--canonical", type=Path, help="Set5 with the literature's LR files")
    parser.add_argument("--markdown", action="store_true", help="print tables for docs/metrics.md")
    options = parser.parse_args()
    if not any((options.sets / name / f"image_SRF_{scale}").is_dir() for name, scale in LITERATURE):
        parser.error(f"{options.sets}: expected Set5/image_SRF_2 or its like below this folder, found none")
    lacking = [n for n in SCALES if options.canonical and not (options.canonical / "LR_bicubic" / f"X{n}").is_dir()]
    if lacking or (options.canonical and not any((options.canonical / "HR").glob("*.png"))):
        parser.error(f"{options.canonical}: expected HR/*.png and LR_bicubic/X2, X3, X4 in this folder")
    for name in dict.fromkeys(name for name, _ in LITERATURE):
        scales = [n for n in SCALES if any((options.sets / name / f"image_SRF_{n}").glob("*_HR.png"))]
        if scales:
            columns = {scale: rows_of(options.sets, name, scale, options.canonical) for scale in scales}
            show(name, columns, markdown=options.markdown)


def rows_of(sets: Path, name: str, scale: int, canonical: Path | None) -> dict[str, Row]:
    """Mean PSNR and SSIM of each convention on one set at one scale."""
    pairs = list(selfexsr(sets / name / f"image_SRF_{scale}", scale))
    rows = {"printed in the literature": LITERATURE[name, scale]}
    rows["matlab-double-y"] = mean(double_y(sets / name / f"image_SRF_{scale}", scale))
    conventions: dict[str, tuple[Callable[[Pixels, int], Pixels], Convention]] = {
        "MATLAB up, y, border = scale": (matlab_up, Convention(Colour.Y, scale)),
        "torch bicubic, y, border = scale": (torch_bicubic, Convention(Colour.Y, scale)),
        "torch bicubic, y, border 0": (torch_bicubic, Convention(Colour.Y)),
        "torch bicubic, y_ntire23, border 0": (torch_bicubic, Convention(Colour.Y_NTIRE23)),
        "torch bicubic, rgb, border 0": (torch_bicubic, Convention(Colour.RGB)),
    }
    sources = {"SelfExSR's LR": pairs}
    if canonical is not None and name == "Set5":
        sources["canonical LR"] = list(canonical_set5(canonical, scale))
    else:
        sources["LR by our imresize"] = [(hr, np.asarray(matlab_imresize(hr, 1 / scale))) for hr, _ in pairs]
    for source, images in sources.items():
        for label, (enlarge, convention) in conventions.items():
            rows[f"{source}, {label}"] = mean(fidelity(enlarge(lr, scale), hr, convention) for hr, lr in images)
    return rows


def selfexsr(folder: Path, scale: int) -> Iterator[tuple[Pixels, Pixels]]:
    """HR and LR of each image; a side that LR lacks is cut off HR."""
    for file in sorted(folder.glob("*_HR.png")):
        lr = read_rgb(file.with_name(file.name.replace("_HR", "_LR")))
        yield read_rgb(file)[: lr.shape[0] * scale, : lr.shape[1] * scale], lr


def canonical_set5(folder: Path, scale: int) -> Iterator[tuple[Pixels, Pixels]]:
    """HR and the literature's own LR files."""
    for file in sorted((folder / "HR").glob("*.png")):
        lr = read_rgb(folder / "LR_bicubic" / f"X{scale}" / f"{file.stem}x{scale}.png")
        yield crop_to_multiple(read_rgb(file), scale), lr


def matlab_up(lr: Pixels, scale: int) -> Pixels:
    """MATLAB's imresize of the uint8 LR file."""
    return np.asarray(matlab_imresize(lr, scale))


def double_y(folder: Path, scale: int) -> Iterator[Row]:
    """The literature's own convention, from HR alone; a file of one channel is Y itself."""
    for file in sorted(folder.glob("*_HR.png")):
        with Image.open(file) as image:
            grey = image.mode == "L"
        mse, ssim = matlab_double_y(read_rgb(file), scale, grey=grey)
        yield psnr_db(mse), ssim


def fidelity(sr: Pixels, hr: Pixels, convention: Convention) -> Row:
    """PSNR and SSIM of one image on one convention."""
    values = measure(sr, hr, [convention])
    return psnr_db(values.mse[convention.key]), values.ssim[convention.key]


def mean(rows: Iterator[Row]) -> Row:
    """The mean PSNR and the mean SSIM over images."""
    listed = list(rows)
    return statistics.fmean(row[0] for row in listed), statistics.fmean(row[1] for row in listed)


def show(name: str, columns: dict[int, dict[str, Row]], *, markdown: bool) -> None:
    """One set's table: conventions down, scales across."""
    first = next(iter(columns.values()))
    left, between, right = ("| ", " | ", " |") if markdown else ("", "  ", "")
    print(left + between.join([f"{name:54}", *(f"{f'x{scale}':>15}" for scale in columns)]) + right)
    if markdown:
        print("|---|" + "---:|" * len(columns))
    for label in first:
        cells = [f"{rows[label][0]:.3f} / {rows[label][1]:.4f}" for rows in columns.values()]
        print(left + between.join([f"{label:54}", *(f"{cell:>15}" for cell in cells)]) + right)
    print()


if __name__ == "__main__":
    main()
