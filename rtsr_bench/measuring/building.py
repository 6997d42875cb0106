"""Building a guest's network by calling its entry: with its arguments, its weights, and nothing left for later."""

from __future__ import annotations

import copy
import inspect
import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeGuard

import torch
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from rtsr_bench.measuring.guest import SMALL, BadGuest, Notes, no_gradients
from rtsr_bench.measuring.weights import load_weights
from rtsr_bench.wire import LoadModel


def entry_builder(entry: Callable[..., Any], request: LoadModel, notes: Notes) -> Callable[[], torch.nn.Module]:
    """Return what calls an entry with its arguments and loads the weights where the entry does not do so itself.

    Each call gives a network of its own, ready to be used: with its weights, in evaluation mode, on the CPU unless the
    entry itself puts it elsewhere.
    """
    checkpoint = None if request.checkpoint is None else str(request.checkpoint)
    takes_checkpoint = checkpoint is not None and "checkpoint" in inspect.signature(entry).parameters
    if request.weights_key and takes_checkpoint:
        raise BadGuest("weights_key: expected an entry without a parameter `checkpoint`, because one that has it loads "
                       "the file itself, found one with it; remove weights_key")  # fmt: skip
    folder = os.getcwd()  # noqa: PTH109 - a text already
    last: list[weakref.ref[torch.nn.Module]] = []

    def build() -> torch.nn.Module:
        with suppress(OSError):
            os.chdir(folder)  # the entry reads its files there, wherever its code went since
        # Fresh weights of an untrained model are the same in every build and process: the copies that are timed,
        # checked and run in half precision are one network. What it draws later, while it runs, is not seeded.
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            model = entry(**request.args, checkpoint=checkpoint) if takes_checkpoint else entry(**request.args)
            if not isinstance(model, torch.nn.Module):
                raise BadGuest(f"the entry returned a {type(model).__name__}, expected a torch.nn.Module")
            if last and model is last[0]():
                model = copy.deepcopy(model)  # one that the entry keeps must not change with what is done to this one
            last[:] = last or [weakref.ref(model)]
            if not isinstance(model, torch.jit.ScriptModule):
                _normal_tensors(model)
            if request.checkpoint is not None and not takes_checkpoint:
                load_weights(
                    model, request.checkpoint, allow_pickle=request.allow_pickle,
                    scale=request.scale, notes=notes, key=request.weights_key,
                )  # fmt: skip
            return _ready(model, request.data_range, notes)

    return build


def _normal_tensors(model: torch.nn.Module) -> None:
    """Replace weights that were made in inference mode, which cannot be changed outside of it."""
    for module in model.modules():
        parameters, buffers = module._parameters, module._buffers  # noqa: SLF001 - by no other way are they replaced
        for name, parameter in parameters.items():
            if _is_inference(parameter):
                parameters[name] = torch.nn.Parameter(parameter.clone(), requires_grad=False)
        for name, buffer in buffers.items():
            if _is_inference(buffer):
                buffers[name] = buffer.clone()


def _is_inference(tensor: torch.Tensor | None) -> TypeGuard[torch.Tensor]:
    if tensor is None or isinstance(tensor, UninitializedParameter | UninitializedBuffer):
        return False
    return tensor.is_inference()


def _ready(model: torch.nn.Module, data_range: float, notes: Notes) -> torch.nn.Module:
    """Put a network into evaluation mode; let lazy parts learn their shapes; take a scripted one for a graph."""
    if isinstance(model, torch.jit.ScriptModule):
        from rtsr_bench.formats.torchscript.loading import Script

        return Script(model)
    model.eval()
    lazy = [module for module in model.modules() if isinstance(module, LazyModuleMixin)]
    if lazy:
        notes.add(f"lazy modules ({len(lazy)}) were initialized by one call on an image of {SMALL}")
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(1, 3, SMALL.height, SMALL.width, generator=generator, dtype=torch.float32, device="cpu")
        device = next((one.device for one in model.parameters()), image.device)
        with no_gradients():
            model(image.to(device) * data_range)
    return model
