"""What all jobs of a run share: a device, children on it, bicubic's values."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Self

from rtsr_bench.errors import UserError
from rtsr_bench.evaluate.baseline import Baselines
from rtsr_bench.sandbox import Child, Hello
from rtsr_bench.system import cpu_model

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class Bench:
    """A device to measure on. Opening it starts a child that tells what the device is and serves the first job."""

    def __init__(self, *, device: str = "auto", threads: int = 0) -> None:
        """Start the first child; UserError where the device can't be had. `threads` 0 leaves the choice to torch."""
        if not _DEVICE.fullmatch(device):
            raise UserError(f"--device: expected cpu, cuda, cuda:N or auto, found {device!r}")
        self.baselines = Baselines()
        self.threads = threads
        self._spare: Child | None = Child(device=device, threads=threads)
        self.hello: Hello = self._spare.hello
        self.device = self.hello.device

    @property
    def device_kind(self) -> str:
        """`cpu` or `cuda`."""
        return self.device.partition(":")[0]

    @property
    def device_name(self) -> str:
        """The name under which records of this device stand."""
        return self.hello.device_name or cpu_model()

    def start_child(self) -> Child:
        """Return a child that no guest has been in; the caller closes it."""
        child, self._spare = self._spare, None
        if child is not None and child.alive:
            return child
        return Child(device=self.device, threads=self.threads)

    def close(self) -> None:
        """End a child that was never used."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
