"""Robust output: any encoding, a closed stream or a closed pipe must not stop a measurement."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from rtsr_bench.text import spelled

if TYPE_CHECKING:
    from rich.console import Console

NO_READER = 141
"""Exit code if the reader of the output closed it early: 128 plus the number of SIGPIPE, as usual."""

_STREAMS = ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_WRONLY), (2, "stderr", os.O_WRONLY))
_LOST = {errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EBADF, errno.ENXIO}
"""Errors of writing to a stream whose reader or terminal is gone, or whose disk is full."""


class NoReaderError(Exception):
    """The reader of the output closed it early."""


def prepare() -> None:
    """Make the three standard streams usable, whatever the process was started with.

    Characters that an encoding lacks are escaped instead of raising. A closed stream is connected to the null device:
    otherwise the next opened file would get its descriptor, and prints would go into that file.
    """
    for number, name, flags in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # gets the lowest free descriptor, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str, *, err: bool = False) -> None:
    """Print a text, which may contain untrusted words, to stdout or stderr."""
    click.echo(spelled(text), err=err)


def fit(text: str) -> str:
    """Escape a text, which may contain untrusted words, for a rich table or line: no markup, no unsafe characters."""
    from rich.markup import escape

    return escape(spelled(text))


def is_lost(error: OSError) -> bool:
    """Whether an error comes from writing to a standard stream that is no longer connected."""
    return error.filename is None and error.errno in _LOST


def forsake(stream: TextIO | None) -> None:
    """Connect a stream to the null device, so that later prints, also at exit, raise no errors."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, cast("TextIO", stream).fileno())
        os.close(null)


def finish() -> None:
    """Flush buffered output; an OSError for which `is_lost` is true if there is no reader."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def steady_console(**options: Any) -> Console:
    """Return a rich console that continues silently if its stream is lost, so that a run is not stopped."""
    from rich.console import Console

    class Steady(Console):
        def on_broken_pipe(self) -> None:
            forsake(cast("TextIO", self.file))

        def print(self, *objects: Any, **settings: Any) -> None:
            try:
                super().print(*objects, **settings)
            except OSError as error:
                if not is_lost(error):
                    raise
                forsake(cast("TextIO", self.file))

    return Steady(**options)
