"""How long fidelity takes beside reading the picture, its plain definition, scikit-image and the official procedure.

    python benchmarks/fidelity.py [--hr IMAGE] [--rounds N]

One 3840x2160 pair, everything in one run and in turns, since only ratios taken side by side mean anything on a shared
machine. HR is IMAGE (cropped or mirrored to 4K) or a mosaic of photographs that scikit-image carries; SR is the bicubic
baseline of its x2 LR. The official procedure is timed where OpenCV is installed, which the project itself never needs;
where it is missing, the output says so. MS-SSIM is timed by itself: it has no fused kernel.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage import data
from skimage.metrics import mean_squared_error, structural_similarity

from rtsr_bench.images.colour import luma
from rtsr_bench.images.degrade import degrade
from rtsr_bench.images.io import read_rgb, write_png
from rtsr_bench.images.resize import torch_bicubic
from rtsr_bench.metrics import definition
from rtsr_bench.metrics.fidelity import Values, measure
from rtsr_bench.metrics.multiscale import ms_ssim
from rtsr_bench.metrics.window import C1, C2, SIGMA, WINDOW
from rtsr_bench.protocol import Colour, Convention
from rtsr_bench.score import psnr_db

HEIGHT, WIDTH = 2160, 3840
RGB, Y, Y23 = Convention(Colour.RGB), Convention(Colour.Y), Convention(Colour.Y_NTIRE23)
CLASSIC = tuple(Convention(colour, border) for colour in Colour for border in (0, 2))

Pixels = NDArray[np.uint8]


def main() -> None:
    """Time everything in turns and print times, ratios, agreement and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hr", type=Path, help="an image to take instead of the mosaic")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the fast ones; the slow ones have a third")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds: expected at least 1, found {options.rounds}")
    if options.hr and not options.hr.is_file():
        parser.error(f"--hr {options.hr}: no such image")
    hr = four_k(read_rgb(options.hr) if options.hr else mosaic())
    sr = torch_bicubic(degrade(hr, 2, "pillow-bicubic"), 2)
    began = time.perf_counter()
    values = measure(sr, hr, [RGB, Y])
    first_s = time.perf_counter() - began

    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "hr.png"
        write_png(png, hr, compress_level=6)
        fast: dict[str, Callable[[], object]] = {
            "decode": lambda: read_rgb(png),
            "measure": lambda: measure(sr, hr, [RGB, Y]),
            "measure, y_ntire23 too": lambda: measure(sr, hr, [RGB, Y, Y23]),
            "measure, 3 colours x 2 borders": lambda: measure(sr, hr, CLASSIC),
            "measure, one thread": lambda: measure(sr, hr, [RGB, Y], threads=1),
            "measure, MSE only": lambda: measure(sr, hr, [RGB, Y], ssim=False),
        }
        slow: dict[str, Callable[[], object]] = {
            "MS-SSIM of RGB": lambda: ms_ssim(sr, hr, RGB),
            "definition": lambda: by_definition(sr, hr),
            "scikit-image": lambda: by_scikit_image(sr, hr),
            "scikit-image, SSIM RGB only": lambda: ssim_of_scikit_image(sr, hr, 2),
        }
        if importlib.util.find_spec("cv2"):
            slow["official procedure"] = lambda: by_official_procedure(sr, hr)
        samples = in_turns(fast, slow, options.rounds)

    show(samples)
    print(f"\nfirst call, with compiling or loading the machine code: {first_s:.2f} s; cores: {os.cpu_count()}")
    extra = extra_megabytes(lambda: measure(sr, hr, [RGB, Y]))
    if extra is not None:
        print(f"memory beyond the two images (2 x {hr.nbytes / 1e6:.0f} MB): {extra:.0f} MB")
    agreement(values, by_definition(sr, hr))


