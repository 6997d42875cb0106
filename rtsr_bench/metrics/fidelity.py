"""Exact MSE and float64 SSIM of an image pair, in about the time of decoding the image.

Work is split into bands of rows for a small thread pool. The kernels release the interpreter lock and use their own
scratch memory (60 kB), so `measure` may itself be called from several threads. The bands depend only on the image's
size and their sums are added in order, so the result is bit-identical for any number of threads.

Borders cost nothing extra. SSIM counts only windows that lie fully inside the cropped image, so its map is a part of
the map of the whole image; squared differences likewise. Each band is split where a border begins or ends, and each
convention adds up the pieces inside its own border.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.errors import UserError
from rtsr_bench.images.colour import LUMA_DIVISOR, LUMA_OFFSET, LUMA_WEIGHTS
from rtsr_bench.metrics.jit import Kernels, compiled
from rtsr_bench.metrics.kernels import TILE
from rtsr_bench.metrics.window import C1, C2, RADIUS, WINDOW, gaussian
from rtsr_bench.protocol import Colour, Convention

_BAND = 128  # rows per piece: 10 of them are filtered twice, 17 pieces of a 4K frame keep 16 cores busy
_ALONE = 256 * 256  # below this number of pixels, starting threads takes longer than the work
_MOST_THREADS = 16

_CHANNELS = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))

_Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """MSE on the 0..255 scale and mean SSIM by `Convention.key`; `ssim` is empty if it was not requested."""

    mse: dict[str, float]
    ssim: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Strip:
    """Rows or columns start..stop that are inside the borders `borders[: rank + 1]` and outside the wider ones."""

    rank: int
    start: int
    stop: int


def measure(
    sr: _Pixels, hr: _Pixels, conventions: Sequence[Convention], *, ssim: bool = True, threads: int | None = None
) -> Values:
    """MSE and SSIM of an SR image against HR (uint8 H x W x 3 each) under every convention.

    MSE: mean over pixels and channels; for Y, of the unrounded luma on its 16..235 scale (the peak is still 255, as in
    the literature). Sums are exact integers, rounded once. SSIM: `definition.ssim`, within 1e-9. `threads`: maximum
    number (default: the cores this process may use, at most 16). ValueError if shapes differ or are not uint8
    H x W x 3; UserError if an image is too small: no pixels inside the border, or less than 11x11 for SSIM.
    """
    refuse_unlike(sr, hr, conventions, title="SSIM" if ssim else "MSE", side=WINDOW if ssim else 1)
    if not conventions:
        return Values(mse={}, ssim={})
    work = _Work(sr, hr, conventions, compiled())
    pieces = work.mse_pieces() + (work.ssim_pieces() if ssim else [])
    workers = min(threads or _cores(), len(pieces))
    if workers == 1 or sr.shape[0] * sr.shape[1] <= _ALONE:
        for piece in pieces:
            piece()
    else:
        with ThreadPoolExecutor(workers, thread_name_prefix="fidelity") as pool:
            for done in [pool.submit(piece) for piece in pieces]:
                done.result()
    return Values(
        mse={c.key: work.mse(c) for c in conventions},
        ssim={c.key: work.ssim(c) for c in conventions} if ssim else {},
    )


class _Work:
    """The pieces of one `measure` call and their results; each piece writes its own entry."""

    def __init__(self, sr: _Pixels, hr: _Pixels, conventions: Sequence[Convention], kernels: Kernels) -> None:
        self._sr = np.ascontiguousarray(sr)
        self._hr = np.ascontiguousarray(hr)
        self._kernels = kernels
        self._borders = sorted({c.border for c in conventions})
        self._colours = sorted({c.colour for c in conventions})
        self._height: int = sr.shape[0]
        self._width: int = sr.shape[1]
        self._moments: list[list[tuple[int, tuple[float, ...]]]] = []  # piece -> [(rank, six sums)]
        self._ssims: dict[Colour, list[dict[int, float]]] = {colour: [] for colour in self._colours}

    def mse_pieces(self) -> list[Callable[[], None]]:
        columns = _strips(self._width, self._borders, self._width)
        pieces = []
        for rows in _strips(self._height, self._borders, _BAND):
            place: list[tuple[int, tuple[float, ...]]] = []
            self._moments.append(place)
            pieces.append(self._mse_piece(rows, columns, place))
        return pieces

    def ssim_pieces(self) -> list[Callable[[], None]]:
        pieces = []
        for colour in self._colours:
            for plane in _planes(colour):
                for rows in _strips(self._height - WINDOW + 1, self._borders, _BAND):
                    place: dict[int, float] = {}
                    self._ssims[colour].append(place)
                    pieces.append(self._ssim_piece(plane, rows, place))
        return pieces

    def _mse_piece(
        self, rows: _Strip, columns: list[_Strip], place: list[tuple[int, tuple[float, ...]]]
    ) -> Callable[[], None]:
        def piece() -> None:
            for across in columns:
                sums = self._kernels.moments(self._sr, self._hr, rows.start, rows.stop, across.start, across.stop)
                place.append((min(rows.rank, across.rank), sums))

        return piece

    def _ssim_piece(self, plane: NDArray[np.float64], rows: _Strip, place: dict[int, float]) -> Callable[[], None]:
        def piece() -> None:
            lines = np.empty((4, TILE + 2 * RADIUS), np.float32 if np.count_nonzero(plane) == 1 else np.float64)
            sums = self._kernels.ssim_columns(
                self._sr, self._hr, plane, _WEIGHTS, _CONSTANTS, lines, _ring(), rows.start, rows.stop
            )
            for border in self._borders[: rows.rank + 1]:
                place[border] = float(np.sum(sums[border : len(sums) - border]))

        return piece

    def mse(self, convention: Convention) -> float:
        """The quadratic form of the six sums in integers, divided once."""
        rank = self._borders.index(convention.border)
        inside = [sums for piece in self._moments for where, sums in piece if where >= rank]
        rr, gg, bb, rg, rb, gb = (sum(int(sums[i]) for sums in inside) for i in range(6))
        pixels = (self._height - 2 * convention.border) * (self._width - 2 * convention.border)
        if convention.colour is Colour.RGB:
            return (rr + gg + bb) / (3 * pixels)
        r, g, b = LUMA_WEIGHTS[convention.colour]
        total = r * r * rr + g * g * gg + b * b * bb + 2 * (r * g * rg + r * b * rb + g * b * gb)
        return total / (LUMA_DIVISOR * LUMA_DIVISOR * pixels)

    def ssim(self, convention: Convention) -> float:
        total = math.fsum(piece.get(convention.border, 0.0) for piece in self._ssims[convention.colour])
        rows, columns = (length - 2 * convention.border - WINDOW + 1 for length in (self._height, self._width))
        return total / (len(_planes(convention.colour)) * rows * columns)


_WEIGHTS = np.array(gaussian())
_CONSTANTS = np.array([C1, C2])


def _ring() -> NDArray[np.float64]:
    """Scratch of the SSIM kernel, 11 x 4 x TILE, aligned to 64 bytes; numpy aligns only to 16."""
    shape = (WINDOW, 4, TILE)
    room = np.empty(math.prod(shape) + 8, np.float64)
    start = -room.ctypes.data % 64 // 8
    return room[start : start + math.prod(shape)].reshape(shape)


def _planes(colour: Colour) -> list[NDArray[np.float64]]:
    """Factors of R, G, B and the offset of each plane of a colour."""
    if colour is Colour.RGB:
        return [np.array(channel) for channel in _CHANNELS]
    return [np.array([weight / LUMA_DIVISOR for weight in LUMA_WEIGHTS[colour]] + [LUMA_OFFSET])]


def _strips(length: int, borders: Sequence[int], most: int) -> list[_Strip]:
    """Split 0..length (less the smallest border on each side) at every border, and into strips of at most `most`."""
    strips = []
    edges = [(rank, border, borders[rank + 1]) for rank, border in enumerate(borders[:-1])]
    edges.append((len(borders) - 1, borders[-1], length - borders[-1]))
    edges += [(rank, length - inner, length - border) for rank, border, inner in reversed(edges[:-1])]
    for rank, start, stop in edges:
        strips += [_Strip(rank, at, min(at + most, stop)) for at in range(start, stop, most)]
    return strips


def refuse_unlike(sr: _Pixels, hr: _Pixels, conventions: Sequence[Convention], *, title: str, side: int) -> None:
    """Refuse images for which a metric is not defined: ValueError for shapes and types, UserError for small images.

    `title` names the metric, `side` is its minimum side in pixels inside the border.
    """
    for name, image in (("SR", sr), ("HR", hr)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"{name}: expected uint8 H x W x 3, found {image.dtype} {image.shape}")
    if sr.shape != hr.shape:
        raise ValueError(f"expected SR and HR of equal shape, found {sr.shape} and {hr.shape}")
    for convention in conventions:
        if convention.border < 0:
            raise ValueError(f"expected a border of at least 0, found {convention.border}")
        left = min(sr.shape[:2]) - 2 * convention.border
        if left < side:
            needs = f"{side}x{side} pixels" if side > 1 else "a pixel"
            raise UserError(
                f"{title} needs {needs} inside the border of {convention.border}, found {max(left, 0)} on the shorter "
                f"side of the measured {sr.shape[0]}x{sr.shape[1]}: remove the image or choose a smaller border"
            )


def _cores() -> int:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity
        cores = os.cpu_count() or 1
    return min(cores, _MOST_THREADS)
