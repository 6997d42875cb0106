"""Fine periodic texture: a folded tartan twill."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import PI, clamp, floor, sine
from rtsr_bench.datasets.builtin.noise import gradient_noise, uniform

# Tartan sett: thread counts and colours (linear light), mirrored at both ends.
_SETT = np.array(
    [
        (26, 0.020, 0.045, 0.100), (4, 0.620, 0.560, 0.420), (10, 0.020, 0.045, 0.100), (30, 0.020, 0.130, 0.060),
        (3, 0.560, 0.380, 0.040), (12, 0.020, 0.130, 0.060), (34, 0.330, 0.020, 0.022), (4, 0.015, 0.015, 0.018),
        (8, 0.330, 0.020, 0.022), (3, 0.620, 0.560, 0.420),
    ]
)  # fmt: skip


def _threads() -> NDArray[np.float64]:
    """One colour a thread over the whole repeat."""
    order = [*range(len(_SETT)), *range(len(_SETT) - 2, 0, -1)]
    return np.array([_SETT[i, 1:] for i in order for _ in range(int(_SETT[i, 0]))])


@kernel
def _fold(x: float, y: float) -> float:
    """Height of the cloth in pixels: three long folds, and ripples."""
    a = x + 0.45 * y + 130.0 * gradient_noise(x * 0.0009, y * 0.0007, 5)
    wave = sine(a * 0.0041) + 0.45 * sine(a * 0.0089 + 1.3 + 0.0006 * y)
    return 120.0 * wave + 46.0 * gradient_noise(x * 0.0023, y * 0.0011, 9)


@kernel
def _tartan(first: int, end: int, out: NDArray[Any], threads: NDArray[Any], pitch: float) -> None:
    """2/2 twill: every thread passes over two and under two, one step further in each row."""
    count = threads.shape[0]
    for y in range(first, end):
        for x in range(out.shape[1]):
            here = _fold(x, y)
            slope_x = (_fold(x + 2.0, y) - here) * 0.5
            slope_y = (_fold(x, y + 2.0) - here) * 0.5
            length = sqrt(1.0 + slope_x * slope_x + slope_y * slope_y)
            light = clamp((0.50 * -slope_x - 0.34 * slope_y + 0.80) / length, 0.05, 1.4)
            # The folds pull the threads along with them.
            u0 = (x + 0.42 * here + 9.0 * gradient_noise(x * 0.004, y * 0.004, 21)) * 0.985 + y * 0.174
            v0 = (y + 0.20 * here + 9.0 * gradient_noise(x * 0.004, y * 0.004, 22)) * 0.985 - x * 0.174
            r = 0.0
            g = 0.0
            b = 0.0
            for s in range(4):
                u = (u0 + 0.125 + 0.25 * s) / pitch
                v = (v0 + (0.375 if s == 0 else 0.875 if s == 1 else 0.125 if s == 2 else 0.625)) / pitch
                i = floor(u)
                j = floor(v)
                over = ((i - j) & 3) < 2
                if over:  # the warp thread i lies on top; along it two crossings make one float
                    along = v - j + (1.0 if ((i - j - 1) & 3) < 2 else 0.0)
                    across = u - i
                    thread = i % count
                    fibre = gradient_noise(u * 9.0 + 2.2 * v, v * 1.3 + i * 7.0, 41)
                else:
                    along = u - i + (1.0 if ((i - 1 - j) & 3) >= 2 else 0.0)
                    across = v - j
                    thread = j % count
                    fibre = gradient_noise(v * 9.0 + 2.2 * u, u * 1.3 + j * 7.0, 42)
                round_ = sine(PI * clamp(across, 0.0, 1.0))
                arch = sine(PI * clamp(0.5 * along, 0.0, 1.0))
                shade = (0.28 + 0.72 * round_) * (0.42 + 0.58 * arch) * (1.0 + 0.38 * fibre)
                shade *= 0.86 + 0.28 * uniform(i if over else j, 1 if over else 2, 77)
                r += shade * threads[thread, 0]
                g += shade * threads[thread, 1]
                b += shade * threads[thread, 2]
            gain = light * 1.9 / 4.0
            sheen = 0.010 * light
            out[y, x, 0] = int(sqrt(clamp(r * gain + sheen, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 1] = int(sqrt(clamp(g * gain + sheen, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 2] = int(sqrt(clamp(b * gain + sheen, 0.0, 1.0)) * 255.0 + 0.5)


def tartan() -> NDArray[Any]:
    """A tartan cloth in folds, 9-pixel threads of wool."""
    out = np.empty((2160, 3840, 3), dtype=np.uint8)
    in_bands(_tartan, 2160, out, _threads(), 9.0)
    return out
