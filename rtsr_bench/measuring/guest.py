"""A guest's model: built on demand, in the number format that is asked for, and prepared by a backend."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from rtsr_bench.backends import BACKENDS
from rtsr_bench.execution import Execution, MemoryFormat, Precision
from rtsr_bench.measuring.process_state import ProcessState
from rtsr_bench.protocol import Size
from rtsr_bench.text import ascii_safe, cut

_DTYPES = {Precision.FP32: torch.float32, Precision.FP16: torch.float16, Precision.BF16: torch.bfloat16}
_LAYOUTS = {
    MemoryFormat.CONTIGUOUS: torch.contiguous_format,
    MemoryFormat.CHANNELS_LAST: torch.channels_last,
}
_autocast = torch.autocast

SMALL = Size(64, 64)
"""The input of a call that is made to see how a model behaves."""

_MOST_NOTE = 300


class BadGuest(Exception):  # noqa: N818 - it says what the guest is, and is a Failure once it reaches the parent
    """The guest's model breaks the contract in a way that no exception of its own tells."""


class Notes(list[str]):
    """What was done so that a model could be loaded: sentences for the record, each one once, fit to be shown."""

    def add(self, note: str) -> None:
        """Add a sentence, cut to what a record keeps."""
        line = cut(ascii_safe(" ".join(note.split())), _MOST_NOTE)
        if line not in self:
            self.append(line)


def dtype_of(execution: Execution) -> torch.dtype:
    """Number format of weights and input; autocast keeps both in fp32."""
    return _DTYPES[execution.weights]


def laid_out(tensor: torch.Tensor, execution: Execution) -> torch.Tensor:
    """Return an input in the number format and memory format of an execution: itself where it is so already."""
    return tensor.to(dtype_of(execution)).contiguous(memory_format=_LAYOUTS[execution.memory_format])


def autocast(execution: Execution, device: torch.device) -> AbstractContextManager[Any]:
    """Context of forward passes; with autocast the weights are cast once in it, as in real use."""
    wanted = execution.autocast
    return nullcontext() if wanted is None else _autocast(device.type, dtype=_DTYPES[wanted])


no_gradients = torch.no_grad
"""The gradient mode of every call of a guest's model: of images, timed, counted, checked.

Not `inference_mode`: in that a model that enables gradients for itself can't have any, and a tensor that a model keeps
from one call to the next can't be written to in a call made otherwise; and autocast would cast weights in each call.
"""


def place(model: torch.nn.Module, device: torch.device, dtype: torch.dtype | None = None) -> None:
    """Put a model into evaluation mode, onto a device and into a number format, in place.

    Nothing that the model's own `eval` and `to` return is used; where they leave weights behind, torch's are called.
    """
    model.eval()
    model.to(device)
    if dtype is not None:
        model.to(dtype)
    for tensor in (*model.parameters(), *model.buffers()):
        wrong = dtype is not None and tensor.is_floating_point() and tensor.dtype is not dtype
        if wrong or tensor.device.type != device.type:
            torch.nn.Module.to(model, device=device, dtype=dtype)
            break


@dataclass(kw_only=True, slots=True)
class Guest:
    """A guest's model on a device: built on demand, and anew if an execution needs another one.

    `build` returns a model without other references, on the CPU in the number format it comes in. `notes` says what was
    done to load it; `state` is the process as it was before. `module` is the model that was built last. `stubs` names
    packages that were replaced by a stub.
    """

    build: Callable[[], torch.nn.Module]
    device: torch.device
    data_range: float
    notes: Notes = field(default_factory=Notes)
    state: ProcessState | None = field(default=None, repr=False)
    stubs: tuple[str, ...] = ()
    module: torch.nn.Module | None = field(default=None, repr=False)
    _runs: Callable[[torch.Tensor], Any] | None = field(default=None, repr=False)
    _prepared_for: Execution | None = None

    def model(self, execution: Execution) -> Callable[[torch.Tensor], Any]:
        """Return the model prepared for an execution: in evaluation mode, on the device, called with an input alone."""
        module = self._module(execution)
        _let_autocast_keep(module, execution)
        if self._runs is None or self._prepared_for != execution:
            self._runs = BACKENDS.find(execution.backend).prepare(module, execution, self.device)
            self._prepared_for = execution
        return self._runs

    def _module(self, execution: Execution) -> torch.nn.Module:
        """The model with weights in the number format of an execution: the current one if only autocast differs."""
        known = self._prepared_for
        if self.module is not None and known is not None and _without_autocast(known) == _without_autocast(execution):
            return self.module
        model = self.build()
        if dtype_of(execution) is torch.float32:
            self._into_fp32(model)
        else:
            place(model, self.device, dtype_of(execution))
        self.module, self._runs, self._prepared_for = model, None, None
        return model

    def _into_fp32(self, model: torch.nn.Module) -> None:
        """Convert to fp32 a model that came otherwise, unless it takes fp32 as it is: it may cast what it is given."""
        came = {one.dtype for one in (*model.parameters(), *model.buffers()) if one.is_floating_point()}
        place(model, self.device)
        if came <= {torch.float32}:
            return
        names = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in came))
        try:
            with no_gradients():
                model(torch.zeros(1, 3, SMALL.height, SMALL.width, device=self.device, dtype=torch.float32))
        except BaseException:  # noqa: BLE001 - whatever it says to what it was not made for
            self.notes.add(f"the model came in {names}; it is converted to the precision that is asked for")
            place(model, self.device, torch.float32)
        else:
            self.notes.add(f"the model came in {names} and casts its input itself; for fp32 it is left as it is")

    def forget(self) -> None:
        """Let go of the model, so that its memory can be used."""
        self.module = self._runs = self._prepared_for = None


def _without_autocast(execution: Execution) -> Execution:
    return replace(execution, precision=execution.weights)


def _let_autocast_keep(model: torch.nn.Module, execution: Execution) -> None:
    """Autocast keeps the cast of a weight for the rest of its block only where the weight requires a gradient."""
    wanted = execution.autocast is not None
    for parameter in model.parameters():
        if parameter.is_floating_point() and not parameter.is_inference() and parameter.requires_grad != wanted:
            parameter.requires_grad_(wanted)
