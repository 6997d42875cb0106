"""Starting the child's process at an isolation level, telling how it ended, and ending it with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from rtsr_bench.errors import HarnessError
from rtsr_bench.record import FailureKind
from rtsr_bench.sandbox import bubblewrap
from rtsr_bench.sandbox.keeper import KEEPER, kept
from rtsr_bench.sandbox.levels import Level, obtainable
from rtsr_bench.sandbox.room import Room
from rtsr_bench.sandbox.settings import ChildSettings
from rtsr_bench.sandbox.watch import tree

_KEPT_OUTPUT = 16 * 1024
WORKER = ("-m", "rtsr_bench.measuring.worker")
"""What the child's interpreter runs; the rehearsal of the CUDA path puts its own module in this place."""

_INIT = "1"
"""The number that a sandbox's first process, the worker's parent, has inside."""

_PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that sleep while they wait for each other. By default they spin, and beside other work on the same cores a
call then takes a hundred times as long: 550 ms instead of 3, seen with RT4KSR-S at 27x48. Waking costs some 0.1 ms a
layer, which is why a timed child does as torch does by default."""

_GONE_S, _ENDING_S = 10.0, 3.0


class Process:
    """The child's process and its output, which is read all the time and of which the end is kept."""

    def __init__(self, settings: ChildSettings, room: Room, wire: socket.socket) -> None:
        """Start it with one end of the wire; HarnessError where no process can be started.

        It can read the plug-ins at the paths in the attribute `plugins`.
        """
        self.level = level = settings.level
        self.output = bytearray()
        plugins, gpu, visible = settings.plugged.paths, settings.gpu, settings.only_gpu
        environment = dict(settings.environment) | ({} if settings.timed else _PATIENT)
        environment |= {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
        program = [sys.executable, "-I", "-B", *WORKER, str(wire.fileno()), str(os.getpid())]
        with contextlib.ExitStack() as stack:
            if level is Level.BUBBLEWRAP:
                home = bubblewrap.SCRATCH
                self.inside = Path(bubblewrap.ROOM)
                self.plugins = tuple(bubblewrap.plugin_inside(*numbered) for numbered in enumerate(plugins))
                shell = bubblewrap.Shell(
                    executable=(obtainable(gpu=True).executable if gpu else "") or obtainable().executable,
                    room=room.visible,
                    scratch_bytes=settings.bounds.scratch,
                    gpu=gpu,
                    plugins=plugins,
                )
                seccomp = stack.enter_context(shell.filter())
                passed = [wire.fileno(), *([] if seccomp is None else [seccomp])]
                inner = environment | {"HOME": home, "TMPDIR": home, "USER": "guest"}
                command = [*shell.command(environment=inner, seccomp_fd=seccomp), *program, _INIT]
            else:
                home = str(room.scratch)
                self.inside, self.plugins = room.visible, plugins
                passed = [wire.fileno()]
                command = [*program, KEEPER]
            try:
                self._popen = subprocess.Popen(
                    kept(command),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=passed,
                    env=environment | {"HOME": home, "TMPDIR": home, "USER": "guest"},
                    cwd=room.scratch,
                    start_new_session=True,
                )
            except OSError as error:
                raise HarnessError(f"no child process could be started: {error}") from error
        self._drain = threading.Thread(target=self._keep_output, daemon=True)
        self._drain.start()

    @property
    def root(self) -> int:
        """Number of the process below which everything of the guest is."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def how_it_ended(self, cpu_s: int) -> tuple[FailureKind, str]:
        """Wait a little for its end and tell what that was, in words; `cpu_s` is its limit of CPU time."""
        ended = self._ended()
        if ended is None:
            return FailureKind.NO_RESULT, "the process closed its answers without giving one"
        code, number = ended
        if not number:
            return FailureKind.NO_RESULT, f"the process ended with exit code {code} and no answer"
        if number == getattr(signal, "SIGXCPU", None):
            return FailureKind.TIMEOUT, f"more than {cpu_s} s of CPU time"
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        hint = " (most often: out of memory)" if number == signal.SIGKILL else ""
        return FailureKind.CRASHED, f"the process was ended by {name}{hint}"

    def _ended(self) -> tuple[int, int] | None:
        """Its exit code and 0, or 0 and the signal that ended it; None where it lives on."""
        try:
            code = self._popen.wait(timeout=_ENDING_S)
        except subprocess.TimeoutExpired:
            return None
        self._drain.join(timeout=1)
        if code < 0:
            return 0, -code
        if self.level is Level.BUBBLEWRAP and code > 128:  # how bwrap passes a signal on
            return 0, code - 128
        return code, 0

    def kill(self) -> None:
        """End the process and everything it started, and see that all of it is gone."""
        if self._popen.returncode is not None:  # its number may be another process's by now
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._popen.pid, signal.SIGTERM)  # the keeper ends what is below it, then itself
            os.kill(self._popen.pid, signal.SIGCONT)  # a guest may have stopped it
        try:
            self._popen.wait(timeout=_GONE_S)
        except subprocess.TimeoutExpired:
            for pid in (*tree(self._popen.pid)[0], self._popen.pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self._popen.wait()

    def close(self) -> None:
        """Kill it if it is alive, and wait a moment for the end of its output."""
        self.kill()
        self._drain.join(timeout=1)

    def _keep_output(self) -> None:
        """Read the output to its end and close it: whatever holds the other end may live longer than the child."""
        stream = self._popen.stdout
        assert stream is not None
        with contextlib.suppress(OSError, ValueError), stream:
            while chunk := os.read(stream.fileno(), 1 << 16):
                self.output += chunk
                del self.output[:-_KEPT_OUTPUT]


def user_processes() -> int:
    """Processes and threads that this user runs already: the kernel counts them against the child's limit."""
    me, total = os.getuid(), 0
    for entry in os.scandir("/proc") if Path("/proc").is_dir() else ():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == me:
                    total += len(os.listdir(f"{entry.path}/task"))  # noqa: PTH208 - a count, and ten times as fast
    return total
