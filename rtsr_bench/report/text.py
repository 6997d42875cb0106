"""Formatting of untrusted text and of numbers for pages: no control characters, limited length."""

from __future__ import annotations

import hashlib
import math

from rtsr_bench.text import cut, replaced

MISSING = "–"


def one_line(text: str) -> str:
    """The text without control characters, with every run of white space as one space."""
    return " ".join(replaced(text).split())


def shorten(text: str, most: int) -> str:
    """The text on one line, cut to `most` characters with an ellipsis."""
    return cut(replaced(text), most)


def short_hash(text: str) -> str:
    """Eight hex digits that distinguish texts with the same slug."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def number(value: float | None, digits: int, *, signed: bool = False) -> str:
    """A number with `digits` after the point and separated thousands; a dash for None, ∞; zero has no minus sign."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:+z,.{digits}f}" if signed else f"{value:z,.{digits}f}"
    return text.replace("-", "−").replace(",", "\u202f")
