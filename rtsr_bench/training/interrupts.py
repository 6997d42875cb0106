"""Interrupts between steps: a checkpoint of half a step would end in other bits."""

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
    """Hold Ctrl-C and SIGTERM back until the block is done, then let their handlers have them.

    By handlers of our own and not by a mask, because torch's threads would take what the main one has masked.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
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
