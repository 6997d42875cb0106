"""The child process: answers requests until its pipe closes. Started by the sandbox, never imported.

python -I -m rtsr_bench.measuring.worker WIRE_FD HARNESS_PID PARENT_PID
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

if __name__ == "__main__":
    # Of what the imports below make, next to nothing is garbage: looking for it takes a tenth of their time.
    gc.disable()

import torch

from rtsr_bench import plugins
from rtsr_bench.backends import BACKENDS
from rtsr_bench.formats import FORMATS
from rtsr_bench.measuring import complexity, contract, enhance, numerics, realtime, reference, timing
from rtsr_bench.measuring.bind import bind, die_first
from rtsr_bench.measuring.clocks import Clock, Processor, clock_of
from rtsr_bench.measuring.guest import BadGuest, Guest
from rtsr_bench.measuring.loading import load
from rtsr_bench.measuring.memory import MemoryWatch
from rtsr_bench.measuring.reasons import kind_of, reason_of
from rtsr_bench.wire import (
    BeginPlaying,
    BeginTiming,
    CheckContract,
    CountOperations,
    EnhanceImage,
    Failed,
    FinishTiming,
    Greet,
    Hello,
    Imported,
    ImportPlugins,
    KeepWarm,
    Loaded,
    LoadModel,
    LookAtOutput,
    Message,
    PlayFrames,
    PrepareModel,
    Progress,
    Reply,
    Request,
    TimeCall,
    TimeReference,
    Warmed,
    clip,
    decode,
    encode,
    plain,
    request_of,
)

_PR_SET_PDEATHSIG = 1
_PROGRESS_EVERY_S = 0.1
_MOST_FILES = 8
_WhileTiming = KeepWarm | TimeCall | LookAtOutput | FinishTiming | PlayFrames


class Worker:
    """One guest on one device, and the answers given about it."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._id = ""
        self._files: list[int] = []
        self._device = torch.device("cpu")
        self._clock: Clock = Processor()
        self._guest: Guest | None = None
        self._entered = False
        self._seen = contract.Seen()
        self._watch: MemoryWatch | None = None
        self._timing: timing.Timing | realtime.Player | None = None
        self._last = 0.0

    def answer(self, message: dict[str, Any], files: list[int]) -> None:
        """Carry out one request and say how it went; nothing a guest raises leaves this function."""
        self._id, self._files = str(message.pop("id")), files
        answer: Message
        try:
            answer = self._answer(request_of(message))
        except BaseException as error:  # noqa: BLE001 - a guest may raise anything; it becomes a Failure
            answer = _failed(error, over=self._is_over())
        self._say(answer)
        if self._guest is not None and self._guest.state is not None:
            self._guest.state.restore()  # a guest may change the process in any call

    def _is_over(self) -> bool:
        """Whether the device answers every further call with an error, as CUDA does after an illegal memory access."""
        try:
            self._clock.settle()
        except RuntimeError:
            return True
        return False

    def _answer(self, request: Request[Any]) -> Reply:
        if isinstance(request, _WhileTiming):
            return self._conducted(request)
        self._end_timing()
        match request:
            case ImportPlugins():
                plugins.seal([Path(one) if one.startswith("/") else one for one in request.sources])
                return Imported()
            case Greet():
                return self._hello(request)
            case LoadModel():
                return self._load(request)
            case BeginTiming() | BeginPlaying():
                self._timing = self._begun(request)
                return Warmed()
            case _:
                return self._asked(request)

    def _begun(self, request: BeginTiming | BeginPlaying) -> timing.Timing | realtime.Player:
        """Make the model ready for what the parent conducts."""
        tell = self._progress(request.warmup)
        if isinstance(request, BeginPlaying):
            return realtime.Player(self._loaded(), self._device, self._clock, request, self._files[0], tell)
        watch = (self._watch or MemoryWatch(self._device)) if self._guest is not None else None
        return timing.Timing(self._guest, self._device, self._clock, request, watch, tell)

    def _asked(self, request: Request[Any]) -> Reply:
        """Answer what is asked about a model that is loaded, or in a process that no guest has been in."""
        if isinstance(request, TimeReference):
            if self._entered:
                raise BadGuest("the references are timed without a guest, and one was loaded here")
            return reference.time_references(self._device, self._clock)
        guest = self._loaded()
        match request:
            case PrepareModel():
                return enhance.prepare(guest, request)
            case EnhanceImage():
                return enhance.enhance(guest, request, *self._files)
            case CheckContract():
                return contract.check(guest, request, self._seen)
            case CountOperations():
                return complexity.count(guest, request)
        raise TypeError(f"no handler for {type(request).__name__}")

    def _load(self, request: LoadModel) -> Loaded:
        self._entered = True
        self._watch, tf32 = MemoryWatch(self._device), request.execution.tf32
        numerics.settle(tf32=tf32)
        self._guest, self._seen = load(request, self._device), contract.Seen()
        changed = numerics.changed(tf32=tf32)
        found = contract.find_scale(self._guest) if request.scale is None else request.scale
        return Loaded(scale=found, notes=(*self._guest.notes, *changed), stubs=self._guest.stubs)

    def _conducted(self, request: _WhileTiming) -> Reply:
        """Answer what the parent asks for between `BeginTiming` and `FinishTiming`, or after `BeginPlaying`."""
        if isinstance(self._timing, realtime.Player) and isinstance(request, PlayFrames):
            return self._timing.play(request)
        if not isinstance(self._timing, timing.Timing) or isinstance(request, PlayFrames):
            raise BadGuest("nothing is ready to be timed")
        match request:
            case KeepWarm():
                return self._timing.warm()
            case TimeCall():
                return self._timing.repeat(request, self._files[0] if self._files else None)
            case LookAtOutput():
                return self._timing.look(request)
            case FinishTiming():
                reply = self._timing.finish(request)
                self._end_timing()
                return reply

    def _end_timing(self) -> None:
        if self._timing is not None:
            self._timing.close()
            self._timing = None

    def _loaded(self) -> Guest:
        if self._guest is None:
            raise BadGuest("no model is loaded")
        return self._guest

    def _hello(self, request: Greet) -> Hello:
        """Make the device ready; tell what the parent can't know without torch."""
        for registry in (BACKENDS, FORMATS):
            registry.all()
        plugins.close()
        self._device = _device(request.device)
        bind(request.limits, gpu=self._device.type == "cuda")
        if request.threads:
            torch.set_num_threads(request.threads)
        self._clock = clock_of(self._device)
        numerics.settle(tf32=False)
        facts = {
            "torch_git": str(torch.version.git_version),
            **numerics.facts(),
            "denormals": numerics.denormals(),
            "mkldnn": str(torch.backends.mkldnn.is_available()),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        }
        name, uuid = "", ""
        if self._device.type == "cuda":
            properties = torch.cuda.get_device_properties(self._device)
            name, uuid = properties.name, str(getattr(properties, "uuid", ""))
            facts |= {
                "cuda": str(torch.version.cuda),
                "cudnn": str(torch.backends.cudnn.version()),
                "cudnn_benchmark": "True while timing",
                "compute_capability": f"{properties.major}.{properties.minor}",
                "gpu_memory_bytes": str(properties.total_memory),
                "cuda_devices": str(torch.cuda.device_count()),
            }
        return Hello(
            device=str(self._device),
            device_name=name,
            device_uuid=uuid,
            torch=torch.__version__,
            python=platform.python_version(),
            threads=torch.get_num_threads(),
            facts=facts,
        )

    def _progress(self, last: int) -> Callable[[int], None]:
        def tell(done: int) -> None:
            now = monotonic()
            if done == last or now - self._last > _PROGRESS_EVERY_S:
                self._last = now
                self._say(Progress(done=done))

        return tell

    def _say(self, message: Message) -> None:
        self._wire.sendall(encode(plain(message) | {"id": self._id}))


