"""Deferring interrupts to the end of a step: a checkpoint of half a step would not resume bit-identically."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def unbroken() -> Iterator[None]:
    """Defer Ctrl-C and SIGTERM until the block ends, then deliver them to their handlers.

    This uses handlers instead of a signal mask, because torch's threads would receive what the main thread masks.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread handles signals
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda held, _: came.append(held)) for number in _HELD}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for held in came:
        signal.raise_signal(held)
