"""Peak memory of the timed passes: the CUDA allocator's, or the resident set's high-water mark on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class MemoryWatch:
    """Baseline when made (before the guest's model exists), peak between `start` and `stop`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._baseline = self._now()

    def _now(self) -> int | None:
        if self._device.type == "cuda":
            return int(torch.cuda.memory_allocated(self._device))
        return _status_bytes("VmRSS")

    def start(self) -> None:
        """Set the peak back to what is in use now."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        try:
            _CLEAR.write_text("5")  # sets VmHWM back to VmRSS, see proc(5)
        except OSError:
            self._baseline = None  # the high-water mark of the whole life is not the one asked for

    def stop(self) -> dict[str, Any] | None:
        """Return kind, peak and baseline in bytes; None where this system does not tell."""
        if self._device.type == "cuda":
            peak: int | None = int(torch.cuda.max_memory_allocated(self._device))
        else:
            peak = _status_bytes("VmHWM")
        if peak is None or self._baseline is None:
            return None
        kind = "cuda-allocator" if self._device.type == "cuda" else "rss"
        return {"kind": kind, "peak_bytes": peak, "baseline_bytes": self._baseline}


def _status_bytes(name: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return None
