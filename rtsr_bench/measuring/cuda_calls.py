"""Code that names CUDA, on a device that is not CUDA: the calls go to the device that is measured.

Many submissions call `.cuda()` or load with `map_location="cuda"`. On another device torch raises, and a network that
runs well everywhere would be a failure. The mapping is installed only where the submission's source names CUDA, so that
no other model runs under patched functions, and never on CUDA itself. It says so in the notes of the record.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import torch
from torch.jit import _builtins

_NAMED = re.compile(rb"\bcuda\b", re.IGNORECASE)
_ALIKE = ("empty_like", "full_like", "normal", "ones_like", "rand_like", "randint_like", "randn_like", "zeros_like")
_MAKING = ("new_empty", "new_full", "new_ones", "new_tensor", "new_zeros")
"""Functions that make a tensor and are not in torch's own list of them, and methods of tensors that do."""

_QUIET = ("empty_cache", "init", "reset_peak_memory_stats", "set_device", "synchronize")
"""Functions of `torch.cuda` that have nothing to do on another device."""

_MOST_BYTES = 1 << 20


def named(folder: Path) -> bool:
    """Whether a Python file of a submission names CUDA anywhere."""
    for path in folder.rglob("*.py"):
        with path.open("rb") as file:
            if _NAMED.search(file.read(_MOST_BYTES)):
                return True
    return False


