"""Loading a guest's model from its folder, and holding it in the precision that is asked for."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from rtsr_bench.protocol import Precision

_DTYPES = {Precision.FP16: torch.float16, Precision.BF16: torch.bfloat16}
_AUTOCAST = {Precision.AMP_FP16: torch.float16, Precision.AMP_BF16: torch.bfloat16}
_autocast, _no_grad, _inference_mode = torch.autocast, torch.no_grad, torch.inference_mode


class BadGuest(Exception):  # noqa: N818 - it says what the guest is, and is a Failure once it reaches the parent
    """The guest's model breaks the contract in a way that no exception of its own tells."""


def dtype_of(precision: Precision) -> torch.dtype:
    """Number format of weights and input in this precision; autocast keeps both in fp32."""
    return _DTYPES.get(precision, torch.float32)


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Context of forward passes in this precision; with `amp-*` the weights are cast once in it, as in real use."""
    dtype = _AUTOCAST.get(precision)
    return nullcontext() if dtype is None else _autocast(device.type, dtype=dtype)


def without_gradients(precision: Precision) -> AbstractContextManager[Any]:
    """Context without gradients: inference mode, or `no_grad` for `amp-*`, since inference mode casts in each call."""
    return _no_grad() if precision in _AUTOCAST else _inference_mode()


@dataclass(kw_only=True, slots=True)
class Guest:
    """A guest's model on a device: built on demand, and anew where a precision can't be had from what is there."""

    build: Callable[[], torch.nn.Module]
    device: torch.device
    data_range: float
    tf32: bool = False
    _model: torch.nn.Module | None = field(default=None, repr=False)
    _dtype: torch.dtype = torch.float32

    def model(self, precision: Precision) -> torch.nn.Module:
        """Return the model with weights as this precision wants them, in evaluation mode, on the device."""
        wanted = dtype_of(precision)
        if self._model is None or self._dtype != wanted:
            model = self.build().eval().to(self.device)
            self._model = model if wanted is torch.float32 else model.to(wanted)
            self._dtype = wanted
        _let_autocast_keep(self._model, precision)
        return self._model

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
    """Make a guest of a `load` request: read its folder in the way of its format and build its model once."""
    os.chdir(Path(request["folder"]))
    if request.get("allow_pickle"):  # what the guest's own code loads without saying how, as before torch 2.6
        os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    if request.get("packages"):  # what the submission requires stands before what is installed
        sys.path.insert(0, str(request["packages"]))
    if request["format"] == "python":
        build = _python(request)
    else:
        from rtsr_bench.measuring.formats import builder

        build = builder(request, device)
    guest = Guest(build=build, device=device, data_range=float(request["data_range"]), tf32=bool(request.get("tf32")))
    guest.model(Precision.FP32)
    return guest


def _python(request: Mapping[str, Any]) -> Callable[[], torch.nn.Module]:
    folder = Path(request["folder"])
    sys.path.insert(0, str(folder))
    module_name, _, name = str(request["entry"]).partition(":")
    entry = importlib.import_module(module_name)
    for part in name.split("."):
        entry = getattr(entry, part)
    if not callable(entry):
        raise BadGuest(f"{request['entry']} is a {type(entry).__name__}, expected a callable that returns the model")
    return entry_builder(entry, request)


def entry_builder(entry: Callable[..., Any], request: Mapping[str, Any]) -> Callable[[], torch.nn.Module]:
    """Return what calls an entry with its arguments and loads the weights where the entry does not do so itself."""
    arguments: dict[str, Any] = dict(request["args"])
    checkpoint: str | None = request["checkpoint"]
    takes_checkpoint = checkpoint is not None and "checkpoint" in inspect.signature(entry).parameters

    def build() -> torch.nn.Module:
        # Fresh weights of an untrained model are the same in every build and process: the copies that are timed,
        # checked and run in half precision are one network. What it draws later, while it runs, is not seeded.
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            model = entry(**arguments, checkpoint=checkpoint) if takes_checkpoint else entry(**arguments)
        if not isinstance(model, torch.nn.Module):
            raise BadGuest(f"the entry returned a {type(model).__name__}, expected a torch.nn.Module")
        if checkpoint is not None and not takes_checkpoint:
            weights = state_dict(checkpoint, allow_pickle=bool(request.get("allow_pickle")))
            model.load_state_dict(weights, strict=True)
        return model.requires_grad_(requires_grad=False)

    return build


def state_dict(checkpoint: str, *, allow_pickle: bool = False) -> dict[str, torch.Tensor]:
    """Read weights as data: safetensors, or a pickle that `weights_only=True` accepts.

    With `allow_pickle` any pickle, which may run what its author wrote: the caller sees to the room it runs in. The
    usual wrappings (`state_dict`, `params`, `params_ema`, `model`; the prefix `module.`) are taken off.
    """
    if checkpoint.endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(checkpoint)
    try:
        loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not allow_pickle:
            raise BadGuest(
                f"{Path(checkpoint).name} holds more than weights, which could run code as it is read, and is refused; "
                "save the state dict alone (safetensors, or torch.save(model.state_dict(), path)), or let it be read "
                "in the sandbox with --allow-pickle"
            ) from error
        loaded = torch.load(checkpoint, map_location="cpu", weights_only=False)
        if isinstance(loaded, torch.nn.Module):
            loaded = loaded.state_dict()
    for key in ("params_ema", "params", "state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
            break
    if not isinstance(loaded, dict):
        raise BadGuest(f"the checkpoint holds a {type(loaded).__name__}, expected a state dict")
    return {str(key).removeprefix("module."): value for key, value in loaded.items()}
