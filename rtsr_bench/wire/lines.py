"""Messages as lines: JSON objects, strict and of a bounded length."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_LINE = 4 * 1024 * 1024
"""Maximum bytes of a line; 10 000 samples take a tenth of it."""

MAX_TEXT = 8000
"""Maximum characters of a message or detail; longer ones are cut."""


def encode(message: dict[str, Any]) -> bytes:
    """Encode a message as a line; ValueError if a number is not finite or the line is too long."""
    line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ValueError(f"a message of {len(line)} bytes is longer than {MAX_LINE}")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """Decode a line; ValueError if it is not a message, holds NaN or Infinity, or is nested too deeply."""
    message = json.loads(line, parse_constant=_refuse, parse_float=_finite)
    if not isinstance(message, dict):
        raise ValueError(f"expected an object, found a {type(message).__name__}")  # noqa: TRY004 - as for any other text
    return message


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:40]} is beyond all numbers")
    return value


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number")


def clip(text: str) -> str:
    """Keep the end of a long text, because the last lines of a traceback give the reason."""
    return text if len(text) <= MAX_TEXT else "… " + text[-(MAX_TEXT - 2) :]
