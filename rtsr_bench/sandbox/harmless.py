"""Words of a guest made fit to be shown.

What steers a terminal, reorders a line or is half a character is spelled out.
"""

from __future__ import annotations

from typing import TypeVar, cast

from rtsr_bench.text import spelled

Said = TypeVar("Said")


def harmless(said: Said) -> Said:
    """Return the same text, or the same message with all texts in it; line breaks and tabs stay."""
    made: object = said
    if isinstance(said, str):
        made = spelled(said)
    elif isinstance(said, dict):
        made = {harmless(key): harmless(value) for key, value in said.items()}
    elif isinstance(said, list):
        made = [harmless(value) for value in said]
    return cast("Said", made)
