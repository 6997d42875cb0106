"""A stand-in for a CUDA device over CPU tensors. It proves control flow, not speed, and nothing about a real card.

Takes the place of what `torch.cuda`, `torch._C` and onnxruntime's CUDA provider do for rtsr-bench: a device that is
there, streams, events, synchronisation, the allocator's statistics, device properties. Tensors on the "card" are CPU
tensors that carry a mark; `.device` says `cuda:0`, an operation on marked and unmarked tensors is refused as CUDA
refuses it, and `numpy()` too. Work is done when a call returns, so no error in the order of streams shows here.

What happens is written to `log`, so that tests can see that, for instance, a stream waited for another one.
"""

from __future__ import annotations

import os
import weakref
from collections import Counter
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

CARD = torch.device("cuda:0")
UUID = "0f0e-42"
TOTAL_BYTES = 8 << 30
DEVICES = 1
ILLEGAL = "CUDA error: an illegal memory access was encountered"

log: Counter[str] = Counter()
_bytes: Counter[int] = Counter()
_owners: Counter[int] = Counter()
_state = SimpleNamespace(peak=0, reserved=0, beside=0, device=0, stream=0, broken=False)
_SET_DATA = torch.Tensor.data.__set__  # type: ignore[attr-defined]  # typed as what it gives
_MOVES = (torch.Tensor.to, torch.Tensor.cpu, torch.Tensor.copy_, torch.Tensor.__getitem__, _SET_DATA,
          torch._has_compatible_shallow_copy_type)  # fmt: skip
_DEVICE_GETTERS = (torch.Tensor.device.__get__, torch.Tensor.is_cuda.__get__)  # type: ignore[attr-defined]  # as above


