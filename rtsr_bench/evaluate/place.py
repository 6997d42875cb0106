"""Where a model is measured and with which rights: part of every job."""

from __future__ import annotations

from dataclasses import dataclass

from rtsr_bench.sandbox import Level


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A device, and what guests may do on it.

    `device` is `cpu`, `cuda`, `cuda:N`, or `auto` until it is known. `threads` 0 leaves the choice to torch.
    `isolation` is the lowest isolation level that is accepted, None for any. `allow_pickle` lets children read weights
    that may run code, `stub_missing` replaces packages that are not installed with stubs.
    """

    device: str = "auto"
    threads: int = 0
    isolation: Level | None = None
    allow_pickle: bool = False
    stub_missing: bool = False

    @property
    def device_kind(self) -> str:
        """`cpu` or `cuda`; `auto` while the device is not known."""
        return self.device.partition(":")[0]
