"""Compilation of the scenes: IEEE arithmetic as written, without reordering, fusing or caching."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` at its first call, without fast maths: every operation rounds once, as written.

    Compiled code is not cached on disk: a cached caller does not notice that a callee in another file has changed. The
    images are cached instead, so the few seconds are spent once per machine.
    """
    return cast("Callable[P, R]", njit(nogil=True, error_model="numpy")(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, but inlined into its callers: for inner loops over arrays, where call overhead would dominate."""
    return cast("Callable[P, R]", njit(nogil=True, error_model="numpy", inline="always")(function))


def in_bands(draw: Callable[..., None], height: int, *args: Any, rows: int = 60, workers: int = 2) -> None:
    """Call `draw(first_row, end_row, *args)` for bands of rows, on a few threads.

    Each band writes only its own rows, so the order in which bands finish does not affect the image.
    """
    starts = range(0, height, rows)
    draw(0, 0, *args)  # compiled once, before the threads start
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for done in [pool.submit(draw, start, min(height, start + rows), *args) for start in starts]:
            done.result()
