"""Loading a guest's model from its folder, and holding it in the precision that is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.measuring.process_state import ProcessState
from rtsr_bench.protocol import Precision, Size
from rtsr_bench.text import ascii_safe

_DTYPES = {Precision.FP16: torch.float16, Precision.BF16: torch.bfloat16}
_AUTOCAST = {Precision.AMP_FP16: torch.float16, Precision.AMP_BF16: torch.bfloat16}
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
        line = ascii_safe(" ".join(note.split()))
        line = line if len(line) <= _MOST_NOTE else line[: _MOST_NOTE - 1] + "…"
        if line not in self:
            self.append(line)


def dtype_of(precision: Precision) -> torch.dtype:
    """Number format of weights and input in this precision; autocast keeps both in fp32."""
    return _DTYPES.get(precision, torch.float32)


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Context of forward passes in this precision; with `amp-*` the weights are cast once in it, as in real use."""
    dtype = _AUTOCAST.get(precision)
    return nullcontext() if dtype is None else _autocast(device.type, dtype=dtype)


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
    """A guest's model on a device: built on demand, and anew where a precision can't be had from what is there.

    `build` returns a model that nobody else holds, on the CPU in the number format it comes in. `notes` says what was
    done to load it; `state` is the process as it was before.
    """

    build: Callable[[], torch.nn.Module]
    device: torch.device
    data_range: float
    tf32: bool = False
    notes: Notes = field(default_factory=Notes)
    state: ProcessState | None = field(default=None, repr=False)
    _model: torch.nn.Module | None = field(default=None, repr=False)
    _dtype: torch.dtype = torch.float32

    def model(self, precision: Precision) -> torch.nn.Module:
        """Return the model with weights as this precision wants them, in evaluation mode, on the device."""
        wanted = dtype_of(precision)
        if self._model is None or self._dtype != wanted:
            model = self.build()
            if wanted is torch.float32:
                self._into_fp32(model)
            else:
                place(model, self.device, wanted)
            self._model, self._dtype = model, wanted
        _let_autocast_keep(self._model, precision)
        return self._model

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
        self._model = None


def _let_autocast_keep(model: torch.nn.Module, precision: Precision) -> None:
    """Autocast keeps the cast of a weight for the rest of its block only where the weight requires a gradient."""
    wanted = precision in _AUTOCAST
    for parameter in model.parameters():
        if parameter.is_floating_point() and not parameter.is_inference() and parameter.requires_grad != wanted:
            parameter.requires_grad_(wanted)


def load(request: Mapping[str, Any], device: torch.device) -> Guest:
    """Make a guest of a `load` request: read its folder in the way of its format and build its model once.

    What its code changes in the process is set back. BadGuest where a file that its own code reads is none that
    anybody wanted to hand in.
    """
    from rtsr_bench.measuring.formats import builder
    from rtsr_bench.measuring.weightfile import complaint

    os.chdir(Path(request["folder"]))
    if request.get("allow_pickle"):  # what the guest's own code loads without saying how, as before torch 2.6
        os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    if request.get("packages"):  # what the submission requires stands before what is installed
        sys.path.insert(0, str(request["packages"]))
    notes, state = Notes(), ProcessState(device)
    try:
        build = builder(request, device, notes)
        guest = Guest(
            build=build,
            device=device,
            data_range=float(request["data_range"]),
            tf32=bool(request.get("tf32")),
            notes=notes,
            state=state,
        )
        guest.model(Precision.FP32)
    except Exception as error:
        reason = None if isinstance(error, BadGuest) else complaint(error)
        if reason is None:
            raise
        raise BadGuest(reason) from error
    finally:
        for change in state.restore(loaded=True):
            notes.add(change)
    return guest
