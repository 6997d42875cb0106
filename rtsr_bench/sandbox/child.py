"""One child process: started, asked, watched, and killed with everything in its process group."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.sandbox.replies import Hello, Reply, convert
from rtsr_bench.wire import MAX_LINE, Op, clip, encode

ISOLATION = "process"
"""The isolation level that this boundary reaches today, as the record says it."""

HELLO_S = 120.0
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - pixels pass through memory where the system has it
_SHARED_MEMORY_LEAST = 1 << 30
_SCRATCH, _LOCK = "rtsr-bench-", "in-use"
_KEPT_OUTPUT = 16 * 1024
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OMP_NUM_THREADS", "LANG", "TZ")
_STAGES = {
    Op.HELLO: Stage.LOAD,
    Op.LOAD: Stage.LOAD,
    Op.CHECK: Stage.ENHANCE,
    Op.ENHANCE: Stage.ENHANCE,
    Op.RUNTIME: Stage.RUNTIME,
    Op.COMPLEXITY: Stage.COMPLEXITY,
}


class Child:
    """A process that may hold one guest. Use it as a context: when the block ends, process and scratch are gone.

    It must be started from a thread that outlives it: the child asks the kernel to be killed when that thread ends.
    """

    def __init__(self, *, device: str = "cpu", threads: int = 0) -> None:
        """Start the process and let it make the device ready; UserError where the device can't be had."""
        parent = _scratch_parent()
        _sweep(parent)
        self.scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-", dir=parent))
        self._lock = (self.scratch / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._buffer = b""
        self._output = bytearray()
        self._closed = False
        try:
            self._start()
            hello = self.ask(Op.HELLO, Hello, {"device": device, "threads": threads}, limit_s=HELLO_S)
        except BaseException:
            self.close()
            raise
        if isinstance(hello, Failure):
            self.close()
            raise UserError(
                f"device {device} cannot be used: {hello.message}; expected cpu, cuda or cuda:N of a GPU here"
            )
        self.hello = hello
        self.isolation = ISOLATION

    def _start(self) -> None:
        requests_read, requests_write = os.pipe()
        answers_read, answers_write = os.pipe()
        command = [sys.executable, "-I", "-B", "-m", "rtsr_bench.measuring.worker"]
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"HOME": str(self.scratch), "TMPDIR": str(self.scratch)}
        try:
            self._process = subprocess.Popen(
                [*command, str(requests_read), str(answers_write), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(requests_read, answers_write),
                env=environment,
                cwd=self.scratch,
                start_new_session=True,
            )
        except OSError as error:
            os.close(requests_write)
            os.close(answers_read)
            raise HarnessError(f"no child process could be started: {error}") from error
        finally:
            os.close(requests_read)
            os.close(answers_write)
        self._requests, self._answers = requests_write, answers_read
        os.set_blocking(self._answers, False)
        self._drain = threading.Thread(target=self._keep_output, daemon=True)
        self._drain.start()

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._closed and self._process.poll() is None

    def ask(
        self,
        op: Op,
        kind: type[Reply],
        arguments: dict[str, Any] | None = None,
        *,
        limit_s: float,
        on_progress: Callable[[int], None] | None = None,
    ) -> Reply | Failure:
        """Send a request and wait for its answer, `limit_s` seconds at most; a child that overruns is killed."""
        stage, deadline = _STAGES[op], monotonic() + limit_s
        with contextlib.suppress(BrokenPipeError):  # a dead child is noticed when its answer is read
            os.write(self._requests, encode({"op": op.value, **(arguments or {})}))
        while True:
            line = self._line(stage, deadline, limit_s)
            if isinstance(line, Failure):
                self.kill()
                return line
            try:
                message = json.loads(line)
                event = message["event"]
                if event == "progress":
                    if on_progress is not None:
                        on_progress(int(message["done"]))
                    continue
                if event == "failed":
                    return self._failed(stage, message)
                return convert(message, kind)
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                self.kill()
                return self._failure(stage, FailureKind.INCONSISTENT, f"the process answered garbage: {error}")

    def _failed(self, stage: Stage, message: dict[str, Any]) -> Failure:
        detail = str(message["detail"])
        said = self.output
        if said:
            detail += f"\n--- output of the process ---\n{said}"
        return Failure(
            stage=stage, kind=FailureKind(message["kind"]), message=clip(str(message["message"])), detail=clip(detail)
        )

    def _failure(self, stage: Stage, kind: FailureKind, message: str) -> Failure:
        return Failure(stage=stage, kind=kind, message=message, detail=clip(self.output))

    def _line(self, stage: Stage, deadline: float, limit_s: float) -> bytes | Failure:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - monotonic()
                if left <= 0:
                    return self._failure(stage, FailureKind.TIMEOUT, f"no answer within {limit_s:g} s")
                if not selector.select(left):
                    continue
                chunk = os.read(self._answers, 1 << 16)
                if not chunk:
                    return self._ended(stage)
                self._buffer += chunk
                if len(self._buffer) > MAX_LINE:
                    return self._failure(stage, FailureKind.INCONSISTENT, f"an answer longer than {MAX_LINE} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _ended(self, stage: Stage) -> Failure:
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return self._failure(stage, FailureKind.NO_RESULT, "the process closed its answers without giving one")
        self._drain.join(timeout=1)
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            hint = " (most often: out of memory)" if -code == signal.SIGKILL else ""
            return self._failure(stage, FailureKind.CRASHED, f"the process was ended by {name}{hint}")
        return self._failure(stage, FailureKind.NO_RESULT, f"the process ended with exit code {code} and no answer")

    def _keep_output(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(stream.fileno(), 1 << 16):
                self._output += chunk
                del self._output[:-_KEPT_OUTPUT]

    @property
    def output(self) -> str:
        """The end of what the guest printed."""
        return bytes(self._output).decode("utf-8", "replace").strip()

    def kill(self) -> None:
        """End the process and all of its group at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)

    def close(self) -> None:
        """Kill the process if it lives, close the pipes, remove the scratch folder."""
        if self._closed:
            return
        self._closed = True
        if hasattr(self, "_process"):
            self.kill()
            for fd in (self._requests, self._answers):
                os.close(fd)
            self._drain.join(timeout=1)
            if self._process.stdout is not None and not self._drain.is_alive():
                self._process.stdout.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _scratch_parent() -> Path:
    """Shared memory where it is large enough for 4K pixels, else the system's temporary folder."""
    usual = Path(tempfile.gettempdir())
    try:
        room = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return usual
    large = room.f_bavail * room.f_frsize >= _SHARED_MEMORY_LEAST
    return _SHARED_MEMORY if large and os.access(_SHARED_MEMORY, os.W_OK) else usual


def _sweep(parent: Path) -> None:
    """Remove scratch folders whose harness was killed before it could: nobody holds their lock any longer."""
    for lock in parent.glob(f"{_SCRATCH}*/{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
