"""Degradations: the kinds of step from HR to LR, one file each; `pillow-bicubic+jpeg90` names two of them in a row.

A module of this folder, or a plug-in, adds one of `Resize`, `Codec` and `Effect` to `DEGRADATIONS`. The text of a step
(`jpeg90`) is its identity: it stands in tracks, in the digests of data sets and in records. Whoever changes what a step
does gives it another name. Steps act on one image; a codec over sequences of images would be one kind more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.plugins import Registry
from rtsr_bench.protocol import Size

Pixels = NDArray[np.uint8]
"""uint8 H x W x 3, RGB."""

Settings = Mapping[str, str]
"""What the named groups of a step's `settings` matched; empty texts for groups that took no part."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resize:
    """The first step: `shrink(hr, size)` returns the image of that size. `words` describe it to readers."""

    name: str
    words: str
    shrink: Callable[[Pixels, Size], Pixels]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """A later step, which changes an image and keeps its size: `alter(image, settings, seed)`.

    `settings` is the regular expression of what stands behind the name, `form` shows messages how a step is written,
    and `words(settings)` describe one to readers. The seed is an integer below 2^128, made of the step's text and the
    image's name; an effect that uses it says so by `random`, and takes the same image for the same seed on any machine.
    """

    name: str
    settings: str
    form: str
    words: Callable[[Settings], str]
    alter: Callable[[Pixels, Settings, int], Pixels]
    random: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """A later step: lossy compression; `encode(image, settings)` returns a file that Pillow reads.

    `suffix` is that of the file, where a prepared set keeps it as it is; empty where it keeps the decoded pixels. The
    other fields are those of an `Effect`.
    """

    name: str
    settings: str
    form: str
    words: Callable[[Settings], str]
    encode: Callable[[Pixels, Settings], bytes]
    suffix: str = ""


DEGRADATIONS: Registry[Resize | Effect | Codec] = Registry("degradation", __name__, lambda kind: kind.name)
