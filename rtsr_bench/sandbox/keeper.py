"""Stands between the harness and a child, and leaves nothing of it behind.

Run as a script, with nothing but the standard library: `python -I -S keeper.py HARNESS_PID COMMAND...`. In the command
the word KEEPER becomes this process's number. Orphans of the child come back to the keeper (`PR_SET_CHILD_SUBREAPER`),
whatever session they moved to; when the child ends, or the harness asks or dies, all of them are killed. The keeper
then ends as the child did. A sandbox of bubblewrap needs it as well: if bwrap is killed while it makes the sandbox, the
first process in it waits forever.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

KEEPER = "KEEPER"
"""Stands in a command for the keeper's process number."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def kept(command: Sequence[str]) -> list[str]:
    """Return the command line that runs this one under a keeper of the calling process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main() -> None:
    """Run the command, wait for it, end everything it left."""
    harness, command = int(sys.argv[1]), sys.argv[2:]
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != harness:
        sys.exit(1)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
    me = str(os.getpid())
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGCHLD})
        os.execv(command[0], [me if word == KEEPER else word for word in command])  # noqa: S606 - no shell is wanted
    for fd in range(3, 64):  # the child's ends of the wire are not the keeper's
        with contextlib.suppress(OSError):
            os.close(fd)
    status = _wait(child)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    _end_all()
    if status is not None and os.WIFEXITED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status) if status is not None else signal.SIGKILL
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(1)


def _wait(child: int) -> int | None:
    """Wait for the child to end and return how; None where the harness asked for the end."""
    while True:
        if signal.sigwait({signal.SIGTERM, signal.SIGCHLD}) == signal.SIGTERM:
            return None
        while True:
            with contextlib.suppress(ChildProcessError):
                ended, status = os.waitpid(-1, os.WNOHANG)
                if ended == child:
                    return status
                if ended:
                    continue
            break


def _end_all() -> None:
    """Stop every descendant, so that none can start another, then kill them, until none is left."""
    while True:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in _descendants():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def _descendants() -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in os.scandir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112 - no pathlib needed for this
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(f"/proc/{entry.name}/stat").read_text(encoding="utf-8", errors="replace")
                parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


if __name__ == "__main__":
    main()
