"""Colours that everybody can read, in light and dark."""

from __future__ import annotations

import re
from importlib import resources

import pytest

STYLE = (resources.files("rtsr_bench.report") / "static" / "style.css").read_text(encoding="utf-8")
SCHEMES = [dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6});", block)) for block in STYLE.split("@media (prefers-")[:2]]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "raised"])
@pytest.mark.parametrize("text", ["ink", "muted", "accent", "warn", "bad"])
def test_text_meets_aa(scheme, ground, text):
    assert contrast(scheme[text], scheme[ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
@pytest.mark.parametrize("band", ["b0", "b1", "b2", "b3", "b4"])
def test_bands_can_be_read(scheme, band):
    assert contrast(scheme["ink"], scheme[band]) >= 4.5
