"""Which input sizes a model takes: multiples of how many pixels, and how many pixels a side at least."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rtsr_bench.protocol import Size

_MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_LEAST = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256)
_LARGE = Size(256, 256)
"""What is tried where every smaller size fails; also the size at which the field counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Sides of an image that work, in pixels: multiples of `multiple`, at least `least` (1: nothing was found).

    `works` is a size that was seen to work, None where none was; `known` says that the rule explains what failed.
    """

    multiple: int = 1
    least: int = 1
    works: Size | None = None
    known: bool = False


def find(works: Callable[[Size], bool], tried: Sequence[Size], good: Sequence[Size]) -> Sides:
    """Find the rule behind sizes of which some failed, by trying more of them; `works` runs the model at a size.

    `good` are those of `tried` that worked. A rule is known where every size that failed breaks it.
    """
    start = good[0] if good else _LARGE if works(_LARGE) else None
    if start is None:
        return Sides()
    multiple = next((number for number in _MULTIPLES if works(_odd_times(number, start))), None)
    if multiple is None:
        return Sides(works=start)
    failed = [size for size in tried if size not in good]
    least = 1
    if any(_fits(size, multiple, 1) for size in failed):
        shortest = min(start.height, start.width)
        sides = [-(-side // multiple) * multiple for side in _LEAST if side < shortest]
        least = next((side for side in sides if works(Size(side, side))), shortest)
    if any(_fits(size, multiple, least) for size in failed):
        return Sides(works=start)
    return Sides(multiple=multiple, least=least, works=start, known=True)


def _odd_times(multiple: int, start: Size) -> Size:
    """A size of at least `start` whose sides are different odd multiples."""
    height, width = (-(-side // multiple) | 1 for side in (start.height, start.width))
    return Size(height * multiple, (width + 2 * (width == height)) * multiple)


def _fits(size: Size, multiple: int, least: int) -> bool:
    return all(side % multiple == 0 and side >= least for side in (size.height, size.width))
