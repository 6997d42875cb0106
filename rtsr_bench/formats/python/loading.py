"""Python code: a module in the submission's folder with a callable that returns the network."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import torch

from rtsr_bench.measuring.building import entry_builder
from rtsr_bench.measuring.guest import BadGuest, Notes
from rtsr_bench.wire import LoadModel


def builder(request: LoadModel, notes: Notes) -> Callable[[], torch.nn.Module]:
    """Import the entry's module; return what calls the entry anew at each call."""
    sys.path.insert(0, str(request.folder))
    module_name, _, name = request.entry.partition(":")
    entry = importlib.import_module(module_name)
    for part in name.split("."):
        entry = getattr(entry, part)
    if not callable(entry):
        raise BadGuest(f"{request.entry} is a {type(entry).__name__}, expected a callable that returns the model")
    return entry_builder(entry, request, notes)
