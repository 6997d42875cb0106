"""What parent and child say to each other: JSON objects, one a line, over a socket; pixels go through files.

The parent sends a request (`op`, its arguments, a random `id`; descriptors of files go along). The child answers with
any number of `{"event": "progress"}` and then one `{"event": "done", ...}` or `{"event": "failed", "kind": ...,
"message": ..., "detail": ...}`, each with the same `id`. The shapes of the answers stand in `sandbox.replies`, which
believes nothing.
"""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Any

MAX_LINE = 4 * 1024 * 1024
"""Bytes of the longest line that is read; 10 000 samples take a tenth of it."""

MAX_TEXT = 8000
"""Characters of a message or detail that are kept."""


class Op(StrEnum):
    """What the parent may ask for, in the order in which it asks."""

    PLUGINS = "plugins"
    HELLO = "hello"
    LOAD = "load"
    PREPARE = "prepare"
    ENHANCE = "enhance"
    RUNTIME = "runtime"
    WARM = "warm"
    REPEAT = "repeat"
    LOOK = "look"
    FINISH = "finish"
    COMPLEXITY = "complexity"
    CHECK = "check"


def encode(message: dict[str, Any]) -> bytes:
    """Turn one message into a line; ValueError where a number is not finite or the line is too long."""
    line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ValueError(f"a message of {len(line)} bytes is longer than {MAX_LINE}")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """Turn a line into a message; ValueError where it is none, holds NaN or Infinity, or is nested too deeply."""
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
    """Keep the end of a long text: the last lines of a traceback say what went wrong."""
    return text if len(text) <= MAX_TEXT else "… " + text[-(MAX_TEXT - 2) :]
