"""PSNR of single images and their gain over bicubic, as ranks, comparisons and maps of images need them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rtsr_bench.metric import METRICS
from rtsr_bench.score import PSNR

if TYPE_CHECKING:
    from rtsr_bench.leaderboard import Row

Image = tuple[str, str]
"""Data set and name of an image."""


def psnr_and_gain(row: Row, convention: str) -> dict[Image, tuple[float, float]]:
    """PSNR in dB under a convention, and less bicubic's, of each image that counts for the row.

    Left out are images where either is infinite, so those that bicubic restores exactly, as in the mean.
    """
    metric = METRICS.find(PSNR)
    key = metric.observed_as(convention)
    found = {}
    for image in row.judged:
        if key in image.values and key in image.baseline:
            here, there = metric.shown(image.values[key]), metric.shown(image.baseline[key])
            if math.isfinite(here) and math.isfinite(there):
                found[image.data_set, image.name] = (here, here - there)
    return found
