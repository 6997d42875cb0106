"""Signals that end a run in the same way as Ctrl-C."""

from __future__ import annotations

import signal
from types import FrameType

AGAIN_S = 15.0
"""A KeyboardInterrupt that is raised inside a callback of the interpreter, such as a destructor, is lost: after so many
seconds it is raised again, until the process ends."""


def end_on_signals() -> None:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    del number, frame
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _terminate)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
    raise KeyboardInterrupt


def ended() -> None:
    """Raise nothing any more: the interrupt has arrived."""
    if hasattr(signal, "setitimer") and signal.getsignal(signal.SIGALRM) is _terminate:
        signal.setitimer(signal.ITIMER_REAL, 0)
