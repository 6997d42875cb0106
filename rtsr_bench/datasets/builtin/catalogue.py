"""The list of built-in images, with category, role and SHA-256."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, cast

from rtsr_bench.datasets.builtin import photographs
from rtsr_bench.datasets.builtin.pins import PINS
from rtsr_bench.protocol import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Role = Literal["test", "train"]

_UHD = Size(2160, 3840)
_QHD = Size(1440, 2560)
_DRAWN = "drawn by rtsr-bench (Apache-2.0)"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltinImage:
    """One image of the built-in set.

    `sha256` is that of its raw uint8 RGB bytes, row by row; `render` draws or decodes it, unchecked and uncached (use
    `image_pixels`); `source` names author and licence.
    """

    name: str
    category: str
    role: Role
    size: Size
    sha256: str
    render: Callable[[], NDArray[np.uint8]]
    source: str


# name, category, role, size, module:function in scenes/. The order is that of the set, quickly drawn ones first.
_SCENES: tuple[tuple[str, str, Role, Size, str], ...] = (
    ("vector-balloons.png", "vector art", "test", _UHD, "poster:balloons"),
    ("ui-desktop.png", "text and interface", "test", _UHD, "desktop:desktop"),
    ("fractal-julia.png", "fractal", "test", _UHD, "fractals:julia"),
    ("fabric-tartan.png", "fine patterns", "test", _UHD, "textiles:tartan"),
    ("chart-resolution.png", "fine patterns", "test", _UHD, "chart:chart"),
    ("nature-foliage.png", "natural texture", "test", _UHD, "leaves:foliage"),
    ("game-courtyard.png", "game-like render", "test", _UHD, "worlds:courtyard"),
    ("nature-lake.png", "natural texture", "test", _UHD, "landscape:lake"),
    ("fractal-seahorses.png", "fractal", "train", _QHD, "fractals:seahorses"),
    ("fabric-pullover.png", "fine patterns", "train", _QHD, "textiles:pullover"),
)


def _draw(where: str) -> NDArray[np.uint8]:
    module, _, function = where.partition(":")
    scene = importlib.import_module(f"rtsr_bench.datasets.builtin.scenes.{module}")
    return cast("NDArray[np.uint8]", getattr(scene, function)())


def _scene(name: str, category: str, role: Role, size: Size, where: str) -> BuiltinImage:
    return BuiltinImage(
        name=name,
        category=category,
        role=role,
        size=size,
        sha256=PINS[name],
        render=partial(_draw, where),
        source=_DRAWN,
    )


def _photograph(photograph: photographs.Photograph) -> BuiltinImage:
    return BuiltinImage(
        name=photograph.name,
        category="photograph",
        role=photograph.role,
        size=photograph.size,
        sha256=PINS[photograph.name],
        render=partial(photographs.decode, photograph),
        source=photograph.source,
    )


@cache
def left_out(role: Role) -> dict[str, str]:
    """Photographs of this role that the installed scikit-image lacks or decodes differently: name -> reason, one line.

    Reads only the photographs (a few small files).
    """
    reasons = {}
    for photograph in photographs.PHOTOGRAPHS:
        if photograph.role == role and (reason := photographs.fault(photograph, PINS[photograph.name])):
            reasons[photograph.name] = reason
    return reasons


def builtin_images(role: Role) -> tuple[BuiltinImage, ...]:
    """The images of one role, in their fixed order, without those in `left_out`.

    Models are measured on `test` and may be trained on `train`; no image is in both.
    """
    drawn = tuple(_scene(*entry) for entry in _SCENES if entry[2] == role)
    absent = left_out(role)
    found = tuple(_photograph(p) for p in photographs.PHOTOGRAPHS if p.role == role and p.name not in absent)
    return drawn + found
