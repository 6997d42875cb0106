"""The duration of a training, without its pauses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOOK_EVERY = 0.5
"""Seconds between two checks for the end of a pause."""


class Clock:
    """A clock that starts when it is created and stops during `wait`."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._paused = 0.0

    def seconds(self) -> float:
        """Seconds since it was created, without the waits."""
        return time.monotonic() - self._since - self._paused

    def wait(self, file: Path | None) -> None:
        """Wait as long as the file exists."""
        if file is None or not file.exists():
            return
        began = time.monotonic()
        try:
            while file.exists():
                time.sleep(LOOK_EVERY)
        finally:
            self._paused += time.monotonic() - began
