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
from typing import Any

import torch

_NAMED = re.compile(rb"\bcuda\b", re.IGNORECASE)
_FACTORIES = (
    "arange", "empty", "empty_like", "eye", "full", "full_like", "linspace", "ones", "ones_like", "rand", "rand_like",
    "randn", "randn_like", "randint", "tensor", "as_tensor", "zeros", "zeros_like",
)  # fmt: skip
_MOST_BYTES = 1 << 20


def named(folder: Path) -> bool:
    """Whether a Python file of a submission names CUDA anywhere."""
    for path in folder.rglob("*.py"):
        with path.open("rb") as file:
            if _NAMED.search(file.read(_MOST_BYTES)):
                return True
    return False


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
        cuda: Any = torch.cuda
        tensor.cuda = lambda one, *_, **__: self._moved(one, ".cuda()")
        module.cuda = lambda one, *_, **__: self._moved(one, ".cuda()")
        tensor.to = self._mapped(tensor.to, '.to("cuda")')
        module.to = self._mapped(module.to, '.to("cuda")')
        for name in _FACTORIES:
            setattr(torch, name, self._mapped(getattr(torch, name), 'device="cuda"'))
        torch.load = self._loading(torch.load)
        for name, value in {"current_device": 0, "set_device": None, "synchronize": None, "empty_cache": None}.items():
            setattr(cuda, name, self._answer(value, f"torch.cuda.{name}"))

    def _use(self, what: str) -> None:
        if what not in self.used:
            self.used.append(what)
            self._on_use(what)

    def _moved(self, one: Any, what: str) -> Any:
        self._use(what)
        return one.to(self._device)

    def _replaced(self, value: Any, what: str) -> Any:
        """Return the measured device for one that is CUDA, by name, by number or as a `torch.device`."""
        is_name = isinstance(value, str) and value.split(":")[0] == "cuda"
        if is_name or (isinstance(value, torch.device) and value.type == "cuda"):
            self._use(what)
            return self._device
        return value

    def _mapped(self, function: Callable[..., Any], what: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(
                *(self._replaced(one, what) for one in args),
                **{name: self._replaced(one, what) for name, one in kwargs.items()},
            )

        return call

    def _loading(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def load(file: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
            if callable(map_location) and not isinstance(map_location, torch.device):
                self._use("torch.load with a map_location function")
                map_location = self._device
            place = self._replaced(map_location, 'map_location="cuda"')
            return function(file, self._device if place is None else place, *args, **kwargs)

        return load

    def _answer(self, value: object, what: str) -> Callable[..., object]:
        def call(*args: Any, **kwargs: Any) -> object:
            del args, kwargs
            self._use(what)
            return value

        return call


def map_to(device: torch.device, folder: Path, note: Callable[[str], None]) -> CudaCalls | None:
    """Map the CUDA calls of a submission's code to `device`; None where it is CUDA, or where no file names CUDA."""
    if device.type == "cuda" or not named(folder):
        return None
    calls = CudaCalls(device, lambda what: note(f"The code asks for CUDA ({what}); this was mapped to {device}."))
    calls.install()
    return calls
