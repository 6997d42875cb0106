"""Degradations: the kinds of steps from HR to LR, one file each; `pillow-bicubic+jpeg90` chains two of them.

A module of this folder, or a plug-in, adds one of `Resize`, `Codec` and `Effect` to `DEGRADATIONS`. The text of a step
(`jpeg90`) is its identity in tracks, digests of data sets and records: if you change what a step does, give it another
name. Steps act on one image; a codec over sequences of images would be another kind.
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
"""The text matched by each named group of a step's `settings`; empty for groups without a match."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resize:
    """The first step: `shrink(hr, size)` returns the image of that size. `words` describe it to readers."""

    name: str
    words: str
    shrink: Callable[[Pixels, Size], Pixels]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """A later step, which changes an image and keeps its size: `alter(image, settings, seed)`.

    `settings` is the regular expression of the text after the name, `form` describes the syntax in messages, and
    `words(settings)` describe the step for readers. The seed is an integer below 2^128, derived from the step's text
    and the image's name. An effect that uses it sets `random`, and must give the same pixels for the same seed on any
    machine.
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

    `suffix` is that of the file if a prepared set keeps the file itself; empty if it keeps the decoded pixels. The
    other fields are those of an `Effect`.
    """

    name: str
    settings: str
    form: str
    words: Callable[[Settings], str]
    encode: Callable[[Pixels, Settings], bytes]
    suffix: str = ""


DEGRADATIONS: Registry[Resize | Effect | Codec] = Registry("degradation", __name__, lambda kind: kind.name)
