"""What all jobs of a run share: a device, children on it, bicubic's values, runtimes that were measured."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.evaluate.baseline import Baselines
from rtsr_bench.evaluate.device_lock import DeviceLock
from rtsr_bench.evaluate.place import Place
from rtsr_bench.evaluate.reference_processes import ReferenceProcesses, wanted
from rtsr_bench.evaluate.sharing import Sources
from rtsr_bench.record import System
from rtsr_bench.sandbox import (
    Child,
    ChildSettings,
    Level,
    Stock,
    allow_pickles,
    obtainable,
    require,
    wants_gpu,
)
from rtsr_bench.system import Gauge, cpu_model, describe, visible_name
from rtsr_bench.wire import Hello

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class Bench:
    """A device to measure on. Opening it starts a child that tells what the device is and serves the first job."""

    def __init__(
        self,
        *,
        device: str = "auto",
        threads: int = 0,
        required: Level | None = None,
        allow_pickle: bool = False,
        stub_missing: bool = False,
    ) -> None:
        """Start the first child; UserError if the device or the required isolation is not available.

        `threads` 0 leaves the choice to torch. `allow_pickle` lets children read weights that may run code, which
        needs the highest isolation level. `stub_missing` lets stubs stand for packages that are not installed.
        """
        if not _DEVICE.fullmatch(device):
            raise UserError(f"--device: expected cpu, cuda, cuda:N or auto, found {device!r}")
        self.baselines = Baselines()
        self.sources = Sources()
        self.threads = threads
        self._stock = Stock()
        self._references = ReferenceProcesses()
        self.isolation = obtainable(gpu=True) if wants_gpu(device) else obtainable()
        if required is not None:
            require(self.isolation, required)
        self._spare: Child | None = self._first(device, required)
        self.allow_pickle, self.stub_missing = allow_pickle, stub_missing
        if allow_pickle:
            try:
                allow_pickles(self.isolation)
            except UserError:
                self.close()
                raise
        self.hello: Hello = self._spare.hello
        self.device = self.hello.device
        self._visible = self._only_card()
        self.lock = DeviceLock("cpu" if self.device_kind == "cpu" else self.hello.device_uuid or self.device)
        self._children: list[Child] = []
        self._guard = threading.Lock()

    @classmethod
    def at(cls, place: Place) -> Self:
        """Open the bench of a place."""
        return cls(
            device=place.device,
            threads=place.threads,
            required=place.isolation,
            allow_pickle=place.allow_pickle,
            stub_missing=place.stub_missing,
        )

    def _first(self, device: str, required: Level | None) -> Child:
        """Start the first child: a sandbox that starts may still lack a library that the environment needs."""
        try:
            return Child(device=device, threads=self.threads, level=self.isolation.level)
        except HarnessError as error:
            self.isolation = self.isolation.without_sandbox(error)
            if required is not None:
                require(self.isolation, required)
            return Child(device=device, threads=self.threads, level=Level.PROCESS)

    def _only_card(self) -> str:
        """What CUDA_VISIBLE_DEVICES names the measured card; empty if the machine has no other card.

        Only a process with CUDA knows which card `cuda:N` is. So the first child reports it, and a child that sees
        nothing else replaces the first one before any guest is there.
        """
        if self.device_kind != "cuda" or self.hello.facts.get("cuda_devices") == "1" or self._spare is None:
            return ""
        for visible in filter(None, (visible_name(self.hello.device_uuid), _inherited_name(self.device))):
            try:
                alone = Child(device="cuda:0", threads=self.threads, level=self.isolation.level, visible=visible)
            except UserError:  # a driver that does not accept UUIDs
                continue
            if alone.hello.device_uuid == self.hello.device_uuid:
                self._spare.close()
                self._spare = alone
                return visible
            alone.close()
        self.close()
        raise HarnessError(
            f"{self.device}: expected a child process that sees this card alone, found none with its UUID or number in "
            "CUDA_VISIBLE_DEVICES; set that variable to this card and name --device cuda"
        )

    def _settings(self, *, timed: bool = False) -> ChildSettings:
        """What every child of this bench is started with: where it sees one card only, that is its first one."""
        return ChildSettings.now(
            device="cuda:0" if self._visible else self.device,
            threads=self.threads,
            level=self.isolation.level,
            timed=timed,
            visible=self._visible,
        )

    @property
    def device_kind(self) -> str:
        """`cpu` or `cuda`."""
        return self.device.partition(":")[0]

    @property
    def device_name(self) -> str:
        """The name under which records of this device stand."""
        return self.hello.device_name or cpu_model()

    def start_child(self, *, timed: bool = False) -> Child:
        """Return a child that no guest has been in; the caller closes it. Cancelled if the run was cancelled.

        It is one that was started ahead where there is one; else it is started by this thread, which has to outlive it.
        Only what runs in one that is `timed` may be timed: the others share a machine, they don't hurry.
        """
        self.lock.check()
        child = None
        if not timed:
            with self._guard:
                child, self._spare = self._spare, None
        if child is None or not child.alive:
            child = self._stock.take(self._settings(timed=timed))
        with self._guard:
            self._children = [one for one in self._children if one.alive]
            self._children.append(child)
        try:
            self.lock.check()  # a cancel while this child was starting did not see it
        except BaseException:
            child.close()
            raise
        return child

    def start_ahead(self, *, timed: int = 0, untimed: int = 0, reference: bool = False) -> None:
        """Start the children that this thread needs next, as far as not so many of their kind are waiting.

        `reference`: the processes of the fixed references, too, if they are wanted.
        Only inside of a `settled` block. Cancelled if the run was cancelled.
        """
        if reference and wanted():
            self.lock.check()
            self._references.start(self._settings(timed=True))
        for kind, count in ((True, timed), (False, untimed)):
            if count:
                self.lock.check()
                self._stock.start(self._settings(timed=kind), count)
        self.lock.check()  # as in `start_child`: `close` ends what `cancel` did not see

    @contextlib.contextmanager
    def settled(self) -> Iterator[None]:
        """Let no child that was started ahead work on beyond this block: the next holder of the device may time.

        To be entered while the device is held, and left before it is let go. A run that is interrupted ends them.
        """
        try:
            yield
        except Exception:
            self._settle()
            raise
        self._settle()

    def _settle(self) -> None:
        self._stock.settle()
        self._references.settle()

    @contextlib.contextmanager
    def reference_child(self) -> Iterator[Child]:
        """Lend a process for the fixed references, which no guest enters; to be used while the device is held alone."""
        self.lock.check()
        with self._references.lent(self._settings(timed=True)) as child:
            self.lock.check()  # as in `start_child`
            yield child

    def cancel(self) -> None:
        """Kill every child and end every wait for the device: no result of another thread counts from here on."""
        self.lock.cancel()
        self._stock.kill()
        self._references.kill()
        with self._guard:
            for child in self._children:
                if child.alive:
                    child.kill()

    def close(self) -> None:
        """End children that were never used."""
        self._stock.close()
        self._references.close()
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def describe_child(child: Child, bench: Bench, meter: Gauge | None = None) -> System:
    """Return the system that a child runs on."""
    return describe_hello(child.hello, bench.device, child.isolation, meter.facts if meter else {})


def describe_hello(hello: Hello, device: str, level: Level, facts: Mapping[str, str] | None = None) -> System:
    """Return the system that a child described when it started, with further facts of its device."""
    return describe(
        device=device,
        device_name=hello.device_name,
        device_uuid=hello.device_uuid,
        torch_threads=hello.threads,
        torch=hello.torch,
        python=hello.python,
        facts={**hello.facts, **(facts or {})},
        isolation=level.value,
    )


def _inherited_name(device: str) -> str:
    """What CUDA_VISIBLE_DEVICES of this process calls a card that its children know as `cuda:N`."""
    index = int(device.partition(":")[2] or 0)
    names = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return names[index] if index < len(names) else str(index)
