"""One child process and what it is asked; `started` starts, watches and ends it."""

from __future__ import annotations

import contextlib
import secrets
import selectors
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Self, cast

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.execution import Execution
from rtsr_bench.protocol import Size
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.record.failure import whole_reason
from rtsr_bench.sandbox.bounds import Bounds
from rtsr_bench.sandbox.harmless import harmless
from rtsr_bench.sandbox.levels import Level
from rtsr_bench.sandbox.pixels import read_all, sealed_memfd
from rtsr_bench.sandbox.process import user_processes
from rtsr_bench.sandbox.settings import ChildSettings
from rtsr_bench.sandbox.started import Started
from rtsr_bench.sandbox.watch import EVERY_S
from rtsr_bench.wire import (
    EXCHANGES,
    MAX_LINE,
    Answer,
    EnhanceImage,
    Exchange,
    Failed,
    Greet,
    Hello,
    LoadModel,
    Prepared,
    PrepareModel,
    Progress,
    Reply,
    Request,
    clip,
    decode,
    encode,
    plain,
    reply_of,
)

HELLO_S = 120.0
_MOST_STEPS = 10_000_000


class Child(Started):
    """A process that may hold one guest. Use it as a context: when the block ends, process and scratch are gone.

    It must be started from a thread that outlives it: the child asks the kernel to be killed when that thread ends.
    """

    hello: Hello
    _idle = False
    _buffer = b""

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
        """Start the process and let it make the device ready; UserError if the device is not available.

        `ChildSettings` explains the arguments.
        """
        super().__init__(
            ChildSettings.now(device=device, threads=threads, level=level, bounds=bounds, timed=timed, visible=visible)
        )
        self.greet()

    @classmethod
    def ahead(cls, settings: ChildSettings) -> Self:
        """Start a process and return at once, before it has imported anything; `greet` makes it ready for a guest."""
        child = cls.__new__(cls)
        Started.__init__(child, settings)
        return child

    def settle(self) -> None:
        """Wait until the process has imported what it needs and is idle.

        UserError where a plug-in can't be imported, HarnessError where the process did not start.
        """
        if self._idle or self._process is None:
            return
        plugged, places = self.settings.plugged, self._process.plugins
        added = self._before_a_guest(plugged.request(places))
        if isinstance(added, Failure):
            raise plugged.refused(added, places)
        self._idle = True

    def greet(self) -> None:
        """Let the idle process make the device ready and bind itself; UserError if the device is not available."""
        self.settle()
        limits, device = self._bounds.rlimits(user_processes=user_processes()), self.settings.device
        hello = self._before_a_guest(Greet(device=device, threads=self.settings.threads, limits=limits))
        if isinstance(hello, Failure):
            raise UserError(
                f"device {device} cannot be used: {hello.message}; expected cpu, cuda or cuda:N of a GPU here"
            )
        self.hello = hello

    def _before_a_guest(self, request: Request[Answer]) -> Answer | Failure:
        """Ask a process that is starting; it is closed where anything but the answer comes."""
        try:
            answer = self.ask(request, limit_s=HELLO_S)
        except BaseException:
            self.close()
            raise
        if isinstance(answer, Failure):
            self.close()
            if answer.kind in (FailureKind.CRASHED, FailureKind.NO_RESULT):
                said = clip(answer.detail).strip().splitlines()
                raise HarnessError(f"the child did not start: {answer.message}{f'; {said[-1]}' if said else ''}")
        return answer

    def ask(
        self,
        request: Request[Answer],
        *,
        limit_s: float,
        files: Sequence[int] = (),
        on_progress: Callable[[int], None] | None = None,
    ) -> Answer | Failure:
        """Send a request and wait for its reply, `limit_s` seconds at most; a child that overruns is killed.

        The files that `LoadModel` names are copied into the sandbox first. `files` are descriptors to send as well.
        """
        exchange, deadline = EXCHANGES[type(request)], monotonic() + limit_s
        stage = exchange.stage
        sent: Request[Any] = request
        if self._process is None:
            return Failure(stage=stage, kind=FailureKind.NO_RESULT, message="the process has ended")
        if isinstance(request, LoadModel):
            sent = self._room.admit(request, self._process.inside)
        early = self._unasked()
        if early:
            self.kill()
            return self._failure(stage, FailureKind.INCONSISTENT, f"{early} bytes of an answer without a request")
        number = secrets.token_hex(8)
        self._send(encode(plain(sent) | {"id": number}), files)
        return cast("Answer | Failure", self._answer(exchange, number, deadline, limit_s, on_progress))

    def _answer(
        self,
        exchange: Exchange,
        number: str,
        deadline: float,
        limit_s: float,
        on_progress: Callable[[int], None] | None,
    ) -> Reply | Failure:
        """Read up to the end of the answer to the request of this number."""
        try:
            while True:
                line = self._line(exchange.stage, deadline, limit_s)
                if isinstance(line, Failure):
                    self.kill()
                    return line
                message = harmless(decode(line))
                if message.pop("id", None) != number:
                    raise ValueError("an answer to another question")
                match message.get("event"):
                    case "progress":
                        progress = reply_of(message, Progress)
                        if on_progress is not None:
                            on_progress(min(_MOST_STEPS, max(0, progress.done)))
                    case "failed":
                        return self._failed(exchange.stage, reply_of(message, Failed))
                    case "done":
                        return reply_of(message, exchange.reply)
                    case _:
                        raise ValueError("an answer without an event that is known")
        except (ValueError, TypeError, RecursionError) as error:
            return self._garbage(exchange.stage, error)

    def _garbage(self, stage: Stage, error: Exception) -> Failure:
        self.kill()
        return self._failure(stage, FailureKind.INCONSISTENT, f"the process answered garbage: {error}")

    def prepare(self, execution: Execution, *, limit_s: float, size: Size | None = None) -> Prepared | Failure:
        """Make the model ready for an execution, which may take building it anew: no part of enhancing an image.

        With the `size` of an input everything is exported and compiled that a call needs; this fails at Stage.EXPORT.
        """
        answer = self.ask(PrepareModel(execution=execution, size=size), limit_s=limit_s)
        return replace(answer, stage=Stage.EXPORT) if isinstance(answer, Failure) and size is not None else answer

    def enhance(
        self, lr: bytes | memoryview, *, size: Size, scale: int, execution: Execution, limit_s: float
    ) -> bytearray | Failure:
        """Turn LR pixels (H x W x 3, 8 bit) into SR pixels, through files whose sizes the guest can't change."""
        count = size.times(scale).pixels * 3
        request = EnhanceImage(size=size, scale=scale, execution=execution)
        with sealed_memfd(size.pixels * 3, lr) as given, sealed_memfd(count) as wanted:
            answer = self.ask(request, limit_s=limit_s, files=(given, wanted))
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

    def _failed(self, stage: Stage, failed: Failed) -> Failure:
        detail = failed.detail
        if failed.over:  # every further call would fail with the same error of the device
            self.kill()
        said = self.output
        if said:
            detail = f"{detail}\n--- output of the process ---\n{said}".lstrip("\n")
        return Failure(stage=stage, kind=failed.kind, message=whole_reason(failed.message), detail=clip(detail))

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
        return self._failure(stage, *self._process.how_it_ended(self._bounds.cpu_s))