class _Stream:
    """Stands for a CUDA stream, or the context that selects one or a card: work is done when a call returns."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.cuda_stream = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def query(self) -> bool:
        """Return True: nothing is ever pending."""
        return True

    def synchronize(self) -> None:
        """Do nothing: nothing is ever pending."""

    wait_stream = wait_event = record_stream = lambda _, __: None

    def record_event(self, event: Any = None) -> Any:
        """Return an event, recorded now."""
        event = _Event() if event is None else event
        event.record()
        return event


class _Event(_Stream):
    """Stands for a CUDA event: a time of the wall clock."""

    def record(self, *_: Any) -> None:
        """Take the time."""
        self._at = perf_counter()

    def wait(self, *_: Any) -> None:
        """Do nothing: the event has happened."""

    def elapsed_time(self, end: _Event) -> float:
        """Return the milliseconds from this event to another one."""
        return (end._at - self._at) * 1e3


class CudaCalls:
    """The mapping of CUDA calls to another device; `install` patches torch, `used` holds what was called."""

    def __init__(self, device: torch.device, on_use: Callable[[str], None]) -> None:
        """`on_use` gets the name of each kind of call when it is made for the first time."""
        self._device, self._on_use = device, on_use
        self.used: list[str] = []

    def install(self) -> None:
        """Patch torch for the rest of this process."""
        tensor: Any = torch.Tensor
        module: Any = torch.nn.Module
        tensor.cuda = lambda one, *_, **__: self._moved(one, ".cuda()")
        module.cuda = lambda one, *_, **__: self._moved(one, ".cuda()")
        tensor.to = self._mapped(tensor.to, '.to("cuda")', numbered=True)
        module.to = self._mapped(module.to, '.to("cuda")', numbered=True)
        tensor.type = self._mapped(tensor.type, ".type(torch.cuda...)")
        tensor.pin_memory = self._answer(lambda one, *_, **__: one, ".pin_memory()")
        for name in _MAKING:
            setattr(tensor, name, self._mapped(getattr(tensor, name), 'device="cuda"'))
        for function in _factories():
            mapped = self._mapped(function, 'device="cuda"')
            setattr(torch, function.__name__, mapped)
            operator = _builtins._find_builtin(function)  # noqa: SLF001 - as torch.jit itself finds it
            if operator is not None:  # scripted code calls the operator, whose device cannot be mapped
                _builtins._register_builtin(mapped, operator)  # noqa: SLF001 - the only way
        torch.load = self._loading(torch.load)
        torch.Generator = self._generator(torch.Generator)  # type: ignore[misc]  # a class in the place of a class
        self._install_module(torch.cuda)

    def _install_module(self, cuda: Any) -> None:
        for name in _QUIET:
            setattr(cuda, name, self._answer(lambda *_, **__: None, f"torch.cuda.{name}"))
        cuda.current_device = self._answer(lambda: 0, "torch.cuda.current_device")
        for name in ("stream", "current_stream", "default_stream"):
            setattr(cuda, name, self._answer(_Stream, f"torch.cuda.{name}"))
        for name, kind in {"Stream": _Stream, "device": _Stream, "Event": _Event}.items():
            setattr(cuda, name, self._noted(kind, f"torch.cuda.{name}"))
        cuda.get_device_name = self._answer(lambda *_: str(self._device), "torch.cuda.get_device_name")
        cuda.get_device_capability = self._answer(lambda *_: (0, 0), "torch.cuda.get_device_capability")

    def _use(self, what: str) -> None:
        if what not in self.used:
            self.used.append(what)
            self._on_use(what)

    def _moved(self, one: Any, what: str) -> Any:
        self._use(what)
        return one.to(self._device)

    def _replaced(self, value: Any, what: str, *, numbered: bool = False) -> Any:
        """Return the measured device for one that is CUDA: a name, a `torch.device`, or a number if it is `numbered`.

        A type of CUDA tensors, or its name, becomes the type on the CPU.
        """
        is_name = isinstance(value, str) and value.split(":")[0] == "cuda"
        is_number = numbered and isinstance(value, int) and not isinstance(value, bool)
        if is_name or is_number or (isinstance(value, torch.device) and value.type == "cuda"):
            self._use(what)
            return self._device
        if isinstance(value, str) and value.startswith("torch.cuda."):
            self._use(what)
            return value.replace("torch.cuda.", "torch.", 1)
        if isinstance(value, type) and value.__module__ == "torch.cuda":
            self._use(what)
            return getattr(torch, value.__name__)
        return value

    def _mapped(self, function: Callable[..., Any], what: str, *, numbered: bool = False) -> Callable[..., Any]:
        """Return the function with the measured device for CUDA ones; `numbered`: its first value may be a device."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(
                # The first argument of a method is the tensor itself.
                *(self._replaced(one, what, numbered=numbered and place == 1) for place, one in enumerate(args)),
                **{name: self._replaced(one, what, numbered=name == "device") for name, one in kwargs.items()},
            )

        return call

    def _loading(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def load(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
            if callable(map_location) and not isinstance(map_location, torch.device):
                self._use("torch.load with a map_location function")
                map_location = self._device
            place = self._replaced(map_location, 'map_location="cuda"')
            return function(f, self._device if place is None else place, *args, **kwargs)

        return load

    def _generator(self, kind: type[torch.Generator]) -> type[torch.Generator]:
        """Return a subclass that makes generators on the measured device."""
        replaced = self._replaced

        class Generator(kind):  # type: ignore[misc, valid-type]  # a class that is chosen at run time
            def __new__(cls, device: Any = "cpu") -> Any:
                return super().__new__(cls, replaced(device, "torch.Generator(...)"))

        return Generator

    def _noted(self, kind: type[_Stream], what: str) -> type[_Stream]:
        """Return a subclass that notes its use: a class, because code names it in annotations and `isinstance`."""
        mapping = self

        class Noted(kind):  # type: ignore[misc, valid-type]  # a class that is chosen at run time
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                mapping._use(what)

        return Noted

    def _answer(self, answer: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._use(what)
            return answer(*args, **kwargs)

        return call


def _factories() -> list[Callable[..., Any]]:
    """Functions of `torch` that make a tensor on a device that they are told, as torch itself lists them."""
    from torch.utils._device import _device_constructors

    listed = [one for one in _device_constructors() if getattr(torch, one.__name__, None) is one]
    return [*listed, *(getattr(torch, name) for name in _ALIKE)]


def map_to(device: torch.device, folder: Path, note: Callable[[str], None]) -> CudaCalls | None:
    """Map the CUDA calls of a submission's code to `device`; None where it is CUDA, or where no file names CUDA."""
    if device.type == "cuda" or not named(folder):
        return None
    calls = CudaCalls(device, lambda what: note(f"The code asks for CUDA ({what}); this was mapped to {device}."))
    calls.install()
    return calls
