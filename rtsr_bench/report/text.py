"""Words from strangers made fit to be shown: no control characters, no endless names, file names that stay put."""

from __future__ import annotations

import hashlib
import math

from rtsr_bench.text import replaced

MISSING = "–"


def one_line(text: str) -> str:
    """The text, cleaned, with every run of white space as one blank."""
    return " ".join(replaced(text).split())


def shorten(text: str, most: int) -> str:
    """The text on one line, cut to `most` characters with an ellipsis where it is longer."""
    line = one_line(text)
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def short_hash(text: str) -> str:
    """Eight hex digits that tell two texts with one slug apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def number(value: float | None, digits: int, *, signed: bool = False) -> str:
    """A number with so many digits after the point and thousands set off; a dash for None, ∞ where it is infinite."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"
    return text.replace("-", "−").replace(",", "\u202f")