def on_card(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and getattr(value, "_on_card", False)


def _mark(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and not on_card(value):
        value._on_card = True  # type: ignore[attr-defined]  # its own mark
        storage = value.untyped_storage()
        key, size = storage.data_ptr(), storage.nbytes()
        _owners[key] += 1
        _bytes[key] = max(size, _bytes[key])
        _state.peak = max(_state.peak, _bytes.total())
        _state.reserved = max(_state.reserved, _bytes.total())
        weakref.finalize(value, _released, key)
    elif isinstance(value, tuple | list):
        for one in value:
            _mark(one)
    return value


def _released(key: int) -> None:
    _owners[key] -= 1
    if not _owners[key]:
        del _owners[key], _bytes[key]


def _is_card(value: Any) -> bool:
    return (isinstance(value, torch.device) and value.type == "cuda") or (
        isinstance(value, str) and value.partition(":")[0] == "cuda"
    )


def _flat(values: Any) -> list[Any]:
    found = []
    for value in values:
        found += _flat(value) if isinstance(value, tuple | list) else [value]
    return found


class Card(TorchFunctionMode):
    """Sends what is asked of the device `cuda` to the CPU, and keeps account of it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {**(kwargs or {})}
        if func in (torch.device, torch._C._nn._parse_to):
            return func(*args, **given)
        if func in _DEVICE_GETTERS:
            found = func(args[0])
            return found if not on_card(args[0]) else CARD if isinstance(found, torch.device) else True
        flat = _flat((*args, *given.values()))
        wanted = any(map(_is_card, flat))
        marked = [one for one in flat if on_card(one)]
        others = [one for one in flat if isinstance(one, torch.Tensor) and one.dim() and not on_card(one)]
        if func is torch.empty and given.pop("pin_memory", False):
            log["pinned"] += 1
        _refuse(func, marked, others, wanted=wanted)
        args = tuple(torch.device("cpu") if _is_card(one) else one for one in args)
        given = {name: torch.device("cpu") if _is_card(one) else one for name, one in given.items()}
        try:
            made = func(*args, **given)
        except RuntimeError as error:
            if "can't allocate memory" in str(error) and (wanted or marked):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more than there is") from None
            raise
        if func in (_SET_DATA, torch.Tensor.copy_):
            # What is copied to stays where it is.
            return _mark(args[0]) if func == _SET_DATA and on_card(args[1]) else made
        leaves = func is torch.Tensor.cpu or (func is torch.Tensor.to and not wanted and _to_cpu(flat))
        if leaves and marked:
            return made.clone() if made is args[0] else made
        if wanted and isinstance(made, torch.Tensor) and made is args[0] and not marked:
            made = made.clone()  # a move is a copy
        return _mark(made) if wanted or marked else made


def _refuse(func: Any, marked: list[Any], others: list[Any], *, wanted: bool) -> None:
    """Raise what torch raises for operations that need data to move."""
    if func is torch.Tensor.numpy and marked:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")
    if marked and others and func not in _MOVES and not wanted:
        raise RuntimeError("Expected all tensors to be on the same device, but found at least two devices")


def _to_cpu(flat: list[Any]) -> bool:
    return any(
        (isinstance(one, torch.device) and one.type == "cpu") or one == "cpu"
        for one in flat[1:]
        if not isinstance(one, torch.Tensor)
    )


class Stream:
    """A stream; the default one has the handle 0, as on a card."""

    device_index, device_type = 0, 1

    def __init__(self, device: Any = None, number: int | None = None) -> None:
        self.stream_id = len(log) + 1 if number is None else number
        self.cuda_stream = self.stream_id << 4

    def wait_stream(self, other: Stream) -> None:
        log[
            f"{'default' if not self.stream_id else 'own'} waits for {'default' if not other.stream_id else 'own'}"
        ] += 1


class EventBase:
    """The event of the C library."""

    at = 0.0

    def record(self, stream: Any) -> None:
        assert isinstance(stream, Stream)
        log["record"] += 1
        self.at = perf_counter()

    def wait(self, stream: Any) -> None:
        assert isinstance(stream, Stream)
        assert self.at, "a stream waits for an event that was never recorded"
        log["wait"] += 1

    def query(self) -> bool:
        assert self.at
        return True  # work is done when a call returns

    def elapsed_time(self, end: EventBase) -> float:
        assert self.at
        assert end.at
        return (end.at - self.at) * 1e3


class Event(EventBase):
    """The event of `torch.cuda`, which looks the current stream up when it is recorded."""

    def __init__(self, *, enable_timing: bool = False) -> None:
        assert enable_timing

    def record(self, stream: Any = None) -> None:
        log["python record"] += 1
        super().record(stream or torch.cuda.current_stream())


def illegal_access() -> None:
    """What a wrong index in a kernel does: this call fails, and every later one."""
    _state.broken = True
    raise RuntimeError(ILLEGAL)


def _synchronize(device: Any = None) -> None:
    log["synchronize"] += 1
    if _state.broken:
        raise RuntimeError(ILLEGAL)


def _set_stream(*, stream_id: int, device_index: int, device_type: int) -> None:
    assert (device_index, device_type) == (0, 1)
    _state.stream = stream_id


def _reset_peak(device: Any = None) -> None:
    _state.peak = _bytes.total()


def _empty_cache() -> None:
    log["empty cache"] += 1
    _state.reserved = _bytes.total()


class _Generator(torch._C.Generator):
    def __new__(cls, device: Any = "cpu") -> Any:
        return super().__new__(cls, device="cpu")


_autocast = torch.autocast


class _Autocast(_autocast):
    def __init__(self, device_type: str, **more: Any) -> None:
        super().__init__("cpu" if device_type == "cuda" else device_type, **more)


def install(devices: int = DEVICES) -> None:
    """Put the stand-in in its place, for the life of this process."""
    native: Any = torch._C
    cuda: Any = torch.cuda
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = devices if visible is None else len([name for name in visible.split(",") if name])
    default = Stream(number=0)
    native._CudaEventBase, native._CudaStreamBase = EventBase, Stream
    native._cuda_setDevice = lambda index: setattr(_state, "device", index)
    native._cuda_setStream = _set_stream
    native._cuda_synchronize = _synchronize
    cuda.Event, cuda.Stream, cuda.synchronize = Event, Stream, _synchronize
    cuda.is_available, cuda.device_count = lambda: count > 0, lambda: count
    cuda.set_device = lambda device: setattr(_state, "device", torch.device(device).index)
    cuda.current_stream = lambda device=None: default
    cuda.get_device_properties = lambda device: SimpleNamespace(
        name="Stand-in", uuid=UUID, major=9, minor=0, total_memory=TOTAL_BYTES
    )
    cuda.memory_allocated = lambda device=None: _bytes.total()
    cuda.max_memory_allocated = lambda device=None: _state.peak
    cuda.memory_reserved = lambda device=None: _state.reserved
    cuda.reset_peak_memory_stats, cuda.empty_cache = _reset_peak, _empty_cache
    cuda.mem_get_info = lambda device=None: (TOTAL_BYTES - _state.reserved - _state.beside, TOTAL_BYTES)
    cuda.stand_in = SimpleNamespace(illegal_access=illegal_access, log=log)
    torch.Generator, torch.autocast = _Generator, _Autocast
    Card().__enter__()