def _device(asked: str) -> torch.device:
    """The device that was asked for, `auto` a CUDA device where there is one; BadGuest where it is not there."""
    if asked == "auto":
        asked = "cuda:0" if torch.cuda.is_available() else "cpu"
    device = torch.device("cuda:0" if asked == "cuda" else asked)
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise BadGuest(f"torch {torch.__version__} sees {count} CUDA devices here")
    return device


def _failed(error: BaseException, *, over: bool) -> Failed:
    # What the harness says itself needs no traceback of the harness; what led to it may say more.
    source = error.__cause__ if isinstance(error, BadGuest) else error
    detail = clip("".join(traceback.format_exception(source))) if source is not None else ""
    return Failed(kind=kind_of(error), message=reason_of(error), detail=detail, over=over)


def _bind_to_parent(parent: int) -> None:
    """Die with the parent, whatever ends it, and be the first to go when memory runs out."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    die_first()


def serve(wire: socket.socket) -> None:
    """Answer requests, one a line, until the other end closes."""
    worker, buffer, files = Worker(wire), b"", list[int]()
    while True:
        chunk, more, _, _ = socket.recv_fds(wire, 1 << 16, _MOST_FILES)
        if not chunk:
            return
        buffer += chunk
        files += more
        line, found, rest = buffer.partition(b"\n")
        if not found:
            continue
        buffer = rest
        try:
            worker.answer(decode(line), files)
        finally:
            for fd in files:
                os.close(fd)
            files = []


def main() -> None:
    """Serve requests from the socket until it closes."""
    gc.enable()
    plugins.seal()  # what the parent names later is all that is imported from outside
    wire_fd, _, parent = (int(argument) for argument in sys.argv[1:4])
    del sys.argv[1:]  # a guest that reads the command line when it is imported finds no arguments of ours
    _bind_to_parent(parent)
    with socket.socket(fileno=wire_fd) as wire:
        wire.set_inheritable(False)
        serve(wire)


if __name__ == "__main__":
    main()
