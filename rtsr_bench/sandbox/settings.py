"""All that decides what a child's process is before a guest is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from rtsr_bench.sandbox import bubblewrap
from rtsr_bench.sandbox.bounds import Bounds
from rtsr_bench.sandbox.levels import Level, obtainable, passed_on
from rtsr_bench.sandbox.plugged import Plugged


def wants_gpu(device: str) -> bool:
    """Whether a child for this device (`cpu`, `cuda`, `cuda:N`, `auto`) needs a GPU's device nodes."""
    return device not in ("cpu", "auto") or (device == "auto" and bool(bubblewrap.gpu_nodes()))


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildSettings:
    """What a child is started with and told before a guest comes: children of equal settings are alike.

    `visible` names the only GPU that the child sees, empty for all of them; on `cpu` it sees none. The threads of a
    `timed` child spin while they wait for each other, as torch has it; those of another sleep. `environment` are the
    harness's variables that it gets, as they were when this was made.
    """

    device: str
    threads: int
    level: Level
    bounds: Bounds
    timed: bool
    visible: str
    plugged: Plugged
    environment: tuple[tuple[str, str], ...]

    @classmethod
    def now(
        cls,
        *,
        device: str = "cpu",
        threads: int = 0,
        level: Level | None = None,
        bounds: Bounds | None = None,
        timed: bool = False,
        visible: str = "",
    ) -> Self:
        """Take other settings from this process; `level` None is the highest available isolation level."""
        return cls(
            device=device,
            threads=threads,
            level=level or (obtainable(gpu=True) if wants_gpu(device) else obtainable()).level,
            bounds=bounds or Bounds(),
            timed=timed,
            visible=visible,
            plugged=Plugged.of_child(),
            environment=tuple(sorted(passed_on().items())),
        )

    @property
    def gpu(self) -> bool:
        """Whether the child needs a GPU's device nodes."""
        return wants_gpu(self.device)

    @property
    def only_gpu(self) -> str | None:
        """What CUDA_VISIBLE_DEVICES says to the child: empty for no GPU, None as in the harness."""
        return "" if self.device == "cpu" else self.visible or None
