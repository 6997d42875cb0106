"""Noise: white, Gaussian, and the same for the same image on every machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from rtsr_bench.datasets.dataset import ImageFile, ImagePair
from rtsr_bench.images.degrade import degrade, parse_degradation
from rtsr_bench.protocol import Size

FLAT = np.full((512, 512, 3), 128, np.uint8)
PINNED = "aff35d5eabb8e9200937456be0d467553350a487cd074a65f1b970394ce5ae4f"
"""SHA-256 of the pixels of `FLAT` at x2 under `noise10` for `a.png`: other numbers are another degradation."""


def noise(sigma: str, image: str = "a.png") -> np.ndarray:
    return degrade(FLAT, 2, f"pillow-bicubic+noise{sigma}", image=image)


def test_the_same_image_has_the_same_noise_for_ever() -> None:
    assert hashlib.sha256(noise("10").tobytes()).hexdigest() == PINNED
    assert parse_degradation("pillow-bicubic+noise10").random
    assert not parse_degradation("pillow-bicubic+jpeg90").random


def test_it_is_gaussian_and_white() -> None:
    found = noise("10").astype(float) - 128
    # 196 608 samples: standard errors of 0.023 of the mean and 0.016 of the deviation, which rounding makes 10.004.
    assert abs(found.mean()) < 0.1
    assert abs(found.std() - 10.004) < 0.06
    assert abs((found**4).mean() / found.var() ** 2 - 3) < 0.06
    assert 38 <= np.abs(found).max() <= 44
    for shifted in (np.roll(found, 1, axis=0), np.roll(found, 1, axis=1), np.roll(found, 1, axis=2)):
        assert abs((found * shifted).mean()) < 0.012 * found.var()


def test_its_deviation_may_have_a_decimal_and_levels_end_at_black_and_white() -> None:
    assert abs((noise("2.5").astype(float) - 128).std() - 2.517) < 0.02
    assert np.array_equal(noise("0"), FLAT[::2, ::2])
    black = degrade(np.zeros_like(FLAT), 2, "pillow-bicubic+noise20", image="a.png")
    assert 0.45 < (black == 0).mean() < 0.55
    assert black.max() < 100


def test_each_image_of_a_set_has_its_own_noise(tmp_path: Path) -> None:
    pairs = []
    for name in ("a.png", "b.png"):
        Image.fromarray(FLAT).save(tmp_path / name)
        sha256 = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        source = ImageFile(path=tmp_path / name, sha256=sha256)
        degradation = "pillow-bicubic+noise10"
        pairs.append(ImagePair(name=name, scale=2, size=Size(512, 512), hr_source=source, degradation=degradation))
    first, second = (pair.lr() for pair in pairs)
    assert np.array_equal(first, noise("10", "a.png"))
    assert np.array_equal(second, noise("10", "b.png"))
    correlation = np.corrcoef(first.ravel().astype(float), second.ravel().astype(float))[0, 1]
    assert abs(correlation) < 0.012
    assert not np.array_equal(noise("10"), noise("10.0"))  # another text is another step
    assert pairs[0].identity.endswith(",pillow-bicubic+noise10/x2")
