"""The list of built-in images, with category and SHA-256."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, cast

from rtsr_bench.datasets.builtin import photographs
from rtsr_bench.datasets.builtin.pins import PINS
from rtsr_bench.protocol import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UHD = Size(2160, 3840)
_DRAWN = "drawn by rtsr-bench (Apache-2.0)"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltinImage:
    """One image of the built-in set.

    `sha256` is that of its raw uint8 RGB bytes, row by row; `render` draws or decodes it, unchecked and uncached (use
    `image_pixels`); `source` names author and licence.
    """

    name: str
    category: str
    size: Size
    sha256: str
    render: Callable[[], NDArray[np.uint8]]
    source: str


# name, category, size, module:function in scenes/. The order is that of the set, quickly drawn ones first.
_SCENES: tuple[tuple[str, str, Size, str], ...] = (
    ("vector-balloons.png", "vector art", _UHD, "poster:balloons"),
    ("ui-desktop.png", "text and interface", _UHD, "desktop:desktop"),
    ("fractal-julia.png", "fractal", _UHD, "fractals:julia"),
    ("fabric-tartan.png", "fine patterns", _UHD, "textiles:tartan"),
    ("chart-resolution.png", "fine patterns", _UHD, "chart:chart"),
    ("nature-foliage.png", "natural texture", _UHD, "leaves:foliage"),
    ("game-courtyard.png", "game-like render", _UHD, "worlds:courtyard"),
    ("nature-lake.png", "natural texture", _UHD, "landscape:lake"),
)


def _draw(where: str) -> NDArray[np.uint8]:
    module, _, function = where.partition(":")
    scene = importlib.import_module(f"rtsr_bench.datasets.builtin.scenes.{module}")
    return cast("NDArray[np.uint8]", getattr(scene, function)())


def _scene(name: str, category: str, size: Size, where: str) -> BuiltinImage:
    return BuiltinImage(
        name=name,
        category=category,
        size=size,
        sha256=PINS[name],
        render=partial(_draw, where),
        source=_DRAWN,
    )


def _photograph(photograph: photographs.Photograph) -> BuiltinImage:
    return BuiltinImage(
        name=photograph.name,
        category="photograph",
        size=photograph.size,
        sha256=PINS[photograph.name],
        render=partial(photographs.decode, photograph),
        source=photograph.source,
    )


@cache
def left_out() -> dict[str, str]:
    """Photographs that the installed scikit-image lacks or decodes differently: name -> reason, one line.

    Reads only the photographs (a few small files).
    """
    reasons = {}
    for photograph in photographs.PHOTOGRAPHS:
        if reason := photographs.fault(photograph, PINS[photograph.name]):
            reasons[photograph.name] = reason
    return reasons


def builtin_images() -> tuple[BuiltinImage, ...]:
    """The images that models are measured on, in their fixed order, without those in `left_out`."""
    drawn = tuple(_scene(*entry) for entry in _SCENES)
    absent = left_out()
    return drawn + tuple(_photograph(p) for p in photographs.PHOTOGRAPHS if p.name not in absent)
