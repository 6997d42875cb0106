"""The pictures that PlainSR is trained on: two drawn ones, and three photographs in scikit-image's wheel.

The drawn ones use the code of the built-in set, on which models are measured: the fractal that of `fractal-julia`, the
fabric that of `fabric-tartan`. Each is pinned by the SHA-256 of its raw uint8 RGB bytes, row by row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import clamp, floor, sine
from rtsr_bench.datasets.builtin.noise import fractal_noise, gradient_noise
from rtsr_bench.datasets.builtin.photographs import Photograph, decode
from rtsr_bench.datasets.builtin.scenes import fractals
from rtsr_bench.protocol import Size

Pixels = NDArray[np.uint8]


def training_pictures() -> Iterator[tuple[str, Pixels]]:
    """Yield name and pixels (uint8, H x W x 3) of each picture; SystemExit, one line, if one is not as pinned."""
    for name, (sha256, make) in PICTURES.items():
        pixels = make()
        found = hashlib.sha256(pixels.tobytes()).hexdigest()
        if found != sha256:
            raise SystemExit(f"{name}: expected pixels with SHA-256 {sha256}, found {found}")
        yield name, pixels


@kernel
def _stitch(u: float, v: float) -> tuple[float, float]:
    """Stockinette: two slanting strands a stitch; returns the yarn's roundness 0..1 at (u, v) and the twist phase."""
    fu = u - floor(u)
    side = 1.0 if fu > 0.5 else -1.0
    a = abs(fu - 0.5) * 2.0  # 0 in the middle of the stitch, 1 between columns
    lean = v + 0.62 * a
    fv = lean - floor(lean)
    across = abs(fv - 0.5) * 2.0
    body = clamp(1.0 - across * across * 1.25, 0.0, 1.0) * clamp(1.3 - 1.15 * abs(a - 0.48) * 2.0, 0.0, 1.0)
    return sqrt(body), lean * 2.1 + side * a * 3.4


@kernel
def _knit(first: int, end: int, out: NDArray[Any], motif: NDArray[Any], colours: NDArray[Any], pitch: float) -> None:
    """A pattern of stitches; motif holds an index into colours for each stitch of the repeat."""
    rows, columns = motif.shape
    for y in range(first, end):
        for x in range(out.shape[1]):
            drift = fractal_noise(x * 0.0016, y * 0.0016, 2, 61)
            lit = 0.86 + 0.30 * fractal_noise(x * 0.0009 + 3.0, y * 0.0009, 3, 67)
            r = 0.0
            g = 0.0
            b = 0.0
            for s in range(4):
                px = x + 0.25 + 0.5 * (s & 1)
                py = y + 0.25 + 0.5 * (s >> 1)
                u = (px + 22.0 * drift) / pitch
                v = (py + 0.05 * px - 18.0 * drift) / (pitch * 0.72)
                i = floor(u)
                fu = u - i
                j = floor(v + 0.62 * abs(fu - 0.5) * 2.0)
                body, phase = _stitch(u, v)
                twist = 0.5 + 0.5 * sine(phase * 5.0)
                fuzz = gradient_noise(px * 0.31 + 0.2 * py, py * 0.17, 71)
                shade = (0.10 + 0.90 * body) * (0.78 + 0.22 * twist) * (1.0 + 0.30 * fuzz) * lit
                k = motif[j % rows, i % columns]
                r += shade * colours[k, 0]
                g += shade * colours[k, 1]
                b += shade * colours[k, 2]
            out[y, x, 0] = int(sqrt(clamp(0.25 * r, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 1] = int(sqrt(clamp(0.25 * g, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 2] = int(sqrt(clamp(0.25 * b, 0.0, 1.0)) * 255.0 + 0.5)


_MOTIF = (
    "................",
    "1.1.1.1.1.1.1.1.",
    "................",
    "...2.......2....",
    "..222.....222...",
    ".22.22...22.22..",
    "22...22.22...22.",
    ".2....222....2..",
    "22...22.22...22.",
    ".22.22...22.22..",
    "..222.....222...",
    "...2.......2....",
    "................",
    ".1.1.1.1.1.1.1.1",
    "................",
    "3333333333333333",
    "3.333.333.333.33",
    "..3...3...3...3.",
    "................",
)


def pullover() -> NDArray[Any]:
    """A knitted pattern with stars and dots, 26 pixels a stitch."""
    motif = np.array([[0 if c == "." else int(c) for c in row] for row in _MOTIF], dtype=np.int64)
    colours = np.array([(0.62, 0.57, 0.47), (0.05, 0.16, 0.28), (0.45, 0.06, 0.05), (0.03, 0.07, 0.14)])
    out = np.empty((1440, 2560, 3), dtype=np.uint8)
    in_bands(_knit, 1440, out, motif, colours, 26.0)
    return out


def seahorses() -> NDArray[Any]:
    """Seahorse valley of the Mandelbrot set."""
    view = (-0.7453, 0.1127, 0.0065, 0.8, 0.6, 0.0, 0.0, 0.0)
    return fractals.picture(2560, 1440, view, (1.0, 1.1, 1.3, 0.4, 5.4, 4.2, 0.8, 1.0), 900)


def _photograph(file: str, height: int, width: int, source: str) -> Callable[[], Pixels]:
    return partial(decode, Photograph(file=file, size=Size(height, width), source=source))


PICTURES: dict[str, tuple[str, Callable[[], Pixels]]] = {
    "fractal-seahorses": ("8b3aaed614c754d7872e73cec8104dcbd5a7178024657d1e83b6e29f4f778eb5", seahorses),
    "fabric-pullover": ("df8bdddb2594b0e51308653f0f8dd6837f640752305c90959f1e33c9951ab837", pullover),
    "photo-rocket": (
        "3d4435cc745752b7f9724df88c6e18817de3ce7e3d2d71c55f85f7831e68f197",
        _photograph("rocket.jpg", 427, 640, "DSCOVR launch, SpaceX, public domain"),
    ),
    "photo-hubble-deep-field": (
        "9a3ea9548188f81e63435188456e74de45a981ebeb791e265abe79a26d3b528b",
        _photograph("hubble_deep_field.jpg", 872, 1000, "Hubble eXtreme Deep Field, NASA, public domain"),
    ),
    "photo-retina": (
        "3670e389d0dae9f755cc1bb7e4da4c3d2cdf10eba2dc3060836d8d4b8024d860",
        _photograph("retina.jpg", 1411, 1411, "Fundus of a healthy eye, Haggstrom 2014, CC0"),
    ),
}
