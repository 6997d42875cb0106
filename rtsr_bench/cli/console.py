"""The terminal as it is found: any encoding, a closed stream, a reader who left. None of it stops a measurement."""

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
"""Exit code where the reader of the output left before its end: 128 and the number of SIGPIPE, as of other programs."""

_STREAMS = ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_WRONLY), (2, "stderr", os.O_WRONLY))
_LOST = {errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EBADF, errno.ENXIO}
"""What writing to a stream says when its reader, its terminal or the room on its disk is gone."""


class NoReaderError(Exception):
    """The reader of the output left before its end."""


def prepare() -> None:
    """Make the three standard streams usable, whatever the process was started with.

    What an encoding lacks is spelled out instead of raising. A closed stream leads to the null device: otherwise the
    next file that is opened would take its number, and be written to by whoever prints.
    """
    for number, name, flags in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str, *, err: bool = False) -> None:
    """Print a text, which may hold a stranger's words, to stdout or stderr."""
    click.echo(spelled(text), err=err)


def fit(text: str) -> str:
    """Make a text, which may hold a stranger's words, fit for a rich table or line: no markup, nothing unfit."""
    from rich.markup import escape

    return escape(spelled(text))


def is_lost(error: OSError) -> bool:
    """Whether an error is of writing to a standard stream that leads nowhere any more."""
    return error.filename is None and error.errno in _LOST


def forsake(stream: TextIO | None) -> None:
    """Let a stream lead to the null device, so that nothing that is printed from here on, or at exit, complains."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, cast("TextIO", stream).fileno())
        os.close(null)


def finish() -> None:
    """Write out what is buffered; OSError as `is_lost` knows it where nobody takes it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def steady_console(**options: Any) -> Console:
    """Return a rich console that goes on in silence where its stream is lost: what is measured matters more."""
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
