"""One child process: started, asked, watched, and killed with everything it started."""

from __future__ import annotations

import contextlib
import secrets
import selectors
import signal
import socket
from collections.abc import Callable, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Size
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.record.failure import whole_reason
from rtsr_bench.sandbox import bubblewrap, levels
from rtsr_bench.sandbox.bounds import Bounds
from rtsr_bench.sandbox.harmless import harmless
from rtsr_bench.sandbox.levels import Level
from rtsr_bench.sandbox.needs import require_system
from rtsr_bench.sandbox.pixels import read_all, sealed_memfd
from rtsr_bench.sandbox.plugged import Plugged
from rtsr_bench.sandbox.process import Process, user_processes
from rtsr_bench.sandbox.replies import Added, Enhanced, Hello, Prepared, Reply, convert
from rtsr_bench.sandbox.room import Room
from rtsr_bench.sandbox.watch import EVERY_S, Watch
from rtsr_bench.wire import MAX_LINE, Op, clip, decode, encode

HELLO_S = 120.0
_MOST_STEPS = 10_000_000
_STAGES = {
    Op.PLUGINS: Stage.LOAD,
    Op.HELLO: Stage.LOAD,
    Op.LOAD: Stage.LOAD,
    Op.PREPARE: Stage.LOAD,
    Op.CHECK: Stage.ENHANCE,
    Op.ENHANCE: Stage.ENHANCE,
    Op.RUNTIME: Stage.RUNTIME,
    Op.WARM: Stage.RUNTIME,
    Op.REPEAT: Stage.RUNTIME,
    Op.LOOK: Stage.RUNTIME,
    Op.FINISH: Stage.RUNTIME,
    Op.COMPLEXITY: Stage.COMPLEXITY,
}


def wants_gpu(device: str) -> bool:
    """Whether a child for this device (`cpu`, `cuda`, `cuda:N`, `auto`) needs a GPU's device nodes."""
    return device not in ("cpu", "auto") or (device == "auto" and bool(bubblewrap.gpu_nodes()))