def in_turns(
    fast: dict[str, Callable[[], object]], slow: dict[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Seconds of each by name; whatever slows the machine down for a while slows all of them."""
    samples: dict[str, list[float]] = {name: [] for name in fast | slow}
    for turn in range(rounds):
        for name, call in (fast | slow if turn % 3 == 0 else fast).items():
            began = time.perf_counter()
            call()
            samples[name].append(time.perf_counter() - began)
    return samples


def show(samples: dict[str, list[float]]) -> None:
    """One line each: least and median seconds, and how many `measure` calls fit into it, by both."""
    ours = samples["measure"]
    print(f"{'one 3840x2160 pair':34}{'least s':>9}{'median s':>10}{'x measure (least)':>20}{'(median)':>10}")
    for name, seconds in samples.items():
        least, median = min(seconds), statistics.median(seconds)
        ratios = least / min(ours), median / statistics.median(ours)
        print(f"{name:34}{least:9.3f}{median:10.3f}{ratios[0]:20.2f}{ratios[1]:10.2f}")
    if "official procedure" not in samples:
        print("official procedure: not timed, OpenCV is not installed")


def agreement(values: Values, plain: dict[str, float]) -> None:
    """How far the kernel's values are from the definition's on this very pair."""
    for convention in (RGB, Y):
        key = convention.key
        mse, ssim = plain[f"mse {key}"], plain[f"ssim {key}"]
        print(
            f"{key}: "
            f"PSNR {psnr_db(values.mse[key]):.6f} dB, MSE off by {abs(values.mse[key] / mse - 1):.1e} of it; "
            f"SSIM {values.ssim[key]:.8f}, off by {abs(values.ssim[key] - ssim):.1e}"
        )


def by_definition(sr: Pixels, hr: Pixels) -> dict[str, float]:
    """All four by the plain float64 definition, separable and vectorised in numpy."""
    values = {f"mse {c.key}": definition.mse(sr, hr, c) for c in (RGB, Y)}
    return values | {f"ssim {c.key}": definition.ssim(sr, hr, c) for c in (RGB, Y)}


def by_scikit_image(sr: Pixels, hr: Pixels) -> tuple[float, ...]:
    """All four by scikit-image with the reference settings."""
    y_sr, y_hr = luma(sr, Colour.Y), luma(hr, Colour.Y)
    return (
        float(mean_squared_error(sr, hr)),
        float(mean_squared_error(y_sr, y_hr)),
        ssim_of_scikit_image(sr, hr, 2),
        ssim_of_scikit_image(y_sr, y_hr, None),
    )


def ssim_of_scikit_image(sr: NDArray[np.generic], hr: NDArray[np.generic], channel_axis: int | None) -> float:
    """SSIM by scikit-image; its default settings would give another value."""
    value = structural_similarity(
        sr,
        hr,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=channel_axis,
    )
    return float(value)


def by_official_procedure(sr: Pixels, hr: Pixels) -> tuple[float, ...]:
    """All four by the steps of the challenge's code: OpenCV's 2-D filter, five times a plane, Y anew each time."""
    import cv2

    side = cv2.getGaussianKernel(WINDOW, SIGMA)
    window = side @ side.T

    def blurred(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.filter2D(plane, -1, window)[5:-5, 5:-5])

    def ssim(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        mean_x, mean_y = blurred(x), blurred(y)
        variances = blurred(x**2) - mean_x**2 + blurred(y**2) - mean_y**2
        covariance = blurred(x * y) - mean_x * mean_y
        luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        return float(np.mean(luminance * (2 * covariance + C2) / (variances + C2)))

    def y_of(image: NDArray[np.float64]) -> NDArray[np.float32]:
        unit = image.astype(np.float32) / np.float32(255)
        y = ((np.dot(unit, [24.966, 128.553, 65.481]) + 16) / 255).astype(np.float32)
        return np.asarray(y * np.float32(255))

    def floats() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return sr.astype(np.float64), hr.astype(np.float64)

    x, y = floats()
    psnr_rgb = psnr_db(float(np.mean((x - y) ** 2)))
    x, y = floats()
    psnr_y = psnr_db(float(np.mean((y_of(x) - y_of(y)) ** 2)))
    x, y = floats()
    ssim_rgb = float(np.mean([ssim(x[..., c].astype(np.float64), y[..., c].astype(np.float64)) for c in range(3)]))
    x, y = floats()
    ssim_y = ssim(y_of(x).astype(np.float64), y_of(y).astype(np.float64))
    return psnr_rgb, psnr_y, ssim_rgb, ssim_y


def mosaic() -> Pixels:
    """Photographs of scikit-image side by side at their own size, mirrored on until they fill 4K."""
    tiles = [data.astronaut()[:300, :450], data.coffee()[:300, :450], data.chelsea()[:300, :450]]
    return np.ascontiguousarray(np.concatenate(tiles, axis=1))


def four_k(image: Pixels) -> Pixels:
    """The top left 3840x2160 of an image that is mirrored on where it is smaller."""
    rows = np.pad(
        image, ((0, max(0, HEIGHT - image.shape[0])), (0, max(0, WIDTH - image.shape[1])), (0, 0)), "symmetric"
    )
    return np.ascontiguousarray(rows[:HEIGHT, :WIDTH])


def extra_megabytes(call: Callable[[], object]) -> float | None:
    """Peak resident memory of a call beyond what was held before it; None where Linux's counters are not available."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        before = resident_peak()
        call()
        return (resident_peak() - before) / 1e6
    except OSError:
        return None


def resident_peak() -> int:
    """Bytes of VmHWM: the most that was resident since the counter was reset."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
