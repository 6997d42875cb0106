"""Bicubic on the same images: what the score formula compares with, measured once an image and remembered."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets import ImagePair
from rtsr_bench.images.resize import torch_bicubic
from rtsr_bench.metric import Metric
from rtsr_bench.metrics.pairs import measure_pair
from rtsr_bench.protocol import Convention

CROP = 192
"""Side in HR pixels of the crops kept for the report."""

Window = tuple[int, int, int, int]
"""Top, left, height and width of a crop, in HR pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """What metrics observe of bicubic, by `NAME/CONVENTION`, and the crops of HR and bicubic for readers."""

    values: dict[str, float]
    window: Window
    hr_crop: NDArray[np.uint8]
    bicubic_crop: NDArray[np.uint8]


class Baselines:
    """Bicubic's values by image pair; safe to ask from several threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[str, ...], tuple[Convention, ...]], Baseline] = {}
        self._lock = threading.Lock()

    def of(
        self,
        pair: ImagePair,
        hr: NDArray[np.uint8],
        lr: NDArray[np.uint8],
        metrics: Sequence[Metric],
        conventions: Sequence[Convention],
    ) -> Baseline:
        """Return what those metrics that compare with bicubic observe of it on this pair, against HR.

        Bicubic is `F.interpolate` as the official code calls it.
        """
        compared = [metric for metric in metrics if metric.baseline]
        key = (pair.identity, tuple(metric.name for metric in compared), tuple(conventions))
        with self._lock:
            known = self._known.get(key)
        if known is None:
            from rtsr_bench.images.crop import busiest_crop
            from rtsr_bench.protocol import Size

            bicubic = torch_bicubic(lr, pair.scale)
            size = Size(min(CROP, hr.shape[0]), min(CROP, hr.shape[1]))
            top, left = busiest_crop(hr, size)
            window = (top, left, size.height, size.width)
            known = Baseline(
                values=measure_pair(bicubic, hr, compared, conventions),
                window=window,
                hr_crop=cut(hr, window),
                bicubic_crop=cut(bicubic, window),
            )
            with self._lock:
                self._known[key] = known
        return known


def cut(image: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """Copy a window out of an image, so that the image itself can be let go of."""
    top, left, height, width = window
    return image[top : top + height, left : left + width].copy()