class Child:
    """A process that may hold one guest. Use it as a context: when the block ends, process and scratch are gone.

    It must be started from a thread that outlives it: the child asks the kernel to be killed when that thread ends.
    """

    def __init__(
        self,
        *,
        device: str = "cpu",
        threads: int = 0,
        level: Level | None = None,
        bounds: Bounds | None = None,
        timed: bool = False,
        visible: str = "",
    ) -> None:
        """Start the process and let it make the device ready; UserError where the device can't be had.

        `visible` names the only GPU that the child sees, empty for all of them; on `cpu` it sees none. `level` None is
        the highest isolation level that can be had here. The threads of a `timed` child spin while they wait for each
        other, as torch has it; those of another sleep.
        """
        require_system()
        gpu, plugged = wants_gpu(device), Plugged.of_child()
        self.isolation = level or (levels.obtainable(gpu=True) if gpu else levels.obtainable()).level
        self._bounds = bounds or Bounds()
        self._room = Room()
        self._buffer = b""
        self._process: Process | None = None
        self._wire, theirs = socket.socketpair()
        try:
            with theirs:
                theirs.set_inheritable(True)
                self._process = Process(
                    self.isolation,
                    self._room,
                    self._bounds,
                    theirs,
                    gpu=gpu,
                    timed=timed,
                    plugins=plugged.paths,
                    visible="" if device == "cpu" else visible or None,
                )
            private = bubblewrap.SCRATCH if self.isolation is Level.BUBBLEWRAP else None
            self._watch = Watch(self._process.root, self._bounds, self._room, private)
            within = self._bounds.as_request(user_processes=user_processes())
            request = {"device": device, "threads": threads, "bounds": within}
            if plugged.sources:
                added = self.ask(Op.PLUGINS, Added, plugged.request(self._process.plugins), limit_s=HELLO_S)
                if isinstance(added, Failure) and added.kind is FailureKind.EXCEPTION:
                    raise plugged.refused(added, self._process.plugins)
            hello = self.ask(Op.HELLO, Hello, request, limit_s=HELLO_S)
        except BaseException:
            self.close()
            raise
        if isinstance(hello, Failure):
            self.close()
            if hello.kind in (FailureKind.CRASHED, FailureKind.NO_RESULT):
                said = clip(hello.detail).strip().splitlines()
                raise HarnessError(f"the child did not start: {hello.message}{f'; {said[-1]}' if said else ''}")
            raise UserError(
                f"device {device} cannot be used: {hello.message}; expected cpu, cuda or cuda:N of a GPU here"
            )
        self.hello = hello

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process is not None and self._process.running

    @property
    def output(self) -> str:
        """The end of what the guest printed."""
        said = b"" if self._process is None else bytes(self._process.output)
        return harmless(said.decode("utf-8", "replace").strip())

    def pids(self) -> list[int]:
        """Numbers of its processes, as seen from here."""
        return self._watch.pids()

    def cpu_s(self) -> float:
        """Seconds that processors have worked for it up to now, as the kernel counts them."""
        return self._watch.cpu_s()

    def ask(
        self,
        op: Op,
        kind: type[Reply],
        arguments: dict[str, Any] | None = None,
        *,
        limit_s: float,
        files: Sequence[int] = (),
        on_progress: Callable[[int], None] | None = None,
    ) -> Reply | Failure:
        """Send a request and wait for its answer, `limit_s` seconds at most; a child that overruns is killed.

        What `load` names is copied into the guest's room first. `files` are descriptors that go along.
        """
        stage, deadline = _STAGES[op], monotonic() + limit_s
        request = dict(arguments or {})
        if self._process is None:
            return Failure(stage=stage, kind=FailureKind.NO_RESULT, message="the process has ended")
        if op is Op.LOAD:
            request = self._room.admit(request, self._process.inside)
        early = self._unasked()
        if early:
            self.kill()
            return self._failure(stage, FailureKind.INCONSISTENT, f"{early} bytes of an answer that nobody asked for")
        number = secrets.token_hex(8)
        self._send(encode({**request, "op": op.value, "id": number}), files)
        answer = self._answer(stage, number, deadline, limit_s, on_progress)
        if isinstance(answer, Failure):
            return answer
        try:
            return convert(answer, kind)
        except ValueError as error:
            return self._garbage(stage, error)

    def _answer(
        self,
        stage: Stage,
        number: str,
        deadline: float,
        limit_s: float,
        on_progress: Callable[[int], None] | None,
    ) -> dict[str, Any] | Failure:
        """Read up to the end of the answer to the request of this number."""
        try:
            while True:
                line = self._line(stage, deadline, limit_s)
                if isinstance(line, Failure):
                    self.kill()
                    return line
                message = harmless(decode(line))
                if message.pop("id", None) != number:
                    raise ValueError("an answer to another question")
                match message.pop("event"):
                    case "progress":
                        if on_progress is not None:
                            on_progress(min(_MOST_STEPS, max(0, int(message["done"]))))
                    case "failed":
                        return self._failed(stage, message)
                    case _:
                        return message
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            return self._garbage(stage, error)

    def _garbage(self, stage: Stage, error: Exception) -> Failure:
        self.kill()
        return self._failure(stage, FailureKind.INCONSISTENT, f"the process answered garbage: {error}")

    def prepare(self, execution: Execution, *, limit_s: float) -> Prepared | Failure:
        """Make the model ready for an execution, which may take building it anew: no part of enhancing an image."""
        return self.ask(Op.PREPARE, Prepared, {"execution": execution.plain()}, limit_s=limit_s)

    def enhance(
        self, lr: bytes | memoryview, *, size: Size, scale: int, execution: Execution, limit_s: float
    ) -> bytearray | Failure:
        """Turn LR pixels (H x W x 3, 8 bit) into SR pixels, through files whose sizes the guest can't change."""
        count = size.times(scale).pixels * 3
        request = {"size": [size.height, size.width], "scale": scale, "execution": execution.plain()}
        with sealed_memfd(size.pixels * 3, lr) as given, sealed_memfd(count) as wanted:
            answer = self.ask(Op.ENHANCE, Enhanced, request, limit_s=limit_s, files=(given, wanted))
            if isinstance(answer, Failure):
                return answer
            sr = read_all(wanted, count)
        if len(sr) != count:
            message = f"{len(sr)} bytes of SR pixels arrived, expected {count}"
            return Failure(stage=Stage.ENHANCE, kind=FailureKind.BAD_OUTPUT, message=message)
        return sr

    def _send(self, line: bytes, files: Sequence[int]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # noticed when the answer is read
            sent = socket.send_fds(self._wire, [line], list(files)) if files else 0
            self._wire.sendall(line[sent:])

    def _unasked(self) -> int:
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            self._buffer += self._wire.recv(1 << 16, socket.MSG_DONTWAIT)
        return len(self._buffer)

    def _failed(self, stage: Stage, message: dict[str, Any]) -> Failure:
        detail = str(message["detail"])
        if message.get("over") is True:  # every further call would fail with the same error of the device
            self.kill()
        said = self.output
        if said:
            detail = f"{detail}\n--- output of the process ---\n{said}".lstrip("\n")
        kind, text = FailureKind(message["kind"]), whole_reason(str(message["message"]))
        return Failure(stage=stage, kind=kind, message=text, detail=clip(detail))

    def _failure(self, stage: Stage, kind: FailureKind, message: str) -> Failure:
        return Failure(stage=stage, kind=kind, message=message, detail=clip(self.output))

    def _line(self, stage: Stage, deadline: float, limit_s: float) -> bytes | Failure:
        look = monotonic() + EVERY_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._wire, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                now = monotonic()
                if now >= deadline:
                    return self._failure(stage, FailureKind.TIMEOUT, f"no answer within {limit_s:g} s")
                if now >= look:
                    look = now + EVERY_S
                    trouble = self._watch.trouble()
                    if trouble is not None:
                        return self._failure(stage, *trouble)
                if not selector.select(max(0.0, min(deadline, look) - now)):
                    continue
                try:
                    chunk = self._wire.recv(1 << 16)
                except ConnectionResetError:
                    chunk = b""
                if not chunk:
                    return self._ended(stage)
                self._buffer += chunk
                if len(self._buffer) > MAX_LINE:
                    return self._failure(stage, FailureKind.INCONSISTENT, f"an answer longer than {MAX_LINE} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _ended(self, stage: Stage) -> Failure:
        assert self._process is not None
        ended = self._process.ended()
        if ended is None:
            return self._failure(stage, FailureKind.NO_RESULT, "the process closed its answers without giving one")
        code, number = ended
        if number:
            name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
            if number == getattr(signal, "SIGXCPU", None):
                return self._failure(stage, FailureKind.TIMEOUT, f"more than {self._bounds.cpu_s} s of CPU time")
            hint = " (most often: out of memory)" if number == signal.SIGKILL else ""
            return self._failure(stage, FailureKind.CRASHED, f"the process was ended by {name}{hint}")
        return self._failure(stage, FailureKind.NO_RESULT, f"the process ended with exit code {code} and no answer")

    def kill(self) -> None:
        """End the process and everything it started at once."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Kill the process if it lives, close the wire, remove the guest's room."""
        if self._process is not None:
            self._process.close()
        self._wire.close()
        self._room.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
