"""What timed calls are given: random numbers of secret seeds, and image crops that are new to the model."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets import Dataset
from rtsr_bench.protocol import Protocol, Size
from rtsr_bench.wire import Places

BLOCKS = 64
"""LR pixels of a random input at which the output is looked into, each at all of its scale x scale SR values."""

PLACES = 256
"""Values of an image's output that are looked at."""

_BASES = 3
"""Images of the data that crops are made of: each is decoded once."""

_NOISE = 2
"""Largest noise on a crop, on 0..255: too little to look like noise, enough that no crop is any data set's."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One input of a timed call: random numbers of a seed, or an image (raw pixels of the timed LR size).

    The output is looked into at the places `at` of the flat tensor, or else at places drawn from the seed `places`.
    `repeated` marks random numbers that the warm-up has used already.
    """

    seed: int = 0
    image: bytes | None = None
    places: int = 0
    at: tuple[int, ...] = ()
    repeated: bool = False


def random_input(seed: int | None = None, *, repeated: bool = False) -> Input:
    """Return random numbers that are unpredictable before they are sent, or those of a seed."""
    own = secrets.randbits(48) if seed is None else seed
    return Input(seed=own, places=secrets.randbits(48), repeated=repeated)


def image_input(image: bytes, *, at: tuple[int, ...] = ()) -> Input:
    """Return an image to be timed on; its output is read at `at`, or at unpredictable places."""
    return Input(seed=secrets.randbits(48), image=image, places=secrets.randbits(48), at=at)


def look(given: Input, protocol: Protocol) -> Places:
    """Return where to look: for an image its own places or random ones, for random numbers whole scale x scale blocks.

    The block of the n-th LR place lies at `output[n * scale**2 : (n + 1) * scale**2]`, so that its mean is what
    box-downsampling the output gives there.
    """
    if given.at:
        return Places(output=given.at)
    draw = random.Random(given.places)  # noqa: S311 - the seed is the secret
    lr, scale = protocol.input, protocol.scale
    hr = lr.times(scale)
    if given.image is not None:
        return Places(output=tuple(draw.choices(range(protocol.batch * 3 * hr.pixels), k=PLACES)))
    places = draw.choices(range(protocol.batch * 3 * lr.pixels), k=BLOCKS)
    output: list[int] = []
    for place in places:
        plane, rest = divmod(place, lr.pixels)
        row, column = divmod(rest, lr.width)
        corner = plane * hr.pixels + row * scale * hr.width + column * scale
        output += [corner + down * hr.width + right for down in range(scale) for right in range(scale)]
    return Places(output=tuple(output), given=tuple(places))


class Crops:
    """Makes new LR images of the timed size: rolled, rotated, mixed and noisy versions of those of the data."""

    def __init__(self, bases: Sequence[Pixels], size: Size) -> None:
        """`bases` are uint8 H x W x 3 images of any size, at least one."""
        self._bases, self._size = list(bases), size
        self._draw = np.random.default_rng(secrets.randbits(128))

    @classmethod
    def of(cls, data: Sequence[Dataset], size: Size) -> Crops:
        """Take a few images of the data by lot."""
        pairs = [pair for one in data for pair in one.pairs]
        chosen = secrets.SystemRandom().sample(pairs, min(_BASES, len(pairs)))
        return cls([pair.lr() for pair in chosen], size)

    def input(self) -> Input:
        """Return such an image as an input whose output is compared with nothing."""
        return image_input(self.fresh())

    def fresh(self) -> bytes:
        """Return raw pixels (H x W x 3, 8 bit) of an image that was never made before."""
        share = int(self._draw.integers(160, 240))
        one, other = self._window(), self._window()
        mixed = (one.astype(np.uint16) * share + other.astype(np.uint16) * (256 - share)) >> 8
        noise = self._draw.integers(0, 2 * _NOISE + 1, mixed.shape, dtype=np.uint8)
        pixels: Pixels = (np.clip(mixed + noise, _NOISE, 255 + _NOISE) - _NOISE).astype(np.uint8)
        return pixels.tobytes()

    def _window(self) -> Pixels:
        base = self._bases[int(self._draw.integers(len(self._bases)))]
        if self._draw.random() < 0.5:
            base = base.transpose(1, 0, 2)
        base = base[:: self._sign(), :: self._sign()]
        shift = tuple(int(self._draw.integers(side)) for side in base.shape[:2])
        height, width = self._size.height, self._size.width
        times = (-(-height // base.shape[0]), -(-width // base.shape[1]), 1)
        rolled = np.roll(base, shift, axis=(0, 1))
        return (np.tile(rolled, times) if max(times) > 1 else rolled)[:height, :width]

    def _sign(self) -> int:
        return 1 if self._draw.random() < 0.5 else -1
