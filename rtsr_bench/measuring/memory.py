"""Peak memory of a call: what the model and the libraries below it have in use, and nothing of the harness.

Measured by calls of their own after the timed ones, each with a new input and without the output of the one before.
The peak counts weights, input, intermediates and output, and the scratch memory of the libraries (oneDNN's copy of a
feature map in its own layout, a cuDNN workspace). Memory that an allocator only keeps is given back first: by glibc and
by torch's CUDA cache, so what the search for the quickest algorithm took during warm-up is not in it.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.wire import PeakMemory

CALLS = 3
"""Calls of a measurement; the first one lets the libraries give back what they kept and is not measured."""

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # malloc.h
_KEPT_BYTES, _MAPPINGS, _UNLIMITED = 1 << 16, 1 << 16, 2**31 - 1
_LARGEST_GAP, _IS_MMAPPED = 1 << 32, 2
_C: Any = ctypes.CDLL(None)
_cuda: Any = torch.cuda


class MemoryWatch:
    """Bytes in use when made, before the guest's model exists, and the peak of calls later on."""

    def __init__(self, device: torch.device) -> None:
        """Note what is in use now."""
        self._device, self._on_card = device, device.type == "cuda"
        self._give_back()
        self._baseline = int(_cuda.memory_allocated(device)) if self._on_card else _status_bytes("RssAnon")
        self._beside = self._beside_torch() if self._on_card else 0

    def peak(self, call: Callable[[], object], *, arena: bool = False) -> PeakMemory | None:
        """Run the call `CALLS` times; returns its peak, None where the system does not tell.

        `arena`: the call allocates on the CUDA device with another allocator than torch's; what it holds is counted
        as the difference that the device sees, so nothing else may run on the device.
        """
        one = self._of_card if self._on_card else self._of_process
        with nullcontext() if self._on_card else _nothing_kept():
            peaks = [one(call, arena=arena) for _ in range(CALLS)][1:]
        known = [peak for peak in peaks if peak is not None]
        if not known or self._baseline is None:
            return None
        kind = ("cuda-allocator+arena" if arena else "cuda-allocator") if self._on_card else "rss"
        return PeakMemory(kind=kind, peak_bytes=max(known), baseline_bytes=self._baseline)

    def _of_card(self, call: Callable[[], object], *, arena: bool) -> int:
        self._give_back()
        _cuda.reset_peak_memory_stats(self._device)
        call()
        _cuda.synchronize(self._device)
        held = max(0, self._beside_torch() - self._beside) if arena else 0
        return int(_cuda.max_memory_allocated(self._device)) + held

    def _of_process(self, call: Callable[[], object], *, arena: bool) -> int | None:
        """Memory without a file before the call, and how far the resident set rose above that during it."""
        del arena
        self._give_back()
        try:
            _CLEAR.write_text("5")  # sets VmHWM back to VmRSS, see proc(5)
        except OSError:
            return None
        before, resident = _status_bytes("RssAnon"), _status_bytes("VmRSS")
        call()
        most = _status_bytes("VmHWM")
        if before is None or resident is None or most is None:
            return None
        return before + max(0, most - resident)

    def _beside_torch(self) -> int:
        free, total = _cuda.mem_get_info(self._device)
        return int(total - free - _cuda.memory_reserved(self._device))

    def _give_back(self) -> None:
        gc.collect()
        if self._on_card:
            _cuda.synchronize(self._device)
            _cuda.empty_cache()
            return
        try:
            _C.malloc_trim(0)
        except AttributeError:  # no glibc: what its allocator keeps is counted as in use
            return


class MemoryRise:
    """How far the process's resident set rises above what it is now."""

    def __init__(self, device: torch.device) -> None:
        """Note what is in use now; of a CUDA device nothing is told."""
        self._before: int | None = None
        if device.type == "cuda":
            return
        with suppress(OSError):
            _CLEAR.write_text("5")
            self._before = _status_bytes("VmRSS")

    def bytes(self) -> int | None:
        """Bytes since then, None if the system does not tell."""
        most = _status_bytes("VmHWM")
        return None if self._before is None or most is None else max(0, most - self._before)


def keep_freed() -> None:
    """Make glibc keep freed memory for the next call, as torch does on CUDA.

    Otherwise it returns large blocks to the system, or not, depending on what lies at the top of the heap, and a call
    pays for up to 58 000 page faults: the same network then takes 243 to 420 ms (RT4KSR-S, 540x960, two cores).
    """
    _malloc(trim=_UNLIMITED, mappings=0)


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """Make glibc return every large block when it is freed; costs page faults, so only after the last timed call.

    A block that glibc fits into a gap of its heap stays resident after it is freed, so the gaps left by earlier calls
    are allocated first, without being written to.
    """
    _malloc(trim=_KEPT_BYTES, mappings=_MAPPINGS)
    fillers = _fill_gaps()
    try:
        yield
    finally:
        for filler in fillers:
            _C.free(ctypes.c_void_p(filler))


def _fill_gaps() -> list[int]:
    """Allocate all free space of this thread's heap in blocks of at least the mapping threshold; their addresses."""
    try:
        _C.malloc_trim(0)  # else the blocks would be resident
    except AttributeError:  # no glibc
        return []
    allocate = _C.malloc
    allocate.argtypes, allocate.restype = [ctypes.c_size_t], ctypes.c_void_p
    found, size = [], _LARGEST_GAP
    while size >= _KEPT_BYTES:
        address = allocate(size)
        if address and not _is_mapped(address):
            found.append(address)
            continue
        _C.free(ctypes.c_void_p(address))
        size //= 2
    return found


def _is_mapped(address: int) -> bool:
    """Whether glibc took the block from a mapping of its own; the flag is in the word before it (malloc/malloc.c)."""
    word = ctypes.sizeof(ctypes.c_size_t)
    return bool(ctypes.c_size_t.from_address(address - word).value & _IS_MMAPPED)


def _malloc(*, trim: int, mappings: int) -> None:
    try:
        _C.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        _C.mallopt(_M_TRIM_THRESHOLD, trim)
        _C.mallopt(_M_MMAP_MAX, mappings)
    except AttributeError:  # no glibc
        return


def _status_bytes(name: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return None
